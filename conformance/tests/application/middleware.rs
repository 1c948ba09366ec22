//! `session_core::middleware` against the table that real Django filled in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Map;
use session_backends::MemoryStore;
use session_conformance::application::{
    Answer, Application, Brought, Case, CookieCase, Request, cases, cookie_cases, overlapping_cases,
};
use session_core::blocking::Wait;
use session_core::middleware::SessionMiddleware;
use session_core::{RandomKeys, Session, SessionContext, SessionStore, Settings, SettingsError};

use crate::answer::{self, attributes};
use crate::in_process::{Flaw, InProcess, Watched, clock};

fn middleware(settings: Settings) -> Result<SessionMiddleware, SettingsError> {
    SessionMiddleware::new(SessionContext::with(settings, clock(), RandomKeys))
}

/// The value of the cookie that a visitor brings.
fn bring(store: &Arc<Watched>, context: &SessionContext, brought: Brought) -> Option<String> {
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
        Brought::Bare | Brought::Expired => {}
    }
    session.save().wait().unwrap();
    if brought == Brought::Ended {
        session.delete().wait().unwrap();
    }
    Some(session.key().unwrap().as_str().to_owned())
}

fn answer(case: &Case) -> Answer {
    let settings = Settings::default().with(|settings| {
        settings.save_every_request = case.save_every_request;
        settings.expire_at_browser_close = case.expire_at_browser_close;
    });
    let mut application = InProcess::new(settings, Flaw::None);
    let store = Arc::clone(&application.store);
    let brought = bring(&store, application.middleware.context(), case.cookie);
    store.loaded.store(false, Ordering::Relaxed);
    let cookie = brought.as_ref().map(|key| format!("theme=dark; sessionid={key}; broken; =; other=\"x"));
    let request = Request::new(cookie, case.operations.clone(), case.status);
    let response = application.exchange(&request).unwrap();

    let loads = store.loaded.load(Ordering::Relaxed);
    answer::read(case, response, brought, loads, |key| store.load(key).wait().unwrap())
}

#[test]
fn the_middleware_answers_as_django_does() {
    for case in cases().unwrap().into_iter().chain(overlapping_cases().unwrap()) {
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
        let settings = Settings::default().with(|settings| {
            settings.cookie_name = case.cookie_name.clone();
            settings.cookie_domain = case.cookie_domain.clone();
            settings.cookie_path = case.cookie_path.clone();
            settings.cookie_secure = case.cookie_secure;
            settings.cookie_httponly = case.cookie_httponly;
            settings.cookie_samesite = case.cookie_samesite.clone();
        });
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
            middleware.process_response(&mut session, StatusCode::OK, &mut headers).wait().unwrap();
            let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
            assert_eq!(cookies.len(), 2);
            assert_eq!(cookies[0], "theme=dark");
            attributes(cookies[1].to_str().unwrap())
        };
        let lower = |attributes: &BTreeMap<String, String>| {
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
