//! Histories: what several clients asked of one store, when, and what they were told; and whether the answers fit.
//!
//! A trace knows after each step what must be seen. Where operations overlap, are dropped or lose their answers, more
//! than one thing may be right: a history is right if there is an order of its operations, one after the other, that
//! explains every answer (linearizability). Each session is a register of its own, and each write is unlike any other.
//!
//! - `mod.rs`: what a history is
//! - `check.rs`: whether there is such an order
//! - `verdict.rs`: where there is none: which answer is wrong, which rule it breaks, and why, in words

mod check;
mod verdict;

use std::fmt;

use session_core::Consistency;

use crate::manifest::Manifest;
use crate::rule::RuleId;
use crate::rules;

pub use check::{Found, check};
pub use verdict::{Violation, judge};

/// What a client asks of the store. Each write has a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asked {
    /// To store a new record.
    Insert(u32),
    /// To replace a record.
    Update(u32),
    /// As an update, in a store that creates what is not there.
    Upsert(u32),
    /// To replace a record by one that has expired, and that nobody may see.
    Lapse(u32),
    /// That the session lives longer, whose record was this write when the client read it. What it holds stays as it is.
    Touch(u32),
    /// To remove a record.
    Delete,
    /// To read a record.
    Load,
    /// Whether there is a record.
    Exists,
    /// To remove every record that has expired. It is about all sessions, whatever key it has.
    ClearExpired,
}

/// What it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Told {
    /// It is done.
    Done,
    /// The key is taken.
    Taken,
    /// There is no record to update.
    Missing,
    /// The record of this write.
    Found(u32),
    /// There is no record.
    Nothing,
    /// Something that nobody wrote.
    Strange(String),
    /// Whether there is a record.
    There(bool),
    /// An error: what was asked may have been done, or be done later, or not.
    Failed(String),
    /// Nothing, since nobody waited for the answer.
    Unanswered,
}

impl Asked {
    /// Whether it changes what is under the key, if it is done.
    pub(crate) fn is_write(self) -> bool {
        match self {
            Self::Insert(_) | Self::Update(_) | Self::Upsert(_) | Self::Lapse(_) | Self::Delete => true,
            Self::Touch(_) | Self::Load | Self::Exists | Self::ClearExpired => false,
        }
    }

    /// The number of the write that is under the key when it is done, for everybody to see.
    pub(crate) fn written(self) -> Option<u32> {
        match self {
            Self::Insert(write) | Self::Update(write) | Self::Upsert(write) => Some(write),
            Self::Lapse(_)
            | Self::Touch(_)
            | Self::Delete
            | Self::Load
            | Self::Exists
            | Self::ClearExpired => None,
        }
    }
}

impl Told {
    /// Whether the answer leaves open what became of the operation.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Unanswered)
    }
}

/// One operation of a history. Instants are places in the order of all beginnings and ends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Who asked.
    pub client: u8,
    /// Of which session, from 1.
    pub key: u32,
    /// What.
    pub asked: Asked,
    /// The answer.
    pub told: Told,
    /// When it was asked.
    pub began: u64,
    /// When the answer came; never, if nobody waited for it.
    pub ended: Option<u64>,
    /// Whether a part of the store was made to fail meanwhile.
    pub under_fault: bool,
    /// Whether it is one of the questions at the end, when nothing is under way and nothing fails any more.
    pub audit: bool,
}

impl Event {
    /// A question whose answer is still to come.
    pub fn new(client: u8, key: u32, asked: Asked, began: u64) -> Self {
        let told = Told::Unanswered;
        Self { client, key, asked, told, began, ended: None, under_fault: false, audit: false }
    }

    /// Whether it is about a session. A clearing is about all of them.
    pub(crate) fn is_about(&self, key: u32) -> bool {
        self.key == key || self.asked == Asked::ClearExpired
    }

    /// The instant after which it can no longer take effect, if there is one.
    pub(crate) fn latest(&self) -> u64 {
        match self.ended {
            Some(ended) if !self.told.is_open() => ended,
            _ => u64::MAX,
        }
    }
}

/// What happened, in the order in which it was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The operations.
    pub events: Vec<Event>,
    /// When the process in which the store is was killed, and another one took over.
    pub crashes: Vec<u64>,
}

impl History {
    /// The same in the terms of a store: where saving creates what is not there, an update does, and where a taken key is
    /// no obstacle, so does an insertion.
    pub(crate) fn in_terms_of(mut self, manifest: &Manifest) -> Self {
        for event in &mut self.events {
            match event.asked {
                Asked::Update(write) if manifest.upsert => event.asked = Asked::Upsert(write),
                Asked::Insert(write) if !manifest.refuses_insert() => event.asked = Asked::Upsert(write),
                _ => {}
            }
        }
        self
    }

    /// The part that is about one session.
    pub(crate) fn of_key(&self, key: u32) -> Vec<&Event> {
        self.events.iter().filter(|event| event.is_about(key)).collect()
    }

    /// The sessions that it is about.
    pub(crate) fn keys(&self) -> Vec<u32> {
        let mut keys: Vec<u32> = self.events.iter().map(|event| event.key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The rules that have something to say about it.
    pub(crate) fn exercises(&self) -> Vec<RuleId> {
        let pairs = || {
            self.events.iter().enumerate().flat_map(|(place, one)| {
                self.events[place + 1..]
                    .iter()
                    .filter(|other| other.key == one.key)
                    .map(move |other| (one, other))
            })
        };
        let reads =
            |event: &Event| matches!(event.asked, Asked::Load | Asked::Exists) && !event.told.is_open();
        let wrote = |event: &Event| event.told == Told::Done && event.asked.is_write();
        let cleared_since = |write: &Event| {
            let clears = |event: &&Event| event.asked == Asked::ClearExpired && event.told == Told::Done;
            self.events.iter().filter(clears).any(|clearing| clearing.latest() > write.began)
        };
        let done = |one: &Event, other: &Event| one.ended.is_some_and(|ended| ended < other.began);
        let died =
            |one: u64, other: &Event| self.crashes.iter().any(|crash| one < *crash && *crash < other.began);
        let inserts = |event: &Event| matches!(event.asked, Asked::Insert(_)) && !event.told.is_open();
        let said = [
            (
                rules::CRASH_ACKNOWLEDGED,
                pairs().any(|(one, other)| {
                    wrote(one) && reads(other) && one.ended.is_some_and(|ended| died(ended, other))
                }),
            ),
            (
                rules::CRASH_WHOLE,
                pairs().any(|(one, other)| {
                    one.told == Told::Unanswered && reads(other) && died(one.began, other)
                }),
            ),
            (
                rules::CONCURRENT_DELETE_FINAL,
                pairs().any(|(one, other)| {
                    one.asked == Asked::Delete && wrote(one) && reads(other) && done(one, other)
                }),
            ),
            (rules::CONCURRENT_INSERT_ONE_WINS, pairs().any(|(one, other)| inserts(one) && inserts(other))),
            (
                rules::CONCURRENT_LOAD_LATEST,
                pairs().any(|(one, other)| wrote(one) && reads(other) && done(one, other)),
            ),
            (
                rules::CONCURRENT_RECORD_WHOLE,
                self.events.iter().any(|event| matches!(event.told, Told::Found(_) | Told::Strange(_))),
            ),
            (
                rules::CONCURRENT_CLEAR_RENEWED,
                pairs().any(|(one, other)| {
                    let renews = matches!(other.asked, Asked::Update(_)) && wrote(other);
                    matches!(one.asked, Asked::Lapse(_)) && wrote(one) && renews && cleared_since(other)
                }),
            ),
            (rules::CONCURRENT_ORDER, pairs().next().is_some()),
            (rules::FAILURE_NO_LIE, self.events.iter().any(|event| event.under_fault && wrote(event))),
            (rules::FAILURE_NOT_ABSENCE, self.events.iter().any(|event| event.under_fault && !wrote(event))),
            (
                rules::FAILURE_RECOVERS,
                self.events.iter().any(|event| event.under_fault)
                    && self.events.iter().any(|event| event.audit),
            ),
        ];
        said.into_iter().filter(|(_, said)| *said).map(|(rule, _)| rule).collect()
    }

    /// Which rule is broken, and where, if the answers do not fit what the store promises.
    pub fn judge(&self, promise: Consistency) -> Option<Violation> {
        judge(self, promise)
    }
}

impl fmt::Display for Asked {
    /// For a reader, without the session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Insert(write) => write!(f, "insert w{write}"),
            Self::Update(write) => write!(f, "update w{write}"),
            Self::Upsert(write) => write!(f, "save w{write}"),
            Self::Lapse(write) => write!(f, "lapse w{write}"),
            Self::Touch(write) => write!(f, "touch w{write}"),
            Self::Delete => f.write_str("delete"),
            Self::Load => f.write_str("load"),
            Self::Exists => f.write_str("exists"),
            Self::ClearExpired => f.write_str("clear-expired"),
        }
    }
}

impl fmt::Display for Told {
    /// For a reader.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("ok"),
            Self::Taken => f.write_str("create-error"),
            Self::Missing => f.write_str("update-error"),
            Self::Found(write) => write!(f, "w{write}"),
            Self::Nothing => f.write_str("nothing"),
            Self::Strange(what) => write!(f, "something nobody wrote: {}", crate::observation::shown(what)),
            Self::There(yes) => write!(f, "{yes}"),
            Self::Failed(error) => write!(f, "error: {error}"),
            Self::Unanswered => f.write_str("(nobody waited)"),
        }
    }
}
