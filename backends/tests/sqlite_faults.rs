//! What a user sees when the database is not what it should be, and that nothing is lost by it.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

mod logged;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use session_backends::{Durability, Journal, OpenError, SqliteOptions, SqliteStore};
use session_core::blocking::Wait;
use session_core::{
    Chain, Entries, ManualClock, Record, Secret, SessionKey, SessionStore, Settings, SettingsError,
    StoreError, TimeZone,
};
use time::macros::datetime;

use crate::logged::logged;

fn settings() -> Settings {
    Settings::new("the-secret")
}

fn open(path: impl Into<PathBuf>) -> SqliteStore<ManualClock> {
    let clock = ManualClock::new(datetime!(2030-01-01 00:00 UTC));
    SqliteStore::open_with_clock(path, &settings(), clock).unwrap()
}

fn key() -> SessionKey {
    SessionKey::parse("0123456789abcdef0123456789abcdef").unwrap()
}

fn record(text: &str) -> Record {
    Record::new(map(text), datetime!(2030-02-01 00:00 UTC))
}

fn map(text: &str) -> Entries {
    Entries::parse(text.as_bytes()).unwrap()
}

/// The text of an error, which must not show the whole key.
fn shown(error: &StoreError) -> String {
    let text = Chain(error).to_string();
    assert!(!text.contains(key().as_str()), "{text}");
    text
}

fn said(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not said: {text}");
    }
}

fn rows(path: &Path) -> Vec<(String, String)> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT * FROM django_session ORDER BY 1").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn an_empty_secret_signs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let error = SqliteStore::open(directory.path().join("s.db"), &Settings::default()).unwrap_err();
    assert!(matches!(error, OpenError::Settings(SettingsError::EmptySecretKey)), "{error}");
    said(&error.to_string(), &["secret_key"]);
}

#[test]
fn a_path_that_cannot_be_a_database_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("no/such/s.db");
    let error = SqliteStore::open(&missing, &settings()).unwrap_err();
    assert!(matches!(error, OpenError::Open { .. }), "{error}");
    said(&error.to_string(), &["cannot open", "no/such/s.db"]);

    let text = directory.path().join("notes.txt");
    std::fs::write(&text, "these are my notes, and no database at all").unwrap();
    let error = SqliteStore::open(&text, &settings()).unwrap_err();
    said(&error.to_string(), &["cannot open", "notes.txt", "not a database"]);
    assert_eq!(std::fs::read_to_string(&text).unwrap(), "these are my notes, and no database at all");
}

#[test]
fn a_database_without_the_table_tells_how_to_make_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path().join("s.db"));
    said(&store.check().unwrap_err().to_string(), &["s.db", "no table django_session", "migrate"]);
    let error = store.load(&key()).wait().unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    said(&shown(&error), &["load a session", "s.db", "migrate"]);
}

#[test]
fn a_table_with_other_columns_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE django_session (sid, payload)").unwrap();
    connection.execute("INSERT INTO django_session VALUES ('a', 'b')", []).unwrap();
    let store = open(&path);
    let error = store.migrate().unwrap_err();
    said(&error.to_string(), &["s.db", "sid, payload", "session_key, session_data, expire_date"]);
    let error = store.insert(&key(), &record("{}")).wait().unwrap_err();
    said(&shown(&error), &["insert a session", "s.db", "not Django's"]);
    assert_eq!(rows(&path), [("a".to_owned(), "b".to_owned())]);
}

#[test]
fn a_locked_database_refuses_what_writes_and_still_reads() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.db");
    let store = open(&path).with_busy_timeout(Duration::from_millis(1));
    store.migrate().unwrap();
    store.insert(&key(), &record(r#"{"a":1}"#)).wait().unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = [
        ("update a session", store.update(&key(), &record(r#"{"a":2}"#)).wait().err()),
        ("delete a session", store.delete(&key()).wait().err()),
        (
            "insert a session",
            store.insert(&SessionKey::parse("another-key").unwrap(), &record("{}")).wait().err(),
        ),
    ];
    for (operation, error) in refused {
        let error = error.unwrap_or_else(|| panic!("{operation} was not refused"));
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        said(&shown(&error), &[operation, "s.db", "locked", "transaction left open"]);
    }
    assert_eq!(store.load(&key()).wait().unwrap().unwrap().data, map(r#"{"a":1}"#));
    other.execute_batch("COMMIT").unwrap();
    store.update(&key(), &record(r#"{"a":2}"#)).wait().unwrap();
    assert_eq!(store.load(&key()).wait().unwrap().unwrap().data, map(r#"{"a":2}"#));
}

#[test]
fn a_record_that_cannot_be_kept_here_is_an_error_and_stays_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.db");
    let store = open(&path);
    store.migrate().unwrap();
    // Signed by Django's signer, as any session of it.
    let signer =
        session_core::signing::Signer::new(&Secret::new("the-secret"), &[], session_core::codec::SERVER_SALT);
    let deep = format!(r#"{{"cart":[1,2],"deep":{}{}}}"#, "[".repeat(2_000), "]".repeat(2_000));
    let text = signer.dumps(deep.as_bytes(), datetime!(2030-01-01 00:00 UTC));
    let connection = Connection::open(&path).unwrap();
    let key = key();
    let row = (key.as_str(), &text, "2030-02-01 00:00:00");
    connection.execute("INSERT INTO django_session VALUES (?1, ?2, ?3)", row).unwrap();
    let error = store.load(&key).wait().unwrap_err();
    assert!(matches!(error, StoreError::Unrepresentable { .. }), "{error}");
    said(&shown(&error), &["\"deep\"", "1000 deep"]);
    assert_eq!(rows(&path)[0].1, text);
}

#[test]
fn a_damaged_record_is_corrupt_and_not_absent() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.db");
    let store = open(&path);
    store.migrate().unwrap();
    store.insert(&key(), &record(r#"{"a":1}"#)).wait().unwrap();
    let connection = Connection::open(&path).unwrap();
    for damage in
        ["session_data = substr(session_data, 2)", "session_data = x'ff00'", "expire_date = '9 of May'"]
    {
        connection.execute_batch(&format!("BEGIN; UPDATE django_session SET {damage}; COMMIT")).unwrap();
        let error = store.load(&key()).wait().unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{damage}: {error}");
        shown(&error);
    }
}

#[test]
fn clear_expired_removes_more_than_a_batch_and_leaves_what_lives() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.db");
    let store = open(&path);
    store.migrate().unwrap();
    let connection = Connection::open(&path).unwrap();
    let fill = "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 4999)
        INSERT INTO django_session SELECT printf('%032d', i), 'd', iif(i % 2, '2029-12-31 23:59:59', '2030-01-01 00:00:00') FROM n";
    connection.execute_batch(fill).unwrap();
    assert_eq!(store.clear_expired().wait().unwrap(), 2_500);
    assert_eq!(rows(&path).len(), 2_500);
    assert_eq!(store.clear_expired().wait().unwrap(), 0);
}

#[test]
fn a_database_in_memory_is_one_for_all_who_use_the_store() {
    let store = open(":memory:");
    store.migrate().unwrap();
    let key = |n: usize| SessionKey::parse(&format!("{n:08}")).unwrap();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let store = &store;
            scope.spawn(move || {
                store.insert(&key(n), &record("{}")).wait().unwrap();
                assert!(store.load(&key(n)).wait().unwrap().is_some());
            });
        }
    });
    assert!((0..8).all(|n| store.exists(&key(n)).wait().unwrap()));
    assert!(!store.capabilities().persistent && !store.capabilities().shared);
}

#[test]
fn a_database_in_memory_opens_by_its_url_with_its_table() {
    let settings = settings().with(|settings| settings.engine = "sqlite::memory:".into());
    let store = session_backends::open(&settings).wait().unwrap();
    store
        .insert(&key(), &Record::new(map("{}"), time::OffsetDateTime::now_utc() + Duration::from_secs(60)))
        .wait()
        .unwrap();
    assert!(store.load(&key()).wait().unwrap().is_some());
}

fn mode(path: &Path) -> String {
    let connection = Connection::open(path).unwrap();
    connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap()
}

#[test]
fn a_database_gets_a_write_ahead_log_unless_it_is_to_be_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch("CREATE TABLE t (x)").unwrap();
    assert_eq!(mode(&path), "delete");
    let clock = ManualClock::new(datetime!(2030-01-01 00:00 UTC));
    let options = SqliteOptions::default().with_journal(Journal::AsItIs).with_durability(Durability::Synced);
    let store = SqliteStore::open_with(&path, &settings(), clock, options).unwrap();
    store.migrate().unwrap();
    store.insert(&key(), &record("{}")).wait().unwrap();
    assert_eq!(mode(&path), "delete");
    drop(store);
    let text = logged(|| drop(open(&path)));
    assert_eq!(mode(&path), "wal");
    said(&text, &["INFO", "s.db now has a write-ahead log", "before: delete", "Journal::AsItIs"]);
    assert_eq!(logged(|| drop(open(&path))), "", "it has one");
}

#[test]
fn a_new_database_has_its_write_ahead_log_from_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s.db");
    assert_eq!(logged(|| drop(open(&path))), "");
    assert_eq!(mode(&path), "wal");
}

/// What a Django site with `USE_TZ = False` in this zone has written at noon, for an hour.
#[test]
fn a_table_with_local_time_is_read_and_swept_in_its_zone() {
    for (zone, noon, one, eleven) in [
        ("Asia/Tokyo", datetime!(2030-01-01 03:00 UTC), "2030-01-01 13:00:00", "2030-01-01 11:00:00"),
        ("America/Chicago", datetime!(2030-01-01 18:00 UTC), "2030-01-01 13:00:00", "2030-01-01 11:00:00"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.db");
        let settings = settings().with(|settings| settings.time_zone = Some(TimeZone::named(zone).unwrap()));
        let store = SqliteStore::open_with_clock(&path, &settings, ManualClock::new(noon)).unwrap();
        store.migrate().unwrap();
        let expired = SessionKey::parse("expired-key").unwrap();
        for (key, expires) in [(&key(), one), (&expired, eleven)] {
            store.insert(key, &record("{}")).wait().unwrap();
            let connection = Connection::open(&path).unwrap();
            let change = "UPDATE django_session SET expire_date = ?2 WHERE session_key = ?1";
            connection.execute(change, (key.as_str(), expires)).unwrap();
        }
        let hour = time::Duration::hours(1);
        assert_eq!(store.load(&key()).wait().unwrap().unwrap().expires, noon + hour, "{zone}");
        assert_eq!(store.load(&expired).wait().unwrap(), None, "{zone}");
        assert_eq!(store.clear_expired().wait().unwrap(), 1, "{zone}");
        assert!(store.exists(&key()).wait().unwrap(), "{zone}");
        store.update(&key(), &Record::new(map("{}"), noon + hour * 2)).wait().unwrap();
        let connection = Connection::open(&path).unwrap();
        let written: String =
            connection.query_row("SELECT expire_date FROM django_session", [], |row| row.get(0)).unwrap();
        assert_eq!(written, "2030-01-01 14:00:00", "{zone}");
    }
}

#[test]
fn what_is_shown_of_a_store_is_where_its_database_is() {
    let directory = tempfile::tempdir().unwrap();
    let shown = format!("{:?}", open(directory.path().join("s.db")));
    assert!(shown.contains("SqliteStore") && shown.contains("s.db"), "{shown}");
    assert!(!shown.contains("the-secret"), "{shown}");
}
