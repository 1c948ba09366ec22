//! The reference model: what the specification says, as plainly as it can be run.
//!
//! Each step yields the answer that must be seen and, for each aspect of it, the rules that say so, the
//! most specific first. The model shares no code with `session-core`. It knows keys as symbols (`k1`)
//! and values as opaque text; it does no I/O and reads no clock.
//!
//! - `mod.rs`: the state, and the operations on the storage
//! - `session.rs`: the operations on a session object
//! - `lifecycle.rs`: those of them that store it
//! - `expiry.rs`: when a session expires
//! - `data.rs`: the dictionary

mod data;
mod expiry;
mod lifecycle;
mod session;

use std::collections::{HashMap, VecDeque};

use session_core::{ClearExpired, ExpiredRecords};

use crate::json::Class;
use crate::manifest::{Keeps, Manifest};
use crate::observation::{Answer, ErrorKind, SessionState};
use crate::op::{Forged, KeyRef, Op};
use crate::rule::RuleId;
use crate::rules;
use crate::trace::{START, Settings, Step};
use data::Data;

/// A key as the model knows it. Two keys are the same key exactly if they are equal.
pub type Key = KeyRef;

/// The part of an observation that a rule speaks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
pub struct Expected {
    /// The answer or the kind of error.
    pub outcome: Result<Answer, ErrorKind>,
    /// The state of the session object, for operations on one.
    pub session: Option<SessionState<Key>>,
    /// Which rules say so.
    pub why: Vec<(Aspect, RuleId)>,
}

impl Expected {
    /// The rules behind an aspect, the most specific first. Where no rule speaks about just this aspect,
    /// the rules of the whole step do.
    pub fn rules(&self, aspect: Aspect) -> Vec<RuleId> {
        let of = |wanted: Option<Aspect>| -> Vec<RuleId> {
            self.why.iter().filter(|(a, _)| wanted.is_none_or(|w| *a == w)).map(|(_, rule)| *rule).collect()
        };
        let exact = of(Some(aspect));
        if exact.is_empty() { of(None) } else { exact }
    }
}

/// The reference model.
#[derive(Debug, Clone)]
pub struct Model {
    choices: Choices,
    settings: Settings,
    now: i64,
    records: HashMap<Key, Record>,
    /// Why a key that was issued addresses nothing any more.
    fates: HashMap<Key, RuleId>,
    sessions: Vec<Session>,
    issued: u32,
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
    /// A model of an empty store behind a subject with this manifest, at the start of a trace.
    ///
    /// Of the manifest's errata, those that the model knows to imitate are imitated: what follows such a
    /// step can then be compared too. That the erratum is real is shown by the rule's golden trace,
    /// which is checked against [`Model::strict`].
    pub fn new(manifest: &Manifest, settings: Settings) -> Self {
        let mut model = Self::strict(manifest, settings);
        let named = manifest.errata.iter().filter_map(|erratum| RuleId::named(&erratum.rule));
        model.choices.errata = named.collect();
        model
    }

    /// A model that forgives no erratum.
    pub fn strict(manifest: &Manifest, settings: Settings) -> Self {
        Self {
            choices: Choices { manifest: manifest.clone(), errata: Vec::new() },
            settings,
            now: START,
            records: HashMap::new(),
            fates: HashMap::new(),
            sessions: Vec::new(),
            issued: 0,
            forced: VecDeque::new(),
            writes: 0,
            why: Vec::new(),
        }
    }

    /// The present instant, in microseconds since the Unix epoch.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// How many session objects there are.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// The key and client of a session object, counted from 0.
    pub(crate) fn session(&self, index: usize) -> Option<(Option<Key>, u8)> {
        self.sessions.get(index).map(|session| (session.key, session.client))
    }

    /// Which object a session number of a trace means, counted from 0; `None` if there are no objects.
    pub fn resolve_session(&self, number: u32) -> Option<usize> {
        let count = u32::try_from(self.sessions.len()).ok().filter(|n| *n > 0)?;
        usize::try_from((number.max(1) - 1) % count).ok()
    }

    /// Which key a key of a trace means: `k7` is one of those that were issued, counted round and round.
    pub fn resolve_key(&self, key: KeyRef) -> Key {
        let wrapped = |n: u32| (n.max(1) - 1) % self.issued + 1;
        match key {
            KeyRef::Issued(_) | KeyRef::Altered(..) if self.issued == 0 => Key::Forged(Forged::WellFormed),
            KeyRef::Issued(n) => Key::Issued(wrapped(n)),
            KeyRef::Altered(n, alteration) => Key::Altered(wrapped(n), alteration),
            forged @ KeyRef::Forged(_) => forged,
        }
    }

    /// Does a step; `None` if it acts on nothing.
    pub fn step(&mut self, step: &Step) -> Option<Expected> {
        self.now += step.advance;
        self.why.clear();
        let (outcome, session) = match &step.op {
            Op::New => self.open(step.client, None),
            Op::Open(key) => self.open(step.client, Some(self.resolve_key(*key))),
            Op::Session(number, op) => {
                let index = self.resolve_session(*number)?;
                if self.leaves_out(index, op) {
                    return None;
                }
                let outcome = self.session_op(index, op);
                let session = &self.sessions[index];
                let state =
                    SessionState { key: session.key, accessed: session.accessed, modified: session.modified };
                (outcome, Some(state))
            }
            Op::Exists(key) => (self.exists(self.resolve_key(*key), step.client), None),
            Op::DeleteKey(key) => {
                self.delete(self.resolve_key(*key));
                (Ok(Answer::Unit), None)
            }
            Op::ClearExpired => (self.clear_expired(), None),
            Op::Reopen => {
                self.reopen();
                (Ok(Answer::Unit), None)
            }
            Op::ForceKey(key) => {
                let Key::Issued(n) = self.resolve_key(*key) else { return None };
                self.forced.push_back(Key::Issued(n));
                (Ok(Answer::Unit), None)
            }
            Op::Damage(key) => (Ok(Answer::Bool(self.damage(self.resolve_key(*key)))), None),
        };
        Some(Expected { outcome, session, why: std::mem::take(&mut self.why) })
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
        let key = match key {
            Some(Key::Forged(forged)) if !forged.is_key() => {
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
        self.records.get(&key).is_some_and(|record| {
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
        if matches!(key, Key::Forged(_) | Key::Altered(..)) {
            self.because(Aspect::Outcome, rules::KEY_HOSTILE);
        }
    }

    fn exists(&mut self, key: Key, client: u8) -> Result<Answer, ErrorKind> {
        if matches!(key, Key::Forged(forged) if !forged.is_key()) {
            self.because(Aspect::Answer, rules::KEY_SHORT);
            return Ok(Answer::Bool(false));
        }
        if self.client_side() {
            self.because(Aspect::Outcome, rules::LIFECYCLE_EXISTS_UNSUPPORTED);
            return Err(ErrorKind::Unsupported);
        }
        self.note_foreign(key);
        let taken = self.taken(key);
        match self.records.get(&key) {
            Some(record) if record.expires > self.now => {
                self.explain_live(key, client, Aspect::Answer);
                self.because(Aspect::Answer, rules::LIFECYCLE_EXISTS_STORED);
            }
            Some(_) if taken => {
                if self.records.get(&key).is_some_and(|r| {
                    r.expires == self.now && r.survived.contains(&rules::EXPIRY_CLEAR_KEEPS_LIVE)
                }) {
                    self.because(Aspect::Answer, rules::EXPIRY_CLEAR_BOUNDARY);
                }
                self.because(Aspect::Answer, rules::EXPIRY_KEPT);
            }
            Some(_) => self.because(Aspect::Answer, rules::EXPIRY_GONE),
            None => {
                self.explain_absent(key, client, Aspect::Answer);
                self.because(Aspect::Answer, rules::LIFECYCLE_EXISTS_UNKNOWN);
            }
        }
        Ok(Answer::Bool(taken))
    }

    fn delete(&mut self, key: Key) {
        self.note_foreign(key);
        if self.client_side() {
            self.because(Aspect::Outcome, rules::LIFECYCLE_DELETE_IDEMPOTENT);
            self.mark_survivors(rules::LIFECYCLE_DELETE_REVOKES_NOTHING);
        } else if self.records.remove(&key).is_some() {
            self.fates.insert(key, rules::LIFECYCLE_DELETE_GONE);
            self.mark_survivors(rules::LIFECYCLE_DELETE_ONLY_THAT);
        } else {
            self.because(Aspect::Outcome, rules::LIFECYCLE_DELETE_IDEMPOTENT);
        }
    }

    /// Notes for every record that something happened which must not touch it.
    fn mark_survivors(&mut self, rule: RuleId) {
        for record in self.records.values_mut() {
            if !record.survived.contains(&rule) {
                record.survived.push(rule);
            }
        }
    }

    fn clear_expired(&mut self) -> Result<Answer, ErrorKind> {
        match self.choices.manifest.capabilities.clear_expired {
            ClearExpired::Unsupported => {
                self.because(Aspect::Outcome, rules::EXPIRY_CLEAR_REFUSED);
                return Err(ErrorKind::Unsupported);
            }
            ClearExpired::Automatic => self.because(Aspect::Outcome, rules::EXPIRY_CLEAR_AUTOMATIC),
            ClearExpired::Sweeps => {
                self.because(Aspect::Outcome, rules::EXPIRY_CLEAR_REMOVES);
                let now = self.now;
                let expired = |record: &Record| record.expires < now;
                let dead: Vec<Key> =
                    self.records.iter().filter(|(_, r)| expired(r)).map(|(key, _)| *key).collect();
                for key in dead {
                    self.records.remove(&key);
                    self.fates.insert(key, rules::EXPIRY_CLEAR_REMOVES);
                }
            }
        }
        self.mark_survivors(rules::EXPIRY_CLEAR_KEEPS_LIVE);
        Ok(Answer::Unit)
    }

    fn reopen(&mut self) {
        if self.choices.manifest.capabilities.persistent {
            self.because(Aspect::Outcome, rules::LIFECYCLE_REOPEN_PERSISTENT);
            self.mark_survivors(rules::LIFECYCLE_REOPEN_PERSISTENT);
            for fate in self.fates.values_mut() {
                if *fate == rules::LIFECYCLE_DELETE_GONE {
                    *fate = rules::LIFECYCLE_REOPEN_DELETED_STAYS;
                }
            }
        } else {
            self.because(Aspect::Outcome, rules::LIFECYCLE_REOPEN_VOLATILE);
            for (key, _) in self.records.drain() {
                self.fates.insert(key, rules::LIFECYCLE_REOPEN_VOLATILE);
            }
        }
        for session in &mut self.sessions {
            session.data = None;
            session.version = None;
            session.nested = false;
            session.lifetime = None;
            session.accessed = false;
            session.modified = false;
        }
    }

    fn damage(&mut self, key: Key) -> bool {
        let held = self.taken(key);
        self.explain_presence(key, Aspect::Answer);
        match self.records.get_mut(&key) {
            Some(record) if held => {
                record.damaged = true;
                self.because(Aspect::Answer, rules::DATA_CORRUPT_EMPTY);
                true
            }
            _ => false,
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

    /// The rules behind a record's being there still, whether it has expired or not.
    fn explain_presence(&mut self, key: Key, aspect: Aspect) {
        let Some(record) = self.records.get(&key) else { return };
        let (lifetime, survived) = (record.lifetime, record.survived.clone());
        self.because(aspect, lifetime);
        for rule in survived {
            self.because(aspect, rule);
        }
    }

    /// The rules behind a live record's being there.
    fn explain_live(&mut self, key: Key, client: u8, aspect: Aspect) {
        let Some(record) = self.records.get(&key) else { return };
        let survived = record.survived.clone();
        let (damaged, by_other) = (record.damaged, record.writer != client);
        let last_instant = record.expires == self.now + 1;
        let several = self.records.len() > 1;
        let (origin, lifetime) = (record.origin.clone(), record.lifetime);
        if damaged {
            self.because(aspect, rules::DATA_CORRUPT_EMPTY);
        }
        if last_instant {
            self.because(aspect, rules::EXPIRY_NOT_EARLY);
        }
        for rule in survived.into_iter().rev() {
            self.because(aspect, rule);
        }
        if by_other && self.choices.manifest.capabilities.shared {
            self.because(aspect, rules::LIFECYCLE_SECOND_CLIENT);
        }
        if self.client_side() {
            self.because(aspect, rules::EXPIRY_SIGNED_SECONDS);
        }
        for rule in origin {
            self.because(aspect, rule);
        }
        self.because(aspect, rules::LIFECYCLE_LOAD_STORED);
        self.because(aspect, lifetime);
        if several {
            self.because(aspect, rules::LIFECYCLE_ISOLATION);
        }
    }

    /// The rules behind a key's addressing nothing that can be read.
    fn explain_absent(&mut self, key: Key, client: u8, aspect: Aspect) {
        if let Some(record) = self.records.get(&key) {
            let (boundary, lifetime) = (record.expires == self.now, record.lifetime);
            if boundary {
                self.because(aspect, rules::EXPIRY_BOUNDARY);
            }
            if self.client_side() {
                self.because(aspect, rules::EXPIRY_SIGNED_SECONDS);
            }
            self.because(aspect, rules::EXPIRY_DEAD);
            self.because(aspect, lifetime);
            return;
        }
        match (self.fates.get(&key), key) {
            (Some(fate), _) => {
                let fate = *fate;
                self.because(aspect, fate);
                if client == 1 && self.choices.manifest.capabilities.shared {
                    self.because(aspect, rules::LIFECYCLE_SECOND_CLIENT);
                }
            }
            (None, Key::Altered(..) | Key::Forged(_)) if self.client_side() => {
                self.because(aspect, rules::KEY_TAMPERED);
                return;
            }
            (None, Key::Altered(..)) => self.because(aspect, rules::KEY_EXACT),
            (None, Key::Forged(Forged::WellFormed | Forged::Eight)) => {
                self.because(aspect, rules::KEY_UNKNOWN_NOT_ADOPTED);
            }
            (None, Key::Forged(_)) => self.because(aspect, rules::KEY_HOSTILE),
            (None, Key::Issued(_)) => {}
        }
        self.because(aspect, rules::KEY_UNKNOWN_NOT_ADOPTED);
    }

    /// Whether a kind of value is refused at this moment, and by which rule.
    fn refusal(&self, class: Class, moment: Keeps) -> Option<RuleId> {
        let values = &self.choices.manifest.values;
        let (keeps, rule) = match class {
            Class::LoneSurrogate => (values.lone_surrogates, rules::DATA_SURROGATES_REFUSED),
            Class::NonFinite => (values.non_finite, rules::DATA_NON_FINITE_REFUSED),
            Class::BigInteger => (values.big_integers, rules::DATA_INTEGERS_REFUSED),
            Class::Deep => (values.deep_nesting, rules::DATA_DEEP_REFUSED),
            _ => return None,
        };
        (keeps == moment).then_some(rule)
    }
}

/// The rule that says a value of this class survives.
fn survival(class: Class) -> RuleId {
    match class {
        Class::LoneSurrogate => rules::DATA_SURROGATES_KEPT,
        Class::NonFinite => rules::DATA_NON_FINITE_KEPT,
        Class::Deep => rules::DATA_DEEP_KEPT,
        Class::Large => rules::DATA_LARGE,
        Class::BigInteger => rules::DATA_INTEGERS_KEPT,
        Class::NonBmp => rules::DATA_NON_BMP,
        Class::Float => rules::DATA_FLOATS,
        Class::Text => rules::DATA_TEXT,
        Class::Plain => rules::DATA_JSON,
    }
}
