//! The process of an adapter: started when something is asked of it, and killed when the suite wants that.

use std::time::Duration;

use session_clock::Monotonic;

use super::Fault;
use super::connection::{AdapterCommand, Connection};
use crate::json::Object;
use crate::manifest::{ClockLevel, Manifest, Reach};
use crate::moved::{Mover, REACH, fallen_back, moved, obeys};
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
    /// The clock under which it runs, if that is moved.
    mover: Option<Mover>,
}

impl AdapterChild {
    /// Starts the process, which says of itself what it is. If it asks for a clock that is moved and obeys that, it
    /// gets one; otherwise its own clock is waited for, and the manifest says why.
    pub(super) fn start(command: &AdapterCommand) -> Result<(Self, Manifest), Fault> {
        let (connection, mut manifest) = Connection::start(command)?;
        let child = |command, connection, mover| Self {
            command,
            connection,
            doom: None,
            sent: Vec::new(),
            killed: false,
            mover,
        };
        if manifest.clock != ClockLevel::Moved {
            return Ok((child(command.clone(), Some(connection), None), manifest));
        }
        match under_clock(command) {
            Ok((command, connection, mover, test)) => {
                let reach = Reach { resolution: manifest.clock_reach.resolution, ..REACH };
                moved(&mut manifest, test, reach);
                Ok((child(command, Some(connection), Some(mover)), manifest))
            }
            Err(reason) => {
                fallen_back(&mut manifest, &reason);
                Ok((child(command.clone(), Some(connection), None), manifest))
            }
        }
    }

    /// Asks; starts the process if it is not running.
    pub(super) fn request(&mut self, op: &str, fields: Object) -> Result<Reply, Fault> {
        if self.killed {
            return Err(killed(op));
        }
        self.note(op, &fields);
        self.move_clock(op, &fields)?;
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

    /// Moves the clock to the instant of a request, and sees that the process has noticed: one that counts by timers
    /// does so when it is asked something.
    fn move_clock(&mut self, op: &str, fields: &Object) -> Result<(), Fault> {
        let Some(mover) = &mut self.mover else { return Ok(()) };
        let Ok(Some(now)) = fields.read::<i64>(op, "now") else { return Ok(()) };
        if op == "open" && mover.is_worn() {
            self.connection = None;
        }
        let fault = |reason| Fault::Harness(format!("the clock cannot be moved: {reason}"));
        match &mut self.connection {
            None => mover.renew(now).map_err(fault),
            Some(connection) => {
                if mover.set(now).map_err(fault)? {
                    let told = tell(connection, now);
                    told.and_then(|told| obeys(now, told)).map_err(|reason| {
                        self.connection = None;
                        Fault::Harness(format!("the subject's clock obeyed at first, and now {reason}"))
                    })?;
                }
                Ok(())
            }
        }
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
        if let Some(mut connection) = self.connection.take() {
            connection.kill();
        }
        self.doom = None;
        self.killed = false;
    }
}

/// Starts an adapter under a clock, and sees whether it obeys.
fn under_clock(command: &AdapterCommand) -> Result<(AdapterCommand, Connection, Mover, String), String> {
    let mut mover = Mover::new(Monotonic::GoesOn).map_err(|error| error.to_string())?;
    let command = command.clone().with_environment(mover.clock().environment());
    // If the adapter is started by cargo, that sees the moved time, too, and would clear away what nobody used for years.
    let command = command.with_environment([("CARGO_CACHE_AUTO_CLEAN_FREQUENCY", "never")]);
    let (mut connection, _) = Connection::start(&command)
        .map_err(|fault| format!("it does not start with the library that moves its clock: {fault}"))?;
    let test = mover.test(|now| tell(&mut connection, now))?;
    Ok((command, connection, mover, test))
}

/// Asks an adapter what time it is, in microseconds since the Unix epoch.
fn tell(connection: &mut Connection, now: i64) -> Result<i64, String> {
    let reply = connection.request("now", wire::now(now)).map_err(|fault| fault.to_string())?;
    match reply.outcome {
        Ok(json) => json.as_str().parse().map_err(|_| {
            let shown = crate::observation::shown(json.as_str());
            format!("it answers `now` with {shown}, and not with its time in microseconds since 1970")
        }),
        Err((kind, message)) => Err(format!("it answers `now` with {kind}: {message}")),
    }
}

fn killed(op: &str) -> Fault {
    Fault::Crash(format!("the suite killed the process; nobody answers `{op}`"))
}
