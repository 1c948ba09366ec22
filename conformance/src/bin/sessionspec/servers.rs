//! The stores on servers, as subjects. Each is part of this program where its feature is on: their clients take longer
//! to build than all the rest.

#[cfg(any(feature = "redis", feature = "postgres"))]
use std::sync::atomic::{AtomicU32, Ordering};
#[cfg(any(feature = "redis", feature = "memcached", feature = "postgres"))]
use std::sync::{Arc, Mutex};

#[cfg(any(feature = "redis", feature = "memcached"))]
use session_backends::CacheError;
#[cfg(any(feature = "redis", feature = "memcached"))]
use session_conformance::moved::VARIABLE;
#[cfg(any(feature = "redis", feature = "memcached"))]
use session_conformance::server::{self, ServerClock};
#[cfg(any(feature = "redis", feature = "memcached", feature = "postgres"))]
use session_conformance::server::{OwnServer, ServerKind};
#[cfg(any(feature = "redis", feature = "memcached", feature = "postgres"))]
use session_conformance::subject::{Env, Opening, StoreHooks};
use session_conformance::subject::{Fault, Subject};
#[cfg(any(feature = "redis", feature = "memcached", feature = "postgres"))]
use session_core::Chain;
#[cfg(any(feature = "redis", feature = "memcached", feature = "postgres"))]
use tokio::runtime::Runtime;

#[cfg(any(feature = "redis", feature = "memcached", feature = "postgres"))]
use crate::store::{self, lock};

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
    /// A Redis or Valkey server, or a cluster: several URLs with commas between. `redis:` is one that is started for
    /// the run.
    #[cfg(feature = "redis")]
    Redis(String),
    /// A memcached server. `memcached:` is one that is started for the run.
    #[cfg(feature = "memcached")]
    Memcached(String),
    /// A PostgreSQL database, which must have no sessions in it. `postgres:` is one on a server that is started for the run.
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
            Self::Redis(ref nodes) if nodes.contains(',') && own_settings(nodes).is_none() => "redis-cluster",
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
                let served = Served::of(ServerKind::Redis, url)?;
                let runtime = runtime()?;
                let handle = runtime.handle().clone();
                let url = served.own_url().unwrap_or_else(|| url.clone());
                let connect = move || {
                    let nodes: Vec<&str> = url.split(',').collect();
                    match nodes.as_slice() {
                        [one] => handle.block_on(RedisCache::connect(one)),
                        nodes => handle.block_on(RedisCache::connect_cluster(nodes)),
                    }
                };
                let mut cache = OfThisLife::new(&served, connect().map_err(unreachable)?);
                self.cached(move |_: &Env| cache.get(&connect), served, runtime)
            }
            #[cfg(feature = "memcached")]
            Self::Memcached(ref url) => {
                use session_backends::MemcachedCache;
                let served = Served::of(ServerKind::Memcached, url)?;
                let runtime = runtime()?;
                let handle = runtime.handle().clone();
                let url = served.own_url().unwrap_or_else(|| {
                    url.split_once(':').map_or(&**url, |(_, address)| address.trim_matches('/')).to_owned()
                });
                if served.is_moved() {
                    // It may have been started again, and its clock is the store's.
                    let connect = move |env: &Env| {
                        handle.block_on(MemcachedCache::connect_with_clock(&url, env.clock())).map(Arc::new)
                    };
                    return self.cached(connect, served, runtime);
                }
                let cache =
                    handle.block_on(MemcachedCache::connect(&url)).map(Arc::new).map_err(unreachable)?;
                self.cached(move |_: &Env| Ok(Arc::clone(&cache)), served, runtime)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(ref url) => self.postgres(url),
        }
    }

    #[cfg(feature = "postgres")]
    fn postgres(&self, url: &str) -> Result<Box<dyn Subject>, Fault> {
        use session_backends::PostgresStore;
        use store::BoxError;
        let own =
            own_settings(url).transpose()?.map(|settings| OwnServer::start(ServerKind::Postgres, settings));
        let own = own.transpose().map_err(Fault::Harness)?;
        let url = own.as_ref().map_or_else(|| url.to_owned(), OwnServer::url);
        let runtime = runtime()?;
        // The store on which the others are built signs nothing.
        let settings = session_core::Settings::new("sessionspec");
        let opened = runtime.block_on(async {
            let store = PostgresStore::connect(&url, &settings).await?;
            store.migrate().await?;
            let row = store.pool().get().await?.query_one("SELECT count(*) FROM django_session", &[]).await?;
            Ok::<_, BoxError>((store, row.try_get::<_, i64>(0)?))
        });
        let (store, count) = opened.map_err(|error| Fault::Harness(Chain(&*error).to_string()))?;
        if count > 0 {
            return Err(Fault::Harness(format!(
                "the database holds {}, and the suite empties what it is given: name another one",
                store::sessions(count)
            )));
        }
        let handle = runtime.handle().clone();
        let connect = move || {
            let connected = handle.block_on(PostgresStore::connect(&url, &settings));
            connected.map(Arc::new).map_err(BoxError::from)
        };
        let lives = own.as_ref().map(OwnServer::lives).unwrap_or_default();
        let store = Arc::new(Mutex::new(OfThisLife::made_in(lives, Arc::new(store))));
        let store = move || lock(&store).get(&connect);
        let (handle, damaged) = (runtime.handle().clone(), store.clone());
        let damage = move |_: &Env, key: &str| {
            let statement = "UPDATE django_session SET session_data = 'damaged' WHERE session_key = $1";
            let changed = damaged().and_then(|store| {
                handle.block_on(async { Ok(store.pool().get().await?.execute(statement, &[&key]).await?) })
            });
            changed.map(|rows| rows > 0).map_err(|error| Chain(&*error).to_string())
        };
        let handle = runtime.handle().clone();
        let open = move |env: &Env, opening| {
            let store = store()?;
            if opening == Opening::Fresh {
                handle.block_on(async {
                    let client = store.pool().get().await?;
                    Ok::<_, BoxError>(client.execute("DELETE FROM django_session", &[]).await?)
                })?;
            }
            Ok(store.with_settings_and_clock(env.settings(), env.clock())?)
        };
        let hooks = StoreHooks::default().with_damage(damage).with_runtime(runtime);
        let hooks = match own {
            // The store is told the time, so that nothing has to be waited for where the server's clock stays.
            Some(server) if !server.is_moved() => server.hooks(hooks).with_virtual_clock(),
            Some(server) => server.hooks(hooks),
            None => hooks,
        };
        store::opened(self.name(), open, hooks)
    }

    /// A cache on a server. Its keys have the environment's name before them, so that each trace begins with nothing; what
    /// is left there expires. For each there may be a new connection.
    #[cfg(any(feature = "redis", feature = "memcached"))]
    fn cached<C: session_backends::Cache + Clone + 'static>(
        &self,
        mut connect: impl FnMut(&Env) -> Result<C, CacheError> + 'static,
        served: Served,
        runtime: Runtime,
    ) -> Result<Box<dyn Subject>, Fault> {
        use session_backends::CacheStore;
        use session_core::SessionKey;

        let connection: Arc<Mutex<Option<C>>> = Arc::default();
        let damaged = Arc::clone(&connection);
        let handle = runtime.handle().clone();
        let in_place = served.address().filter(|_| !has_database(&self.url()));
        let can_damage = in_place.is_some() || !served.is_moved();
        let damage = move |env: &Env, key: &str| {
            let Some(cache) = lock(&damaged).clone() else { return Ok(false) };
            let store = CacheStore::with_clock(cache.clone(), env.settings(), env.clock())
                .with_key_prefix(env.name(), 1);
            let Some(place) = SessionKey::parse(key).and_then(|key| store.cache_key(&key)) else {
                return Ok(false);
            };
            if let Some((kind, address)) = &in_place {
                return server::damage(*kind, address, &place);
            }
            // A cache does not tell how long a value lives, and no trace waits so long.
            let life = std::time::Duration::from_secs(60);
            let replaced = handle.block_on(cache.replace(&place, b"damaged".to_vec(), life));
            replaced.map_err(|error| Chain(&error).to_string())
        };
        let open = move |env: &Env, opening| {
            let mut connection = lock(&connection);
            let known = connection.clone().filter(|_| opening == Opening::SecondHandle);
            let cache = known.map_or_else(|| connect(env), Ok)?;
            *connection = Some(cache.clone());
            Ok(CacheStore::with_clock(cache, env.settings(), env.clock()).with_key_prefix(env.name(), 1))
        };
        let hooks = StoreHooks::default().with_other_storage().with_runtime(runtime);
        // Where the clock is moved, what is damaged must expire when it did.
        let hooks = if can_damage { hooks.with_damage(damage) } else { hooks };
        let hooks = served.hooks(hooks);
        store::opened(self.name(), open, hooks)
    }
}

/// A connection to a server that may be started again.
#[cfg(any(feature = "redis", feature = "postgres"))]
struct OfThisLife<C> {
    connection: C,
    lives: Arc<AtomicU32>,
    /// In which of the server's lives it was made.
    made: u32,
}

#[cfg(any(feature = "redis", feature = "postgres"))]
impl<C: Clone> OfThisLife<C> {
    #[cfg(feature = "redis")]
    fn new(served: &Served, connection: C) -> Self {
        let lives = match served {
            Served::Own(own) => own.lives(),
            Served::Shared(..) | Served::Other(_) => Arc::default(),
        };
        Self::made_in(lives, connection)
    }

    fn made_in(lives: Arc<AtomicU32>, connection: C) -> Self {
        Self { made: lives.load(Ordering::Relaxed), connection, lives }
    }

    /// The connection; another one if the server was started again since.
    fn get<E>(&mut self, connect: impl FnOnce() -> Result<C, E>) -> Result<C, E> {
        let life = self.lives.load(Ordering::Relaxed);
        if life != self.made {
            self.connection = connect()?;
            self.made = life;
        }
        Ok(self.connection.clone())
    }
}

/// What a URL says of a server that is to be started: `redis:`, or `redis:?appendfsync=always` with settings of the server's
/// own. `None` if the URL has an address.
#[cfg(any(feature = "redis", feature = "memcached", feature = "postgres"))]
fn own_settings(url: &str) -> Option<Result<Vec<(String, String)>, Fault>> {
    let (_, rest) = url.split_once(':')?;
    let settings = if rest.is_empty() { "" } else { rest.strip_prefix('?')? };
    let pairs = settings.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let named = pair.split_once('=').filter(|(name, _)| !name.is_empty());
        let (name, value) = named.ok_or_else(|| {
            Fault::Harness(format!("a setting of the server is NAME=VALUE, and not {pair:?}"))
        })?;
        Ok((name.to_owned(), value.to_owned()))
    });
    Some(pairs.collect())
}

/// A server of caches, and how time reaches it.
#[cfg(any(feature = "redis", feature = "memcached"))]
enum Served {
    /// It was started for this run.
    Own(OwnServer),
    /// It runs under a clock that the environment names.
    Shared(ServerClock, String),
    /// Its clock is waited for; why, if it should be moved.
    Other(Option<String>),
}

#[cfg(any(feature = "redis", feature = "memcached"))]
impl Served {
    /// The server of a URL. One without an address is started.
    fn of(kind: ServerKind, url: &str) -> Result<Self, Fault> {
        if let Some(settings) = own_settings(url) {
            return OwnServer::start(kind, settings?).map(Self::Own).map_err(Fault::Harness);
        }
        if std::env::var_os(VARIABLE).is_none() {
            return Ok(Self::Other(None));
        }
        let shared = plain_addresses(url).and_then(|addresses| ServerClock::shared(kind, addresses));
        let tested = shared.and_then(|mut clock| clock.test().map(|test| (clock, test)));
        Ok(match tested {
            Ok((clock, test)) => Self::Shared(clock, test),
            Err(reason) => Self::Other(Some(reason)),
        })
    }

    /// The URL of a server that was started here.
    fn own_url(&self) -> Option<String> {
        match self {
            Self::Own(server) => Some(server.url()),
            _ => None,
        }
    }

    /// Where it is, if it can be asked without more ado.
    fn address(&self) -> Option<(ServerKind, String)> {
        match self {
            Self::Own(server) => Some((server.kind(), server.address())),
            Self::Shared(clock, _) => Some((clock.kind(), clock.address()?.to_owned())),
            Self::Other(_) => None,
        }
    }

    /// Whether its clock is moved.
    fn is_moved(&self) -> bool {
        match self {
            Self::Own(server) => server.is_moved(),
            Self::Shared(..) => true,
            Self::Other(_) => false,
        }
    }

    /// The hooks of the store on it. They hold the server.
    fn hooks(self, hooks: StoreHooks) -> StoreHooks {
        match self {
            Self::Own(server) => server.hooks(hooks),
            Self::Shared(mut clock, test) => {
                hooks.with_moved_clock(test, clock.kind().reach(), move |now| clock.to(now))
            }
            Self::Other(Some(reason)) => hooks.with_unmoved_clock(reason),
            Self::Other(None) => hooks.with_wall_clock(),
        }
    }
}

/// The addresses in URLs of servers that can be asked for their time without more ado.
#[cfg(any(feature = "redis", feature = "memcached"))]
fn plain_addresses(urls: &str) -> Result<Vec<String>, String> {
    let address = |url: &str| {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let address = rest.split(['/', '?']).next().unwrap_or_default();
        if matches!(scheme, "redis" | "memcached") && !address.is_empty() && !address.contains('@') {
            return Ok(address.to_owned());
        }
        Err("the server's time can be asked only over a plain connection without a password".to_owned())
    };
    urls.split(',').map(address).collect()
}

/// Whether a URL names another database of a Redis than the first, which is where one is that says nothing.
#[cfg(any(feature = "redis", feature = "memcached"))]
fn has_database(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.split('?').next().and_then(|place| place.split_once('/'));
    !matches!(path, None | Some((_, "" | "0")))
}

/// A server that is not there.
#[cfg(any(feature = "redis", feature = "memcached"))]
#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
fn unreachable(error: CacheError) -> Fault {
    Fault::Harness(Chain(&error).to_string())
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

    #[cfg(feature = "redis")]
    #[rstest]
    #[case("redis:", false)]
    #[case("redis:?dir=/tmp/a", false)]
    #[case("redis://127.0.0.1:7000", false)]
    #[case("redis://127.0.0.1:7000/0?protocol=3", false)]
    #[case("redis://127.0.0.1:7000/3", true)]
    fn what_is_in_another_database_is_not_looked_for_in_the_first(#[case] url: &str, #[case] other: bool) {
        assert_eq!(has_database(url), other);
    }

    #[cfg(feature = "redis")]
    #[rstest]
    #[case("redis:", Some(Ok(vec![])))]
    #[case("redis:?save=1 1&appendfsync=always", Some(Ok(vec![("save", "1 1"), ("appendfsync", "always")])))]
    #[case("redis:?appendfsync", Some(Err("a setting of the server is NAME=VALUE")))]
    #[case("redis:?=1", Some(Err("a setting of the server is NAME=VALUE")))]
    #[case("redis://127.0.0.1:7000", None)]
    fn the_settings_of_a_server_of_our_own_are_in_its_url(
        #[case] url: &str,
        #[case] expected: Option<Result<Vec<(&str, &str)>, &str>>,
    ) {
        match (own_settings(url), expected) {
            (Some(Ok(found)), Some(Ok(expected))) => {
                let found: Vec<_> =
                    found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                assert_eq!(found, expected);
            }
            (Some(Err(found)), Some(Err(expected))) => {
                assert!(found.to_string().contains(expected), "{found}");
            }
            (found, expected) => assert_eq!(found.is_none(), expected.is_none(), "{found:?}"),
        }
    }

    #[test]
    fn a_url_of_no_server_is_none_of_these() {
        assert!(Server::parse("mysql", "mysql://host/db").is_none());
    }
}
