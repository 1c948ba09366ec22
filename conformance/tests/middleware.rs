//! `session_core::middleware` against the table that real Django filled in.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use session_backends::MemoryStore;
use session_conformance::application::{
    Answer, Brought, Case, CookieCase, Operation, Sent, cases, cookie_cases,
};
use session_core::blocking::Wait;
use session_core::middleware::SessionMiddleware;
use session_core::{
    Capabilities, Context, ManualClock, RandomKeys, Record, Session, SessionData, SessionKey, SessionStore,
    Settings, SettingsError, StoreError,
};
use time::macros::datetime;

/// A store in memory that knows whether a record was asked for.
struct Watched {
    store: MemoryStore<ManualClock>,
    loaded: AtomicBool,
}

impl SessionStore for Watched {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }
    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.store.exists(key).await
    }
    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.loaded.store(true, Ordering::Relaxed);
        self.store.load(key).await
    }
    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.store.insert(key, record).await
    }
    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.store.update(key, record).await
    }
    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.store.delete(key).await
    }
    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.store.clear_expired().await
    }
}

fn clock() -> ManualClock {
    // When the table was made.
    ManualClock::new(datetime!(2030-03-17 17:46:40 UTC))
}

fn middleware(settings: Settings) -> Result<SessionMiddleware, SettingsError> {
    SessionMiddleware::new(Context::with(settings, clock(), RandomKeys))
}

fn perform(session: &mut Session<Arc<Watched>>, operation: &Operation) -> Value {
    fn data(session: &mut Session<Arc<Watched>>) -> &mut SessionData {
        session.data().wait().unwrap()
    }
    match operation {
        Operation::Get(entry) => return data(session).get(entry).cloned().unwrap_or_default(),
        Operation::Set(entry, value) => drop(data(session).insert(entry.clone(), value).unwrap()),
        Operation::Remove(entry) => drop(data(session).remove_or(entry, Value::Null)),
        Operation::Append(entry, value) => {
            if let Some(Value::Array(list)) = data(session).get_mut(entry) {
                list.push(value.clone());
            }
        }
        Operation::Clear => session.clear(),
        Operation::Flush => session.flush().wait().unwrap(),
        Operation::CycleKey => session.cycle_key().wait().unwrap(),
        Operation::SetExpiry(None) => data(session).set_expiry(session_core::Expiry::Default),
        Operation::SetExpiry(Some(seconds)) => data(session).set_expiry(*seconds),
        Operation::IsEmpty => return session.is_empty().into(),
        Operation::Save => session.save().wait().unwrap(),
        Operation::DeleteElsewhere => session.delete().wait().unwrap(),
    }
    Value::Null
}

/// The value of the cookie that a visitor brings.
fn bring(store: &Arc<Watched>, context: &Context, brought: Brought) -> Option<String> {
    let mut session = Session::open(Arc::clone(store), context.clone(), None);
    match brought {
        Brought::None => return None,
        Brought::Unknown => return Some("u".repeat(32)),
        Brought::Short => return Some("short".into()),
        Brought::Live | Brought::Ended => {
            let data = session.data().wait().unwrap();
            data.insert("a", 1).unwrap();
            data.insert("list", [1, 2]).unwrap();
        }
        Brought::Bare => {}
    }
    session.save().wait().unwrap();
    if brought == Brought::Ended {
        session.delete().wait().unwrap();
    }
    Some(session.key().unwrap().as_str().to_owned())
}

fn attributes(cookie: &HeaderValue) -> Map<String, Value> {
    let parts = cookie.to_str().unwrap().split("; ").skip(1);
    let pairs = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
    pairs.map(|(name, value)| (name.to_lowercase(), value.into())).collect()
}

fn answer(case: &Case) -> Answer {
    let settings = Settings {
        save_every_request: case.save_every_request,
        expire_at_browser_close: case.expire_at_browser_close,
        ..Settings::default()
    };
    let middleware = middleware(settings).unwrap();
    let store =
        Arc::new(Watched { store: MemoryStore::with_clock(100, clock()), loaded: AtomicBool::new(false) });
    let brought = bring(&store, middleware.context(), case.cookie);
    let mut request = HeaderMap::new();
    if let Some(key) = &brought {
        let line = format!("theme=dark; sessionid={key}; broken; =; other=\"x");
        request.insert(header::COOKIE, HeaderValue::try_from(line).unwrap());
    }

    let sent = middleware.process_request(&request);
    let mut session = Session::open(Arc::clone(&store), middleware.context().clone(), sent.as_deref());
    let results = case.operations.iter().map(|operation| perform(&mut session, operation)).collect();
    let mut status = StatusCode::from_u16(case.status).unwrap();
    let mut headers = HeaderMap::new();
    let response = middleware.process_response(&mut session, sent.is_some(), status, &mut headers).wait();
    if let Err(error) = response {
        assert!(headers.is_empty(), "{headers:?}");
        status = error.status();
    }

    let loads = store.loaded.load(Ordering::Relaxed);
    let cookie = headers.get(header::SET_COOKIE).map(|cookie| {
        let value = cookie.to_str().unwrap().split([';', '=']).nth(1).unwrap().to_owned();
        (value, attributes(cookie))
    });
    let (key, cookie, max_age) = match cookie {
        None => (brought, None, None),
        Some((value, _)) if value.is_empty() => (None, Some(Sent::Deleted), None),
        Some((value, attributes)) => {
            let sent = if brought.as_ref() == Some(&value) { Sent::Same } else { Sent::New };
            let max_age = attributes.get("max-age").map(|age| age.as_str().unwrap().parse().unwrap());
            assert_eq!(attributes.contains_key("expires"), max_age.is_some());
            (Some(value), Some(sent), max_age)
        }
    };
    let left = key.and_then(|key| store.load(&SessionKey::parse(&key)?).wait().unwrap());
    let left = left.map(|record| {
        let named = record.data.into_iter().filter(|(name, _)| !name.starts_with('_'));
        named.collect::<Map<_, _>>()
    });
    let vary = headers.get(header::VARY).is_some_and(|vary| vary == "Cookie");
    Answer { status: status.as_u16(), cookie, max_age, vary, loads, left, results }
}

#[test]
fn the_middleware_answers_as_django_does() {
    for case in cases().unwrap() {
        let (got, mut wanted) = (answer(&case), case.answer.clone());
        // Django reads the record for an age that it does not send then.
        if case.status >= 500 && case.save_every_request && !got.loads {
            wanted.loads = false;
        }
        assert_eq!(got, wanted, "{}", serde_json::to_string(&case).unwrap());
    }
}

/// What no browser keeps: Django sends it, and here the settings are refused.
fn is_kept(case: &CookieCase) -> bool {
    let secure_name = case.cookie_name.starts_with("__");
    let plain = case.cookie_path == "/" && case.cookie_domain.is_none();
    let needs_secure = secure_name || case.cookie_samesite.as_deref() == Some("None");
    (case.cookie_secure || !needs_secure) && (plain || !case.cookie_name.starts_with("__Host-"))
}

#[test]
fn the_cookie_has_the_attributes_that_django_gives_it() {
    let mut refused = 0;
    for case in cookie_cases().unwrap() {
        let settings = Settings {
            cookie_name: case.cookie_name.clone(),
            cookie_domain: case.cookie_domain.clone(),
            cookie_path: case.cookie_path.clone(),
            cookie_secure: case.cookie_secure,
            cookie_httponly: case.cookie_httponly,
            cookie_samesite: case.cookie_samesite.clone(),
            ..Settings::default()
        };
        let middleware = match middleware(settings) {
            Ok(middleware) => middleware,
            Err(error) => {
                assert!(!is_kept(&case), "{case:?}: {error}");
                refused += 1;
                continue;
            }
        };
        assert!(is_kept(&case), "{case:?}");
        let exchange = |key: Option<&str>, write: bool| {
            let store = MemoryStore::with_clock(1, clock());
            let mut session = Session::open(store, middleware.context().clone(), key);
            if write {
                session.data().wait().unwrap().insert("a", 1).unwrap();
            }
            let mut headers = HeaderMap::new();
            // One that the handler has set, and another's.
            let handlers = format!("{}=x", case.cookie_name);
            headers.append(header::SET_COOKIE, HeaderValue::try_from(handlers).unwrap());
            headers.append(header::SET_COOKIE, HeaderValue::from_static("theme=dark"));
            middleware
                .process_response(&mut session, key.is_some(), StatusCode::OK, &mut headers)
                .wait()
                .unwrap();
            let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
            assert_eq!(cookies.len(), 2);
            assert_eq!(cookies[0], "theme=dark");
            attributes(cookies[1])
        };
        let lower = |attributes: &std::collections::BTreeMap<String, String>| {
            let pairs = attributes.iter().map(|(name, value)| (name.to_lowercase(), value.as_str().into()));
            pairs.collect::<Map<_, _>>()
        };
        assert_eq!(exchange(None, true), lower(&case.set), "{case:?}");
        let mut deleted = exchange(Some("short"), false);
        // Ours is as secure as the cookie was; Django's where browsers insist.
        let insist = deleted.contains_key("secure") && !case.deleted.contains_key("Secure");
        assert!(!insist || case.cookie_secure);
        if insist {
            deleted.shift_remove("secure");
        }
        assert_eq!(deleted, lower(&case.deleted), "{case:?}");
    }
    // Of 64 each: 8 with the plain name, 32 with `__Secure-`, 56 with `__Host-`.
    assert_eq!(refused, 8 + 32 + 56);
}
