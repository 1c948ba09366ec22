//! Several tasks on one key at the same time: exactly one insertion wins, and a deletion is the end,
//! whatever else is under way.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rstest::rstest;
use session_backends::{CachedStore, Durability, FileStore, MemoryStore, SqliteStore};
use session_core::blocking::Wait;
use session_core::{AnyStore, Record, Secret, SessionKey, SessionStore, Settings, StoreError, json};
use time::{Duration, OffsetDateTime};

const TASKS: usize = 8;

fn settings() -> Settings {
    Settings { secret_key: Secret::new("the-secret"), ..Settings::default() }
}

fn sqlite(directory: &Path) -> SqliteStore {
    let store = SqliteStore::open(directory.join("s.db"), &settings()).unwrap();
    store.migrate().unwrap();
    store
}

fn memory(_: &Path) -> AnyStore {
    AnyStore::new(MemoryStore::new(100))
}

fn database(directory: &Path) -> AnyStore {
    AnyStore::new(sqlite(directory))
}

fn files(directory: &Path) -> AnyStore {
    let settings = Settings { file_path: directory.to_str().map(Into::into), ..settings() };
    AnyStore::new(FileStore::open(&settings).unwrap().with_durability(Durability::Written))
}

fn cached(directory: &Path) -> AnyStore {
    AnyStore::new(CachedStore::new(MemoryStore::new(100), sqlite(directory)))
}

fn key(round: usize) -> SessionKey {
    SessionKey::parse(&format!("{round:032}")).unwrap()
}

fn record(task: usize) -> Record {
    let data = json::parse(format!(r#"{{"task":{task}}}"#).as_bytes()).unwrap();
    Record { data, expires: OffsetDateTime::now_utc() + Duration::hours(1) }
}

/// Does something in all tasks at once and gives what each did.
fn at_once<T: Send>(task: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(TASKS);
    thread::scope(|scope| {
        let tasks: Vec<_> = (0..TASKS)
            .map(|number| {
                let (start, task) = (&start, &task);
                scope.spawn(move || {
                    start.wait();
                    task(number)
                })
            })
            .collect();
        tasks.into_iter().map(|task| task.join().unwrap()).collect()
    })
}

#[rstest]
fn of_several_insertions_of_one_key_exactly_one_wins(
    #[values(memory, database, files, cached)] open: fn(&Path) -> AnyStore,
) {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for round in 0..20 {
        let results = at_once(|task| store.insert(&key(round), &record(task)).wait());
        let winners: Vec<usize> = (0..TASKS).filter(|task| results[*task].is_ok()).collect();
        assert_eq!(winners.len(), 1, "round {round}: {results:?}");
        assert!(
            results.iter().all(|result| matches!(result, Ok(_) | Err(StoreError::Exists(_)))),
            "{results:?}"
        );
        let stored = store.load(&key(round)).wait().unwrap().unwrap();
        assert_eq!(stored.data, record(winners[0]).data);
    }
}

#[rstest]
fn a_deletion_in_the_midst_of_updates_is_final(
    #[values(memory, database, files, cached)] open: fn(&Path) -> AnyStore,
) {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    for round in 0..20 {
        store.insert(&key(round), &record(0)).wait().unwrap();
        let deleted = AtomicBool::new(false);
        at_once(|task| {
            if task == 0 {
                store.delete(&key(round)).wait().unwrap();
                deleted.store(true, Ordering::SeqCst);
                return;
            }
            loop {
                let over = deleted.load(Ordering::SeqCst);
                let result = store.update(&key(round), &record(task)).wait();
                match result {
                    Ok(_) => assert!(!over, "an update found a session that was deleted before it began"),
                    Err(StoreError::NotFound(_)) => return,
                    Err(error) => panic!("{error}"),
                }
                // Readers fill caches.
                store.load(&key(round)).wait().unwrap();
            }
        });
        assert_eq!(store.load(&key(round)).wait().unwrap(), None, "round {round}");
        assert!(!store.exists(&key(round)).wait().unwrap(), "round {round}");
    }
}
