//! Moves the work of a store that blocks off the threads that run futures.
//!
//! - `mod.rs`: the store
//! - `pool.rs`: the threads

mod pool;

use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::block_on;
use pool::{Pool, Refused};

use crate::{Capabilities, Record, SessionKey, SessionStore, StoreError};

/// A store whose methods block, such as one on SQLite or on files, made fit for an async server: each call runs on
/// one of a few threads that belong to this store, and needs no particular runtime.
///
/// Nobody has to remember it: [`AnyStore`](crate::AnyStore), and so `SessionLayer`, does it with each store that says
/// that it [blocks](SessionStore::blocks).
///
/// Everything has a limit, see [`OffloadLimits`]. A store that hangs holds up its own threads and nobody else: further
/// calls wait in a queue, and those that wait too long, or find no place in it, are [`StoreError::Unavailable`].
///
/// A call whose future is dropped before it has begun never begins; once begun, it runs to its end. So does a call
/// that took too long: whether it took place is then unknown.
///
/// Clones share the store and its threads, which end with the last of them, when they have done what they had begun.
///
/// ```
/// use std::time::Duration;
///
/// use session_core::{Offload, OffloadLimits, SessionStore};
///
/// fn beside_a_slow_disk<S: SessionStore + 'static>(store: S) -> Offload<S> {
///     Offload::with_limits(store, OffloadLimits::default().with_threads(2).with_wait(Duration::from_secs(1)))
/// }
/// ```
pub struct Offload<S> {
    store: Arc<S>,
    /// `None` for a store that does not block.
    pool: Option<Arc<Pool>>,
}

/// How much an [`Offload`]ed store may have under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OffloadLimits {
    /// The most threads, and so the most calls that run at once; started as they are needed. Eight.
    pub threads: usize,
    /// The most calls that wait for a thread. A thousand.
    pub queue: usize,
    /// How long a call may take, waiting included; ten seconds. [`clear_expired`](SessionStore::clear_expired) must
    /// begin within this time, and may take as long as it needs.
    pub wait: Duration,
}

impl Default for OffloadLimits {
    fn default() -> Self {
        Self { threads: 8, queue: 1_000, wait: Duration::from_secs(10) }
    }
}

impl OffloadLimits {
    /// The same with so many threads; one, if it is zero.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    /// The same with a queue for so many calls.
    #[must_use]
    pub fn with_queue(self, queue: usize) -> Self {
        Self { queue, ..self }
    }

    /// The same with another time for each call.
    #[must_use]
    pub fn with_wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }
}

impl<S: SessionStore + 'static> Offload<S> {
    /// Moves the work of a store that blocks to threads of its own.
    pub fn new(store: S) -> Self {
        Self::with_limits(store, OffloadLimits::default())
    }

    /// The same with other limits.
    pub fn with_limits(store: S, limits: OffloadLimits) -> Self {
        Self { store: Arc::new(store), pool: Some(Arc::new(Pool::new(limits))) }
    }

    /// Does it only if the store says that it blocks.
    pub fn if_it_blocks(store: S) -> Self {
        let pool = store.blocks().then(|| Arc::new(Pool::new(OffloadLimits::default())));
        Self { store: Arc::new(store), pool }
    }

    /// The store. Its methods work on the present thread.
    pub fn get_ref(&self) -> &S {
        &self.store
    }

    /// Has a call done on another thread.
    async fn run<T: Send + 'static>(
        pool: &Pool,
        operation: &'static str,
        call: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let limits = pool.limits();
        // Sweeping takes as long as there is to sweep.
        let may_run_on = operation == CLEAR;
        let refused = match pool.run(may_run_on, call).await {
            Ok(result) => return result,
            Err(refused) => refused,
        };
        let OffloadLimits { threads, queue, wait } = limits;
        let reason = match refused {
            Refused::QueueFull => {
                format!("{queue} calls are waiting already, and all {threads} threads are busy")
            }
            Refused::NoThread => "the system gives no thread".into(),
            Refused::NotBegun => {
                format!("no thread was free within {wait:?}: all {threads} are busy; it was not begun")
            }
            Refused::TookTooLong => format!("no answer within {wait:?}; it may still be done"),
        };
        Err(StoreError::unavailable(operation, reason))
    }
}

const CLEAR: &str = "clear expired sessions";

impl<S> Clone for Offload<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), pool: self.pool.clone() }
    }
}

impl<S: std::fmt::Debug> std::fmt::Debug for Offload<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let limits = self.pool.as_ref().map(|pool| pool.limits());
        f.debug_struct("Offload").field("store", &self.store).field("limits", &limits).finish()
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: SessionStore + 'static> SessionStore for Offload<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    fn blocks(&self) -> bool {
        false
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let Some(pool) = &self.pool else { return self.store.exists(key).await };
        let (store, key) = (Arc::clone(&self.store), key.clone());
        Self::run(pool, "look for a session", move || block_on(store.exists(&key))).await
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let Some(pool) = &self.pool else { return self.store.load(key).await };
        let (store, key) = (Arc::clone(&self.store), key.clone());
        Self::run(pool, "load a session", move || block_on(store.load(&key))).await
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let Some(pool) = &self.pool else { return self.store.insert(key, record).await };
        let (store, key, record) = (Arc::clone(&self.store), key.clone(), record.clone());
        Self::run(pool, "insert a session", move || block_on(store.insert(&key, &record))).await
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let Some(pool) = &self.pool else { return self.store.update(key, record).await };
        let (store, key, record) = (Arc::clone(&self.store), key.clone(), record.clone());
        Self::run(pool, "update a session", move || block_on(store.update(&key, &record))).await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let Some(pool) = &self.pool else { return self.store.delete(key).await };
        let (store, key) = (Arc::clone(&self.store), key.clone());
        Self::run(pool, "delete a session", move || block_on(store.delete(&key))).await
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        let Some(pool) = &self.pool else { return self.store.clear_expired().await };
        let store = Arc::clone(&self.store);
        Self::run(pool, CLEAR, move || block_on(store.clear_expired())).await
    }
}
