//! The connections to a database: a few that read, and one that writes for everybody.
//!
//! SQLite lets one connection write at a time. Here those who want to write at the same time share one transaction:
//! who gets the writing connection first takes with him what the others have put into the queue meanwhile, and they
//! find their answers when it is their turn. Nobody has an answer before the transaction is committed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi, params};

use super::{Journal, SqliteOptions};
use crate::Durability;

/// The most writes in one transaction.
const TOGETHER: usize = 256;

/// What is written. One statement each: one that fails undoes itself, and leaves the others of its transaction alone.
#[derive(Debug)]
pub(super) enum Write {
    Insert {
        key: String,
        text: String,
        expires: String,
    },
    Update {
        key: String,
        text: String,
        expires: String,
    },
    Delete {
        key: String,
    },
    /// Removes at most so many records that expired before an instant.
    Sweep {
        before: String,
        most: i64,
    },
}

/// How many rows were changed. Those who shared a transaction share its error.
pub(super) type Written = Result<usize, Arc<rusqlite::Error>>;

/// A write that waits for its turn, or for its answer to be fetched.
struct Pending {
    write: Write,
    written: Mutex<Option<Written>>,
}

pub(super) struct Connections {
    path: PathBuf,
    options: SqliteOptions,
    readers: Mutex<Readers>,
    /// A reading connection was given back.
    free: Condvar,
    queue: Mutex<Vec<Arc<Pending>>>,
    /// In memory this one reads too: another one would have a database of its own.
    writer: Mutex<Option<Connection>>,
}

#[derive(Default)]
struct Readers {
    idle: Vec<Connection>,
    /// In use and idle.
    open: usize,
}

impl Connections {
    pub(super) fn open(path: PathBuf, options: SqliteOptions) -> rusqlite::Result<Self> {
        let connections = Self {
            path,
            options,
            readers: Mutex::default(),
            free: Condvar::new(),
            queue: Mutex::default(),
            writer: Mutex::default(),
        };
        let connection = connections.connect()?;
        *lock(&connections.writer) = Some(connection);
        Ok(connections)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_in_memory(&self) -> bool {
        is_in_memory(&self.path)
    }

    /// Another time to wait for locks.
    pub(super) fn set_busy_timeout(&mut self, busy_timeout: Duration) {
        self.options.busy_timeout = busy_timeout;
        // Those that are there would wait as long as before; in memory there are no locks to wait for.
        *lock(&self.readers) = Readers::default();
        if !self.is_in_memory() {
            *lock(&self.writer) = None;
        }
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.options.busy_timeout)?;
        if self.options.journal == Journal::Wal && !self.is_in_memory() {
            self.write_ahead(&connection)?;
        }
        let synchronous = match self.options.durability {
            Durability::Synced => "FULL",
            Durability::Written => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        Ok(connection)
    }

    /// With a write-ahead log readers and the writer do not wait for each other. The database keeps the mode.
    fn write_ahead(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        if mode == "wal" {
            return Ok(());
        }
        let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
        match connection.pragma_update(None, "journal_mode", "WAL") {
            // The mode of a file that is read-only cannot change. Reading works all the same, and writing says what
            // is wrong.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => return Ok(()),
            other => other?,
        }
        if pages > 0 {
            tracing::info!(
                target: "session_backends::sqlite",
                "the database {} now has a write-ahead log (journal mode WAL, before: {mode}), and keeps it; \
                 `Journal::AsItIs` leaves databases as they are",
                self.path.display()
            );
        }
        Ok(())
    }

    /// Has a reading connection do something.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if self.is_in_memory() {
            return self.with_writer(|connection| work(connection));
        }
        let reader = self.reader()?;
        let result = work(&reader);
        lock(&self.readers).idle.push(reader);
        self.free.notify_one();
        result
    }

    fn reader(&self) -> rusqlite::Result<Connection> {
        let until = Instant::now() + self.options.busy_timeout;
        let mut readers = lock(&self.readers);
        loop {
            if let Some(reader) = readers.idle.pop() {
                return Ok(reader);
            }
            if readers.open < self.options.connections.max(1) {
                readers.open += 1;
                drop(readers);
                return self.connect().inspect_err(|_| {
                    lock(&self.readers).open -= 1;
                    self.free.notify_one();
                });
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let words = format!("all {} connections are in use", readers.open);
                return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), Some(words)));
            }
            readers = self.free.wait_timeout(readers, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Has the writing connection do something by itself.
    pub(super) fn with_writer<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut writer = lock(&self.writer);
        work(self.writing(&mut writer)?)
    }

    fn writing<'a>(&self, writer: &'a mut Option<Connection>) -> rusqlite::Result<&'a mut Connection> {
        match writer {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(self.connect()?)),
        }
    }

    /// Writes, together with others who want to write at the same time.
    pub(super) fn write(&self, write: Write) -> Written {
        let pending = Arc::new(Pending { write, written: Mutex::default() });
        lock(&self.queue).push(Arc::clone(&pending));
        // While this waits, somebody else may do it.
        let mut writer = lock(&self.writer);
        loop {
            if let Some(written) = lock(&pending.written).take() {
                return written;
            }
            let together: Vec<_> = {
                let mut queue = lock(&self.queue);
                let most = queue.len().min(TOGETHER);
                queue.drain(..most).collect()
            };
            // Only if somebody panicked in the midst of it.
            if together.is_empty() {
                let lost = ffi::Error::new(ffi::SQLITE_ABORT);
                return Err(Arc::new(rusqlite::Error::SqliteFailure(lost, None)));
            }
            let results = match self.writing(&mut writer) {
                Ok(connection) => transact(connection, &together),
                Err(error) => Err(error),
            };
            let results = results.unwrap_or_else(|error| {
                let error = Arc::new(error);
                together.iter().map(|_| Err(Arc::clone(&error))).collect()
            });
            for (pending, written) in together.iter().zip(results) {
                *lock(&pending.written) = Some(written);
            }
        }
    }
}

/// Does all this in one transaction; a single write is one by itself.
fn transact(connection: &mut Connection, together: &[Arc<Pending>]) -> rusqlite::Result<Vec<Written>> {
    if let [single] = together {
        return Ok(vec![single.write.execute(connection).map_err(Arc::new)]);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut results = Vec::with_capacity(together.len());
    for pending in together {
        let written = pending.write.execute(&transaction);
        // Some faults, such as a full disk, undo the whole transaction.
        match written {
            Err(error) if transaction.is_autocommit() => return Err(error),
            other => results.push(other.map_err(Arc::new)),
        }
    }
    transaction.commit()?;
    Ok(results)
}

impl Write {
    fn execute(&self, connection: &Connection) -> rusqlite::Result<usize> {
        match self {
            Self::Insert { key, text, expires } => connection
                .prepare_cached(
                    "INSERT INTO django_session (session_key, session_data, expire_date) VALUES (?1, ?2, ?3) \
                     ON CONFLICT (session_key) DO NOTHING",
                )?
                .execute(params![key, text, expires]),
            Self::Update { key, text, expires } => connection
                .prepare_cached(
                    "UPDATE django_session SET session_data = ?2, expire_date = ?3 WHERE session_key = ?1",
                )?
                .execute(params![key, text, expires]),
            Self::Delete { key } => {
                connection.prepare_cached("DELETE FROM django_session WHERE session_key = ?1")?.execute([key])
            }
            Self::Sweep { before, most } => connection
                .prepare_cached(
                    "DELETE FROM django_session WHERE session_key IN \
                     (SELECT session_key FROM django_session WHERE expire_date < ?1 LIMIT ?2)",
                )?
                .execute(params![before, most]),
        }
    }
}

/// SQLite's names for databases that each connection would have for itself.
pub(super) fn is_in_memory(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.as_os_str() == ":memory:"
}

/// Nothing is left half done where a lock is held: what a panic leaves is found by whoever comes next.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn open(path: &Path) -> Connections {
        let connections = Connections::open(path.into(), SqliteOptions::default()).unwrap();
        connections.with_writer(|writer| writer.execute_batch(super::super::SCHEMA)).unwrap();
        connections
    }

    fn insert(key: &str) -> Write {
        Write::Insert { key: key.into(), text: "t".into(), expires: "2030-01-01 00:00:00".into() }
    }

    /// Has all of them write while the writing connection is away, and then gives it back.
    fn together(connections: &Connections, keys: &[&str]) -> Vec<Written> {
        thread::scope(|scope| {
            let writer = lock(&connections.writer);
            let begin = |key| scope.spawn(move || connections.write(insert(key)));
            let writing: Vec<_> = keys.iter().map(|key| begin(*key)).collect();
            while lock(&connections.queue).len() < keys.len() {
                thread::yield_now();
            }
            drop(writer);
            writing.into_iter().map(|writing| writing.join().unwrap()).collect()
        })
    }

    fn count(connection: &Connection) -> rusqlite::Result<i64> {
        connection.query_row("SELECT count(*) FROM django_session", [], |row| row.get(0))
    }

    /// How often something was committed since the log was begun.
    fn commits(path: &Path) -> usize {
        const HEADER: usize = 32;
        const FRAME: usize = 24 + 4_096;
        let log = std::fs::read(path.with_extension("db-wal")).unwrap();
        log[HEADER..].chunks(FRAME).filter(|frame| frame[4..8] != [0; 4]).count()
    }

    #[test]
    fn those_who_write_at_the_same_time_share_a_transaction() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.db");
        let connections = open(&path);
        let before = commits(&path);
        let written = together(&connections, &["a", "b", "c", "d", "e", "f", "g", "a"]);
        assert_eq!(written.iter().filter(|written| matches!(written, Ok(1))).count(), 7);
        assert_eq!(commits(&path) - before, 1);
    }

    #[test]
    fn one_that_fails_does_not_fail_the_others() {
        let directory = tempfile::tempdir().unwrap();
        let connections = open(&directory.path().join("s.db"));
        let refuse = "CREATE TRIGGER t BEFORE INSERT ON django_session WHEN NEW.session_key = 'bad' \
            BEGIN SELECT RAISE(ABORT, 'refused'); END";
        connections.with_writer(|writer| writer.execute_batch(refuse)).unwrap();
        let written = together(&connections, &["a", "bad", "c"]);
        assert!(written[0].is_ok() && written[2].is_ok(), "{written:?}");
        assert!(written[1].as_ref().unwrap_err().to_string().contains("refused"));
        assert_eq!(connections.read(count).unwrap(), 2);
    }

    #[test]
    fn nothing_is_written_for_those_who_are_told_that_it_failed() {
        let directory = tempfile::tempdir().unwrap();
        let connections = open(&directory.path().join("s.db"));
        let undo = "CREATE TRIGGER t BEFORE INSERT ON django_session WHEN NEW.session_key = 'bad' \
            BEGIN SELECT RAISE(ROLLBACK, 'all undone'); END";
        connections.with_writer(|writer| writer.execute_batch(undo)).unwrap();
        let pending = |key| Arc::new(Pending { write: insert(key), written: Mutex::default() });
        let written =
            connections.with_writer(|writer| transact(writer, &["a", "bad", "c"].map(pending))).unwrap_err();
        assert!(written.to_string().contains("all undone"), "{written}");
        assert_eq!(connections.read(count).unwrap(), 0);
    }

    #[test]
    fn all_fail_if_nothing_can_be_committed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.db");
        let mut connections = open(&path);
        connections.set_busy_timeout(Duration::from_millis(1));
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(together(&connections, &["a", "b"]).iter().all(Result::is_err));
        other.execute_batch("COMMIT").unwrap();
        assert!(together(&connections, &["a", "b"]).iter().all(Result::is_ok));
    }

    #[test]
    fn reading_connections_are_few_and_whoever_finds_none_is_told_so() {
        let directory = tempfile::tempdir().unwrap();
        let options =
            SqliteOptions::default().with_connections(1).with_busy_timeout(Duration::from_millis(1));
        let connections = Connections::open(directory.path().join("s.db"), options).unwrap();
        let error = connections.read(|_| connections.read(|_| Ok(()))).unwrap_err();
        assert!(error.to_string().contains("all 1 connections are in use"), "{error}");
        connections.read(|_| Ok(())).unwrap();
    }

    #[test]
    fn a_connection_has_what_the_options_say() {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteOptions::default().with_busy_timeout(Duration::from_millis(1_234));
        for (number, durability, synchronous) in [(0, Durability::Written, 1), (1, Durability::Synced, 2)] {
            let path = directory.path().join(format!("{number}.db"));
            let connections = Connections::open(path, options.clone().with_durability(durability)).unwrap();
            let set = |connection: &Connection| {
                let value = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
                Ok((value("synchronous")?, value("busy_timeout")?))
            };
            assert_eq!(connections.read(set).unwrap(), (synchronous, 1_234), "{durability:?}");
            assert_eq!(connections.with_writer(|writer| set(writer)).unwrap(), (synchronous, 1_234));
        }
    }

    #[test]
    fn a_connection_that_only_reads_keeps_the_mode_and_a_locked_database_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch("CREATE TABLE t (x)").unwrap();
        let options = SqliteOptions::default().with_journal(Journal::AsItIs);
        let connections = Connections::open(path.clone(), options).unwrap();
        let unwritable = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        connections.write_ahead(&unwritable).unwrap();
        let mode =
            |connection: &Connection| connection.pragma_query_value(None, "journal_mode", |row| row.get(0));
        assert_eq!(mode(&unwritable), Ok("delete".to_owned()));
        let waiting = Connection::open(&path).unwrap();
        waiting.busy_timeout(Duration::ZERO).unwrap();
        old.execute_batch("BEGIN IMMEDIATE").unwrap();
        let error = connections.write_ahead(&waiting).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy), "{error}");
    }

    #[test]
    fn whoever_finds_no_connection_gets_the_one_that_is_given_back() {
        let directory = tempfile::tempdir().unwrap();
        // So long that nobody has a connection for another reason.
        let options = SqliteOptions::default().with_connections(1).with_busy_timeout(Duration::from_mins(10));
        let connections = &Connections::open(directory.path().join("s.db"), options).unwrap();
        // Whether the other one waits already is for the system to decide: most of the times it does.
        for _ in 0..100 {
            thread::scope(|scope| {
                let (tell, told) = std::sync::mpsc::channel();
                let reading = || {
                    let begun = move || tell.send(()).unwrap();
                    scope.spawn(move || {
                        begun();
                        connections.read(|_| Ok(()))
                    })
                };
                let other = connections.read(|_| {
                    let other = reading();
                    told.recv().unwrap();
                    (0..100).for_each(|_| thread::yield_now());
                    Ok(other)
                });
                other.unwrap().join().unwrap().unwrap();
            });
        }
        assert_eq!(lock(&connections.readers).open, 1);
    }

    // Elsewhere a file that is open stays where it is.
    #[cfg(unix)]
    #[test]
    fn a_connection_that_cannot_be_made_is_not_counted() {
        let directory = tempfile::tempdir().unwrap();
        let (place, away) = (directory.path().join("here"), directory.path().join("away"));
        std::fs::create_dir(&place).unwrap();
        let options = SqliteOptions::default().with_connections(2);
        let connections = Connections::open(place.join("s.db"), options).unwrap();
        std::fs::rename(&place, &away).unwrap();
        for _ in 0..3 {
            let error = connections.read(|_| Ok(())).unwrap_err();
            assert_eq!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen), "{error}");
        }
        std::fs::rename(&away, &place).unwrap();
        connections.read(|_| connections.read(|_| Ok(()))).unwrap();
    }
}
