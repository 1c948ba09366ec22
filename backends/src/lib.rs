//! Session stores with Django's semantics. Each passes the sessionspec suite.
//!
//! | store | where the records are | Django's counterpart |
//! |---|---|---|
//! | [`MemoryStore`] | in this process, up to a number of sessions | the cache engine on local memory |
//! | [`SqliteStore`] | in a table `django_session` | the `db` engine, same table and contents |
//!
//! ```
//! use session_backends::SqliteStore;
//! use session_core::blocking::Wait;
//! use session_core::{Context, Secret, Session, Settings};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("db.sqlite3");
//! let settings = Settings { secret_key: Secret::new("…"), ..Settings::default() };
//! let store = SqliteStore::open(path, &settings)?;
//! store.migrate()?;
//!
//! let mut session = Session::open(std::sync::Arc::new(store), Context::new(settings), None);
//! session.data().wait()?.insert("name", "Ada")?;
//! session.save().wait()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod memory;
mod sqlite;

pub use memory::MemoryStore;
pub use sqlite::{OpenError, SqliteStore};
