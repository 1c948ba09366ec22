//! Schedules by chance, the same for the same seed: few sessions, so that clients meet, and most operations in pieces.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::{Union, ValueTree};
use proptest::test_runner::TestRunner;

use super::{CLIENTS, Failing, MET, Move, Operation, Schedule};
use crate::generate::runner;

/// The most moves of a schedule. Longer ones find no more: clients meet within a few.
const MOVES: usize = 16;

/// The most moves of one in which processes are killed: each of those takes a start.
const CRASH_MOVES: usize = 8;

/// The most stops that an operation is sent over at once.
const STOPS: u32 = 7;

/// An endless stream of schedules.
pub struct Schedules {
    runner: TestRunner,
    schedules: BoxedStrategy<Schedule>,
}

impl std::fmt::Debug for Schedules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Schedules")
    }
}

impl Schedules {
    /// Schedules for a store with so many parts, one of which `forgets`; if it `clears`, records expire in them, and are
    /// cleared.
    pub fn new(seed: u64, parts: usize, forgets: bool, clears: bool) -> Self {
        Self { runner: runner(seed), schedules: schedules(parts, forgets, clears) }
    }

    /// Schedules in which a process is killed now and then.
    pub fn with_crashes(seed: u64) -> Self {
        Self { runner: runner(seed), schedules: crashes() }
    }
}

impl Iterator for Schedules {
    type Item = Schedule;

    fn next(&mut self) -> Option<Schedule> {
        // None of the strategies filters, so none of them rejects.
        self.schedules.new_tree(&mut self.runner).ok().map(|tree| tree.current())
    }
}

fn crashes() -> BoxedStrategy<Schedule> {
    use Operation::{Delete, Exists, Insert, Load, Update};
    let key = || prop_oneof![3 => Just(1), 1 => 2..=MET];
    let op = select(vec![Insert, Insert, Update, Update, Update, Delete, Load, Exists]);
    let begin =
        (0..CLIENTS, op, key()).prop_map(|(client, op, key)| Move::Begin { client, op, key, stop: None });
    let op = select(vec![Insert, Insert, Update, Update, Update, Delete]);
    // At once, while it is at work, and when it has answered.
    let after_us = prop_oneof![2 => 0..100_u32, 4 => 100..2_000_u32, 2 => 2_000..10_000_u32];
    let crash = (0..CLIENTS, op, key(), after_us).prop_map(|(client, op, key, after_us)| Move::Crash {
        client,
        op,
        key,
        after_us,
    });
    let kinds = vec![(1, begin.boxed()), (1, crash.boxed())];
    let rest = proptest::collection::vec(Union::new_weighted(kinds), 2..=CRASH_MOVES);
    rest.prop_map(|mut moves| {
        moves.insert(0, Move::Begin { client: 0, op: Insert, key: 1, stop: None });
        Schedule { moves }
    })
    .boxed()
}

fn schedules(parts: usize, forgets: bool, clears: bool) -> BoxedStrategy<Schedule> {
    use Operation::{ClearExpired, Delete, Exists, Insert, Lapse, Load, Update};
    let client = || 0..CLIENTS;
    let stop = || proptest::option::weighted(0.7, 1..=STOPS);
    let mut ops = vec![Insert, Update, Update, Update, Delete, Delete, Load, Load, Load, Exists];
    if clears {
        ops.extend([Lapse, ClearExpired]);
    }
    let op = select(ops);
    // Mostly the one session that all of them want.
    let key = prop_oneof![4 => Just(1), 1 => 2..=MET];
    let begin =
        (client(), op, key, stop()).prop_map(|(client, op, key, stop)| Move::Begin { client, op, key, stop });
    let go = (client(), stop()).prop_map(|(client, stop)| Move::Go { client, stop });
    let leave = client().prop_map(|client| Move::Drop { client });
    let mut kinds = vec![(6, begin.boxed()), (3, go.boxed()), (1, leave.boxed())];
    let count = u32::try_from(parts).unwrap_or(u32::MAX);
    if count > 0 {
        let when = select(vec![Failing::Before, Failing::After, Failing::Down]);
        let fail = (1..=count, 0..5_u32, when).prop_map(|(part, call, when)| Move::Fail { part, call, when });
        kinds.extend([(1, fail.boxed()), (1, Just(Move::Mend).boxed())]);
    }
    if forgets {
        kinds.push((3, Just(Move::Forget).boxed()));
    }
    let rest = proptest::collection::vec(Union::new_weighted(kinds), 2..=MOVES);
    rest.prop_map(|mut moves| {
        // Without a session nothing happens.
        moves.insert(0, Move::Begin { client: 0, op: Insert, key: 1, stop: None });
        without_reuse(&mut moves);
        Schedule { moves }
    })
    .boxed()
}

/// Keys are drawn by chance, so nobody makes a session under one that was deleted; and where a deletion fails, what it
/// left behind could not be told from the new session's.
fn without_reuse(moves: &mut [Move]) {
    let mut deleted = Vec::new();
    for one in moves {
        let Move::Begin { op, key, .. } = one else { continue };
        match op {
            Operation::Delete => deleted.push(*key),
            Operation::Insert if deleted.contains(key) => *op = Operation::Load,
            _ => {}
        }
    }
}
