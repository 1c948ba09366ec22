//! Several tasks on one key at the same time: exactly one insertion wins, and a deletion is the end,
//! whatever else is under way.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

mod race;

use std::path::Path;

use rstest::rstest;
use session_backends::{CachedStore, Durability, FileStore, MemoryStore, SqliteStore};
use session_core::{AnyStore, Settings};

fn settings() -> Settings {
    Settings::new("the-secret")
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
    let settings = settings().with(|settings| settings.file_path = directory.to_str().map(Into::into));
    AnyStore::new(FileStore::open(&settings).unwrap().with_durability(Durability::Written))
}

fn cached(directory: &Path) -> AnyStore {
    AnyStore::new(CachedStore::new(MemoryStore::new(100), sqlite(directory)))
}

#[rstest]
fn of_several_insertions_of_one_key_exactly_one_wins(
    #[values(memory, database, files, cached)] open: fn(&Path) -> AnyStore,
) {
    let directory = tempfile::tempdir().unwrap();
    race::one_insertion_wins(&open(directory.path()));
}

#[rstest]
fn a_deletion_in_the_midst_of_updates_is_final(
    #[values(memory, database, files, cached)] open: fn(&Path) -> AnyStore,
) {
    let directory = tempfile::tempdir().unwrap();
    race::deletion_is_final(&open(directory.path()));
}
