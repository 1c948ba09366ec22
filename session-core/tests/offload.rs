//! A store that blocks, on threads of its own: what is under way is limited, and a store that hangs hurts nobody else.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use session_core::blocking::Wait;
use session_core::{
    AnyStore, Capabilities, Offload, OffloadLimits, Record, SessionKey, SessionStore, StoreError,
};

/// A store that hangs in `exists` until the test lets it go, and tells what it does.
struct Hanging {
    began: Mutex<Sender<String>>,
    go: Mutex<Receiver<()>>,
    blocks: bool,
}

/// The other end of it.
struct Test {
    began: Receiver<String>,
    go: Sender<()>,
}

fn hanging() -> (Hanging, Test) {
    let ((began, seen), (go, gone)) = (channel(), channel());
    let store = Hanging { began: Mutex::new(began), go: Mutex::new(gone), blocks: true };
    (store, Test { began: seen, go })
}

impl Hanging {
    fn tell(&self, what: String) {
        self.began.lock().unwrap().send(what).unwrap();
    }
}

impl SessionStore for Hanging {
    fn capabilities(&self) -> Capabilities {
        Capabilities::database()
    }
    fn blocks(&self) -> bool {
        self.blocks
    }
    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.tell(key.as_str().to_owned());
        self.go.lock().unwrap().recv().unwrap();
        self.tell(format!("{} is done", key.as_str()));
        Ok(true)
    }
    async fn load(&self, _: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.tell(format!("on {}", std::thread::current().name().unwrap_or_default()));
        Ok(None)
    }
    async fn insert(&self, _: &SessionKey, _: &Record) -> Result<SessionKey, StoreError> {
        panic!("this store cannot insert")
    }
    async fn update(&self, key: &SessionKey, _: &Record) -> Result<SessionKey, StoreError> {
        Ok(key.clone())
    }
    async fn delete(&self, _: &SessionKey) -> Result<(), StoreError> {
        Ok(())
    }
    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.tell("clearing".into());
        self.go.lock().unwrap().recv().unwrap();
        Ok(7)
    }
}

fn key(name: &str) -> SessionKey {
    SessionKey::parse(&format!("key-of-{name}")).unwrap()
}

/// One thread, and room for one more call.
fn narrow() -> OffloadLimits {
    OffloadLimits::default().with_threads(1).with_queue(1)
}

fn reason(result: Result<impl std::fmt::Debug, StoreError>) -> String {
    match result.unwrap_err() {
        StoreError::Unavailable { source, .. } => source.to_string(),
        other => panic!("{other}"),
    }
}

/// Begins a call.
fn poll<T: std::fmt::Debug>(future: std::pin::Pin<&mut impl Future<Output = T>>) {
    let polled = future.poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "{polled:?}");
}

#[test]
fn a_full_queue_is_an_error_at_once() {
    let (store, test) = hanging();
    let store = Offload::with_limits(store, narrow());
    let (one, two, three) = (key("one"), key("two"), key("three"));
    let (mut first, mut second) = (pin!(store.exists(&one)), pin!(store.exists(&two)));
    poll(first.as_mut());
    assert_eq!(test.began.recv().unwrap(), "key-of-one");
    poll(second.as_mut());
    let said = reason(store.exists(&three).wait());
    assert!(said.contains("1 calls are waiting already"), "{said}");
    test.go.send(()).unwrap();
    test.go.send(()).unwrap();
    assert!(first.wait().unwrap() && second.wait().unwrap());
}

#[test]
fn whoever_waits_too_long_is_told_whether_it_had_begun() {
    let (store, test) = hanging();
    let store = Offload::with_limits(store, narrow().with_wait(Duration::from_millis(1)));
    let (one, two) = (key("one"), key("two"));
    // On a busy machine no thread may begin within the time; then it is asked again.
    let mut asked = std::iter::repeat_with(|| reason(store.exists(&one).wait()));
    let said = asked.find(|said| !said.contains("it was not begun")).unwrap();
    assert!(said.contains("no answer within 1ms; it may still be done"), "{said}");
    let said = reason(store.exists(&two).wait());
    assert!(said.contains("it was not begun"), "{said}");
    // The first runs to its end; the second never begins.
    test.go.send(()).unwrap();
    assert_eq!(test.began.recv().unwrap(), "key-of-one");
    assert_eq!(test.began.recv().unwrap(), "key-of-one is done");
    let patient = Offload::clone(&store);
    while patient.load(&one).wait().is_err() {}
    assert!(test.began.recv().unwrap().starts_with("on session-store"));
}

#[test]
fn a_dropped_call_that_has_not_begun_never_begins_and_one_that_has_runs_to_its_end() {
    let (store, test) = hanging();
    let store = Offload::with_limits(store, narrow());
    let (one, two) = (key("one"), key("two"));
    {
        let (mut first, mut second) = (pin!(store.exists(&one)), pin!(store.exists(&two)));
        poll(first.as_mut());
        assert_eq!(test.began.recv().unwrap(), "key-of-one");
        poll(second.as_mut());
    }
    // What nobody waits for takes no place in the queue either.
    let mut third = pin!(store.load(&one));
    poll(third.as_mut());
    test.go.send(()).unwrap();
    assert_eq!(test.began.recv().unwrap(), "key-of-one is done");
    third.wait().unwrap();
    assert_eq!(test.began.recv().unwrap(), "on session-store");
}

#[test]
fn clearing_takes_as_long_as_it_needs() {
    let (store, test) = hanging();
    let store = Offload::with_limits(store, narrow().with_wait(Duration::from_millis(20)));
    let mut clearing = pin!(store.clear_expired());
    poll(clearing.as_mut());
    assert_eq!(test.began.recv().unwrap(), "clearing");
    // Another call is given up meanwhile, so that the time is over.
    assert!(reason(store.load(&key("one")).wait()).contains("was not begun"));
    test.go.send(()).unwrap();
    assert_eq!(clearing.wait().unwrap(), 7);
}

#[test]
fn no_more_threads_run_than_were_allowed_and_all_of_them_do() {
    let (store, test) = hanging();
    let store = Arc::new(Offload::with_limits(store, OffloadLimits::default().with_threads(1)));
    let keys: Vec<SessionKey> = (0..50).map(|n| key(&n.to_string())).collect();
    let mut calls: Vec<_> = keys.iter().map(|key| Box::pin(store.exists(key))).collect();
    for call in &mut calls {
        poll(call.as_mut());
    }
    // One at a time, and in order.
    for key in &keys {
        assert_eq!(test.began.recv().unwrap(), key.as_str());
        assert!(test.began.try_recv().is_err());
        test.go.send(()).unwrap();
        assert!(test.began.recv().unwrap().ends_with("is done"));
    }
    for call in calls {
        assert!(call.wait().unwrap());
    }
}

#[test]
#[should_panic(expected = "this store cannot insert")]
fn a_store_that_panics_does_so_where_it_was_called() {
    let (store, _test) = hanging();
    let record = Record::new(session_core::Entries::new(), time::OffsetDateTime::UNIX_EPOCH);
    let _ = Offload::new(store).insert(&key("one"), &record).wait();
}

#[test]
fn a_store_that_says_that_it_blocks_works_on_other_threads_wherever_its_type_is_hidden() {
    for wrap in [|store: Hanging| AnyStore::new(store), |store| AnyStore::new(Arc::new(store))] {
        let (store, test) = hanging();
        wrap(store).load(&key("one")).wait().unwrap();
        assert_eq!(test.began.recv().unwrap(), "on session-store");
    }
    let (store, test) = hanging();
    let store = AnyStore::new(Hanging { blocks: false, ..store });
    store.load(&key("one")).wait().unwrap();
    assert_ne!(test.began.recv().unwrap(), "on session-store");
    let (store, test) = hanging();
    AnyStore::without_offload(store).load(&key("one")).wait().unwrap();
    assert_ne!(test.began.recv().unwrap(), "on session-store");
}

#[test]
fn who_asks_whether_a_store_blocks_is_told_of_the_store_as_it_is_now() {
    let store = |blocks| Hanging { blocks, ..hanging().0 };
    assert!(Arc::new(store(true)).blocks() && !Arc::new(store(false)).blocks());
    assert!(!Offload::new(store(true)).blocks());
    assert!(AnyStore::without_offload(store(true)).blocks());
    assert!(!AnyStore::new(store(true)).blocks() && !AnyStore::new(Offload::new(store(true))).blocks());
}
