//! A store in memory that tells what was asked of it, for the tests of the middleware.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use session_core::{Capabilities, Record, SessionKey, SessionStore, StoreError};

/// Cloning gives another handle on the same records.
#[derive(Debug, Clone, Default)]
pub(crate) struct CountingStore {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    records: HashMap<SessionKey, Record>,
    calls: Vec<&'static str>,
    down: bool,
}

impl CountingStore {
    /// The calls since this was last asked.
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.inner.lock().unwrap().calls)
    }

    /// From now on each call fails, or works again.
    pub(crate) fn set_down(&self, down: bool) {
        self.inner.lock().unwrap().down = down;
    }

    /// An entry of the only session there is.
    pub(crate) fn entry(&self, name: &str) -> Option<serde_json::Value> {
        let inner = self.inner.lock().unwrap();
        assert!(inner.records.len() <= 1, "{} sessions", inner.records.len());
        inner.records.values().next().and_then(|record| record.data.read(name).unwrap())
    }

    /// How many sessions there are.
    pub(crate) fn len(&self) -> usize {
        self.inner.lock().unwrap().records.len()
    }

    fn called<R>(
        &self,
        name: &'static str,
        answer: impl FnOnce(&mut HashMap<SessionKey, Record>) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        let mut inner = self.inner.lock().unwrap();
        inner.calls.push(name);
        if inner.down {
            return Err(StoreError::unavailable(format!("{name} a session"), "the store is down"));
        }
        answer(&mut inner.records)
    }
}

impl SessionStore for CountingStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::database().with_persistent(false)
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.called("exists", |records| Ok(records.contains_key(key)))
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.called("load", |records| Ok(records.get(key).cloned()))
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.called("insert", |records| {
            if records.contains_key(key) {
                return Err(StoreError::Exists(key.clone()));
            }
            records.insert(key.clone(), record.clone());
            Ok(key.clone())
        })
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.called("update", |records| {
            let kept = records.get_mut(key).ok_or_else(|| StoreError::NotFound(key.clone()))?;
            *kept = record.clone();
            Ok(key.clone())
        })
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.called("delete", |records| {
            records.remove(key);
            Ok(())
        })
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.called("clear_expired", |_| Ok(0))
    }
}
