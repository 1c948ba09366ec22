//! Adapters at the level `key-value`: stores that get, set and destroy. One that is right holds every rule that applies,
//! and each fault is found by its own rule.

#![cfg(all(feature = "cli", unix))]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::path::Path;

use rstest::rstest;
use session_conformance::manifest::{Numbers, SubjectLevel};
use session_conformance::report::{Outcome, SubjectReport, whole_block};
use session_conformance::rule::Profile;
use session_conformance::subject::{AdapterCommand, process_subject};
use session_conformance::suite::{Config, run};

fn adapter(fault: &str) -> AdapterCommand {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faulty/key_value.py");
    AdapterCommand::new("python3", ["-S", "-E", program.to_str().unwrap(), fault])
}

fn report(fault: &str) -> SubjectReport {
    let mut subject = process_subject(&adapter(fault)).unwrap();
    run(&mut *subject, &Config::default().with_cases(100), &mut |_| {})
}

fn outcome(report: &SubjectReport, id: &str) -> Outcome {
    report.rules.iter().find(|rule| rule.rule.rule().id == id).unwrap().status
}

#[test]
fn a_store_that_gets_sets_and_destroys_holds_what_applies_to_it() {
    let report = report("none");
    assert_eq!(
        (report.manifest.level, report.manifest.values.numbers),
        (SubjectLevel::KeyValue, Numbers::Doubles)
    );
    assert!(report.is_success(), "{:#?}", report.failures);
    for rule in
        ["expiry.boundary", "expiry.renewed", "data.floats", "lifecycle.save.upsert", "concurrent.order"]
    {
        assert_eq!(outcome(&report, rule), Outcome::Pass, "{rule}");
    }
    for rule in [
        "lifecycle.save-must-create.taken",
        "lifecycle.save.no-resurrect",
        "concurrent.insert.one-wins",
        "key.collision",
        "data.integers.kept",
        "data.integers.huge.refused",
        "data.non-finite.refused",
    ] {
        assert_eq!(outcome(&report, rule), Outcome::NotApplicable, "{rule}");
    }
}

#[test]
fn what_is_done_with_all_sessions_is_asked_of_a_store_that_offers_it() {
    const RULES: [&str; 3] = ["lifecycle.all.listed", "lifecycle.all.counted", "lifecycle.all.cleared"];
    let without = report("none");
    assert!(RULES.iter().all(|rule| outcome(&without, rule) == Outcome::NotApplicable));
    let with = report("bulk");
    assert!(with.is_success(), "{:#?}", with.failures);
    assert!(RULES.iter().all(|rule| outcome(&with, rule) == Outcome::Pass));
}

#[test]
fn a_key_in_a_list_is_shown_by_its_name() {
    let report = report("bare");
    let listed =
        report.failures.iter().find(|failure| failure.rule.rule().id == "lifecycle.all.listed").unwrap();
    let shown = whole_block(listed, &report.manifest);
    assert!(shown.contains(r#"got [{"data":{"sid":"k1""#), "{shown}");
}

#[test]
fn another_storage_is_asked_of_an_adapter_that_has_one() {
    let report = report("other");
    assert!(report.is_success(), "{:#?}", report.failures);
    for rule in ["lifecycle.other-storage", "lifecycle.all.listed", "data.corrupt.empty"] {
        assert_eq!(outcome(&report, rule), Outcome::Pass, "{rule}");
    }
}

#[rstest]
#[case("stale", "lifecycle.all.listed")]
#[case("leaking", "lifecycle.other-storage")]
#[case("exact", "lifecycle.load.stored")]
#[case("lasting", "lifecycle.delete.gone")]
#[case("touchy", "expiry.renewed")]
#[case("late", "expiry.boundary")]
#[case("jealous", "lifecycle.save.stores")]
fn a_fault_is_found_by_its_own_rule(#[case] fault: &str, #[case] rule: &str) {
    let report = report(fault);
    let first = report.failures.first().unwrap();
    assert_eq!(first.rule.rule().id, rule, "{:#?}", report.failures);
    assert_eq!(outcome(&report, rule), Outcome::Fail);
}

#[test]
fn what_a_store_says_of_itself_is_looked_at_in_every_profile() {
    let broken = |report: &SubjectReport| {
        report.failures.iter().map(|failure| failure.rule.rule().id).collect::<Vec<_>>()
    };
    assert_eq!(broken(&report("keeping")), ["lifecycle.reopen.volatile"]);
    let report = report("core");
    assert_eq!(report.manifest.profile, Profile::Core);
    assert_eq!(broken(&report), ["lifecycle.reopen.volatile"]);
    assert_eq!(outcome(&report, "lifecycle.delete.gone"), Outcome::Pass);
    assert_eq!(outcome(&report, "lifecycle.is-empty"), Outcome::NotApplicable);
}

#[rstest]
#[case("flask", "unknown variant `flask`, expected `core` or `django`")]
#[case("cookie", "a store at the level `key-value` has keys")]
#[case("kept", "nothing tells whether an expired record still holds its key: say `gone`")]
fn what_the_level_cannot_be_is_an_error(#[case] fault: &str, #[case] says: &str) {
    let error = process_subject(&adapter(fault)).err().unwrap().to_string();
    assert!(error.contains(says), "{error}");
}

#[rstest]
#[case("keyed", "`set` must answer null")]
#[case("mute", "the adapter's `length` must answer a count, not null")]
#[case("hollow", "each with `key` or `data` or both")]
#[case("stuffed", "`open` must give empty storage, also to `client` 2")]
fn an_adapter_that_breaks_the_protocol_is_told_so(#[case] fault: &str, #[case] told: &str) {
    let report = report(fault);
    let harness = report.rules.iter().find(|rule| rule.status == Outcome::HarnessError).unwrap();
    let reason = harness.reason.as_ref().unwrap();
    assert!(reason.contains(told), "{reason}");
}
