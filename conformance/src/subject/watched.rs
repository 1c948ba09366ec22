//! A subject on a thread of its own. One that hangs is given up with its thread, and another takes its place: what was in
//! flight timed out, and the run goes on.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use session_core::SessionKey;

use super::{Fault, RecordAnswer, RecordOp, Subject};
use crate::call::{Call, OwnedCall};
use crate::history::History;
use crate::manifest::Manifest;
use crate::observation::{Failed, Observation};
use crate::schedule::Schedule;
use crate::stopwatch::receive;
use crate::trace::Settings;

/// Makes the subject, on the thread on which it lives.
pub(crate) type Maker = dyn Fn() -> Result<Box<dyn Subject>, Fault> + Send + Sync;

/// A schedule is many operations, each of which may be waited for.
const SCHEDULE: u32 = 3;

/// A subject that is watched.
pub(crate) struct Watched {
    make: Arc<Maker>,
    manifest: Manifest,
    patience: Duration,
    worker: Option<Worker>,
}

/// The thread of a subject.
struct Worker {
    tasks: Sender<Task>,
    /// Ends with the thread.
    life: Receiver<()>,
}

type Task = Box<dyn FnOnce(&mut dyn Subject) + Send>;

impl Watched {
    /// Starts a subject, which has so long for each answer.
    pub(crate) fn start(make: Arc<Maker>, patience: Duration) -> Result<Self, Fault> {
        let (worker, manifest) = Worker::start(&make, patience)?;
        Ok(Self { make, manifest, patience, worker: Some(worker) })
    }

    /// Has the subject do something. One that does not answer, or whose thread is gone, is given up.
    fn ask<T: Send + 'static>(
        &mut self,
        what: &str,
        patience: Duration,
        act: impl FnOnce(&mut dyn Subject) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::start(&self.make, self.patience)?.0,
        };
        let (answer, answers) = channel();
        let task = Box::new(move |subject: &mut dyn Subject| {
            // Nobody waits any more for the answer of one that was given up.
            let _ = answer.send(act(subject));
        });
        let answered = match worker.tasks.send(task) {
            Ok(()) => receive(&answers, patience),
            Err(_) => Err(RecvTimeoutError::Disconnected),
        };
        match answered {
            Ok(answer) => {
                self.worker = Some(worker);
                answer
            }
            Err(RecvTimeoutError::Timeout) => Err(Fault::Timeout(format!(
                "no answer to {what} within {:.1} s: the store hangs",
                patience.as_secs_f64()
            ))),
            Err(RecvTimeoutError::Disconnected) => Err(Fault::Panic(format!("the store panicked at {what}"))),
        }
    }
}

impl Worker {
    fn start(make: &Arc<Maker>, patience: Duration) -> Result<(Self, Manifest), Fault> {
        let (make, (tasks, wanted)) = (Arc::clone(make), channel::<Task>());
        let (introduce, manifests) = channel();
        let (alive, life) = channel();
        let begun = thread::Builder::new().name("sessionspec-store".into()).spawn(move || {
            let _alive: Sender<()> = alive;
            match make() {
                Ok(mut subject) => {
                    // Who made it may have given it up already.
                    let _ = introduce.send(Ok(subject.manifest().clone()));
                    for task in wanted {
                        task(&mut *subject);
                    }
                }
                Err(fault) => drop(introduce.send(Err(fault))),
            }
        });
        begun.map_err(|error| Fault::Harness(format!("no thread can be started: {error}")))?;
        match receive(&manifests, patience) {
            Ok(manifest) => Ok((Self { tasks, life }, manifest?)),
            Err(RecvTimeoutError::Timeout) => Err(Fault::Timeout(format!(
                "the store was not opened within {:.1} s: it hangs",
                patience.as_secs_f64()
            ))),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Fault::Harness("the store panicked when it was opened".into()))
            }
        }
    }
}

impl Drop for Watched {
    /// Waits until the store is closed: what it has on a server may be cleared away then.
    fn drop(&mut self) {
        if let Some(Worker { tasks, life }) = self.worker.take() {
            drop(tasks);
            // It says nothing; it only ends.
            let _ = receive(&life, self.patience);
        }
    }
}

impl Subject for Watched {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        self.ask("the opening", self.patience, move |subject| subject.open(now, settings))
    }

    fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Fault> {
        let owned = OwnedCall::of(call);
        let what = format!("`{}`", call.name());
        self.ask(&what, self.patience, move |subject| subject.call(now, &owned.call()))
    }

    fn on_record(
        &mut self,
        now: i64,
        client: u8,
        key: &SessionKey,
        op: RecordOp,
    ) -> Option<Result<Result<RecordAnswer, Failed>, Fault>> {
        let key = key.clone();
        let done =
            self.ask("a record", self.patience, move |subject| Ok(subject.on_record(now, client, &key, op)));
        done.unwrap_or_else(|fault| Some(Err(fault)))
    }

    fn parts(&self) -> Vec<&'static str> {
        self.manifest.parts.clone()
    }

    fn schedule(&mut self, schedule: &Schedule) -> Option<Result<History, Fault>> {
        let schedule = schedule.clone();
        let carried_out =
            self.ask("a schedule", self.patience * SCHEDULE, move |subject| Ok(subject.schedule(&schedule)));
        carried_out.unwrap_or_else(|fault| Some(Err(fault)))
    }

    fn race(&mut self, seed: u64) -> Option<Result<History, Fault>> {
        let ran = self.ask("a race", self.patience * SCHEDULE, move |subject| Ok(subject.race(seed)));
        ran.unwrap_or_else(|fault| Some(Err(fault)))
    }
}
