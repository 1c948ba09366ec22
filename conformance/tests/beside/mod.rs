//! A store in memory, and something beside it.

use std::sync::Arc;

use session_backends::MemoryStore;
use session_core::{Capabilities, Clock, ManualClock, Record, SessionKey, SessionStore, StoreError};

/// What is beside a store in memory.
pub(crate) trait Beside: Send + Sync {
    /// What the store says that it can do.
    fn capabilities(&self) -> Capabilities {
        Capabilities::memory()
    }
    /// What happens when a session is loaded.
    fn load(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

pub(crate) struct With<B, C = ManualClock> {
    pub(crate) memory: Arc<MemoryStore<C>>,
    beside: B,
}

impl<B, C> With<B, C> {
    pub(crate) fn over(memory: Arc<MemoryStore<C>>, beside: B) -> Self {
        Self { memory, beside }
    }
}

impl<B: Beside, C: Clock> SessionStore for With<B, C> {
    fn capabilities(&self) -> Capabilities {
        self.beside.capabilities()
    }
    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.memory.exists(key).await
    }
    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.beside.load().await;
        self.memory.load(key).await
    }
    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.memory.insert(key, record).await
    }
    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.memory.update(key, record).await
    }
    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.memory.delete(key).await
    }
    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.memory.clear_expired().await
    }
}
