//! `session_core::middleware` on sessions in the cookie, against the table that real Django filled in.

use std::sync::atomic::Ordering;

use serde_json::Map;
use session_backends::CookieStore;
use session_conformance::application::{
    Answer, Application, Brought, Case, Operation, Request, Sent, cookie_session_cases,
};
use session_core::blocking::Wait;
use session_core::{Clock, ManualClock, RandomKeys, Session, SessionContext, SessionStore, Settings};
use time::Duration;

use crate::answer;
use crate::in_process::{Flaw, InProcess, clock};

/// The value of the cookie that a visitor brings, signed a moment ago.
fn bring(settings: &Settings, brought: Brought) -> Option<String> {
    let age = match brought {
        Brought::Expired => Duration::seconds(settings.cookie_age + 1),
        _ => Duration::seconds(10),
    };
    let then = ManualClock::new(clock().now() - age);
    let store = CookieStore::with_clock(settings, then.clone()).unwrap();
    let mut session = Session::open(store, SessionContext::with(settings.clone(), then, RandomKeys), None);
    match brought {
        Brought::None => return None,
        Brought::Unknown => return Some("u".repeat(32)),
        Brought::Short => return Some("short".into()),
        Brought::Ended => unreachable!("a cookie cannot be ended"),
        Brought::Live | Brought::Expired => {
            let data = session.data().wait().unwrap();
            data.insert("a", 1).unwrap();
            data.insert("list", [1, 2]).unwrap();
        }
        Brought::Bare => {}
    }
    session.save().wait().unwrap();
    Some(session.key().unwrap().as_str().to_owned())
}

fn answer(case: &Case) -> Answer {
    let settings = Settings::new("the table's").with(|settings| {
        settings.save_every_request = case.save_every_request;
        settings.expire_at_browser_close = case.expire_at_browser_close;
    });
    let brought = bring(&settings, case.cookie);
    let store = CookieStore::with_clock(&settings, clock()).unwrap();
    let mut application = InProcess::on(store, settings, Flaw::None);
    let cookie = brought.as_ref().map(|key| format!("sessionid={key}"));
    let request = Request::new(cookie, case.operations.clone(), case.status);
    let response = application.exchange(&request).unwrap();

    let loads = application.store.loaded.load(Ordering::Relaxed);
    // A value that cannot be read has nothing left under it.
    answer::read(case, response, brought, loads, |key| application.store.load(key).wait().ok()?)
}

/// What the answer must be here; it is Django's, but where the specification is another.
fn wanted(case: &Case, got: &Answer) -> Answer {
    let mut wanted = case.answer.clone();
    // Django reads the cookie for an age that it does not send then.
    if case.status >= 500 && case.save_every_request && !got.loads {
        wanted.loads = false;
    }
    // r[expiry.signed-seconds]: a session's own expiry counts, of which Django knows nothing.
    if case.operations.contains(&Operation::SetExpiry(Some(-5))) && wanted.cookie == Some(Sent::New) {
        wanted.left = None;
    }
    // r[key.tampered]: a cookie that cannot be read does not mark the session modified, so that nothing is sent in
    // its place; and one that has expired is deleted. Nothing is lost by that.
    let unreadable = matches!(case.cookie, Brought::Unknown | Brought::Expired) && wanted.loads;
    let renewed = unreadable && wanted.left.as_ref().is_none_or(Map::is_empty);
    if renewed && !case.operations.contains(&Operation::Save) {
        let Answer { cookie, max_age, left, results, .. } = got.clone();
        wanted = Answer { cookie, max_age, left, results, ..wanted };
        assert!(matches!(got.cookie, None | Some(Sent::Deleted)) || got.cookie == case.answer.cookie);
        assert!(got.left.as_ref().is_none_or(Map::is_empty));
    }
    // r[lifecycle.save.unknown-unread]: the handler is told that there is nothing to save.
    if case.operations == [Operation::Save] && case.cookie == Brought::Expired {
        wanted = got.clone();
        assert_ne!(got.results, case.answer.results);
    }
    wanted
}

#[test]
fn the_middleware_answers_as_django_does_where_sessions_are_in_the_cookie() {
    for case in cookie_session_cases().unwrap() {
        let got = answer(&case);
        assert_eq!(got, wanted(&case, &got), "{}", serde_json::to_string(&case).unwrap());
    }
}

#[test]
fn where_sessions_are_in_the_cookie_an_unread_one_is_left_alone() {
    let untouched = |case: &Case| case.operations.is_empty() && !case.save_every_request;
    for case in cookie_session_cases().unwrap().into_iter().filter(untouched) {
        assert_eq!(answer(&case), case.answer, "{}", serde_json::to_string(&case).unwrap());
    }
}
