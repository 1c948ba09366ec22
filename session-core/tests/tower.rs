//! What the layer does with the session of a request: when it reads, when it saves, and what is answered where it
//! cannot.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

mod counting;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use async_lock::Barrier;
use counting::CountingStore;
use futures_lite::{FutureExt, future};
use http::{HeaderMap, Request, Response, StatusCode, header};
use rstest::rstest;
use session_core::blocking::Wait;
use session_core::middleware::{RequestSession, SessionGuard, SessionLayer};
use session_core::{BoxFuture, Settings};
use tower::{Layer, Service, ServiceExt, service_fn};

/// A request with no body.
type Incoming = Request<()>;

/// An answer whose body is still to be made when the head is sent; the default is an empty one.
type Outgoing = Response<Option<BoxFuture<'static, ()>>>;

type Answer = Result<Outgoing, &'static str>;

fn status(status: StatusCode) -> Outgoing {
    let mut answer = Response::new(None);
    *answer.status_mut() = status;
    answer
}

fn session_of(request: &Incoming) -> RequestSession {
    request.extensions().get::<RequestSession>().unwrap().clone()
}

async fn set(session: &mut SessionGuard<'_>, name: &str, value: u32) {
    session.data().await.unwrap().insert(name, value).unwrap();
}

fn request(cookie: Option<&str>) -> Incoming {
    let request = Request::builder();
    match cookie {
        Some(cookie) => request.header(header::COOKIE, cookie),
        None => request,
    }
    .body(())
    .unwrap()
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let line = headers.get(header::SET_COOKIE)?.to_str().unwrap();
    Some(line.split(';').next().unwrap().to_owned())
}

fn layer(store: &CountingStore) -> SessionLayer {
    SessionLayer::new(store.clone(), Settings::default()).unwrap()
}

/// What a handler answers to a request.
fn answer<F>(store: &CountingStore, cookie: Option<&str>, handler: impl FnMut(Incoming) -> F) -> Outgoing
where
    F: Future<Output = Answer> + Send + 'static,
{
    layer(store).layer(service_fn(handler)).oneshot(request(cookie)).wait().unwrap()
}

/// Stores a session with `a` = 1 and gives its cookie. The store's calls are forgotten.
fn visited(store: &CountingStore) -> String {
    let answer = answer(store, None, |request| async move {
        set(&mut session_of(&request).lock().await, "a", 1).await;
        Ok(Response::new(None))
    });
    store.calls();
    cookie(answer.headers()).unwrap()
}

#[test]
fn a_request_that_leaves_its_session_alone_does_no_io_and_gets_no_header() {
    let store = CountingStore::default();
    let cookie = visited(&store);
    for cookie in [None, Some(cookie.as_str()), Some("sessionid=nobodyissuedthis")] {
        let answer = answer(&store, cookie, |request| async move {
            drop(session_of(&request).lock().await);
            Ok(Response::new(None))
        });
        assert_eq!(store.calls(), [""; 0]);
        assert!(answer.headers().is_empty(), "{:?}", answer.headers());
    }
}

#[test]
fn a_session_that_is_only_read_is_read_once_and_not_written() {
    let store = CountingStore::default();
    let cookie = visited(&store);
    let answer = answer(&store, Some(&cookie), |request| async move {
        for _ in 0..2 {
            let session = session_of(&request);
            let mut session = session.lock().await;
            assert_eq!(session.data().await.unwrap().get_as::<u32>("a").unwrap(), Some(1));
        }
        Ok(Response::new(None))
    });
    assert_eq!(store.calls(), ["load"]);
    assert_eq!(answer.headers()[header::VARY], "Cookie");
    assert!(!answer.headers().contains_key(header::SET_COOKIE));
}

#[test]
fn a_session_that_was_changed_is_saved_once_and_its_cookie_brings_it_back() {
    let store = CountingStore::default();
    let cookie = visited(&store);
    let answer = answer(&store, Some(&cookie), |request| async move {
        set(&mut session_of(&request).lock().await, "b", 2).await;
        Ok(status(StatusCode::NOT_FOUND))
    });
    assert_eq!(store.calls(), ["load", "update"]);
    assert_eq!(self::cookie(answer.headers()), Some(cookie));
    assert_eq!((store.entry("a"), store.entry("b")), (Some(1.into()), Some(2.into())));
}

#[test]
fn two_that_ask_for_the_session_of_one_request_get_the_same_one() {
    let store = CountingStore::default();
    answer(&store, None, |request| async move {
        let (one, other) = (session_of(&request), session_of(&request));
        set(&mut one.lock().await, "a", 1).await;
        let mut other = other.lock().await;
        assert_eq!(other.data().await.unwrap().get_as::<u32>("a").unwrap(), Some(1));
        set(&mut other, "b", 2).await;
        Ok(Response::new(None))
    });
    assert_eq!(store.calls(), ["insert"]);
    assert_eq!((store.entry("a"), store.entry("b")), (Some(1.into()), Some(2.into())));
}

#[rstest]
#[case(StatusCode::INTERNAL_SERVER_ERROR)]
#[case(StatusCode::SERVICE_UNAVAILABLE)]
fn an_answer_above_499_saves_nothing(#[case] broken: StatusCode) {
    let store = CountingStore::default();
    let cookie = visited(&store);
    let answer = answer(&store, Some(&cookie), move |request| async move {
        set(&mut session_of(&request).lock().await, "a", 2).await;
        Ok(status(broken))
    });
    assert_eq!((answer.status(), store.calls()), (broken, vec!["load"]));
    assert!(!answer.headers().contains_key(header::SET_COOKIE));
}

#[test]
fn an_error_of_the_inner_service_saves_nothing_and_is_handed_on() {
    let store = CountingStore::default();
    let cookie = visited(&store);
    let failing = service_fn(|request: Incoming| async move {
        set(&mut session_of(&request).lock().await, "a", 2).await;
        Answer::Err("broken")
    });
    let error = layer(&store).layer(failing).oneshot(request(Some(&cookie))).wait().err();
    assert_eq!((error, store.calls()), (Some("broken"), vec!["load"]));
}

#[test]
fn a_panic_saves_nothing_and_the_next_request_finds_the_session_as_it_was() {
    let store = CountingStore::default();
    let cookie = visited(&store);
    let mut service = layer(&store).layer(service_fn(|request: Incoming| async move {
        let session = session_of(&request);
        let mut session = session.lock().await;
        let data = session.data().await.unwrap();
        assert_eq!(data.get_as::<u32>("a").unwrap(), Some(1));
        data.insert("a", 2).unwrap();
        assert!(request.uri().path() != "/panic", "as it was asked to");
        Answer::Ok(Response::new(None))
    }));
    let mut panicking = request(Some(&cookie));
    *panicking.uri_mut() = "/panic".parse().unwrap();
    let caught = AssertUnwindSafe(service.call(panicking)).catch_unwind().wait();
    assert!(caught.is_err());
    assert_eq!(store.calls(), ["load"]);
    service.call(request(Some(&cookie))).wait().unwrap();
    assert_eq!((store.calls(), store.entry("a")), (vec!["load", "update"], Some(2.into())));
}

#[test]
fn a_request_that_is_dropped_before_it_was_answered_saves_nothing() {
    let store = CountingStore::default();
    let cookie = visited(&store);
    let mut service = layer(&store).layer(service_fn(|request: Incoming| async move {
        set(&mut session_of(&request).lock().await, "a", 2).await;
        future::pending().await
    }));
    let mut answer: BoxFuture<'_, Answer> = service.call(request(Some(&cookie)));
    assert!(future::poll_once(&mut answer).wait().is_none());
    drop(answer);
    assert_eq!((store.calls(), store.entry("a")), (vec!["load"], Some(1.into())));
}

#[test]
fn a_body_that_is_still_sent_changes_nothing_that_is_saved_unless_it_saves_itself() {
    let store = CountingStore::default();
    let cookie = visited(&store);
    for (saves, kept, calls) in [(false, 1, vec!["load"]), (true, 2, vec!["load", "update"])] {
        let streaming = answer(&store, Some(&cookie), move |request| async move {
            let session = session_of(&request);
            let body: BoxFuture<'static, ()> = Box::pin(async move {
                let mut session = session.lock().await;
                set(&mut session, "a", 2).await;
                if saves {
                    session.save().await.unwrap();
                }
            });
            Ok(Response::new(Some(body)))
        });
        assert!(streaming.headers().is_empty());
        streaming.into_body().unwrap().wait();
        assert_eq!((store.calls(), store.entry("a")), (calls, Some(kept.into())));
    }
}

#[test]
fn a_session_that_another_request_logged_out_is_an_empty_400_and_stays_away() {
    let store = CountingStore::default();
    let cookie = visited(&store);
    let (read, gone) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (seen, go) = (Arc::clone(&read), Arc::clone(&gone));
    let writer = layer(&store).layer(service_fn(move |request: Incoming| {
        let (read, gone) = (Arc::clone(&read), Arc::clone(&gone));
        async move {
            let session = session_of(&request);
            let mut session = session.lock().await;
            set(&mut session, "b", 2).await;
            read.wait().await;
            gone.wait().await;
            let mut answer = Response::new(None);
            answer.headers_mut().insert("x-half", "done".parse().unwrap());
            Answer::Ok(answer)
        }
    }));
    let log_out = layer(&store).layer(service_fn(|request: Incoming| async move {
        session_of(&request).lock().await.flush().await.unwrap();
        Answer::Ok(Response::new(None))
    }));
    let (written, logged_out) = future::zip(writer.oneshot(request(Some(&cookie))), async {
        seen.wait().await;
        let answer = log_out.oneshot(request(Some(&cookie))).await;
        go.wait().await;
        answer
    })
    .wait();
    let (written, logged_out) = (written.unwrap(), logged_out.unwrap());
    assert_eq!(logged_out.status(), StatusCode::OK);
    assert!(logged_out.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!((written.status(), written.headers().len()), (StatusCode::BAD_REQUEST, 0));
    assert!(written.body().is_none());
    assert_eq!(store.len(), 0);
}

#[test]
fn a_store_that_fails_is_an_empty_500() {
    let store = CountingStore::default();
    let cookie = visited(&store);
    let down = store.clone();
    let answer = answer(&store, Some(&cookie), move |request| {
        let down = down.clone();
        async move {
            set(&mut session_of(&request).lock().await, "a", 2).await;
            down.set_down(true);
            let mut answer = Response::new(None);
            answer.headers_mut().insert("x-half", "done".parse().unwrap());
            Ok(answer)
        }
    });
    assert_eq!((answer.status(), answer.headers().len()), (StatusCode::INTERNAL_SERVER_ERROR, 0));
    store.set_down(false);
    assert_eq!(store.entry("a"), Some(1.into()));
}

#[test]
fn a_second_layer_of_the_same_cookie_leaves_all_to_the_outer_one() {
    let (outer, inner) = (CountingStore::default(), CountingStore::default());
    let settings = Settings::default().with(|settings| settings.save_every_request = true);
    let service = SessionLayer::new(outer.clone(), settings).unwrap().layer(layer(&inner).layer(service_fn(
        |request: Incoming| async move {
            set(&mut session_of(&request).lock().await, "a", 1).await;
            Answer::Ok(Response::new(None))
        },
    )));
    let answer = service.oneshot(request(None)).wait().unwrap();
    assert_eq!((outer.calls(), inner.calls()), (vec!["insert"], vec![]));
    assert_eq!(answer.headers().get_all(header::SET_COOKIE).iter().count(), 1);
}

#[test]
fn a_second_layer_of_another_cookie_is_another_session() {
    let (outer, inner) = (CountingStore::default(), CountingStore::default());
    let settings = Settings::default().with(|settings| settings.cookie_name = "staff".into());
    let staff = SessionLayer::new(inner.clone(), settings).unwrap();
    let service = layer(&outer).layer(service_fn(move |request: Incoming| {
        let public = session_of(&request);
        let staff = staff.clone().layer(service_fn(|request: Incoming| async move {
            set(&mut session_of(&request).lock().await, "b", 2).await;
            Answer::Ok(Response::new(None))
        }));
        async move {
            set(&mut public.lock().await, "a", 1).await;
            staff.oneshot(request).await
        }
    }));
    let answer = service.oneshot(request(None)).wait().unwrap();
    assert_eq!((outer.entry("a"), outer.entry("b")), (Some(1.into()), None));
    assert_eq!((inner.entry("a"), inner.entry("b")), (None, Some(2.into())));
    let names: Vec<&str> = answer
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|line| line.to_str().unwrap().split('=').next().unwrap())
        .collect();
    assert_eq!(names, ["staff", "sessionid"]);
}

/// A service that panics if it is called without having been asked whether it is ready.
#[derive(Clone, Default)]
struct Careful {
    ready: bool,
}

impl Service<Incoming> for Careful {
    type Response = Outgoing;
    type Error = &'static str;
    type Future = future::Ready<Answer>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), &'static str>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Incoming) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without being ready");
        future::ready(Ok(Response::new(None)))
    }
}

#[test]
fn the_service_that_was_asked_whether_it_is_ready_is_the_one_that_is_called() {
    let mut service = layer(&CountingStore::default()).layer(Careful::default());
    for _ in 0..2 {
        let call = pin!(async { service.ready().await.unwrap().call(request(None)).await });
        assert_eq!(call.wait().unwrap().status(), StatusCode::OK);
    }
}

#[test]
fn what_is_shown_of_a_session_in_a_request_has_neither_its_data_nor_its_key() {
    let store = CountingStore::default();
    let cookie = visited(&store);
    let key = cookie.strip_prefix("sessionid=").unwrap().to_owned();
    answer(&store, Some(&cookie), move |request| {
        let key = key.clone();
        async move {
            let session = session_of(&request);
            let mut guard = session.lock().await;
            guard.data().await.unwrap().insert("name", "Ada").unwrap();
            let shown = format!("{guard:?} {session:?}");
            assert!(!shown.contains(&*key) && !shown.contains("Ada"), "{shown}");
            Ok(Response::new(None))
        }
    });
    assert_eq!(store.calls(), ["load", "update"]);
}
