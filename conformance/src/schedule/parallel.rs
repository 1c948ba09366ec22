//! Operations that overlap for real: threads that use one storage at the same time. Nobody decides who goes on, so the
//! same seed may give another history; what is seen is judged all the same.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use proptest::prelude::*;
use session_core::{AnyStore, KeyGenerator, RandomKeys};
use tokio::runtime::Runtime;

use super::drive::{Expiry, ask};
use crate::generate::chance;
use crate::history::{Asked, Event, History};
use crate::subject::Fault;

/// How many clients are under way at once.
const THREADS: u8 = 4;

/// How many operations each of them does.
const OPERATIONS: usize = 8;

/// What the operations are carried out on.
pub(crate) struct Field<'a> {
    pub(crate) runtime: &'a Runtime,
    /// One handle per client, in turn.
    pub(crate) stores: &'a [AnyStore],
    pub(crate) expiry: Expiry,
    /// Whether expired records are cleared.
    pub(crate) clears: bool,
}

/// Lets some clients do what the seed says on one session, all at once, and then looks what is there.
pub(crate) fn race(field: &Field<'_>, seed: u64) -> Result<History, Fault> {
    let key = RandomKeys.generate().map_err(|error| Fault::Harness(error.to_string()))?;
    let instant = AtomicU64::new(1);
    let events: Mutex<Vec<Event>> = Mutex::default();
    let one = |client: u8, asked: Asked, audit: bool| {
        let store = &field.stores[usize::from(client) % field.stores.len()];
        let mut event = Event::new(client, 1, asked, instant.fetch_add(1, Ordering::SeqCst));
        event.told = field.runtime.block_on(ask(store, key.clone(), asked, field.expiry));
        event.ended = Some(instant.fetch_add(1, Ordering::SeqCst));
        event.audit = audit;
        events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    };
    let plans = plans(seed, field.clears);
    let barrier = Barrier::new(plans.len());
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for (client, plan) in (0_u8..).zip(&plans) {
            let (one, barrier) = (&one, &barrier);
            threads.push(scope.spawn(move || {
                barrier.wait();
                for asked in plan {
                    one(client, *asked, false);
                }
            }));
        }
        for thread in threads {
            // The scope itself would keep to itself what the store said when it panicked.
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
    for asked in [Asked::Load, Asked::Delete, Asked::Load] {
        one(0, asked, true);
        one(1, Asked::Load, true);
    }
    let mut events = events.into_inner().unwrap_or_else(PoisonError::into_inner);
    events.sort_by_key(|event| event.began);
    Ok(History { events, crashes: Vec::new() })
}

/// What each client does. All of them try to make the session, as those do who draw the same key.
fn plans(seed: u64, clears: bool) -> Vec<Vec<Asked>> {
    let mut rng = chance(seed);
    let mut writes = 0;
    let mut write = || {
        writes += 1;
        writes
    };
    let mut plan = |_| {
        let mut plan = vec![Asked::Insert(write())];
        plan.extend((0..OPERATIONS).map(|_| match rng.next_u32() % 16 {
            0 => Asked::Insert(write()),
            1..=5 => Asked::Update(write()),
            6 => Asked::Delete,
            9 if clears => Asked::Lapse(write()),
            10 if clears => Asked::ClearExpired,
            7 | 8 => Asked::Exists,
            _ => Asked::Load,
        }));
        plan
    };
    (0..THREADS).map(&mut plan).collect()
}
