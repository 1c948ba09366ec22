//! What the report says of a fault: the block of a failure, the table, and what became of the other rules.

use std::path::Path;

use session_conformance::model::Errata;
use session_conformance::report::{Artifacts, Outcome, Report, SubjectReport, failure_block, summary};
use session_conformance::rule::RuleId;
use session_conformance::runner::{Coverage, Verdict, run_trace};
use session_conformance::subject::Subject;
use session_conformance::suite::{Config, run};

use crate::fault::{Base, Flaw};
use crate::{faults, subject};

/// The fault of a name; none has the empty one.
fn faulty(name: &str) -> Box<dyn Subject> {
    let fault = faults::all().map(|(_, fault)| fault).find(|fault| fault.name == name);
    fault.map_or_else(|| subject::of(Base::Database, &Flaw::None), |fault| subject::of(fault.on, &fault.flaw))
}

fn report(name: &str) -> SubjectReport {
    report_of(name, &Config::default().with_cases(150))
}

fn report_of(name: &str, config: &Config) -> SubjectReport {
    run(&mut *faulty(name), config, &mut |_| {})
}

#[test]
fn a_rule_that_is_asked_for_alone_fails_though_another_explains_it_better() {
    let mut led = 0;
    for fault in ["expiry-at-the-instant-loads", "null-dropped", "delete-does-nothing"] {
        let whole = report(fault);
        let of_stores = RuleId::of_stores().count();
        let failed = whole.rules.iter().take(of_stores).filter(|result| result.status == Outcome::Fail);
        for result in failed {
            if golden_verdict(fault, result.rule).is_held() {
                continue;
            }
            led += usize::from(!whole.failures.iter().any(|failure| failure.rule == result.rule));
            let config = Config::default().with_cases(0).with_rules(result.rule.rule().id);
            let alone = report_of(fault, &config);
            let status = alone.rules.iter().find(|other| other.rule == result.rule).unwrap().status;
            assert_eq!(status, Outcome::Fail, "{fault:?}: {:?} alone", result.rule);
        }
    }
    assert!(led > 3, "only {led} rules are led by another: the test tests little");
}

fn golden_verdict(fault: &str, rule: RuleId) -> Verdict {
    let trace = rule.rule().golden().unwrap().trace;
    run_trace(&mut *faulty(fault), &trace, Errata::Enforced, &mut Coverage::default())
}

#[test]
fn a_rule_whose_golden_trace_did_not_hold_has_not_passed() {
    for fault in ["expiry-ignored", "null-dropped", "delete-does-nothing"] {
        let report = report(fault);
        let of_stores = RuleId::of_stores().count();
        let passed = report.rules.iter().take(of_stores).filter(|result| result.status == Outcome::Pass);
        for result in passed {
            assert!(golden_verdict(fault, result.rule).is_held(), "{fault:?}: {:?} passed", result.rule);
        }
    }
}

#[test]
fn a_failure_reads_like_a_bug_report() {
    let report = report("update-creates");
    let failure = report.failures.iter().find(|failure| failure.trace.steps.len() > 2).unwrap();
    let artifacts = Artifacts::new("target/x.jsonl", "target/x.rs");
    let replay = |trace: &Path| format!("run it again with {}", trace.display());
    insta::assert_snapshot!(failure_block(failure, &report.manifest, Some((&artifacts, &replay))), @r"
    FAIL r[lifecycle.save.no-resurrect]  MUST  Saving a session deleted elsewhere must not bring it back
      store faulty · Django (db) does as the model · seed 0x51f2 · 5 steps shrunk to 4
        t=0  s1 = new             ok
        t=0  s1.save              ok
        t=0  delete k1 elsewhere  ok
        t=0  s1.save              expected update-error   got ok        <- here
      also broken by this step: r[lifecycle.save.refused], r[lifecycle.delete.gone]
      spec:   docs/spec/lifecycle.md#lifecycle.save.no-resurrect
      replay: run it again with target/x.jsonl
      test:   target/x.rs   (a regression test, ready to paste)
    ");
}

#[test]
fn the_table_shows_what_held_and_what_did_not() {
    // How many steps there are depends on the golden traces, and is not what this is about.
    let shown = |fault: &str| {
        let mut report = report(fault);
        report.steps = 1_234;
        report
    };
    let mut subjects = vec![shown(""), shown("update-creates")];
    subjects[1].manifest.unknown = vec!["capabilities.persistant".into()];
    let report = Report::new(subjects, std::time::Duration::from_millis(1_540)).with_seed(0x51f2);
    insta::assert_snapshot!(summary(&report), @r"
    area           faulty     faulty
    key               8/8        8/8
    lifecycle       33/33  FAIL 30/33
    dict            15/15      15/15
    testcookie        2/2        2/2
    tracking        14/14      14/14
    expiry          25/25  FAIL 24/25
    data            15/15      15/15
    concurrent        6/6   FAIL 1/6
    failure             -          -
    crash               -          -
    faulty: 118 rules: 87 pass, 31 not-applicable; 31 of the suite's own sessions: 31 pass; 1,234 steps; clock virtual
    faulty: 118 rules: 78 pass, 9 fail, 31 not-applicable; 31 of the suite's own sessions: 31 pass; 1,234 steps; clock virtual
      in its answer to `hello`, not known here and ignored: capabilities.persistant
    1 subject did not hold: 149 rules on 2 subjects, 2,468 steps, seed 0x51f2, 1.5 s
    ");
}

/// Clearing panics.
static PANICS: Flaw = Flaw::Sweep(|_| panic!("the table is on fire"));

#[test]
fn a_store_that_panics_has_crashed_for_that_rule_and_the_run_goes_on() {
    let config = Config::default().with_cases(20);
    let report = run(&mut *subject::of(Base::Database, &PANICS), &config, &mut |_| {});
    let of = |id: &str| report.rules.iter().find(|result| result.rule.rule().id == id).unwrap();
    let crashed = of("expiry.clear.removes");
    assert_eq!(crashed.status, Outcome::Crash);
    assert_eq!(crashed.reason.as_deref(), Some("the store panicked: the table is on fire"));
    assert!(crashed.trace.is_some());
    // These come after it.
    assert_eq!(of("data.json").status, Outcome::Pass);
    assert_eq!(report.count(Outcome::HarnessError), 0);
}
