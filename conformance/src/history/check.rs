//! Whether the answers about one session fit one order of the operations (Wing and Gong's search, with the memory of
//! Lowe): an operation can be next in the order if none that is not yet in it had ended before it began. One that
//! nobody has an answer to may come anywhere after its beginning, or never.

use std::collections::HashSet;

use session_core::Consistency;

use super::{Asked, Event, Told};

/// How many places of the search are looked at before it is given up. A history of some thirty operations takes a
/// few hundred, since each write is unlike any other.
const BUDGET: usize = 200_000;

/// What the search found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// An order that explains every answer.
    Order,
    /// That there is none.
    NoOrder,
    /// Nothing, within the budget.
    Unknown,
}

/// What is under the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    /// The number of the write.
    there: Option<u32>,
    /// Whether what is there has expired: nobody sees it, and it may be gone at any time, but until then it can be
    /// renewed.
    lapsed: bool,
    /// What deletions that failed may have left behind somewhere: it may be seen until a deletion succeeds. A bit for
    /// each write; writes of higher numbers leave nothing behind.
    ghosts: u128,
}

/// Looks for an order of the operations on one session, which had no record at first.
pub fn check(events: &[&Event], promise: Consistency) -> Found {
    // While something fails, a deletion that succeeds at last may have failed halfway at first.
    let halfway =
        |event: &&&Event| event.asked == Asked::Delete && event.under_fault && !event.told.is_open();
    let tries: Vec<Event> = events
        .iter()
        .filter(halfway)
        .map(|event| Event { told: Told::Unanswered, ended: None, ..(*event).clone() })
        .collect();
    let events: Vec<&Event> = events.iter().copied().chain(&tries).collect();
    let mut search = Search {
        events: &events,
        forgets: promise == Consistency::Forgetful,
        placed: vec![0; events.len().div_ceil(64)],
        seen: HashSet::new(),
        left: BUDGET,
    };
    match search.place(State::NONE) {
        Some(true) => Found::Order,
        Some(false) => Found::NoOrder,
        None => Found::Unknown,
    }
}

impl State {
    const NONE: Self = Self { there: None, lapsed: false, ghosts: 0 };
}

struct Search<'a> {
    events: &'a [&'a Event],
    forgets: bool,
    /// Which operations are in the order, a bit each.
    placed: Vec<u64>,
    /// Where the search was already, in vain.
    seen: HashSet<(Vec<u64>, State)>,
    left: usize,
}

impl Search<'_> {
    fn is_placed(&self, index: usize) -> bool {
        self.placed[index / 64] & (1 << (index % 64)) != 0
    }

    fn flip(&mut self, index: usize) {
        self.placed[index / 64] ^= 1 << (index % 64);
    }

    /// Whether the operations that are left can follow, with this under the key; `None` if the budget is used up.
    fn place(&mut self, state: State) -> Option<bool> {
        let left: Vec<usize> = (0..self.events.len()).filter(|index| !self.is_placed(*index)).collect();
        let first_end = left.iter().map(|index| self.events[*index].latest()).min().unwrap_or(u64::MAX);
        // Those without an answer need not come at all.
        if first_end == u64::MAX {
            return Some(true);
        }
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        if !self.seen.insert((self.placed.clone(), state)) {
            return Some(false);
        }
        let mut candidates: Vec<usize> =
            left.iter().copied().filter(|index| self.events[*index].began <= first_end).collect();
        // A reading that fits changes nothing, so it can come now. What the next one wants to see comes first else.
        let fits =
            |index: &usize| reads(self.events[*index]) && after(state, self.events[*index]) == Some(state);
        if let Some(reading) = candidates.iter().copied().find(fits) {
            candidates = vec![reading];
        }
        let next = left.iter().filter(|index| seen(self.events[**index]).is_some());
        let wanted = next.min_by_key(|index| self.events[**index].latest());
        let wanted = wanted.and_then(|index| seen(self.events[*index]));
        candidates
            .sort_by_key(|index| (wanted.is_none() || self.events[*index].asked.written() != wanted, *index));
        for index in candidates {
            let forgotten = (self.forgets && state.there.is_some()).then_some(State {
                there: None,
                lapsed: false,
                ..state
            });
            for state in [Some(state), forgotten].into_iter().flatten() {
                let Some(next) = after(state, self.events[index]) else { continue };
                // Each write is unlike any other: what is gone and still to be seen does not come again.
                let gone =
                    state.there.filter(|gone| next.there != Some(*gone) && next.ghosts & bit(*gone) == 0);
                if gone.is_some() && left.iter().any(|other| seen(self.events[*other]) == gone) {
                    continue;
                }
                self.flip(index);
                let follows = self.place(next);
                self.flip(index);
                if follows != Some(false) {
                    return follows;
                }
            }
        }
        Some(false)
    }
}

/// Whether an operation, by its answer, changed nothing.
fn reads(event: &Event) -> bool {
    matches!(event.asked, Asked::ClearExpired | Asked::Touch(_))
        || !event.told.is_open() && event.told != Told::Done
}

/// The write that a load has seen.
fn seen(event: &Event) -> Option<u32> {
    match event.told {
        Told::Found(write) => Some(write),
        _ => None,
    }
}

/// The bit of a write among those that were left behind.
fn bit(write: u32) -> u128 {
    1_u128.checked_shl(write).unwrap_or(0)
}

/// What is under the key after an operation, if its answer fits what was there before.
fn after(state: State, event: &Event) -> Option<State> {
    use Asked::{ClearExpired, Delete, Exists, Insert, Lapse, Load, Touch, Update, Upsert};
    let State { there, lapsed, ghosts } = state;
    let live = |write: u32, ghosts| Some(State { there: Some(write), lapsed: false, ghosts });
    let held = there.is_some() || lapsed;
    match (event.asked, &event.told) {
        (Insert(write), Told::Done) if there.is_none() => live(write, ghosts),
        (Insert(_), Told::Taken) if held => Some(state),
        (Update(write), Told::Done) if held => live(write, 0),
        (Upsert(write), Told::Done) => live(write, 0),
        (Lapse(_), Told::Done) if held => Some(State { lapsed: true, ..State::NONE }),
        // What had expired is gone by then.
        (Update(_) | Lapse(_), Told::Missing) | (Exists, Told::There(false)) if there.is_none() => {
            Some(State { lapsed: false, ..state })
        }
        (Load, Told::Nothing) if there.is_none() => Some(state),
        (Delete, Told::Done) => Some(State::NONE),
        (Load, Told::Found(write)) => (there == Some(*write) || ghosts & bit(*write) != 0).then_some(state),
        (Exists, Told::There(true)) => (held || ghosts != 0).then_some(state),
        // Whatever is there by now, none of it changes; nobody is told whether there was any.
        (ClearExpired, Told::Done) | (Touch(_), _) => Some(state),
        // What may have been done was done now, as far as it could be.
        (Insert(write), told) if told.is_open() && there.is_none() => live(write, ghosts),
        (Update(write), told) if told.is_open() && held => live(write, ghosts),
        (Upsert(write), told) if told.is_open() => live(write, ghosts),
        (Lapse(_), told) if told.is_open() && held => Some(State { there: None, lapsed: true, ghosts }),
        (Delete, told) if told.is_open() => {
            let failed = event.under_fault || matches!(told, Told::Failed(_));
            let left = there.filter(|_| failed).map_or(0, bit);
            Some(State { ghosts: ghosts | left, ..State::NONE })
        }
        (_, told) if told.is_open() => Some(state),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// An operation of a history, as `client asked told began ended`.
    fn event(asked: Asked, told: Told, began: u64, ended: u64) -> Event {
        let mut event = Event::new(0, 1, asked, began);
        event.ended = (told != Told::Unanswered).then_some(ended);
        event.told = told;
        event
    }

    fn inserted() -> Event {
        event(Asked::Insert(1), Told::Done, 0, 1)
    }

    #[rstest]
    #[case::one_after_the_other(vec![inserted(), event(Asked::Load, Told::Found(1), 2, 3)], Found::Order)]
    #[case::a_write_that_is_not_seen(vec![inserted(), event(Asked::Load, Told::Nothing, 2, 3)], Found::NoOrder)]
    #[case::a_load_beside_a_deletion(
        vec![inserted(), event(Asked::Delete, Told::Done, 2, 5), event(Asked::Load, Told::Found(1), 3, 4)],
        Found::Order
    )]
    #[case::a_load_after_a_deletion(
        vec![inserted(), event(Asked::Delete, Told::Done, 2, 3), event(Asked::Load, Told::Found(1), 4, 5)],
        Found::NoOrder
    )]
    #[case::two_loads_beside_a_deletion_in_the_wrong_order(
        vec![
            inserted(),
            event(Asked::Delete, Told::Done, 2, 9),
            event(Asked::Load, Told::Nothing, 3, 4),
            event(Asked::Load, Told::Found(1), 5, 6),
        ],
        Found::NoOrder
    )]
    #[case::two_insertions_that_both_succeed(
        vec![event(Asked::Insert(1), Told::Done, 0, 5), event(Asked::Insert(2), Told::Done, 1, 4)],
        Found::NoOrder
    )]
    #[case::an_unanswered_update_may_come_late(
        vec![
            inserted(),
            event(Asked::Update(2), Told::Unanswered, 2, 0),
            event(Asked::Load, Told::Found(1), 3, 4),
            event(Asked::Load, Told::Found(2), 5, 6),
        ],
        Found::Order
    )]
    #[case::but_it_does_not_come_and_go(
        vec![
            inserted(),
            event(Asked::Update(2), Told::Unanswered, 2, 0),
            event(Asked::Load, Told::Found(2), 3, 4),
            event(Asked::Load, Told::Found(1), 5, 6),
        ],
        Found::NoOrder
    )]
    #[case::an_unanswered_update_creates_nothing(
        vec![
            inserted(),
            event(Asked::Update(2), Told::Unanswered, 2, 0),
            event(Asked::Delete, Told::Done, 3, 4),
            event(Asked::Load, Told::Found(2), 5, 6),
        ],
        Found::NoOrder
    )]
    #[case::a_failed_deletion_may_have_been_one(
        vec![
            inserted(),
            event(Asked::Delete, Told::Failed("no".into()), 2, 3),
            event(Asked::Load, Told::Nothing, 4, 5),
        ],
        Found::Order
    )]
    #[case::a_failed_deletion_may_leave_something_behind(
        vec![
            inserted(),
            event(Asked::Delete, Told::Failed("no".into()), 2, 3),
            event(Asked::Load, Told::Nothing, 4, 5),
            event(Asked::Load, Told::Found(1), 6, 7),
        ],
        Found::Order
    )]
    #[case::until_a_deletion_succeeds(
        vec![
            inserted(),
            event(Asked::Delete, Told::Failed("no".into()), 2, 3),
            event(Asked::Delete, Told::Done, 4, 5),
            event(Asked::Load, Told::Found(1), 6, 7),
        ],
        Found::NoOrder
    )]
    #[case::one_that_nobody_waited_for_leaves_nothing_behind(
        vec![
            inserted(),
            event(Asked::Delete, Told::Unanswered, 2, 0),
            event(Asked::Load, Told::Nothing, 4, 5),
            event(Asked::Load, Told::Found(1), 6, 7),
        ],
        Found::NoOrder
    )]
    #[case::what_has_expired_is_renewed(
        vec![
            inserted(),
            event(Asked::Lapse(2), Told::Done, 2, 3),
            event(Asked::Load, Told::Nothing, 4, 5),
            event(Asked::ClearExpired, Told::Done, 6, 9),
            event(Asked::Update(3), Told::Done, 7, 8),
            event(Asked::Load, Told::Found(3), 10, 11),
        ],
        Found::Order
    )]
    #[case::or_gone_by_then(
        vec![
            inserted(),
            event(Asked::Lapse(2), Told::Done, 2, 3),
            event(Asked::Update(3), Told::Missing, 4, 5),
            event(Asked::Load, Told::Nothing, 6, 7),
        ],
        Found::Order
    )]
    #[case::but_it_does_not_come_back(
        vec![
            inserted(),
            event(Asked::Lapse(2), Told::Done, 2, 3),
            event(Asked::Update(3), Told::Missing, 4, 5),
            event(Asked::Update(4), Told::Done, 6, 7),
        ],
        Found::NoOrder
    )]
    #[case::nor_goes_once_it_is_renewed(
        vec![
            inserted(),
            event(Asked::Lapse(2), Told::Done, 2, 3),
            event(Asked::ClearExpired, Told::Done, 4, 7),
            event(Asked::Update(3), Told::Done, 5, 6),
            event(Asked::Load, Told::Nothing, 8, 9),
        ],
        Found::NoOrder
    )]
    #[case::nor_is_seen_before(
        vec![
            inserted(),
            event(Asked::Lapse(2), Told::Done, 2, 3),
            event(Asked::Load, Told::Found(2), 4, 5),
        ],
        Found::NoOrder
    )]
    #[case::a_touch_that_puts_back_what_was_replaced(
        vec![
            inserted(),
            event(Asked::Touch(1), Told::Done, 2, 7),
            event(Asked::Update(2), Told::Done, 3, 4),
            event(Asked::Load, Told::Found(2), 5, 6),
            event(Asked::Load, Told::Found(1), 8, 9),
        ],
        Found::NoOrder
    )]
    #[case::a_touch_that_brings_back_what_was_deleted(
        vec![
            inserted(),
            event(Asked::Touch(1), Told::Unanswered, 2, 0),
            event(Asked::Delete, Told::Done, 3, 4),
            event(Asked::Load, Told::Found(1), 5, 6),
        ],
        Found::NoOrder
    )]
    #[case::a_touch_of_what_is_gone(
        vec![
            inserted(),
            event(Asked::Delete, Told::Done, 2, 3),
            event(Asked::Touch(1), Told::Done, 4, 5),
            event(Asked::Touch(1), Told::Missing, 6, 7),
            event(Asked::Load, Told::Nothing, 8, 9),
        ],
        Found::Order
    )]
    #[case::what_nobody_wrote(
        vec![inserted(), event(Asked::Load, Told::Strange("{}".into()), 2, 3)],
        Found::NoOrder
    )]
    fn a_history_is_right_if_there_is_an_order(#[case] history: Vec<Event>, #[case] found: Found) {
        let events: Vec<&Event> = history.iter().collect();
        assert_eq!(check(&events, Consistency::Linearizable), found);
    }

    #[test]
    fn a_cache_may_forget_but_not_remember_what_is_older() {
        let forgotten = [
            inserted(),
            event(Asked::Load, Told::Nothing, 2, 3),
            event(Asked::Update(2), Told::Missing, 4, 5),
        ];
        let older =
            [inserted(), event(Asked::Update(2), Told::Done, 2, 3), event(Asked::Load, Told::Found(1), 4, 5)];
        let back =
            [inserted(), event(Asked::Load, Told::Nothing, 2, 3), event(Asked::Load, Told::Found(1), 4, 5)];
        let found = |events: &[Event]| check(&events.iter().collect::<Vec<_>>(), Consistency::Forgetful);
        assert_eq!(found(&forgotten), Found::Order);
        assert_eq!(found(&older), Found::NoOrder);
        assert_eq!(found(&back), Found::NoOrder);
    }

    #[test]
    fn many_operations_at_once_are_looked_through_in_time() {
        // Thirty updates at once, and a load of each in the order in which they were begun.
        let mut events = vec![inserted()];
        events.extend((0..30).map(|n| event(Asked::Update(n + 2), Told::Done, 2 + u64::from(n), 1_000)));
        events.extend((0..30).map(|n| {
            let at = 100 + 2 * u64::from(n);
            event(Asked::Load, Told::Found(n + 2), at, at + 1)
        }));
        let events: Vec<&Event> = events.iter().collect();
        assert_eq!(check(&events, Consistency::Linearizable), Found::Order);
    }
}
