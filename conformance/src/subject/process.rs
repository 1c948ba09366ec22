//! A child process as a subject.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use session_core::AnyStore;

use super::child::AdapterChild;
use super::connection::AdapterCommand;
use super::directory::temporary;
use super::hooks::KillableProcess;
use super::key_value::{KeyValueStore, Touches};
use super::opener::{Handle, at_once};
use super::remote::{RemoteState, RemoteStore, SecondProcess};
use super::{Env, Fault, StoreHooks, StoreSubject, Subject};
use crate::call::Call;
use crate::history::History;
use crate::json::Object;
use crate::manifest::{Hook, Manifest, Operation, SubjectLevel};
use crate::observation::Observation;
use crate::op::StorageOp;
use crate::schedule::{Mortal, Schedule, carry_out};
use crate::trace::Settings;
use crate::wire;

/// Starts an adapter. One at store level gets `session-core`'s sessions on top.
///
/// # Errors
/// [`Fault`] if it does not start or does not introduce itself.
pub fn process_subject(command: &AdapterCommand) -> Result<Box<dyn Subject>, Fault> {
    let (child, manifest) = AdapterChild::start(command)?;
    match manifest.level {
        SubjectLevel::Session => {
            Ok(Box::new(ProcessSubject { child, manifest, dir: temporary()?, replaced: 0 }))
        }
        SubjectLevel::Store | SubjectLevel::KeyValue => {
            let shared = Arc::new(Mutex::new(RemoteState::new(child)));
            let (for_open, for_other, for_fault) =
                (Arc::clone(&shared), Arc::clone(&shared), Arc::clone(&shared));
            let (for_damage, for_sent) = (Arc::clone(&shared), Arc::clone(&shared));
            let (capabilities, opaque) = (manifest.capabilities, manifest.opaque);
            let uncounted = Arc::clone(&lock(&shared).uncounted);
            let second = Rc::new(RefCell::new(SecondProcess::new(command.clone())));
            let second_fault = Rc::clone(&second);
            let mut hooks = StoreHooks {
                uncounted,
                fault: Some(Box::new(move || {
                    lock(&for_fault).fault.take().or_else(|| second_fault.borrow().broken())
                })),
                sent: Some(Box::new(move || lock(&for_sent).sent())),
                ..StoreHooks::default()
            };
            if manifest.hooks.contains(&Hook::Damage) {
                hooks = hooks.with_damage(move |env, key| lock(&for_damage).damage(env, key));
            }
            if manifest.hooks.contains(&Hook::Crash) {
                hooks.process = Some(KillableProcess::Adapter(shared));
            }
            let open =
                move |env: &Env, opening| RemoteStore::open(&for_open, env, opening, capabilities, opaque);
            let other = move |env: &Env| RemoteStore::other(&for_other, env, capabilities, opaque);
            let has_second = capabilities.shared && manifest.hooks.contains(&Hook::SecondProcess);
            let second = move |env: &Env| second.borrow_mut().open(env, capabilities, opaque);
            let operations = manifest.operations.clone();
            let subject = if manifest.level == SubjectLevel::Store {
                let bulk = Rc::new(RemoteStore::bulk(&operations, |store| store));
                let opener = at_once(open, Rc::clone(&bulk));
                let subject = StoreSubject::with_manifest(manifest, opener, hooks)?.with_other({
                    let bulk = Rc::clone(&bulk);
                    move |env| Handle::new(other(env), &bulk)
                });
                if has_second {
                    subject.with_second(move |env| Ok(Handle::new(second(env)?, &bulk)))
                } else {
                    subject
                }
            } else {
                let bulk = RemoteStore::bulk(&operations, KeyValueStore::remote);
                let (touches, bulk) = if operations.contains(&Operation::Touch) {
                    let touching = |store: &KeyValueStore| AnyStore::without_offload(store.touching());
                    (Touches::Unchanged, bulk.with_touching(touching))
                } else {
                    (Touches::Never, bulk)
                };
                let (key_value, bulk) = (move |remote| KeyValueStore::new(remote, touches), Rc::new(bulk));
                let opener =
                    at_once(move |env: &Env, opening| open(env, opening).map(key_value), Rc::clone(&bulk));
                let subject = StoreSubject::with_manifest(manifest, opener, hooks)?.with_other({
                    let bulk = Rc::clone(&bulk);
                    move |env| Handle::new(key_value(other(env)), &bulk)
                });
                if has_second {
                    subject.with_second(move |env| Ok(Handle::new(key_value(second(env)?), &bulk)))
                } else {
                    subject
                }
            };
            Ok(Box::new(subject))
        }
    }
}

pub(super) fn lock(state: &Mutex<RemoteState>) -> std::sync::MutexGuard<'_, RemoteState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A child process that has session objects of its own.
#[derive(Debug)]
struct ProcessSubject {
    child: AdapterChild,
    manifest: Manifest,
    dir: tempfile::TempDir,
    /// How often the secret was replaced in this trace.
    replaced: u32,
}

impl ProcessSubject {
    /// Asks to open the storage; a refusal is the error within.
    fn ask_to_open(&mut self, fields: Object) -> Result<Result<(), String>, Fault> {
        match self.child.request("open", fields)?.outcome {
            Ok(json) if json.is_null() => Ok(Ok(())),
            Ok(_) => Err(Fault::Harness("the answer to `open`: expected null".into())),
            Err((kind, message)) => Ok(Err(format!("`open` answered {kind}: {message}"))),
        }
    }
}

impl Subject for ProcessSubject {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        if self.child.is_killed() {
            self.child.start_over();
        }
        self.replaced = 0;
        self.ask_to_open(wire::open(now, settings, self.dir.path()))?.map_err(Fault::Harness)
    }

    fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Fault> {
        let (op, mut fields) = wire::call(now, call);
        if let Call::Storage { op: StorageOp::Rotate, .. } = call {
            self.replaced += 1;
            wire::add_secrets(&mut fields, self.replaced);
        }
        let reply = self.child.request(op, fields)?;
        reply.observation(call).map_err(|what| Fault::Harness(format!("the answer to `{op}`: {what}")))
    }

    fn sent(&self) -> Option<String> {
        Some(self.child.sent())
    }

    /// Its operations cannot be interrupted; but it can be killed.
    fn schedule(&mut self, schedule: &Schedule) -> Option<Result<History, Fault>> {
        let killed = schedule.has_crash() && self.manifest.hooks.contains(&Hook::Crash);
        killed.then(|| carry_out(self, schedule))
    }
}

impl Mortal for ProcessSubject {
    fn doom(&mut self, after: Duration) {
        self.child.doom(after);
    }

    fn is_killed(&mut self) -> bool {
        self.child.is_killed()
    }

    fn take_over(&mut self, now: i64, settings: Settings) -> Result<Result<(), String>, Fault> {
        self.child.start_over();
        self.ask_to_open(wire::open_kept(now, settings, self.dir.path()))
    }
}
