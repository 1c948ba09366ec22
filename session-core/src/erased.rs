//! The store trait in a form whose type is known only at run time, so that an application can choose its
//! engine by a setting.

use std::pin::Pin;
use std::sync::Arc;

use crate::{Capabilities, Offload, Record, SessionKey, SessionStore, StoreError};

/// A future in a box.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// [`SessionStore`] for `dyn`. Every store has it, and nobody else can: [`AnyStore`] holds one and is a store again.
trait ErasedStore: Send + Sync {
    fn capabilities_erased(&self) -> Capabilities;
    fn blocks_erased(&self) -> bool;
    fn exists_erased<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<bool, StoreError>>;
    fn load_erased<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Record>, StoreError>>;
    fn insert_erased<'a>(
        &'a self,
        key: &'a SessionKey,
        record: &'a Record,
    ) -> BoxFuture<'a, Result<SessionKey, StoreError>>;
    fn update_erased<'a>(
        &'a self,
        key: &'a SessionKey,
        record: &'a Record,
    ) -> BoxFuture<'a, Result<SessionKey, StoreError>>;
    fn delete_erased<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<(), StoreError>>;
    fn clear_expired_erased(&self) -> BoxFuture<'_, Result<u64, StoreError>>;
}

impl<S: SessionStore> ErasedStore for S {
    fn capabilities_erased(&self) -> Capabilities {
        self.capabilities()
    }
    fn blocks_erased(&self) -> bool {
        self.blocks()
    }
    fn exists_erased<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(self.exists(key))
    }
    fn load_erased<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Record>, StoreError>> {
        Box::pin(self.load(key))
    }
    fn insert_erased<'a>(
        &'a self,
        key: &'a SessionKey,
        record: &'a Record,
    ) -> BoxFuture<'a, Result<SessionKey, StoreError>> {
        Box::pin(self.insert(key, record))
    }
    fn update_erased<'a>(
        &'a self,
        key: &'a SessionKey,
        record: &'a Record,
    ) -> BoxFuture<'a, Result<SessionKey, StoreError>> {
        Box::pin(self.update(key, record))
    }
    fn delete_erased<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.delete(key))
    }
    fn clear_expired_erased(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.clear_expired())
    }
}

/// A store whose engine is known only at run time. Made by [`new`](AnyStore::new), it never holds up the thread that runs
/// its futures: a store that [blocks](SessionStore::blocks) is [`Offload`]ed.
///
/// ```
/// use session_core::{AnyStore, SessionStore};
///
/// fn chosen(local: impl SessionStore + 'static, server: Option<impl SessionStore + 'static>) -> AnyStore {
///     match server {
///         Some(server) => AnyStore::new(server),
///         None => AnyStore::new(local),
///     }
/// }
/// ```
#[derive(Clone)]
pub struct AnyStore(Arc<dyn ErasedStore>);

impl AnyStore {
    /// Hides which engine a store has, and sees to it that it does not block.
    pub fn new(store: impl SessionStore + 'static) -> Self {
        if store.blocks() { Self::without_offload(Offload::new(store)) } else { Self::without_offload(store) }
    }

    /// The same for one who may be held up, such as a test: a store that blocks still does.
    pub fn without_offload(store: impl SessionStore + 'static) -> Self {
        Self(Arc::new(store))
    }
}

impl std::fmt::Debug for AnyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AnyStore").field(&self.0.capabilities_erased()).finish()
    }
}

#[deny(clippy::missing_trait_methods)]
impl SessionStore for AnyStore {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities_erased()
    }
    fn blocks(&self) -> bool {
        self.0.blocks_erased()
    }
    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.0.exists_erased(key).await
    }
    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.0.load_erased(key).await
    }
    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.0.insert_erased(key, record).await
    }
    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.0.update_erased(key, record).await
    }
    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.0.delete_erased(key).await
    }
    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.0.clear_expired_erased().await
    }
}
