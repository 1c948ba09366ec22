//! A child process as a subject.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::connection::{AdapterCommand, Connection};
use super::remote::{RemoteState, RemoteStore};
use super::{Env, Fault, StoreHooks, StoreSubject, Subject};
use crate::call::Call;
use crate::json::Object;
use crate::manifest::{Hook, Manifest, SubjectLevel};
use crate::observation::Observation;
use crate::trace::Settings;
use crate::wire::{self, Reply};

/// Starts an adapter. One at store level gets `session-core`'s sessions on top.
///
/// # Errors
/// [`Fault`] if it does not start or does not introduce itself.
pub fn process_subject(command: &AdapterCommand) -> Result<Box<dyn Subject>, Fault> {
    let (connection, manifest) = Connection::start(command)?;
    match manifest.level {
        SubjectLevel::Session => Ok(Box::new(ProcessSubject {
            command: command.clone(),
            connection: Some(connection),
            manifest,
            dir: temporary_in(None)?,
        })),
        SubjectLevel::Store => {
            let shared = Arc::new(Mutex::new(RemoteState::new(command.clone(), connection)));
            let (for_open, for_fault, for_damage) = (Arc::clone(&shared), Arc::clone(&shared), shared);
            let capabilities = manifest.capabilities;
            let mut hooks = StoreHooks {
                fault: Some(Box::new(move || lock(&for_fault).fault.take())),
                ..StoreHooks::default()
            };
            if manifest.hooks.contains(&Hook::Damage) {
                hooks.damage = Some(Box::new(move |env, key| lock(&for_damage).damage(env, key)));
            }
            let open = move |env: &Env, opening| RemoteStore::open(&for_open, env, opening, capabilities);
            Ok(Box::new(StoreSubject::with_manifest(manifest, open, hooks)?))
        }
    }
}

/// A directory that goes when it is dropped.
pub(super) fn temporary_in(place: Option<&Path>) -> Result<tempfile::TempDir, Fault> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("sessionspec-");
    match place {
        Some(place) => builder.tempdir_in(place),
        None => builder.tempdir(),
    }
    .map_err(|e| Fault::Harness(format!("cannot make a temporary directory: {e}")))
}

fn lock(state: &Mutex<RemoteState>) -> std::sync::MutexGuard<'_, RemoteState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn running<'a>(
    connection: &'a mut Option<Connection>,
    command: &AdapterCommand,
) -> Result<&'a mut Connection, Fault> {
    match connection {
        Some(connection) => Ok(connection),
        None => Ok(connection.insert(Connection::start(command)?.0)),
    }
}

/// A child process that has session objects of its own.
#[derive(Debug)]
struct ProcessSubject {
    command: AdapterCommand,
    connection: Option<Connection>,
    manifest: Manifest,
    dir: tempfile::TempDir,
}

impl ProcessSubject {
    fn request(&mut self, op: &str, fields: Object) -> Result<Reply, Fault> {
        let result = running(&mut self.connection, &self.command).and_then(|c| c.request(op, fields));
        if result.is_err() {
            self.connection = None;
        }
        result
    }
}

impl Subject for ProcessSubject {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        let fields = wire::open(now, settings, self.dir.path());
        match self.request("open", fields)?.outcome {
            Ok(json) if json.is_null() => Ok(()),
            Ok(_) => Err(Fault::Harness("the answer to `open`: expected null".into())),
            Err((kind, message)) => Err(Fault::Harness(format!("`open` answered {kind}: {message}"))),
        }
    }

    fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Fault> {
        let (op, fields) = wire::call(now, call);
        let reply = self.request(op, fields)?;
        reply.observation(call).map_err(|what| Fault::Harness(format!("the answer to `{op}`: {what}")))
    }
}
