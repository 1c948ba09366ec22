//! The suite on databases of `axum_session`: what implements its `DatabasePool`, for version 0.22.
//!
//! What the trait cannot promise: `store` creates or replaces, so that a save may bring a deleted session back; an insertion is
//! put together from `exists` and `store`, and nothing else is written between them; instants are whole seconds. The text
//! that the trait stores is the data as JSON, which no store need look into. `initiate` is called whenever the store is
//! opened; the table is called by the environment's name. `get_ids` lists the sessions, `count` counts them, and `delete_all`
//! removes them.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use axum_session_022::{DatabaseError, DatabasePool};
use session_core::{
    BoxError, Capabilities, ClearExpired, Entries, Record, SessionKey, SessionStore, StoreError,
};
use time::PrimitiveDateTime;
use tokio::sync::RwLock;

use super::declared;
use crate::Suite;
use crate::manifest::Values;
use crate::observation::Listed;
use crate::subject::{BulkOperations, Env, Opening};

/// Who writes reads it, and an insertion writes it: it asks first, and what others write meanwhile would be lost by our own
/// fault.
static WRITES: RwLock<()> = RwLock::const_new(());

/// Runs the suite on a database as a test program. `capabilities` says what it can do; whether it forgets by itself, it says
/// itself. It is opened at once, in an environment of its own. On a server each trace leaves a table, which has the
/// [name](Env::name) of the environment; [`suite`] can [clean](Suite::cleanup) that up.
pub fn main<T, E>(
    capabilities: Capabilities,
    open: impl Fn(&Env) -> Result<T, E> + Send + Sync + 'static,
) -> ExitCode
where
    T: DatabasePool + Send + Sync + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    suite(capabilities, async move |env, _| open(env)).other_storage().main()
}

/// The suite on a database, for which more can be said.
pub fn suite<T, E>(
    capabilities: Capabilities,
    open: impl AsyncFn(&Env, Opening) -> Result<T, E> + Send + Sync + 'static,
) -> Suite
where
    T: DatabasePool + Send + Sync + 'static,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let open = async move |env: &Env, opening| {
        let database = open(env, opening).await.map_err(Into::into)?;
        let table = env.name().to_owned();
        database.initiate(&table).await?;
        let clear =
            if database.auto_handles_expiry() { ClearExpired::Automatic } else { ClearExpired::Sweeps };
        Ok::<_, BoxError>(Raw { database, table, capabilities: capabilities.with_clear_expired(clear) })
    };
    let declare = |hooks| declared(hooks, Values::KEPT).with_clock_resolution(Duration::from_secs(1));
    Suite::with_bulk(open, Raw::bulk).called::<T>().declaring(declare)
}

/// One of their databases, as it is.
struct Raw<T> {
    database: T,
    table: String,
    capabilities: Capabilities,
}

impl<T> fmt::Debug for Raw<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").field("capabilities", &self.capabilities).finish_non_exhaustive()
    }
}

impl<T: DatabasePool + Send + Sync> Raw<T> {
    /// Puts a record under a key, whether it is taken or not.
    async fn put(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let (text, expires) = (record.data.to_json(), record.expires.unix_timestamp());
        let stored = self.database.store(key.as_str(), &text, expires, &self.table).await;
        stored.map_err(|error| unavailable("store", key, error))?;
        Ok(key.clone())
    }
}

impl<T: DatabasePool + Send + Sync + 'static> Raw<T> {
    /// What the trait can do with all sessions.
    fn bulk() -> BulkOperations<Self> {
        BulkOperations::default()
            .with_all(async |raw: &Self| {
                let ids = raw.database.get_ids(&raw.table).await;
                let ids = ids.map_err(|error| StoreError::unavailable("list sessions", error))?;
                Ok(ids.iter().map(|id| Listed::new(Some(id), None)).collect())
            })
            .with_length(async |raw: &Self| {
                let count = raw.database.count(&raw.table).await;
                let count = count.map_err(|error| StoreError::unavailable("count sessions", error))?;
                let wrong = |_| StoreError::unavailable("count sessions", format!("there cannot be {count}"));
                u64::try_from(count).map_err(wrong)
            })
            .with_clear(async |raw: &Self| {
                let removed = raw.database.delete_all(&raw.table).await;
                removed.map_err(|error| StoreError::unavailable("remove all sessions", error))
            })
    }
}

impl<T: DatabasePool + Send + Sync> SessionStore for Raw<T> {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let found = self.database.exists(key.as_str(), &self.table).await;
        found.map_err(|error| unavailable("look for", key, error))
    }

    /// When it ends, the trait does not tell.
    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let found = self.database.load(key.as_str(), &self.table).await;
        let Some(text) = found.map_err(|error| unavailable("load", key, error))? else { return Ok(None) };
        let data = Entries::parse(text.as_bytes()).map_err(|error| StoreError::corrupt(key, error))?;
        Ok(Some(Record::new(data, PrimitiveDateTime::MAX.assume_utc())))
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let _alone = WRITES.write().await;
        if self.exists(key).await? {
            return Err(StoreError::Exists(key.clone()));
        }
        self.put(key, record).await
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let _writing = WRITES.read().await;
        self.put(key, record).await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let _writing = WRITES.read().await;
        let deleted = self.database.delete_one_by_id(key.as_str(), &self.table).await;
        deleted.map_err(|error| unavailable("delete", key, error))
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        if self.capabilities.clear_expired == ClearExpired::Automatic {
            return Ok(0);
        }
        let gone = self.database.delete_by_expiry(&self.table).await;
        gone.map(|ids| ids.len() as u64)
            .map_err(|error| StoreError::unavailable("delete expired sessions", error))
    }
}

fn unavailable(operation: &str, key: &SessionKey, error: DatabaseError) -> StoreError {
    StoreError::unavailable(format!("{operation} session {key}"), error)
}
