//! A store in front of another one: reads from the first, and what the second says is what counts.

use session_core::{Capabilities, Chain, Offload, Record, SessionKey, SessionStore, StoreError};

use crate::front::{Front, Lease};

/// Sessions in a store that lasts, with a fast one before it that may forget: Django's `cached_db` engine.
///
/// After an acknowledged deletion no load succeeds, and what is in front is what the back has: also when requests
/// overlap, in several processes on one front, when any of them is dropped anywhere, and when the front fails. Who
/// fills the front needs a lease on the key, taken before the back was read; who changes the back takes all leases
/// away before, and sees to it afterwards that none is left. See [`Front`].
///
/// - A front that cannot be read is logged under the target `session_backends::cached` and does no harm: the back
///   answers.
/// - A front that cannot be cleared makes updating an error, before the back is touched.
/// - A deletion is carried out in the back in any case. If the front does not confirm that it has forgotten the
///   session too, the answer is an error, since the session may open again: try again.
/// - Two that write one session at the same time leave it out of the front for [`Lease::LIFE`]; so does one that
///   vanishes in the midst.
///
/// All this holds among programs that use this store. A Django site on the same cache fills it without a lease.
///
/// ```
/// use session_backends::{CachedStore, MemoryStore, SqliteStore};
/// use session_core::Settings;
/// use session_core::middleware::SessionLayer;
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("db.sqlite3");
/// let settings = Settings::new("the site's secret");
/// let back = SqliteStore::open(path, &settings)?;
/// back.migrate()?;
/// let layer = SessionLayer::new(CachedStore::new(MemoryStore::new(10_000), back), settings)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CachedStore<F, B> {
    front: F,
    back: Offload<B>,
}

impl<F: Front, B: SessionStore + 'static> CachedStore<F, B> {
    /// Puts a cache in front of a store. A store that blocks works on threads of its own.
    pub fn new(front: F, back: B) -> Self {
        Self { front, back: Offload::if_it_blocks(back) }
    }

    /// The store in front.
    pub fn front(&self) -> &F {
        &self.front
    }

    /// The store that lasts.
    pub fn back(&self) -> &B {
        self.back.get_ref()
    }

    /// A lease on a key, if it is to be had.
    async fn lease(&self, key: &SessionKey) -> Option<Lease> {
        let lease = Lease::for_reader();
        match self.front.lease(key, lease).await {
            Ok(leased) => leased.then_some(lease),
            Err(error) => {
                log("lease", key, &error);
                None
            }
        }
    }

    /// Puts a record into the front; tells whether it is certain that it is there.
    async fn fill(&self, key: &SessionKey, lease: Lease, record: &Record) -> bool {
        match self.front.fill(key, lease, record).await {
            Ok(filled) => filled,
            Err(error) => {
                log("fill", key, &error);
                false
            }
        }
    }
}

fn log(operation: &str, key: &SessionKey, error: &StoreError) {
    tracing::warn!(
        target: "session_backends::cached",
        session = %key,
        "the cache in front of the session store failed to {operation}: {}", Chain(error)
    );
}

#[deny(clippy::missing_trait_methods)]
impl<F: Front, B: SessionStore + 'static> SessionStore for CachedStore<F, B> {
    /// The capabilities are those of the back. But two processes with a front each, that the other does not
    /// see, do not see each other's changes.
    fn capabilities(&self) -> Capabilities {
        let back = self.back.capabilities();
        back.with_shared(back.shared && self.front.capabilities().shared)
    }

    /// The back does not: where it blocks, it is offloaded.
    fn blocks(&self) -> bool {
        self.front.blocks()
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.back.exists(key).await
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let lease = match self.front.load(key).await {
            Ok(Some(record)) => return Ok(Some(record)),
            Ok(None) => self.lease(key).await,
            Err(error) => {
                log("load", key, &error);
                if let StoreError::Corrupt { .. } | StoreError::Unrepresentable { .. } = error {
                    // What nobody can read makes room for what the back has.
                    let _ = self.front.hold(key, Lease::for_writer()).await;
                }
                None
            }
        };
        let record = self.back.load(key).await?;
        if let (Some(lease), Some(record)) = (lease, &record) {
            self.fill(key, lease, record).await;
        }
        Ok(record)
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let lease = self.lease(key).await;
        let key = self.back.insert(key, record).await?;
        if let Some(lease) = lease {
            self.fill(&key, lease, record).await;
        }
        Ok(key)
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let hold = Lease::for_writer();
        let alone = self.front.hold(key, hold).await?;
        let key = self.back.update(key, record).await?;
        // If somebody else was at it, nobody knows whose record the back has now. And if this hold is gone, somebody
        // may have a lease and the record of before.
        if !(alone && self.fill(&key, hold, record).await) {
            self.front.hold(&key, Lease::for_writer()).await?;
        }
        Ok(key)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        // Before the back is touched, so that whoever goes away now leaves nothing behind.
        let alone = match self.front.hold(key, Lease::for_writer()).await {
            Ok(alone) => alone,
            Err(error) => {
                log("hold", key, &error);
                false
            }
        };
        self.back.delete(key).await?;
        // A lease from before may have outlived the hold; from here on there is none.
        if alone {
            self.front.delete(key).await
        } else {
            self.front.hold(key, Lease::for_writer()).await.map(drop)
        }
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.back.clear_expired().await
    }
}
