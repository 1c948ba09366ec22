//! What became of a rule that did not just hold, and what the report says about it.

use crate::errata::Excuses;
use crate::report::{Failure, Outcome, RuleReport, expected_text, observed_text};
use crate::rule::RuleId;
use crate::runner::Divergence;
use crate::trace::Trace;

/// What became of a rule that did not just hold.
#[derive(Clone)]
pub(super) enum Finding {
    Broken(Box<Failure>),
    /// It is broken by what another rule explains better.
    Consequence {
        of: RuleId,
        trace: Trace,
        divergence: Divergence,
    },
    /// It was broken so once, and not again.
    Flaky {
        trace: Trace,
        divergence: Divergence,
    },
    Crash {
        reason: String,
        trace: Trace,
    },
    Timeout {
        reason: String,
        trace: Trace,
    },
    ExpectedFail,
    UnexpectedPass,
    /// Its golden trace got no further than an erratum.
    CutShort {
        by: RuleId,
    },
    /// Its golden trace does not come to it, since the subject's errata, or the limits of its clock, are in the way.
    OutOfReach,
}

impl Finding {
    /// What the report says of a rule, which begins as one that held.
    pub(super) fn told(self, rule: RuleReport, excuses: &Excuses) -> RuleReport {
        let shown = |ended, trace, divergence| RuleReport { trace: Some(trace), divergence, ..ended };
        match self {
            Self::Broken(failure) => {
                let failed = rule.ended(Outcome::Fail, difference(&failure.divergence));
                shown(failed, failure.trace, Some(failure.divergence))
            }
            Self::Consequence { of, trace, divergence } => {
                let reason = format!("broken with r[{}]: {}", of.rule().id, difference(&divergence));
                let failed = RuleReport { explained_by: Some(of), ..rule.ended(Outcome::Fail, reason) };
                shown(failed, trace, Some(divergence))
            }
            Self::Flaky { trace, divergence } => {
                let (step, difference) = (divergence.step + 1, difference(&divergence));
                let reason = format!("step {step} once {difference}, and not when it was run again");
                shown(rule.ended(Outcome::Flaky, reason), trace, Some(divergence))
            }
            Self::Crash { reason, trace } => shown(rule.ended(Outcome::Crash, reason), trace, None),
            Self::Timeout { reason, trace } => shown(rule.ended(Outcome::Timeout, reason), trace, None),
            Self::ExpectedFail => {
                let reason = excuses.reason(rule.rule);
                RuleReport { status: Outcome::ExpectedFail, reason, ..rule }
            }
            Self::UnexpectedPass => {
                rule.ended(Outcome::UnexpectedPass, "the manifest declares an erratum that is not there")
            }
            Self::CutShort { by } => {
                let what = if excuses.declares(by) { "the erratum" } else { "what its profile leaves open," };
                let reason = format!("its golden trace ends at {what} r[{}]", by.rule().id);
                rule.ended(Outcome::NotApplicable, reason)
            }
            Self::OutOfReach => rule.ended(
                Outcome::NotApplicable,
                "the errata of the subject, or what its clock can show, leave no way to it",
            ),
        }
    }
}

/// What a divergence is, in a line.
pub(super) fn difference(divergence: &Divergence) -> String {
    format!("expected {}, got {}", expected_text(divergence), observed_text(divergence))
}
