//! What a rule's golden trace shows: the timeline of what must be seen, for the report and for the site of the
//! specification.

use serde::Serialize;

use super::Picture;
use super::steps::{self, Shown};
use crate::rule::RuleId;
use crate::schedule::Schedule;

/// What must be seen where a rule holds. Both are empty for a rule about applications.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Golden {
    /// The rule's golden trace as HTML, for a page with [`TIMELINE_STYLE`](super::TIMELINE_STYLE); none if it is too long
    /// to be drawn, or is a schedule.
    pub timeline: Option<String>,
    /// The moves of its golden schedule, in words.
    pub moves: Vec<String>,
}

impl Golden {
    /// That of a rule, with the answers of a reference model to which the rule applies.
    pub fn of(rule: RuleId) -> Self {
        let clause = rule.rule();
        let reference = clause.reference();
        let is_of_store = RuleId::of_stores().any(|one| one == rule);
        let trace = is_of_store.then(|| crate::golden::once(rule).ok()).flatten();
        let draw = |trace| steps::draw(trace, &reference, &Shown::expected(trace, &reference));
        let schedule = Schedule::is_one(clause.golden).then(|| Schedule::parse(clause.golden).ok()).flatten();
        Self {
            timeline: trace.and_then(draw).map(Picture::html),
            moves: schedule.map(|one| one.texts(&reference.parts).collect()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_about_stores_is_drawn_and_each_about_what_overlaps_has_moves() {
        for rule in RuleId::every() {
            let Golden { timeline, moves } = Golden::of(rule);
            let is_in = |mut rules: Box<dyn Iterator<Item = RuleId>>| rules.any(|one| one == rule);
            let wanted = (is_in(Box::new(RuleId::of_stores())), is_in(Box::new(RuleId::of_schedules())));
            assert_eq!((timeline.is_some(), !moves.is_empty()), wanted, "{rule:?}");
        }
    }
}
