//! `CacheStore` on Redis against the bare client: the same keys, and JSON on both sides.

use criterion::Criterion;
use redis::aio::ConnectionManager;
use redis::{Client as RedisClient, cmd};
use session_backends::{CacheFormat, CacheStore, RedisCache};
use session_core::{Entries, Record, SessionKey};

use crate::visit::{self, Client, NOW, RUNTIME};

struct Bare {
    connection: ConnectionManager,
}

impl Bare {
    async fn set(&self, key: &SessionKey, record: &Record, condition: &str) {
        let value = record.data.to_json().into_owned().into_bytes();
        let life = i64::try_from((record.expires - NOW).whole_milliseconds()).unwrap();
        let mut command = cmd("SET");
        command.arg(visit::cache_key(key)).arg(value).arg(condition).arg("PX").arg(life);
        let set: Option<String> = command.query_async(&mut self.connection.clone()).await.unwrap();
        assert!(set.is_some());
    }
}

impl Client for Bare {
    type Loaded = Entries;

    async fn load(&self, key: &SessionKey) -> Entries {
        let mut command = cmd("GET");
        command.arg(visit::cache_key(key));
        let value: Vec<u8> = command.query_async(&mut self.connection.clone()).await.unwrap();
        Entries::parse(&value).unwrap()
    }

    async fn update(&self, key: &SessionKey, record: &Record) {
        self.set(key, record, "XX").await;
    }

    async fn insert(&self, key: &SessionKey, record: &Record) {
        self.set(key, record, "NX").await;
    }

    async fn delete(&self, key: &SessionKey) {
        let mut command = cmd("DEL");
        command.arg(visit::cache_key(key));
        let () = command.query_async(&mut self.connection.clone()).await.unwrap();
    }
}

pub(crate) fn operations(c: &mut Criterion, url: &str) {
    let cache = RUNTIME.block_on(RedisCache::connect(url)).unwrap();
    let store = || CacheStore::with_clock(cache.clone(), &visit::settings(), visit::clock());
    let connection = RUNTIME.block_on(ConnectionManager::new(RedisClient::open(url).unwrap())).unwrap();
    let ours = store().with_format(CacheFormat::Json);
    let keys = visit::fill(&ours);
    visit::compare(c, "redis", &keys, &ours, &Bare { connection });
    visit::empty(&ours);

    let pickled = store();
    visit::alone(c, "redis pickled", &visit::fill(&pickled), &pickled);
    visit::empty(&pickled);
}
