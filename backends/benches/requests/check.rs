//! Whether the sites do what is said to be measured: a page that leaves the session untouched asks the store for
//! nothing, one that reads loads it, and one that writes loads it and updates it.

use std::mem;
use std::sync::{Arc, Mutex};

use axum::body::to_bytes;
use http::{StatusCode, header};
use session_backends::ForTowerSessions;
use session_core::{AnyStore, Capabilities, Record, SessionKey, SessionStore, StoreError};
use tower::ServiceExt;

use crate::sites::{self, Page, Site};

/// The pages that a visitor asks for, and which number each tells. A number that was read came out of the store.
const VISITS: [(Page, u64, &[&str]); 5] = [
    (Page::Untouched, 0, &[]),
    (Page::Read, 0, &["load"]),
    (Page::Written, 1, &["load", "update"]),
    (Page::Untouched, 0, &[]),
    (Page::Read, 1, &["load"]),
];

/// Checks the site under our layer.
pub(crate) async fn ours(store: &AnyStore) {
    let store = Counted::new(store);
    visit(&Site::ours(store.clone()), Some(&store)).await;
}

/// Checks the site under the layer of `tower-sessions` on one of our stores.
pub(crate) async fn theirs(store: &AnyStore) {
    let store = Counted::new(store);
    visit(&Site::theirs(ForTowerSessions::new(store.clone()).unwrap()), Some(&store)).await;
}

/// Checks the answers of a site alone.
pub(crate) async fn answers(site: &Site) {
    visit(site, None).await;
}

async fn visit(site: &Site, store: Option<&Counted>) {
    for (page, visits, calls) in VISITS {
        let answer = site.service().oneshot(site.request(0, page)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{page:?}");
        let told = answer.headers().contains_key(header::SET_COOKIE);
        assert_eq!(told, matches!(page, Page::Written), "{page:?} sets a cookie");
        let text = to_bytes(answer.into_body(), 1_000).await.unwrap();
        assert_eq!(text, sites::page(visits), "{page:?}");
        if let Some(store) = store {
            assert_eq!(store.take(), calls, "{page:?}");
        }
    }
}

/// A store that writes down what is asked of it.
#[derive(Clone)]
struct Counted {
    store: AnyStore,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

impl Counted {
    fn new(store: &AnyStore) -> Self {
        Self { store: store.clone(), calls: Arc::default() }
    }

    fn count(&self, call: &'static str) -> &AnyStore {
        self.calls.lock().unwrap().push(call);
        &self.store
    }

    /// What was asked since the last time.
    fn take(&self) -> Vec<&'static str> {
        mem::take(&mut self.calls.lock().unwrap())
    }
}

impl SessionStore for Counted {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.count("exists").exists(key).await
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.count("load").load(key).await
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.count("insert").insert(key, record).await
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.count("update").update(key, record).await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.count("delete").delete(key).await
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.count("clear_expired").clear_expired().await
    }
}
