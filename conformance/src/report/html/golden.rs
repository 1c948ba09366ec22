//! What a rule's golden trace shows: the timeline of what must be seen, for the report and for the site of the
//! specification.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use std::thread;

use serde::Serialize;
use session_backends::{CachedStore, MemoryStore};

use super::steps::{self, Shown};
use super::{Picture, overlap};
use crate::history::History;
use crate::rule::RuleId;
use crate::schedule::Schedule;
use crate::subject::{Env, StoreHooks, StoreSubject, Subject};

/// How many records the store has room for: more than any schedule makes.
const CAPACITY: usize = 100;

/// What must be seen where a rule holds. Both are empty for a rule about applications.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Golden {
    /// The rule's golden trace, or what a right store answers to its golden schedule, as HTML for a page with
    /// [`TIMELINE_STYLE`](super::TIMELINE_STYLE); none if it is too long to be drawn, or takes a process that is killed.
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
        let held = HELD.get(&rule).map(|history| {
            let timelines = overlap::held(history).into_iter().map(Picture::html);
            timelines.collect()
        });
        Self {
            timeline: trace.and_then(draw).map(Picture::html).or(held),
            moves: schedule.map(|one| one.texts(&reference.parts).collect()).unwrap_or_default(),
        }
    }
}

/// What a cache before another store answers to each golden schedule. It is carried out once, on a thread of its own: the caller
/// may be inside a runtime, and the store has one.
static HELD: LazyLock<BTreeMap<RuleId, History>> = LazyLock::new(|| {
    let held = || RuleId::of_schedules().filter_map(|rule| Some((rule, held(rule)?))).collect();
    thread::spawn(held).join().unwrap_or_default()
});

/// Two parts can be stopped and fail; `None` if the store would have to be killed, or has no directory.
fn held(rule: RuleId) -> Option<History> {
    let schedule = Schedule::parse(rule.rule().golden).ok().filter(|schedule| !schedule.has_crash())?;
    let open = |env: &Env, _| {
        let front = Arc::new(MemoryStore::with_clock(CAPACITY, env.clock()));
        let forgotten = Arc::clone(&front);
        env.part("front").forgets_by(move || forgotten.clear());
        let back = MemoryStore::with_clock(CAPACITY, env.clock());
        Ok::<_, Infallible>(CachedStore::new(env.part("front").around(front), env.part("back").around(back)))
    };
    let mut store = StoreSubject::new("cached", "", open, StoreHooks::default()).ok()?;
    store.schedule(&schedule)?.ok()
}

#[cfg(test)]
mod tests {
    use session_core::Consistency;

    use super::*;

    #[test]
    fn each_rule_about_stores_is_drawn_and_each_about_what_overlaps_has_moves() {
        for rule in RuleId::every() {
            let Golden { timeline, moves } = Golden::of(rule);
            let overlaps = RuleId::of_schedules().any(|one| one == rule);
            let is_killed = rule.rule().id.starts_with("crash.");
            let is_drawn = RuleId::of_stores().any(|one| one == rule) || overlaps && !is_killed;
            assert_eq!((timeline.is_some(), !moves.is_empty()), (is_drawn, overlaps), "{rule:?}");
            assert!(moves.iter().all(|one| !one.contains("that there is not")), "{moves:?}");
        }
    }

    #[test]
    fn a_right_store_answers_what_its_rule_says() {
        for rule in RuleId::of_schedules() {
            let Some(history) = HELD.get(&rule) else { continue };
            assert!(history.judge(Consistency::Linearizable).is_none(), "{rule:?}");
            let drawn = history.events.iter().filter(|event| !event.audit).count();
            let timeline = Golden::of(rule).timeline.unwrap();
            assert_eq!(timeline.matches("<rect class=\"op").count(), drawn, "{rule:?}");
        }
    }
}
