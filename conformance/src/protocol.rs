//! The answering side of the protocol: JSON lines, one request, one answer. Any subject can be served with session
//! objects, and a Rust store as the bare store that it is.
//!
//! The side that asks is in `subject/connection.rs`; what stands on the wire is in `wire.rs`.

use std::io::{BufRead, Write};
use std::path::Path;

use session_core::{Entries, Record, SessionKey};

use crate::call::Call;
use crate::instant::{instant, micros};
use crate::json::{Json, Object};
use crate::manifest::{ClockLevel, Hook, Manifest, Operation, Reach, SubjectLevel};
use crate::moved::own_time;
use crate::observation::{Answer, Observation, canonical};
use crate::op::{SessionOp, Source, StorageOp};
use crate::subject::{Fault, RecordAnswer, RecordOp, Subject};
use crate::trace::OTHER_STORAGE;
use crate::wire::{self, Answered};

/// The greatest number that a session object may have.
const MAX_SESSIONS: u32 = 100_000;

/// Serves a subject with session objects: answers each line of `input` with a line on `output`, until `bye` or the end.
///
/// # Errors
/// As reading and writing have them; and if the store panics or hangs, which ends an adapter. What is wrong with a request
/// is answered, not returned.
pub fn serve(subject: &mut dyn Subject, input: impl BufRead, output: impl Write) -> std::io::Result<()> {
    converse(subject, SubjectLevel::Session, input, output)
}

/// Serves the bare store of a subject, without sessions.
pub(crate) fn serve_store(
    subject: &mut dyn Subject,
    input: impl BufRead,
    output: impl Write,
) -> std::io::Result<()> {
    converse(subject, SubjectLevel::Store, input, output)
}

fn converse(
    subject: &mut dyn Subject,
    level: SubjectLevel,
    mut input: impl BufRead,
    mut output: impl Write,
) -> std::io::Result<()> {
    while let Some(line) = wire::read_line(&mut input).map_err(std::io::Error::other)? {
        if line.trim().is_empty() {
            continue;
        }
        let request = Request::parse(&line);
        let (line, last) = match &request {
            Ok(request) if request.op == "hello" => (hello(subject, level, request), false),
            Ok(request) => {
                let answer = match answer(subject, level, request) {
                    // There is no answer, and there may be one to the next request.
                    Err(Refused::Fault(Fault::Harness(reason)) | Refused::Request(reason)) => Err(reason),
                    Err(Refused::Fault(ended)) => return Err(std::io::Error::other(ended)),
                    Ok(answer) => Ok(answer),
                };
                (wire::answer_line(&request.id, &answer), request.op == "bye")
            }
            Err((id, reason)) => {
                (wire::answer_line(id, &Err(format!("this is no request: {reason}"))), false)
            }
        };
        output.write_all(line.as_bytes())?;
        output.flush()?;
        if last {
            break;
        }
    }
    Ok(())
}

/// Why a request has no answer.
enum Refused {
    /// It is not as the protocol has it.
    Request(String),
    Fault(Fault),
}

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Self::Request(reason)
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
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

    /// The data and the expiry of a record.
    fn record(&self) -> Result<Record, String> {
        let op = &self.op;
        let data = Entries::parse(self.line.need(op, "data")?.as_str().as_bytes());
        let data = data.map_err(|error| format!("`{op}`: `data`: {error}"))?;
        self.line.need(op, "expires_us")?;
        let expires = self.line.read::<i64>(op, "expires_us")?;
        let expires = expires.ok_or_else(|| format!("`{op}`: `expires_us` must be an integer"))?;
        let expires = instant(expires)
            .ok_or_else(|| format!("`{op}`: `expires_us` is beyond the year 9999: {expires}"))?;
        Ok(Record::new(data, expires))
    }

    /// The client, of those up to the last one.
    fn client(&self, last: u8) -> Result<u8, String> {
        match self.line.read::<u8>(&self.op, "client")?.unwrap_or(0) {
            client if client <= last => Ok(client),
            client => Err(format!("`{}`: there is no client {client}; the last one is {last}", self.op)),
        }
    }
}

fn hello(subject: &dyn Subject, level: SubjectLevel, request: &Request) -> String {
    match request.line.read::<u32>("hello", "protocol") {
        Ok(Some(wire::VERSION)) => wire::hello_line(&request.id, &introduced(subject, level)),
        Ok(Some(other)) => {
            let reason = format!("this sessionspec speaks protocol {}, not {other}", wire::VERSION);
            wire::answer_line(&request.id, &Err(reason))
        }
        Ok(None) => wire::answer_line(&request.id, &Err("`hello` needs the field `protocol`".into())),
        Err(reason) => wire::answer_line(&request.id, &Err(reason)),
    }
}

/// What the subject is where it is served.
fn introduced(subject: &dyn Subject, level: SubjectLevel) -> Manifest {
    let mut manifest = subject.manifest().clone();
    manifest.level = level;
    let moved = manifest.clock == ClockLevel::Moved;
    if moved && level == SubjectLevel::Session {
        // It is moved here, to what each request says.
        manifest.clock = ClockLevel::Virtual;
        manifest.clock_reach = Reach::ANY;
    }
    if moved && !manifest.clock_test.is_empty() {
        // So is that of a server.
        manifest.clock = ClockLevel::Virtual;
    }
    if level == SubjectLevel::Store {
        // Who asks has the sessions, and draws the keys.
        manifest.hooks.retain(|hook| *hook != Hook::ForceKeys);
    }
    // What can be killed here is this very process.
    manifest.hooks.retain(|hook| *hook != Hook::Crash);
    manifest.hooks.extend(subject.keeps().then_some(Hook::Crash));
    // Where one operation creates and replaces, an insertion is put together of two calls, which only one process keeps apart
    // from others.
    let has_second = level == SubjectLevel::Store && manifest.capabilities.shared && !manifest.upsert;
    manifest.hooks.extend((has_second && subject.keeps()).then_some(Hook::SecondProcess));
    manifest
}

fn answer(subject: &mut dyn Subject, level: SubjectLevel, request: &Request) -> Result<Answered, Refused> {
    let Request { op, line, .. } = request;
    let done = || Ok(Observation::of(Ok(Answer::Unit)).into());
    if op == "bye" {
        return done();
    }
    line.need(op, "now")?;
    let now = line.read::<i64>(op, "now")?.unwrap_or_default();
    if op == "open" {
        if let Some(dir) = line.read::<String>(op, "dir")? {
            subject.place(Path::new(&dir))?;
        }
        let settings = line.read::<wire::Settings>(op, "settings")?.unwrap_or_default();
        if line.read::<bool>(op, "keep")?.unwrap_or_default() {
            subject.open_kept(now, settings.into())?;
        } else {
            subject.open(now, settings.into())?;
        }
        return done();
    }
    let last = if subject.manifest().other_storage { OTHER_STORAGE } else { 1 };
    match level {
        SubjectLevel::Session => ask_sessions(subject, now, last, request),
        SubjectLevel::Store | SubjectLevel::KeyValue => ask_store(subject, now, last, request),
    }
}

/// What is asked of a subject with session objects.
fn ask_sessions(
    subject: &mut dyn Subject,
    now: i64,
    last: u8,
    request: &Request,
) -> Result<Answered, Refused> {
    let Request { op, line, .. } = request;
    let mut ask = |call: &Call<'_>| Ok(subject.call(now, call)?.into());
    match op.as_str() {
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
            Ok(Observation::of(Ok(Answer::Unit)).into())
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

/// What is asked of a bare store.
fn ask_store(subject: &mut dyn Subject, now: i64, last: u8, request: &Request) -> Result<Answered, Refused> {
    let client = request.client(last)?;
    let op = match request.op.as_str() {
        "now" => return Ok(Observation::of(Ok(Answer::Integer(own_time()?))).into()),
        "load" => return on_record(subject, now, client, request, RecordOp::Load),
        "insert" => return on_record(subject, now, client, request, RecordOp::Insert(request.record()?)),
        "update" => return on_record(subject, now, client, request, RecordOp::Update(request.record()?)),
        "exists" => StorageOp::Exists(request.key()?),
        "delete" => StorageOp::DeleteKey(request.key()?),
        "damage" => StorageOp::Damage(request.key()?),
        "clear-expired" => StorageOp::ClearExpired,
        "reopen" => StorageOp::Reopen,
        "rotate" => StorageOp::Rotate,
        other => match Operation::named(other).and_then(StorageOp::of) {
            Some(op) => op,
            None => return Err(Refused::Request(format!("a bare store has no operation `{other}`"))),
        },
    };
    Ok(subject.call(now, &Call::Storage { client, op: op.map_key(String::as_str) })?.into())
}

fn on_record(
    subject: &mut dyn Subject,
    now: i64,
    client: u8,
    request: &Request,
    op: RecordOp,
) -> Result<Answered, Refused> {
    let text = request.key()?;
    let key = SessionKey::parse(&text)
        .ok_or_else(|| format!("`{}`: `key` must have eight characters or more", request.op))?;
    let Some(done) = subject.on_record(now, client, &key, op) else {
        return Err(Refused::Request("this subject is no bare store".into()));
    };
    let outcome = done?.map(|answer| match answer {
        RecordAnswer::Loaded(None) => Json::null(),
        RecordAnswer::Loaded(Some(record)) => {
            wire::record(canonical(&record.data), micros(record.expires)).to_json()
        }
        // Null is the key that was asked for.
        RecordAnswer::Stored(stored) if stored == key => Json::null(),
        RecordAnswer::Stored(stored) => Json::text(stored.as_str()),
    });
    Ok(Answered { outcome, session: None })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::subject::ModelSubject;

    /// Who asks moves the clock of a process, and the process that of a server which it has started.
    #[rstest]
    #[case::of_the_process("", ClockLevel::Moved)]
    #[case::of_a_server_that_the_process_has_started("it told its time", ClockLevel::Virtual)]
    fn who_moves_the_clock_of_a_served_store(#[case] seen_to_obey: &str, #[case] told: ClockLevel) {
        let mut manifest = Manifest::reference();
        (manifest.clock, manifest.clock_test) = (ClockLevel::Moved, seen_to_obey.into());
        let subject = ModelSubject::new(manifest);
        assert_eq!(introduced(&subject, SubjectLevel::Store).clock, told);
        assert_eq!(introduced(&subject, SubjectLevel::Session).clock, ClockLevel::Virtual);
    }
}
