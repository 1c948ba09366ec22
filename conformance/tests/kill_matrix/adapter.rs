//! Sessions of an adapter: a plain database with session objects on top, and a place for a fault in each of their
//! operations. What only sessions can break, no store can.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use session_conformance::call::Call;
use session_conformance::manifest::Manifest;
use session_conformance::observation::{ErrorKind, Failed, Observation};
use session_conformance::op::SessionOp;
use session_conformance::subject::{Fault as Undriven, Subject};
use session_conformance::trace::Settings;

use crate::fault::{Flaw, part};
use crate::plain::State;

/// What a subject's call gives.
pub(crate) type Called = Result<Observation, Undriven>;

/// Sessions with one fault.
pub(crate) struct Adapter {
    pub(crate) inner: Box<dyn Subject>,
    pub(crate) manifest: Manifest,
    pub(crate) flaw: &'static Flaw,
    /// The storage of the plain database below.
    pub(crate) state: Arc<Mutex<Arc<Mutex<State>>>>,
    pub(crate) now: i64,
    /// What the adapter notes of each session object.
    pub(crate) notes: HashMap<usize, Note>,
    /// Whether a key was forced, so that the next creation collides.
    pub(crate) forced: bool,
}

/// What is noted of a session object.
#[derive(Debug, Default, Clone)]
pub(crate) struct Note {
    pub(crate) client: u8,
    pub(crate) opened_with: Option<String>,
    /// How many operations it has seen.
    pub(crate) ops: usize,
    pub(crate) last: Option<Observation>,
    /// Anything that a fault counts.
    pub(crate) count: i64,
}

impl Adapter {
    /// Does what is right.
    pub(crate) fn right(&mut self, call: &Call<'_>) -> Called {
        self.inner.call(self.now, call)
    }

    /// Does an operation on a session object, rightly.
    pub(crate) fn op(&mut self, number: usize, op: &SessionOp) -> Called {
        self.right(&Call::Op { number, op })
    }

    /// Does something while the storage ignores deletions.
    pub(crate) fn deaf(&mut self, call: &Call<'_>) -> Called {
        let state = Arc::clone(&self.state.lock().unwrap());
        state.lock().unwrap().deaf = true;
        let done = self.right(call);
        state.lock().unwrap().deaf = false;
        done
    }

    /// What is noted of a session object.
    pub(crate) fn note(&mut self, number: usize) -> &mut Note {
        self.notes.entry(number).or_default()
    }

    /// The state of a session object as it was last shown.
    pub(crate) fn shown(&mut self, number: usize) -> Observation {
        self.note(number).last.clone().unwrap_or_else(|| panic!("object {number} was not made"))
    }

    /// Answers with an error, with the object as it is.
    pub(crate) fn fails(&mut self, number: usize, kind: ErrorKind) -> Called {
        let session = self.shown(number).session;
        Ok(Observation { outcome: Err(Failed { kind, message: kind.name().into() }), session })
    }
}

impl Subject for Adapter {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn place(&mut self, dir: &Path) -> Result<(), Undriven> {
        self.inner.place(dir)
    }

    fn open(&mut self, now: i64, settings: Settings) -> Result<(), Undriven> {
        self.notes.clear();
        self.forced = false;
        self.inner.open(now, settings)
    }

    fn call(&mut self, now: i64, call: &Call<'_>) -> Called {
        self.now = now;
        if let Call::Session { number, client, key } = call {
            let opened_with = key.map(str::to_owned);
            self.notes.insert(*number, Note { client: *client, opened_with, ..Note::default() });
        }
        let done = match part!(self.flaw, Calls) {
            Some(calls) => calls(self, call),
            None => self.right(call),
        }?;
        if let Call::Session { number, .. } | Call::Op { number, .. } = call {
            let note = self.note(*number);
            note.ops += 1;
            note.last = Some(done.clone());
        }
        Ok(done)
    }
}
