//! What a session asks of its store and when, and what is left of it when the store fails.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use session_core::blocking::Wait;
use session_core::{
    AnyStore, BoxError, Capabilities, ClearExpired, Entries, ExpiredRecords, Expiry, ExpiryQuery,
    KeyGenerator, ManualClock, Offload, Record, Session, SessionContext, SessionError, SessionKey,
    SessionStore, Settings, StoreError,
};
use time::Duration;
use time::macros::datetime;
use tracing::field::{Field, Visit};
use tracing::span;

/// Keeps records, notes what it is asked, and fails when it is told to.
#[derive(Debug, Default)]
struct Scripted {
    records: Mutex<BTreeMap<String, Record>>,
    asked: Mutex<Vec<&'static str>>,
    failing: Mutex<Option<(&'static str, Failing)>>,
}

/// Makes the error of a call about a key.
type Failing = fn(&SessionKey) -> StoreError;

impl Scripted {
    fn holding(data: &str) -> Arc<Self> {
        let store = Self::default();
        let record = Record::new(Entries::parse(data.as_bytes()).unwrap(), datetime!(2031-01-01 00:00 UTC));
        store.records.lock().unwrap().insert(KEY.into(), record);
        Arc::new(store)
    }

    /// Lets the next call of this method fail.
    fn fail(&self, method: &'static str, error: Failing) {
        *self.failing.lock().unwrap() = Some((method, error));
    }

    fn note(&self, method: &'static str, key: &SessionKey) -> Result<(), StoreError> {
        self.asked.lock().unwrap().push(method);
        let mut failing = self.failing.lock().unwrap();
        match failing.take_if(|(failing, _)| *failing == method) {
            Some((_, error)) => Err(error(key)),
            None => Ok(()),
        }
    }

    /// What it was asked since the last time.
    fn asked(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn keys(&self) -> Vec<String> {
        self.records.lock().unwrap().keys().cloned().collect()
    }
}

impl SessionStore for Scripted {
    fn capabilities(&self) -> Capabilities {
        Capabilities::memory()
            .with_expired(ExpiredRecords::Kept)
            .with_clear_expired(ClearExpired::Unsupported)
            .with_max_record_bytes(4_096)
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.note("exists", key)?;
        Ok(self.records.lock().unwrap().contains_key(key.as_str()))
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.note("load", key)?;
        Ok(self.records.lock().unwrap().get(key.as_str()).cloned())
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.note("insert", key)?;
        let mut records = self.records.lock().unwrap();
        if records.contains_key(key.as_str()) {
            return Err(StoreError::Exists(key.clone()));
        }
        records.insert(key.as_str().into(), record.clone());
        Ok(key.clone())
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.note("update", key)?;
        match self.records.lock().unwrap().get_mut(key.as_str()) {
            Some(old) => *old = record.clone(),
            None => return Err(StoreError::NotFound(key.clone())),
        }
        Ok(key.clone())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.note("delete", key)?;
        self.records.lock().unwrap().remove(key.as_str());
        Ok(())
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.asked.lock().unwrap().push("clear_expired");
        Err(StoreError::unsupported("scripted", "clear expired sessions"))
    }
}

const KEY: &str = "0123456789abcdef";

/// Gives the same key each time, which a good generator does not.
#[derive(Debug)]
struct SameKey;

impl KeyGenerator for SameKey {
    fn generate(&self) -> Result<SessionKey, BoxError> {
        Ok(SessionKey::parse(KEY).unwrap())
    }
}

fn context() -> SessionContext {
    let clock = ManualClock::new(datetime!(2030-01-01 00:00 UTC));
    SessionContext::with(Settings::default(), clock, session_core::RandomKeys)
}

fn open(store: &Arc<Scripted>) -> Session<Arc<Scripted>> {
    Session::open(Arc::clone(store), context(), Some(KEY))
}

fn down(_: &SessionKey) -> StoreError {
    StoreError::unavailable("reach it", "it is down")
}

fn corrupt(key: &SessionKey) -> StoreError {
    StoreError::corrupt(key, "the signature does not match")
}

#[test]
fn opening_and_looking_at_nothing_asks_the_store_nothing() {
    let store = Scripted::holding(r#"{"a":1}"#);
    let mut session = open(&store);
    assert!(!session.is_empty());
    assert!(session.data_if_loaded().is_none());
    session.clear();
    assert_eq!((session.accessed(), session.modified()), (true, true));
    assert_eq!(store.asked(), [""; 0]);
}

#[test]
fn the_record_is_read_once_and_only_when_the_data_is_asked_for() {
    let store = Scripted::holding(r#"{"a":1}"#);
    let mut session = open(&store);
    assert_eq!(session.data().wait().unwrap().get_as::<u8>("a").unwrap(), Some(1));
    assert!(!session.data().wait().unwrap().contains_key("b"));
    assert_eq!(store.asked(), ["load"]);
    assert_eq!((session.accessed(), session.modified()), (true, false));
    assert!(session.data_if_loaded().unwrap().contains_key("a"));
    session.mark_modified();
    assert!(session.modified());
}

#[test]
fn what_a_store_is_asked_about_other_keys_is_its_answer() {
    let store = Scripted::holding(r#"{"a":1}"#);
    let session = Session::open(Arc::clone(&store), context(), None);
    let (held, other) = (SessionKey::parse(KEY).unwrap(), SessionKey::parse("fedcba9876543210").unwrap());
    assert!(session.exists(&held).wait().unwrap() && !session.exists(&other).wait().unwrap());
    session.delete_key(&held).wait().unwrap();
    assert_eq!(store.keys(), [""; 0]);
    assert!(matches!(
        session.clear_expired().wait(),
        Err(SessionError::Store(StoreError::Unsupported { .. }))
    ));
}

#[test]
fn a_save_that_must_create_stores_and_refuses_a_key_that_is_taken() {
    let store = Scripted::holding(r#"{"a":1}"#);
    let error = open(&store).save_must_create().wait().unwrap_err();
    assert!(matches!(error, SessionError::Store(StoreError::Exists(_))), "{error}");
    let mut session = Session::open(Arc::clone(&store), context(), Some("fedcba9876543210"));
    session.save_must_create().wait().unwrap();
    assert_eq!(store.keys(), [KEY, "fedcba9876543210"]);
}

#[test]
fn the_visitor_must_be_told_the_key_that_he_did_not_send() {
    let store = Scripted::holding(r#"{"a":1}"#);
    let mut session = open(&store);
    assert!(!session.has_new_key());
    session.cycle_key().wait().unwrap();
    assert!(session.has_new_key());
    let mut session = Session::open(Arc::clone(&store), context(), None);
    assert!(!session.has_new_key());
    session.save().wait().unwrap();
    assert!(session.has_new_key());
    session.flush().wait().unwrap();
    assert!(!session.has_new_key());
}

#[test]
fn an_expiry_counts_from_now_or_from_the_instant_that_is_asked_for() {
    let (now, later) = (datetime!(2030-01-01 00:00 UTC), datetime!(2030-01-01 00:00:04 UTC));
    let ten = Expiry::At(datetime!(2030-01-01 00:00:10 UTC));
    let context = context();
    assert_eq!((context.expiry_age(ten, None), context.expiry_age(ten, Some(later))), (10, 6));
    assert_eq!(context.expiry_date(Expiry::Seconds(5), None).unwrap(), now + Duration::seconds(5));
    let mut session = Session::open(Scripted::holding("{}"), context, None);
    let data = session.data().wait().unwrap();
    data.set_expiry(ten);
    let query = ExpiryQuery::default().from_modification(later);
    assert_eq!(data.get_expiry_age_for(query).unwrap(), 6);
    assert_eq!(data.get_expiry_age_for(query.for_expiry(Expiry::Seconds(7))).unwrap(), 7);
    let wanted = later + Duration::seconds(7);
    assert_eq!(data.get_expiry_date_for(query.for_expiry(Expiry::Seconds(7))).unwrap(), wanted);
}

#[test]
fn a_store_that_is_down_is_an_error_and_not_an_empty_session() {
    let store = Scripted::holding(r#"{"a":1}"#);
    let mut session = open(&store);
    store.fail("load", down);
    let error = session.data().wait().unwrap_err();
    assert!(matches!(error, SessionError::Store(StoreError::Unavailable { .. })), "{error}");
    assert_eq!(session.key().unwrap().as_str(), KEY);
    // The failure is not remembered.
    assert!(session.data().wait().unwrap().contains_key("a"));
}

#[test]
fn a_corrupt_record_is_an_empty_session_and_a_security_event_that_keeps_the_key_secret() {
    let store = Scripted::holding(r#"{"a":1}"#);
    let mut session = open(&store);
    store.fail("load", corrupt);
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        assert!(session.data().wait().unwrap().is_empty());
    });
    assert_eq!(session.key().unwrap().as_str(), KEY);
    let lines = log.0.lock().unwrap().clone();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("WARN session_core::security"), "{lines:?}");
    assert!(lines[0].contains("0123…") && lines[0].contains("the signature does not match"), "{lines:?}");
    assert!(!lines[0].contains(KEY), "{lines:?}");
}

#[test]
fn a_failed_save_leaves_the_session_to_be_saved_again() {
    let store = Scripted::holding(r#"{"a":1}"#);
    let mut session = open(&store);
    session.data().wait().unwrap().insert("b", 2).unwrap();
    store.fail("update", down);
    assert!(session.save().wait().is_err());
    assert_eq!(session.key().unwrap().as_str(), KEY);
    assert!(session.modified());
    session.save().wait().unwrap();
    assert_eq!(open(&store).data().wait().unwrap().get_as::<u8>("b").unwrap(), Some(2));
}

#[test]
fn a_log_out_that_fails_can_be_tried_again() {
    let store = Scripted::holding(r#"{"a":1}"#);
    let mut session = open(&store);
    store.fail("delete", down);
    assert!(session.flush().wait().is_err());
    assert_eq!(session.key().unwrap().as_str(), KEY);
    session.flush().wait().unwrap();
    assert_eq!((session.key(), store.keys().len()), (None, 0));
    assert_eq!(store.asked(), ["delete", "delete"]);
}

#[test]
fn a_log_in_whose_new_record_cannot_be_stored_changes_nothing() {
    let store = Scripted::holding(r#"{"a":1}"#);
    let mut session = open(&store);
    store.fail("insert", down);
    assert!(session.cycle_key().wait().is_err());
    assert_eq!(session.key().unwrap().as_str(), KEY);
    assert_eq!(store.keys(), [KEY]);
}

#[test]
fn a_log_in_whose_old_record_stays_has_its_new_key_and_says_so() {
    let store = Scripted::holding(r#"{"a":1}"#);
    let mut session = open(&store);
    store.fail("delete", down);
    assert!(session.cycle_key().wait().is_err());
    let key = session.key().unwrap().as_str().to_owned();
    assert_ne!(key, KEY);
    assert_eq!(store.keys().len(), 2);
    assert!(store.keys().contains(&key));
}

#[test]
fn a_generator_that_repeats_itself_is_an_error_and_no_endless_loop() {
    let store = Scripted::holding("{}");
    let mut session = Session::open(
        Arc::clone(&store),
        SessionContext::with(Settings::default(), session_core::SystemClock, SameKey),
        None,
    );
    let error = session.save().wait().unwrap_err();
    assert!(matches!(error, SessionError::KeysExhausted(1_000)), "{error}");
    assert_eq!(session.key(), None);
}

#[test]
fn a_taken_key_is_drawn_again_without_a_question_in_between() {
    let store = Scripted::holding("{}");
    store.fail("insert", |key| StoreError::Exists(key.clone()));
    let mut session = Session::open(Arc::clone(&store), context(), None);
    session.save().wait().unwrap();
    assert_eq!(store.asked(), ["insert", "insert"]);
    assert_eq!(store.keys().len(), 2);
}

/// Asks a store everything once, and tells what it said.
fn everything(store: &impl SessionStore) -> Vec<String> {
    let key = SessionKey::parse("fedcba9876543210").unwrap();
    let record = Record::new(Entries::parse(br#"{"a":[1]}"#).unwrap(), datetime!(2031-01-01 00:00 UTC));
    vec![
        format!("{:?}", store.capabilities()),
        format!("{:?}", store.insert(&key, &record).wait()),
        format!("{:?}", store.insert(&key, &record).wait()),
        format!("{:?}", store.load(&key).wait()),
        format!("{:?}", store.update(&key, &record).wait()),
        format!("{:?}", store.exists(&key).wait()),
        format!("{:?}", store.delete(&key).wait()),
        format!("{:?}", store.exists(&key).wait()),
        format!("{:?}", store.update(&key, &record).wait()),
        format!("{:?}", store.clear_expired().wait()),
    ]
}

#[test]
fn a_wrapped_store_answers_as_the_store_in_it() {
    let bare = everything(&Scripted::default());
    assert!(bare[2].contains("Exists") && bare[8].contains("NotFound"), "{bare:?}");
    assert_eq!(everything(&AnyStore::new(Scripted::default())), bare);
    assert_eq!(everything(&Offload::new(Scripted::default())), bare);
    assert_eq!(everything(&Arc::new(Scripted::default())), bare);
    assert_eq!(everything(&AnyStore::new(Offload::new(Scripted::default()))), bare);
}

#[test]
fn an_offloaded_store_works_on_another_thread() {
    #[derive(Debug)]
    struct Where(Scripted);

    impl SessionStore for Where {
        fn capabilities(&self) -> Capabilities {
            self.0.capabilities()
        }
        async fn exists(&self, _: &SessionKey) -> Result<bool, StoreError> {
            // The thread's name tells it from the one that asked.
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            Err(StoreError::unavailable("x", name))
        }
        async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
            self.0.load(key).await
        }
        async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
            self.0.insert(key, record).await
        }
        async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
            self.0.update(key, record).await
        }
        async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
            self.0.delete(key).await
        }
        async fn clear_expired(&self) -> Result<u64, StoreError> {
            self.0.clear_expired().await
        }
    }

    let key = SessionKey::parse(KEY).unwrap();
    let worked_on = |answer: Result<bool, StoreError>| match answer {
        Err(StoreError::Unavailable { source, .. }) => source.to_string(),
        other => panic!("{other:?}"),
    };
    let own = std::thread::current().name().unwrap_or_default().to_owned();
    assert_eq!(worked_on(Where(Scripted::default()).exists(&key).wait()), own);
    assert_ne!(worked_on(Offload::new(Where(Scripted::default())).exists(&key).wait()), own);
}

/// Keeps what is logged, a line each: level, target, and the fields.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(format!("{} {}", event.metadata().level(), event.metadata().target()));
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
