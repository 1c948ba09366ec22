//! The process of an adapter: started when something is asked of it, and killed when the suite wants that.

use std::time::Duration;

use super::Fault;
use super::connection::{AdapterCommand, Connection};
use crate::json::Object;
use crate::wire::{self, Reply};

/// A process that is asked, one request after the other.
#[derive(Debug)]
pub(super) struct AdapterChild {
    command: AdapterCommand,
    connection: Option<Connection>,
    /// How long it lives from the next request on that changes what is stored.
    doom: Option<Duration>,
    /// Whether it was killed. What it left has to be opened again before anything else is asked.
    killed: bool,
}

impl AdapterChild {
    pub(super) fn new(command: AdapterCommand, connection: Option<Connection>) -> Self {
        Self { command, connection, doom: None, killed: false }
    }

    /// Asks; starts the process if it is not running.
    pub(super) fn request(&mut self, op: &str, fields: Object) -> Result<Reply, Fault> {
        if self.killed {
            return Err(killed(op));
        }
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
