//! The suite on stores of `actix-session`, for its version 0.11.
//!
//! What the trait cannot promise: the store makes the keys itself, and an update may put another one in the place of the one
//! before; the suite's own keys stand for them. Whether a key is taken is found out by `load`, and nothing else is written
//! meanwhile. `update` may create what is not there, so that a save may bring a deleted session back. There is no word for a
//! session that has expired when it is saved: it is deleted.
//!
//! Neither the store nor its futures need be `Send`: it is opened, used and dropped on a thread of its own.

mod local;
mod texts;

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use actix_session_011::storage::{
    LoadError, SaveError, SessionKey as TheirKey, SessionStore as TheirStore, UpdateError,
};
use session_core::{
    BoxError, Capabilities, ClearExpired, Clock, ManualClock, Record, SessionKey, SessionStore, StoreError,
};
use time::{Duration, PrimitiveDateTime};
use tokio::sync::RwLock;

use super::declared;
use crate::Suite;
use crate::subject::{Env, Opening};
use local::Local;

/// Runs the suite on a store as a test program. `capabilities` says what it can do; the store is opened at once, in an
/// environment of its own.
pub fn main<T, E>(
    capabilities: Capabilities,
    open: impl Fn(&Env) -> Result<T, E> + Send + Sync + 'static,
) -> ExitCode
where
    T: TheirStore + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    suite(capabilities, async move |env, _| open(env)).other_storage().main()
}

/// The suite on a store, for which more can be said.
pub fn suite<T, E>(
    capabilities: Capabilities,
    open: impl AsyncFn(&Env, Opening) -> Result<T, E> + Send + Sync + 'static,
) -> Suite
where
    T: TheirStore + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    let clear = match capabilities.clear_expired {
        ClearExpired::Sweeps => ClearExpired::Unsupported,
        other => other,
    };
    let capabilities = capabilities.with_clear_expired(clear);
    let (open, storages) = (Arc::new(open), Storages::default());
    let open = async move |env: &Env, opening| {
        let keys = storages.of(env.name());
        let (open, theirs) = (Arc::clone(&open), env.clone());
        let store = Local::open(async move || open(&theirs, opening).await).await?;
        Ok::<_, BoxError>(Raw { store, keys, clock: env.clock(), capabilities })
    };
    Suite::new(open).called::<T>().declaring(|hooks| declared(hooks, texts::KEPT))
}

/// The keys of each storage, by the name of its environment: other handles need them too.
#[derive(Default)]
struct Storages(Mutex<HashMap<String, Arc<Keys>>>);

impl Storages {
    fn of(&self, name: &str) -> Arc<Keys> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(name.to_owned()).or_default())
    }
}

/// The store makes the keys itself: those that stand for the suite's.
#[derive(Default)]
struct Keys {
    theirs: Mutex<HashMap<SessionKey, String>>,
    /// Who writes reads it, and an insertion writes it: it asks first, and what others make meanwhile would be lost by our
    /// own fault.
    writes: RwLock<()>,
}

impl Keys {
    /// The key that the store made for one of the suite's. One that nobody issued is itself; `None` if it is longer than
    /// the trait takes.
    fn theirs(&self, key: &SessionKey) -> Option<TheirKey> {
        let theirs = self.theirs.lock().unwrap_or_else(PoisonError::into_inner);
        TheirKey::try_from(theirs.get(key).map_or(key.as_str(), String::as_str).to_owned()).ok()
    }

    fn made(&self, key: &SessionKey, theirs: TheirKey) {
        let mut all = self.theirs.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(key.clone(), theirs.into());
    }
}

/// One of their stores, as it is.
struct Raw<T> {
    store: Local<T>,
    keys: Arc<Keys>,
    clock: ManualClock,
    capabilities: Capabilities,
}

impl<T> fmt::Debug for Raw<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

impl<T: TheirStore + 'static> Raw<T> {
    /// How long a record is still to live; `None` if that is over, for which the trait has no word.
    fn life(&self, record: &Record) -> Option<Duration> {
        Some(record.expires - self.clock.now()).filter(|life| life.is_positive())
    }

    /// Does something with the store.
    async fn with<R: Send + 'static>(
        &self,
        operation: &str,
        key: &SessionKey,
        act: impl AsyncFnOnce(&T) -> R + Send + 'static,
    ) -> Result<R, StoreError> {
        self.store.with(act).await.map_err(|error| unavailable(operation, key, error))
    }

    /// What is under a key.
    async fn state(&self, key: &SessionKey) -> Result<Option<HashMap<String, String>>, StoreError> {
        let Some(theirs) = self.keys.theirs(key) else { return Ok(None) };
        let loaded = self.with("load", key, async move |store| store.load(&theirs).await).await?;
        loaded.map_err(|error| match error {
            LoadError::Deserialization(error) => StoreError::corrupt(key, error),
            LoadError::Other(error) => unavailable("load", key, error),
        })
    }
}

impl<T: TheirStore + 'static> SessionStore for Raw<T> {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Whether it loads: the trait has no other question.
    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        Ok(self.state(key).await?.is_some())
    }

    /// When it ends, the trait does not tell.
    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let Some(state) = self.state(key).await? else { return Ok(None) };
        let entries = texts::from_texts(key, state)?;
        Ok(Some(Record::new(entries, PrimitiveDateTime::MAX.assume_utc())))
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let state = texts::to_texts(key, &record.data)?;
        let _alone = self.keys.writes.write().await;
        if self.exists(key).await? {
            return Err(StoreError::Exists(key.clone()));
        }
        if let Some(life) = self.life(record) {
            let saved = self.with("save", key, async move |store| store.save(state, &life).await).await?;
            let made = saved.map_err(|error| match error {
                SaveError::Serialization(error) => StoreError::unrepresentable(key, error),
                SaveError::Other(error) => unavailable("save", key, error),
            })?;
            self.keys.made(key, made);
        }
        Ok(key.clone())
    }

    /// What has not changed only gets a new end, as after a request that only read.
    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let state = texts::to_texts(key, &record.data)?;
        let Some(life) = self.life(record) else {
            self.delete(key).await?;
            return Ok(key.clone());
        };
        let _writing = self.keys.writes.read().await;
        let before = self.state(key).await?;
        let too_long = || StoreError::unrepresentable(key, "a key of more than 4064 bytes");
        let theirs = self.keys.theirs(key).ok_or_else(too_long)?;
        if before.as_ref() == Some(&state) {
            let touched =
                self.with("renew", key, async move |store| store.update_ttl(&theirs, &life).await).await?;
            touched.map_err(|error| unavailable("renew", key, error))?;
            return Ok(key.clone());
        }
        let asked = theirs.as_ref().to_owned();
        let updated =
            self.with("update", key, async move |store| store.update(theirs, state, &life).await).await?;
        let made = updated.map_err(|error| match error {
            UpdateError::Serialization(error) => StoreError::unrepresentable(key, error),
            UpdateError::Other(error) => unavailable("update", key, error),
        })?;
        // The one that was asked for may stand for another session by now.
        if made.as_ref() != asked {
            self.keys.made(key, made);
        }
        Ok(key.clone())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let _writing = self.keys.writes.read().await;
        let Some(theirs) = self.keys.theirs(key) else { return Ok(()) };
        let deleted = self.with("delete", key, async move |store| store.delete(&theirs).await).await?;
        deleted.map_err(|error| unavailable("delete", key, error))
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        match self.capabilities.clear_expired {
            ClearExpired::Automatic => Ok(0),
            _ => Err(StoreError::unsupported("a store of this trait", "delete expired sessions")),
        }
    }
}

fn unavailable(
    operation: &str,
    key: &SessionKey,
    error: impl Into<Box<dyn Error + Send + Sync>>,
) -> StoreError {
    StoreError::unavailable(format!("{operation} session {key}"), error)
}
