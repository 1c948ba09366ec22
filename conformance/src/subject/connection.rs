//! A child process that speaks JSON lines: one request, one answer, the `id` echoed.
//!
//! Whatever the child does wrong is told in words that help its author: this is where a broken adapter is
//! told apart from a broken store.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use wait_timeout::ChildExt;

use super::Fault;
use crate::json::Json;
use crate::manifest::Manifest;
use crate::observation::shown;
use crate::protocol::VERSION as PROTOCOL_VERSION;

/// The longest line an adapter may write, in bytes.
const MAX_LINE: usize = 64 << 20;

/// How many lines of the child's log are kept for a report.
const LOG_LINES: usize = 20;

/// How to start an adapter, and how long to wait for it.
#[derive(Debug, Clone)]
pub struct AdapterCommand {
    program: String,
    arguments: Vec<String>,
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
        Ok(Self { program, arguments: words.collect(), timeout: Duration::from_secs(10) })
    }

    /// The same command with another time to wait for an answer.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }
}

/// A running adapter.
#[derive(Debug)]
pub(crate) struct Connection {
    command: AdapterCommand,
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<Result<String, String>>,
    log: Arc<Mutex<VecDeque<String>>>,
    next_id: u64,
}

/// An answer, apart from its `id`.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The answer, or the error's kind and message.
    pub(crate) outcome: Result<Json, (String, String)>,
    /// The state of the session object.
    pub(crate) session: Option<Json>,
}

impl Connection {
    /// Starts the adapter and reads its manifest.
    pub(crate) fn start(command: &AdapterCommand) -> Result<(Self, Manifest), Fault> {
        let mut child = Command::new(&command.program)
            .args(&command.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| Fault::Harness(format!("cannot start `{}`: {e}", command.program)))?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Fault::Harness(format!("cannot connect to `{}`", command.program)));
        };
        let (sender, lines) = sync_channel(1);
        thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            loop {
                let line = read_line(&mut reader);
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
        thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == LOG_LINES {
                    kept.pop_front();
                }
                kept.push_back(String::from_utf8_lossy(&line).into_owned());
            }
        });
        let mut connection = Self { command: command.clone(), child, stdin, lines, log, next_id: 0 };
        let reply = connection.request("hello", &format!(",\"protocol\":{PROTOCOL_VERSION}"))?;
        let manifest = match reply.outcome {
            Ok(json) => parse_manifest(&json)?,
            Err((kind, message)) => {
                return Err(Fault::Harness(format!("the adapter answered `hello` with {kind}: {message}")));
            }
        };
        Ok((connection, manifest))
    }

    /// Sends a request, whose fields after `id` and `op` are given as JSON text with a leading comma, and
    /// waits for the answer.
    pub(crate) fn request(&mut self, op: &str, fields: &str) -> Result<Reply, Fault> {
        let id = self.next_id;
        self.next_id += 1;
        let request = format!("{{\"id\":{id},\"op\":\"{op}\"{fields}}}\n");
        if self.stdin.write_all(request.as_bytes()).and_then(|()| self.stdin.flush()).is_err() {
            return Err(self.ended(op));
        }
        match self.lines.recv_timeout(self.command.timeout) {
            Ok(Ok(line)) => parse_reply(&line, id, op),
            Ok(Err(reason)) => Err(Fault::Harness(format!("the answer to `{op}`: {reason}"))),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended(op)),
            Err(RecvTimeoutError::Timeout) => {
                let seconds = self.command.timeout.as_secs_f32();
                Err(Fault::Timeout(format!("no answer to `{op}` within {seconds} s{}", self.log_tail())))
            }
        }
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
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.is_empty() {
            return "; its log (stderr) is empty".into();
        }
        log.iter().fold("; the end of its log (stderr):".into(), |text, line| text + "\n    " + line)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A child that is gone already is what is wanted, so errors do not matter here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line without its end, `None` at the end of the output.
fn read_line(reader: &mut impl BufRead) -> Result<Option<String>, String> {
    let mut line = Vec::new();
    let mut limited = std::io::Read::take(reader, MAX_LINE as u64);
    match limited.read_until(b'\n', &mut line) {
        Ok(0) => Ok(None),
        Ok(_) if line.len() == MAX_LINE => Err(format!("a line is longer than {MAX_LINE} bytes")),
        Ok(_) => String::from_utf8(line).map(Some).map_err(|_| "the line is not UTF-8".into()),
        Err(e) => Err(format!("cannot be read: {e}")),
    }
}

fn parse_reply(line: &str, id: u64, op: &str) -> Result<Reply, Fault> {
    let wrong = |what: String| {
        Fault::Harness(format!("the answer to `{op}` {what}; the line was: {}", shown(line.trim_end())))
    };
    let json = Json::parse(line).map_err(|reason| wrong(format!("is not JSON ({reason})")))?;
    let entries = json.entries().ok_or_else(|| wrong("is not a JSON object".into()))?;
    let (mut answered, mut ok, mut error, mut session) = (None, None, None, None);
    for (name, value) in entries {
        match name.as_str() {
            "id" => answered = Some(value),
            "ok" => ok = Some(value),
            "error" => error = Some(value),
            "session" => session = Some(value),
            other => return Err(wrong(format!("has a field `{other}` that the protocol does not know"))),
        }
    }
    match answered {
        Some(answered) if answered.as_str() == id.to_string() => {}
        Some(answered) => return Err(wrong(format!("has id {} where {id} was asked", answered.as_str()))),
        None => return Err(wrong("has no `id`".into())),
    }
    let outcome = match (ok, error) {
        (Some(ok), None) => Ok(ok),
        (None, Some(error)) => {
            let field = |wanted: &str| {
                let entries = error.entries()?;
                entries.iter().find(|(name, _)| name == wanted).and_then(|(_, value)| value.as_text())
            };
            let kind = field("kind").ok_or_else(|| wrong("has an `error` without a `kind`".into()))?;
            Err((kind, field("message").unwrap_or_default()))
        }
        _ => return Err(wrong("must have either `ok` or `error`".into())),
    };
    Ok(Reply { outcome, session })
}

fn parse_manifest(json: &Json) -> Result<Manifest, Fault> {
    let manifest: Manifest = serde_json::from_str(json.as_str())
        .map_err(|e| Fault::Harness(format!("the adapter's answer to `hello` is no manifest: {e}")))?;
    if manifest.protocol != PROTOCOL_VERSION {
        return Err(Fault::Harness(format!(
            "the adapter speaks protocol {}; this sessionspec speaks {PROTOCOL_VERSION}",
            manifest.protocol
        )));
    }
    for erratum in &manifest.errata {
        if crate::rule::RuleId::named(&erratum.rule).is_none() {
            return Err(Fault::Harness(format!("the manifest's erratum names no rule: `{}`", erratum.rule)));
        }
    }
    Ok(manifest)
}
