//! Adapters that do harm, and not by mistake: each is met with a limit, and with an error that says which.

#![cfg(all(feature = "cli", unix))]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};

use session_conformance::call::Call;
use session_conformance::json::Json;
use session_conformance::op::SessionOp;
use session_conformance::subject::{AdapterCommand, Fault, Subject, process_subject};
use session_conformance::trace::{START, Settings};

/// What an adapter says of itself, in the words of a shell script.
const HELLO: &str = r#"read l; echo '{"id":0,"ok":{"protocol":1,"name":"x","level":"session","clock":"virtual","capabilities":{"persistent":true,"shared":true,"server_side":true,"expired":"kept","clear_expired":"sweeps"},"values":{"order":"kept","big_integers":"kept","non_finite":"kept","lone_surrogates":"kept","deep_nesting":"kept"}}}'"#;

fn start(script: &str, timeout: Duration) -> Result<Box<dyn Subject>, Fault> {
    let line = shlex::try_join(["sh", "-c", script]).unwrap();
    process_subject(&AdapterCommand::parse(&line).unwrap().with_timeout(timeout))
}

#[test]
fn an_adapter_that_stops_reading_is_not_waited_for_without_end() {
    let script = format!(
        r#"{HELLO}; read l; echo '{{"id":1,"ok":null}}'; read l
        echo '{{"id":2,"ok":null,"session":{{"key":null,"accessed":false,"modified":false}}}}'; exec sleep 60"#
    );
    let mut subject = start(&script, Duration::from_millis(500)).unwrap();
    subject.open(START, Settings::default()).unwrap();
    subject.call(START, &Call::Session { number: 0, client: 0, key: None }).unwrap();
    // More than any pipe holds.
    let large = Json::text(&"x".repeat(4 << 20));
    let set = SessionOp::Set("a".into(), large.into());
    let fault = subject.call(START, &Call::Op { number: 0, op: &set }).unwrap_err();
    assert!(matches!(&fault, Fault::Timeout(_)), "{fault:?}");
    let text = fault.to_string();
    assert!(text.contains("`set` within 0.5 s (the adapter does not read its input)"), "{text}");
}

#[test]
fn a_log_without_end_is_cut() {
    let script = "tr '\\0' x < /dev/zero >&2";
    let fault = start(script, Duration::from_millis(500)).err().unwrap().to_string();
    assert!(fault.contains("no answer to `hello`"), "{}", &fault[..200]);
    assert!(fault.len() < 25_000, "{} bytes", fault.len());
}

#[test]
fn a_line_without_end_is_cut() {
    let fault = start("read l; tr '\\0' x < /dev/zero", Duration::from_secs(60)).err().unwrap();
    assert!(matches!(&fault, Fault::Harness(_)), "{fault:?}");
    assert_eq!(fault.to_string(), "the answer to `hello`: a line is longer than 33554432 bytes");
}

#[test]
fn what_the_adapter_started_ends_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = directory.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let started = Instant::now();
    // As long as the child of the child lives, the pipe is open.
    let script = format!("sleep 60 > '{}' & {HELLO}; read l", fifo.display());
    let subject = start(&script, Duration::from_secs(20)).unwrap();
    let mut pipe = std::fs::File::open(&fifo).unwrap();
    drop(subject);
    pipe.read_to_end(&mut Vec::new()).unwrap();
    assert!(started.elapsed() < Duration::from_secs(50), "it lived on");
}

#[test]
fn an_adapter_may_say_more_than_this_suite_knows_and_less_than_it_could() {
    let more = HELLO.replace(r#""name":"x","#, r#""name":"x","color":"red","#);
    let more = more.replace(r#""shared":true,"#, r#""shared":true,"replicated":true,"#);
    let subject = start(&format!("{more}; read l"), Duration::from_secs(20)).unwrap();
    let manifest = subject.manifest();
    assert_eq!(manifest.unknown, ["color", "capabilities.replicated"]);
    assert_eq!((manifest.capabilities.max_record_bytes, manifest.hooks.len()), (None, 0));
}
