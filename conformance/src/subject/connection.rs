//! A child process that speaks JSON lines: one request, one answer, the `id` echoed.
//!
//! Whatever the child does wrong is told in words that help its author: this is where a broken adapter is
//! told apart from a broken store. And whatever it does, it is not waited for without end and does not fill the memory:
//! it may stop reading, write a line that does not end, or leave children of its own behind.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use wait_timeout::ChildExt;

use super::Fault;
use crate::json::Object;
use crate::manifest::Manifest;
use crate::observation::shown;
use crate::wire::{self, Reply};

/// How long an adapter may take to end, once it was told that nothing more is asked.
const FAREWELL: Duration = Duration::from_secs(5);

/// How many lines of the child's log are kept for a report, and how much of each.
const LOG_LINES: usize = 20;
const LOG_LINE: u64 = 1_000;

/// How to start an adapter, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct AdapterCommand {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    timeout: Duration,
}

impl AdapterCommand {
    /// Takes a command line as a shell splits it; no shell is started. An answer may take ten seconds.
    ///
    /// # Errors
    /// A sentence, if the command line is empty or a quote is not closed.
    pub fn parse(line: &str) -> Result<Self, String> {
        let mut words = shlex::split(line)
            .ok_or_else(|| format!("the command `{line}` has a quote that is not closed"))?
            .into_iter();
        let program = words.next().ok_or("the command is empty: give a program and its arguments")?;
        Ok(Self::new(program, words))
    }

    /// A program and its arguments. An answer may take ten seconds.
    pub fn new(
        program: impl Into<OsString>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        let (program, environment) = (program.into(), Vec::new());
        Self { program, arguments, environment, timeout: Duration::from_secs(10) }
    }

    /// The same command with another time to wait for an answer.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The same command with these variables in addition.
    #[must_use]
    pub fn with_environment(
        mut self,
        variables: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> Self {
        self.environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }
}

/// A running adapter.
#[derive(Debug)]
pub(crate) struct Connection {
    command: AdapterCommand,
    child: Child,
    /// To the thread that writes: an adapter that does not read holds up only that. The input is closed with it.
    requests: Option<SyncSender<String>>,
    /// How far the writing has come.
    writing: Arc<Mutex<Writing>>,
    lines: Receiver<Result<String, String>>,
    log: Arc<Mutex<VecDeque<String>>>,
    next_id: u64,
    /// Whether it did not answer as it should: nothing more is asked of it.
    broken: bool,
    /// Its number may be another one's by now.
    killed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    Done,
    UnderWay,
    /// The adapter closed its input.
    Refused,
}

impl Connection {
    /// Starts the adapter and reads its manifest.
    pub(crate) fn start(command: &AdapterCommand) -> Result<(Self, Manifest), Fault> {
        let mut starting = Command::new(&command.program);
        starting.args(&command.arguments).envs(command.environment.iter().map(|(name, value)| (name, value)));
        starting.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, which ends as one.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut starting, 0);
        let mut child = starting
            .spawn()
            .map_err(|e| Fault::Harness(format!("cannot start `{}`: {e}", command.program.display())))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Fault::Harness(format!("cannot connect to `{}`", command.program.display())));
        };
        let (requests, writing) = write_in_background(stdin);
        let (sender, lines) = sync_channel(1);
        thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            loop {
                let line = wire::read_line(&mut reader);
                let last = !matches!(line, Ok(Some(_)));
                if let Some(message) = line.transpose()
                    && sender.send(message).is_err()
                {
                    return;
                }
                if last {
                    return;
                }
            }
        });
        let log = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&log);
        thread::spawn(move || keep_log(BufReader::new(stderr), &kept));
        let command = command.clone();
        let mut connection = Self {
            command,
            child,
            requests: Some(requests),
            writing,
            lines,
            log,
            next_id: 0,
            broken: false,
            killed: false,
        };
        let reply = connection.request("hello", wire::hello())?;
        let manifest = match reply.outcome {
            Ok(json) => wire::read_manifest(&json).map_err(Fault::Harness)?,
            Err((kind, message)) => {
                return Err(Fault::Harness(format!("the adapter answered `hello` with {kind}: {message}")));
            }
        };
        Ok((connection, manifest))
    }

    /// Sends a request and waits for the answer.
    pub(crate) fn request(&mut self, op: &str, fields: Object) -> Result<Reply, Fault> {
        let reply = self.ask(op, fields);
        self.broken |= reply.is_err();
        reply
    }

    fn ask(&mut self, op: &str, fields: Object) -> Result<Reply, Fault> {
        let id = self.send(op, fields)?;
        match self.lines.recv_timeout(self.command.timeout) {
            Ok(Ok(line)) => Reply::parse(&line, id).map_err(|what| {
                let line = shown(line.trim_end());
                Fault::Harness(format!("the answer to `{op}` {what}; the line was: {line}"))
            }),
            Ok(Err(reason)) => Err(Fault::Harness(format!("the answer to `{op}`: {reason}"))),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended(op)),
            Err(RecvTimeoutError::Timeout) => {
                let seconds = self.command.timeout.as_secs_f32();
                let why = match *lock(&self.writing) {
                    Writing::Done => "",
                    Writing::UnderWay => " (the adapter does not read its input)",
                    Writing::Refused => " (the adapter closed its input)",
                };
                let tail = self.log_tail();
                Err(Fault::Timeout(format!("no answer to `{op}` within {seconds} s{why}{tail}")))
            }
        }
    }

    /// Sends a request, and kills the adapter so long after it was asked. What it answered before it died is an
    /// answer.
    pub(crate) fn request_and_kill(
        mut self,
        op: &str,
        fields: Object,
        after: Duration,
    ) -> Result<Option<Reply>, Fault> {
        let id = self.send(op, fields)?;
        let line = self.lines.recv_timeout(after);
        self.kill();
        // It may have been on its way.
        let line = line.or_else(|_| self.lines.recv_timeout(Duration::from_secs(1)));
        // A line that was cut is no answer.
        Ok(line.ok().and_then(Result::ok).and_then(|line| Reply::parse(&line, id).ok()))
    }

    /// Sends a request; gives its id.
    fn send(&mut self, op: &str, fields: Object) -> Result<u64, Fault> {
        let id = self.next_id;
        self.next_id += 1;
        *lock(&self.writing) = Writing::UnderWay;
        // There is one request at a time: if the thread has no room for it, it is no more.
        let line = wire::request_line(id, op, fields);
        match self.requests.as_ref().map(|requests| requests.try_send(line)) {
            Some(Ok(())) => Ok(id),
            _ => Err(self.ended(op)),
        }
    }

    /// Tells the adapter that nothing more is asked, and gives it time to clear away what it has elsewhere.
    fn say_bye(&mut self) {
        if self.killed || self.broken || self.send("bye", Object::default()).is_err() {
            return;
        }
        self.requests = None;
        let _ = self.child.wait_timeout(FAREWELL);
    }

    /// Ends the adapter and what it started. What is gone already is what is wanted, so errors do not matter here.
    pub(crate) fn kill(&mut self) {
        if std::mem::replace(&mut self.killed, true) {
            return;
        }
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn ended(&mut self, op: &str) -> Fault {
        let status = match self.child.wait_timeout(Duration::from_secs(1)) {
            Ok(Some(status)) => format!("the adapter ended with {status}"),
            _ => "the adapter closed its output".into(),
        };
        let message = format!("{status} while `{op}` was waiting for an answer{}", self.log_tail());
        // Before the first answer there is no store to blame, only a program that does not start.
        if self.next_id <= 1 { Fault::Harness(message) } else { Fault::Crash(message) }
    }

    fn log_tail(&self) -> String {
        let log = lock(&self.log);
        if log.is_empty() {
            return "; its log (stderr) is empty".into();
        }
        log.iter().fold("; the end of its log (stderr):".into(), |text, line| text + "\n    " + &shown(line))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.say_bye();
        // It may not have ended, or what it started has not.
        self.kill();
    }
}

/// Writes what is sent to it to the adapter, on a thread of its own.
fn write_in_background(mut stdin: ChildStdin) -> (SyncSender<String>, Arc<Mutex<Writing>>) {
    let (requests, to_write) = sync_channel::<String>(1);
    let writing = Arc::new(Mutex::new(Writing::Done));
    let state = Arc::clone(&writing);
    thread::spawn(move || {
        for line in to_write {
            let written = stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush());
            *lock(&state) = if written.is_ok() { Writing::Done } else { Writing::Refused };
            if written.is_err() {
                return;
            }
        }
    });
    (requests, writing)
}

/// Keeps the end of the log. A line that is too long goes on in the next.
fn keep_log(mut stderr: impl BufRead, kept: &Mutex<VecDeque<String>>) {
    loop {
        let mut line = Vec::new();
        match stderr.by_ref().take(LOG_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let mut kept = lock(kept);
                if kept.len() == LOG_LINES {
                    kept.pop_front();
                }
                kept.push_back(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
