//! What the specification says about storing a session: `save`, `create`, `cycle-key`, and where the key is the
//! data.

use session_core::ExpiredRecords;

use super::data::Data;
use super::session::{Outcome, kind};
use super::{Aspect, Key, Model, Record, expiry};
use crate::json::Class;
use crate::manifest::{SubjectLevel, ValueSupport};
use crate::observation::{Answer, ErrorKind};
use crate::op::Expiry;
use crate::rule::RuleId;
use crate::rules;

impl Model {
    /// What saving the data in memory would store: the instant of expiry and the rule behind it.
    fn storable(&mut self, i: usize) -> Result<(i64, RuleId), ErrorKind> {
        let data = self.sessions[i].data.get_or_insert_default();
        let (size, classes): (u64, Vec<Class>) = (data.size(), data.classes().collect());
        let expiry = self.own_expiry(i)?;
        let written = if self.client_side() { self.now - self.now.rem_euclid(1_000_000) } else { self.now };
        let expires = self.expires(expiry, written);
        if expires.is_err() {
            self.because(Aspect::Outcome, rules::EXPIRY_RANGE);
        }
        let expires = expires?;
        if let Some(rule) =
            classes.into_iter().find_map(|class| self.refusal(class, ValueSupport::RefusedOnSave))
        {
            self.because(Aspect::Outcome, rule);
            return Err(ErrorKind::Unrepresentable);
        }
        // Stores encode as they like: what is twice too large as plain JSON is too large for all of them.
        if self.choices.manifest.capabilities.max_record_bytes.is_some_and(|limit| size > limit * 2) {
            self.because(Aspect::Outcome, rules::DATA_TOO_LARGE);
            return Err(ErrorKind::TooLarge);
        }
        Ok((expires, self.sessions[i].lifetime.unwrap_or(kind(expiry))))
    }

    /// When a record expires that is written at an instant.
    fn expires(&self, expiry: Expiry, written: i64) -> Result<i64, ErrorKind> {
        let cookie_age = self.settings.cookie_age;
        let date = if self.choices.breaks(rules::EXPIRY_RANGE) {
            match expiry {
                Expiry::At(at, _) => at,
                other => {
                    written.saturating_add(expiry::age(other, written, cookie_age).saturating_mul(1_000_000))
                }
            }
        } else {
            expiry::date(expiry, written, cookie_age)?
        };
        if self.client_side() && self.choices.breaks(rules::EXPIRY_SIGNED_SECONDS) {
            // The age of the cookie alone, and at that age it still loads.
            return Ok(written + cookie_age * 1_000_000 + 1);
        }
        // A cache that counts a life in whole seconds says so by breaking this rule.
        let gone = self.choices.manifest.capabilities.expired == ExpiredRecords::Gone;
        let rounded = gone && self.choices.breaks(rules::EXPIRY_DURATION);
        Ok(if rounded { date - (date - written).rem_euclid(1_000_000) } else { date })
    }

    fn write(&mut self, i: usize, key: Key, (expires, lifetime): (i64, RuleId), mut origin: Vec<RuleId>) {
        self.writes += 1;
        let session = &mut self.sessions[i];
        if std::mem::take(&mut session.nested) {
            origin.insert(0, rules::DICT_NESTED_SAVED);
        }
        session.version = Some(self.writes);
        let record = Record {
            data: session.data.get_or_insert_default().stored(),
            expires,
            damaged: false,
            writer: session.client,
            version: self.writes,
            signed: self.now.div_euclid(1_000_000),
            secret: self.secret,
            origin,
            lifetime,
            survived: Vec::new(),
        };
        self.storage.removal_reasons.remove(&key);
        self.storage.records.insert(key, record);
    }

    /// Stores the data in memory where the key is the data: under the key that is its signature. The same data
    /// has the same one for a second.
    fn sign(&mut self, i: usize, lifetime: (i64, RuleId), origin: Vec<RuleId>) {
        let data = self.sessions[i].data.get_or_insert_default().stored();
        let second = self.now.div_euclid(1_000_000);
        let secret = self.secret;
        let same =
            |record: &Record| (record.signed, record.secret) == (second, secret) && record.data.is(&data);
        let known = self.storage.records.iter().find(|(_, record)| same(record)).map(|(key, _)| *key);
        for rule in &origin {
            self.because(Aspect::Outcome, *rule);
            self.because(Aspect::Key, *rule);
        }
        let key = known.unwrap_or_else(|| self.draw_key());
        self.sessions[i].key = Some(key);
        if known.is_none() {
            self.write(i, key, lifetime, origin);
        } else if let Some(record) = self.storage.records.get(&key) {
            self.sessions[i].version = Some(record.version);
        }
    }

    pub(super) fn save(&mut self, i: usize) -> Outcome {
        // Where `create` only marks, saving makes the key all the same.
        let marks = self.client_side() && self.choices.breaks(rules::LIFECYCLE_CREATE_STORES);
        if self.sessions[i].key.is_none() && !marks {
            self.because(Aspect::Outcome, rules::LIFECYCLE_SAVE_NO_KEY_CREATES);
            return self.create(i);
        }
        let unread = self.sessions[i].data.is_none();
        self.read(i);
        self.save_flags(i);
        if unread {
            self.explain_read(i, Aspect::Modified);
        }
        if self.choices.breaks(rules::LIFECYCLE_SAVE_FLAGS) {
            self.sessions[i].modified = true;
        }
        if marks {
            let lifetime = self.storable(i)?;
            let mut origin = vec![rules::LIFECYCLE_SAVE_NEW_KEY, rules::LIFECYCLE_SAVE_STORES];
            origin.extend(unread.then_some(rules::LIFECYCLE_SAVE_READS_FIRST));
            origin.push(rules::EXPIRY_RENEWED);
            self.sign(i, lifetime, origin);
            return Ok(Answer::Unit);
        }
        let Some(key) = self.sessions[i].key else {
            self.because(Aspect::Accessed, rules::LIFECYCLE_SAVE_UNKNOWN_UNREAD);
            self.because(Aspect::Outcome, rules::LIFECYCLE_SAVE_UNKNOWN_UNREAD);
            self.why.insert(0, (Aspect::Key, rules::LIFECYCLE_SAVE_UNKNOWN_UNREAD));
            if self.choices.breaks(rules::LIFECYCLE_SAVE_UNKNOWN_UNREAD) {
                self.sessions[i].key = Some(self.draw_key());
            }
            return Err(ErrorKind::UpdateError);
        };
        let lifetime = self.storable(i)?;
        if self.client_side() {
            let mut origin = vec![rules::LIFECYCLE_SAVE_NEW_KEY, rules::LIFECYCLE_SAVE_STORES];
            origin.extend(unread.then_some(rules::LIFECYCLE_SAVE_READS_FIRST));
            origin.push(rules::EXPIRY_RENEWED);
            self.sign(i, lifetime, origin);
            return Ok(Answer::Unit);
        }
        if !self.taken(key) && self.choices.manifest.upsert {
            return Ok(self.upsert(i, key, lifetime));
        }
        if !self.taken(key) {
            let gone = self.storage.records.contains_key(&key);
            let rule = if gone { rules::EXPIRY_GONE } else { rules::LIFECYCLE_SAVE_NO_RESURRECT };
            self.because(Aspect::Outcome, rule);
            if !gone {
                self.because(Aspect::Outcome, rules::LIFECYCLE_SAVE_REFUSED);
            }
            self.because(Aspect::Key, rule);
            self.explain_free(key, Aspect::Outcome);
            self.note_foreign(key);
            if self.was_cleared(key) {
                self.because(Aspect::Outcome, rules::EXPIRY_CLEAR_REMOVES);
            }
            return Err(ErrorKind::UpdateError);
        }
        let mut origin = Vec::new();
        if let Some(record) = self.storage.records.get(&key) {
            if record.damaged {
                origin.push(rules::DATA_CORRUPT_OVERWRITTEN);
            }
            if record.expires <= self.now {
                origin.push(rules::EXPIRY_KEPT);
            }
            if Some(record.version) != self.sessions[i].version {
                origin.push(rules::LIFECYCLE_SAVE_LAST_WINS);
            }
        }
        self.explain_presence(key, Aspect::Outcome);
        if unread {
            origin.push(rules::LIFECYCLE_SAVE_READS_FIRST);
        }
        origin.push(rules::LIFECYCLE_SAVE_STORES);
        origin.push(rules::EXPIRY_RENEWED);
        for rule in &origin {
            self.because(Aspect::Outcome, *rule);
        }
        self.because(Aspect::Key, rules::LIFECYCLE_SAVE_STORES);
        self.write(i, key, lifetime, origin);
        Ok(Answer::Unit)
    }

    /// Stores what is in memory under a key, whatever was there.
    fn upsert(&mut self, i: usize, key: Key, lifetime: (i64, RuleId)) -> Answer {
        self.because(Aspect::Outcome, rules::LIFECYCLE_SAVE_UPSERT);
        self.because(Aspect::Key, rules::LIFECYCLE_SAVE_UPSERT);
        self.write(i, key, lifetime, vec![rules::LIFECYCLE_SAVE_UPSERT]);
        Answer::Unit
    }

    /// Saving speaks about both flags, also where one stays as it was.
    fn save_flags(&mut self, i: usize) {
        self.because(Aspect::Modified, rules::LIFECYCLE_SAVE_FLAGS);
        self.flags(i, true, false, rules::LIFECYCLE_SAVE_FLAGS);
    }

    pub(super) fn save_must_create(&mut self, i: usize) -> Outcome {
        let Some(key) = self.sessions[i].key else { return self.create(i) };
        self.save_flags(i);
        let lifetime = self.storable(i)?;
        if self.client_side() {
            // The suite does not ask this; whoever is served the model may.
            self.sign(i, lifetime, vec![rules::LIFECYCLE_SAVE_MUST_CREATE_STORES]);
            return Ok(Answer::Unit);
        }
        if self.taken(key) && !self.choices.manifest.refuses_insert() {
            return Ok(self.upsert(i, key, lifetime));
        }
        if self.taken(key) {
            self.because(Aspect::Outcome, rules::LIFECYCLE_SAVE_MUST_CREATE_TAKEN);
            self.because(Aspect::Key, rules::LIFECYCLE_SAVE_MUST_CREATE_TAKEN);
            self.explain_presence(key, Aspect::Outcome);
            if let Some(record) = self.storage.records.get_mut(&key) {
                record.survived.push(rules::LIFECYCLE_SAVE_MUST_CREATE_TAKEN);
            }
            return Err(ErrorKind::CreateError);
        }
        self.because(Aspect::Outcome, rules::LIFECYCLE_SAVE_MUST_CREATE_STORES);
        self.because(Aspect::Key, rules::LIFECYCLE_SAVE_MUST_CREATE_STORES);
        self.explain_free(key, Aspect::Outcome);
        self.write(i, key, lifetime, vec![rules::LIFECYCLE_SAVE_MUST_CREATE_STORES]);
        Ok(Answer::Unit)
    }

    pub(super) fn create(&mut self, i: usize) -> Outcome {
        let unread = self.sessions[i].data.is_none() && self.sessions[i].key.is_some();
        let rule = if unread { rules::LIFECYCLE_CREATE_UNREAD } else { rules::LIFECYCLE_CREATE_STORES };
        if self.client_side() && self.choices.breaks(rule) {
            self.sessions[i].modified = true;
            return Ok(Answer::Unit);
        }
        if self.client_side() {
            let lifetime = self.storable(i)?;
            self.sign(i, lifetime, vec![rule]);
            self.flags(i, true, true, rule);
            return Ok(Answer::Unit);
        }
        let (issued, forced) = (self.issued, self.forced.clone());
        let key = self.draw_key();
        let lifetime = match self.storable(i) {
            Ok(lifetime) => lifetime,
            Err(kind) => {
                self.because(Aspect::Outcome, rules::LIFECYCLE_CREATE_FAILED_LEAVES_NO_KEY);
                self.why.insert(0, (Aspect::Key, rules::LIFECYCLE_CREATE_FAILED_LEAVES_NO_KEY));
                self.save_flags(i);
                if self.choices.breaks(rules::LIFECYCLE_CREATE_FAILED_LEAVES_NO_KEY) {
                    self.sessions[i].key = Some(key);
                } else {
                    self.issued = issued;
                    // What a store refuses itself, it refuses when its key is drawn already.
                    let by_store = matches!(kind, ErrorKind::Unrepresentable | ErrorKind::TooLarge);
                    if !by_store || self.choices.manifest.level == SubjectLevel::Session {
                        self.forced = forced;
                    }
                }
                return Err(kind);
            }
        };
        if let Some(old) = self.sessions[i].key.filter(|_| unread)
            && let Some(record) = self.storage.records.get_mut(&old)
        {
            record.survived.push(rule);
        }
        self.because(Aspect::Outcome, rule);
        self.because(Aspect::Key, rule);
        if unread {
            self.sessions[i].data = Some(Data::emptied(rule));
        }
        self.sessions[i].key = Some(key);
        self.write(i, key, lifetime, vec![rule]);
        self.flags(i, true, true, rule);
        Ok(Answer::Unit)
    }

    pub(super) fn cycle_key(&mut self, i: usize) -> Outcome {
        if self.client_side() && self.choices.breaks(rules::LIFECYCLE_CREATE_STORES) {
            // Each save gives another key.
            let old = self.sessions[i].key.is_some();
            let rule = if old { rules::LIFECYCLE_CYCLE_NEW_KEY } else { rules::LIFECYCLE_CYCLE_NO_RECORD };
            self.because(Aspect::Outcome, rule);
            return self.save(i);
        }
        self.read(i);
        let old = self.sessions[i].key;
        let had_record = old.is_some_and(|key| self.storage.records.contains_key(&key));
        self.create(i)?;
        let rule = if had_record { rules::LIFECYCLE_CYCLE_NEW_KEY } else { rules::LIFECYCLE_CYCLE_NO_RECORD };
        self.because(Aspect::Outcome, rule);
        self.because(Aspect::Key, rule);
        if let Some(new) = self.sessions[i].key
            && let Some(record) = self.storage.records.get_mut(&new)
        {
            record.origin.insert(0, rule);
        }
        if let Some(old) = old {
            self.note_foreign(old);
            self.discard(old, rules::LIFECYCLE_CYCLE_OLD_KEY_DEAD);
        }
        Ok(Answer::Unit)
    }

    /// Removes the record under a key for good, for the reason that the rule gives.
    pub(super) fn discard(&mut self, key: Key, reason: RuleId) {
        if self.client_side() {
            self.storage.mark_survivors(rules::LIFECYCLE_DELETE_REVOKES_NOTHING);
        } else if self.storage.records.remove(&key).is_some() {
            self.storage.removal_reasons.insert(key, reason);
            self.storage.mark_survivors(rules::LIFECYCLE_DELETE_ONLY_THAT);
        }
    }
}
