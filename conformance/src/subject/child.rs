//! The process of an adapter: started when something is asked of it, and killed when the suite wants that.

use std::time::Duration;

use super::Fault;
use super::connection::{AdapterCommand, Connection};
use crate::json::Object;
use crate::wire::{self, Reply};

/// How many lines are kept: more than any trace that was made small has.
const SENT: usize = 500;

/// A process that is asked, one request after the other.
#[derive(Debug)]
pub(super) struct AdapterChild {
    command: AdapterCommand,
    connection: Option<Connection>,
    /// How long it lives from the next request on that changes what is stored.
    doom: Option<Duration>,
    /// What was sent since the storage was opened, line by line.
    sent: Vec<String>,
    /// Whether it was killed. What it left has to be opened again before anything else is asked.
    killed: bool,
}

impl AdapterChild {
    pub(super) fn new(command: AdapterCommand, connection: Option<Connection>) -> Self {
        Self { command, connection, doom: None, sent: Vec::new(), killed: false }
    }

    /// Asks; starts the process if it is not running.
    pub(super) fn request(&mut self, op: &str, fields: Object) -> Result<Reply, Fault> {
        if self.killed {
            return Err(killed(op));
        }
        self.note(op, &fields);
        if let Some(after) = self.doom.take_if(|_| wire::writes(op)) {
            self.killed = true;
            let Some(connection) = self.connection.take() else { return Err(killed(op)) };
            return connection.request_and_kill(op, fields, after)?.ok_or_else(|| killed(op));
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::start(&self.command)?.0),
        };
        let result = connection.request(op, fields);
        if result.is_err() {
            self.connection = None;
        }
        result
    }

    /// Keeps what is sent, from the opening of the storage on.
    fn note(&mut self, op: &str, fields: &Object) {
        if op == "open" {
            self.sent.clear();
            self.sent.push(wire::request_line(0, "hello", wire::hello()));
        }
        if self.sent.len() < SENT {
            let id = u64::try_from(self.sent.len()).unwrap_or_default();
            self.sent.push(wire::request_line(id, op, fields.clone()));
        }
    }

    /// The lines that were sent since the storage was opened, so that they can be piped into an adapter: with the
    /// greeting before them, and numbered from 0.
    pub(super) fn sent(&self) -> String {
        self.sent.concat()
    }

    /// From the next request on that changes what is stored, it lives for so long.
    pub(super) fn doom(&mut self, after: Duration) {
        self.doom = Some(after);
    }

    /// Whether it was killed, and nobody has taken over since.
    pub(super) fn is_killed(&self) -> bool {
        self.killed
    }

    /// Kills it, if it still lives; whoever asks next is answered by another one.
    pub(super) fn start_over(&mut self) {
        self.connection = None;
        self.doom = None;
        self.killed = false;
    }
}

fn killed(op: &str) -> Fault {
    Fault::Crash(format!("the suite killed the process; nobody answers `{op}`"))
}
