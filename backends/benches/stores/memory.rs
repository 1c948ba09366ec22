//! `MemoryStore` against a map under a lock, which never lets go of anything.

use std::collections::HashMap;
use std::sync::Mutex;

use criterion::Criterion;
use session_backends::MemoryStore;
use session_core::{Entries, ManualClock, Record, SessionKey};

use crate::visit::{self, Client, KEYS};

#[derive(Default)]
pub(crate) struct Bare {
    records: Mutex<HashMap<String, Record>>,
}

impl Client for Bare {
    async fn load(&self, key: &SessionKey) -> Entries {
        self.records.lock().unwrap()[key.as_str()].clone().data
    }

    async fn update(&self, key: &SessionKey, record: &Record) {
        *self.records.lock().unwrap().get_mut(key.as_str()).unwrap() = record.clone();
    }

    async fn insert(&self, key: &SessionKey, record: &Record) {
        self.records.lock().unwrap().insert(key.as_str().to_owned(), record.clone());
    }

    async fn delete(&self, key: &SessionKey) {
        self.records.lock().unwrap().remove(key.as_str());
    }
}

/// The store and its bare twin, with room for every session.
pub(crate) fn open() -> (MemoryStore<ManualClock>, Bare) {
    (MemoryStore::with_clock(2 * KEYS, visit::clock()), Bare::default())
}

pub(crate) fn operations(c: &mut Criterion) {
    let (store, bare) = open();
    let keys = visit::fill(&store);
    visit::fill_apart(&bare, &keys);
    visit::compare(c, "memory", &keys, &store, &bare);
}
