//! `CacheStore` on memcached against the bare client: the same keys, and JSON on both sides.

use std::cell::Cell;

use async_memcached::{Client as MemcachedClient, MetaProtocol};
use criterion::Criterion;
use session_backends::{CacheFormat, CacheStore, MemcachedCache};
use session_core::{Entries, Record, SessionKey};

use crate::visit::{self, Client, NOW, RUNTIME};

/// The client, which is away while it is in use.
struct Bare {
    client: Cell<Option<MemcachedClient>>,
}

impl Bare {
    async fn set(&self, key: &SessionKey, record: &Record, mode: &str) {
        let value = record.data.to_json().into_owned().into_bytes();
        let life = format!("T{}", (record.expires - NOW).whole_seconds());
        let mut client = self.client.take().unwrap();
        let flags = [mode, &life];
        client.meta_set(visit::cache_key(key), value.as_slice(), false, None, Some(&flags)).await.unwrap();
        self.client.set(Some(client));
    }
}

impl Client for Bare {
    type Loaded = Entries;

    async fn load(&self, key: &SessionKey) -> Entries {
        let mut client = self.client.take().unwrap();
        let found = client.meta_get(visit::cache_key(key), false, None, Some(&["v"])).await.unwrap();
        self.client.set(Some(client));
        Entries::parse(&found.unwrap().data.unwrap()).unwrap()
    }

    async fn update(&self, key: &SessionKey, record: &Record) {
        self.set(key, record, "MR").await;
    }

    async fn insert(&self, key: &SessionKey, record: &Record) {
        self.set(key, record, "ME").await;
    }

    async fn delete(&self, key: &SessionKey) {
        let mut client = self.client.take().unwrap();
        client.meta_delete(visit::cache_key(key), false, None, None).await.unwrap();
        self.client.set(Some(client));
    }
}

pub(crate) fn operations(c: &mut Criterion, url: &str) {
    let address = url.trim_start_matches("memcached://");
    let cache = RUNTIME.block_on(MemcachedCache::connect(address)).unwrap();
    let cache = std::sync::Arc::new(cache);
    let store = || CacheStore::with_clock(cache.clone(), &visit::settings(), visit::clock());
    let client = RUNTIME.block_on(MemcachedClient::new(format!("tcp://{address}"))).unwrap();
    let ours = store().with_format(CacheFormat::Json);
    let keys = visit::fill(&ours);
    visit::compare(c, "memcached", &keys, &ours, &Bare { client: Cell::new(Some(client)) });
    visit::empty(&ours);

    let pickled = store();
    visit::alone(c, "memcached pickled", &visit::fill(&pickled), &pickled);
    visit::empty(&pickled);
}
