//! Operations that overlap for real: threads that use one storage at the same time. Nobody decides who goes on, so the
//! same seed may give another history; what is seen is judged all the same.

use std::collections::{BTreeMap, HashMap};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use proptest::prelude::*;
use session_core::{AnyStore, SessionKey};
use tokio::runtime::Runtime;

use super::MET;
use super::drive::{Expiry, ask, drawn_keys};
use crate::generate::chance;
use crate::history::{Asked, Event, History, Told};
use crate::subject::Fault;

/// How many clients are under way at once.
const THREADS: u8 = 4;

/// How many operations each of them does.
const OPERATIONS: usize = 8;

/// What the operations are carried out on.
pub(crate) struct Field<'a> {
    pub(crate) runtime: &'a Runtime,
    /// One handle per client, in turn.
    pub(crate) handles: &'a [Racer],
    pub(crate) expiry: Expiry,
    /// Whether expired records are cleared.
    pub(crate) clears: bool,
}

/// A handle on a store that threads may share.
#[derive(Debug, Clone)]
pub(crate) struct Racer {
    pub(crate) store: AnyStore,
    /// The same, but its `update` postpones the end of a session and leaves what it holds as it is; if the store does that.
    pub(crate) touching: Option<AnyStore>,
}

/// What a client does next with a session.
#[derive(Debug, Clone, Copy)]
struct Planned {
    key: u32,
    act: Act,
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Ask(Asked),
    /// Postpones its end, as what this client has read of it; reads it, if it has not.
    Touch,
}

/// Lets some clients do what the seed says on a few sessions, all at once, and then looks what is there.
pub(crate) fn race(field: &Field<'_>, seed: u64) -> Result<History, Fault> {
    let arena =
        Arena { field, keys: drawn_keys(1..=MET)?, instant: AtomicU64::new(1), events: Mutex::default() };
    let touches = field.handles.iter().all(|handle| handle.touching.is_some());
    let plans = plans(seed, field.clears, touches);
    let barrier = Barrier::new(plans.len());
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for (client, plan) in (0_u8..).zip(&plans) {
            let (arena, barrier) = (&arena, &barrier);
            threads.push(scope.spawn(move || {
                barrier.wait();
                arena.all(client, plan);
            }));
        }
        for thread in threads {
            // The scope itself would keep to itself what the store said when it panicked.
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
    for key in 1..=MET {
        for asked in [Asked::Load, Asked::Delete, Asked::Load] {
            arena.one(0, key, asked, true);
            arena.one(1, key, Asked::Load, true);
        }
    }
    let mut events = arena.events.into_inner().unwrap_or_else(PoisonError::into_inner);
    events.sort_by_key(|event| event.began);
    Ok(History { events, crashes: Vec::new() })
}

/// Where the clients meet.
struct Arena<'a> {
    field: &'a Field<'a>,
    keys: BTreeMap<u32, SessionKey>,
    instant: AtomicU64,
    events: Mutex<Vec<Event>>,
}

impl Arena<'_> {
    /// Lets a client do what it plans, one thing after the other.
    fn all(&self, client: u8, plan: &[Planned]) {
        let mut read: HashMap<u32, u32> = HashMap::new();
        for Planned { key, act } in plan {
            let asked = match act {
                Act::Ask(asked) => *asked,
                Act::Touch => read.get(key).map_or(Asked::Load, |write| Asked::Touch(*write)),
            };
            if let Told::Found(write) = self.one(client, *key, asked, false) {
                read.insert(*key, write);
            }
        }
    }

    fn one(&self, client: u8, key: u32, asked: Asked, audit: bool) -> Told {
        let Field { runtime, handles, expiry, .. } = self.field;
        let Racer { store, touching } = &handles[usize::from(client) % handles.len()];
        let store = touching.as_ref().filter(|_| matches!(asked, Asked::Touch(_))).unwrap_or(store);
        let mut event = Event::new(client, key, asked, self.instant.fetch_add(1, Ordering::SeqCst));
        event.told = runtime.block_on(ask(store, self.keys[&key].clone(), asked, *expiry));
        event.ended = Some(self.instant.fetch_add(1, Ordering::SeqCst));
        event.audit = audit;
        let told = event.told.clone();
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        told
    }
}

/// What each client does. All of them try to make the first session, as those do who draw the same key. Half of them make
/// another one beside it: what happens to one is nothing to the other.
fn plans(seed: u64, clears: bool, touches: bool) -> Vec<Vec<Planned>> {
    let mut rng = chance(seed);
    let mut writes = 0;
    let mut write = || {
        writes += 1;
        writes
    };
    let mut plan = |client: u8| {
        let insert = |key, write| Planned { key, act: Act::Ask(Asked::Insert(write)) };
        let mut plan = vec![insert(1, write())];
        // Two that are neighbours have different handles.
        if client < THREADS / 2 {
            plan.push(insert(2, write()));
        }
        plan.extend((0..OPERATIONS).map(|_| {
            let act = match rng.next_u32() % 16 {
                0 => Act::Ask(Asked::Insert(write())),
                1..=5 => Act::Ask(Asked::Update(write())),
                6 => Act::Ask(Asked::Delete),
                9 if clears => Act::Ask(Asked::Lapse(write())),
                10 if clears => Act::Ask(Asked::ClearExpired),
                8 | 11..=13 if touches => Act::Touch,
                7 | 8 => Act::Ask(Asked::Exists),
                _ => Act::Ask(Asked::Load),
            };
            Planned { key: if rng.next_u32().is_multiple_of(4) { 2 } else { 1 }, act }
        }));
        plan
    };
    (0..THREADS).map(&mut plan).collect()
}
