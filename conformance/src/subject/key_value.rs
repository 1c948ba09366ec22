//! An adapter of a store that only keeps what is under a key, as a [`SessionStore`]. Nothing is put in the place of what
//! such a store does not do: an insertion sets what is under the key, whether it was taken or not, and so does an update.
//! The rules on that do not apply.

use session_core::{Capabilities, ClearExpired, Record, SessionKey, SessionStore, StoreError};

use super::remote::{Expiry, RemoteStore};

/// One handle on the adapter's storage.
#[derive(Debug)]
pub(super) struct KeyValueStore {
    remote: RemoteStore,
    touches: Touches,
}

/// When an update only postpones the end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Touches {
    Never,
    /// Where the data is the same, as frameworks do after a request that only read.
    Unchanged,
    Always,
}

impl KeyValueStore {
    pub(super) fn new(remote: RemoteStore, touches: Touches) -> Self {
        Self { remote, touches }
    }

    /// The same storage, where an update is a touch.
    pub(super) fn touching(&self) -> Self {
        Self::new(self.remote.clone(), Touches::Always)
    }

    pub(super) fn remote(&self) -> &RemoteStore {
        &self.remote
    }

    /// Sets what is under a key.
    fn set(&self, op: &'static str, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let addressed = self.remote.write(op, key, record)?;
        if addressed == *key {
            Ok(addressed)
        } else {
            Err(self.remote.misbehaved(op, "must answer null: the key is the one that was asked for"))
        }
    }
}

impl SessionStore for KeyValueStore {
    fn capabilities(&self) -> Capabilities {
        self.remote.capabilities()
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        match self.load(key).await {
            // It is there, whatever it is.
            Err(StoreError::Corrupt { .. }) => Ok(true),
            found => Ok(found?.is_some()),
        }
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.remote.read("get", key, Expiry::Optional)
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.set("set", key, record)
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        // What cannot be read is not the same, and is replaced.
        let is_same = |found: Option<Record>| found.is_some_and(|found| found.data == record.data);
        let touches = match self.touches {
            Touches::Never => false,
            Touches::Unchanged => self.load(key).await.is_ok_and(is_same),
            Touches::Always => true,
        };
        self.set(if touches { "touch" } else { "set" }, key, record)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.remote.remove("destroy", key)
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        match self.remote.capabilities().clear_expired {
            ClearExpired::Sweeps => self.remote.clear_expired().await,
            ClearExpired::Automatic => Ok(0),
            _ => Err(StoreError::unsupported("a store that only keeps what is under a key", "clear-expired")),
        }
    }
}
