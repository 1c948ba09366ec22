//! Session stores with Django's semantics. Each passes the sessionspec suite.
//!
//! | store | where the records are | Django's counterpart |
//! |---|---|---|
//! | [`MemoryStore`] | in this process, up to a number of sessions | the cache engine on local memory |
//! | [`CookieStore`] | in the visitor's cookie, signed | the `signed_cookies` engine, same value |
//! | [`FileStore`] | in a directory, a file each | the `file` engine, same names and contents |
//! | [`CachedStore`] | in any of these, with a cache in front | the `cached_db` engine |
//! | `CacheStore` | in Redis, a Redis cluster or memcached (features `redis`, `memcached`) | the `cache` engine |
//! | `PostgresStore` | in a table of PostgreSQL (feature `postgres`) | the `db` engine, same table and contents |
//! | [`SqliteStore`] | in a table `django_session` | the `db` engine, same table and contents |
//!
//! [`open`] chooses one at run time. The feature `tower-sessions` bridges to the stores and the layer of the crate of
//! that name.
//!
//! ```
//! use session_backends::SqliteStore;
//! use session_core::blocking::Wait;
//! use session_core::{SessionContext, Secret, Session, Settings};
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("db.sqlite3");
//! let settings = Settings::new("…");
//! let store = SqliteStore::open(path, &settings)?;
//! store.migrate()?;
//!
//! let mut session = Session::open(std::sync::Arc::new(store), SessionContext::new(settings), None);
//! session.data().wait()?.insert("name", "Ada")?;
//! session.save().wait()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// On docs.rs each item says the feature that it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "cache")]
mod cache;
mod cached;
mod cookie;
mod durability;
mod engine;
#[cfg(feature = "file")]
mod file;
mod front;
mod memory;
#[cfg(feature = "cache")]
mod pickle;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "tower-sessions")]
mod tower_sessions;

#[cfg(feature = "memcached")]
pub use cache::MemcachedCache;
#[cfg(feature = "redis")]
pub use cache::RedisCache;
#[cfg(feature = "cache")]
pub use cache::{Cache, CacheError, CacheFormat, CacheStore};
pub use cached::CachedStore;
pub use cookie::CookieStore;
pub use durability::Durability;
pub use engine::{EngineError, migrate, open};
#[cfg(feature = "file")]
pub use file::{DirectoryError, FileStore};
pub use front::{Front, Lease};
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresError, PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{Journal, OpenError, SqliteOptions, SqliteStore};
#[cfg(feature = "tower-sessions")]
pub use tower_sessions::{ForTowerSessions, FromTowerSessions};
