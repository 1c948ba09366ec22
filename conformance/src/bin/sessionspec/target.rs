//! What a command is to drive: a store by name or URL, or an adapter by its command line.

use std::path::{Path, PathBuf};

use session_backends::{MemoryStore, SqliteStore};
use session_conformance::manifest::Manifest;
use session_conformance::subject::{
    AdapterCommand, Env, Fault, ModelSubject, StoreHooks, StoreSubject, Subject, process_subject,
};
use session_core::ManualClock;

/// The names that `--store` takes beside URLs, in the order in which `run` takes them.
pub(crate) const EMBEDDED: [&str; 3] = ["model", "memory", "sqlite"];

/// What to drive.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// An embedded store or a URL.
    Store(Store),
    /// An adapter.
    Adapter {
        /// As it was given.
        line: String,
        /// As it is started.
        command: AdapterCommand,
    },
}

/// A store that is part of this program.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Model,
    Memory,
    /// In a temporary directory.
    Sqlite,
    /// In a file of the user's, which must not exist or have no sessions in it.
    SqliteFile(PathBuf),
}

/// Which subjects a command is to drive.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArguments {
    /// A store: model, memory, sqlite, or a URL such as sqlite:PATH
    #[arg(long, value_name = "NAME|URL")]
    store: Vec<String>,
    /// An adapter that speaks the protocol on its standard input and output
    #[arg(long, value_name = "PROGRAM ARGS")]
    cmd: Vec<String>,
}

impl TargetArguments {
    /// The targets that were named.
    pub(crate) fn named(&self) -> Result<Vec<Target>, String> {
        let stores = self.store.iter().map(|name| Target::store(name));
        let adapters = self.cmd.iter().map(|line| Target::adapter(line));
        stores.chain(adapters).collect()
    }

    /// The one target that was named.
    pub(crate) fn one(&self) -> Result<Target, String> {
        let mut targets = self.named()?;
        match (targets.pop(), targets.is_empty()) {
            (Some(target), true) => Ok(target),
            _ => Err("name one subject with --store or --cmd".into()),
        }
    }
}

impl Target {
    /// The store of this name or URL.
    pub(crate) fn store(name: &str) -> Result<Self, String> {
        let store = match name {
            "model" => Store::Model,
            "memory" => Store::Memory,
            "sqlite" => Store::Sqlite,
            url => match url.split_once(':') {
                Some(("sqlite", "")) => return Err("sqlite: needs a path, as in sqlite:sessions.db".into()),
                Some(("sqlite", path)) => Store::SqliteFile(path.trim_start_matches("//").into()),
                Some((scheme, _)) => {
                    return Err(format!(
                        "no store has URLs with `{scheme}:`; there are {} and sqlite:PATH",
                        EMBEDDED.join(", ")
                    ));
                }
                None => {
                    return Err(format!(
                        "there is no store `{name}`; there are {} and sqlite:PATH",
                        EMBEDDED.join(", ")
                    ));
                }
            },
        };
        Ok(Self::Store(store))
    }

    /// The adapter that this command line starts.
    pub(crate) fn adapter(line: &str) -> Result<Self, String> {
        Ok(Self::Adapter { line: line.into(), command: AdapterCommand::parse(line)? })
    }

    /// The options that name this target again.
    pub(crate) fn options(&self) -> String {
        match self {
            Self::Store(Store::SqliteFile(path)) => format!("--store sqlite:{}", path.display()),
            Self::Store(store) => format!("--store {}", store.name()),
            Self::Adapter { line, .. } => {
                // A line with a NUL could not have been an argument of ours.
                let quoted = shlex::try_quote(line).unwrap_or_else(|_| line.into());
                format!("--cmd {quoted}")
            }
        }
    }

    /// Starts or opens it.
    pub(crate) fn subject(&self) -> Result<Box<dyn Subject>, String> {
        let subject = match self {
            Self::Adapter { command, .. } => process_subject(command),
            Self::Store(store) => store.subject(),
        };
        subject.map_err(|fault| format!("{}: {fault}", self.options()))
    }
}

impl Store {
    fn name(&self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Memory => "memory",
            Self::Sqlite | Self::SqliteFile(_) => "sqlite",
        }
    }

    fn subject(&self) -> Result<Box<dyn Subject>, Fault> {
        let version = env!("CARGO_PKG_VERSION");
        Ok(match self {
            Self::Model => Box::new(ModelSubject::new(Manifest::reference())),
            Self::Memory => Box::new(StoreSubject::new(
                "memory",
                version,
                |env: &Env, _| Ok::<_, Fault>(MemoryStore::with_clock(10_000, env.clock())),
                StoreHooks::default(),
            )?),
            Self::Sqlite => {
                let path = |env: &Env| env.dir().join("sessions.db");
                let hooks = StoreHooks::default().with_damage(move |env, key| damage(&path(env), key));
                Box::new(StoreSubject::new(
                    "sqlite",
                    version,
                    move |env: &Env, _| open_sqlite(env, &path(env)),
                    hooks,
                )?)
            }
            Self::SqliteFile(path) => {
                refuse_used(path)?;
                let (path, damaged) = (path.clone(), path.clone());
                let hooks = StoreHooks::default().with_damage(move |_, key| damage(&damaged, key));
                let open = move |env: &Env, opening| {
                    let store = open_sqlite(env, &path)?;
                    if opening == session_conformance::subject::Opening::Fresh {
                        empty(&path)?;
                    }
                    Ok::<_, Box<dyn std::error::Error + Send + Sync>>(store)
                };
                Box::new(StoreSubject::new("sqlite", version, open, hooks)?)
            }
        })
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn open_sqlite(env: &Env, path: &Path) -> Result<SqliteStore<ManualClock>, BoxError> {
    let store = SqliteStore::open_with_clock(path, env.settings(), env.clock())?;
    store.migrate()?;
    Ok(store)
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
            "{} holds {n} sessions, and the suite empties what it is given: name a new file",
            path.display()
        ))),
        Err(error) => Err(Fault::Harness(format!("{}: {error}", path.display()))),
    }
}

fn empty(path: &Path) -> Result<(), BoxError> {
    let connection = rusqlite::Connection::open(path)?;
    connection.execute("DELETE FROM django_session", [])?;
    Ok(())
}

/// Overwrites the data of a record.
fn damage(path: &Path, key: &str) -> Result<bool, String> {
    let changed = rusqlite::Connection::open(path).and_then(|connection| {
        connection.execute("UPDATE django_session SET session_data = 'damaged' WHERE session_key = ?1", [key])
    });
    changed.map(|rows| rows > 0).map_err(|error| error.to_string())
}
