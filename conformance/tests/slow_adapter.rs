//! An adapter that gives no answer: the suite waits its time, blames the rule in flight, and goes on without
//! the answer.

#![cfg(feature = "cli")]

use std::time::Duration;

use session_conformance::report::Outcome;
use session_conformance::subject::{AdapterCommand, Fault, process_subject};
use session_conformance::suite::{Config, run};

#[test]
fn an_adapter_that_never_says_hello_is_no_adapter() {
    let command = AdapterCommand::parse("sh -c 'echo starting >&2; cat > /dev/null'").unwrap();
    let fault = process_subject(&command.with_timeout(Duration::from_millis(300))).err().unwrap();
    assert!(matches!(&fault, Fault::Timeout(_)), "{fault:?}");
    let text = fault.to_string();
    assert!(text.contains("no answer to `hello` within 0.3 s") && text.contains("starting"), "{text}");
}

#[test]
fn an_adapter_that_hangs_times_out_for_the_rule_in_flight_and_is_not_waited_for_for_ever() {
    // The fourth answer of each of its lives is swallowed.
    let line = format!("sh -c '{} serve --model | sed -u 4d'", env!("CARGO_BIN_EXE_sessionspec"));
    let command = AdapterCommand::parse(&line).unwrap().with_timeout(Duration::from_millis(500));
    let mut subject = process_subject(&command).unwrap();
    let report = run(&mut *subject, &Config::default().with_cases(5), &mut |_| {});
    let timed_out: Vec<_> = report.rules.iter().filter(|rule| rule.status == Outcome::Timeout).collect();
    assert!((1..=4).contains(&timed_out.len()), "{}", timed_out.len());
    for rule in timed_out {
        assert!(rule.reason.as_ref().unwrap().contains("no answer to `"), "{:?}", rule.reason);
        assert!(rule.trace.is_some());
    }
    assert!(report.rules.iter().any(|rule| rule.status == Outcome::HarnessError));
}
