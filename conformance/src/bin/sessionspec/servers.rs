//! The stores on servers, as subjects. Each is part of this program where its feature is on: their clients take longer
//! to build than all the rest.

#[cfg(any(feature = "redis", feature = "memcached", feature = "postgres"))]
use session_conformance::subject::{Env, Opening, StoreHooks};
use session_conformance::subject::{Fault, Subject};
#[cfg(any(feature = "redis", feature = "memcached", feature = "postgres"))]
use tokio::runtime::Runtime;

#[cfg(any(feature = "redis", feature = "memcached", feature = "postgres"))]
use crate::store;

/// What URLs begin with, and the feature that each wants.
const SCHEMES: [(&str, &str); 5] = [
    ("redis", "redis"),
    ("rediss", "redis"),
    ("memcached", "memcached"),
    ("postgres", "postgres"),
    ("postgresql", "postgres"),
];

/// A store on a server.
#[derive(Debug, Clone)]
pub(crate) enum Server {
    /// A Redis or Valkey server, or a cluster: several URLs with commas between.
    #[cfg(feature = "redis")]
    Redis(String),
    /// A memcached server.
    #[cfg(feature = "memcached")]
    Memcached(String),
    /// A PostgreSQL database, which must have no sessions in it.
    #[cfg(feature = "postgres")]
    Postgres(String),
}

impl Server {
    /// The server of a URL, whose beginning is given too; nothing if none has such URLs.
    #[cfg_attr(
        not(any(feature = "redis", feature = "memcached", feature = "postgres")),
        expect(unused_variables, reason = "no store has a URL")
    )]
    pub(crate) fn parse(scheme: &str, url: &str) -> Option<Result<Self, String>> {
        match scheme {
            #[cfg(feature = "redis")]
            "redis" | "rediss" => Some(Ok(Self::Redis(url.into()))),
            #[cfg(feature = "memcached")]
            "memcached" => Some(Ok(Self::Memcached(url.into()))),
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => Some(Ok(Self::Postgres(url.into()))),
            _ => not_built(scheme).map(Err),
        }
    }

    /// The name in reports.
    pub(crate) fn name(&self) -> &'static str {
        match *self {
            #[cfg(feature = "redis")]
            Self::Redis(ref nodes) if nodes.contains(',') => "redis-cluster",
            #[cfg(feature = "redis")]
            Self::Redis(_) => "redis",
            #[cfg(feature = "memcached")]
            Self::Memcached(_) => "memcached",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => "postgres",
        }
    }

    /// The URL.
    pub(crate) fn url(&self) -> String {
        match *self {
            #[cfg(feature = "redis")]
            Self::Redis(ref url) => url.clone(),
            #[cfg(feature = "memcached")]
            Self::Memcached(ref url) => url.clone(),
            #[cfg(feature = "postgres")]
            Self::Postgres(ref url) => url.clone(),
        }
    }

    /// Opens it.
    pub(crate) fn subject(&self) -> Result<Box<dyn Subject>, Fault> {
        match *self {
            #[cfg(feature = "redis")]
            Self::Redis(ref url) => {
                use session_backends::RedisCache;
                let runtime = runtime()?;
                let nodes: Vec<&str> = url.split(',').collect();
                let cache = match nodes.as_slice() {
                    [one] => runtime.block_on(RedisCache::connect(one)),
                    nodes => runtime.block_on(RedisCache::connect_cluster(nodes)),
                };
                self.cached(cache, runtime)
            }
            #[cfg(feature = "memcached")]
            Self::Memcached(ref url) => {
                let runtime = runtime()?;
                let address = url.split_once(':').map_or(&**url, |(_, address)| address.trim_matches('/'));
                let cache = runtime.block_on(session_backends::MemcachedCache::connect(address));
                self.cached(cache.map(std::sync::Arc::new), runtime)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(ref url) => self.postgres(url),
        }
    }

    #[cfg(feature = "postgres")]
    fn postgres(&self, url: &str) -> Result<Box<dyn Subject>, Fault> {
        use session_backends::PostgresStore;
        use store::BoxError;
        let runtime = runtime()?;
        // The store on which the others are built signs nothing.
        let settings = session_core::Settings::new("sessionspec");
        let opened = runtime.block_on(async {
            let store = PostgresStore::connect(url, &settings).await?;
            store.migrate().await?;
            let row = store.pool().get().await?.query_one("SELECT count(*) FROM django_session", &[]).await?;
            Ok::<_, BoxError>((store, row.try_get::<_, i64>(0)?))
        });
        let (store, count) = opened.map_err(|error| Fault::Harness(error.to_string()))?;
        if count > 0 {
            return Err(Fault::Harness(format!(
                "the database holds {}, and the suite empties what it is given: name another one",
                store::sessions(count)
            )));
        }
        let (handle, pool) = (runtime.handle().clone(), store.pool().clone());
        let damage = move |_: &Env, key: &str| {
            let statement = "UPDATE django_session SET session_data = 'damaged' WHERE session_key = $1";
            let changed = handle
                .block_on(async { Ok::<_, BoxError>(pool.get().await?.execute(statement, &[&key]).await?) });
            changed.map(|rows| rows > 0).map_err(|error| error.to_string())
        };
        let handle = runtime.handle().clone();
        let open = move |env: &Env, opening| {
            if opening == Opening::Fresh {
                handle.block_on(async {
                    let client = store.pool().get().await?;
                    Ok::<_, BoxError>(client.execute("DELETE FROM django_session", &[]).await?)
                })?;
            }
            Ok(store.with_settings_and_clock(env.settings(), env.clock())?)
        };
        store::opened(self.name(), open, StoreHooks::default().with_damage(damage).with_runtime(runtime))
    }

    /// A cache on a server. Its keys have a prefix that is new for each trace, so that each trace begins with
    /// nothing; what is left there expires.
    #[cfg(any(feature = "redis", feature = "memcached"))]
    fn cached<C: session_backends::Cache + Clone + 'static>(
        &self,
        cache: Result<C, session_backends::CacheError>,
        runtime: Runtime,
    ) -> Result<Box<dyn Subject>, Fault> {
        use std::sync::{Arc, Mutex};

        use session_backends::CacheStore;
        use session_core::{KeyGenerator, RandomKeys, SessionKey};
        use store::lock;

        let cache = cache.map_err(|error| Fault::Harness(error.to_string()))?;
        let prefix: Arc<Mutex<String>> = Arc::default();
        let (damaged, damaged_prefix) = (cache.clone(), Arc::clone(&prefix));
        let handle = runtime.handle().clone();
        let damage = move |env: &Env, key: &str| {
            let store = CacheStore::with_clock(damaged.clone(), env.settings(), env.clock())
                .with_key_prefix(&lock(&damaged_prefix), 1);
            let Some(place) = SessionKey::parse(key).and_then(|key| store.cache_key(&key)) else {
                return Ok(false);
            };
            // A cache does not tell how long a value lives, and no trace waits so long.
            let life = std::time::Duration::from_secs(60);
            let replaced = handle.block_on(damaged.replace(&place, b"damaged".to_vec(), life));
            replaced.map_err(|error| error.to_string())
        };
        let open = move |env: &Env, opening| {
            let mut prefix = lock(&prefix);
            if opening == Opening::Fresh {
                *prefix = format!(
                    "sessionspec-{}",
                    RandomKeys.generate().map_err(|error| error.to_string())?.as_str()
                );
            }
            let store = CacheStore::with_clock(cache.clone(), env.settings(), env.clock());
            Ok(store.with_key_prefix(&prefix, 1))
        };
        let hooks = StoreHooks::default().with_damage(damage).with_wall_clock().with_runtime(runtime);
        store::opened(self.name(), open, hooks)
    }
}

/// What is said of URLs whose store could be part of this program.
fn not_built(scheme: &str) -> Option<String> {
    let (_, feature) = SCHEMES.iter().find(|(known, _)| *known == scheme)?;
    Some(format!(
        "the store for URLs with `{scheme}:` is not part of this build: add the feature `{feature}` of \
         session-conformance; in the repository, `cargo sessionspec-servers` has every store"
    ))
}

/// A runtime that works in the background too: connections want that.
#[cfg(any(feature = "redis", feature = "memcached", feature = "postgres"))]
fn runtime() -> Result<Runtime, Fault> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    built.map_err(|error| Fault::Harness(format!("no runtime can be started: {error}")))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("rediss", "feature `redis`")]
    #[case("memcached", "feature `memcached`")]
    #[case("postgresql", "feature `postgres`")]
    fn a_store_that_is_not_built_is_told_with_its_feature(#[case] scheme: &str, #[case] feature: &str) {
        assert!(not_built(scheme).unwrap().contains(feature));
    }

    #[test]
    fn a_url_of_no_server_is_none_of_these() {
        assert!(Server::parse("mysql", "mysql://host/db").is_none());
    }
}
