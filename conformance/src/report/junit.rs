//! The report for continuous integration, as JUnit XML: a suite per subject, a case per rule.

use quick_junit::{NonSuccessKind, Report as JUnitReport, TestCase, TestCaseStatus, TestSuite};

use super::{Outcome, Report, RuleReport, SubjectReport, ended_block, failure_block, schedule_block};

/// The report as JUnit XML.
///
/// # Errors
/// A sentence, if the XML cannot be written.
pub fn to_junit(report: &Report) -> Result<String, String> {
    let mut junit = JUnitReport::new("sessionspec");
    junit.set_time(report.duration);
    for subject in &report.subjects {
        let mut suite = TestSuite::new(format!("{} {}", subject.manifest.name, subject.manifest.version));
        if let Some(seed) = report.seed {
            suite.add_property(("seed", format!("{seed:#x}").as_str()));
        }
        for rule in &subject.rules {
            let mut case = TestCase::new(rule.rule.rule().id, status(subject, rule));
            case.set_classname(&subject.manifest.name);
            case.add_property(("spec", rule.rule.rule().place().as_str()));
            case.add_property(("exercised", rule.exercised.to_string().as_str()));
            suite.add_test_case(case);
        }
        junit.add_test_suite(suite);
    }
    junit.to_string().map_err(|error| format!("cannot write JUnit XML: {error}"))
}

fn status(subject: &SubjectReport, rule: &RuleReport) -> TestCaseStatus {
    let mut status = match rule.status {
        Outcome::Pass => return TestCaseStatus::success(),
        outcome if outcome.is_success(rule.rule.rule().level) => TestCaseStatus::skipped(),
        Outcome::HarnessError | Outcome::Crash | Outcome::Timeout => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
        _ => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    let reason = rule.reason.as_deref().unwrap_or_default();
    status.set_message(format!("{}: {reason}", rule.status.name()));
    if let Some(block) = shown(subject, rule) {
        status.set_description(block);
    }
    status
}

/// What shows that a rule did not hold, as a bug report; nothing if nothing does.
fn shown(subject: &SubjectReport, rule: &RuleReport) -> Option<String> {
    let SubjectReport { manifest, failures, schedule_failures, .. } = subject;
    let failure = failures.iter().find(|failure| failure.rule == rule.rule);
    let overlapping = || schedule_failures.iter().find(|failure| failure.violation.rule == rule.rule);
    failure
        .map(|failure| failure_block(failure, manifest, None))
        .or_else(|| overlapping().map(|failure| schedule_block(failure, manifest, None)))
        .or_else(|| ended_block(rule, manifest, None))
}
