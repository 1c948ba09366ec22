//! `SqliteStore` against bare rusqlite: prepared statements, the same pragmas, the same codec. And
//! `clear_expired`, whose cost must follow what expired and not what lives.

use std::cell::RefCell;
use std::path::Path;

use criterion::{BatchSize, Criterion};
use rusqlite::{Connection, Statement, params};
use session_backends::SqliteStore;
use session_core::blocking::Wait;
use session_core::codec::{Codec, SERVER_SALT};
use session_core::{Entries, ManualClock, Record, SessionKey, SessionStore};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::visit::{self, Client, NOW};

pub(crate) fn open(path: &Path) -> SqliteStore<ManualClock> {
    let store = SqliteStore::open_with_clock(path, &visit::settings(), visit::clock()).unwrap();
    store.migrate().unwrap();
    store
}

pub(crate) fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "NORMAL").unwrap();
    connection
}

pub(crate) struct Bare<'c> {
    codec: Codec,
    load: RefCell<Statement<'c>>,
    update: RefCell<Statement<'c>>,
    insert: RefCell<Statement<'c>>,
    delete: RefCell<Statement<'c>>,
}

impl<'c> Bare<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        let prepare = |sql| RefCell::new(connection.prepare(sql).unwrap());
        Self {
            codec: Codec::new(&visit::settings(), SERVER_SALT).unwrap(),
            load: prepare(
                "SELECT session_data, expire_date FROM django_session WHERE session_key = ?1 AND expire_date > ?2",
            ),
            update: prepare(
                "UPDATE django_session SET session_data = ?2, expire_date = ?3 WHERE session_key = ?1",
            ),
            insert: prepare(
                "INSERT INTO django_session (session_key, session_data, expire_date) VALUES (?1, ?2, ?3)",
            ),
            delete: prepare("DELETE FROM django_session WHERE session_key = ?1"),
        }
    }

    fn write(&self, statement: &RefCell<Statement<'_>>, key: &SessionKey, record: &Record) {
        let text = self.codec.encode(&record.data, NOW).unwrap();
        let written = statement.borrow_mut().execute(params![key.as_str(), text, column(record.expires)]);
        assert_eq!(written, Ok(1));
    }
}

/// An instant as Django writes one without a fraction of a second.
fn column(instant: OffsetDateTime) -> String {
    instant.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second]")).unwrap()
}

impl Client for Bare<'_> {
    type Loaded = Entries;

    async fn load(&self, key: &SessionKey) -> Entries {
        let mut statement = self.load.borrow_mut();
        let row = statement.query_row(params![key.as_str(), "2030-01-01 00:00:00"], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        });
        self.codec.decode(&row.unwrap().0).unwrap()
    }

    async fn update(&self, key: &SessionKey, record: &Record) {
        self.write(&self.update, key, record);
    }

    async fn insert(&self, key: &SessionKey, record: &Record) {
        self.write(&self.insert, key, record);
    }

    async fn delete(&self, key: &SessionKey) {
        self.delete.borrow_mut().execute([key.as_str()]).unwrap();
    }
}

pub(crate) fn operations(c: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.db");
    let store = open(&path);
    let keys = visit::fill(&store);
    let connection = connect(&path);
    visit::compare(c, "sqlite", &keys, &store, &Bare::new(&connection));
}

/// A database in which `expired` of `all` sessions have expired, spread evenly.
fn aged(path: &Path, all: usize, expired: usize) {
    drop(open(path));
    let mut connection = connect(path);
    let transaction = connection.transaction().unwrap();
    let mut statement = transaction.prepare("INSERT INTO django_session VALUES (?1, ?2, ?3)").unwrap();
    for n in 0..all {
        let until =
            if n.is_multiple_of(all / expired) { "2029-12-31 00:00:00" } else { "2030-01-15 00:00:00" };
        statement.execute(params![visit::key(n).as_str(), "the data", until]).unwrap();
    }
    drop(statement);
    transaction.commit().unwrap();
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
}

pub(crate) fn clear_expired(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let mut group = c.benchmark_group("sqlite clear_expired");
    group.sample_size(10);
    // In each of them every expired session has a page of its own among those that live.
    let cases = [
        ("1,000 of 100,000", 100_000, 1_000),
        ("1,000 of 1,000,000", 1_000_000, 1_000),
        ("10,000 of 1,000,000", 1_000_000, 10_000),
    ];
    for (name, all, expired) in cases {
        let made = dir.path().join("made.db");
        let _ = std::fs::remove_file(&made);
        aged(&made, all, expired);
        let copy = dir.path().join("copy.db");
        group.bench_function(name, |b| {
            b.iter_batched(
                || {
                    for ending in ["db", "db-wal", "db-shm"] {
                        let _ = std::fs::remove_file(copy.with_extension(ending));
                    }
                    std::fs::copy(&made, &copy).unwrap();
                    open(&copy)
                },
                |store| assert_eq!(store.clear_expired().wait().unwrap(), expired as u64),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}
