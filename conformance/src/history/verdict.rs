//! What is wrong with a history for which there is no order: the first answer that no order explains, the rule that
//! it breaks, and the reason in words.

use std::fmt::Write as _;

use session_core::Consistency;

use super::check::{Found, check};
use super::{Asked, Event, History, Told};
use crate::rule::RuleId;
use crate::rules;

/// A history that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The rule that is broken.
    pub rule: RuleId,
    /// The answer that does not fit, by its place in the history.
    pub event: usize,
    /// Why not, in words.
    pub reason: String,
}

/// Judges a history. What the search cannot decide in time is not held against anybody.
pub fn judge(history: &History, promise: Consistency) -> Option<Violation> {
    let mut wrong: Vec<(u64, u32)> = history
        .keys()
        .into_iter()
        .filter_map(|key| first_wrong(&history.of_key(key), promise).map(|ended| (ended, key)))
        .collect();
    wrong.sort_unstable();
    let Some((ended, key)) = wrong.first().copied() else { return unanswered(history) };
    let event = history.events.iter().position(|event| event.ended == Some(ended))?;
    let (events, wrong) = (history.of_key(key), &history.events[event]);
    let (rule, reason) =
        after_crash(&events, &history.crashes, wrong).unwrap_or_else(|| classify(&events, wrong));
    Some(Violation { rule, event, reason })
}

/// What is wrong with a history that ends with an error, when nothing fails any more and nothing else is under way.
fn unanswered(history: &History) -> Option<Violation> {
    let failed = history.events.iter().any(|event| event.under_fault);
    let (rule, reason) = if !history.crashes.is_empty() {
        (rules::CRASH_ACKNOWLEDGED, "the process was killed, and what it left cannot be worked with any more")
    } else if failed {
        let reason =
            "nothing fails any more and nothing else is under way, but the store still does not answer";
        (rules::FAILURE_RECOVERS, reason)
    } else {
        (rules::CONCURRENT_ORDER, "nothing else is under way any more, but the store does not answer")
    };
    // A store that cannot delete what is gone has another fault, which needs no other client.
    let is_told = |event: &Event| {
        event.audit
            && matches!(event.told, Told::Failed(_))
            && (event.asked == Asked::Load || rule != rules::CONCURRENT_ORDER)
    };
    let event = history.events.iter().position(is_told)?;
    Some(Violation { rule, event, reason: reason.into() })
}

/// When the first answer came that no order explains.
fn first_wrong(events: &[&Event], promise: Consistency) -> Option<u64> {
    if check(events, promise) != Found::NoOrder {
        return None;
    }
    let mut ends: Vec<u64> = events.iter().filter_map(|event| event.ended).collect();
    ends.sort_unstable();
    ends.into_iter().find(|end| {
        let known: Vec<Event> =
            events.iter().filter(|event| event.began < *end).map(|event| until(event, *end)).collect();
        check(&known.iter().collect::<Vec<_>>(), promise) == Found::NoOrder
    })
}

/// What was known of an operation at an instant.
fn until(event: &Event, end: u64) -> Event {
    let mut known = event.clone();
    if known.ended.is_none_or(|ended| ended > end) {
        known.ended = None;
        known.told = Told::Unanswered;
    }
    known
}

/// The rule on what dies that a wrong answer breaks, if a death explains it.
fn after_crash(events: &[&Event], crashes: &[u64], wrong: &Event) -> Option<(RuleId, String)> {
    let crash = crashes.iter().copied().rfind(|crash| *crash < wrong.began)?;
    let key = wrong.key;
    if let Told::Strange(_) = wrong.told {
        let reason = format!(
            "the process was killed, and what client {} then loads from k{key} is no whole record",
            wrong.client
        );
        return Some((rules::CRASH_WHOLE, reason));
    }
    let before = events.iter().filter(|event| event.began < wrong.began);
    let done = |event: &&&Event| event.told == Told::Done && event.asked.is_write();
    match before.clone().rfind(done) {
        // It was acknowledged by the process that still lives.
        Some(write) if write.ended.is_some_and(|ended| ended > crash) => None,
        Some(write) => {
            let reason = format!(
                "client {} was told that its `{}` of k{key} is done; then the process was killed, and it is not so",
                write.client, write.asked
            );
            Some((rules::CRASH_ACKNOWLEDGED, reason))
        }
        None => before.clone().rfind(|event| event.told == Told::Unanswered).map(|flight| {
            let reason = format!(
                "the process was killed while `{}` of k{key} was under way: it has happened or has not, and not half",
                flight.asked
            );
            (rules::CRASH_WHOLE, reason)
        }),
    }
}

/// The rule that a wrong answer breaks, and the reason.
fn classify(events: &[&Event], wrong: &Event) -> (RuleId, String) {
    let key = wrong.key;
    let before = |event: &&&Event| event.ended.is_some_and(|ended| ended < wrong.began);
    if let Told::Strange(_) = wrong.told {
        let reason = format!("what client {} loads from k{key} is no record that was written", wrong.client);
        return (rules::CONCURRENT_RECORD_WHOLE, reason);
    }
    let deletion =
        events.iter().filter(before).rfind(|event| event.asked == Asked::Delete && event.told == Told::Done);
    let sees = |event: &Event| {
        matches!(
            (event.asked, &event.told),
            (Asked::Load, Told::Found(_)) | (Asked::Exists, Told::There(true))
        )
    };
    // An update that is told to be done has brought the session back if somebody then sees it.
    let updates = matches!((wrong.asked, &wrong.told), (Asked::Update(_), Told::Done));
    let revives = updates && events.iter().any(|event| event.began > wrong.began && sees(event));
    // Whoever inserts after that makes a session of his own.
    let inserted_since = |deletion: &Event| {
        events.iter().any(|event| {
            matches!(event.asked, Asked::Insert(_) | Asked::Upsert(_))
                && event.latest() > deletion.began
                && event.began < wrong.latest()
        })
    };
    if let Some(deletion) = deletion.filter(|deletion| (sees(wrong) || revives) && !inserted_since(deletion))
    {
        let reason = format!(
            "client {} was told that k{key} is deleted before client {} asked: it must stay so, whatever was under way{}",
            deletion.client,
            wrong.client,
            touched_since(events, deletion, wrong)
        );
        return (rules::CONCURRENT_DELETE_FINAL, reason);
    }
    if updates && wrong.under_fault {
        let reason = format!(
            "a part of the store failed, and client {} is told that its `{}` of k{key} is done",
            wrong.client, wrong.asked
        );
        return (rules::FAILURE_NO_LIE, reason);
    }
    if matches!((wrong.asked, &wrong.told), (Asked::Insert(_), Told::Done)) {
        let reason = format!("client {} is told that it has made k{key}, and so is another", wrong.client);
        return (rules::CONCURRENT_INSERT_ONE_WINS, reason);
    }
    let absent = is_absent(wrong);
    // Where a deletion failed, both answers may be right for a while, and only a later one shows that this one was not.
    let denied = |event: &&&Event| is_absent(event) && event.under_fault;
    if let Some(denied) = events.iter().filter(|event| event.ended <= wrong.ended).rfind(denied) {
        let reason = format!(
            "a part of the store failed, and client {} is told by `{}` that k{key} does not exist",
            denied.client, denied.asked
        );
        return (rules::FAILURE_NOT_ABSENCE, reason);
    }
    let acknowledged =
        events.iter().filter(before).rfind(|event| event.told == Told::Done && event.asked.is_write());
    match acknowledged {
        Some(write) if write.under_fault => {
            let reason = format!(
                "client {} was told that its `{}` of k{key} is done, and client {} does not see it: an error may be \
                 reported, a success that did not happen may not",
                write.client, write.asked, wrong.client
            );
            (rules::FAILURE_NO_LIE, reason)
        }
        Some(write) if absent && was_cleared(events, write, wrong) => {
            let reason = format!(
                "client {} was told that its `{}` of k{key} is done, which renewed an expired session; expired ones were \
                 cleared, and it is gone",
                write.client, write.asked
            );
            (rules::CONCURRENT_CLEAR_RENEWED, reason)
        }
        Some(write) if matches!(wrong.told, Told::Found(_)) || absent => {
            let reason = format!(
                "client {} was told that its `{}` of k{key} is done before client {} asked{}",
                write.client,
                write.asked,
                wrong.client,
                touched_since(events, write, wrong)
            );
            (rules::CONCURRENT_LOAD_LATEST, reason)
        }
        _ => {
            let reason = format!("no order of the operations on k{key} explains every answer up to this one");
            (rules::CONCURRENT_ORDER, reason)
        }
    }
}

/// Whether a write renewed an expired session, and somebody cleared after it had begun and before an answer came.
fn was_cleared(events: &[&Event], write: &Event, answer: &Event) -> bool {
    let mut before = events.iter().filter(|event| event.began < write.began && event.told == Told::Done);
    let changes = |event: &&&Event| {
        matches!(event.asked, Asked::Insert(_) | Asked::Upsert(_) | Asked::Lapse(_) | Asked::Delete)
    };
    let had_expired = before.rfind(changes).is_some_and(|last| matches!(last.asked, Asked::Lapse(_)));
    let clears = |event: &&Event| {
        event.asked == Asked::ClearExpired && event.latest() > write.began && event.began < answer.latest()
    };
    matches!(write.asked, Asked::Update(_)) && had_expired && events.iter().any(clears)
}

/// What to add where somebody touched the session between a write and an answer that does not fit.
fn touched_since(events: &[&Event], write: &Event, answer: &Event) -> String {
    let meanwhile = |event: &&&Event| {
        matches!(event.asked, Asked::Touch(_))
            && event.latest() > write.began
            && event.began < answer.latest()
    };
    // Rather the one whose record is seen.
    let is_seen = |event: &&&Event| {
        meanwhile(event)
            && matches!((event.asked, &answer.told), (Asked::Touch(one), Told::Found(seen)) if one == *seen)
    };
    events.iter().rfind(is_seen).or_else(|| events.iter().rfind(meanwhile)).map_or_else(String::new, |touch| {
        format!(
            "; client {}'s `touch` was under way meanwhile, which postpones the end of a session and writes nothing else",
            touch.client
        )
    })
}

/// Whether an answer says that there is no session.
fn is_absent(event: &Event) -> bool {
    matches!(event.told, Told::Nothing | Told::Missing | Told::There(false))
}

impl Violation {
    /// The history with a lane per operation: time goes to the right, and the answer that does not fit is marked.
    pub fn timeline(&self, history: &History) -> String {
        let key = history.events.get(self.event).map(|event| event.key);
        let last = history.events.get(self.event).and_then(|event| event.ended).unwrap_or(u64::MAX);
        let shown: Vec<(usize, &Event)> = history
            .events
            .iter()
            .enumerate()
            .filter(|(_, event)| key.is_some_and(|key| event.is_about(key)) && event.began < last)
            .collect();
        let mut instants: Vec<u64> = shown
            .iter()
            .flat_map(|(_, event)| [Some(event.began), event.ended.filter(|ended| *ended <= last)])
            .flatten()
            .collect();
        instants.sort_unstable();
        let column =
            |instant: u64| instants.iter().position(|other| *other == instant).unwrap_or(instants.len());
        let names: Vec<String> = shown
            .iter()
            .map(|(_, event)| match event.asked {
                Asked::ClearExpired => format!("client {}  {}", event.client, event.asked),
                asked => format!("client {}  {asked} k{}", event.client, event.key),
            })
            .collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let mut out = String::new();
        for died in history.crashes.iter().filter(|died| **died < last) {
            let at = " ".repeat(instants.iter().filter(|instant| *instant < died).count());
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{:width$}  {at}x  the process is killed", "");
        }
        for ((place, event), name) in shown.iter().zip(&names) {
            let from = column(event.began);
            let ended = event.ended.filter(|ended| *ended <= last);
            let to = ended.map_or(instants.len(), column);
            let bar = match ended {
                Some(_) => format!("[{}]", "-".repeat(to.saturating_sub(from + 1))),
                None => format!("[{}", "-".repeat(to.saturating_sub(from))),
            };
            let lane = format!("{}{bar}", " ".repeat(from));
            let told = if ended.is_some() { event.told.to_string() } else { "…".into() };
            let mark = if *place == self.event { "   <- here" } else { "" };
            // Writing to a String cannot fail.
            let _ =
                writeln!(out, "{name:width$}  {lane:columns$}  {told}{mark}", columns = instants.len() + 1);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn event(client: u8, asked: Asked, told: Told, began: u64, ended: u64) -> Event {
        Event { told, ended: Some(ended), ..Event::new(client, 1, asked, began) }
    }

    #[test]
    fn a_touch_that_may_have_done_it_is_named() {
        let mut events = vec![
            event(0, Asked::Insert(1), Told::Done, 0, 1),
            event(1, Asked::Touch(1), Told::Done, 2, 5),
            event(0, Asked::Delete, Told::Done, 3, 4),
            event(2, Asked::Load, Told::Found(1), 6, 7),
        ];
        let found = |events: &[Event]| {
            let history = History { events: events.to_vec(), crashes: Vec::new() };
            judge(&history, Consistency::Linearizable)
                .map(|found| (found.rule, found.reason.contains("`touch`")))
        };
        assert_eq!(found(&events), Some((rules::CONCURRENT_DELETE_FINAL, true)));
        events[2] = event(0, Asked::Update(2), Told::Done, 3, 4);
        assert_eq!(found(&events), Some((rules::CONCURRENT_LOAD_LATEST, true)));
        events.remove(1);
        assert_eq!(found(&events), Some((rules::CONCURRENT_LOAD_LATEST, false)));
    }

    /// Where saving creates, it may be told to be done long after what was seen.
    #[test]
    fn a_save_that_comes_later_does_not_excuse_what_was_brought_back() {
        let mut events = vec![
            event(0, Asked::Upsert(1), Told::Done, 0, 1),
            event(1, Asked::Touch(1), Told::Done, 2, 9),
            event(2, Asked::Touch(7), Told::Done, 3, 10),
            event(0, Asked::Delete, Told::Done, 4, 5),
            event(2, Asked::Load, Told::Found(1), 6, 7),
            event(0, Asked::Upsert(2), Told::Done, 11, 12),
        ];
        let judged = |events: &[Event]| {
            let history = History { events: events.to_vec(), crashes: Vec::new() };
            judge(&history, Consistency::Linearizable).unwrap()
        };
        let found = judged(&events);
        assert_eq!(found.rule, rules::CONCURRENT_DELETE_FINAL);
        assert!(found.reason.contains("client 1's `touch`"), "{}", found.reason);
        // One that overlaps with the deletion may be what is there.
        events[5] = event(0, Asked::Upsert(2), Told::Done, 4, 8);
        assert_ne!(judged(&events).rule, rules::CONCURRENT_DELETE_FINAL);
    }

    #[rstest]
    #[case::a_store_that_others_have_blocked(Asked::Load, false, Some(rules::CONCURRENT_ORDER))]
    #[case::a_store_that_cannot_delete_what_is_gone(Asked::Delete, false, None)]
    #[case::a_store_that_does_not_recover(Asked::Delete, true, Some(rules::FAILURE_RECOVERS))]
    fn an_error_in_the_end_breaks_the_rule_on_what_was_before_it(
        #[case] asked: Asked,
        #[case] under_fault: bool,
        #[case] rule: Option<RuleId>,
    ) {
        let mut inserted = Event::new(0, 1, Asked::Insert(1), 0);
        (inserted.ended, inserted.under_fault) = (Some(1), under_fault);
        inserted.told = if under_fault { Told::Failed("no".into()) } else { Told::Done };
        let mut last = Event::new(0, 1, asked, 2);
        (last.ended, last.told, last.audit) = (Some(3), Told::Failed("no".into()), true);
        let history = History { events: vec![inserted, last], crashes: Vec::new() };
        let found = judge(&history, Consistency::Linearizable);
        assert_eq!(found.as_ref().map(|found| found.rule), rule);
        assert_eq!(found.map(|found| found.event), rule.map(|_| 1));
    }
}
