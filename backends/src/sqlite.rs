//! Sessions in SQLite, in the table `django_session` that Django's `db` engine uses.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use session_core::codec::{Codec, SERVER_SALT};
use session_core::{
    Capabilities, Clock, Record, SessionKey, SessionStore, Settings, SettingsError, StoreError, SystemClock,
};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// How long a statement waits for another connection's lock, unless told otherwise. Django's SQLite backend
/// waits as long.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many idle connections are kept.
const POOL: usize = 4;

/// How many records one statement of `clear_expired` removes. Between two of them others may write.
const BATCH: i64 = 1_000;

/// The table and its index, word for word as Django's migration makes them.
const SCHEMA: &str = r#"
CREATE TABLE IF NOT EXISTS "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" datetime NOT NULL);
CREATE INDEX IF NOT EXISTS "django_session_expire_date_a5c62663" ON "django_session" ("expire_date");
"#;

/// Sessions in an SQLite database, readable and writable by Django's `db` engine at the same time.
///
/// Its methods block for as long as SQLite takes; wrap it in [`Offload`](session_core::Offload) where
/// futures must not be held up. Cloning is not needed: share it in an `Arc`.
pub struct SqliteStore<C = SystemClock> {
    path: PathBuf,
    clock: C,
    codec: Codec,
    busy_timeout: Duration,
    idle: Mutex<Vec<Connection>>,
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The settings cannot be worked with.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// SQLite could not open the file.
    #[error("cannot open the database {path}: {source}{}", remedy(source))]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The database has no session table.
    #[error("the database {path} has no table django_session; create it with `migrate`, here or in Django")]
    NoTable {
        /// The file.
        path: PathBuf,
    },
    /// The table is there and is not Django's.
    #[error(
        "the table django_session of {path} has the columns {found}; it needs session_key, session_data, expire_date"
    )]
    OtherColumns {
        /// The file.
        path: PathBuf,
        /// Its columns.
        found: String,
    },
    /// The table could not be created.
    #[error("cannot create the table django_session in {path}: {source}{}", remedy(source))]
    Migrate {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl SqliteStore {
    /// Opens a database, creating the file if there is none. The table is created by
    /// [`migrate`](Self::migrate), or is Django's.
    ///
    /// # Errors
    /// [`OpenError::Open`], [`OpenError::Settings`].
    pub fn open(path: impl Into<PathBuf>, settings: &Settings) -> Result<Self, OpenError> {
        Self::open_with_clock(path, settings, SystemClock)
    }
}

impl<C: Clock> SqliteStore<C> {
    /// The same with a clock of one's own.
    ///
    /// # Errors
    /// [`OpenError::Open`], [`OpenError::Settings`].
    pub fn open_with_clock(
        path: impl Into<PathBuf>,
        settings: &Settings,
        clock: C,
    ) -> Result<Self, OpenError> {
        let path = path.into();
        let codec = Codec::new(settings, SERVER_SALT)?;
        let store = Self { path, clock, codec, busy_timeout: BUSY_TIMEOUT, idle: Mutex::default() };
        let connection =
            store.connect().map_err(|source| OpenError::Open { path: store.path.clone(), source })?;
        store.give_back(connection);
        Ok(store)
    }

    /// The same store with another time to wait for a lock that another connection holds; five seconds
    /// otherwise.
    #[must_use]
    pub fn with_busy_timeout(self, busy_timeout: Duration) -> Self {
        // The connection that opening has left would wait as long as before.
        Self { busy_timeout, idle: Mutex::default(), ..self }
    }

    /// Creates the table and its index, as Django's migration does. What is there already stays.
    /// Django's own `migrate` then wants `--fake-initial`, as for any table that it did not make.
    ///
    /// # Errors
    /// [`OpenError::Migrate`], and as for [`check`](Self::check).
    pub fn migrate(&self) -> Result<(), OpenError> {
        let fault = |source| OpenError::Migrate { path: self.path.clone(), source };
        let connection = self.take().map_err(fault)?;
        connection.execute_batch(SCHEMA).map_err(fault)?;
        self.give_back(connection);
        self.check()
    }

    /// Sees whether the table is there and has Django's columns.
    ///
    /// # Errors
    /// [`OpenError::NoTable`], [`OpenError::OtherColumns`].
    pub fn check(&self) -> Result<(), OpenError> {
        let fault = |source| OpenError::Open { path: self.path.clone(), source };
        let connection = self.take().map_err(fault)?;
        let columns: Vec<String> = connection
            .prepare("SELECT name FROM pragma_table_info('django_session') ORDER BY cid")
            .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
            .map_err(fault)?;
        self.give_back(connection);
        let has = |name: &str| columns.iter().any(|column| column == name);
        if columns.is_empty() {
            Err(OpenError::NoTable { path: self.path.clone() })
        } else if ["session_key", "session_data", "expire_date"].into_iter().all(has) {
            Ok(())
        } else {
            Err(OpenError::OtherColumns { path: self.path.clone(), found: columns.join(", ") })
        }
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        // With a write-ahead log readers and the writer do not wait for each other. On a file that is
        // read-only the mode cannot change; reading works all the same, and writing says what is wrong.
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() != Some(ErrorCode::ReadOnly) => return Err(error),
            _ => {}
        }
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        Ok(connection)
    }

    /// An idle connection, or a new one.
    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle().pop();
        idle.map_or_else(|| self.connect(), Ok)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle();
        if idle.len() < POOL {
            idle.push(connection);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs statements on a connection, and says what was being done if one fails.
    fn with<T>(
        &self,
        operation: &str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let fault = |error| self.unavailable(operation, error);
        let connection = self.take().map_err(fault)?;
        let result = work(&connection).map_err(fault);
        self.give_back(connection);
        result
    }

    fn unavailable(&self, operation: &str, error: rusqlite::Error) -> StoreError {
        let (operation, hint) = (format!("{operation} in {}", self.path.display()), remedy(&error));
        StoreError::unavailable(operation, error).with_hint(hint)
    }
}

impl<C> std::fmt::Debug for SqliteStore<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<C: Clock> SessionStore for SqliteStore<C> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::database()
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.with("look for a session", |connection| {
            connection
                .prepare_cached("SELECT 1 FROM django_session WHERE session_key = ?1")?
                .exists([key.as_str()])
        })
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let now = to_column(self.clock.now());
        // A column may hold anything in SQLite: what is no text is damage, and no fault of the connection.
        let text = |value: ValueRef<'_>| value.as_str().ok().map(str::to_owned);
        let row = self.with("load a session", |connection| {
            connection
                .prepare_cached(
                    "SELECT session_data, expire_date FROM django_session WHERE session_key = ?1 AND expire_date > ?2",
                )?
                .query_row(params![key.as_str(), now], |row| {
                    Ok((text(row.get_ref(0)?), text(row.get_ref(1)?)))
                })
                .optional()
        })?;
        let Some((data, expires)) = row else { return Ok(None) };
        let corrupt = |reason: String| StoreError::corrupt(key, reason);
        let text = data.ok_or_else(|| corrupt("its session_data is no text".into()))?;
        let expires = expires.as_deref().and_then(from_column).ok_or_else(|| {
            corrupt(format!("its expire_date is no date: {}", expires.as_deref().unwrap_or("no text")))
        })?;
        let data = self.codec.decode(&text).map_err(|error| error.into_store_error(key))?;
        Ok(Some(Record::new(data, expires)))
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let text =
            self.codec.encode(&record.data, self.clock.now()).map_err(|error| error.into_store_error(key))?;
        let inserted = self.with("insert a session", |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO django_session (session_key, session_data, expire_date) VALUES (?1, ?2, ?3) \
                     ON CONFLICT (session_key) DO NOTHING",
                )?
                .execute(params![key.as_str(), text, to_column(record.expires)])
        })?;
        if inserted == 1 { Ok(key.clone()) } else { Err(StoreError::Exists(key.clone())) }
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let text =
            self.codec.encode(&record.data, self.clock.now()).map_err(|error| error.into_store_error(key))?;
        let updated = self.with("update a session", |connection| {
            connection
                .prepare_cached(
                    "UPDATE django_session SET session_data = ?2, expire_date = ?3 WHERE session_key = ?1",
                )?
                .execute(params![key.as_str(), text, to_column(record.expires)])
        })?;
        if updated == 1 { Ok(key.clone()) } else { Err(StoreError::NotFound(key.clone())) }
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.with("delete a session", |connection| {
            connection
                .prepare_cached("DELETE FROM django_session WHERE session_key = ?1")?
                .execute([key.as_str()])
        })?;
        Ok(())
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        let now = to_column(self.clock.now());
        let mut removed = 0;
        loop {
            let batch = self.with("clear expired sessions", |connection| {
                connection
                    .prepare_cached(
                        "DELETE FROM django_session WHERE session_key IN \
                         (SELECT session_key FROM django_session WHERE expire_date < ?1 LIMIT ?2)",
                    )?
                    .execute(params![now, BATCH])
            })?;
            removed += batch as u64;
            if batch == 0 {
                return Ok(removed);
            }
        }
    }
}

/// What to do about an error, where SQLite's words do not tell it.
fn remedy(error: &rusqlite::Error) -> &'static str {
    let words = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "; another connection has held its lock for too long: look for a transaction left open"
        }
        Some(ErrorCode::ReadOnly) => "; make the file and its directory writable",
        Some(ErrorCode::DiskFull) => "; free some disk space",
        _ if words.contains("no such table") => "; create the table with `migrate`, here or in Django",
        _ if words.contains("no such column") || words.contains("has no column") => {
            "; the table is not Django's: it needs session_key, session_data, expire_date"
        }
        _ => "",
    }
}

const SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const MICROS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]");

/// An instant as Django's SQLite backend writes it: UTC, with microseconds only where there are any. Such
/// texts sort as their instants do.
fn to_column(at: OffsetDateTime) -> String {
    let utc = at.to_offset(UtcOffset::UTC);
    // Formatting into a String fails for no date.
    utc.format(if utc.microsecond() == 0 { SECONDS } else { MICROS }).unwrap_or_default()
}

fn from_column(text: &str) -> Option<OffsetDateTime> {
    let format = if text.contains('.') { MICROS } else { SECONDS };
    PrimitiveDateTime::parse(text, format).ok().map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use time::macros::datetime;

    use super::*;

    #[rstest]
    #[case(datetime!(2030-01-01 00:00:00 UTC), "2030-01-01 00:00:00")]
    #[case(datetime!(2030-01-01 05:30:00.000001 +05:30), "2030-01-01 00:00:00.000001")]
    #[case(datetime!(0001-01-01 00:00:00 UTC), "0001-01-01 00:00:00")]
    fn instants_are_written_as_django_writes_them(#[case] at: OffsetDateTime, #[case] text: &str) {
        assert_eq!(to_column(at), text);
        assert_eq!(from_column(text), Some(at));
    }
}
