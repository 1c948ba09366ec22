//! The reference model: what the specification says, as plainly as it can be run.
//!
//! Each step yields the answer that must be seen and, for each aspect of it, the rules that say so, the
//! most specific first. The model shares no code with `session-core`. It knows keys as symbols (`k1`)
//! and values as opaque text; it does no I/O and reads no clock.
//!
//! - `mod.rs`: the state, and what is the same for all operations
//! - `storage.rs`: the operations on the storage
//! - `session.rs`: the operations on a session object
//! - `lifecycle.rs`: those of them that store it
//! - `expiry.rs`: when a session expires
//! - `data.rs`: the dictionary
//! - `explain.rs`: the rules behind a record's being there, or not

mod data;
mod expiry;
mod explain;
mod lifecycle;
mod session;
mod storage;

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_core::ExpiredRecords;

use crate::call::{Call, Handles};
use crate::json::Class;
use crate::manifest::{Erratum, Manifest, ValueSupport};
use crate::observation::{Answer, ErrorKind, SessionState};
use crate::op::{Key, SessionOp, StorageOp};
use crate::rule::RuleId;
use crate::rules;
use crate::trace::{OTHER_STORAGE, START, Settings, Step};
use data::Data;
pub(crate) use expiry::ENTRY as EXPIRY_ENTRY;
use storage::{Storage, removes};

/// The part of an observation that a rule speaks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Aspect {
    /// Whether the operation succeeded, or with which kind of error it failed.
    Outcome,
    /// The key of the session object.
    Key,
    /// The answer itself.
    Answer,
    /// The flag.
    Accessed,
    /// The flag.
    Modified,
}

/// What must be seen after a step, and why.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Expected {
    /// The answer or the kind of error.
    pub outcome: Result<Answer, ErrorKind>,
    /// The state of the session object, for operations on one.
    pub session: Option<SessionState<Key>>,
    /// Which rules say so.
    pub why: Vec<(Aspect, RuleId)>,
}

impl Expected {
    /// The rules behind an aspect, each once, the most specific first. Where no rule speaks about just this aspect,
    /// the rules of the whole step do.
    pub(crate) fn rules(&self, aspect: Aspect) -> Vec<RuleId> {
        let of = |wanted: Option<Aspect>| {
            let mut rules = Vec::new();
            for (_, rule) in self.why.iter().filter(|(aspect, _)| wanted.is_none_or(|w| *aspect == w)) {
                if !rules.contains(rule) {
                    rules.push(*rule);
                }
            }
            rules
        };
        let exact = of(Some(aspect));
        if exact.is_empty() { of(None) } else { exact }
    }
}

/// What becomes of the errata that a subject declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Errata {
    /// The model does what the subject says it does, where it knows how.
    Imitated,
    /// The model knows no errata: all of them are held against the subject.
    Enforced,
    /// As [`Imitated`](Self::Imitated), but this one is held against the subject.
    ImitatedBut(RuleId),
}

/// The reference model.
#[derive(Debug, Clone)]
pub struct Model {
    choices: Choices,
    settings: Settings,
    now: i64,
    /// The storage that is acted on.
    storage: Storage,
    /// The one beside it.
    other: Storage,
    sessions: Vec<Session>,
    issued: u32,
    /// How often the secret was replaced.
    secret: u32,
    forced: VecDeque<Key>,
    /// How many records were written.
    writes: u64,
    why: Vec<(Aspect, RuleId)>,
}

/// Which of the permitted behaviours the subject declared.
#[derive(Debug, Clone)]
struct Choices {
    manifest: Manifest,
    /// The rules that the subject says it breaks, and that the model breaks with it where it knows how.
    errata: Vec<RuleId>,
}

impl Choices {
    /// Whether the subject breaks a rule in the way that the model can imitate.
    fn breaks(&self, rule: RuleId) -> bool {
        self.errata.contains(&rule)
    }
}

/// A record in the store.
#[derive(Debug, Clone)]
struct Record {
    data: Data,
    expires: i64,
    damaged: bool,
    writer: u8,
    /// Which write of the model's history this is.
    version: u64,
    /// The second in which it was written; it is part of a key that is the data.
    signed: i64,
    /// How often the secret had been replaced then.
    secret: u32,
    /// Why the record has this data.
    origin: Vec<RuleId>,
    /// Why it expires when it does.
    lifetime: RuleId,
    /// What happened to the store since the record was written, and must not have touched it.
    survived: Vec<RuleId>,
}

/// A session object.
#[derive(Debug, Clone)]
struct Session {
    client: u8,
    key: Option<Key>,
    /// What is in memory; `None` until the first reading.
    data: Option<Data>,
    /// The version of the record that was read or written last.
    version: Option<u64>,
    /// Whether a value was changed in place since then.
    nested: bool,
    /// How the session's own expiry was set, where the entry does not tell.
    lifetime: Option<RuleId>,
    accessed: bool,
    modified: bool,
}

impl Model {
    /// A model of an empty store behind a subject with this manifest, at [`START`].
    ///
    /// Of the errata, those that the model knows to imitate are imitated: what follows such a step can then be compared
    /// too.
    pub fn new(manifest: &Manifest, settings: Settings, errata: Errata) -> Self {
        let declared = manifest.errata.iter().filter_map(Self::imitates);
        let errata = match errata {
            Errata::Imitated => declared.collect(),
            Errata::Enforced => Vec::new(),
            Errata::ImitatedBut(rule) => declared.filter(|declared| *declared != rule).collect(),
        };
        Self {
            choices: Choices { manifest: manifest.clone(), errata },
            settings,
            now: START,
            storage: Storage::default(),
            other: Storage::default(),
            sessions: Vec::new(),
            issued: 0,
            secret: 0,
            forced: VecDeque::new(),
            writes: 0,
            why: Vec::new(),
        }
    }

    /// The same at another instant, in microseconds since the Unix epoch.
    #[must_use]
    pub fn starting_at(self, now: i64) -> Self {
        Self { now, ..self }
    }

    /// The errata that the model imitates: each `breaks` below is one of them.
    const IMITATES: &[RuleId] = &[
        rules::KEY_TAMPERED,
        rules::LIFECYCLE_CREATE_STORES,
        rules::LIFECYCLE_CREATE_UNREAD,
        rules::LIFECYCLE_CREATE_FAILED_LEAVES_NO_KEY,
        rules::LIFECYCLE_DELETE_KEEPS_OBJECT,
        rules::LIFECYCLE_SAVE_FLAGS,
        rules::LIFECYCLE_SAVE_UNKNOWN_UNREAD,
        rules::EXPIRY_DURATION,
        rules::EXPIRY_RANGE,
        rules::EXPIRY_SIGNED_SECONDS,
    ];

    /// The rule of an erratum that the model imitates: it knows how, and the manifest does not say that the erratum
    /// shows in another way.
    pub(crate) fn imitates(erratum: &Erratum) -> Option<RuleId> {
        let rule = RuleId::named(&erratum.rule).filter(|_| erratum.seen.is_empty());
        rule.filter(|rule| Self::IMITATES.contains(rule))
    }

    /// The present instant, in microseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// Whether a record that is there ends in the next so many microseconds.
    pub(crate) fn ends_within(&self, micros: i64) -> bool {
        let mut records = self.storage.records.values().chain(self.other.records.values());
        records.any(|record| record.expires > self.now && record.expires - self.now <= micros)
    }

    /// How many session objects there are.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// The key and client of a session object, counted from 0.
    pub(crate) fn session(&self, index: usize) -> Option<(Option<Key>, u8)> {
        self.sessions.get(index).map(|session| (session.key, session.client))
    }

    /// The records: of each whether it is in the other storage, its key, the instant of its expiry, and which write made it
    /// so.
    #[cfg(feature = "cli")]
    pub(crate) fn records(&self) -> impl Iterator<Item = ((bool, Key), i64, u64)> {
        let both = [(false, &self.storage.records), (true, &self.other.records)].into_iter();
        both.flat_map(|(is_other, records)| {
            records.iter().map(move |(key, record)| ((is_other, *key), record.expires, record.version))
        })
    }

    /// How many objects and keys there are.
    pub fn handles(&self) -> Handles {
        Handles { sessions: self.sessions.len(), issued: self.issued }
    }

    /// Lets time go by, in microseconds.
    pub fn advance(&mut self, micros: i64) {
        self.now += micros;
    }

    /// What a step does; `None` if it acts on nothing, or if the suite leaves it out.
    pub fn resolve<'a>(&self, step: &'a Step) -> Option<Call<'a, Key>> {
        self.handles().resolve(step).filter(|call| !self.leaves_out(call))
    }

    /// Whether the suite leaves an operation out: storing under a key that a visitor chose is not asked
    /// of any store, where the key is the data there is none to be taken, and what has expired is not damaged.
    fn leaves_out(&self, call: &Call<'_, Key>) -> bool {
        let client = self.client(call);
        let records = if client == OTHER_STORAGE { &self.other.records } else { &self.storage.records };
        match call {
            _ if self.choices.manifest.lacks(client, call.on_storage()).is_some() => true,
            Call::Op { number, op: SessionOp::SaveMustCreate } => {
                self.client_side() || self.sessions[*number].key.is_some_and(Key::is_foreign)
            }
            // Nobody can say what a list does with a record that cannot be read, or a number with one that has expired.
            Call::Storage { op: StorageOp::All, .. } => records.values().any(|record| record.damaged),
            Call::Storage { op: StorageOp::Length, .. } => {
                records.values().any(|record| record.damaged || record.expires <= self.now)
            }
            // Whether what has expired is still there to be damaged is the store's affair.
            Call::Storage { op: StorageOp::Damage(key), .. } => {
                records.get(key).is_some_and(|record| record.expires <= self.now)
            }
            _ => false,
        }
    }

    /// Does a step; `None` if it acts on nothing.
    pub fn step(&mut self, step: &Step) -> Option<Expected> {
        self.advance(step.advance);
        self.resolve(step).map(|call| self.call(&call))
    }

    /// Does one thing, at the present instant. Session objects are made with the next number.
    ///
    /// # Panics
    /// If there is no session object of the number.
    pub fn call(&mut self, call: &Call<'_, Key>) -> Expected {
        self.why.clear();
        let is_other = self.client(call) == OTHER_STORAGE;
        if is_other {
            self.change_storage();
        }
        let (outcome, session) = match call {
            Call::Session { client, key, .. } => self.open(*client, *key),
            Call::Op { number, op } => {
                let outcome = self.session_op(*number, op);
                let session = &self.sessions[*number];
                let state =
                    SessionState { key: session.key, accessed: session.accessed, modified: session.modified };
                (outcome, Some(state))
            }
            Call::Storage { client, op } => (self.storage_op(*client, *op), None),
        };
        if removes(call) && self.choices.manifest.other_storage {
            self.other.mark_survivors(rules::LIFECYCLE_OTHER_STORAGE);
        }
        if is_other {
            self.change_storage();
        }
        Expected { outcome, session, why: std::mem::take(&mut self.why) }
    }

    /// Who does something. What is done to both storages is nobody's.
    pub(crate) fn client(&self, call: &Call<'_, Key>) -> u8 {
        match call {
            Call::Op { number, .. } => self.sessions[*number].client,
            Call::Storage { op, .. } if op.reopens() || matches!(op, StorageOp::ForceKey(_)) => 0,
            Call::Session { client, .. } | Call::Storage { client, .. } => *client,
        }
    }

    fn because(&mut self, aspect: Aspect, rule: RuleId) {
        if !self.why.contains(&(aspect, rule)) {
            self.why.push((aspect, rule));
        }
    }

    fn open(
        &mut self,
        client: u8,
        key: Option<Key>,
    ) -> (Result<Answer, ErrorKind>, Option<SessionState<Key>>) {
        let given = key.is_some();
        let key = match key {
            Some(key) if !key.is_key() => {
                self.because(Aspect::Key, rules::KEY_SHORT);
                None
            }
            Some(key) => {
                self.because(Aspect::Key, rules::KEY_UNREAD_UNCHANGED);
                Some(key)
            }
            None => None,
        };
        self.because(Aspect::Outcome, rules::LIFECYCLE_OPEN_LAZY);
        if given {
            self.because(Aspect::Accessed, rules::LIFECYCLE_OPEN_LAZY);
        }
        self.because(Aspect::Accessed, rules::TRACKING_NEW);
        self.because(Aspect::Modified, rules::TRACKING_NEW);
        self.sessions.push(Session {
            client,
            key,
            data: None,
            version: None,
            nested: false,
            lifetime: None,
            accessed: false,
            modified: false,
        });
        (Ok(Answer::Unit), Some(SessionState { key, accessed: false, modified: false }))
    }

    /// Whether the key is held by a record, live or waiting to be cleared.
    fn taken(&self, key: Key) -> bool {
        self.storage.records.get(&key).is_some_and(|record| {
            record.expires > self.now || self.choices.manifest.capabilities.expired == ExpiredRecords::Kept
        })
    }

    /// Whether the key is the data, so that nothing is kept by the store: each save makes a key, and none is
    /// ever taken back.
    fn client_side(&self) -> bool {
        !self.choices.manifest.capabilities.server_side
    }

    /// A key that was not made here may be anything, and must be taken as any other key.
    fn note_foreign(&mut self, key: Key) {
        if key.is_foreign() {
            self.because(Aspect::Outcome, rules::KEY_HOSTILE);
        }
    }

    /// A key for a new record: the first candidate that is free.
    fn draw_key(&mut self) -> Key {
        while let Some(candidate) = self.forced.pop_front() {
            if !self.taken(candidate) {
                return candidate;
            }
            self.explain_presence(candidate, Aspect::Key);
            self.because(Aspect::Key, rules::KEY_COLLISION);
            self.because(Aspect::Outcome, rules::KEY_COLLISION);
        }
        self.issued += 1;
        self.because(Aspect::Key, rules::KEY_FRESH);
        self.because(Aspect::Key, rules::KEY_FORMAT);
        Key::Issued(self.issued)
    }

    /// Whether a kind of value is refused at this moment, and by which rule.
    fn refusal(&self, class: Class, moment: ValueSupport) -> Option<RuleId> {
        let rule = match class {
            Class::LoneSurrogate => rules::DATA_SURROGATES_REFUSED,
            Class::NonFinite => rules::DATA_NON_FINITE_REFUSED,
            Class::HugeInteger => rules::DATA_INTEGERS_HUGE_REFUSED,
            Class::BigInteger => rules::DATA_INTEGERS_REFUSED,
            Class::Deep => rules::DATA_DEEP_REFUSED,
            _ => return None,
        };
        (self.choices.manifest.values.support(class) == moment).then_some(rule)
    }
}

/// The rule that says a value of this class survives.
fn survival(class: Class) -> RuleId {
    match class {
        Class::LoneSurrogate => rules::DATA_SURROGATES_KEPT,
        Class::NonFinite => rules::DATA_NON_FINITE_KEPT,
        Class::Deep => rules::DATA_DEEP_KEPT,
        Class::Large => rules::DATA_LARGE,
        Class::HugeInteger => rules::DATA_INTEGERS_HUGE_KEPT,
        Class::BigInteger => rules::DATA_INTEGERS_KEPT,
        Class::NonBmp => rules::DATA_NON_BMP,
        Class::Float => rules::DATA_FLOATS,
        Class::Text => rules::DATA_TEXT,
        Class::Plain => rules::DATA_JSON,
    }
}
