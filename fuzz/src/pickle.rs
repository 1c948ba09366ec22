//! What a cache holds: a pickle, or JSON. Both are read, whichever is written.

use std::sync::Mutex;
use std::time::Duration;

use session_backends::{Cache, CacheError, CacheStore};
use session_core::blocking::Wait;
use session_core::{ManualClock, Session, SessionContext, SessionKey, SessionStore};

use crate::NOW;

/// A cache with one place, whatever the key.
#[derive(Default)]
struct Place(Mutex<Option<Vec<u8>>>);

impl Place {
    fn set(&self, value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        std::mem::replace(&mut self.0.lock().expect("nobody panicked"), value)
    }

    fn held(&self) -> Option<Vec<u8>> {
        self.0.lock().expect("nobody panicked").clone()
    }
}

impl Cache for Place {
    fn max_value_bytes(&self) -> Option<u64> {
        None
    }

    fn accepts(&self, _key: &str) -> bool {
        true
    }

    async fn get(&self, _key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        Ok(self.held())
    }

    async fn exists(&self, _key: &str) -> Result<bool, CacheError> {
        Ok(self.held().is_some())
    }

    async fn add(&self, _key: &str, value: Vec<u8>, _life: Duration) -> Result<bool, CacheError> {
        Ok(self.held().is_none() && self.set(Some(value)).is_none())
    }

    async fn replace(&self, _key: &str, value: Vec<u8>, _life: Duration) -> Result<bool, CacheError> {
        Ok(self.held().is_some() && self.set(Some(value)).is_some())
    }

    async fn delete(&self, _key: &str) -> Result<bool, CacheError> {
        Ok(self.set(None).is_some())
    }

    async fn exchange(
        &self,
        _key: &str,
        value: Vec<u8>,
        _life: Duration,
    ) -> Result<Option<Vec<u8>>, CacheError> {
        Ok(self.set(Some(value)))
    }

    async fn swap(
        &self,
        _key: &str,
        old: &[u8],
        value: Vec<u8>,
        _life: Duration,
    ) -> Result<bool, CacheError> {
        Ok(self.held().as_deref() == Some(old) && self.set(Some(value)).is_some())
    }
}

/// What is loaded can be saved, and is loaded as the same; a session on it answers, whatever its expiry is.
pub fn check(bytes: &[u8]) {
    let key = SessionKey::parse("fuzzing0fuzzing0fuzzing0fuzzing0").expect("this is a key");
    let clock = ManualClock::new(NOW);
    let store = CacheStore::with_clock(Place::default(), &crate::settings(), clock.clone());
    store.cache().set(Some(bytes.to_vec()));
    let Ok(Some(record)) = store.load(&key).wait() else { return };
    assert!(NOW < record.expires, "what has expired is loaded");
    if store.update(&key, &record).wait().is_ok() {
        let again = store.load(&key).wait().expect("it was written here").expect("it has not expired");
        assert_eq!(again.data, record.data);
        assert_eq!(again.expires, record.expires);
    }
    store.cache().set(Some(bytes.to_vec()));
    let context = SessionContext::with(crate::settings(), clock, session_core::RandomKeys);
    let mut session = Session::open(store, context, Some(key.as_str()));
    if let Ok(data) = session.data().wait() {
        let _ = data.get_expire_at_browser_close();
        data.insert("fuzzing", 1).expect("an integer can be put there");
    }
    let _ = session.save().wait();
}
