//! What became of a rule that did not just hold, and what the report says about it.

use crate::errata::Excuses;
use crate::report::{Failure, Outcome, expected_text, observed_text};
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
        reason: String,
        trace: Trace,
    },
    /// It was broken so once, and not again.
    Flaky {
        reason: String,
        trace: Trace,
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
    /// What the report says.
    pub(super) fn told(self, rule: RuleId, excuses: &Excuses) -> (Outcome, Option<String>, Option<Trace>) {
        match self {
            Self::Broken(failure) => {
                (Outcome::Fail, Some(difference(&failure.divergence)), Some(failure.trace))
            }
            Self::Consequence { of, reason, trace } => {
                let reason = format!("broken with r[{}]: {reason}", of.rule().id);
                (Outcome::Fail, Some(reason), Some(trace))
            }
            Self::Flaky { reason, trace } => (Outcome::Flaky, Some(reason), Some(trace)),
            Self::Crash { reason, trace } => (Outcome::Crash, Some(reason), Some(trace)),
            Self::Timeout { reason, trace } => (Outcome::Timeout, Some(reason), Some(trace)),
            Self::ExpectedFail => (Outcome::ExpectedFail, excuses.reason(rule), None),
            Self::UnexpectedPass => {
                let reason = "the manifest declares an erratum that is not there".into();
                (Outcome::UnexpectedPass, Some(reason), None)
            }
            Self::CutShort { by } => {
                let what = if excuses.declares(by) { "the erratum" } else { "what its profile leaves open," };
                let reason = format!("its golden trace ends at {what} r[{}]", by.rule().id);
                (Outcome::NotApplicable, Some(reason), None)
            }
            Self::OutOfReach => {
                let reason = "the errata of the subject, or what its clock can show, leave no way to it";
                (Outcome::NotApplicable, Some(reason.into()), None)
            }
        }
    }
}

/// What a divergence is, in a line.
pub(super) fn difference(divergence: &Divergence) -> String {
    format!("expected {}, got {}", expected_text(divergence), observed_text(divergence))
}
