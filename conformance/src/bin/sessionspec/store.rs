//! The stores that are part of this program, as subjects (those on servers in `servers.rs`): how each is opened in the suite's environment, how
//! one of its records is damaged, and what a URL of the user's may point to.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use session_backends::{CachedStore, CookieStore, Durability, FileStore, MemoryStore, SqliteStore};
use session_conformance::manifest::Manifest;
use session_conformance::subject::{
    AdapterCommand, Env, Fault, ModelSubject, Opening, StoreHooks, StoreSubject, Subject,
};
use session_core::blocking::Wait;
use session_core::codec::{Codec, SERVER_SALT};
use session_core::{Chain, ManualClock, SessionKey, SessionStore, stored_expiry};

use crate::servers::Server;

/// The names that `--store` takes beside URLs, in the order in which `run` takes them.
pub(crate) const EMBEDDED: [&str; 6] = ["model", "memory", "sqlite", "file", "cookie", "cached_db"];

/// What `--store` takes.
pub(crate) const STORES: &str = "A store: model, memory, sqlite, file, cookie, cached_db, or a URL: sqlite:PATH, file:DIR, \
     redis://…, rediss://…, redis://NODE,redis://NODE for a cluster, memcached://HOST:PORT, \
     postgres://…; those on servers where the features redis, memcached and postgres are on. redis:, memcached: \
     and postgres: start a server, whose clock is moved and which is killed, where that can be; \
     redis:?NAME=VALUE&… has settings of the server's own";

/// The URLs among them.
const URLS: &str = "sqlite:PATH, file:DIR, redis:, redis://…, rediss://…, memcached:, memcached://HOST:PORT, postgres:, postgres://…";

/// A store that is part of this program.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Model,
    Memory,
    /// In a temporary directory.
    Sqlite,
    /// In a file of the user's, which must not exist or have no sessions in it.
    SqliteFile(PathBuf),
    /// In a temporary directory.
    File,
    /// In a directory of its own below one of the user's.
    FileBelow(PathBuf),
    Cookie,
    /// Memory in front of SQLite in a temporary directory.
    CachedDb,
    /// On a server.
    Server(Server),
}

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

impl Store {
    /// The store of this name or URL.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        let known = || format!("there are {}, and URLs: {URLS}", EMBEDDED.join(", "));
        Ok(match name {
            "model" => Self::Model,
            "memory" => Self::Memory,
            "sqlite" => Self::Sqlite,
            "file" => Self::File,
            "cookie" => Self::Cookie,
            "cached_db" => Self::CachedDb,
            url => match url.split_once(':') {
                Some(("sqlite", "")) => return Err("sqlite: needs a path, as in sqlite:sessions.db".into()),
                Some(("sqlite", path)) => Self::SqliteFile(path.trim_start_matches("//").into()),
                Some(("file", "")) => return Err("file: needs a directory, as in file:/var/sessions".into()),
                Some(("file", path)) => Self::FileBelow(path.trim_start_matches("//").into()),
                Some((scheme, _)) => match Server::parse(scheme, url) {
                    Some(server) => Self::Server(server?),
                    None => return Err(format!("no store has URLs with `{scheme}:`; {}", known())),
                },
                None => return Err(format!("there is no store `{name}`; {}", known())),
            },
        })
    }

    /// The name in reports.
    fn name(&self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Memory => "memory",
            Self::Sqlite | Self::SqliteFile(_) => "sqlite",
            Self::File | Self::FileBelow(_) => "file",
            Self::Cookie => "cookie",
            Self::CachedDb => "cached_db",
            Self::Server(server) => server.name(),
        }
    }

    /// The value of `--store` that names it again.
    pub(crate) fn option(&self) -> String {
        match self {
            Self::SqliteFile(path) => format!("sqlite:{}", path.display()),
            Self::FileBelow(path) => format!("file:{}", path.display()),
            Self::Server(server) => server.url(),
            named => named.name().into(),
        }
    }

    /// Opens it.
    pub(crate) fn subject(&self) -> Result<Box<dyn Subject>, Fault> {
        match self {
            Self::Model => Ok(Box::new(ModelSubject::new(Manifest::reference()))),
            Self::Memory => self.opened(
                |env, _| Ok::<_, BoxError>(MemoryStore::with_clock(10_000, env.clock())),
                StoreHooks::default().with_other_storage(),
            ),
            Self::Sqlite => {
                let path = |env: &Env| env.dir().join("sessions.db");
                let hooks = self.in_directory().with_damage(move |env, key| damage_row(&path(env), key));
                self.opened(move |env, _| open_sqlite(env, &path(env)), hooks)
            }
            Self::SqliteFile(path) => {
                refuse_used(path)?;
                let (path, damaged) = (path.clone(), path.clone());
                let hooks = StoreHooks::default().with_damage(move |_, key| damage_row(&damaged, key));
                let open = move |env: &Env, opening| {
                    let store = open_sqlite(env, &path)?;
                    if opening == Opening::Fresh {
                        rusqlite::Connection::open(&path)?.execute("DELETE FROM django_session", [])?;
                    }
                    Ok(store)
                };
                self.opened(open, hooks)
            }
            Self::File => {
                let hooks = self.in_directory().with_damage(|env, key| damage_file(env, env.dir(), key));
                self.opened(|env, _| open_files(env, env.dir()), hooks)
            }
            Self::FileBelow(parent) => {
                // Removed with the subject, which owns the closure.
                let below = tempfile::Builder::new().prefix("sessionspec-").tempdir_in(parent);
                let below = below.map_err(|e| Fault::Harness(format!("{}: {e}", parent.display())))?;
                let directory = below.path().to_owned();
                let hooks =
                    StoreHooks::default().with_damage(move |env, key| damage_file(env, &directory, key));
                let open = move |env: &Env, opening| {
                    if opening == Opening::Fresh {
                        for entry in fs::read_dir(below.path())? {
                            fs::remove_file(entry?.path())?;
                        }
                    }
                    open_files(env, below.path())
                };
                self.opened(open, hooks)
            }
            Self::Cookie => self.opened(
                |env, _| Ok(CookieStore::with_clock(env.settings(), env.clock())?),
                StoreHooks::default(),
            ),
            Self::Server(server) => server.subject(),
            Self::CachedDb => {
                let path = |env: &Env| env.dir().join("sessions.db");
                // The front of each environment that is open.
                let fronts: Arc<Mutex<HashMap<String, Weak<MemoryStore<ManualClock>>>>> = Arc::default();
                let damaged = Arc::clone(&fronts);
                let hooks = self.in_directory().with_damage(move |env, key| {
                    // A record is damaged where it lasts; the front would hide that.
                    let front = lock(&damaged).get(env.name()).and_then(Weak::upgrade);
                    if let (Some(front), Some(key)) = (front, SessionKey::parse(key)) {
                        front.delete(&key).wait().map_err(|error| Chain(&error).to_string())?;
                    }
                    damage_row(&path(env), key)
                });
                let open = move |env: &Env, _| {
                    let memory = Arc::new(MemoryStore::with_clock(10_000, env.clock()));
                    let mut fronts = lock(&fronts);
                    fronts.retain(|_, front| front.strong_count() > 0);
                    fronts.insert(env.name().to_owned(), Arc::downgrade(&memory));
                    drop(fronts);
                    let back = open_sqlite(env, &path(env))?;
                    let forgotten = Arc::clone(&memory);
                    let front = env.part("front");
                    front.forgets_by(move || forgotten.clear());
                    Ok(CachedStore::new(front.around(memory), env.part("back").around(back)))
                };
                self.opened(open, hooks)
            }
        }
    }

    /// The hooks of a store whose files are where the suite says: this program once more, serving the same store, can
    /// be killed.
    fn in_directory(&self) -> StoreHooks {
        let hooks = StoreHooks::default().with_storage_in_directory().with_other_storage();
        match std::env::current_exe() {
            Ok(program) => {
                hooks.with_process(AdapterCommand::new(program, ["serve", "--store", self.name()]))
            }
            // Then the rules on what dies do not apply, and the report says so.
            Err(_) => hooks,
        }
    }

    fn opened<S: SessionStore + 'static>(
        &self,
        open: impl FnMut(&Env, Opening) -> Result<S, BoxError> + 'static,
        hooks: StoreHooks,
    ) -> Result<Box<dyn Subject>, Fault> {
        opened(self.name(), open, hooks)
    }
}

/// A store of this version, with the name that it has in reports.
pub(crate) fn opened<S: SessionStore + 'static>(
    name: &str,
    open: impl FnMut(&Env, Opening) -> Result<S, BoxError> + 'static,
    hooks: StoreHooks,
) -> Result<Box<dyn Subject>, Fault> {
    Ok(Box::new(StoreSubject::new(name, env!("CARGO_PKG_VERSION"), open, hooks)?))
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_sqlite(env: &Env, path: &Path) -> Result<SqliteStore<ManualClock>, BoxError> {
    let store = SqliteStore::open_with_clock(path, env.settings(), env.clock())?;
    store.migrate()?;
    Ok(store)
}

/// Nobody pulls the plug on the suite, so nothing waits for the disk.
fn open_files(env: &Env, directory: &Path) -> Result<FileStore<ManualClock>, BoxError> {
    let store = FileStore::open_with_clock(directory, env.settings(), env.clock())?;
    Ok(store.with_durability(Durability::Written))
}

pub(crate) fn sessions(count: i64) -> String {
    if count == 1 { "1 session".into() } else { format!("{count} sessions") }
}

/// The suite empties the storage it is given, so it takes none with sessions in it.
fn refuse_used(path: &Path) -> Result<(), Fault> {
    if !path.exists() {
        return Ok(());
    }
    let count = rusqlite::Connection::open(path).and_then(|connection| {
        let table = "SELECT count(*) FROM sqlite_master WHERE name = 'django_session'";
        if connection.query_row(table, [], |row| row.get::<_, i64>(0))? == 0 {
            return Ok(0);
        }
        connection.query_row("SELECT count(*) FROM django_session", [], |row| row.get::<_, i64>(0))
    });
    match count {
        Ok(0) => Ok(()),
        Ok(n) => Err(Fault::Harness(format!(
            "{} holds {}, and the suite empties what it is given: name a new file",
            path.display(),
            sessions(n)
        ))),
        Err(error) => Err(Fault::Harness(format!("{}: {error}", path.display()))),
    }
}

/// Overwrites the data of a record.
fn damage_row(path: &Path, key: &str) -> Result<bool, String> {
    let changed = rusqlite::Connection::open(path).and_then(|connection| {
        connection.execute("UPDATE django_session SET session_data = 'damaged' WHERE session_key = ?1", [key])
    });
    changed.map(|rows| rows > 0).map_err(|error| error.to_string())
}

/// Overwrites a file, so that it expires when it did. That the time of modification alone now tells it is
/// made up for by that time.
fn damage_file(env: &Env, directory: &Path, key: &str) -> Result<bool, String> {
    let settings = env.settings();
    let path = directory.join(format!("{}{key}", settings.cookie_name));
    let Ok(text) = fs::read_to_string(&path) else { return Ok(false) };
    let fault = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let modified = fs::metadata(&path).and_then(|metadata| metadata.modified()).map_err(|e| fault(&e))?;
    let codec = Codec::new(settings, SERVER_SALT).map_err(|e| fault(&e))?;
    let expires = match codec.decode(&text) {
        Ok(data) => stored_expiry(&data, modified.into(), settings),
        // Damaged already.
        Err(_) => return Ok(true),
    };
    fs::write(&path, "damaged").map_err(|e| fault(&e))?;
    let file = fs::File::options().write(true).open(&path).map_err(|e| fault(&e))?;
    let as_if = expires - time::Duration::seconds(settings.cookie_age);
    file.set_modified(as_if.into()).map_err(|e| fault(&e))?;
    Ok(true)
}
