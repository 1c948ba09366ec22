//! The plain store whose key is the data: the one that is shipped, with a place for a fault at everything that it does.

use std::sync::Mutex;

use futures_lite::future::block_on;
use session_backends::CookieStore;
use session_core::{Capabilities, Clock, ManualClock, Record, SessionKey, SessionStore, Settings};
use time::OffsetDateTime;

use crate::fault::{Answer, Flaw, part};

/// A store of signed cookies.
pub(crate) struct Signed {
    pub(crate) flaw: &'static Flaw,
    pub(crate) plain: CookieStore<ManualClock>,
    /// The same with a clock that stands still, so that nothing expires.
    pub(crate) timeless: CookieStore<ManualClock>,
    pub(crate) clock: ManualClock,
    pub(crate) settings: Settings,
    /// What a server remembers that should remember nothing.
    pub(crate) memory: Mutex<Vec<(String, Record)>>,
}

/// The store with other settings.
pub(crate) struct Other(CookieStore<ManualClock>);

impl Other {
    pub(crate) fn load(&self, key: &SessionKey) -> Answer<Option<Record>> {
        block_on(self.0.load(key))
    }

    pub(crate) fn insert(&self, key: &SessionKey, record: &Record) -> Answer<SessionKey> {
        block_on(self.0.insert(key, record))
    }
}

impl Signed {
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    pub(crate) fn read(&self, key: &SessionKey) -> Answer<Option<Record>> {
        block_on(self.plain.load(key))
    }

    /// The record in a cookie, however old it is.
    pub(crate) fn read_for_ever(&self, key: &SessionKey) -> Answer<Option<Record>> {
        block_on(self.timeless.load(key))
    }

    /// The same store with other secrets.
    pub(crate) fn with_secrets(&self, change: impl FnOnce(&mut Settings)) -> Other {
        let settings = self.settings.clone().with(change);
        Other(CookieStore::with_clock(&settings, self.clock.clone()).unwrap())
    }

    pub(crate) fn sign(&self, key: &SessionKey, record: &Record) -> Answer<SessionKey> {
        block_on(self.plain.insert(key, record))
    }

    fn signs(&self, key: &SessionKey, record: &Record) -> Answer<SessionKey> {
        part!(self.flaw, Signs).map_or_else(|| self.sign(key, record), |signs| signs(self, key, record))
    }
}

impl SessionStore for Signed {
    fn capabilities(&self) -> Capabilities {
        self.plain.capabilities()
    }

    async fn exists(&self, key: &SessionKey) -> Answer<bool> {
        match part!(self.flaw, Knows) {
            Some(knows) => knows(self, key),
            None => self.plain.exists(key).await,
        }
    }

    async fn load(&self, key: &SessionKey) -> Answer<Option<Record>> {
        part!(self.flaw, Read).map_or_else(|| self.read(key), |read| read(self, key))
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Answer<SessionKey> {
        self.signs(key, record)
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Answer<SessionKey> {
        self.signs(key, record)
    }

    async fn delete(&self, key: &SessionKey) -> Answer<()> {
        part!(self.flaw, Revokes).map_or(Ok(()), |revokes| revokes(self, key))
    }

    async fn clear_expired(&self) -> Answer<u64> {
        part!(self.flaw, Clears).map_or(Ok(0), |clears| clears(self))
    }
}
