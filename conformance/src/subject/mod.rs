//! What the suite drives. The runner sees no difference between a Rust store, a child process in any
//! language, and the reference model itself.
//!
//! - `store.rs`: a Rust [`SessionStore`](session_core::SessionStore) under `session-core`'s sessions
//! - `hooks.rs`: what the suite may do behind its back
//! - `bulk.rs`: what it can do with all its sessions at once
//! - `env.rs`: what it is built in
//! - `opener.rs`: how one is opened
//! - `keys.rs`: the keys that it is given
//! - `session.rs`: what a step does with one of those
//! - `process.rs`: a child process that has session objects of its own
//! - `remote.rs`: a child process that is a bare store
//! - `key_value.rs`: one that only keeps what is under a key
//! - `child.rs`: the process of an adapter, which is started and killed
//! - `connection.rs`: the lines between the suite and a child
//! - `directory.rs`: where the files of a store are
//! - `watched.rs`: any of these on a thread of its own, so that one that hangs can be given up
//! - `model.rs`: the reference model

mod bulk;
mod child;
pub(crate) mod connection;
mod directory;
mod env;
mod hooks;
mod key_value;
mod keys;
mod model;
mod opener;
mod process;
mod remote;
mod session;
mod store;
mod watched;

use std::fmt;
use std::path::Path;

use session_core::{Record, SessionKey};

use crate::call::Call;
use crate::history::History;
use crate::manifest::Manifest;
use crate::observation::{Failed, Observation};
use crate::schedule::Schedule;
use crate::trace::Settings;

pub use bulk::BulkOperations;
pub use connection::AdapterCommand;
pub use env::Env;
pub use hooks::{KillableServer, StoreHooks};
pub use model::ModelSubject;
pub use process::process_subject;
pub use store::{Opening, StoreSubject};
pub(crate) use watched::{Maker, Watched};

/// What is done with one record of a bare store, without a session.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RecordOp {
    /// As [`SessionStore::load`](session_core::SessionStore::load).
    Load,
    /// As [`SessionStore::insert`](session_core::SessionStore::insert).
    Insert(Record),
    /// As [`SessionStore::update`](session_core::SessionStore::update).
    Update(Record),
}

/// What came of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RecordAnswer {
    /// The record, if there is one.
    Loaded(Option<Record>),
    /// The key under which it is stored.
    Stored(SessionKey),
}

/// Something that the suite can drive.
pub trait Subject {
    /// What it says about itself; the same each time.
    fn manifest(&self) -> &Manifest;

    /// Tells where files of the storage may be, from the next opening on. A subject without files ignores it.
    ///
    /// # Errors
    /// [`Fault`] if nothing can be there.
    fn place(&mut self, dir: &Path) -> Result<(), Fault> {
        let _ = dir;
        Ok(())
    }

    /// Opens fresh and empty storage at an instant, in microseconds since the Unix epoch. Everything from
    /// before is forgotten.
    ///
    /// # Errors
    /// [`Fault`] if the subject cannot be driven.
    fn open(&mut self, now: i64, settings: Settings) -> Result<(), Fault>;

    /// Whether [`open_kept`](Subject::open_kept) can be done.
    fn keeps(&self) -> bool {
        false
    }

    /// Opens what another process has left in the place that [`place`](Subject::place) named, and was killed.
    ///
    /// # Errors
    /// [`Fault`] if that cannot be done.
    fn open_kept(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        let _ = (now, settings);
        Err(Fault::Harness("this store leaves nothing that another process could take over".into()))
    }

    /// Does one thing at an instant.
    ///
    /// # Errors
    /// [`Fault`] if the subject cannot be driven; what the store answers, errors included, is an
    /// observation.
    fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Fault>;

    /// Does something at an instant with one record of the bare store, by the handle of a client; `None` if the subject is not
    /// made of a bare store.
    ///
    /// # Errors
    /// [`Fault`] if the subject cannot be driven; inside, what the store answers.
    fn on_record(
        &mut self,
        now: i64,
        client: u8,
        key: &SessionKey,
        op: RecordOp,
    ) -> Option<Result<Result<RecordAnswer, Failed>, Fault>> {
        let _ = (now, client, key, op);
        None
    }

    /// The lines that an adapter was sent since the storage was opened; `None` of what is no adapter.
    fn sent(&self) -> Option<String> {
        None
    }

    /// The [parts](crate::parts) that can be stopped and made to fail.
    fn parts(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// Carries out a schedule, on keys that nobody has used; `None` if operations of the subject cannot be interrupted.
    ///
    /// # Errors
    /// [`Fault`] if the subject cannot be driven.
    fn schedule(&mut self, schedule: &Schedule) -> Option<Result<History, Fault>> {
        let _ = schedule;
        None
    }

    /// Lets several clients use one storage at the same time, on a key that nobody has used; `None` if the subject has one client only.
    ///
    /// # Errors
    /// [`Fault`] if the subject cannot be driven.
    fn race(&mut self, seed: u64) -> Option<Result<History, Fault>> {
        let _ = seed;
        None
    }
}

/// The subject could not be driven. This is not the store's answer, and it is not the store's failure
/// unless it crashed or hung.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fault {
    /// The adapter broke the protocol, or could not be started or opened.
    Harness(String),
    /// No answer came in time.
    Timeout(String),
    /// The process ended during an operation.
    Crash(String),
    /// The store panicked during an operation, and can be opened again.
    Panic(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Harness(what) | Self::Timeout(what) | Self::Crash(what) | Self::Panic(what) => {
                f.write_str(what)
            }
        }
    }
}

impl std::error::Error for Fault {}
