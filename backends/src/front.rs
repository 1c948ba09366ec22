//! What a store must be able to do to stand in front of another one: to take a record only from the one who still
//! has the right to put it there.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use session_core::{Record, SessionKey, SessionStore, StoreError};

/// A store that can stand in front of another one in a [`CachedStore`](crate::CachedStore): a cache.
///
/// Between reading the back and writing the front anything may happen, so that what was read may be a session that
/// was logged out meanwhile. Therefore nobody writes the front without a lease on the key, taken before the back was
/// asked; and whoever changes the back takes all leases away. What goes wrong then, a cache that forgets or a client
/// that vanishes, costs a lease and so a filling, never a wrong one.
///
/// A key under lease or on hold loads as if nothing were there. Leases and holds end by themselves after
/// [`Lease::LIFE`]; a front may forget them at any time before.
///
/// Django has no counterpart: its `cached_db` engine can bring a deleted session back.
pub trait Front: SessionStore {
    /// Reserves an empty key for one who is about to read the back. Tells whether it did: not if a record, another
    /// lease or a hold is there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn lease(&self, key: &SessionKey, lease: Lease) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Removes whatever is under the key and lets nobody else put anything there: for one who is about to change the
    /// back. Tells whether the key was free of other holds.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn hold(&self, key: &SessionKey, lease: Lease) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Puts a record in the place of this lease or hold. Tells whether it did: not if another one, a record, or
    /// nothing is there by now. One atomic step.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::Unrepresentable`], [`StoreError::Unavailable`].
    fn fill(
        &self,
        key: &SessionKey,
        lease: Lease,
        record: &Record,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// The right to put one record into a front. No two are alike, in whatever process they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    process: u64,
    number: u64,
    writer: bool,
}

impl Lease {
    /// How long a lease or a hold lasts: longer than any store here works on one operation.
    pub const LIFE: Duration = Duration::from_secs(10);

    /// A new one for somebody who is about to read the back: for [`Front::lease`].
    pub fn for_reader() -> Self {
        Self::new(false)
    }

    /// A new one for somebody who is about to change the back: for [`Front::hold`].
    pub fn for_writer() -> Self {
        Self::new(true)
    }

    fn new(writer: bool) -> Self {
        /// Drawn from the system when the process needs its first lease; a fork has another id.
        static PROCESS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let mut process = PROCESS.build_hasher();
        process.write_u32(std::process::id());
        Self { process: process.finish(), number: NUMBER.fetch_add(1, Ordering::Relaxed), writer }
    }

    /// Whether it is a writer's.
    pub fn is_writer(self) -> bool {
        self.writer
    }
}

impl fmt::Display for Lease {
    /// In 33 characters, the first of which is `w` for a writer's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.writer { 'w' } else { 'r' };
        write!(f, "{kind}{:016x}{:016x}", self.process, self.number)
    }
}

impl<F: Front> Front for Arc<F> {
    async fn lease(&self, key: &SessionKey, lease: Lease) -> Result<bool, StoreError> {
        (**self).lease(key, lease).await
    }
    async fn hold(&self, key: &SessionKey, lease: Lease) -> Result<bool, StoreError> {
        (**self).hold(key, lease).await
    }
    async fn fill(&self, key: &SessionKey, lease: Lease, record: &Record) -> Result<bool, StoreError> {
        (**self).fill(key, lease, record).await
    }
}
