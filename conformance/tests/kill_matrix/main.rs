//! Can the suite fail? Each fault of the table is a store, or sessions on one, that is wrong in one way in which real
//! ones have been wrong. The suite must find each of them, name the rule that it breaks first, and show it in a few
//! steps. What it found is `docs/kill-matrix.md`.
//!
//! - `fault.rs`: what a row of the table is
//! - `faults/`: the table
//! - `plain.rs`, `signed.rs`, `adapter.rs`: the stores and sessions that the faults are built into
//! - `subject.rs`: a fault under the suite
//! - `measured.rs`: what the suite finds
//! - `page.rs`: the page
//! - `reports.rs`: what the report says of some of them
//! - `history.rs`: vulnerabilities that there have been, as they were mended; as they were, they are in the table

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]
#![expect(
    clippy::unnecessary_wraps,
    reason = "what the plain store does has the form of what a faulty one does"
)]

mod adapter;
mod fault;
mod faults;
mod history;
mod measured;
mod page;
mod plain;
mod reports;
mod signed;
mod subject;
#[path = "../history/mod.rs"]
mod vulnerabilities;

use std::collections::BTreeSet;
use std::time::Duration;

use fault::{Base, Flaw};
use measured::Found;
use session_conformance::report::{Outcome, RuleReport};
use session_conformance::rule::{Level, Profile, RuleId};
use session_conformance::suite::{Config, run};

/// Faults whose minimal trace must have more than eight steps, and why.
const LONG: &[(&str, &str)] = &[
    ("lost-after-a-hundred", "a hundred sessions take a hundred steps"),
    ("all-lost-after-a-hundred", "a hundred sessions take a hundred steps"),
    (
        "handle-remembers-what-it-read",
        "it needs a reading before the update by the other handle and one after it",
    ),
    (
        "handle-inserts-over-the-other",
        "it needs a record that was written twice, a taking of its key and a reading",
    ),
];

#[test]
fn every_name_is_there_once_and_every_rule_exists() {
    let mut names = BTreeSet::new();
    for (_, fault) in faults::all() {
        assert!(names.insert(fault.name), "{} is there twice", fault.name);
        assert!(RuleId::named(fault.rule).is_some(), "{}: there is no rule {}", fault.name, fault.rule);
    }
    for fault in faults::NOT_YET {
        assert!(names.insert(fault.name), "{} is there twice", fault.name);
    }
    assert!(faults::all().count() >= 120, "only {} faults", faults::all().count());
}

#[test]
fn without_a_fault_every_base_holds() {
    for base in Base::ALL {
        let report =
            run(&mut *subject::of(base, &Flaw::None), &Config::default().with_cases(60), &mut |_| {});
        assert!(report.is_success(), "{base:?}: {:#?}", report.failures);
        let mut subject = subject::meant(base, &Flaw::None, Profile::Core);
        let report = run(&mut *subject, &Config::default().with_cases(60), &mut |_| {});
        assert!(report.is_success(), "{base:?}: {:#?}", report.failures);
        let wrongly =
            |rule: &&RuleReport| !Profile::Core.includes(rule.rule) && rule.status != Outcome::NotApplicable;
        assert_eq!(report.rules.iter().find(wrongly).map(|rule| rule.rule), None, "{base:?}");
    }
}

#[test]
fn a_fault_of_a_core_rule_is_found_in_a_store_that_is_meant_to_hold_only_those() {
    let wrong = measured::of_each(|_, fault| {
        let is_core = RuleId::named(fault.rule).is_some_and(|rule| Profile::Core.includes(rule));
        let mut subject = subject::meant(fault.on, &fault.flaw, Profile::Core);
        let mut broken = |config: Config| {
            let report = run(&mut *subject, &config.with_shrink(Duration::ZERO), &mut |_| {});
            Some(report).filter(|report| !report.is_success())
        };
        // Without time for more, only what is golden is run; that finds most, and soon.
        let golden = broken(Config::default().with_budget(Duration::ZERO));
        let found = match golden {
            None if is_core => broken(Config::default().with_cases(measured::CASES)),
            found => found,
        };
        let mut failures = found.iter().flat_map(|report| &report.failures);
        let is_misnamed = failures.any(|failure| !Profile::Core.includes(failure.rule));
        match found {
            None if is_core => Some(format!("{} is not found", fault.name)),
            _ if is_misnamed => {
                Some(format!("{} is called by a rule that is not in the profile", fault.name))
            }
            _ => None,
        }
    });
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// All that is asked of the suite, in one test: what it finds takes a while to find.
#[test]
fn every_fault_is_found_and_named_and_shown_in_a_few_steps() {
    let matrix = measured::matrix();
    let told = |of: &dyn Fn(&&Found) -> bool| matrix.iter().filter(of).map(Found::told).collect::<Vec<_>>();
    let mut wrong = Vec::new();
    let alive = told(&|found| found.seeds < 10);
    if !alive.is_empty() {
        wrong.push(format!("not found on each of ten seeds: {alive:#?}"));
    }
    let others = told(&|found| !found.is_named_first());
    if others.len() * 10 > matrix.len() {
        wrong.push(format!("{} of {} are led by another rule: {others:#?}", others.len(), matrix.len()));
    }
    let mut steps: Vec<usize> = matrix.iter().filter_map(|found| found.steps).collect();
    steps.sort_unstable();
    // To store something and to read it again takes five: an object, a value, a save, another object, a reading.
    if steps.get(steps.len() / 2).is_none_or(|median| *median > 5) {
        wrong.push(format!("the traces have {:?} steps in the median", steps.get(steps.len() / 2)));
    }
    let excepted = |found: &Found| LONG.iter().any(|(name, _)| *name == found.fault.name);
    let long = told(&|found| found.steps.is_none_or(|steps| steps > 8) && !excepted(found));
    if !long.is_empty() {
        wrong.push(format!("long traces: {long:#?}"));
    }
    let led: BTreeSet<_> = matrix.iter().filter_map(|found| found.led_by).collect();
    let idle: Vec<&str> = RuleId::of_stores()
        .filter(|rule| rule.rule().level == Level::Must && !led.contains(rule))
        .map(|rule| rule.rule().id)
        .collect();
    if !idle.is_empty() {
        wrong.push(format!("rules that lead for no fault: {idle:#?}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    page::check(&page::text(&matrix));
}
