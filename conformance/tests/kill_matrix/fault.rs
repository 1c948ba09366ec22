//! What a row of the table is: a store that is wrong in one way, and the rule that must find it.

use session_conformance::call::Call;
use session_conformance::observation::{Listed, Observation};
use session_conformance::subject::{Fault as Undriven, Opening};
use session_core::{Record, SessionKey, StoreError};
use time::OffsetDateTime;

use crate::adapter::Adapter;
use crate::plain::{At, Row, State};
use crate::signed::Signed;

/// A store, or sessions on one, with one fault.
pub(crate) struct Fault {
    /// What it is called; unique.
    pub(crate) name: &'static str,
    /// The rule that must lead the report.
    pub(crate) rule: &'static str,
    /// What is wrong, in a line.
    pub(crate) wrong: &'static str,
    /// Who has really had it; empty if nobody is known.
    pub(crate) seen: &'static str,
    /// The store that it is built on.
    pub(crate) on: Base,
    /// The fault itself.
    pub(crate) flaw: Flaw,
}

/// A row of the table.
pub(crate) const fn fault(
    name: &'static str,
    rule: &'static str,
    wrong: &'static str,
    seen: &'static str,
    on: Base,
    flaw: Flaw,
) -> Fault {
    Fault { name, rule, wrong, seen, on, flaw }
}

/// The plain stores, each right by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// Expired records stay until they are cleared; persistent; two handles.
    Database,
    /// Expired records are gone; persistent; two handles.
    Cache,
    /// Expired records are gone, and everything with the process.
    Memory,
    /// A database that cannot clear.
    Unswept,
    /// A cache that lists, counts and removes all its sessions.
    Listing,
    /// A database that several sites share: the name of each stands before its keys.
    Sites,
    /// A database whose records have at most 64 KiB.
    Limited,
    /// The key is the data.
    Cookie,
    /// Session objects of an adapter, on a plain database.
    Sessions,
    /// Session objects of an adapter whose values are limited to what many languages can hold.
    Refusing,
}

impl Base {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::Database,
        Self::Cache,
        Self::Memory,
        Self::Unswept,
        Self::Listing,
        Self::Sites,
        Self::Limited,
        Self::Cookie,
        Self::Sessions,
        Self::Refusing,
    ];

    /// What it is called on the page.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Cache => "cache",
            Self::Memory => "memory",
            Self::Unswept => "database without clearing",
            Self::Listing => "cache that lists",
            Self::Sites => "database of several sites",
            Self::Limited => "database with a limit",
            Self::Cookie => "signed cookie",
            Self::Sessions => "sessions",
            Self::Refusing => "sessions that refuse values",
        }
    }
}

/// What a method of a store answers.
pub(crate) type Answer<T> = Result<T, StoreError>;

/// One thing that is done otherwise than in the plain store.
pub(crate) enum Flaw {
    /// Nothing.
    None,
    /// The place in which the record of a key lies.
    Key(fn(&str) -> String),
    /// Whether a record loads.
    Lives(fn(&Row, OffsetDateTime) -> bool),
    /// Whether a record holds its key.
    Holds(fn(&Row, OffsetDateTime) -> bool),
    /// What is kept of a record; the one that was there before is given.
    Kept(fn(&mut Record, Option<&Row>, OffsetDateTime)),
    /// What comes out of a record.
    Given(fn(&mut Record, OffsetDateTime)),
    /// The JSON text of each value that is kept.
    Value(fn(&str) -> String),
    /// The JSON text of each name that is kept; nothing if the entry is not kept.
    Name(fn(&str) -> Option<String>),
    /// All sites have the same place.
    OneSite,
    Exists(fn(&mut At<'_>, &SessionKey) -> Answer<bool>),
    Load(fn(&mut At<'_>, &SessionKey) -> Answer<Option<Record>>),
    Insert(fn(&mut At<'_>, &SessionKey, &Record) -> Answer<SessionKey>),
    Update(fn(&mut At<'_>, &SessionKey, &Record) -> Answer<SessionKey>),
    Delete(fn(&mut At<'_>, &SessionKey) -> Answer<()>),
    Sweep(fn(&mut At<'_>) -> Answer<u64>),
    /// The list of all sessions.
    Lists(fn(&mut At<'_>) -> Answer<Vec<Listed>>),
    /// Their number.
    Counts(fn(&mut At<'_>) -> Answer<u64>),
    /// The removal of all.
    Empties(fn(&mut At<'_>) -> Answer<()>),
    /// What becomes of the storage when it is opened.
    Opened(fn(&mut State, Opening)),
    /// Reading a cookie.
    Read(fn(&Signed, &SessionKey) -> Answer<Option<Record>>),
    /// Making a cookie; the key that the session had is given.
    Signs(fn(&Signed, &SessionKey, &Record) -> Answer<SessionKey>),
    /// Deleting a cookie.
    Revokes(fn(&Signed, &SessionKey) -> Answer<()>),
    /// Asking for a cookie.
    Knows(fn(&Signed, &SessionKey) -> Answer<bool>),
    /// Clearing cookies.
    Clears(fn(&Signed) -> Answer<u64>),
    /// What the sessions of an adapter do.
    Calls(fn(&mut Adapter, &Call<'_>) -> Result<Observation, Undriven>),
    /// More than one.
    All(&'static [Flaw]),
}

impl Flaw {
    /// The first part that is of a kind.
    pub(crate) fn find<T>(&self, of: impl Fn(&Self) -> Option<T> + Copy) -> Option<T> {
        match self {
            Self::All(parts) => parts.iter().find_map(|part| part.find(of)),
            one => of(one),
        }
    }
}

/// The part of a flaw that is of a kind, if it has one.
macro_rules! part {
    ($flaw:expr, $kind:ident) => {
        $flaw.find(|flaw| match flaw {
            $crate::fault::Flaw::$kind(part) => Some(*part),
            _ => None,
        })
    };
}
pub(crate) use part;
