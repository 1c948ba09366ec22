//! `CachedStore`, memory in front of SQLite, against the two bare ones: read from memory, written to both.

use std::sync::Arc;

use criterion::Criterion;
use session_backends::CachedStore;
use session_core::{Record, SessionKey};

use crate::visit::{self, Client};
use crate::{memory, sqlite};

struct Bare<'c> {
    front: memory::Bare,
    back: sqlite::Bare<'c>,
}

impl Client for Bare<'_> {
    type Loaded = Arc<Record>;

    async fn load(&self, key: &SessionKey) -> Arc<Record> {
        self.front.load(key).await
    }

    async fn update(&self, key: &SessionKey, record: &Record) {
        self.back.update(key, record).await;
        self.front.update(key, record).await;
    }

    async fn insert(&self, key: &SessionKey, record: &Record) {
        self.back.insert(key, record).await;
        self.front.insert(key, record).await;
    }

    async fn delete(&self, key: &SessionKey) {
        self.back.delete(key).await;
        self.front.delete(key).await;
    }
}

pub(crate) fn operations(c: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.db");
    let (front, bare_front) = memory::open();
    let store = CachedStore::new(front, sqlite::open(&path));
    // Each of the two in memory by itself, so that they lie in it alike.
    let keys = visit::fill(store.back());
    visit::fill_apart(store.front(), &keys);
    visit::fill_apart(&bare_front, &keys);
    let connection = sqlite::connect(&path);
    let bare = Bare { front: bare_front, back: sqlite::Bare::new(&connection) };
    visit::compare(c, "cached_db", &keys, &store, &bare);
}
