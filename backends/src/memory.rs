//! Sessions in the memory of this process: for tests, and for sites that may forget at a restart.

mod front;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use session_core::{Capabilities, Clock, Record, SessionKey, SessionStore, StoreError, SystemClock};
use time::OffsetDateTime;

/// Sessions in memory, up to a number of them. When there is no room, the one that expires first goes.
///
/// Expired sessions are gone at once, and their memory is given back by and by: each insertion removes
/// the expired ones it finds first, and [`clear_expired`](SessionStore::clear_expired) removes all.
///
/// ```
/// use session_backends::MemoryStore;
/// use session_core::Settings;
/// use session_core::middleware::SessionLayer;
///
/// let layer = SessionLayer::new(MemoryStore::new(10_000), Settings::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MemoryStore<C = SystemClock> {
    clock: C,
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    records: HashMap<SessionKey, Record>,
    /// The same keys by the instant they expire, the first to go in front.
    expiries: BTreeSet<(OffsetDateTime, SessionKey)>,
    /// Where it stands in front of another store.
    leases: front::Leases,
}

impl MemoryStore {
    /// An empty store for at most `capacity` sessions (one, if it is zero).
    pub fn new(capacity: usize) -> Self {
        Self::with_clock(capacity, SystemClock)
    }
}

impl<C: Clock> MemoryStore<C> {
    /// The same with a clock of one's own.
    pub fn with_clock(capacity: usize, clock: C) -> Self {
        Self { clock, capacity: capacity.max(1), state: Mutex::default() }
    }

    /// How many sessions are held, expired ones that were not removed yet included.
    pub fn len(&self) -> usize {
        self.state().records.len()
    }

    /// Whether no session is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes every session, as a cache does that is started again. Django's counterpart is the cache's `clear()`.
    pub fn clear(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the first expired records and, if there is no room for another one, the one that expires first.
    fn make_room(&self, state: &mut State, now: OffsetDateTime) {
        state.sweep(now);
        if state.records.len() >= self.capacity {
            state.remove_first();
        }
    }
}

impl State {
    fn live(&self, key: &SessionKey, now: OffsetDateTime) -> Option<&Record> {
        self.records.get(key).filter(|record| now < record.expires)
    }

    fn put(&mut self, key: &SessionKey, record: &Record) {
        let mut expiry = (record.expires, key.clone());
        if let Some(held) = self.records.get_mut(key) {
            expiry.0 = held.expires;
            self.expiries.remove(&expiry);
            expiry.0 = record.expires;
            held.clone_from(record);
        } else {
            self.records.insert(key.clone(), record.clone());
        }
        self.expiries.insert(expiry);
        self.leases.void(key);
    }

    fn remove(&mut self, key: &SessionKey) {
        if let Some((key, record)) = self.records.remove_entry(key) {
            self.expiries.remove(&(record.expires, key));
        }
        self.leases.void(key);
    }

    /// Removes the expired records and gives their number.
    fn sweep(&mut self, now: OffsetDateTime) -> u64 {
        let mut removed = 0;
        while let Some((expires, _)) = self.expiries.first()
            && *expires <= now
        {
            self.remove_first();
            removed += 1;
        }
        removed
    }

    fn remove_first(&mut self) {
        if let Some((_, key)) = self.expiries.pop_first() {
            self.records.remove(&key);
        }
    }
}

impl<C: Clock> SessionStore for MemoryStore<C> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::memory()
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        Ok(self.state().live(key, self.clock.now()).is_some())
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        Ok(self.state().live(key, self.clock.now()).cloned())
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let now = self.clock.now();
        let mut state = self.state();
        if state.live(key, now).is_some() {
            return Err(StoreError::Exists(key.clone()));
        }
        self.make_room(&mut state, now);
        state.put(key, record);
        Ok(key.clone())
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let mut state = self.state();
        if state.live(key, self.clock.now()).is_none() {
            return Err(StoreError::NotFound(key.clone()));
        }
        state.put(key, record);
        Ok(key.clone())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.state().remove(key);
        Ok(())
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        Ok(self.state().sweep(now))
    }
}

#[cfg(test)]
mod tests {
    use session_core::blocking::Wait;
    use session_core::{Entries, ManualClock};
    use time::Duration;

    use super::*;
    use crate::front::{Front as _, Lease};

    fn key(n: u32) -> SessionKey {
        SessionKey::parse(&format!("key-{n:08}")).unwrap()
    }

    fn record(expires: i64) -> Record {
        Record::new(Entries::new(), OffsetDateTime::UNIX_EPOCH + Duration::seconds(expires))
    }

    #[test]
    fn a_full_store_gives_up_the_session_that_expires_first() {
        let store = MemoryStore::with_clock(2, ManualClock::new(OffsetDateTime::UNIX_EPOCH));
        store.insert(&key(1), &record(20)).wait().unwrap();
        store.insert(&key(2), &record(10)).wait().unwrap();
        store.insert(&key(3), &record(30)).wait().unwrap();
        assert_eq!(store.len(), 2);
        assert!(store.load(&key(1)).wait().unwrap().is_some());
        assert!(store.load(&key(2)).wait().unwrap().is_none());
    }

    #[test]
    fn a_store_that_is_cleared_has_no_sessions_and_no_leases() {
        let store = MemoryStore::with_clock(10, ManualClock::new(OffsetDateTime::UNIX_EPOCH));
        let lease = Lease::for_reader();
        store.insert(&key(1), &record(10)).wait().unwrap();
        assert!(store.lease(&key(2), lease).wait().unwrap() && !store.is_empty());
        store.clear();
        assert!(store.is_empty() && !store.exists(&key(1)).wait().unwrap());
        assert!(!store.fill(&key(2), lease, &record(10)).wait().unwrap());
        store.insert(&key(3), &record(10)).wait().unwrap();
        assert_eq!(store.len(), 1);
    }

    #[test]
    fn expired_sessions_make_room_before_live_ones() {
        let clock = ManualClock::new(OffsetDateTime::UNIX_EPOCH);
        let store = MemoryStore::with_clock(2, clock.clone());
        store.insert(&key(1), &record(20)).wait().unwrap();
        store.insert(&key(2), &record(10)).wait().unwrap();
        clock.advance(Duration::seconds(10));
        store.insert(&key(3), &record(30)).wait().unwrap();
        assert!(store.load(&key(1)).wait().unwrap().is_some());
    }

    #[test]
    fn clearing_tells_how_many_went() {
        let clock = ManualClock::new(OffsetDateTime::UNIX_EPOCH);
        let store = MemoryStore::with_clock(10, clock.clone());
        for n in 0..5 {
            store.insert(&key(n), &record(i64::from(n))).wait().unwrap();
        }
        clock.advance(Duration::seconds(2));
        assert_eq!(store.clear_expired().wait().unwrap(), 2);
        assert_eq!(store.len(), 2);
    }
}
