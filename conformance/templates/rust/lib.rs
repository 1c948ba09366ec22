//! A session store in memory: put your own in its place.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use session_core::{Capabilities, Clock, Record, SessionKey, SessionStore, StoreError};

/// Sessions in a map.
#[derive(Debug)]
pub struct MyStore<C> {
    clock: C,
    records: Mutex<HashMap<String, Record>>,
}

impl<C: Clock> MyStore<C> {
    /// An empty store. Nothing but the clock tells it the time.
    pub fn open(clock: C) -> Self {
        Self { clock, records: Mutex::default() }
    }

    fn records(&self) -> MutexGuard<'_, HashMap<String, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a record has not expired. At its instant it has.
    fn is_live(&self, record: &Record) -> bool {
        self.clock.now() < record.expires
    }
}

impl<C: Clock> SessionStore for MyStore<C> {
    /// What the store can do; each of it is tested.
    fn capabilities(&self) -> Capabilities {
        Capabilities::memory()
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        Ok(self.records().get(key.as_str()).is_some_and(|record| self.is_live(record)))
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        Ok(self.records().get(key.as_str()).filter(|record| self.is_live(record)).cloned())
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let mut records = self.records();
        if records.get(key.as_str()).is_some_and(|record| self.is_live(record)) {
            return Err(StoreError::Exists(key.clone()));
        }
        records.insert(key.as_str().into(), record.clone());
        Ok(key.clone())
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        match self.records().get_mut(key.as_str()).filter(|record| self.is_live(record)) {
            Some(stored) => *stored = record.clone(),
            None => return Err(StoreError::NotFound(key.clone())),
        }
        Ok(key.clone())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.records().remove(key.as_str());
        Ok(())
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        let mut records = self.records();
        let (before, now) = (records.len(), self.clock.now());
        records.retain(|_, record| now <= record.expires);
        Ok((before - records.len()) as u64)
    }
}
