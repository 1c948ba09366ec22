//! The conformance suite on the stores that need no server, as the author of any store runs it.

#![cfg(all(feature = "sqlite", feature = "file"))]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::error::Error;
use std::sync::Arc;

use session_backends::{CachedStore, CookieStore, Durability, FileStore, MemoryStore, SqliteStore};
use session_conformance::report::{ended_block, failure_block, schedule_block};
use session_conformance::{Env, Suite};
use session_core::ManualClock;

type Opened<S> = Result<S, Box<dyn Error + Send + Sync>>;

/// Every rule holds. What is broken is shown as an author sees it.
fn holds(suite: Suite) {
    let report = suite.cases(100).other_storage().report().unwrap();
    let failures = report.failures.iter().map(|it| failure_block(it, &report.manifest, None));
    let schedules = report.schedule_failures.iter().map(|it| schedule_block(it, &report.manifest, None));
    let ended = report.rules.iter().filter_map(|it| ended_block(it, &report.manifest, None));
    let blocks: String = failures.chain(schedules).chain(ended).collect();
    assert!(report.is_success(), "\n{blocks}");
    assert!(report.steps > 1_000, "{} steps", report.steps);
}

fn memory(env: &Env) -> MemoryStore<ManualClock> {
    MemoryStore::with_clock(10_000, env.clock())
}

fn sqlite(env: &Env) -> Opened<SqliteStore<ManualClock>> {
    let store = SqliteStore::open_with_clock(env.dir().join("sessions.db"), env.settings(), env.clock())?;
    store.migrate()?;
    Ok(store)
}

#[test]
fn memory_store() {
    holds(Suite::new(async |env, _| Opened::Ok(memory(env))));
}

#[test]
fn sqlite_store() {
    holds(Suite::new(async |env, _| sqlite(env)));
}

#[test]
fn file_store() {
    holds(Suite::new(async |env, _| {
        let store = FileStore::open_with_clock(env.dir(), env.settings(), env.clock())?;
        Opened::Ok(store.with_durability(Durability::Written))
    }));
}

#[test]
fn cookie_store() {
    holds(Suite::new(async |env, _| CookieStore::with_clock(env.settings(), env.clock())));
}

#[test]
fn cached_store() {
    // The store shows what else may happen while it waits for its back, and the front forgets.
    holds(Suite::new(async |env, _| {
        let front = Arc::new(memory(env));
        let forgotten = Arc::clone(&front);
        env.part("front").forgets_by(move || forgotten.clear());
        Opened::Ok(CachedStore::new(front, env.part("back").around(sqlite(env)?)))
    }));
}
