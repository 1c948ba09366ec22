//! What a failing adapter was sent is kept as lines that can be piped into it: they need nothing of the suite.

#![cfg(feature = "cli")]

use std::io::Write;
use std::process::{Command, Stdio};

use session_conformance::subject::{AdapterCommand, process_subject};
use session_conformance::suite::{Config, run};

const SESSIONSPEC: &str = env!("CARGO_BIN_EXE_sessionspec");

#[test]
fn the_lines_that_a_failing_adapter_was_sent_show_the_failure_again() {
    // It takes the one error for the other.
    let line = format!("sh -c '{SESSIONSPEC} serve --model | sed -u s/update-error/create-error/'");
    let mut subject = process_subject(&AdapterCommand::parse(&line).unwrap()).unwrap();
    let config = Config::default().with_cases(0).with_rules("lifecycle.save.no-resurrect");
    let report = run(&mut *subject, &config, &mut |_| {});
    let [failure] = &report.failures[..] else { panic!("{} failures", report.failures.len()) };
    let sent = failure.sent.as_ref().unwrap();
    assert!(sent.lines().next().unwrap().contains(r#""op":"hello""#), "{sent}");
    // After the save the suite looks whether the session is back.
    assert!(sent.lines().nth_back(1).unwrap().contains(r#""op":"save""#), "{sent}");

    let mut adapter = Command::new(SESSIONSPEC)
        .args(["serve", "--model"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    adapter.stdin.take().unwrap().write_all(sent.as_bytes()).unwrap();
    let answers = String::from_utf8(adapter.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(answers.lines().count(), sent.lines().count(), "{answers}");
    assert!(answers.lines().nth_back(1).unwrap().contains("update-error"), "{answers}");
}
