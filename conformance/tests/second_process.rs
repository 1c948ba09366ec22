//! Adapters of which two processes use one storage at the same time: what goes wrong between them is found.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::path::Path;

use rstest::rstest;
use session_conformance::report::{Outcome, SubjectReport, schedule_block};
use session_conformance::subject::{AdapterCommand, process_subject};
use session_conformance::suite::{Config, run};

fn checked(fault: &str, seed: u64) -> SubjectReport {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faulty/two_processes.py");
    let command = AdapterCommand::new("python3", ["-S", "-E", program.to_str().unwrap(), fault]);
    let mut subject = process_subject(&command).unwrap();
    let config = Config::default().with_cases(0).with_rules("concurrent.*").with_seed(seed);
    run(&mut *subject, &config, &mut |_| {})
}

fn blocks(report: &SubjectReport) -> String {
    report.schedule_failures.iter().map(|failure| schedule_block(failure, &report.manifest, None)).collect()
}

#[rstest]
#[case("none", 5)]
#[case("touches", 3)]
fn a_store_whose_operations_are_one_statement_each_holds(#[case] fault: &str, #[case] least: usize) {
    let report = checked(fault, 1);
    assert!(report.is_success(), "{}", blocks(&report));
    let passed = report.rules.iter().filter(|rule| rule.status == Outcome::Pass).count();
    assert!(passed >= least, "{:#?}", report.rules);
}

/// Who comes between is chance's, so that there are some attempts.
#[rstest]
#[case("asks-first", "concurrent.insert.one-wins")]
#[case("puts-back", "concurrent.order")]
#[case("neighbours", "concurrent.load.latest")]
#[case("rewrites", "concurrent.load.latest")]
fn what_another_process_comes_between_is_found(#[case] fault: &str, #[case] rule: &str) {
    let broken = |seed| -> Vec<String> {
        let failures = checked(fault, seed).schedule_failures;
        failures.iter().map(|failure| failure.violation.rule.rule().id.to_owned()).collect()
    };
    let found: Vec<Vec<String>> =
        (0..5).map(broken).take_while(|ids| !ids.iter().any(|id| id == rule)).collect();
    assert!(found.len() < 5, "{found:?}");
}

/// Each request waits for the answer to the one before.
#[test]
fn one_process_that_answers_one_request_after_the_other_shows_nothing() {
    let report = checked("alone", 1);
    assert!(report.is_success(), "{}", blocks(&report));
}
