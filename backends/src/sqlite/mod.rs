//! Sessions in SQLite, in the table `django_session` that Django's `db` engine uses.
//!
//! - `mod.rs`: the store
//! - `connections.rs`: who reads and who writes
//! - `column.rs`: how instants are written

mod column;
mod connections;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use connections::{Connections, Write, Written};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OptionalExtension};
use session_core::codec::{Codec, SERVER_SALT};
use session_core::{
    Capabilities, Clock, Record, SessionKey, SessionStore, Settings, SettingsError, StoreError, SystemClock,
    TimeZone,
};

use crate::Durability;

/// How many records one statement of `clear_expired` removes. Between two of them others may write.
const BATCH: i64 = 1_000;

/// The table and its index, word for word as Django's migration makes them.
const SCHEMA: &str = r#"
CREATE TABLE IF NOT EXISTS "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" datetime NOT NULL);
CREATE INDEX IF NOT EXISTS "django_session_expire_date_a5c62663" ON "django_session" ("expire_date");
"#;

/// Sessions in an SQLite database, readable and writable by Django's `db` engine at the same time.
///
/// Its methods block for as long as SQLite takes: [`AnyStore`](session_core::AnyStore), and so `SessionLayer` and
/// [`open`](crate::open), have them done on other threads. Cloning is not needed: share it in an `Arc`.
///
/// Those who write at the same time share a transaction, and each is answered when it is committed. What a change,
/// such as a log-out, survives then is a choice: see [`SqliteOptions::durability`].
///
/// The path `:memory:` is one database for this store, which ends with it.
///
/// ```
/// use session_backends::SqliteStore;
/// use session_core::Settings;
/// use session_core::middleware::SessionLayer;
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("db.sqlite3");
/// let settings = Settings::new("the site's secret");
/// let store = SqliteStore::open(path, &settings)?;
/// store.migrate()?;
/// let layer = SessionLayer::new(store, settings)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SqliteStore<C = SystemClock> {
    connections: Connections,
    /// In what time the table is kept; UTC, if nothing is said.
    zone: Option<TimeZone>,
    clock: C,
    codec: Codec,
}

/// How an SQLite database is used.
///
/// ```
/// use session_backends::{Durability, Journal, SqliteOptions, SqliteStore};
/// use session_core::{Settings, SystemClock};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("db.sqlite3");
/// let options = SqliteOptions::default().with_durability(Durability::Synced).with_connections(2);
/// let store = SqliteStore::open_with(path, &Settings::new("…"), SystemClock, options)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// What a change has survived when it is acknowledged. [`Durability::Written`], unless told otherwise: with a
    /// write-ahead log a commit is not flushed to the disk, so that a power failure may take the last ones back and a
    /// session that was logged out in the seconds before it is open again. [`Durability::Synced`] flushes each commit
    /// (`PRAGMA synchronous = FULL`, as in Django), which costs as much as the disk takes.
    pub durability: Durability,
    /// Whether the database gets a write-ahead log. [`Journal::Wal`].
    pub journal: Journal,
    /// How long a statement waits for another connection's lock: five seconds, as in Django.
    pub busy_timeout: Duration,
    /// The most connections that read at once, beside the one that writes. Eight.
    pub connections: usize,
}

/// What happens to the journal mode of a database, which belongs to the file and stays with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Journal {
    /// A write-ahead log: readers and the writer do not wait for each other. A database with another mode is switched
    /// when it is opened, for all its users, and the log says so (level `INFO`, target `session_backends::sqlite`). Not
    /// for a file on a network.
    Wal,
    /// As the database has it.
    AsItIs,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Written,
            journal: Journal::Wal,
            busy_timeout: Duration::from_secs(5),
            connections: 8,
        }
    }
}

impl SqliteOptions {
    /// The same with another [`durability`](Self::durability).
    #[must_use]
    pub fn with_durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// The same with another [`journal`](Self::journal).
    #[must_use]
    pub fn with_journal(self, journal: Journal) -> Self {
        Self { journal, ..self }
    }

    /// The same with another [`busy_timeout`](Self::busy_timeout).
    #[must_use]
    pub fn with_busy_timeout(self, busy_timeout: Duration) -> Self {
        Self { busy_timeout, ..self }
    }

    /// The same with another number of [`connections`](Self::connections); one, if it is zero.
    #[must_use]
    pub fn with_connections(self, connections: usize) -> Self {
        Self { connections: connections.max(1), ..self }
    }
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
    /// [`migrate`](Self::migrate), or is Django's. With the setting `time_zone` it holds local time.
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
        Self::open_with(path, settings, clock, SqliteOptions::default())
    }

    /// The same with options.
    ///
    /// # Errors
    /// [`OpenError::Open`], [`OpenError::Settings`].
    pub fn open_with(
        path: impl Into<PathBuf>,
        settings: &Settings,
        clock: C,
        options: SqliteOptions,
    ) -> Result<Self, OpenError> {
        let path = path.into();
        let codec = Codec::new(settings, SERVER_SALT)?;
        let connections =
            Connections::open(path.clone(), options).map_err(|source| OpenError::Open { path, source })?;
        Ok(Self { connections, zone: settings.time_zone.clone(), clock, codec })
    }

    /// The same store with another time to wait for a lock that another connection holds; five seconds
    /// otherwise.
    #[must_use]
    pub fn with_busy_timeout(mut self, busy_timeout: Duration) -> Self {
        self.connections.set_busy_timeout(busy_timeout);
        self
    }

    /// Creates the table and its index, as Django's migration does. What is there already stays.
    /// Django's own `migrate` then wants `--fake-initial`, as for any table that it did not make.
    ///
    /// # Errors
    /// [`OpenError::Migrate`], and as for [`check`](Self::check).
    pub fn migrate(&self) -> Result<(), OpenError> {
        let fault = |source| OpenError::Migrate { path: self.path().into(), source };
        self.connections.with_writer(|connection| connection.execute_batch(SCHEMA)).map_err(fault)?;
        self.check()
    }

    /// Sees whether the table is there and has Django's columns.
    ///
    /// # Errors
    /// [`OpenError::NoTable`], [`OpenError::OtherColumns`].
    pub fn check(&self) -> Result<(), OpenError> {
        let columns = |connection: &Connection| {
            connection
                .prepare("SELECT name FROM pragma_table_info('django_session') ORDER BY cid")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<String>>>()
        };
        let columns = self.connections.read(columns);
        let columns = columns.map_err(|source| OpenError::Open { path: self.path().into(), source })?;
        let has = |name: &str| columns.iter().any(|column| column == name);
        if columns.is_empty() {
            Err(OpenError::NoTable { path: self.path().into() })
        } else if ["session_key", "session_data", "expire_date"].into_iter().all(has) {
            Ok(())
        } else {
            Err(OpenError::OtherColumns { path: self.path().into(), found: columns.join(", ") })
        }
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        self.connections.path()
    }

    /// Whether it is `:memory:`.
    pub fn is_in_memory(&self) -> bool {
        self.connections.is_in_memory()
    }

    fn encode(&self, key: &SessionKey, record: &Record) -> Result<String, StoreError> {
        self.codec.encode(&record.data, self.clock.now()).map_err(|error| error.into_store_error(key))
    }

    /// Others may have the same error, from the same transaction.
    fn unavailable(&self, operation: &str, error: Arc<rusqlite::Error>) -> StoreError {
        let (operation, hint) = (format!("{operation} in {}", self.path().display()), remedy(&error));
        StoreError::unavailable(operation, error).with_hint(hint.trim_start_matches("; "))
    }

    fn written(&self, operation: &str, written: Written) -> Result<usize, StoreError> {
        written.map_err(|error| self.unavailable(operation, error))
    }

    fn read<T>(
        &self,
        operation: &str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.connections.read(work).map_err(|error| self.unavailable(operation, Arc::new(error)))
    }
}

impl<C> std::fmt::Debug for SqliteStore<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.connections.path()).finish_non_exhaustive()
    }
}

impl<C: Clock> SessionStore for SqliteStore<C> {
    fn capabilities(&self) -> Capabilities {
        let lasts = !self.is_in_memory();
        Capabilities::database().with_persistent(lasts).with_shared(lasts)
    }

    fn blocks(&self) -> bool {
        true
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.read("look for a session", |connection| {
            connection
                .prepare_cached("SELECT 1 FROM django_session WHERE session_key = ?1")?
                .exists([key.as_str()])
        })
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        // A column may hold anything in SQLite: what is no text is damage, and no fault of the connection.
        let text = |value: ValueRef<'_>| value.as_str().ok().map(str::to_owned);
        let row = self.read("load a session", |connection| {
            connection
                .prepare_cached(
                    "SELECT session_data, expire_date FROM django_session WHERE session_key = ?1",
                )?
                .query_row([key.as_str()], |row| Ok((text(row.get_ref(0)?), text(row.get_ref(1)?))))
                .optional()
        })?;
        let Some((data, expires)) = row else { return Ok(None) };
        let corrupt = |reason: String| StoreError::corrupt(key, reason);
        let expires = expires.as_deref().and_then(|text| column::read(text, self.zone.as_ref()));
        let expires = expires.ok_or_else(|| corrupt("its expire_date is no date".into()))?;
        // Local times do not sort as their instants do, so this is not for the database to tell.
        if self.clock.now() >= expires {
            return Ok(None);
        }
        let text = data.ok_or_else(|| corrupt("its session_data is no text".into()))?;
        let data = self.codec.decode(&text).map_err(|error| error.into_store_error(key))?;
        Ok(Some(Record::new(data, expires)))
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let text = self.encode(key, record)?;
        let expires = column::write(record.expires, self.zone.as_ref());
        let written = self.connections.write(Write::Insert { key: key.as_str().into(), text, expires });
        match self.written("insert a session", written)? {
            1 => Ok(key.clone()),
            _ => Err(StoreError::Exists(key.clone())),
        }
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let text = self.encode(key, record)?;
        let expires = column::write(record.expires, self.zone.as_ref());
        let written = self.connections.write(Write::Update { key: key.as_str().into(), text, expires });
        match self.written("update a session", written)? {
            1 => Ok(key.clone()),
            _ => Err(StoreError::NotFound(key.clone())),
        }
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let written = self.connections.write(Write::Delete { key: key.as_str().into() });
        self.written("delete a session", written).map(drop)
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        let before = column::write(self.clock.now(), self.zone.as_ref());
        let mut removed = 0;
        loop {
            // In turn with those who write meanwhile.
            let written = self.connections.write(Write::Sweep { before: before.clone(), most: BATCH });
            let batch = self.written("clear expired sessions", written)?;
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
        _ if words.contains("connections are in use") => {
            "; allow for more of them, or look for what holds them up"
        }
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

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn an_error_that_does_not_tell_what_to_do_has_a_remedy() {
        let told = |code: i32, words: &str| {
            remedy(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(words.into())))
        };
        assert!(told(ffi::SQLITE_READONLY, "attempt to write").contains("writable"));
        assert!(told(ffi::SQLITE_FULL, "the disk is full").contains("free some disk space"));
        assert!(told(ffi::SQLITE_BUSY, "the database is locked").contains("left open"));
        assert!(told(ffi::SQLITE_BUSY, "all connections are in use").contains("allow for more of them"));
        assert!(told(ffi::SQLITE_ERROR, "no such table: django_session").contains("`migrate`"));
        assert!(told(ffi::SQLITE_ERROR, "no such column: expire_date").contains("not Django's"));
        assert!(
            told(ffi::SQLITE_ERROR, "table django_session has no column named x").contains("not Django's")
        );
        assert_eq!(told(ffi::SQLITE_ERROR, "another error"), "");
    }
}
