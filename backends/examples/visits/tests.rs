//! The site as a visitor's browser sees it, in this process, and as a conformance suite does.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use rstest::rstest;
use serde_json::json;
use session_core::{AnyStore, Settings, Value};
use tokio::net::TcpListener;
use tower::ServiceExt;
use tracing::subscriber::DefaultGuard;

use crate::app;

const SECRET: &str = "the-secret-that-nobody-sees";

fn settings(engine: &str) -> Settings {
    Settings::new(SECRET).with(|settings| settings.engine = engine.into())
}

/// The site on a store, and a visitor's browser that keeps the session cookie.
struct Browser {
    site: Router,
    cookie: Option<String>,
}

/// What came back.
struct Page {
    status: StatusCode,
    text: String,
    /// The whole header that sets the cookie.
    set_cookie: Option<String>,
    location: Option<String>,
}

impl Browser {
    async fn open(settings: Settings) -> Self {
        session_backends::migrate(&settings).await.unwrap();
        let store = session_backends::open(&settings).await.unwrap();
        Self::on(store, settings)
    }

    fn on(store: AnyStore, settings: Settings) -> Self {
        Self { site: app::site(store, settings).unwrap(), cookie: None }
    }

    /// Another visitor, or the same one in another window.
    fn with_cookie(&self, cookie: Option<&str>) -> Self {
        Self { site: self.site.clone(), cookie: cookie.map(Into::into) }
    }

    async fn send(&mut self, mut request: Request<Body>) -> Page {
        if let Some(key) = &self.cookie {
            let line = format!("sessionid={key}").parse().unwrap();
            request.headers_mut().insert(header::COOKIE, line);
        }
        let answer = self.site.clone().oneshot(request).await.unwrap();
        let text_of = |name| answer.headers().get(name).map(|line| line.to_str().unwrap().to_owned());
        let (set_cookie, location) = (text_of(header::SET_COOKIE), text_of(header::LOCATION));
        if let Some(line) = &set_cookie {
            let value = line.split(';').next().unwrap().strip_prefix("sessionid=").unwrap();
            self.cookie = Some(value.to_owned()).filter(|_| !line.contains("Max-Age=0"));
        }
        let status = answer.status();
        let text = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        Page { status, text: String::from_utf8(text.to_vec()).unwrap(), set_cookie, location }
    }

    async fn get(&mut self, path: &str) -> Page {
        let page = self.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        page
    }

    /// Sends a form, and follows to the page it leads to.
    async fn post(&mut self, path: &str, form: &'static str) -> Page {
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let answer = self.send(request.unwrap().map(Body::from)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text);
        self.get(&answer.location.unwrap()).await
    }

    /// Lets the suite's endpoint do operations, and gives status and results.
    async fn perform(&mut self, script: &str) -> (StatusCode, Value) {
        let page = self.send(Request::post("/sessionspec").body(script.to_owned().into()).unwrap()).await;
        let mut answer: Value = serde_json::from_str(&page.text).unwrap_or_else(|_| page.text.into());
        let results = answer.get_mut("results").map(Value::take);
        (page.status, results.unwrap_or(answer))
    }
}

impl Page {
    /// The text of the element with an id.
    fn element(&self, id: &str) -> &str {
        let (_, rest) = self.text.split_once(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no #{id}"));
        rest.split_once('>').unwrap().1.split('<').next().unwrap()
    }

    fn has(&self, id: &str) -> bool {
        self.text.contains(&format!("id=\"{id}\""))
    }

    fn items(&self) -> Vec<&str> {
        let items = self.text.split("class=\"item\">").skip(1);
        items.map(|rest| rest.split('<').next().unwrap()).collect()
    }
}

#[rstest]
#[case("memory:")]
#[case("signed_cookies:")]
#[tokio::test]
async fn visits_are_counted_for_each_visitor(#[case] engine: &str) {
    let mut one = Browser::open(settings(engine)).await;
    assert_eq!(one.get("/").await.element("visits"), "1");
    assert_eq!(one.get("/").await.element("visits"), "2");
    let mut other = one.with_cookie(None);
    assert_eq!(other.get("/").await.element("visits"), "1");
    assert_eq!(one.get("/").await.element("visits"), "3");
}

#[cfg(all(feature = "sqlite", feature = "file"))]
#[tokio::test]
async fn a_visitor_is_known_again_after_a_restart_of_the_site() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().display();
    for engine in [format!("sqlite:{place}/s.db"), format!("file:{place}")] {
        let mut before = Browser::open(settings(&engine)).await;
        before.get("/").await;
        let mut after = Browser::open(settings(&engine)).await;
        after.cookie.clone_from(&before.cookie);
        assert_eq!(after.get("/").await.element("visits"), "2", "{engine}");
    }
}

#[tokio::test]
async fn a_name_is_kept_shown_escaped_and_forgotten() {
    let mut browser = Browser::open(settings("memory:")).await;
    assert_eq!(browser.get("/").await.element("name"), "stranger");
    assert_eq!(browser.post("/name", "name=+Ada+").await.element("name"), "Ada");
    let page = browser.post("/name", "name=%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert_eq!(page.element("name"), "&lt;script&gt;alert(1)&lt;&#x2f;script&gt;");
    assert!(!page.text.contains("<script"), "{}", page.text);
    assert_eq!(browser.post("/name", "name=").await.element("name"), "stranger");
}

#[tokio::test]
async fn a_list_that_is_changed_in_place_is_saved() {
    let mut browser = Browser::open(settings("memory:")).await;
    assert_eq!(browser.get("/list").await.items(), [""; 0]);
    browser.post("/list/add", "item=apples").await;
    browser.post("/list/add", "item=%3Cb%3E").await;
    browser.post("/list/add", "item=+").await;
    assert_eq!(browser.post("/list/add", "item=pears").await.items(), ["apples", "&lt;b&gt;", "pears"]);
    browser.post("/list/remove", "index=1").await;
    assert_eq!(browser.post("/list/remove", "index=7").await.items(), ["apples", "pears"]);
}

#[tokio::test]
async fn the_cookie_lives_as_long_as_the_visitor_chose() {
    let mut browser = Browser::open(settings("memory:")).await;
    let page = browser.get("/expiry").await;
    assert_eq!((page.element("age"), page.element("at-browser-close")), ("1209600", "no"));
    for (form, age, at_browser_close, in_cookie) in [
        ("life=seconds&seconds=60", "60", "no", Some("Max-Age=60;")),
        ("life=browser&seconds=", "1209600", "yes", None),
        ("life=default", "1209600", "no", Some("Max-Age=1209600;")),
    ] {
        let page = browser.post("/expiry", form).await;
        assert_eq!(
            (page.element("age"), page.element("at-browser-close")),
            (age, at_browser_close),
            "{form}"
        );
        let line = browser.get("/").await.set_cookie.unwrap();
        match in_cookie {
            Some(age) => assert!(line.contains(age), "{form}: {line}"),
            None => assert!(!line.contains("Max-Age") && !line.contains("Expires"), "{form}: {line}"),
        }
    }
    for refused in ["life=seconds&seconds=", "life=seconds&seconds=-1", "life=seconds&seconds=9999999999"] {
        assert_eq!(browser.post("/expiry", refused).await.element("age"), "1209600", "{refused}");
    }
}

#[tokio::test]
async fn a_log_in_changes_the_key_and_keeps_the_data_and_a_log_out_ends_all() {
    let mut browser = Browser::open(settings("memory:")).await;
    browser.post("/list/add", "item=apples").await;
    let before = browser.cookie.clone();
    let page = browser.post("/login", "user=ada").await;
    assert_eq!((page.element("logged-in"), page.element("user")), ("ada", "ada"));
    let logged_in = browser.cookie.clone();
    assert_ne!(before, logged_in);
    assert_eq!(browser.get("/list").await.items(), ["apples"]);
    // The key from before the log-in, which somebody may have planted, opens nothing.
    let mut planted = browser.with_cookie(before.as_deref());
    assert!(planted.get("/account").await.has("logged-out"));

    // Another user finds nothing of the first.
    let page = browser.post("/login", "user=bob").await;
    assert_eq!(page.element("logged-in"), "bob");
    assert_eq!(browser.get("/list").await.items(), [""; 0]);

    let copy = browser.cookie.clone();
    assert!(browser.post("/logout", "").await.has("logged-out"));
    assert_eq!(browser.cookie, None);
    let mut copied = browser.with_cookie(copy.as_deref());
    assert!(copied.get("/account").await.has("logged-out"));
}

#[tokio::test]
async fn a_browser_without_cookies_is_noticed() {
    let mut browser = Browser::open(settings("memory:")).await;
    assert!(browser.get("/cookies").await.has("cookies-form"));
    assert!(browser.post("/cookies", "").await.has("cookies-work"));
    // The mark was taken away again, and asking for it a second time fails.
    assert!(browser.post("/cookies", "").await.has("cookies-fail"));
    let mut forgetful = browser.with_cookie(None);
    forgetful.get("/cookies").await;
    forgetful.cookie = None;
    assert!(forgetful.post("/cookies", "").await.has("cookies-fail"));
}

#[tokio::test]
async fn the_suite_is_told_the_settings_and_no_secret() {
    let settings = settings("memory:").with(|settings| {
        settings.cookie_age = 60;
        settings.save_every_request = true;
        settings.cookie_samesite = None;
    });
    let page = Browser::open(settings).await.get("/sessionspec/settings").await;
    let expected = json!({
        "cookie_name": "sessionid", "cookie_age": 60, "cookie_domain": null, "cookie_path": "/",
        "cookie_secure": false, "cookie_httponly": true, "cookie_samesite": null,
        "save_every_request": true, "expire_at_browser_close": false, "server_side": true, "overlap": true,
    });
    assert_eq!(serde_json::from_str::<Value>(&page.text).unwrap(), expected);
    let page = Browser::open(self::settings("signed_cookies:")).await.get("/sessionspec/settings").await;
    assert!(page.text.contains("\"server_side\":false"), "{}", page.text);
}

#[tokio::test]
async fn the_suites_operations_are_done_in_order_and_kept() {
    let mut browser = Browser::open(settings("memory:")).await;
    let (status, results) = browser
        .perform(
            r#"{"do": [["is-empty"], ["get", "a"], ["set", "a", {"z": 18446744073709551615, "b": 1.50}],
                ["get", "a"], ["remove", "nothing"], ["is-empty"], ["set-expiry", 60]], "status": 201}"#,
        )
        .await;
    assert_eq!(status, StatusCode::CREATED);
    let expected = r#"[true,null,null,{"z":18446744073709551615,"b":1.5},null,false,null]"#;
    assert_eq!(results.to_string(), expected);
    let (_, results) = browser.perform(r#"{"do": [["get", "a"], ["set-expiry", null]]}"#).await;
    assert_eq!(results.to_string(), r#"[{"z":18446744073709551615,"b":1.5},null]"#);

    let first = browser.cookie.clone();
    browser.perform(r#"{"do": [["cycle-key"]]}"#).await;
    assert_ne!(browser.cookie, first);
    let (_, results) = browser.perform(r#"{"do": [["clear"], ["get", "a"], ["is-empty"]]}"#).await;
    assert_eq!(results, json!([null, null, false]));
    let (_, results) = browser.perform(r#"{"do": [["flush"], ["is-empty"]]}"#).await;
    assert_eq!((results, browser.cookie), (json!([null, true]), None));
}

#[tokio::test]
async fn a_list_that_the_suite_changes_in_place_is_not_saved_by_itself() {
    let mut browser = Browser::open(settings("memory:")).await;
    browser.perform(r#"{"do": [["set", "l", [1]]]}"#).await;
    let (_, results) =
        browser.perform(r#"{"do": [["append", "l", 2], ["append", "x", 2], ["get", "l"]]}"#).await;
    assert_eq!(results, json!([null, null, [1, 2]]));
    assert_eq!(browser.perform(r#"{"do": [["get", "l"]]}"#).await.1, json!([[1]]));
    browser.perform(r#"{"do": [["append", "l", 3], ["save"]]}"#).await;
    assert_eq!(browser.perform(r#"{"do": [["get", "l"]]}"#).await.1, json!([[1, 3]]));
}

#[tokio::test]
async fn a_status_above_499_keeps_nothing_of_what_the_suite_did() {
    let mut browser = Browser::open(settings("memory:")).await;
    browser.perform(r#"{"do": [["set", "a", 1]]}"#).await;
    let (status, results) =
        browser.perform(r#"{"do": [["set", "a", 2], ["get", "a"]], "status": 503}"#).await;
    assert_eq!((status, results), (StatusCode::SERVICE_UNAVAILABLE, json!([null, 2])));
    assert_eq!(browser.perform(r#"{"do": [["get", "a"]]}"#).await.1, json!([1]));
}

#[tokio::test]
async fn a_session_deleted_elsewhere_is_a_400_and_an_operation_that_fails_does_not_stop_the_rest() {
    let mut browser = Browser::open(settings("memory:")).await;
    browser.perform(r#"{"do": [["set", "a", 1]]}"#).await;
    let script = r#"{"do": [["get", "a"], ["delete-elsewhere"], ["save"], ["get", "a"], ["set", "a", 2]]}"#;
    let page = browser.send(Request::post("/sessionspec").body(script.into()).unwrap()).await;
    assert_eq!((page.status, page.text.as_str(), page.set_cookie), (StatusCode::BAD_REQUEST, "", None));

    let mut other = browser.with_cookie(None);
    other.perform(r#"{"do": [["set", "a", 1]]}"#).await;
    let script = r#"{"do": [["get", "a"], ["delete-elsewhere"], ["save"], ["get", "a"]]}"#;
    let (status, results) = other.perform(script).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&results[0], &results[3]), (&json!(1), &json!(1)));
    let error = results[2]["error"].as_str().unwrap();
    assert!(error.contains("no such session"), "{error}");
}

#[rstest]
#[case("", "JSON")]
#[case("[]", "not an object")]
#[case("{}", "`do` is a list")]
#[case(r#"{"do": "get"}"#, "`do` is a list")]
#[case(r#"{"do": [["fly"]]}"#, r#"["fly"]"#)]
#[case(r#"{"do": [["get"]]}"#, r#"["get"]"#)]
#[case(r#"{"do": [["get", "a", 1]]}"#, "there is no operation")]
#[case(r#"{"do": [["set-expiry", 1.5]]}"#, "there is no operation")]
#[case(r#"{"do": [["set", "a", 1], 7]}"#, "there is no operation 7")]
#[case(r#"{"do": [["set", "a", NaN]]}"#, "NaN")]
#[case(r#"{"do": [], "status": 101}"#, "`status`")]
#[case(r#"{"do": [], "status": "200"}"#, "`status`")]
#[tokio::test]
async fn a_script_that_is_none_is_a_400_with_a_text_and_nothing_is_done(
    #[case] script: &str,
    #[case] said: &str,
) {
    let mut browser = Browser::open(settings("memory:")).await;
    let page = browser.send(Request::post("/sessionspec").body(script.to_owned().into()).unwrap()).await;
    assert_eq!((page.status, page.set_cookie), (StatusCode::BAD_REQUEST, None));
    assert!(!page.text.is_empty() && page.text.contains(said), "{}", page.text);
}

/// Collects what is logged on this thread until the guard is dropped.
fn capture() -> (Arc<Mutex<Vec<u8>>>, DefaultGuard) {
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let lines = Arc::new(Mutex::default());
    let writer = Arc::clone(&lines);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || Lines(Arc::clone(&writer)))
        .finish();
    (lines, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn neither_the_log_nor_a_page_ever_has_a_whole_key_or_the_secret() {
    let (lines, guard) = capture();
    let mut pages = String::new();
    let mut keys = Vec::new();
    for engine in ["memory:", "signed_cookies:"] {
        let mut browser = Browser::open(settings(engine)).await;
        for path in ["/", "/list", "/expiry", "/account", "/cookies", "/sessionspec/settings"] {
            pages += &browser.get(path).await.text;
            keys.extend(browser.cookie.clone());
        }
        for (path, form) in [("/login", "user=ada"), ("/name", "name=Ada"), ("/list/add", "item=x")] {
            pages += &browser.post(path, form).await.text;
            keys.extend(browser.cookie.clone());
        }
        // What goes wrong: a session that is gone, one too large for a cookie, forms and paths that are none.
        let large = format!(r#"{{"do": [["set", "a", "{}"], ["save"]]}}"#, "xyz".repeat(3_000));
        for (path, body) in [
            ("/sessionspec", r#"{"do": [["get", "a"], ["delete-elsewhere"], ["set", "a", 1], ["save"]]}"#),
            ("/sessionspec", large.as_str()),
            ("/name", "nome=Ada"),
            ("/list/remove", "index=x"),
            ("/nowhere", ""),
        ] {
            let request = Request::post(path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body.to_owned().into());
            let page = browser.send(request.unwrap()).await;
            if page.status != StatusCode::OK {
                pages += &page.text;
            }
            keys.extend(browser.cookie.clone());
        }
    }
    drop(guard);
    let log = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
    assert!(log.contains("session_core::middleware"), "nothing was logged that could have a key: {log}");
    assert!(keys.len() > 10);
    for text in [&log, &pages] {
        assert!(!text.contains(SECRET));
        for key in &keys {
            assert!(!text.contains(key.as_str()), "{key} is in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_answers_on_a_socket() {
    let store = session_backends::open(&settings("memory:")).await.unwrap();
    let site = app::site(store, settings("memory:")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async { axum::serve(listener, site).await });
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    server.abort();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nset-cookie: sessionid="), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nvary: cookie\r\n"), "{answer}");
}

#[test]
fn settings_are_read_from_a_file_and_what_is_wrong_with_it_is_told_with_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("settings.json");
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        crate::read_settings(Some(&file))
    };
    let settings = read(r#"{"cookie_age": 60, "cookie_name": "sid"}"#).unwrap();
    assert_eq!(
        settings,
        Settings::default().with(|settings| {
            settings.cookie_age = 60;
            settings.cookie_name = "sid".into();
        })
    );
    assert_eq!(crate::read_settings(None).unwrap(), Settings::default());
    for (text, said) in [(r#"{"cookie_agee": 60}"#, "cookie_agee"), ("{", "settings.json")] {
        let error = read(text).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    let absent = crate::read_settings(Some(&directory.path().join("absent.json"))).unwrap_err();
    assert!(absent.contains("absent.json"), "{absent}");
}

#[tokio::test]
async fn a_session_is_saved_at_every_request_where_the_settings_say_so() {
    let mut browser =
        Browser::open(settings("memory:").with(|settings| settings.save_every_request = true)).await;
    assert!(browser.perform(r#"{"do": [["get", "a"]]}"#).await.0.is_success());
    assert_eq!(browser.cookie, None, "an empty session is not begun");
    browser.perform(r#"{"do": [["set", "a", 1]]}"#).await;
    assert!(browser.get("/sessionspec/settings").await.set_cookie.is_some());
}
