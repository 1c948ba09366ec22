//! What the specification says about the operations on a session object.

use super::data::{Data, Entry, is_awkward_name};
use super::{Aspect, Key, Model, Session, expiry, survival};
use crate::json::{Class, Json, Name};
use crate::manifest::{Order, ValueSupport};
use crate::observation::{Answer, ErrorKind};
use crate::op::{Entries, Expiry, ExpiryQuery, SessionOp};
use crate::rule::RuleId;
use crate::rules;

const TEST_COOKIE: &str = "testcookie";

pub(super) type Outcome = Result<Answer, ErrorKind>;

impl Model {
    #[expect(clippy::too_many_lines, reason = "a case per operation, each read on its own")]
    pub(super) fn session_op(&mut self, i: usize, op: &SessionOp) -> Outcome {
        match op {
            SessionOp::Get(name) => {
                self.read(i);
                let value = self.entry(i, name);
                self.because(Aspect::Answer, rules::DICT_GET);
                self.flags(i, true, false, rules::TRACKING_READ);
                Ok(Answer::Value(value))
            }
            SessionOp::Contains(name) => {
                self.read(i);
                let found = self.entry(i, name).is_some();
                self.because(Aspect::Answer, rules::DICT_CONTAINS);
                self.flags(i, true, false, rules::TRACKING_READ);
                Ok(Answer::Bool(found))
            }
            SessionOp::Set(name, value) => {
                self.read(i);
                self.admit(i, std::iter::once(value.json()))?;
                self.set(i, name, value.json(), rules::DICT_SET);
                self.because(Aspect::Outcome, rules::DICT_SET);
                self.flags(i, true, true, rules::TRACKING_WRITE);
                Ok(Answer::Unit)
            }
            SessionOp::SetDefault(name, value) => {
                self.read(i);
                self.admit(i, std::iter::once(value.json()))?;
                if let Some(present) = self.entry(i, name) {
                    self.because(Aspect::Answer, rules::DICT_SET_DEFAULT_PRESENT);
                    self.flags(i, true, false, rules::TRACKING_SET_DEFAULT_PRESENT);
                    return Ok(Answer::Value(Some(present)));
                }
                self.set(i, name, value.json(), rules::DICT_SET_DEFAULT_ABSENT);
                self.because(Aspect::Answer, rules::DICT_SET_DEFAULT_ABSENT);
                self.flags(i, true, true, rules::TRACKING_WRITE);
                Ok(Answer::Value(Some(value.json().clone())))
            }
            SessionOp::Pop(name) => {
                let value = self.take(i, name);
                if value.is_none() {
                    self.because(Aspect::Outcome, rules::DICT_POP_ABSENT);
                }
                value.map(|value| Answer::Value(Some(value))).ok_or(ErrorKind::KeyError)
            }
            SessionOp::PopDefault(name, default) => {
                self.read_to_pop(i);
                self.admit(i, std::iter::once(default.json()))?;
                let value = self.take(i, name);
                if value.is_none() {
                    let data = self.sessions[i].data.get_or_insert_default();
                    data.note_absent(name, rules::DICT_POP_DEFAULT);
                    self.because(Aspect::Answer, rules::DICT_POP_DEFAULT);
                }
                Ok(Answer::Value(Some(value.unwrap_or_else(|| default.json().clone()))))
            }
            SessionOp::Remove(name) => {
                let removed = self.remove(i, name, rules::DICT_REMOVE_PRESENT, rules::DICT_REMOVE_ABSENT);
                if removed.is_ok() {
                    self.flags(i, true, true, rules::TRACKING_WRITE);
                }
                removed
            }
            SessionOp::Update(Entries(items)) => {
                self.read(i);
                self.admit(i, items.iter().map(|(_, value)| value.json()))?;
                for (name, value) in items {
                    self.set(i, name, value.json(), rules::DICT_UPDATE);
                }
                self.because(Aspect::Outcome, rules::DICT_UPDATE);
                let rule =
                    if items.is_empty() { rules::TRACKING_UPDATE_EMPTY } else { rules::TRACKING_WRITE };
                self.flags(i, true, true, rule);
                Ok(Answer::Unit)
            }
            SessionOp::Push(name, value) => {
                self.read(i);
                self.admit(i, std::iter::once(value.json()))?;
                let grown = self.entry(i, name).and_then(|list| list.pushed(value.json()));
                let pushed = grown.is_some();
                if let Some(grown) = grown {
                    self.set(i, name, &grown, rules::DICT_NESTED_MEMORY);
                    self.sessions[i].nested = true;
                }
                self.because(Aspect::Answer, rules::DICT_NESTED_MEMORY);
                self.flags(i, true, false, rules::TRACKING_NESTED);
                Ok(Answer::Bool(pushed))
            }
            SessionOp::Clear => {
                self.sessions[i].data = Some(Data::emptied(rules::DICT_CLEAR));
                self.because(Aspect::Outcome, rules::DICT_CLEAR);
                self.because(Aspect::Key, rules::LIFECYCLE_CLEAR_KEEPS_RECORD);
                if let Some(record) = self.sessions[i].key.and_then(|key| self.storage.records.get_mut(&key))
                {
                    record.survived.push(rules::LIFECYCLE_CLEAR_KEEPS_RECORD);
                }
                self.flags(i, true, true, rules::TRACKING_CLEAR);
                Ok(Answer::Unit)
            }
            SessionOp::Keys => {
                let entries = self.list(i);
                Ok(Answer::Names(entries.into_iter().map(|(name, _)| name).collect()))
            }
            SessionOp::Values => {
                let entries = self.list(i);
                Ok(Answer::Values(entries.into_iter().map(|(_, value)| value).collect()))
            }
            SessionOp::Items => Ok(Answer::Items(self.list(i))),
            SessionOp::IsEmpty => {
                let session = &self.sessions[i];
                let empty = session.key.is_none() && session.data.as_ref().is_none_or(Data::is_empty);
                self.because(Aspect::Answer, rules::LIFECYCLE_IS_EMPTY);
                self.flags(i, false, false, rules::TRACKING_IS_EMPTY);
                Ok(Answer::Bool(empty))
            }
            SessionOp::SetTestCookie => {
                self.read(i);
                self.set(i, &TEST_COOKIE.into(), &Json::text("worked"), rules::TESTCOOKIE_WORKED);
                self.because(Aspect::Outcome, rules::TESTCOOKIE_WORKED);
                self.flags(i, true, true, rules::TRACKING_WRITE);
                Ok(Answer::Unit)
            }
            SessionOp::TestCookieWorked => {
                self.read(i);
                self.because(Aspect::Answer, rules::TESTCOOKIE_WORKED);
                let worked = self.entry(i, &TEST_COOKIE.into()) == Some(Json::text("worked"));
                self.flags(i, true, false, rules::TRACKING_READ);
                Ok(Answer::Bool(worked))
            }
            SessionOp::DeleteTestCookie => {
                let removed =
                    self.remove(i, &TEST_COOKIE.into(), rules::TESTCOOKIE_DELETE, rules::TESTCOOKIE_DELETE);
                if removed.is_ok() {
                    let modified = !self.choices.breaks(rules::TESTCOOKIE_DELETE);
                    self.flags(i, true, modified, rules::TESTCOOKIE_DELETE);
                }
                removed
            }
            SessionOp::SetExpiry(expiry) => {
                self.set_expiry(i, *expiry);
                Ok(Answer::Unit)
            }
            SessionOp::GetExpiryAge(query) => {
                let (expiry, modification) = self.expiry(i, *query)?;
                self.because(Aspect::Answer, rules::EXPIRY_AGE);
                Ok(Answer::Integer(expiry::age(expiry, modification, self.settings.cookie_age)))
            }
            SessionOp::GetExpiryDate(query) => {
                let (expiry, modification) = self.expiry(i, *query)?;
                self.because(Aspect::Answer, rules::EXPIRY_DATE);
                let date = expiry::date(expiry, modification, self.settings.cookie_age);
                if date.is_err() {
                    self.because(Aspect::Outcome, rules::EXPIRY_RANGE);
                }
                date.map(Answer::Integer)
            }
            SessionOp::GetExpireAtBrowserClose => {
                let (expiry, _) = self.expiry(i, ExpiryQuery::default())?;
                self.because(Aspect::Answer, rules::EXPIRY_BROWSER_CLOSE);
                Ok(Answer::Bool(match expiry {
                    Expiry::Default => self.settings.expire_at_browser_close,
                    other => other == Expiry::Seconds(0),
                }))
            }
            SessionOp::GetSessionCookieAge => {
                self.because(Aspect::Answer, rules::EXPIRY_COOKIE_AGE);
                self.flags(i, false, false, rules::TRACKING_UNTOUCHED);
                Ok(Answer::Integer(self.settings.cookie_age))
            }
            SessionOp::Save => self.save(i),
            SessionOp::SaveMustCreate => self.save_must_create(i),
            SessionOp::Create => self.create(i),
            SessionOp::Delete => {
                if let Some(key) = self.sessions[i].key {
                    self.delete(key);
                }
                self.because(Aspect::Key, rules::LIFECYCLE_DELETE_KEEPS_OBJECT);
                self.flags(i, false, false, rules::TRACKING_UNTOUCHED);
                if self.choices.breaks(rules::LIFECYCLE_DELETE_KEEPS_OBJECT) {
                    let session = &mut self.sessions[i];
                    (session.key, session.data, session.modified) = (None, Some(Data::default()), true);
                }
                Ok(Answer::Unit)
            }
            SessionOp::Flush => {
                if let Some(key) = self.sessions[i].key.take() {
                    self.note_foreign(key);
                    self.discard(key, rules::LIFECYCLE_FLUSH_RECORD_GONE);
                }
                self.sessions[i].data = Some(Data::emptied(rules::LIFECYCLE_FLUSH_EMPTIES));
                self.because(Aspect::Outcome, rules::LIFECYCLE_FLUSH_EMPTIES);
                self.because(Aspect::Key, rules::LIFECYCLE_FLUSH_EMPTIES);
                self.flags(i, true, true, rules::LIFECYCLE_FLUSH_EMPTIES);
                Ok(Answer::Unit)
            }
            SessionOp::CycleKey => self.cycle_key(i),
        }
    }

    /// Sets the flags that an operation sets. One that is set stays set.
    pub(super) fn flags(&mut self, i: usize, accessed: bool, modified: bool, rule: RuleId) {
        let session = &mut self.sessions[i];
        let (was_accessed, was_modified) = (session.accessed, session.modified);
        session.accessed |= accessed;
        session.modified |= modified;
        if was_accessed && !accessed {
            self.because(Aspect::Accessed, rules::TRACKING_STICKY);
        }
        if was_modified && !modified {
            self.because(Aspect::Modified, rules::TRACKING_STICKY);
        }
        if !was_accessed || accessed {
            self.because(Aspect::Accessed, rule);
        }
        if !was_modified || modified {
            self.because(Aspect::Modified, rule);
        }
    }

    /// The rules behind the record that was read just now.
    pub(super) fn explain_read(&mut self, i: usize, aspect: Aspect) {
        let Session { key, client, .. } = self.sessions[i];
        if let Some(key) = key
            && self.storage.records.get(&key).is_some_and(|record| record.expires > self.now)
        {
            self.explain_live(key, client, aspect);
        }
    }

    /// Reads the record if nothing is in memory yet.
    pub(super) fn read(&mut self, i: usize) {
        let session = &self.sessions[i];
        if session.data.is_some() {
            let changed = session.key.is_some_and(|key| {
                self.storage.records.get(&key).is_none_or(|record| Some(record.version) != session.version)
            });
            if changed && session.version.is_some() {
                self.because(Aspect::Answer, rules::LIFECYCLE_LOAD_ONCE);
                self.because(Aspect::Key, rules::LIFECYCLE_LOAD_ONCE);
            }
            return;
        }
        let client = session.client;
        let Some(key) = session.key else {
            self.sessions[i].data = Some(Data::default());
            return;
        };
        match self.storage.records.get(&key) {
            Some(record) if record.expires > self.now => {
                let data = if record.damaged { Data::default() } else { record.data.clone() };
                self.sessions[i].version = Some(record.version);
                self.sessions[i].data = Some(data);
                self.explain_live(key, client, Aspect::Key);
            }
            found => {
                // A key that was not signed here may be anything; one that has expired is over.
                let kept = found.is_none() && self.client_side();
                // That there is nothing to find is why operations on entries fail.
                if found.is_some() || self.was_cleared(key) {
                    self.explain_absent(key, client, Aspect::Outcome);
                }
                self.explain_absent(key, client, Aspect::Key);
                self.sessions[i].key = Some(key).filter(|_| kept);
                if self.client_side() && self.choices.breaks(rules::KEY_TAMPERED) {
                    // Whatever the reason was, a new session is to take the place of this one.
                    self.sessions[i].key = Some(key);
                    self.sessions[i].modified = true;
                    self.because(Aspect::Modified, rules::KEY_TAMPERED);
                }
                self.sessions[i].data = Some(Data::default());
            }
        }
    }

    /// Whether a record was removed because it had expired.
    pub(super) fn was_cleared(&self, key: Key) -> bool {
        self.storage.removal_reasons.get(&key) == Some(&rules::EXPIRY_CLEAR_REMOVES)
    }

    /// The value of an entry in memory, with the rules behind its being what it is.
    fn entry(&mut self, i: usize, name: &Name) -> Option<Json> {
        let entry = self.sessions[i].data.as_ref().and_then(|data| data.get(name)).cloned();
        if let Some(entry) = &entry {
            self.explain_value(i, name, entry);
        } else if let Some(rule) = self.sessions[i].data.as_ref().and_then(|data| data.why_gone(name)) {
            self.because(Aspect::Answer, rule);
        } else if let Some(key) = self.sessions[i].key {
            self.explain_origin(i, key);
        }
        entry.map(|entry| entry.value)
    }

    fn explain_value(&mut self, i: usize, name: &Name, entry: &Entry) {
        let value = &entry.value;
        if !entry.reloaded {
            self.because(Aspect::Answer, entry.by);
            return;
        }
        if *name == expiry::ENTRY.into() {
            self.because(Aspect::Answer, rules::EXPIRY_ENTRY);
        }
        if value.class() != Class::Plain {
            self.because(Aspect::Answer, survival(value.class()));
        }
        if name.to_json().class() == Class::LoneSurrogate {
            self.because(Aspect::Answer, rules::DATA_NAMES_SURROGATES);
        } else if is_awkward_name(name) {
            self.because(Aspect::Answer, rules::DATA_NAMES);
        }
        if let Some(key) = self.sessions[i].key {
            self.explain_origin(i, key);
        }
        self.because(Aspect::Answer, rules::DATA_JSON);
    }

    /// The rules behind the data of the record under a key.
    fn explain_origin(&mut self, i: usize, key: Key) {
        let Some(record) = self.storage.records.get(&key) else {
            if key.is_foreign() && self.client_side() {
                self.explain_forged(key, Aspect::Answer);
            } else if self.storage.removal_reasons.get(&key) == Some(&rules::KEY_ROTATED_GIVEN_UP) {
                self.because(Aspect::Answer, rules::KEY_ROTATED_GIVEN_UP);
            }
            return;
        };
        let survived = record.survived.clone();
        let by_other = record.writer != self.sessions[i].client;
        let (origin, lifetime) = (record.origin.clone(), record.lifetime);
        if by_other && self.choices.manifest.capabilities.shared {
            self.because(Aspect::Answer, rules::LIFECYCLE_SECOND_CLIENT);
        }
        for rule in survived.into_iter().rev().chain(origin) {
            self.because(Aspect::Answer, rule);
        }
        self.because(Aspect::Answer, rules::LIFECYCLE_LOAD_STORED);
        self.because(Aspect::Answer, lifetime);
        if self.storage.records.len() > 1 {
            self.because(Aspect::Answer, rules::LIFECYCLE_ISOLATION);
        }
    }

    fn list(&mut self, i: usize) -> Vec<(Name, Json)> {
        self.read(i);
        let data = self.sessions[i].data.clone().unwrap_or_default();
        for (name, entry) in data.entries() {
            self.explain_value(i, name, entry);
        }
        for rule in data.why_short() {
            self.because(Aspect::Answer, rule);
        }
        self.because(Aspect::Answer, rules::DICT_LISTING);
        let ordered = self.choices.manifest.values.order == Order::Kept;
        if ordered && data.entries().filter(|(_, entry)| entry.reloaded).count() > 1 {
            self.because(Aspect::Answer, rules::DATA_ORDER);
        }
        self.flags(i, true, false, rules::TRACKING_READ);
        data.entries().map(|(name, entry)| (name.clone(), entry.value.clone())).collect()
    }

    /// Refuses values that the subject declared it refuses when they are set.
    fn admit<'a>(&mut self, i: usize, mut values: impl Iterator<Item = &'a Json>) -> Result<(), ErrorKind> {
        match values.find_map(|value| self.refusal(value.class(), ValueSupport::RefusedOnSet)) {
            Some(rule) => {
                self.because(Aspect::Outcome, rule);
                self.flags(i, true, false, rule);
                Err(ErrorKind::Unrepresentable)
            }
            None => Ok(()),
        }
    }

    fn set(&mut self, i: usize, name: &Name, value: &Json, by: RuleId) {
        self.sessions[i].data.get_or_insert_default().set(name, value.clone(), by);
    }

    /// Reads as [`read`](Self::read) does. Where that marks the object, Django's `pop` has looked at the mark before, and
    /// puts it back.
    fn read_to_pop(&mut self, i: usize) {
        let modified = self.sessions[i].modified;
        self.read(i);
        if self.client_side() && self.choices.breaks(rules::KEY_TAMPERED) {
            self.sessions[i].modified = modified;
        }
    }

    fn take(&mut self, i: usize, name: &Name) -> Option<Json> {
        self.read_to_pop(i);
        let value = self.entry(i, name);
        match value {
            Some(_) => {
                self.sessions[i].data.get_or_insert_default().remove(name, rules::DICT_POP_PRESENT);
                self.because(Aspect::Answer, rules::DICT_POP_PRESENT);
                self.flags(i, true, true, rules::TRACKING_WRITE);
            }
            None => self.flags(i, true, false, rules::TRACKING_POP_ABSENT),
        }
        value
    }

    fn remove(&mut self, i: usize, name: &Name, present: RuleId, absent: RuleId) -> Outcome {
        let unread = self.sessions[i].data.is_none();
        self.read(i);
        if self.sessions[i].data.get_or_insert_default().remove(name, present).is_some() {
            self.because(Aspect::Outcome, present);
            if unread {
                self.explain_read(i, Aspect::Outcome);
            }
            Ok(Answer::Unit)
        } else {
            self.because(Aspect::Outcome, absent);
            self.flags(i, true, false, rules::TRACKING_REMOVE_ABSENT);
            Err(ErrorKind::KeyError)
        }
    }

    fn set_expiry(&mut self, i: usize, expiry: Expiry) {
        self.read(i);
        self.sessions[i].lifetime = match expiry {
            Expiry::Default => Some(rules::EXPIRY_NONE),
            Expiry::Duration(_) => Some(rules::EXPIRY_DURATION),
            Expiry::Seconds(_) | Expiry::At(..) => None,
        };
        if let Some(entry) = expiry::entry(expiry, self.now) {
            self.set(i, &expiry::ENTRY.into(), &entry, rules::EXPIRY_ENTRY);
            if expiry::date(expiry, self.now, self.settings.cookie_age).is_err() {
                self.because(Aspect::Outcome, rules::EXPIRY_RANGE);
            }
            self.because(Aspect::Outcome, rules::EXPIRY_ENTRY);
            self.flags(i, true, true, rules::TRACKING_WRITE);
        } else {
            let removed = self.sessions[i]
                .data
                .get_or_insert_default()
                .remove(&expiry::ENTRY.into(), rules::EXPIRY_NONE)
                .is_some();
            self.because(Aspect::Outcome, rules::EXPIRY_NONE);
            let rule = if removed { rules::TRACKING_WRITE } else { rules::TRACKING_EXPIRY_NONE };
            self.flags(i, true, removed, rule);
        }
    }

    /// The expiry and the instant it counts from.
    fn expiry(&mut self, i: usize, query: ExpiryQuery) -> Result<(Expiry, i64), ErrorKind> {
        let modification = query.modification.unwrap_or(self.now);
        if query.modification.is_some() {
            self.because(Aspect::Answer, rules::EXPIRY_EXPLICIT);
        }
        if let Some(expiry) = query.expiry {
            self.because(Aspect::Answer, rules::EXPIRY_EXPLICIT);
            self.flags(i, false, false, rules::TRACKING_EXPLICIT_EXPIRY);
            return Ok((expiry, modification));
        }
        self.read(i);
        self.flags(i, true, false, rules::TRACKING_READ);
        let expiry = self.own_expiry(i)?;
        self.because(Aspect::Answer, kind(expiry));
        Ok((expiry, modification))
    }

    pub(super) fn own_expiry(&mut self, i: usize) -> Result<Expiry, ErrorKind> {
        let entry = self.sessions[i].data.as_ref().and_then(|data| data.get(&expiry::ENTRY.into()));
        let expiry = entry.map_or(Ok(Expiry::Default), |entry| expiry::from_entry(&entry.value));
        if expiry.is_err() {
            self.because(Aspect::Outcome, rules::EXPIRY_UNREADABLE);
        }
        expiry
    }
}

/// The rule about how long a session with this expiry lives.
pub(super) fn kind(expiry: Expiry) -> RuleId {
    match expiry {
        Expiry::Default => rules::EXPIRY_DEFAULT,
        Expiry::Seconds(0) => rules::EXPIRY_ZERO,
        Expiry::Seconds(..0) => rules::EXPIRY_NEGATIVE,
        Expiry::Seconds(_) => rules::EXPIRY_SECONDS,
        Expiry::Duration(_) => rules::EXPIRY_DURATION,
        Expiry::At(..) => rules::EXPIRY_AT,
    }
}
