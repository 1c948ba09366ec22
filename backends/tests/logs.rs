//! What stores write into the log and into errors, at the finest level and while everything goes wrong: no key, no
//! secret, nothing that a visitor stored.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

mod captured;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, LazyLock};

use session_backends::{CachedStore, FileStore, MemoryStore, SqliteStore};
use session_core::blocking::Wait;
use session_core::{AnyStore, Entries, KeyGenerator, RandomKeys, Record, SessionKey, SessionStore, Settings};
use time::{Duration, OffsetDateTime};

use crate::captured::Log;

const SECRET: &str = "the-secret-that-signs";
const VALUE: &str = "what-a-visitor-stored";

/// All that is logged in this process, by `tracing` and by `log`.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).init();
    log::set_boxed_logger(Box::new(log.clone())).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    log
});

fn settings() -> Settings {
    Settings::new(SECRET)
}

fn record(size: usize) -> Record {
    // Text that does not compress.
    let filler: String =
        (0..size.div_ceil(32)).map(|_| RandomKeys.generate().unwrap().as_str().to_owned()).collect();
    let data = Entries::parse(format!(r#"{{"name":"{VALUE}","filler":"{filler}"}}"#).as_bytes()).unwrap();
    Record::new(data, OffsetDateTime::now_utc() + Duration::hours(1))
}

/// Does everything with a store, whatever comes of it; the texts of all errors, as users and as developers see them.
fn everything(store: &AnyStore, key: &SessionKey, size: usize) -> String {
    let mut errors = String::new();
    let mut note = |result: Result<(), session_core::StoreError>| {
        if let Err(error) = result {
            let _ = writeln!(errors, "{error} / {error:?}");
        }
    };
    let fresh = RandomKeys.generate().unwrap();
    note(store.insert(&fresh, &record(size)).wait().map(drop));
    note(store.insert(key, &record(size)).wait().map(drop));
    note(store.exists(key).wait().map(drop));
    note(store.load(key).wait().map(drop));
    note(store.update(key, &record(size)).wait().map(drop));
    note(store.clear_expired().wait().map(drop));
    note(store.delete(&fresh).wait());
    note(store.delete(key).wait());
    assert!(!errors.contains(fresh.as_str()), "{errors}");
    errors
}

/// Looks for what nobody should read, in the whole log and in these errors.
fn nothing_private_in(errors: &str, key: &SessionKey) {
    let log = LOG.text();
    for (name, text) in [("an error", errors), ("the log", &log)] {
        for private in [key.as_str(), SECRET, VALUE, "hunter2"] {
            let found = text.lines().find(|line| line.contains(private));
            assert!(found.is_none(), "{name} says {private}: {}", found.unwrap_or_default());
        }
    }
}

fn sqlite(directory: &Path) -> SqliteStore {
    SqliteStore::open(directory.join("s.db"), &settings()).unwrap()
}

fn files(directory: &Path) -> FileStore {
    let settings = settings().with(|settings| settings.file_path = directory.to_str().map(Into::into));
    FileStore::open(&settings).unwrap()
}

#[test]
fn embedded_stores_tell_nothing_private_when_they_fail() {
    LazyLock::force(&LOG);
    let key = RandomKeys.generate().unwrap();
    let mut errors = String::new();

    let directory = tempfile::tempdir().unwrap();
    let no_table = AnyStore::new(sqlite(directory.path()));
    errors += &everything(&no_table, &key, 0);
    errors += &everything(&AnyStore::new(CachedStore::new(MemoryStore::new(9), no_table)), &key, 0);

    let directory = tempfile::tempdir().unwrap();
    let store = sqlite(directory.path()).with_busy_timeout(std::time::Duration::ZERO);
    store.migrate().unwrap();
    let store = AnyStore::new(store);
    store.insert(&key, &record(0)).wait().unwrap();
    let other = rusqlite::Connection::open(directory.path().join("s.db")).unwrap();
    for damage in [
        "UPDATE django_session SET session_data = substr(session_data, 2)",
        "UPDATE django_session SET expire_date = 'what-a-visitor-stored'",
        "CREATE TRIGGER t BEFORE UPDATE ON django_session BEGIN SELECT RAISE(ABORT, 'refused'); END",
        "BEGIN IMMEDIATE",
    ] {
        other.execute_batch(damage).unwrap();
        errors += &everything(&store, &key, 0);
        let _ = store.insert(&key, &record(0)).wait();
    }

    let directory = tempfile::tempdir().unwrap();
    let store = AnyStore::new(files(directory.path()));
    store.insert(&key, &record(0)).wait().unwrap();
    fs::write(directory.path().join(format!("sessionid{}", key.as_str())), VALUE).unwrap();
    errors += &everything(&store, &key, 0);
    let place = directory.path().to_owned();
    directory.close().unwrap();
    errors += &everything(&store, &key, 0);
    // A file is where the directory was: no name in it can be looked up, whoever asks.
    fs::write(&place, "").unwrap();
    errors += &everything(&store, &key, 0);
    fs::remove_file(&place).unwrap();

    assert!(errors.lines().count() > 30, "too little went wrong: {errors}");
    nothing_private_in(&errors, &key);
}

/// In the process that this test starts, no file may grow beyond a few kilobytes, which is what a full disk looks
/// like to a program.
#[test]
fn embedded_stores_tell_nothing_private_on_a_full_disk() {
    if let Some(directory) = std::env::var_os("SESSIONS_ON_A_FULL_DISK") {
        LazyLock::force(&LOG);
        let key = RandomKeys.generate().unwrap();
        let directory = Path::new(&directory);
        let mut errors = everything(&AnyStore::new(files(directory)), &key, 100_000);
        if let Ok(store) = SqliteStore::open(directory.join("s.db"), &settings()) {
            errors += &everything(&AnyStore::new(store), &key, 100_000);
        }
        assert!(errors.lines().count() >= 4, "{errors}");
        nothing_private_in(&errors, &key);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    sqlite(directory.path()).migrate().unwrap();
    let mut limited = Command::new("sh");
    limited.args(["-c", r#"trap "" XFSZ; ulimit -f 64; exec "$0" --exact "$1""#]);
    limited.arg(std::env::current_exe().unwrap());
    limited.arg("embedded_stores_tell_nothing_private_on_a_full_disk");
    let output = limited.env("SESSIONS_ON_A_FULL_DISK", directory.path()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

#[cfg(all(feature = "redis", feature = "memcached", feature = "postgres"))]
mod servers {
    use session_backends::{Cache, CacheStore, MemcachedCache, PostgresStore, RedisCache};

    use super::*;

    static RUNTIME: LazyLock<tokio::runtime::Runtime> =
        LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());

    fn url(variable: &str) -> String {
        std::env::var(variable)
            .unwrap_or_else(|_| panic!("{variable} is not set; run `cargo xtask services`"))
    }

    async fn damaged<C: Cache + Clone + 'static>(cache: C, key: &SessionKey) -> AnyStore {
        let store = CacheStore::new(cache.clone(), &settings());
        let place = store.cache_key(key).unwrap();
        let life = std::time::Duration::from_secs(60);
        cache.add(&place, VALUE.into(), life).await.unwrap();
        AnyStore::new(store)
    }

    #[test]
    #[ignore = "needs servers: cargo xtask services cargo test --all-features --test logs -- --include-ignored"]
    fn stores_on_servers_tell_nothing_private_when_they_fail() {
        LazyLock::force(&LOG);
        let _guard = RUNTIME.enter();
        let key = RandomKeys.generate().unwrap();
        let mut errors = String::new();
        let (redis, memcached) = RUNTIME.block_on(async {
            let redis = RedisCache::connect(&url("SESSIONSPEC_REDIS_URL")).await.unwrap();
            let address = url("SESSIONSPEC_MEMCACHED_URL");
            let memcached =
                MemcachedCache::connect(address.trim_start_matches("memcached://")).await.unwrap();
            (damaged(redis, &key).await, damaged(Arc::new(memcached), &key).await)
        });
        errors += &everything(&redis, &key, 0);
        errors += &everything(&memcached, &key, 0);
        errors += &everything(&memcached, &key, 2 << 20);

        let schema = format!("s{}", RandomKeys.generate().unwrap().as_str());
        let own = format!("{}?options=-c%20search_path%3D{schema}", url("SESSIONSPEC_POSTGRES_URL"));
        let store = RUNTIME.block_on(PostgresStore::connect(&own, &settings())).unwrap();
        let run = |sql: String| {
            let client = RUNTIME.block_on(store.pool().get()).unwrap();
            RUNTIME.block_on(client.batch_execute(&sql)).unwrap();
        };
        run(format!("CREATE SCHEMA {schema}"));
        let again = |store: &PostgresStore| {
            AnyStore::new(store.with_settings_and_clock(&settings(), session_core::SystemClock).unwrap())
        };
        errors += &everything(&again(&store), &key, 0);
        RUNTIME.block_on(store.migrate()).unwrap();
        again(&store).insert(&key, &record(0)).wait().unwrap();
        run("UPDATE django_session SET session_data = substr(session_data, 2)".into());
        errors += &everything(&again(&store), &key, 0);
        // A column more, which has to have a value: the server then quotes the whole row.
        run("ALTER TABLE django_session ADD COLUMN more text NOT NULL DEFAULT 'x'; \
            ALTER TABLE django_session ALTER COLUMN more DROP DEFAULT"
            .into());
        errors += &everything(&again(&store), &key, 0);
        run(format!("DROP SCHEMA {schema} CASCADE"));
        errors += &everything(&again(&store), &key, 0);

        assert!(errors.lines().count() > 15, "too little went wrong: {errors}");
        nothing_private_in(&errors, &key);
        let log = LOG.text();
        assert!(log.contains("executing statement"), "the client of PostgreSQL was not heard");
    }
}
