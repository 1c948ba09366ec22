//! `SqliteStore` against bare rusqlite: prepared statements, the same pragmas, the same codec. And
//! `clear_expired`, whose cost must follow what expired and not what lives.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::path::Path;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rusqlite::{Connection, params};
use session_backends::SqliteStore;
use session_core::blocking::Wait;
use session_core::codec::{Codec, SERVER_SALT};
use session_core::{ManualClock, Map, Record, Secret, SessionKey, SessionStore, Settings, json};
use time::macros::datetime;

const KEYS: usize = 10_000;

fn settings() -> Settings {
    Settings { secret_key: Secret::new("the-secret"), ..Settings::default() }
}

fn clock() -> ManualClock {
    ManualClock::new(datetime!(2030-01-01 00:00 UTC))
}

fn data() -> Map {
    let text = format!(
        r#"{{"_auth_user_id":"4211","_auth_user_hash":"{}","cart":[{}]}}"#,
        "3f0c8e5b".repeat(8),
        (0..12).map(|n| format!(r#"{{"sku":"A-{}","count":{n}}}"#, n * 7919)).collect::<Vec<_>>().join(",")
    );
    json::parse(text.as_bytes()).unwrap()
}

fn key(n: usize) -> String {
    format!("{n:032}")
}

fn open(path: &Path) -> SqliteStore<ManualClock> {
    let store = SqliteStore::open_with_clock(path, &settings(), clock()).unwrap();
    store.migrate().unwrap();
    store
}

fn bare(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "NORMAL").unwrap();
    connection
}

/// Visits the keys in an order that is not theirs.
fn wander() -> impl FnMut() -> usize {
    let mut n = 0;
    move || {
        n = (n + 7_919) % KEYS;
        n
    }
}

fn operations(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sessions.db");
    let store = open(&path);
    let connection = bare(&path);
    let codec = Codec::new(&settings(), SERVER_SALT).unwrap();
    let record = Record { data: data(), expires: datetime!(2030-01-15 00:00 UTC) };
    let now = datetime!(2030-01-01 00:00 UTC);
    let keys: Vec<SessionKey> = (0..KEYS).map(|n| SessionKey::parse(&key(n)).unwrap()).collect();
    for key in &keys {
        store.insert(key, &record).wait().unwrap();
    }

    let mut group = c.benchmark_group("sqlite load");
    let mut next = wander();
    group.bench_function("ours", |b| b.iter(|| store.load(&keys[next()]).wait().unwrap().unwrap()));
    let mut statement = connection
        .prepare("SELECT session_data, expire_date FROM django_session WHERE session_key = ?1 AND expire_date > ?2")
        .unwrap();
    let mut next = wander();
    group.bench_function("bare", |b| {
        b.iter(|| {
            let key = keys[next()].as_str();
            let row = statement.query_row(params![key, "2030-01-01 00:00:00"], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            });
            let (text, expires) = row.unwrap();
            (codec.decode(&text).unwrap(), expires)
        });
    });
    drop(statement);
    group.finish();

    let mut group = c.benchmark_group("sqlite update");
    let mut next = wander();
    group.bench_function("ours", |b| b.iter(|| store.update(&keys[next()], &record).wait().unwrap()));
    let mut statement = connection
        .prepare("UPDATE django_session SET session_data = ?2, expire_date = ?3 WHERE session_key = ?1")
        .unwrap();
    let mut next = wander();
    group.bench_function("bare", |b| {
        b.iter(|| {
            let text = codec.encode(&record.data, now);
            statement.execute(params![keys[next()].as_str(), text, "2030-01-15 00:00:00"]).unwrap()
        });
    });
    drop(statement);
    group.finish();

    let mut group = c.benchmark_group("sqlite insert");
    let mut fresh = KEYS..;
    let mut next = || key(fresh.next().unwrap_or_default());
    group.bench_function("ours", |b| {
        b.iter(|| store.insert(&SessionKey::parse(&next()).unwrap(), &record).wait().unwrap());
    });
    let mut statement = connection
        .prepare("INSERT INTO django_session (session_key, session_data, expire_date) VALUES (?1, ?2, ?3)")
        .unwrap();
    group.bench_function("bare", |b| {
        b.iter(|| {
            let text = codec.encode(&record.data, now);
            statement.execute(params![next(), text, "2030-01-15 00:00:00"]).unwrap()
        });
    });
    drop(statement);
    group.finish();
}

/// A database in which `expired` of `all` sessions have expired, spread evenly.
fn aged(path: &Path, all: usize, expired: usize) {
    drop(open(path));
    let mut connection = bare(path);
    let transaction = connection.transaction().unwrap();
    let mut statement = transaction.prepare("INSERT INTO django_session VALUES (?1, ?2, ?3)").unwrap();
    for n in 0..all {
        let until =
            if n.is_multiple_of(all / expired) { "2029-12-31 00:00:00" } else { "2030-01-15 00:00:00" };
        statement.execute(params![key(n), "the data", until]).unwrap();
    }
    drop(statement);
    transaction.commit().unwrap();
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
}

fn clear_expired(c: &mut Criterion) {
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

criterion_group!(benches, operations, clear_expired);
criterion_main!(benches);
