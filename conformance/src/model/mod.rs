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
//! - `explain.rs`: the rules behind a record's being there, or not

mod data;
mod expiry;
mod explain;
mod lifecycle;
mod session;

use std::collections::{HashMap, VecDeque};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_core::{ClearExpired, ExpiredRecords};

use crate::call::{Call, Handles};
use crate::json::Class;
use crate::manifest::{Erratum, Manifest, ValueSupport};
use crate::observation::{Answer, ErrorKind, Listed, SessionState};
use crate::op::{Key, SessionOp, StorageOp};
use crate::rule::{Need, RuleId};
use crate::rules;
use crate::trace::{OTHER_STORAGE, START, Settings, Step};
use data::Data;
pub(crate) use expiry::ENTRY as EXPIRY_ENTRY;

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
    records: HashMap<Key, Record>,
    /// Why a key that was issued addresses nothing any more.
    removal_reasons: HashMap<Key, RuleId>,
    /// The records and the reasons of the storage that is not acted on.
    other: (HashMap<Key, Record>, HashMap<Key, RuleId>),
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
            records: HashMap::new(),
            removal_reasons: HashMap::new(),
            other: (HashMap::new(), HashMap::new()),
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
        let both = [(false, &self.records), (true, &self.other.0)].into_iter();
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
        let is_other = self.client(call) == OTHER_STORAGE;
        let records = if is_other { &self.other.0 } else { &self.records };
        match call {
            _ if is_other && Need::OtherStorage.unmet_by(&self.choices.manifest).is_some() => true,
            Call::Op { number, op: SessionOp::SaveMustCreate } => {
                self.client_side() || self.sessions[*number].key.is_some_and(Key::is_foreign)
            }
            Call::Storage { op, .. } if op.operation().is_some() => self.leaves_out_bulk(op, records),
            // Whether what has expired is still there to be damaged is the store's affair.
            Call::Storage { op: StorageOp::Damage(key), .. } => {
                records.get(key).is_some_and(|record| record.expires <= self.now)
            }
            _ => false,
        }
    }

    /// Whether the suite leaves out something that is done with all sessions: the store does not offer it, or nobody can say
    /// what a list does with a record that cannot be read, or a number with one that has expired.
    fn leaves_out_bulk(&self, op: &StorageOp<Key>, records: &HashMap<Key, Record>) -> bool {
        let is_offered = op.operation().is_some_and(|it| self.choices.manifest.offers(it));
        let mut records = records.values();
        let is_open = match op {
            StorageOp::ClearAll => false,
            StorageOp::All => records.any(|record| record.damaged),
            _ => records.any(|record| record.damaged || record.expires <= self.now),
        };
        !is_offered || is_open
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
            self.change_storage();
            self.mark_survivors(rules::LIFECYCLE_OTHER_STORAGE);
            self.change_storage();
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

    /// Goes to the storage beside this one.
    fn change_storage(&mut self) {
        std::mem::swap(&mut self.records, &mut self.other.0);
        std::mem::swap(&mut self.removal_reasons, &mut self.other.1);
    }

    fn storage_op(&mut self, client: u8, op: StorageOp<Key>) -> Result<Answer, ErrorKind> {
        match op {
            StorageOp::Exists(key) => return self.exists(key, client),
            StorageOp::Expires(key) => {
                return Ok(Answer::Instant(self.told_expiry(key, client)));
            }
            StorageOp::DeleteKey(key) => self.delete(key),
            StorageOp::ClearExpired => return self.clear_expired(),
            StorageOp::All => return Ok(Answer::Sessions(self.all())),
            StorageOp::Length => return Ok(Answer::Count(Some(self.length()))),
            StorageOp::ClearAll => self.clear_all(),
            StorageOp::Reopen => self.reopen(),
            StorageOp::Rotate => self.rotate(),
            StorageOp::ForceKey(key) => self.forced.push_back(key),
            StorageOp::Damage(key) => return Ok(Answer::Bool(self.damage(key))),
        }
        Ok(Answer::Unit)
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
        if key.is_foreign() {
            self.because(Aspect::Outcome, rules::KEY_HOSTILE);
        }
    }

    fn exists(&mut self, key: Key, client: u8) -> Result<Answer, ErrorKind> {
        if !key.is_key() {
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
                if self
                    .records
                    .get(&key)
                    .is_some_and(|r| r.survived.contains(&rules::LIFECYCLE_OTHER_STORAGE))
                {
                    self.because(Aspect::Answer, rules::LIFECYCLE_OTHER_STORAGE);
                }
                self.because(Aspect::Answer, rules::EXPIRY_KEPT);
            }
            Some(_) => self.because(Aspect::Answer, rules::EXPIRY_GONE),
            None => {
                self.explain_absent(key, client, Aspect::Answer);
                self.because(Aspect::Answer, rules::LIFECYCLE_EXISTS_UNKNOWN);
                // Nobody adopts a key by asking for it.
                self.why.retain(|(_, rule)| *rule != rules::KEY_UNKNOWN_NOT_ADOPTED);
            }
        }
        Ok(Answer::Bool(taken))
    }

    /// When a load says that a record expires; nothing if it does not load.
    fn told_expiry(&mut self, key: Key, client: u8) -> Option<i64> {
        if !key.is_key() {
            self.because(Aspect::Answer, rules::KEY_SHORT);
            return None;
        }
        self.note_foreign(key);
        match self.records.get(&key) {
            Some(record) if record.expires <= self.now => {
                self.because(Aspect::Answer, rules::EXPIRY_DEAD);
                None
            }
            Some(record) if record.damaged => {
                self.because(Aspect::Answer, rules::DATA_CORRUPT_EMPTY);
                None
            }
            Some(record) => {
                let expires = record.expires;
                self.because(Aspect::Answer, rules::EXPIRY_TOLD);
                self.explain_live(key, client, Aspect::Answer);
                Some(expires)
            }
            None => {
                self.explain_absent(key, client, Aspect::Answer);
                None
            }
        }
    }

    fn delete(&mut self, key: Key) {
        self.note_foreign(key);
        if self.client_side() {
            self.because(Aspect::Outcome, rules::LIFECYCLE_DELETE_IDEMPOTENT);
            self.mark_survivors(rules::LIFECYCLE_DELETE_REVOKES_NOTHING);
        } else if let Some(record) = self.records.remove(&key) {
            // What has expired and what was never there look the same.
            let is_live = self.now < record.expires;
            let rule =
                if is_live { rules::LIFECYCLE_DELETE_GONE } else { rules::LIFECYCLE_DELETE_IDEMPOTENT };
            self.because(Aspect::Outcome, rule);
            self.removal_reasons.insert(key, rules::LIFECYCLE_DELETE_GONE);
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
        let mut count = None;
        match self.choices.manifest.capabilities.clear_expired {
            ClearExpired::Automatic => self.because(Aspect::Outcome, rules::EXPIRY_CLEAR_AUTOMATIC),
            ClearExpired::Sweeps => {
                self.because(Aspect::Outcome, rules::EXPIRY_CLEAR_REMOVES);
                let now = self.now;
                let expired = |record: &Record| record.expires < now;
                let dead: Vec<Key> =
                    self.records.iter().filter(|(_, r)| expired(r)).map(|(key, _)| *key).collect();
                // Where expired records are gone, some may have gone by themselves before.
                if self.choices.manifest.capabilities.expired == ExpiredRecords::Kept {
                    self.because(Aspect::Answer, rules::EXPIRY_CLEAR_COUNT);
                    count = u64::try_from(dead.len()).ok();
                }
                for key in dead {
                    self.records.remove(&key);
                    self.removal_reasons.insert(key, rules::EXPIRY_CLEAR_REMOVES);
                }
            }
            _ => {
                self.because(Aspect::Outcome, rules::EXPIRY_CLEAR_REFUSED);
                return Err(ErrorKind::Unsupported);
            }
        }
        self.mark_survivors(rules::EXPIRY_CLEAR_KEEPS_LIVE);
        Ok(Answer::Count(count))
    }

    /// All sessions that would load, in the order of their last writing.
    fn all(&mut self) -> Vec<Listed> {
        self.because(Aspect::Answer, rules::LIFECYCLE_ALL_LISTED);
        let mut live: Vec<_> = self.records.iter().filter(|(_, record)| self.now < record.expires).collect();
        live.sort_by_key(|(_, record)| record.version);
        let listed = live
            .into_iter()
            .map(|(key, record)| Listed { key: Some(key.to_string()), data: Some(record.data.to_json()) });
        listed.collect()
    }

    /// How many there are. None of them has expired.
    fn length(&mut self) -> u64 {
        self.because(Aspect::Answer, rules::LIFECYCLE_ALL_COUNTED);
        self.records.len().try_into().unwrap_or(u64::MAX)
    }

    fn clear_all(&mut self) {
        self.because(Aspect::Outcome, rules::LIFECYCLE_ALL_CLEARED);
        for (key, _) in self.records.drain() {
            self.removal_reasons.insert(key, rules::LIFECYCLE_ALL_CLEARED);
        }
    }

    fn reopen(&mut self) {
        self.reopen_storage();
        self.change_storage();
        self.reopen_storage();
        self.change_storage();
        for session in &mut self.sessions {
            session.data = None;
            session.version = None;
            session.nested = false;
            session.lifetime = None;
            session.accessed = false;
            session.modified = false;
        }
    }

    fn reopen_storage(&mut self) {
        if self.choices.manifest.capabilities.persistent {
            self.because(Aspect::Outcome, rules::LIFECYCLE_REOPEN_PERSISTENT);
            self.mark_survivors(rules::LIFECYCLE_REOPEN_PERSISTENT);
            for reason in self.removal_reasons.values_mut() {
                if *reason == rules::LIFECYCLE_DELETE_GONE {
                    *reason = rules::LIFECYCLE_REOPEN_DELETED_STAYS;
                }
            }
        } else {
            self.because(Aspect::Outcome, rules::LIFECYCLE_REOPEN_VOLATILE);
            for (key, _) in self.records.drain() {
                self.removal_reasons.insert(key, rules::LIFECYCLE_REOPEN_VOLATILE);
            }
        }
    }

    /// Replaces the secret. What the one before signed is still accepted, and nothing older.
    fn rotate(&mut self) {
        self.reopen();
        self.secret += 1;
        if !self.client_side() {
            return;
        }
        self.because(Aspect::Outcome, rules::KEY_ROTATED_FALLBACK);
        let given_up = |record: &Record, secret: u32| record.secret + 1 < secret;
        let dead: Vec<Key> =
            self.records.iter().filter(|(_, r)| given_up(r, self.secret)).map(|(k, _)| *k).collect();
        for key in dead {
            self.records.remove(&key);
            self.removal_reasons.insert(key, rules::KEY_ROTATED_GIVEN_UP);
        }
        for record in self.records.values_mut() {
            // What was signed after a replacement is there because the newest secret signed it.
            record.survived.push(match record.secret {
                0 => rules::KEY_ROTATED_FALLBACK,
                _ => rules::KEY_ROTATED_NEWEST,
            });
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
            _ => {
                self.explain_absent(key, 0, Aspect::Answer);
                false
            }
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

/// Whether something removes records.
fn removes(call: &Call<'_, Key>) -> bool {
    match call {
        Call::Op { op, .. } => matches!(op, SessionOp::Delete | SessionOp::Flush | SessionOp::CycleKey),
        Call::Storage { op, .. } => {
            matches!(op, StorageOp::DeleteKey(_) | StorageOp::ClearExpired | StorageOp::ClearAll)
        }
        Call::Session { .. } => false,
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
