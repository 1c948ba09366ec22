//! memcached.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_memcached::{Client, Error, ErrorKind, MetaProtocol, Status};
use session_core::{BoxError, Clock, SystemClock};
use tokio::time::timeout;

use super::{Cache, CacheError};

/// How long to wait for a connection, and for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How many idle connections are kept.
const POOL: usize = 16;

/// How often a change is tried that others spoil.
const ATTEMPTS: usize = 100;

/// The longest key, in bytes.
const MAX_KEY: usize = 250;

/// The largest item of a server as it comes, without what it adds to each.
const MAX_VALUE: u64 = (1 << 20) - 512;

/// From this many seconds on memcached takes a life for an instant, counted from 1970.
const LONGEST_RELATIVE: u64 = 60 * 60 * 24 * 30;

/// The flag under which Django's client for memcached (pymemcache) keeps pickles; without it the bytes are text.
const PICKLED: &str = "F1";

/// A memcached server (1.6 or newer). Connections are pooled, and made anew when they break. Needs a Tokio
/// runtime.
///
/// ```no_run
/// use session_backends::{CacheStore, MemcachedCache};
/// use session_core::Settings;
/// use session_core::middleware::SessionLayer;
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let settings = Settings::new("the site's secret");
/// let cache = MemcachedCache::connect("localhost:11211").await?;
/// let layer = SessionLayer::new(CacheStore::new(cache, &settings), settings)?;
/// # Ok(())
/// # }
/// ```
pub struct MemcachedCache<K = SystemClock> {
    address: String,
    /// What the server's clock shows.
    clock: K,
    idle: Mutex<Vec<Client>>,
}

/// What an operation does with a connection.
enum Request<'a> {
    Get,
    Set { value: &'a [u8], condition: &'a str, life: Duration },
    Delete,
}

impl Request<'_> {
    /// A value in the place of a numbered one is stored once: the second time it has another number.
    fn may_be_repeated(&self) -> bool {
        !matches!(self, Self::Set { condition, .. } if condition.starts_with('C'))
    }

    fn size(&self) -> u64 {
        match self {
            Self::Set { value, .. } => value.len() as u64,
            Self::Get | Self::Delete => 0,
        }
    }
}

/// What came out of it: the value and its number, if they were asked for and are there.
enum Answer {
    Done(Option<(Vec<u8>, u64)>),
    NotDone,
}

impl MemcachedCache {
    /// Connects to a server at `host:port`.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`] if the server is not there.
    pub async fn connect(address: &str) -> Result<Self, CacheError> {
        Self::connect_with_clock(address, SystemClock).await
    }
}

impl<K: Clock> MemcachedCache<K> {
    /// The same, to a server whose clock is not the system's: it is told lives of more than thirty days as instants.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`] if the server is not there.
    pub async fn connect_with_clock(address: &str, clock: K) -> Result<Self, CacheError> {
        let cache = Self { address: address.into(), clock, idle: Mutex::default() };
        let client = cache.client().await?;
        cache.give_back(client);
        Ok(cache)
    }

    async fn client(&self) -> Result<Client, CacheError> {
        let connecting = timeout(TIMEOUT, Client::new(format!("tcp://{}", self.address)));
        match connecting.await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(error)) => Err(self.unavailable(error)),
            Err(_) => Err(self.unavailable("no connection within 5 s")),
        }
    }

    fn unavailable(&self, source: impl Into<BoxError>) -> CacheError {
        CacheError::Unavailable {
            address: format!("memcached://{}", self.address),
            hint: "is the server running, and does the URL name it?",
            source: source.into(),
        }
    }

    fn give_back(&self, client: Client) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < POOL && !client.is_closed() {
            idle.push(client);
        }
    }

    /// Asks the server. On an idle connection that turns out to be dead what may be done twice is asked again, on a
    /// new one; tells whether.
    async fn ask(&self, key: &str, request: &Request<'_>) -> Result<(Answer, bool), CacheError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let was_idle = idle.is_some();
        let mut client = match idle {
            Some(client) => client,
            None => self.client().await?,
        };
        let mut twice = false;
        loop {
            let again = was_idle && !twice && request.may_be_repeated();
            match timeout(TIMEOUT, perform(&mut client, key, request, &self.clock)).await {
                Ok(Ok(answer)) => {
                    self.give_back(client);
                    return Ok((answer, twice));
                }
                Ok(Err(Error::Protocol(Status::Error(ErrorKind::Server(reason)))))
                    if reason.contains("too large") =>
                {
                    return Err(CacheError::TooLarge { size: request.size() });
                }
                Ok(Err(error)) if again && !matches!(error, Error::Protocol(_)) => {
                    client = self.client().await?;
                    twice = true;
                }
                Ok(Err(error)) => return Err(self.unavailable(error)),
                Err(_) => return Err(self.unavailable("no answer within 5 s")),
            }
        }
    }

    /// A value, and the number that it has until it changes.
    async fn find(&self, key: &str) -> Result<Option<(Vec<u8>, u64)>, CacheError> {
        match self.ask(key, &Request::Get).await?.0 {
            Answer::Done(found) => Ok(found),
            Answer::NotDone => Ok(None),
        }
    }

    /// Stores a value on a condition; tells whether it did, and whether it had to ask twice.
    async fn set(
        &self,
        key: &str,
        value: &[u8],
        life: Duration,
        condition: &str,
    ) -> Result<(bool, bool), CacheError> {
        // The server refuses a larger one too, but reads all of it first.
        if value.len() as u64 > MAX_VALUE {
            return Err(CacheError::TooLarge { size: value.len() as u64 });
        }
        let (answer, twice) = self.ask(key, &Request::Set { value, condition, life }).await?;
        Ok((matches!(answer, Answer::Done(_)), twice))
    }
}

async fn perform(
    client: &mut Client,
    key: &str,
    request: &Request<'_>,
    clock: &impl Clock,
) -> Result<Answer, Error> {
    let result = match request {
        Request::Get => {
            let found = client.meta_get(key, false, None, Some(&["v", "c"])).await?;
            return Ok(found.map_or(Answer::NotDone, |found| Answer::Done(found.data.zip(found.cas))));
        }
        Request::Set { value, condition, life } => {
            let life = format!("T{}", expiration(*life, clock));
            // A pickle begins with this byte, and no text does.
            let pickled = value.first() == Some(&0x80);
            let mut flags = vec![*condition, life.as_str()];
            flags.extend(pickled.then_some(PICKLED));
            client.meta_set(key, *value, false, None, Some(&flags)).await
        }
        Request::Delete => client.meta_delete(key, false, None, None).await,
    };
    match result {
        Ok(_) => Ok(Answer::Done(None)),
        Err(Error::Protocol(Status::NotStored | Status::NotFound | Status::Exists)) => Ok(Answer::NotDone),
        Err(error) => Err(error),
    }
}

/// A life as memcached counts it: in whole seconds, at least one, since zero would be for ever; from thirty days
/// on as an instant, the last of which is in the year 2038.
fn expiration(life: Duration, clock: &impl Clock) -> u64 {
    let seconds = life.as_secs().max(1);
    if seconds < LONGEST_RELATIVE {
        return seconds;
    }
    let now = u64::try_from(clock.now().unix_timestamp()).unwrap_or_default();
    now.saturating_add(seconds).min(i32::MAX.unsigned_abs().into())
}

impl<K> fmt::Debug for MemcachedCache<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemcachedCache").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<K: Clock> Cache for MemcachedCache<K> {
    fn max_value_bytes(&self) -> Option<u64> {
        Some(MAX_VALUE)
    }

    /// White space and control characters would end a key, and other alphabets are not taken.
    fn accepts(&self, key: &str) -> bool {
        key.len() <= MAX_KEY && key.bytes().all(|byte| byte.is_ascii_graphic())
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        Ok(self.find(key).await?.map(|(value, _)| value))
    }

    async fn exists(&self, key: &str) -> Result<bool, CacheError> {
        Ok(self.get(key).await?.is_some())
    }

    async fn add(&self, key: &str, value: Vec<u8>, life: Duration) -> Result<bool, CacheError> {
        match self.set(key, &value, life, "ME").await? {
            // What is there may be what was stored the first time.
            (false, true) => Ok(self.get(key).await?.is_some_and(|found| found == value)),
            (added, _) => Ok(added),
        }
    }

    async fn replace(&self, key: &str, value: Vec<u8>, life: Duration) -> Result<bool, CacheError> {
        // If it was done the first time and not the second, somebody has removed it meanwhile.
        Ok(self.set(key, &value, life, "MR").await?.0)
    }

    async fn delete(&self, key: &str) -> Result<bool, CacheError> {
        let (answer, twice) = self.ask(key, &Request::Delete).await?;
        Ok(twice || matches!(answer, Answer::Done(_)))
    }

    async fn exchange(
        &self,
        key: &str,
        value: Vec<u8>,
        life: Duration,
    ) -> Result<Option<Vec<u8>>, CacheError> {
        // The server does it in two steps, of which the second fails if somebody came between.
        for _ in 0..ATTEMPTS {
            let (condition, old) = match self.find(key).await? {
                Some((old, number)) => (format!("C{number}"), Some(old)),
                None => ("ME".into(), None),
            };
            // If the answer was lost the next round finds this value, which is not what was there before.
            match self.set(key, &value, life, &condition).await? {
                (true, _) => return Ok(old),
                (false, true) => return Err(self.unavailable("the answer was lost")),
                (false, false) => {}
            }
        }
        Err(self.unavailable("too many at once change one key"))
    }

    async fn swap(&self, key: &str, old: &[u8], value: Vec<u8>, life: Duration) -> Result<bool, CacheError> {
        match self.find(key).await? {
            Some((found, number)) if found == old => {
                Ok(self.set(key, &value, life, &format!("C{number}")).await?.0)
            }
            _ => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_are_whole_seconds_and_beyond_thirty_days_instants() {
        let of = |life| expiration(life, &SystemClock);
        assert_eq!(of(Duration::from_millis(1)), 1);
        assert_eq!(of(Duration::from_millis(10_999)), 10);
        assert_eq!(of(Duration::from_secs(LONGEST_RELATIVE - 1)), LONGEST_RELATIVE - 1);
        assert!(of(Duration::from_secs(LONGEST_RELATIVE)) > 1_700_000_000);
        assert_eq!(of(Duration::from_secs(u64::MAX)), 0x7fff_ffff);
    }
}
