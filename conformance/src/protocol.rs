//! The answering side of the protocol: JSON lines, one request, one answer. Any subject can be served.
//!
//! The side that asks is in `subject/connection.rs`; what stands on the wire is in `wire.rs`.

use std::io::{BufRead, Write};
use std::path::Path;

use crate::call::Call;
use crate::json::{Json, Object};
use crate::manifest::{ClockLevel, Hook, Reach, SubjectLevel};
use crate::observation::{Answer, Observation};
use crate::op::{SessionOp, Source, StorageOp};
use crate::subject::Subject;
use crate::trace::OTHER_STORAGE;
use crate::wire;

/// The greatest number that a session object may have.
const MAX_SESSIONS: u32 = 100_000;

/// Serves a subject: answers each line of `input` with a line on `output`, until `bye` or the end.
///
/// # Errors
/// As reading and writing have them. What is wrong with a request is answered, not returned.
pub fn serve(
    subject: &mut dyn Subject,
    mut input: impl BufRead,
    mut output: impl Write,
) -> std::io::Result<()> {
    while let Some(line) = wire::read_line(&mut input).map_err(std::io::Error::other)? {
        if line.trim().is_empty() {
            continue;
        }
        let request = Request::parse(&line);
        let (answer, last) = match &request {
            Ok(request) if request.op == "hello" => (hello(subject, request), false),
            Ok(request) => (wire::answer_line(&request.id, &answer(subject, request)), request.op == "bye"),
            Err((id, reason)) => {
                (wire::answer_line(id, &Err(format!("this is no request: {reason}"))), false)
            }
        };
        output.write_all(answer.as_bytes())?;
        output.flush()?;
        if last {
            break;
        }
    }
    Ok(())
}

/// A request. Fields that are not known are ignored, so that a suite of tomorrow is understood where it asks what is
/// known today.
#[derive(Debug)]
struct Request {
    id: Json,
    op: String,
    line: Object,
}

impl Request {
    /// Reads a line. A fault comes with the `id` to answer under.
    fn parse(line: &str) -> Result<Self, (Json, String)> {
        let line = Object::parse(line).map_err(|reason| (Json::null(), reason))?;
        let id = line.get("id").filter(|id| id.as_str().parse::<u64>().is_ok()).cloned();
        let op = line.need_text("a request", "op");
        match (id, op) {
            (Some(id), Ok(op)) => Ok(Self { id, op, line }),
            (Some(id), Err(reason)) => Err((id, reason)),
            (None, _) => Err((Json::null(), "`id` must be a number, from 0".into())),
        }
    }

    fn key(&self) -> Result<String, String> {
        self.line.need_text(&self.op, "key")
    }

    fn number(&self) -> Result<usize, String> {
        let op = &self.op;
        self.line.need(op, "session")?;
        match self.line.read::<u32>(op, "session")? {
            Some(number @ 1..=MAX_SESSIONS) => {
                usize::try_from(number - 1).map_err(|error| format!("`{op}`: `session`: {error}"))
            }
            _ => Err(format!("`{op}`: `session` is a number from 1 to {MAX_SESSIONS}")),
        }
    }

    /// The client, of those up to the last one.
    fn client(&self, last: u8) -> Result<u8, String> {
        match self.line.read::<u8>(&self.op, "client")?.unwrap_or(0) {
            client if client <= last => Ok(client),
            client => Err(format!("`{}`: there is no client {client}; the last one is {last}", self.op)),
        }
    }
}

fn hello(subject: &dyn Subject, request: &Request) -> String {
    match request.line.read::<u32>("hello", "protocol") {
        Ok(Some(wire::VERSION)) => {
            let mut manifest = subject.manifest().clone();
            manifest.level = SubjectLevel::Session;
            if manifest.clock == ClockLevel::Moved {
                // It is moved here, to what each request says.
                manifest.clock = ClockLevel::Virtual;
                manifest.clock_reach = Reach::ANY;
            }
            // What can be killed here is this very process.
            manifest.hooks.retain(|hook| *hook != Hook::Crash);
            manifest.hooks.extend(subject.keeps().then_some(Hook::Crash));
            wire::hello_line(&request.id, &manifest)
        }
        Ok(Some(other)) => {
            let reason = format!("this sessionspec speaks protocol {}, not {other}", wire::VERSION);
            wire::answer_line(&request.id, &Err(reason))
        }
        Ok(None) => wire::answer_line(&request.id, &Err("`hello` needs the field `protocol`".into())),
        Err(reason) => wire::answer_line(&request.id, &Err(reason)),
    }
}

fn answer(subject: &mut dyn Subject, request: &Request) -> Result<Observation, String> {
    let Request { op, line, .. } = request;
    let done = || Ok(Observation::of(Ok(Answer::Unit)));
    if op == "bye" {
        return done();
    }
    line.need(op, "now")?;
    let now = line.read::<i64>(op, "now")?.unwrap_or_default();
    let last = if subject.manifest().other_storage { OTHER_STORAGE } else { 1 };
    let mut ask = |call: &Call<'_>| subject.call(now, call).map_err(|fault| fault.to_string());
    match op.as_str() {
        "open" => {
            if let Some(dir) = line.read::<String>(op, "dir")? {
                subject.place(Path::new(&dir)).map_err(|fault| fault.to_string())?;
            }
            let settings = line.read::<wire::Settings>(op, "settings")?.unwrap_or_default();
            let opened = if line.read::<bool>(op, "keep")?.unwrap_or_default() {
                subject.open_kept(now, settings.into())
            } else {
                subject.open(now, settings.into())
            };
            opened.map_err(|fault| fault.to_string())?;
            done()
        }
        "session" => {
            let key = if line.need(op, "key")?.is_null() { None } else { Some(request.key()?) };
            let (number, client) = (request.number()?, request.client(last)?);
            ask(&Call::Session { number, client, key: key.as_deref() })
        }
        "force-keys" => {
            line.need(op, "keys")?;
            for key in line.read::<Vec<String>>(op, "keys")?.unwrap_or_default() {
                ask(&Call::Storage { client: 0, op: StorageOp::ForceKey(&key) })?;
            }
            done()
        }
        _ => {
            if let Some(op) = StorageOp::wire_named(op, || request.key())? {
                let client = request.client(last)?;
                return ask(&Call::Storage { client, op: op.map_key(String::as_str) });
            }
            let op = SessionOp::read(op, line, &mut Source::Wire)?;
            ask(&Call::Op { number: request.number()?, op: &op })
        }
    }
}
