//! What must hold when several tasks work on one key at the same time, for any store.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, LazyLock};
use std::thread;

use session_core::blocking::Wait;
use session_core::{AnyStore, Entries, Record, SessionKey, SessionStore, StoreError};
use time::{Duration, OffsetDateTime};
use tokio::runtime::Runtime;

const TASKS: usize = 8;

/// Stores on servers need one; the others do not mind.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A key that no run before had, so that a server may be used twice.
fn key() -> SessionKey {
    session_core::KeyGenerator::generate(&session_core::RandomKeys).unwrap()
}

fn record(task: usize) -> Record {
    let data = Entries::parse(format!(r#"{{"task":{task}}}"#).as_bytes()).unwrap();
    Record::new(data, OffsetDateTime::now_utc() + Duration::hours(1))
}

/// Does something in all tasks at once and gives what each did.
fn at_once<T: Send>(task: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(TASKS);
    thread::scope(|scope| {
        let tasks: Vec<_> = (0..TASKS)
            .map(|number| {
                let (start, task) = (&start, &task);
                scope.spawn(move || {
                    let _guard = RUNTIME.enter();
                    start.wait();
                    task(number)
                })
            })
            .collect();
        tasks.into_iter().map(|task| task.join().unwrap()).collect()
    })
}

/// Of several insertions of one key exactly one wins, and its record is the one that is there.
pub(crate) fn one_insertion_wins(store: &AnyStore) {
    let _guard = RUNTIME.enter();
    for round in 0..20 {
        let key = key();
        let results = at_once(|task| store.insert(&key, &record(task)).wait());
        let winners: Vec<usize> = (0..TASKS).filter(|task| results[*task].is_ok()).collect();
        assert_eq!(winners.len(), 1, "round {round}: {results:?}");
        let lost = |result: &Result<_, _>| matches!(result, Ok(_) | Err(StoreError::Exists(_)));
        assert!(results.iter().all(lost), "{results:?}");
        let stored = store.load(&key).wait().unwrap().unwrap();
        assert_eq!(stored.data, record(winners[0]).data);
    }
}

/// A deletion in the midst of updates and readings is final.
pub(crate) fn deletion_is_final(store: &AnyStore) {
    let _guard = RUNTIME.enter();
    for round in 0..20 {
        let key = key();
        store.insert(&key, &record(0)).wait().unwrap();
        let deleted = AtomicBool::new(false);
        at_once(|task| {
            if task == 0 {
                store.delete(&key).wait().unwrap();
                deleted.store(true, Ordering::SeqCst);
                return;
            }
            loop {
                let over = deleted.load(Ordering::SeqCst);
                match store.update(&key, &record(task)).wait() {
                    Ok(_) => assert!(!over, "an update found a session that was deleted before it began"),
                    Err(StoreError::NotFound(_)) => return,
                    Err(error) => panic!("{error}"),
                }
                // Readers fill caches.
                store.load(&key).wait().unwrap();
            }
        });
        assert_eq!(store.load(&key).wait().unwrap(), None, "round {round}");
        assert!(!store.exists(&key).wait().unwrap(), "round {round}");
    }
}
