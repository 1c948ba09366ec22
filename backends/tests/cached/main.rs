//! A store in front of another one, when operations overlap, are dropped at any moment, or meet a front that fails:
//! after an acknowledged deletion nothing loads, and the front never has anything else than the back.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

#[path = "../logged/mod.rs"]
mod logged;
mod old_cached_store;
mod stepped;

use logged::logged;
use old_cached_store::OldCachedStore;
use rstest::rstest;
use session_backends::{CachedStore, MemoryStore};
use session_core::blocking::Wait;
use session_core::{AnyStore, Entries, ManualClock, Record, SessionKey, SessionStore, StoreError};
use stepped::{Fails, Running, Stepped, run};
use time::Duration;
use time::macros::datetime;

type Memory = Stepped<MemoryStore<ManualClock>>;

/// One front and one back, and two processes that use them.
struct World {
    clock: ManualClock,
    front: Memory,
    back: Memory,
    here: AnyStore,
    there: AnyStore,
}

type Build = fn(Memory, Memory) -> AnyStore;

fn today(front: Memory, back: Memory) -> AnyStore {
    AnyStore::new(CachedStore::new(front, back))
}

fn once(front: Memory, back: Memory) -> AnyStore {
    AnyStore::new(OldCachedStore::new(front, back))
}

fn key() -> SessionKey {
    SessionKey::parse("0123456789abcdef").unwrap()
}

fn record(version: usize) -> Record {
    let data = Entries::parse(format!(r#"{{"version":{version},"price":1e-5}}"#).as_bytes()).unwrap();
    Record::new(data, datetime!(2030-01-15 00:00 UTC))
}

impl World {
    /// With one session, in the front too.
    fn new(build: Build) -> Self {
        let clock = ManualClock::new(datetime!(2030-01-01 00:00 UTC));
        let memory = || Stepped::new(MemoryStore::with_clock(100, clock.clone()));
        let (front, back) = (memory(), memory());
        let (here, there) = (build(front.clone(), back.clone()), build(front.clone(), back.clone()));
        let world = Self { clock: clock.clone(), front, back, here, there };
        run(world.here.insert(&key(), &record(0))).unwrap();
        run(world.here.load(&key())).unwrap();
        assert_eq!(world.front.inner.load(&key()).wait().unwrap(), Some(record(0)), "the front is of no use");
        world
    }

    /// What is loaded must be what the back has.
    fn check(&self) -> Result<(), String> {
        self.front.fail(Fails::Never);
        let back = self.back.inner.load(&key()).wait().unwrap();
        for (name, store) in [("here", &self.here), ("there", &self.there)] {
            let seen = run(store.load(&key())).unwrap();
            if seen != back {
                return Err(format!("{name} {seen:?} is loaded, the back has {back:?}"));
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Load,
    Update(usize),
    Delete,
}

impl Op {
    /// Does it; tells whether it was acknowledged.
    async fn run(self, store: &AnyStore) -> bool {
        match self {
            Self::Load => store.load(&key()).await.is_ok(),
            Self::Update(version) => match store.update(&key(), &record(version)).await {
                Ok(_) => true,
                Err(StoreError::NotFound(_) | StoreError::Unavailable { .. }) => false,
                Err(error) => panic!("{error}"),
            },
            Self::Delete => store.delete(&key()).await.is_ok(),
        }
    }
}

const OPS: [Op; 3] = [Op::Load, Op::Update(1), Op::Delete];

/// More stops than any operation has.
const STEPS: usize = 24;

/// One operation after the other is dropped at each stop, and then a session is loaded.
fn dropped_anywhere(build: Build) -> Result<(), String> {
    for op in OPS {
        for steps in 0..STEPS {
            for in_front in [true, false] {
                let world = World::new(build);
                if !in_front {
                    world.front.inner.delete(&key()).wait().unwrap();
                }
                let mut running = Running::new(op.run(&world.here));
                running.steps(steps);
                drop(running);
                world.check().map_err(|fault| format!("{op:?} dropped after {steps} steps: {fault}"))?;
                // And then the visitor logs out.
                assert!(run(Op::Delete.run(&world.there)));
                world
                    .check()
                    .map_err(|fault| format!("{op:?} dropped after {steps}, logged out: {fault}"))?;
            }
        }
    }
    Ok(())
}

/// One operation stops somewhere, another one runs to its end, and the first goes on or is dropped.
fn overlapping(build: Build) -> Result<(), String> {
    for (first, second) in
        OPS.into_iter().flat_map(|first| [Op::Load, Op::Update(2), Op::Delete].map(|second| (first, second)))
    {
        for steps in 0..STEPS {
            for (in_front, goes_on) in [(true, true), (true, false), (false, true), (false, false)] {
                let world = World::new(build);
                if !in_front {
                    world.front.inner.delete(&key()).wait().unwrap();
                }
                let mut running = Running::new(first.run(&world.there));
                running.steps(steps);
                let said =
                    |when: &str| format!("{second:?} {when} {first:?} ({steps} steps, in front: {in_front})");
                let acknowledged = run(second.run(&world.here));
                if second == Op::Delete && acknowledged {
                    let seen = run(world.here.load(&key())).unwrap();
                    if seen.is_some() {
                        return Err(format!("{}: a deleted session is loaded", said("within")));
                    }
                    // Step by step, and a visitor comes at each.
                    while goes_on && !running.is_over() {
                        running.step();
                        if run(world.here.load(&key())).unwrap().is_some() {
                            return Err(format!("{}: a deleted session is loaded", said("while")));
                        }
                    }
                } else if goes_on {
                    running.finish();
                }
                drop(running);
                world.check().map_err(|fault| format!("{}: {fault}", said("in the midst of")))?;
            }
        }
    }
    Ok(())
}

/// The front fails in each call, before and after it has done it, once or from then on.
fn failing_fronts(build: Build) -> Result<(), String> {
    for op in OPS {
        let kinds: [fn(usize) -> Fails; 3] = [Fails::Before, Fails::After, Fails::From];
        for (kind, call) in kinds.into_iter().flat_map(|kind| (0..8).map(move |call| (kind, call))) {
            let world = World::new(build);
            world.front.fail(kind(call));
            let acknowledged = run(op.run(&world.here));
            let said = || format!("{op:?} with a front that fails {:?}", kind(call));
            if op == Op::Load && !acknowledged {
                return Err(format!("{}: a session is not loaded", said()));
            }
            // While it fails, and when it is well again.
            if op == Op::Delete && acknowledged && run(world.here.load(&key())).unwrap().is_some() {
                return Err(format!("{}: a deleted session is loaded", said()));
            }
            world.front.fail(Fails::Never);
            if (acknowledged || op != Op::Delete)
                && let Err(fault) = world.check()
            {
                return Err(format!("{}: {fault}", said()));
            }
        }
    }
    Ok(())
}

/// Random operations of two processes in random steps, some of them dropped.
fn any_schedule(build: Build) -> Result<(), String> {
    let mut state = 0x5eed_u64;
    let mut below = |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % limit
    };
    for schedule in 0..4_000 {
        let world = World::new(build);
        let mut running = Vec::new();
        let mut deleted = false;
        for turn in 0..60 {
            match below(8) {
                0 | 1 if running.len() < 4 => {
                    let op = [Op::Load, Op::Load, Op::Update(turn + 1), Op::Delete][below(4)];
                    let store = [&world.here, &world.there][below(2)];
                    running.push((op, Running::new(op.run(store))));
                }
                2 if !running.is_empty() && below(4) == 0 => drop(running.swap_remove(below(running.len()))),
                _ if !running.is_empty() => {
                    let chosen = below(running.len());
                    let (op, future) = &mut running[chosen];
                    if let Some(acknowledged) = future.step() {
                        deleted |= *op == Op::Delete && acknowledged;
                        running.swap_remove(chosen);
                    }
                }
                _ => {}
            }
            if deleted && run(world.here.load(&key())).unwrap().is_some() {
                return Err(format!("schedule {schedule}, turn {turn}: a deleted session is loaded"));
            }
        }
        for (_, mut future) in running {
            future.finish();
        }
        world.check().map_err(|fault| format!("schedule {schedule}: {fault}"))?;
    }
    Ok(())
}

type Check = fn(Build) -> Result<(), String>;

#[rstest]
#[case::dropped(dropped_anywhere)]
#[case::overlapping(overlapping)]
#[case::failing(failing_fronts)]
#[case::any(any_schedule)]
fn after_an_acknowledged_deletion_nothing_loads_and_the_front_has_what_the_back_has(#[case] check: Check) {
    check(today).unwrap();
}

/// The checks can fail: each finds the store as it once was.
#[rstest]
#[case::dropped(dropped_anywhere)]
#[case::overlapping(overlapping)]
#[case::failing(failing_fronts)]
#[case::any(any_schedule)]
fn each_check_finds_the_store_as_it_once_was(#[case] check: Check) {
    check(once).unwrap_err();
}

#[test]
fn a_lease_that_the_front_has_forgotten_fills_nothing() {
    for steps in 0..STEPS {
        let world = World::new(today);
        world.front.inner.delete(&key()).wait().unwrap();
        let mut reader = Running::new(Op::Load.run(&world.there));
        reader.steps(steps);
        // A cache may drop anything at any time.
        world.front.inner.delete(&key()).wait().unwrap();
        run(world.here.delete(&key())).unwrap();
        while !reader.is_over() {
            reader.step();
            assert_eq!(run(world.here.load(&key())).unwrap(), None, "after {steps} steps");
        }
    }
}

#[test]
fn a_deletion_outlasts_its_own_hold() {
    for steps in 0..STEPS {
        let world = World::new(today);
        let mut deletion = Running::new(Op::Delete.run(&world.here));
        deletion.steps(steps);
        // The back takes so long that the hold on the key is over, and a reader comes.
        world.clock.advance(Duration::minutes(5));
        let mut reader = Running::new(Op::Load.run(&world.there));
        reader.steps(5);
        deletion.finish();
        reader.finish();
        world.check().unwrap_or_else(|fault| panic!("after {steps} steps: {fault}"));
    }
}

#[test]
fn a_log_out_that_cannot_be_proven_is_an_error_and_can_be_tried_again() {
    let world = World::new(today);
    world.front.fail(Fails::From(0));
    let error = run(world.here.delete(&key())).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    world.front.fail(Fails::Never);
    run(world.here.delete(&key())).unwrap();
    world.check().unwrap();
}

#[test]
fn an_update_that_cannot_clear_the_front_is_an_error_and_touches_nothing() {
    let world = World::new(today);
    world.front.fail(Fails::From(0));
    let error = run(world.here.update(&key(), &record(1))).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert_eq!(world.back.inner.load(&key()).wait().unwrap(), Some(record(0)));
}

#[test]
fn what_was_read_or_written_once_is_read_from_the_front() {
    let world = World::new(today);
    for write in [false, true] {
        if write {
            run(world.here.update(&key(), &record(1))).unwrap();
        }
        run(world.here.load(&key())).unwrap();
        world.back.fail(Fails::Never);
        run(world.there.load(&key())).unwrap().unwrap();
        assert_eq!(world.back.calls(), 0);
    }
}

#[test]
fn a_key_is_cached_again_some_time_after_its_writer_has_gone() {
    let world = World::new(today);
    let mut update = Running::new(Op::Update(1).run(&world.here));
    update.steps(4);
    drop(update);
    run(world.here.load(&key())).unwrap();
    assert_eq!(world.front.inner.load(&key()).wait().unwrap(), None);
    world.clock.advance(Duration::minutes(1));
    let stored = run(world.here.load(&key())).unwrap();
    assert_eq!(world.front.inner.load(&key()).wait().unwrap(), stored);
}

#[test]
fn clocks_that_differ_by_a_moment_keep_nothing_out_of_the_front() {
    let clock = |seconds| ManualClock::new(datetime!(2030-01-01 00:00 UTC) + Duration::seconds(seconds));
    let (front, back) = (MemoryStore::with_clock(9, clock(1)), MemoryStore::with_clock(9, clock(0)));
    let store = CachedStore::new(front, back);
    store.insert(&key(), &record(0)).wait().unwrap();
    store.load(&key()).wait().unwrap();
    assert_eq!(store.front().load(&key()).wait().unwrap(), Some(record(0)));
}

#[test]
fn a_front_that_fails_is_told_of_in_the_log_without_the_key() {
    let world = World::new(today);
    world.front.fail(Fails::From(0));
    let log = logged(|| assert_eq!(run(world.here.load(&key())).unwrap(), Some(record(0))));
    assert!(log.contains("WARN") && log.contains("failed to load: cannot do anything"), "{log}");
    assert!(!log.contains(key().as_str()), "{log}");
}

#[test]
fn a_store_with_a_front_that_blocks_does() {
    let memory = || Stepped::new(MemoryStore::new(9));
    assert!(!CachedStore::new(memory(), memory()).blocks());
    // The back is offloaded by itself.
    assert!(!CachedStore::new(memory(), memory().blocking()).blocks());
    assert!(CachedStore::new(memory().blocking(), memory()).blocks());
}
