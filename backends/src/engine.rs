//! Choosing a store at run time, by a setting.

use session_core::{AnyStore, Settings};

use crate::{CachedStore, CookieStore, MemoryStore};

/// How many sessions `memory:` holds.
const MEMORY: usize = 100_000;

/// What stands before the names of Django's own engines.
const DJANGO: &str = "django.contrib.sessions.backends.";

/// Every form that `Settings::engine` may have, as an error tells it.
const FORMS: &str = "sqlite:PATH, postgres://…, file:DIRECTORY, signed_cookies:, redis://…, \
    redis://NODE,redis://NODE, memcached://HOST:PORT, memory:, or cached_db:CACHE|STORE with two of these";

/// Why no store was opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// There is no such engine.
    #[error("there is no session engine `{0}`; there are {FORMS}")]
    Unknown(String),
    /// It cannot stand in front of another store.
    #[error("`{0}` is no cache to put in front of a store; there are memory:, redis://… and memcached://…")]
    NoCache(String),
    /// One of Django's engines, which does not tell where the sessions are.
    #[error("the session engine `{engine}` does not tell where its sessions are; write it as {example}")]
    NeedsPlace {
        /// As the setting has it.
        engine: String,
        /// How it is written here.
        example: &'static str,
    },
    /// The store is not part of this build.
    #[error(
        "the store for `{engine}` is not part of this build; switch on the feature `{feature}` of session-backends"
    )]
    NotBuilt {
        /// As the setting has it, up to the colon.
        engine: String,
        /// The feature.
        feature: &'static str,
    },
    /// The store is there and could not be opened. The text has the place and, where one is known, the remedy.
    #[error("{0}")]
    NotOpened(String, #[source] Option<Box<dyn std::error::Error + Send + Sync>>),
}

impl EngineError {
    fn not_opened(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::NotOpened(error.to_string(), Some(error.into()))
    }
}

/// Opens the store that the setting `engine` (`SESSION_ENGINE`) names: a URL, or one of Django's own names where
/// that says enough. Stores that block are moved off the async threads.
///
/// ```
/// use session_backends::open;
/// use session_core::blocking::Wait;
/// use session_core::{Secret, Settings};
///
/// let engine = "signed_cookies:".into();
/// let settings = Settings::new("…").with(|settings| settings.engine = engine);
/// let store = open(&settings).wait()?;
///
/// let error = open(&settings.with(|settings| settings.engine = "mysql://host/db".into())).wait().unwrap_err();
/// assert!(error.to_string().starts_with("there is no session engine `mysql:"));
/// # Ok::<(), session_backends::EngineError>(())
/// ```
///
/// # Errors
/// [`EngineError`].
pub async fn open(settings: &Settings) -> Result<AnyStore, EngineError> {
    let engine = settings.engine.as_str();
    if let Some(pair) = engine.strip_prefix("cached_db:") {
        let (front, back) =
            pair.split_once('|').ok_or_else(|| EngineError::Unknown(without_secrets(engine)))?;
        return cached(front, open_one(back, settings).await?, settings).await;
    }
    open_one(engine, settings).await
}

/// A cache in front of a store.
async fn cached(front: &str, back: AnyStore, settings: &Settings) -> Result<AnyStore, EngineError> {
    match front.split_once(':') {
        Some(("memory", "")) => Ok(AnyStore::new(CachedStore::new(MemoryStore::new(MEMORY), back))),
        #[cfg(feature = "redis")]
        Some(("redis" | "rediss", _)) => {
            let front = crate::CacheStore::new(redis_cache(front).await?, settings).with_cached_db_keys();
            Ok(AnyStore::new(CachedStore::new(front, back)))
        }
        #[cfg(feature = "memcached")]
        Some(("memcached", address)) => {
            let front =
                crate::CacheStore::new(memcached_cache(address).await?, settings).with_cached_db_keys();
            Ok(AnyStore::new(CachedStore::new(front, back)))
        }
        // What is not built says so; what is no cache is refused.
        _ => {
            open_one(front, settings).await?;
            Err(EngineError::NoCache(without_secrets(front)))
        }
    }
}

/// Creates the table of a store that has one, as Django's `migrate` does; tells whether there is one to create.
///
/// # Errors
/// [`EngineError`].
pub async fn migrate(settings: &Settings) -> Result<bool, EngineError> {
    let engine = settings.engine.as_str();
    let place = engine.strip_prefix("cached_db:").and_then(|pair| pair.split_once('|'));
    let engine = place.map_or(engine, |(_, back)| back);
    match engine.split_once(':') {
        #[cfg(feature = "sqlite")]
        Some(("sqlite", path)) => {
            let store =
                crate::SqliteStore::open(database(path), settings).map_err(EngineError::not_opened)?;
            store.migrate().map_err(EngineError::not_opened)?;
            Ok(true)
        }
        #[cfg(feature = "postgres")]
        Some(("postgres" | "postgresql", _)) => {
            let store = crate::PostgresStore::connect(engine, settings).await;
            store.map_err(EngineError::not_opened)?.migrate().await.map_err(EngineError::not_opened)?;
            Ok(true)
        }
        _ => open(settings).await.map(|_| false),
    }
}

async fn open_one(engine: &str, settings: &Settings) -> Result<AnyStore, EngineError> {
    if let Some(name) = engine.strip_prefix(DJANGO) {
        return by_djangos_name(engine, name, settings);
    }
    match engine.split_once(':') {
        Some(("memory", "")) => Ok(AnyStore::new(MemoryStore::new(MEMORY))),
        Some(("signed_cookies", "")) => cookies(settings),
        Some(("file", directory)) => files(Some(directory), settings),
        Some(("sqlite", path)) => sqlite(path, settings),
        Some(("postgres" | "postgresql", _)) => postgres(engine, settings).await,
        Some(("redis" | "rediss", _)) => redis(engine, settings).await,
        Some(("memcached", address)) => memcached(address, settings).await,
        _ => Err(EngineError::Unknown(without_secrets(engine))),
    }
}

fn by_djangos_name(engine: &str, name: &str, settings: &Settings) -> Result<AnyStore, EngineError> {
    let example = match name {
        "file" => return files(None, settings),
        "signed_cookies" => return cookies(settings),
        "db" => "sqlite:PATH or postgres://user:password@host/database",
        "cache" => "redis://host or memcached://host:11211",
        "cached_db" => "cached_db:CACHE|STORE, such as cached_db:redis://host|sqlite:PATH",
        _ => return Err(EngineError::Unknown(engine.into())),
    };
    Err(EngineError::NeedsPlace { engine: engine.into(), example })
}

fn cookies(settings: &Settings) -> Result<AnyStore, EngineError> {
    Ok(AnyStore::new(CookieStore::new(settings).map_err(EngineError::not_opened)?))
}

#[cfg(feature = "file")]
fn files(directory: Option<&str>, settings: &Settings) -> Result<AnyStore, EngineError> {
    let place = directory.map_or_else(|| settings.file_path.clone(), |place| Some(database(place).into()));
    let settings = settings.clone().with(|settings| settings.file_path = place);
    let store = crate::FileStore::open(&settings).map_err(EngineError::not_opened)?;
    Ok(AnyStore::new(store))
}

#[cfg(not(feature = "file"))]
fn files(_: Option<&str>, _: &Settings) -> Result<AnyStore, EngineError> {
    Err(EngineError::NotBuilt { engine: "file:".into(), feature: "file" })
}

#[cfg(feature = "sqlite")]
fn sqlite(path: &str, settings: &Settings) -> Result<AnyStore, EngineError> {
    let store = crate::SqliteStore::open(database(path), settings).map_err(EngineError::not_opened)?;
    // What is in memory is new; nobody else could have made its table.
    if store.is_in_memory() { store.migrate() } else { store.check() }.map_err(EngineError::not_opened)?;
    Ok(AnyStore::new(store))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &str, _: &Settings) -> Result<AnyStore, EngineError> {
    Err(EngineError::NotBuilt { engine: "sqlite:".into(), feature: "sqlite" })
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str, settings: &Settings) -> Result<AnyStore, EngineError> {
    let store = crate::PostgresStore::connect(url, settings).await.map_err(EngineError::not_opened)?;
    store.check().await.map_err(EngineError::not_opened)?;
    Ok(AnyStore::new(store))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "as the one that is built")]
async fn postgres(_: &str, _: &Settings) -> Result<AnyStore, EngineError> {
    Err(EngineError::NotBuilt { engine: "postgres:".into(), feature: "postgres" })
}

#[cfg(feature = "redis")]
async fn redis(url: &str, settings: &Settings) -> Result<AnyStore, EngineError> {
    Ok(AnyStore::new(crate::CacheStore::new(redis_cache(url).await?, settings)))
}

#[cfg(feature = "redis")]
async fn redis_cache(url: &str) -> Result<crate::RedisCache, EngineError> {
    let nodes: Vec<&str> = url.split(',').collect();
    let cache = match nodes.as_slice() {
        [one] => crate::RedisCache::connect(one).await,
        nodes => crate::RedisCache::connect_cluster(nodes).await,
    };
    cache.map_err(EngineError::not_opened)
}

#[cfg(not(feature = "redis"))]
#[expect(clippy::unused_async, reason = "as the one that is built")]
async fn redis(_: &str, _: &Settings) -> Result<AnyStore, EngineError> {
    Err(EngineError::NotBuilt { engine: "redis:".into(), feature: "redis" })
}

#[cfg(feature = "memcached")]
async fn memcached(address: &str, settings: &Settings) -> Result<AnyStore, EngineError> {
    Ok(AnyStore::new(crate::CacheStore::new(memcached_cache(address).await?, settings)))
}

#[cfg(feature = "memcached")]
async fn memcached_cache(address: &str) -> Result<crate::MemcachedCache, EngineError> {
    crate::MemcachedCache::connect(address.trim_matches('/')).await.map_err(EngineError::not_opened)
}

#[cfg(not(feature = "memcached"))]
#[expect(clippy::unused_async, reason = "as the one that is built")]
async fn memcached(_: &str, _: &Settings) -> Result<AnyStore, EngineError> {
    Err(EngineError::NotBuilt { engine: "memcached:".into(), feature: "memcached" })
}

#[cfg(any(feature = "sqlite", feature = "file"))]
/// The path in a URL, which may be written with two slashes before it.
fn database(path: &str) -> &str {
    path.strip_prefix("//").unwrap_or(path)
}

/// An engine as an error may show it: up to what could be a password.
fn without_secrets(engine: &str) -> String {
    match engine.split_once("://") {
        Some((scheme, rest)) if rest.contains('@') => format!("{scheme}://…"),
        _ => engine.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use session_core::SessionStore;
    use session_core::blocking::Wait;

    use super::*;

    fn settings(engine: &str) -> Settings {
        Settings::new("s").with(|settings| settings.engine = engine.into())
    }

    #[rstest]
    #[case("mysql://me:hunter2@host/db", "there is no session engine `mysql://…`")]
    #[case("postgrs:x", "sqlite:PATH")]
    #[case("memory:7", "there is no session engine")]
    #[case("cached_db:memory:", "cached_db:CACHE|STORE")]
    #[case("cached_db:signed_cookies:|memory:", "`signed_cookies:` is no cache")]
    #[case("django.contrib.sessions.backends.db", "sqlite:PATH or postgres://")]
    #[case("django.contrib.sessions.backends.cache", "redis://host")]
    #[case("django.contrib.sessions.backends.cached_db", "cached_db:redis://host|sqlite:PATH")]
    #[case("django.contrib.sessions.backends.mine", "there is no session engine")]
    #[case("file:/no/such/place", "/no/such/place")]
    #[case("sqlite:/no/such/place.db", "/no/such/place.db")]
    fn an_engine_that_cannot_be_opened_is_told_by_name(#[case] engine: &str, #[case] said: &str) {
        let text = open(&settings(engine)).wait().unwrap_err().to_string();
        assert!(text.contains(said) && !text.contains("hunter2"), "{text}");
    }

    #[cfg(not(feature = "redis"))]
    #[test]
    fn a_store_that_is_not_built_names_its_feature() {
        let text = open(&settings("redis://host")).wait().unwrap_err().to_string();
        assert!(text.contains("switch on the feature `redis`"), "{text}");
    }

    #[cfg(all(feature = "sqlite", feature = "file"))]
    #[test]
    fn each_store_opens_by_its_name() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().display();
        let database = format!("sqlite:{place}/s.db");
        let text = open(&settings(&database)).wait().unwrap_err().to_string();
        assert!(text.contains("migrate"), "{text}");
        assert!(migrate(&settings(&database)).wait().unwrap());
        for (engine, server_side, persistent) in [
            (database.clone(), true, true),
            (format!("file:{place}"), true, true),
            (format!("cached_db:memory:|{database}"), true, true),
            ("memory:".into(), true, false),
            ("signed_cookies:".into(), false, true),
            ("django.contrib.sessions.backends.signed_cookies".into(), false, true),
        ] {
            let capabilities = open(&settings(&engine)).wait().unwrap().capabilities();
            assert_eq!(
                (capabilities.server_side, capabilities.persistent),
                (server_side, persistent),
                "{engine}"
            );
        }
    }

    /// A clock that knows who has asked it.
    #[cfg(all(feature = "sqlite", feature = "file"))]
    #[derive(Debug, Clone, Default)]
    struct Asked(std::sync::Arc<std::sync::Mutex<Vec<std::thread::ThreadId>>>);

    #[cfg(all(feature = "sqlite", feature = "file"))]
    impl session_core::Clock for Asked {
        fn now(&self) -> time::OffsetDateTime {
            self.0.lock().unwrap().push(std::thread::current().id());
            time::OffsetDateTime::UNIX_EPOCH
        }
    }

    #[cfg(all(feature = "sqlite", feature = "file"))]
    #[test]
    fn a_store_that_waits_for_a_disk_does_so_on_other_threads() {
        let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let settings = settings("");
        let by = Asked::default();
        let file = crate::FileStore::open_with_clock(directory.path(), &settings, by.clone()).unwrap();
        let database = directory.path().join("s.db");
        let sqlite = crate::SqliteStore::open_with_clock(database, &settings, by.clone()).unwrap();
        sqlite.migrate().unwrap();
        let cached = crate::CachedStore::new(
            crate::MemoryStore::with_clock(10, by.clone()),
            crate::FileStore::open_with_clock(other.path(), &settings, by.clone()).unwrap(),
        );
        let me = std::thread::current().id();
        for (store, here, elsewhere) in [
            (AnyStore::new(file), false, true),
            (AnyStore::new(sqlite), false, true),
            // Its front is asked here.
            (AnyStore::new(cached), true, true),
            (AnyStore::new(crate::MemoryStore::with_clock(10, by.clone())), true, false),
        ] {
            let key = session_core::SessionKey::parse(&"a".repeat(32)).unwrap();
            let record =
                session_core::Record::new(session_core::Entries::default(), time::OffsetDateTime::UNIX_EPOCH);
            by.0.lock().unwrap().clear();
            store.insert(&key, &record).wait().unwrap();
            let asked = by.0.lock().unwrap().clone();
            let (by_me, by_others): (Vec<_>, Vec<_>) = asked.into_iter().partition(|thread| *thread == me);
            assert_eq!((!by_me.is_empty(), !by_others.is_empty()), (here, elsewhere), "{store:?}");
        }
    }
}
