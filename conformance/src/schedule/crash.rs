//! Carries out a schedule on a process that is killed in it, and started again on what it left. The process answers one
//! request at a time, so that at most one operation is under way when it dies; the moment is chance's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use session_core::SessionKey;

use super::drive::drawn_keys;
use super::{CLIENTS, Move, Operation, Schedule, session};
use crate::call::Call;
use crate::history::{Asked, Event, History, Told};
use crate::json::{Json, Name, Object};
use crate::observation::{Answer, ErrorKind, Failed, Observation};
use crate::op::{SessionOp, StorageOp};
use crate::subject::{Fault, Subject};
use crate::trace::Settings;

/// A subject whose process can be killed.
pub(crate) trait Mortal: Subject {
    /// From the next request on that changes what is stored, the process lives for so long.
    fn doom(&mut self, after: Duration);

    /// Whether it was killed, and no other has taken over.
    fn is_killed(&mut self) -> bool;

    /// Kills the process, if it still lives, and has another one open what it left. A storage that cannot be opened is
    /// the store's own failure: the error within says why.
    fn take_over(&mut self, now: i64, settings: Settings) -> Result<Result<(), String>, Fault>;
}

/// Carries out a schedule, and looks for every session after each death and at last.
pub(crate) fn carry_out(subject: &mut dyn Mortal, schedule: &Schedule) -> Result<History, Fault> {
    let keys = drawn_keys(schedule.keys())?;
    let start = subject.manifest().start();
    subject.open(start, Settings::default())?;
    let history = History::default();
    let mut run = Run { subject, start, keys, history, instant: 0, writes: 0, audit: false, lost: None };
    for one in &schedule.moves {
        match one {
            Move::Begin { client, op, key, .. } => run.ask(*client, *op, *key, None)?,
            Move::Crash { client, op, key, after_us } => {
                run.ask(*client, *op, *key, Some(Duration::from_micros((*after_us).into())))?;
                run.take_over()?;
            }
            // Nothing is ever under way between two moves, and a process shows no parts.
            Move::Go { .. } | Move::Drop { .. } | Move::Fail { .. } | Move::Mend | Move::Forget => {}
        }
    }
    run.audit = true;
    for key in schedule.keys() {
        for op in [Operation::Load, Operation::Update, Operation::Load, Operation::Delete] {
            run.ask(0, op, key, None)?;
        }
    }
    run.take_over()?;
    Ok(run.history)
}

struct Run<'a> {
    subject: &'a mut dyn Mortal,
    /// The instant of everything that is done.
    start: i64,
    /// Of each session, by its number.
    keys: BTreeMap<u32, SessionKey>,
    history: History,
    instant: u64,
    writes: u32,
    audit: bool,
    /// Why the storage cannot be opened any more.
    lost: Option<String>,
}

impl Run<'_> {
    fn tick(&mut self) -> u64 {
        self.instant += 1;
        self.instant
    }

    fn write(&mut self) -> u32 {
        self.writes += 1;
        self.writes
    }

    /// Kills the process, has another one take over, and looks what is there.
    fn take_over(&mut self) -> Result<(), Fault> {
        let died = self.tick();
        self.history.crashes.push(died);
        if self.lost.is_none() {
            self.lost = self.subject.take_over(self.start, Settings::default())?.err();
        }
        let sessions: Vec<u32> = self.keys.keys().copied().collect();
        sessions.into_iter().try_for_each(|key| self.ask(0, Operation::Load, key, None))
    }

    /// Does one operation to its end, or to the death of the process.
    fn ask(&mut self, client: u8, op: Operation, key: u32, doom: Option<Duration>) -> Result<(), Fault> {
        let key = session(key);
        let asked = op.asked(|| self.write());
        let mut event = Event::new(client % CLIENTS, key, asked, self.tick());
        event.audit = self.audit;
        let key = self.keys.get(&key).cloned();
        event.told = match (&self.lost, key) {
            (Some(reason), _) => Told::Failed(reason.clone()),
            (None, Some(key)) => self.told(client % 2, key.as_str(), asked, doom)?,
            (None, None) => Told::Unanswered,
        };
        if event.told != Told::Unanswered {
            event.ended = Some(self.tick());
        }
        self.history.events.push(event);
        Ok(())
    }

    fn told(&mut self, client: u8, key: &str, asked: Asked, doom: Option<Duration>) -> Result<Told, Fault> {
        match asked {
            Asked::Insert(write) => {
                self.call(&Call::Session { number: 0, client, key: None })?;
                self.call(&Call::Storage { client, op: StorageOp::ForceKey(key) })?;
                self.store(key, write, doom)
            }
            Asked::Update(write) | Asked::Upsert(write) => {
                self.call(&Call::Session { number: 0, client, key: Some(key) })?;
                let read = self.call(&Call::Op { number: 0, op: &SessionOp::Items })?;
                match (key_of(&read), &read.outcome) {
                    (_, Err(error)) => Ok(failed(error)),
                    (None, Ok(_)) => Ok(Told::Missing),
                    (Some(_), Ok(_)) => self.store(key, write, doom),
                }
            }
            Asked::Delete => {
                let deleted = self.last(&Call::Storage { client, op: StorageOp::DeleteKey(key) }, doom)?;
                Ok(deleted.map_or(Told::Unanswered, |seen| match seen.outcome {
                    Ok(_) => Told::Done,
                    Err(error) => failed(&error),
                }))
            }
            Asked::Load => {
                self.call(&Call::Session { number: 0, client, key: Some(key) })?;
                Ok(loaded(&self.call(&Call::Op { number: 0, op: &SessionOp::Items })?))
            }
            Asked::Lapse(_) | Asked::Touch(_) | Asked::ClearExpired => {
                Err(Fault::Harness(format!("`{asked}` is for schedules in which no process is killed")))
            }
            Asked::Exists => {
                let seen = self.call(&Call::Storage { client, op: StorageOp::Exists(key) })?;
                Ok(match seen.outcome {
                    Ok(Answer::Bool(there)) => Told::There(there),
                    Ok(_) => Told::Failed("no answer to the question".into()),
                    Err(error) => failed(&error),
                })
            }
        }
    }

    /// Puts a write into the session object, and saves it.
    fn store(&mut self, key: &str, write: u32, doom: Option<Duration>) -> Result<Told, Fault> {
        for (name, value) in record(write) {
            let set = SessionOp::Set(name.into(), value.into());
            if let Err(error) = self.call(&Call::Op { number: 0, op: &set })?.outcome {
                return Ok(failed(&error));
            }
        }
        let Some(seen) = self.last(&Call::Op { number: 0, op: &SessionOp::Save }, doom)? else {
            return Ok(Told::Unanswered);
        };
        let same = key_of(&seen) == Some(key);
        Ok(match seen.outcome {
            Ok(_) if same => Told::Done,
            // A session whose key is taken gets another one.
            Ok(_) | Err(Failed { kind: ErrorKind::CreateError, .. }) => Told::Taken,
            Err(Failed { kind: ErrorKind::UpdateError, .. }) => Told::Missing,
            Err(error) => failed(&error),
        })
    }

    fn call(&mut self, call: &Call<'_>) -> Result<Observation, Fault> {
        self.subject.call(self.start, call)
    }

    /// The call in which the process may die; `None` if it did, and nothing was answered before.
    fn last(&mut self, call: &Call<'_>, doom: Option<Duration>) -> Result<Option<Observation>, Fault> {
        if let Some(after) = doom {
            self.subject.doom(after);
        }
        match (self.call(call), self.subject.is_killed()) {
            (Ok(seen), true) => {
                let said =
                    |error: &Failed| matches!(error.kind, ErrorKind::CreateError | ErrorKind::UpdateError);
                Ok(Some(seen).filter(|seen| seen.outcome.as_ref().map_or_else(said, |_| true)))
            }
            (Err(Fault::Crash(_)), true) => Ok(None),
            (seen, _) => seen.map(Some),
        }
    }
}

/// The key of the session object after a call.
fn key_of(seen: &Observation) -> Option<&str> {
    seen.session.as_ref()?.key.as_deref()
}

fn failed(error: &Failed) -> Told {
    Told::Failed(format!("{}: {}", error.kind.name(), error.message))
}

/// What a session object that has been read says about the record.
fn loaded(seen: &Observation) -> Told {
    match (&seen.outcome, key_of(seen)) {
        (Ok(_), None) => Told::Nothing,
        // A record that does not decode reads as an empty session under the same key.
        (Ok(Answer::Items(items)), Some(_)) if items.is_empty() => {
            Told::Strange("a record that does not decode".into())
        }
        (Ok(Answer::Items(items)), Some(_)) => {
            written(items).map_or_else(|| Told::Strange(Object::from(items.clone()).to_string()), Told::Found)
        }
        (Ok(_), Some(_)) => Told::Failed("no entries in the answer".into()),
        (Err(Failed { kind: ErrorKind::Corrupt, message }), _) => Told::Strange(message.clone()),
        (Err(error), _) => failed(error),
    }
}

/// The entries of a record. The first and the last hold the number of the write, so that a mixture shows; every other
/// record is so long that it may be written in pieces.
fn record(number: u32) -> [(&'static str, Json); 3] {
    // As text: not every store tells 1 from 1.0.
    let value = || Json::text(&number.to_string());
    let length: u32 = if number.is_multiple_of(2) { 5_000 } else { 5 };
    // No two pieces of it are the same, so that compressing it does not make it short.
    let text = (0..length).fold(String::new(), |mut text, n| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{:07x}", n.wrapping_mul(0x9e37_79b9) ^ number);
        text
    });
    [("write", value()), ("text", Json::text(&text)), ("again", value())]
}

/// The number of the write that a record is from.
fn written(items: &[(Name, Json)]) -> Option<u32> {
    let value =
        |wanted: &str| items.iter().find(|(name, _)| name.is_one_of(&[wanted])).map(|(_, value)| value);
    let write: u32 = value("write")?.as_text()?.parse().ok()?;
    let whole = record(write).iter().all(|(name, wanted)| value(name) == Some(wanted));
    (whole && items.len() == 3).then_some(write)
}
