//! Redis and Valkey: one server, or a cluster.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::SingleNodeRoutingInfo;
use redis::{
    Client, Cmd, ErrorKind, FromRedisValue, RedisError, RetryMethod, Value, cmd, from_redis_value, pipe,
};
use tokio::time::{Instant, sleep};

use super::{Cache, CacheError};

/// How long to wait for a connection, and for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before a cluster is asked again the first time; then twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// Puts a value in the place of a certain other one, in one step.
const SWAP: &str = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end \
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1";

/// A Redis or Valkey server, or a cluster of them. Connections are shared by all tasks, and made anew when they
/// break. Cloning is cheap. Needs a Tokio runtime.
///
/// ```no_run
/// use session_backends::{CacheStore, RedisCache};
/// use session_core::Settings;
/// use session_core::middleware::SessionLayer;
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let settings = Settings::new("the site's secret");
/// let cache = RedisCache::connect("redis://localhost").await?;
/// let layer = SessionLayer::new(CacheStore::new(cache, &settings), settings)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisCache {
    connection: Connection,
    /// The address, without a password.
    address: String,
}

#[derive(Clone)]
enum Connection {
    One(ConnectionManager),
    Cluster(ClusterConnection),
}

impl RedisCache {
    /// Connects to a server: `redis://[user:password@]host[:port][/database]`, `rediss://…` with TLS. The server's
    /// certificate is checked against those that the system trusts (or the file that the variable
    /// `SSL_CERT_FILE` names).
    ///
    /// # Errors
    /// [`CacheError::Unavailable`] if the URL is invalid or the server is not there.
    pub async fn connect(url: &str) -> Result<Self, CacheError> {
        let address = without_password(url);
        let fault = |error| unavailable(&address, error);
        let client = Client::open(url).map_err(fault)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT))
            .set_number_of_retries(1);
        let manager = ConnectionManager::new_with_config(client, config).await.map_err(fault)?;
        Ok(Self { connection: Connection::One(manager), address })
    }

    /// Connects to a cluster by the URLs of some of its nodes; the others are found.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`] if a URL is invalid or no node is there.
    pub async fn connect_cluster(nodes: &[&str]) -> Result<Self, CacheError> {
        let addresses: Vec<String> = nodes.iter().map(|node| without_password(node)).collect();
        let address = addresses.join(",");
        let fault = |error| unavailable(&address, error);
        let client = ClusterClient::builder(nodes.iter().copied())
            .connection_timeout(TIMEOUT)
            .response_timeout(TIMEOUT)
            // `ask_cluster` asks again where it is safe: the client does not tell whether it did.
            .retries(0)
            .build()
            .map_err(fault)?;
        let connection = client.get_async_connection().await.map_err(fault)?;
        Ok(Self { connection: Connection::Cluster(connection), address })
    }

    /// Asks once. If the connection breaks, what was asked may have been done.
    async fn ask_once<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        match self.connection.clone() {
            Connection::One(mut manager) => command.query_async(&mut manager).await,
            Connection::Cluster(connection) => {
                from_redis_value(ask_cluster(connection, command).await?).map_err(RedisError::from)
            }
        }
    }

    /// Asks again if the connection broke, and tells whether: for what may be done twice.
    async fn ask_twice<T: FromRedisValue>(&self, command: &Cmd) -> Result<(T, bool), CacheError> {
        match self.ask_once(command).await {
            Ok(answer) => Ok((answer, false)),
            // The server was away since the last time.
            Err(error) if error.is_unrecoverable_error() => {
                self.ask(command).await.map(|answer| (answer, true))
            }
            Err(error) => Err(unavailable(&self.address, error)),
        }
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, CacheError> {
        self.ask_once(command).await.map_err(|error| unavailable(&self.address, error))
    }

    /// Stores a value on a condition; tells whether it did, and whether it had to ask twice.
    async fn set(
        &self,
        key: &str,
        value: &[u8],
        life: Duration,
        condition: &str,
    ) -> Result<(bool, bool), CacheError> {
        let mut command = cmd("SET");
        command.arg(key).arg(value).arg(condition).arg("PX").arg(milliseconds(life));
        let (answer, twice) = self.ask_twice::<Option<String>>(&command).await?;
        Ok((answer.is_some(), twice))
    }
}

impl fmt::Debug for RedisCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCache").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Asks a cluster: again as long as a node refuses because the slot is another's or on its way there, but not if
/// the answer was lost.
async fn ask_cluster(mut connection: ClusterConnection, command: &Cmd) -> Result<Value, RedisError> {
    let deadline = Instant::now() + TIMEOUT;
    let mut pause = FIRST_PAUSE;
    let mut asked = connection.req_packed_command(command).await.and_then(Value::extract_error);
    loop {
        let error = match asked {
            Err(error) if matches!(error.kind(), ErrorKind::Server(_)) && Instant::now() < deadline => error,
            asked => return asked,
        };
        asked = match (error.retry_method(), error.redirect_node()) {
            // The slot is moving, and the key is with the receiver or nowhere.
            (RetryMethod::AskRedirect, Some((node, _))) => ask_node(&mut connection, node, command).await,
            // The client learns the new distribution before it sends anything else.
            (
                RetryMethod::MovedRedirect | RetryMethod::RefreshSlotsAndRetry | RetryMethod::WaitAndRetry,
                _,
            ) => {
                sleep(pause).await;
                pause *= 2;
                connection.req_packed_command(command).await.and_then(Value::extract_error)
            }
            _ => return Err(error),
        };
    }
}

/// Asks the node that receives the slot of the key.
async fn ask_node(
    connection: &mut ClusterConnection,
    node: &str,
    command: &Cmd,
) -> Result<Value, RedisError> {
    let Some((host, Ok(port))) = node.rsplit_once(':').map(|(host, port)| (host, port.parse())) else {
        return Err((ErrorKind::Parse, "the cluster names a node that is no address", node.to_owned()).into());
    };
    let to = SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port };
    let mut both = pipe();
    both.cmd("ASKING").add_command(command.clone());
    let answers = connection.route_pipeline(both, 1, 1, to).await?;
    answers.into_iter().next_back().unwrap_or(Value::Nil).extract_error()
}

/// A life as Redis counts it: rounded down, so that no record outlives its session, and one millisecond less, since
/// Redis still has a value in the millisecond in which it expires; but zero would be an error, and so would be more than
/// fits into a signed number together with the present.
fn milliseconds(life: Duration) -> u64 {
    let whole = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
    whole.saturating_sub(1).clamp(1, i64::MAX.unsigned_abs() / 2)
}

/// A URL as it may be shown.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => url.to_owned(),
    }
}

fn unavailable(address: &str, error: RedisError) -> CacheError {
    let text = error.to_string();
    let remedy = match error.kind() {
        _ if text.contains("certificate") => {
            "have the system trust its issuer, or name the issuer's certificate in the variable SSL_CERT_FILE"
        }
        ErrorKind::Io => "is the server running, and does the URL name it?",
        ErrorKind::AuthenticationFailed => "look at the user and the password in the URL",
        ErrorKind::InvalidClientConfig => "a URL is redis://[user:password@]host[:port][/database]",
        _ => "",
    };
    CacheError::Unavailable { address: address.into(), hint: remedy, source: error.into() }
}

impl Cache for RedisCache {
    /// Half a gigabyte, which no session has.
    fn max_value_bytes(&self) -> Option<u64> {
        None
    }

    fn accepts(&self, _: &str) -> bool {
        true
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        Ok(self.ask_twice(cmd("GET").arg(key)).await?.0)
    }

    async fn exists(&self, key: &str) -> Result<bool, CacheError> {
        Ok(self.ask_twice(cmd("EXISTS").arg(key)).await?.0)
    }

    async fn add(&self, key: &str, value: Vec<u8>, life: Duration) -> Result<bool, CacheError> {
        match self.set(key, &value, life, "NX").await? {
            // What is there may be what was stored the first time.
            (false, true) => Ok(self.get(key).await?.is_some_and(|found| found == value)),
            (added, _) => Ok(added),
        }
    }

    async fn replace(&self, key: &str, value: Vec<u8>, life: Duration) -> Result<bool, CacheError> {
        // If it was done the first time and not the second, somebody has removed it meanwhile.
        Ok(self.set(key, &value, life, "XX").await?.0)
    }

    async fn delete(&self, key: &str) -> Result<bool, CacheError> {
        let (removed, twice) = self.ask_twice::<bool>(cmd("DEL").arg(key)).await?;
        Ok(removed || twice)
    }

    async fn exchange(
        &self,
        key: &str,
        value: Vec<u8>,
        life: Duration,
    ) -> Result<Option<Vec<u8>>, CacheError> {
        self.ask(cmd("SET").arg(key).arg(value).arg("PX").arg(milliseconds(life)).arg("GET")).await
    }

    async fn swap(&self, key: &str, old: &[u8], value: Vec<u8>, life: Duration) -> Result<bool, CacheError> {
        let mut command = cmd("EVAL");
        command.arg(SWAP).arg(1).arg(key).arg(old).arg(value).arg(milliseconds(life));
        self.ask(&command).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(without_password("redis://me:se@cret@host:1/2"), "redis://host:1/2");
        assert_eq!(without_password("redis://host"), "redis://host");
    }
}
