//! Which of the rules that one step breaks explains it best.
//!
//! The golden traces that do not hold tell: each names the rules behind the step at which it failed. A rule of which
//! its own golden trace says that it is broken, and that most of the others name too, is what the others follow from.
//! Where as many name two of them, the one that is the more specific of its step comes first, then the binding one, and
//! then the one with the shorter golden trace, which is the simpler thing to say. How many records a sweep removed comes
//! last: most often it is true, and something else was wrong before.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::rule::{Level, RuleId};
use crate::rules;
use crate::runner::Divergence;
use crate::trace::Trace;

/// A golden trace that did not hold.
#[derive(Debug)]
pub(super) struct BrokenGolden {
    pub(super) rule: RuleId,
    pub(super) trace: Trace,
    pub(super) divergence: Divergence,
}

impl BrokenGolden {
    /// Whether it failed for its own rule, and not on the way to it.
    fn is_own(&self) -> bool {
        self.divergence.rules.contains(&self.rule)
    }
}

/// How well a rule explains: the less the better.
type Place = (bool, Reverse<usize>, usize, bool, usize, RuleId);

/// The order of the rules that explain.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    places: BTreeMap<RuleId, Place>,
}

impl Ranking {
    /// The order that follows from the golden traces that did not hold.
    pub(super) fn of(broken: &[BrokenGolden]) -> Self {
        let naming = |rule| broken.iter().filter(|other| other.divergence.rules.contains(&rule)).count();
        let place = |own: &BrokenGolden| -> Place {
            let optional = own.rule.rule().level != Level::Must;
            let named_at = own.divergence.rules.iter().position(|rule| *rule == own.rule).unwrap_or_default();
            // What a store tells of itself explains least: it may be wrong because something else is.
            let tells = [rules::EXPIRY_CLEAR_COUNT, rules::EXPIRY_TOLD].contains(&own.rule);
            (tells, Reverse(naming(own.rule)), named_at, optional, own.trace.steps.len(), own.rule)
        };
        let places = broken.iter().filter(|broken| broken.is_own()).map(|own| (own.rule, place(own)));
        Self { places: places.collect() }
    }

    /// The rule among some that explains best, of those that have a place.
    pub(super) fn best(&self, rules: impl Iterator<Item = RuleId>) -> Option<RuleId> {
        rules.filter_map(|rule| self.places.get(&rule)).min().map(|(.., rule)| *rule)
    }

    /// Golden traces in the order in which they are looked into: those of the rules that explain most, and then those
    /// that failed on the way.
    pub(super) fn sort(&self, broken: &mut [BrokenGolden]) {
        broken.sort_by_key(|broken| {
            let place = self.places.get(&broken.rule).copied();
            (place.is_none(), place)
        });
    }
}
