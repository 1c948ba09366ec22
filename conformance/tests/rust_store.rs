//! Rust stores as they are: opened by a future that does I/O, with pools that need a runtime to be dropped, on a server
//! that knows nothing of environments, and some that hang.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

mod beside;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use beside::{Beside, With};
use session_backends::MemoryStore;
use session_conformance::manifest::ClockLevel;
use session_conformance::report::{Outcome, SubjectReport, failure_block};
use session_conformance::server::ServerKind;
use session_conformance::suite::Effort;
use session_conformance::{Env, Opening, Suite};
use session_core::{ManualClock, StoreError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;

fn memory(env: &Env) -> Arc<MemoryStore<ManualClock>> {
    Arc::new(MemoryStore::with_clock(1_000, env.clock()))
}

fn broken(report: &SubjectReport) -> Vec<(&str, Outcome, Option<&str>)> {
    let wrong = report.rules.iter().filter(|rule| !rule.status.is_success(rule.rule.rule().level));
    wrong.map(|rule| (rule.rule.rule().id, rule.status, rule.reason.as_deref())).collect()
}

/// A connection that must be there while the store is.
struct Connection(tokio::sync::Mutex<TcpStream>);

impl Beside for Connection {
    async fn load(&self) {
        let mut stream = self.0.lock().await;
        stream.write_all(b"?").await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'?');
    }
}

/// Connects to a server that sends back what it is sent. It is a task that goes on while nobody waits for it.
async fn connect(env: &Env) -> io::Result<With<Connection>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let (mut from, mut to) = stream.split();
        tokio::io::copy(&mut from, &mut to).await
    });
    Ok(With::over(memory(env), Connection(tokio::sync::Mutex::new(TcpStream::connect(address).await?))))
}

#[test]
fn a_store_with_room_for_a_thousand_sessions_is_found_before_a_release() {
    let report = |room, effort| {
        let open = async move |env: &Env, _| Ok::<_, Infallible>(MemoryStore::with_clock(room, env.clock()));
        let suite = Suite::new(open).rules("lifecycle.*").cases(0).effort(effort);
        suite.shrink(Duration::from_secs(1)).report().unwrap()
    };
    assert_eq!(broken(&report(1_000, Effort::Quick)), []);
    assert_eq!(broken(&report(1_100, Effort::Full)), []);
    let report = report(1_000, Effort::Full);
    assert_eq!(report.failures[0].rule.rule().id, "lifecycle.isolation");
    // The reader sees a page, and not a thousand lines.
    let block = failure_block(&report.failures[0], &report.manifest, None);
    assert!(block.contains(" more steps …\n"), "{block}");
    assert!(block.lines().count() < 40, "{block}");
}

#[test]
fn a_store_that_is_opened_over_a_connection_is_driven_to_the_end() {
    let report = Suite::new(async |env, _| connect(env).await).cases(20).report().unwrap();
    assert_eq!(broken(&report), []);
    assert!(report.steps > 1_000, "{}", report.steps);
}

/// Is dropped where there is no runtime?
#[derive(Clone, Default)]
struct Drops {
    outside: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
}

impl Beside for Drops {}

impl Drop for Drops {
    fn drop(&mut self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.outside.fetch_or(Handle::try_current().is_err(), Ordering::SeqCst);
    }
}

#[test]
fn a_store_is_dropped_inside_the_runtime() {
    let drops = Drops::default();
    let (outside, count) = (Arc::clone(&drops.outside), Arc::clone(&drops.count));
    let drops = Arc::new(Mutex::new(drops));
    let kept = Arc::clone(&drops);
    let open =
        async move |env: &Env, _| Ok::<_, Infallible>(With::over(memory(env), kept.lock().unwrap().clone()));
    let report = Suite::new(open).cases(1).report().unwrap();
    assert_eq!(broken(&report), []);
    assert!(count.load(Ordering::SeqCst) > 100, "{count:?}");
    assert!(!outside.load(Ordering::SeqCst));
}

struct Nothing;

impl Beside for Nothing {}

#[test]
fn each_environment_has_a_name_of_its_own_and_is_cleared_away() {
    let names: Arc<Mutex<[BTreeSet<String>; 2]>> = Arc::default();
    let (opened, cleared) = (Arc::clone(&names), Arc::clone(&names));
    let open = async move |env: &Env, opening| {
        let is_new = opened.lock().unwrap()[0].insert(env.name().to_owned());
        assert_eq!(is_new, opening == Opening::Fresh);
        Ok::<_, Infallible>(With::over(memory(env), Nothing))
    };
    let cleanup = async move |env: &Env| {
        cleared.lock().unwrap()[1].insert(env.name().to_owned());
        Ok::<_, Infallible>(())
    };
    let report = Suite::new(open).other_storage().cases(1).cleanup(cleanup).report().unwrap();
    assert_eq!(broken(&report), []);
    let [opened, cleared] = &*names.lock().unwrap();
    assert_eq!(opened, cleared);
    assert!(opened.len() > 50, "{}", opened.len());
    let fits = |name: &&String| {
        name.len() <= 63 && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    assert!(opened.iter().all(|name| fits(&name)), "{opened:?}");
}

/// Hangs when it is asked to load for the n-th time.
struct Hangs {
    left: AtomicUsize,
    way: Way,
}

#[derive(Clone, Copy)]
enum Way {
    /// The thread stands still.
    Blocks,
    /// The future never comes to its end.
    Waits,
}

impl Beside for Hangs {
    async fn load(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) != 1 {
            return;
        }
        match self.way {
            Way::Blocks => loop {
                std::thread::park();
            },
            Way::Waits => std::future::pending().await,
        }
    }
}

#[rstest::rstest]
#[case::a_thread_that_stands_still(Way::Blocks)]
#[case::a_future_that_never_ends(Way::Waits)]
fn a_store_that_hangs_times_out_for_the_rule_in_flight_and_the_run_ends(#[case] way: Way) {
    let open = async move |env: &Env, _| {
        Ok::<_, Infallible>(With::over(memory(env), Hangs { left: AtomicUsize::new(2), way }))
    };
    let suite = Suite::new(open).cases(5).patience(Duration::from_millis(300));
    let report = suite.report().unwrap();
    let timed_out: Vec<_> = report.rules.iter().filter(|rule| rule.status == Outcome::Timeout).collect();
    assert!((1..=8).contains(&timed_out.len()), "{:?}", broken(&report));
    for rule in &timed_out {
        assert!(rule.reason.as_ref().unwrap().contains("the store hangs"), "{:?}", rule.reason);
        assert!(rule.trace.is_some());
    }
    assert!(report.rules.iter().any(|rule| rule.status == Outcome::HarnessError));
}

#[test]
fn a_store_that_cannot_be_opened_says_why_with_all_causes() {
    let refused = async |_: &Env, _| {
        let cause = io::Error::new(io::ErrorKind::ConnectionRefused, "port 1 is closed");
        Err::<With<Nothing>, _>(StoreError::unavailable("connect", cause))
    };
    let fault = Suite::new(refused).report().unwrap_err();
    assert!(fault.contains("cannot be opened") && fault.contains("port 1 is closed"), "{fault}");
}

#[test]
fn an_erratum_of_no_rule_is_an_error() {
    let suite = Suite::new(async |env, _| Ok::<_, Infallible>(With::over(memory(env), Nothing)));
    let fault = suite.erratum("no.such", "because").report().unwrap_err();
    assert!(fault.contains("the rule `no.such`"), "{fault}");
}

#[test]
fn a_server_has_the_storage_and_the_clock() {
    let suite = || Suite::new(async |env, _| Ok::<_, Infallible>(With::over(memory(env), Nothing)));
    let fault = suite().server(ServerKind::Redis).storage_in_directory().report().unwrap_err();
    assert!(fault.contains("`storage_in_directory` and `server`"), "{fault}");
    for kind in [ServerKind::Redis, ServerKind::Memcached] {
        let fault = suite().server(kind).clock(ClockLevel::Wall).report().unwrap_err();
        assert!(fault.contains("leave `clock` out"), "{fault}");
    }
}

#[test]
fn known_failures_are_read_and_a_missing_file_is_an_error() {
    let suite = || Suite::new(async |env, _| Ok::<_, Infallible>(With::over(memory(env), Nothing))).cases(1);
    let fault = suite().known_failures("no/such/file.json").report().unwrap_err();
    assert!(fault.contains("no/such/file.json"), "{fault}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("known.json");
    let entry = r#"[{"subject": "With", "rule": "key.short", "fingerprint": "x", "reason": "y"}]"#;
    std::fs::write(&file, entry).unwrap();
    let report = suite().known_failures(file).report().unwrap();
    let rule = report.rules.iter().find(|rule| rule.rule.rule().id == "key.short").unwrap();
    assert_eq!(rule.status, Outcome::UnexpectedPass);
}

#[test]
fn a_trace_that_asks_for_what_was_not_declared_is_no_test() {
    let suite = Suite::new(async |env, _| Ok::<_, Infallible>(With::over(memory(env), Nothing)));
    let refused = |step: &str| {
        let trace = format!("{{\"sessionspec_trace\":1,\"steps\":1}}\n{step}\n");
        let panic = std::panic::catch_unwind(AssertUnwindSafe(|| suite.check(&trace))).unwrap_err();
        panic.downcast_ref::<String>().unwrap().clone()
    };
    assert!(
        refused(r#"{"op":"clear-all"}"#).contains("asks for the operation `clear`, which nobody declared")
    );
    assert!(refused(r#"{"op":"new","client":2}"#).contains("asks for another storage (`other_storage`)"));
}
