//! The bridge to `tower-sessions`: its layer on our stores, and its stores under our layer.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::{get, post};
use http::{Request, StatusCode, header};
use rstest::rstest;
use session_backends::{CookieStore, ForTowerSessions, FromTowerSessions, MemoryStore};
use session_core::middleware::{RequestSession, SessionLayer};
use session_core::{
    AnyStore, Capabilities, ClearExpired, Clock, Entries, ExpiredRecords, ManualClock, RandomKeys, Record,
    Session, SessionContext, SessionError, SessionKey, SessionStore, Settings, StoreError, SystemClock,
};
use time::Duration;
use tower::ServiceExt;
use tower_sessions::session::{Id, Record as TheirRecord};
use tower_sessions::session_store::{Error as TheirError, ExpiredDeletion, Result as TheirResult};
use tower_sessions::{SessionManagerLayer, SessionStore as TheirStore};
use tower_sessions_memory_store::MemoryStore as TheirMemoryStore;

/// The status, the text, and the cookie that was set.
async fn send(site: &Router, request: &str, cookie: Option<&str>) -> (StatusCode, String, Option<String>) {
    let (method, path) = request.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    let answer = site.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let set = answer.headers().get(header::SET_COOKIE);
    let set = set.map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned());
    let status = answer.status();
    let text = to_bytes(answer.into_body(), 10_000).await.unwrap();
    (status, String::from_utf8(text.to_vec()).unwrap(), set)
}

/// A site under their layer, on one of our stores.
fn their_site(store: impl SessionStore + 'static) -> Router {
    let visits = async |session: tower_sessions::Session| {
        let visits = session.get::<u64>("visits").await.unwrap().unwrap_or(0) + 1;
        session.insert("visits", visits).await.unwrap();
        visits.to_string()
    };
    let log_in = async |session: tower_sessions::Session| session.cycle_id().await.unwrap();
    let log_out = async |session: tower_sessions::Session| session.flush().await.unwrap();
    // What a log-out in another request does, after this one has read the session.
    let interrupted = async |session: tower_sessions::Session| {
        session.insert("late", true).await.unwrap();
        session.delete().await.unwrap();
    };
    Router::new()
        .route("/", get(visits))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/interrupted", post(interrupted))
        .layer(SessionManagerLayer::new(ForTowerSessions::new(store).unwrap()))
}

/// A site under our layer, with the name that their cookie has.
fn our_site(store: impl SessionStore + 'static) -> Router {
    async fn visits(session: RequestSession) -> Result<String, SessionError> {
        let mut session = session.lock().await;
        let data = session.data().await?;
        let visits = data.get_as::<u64>("visits")?.unwrap_or(0) + 1;
        data.insert("visits", visits)?;
        Ok(visits.to_string())
    }
    let settings = Settings::default().with(|settings| settings.cookie_name = "id".into());
    Router::new().route("/", get(visits)).layer(SessionLayer::new(store, settings).unwrap())
}

#[rstest]
#[case("memory:")]
#[cfg_attr(feature = "sqlite", case("sqlite:DIR/s.db"))]
#[cfg_attr(feature = "file", case("file:DIR"))]
#[tokio::test]
async fn their_layer_keeps_its_sessions_in_our_store(#[case] engine: &str) {
    let directory = tempfile::tempdir().unwrap();
    let engine = engine.replace("DIR", &directory.path().display().to_string());
    let settings = Settings::new("s").with(|settings| settings.engine = engine);
    session_backends::migrate(&settings).await.unwrap();
    let site = their_site(session_backends::open(&settings).await.unwrap());

    let (_, text, first) = send(&site, "GET /", None).await;
    assert_eq!(text, "1");
    assert_eq!(send(&site, "GET /", first.as_deref()).await.1, "2");
    let second = send(&site, "POST /login", first.as_deref()).await.2;
    assert_ne!(first, second);
    assert_eq!(send(&site, "GET /", second.as_deref()).await.1, "3");
    assert_eq!(
        send(&site, "GET /", first.as_deref()).await.1,
        "1",
        "the key from before the log-in is worth nothing"
    );
    send(&site, "POST /logout", second.as_deref()).await;
    assert_eq!(send(&site, "GET /", second.as_deref()).await.1, "1");
}

#[tokio::test]
async fn a_session_that_was_deleted_meanwhile_does_not_come_back_under_their_layer() {
    let store = Arc::new(MemoryStore::new(10));
    let site = their_site(Arc::clone(&store));
    let cookie = send(&site, "GET /", None).await.2;
    assert_eq!(store.len(), 1);
    let (status, text, _) = send(&site, "POST /interrupted", cookie.as_deref()).await;
    assert_eq!((status, text.as_str(), store.len()), (StatusCode::INTERNAL_SERVER_ERROR, "", 0));
}

fn their_record(id: i128, data: &str) -> TheirRecord {
    let data = serde_json::from_str(data).unwrap();
    TheirRecord { id: Id(id), data, expiry_date: SystemClock.now() + Duration::HOUR }
}

#[rstest]
#[case(0, "00000000000000000000000000000000")]
#[case(1, "00000000000000000000000000000001")]
#[case(-1, "ffffffffffffffffffffffffffffffff")]
#[case(i128::MAX, "7fffffffffffffffffffffffffffffff")]
#[case(i128::MIN, "80000000000000000000000000000000")]
#[tokio::test]
async fn an_id_is_a_key_of_hexadecimal_digits(#[case] id: i128, #[case] key: &str) {
    let ours = Arc::new(MemoryStore::new(10));
    let theirs = ForTowerSessions::new(Arc::clone(&ours)).unwrap();
    let mut record = their_record(id, r#"{"b": 18446744073709551615, "a": [1.5, null]}"#);
    theirs.create(&mut record).await.unwrap();
    assert_eq!(theirs.load(&Id(id)).await.unwrap().as_ref(), Some(&record));
    let kept = ours.load(&SessionKey::parse(key).unwrap()).await.unwrap().unwrap();
    assert_eq!(kept.data.to_json(), r#"{"a":[1.5,null],"b":18446744073709551615}"#);
    theirs.delete(&Id(id)).await.unwrap();
    assert!(ours.is_empty());
}

#[tokio::test]
async fn their_create_draws_another_id_where_one_is_taken_and_their_save_creates_nothing() {
    let ours = Arc::new(MemoryStore::new(10));
    let theirs = ForTowerSessions::new(Arc::clone(&ours)).unwrap();
    let (mut one, mut other) = (their_record(7, r#"{"a": 1}"#), their_record(7, r#"{"a": 2}"#));
    theirs.create(&mut one).await.unwrap();
    theirs.create(&mut other).await.unwrap();
    assert_eq!(one.id, Id(7));
    assert_ne!(other.id, Id(7));
    assert_eq!(theirs.load(&Id(7)).await.unwrap(), Some(one));
    assert!(matches!(theirs.save(&their_record(8, "{}")).await, Err(TheirError::Backend(_))));
    assert_eq!(ours.len(), 2);
}

#[tokio::test]
async fn their_deletion_of_expired_sessions_clears_our_store() {
    let clock = ManualClock::new(SystemClock.now());
    let ours = Arc::new(MemoryStore::with_clock(10, clock.clone()));
    let theirs = ForTowerSessions::new(Arc::clone(&ours)).unwrap();
    theirs.create(&mut their_record(1, "{}")).await.unwrap();
    clock.advance(Duration::HOUR * 2);
    theirs.delete_expired().await.unwrap();
    assert!(ours.is_empty());
}

#[test]
fn a_store_whose_key_is_the_data_is_refused() {
    let settings = Settings::new("s");
    let refused = ForTowerSessions::new(CookieStore::new(&settings).unwrap());
    assert!(matches!(refused, Err(StoreError::Unsupported { .. })));
}

#[tokio::test]
async fn our_layer_keeps_its_sessions_in_their_store() {
    let site = our_site(FromTowerSessions::new(TheirMemoryStore::default()));
    let (_, text, cookie) = send(&site, "GET /", None).await;
    assert_eq!(text, "1");
    assert_eq!(send(&site, "GET /", cookie.as_deref()).await.1, "2");
    assert_eq!(send(&site, "GET /", None).await.1, "1");
}

#[tokio::test]
async fn a_site_that_leaves_their_layer_for_ours_keeps_its_sessions() {
    let store = TheirMemoryStore::default();
    let mut record = their_record(-5, r#"{"visits": 4, "name": "Ada"}"#);
    store.create(&mut record).await.unwrap();
    let cookie = format!("id={}", record.id);
    let site = our_site(FromTowerSessions::new(store.clone()));
    let (_, text, set) = send(&site, "GET /", Some(&cookie)).await;
    assert_eq!((text.as_str(), set.as_deref()), ("5", Some(cookie.as_str())));
    let kept = store.load(&record.id).await.unwrap().unwrap();
    assert_eq!(kept.data.len(), 1, "one text holds all");
    assert_eq!(kept.data["session_core"], r#"{"name":"Ada","visits":5}"#);
}

#[tokio::test]
async fn an_insertion_on_a_taken_key_is_refused_and_leaves_nothing_behind() {
    let clock = ManualClock::new(SystemClock.now());
    let theirs = Listed::default();
    let store = FromTowerSessions::with_clock(theirs.clone(), clock.clone());
    let key = SessionKey::parse("abcdefghijklmnopqrstuvwxyz012345").unwrap();
    let record = |data: &str, hours: i32| {
        Record::new(Entries::parse(data.as_bytes()).unwrap(), clock.now() + Duration::HOUR * hours)
    };
    let (one, other) = (record(r#"{"a":1}"#, 1), record(r#"{"a":2}"#, 5));
    assert_eq!(store.insert(&key, &one).await.unwrap(), key);
    assert!(matches!(store.insert(&key, &other).await, Err(StoreError::Exists(taken)) if taken == key));
    assert_eq!(store.load(&key).await.unwrap(), Some(one));
    assert_eq!(theirs.live_ids().await, 1);
    // Once it has expired, its key is free.
    clock.advance(Duration::HOUR * 2);
    assert_eq!(store.load(&key).await.unwrap(), None);
    assert!(matches!(store.update(&key, &other).await, Err(StoreError::NotFound(_))));
    assert_eq!(store.insert(&key, &other).await.unwrap(), key);
    assert_eq!((store.load(&key).await.unwrap(), theirs.live_ids().await), (Some(other), 1));
}

/// What their trait cannot give: no store of theirs can update and, in the same step, refuse to create.
#[tokio::test]
async fn a_log_out_between_reading_and_writing_is_undone_by_an_update_on_their_store() {
    let theirs = Listed::default();
    let store = AnyStore::new(FromTowerSessions::new(theirs.clone()));
    let context = SessionContext::with(Settings::default(), SystemClock, RandomKeys);
    let mut session = Session::open(store.clone(), context.clone(), None);
    session.data().await.unwrap().insert("a", 1).unwrap();
    session.save().await.unwrap();
    let key = session.key().cloned().unwrap();

    store.delete(&key).await.unwrap();
    assert!(
        matches!(session.save().await, Err(SessionError::Store(StoreError::NotFound(_)))),
        "in order, it is refused"
    );

    session.create().await.unwrap();
    let key = session.key().cloned().unwrap();
    theirs.log_out_after_next_load();
    session.save().await.unwrap();
    assert!(store.exists(&key).await.unwrap(), "and in the gap, it comes back");
}

/// Their store in memory, with a list of the ids it was given, and a log-out that comes at the worst moment.
#[derive(Debug, Clone, Default)]
struct Listed {
    store: TheirMemoryStore,
    ids: Arc<std::sync::Mutex<Vec<Id>>>,
    log_out: Arc<AtomicBool>,
}

impl Listed {
    fn log_out_after_next_load(&self) {
        self.log_out.store(true, Ordering::SeqCst);
    }

    async fn live_ids(&self) -> usize {
        let mut ids = self.ids.lock().unwrap().clone();
        ids.sort_unstable_by_key(|id| id.0);
        ids.dedup();
        let mut live = 0;
        for id in ids {
            live += usize::from(self.store.load(&id).await.unwrap().is_some());
        }
        live
    }
}

#[async_trait]
impl TheirStore for Listed {
    async fn create(&self, record: &mut TheirRecord) -> TheirResult<()> {
        self.store.create(record).await?;
        self.ids.lock().unwrap().push(record.id);
        Ok(())
    }

    async fn save(&self, record: &TheirRecord) -> TheirResult<()> {
        self.ids.lock().unwrap().push(record.id);
        self.store.save(record).await
    }

    async fn load(&self, id: &Id) -> TheirResult<Option<TheirRecord>> {
        let record = self.store.load(id).await?;
        if self.log_out.swap(false, Ordering::SeqCst) {
            self.store.delete(id).await?;
        }
        Ok(record)
    }

    async fn delete(&self, id: &Id) -> TheirResult<()> {
        self.store.delete(id).await
    }
}

/// Their store in memory, whose records no longer decode.
#[derive(Debug, Clone, Default)]
struct Unreadable {
    store: TheirMemoryStore,
    is_damaged: Arc<AtomicBool>,
}

#[async_trait]
impl TheirStore for Unreadable {
    async fn create(&self, record: &mut TheirRecord) -> TheirResult<()> {
        self.store.create(record).await
    }

    async fn save(&self, record: &TheirRecord) -> TheirResult<()> {
        self.is_damaged.store(false, Ordering::SeqCst);
        self.store.save(record).await
    }

    async fn load(&self, id: &Id) -> TheirResult<Option<TheirRecord>> {
        if self.is_damaged.load(Ordering::SeqCst) {
            return Err(TheirError::Decode("half of a record".into()));
        }
        self.store.load(id).await
    }

    async fn delete(&self, id: &Id) -> TheirResult<()> {
        self.store.delete(id).await
    }
}

#[tokio::test]
async fn a_record_that_does_not_decode_is_there_and_can_be_saved_over() {
    let theirs = Unreadable::default();
    let store = FromTowerSessions::new(theirs.clone());
    let key = SessionKey::parse("0123456789abcdef0123456789abcdef").unwrap();
    let record = Record::new(Entries::parse(b"{\"a\":1}").unwrap(), SystemClock.now() + Duration::HOUR);
    store.insert(&key, &record).await.unwrap();
    theirs.is_damaged.store(true, Ordering::SeqCst);
    assert!(matches!(store.load(&key).await, Err(StoreError::Corrupt { .. })));
    assert!(store.exists(&key).await.unwrap());
    assert!(matches!(store.insert(&key, &record).await, Err(StoreError::Exists(_))));
    store.update(&key, &record).await.unwrap();
    assert_eq!(store.load(&key).await.unwrap(), Some(record));
}

#[test]
fn whether_their_store_lasts_is_for_the_caller_to_say() {
    let store = FromTowerSessions::new(TheirMemoryStore::default());
    assert!(!store.capabilities().persistent && !store.capabilities().shared);
    let store = store.with_capabilities(Capabilities::database());
    assert!(store.capabilities().persistent && store.capabilities().shared);
    // What the bridge itself cannot do stays so.
    assert_eq!(store.capabilities().clear_expired, ClearExpired::Unsupported);
    assert_eq!(store.capabilities().expired, ExpiredRecords::Gone);
}
