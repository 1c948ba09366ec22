//! Sessions in handlers of axum, and what is logged where something is wrong.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

mod counting;

use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use counting::CountingStore;
use http::{Request, StatusCode, header};
use session_core::blocking::Wait;
use session_core::middleware::{RequestSession, SessionLayer};
use session_core::{SessionError, Settings};
use tower::ServiceExt;

async fn visits(session: RequestSession) -> Result<String, SessionError> {
    let mut session = session.lock().await;
    let data = session.data().await?;
    let visits = data.get_as::<u64>("visits")?.unwrap_or(0) + 1;
    data.insert("visits", visits)?;
    Ok(format!("visit {visits}"))
}

/// What the visitor sees: the status, the text, and the cookie that was set.
fn get_page(routes: &Router, cookie: Option<&str>) -> (StatusCode, String, Option<String>) {
    let mut request = Request::get("/");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    let answer = routes.clone().oneshot(request.body(Body::empty()).unwrap()).wait().unwrap();
    let cookie = answer.headers().get(header::SET_COOKIE);
    let cookie = cookie.map(|line| line.to_str().unwrap().split(';').next().unwrap().to_owned());
    let status = answer.status();
    let text = to_bytes(answer.into_body(), 1_000).wait().unwrap();
    (status, String::from_utf8(text.to_vec()).unwrap(), cookie)
}

/// The lines that are logged while something runs.
fn logged(run: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, run);
    let lines = lines.0.lock().unwrap();
    String::from_utf8(lines.clone()).unwrap()
}

#[test]
fn a_handler_has_the_session_as_an_argument_and_the_cookie_brings_it_back() {
    let store = CountingStore::default();
    let layer = SessionLayer::new(store.clone(), Settings::default()).unwrap();
    let routes = Router::new().route("/", get(visits)).layer(layer);
    let (status, text, cookie) = get_page(&routes, None);
    assert_eq!((status, text.as_str()), (StatusCode::OK, "visit 1"));
    assert_eq!(get_page(&routes, cookie.as_deref()).1, "visit 2");
    assert_eq!((store.len(), store.entry("visits")), (1, Some(2.into())));
    assert_eq!(store.calls(), ["insert", "load", "update"]);
}

#[test]
fn two_arguments_are_one_session() {
    async fn both(one: RequestSession, other: RequestSession) -> Result<String, SessionError> {
        one.lock().await.data().await?.insert("a", 1)?;
        Ok(format!("{:?}", other.lock().await.data().await?.get_as::<u8>("a")?))
    }
    let store = CountingStore::default();
    let layer = SessionLayer::new(store, Settings::default()).unwrap();
    assert_eq!(get_page(&Router::new().route("/", get(both)).layer(layer), None).1, "Some(1)");
}

#[test]
fn a_missing_layer_is_told_to_whoever_asks_and_to_the_log() {
    let routes = Router::new().route("/", get(visits));
    let log = logged(|| {
        let (status, text, _) = get_page(&routes, None);
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(text.contains("SessionLayer is missing"), "{text}");
    });
    assert!(log.contains("session_core::middleware: /: this route has no sessions"), "{log}");
}

#[test]
fn an_error_of_the_session_is_an_empty_500_and_a_line_in_the_log() {
    let store = CountingStore::default();
    let layer = SessionLayer::new(store.clone(), Settings::default()).unwrap();
    let routes = Router::new().route("/", get(visits)).layer(layer);
    let cookie = get_page(&routes, None).2.unwrap();
    let key = cookie.strip_prefix("sessionid=").unwrap().to_owned();
    store.set_down(true);
    let log = logged(|| {
        let (status, text, set) = get_page(&routes, Some(&cookie));
        assert_eq!((status, text.as_str(), set), (StatusCode::INTERNAL_SERVER_ERROR, "", None));
    });
    assert!(
        log.contains("ERROR session_core::middleware: a handler gave up: cannot load a session"),
        "{log}"
    );
    assert!(!log.contains(&key), "{log}");
}

#[test]
fn a_session_that_cannot_be_saved_is_an_empty_500_and_a_line_in_the_log() {
    let store = CountingStore::default();
    let down = store.clone();
    let layer = SessionLayer::new(store, Settings::default()).unwrap();
    let handler = move |session: RequestSession| async move {
        let text = visits(session).await?;
        down.set_down(true);
        Ok::<_, SessionError>(text)
    };
    let routes = Router::new().route("/", get(handler)).layer(layer);
    let log = logged(|| {
        let (status, text, set) = get_page(&routes, None);
        assert_eq!((status, text.as_str(), set), (StatusCode::INTERNAL_SERVER_ERROR, "", None));
    });
    assert!(log.contains("the session could not be saved: cannot insert a session"), "{log}");
}

#[test]
fn a_session_that_was_logged_out_elsewhere_is_a_400_and_a_warning_without_its_key() {
    let store = CountingStore::default();
    let layer = SessionLayer::new(store, Settings::default()).unwrap();
    let routes = Router::new().route("/", get(visits));
    let log_out = |session: RequestSession| async move {
        let mut session = session.lock().await;
        session.data().await?.insert("a", 1)?;
        // As a log-out in another request does it: behind this session's back.
        session.delete().await?;
        Ok::<_, SessionError>("never seen")
    };
    let routes = routes.route("/", axum::routing::post(log_out)).layer(layer);
    let cookie = get_page(&routes, None).2.unwrap();
    let key = cookie.strip_prefix("sessionid=").unwrap().to_owned();
    let request = Request::post("/").header(header::COOKIE, &cookie).body(Body::empty()).unwrap();
    let log = logged(|| {
        let answer = routes.oneshot(request).wait().unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert!(!answer.headers().contains_key(header::SET_COOKIE));
        assert!(to_bytes(answer.into_body(), 1_000).wait().unwrap().is_empty());
    });
    assert!(log.contains("WARN session_core::middleware: the request's session was deleted"), "{log}");
    assert!(!log.contains(&key), "{log}");
}
