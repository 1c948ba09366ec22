//! Subjects that read a clock of their own: the suite moves it, sees that it obeys, and finds who expires late by it.

#![cfg(all(feature = "cli", target_os = "linux", target_env = "gnu"))]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::path::Path;

use rstest::rstest;
use session_conformance::doctor::examine;
use session_conformance::manifest::ClockLevel;
use session_conformance::report::{Outcome, SubjectReport};
use session_conformance::subject::{AdapterCommand, process_subject};
use session_conformance::suite::{Config, run};

/// A store with a clock of its own, and with the fault that is named.
fn line(fault: &str) -> Vec<String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faulty/clock.py");
    // It is started often: without the packages that are installed it starts sooner.
    ["-S", "-E", program.to_str().unwrap(), fault].map(str::to_owned).to_vec()
}

fn adapter(fault: &str) -> AdapterCommand {
    AdapterCommand::new("python3", line(fault))
}

/// The same, in a program that does not load the library.
fn without_library(fault: &str) -> AdapterCommand {
    let words = ["-u", "LD_PRELOAD", "python3"].map(str::to_owned);
    AdapterCommand::new("env", words.into_iter().chain(line(fault)))
}

fn report(command: &AdapterCommand, rules: &str, cases: usize) -> SubjectReport {
    let mut subject = process_subject(command).unwrap();
    run(&mut *subject, &Config::default().with_cases(cases).with_rules(rules), &mut |_| {})
}

/// The rules that ended so.
fn ended(report: &SubjectReport, outcome: Outcome) -> Vec<&'static str> {
    report.rules.iter().filter(|rule| rule.status == outcome).map(|rule| rule.rule.rule().id).collect()
}

#[test]
fn a_store_with_a_clock_of_its_own_is_checked_to_the_microsecond() {
    let report = report(&adapter("none"), "*", 60);
    assert_eq!(report.manifest.clock, ClockLevel::Moved);
    assert!(report.manifest.clock_test.contains("told its time 3 times"), "{}", report.manifest.clock_test);
    assert!(report.is_success(), "{:#?}", report.failures);
    let held = ended(&report, Outcome::Pass);
    for rule in ["expiry.at", "expiry.default", "expiry.seconds"] {
        assert!(held.contains(&rule), "{rule} is not among {held:?}");
    }
}

#[test]
fn a_store_that_expires_a_second_late_by_its_own_clock_is_failed() {
    let report = report(&adapter("late"), "expiry.*", 0);
    assert_eq!(report.manifest.clock, ClockLevel::Moved);
    let failed = ended(&report, Outcome::Fail);
    assert!(failed.contains(&"expiry.boundary"), "{failed:?}");
}

#[rstest]
#[case::other_program(without_library("none"), "its clock was set to 2030-01-01T00:00:00Z and it tells 20")]
#[case::silent(adapter("mute"), "it answers `now` with protocol: there is no operation `now`")]
fn a_clock_that_does_not_obey_is_waited_for(#[case] command: AdapterCommand, #[case] reason: &str) {
    let subject = process_subject(&command).unwrap();
    let manifest = subject.manifest();
    assert_eq!(manifest.clock, ClockLevel::Wall);
    assert!(manifest.clock_test.contains(reason), "{}", manifest.clock_test);
    let checks = examine(&command);
    let clock = checks.iter().find(|check| check.what == "its clock").unwrap();
    assert!(clock.result.as_ref().unwrap().contains(reason), "{clock:?}");
}
