//! `MemoryStore` against a map of shared records under a lock like its own, which never lets go of anything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use criterion::Criterion;
use session_backends::MemoryStore;
use session_core::{ManualClock, Record, SessionKey};

use crate::visit::{self, Client, KEYS};

#[derive(Default)]
pub(crate) struct Bare {
    records: Mutex<HashMap<String, Arc<Record>>>,
}

impl Client for Bare {
    type Loaded = Arc<Record>;

    async fn load(&self, key: &SessionKey) -> Arc<Record> {
        Arc::clone(&self.records.lock().unwrap()[key.as_str()])
    }

    async fn update(&self, key: &SessionKey, record: &Record) {
        *self.records.lock().unwrap().get_mut(key.as_str()).unwrap() = Arc::new(record.clone());
    }

    async fn insert(&self, key: &SessionKey, record: &Record) {
        self.records.lock().unwrap().insert(key.as_str().to_owned(), Arc::new(record.clone()));
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
