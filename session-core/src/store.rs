//! The one trait every session store implements, and what a store says about itself.

use std::sync::Arc;

use crate::{Record, SessionKey, StoreError};

/// Where sessions are kept.
///
/// Implementers write `async fn`. A store may block in them if it says so, by [`blocks`](Self::blocks). All methods
/// take `&self`: a store is shared.
///
/// The contract of each method is checked by the conformance suite; the rules are in the
/// specification under `lifecycle`, `expiry` and `concurrent`.
///
/// Django's counterpart is a session engine (`django.contrib.sessions.backends.*`), without the
/// dictionary that Django puts in the same class.
///
/// A store in memory, whole:
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Mutex, MutexGuard, PoisonError};
///
/// use session_core::{Capabilities, Clock, Record, SessionKey, SessionStore, StoreError};
///
/// struct InMemory<C> {
///     clock: C,
///     records: Mutex<HashMap<String, Record>>,
/// }
///
/// impl<C: Clock> InMemory<C> {
///     /// The records that have not expired. At its instant a record has.
///     fn live(&self) -> MutexGuard<'_, HashMap<String, Record>> {
///         let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
///         let now = self.clock.now();
///         records.retain(|_, record| now < record.expires);
///         records
///     }
/// }
///
/// impl<C: Clock> SessionStore for InMemory<C> {
///     fn capabilities(&self) -> Capabilities {
///         Capabilities::memory()
///     }
///
///     async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
///         Ok(self.live().contains_key(key.as_str()))
///     }
///
///     async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
///         Ok(self.live().get(key.as_str()).cloned())
///     }
///
///     async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
///         let mut live = self.live();
///         if live.contains_key(key.as_str()) {
///             return Err(StoreError::Exists(key.clone()));
///         }
///         live.insert(key.as_str().into(), record.clone());
///         Ok(key.clone())
///     }
///
///     async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
///         let mut live = self.live();
///         let Some(stored) = live.get_mut(key.as_str()) else {
///             return Err(StoreError::NotFound(key.clone()));
///         };
///         *stored = record.clone();
///         Ok(key.clone())
///     }
///
///     async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
///         self.live().remove(key.as_str());
///         Ok(())
///     }
///
///     async fn clear_expired(&self) -> Result<u64, StoreError> {
///         Ok(0) // `live` has removed them, whatever was asked last
///     }
/// }
/// ```
pub trait SessionStore: Send + Sync {
    /// What this store can do. The answer never changes during the life of a store.
    fn capabilities(&self) -> Capabilities;

    /// Whether the methods of this store hold up the thread that runs them, as those on files do. `true` has
    /// [`AnyStore`](crate::AnyStore), and so `SessionLayer`, do them on other threads: see
    /// [`Offload`](crate::Offload).
    fn blocks(&self) -> bool {
        false
    }

    /// Whether the key is taken, by a record that is live or expired and not yet cleared.
    ///
    /// A store whose key is the data leaves it as it is: it cannot tell.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::Unsupported`] if the key is the data.
    fn exists(&self, key: &SessionKey) -> impl Future<Output = Result<bool, StoreError>> + Send {
        let _ = key;
        async { Err(StoreError::unsupported("this store", "tell whether a session exists")) }
    }

    /// The record under the key, or `None` if there is none or it has expired: `now < expires` loads.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`], [`StoreError::Unrepresentable`], [`StoreError::Unavailable`].
    fn load(&self, key: &SessionKey) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Stores a new record, in one atomic step, and returns the key that now addresses it (`key`
    /// itself, unless the key is the data).
    ///
    /// # Errors
    /// [`StoreError::Exists`] if the key is taken; then nothing was written. Also
    /// [`StoreError::Unrepresentable`], [`StoreError::TooLarge`], [`StoreError::Unavailable`].
    fn insert(
        &self,
        key: &SessionKey,
        record: &Record,
    ) -> impl Future<Output = Result<SessionKey, StoreError>> + Send;

    /// Replaces the record under the key, in one atomic step, and never creates one. Returns the key
    /// that now addresses it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no record. Also [`StoreError::Unrepresentable`],
    /// [`StoreError::TooLarge`], [`StoreError::Unavailable`]; the old record is then whole.
    fn update(
        &self,
        key: &SessionKey,
        record: &Record,
    ) -> impl Future<Output = Result<SessionKey, StoreError>> + Send;

    /// Removes the record under the key. A record that is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn delete(&self, key: &SessionKey) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes the records that expired before now and returns how many went.
    ///
    /// A store that cannot do that leaves it as it is, and says so in its capabilities.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] if [`Capabilities::clear_expired`] says so;
    /// [`StoreError::Unavailable`].
    fn clear_expired(&self) -> impl Future<Output = Result<u64, StoreError>> + Send {
        async { Err(StoreError::unsupported("this store", "clear expired sessions")) }
    }
}

/// What a store can do, and which of the permitted behaviours it has. The suite reads this before it
/// lists its rules, and tests what is absent too.
///
/// ```
/// use session_core::Capabilities;
///
/// let cache = Capabilities::cache().with_max_record_bytes(1 << 20);
/// assert!(cache.shared);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Records outlive the process: a store opened anew on the same storage has them.
    pub persistent: bool,
    /// A second store opened on the same storage, at the same time, sees the same records.
    pub shared: bool,
    /// The record is kept here and the key only addresses it. `false`: the key is the data (signed
    /// cookies), so that nothing exists, collides or can be revoked.
    pub server_side: bool,
    /// What becomes of a record between its expiry and `clear_expired`.
    pub expired: ExpiredRecords,
    /// What `clear_expired` does.
    pub clear_expired: ClearExpired,
    /// The most bytes an encoded record may have; a larger one is [`StoreError::TooLarge`].
    pub max_record_bytes: Option<u64>,
    /// What its answers have to do with each other when clients overlap.
    pub consistency: Consistency,
}

impl Capabilities {
    /// What most databases can do: everything, with expired records that wait to be cleared.
    pub const fn database() -> Self {
        Self {
            persistent: true,
            shared: true,
            server_side: true,
            expired: ExpiredRecords::Kept,
            clear_expired: ClearExpired::Sweeps,
            max_record_bytes: None,
            consistency: Consistency::Linearizable,
        }
    }

    /// What most caches on a server can do: records go by themselves when their time is over, or when room is needed.
    pub const fn cache() -> Self {
        Self {
            expired: ExpiredRecords::Gone,
            clear_expired: ClearExpired::Automatic,
            consistency: Consistency::Forgetful,
            ..Self::database()
        }
    }

    /// What a store in the memory of one process can do: its records end with it, nobody else sees them, and
    /// expired ones are gone.
    pub const fn memory() -> Self {
        Self { persistent: false, shared: false, expired: ExpiredRecords::Gone, ..Self::database() }
    }

    /// What a store can do whose key is the data, such as a signed cookie.
    pub const fn client_side() -> Self {
        Self { server_side: false, clear_expired: ClearExpired::Automatic, ..Self::database() }
    }

    /// The same with other [`persistent`](Self::persistent).
    #[must_use]
    pub const fn with_persistent(self, persistent: bool) -> Self {
        Self { persistent, ..self }
    }

    /// The same with other [`shared`](Self::shared).
    #[must_use]
    pub const fn with_shared(self, shared: bool) -> Self {
        Self { shared, ..self }
    }

    /// The same with other [`server_side`](Self::server_side).
    #[must_use]
    pub const fn with_server_side(self, server_side: bool) -> Self {
        Self { server_side, ..self }
    }

    /// The same with other [`expired`](Self::expired).
    #[must_use]
    pub const fn with_expired(self, expired: ExpiredRecords) -> Self {
        Self { expired, ..self }
    }

    /// The same with other [`clear_expired`](Self::clear_expired).
    #[must_use]
    pub const fn with_clear_expired(self, clear_expired: ClearExpired) -> Self {
        Self { clear_expired, ..self }
    }

    /// The same for records of at most so many bytes, encoded.
    #[must_use]
    pub const fn with_max_record_bytes(self, limit: u64) -> Self {
        Self { max_record_bytes: Some(limit), ..self }
    }

    /// The same with another [`consistency`](Self::consistency).
    #[must_use]
    pub const fn with_consistency(self, consistency: Consistency) -> Self {
        Self { consistency, ..self }
    }
}

/// What a store promises where clients overlap. After an acknowledged deletion no load succeeds, whatever it promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consistency {
    /// Its answers are as if each operation had been done at one instant between question and answer.
    Linearizable,
    /// The same, but a record may be gone at any time (a cache that needs room). What it has is the latest.
    Forgetful,
}

/// What becomes of a record that has expired and was not cleared yet. It never loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpiredRecords {
    /// It still holds its key: it exists, and a session read before the expiry can save it (databases).
    Kept,
    /// It is gone: it does not exist and cannot be updated (caches).
    Gone,
}

/// What `clear_expired` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClearExpired {
    /// Removes the expired records.
    Sweeps,
    /// Has nothing to do: the storage forgets by itself.
    Automatic,
    /// Cannot be done, and answers [`StoreError::Unsupported`].
    Unsupported,
}

#[deny(clippy::missing_trait_methods)]
impl<S: SessionStore + ?Sized> SessionStore for Arc<S> {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }
    fn blocks(&self) -> bool {
        (**self).blocks()
    }
    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        (**self).exists(key).await
    }
    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        (**self).load(key).await
    }
    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        (**self).insert(key, record).await
    }
    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        (**self).update(key, record).await
    }
    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        (**self).delete(key).await
    }
    async fn clear_expired(&self) -> Result<u64, StoreError> {
        (**self).clear_expired().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_most_stores_of_a_kind_can_do() {
        let database = Capabilities::database();
        assert!(database.persistent && database.shared && database.server_side);
        let cache = Capabilities::cache();
        assert!(cache.persistent && cache.shared && cache.server_side);
        assert_eq!(cache.consistency, Consistency::Forgetful);
        let memory = Capabilities::memory();
        assert!(!memory.persistent && !memory.shared && memory.server_side);
        assert_eq!(memory.consistency, Consistency::Linearizable);
        assert!(!Capabilities::client_side().server_side);
        let expired = |of: Capabilities| (of.expired, of.clear_expired);
        assert_eq!(expired(database), (ExpiredRecords::Kept, ClearExpired::Sweeps));
        assert_eq!(expired(cache), (ExpiredRecords::Gone, ClearExpired::Automatic));
        assert_eq!(expired(memory), (ExpiredRecords::Gone, ClearExpired::Sweeps));
        assert_eq!(Capabilities::client_side().clear_expired, ClearExpired::Automatic);
    }

    #[test]
    fn a_store_that_can_do_something_else_says_that_alone() {
        let memory = Capabilities::memory();
        let other = memory
            .with_persistent(true)
            .with_shared(true)
            .with_server_side(false)
            .with_expired(ExpiredRecords::Kept)
            .with_clear_expired(ClearExpired::Automatic)
            .with_max_record_bytes(4_096)
            .with_consistency(Consistency::Forgetful);
        let wanted = Capabilities {
            persistent: true,
            shared: true,
            server_side: false,
            expired: ExpiredRecords::Kept,
            clear_expired: ClearExpired::Automatic,
            max_record_bytes: Some(4_096),
            consistency: Consistency::Forgetful,
        };
        assert_eq!(other, wanted);
        assert_eq!(memory.with_shared(true), Capabilities { shared: true, ..memory });
    }
}
