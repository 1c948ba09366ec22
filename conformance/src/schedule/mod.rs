//! Schedules: what several clients do with one store at once, and where each is stopped, dropped or made to fail. A
//! schedule is to histories what a trace is to a single client: it is generated, shrunk, replayed, and kept as a file
//! of JSON lines. Every part of a schedule is a schedule.
//!
//! - `mod.rs`: what a schedule is, and its file
//! - `drive.rs`: carrying it out on a Rust store, one step of a future after the other
//! - `generate.rs`: schedules by chance
//! - `crash.rs`: carrying it out on a process that is killed in it
//! - `parallel.rs`: what overlaps for real
//! - `minimise.rs`: the smallest that still shows a violation
//! - `suite.rs`: the rules on what overlaps, fails and is dropped

mod crash;
mod drive;
mod generate;
mod minimise;
mod parallel;
mod suite;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::history::Asked;
use crate::parts::When;

pub(crate) use crash::{Mortal, carry_out};
pub(crate) use drive::{BLOCKED, Expiry, Stage, drive};
pub use generate::Schedules;
pub use minimise::minimise;
pub(crate) use parallel::{Field, Racer, race};
pub(crate) use suite::{check_schedules, clears, unchecked};

/// The version of the format.
pub const FORMAT: u32 = 1;

/// The most moves a schedule may have.
const MAX_MOVES: usize = 10_000;

/// How many clients there are.
pub const CLIENTS: u8 = 3;

/// How many sessions they may use.
pub const KEYS: u32 = 4;

/// How many they use where chance decides: few, so that they meet.
const MET: u32 = 2;

/// What several clients do, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The moves.
    pub moves: Vec<Move>,
}

/// One move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "move", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Move {
    /// A client begins an operation, and goes on to its n-th stop; to its end without one. What it had under way
    /// before is finished first.
    Begin {
        /// Which, from 0.
        client: u8,
        /// The operation.
        op: Operation,
        /// The session, from 1.
        key: u32,
        /// The stop.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop: Option<u32>,
    },
    /// A client goes on with what it has under way, over so many more stops; to its end without a number.
    Go {
        /// Which, from 0.
        client: u8,
        /// The stops.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop: Option<u32>,
    },
    /// A client goes away: what it has under way is dropped.
    Drop {
        /// Which, from 0.
        client: u8,
    },
    /// From here on a part of the store fails.
    Fail {
        /// Which, from 1, in the order in which the store shows them.
        part: u32,
        /// In which call, from 0.
        call: u32,
        /// How.
        when: Failing,
    },
    /// Nothing fails any more.
    Mend,
    /// Every part of the store that may forget loses what it keeps, as a cache does that is started again.
    Forget,
    /// A client begins an operation, and the process in which the store is is killed so long after it was asked; then
    /// another one takes over. What is in no process of its own goes on living, and nothing is asked.
    Crash {
        /// Which client, from 0.
        client: u8,
        /// The operation.
        op: Operation,
        /// The session, from 1.
        key: u32,
        /// How long after it was asked, in microseconds. An answer may have come before.
        after_us: u32,
    },
}

/// An operation of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Operation {
    /// Stores a new record.
    Insert,
    /// Replaces a record.
    Update,
    /// Replaces a record by one that has expired.
    Lapse,
    /// Removes a record.
    Delete,
    /// Reads a record.
    Load,
    /// Looks for a record.
    Exists,
    /// Removes every record that has expired.
    ClearExpired,
}

/// As [`When`], in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the same names as in `When`")]
#[non_exhaustive]
pub enum Failing {
    Before,
    After,
    Down,
}

impl From<Failing> for When {
    fn from(failing: Failing) -> Self {
        match failing {
            Failing::Before => Self::Before,
            Failing::After => Self::After,
            Failing::Down => Self::Down,
        }
    }
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Header {
    /// The version of this format.
    sessionspec_schedule: u32,
    /// The rule the schedule is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// How many lines follow, so that a cut file is noticed.
    moves: usize,
}

/// The schemas of the lines of a schedule.
pub(crate) fn line_schemas(generator: &mut schemars::SchemaGenerator) -> [schemars::Schema; 2] {
    [generator.subschema_for::<Header>(), generator.subschema_for::<Move>()]
}

impl Move {
    /// The session that it is about: numbers go round among those that there are.
    fn key(&self) -> Option<u32> {
        match self {
            Self::Begin { key, .. } | Self::Crash { key, .. } => Some(session(*key)),
            _ => None,
        }
    }

    /// For a reader.
    fn text(&self, parts: &[&str]) -> String {
        let to = |stop: &Option<u32>| match stop {
            Some(stop) => format!(" up to stop {stop}"),
            None => String::new(),
        };
        match self {
            Self::Begin { client, op, key, stop } => {
                format!("client {client}: {} k{key}{}", op.name(), to(stop))
            }
            Self::Go { client, stop: None } => format!("client {client} goes on to the end"),
            Self::Go { client, stop: Some(stop) } => format!("client {client} goes on over {stop} stops"),
            Self::Drop { client } => format!("client {client} goes away"),
            Self::Fail { part, call, when } => {
                let when = match when {
                    Failing::Before => "fails before it is done",
                    Failing::After => "is done, and its answer lost",
                    Failing::Down => "fails, and all that follow",
                };
                let name = part_of(*part, parts).unwrap_or("part that there is not");
                format!("call {} of the {name} {when}", call + 1)
            }
            Self::Mend => "nothing fails any more".into(),
            Self::Forget => "every part that may forget loses what it keeps".into(),
            Self::Crash { client, op, key, after_us } => {
                format!(
                    "client {client}: {} k{key}, and the process is killed {after_us} µs later",
                    op.name()
                )
            }
        }
    }
}

/// The session that a number means.
fn session(number: u32) -> u32 {
    (number.max(1) - 1) % KEYS + 1
}

/// The part that a number means: numbers go round among those that there are.
pub(crate) fn part_of<'a>(number: u32, parts: &[&'a str]) -> Option<&'a str> {
    let index = usize::try_from(number.max(1) - 1).ok()?.checked_rem(parts.len())?;
    parts.get(index).copied()
}

impl Operation {
    /// What is asked with it; `write` gives the number of a write.
    fn asked(self, write: impl FnOnce() -> u32) -> Asked {
        match self {
            Self::Insert => Asked::Insert(write()),
            Self::Update => Asked::Update(write()),
            Self::Lapse => Asked::Lapse(write()),
            Self::Delete => Asked::Delete,
            Self::Load => Asked::Load,
            Self::Exists => Asked::Exists,
            Self::ClearExpired => Asked::ClearExpired,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Lapse => "lapse",
            Self::Delete => "delete",
            Self::Load => "load",
            Self::Exists => "exists",
            Self::ClearExpired => "clear-expired",
        }
    }
}

impl Schedule {
    /// Whether a process is killed in it.
    pub(crate) fn has_crash(&self) -> bool {
        self.moves.iter().any(|one| matches!(one, Move::Crash { .. }))
    }

    /// Whether each operation is done before the next one begins, and nothing else happens.
    pub(crate) fn is_one_after_the_other(&self) -> bool {
        self.moves.iter().all(|one| matches!(one, Move::Begin { stop: None, .. }))
    }

    /// The sessions that are looked at in the end: those that are used in it, and those that others may have been taken for.
    pub(crate) fn keys(&self) -> impl Iterator<Item = u32> + use<> {
        let keys: BTreeSet<u32> = self.moves.iter().filter_map(Move::key).chain(1..=MET).collect();
        keys.into_iter()
    }

    /// Its moves for a reader, on a store with these parts.
    pub fn texts(&self, parts: &[&str]) -> impl Iterator<Item = String> {
        self.moves.iter().map(|one| one.text(parts))
    }

    /// The schedule as a file: a header line, then a line per move.
    pub fn to_jsonl(&self, rule: Option<&str>) -> String {
        let header =
            Header { sessionspec_schedule: FORMAT, rule: rule.map(Into::into), moves: self.moves.len() };
        // Writing to a String cannot fail.
        let mut out = format!("{}\n", crate::json::Json::of(&header).as_str());
        for one in &self.moves {
            let _ = writeln!(out, "{}", crate::json::Json::of(one).as_str());
        }
        out
    }

    /// Whether a file is meant to be a schedule.
    pub fn is_one(text: &str) -> bool {
        text.trim_start().starts_with("{\"sessionspec_schedule\"")
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A sentence that names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (_, first) = lines.next().ok_or("the file is empty")?;
        let header: Header =
            serde_json::from_str(first).map_err(|error| format!("line 1: not a schedule: {error}"))?;
        if header.sessionspec_schedule != FORMAT {
            let found = header.sessionspec_schedule;
            return Err(format!("line 1: schedule format {found}; this sessionspec reads format {FORMAT}"));
        }
        let mut moves = Vec::new();
        for (index, line) in lines {
            let read = serde_json::from_str(line).map_err(|error| format!("line {}: {error}", index + 1))?;
            moves.push(read);
            if moves.len() > MAX_MOVES {
                return Err(format!("line {}: a schedule has at most {MAX_MOVES} moves", index + 1));
            }
        }
        if moves.len() != header.moves {
            return Err(format!(
                "the header announces {} moves and {} follow: the file was cut, or lines were added",
                header.moves,
                moves.len()
            ));
        }
        Ok(Self { moves })
    }

    /// A short name: the same schedule has the same name, on every machine.
    pub fn fingerprint(&self) -> String {
        crate::trace::fingerprint(&self.to_jsonl(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_read_as_it_was_written() {
        let schedule = Schedule {
            moves: vec![
                Move::Begin { client: 0, op: Operation::Insert, key: 1, stop: None },
                Move::Begin { client: 1, op: Operation::Load, key: 1, stop: Some(2) },
                Move::Fail { part: 1, call: 0, when: Failing::After },
                Move::Drop { client: 1 },
                Move::Mend,
                Move::Forget,
                Move::Crash { client: 2, op: Operation::Update, key: 2, after_us: 300 },
            ],
        };
        let text = schedule.to_jsonl(Some("concurrent.delete.final"));
        assert!(Schedule::is_one(&text), "{text}");
        assert_eq!(Schedule::parse(&text).unwrap(), schedule, "{text}");
    }

    #[test]
    fn a_file_that_is_no_schedule_is_refused_by_its_line() {
        let whole = Schedule { moves: vec![Move::Mend, Move::Mend] }.to_jsonl(None);
        let cut: Vec<&str> = whole.lines().take(2).collect();
        assert!(Schedule::parse(&cut.join("\n")).unwrap_err().contains("announces 2 moves and 1"));
        let other = whole.replace("mend", "break");
        assert!(Schedule::parse(&other).unwrap_err().contains("line 2"));
        let newer = whole.replace("\"sessionspec_schedule\":1", "\"sessionspec_schedule\":2");
        assert!(Schedule::parse(&newer).unwrap_err().contains("format 2"));
    }
}
