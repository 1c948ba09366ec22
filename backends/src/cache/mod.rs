//! Sessions in a cache that other processes share: Django's `cache` engine.
//!
//! - `mod.rs`: the store, and what it asks of a cache
//! - `redis.rs`: Redis and Valkey, one server or a cluster
//! - `memcached.rs`: memcached
//! - `front.rs`: the cache in front of another store

mod front;
#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "redis")]
mod redis;

use std::time::Duration;

use session_core::{
    BoxError, Capabilities, Clock, Entries, Record, SessionKey, SessionStore, Settings, StoreError,
    SystemClock, stored_expiry,
};

use crate::pickle::{self, PickleError};

#[cfg(feature = "memcached")]
pub use memcached::MemcachedCache;
#[cfg(feature = "redis")]
pub use redis::RedisCache;

/// What Django's engines put before the session key.
const CACHE_ENGINE: &str = "django.contrib.sessions.cache";
const CACHED_DB_ENGINE: &str = "django.contrib.sessions.cached_db";

/// A cache: values under keys, for a time. Each method is one atomic operation of the server.
///
/// An answer that is lost leaves it open whether the operation took place. A cache may ask again, but must not take
/// what it did the first time for somebody else's: then it looks at the value, or fails.
pub trait Cache: Send + Sync {
    /// The most bytes a value may have, if there is a limit.
    fn max_value_bytes(&self) -> Option<u64>;

    /// Whether a key may have this text; a key that may not holds nothing.
    fn accepts(&self, key: &str) -> bool;

    /// The value.
    ///
    /// # Errors
    /// [`CacheError`].
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Vec<u8>>, CacheError>> + Send;

    /// Whether there is a value.
    ///
    /// # Errors
    /// [`CacheError`].
    fn exists(&self, key: &str) -> impl Future<Output = Result<bool, CacheError>> + Send;

    /// Stores a value where there is none; tells whether it did.
    ///
    /// # Errors
    /// [`CacheError`].
    fn add(
        &self,
        key: &str,
        value: Vec<u8>,
        life: Duration,
    ) -> impl Future<Output = Result<bool, CacheError>> + Send;

    /// Stores a value where there is one already; tells whether it did.
    ///
    /// # Errors
    /// [`CacheError`].
    fn replace(
        &self,
        key: &str,
        value: Vec<u8>,
        life: Duration,
    ) -> impl Future<Output = Result<bool, CacheError>> + Send;

    /// Removes a value; tells whether there was one. If an answer was lost and nobody can tell any more, there was.
    ///
    /// # Errors
    /// [`CacheError`].
    fn delete(&self, key: &str) -> impl Future<Output = Result<bool, CacheError>> + Send;

    /// Stores a value and gives the one that was there before.
    ///
    /// # Errors
    /// [`CacheError`].
    fn exchange(
        &self,
        key: &str,
        value: Vec<u8>,
        life: Duration,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, CacheError>> + Send;

    /// Stores a value in the place of a certain other one; tells whether that was there.
    ///
    /// # Errors
    /// [`CacheError`].
    fn swap(
        &self,
        key: &str,
        old: &[u8],
        value: Vec<u8>,
        life: Duration,
    ) -> impl Future<Output = Result<bool, CacheError>> + Send;
}

impl<C: Cache> Cache for std::sync::Arc<C> {
    fn max_value_bytes(&self) -> Option<u64> {
        (**self).max_value_bytes()
    }
    fn accepts(&self, key: &str) -> bool {
        (**self).accepts(key)
    }
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        (**self).get(key).await
    }
    async fn exists(&self, key: &str) -> Result<bool, CacheError> {
        (**self).exists(key).await
    }
    async fn add(&self, key: &str, value: Vec<u8>, life: Duration) -> Result<bool, CacheError> {
        (**self).add(key, value, life).await
    }
    async fn replace(&self, key: &str, value: Vec<u8>, life: Duration) -> Result<bool, CacheError> {
        (**self).replace(key, value, life).await
    }
    async fn delete(&self, key: &str) -> Result<bool, CacheError> {
        (**self).delete(key).await
    }
    async fn exchange(
        &self,
        key: &str,
        value: Vec<u8>,
        life: Duration,
    ) -> Result<Option<Vec<u8>>, CacheError> {
        (**self).exchange(key, value, life).await
    }
    async fn swap(&self, key: &str, old: &[u8], value: Vec<u8>, life: Duration) -> Result<bool, CacheError> {
        (**self).swap(key, old, value, life).await
    }
}

/// Why a cache did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The value is larger than the cache takes.
    #[error("a value of {size} bytes is too large")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
    },
    /// The server is not there, or answers with an error.
    #[error("cannot use {address}{}", session_core::in_brackets(hint))]
    Unavailable {
        /// The server, without a password.
        address: String,
        /// What may help; empty where that is not known.
        hint: &'static str,
        /// What went wrong.
        source: BoxError,
    },
}

/// How session data is written into the cache. Both forms are read, whichever is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CacheFormat {
    /// Python's pickle, as Django writes it.
    #[default]
    Pickle,
    /// JSON, for caches that no Django reads.
    Json,
}

/// Sessions in a cache, readable and writable by Django's `cache` engine at the same time.
///
/// A record is gone when its time is over, or when the cache needs the room. A cache that is down is an error
/// and no empty session. Inserting and replacing are each one operation of the server, where Django asks
/// first and then writes.
///
/// With a cache of one's own; [`Cache`] says what it must be able to do:
///
/// ```
/// use session_backends::{Cache, CacheFormat, CacheStore};
/// use session_core::{AnyStore, Settings};
///
/// fn sessions_in(cache: impl Cache + 'static, settings: &Settings) -> AnyStore {
///     AnyStore::new(CacheStore::new(cache, settings).with_format(CacheFormat::Json))
/// }
/// ```
#[derive(Debug)]
pub struct CacheStore<C, K = SystemClock> {
    cache: C,
    clock: K,
    key_prefix: String,
    version: u32,
    engine: &'static str,
    format: CacheFormat,
    settings: Settings,
}

impl<C: Cache> CacheStore<C> {
    /// Sessions in this cache, under the keys that Django uses with an empty `KEY_PREFIX` and `VERSION` 1.
    pub fn new(cache: C, settings: &Settings) -> Self {
        Self::with_clock(cache, settings, SystemClock)
    }
}

impl<C: Cache, K: Clock> CacheStore<C, K> {
    /// The same with a clock of one's own. How long a record still lives is reckoned by it; when that is over,
    /// the cache's own clock tells.
    pub fn with_clock(cache: C, settings: &Settings, clock: K) -> Self {
        Self {
            cache,
            clock,
            key_prefix: String::new(),
            version: 1,
            engine: CACHE_ENGINE,
            format: CacheFormat::default(),
            settings: settings.clone(),
        }
    }

    /// The same store with another `KEY_PREFIX` and `VERSION`, as Django's `CACHES` has them.
    #[must_use]
    pub fn with_key_prefix(self, key_prefix: &str, version: u32) -> Self {
        Self { key_prefix: key_prefix.into(), version, ..self }
    }

    /// The same store under the keys of Django's `cached_db` engine, to be the front of a
    /// [`CachedStore`](crate::CachedStore).
    #[must_use]
    pub fn with_cached_db_keys(self) -> Self {
        Self { engine: CACHED_DB_ENGINE, ..self }
    }

    /// The same store with another format; [`CacheFormat::Pickle`] otherwise.
    #[must_use]
    pub fn with_format(self, format: CacheFormat) -> Self {
        Self { format, ..self }
    }

    /// The cache.
    pub fn cache(&self) -> &C {
        &self.cache
    }

    /// The key under which the cache has a session's record, `None` if no record can be there.
    pub fn cache_key(&self, key: &SessionKey) -> Option<String> {
        let text = format!("{}:{}:{}{}", self.key_prefix, self.version, self.engine, key.as_str());
        self.cache.accepts(&text).then_some(text)
    }

    fn encode(&self, key: &SessionKey, data: &Entries) -> Result<Vec<u8>, StoreError> {
        let encoded = match self.format {
            CacheFormat::Pickle => pickle::write(data, self.settings.max_data_bytes),
            CacheFormat::Json => match data.to_json() {
                json if json.len() > self.settings.max_data_bytes => {
                    Err(PickleError::TooLarge { limit: self.settings.max_data_bytes })
                }
                json => Ok(json.into_owned().into_bytes()),
            },
        };
        encoded.map_err(|error| error.into_store_error(key))
    }

    /// The data of a value in either form.
    fn decode(&self, key: &SessionKey, value: &[u8]) -> Result<Entries, StoreError> {
        let decoded = match value.first() {
            Some(b'{') if value.len() > self.settings.max_data_bytes => {
                Err(PickleError::TooLarge { limit: self.settings.max_data_bytes })
            }
            Some(b'{') => Entries::parse(value).map_err(PickleError::from),
            _ => pickle::read(value, self.settings.max_data_bytes),
        };
        decoded.map_err(|error| error.into_store_error(key))
    }

    /// How long a record still lives, `None` if it has expired.
    fn life(&self, record: &Record) -> Option<Duration> {
        Duration::try_from(record.expires - self.clock.now()).ok().filter(|life| !life.is_zero())
    }

    fn error(&self, operation: &str, key: &SessionKey, error: CacheError) -> StoreError {
        match error {
            CacheError::TooLarge { size } => {
                let limit = self.cache.max_value_bytes().unwrap_or(size);
                StoreError::too_large(key, size, limit)
            }
            CacheError::Unavailable { address, hint, source } => {
                StoreError::unavailable(format!("{operation} in {address}"), source).with_hint(hint)
            }
        }
    }
}

impl<C: Cache, K: Clock> SessionStore for CacheStore<C, K> {
    fn capabilities(&self) -> Capabilities {
        let cache = Capabilities::cache();
        self.cache.max_value_bytes().map_or(cache, |limit| cache.with_max_record_bytes(limit))
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let Some(text) = self.cache_key(key) else { return Ok(false) };
        self.cache.exists(&text).await.map_err(|error| self.error("look for a session", key, error))
    }

    /// The record; it expires at the latest when it says, and may do so earlier: the cache does not tell.
    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let Some(text) = self.cache_key(key) else { return Ok(None) };
        let value = self.cache.get(&text).await.map_err(|error| self.error("load a session", key, error))?;
        let Some(value) = value.filter(|value| !front::is_claim(value)) else { return Ok(None) };
        let data = self.decode(key, &value)?;
        let now = self.clock.now();
        let expires = stored_expiry(&data, now, &self.settings);
        // A cache that counts whole seconds keeps some records for a moment longer than they live.
        Ok((now < expires).then(|| Record::new(data, expires)))
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let fault = |error| self.error("insert a session", key, error);
        let refused = || CacheError::Unavailable {
            address: "the cache".into(),
            hint: "",
            source: "it takes no key of this form".into(),
        };
        let text = self.cache_key(key).ok_or_else(|| fault(refused()))?;
        let added = match self.life(record) {
            Some(life) => self.cache.add(&text, self.encode(key, &record.data)?, life).await,
            // What has expired already is gone at once.
            None => self.cache.exists(&text).await.map(|taken| !taken),
        };
        if added.map_err(fault)? { Ok(key.clone()) } else { Err(StoreError::Exists(key.clone())) }
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let Some(text) = self.cache_key(key) else { return Err(StoreError::NotFound(key.clone())) };
        let replaced = match self.life(record) {
            Some(life) => self.cache.replace(&text, self.encode(key, &record.data)?, life).await,
            None => self.cache.delete(&text).await,
        };
        let replaced = replaced.map_err(|error| self.error("update a session", key, error))?;
        if replaced { Ok(key.clone()) } else { Err(StoreError::NotFound(key.clone())) }
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let Some(text) = self.cache_key(key) else { return Ok(()) };
        self.cache.delete(&text).await.map_err(|error| self.error("delete a session", key, error))?;
        Ok(())
    }

    /// Does nothing: a cache forgets by itself.
    async fn clear_expired(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}
