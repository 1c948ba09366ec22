//! Moves the work of a blocking store off the threads that run futures.

use std::sync::Arc;

use blocking::unblock;
use futures_lite::future::block_on;

use crate::{Capabilities, Record, SessionKey, SessionStore, StoreError};

/// A store whose methods block, such as one on SQLite or on files, made fit for an async server: each
/// call runs on a pool of threads that is meant for blocking, and needs no particular runtime.
///
/// A call whose future is dropped still runs to its end.
#[derive(Debug)]
pub struct Offload<S> {
    store: Arc<S>,
}

impl<S> Offload<S> {
    /// Wraps a store that blocks.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store) }
    }
}

impl<S> Clone for Offload<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store) }
    }
}

impl<S: SessionStore + 'static> SessionStore for Offload<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let (store, key) = (Arc::clone(&self.store), key.clone());
        unblock(move || block_on(store.exists(&key))).await
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let (store, key) = (Arc::clone(&self.store), key.clone());
        unblock(move || block_on(store.load(&key))).await
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let (store, key, record) = (Arc::clone(&self.store), key.clone(), record.clone());
        unblock(move || block_on(store.insert(&key, &record))).await
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let (store, key, record) = (Arc::clone(&self.store), key.clone(), record.clone());
        unblock(move || block_on(store.update(&key, &record))).await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let (store, key) = (Arc::clone(&self.store), key.clone());
        unblock(move || block_on(store.delete(&key))).await
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        let store = Arc::clone(&self.store);
        unblock(move || block_on(store.clear_expired())).await
    }
}
