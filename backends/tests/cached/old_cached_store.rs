//! How `OldCachedStore` once was: it fills the front and asks the back afterwards whether that was right. Here it is a
//! fault to be found: a log-out or an update that is dropped, or whose front fails, leaves the old session in front,
//! and so does a reader that is dropped before it has asked.

use session_core::{Capabilities, Record, SessionKey, SessionStore, StoreError};

/// Sessions in a store that lasts, with a fast one before it that may forget: Django's `cached_db` engine.
///
/// Writing goes to the back first and then to the front; deleting too, so that nobody can put a deleted
/// record back into the front from a back that still has it. After each filling of the front the back is
/// asked once more: if it says something else by then, the front forgets the key. A request that is slower
/// than a log-out therefore leaves nothing behind.
///
/// A front that fails is logged under the target `old_cached_store` and does no harm: the back
/// answers. That costs a look at the back where Django looks at the front alone.
#[derive(Debug)]
pub(crate) struct OldCachedStore<F, B> {
    front: F,
    back: B,
}

impl<F: SessionStore, B: SessionStore> OldCachedStore<F, B> {
    /// Puts a store in front of another one.
    pub(crate) fn new(front: F, back: B) -> Self {
        Self { front, back }
    }

    /// Puts a record that the back has into the front.
    async fn fill(&self, key: &SessionKey, record: &Record) {
        let filled = match self.front.update(key, record).await {
            Err(StoreError::NotFound(_)) => self.front.insert(key, record).await,
            other => other,
        };
        let confirmed = match filled {
            // Somebody else filled it a moment ago; with what, the back will tell.
            Ok(_) | Err(StoreError::Exists(_)) => {
                matches!(self.back.load(key).await, Ok(Some(now)) if now == *record)
            }
            Err(error) => {
                log("fill", key, &error);
                false
            }
        };
        if !confirmed {
            self.forget(key).await;
        }
    }

    /// Takes a key out of the front.
    async fn forget(&self, key: &SessionKey) {
        if let Err(error) = self.front.delete(key).await {
            log("delete", key, &error);
        }
    }
}

fn log(operation: &str, key: &SessionKey, error: &StoreError) {
    tracing::warn!(
        target: "old_cached_store",
        session = %key,
        "the cache in front of the session store failed to {operation}: {error}"
    );
}

impl<F: SessionStore, B: SessionStore> SessionStore for OldCachedStore<F, B> {
    /// The capabilities are those of the back. But two processes with a front each, that the other does not
    /// see, do not see each other's changes.
    fn capabilities(&self) -> Capabilities {
        let back = self.back.capabilities();
        back.with_shared(back.shared && self.front.capabilities().shared)
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.back.exists(key).await
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        match self.front.load(key).await {
            Ok(Some(record)) => return Ok(Some(record)),
            Ok(None) => {}
            Err(error) => log("load", key, &error),
        }
        let record = self.back.load(key).await?;
        if let Some(record) = &record {
            self.fill(key, record).await;
        }
        Ok(record)
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let key = self.back.insert(key, record).await?;
        self.fill(&key, record).await;
        Ok(key)
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        match self.back.update(key, record).await {
            Ok(key) => {
                self.fill(&key, record).await;
                Ok(key)
            }
            Err(error) => {
                // Whatever the back has now, the front may have something else.
                self.forget(key).await;
                Err(error)
            }
        }
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let deleted = self.back.delete(key).await;
        self.forget(key).await;
        deleted
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.back.clear_expired().await
    }
}
