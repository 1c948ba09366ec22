//! What a declared erratum excuses, and what it does not: a subject that breaks a rule in the way it says, and one
//! that breaks something beside it.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use session_conformance::call::Call;
use session_conformance::manifest::{Deviation, Erratum, Manifest};
use session_conformance::model::Aspect;
use session_conformance::observation::{Observation, SessionState};
use session_conformance::op::SessionOp;
use session_conformance::report::{Outcome, RuleReport, SubjectReport};
use session_conformance::rule::RuleId;
use session_conformance::rules;
use session_conformance::subject::{Fault, ModelSubject, Subject};
use session_conformance::suite::{Config, run};
use session_conformance::trace::Settings;

/// The reference model with a flaw.
struct Flawed {
    model: ModelSubject,
    manifest: Manifest,
    flaw: fn(&Call<'_>, &mut SessionState<String>),
}

impl Subject for Flawed {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        self.model.open(now, settings)
    }

    fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Fault> {
        let mut observed = self.model.call(now, call)?;
        if let Some(state) = &mut observed.session {
            (self.flaw)(call, state);
        }
        Ok(observed)
    }
}

fn report(errata: Vec<Erratum>, flaw: fn(&Call<'_>, &mut SessionState<String>)) -> SubjectReport {
    let mut manifest = Manifest::reference();
    manifest.errata = errata;
    let model = ModelSubject::new(Manifest::reference());
    let mut subject = Flawed { model, manifest, flaw };
    run(&mut subject, &Config::default().with_cases(100), &mut |_| {})
}

fn of(report: &SubjectReport, rule: RuleId) -> &RuleReport {
    report.rules.iter().find(|result| result.rule == rule).unwrap()
}

fn is_empty(call: &Call<'_>) -> bool {
    matches!(call, Call::Op { op: SessionOp::IsEmpty, .. })
}

fn declared() -> Vec<Erratum> {
    vec![Erratum::new("tracking.is-empty", "asking reads")]
}

#[test]
fn an_erratum_that_is_as_declared_is_expected() {
    let report = report(declared(), |call, state| state.accessed |= is_empty(call));
    assert_eq!(of(&report, rules::TRACKING_IS_EMPTY).status, Outcome::ExpectedFail);
    assert!(report.failures.is_empty(), "{:#?}", report.failures);
}

#[test]
fn what_stands_beside_an_erratum_in_the_same_rule_fails() {
    let report = report(declared(), |call, state| {
        state.accessed |= is_empty(call);
        state.modified |= is_empty(call);
    });
    assert_eq!(of(&report, rules::TRACKING_IS_EMPTY).status, Outcome::Fail);
    assert_eq!(report.failures[0].divergence.aspect, Aspect::Modified);
}

#[test]
fn an_erratum_at_another_operation_fails_unless_it_is_declared() {
    let flaw: fn(&Call<'_>, &mut SessionState<String>) = |call, state| {
        let untouched =
            matches!(call, Call::Op { op: SessionOp::GetSessionCookieAge | SessionOp::Delete, .. });
        state.accessed |= untouched;
    };
    let rule = rules::TRACKING_UNTOUCHED;
    let erratum = || Erratum::new("tracking.untouched", "everything reads");
    let undeclared = report(vec![erratum()], flaw);
    assert_eq!(of(&undeclared, rule).status, Outcome::Fail, "{:?}", of(&undeclared, rule).reason);
    let mut whole = erratum();
    whole.seen =
        ["delete", "get-session-cookie-age"].map(|op| Deviation::new(op, Aspect::Accessed, "true")).to_vec();
    let declared = report(vec![whole], flaw);
    assert_eq!(of(&declared, rule).status, Outcome::ExpectedFail, "{:?}", of(&declared, rule).reason);
}

#[test]
fn a_rule_whose_golden_trace_ends_at_another_erratum_has_not_passed() {
    let report = report(declared(), |call, state| state.accessed |= is_empty(call));
    let cut = of(&report, rules::LIFECYCLE_IS_EMPTY);
    assert_eq!(cut.status, Outcome::NotApplicable);
    assert_eq!(cut.reason.as_deref(), Some("its golden trace ends at the erratum r[tracking.is-empty]"));
}

#[test]
fn an_erratum_that_is_not_there_is_an_unexpected_pass() {
    let report = report(declared(), |_, _| {});
    assert_eq!(of(&report, rules::TRACKING_IS_EMPTY).status, Outcome::UnexpectedPass);
}

#[test]
fn an_imitated_erratum_is_held_against_the_subject_in_its_own_golden_trace() {
    // As Django's cookies: creating only marks, and saving marks too. The first hides the second in the golden trace of
    // the second, which creates its session.
    let mut manifest = Manifest::reference();
    manifest.capabilities.server_side = false;
    manifest.hooks.clear();
    manifest.errata = ["lifecycle.create.stores", "lifecycle.create.unread", "lifecycle.save.flags"]
        .map(|rule| Erratum::new(rule, "as Django"))
        .to_vec();
    let statuses = |subject: &mut dyn Subject| {
        let report = run(subject, &Config::default().with_cases(100), &mut |_| {});
        assert!(report.failures.is_empty(), "{:#?}", report.failures);
        of(&report, rules::LIFECYCLE_SAVE_FLAGS).status
    };
    assert_eq!(statuses(&mut ModelSubject::new(manifest.clone())), Outcome::ExpectedFail);
    // One that does not do what it declares.
    let mut honest = manifest.clone();
    honest.errata.pop();
    let model = ModelSubject::new(honest);
    assert_eq!(statuses(&mut Flawed { model, manifest, flaw: |_, _| {} }), Outcome::UnexpectedPass);
}
