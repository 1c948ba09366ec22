//! The storages of the model, and the operations on them.

use std::collections::HashMap;

use session_core::{ClearExpired, ExpiredRecords};

use super::{Aspect, Model, Record};
use crate::call::Call;
use crate::observation::{Answer, ErrorKind, Listed};
use crate::op::{Key, SessionOp, StorageOp};
use crate::rule::RuleId;
use crate::rules;

/// What is stored.
#[derive(Debug, Clone, Default)]
pub(super) struct Storage {
    pub(super) records: HashMap<Key, Record>,
    /// Why a key that was issued addresses nothing any more.
    pub(super) removal_reasons: HashMap<Key, RuleId>,
}

impl Storage {
    /// Notes for every record that something happened which must not touch it.
    pub(super) fn mark_survivors(&mut self, rule: RuleId) {
        for record in self.records.values_mut() {
            if !record.survived.contains(&rule) {
                record.survived.push(rule);
            }
        }
    }
}

impl Model {
    pub(super) fn storage_op(&mut self, client: u8, op: StorageOp<Key>) -> Result<Answer, ErrorKind> {
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
        match self.storage.records.get(&key) {
            Some(record) if record.expires > self.now => {
                self.explain_live(key, client, Aspect::Answer);
                self.because(Aspect::Answer, rules::LIFECYCLE_EXISTS_STORED);
            }
            Some(record) if taken => {
                let is_its_instant = record.expires == self.now;
                let survived = |rule| record.survived.contains(&rule);
                let was_cleared_around = is_its_instant && survived(rules::EXPIRY_CLEAR_KEEPS_LIVE);
                let has_other = survived(rules::LIFECYCLE_OTHER_STORAGE);
                if was_cleared_around {
                    self.because(Aspect::Answer, rules::EXPIRY_CLEAR_BOUNDARY);
                }
                if has_other {
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
        match self.storage.records.get(&key) {
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

    pub(super) fn delete(&mut self, key: Key) {
        self.note_foreign(key);
        if self.client_side() {
            self.because(Aspect::Outcome, rules::LIFECYCLE_DELETE_IDEMPOTENT);
            self.storage.mark_survivors(rules::LIFECYCLE_DELETE_REVOKES_NOTHING);
        } else if let Some(record) = self.storage.records.remove(&key) {
            // What has expired and what was never there look the same.
            let is_live = self.now < record.expires;
            let rule =
                if is_live { rules::LIFECYCLE_DELETE_GONE } else { rules::LIFECYCLE_DELETE_IDEMPOTENT };
            self.because(Aspect::Outcome, rule);
            self.storage.removal_reasons.insert(key, rules::LIFECYCLE_DELETE_GONE);
            self.storage.mark_survivors(rules::LIFECYCLE_DELETE_ONLY_THAT);
        } else {
            self.because(Aspect::Outcome, rules::LIFECYCLE_DELETE_IDEMPOTENT);
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
                    self.storage.records.iter().filter(|(_, r)| expired(r)).map(|(key, _)| *key).collect();
                // Where expired records are gone, some may have gone by themselves before.
                if self.choices.manifest.capabilities.expired == ExpiredRecords::Kept {
                    self.because(Aspect::Answer, rules::EXPIRY_CLEAR_COUNT);
                    count = u64::try_from(dead.len()).ok();
                }
                for key in dead {
                    self.storage.records.remove(&key);
                    self.storage.removal_reasons.insert(key, rules::EXPIRY_CLEAR_REMOVES);
                }
            }
            _ => {
                self.because(Aspect::Outcome, rules::EXPIRY_CLEAR_REFUSED);
                return Err(ErrorKind::Unsupported);
            }
        }
        self.storage.mark_survivors(rules::EXPIRY_CLEAR_KEEPS_LIVE);
        Ok(Answer::Count(count))
    }

    /// All sessions that would load, in the order of their last writing.
    fn all(&mut self) -> Vec<Listed> {
        self.because(Aspect::Answer, rules::LIFECYCLE_ALL_LISTED);
        let mut live: Vec<_> =
            self.storage.records.iter().filter(|(_, record)| self.now < record.expires).collect();
        live.sort_by_key(|(_, record)| record.version);
        let listed = live
            .into_iter()
            .map(|(key, record)| Listed { key: Some(key.to_string()), data: Some(record.data.to_json()) });
        listed.collect()
    }

    /// How many there are. None of them has expired.
    fn length(&mut self) -> u64 {
        self.because(Aspect::Answer, rules::LIFECYCLE_ALL_COUNTED);
        self.storage.records.len().try_into().unwrap_or(u64::MAX)
    }

    fn clear_all(&mut self) {
        self.because(Aspect::Outcome, rules::LIFECYCLE_ALL_CLEARED);
        for (key, _) in self.storage.records.drain() {
            self.storage.removal_reasons.insert(key, rules::LIFECYCLE_ALL_CLEARED);
        }
    }

    /// Goes to the storage beside this one.
    pub(super) fn change_storage(&mut self) {
        std::mem::swap(&mut self.storage, &mut self.other);
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
            self.storage.mark_survivors(rules::LIFECYCLE_REOPEN_PERSISTENT);
            for reason in self.storage.removal_reasons.values_mut() {
                if *reason == rules::LIFECYCLE_DELETE_GONE {
                    *reason = rules::LIFECYCLE_REOPEN_DELETED_STAYS;
                }
            }
        } else {
            self.because(Aspect::Outcome, rules::LIFECYCLE_REOPEN_VOLATILE);
            for (key, _) in self.storage.records.drain() {
                self.storage.removal_reasons.insert(key, rules::LIFECYCLE_REOPEN_VOLATILE);
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
            self.storage.records.iter().filter(|(_, r)| given_up(r, self.secret)).map(|(k, _)| *k).collect();
        for key in dead {
            self.storage.records.remove(&key);
            self.storage.removal_reasons.insert(key, rules::KEY_ROTATED_GIVEN_UP);
        }
        for record in self.storage.records.values_mut() {
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
        match self.storage.records.get_mut(&key) {
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
}

/// Whether something removes records.
pub(super) fn removes(call: &Call<'_, Key>) -> bool {
    match call {
        Call::Op { op, .. } => matches!(op, SessionOp::Delete | SessionOp::Flush | SessionOp::CycleKey),
        Call::Storage { op, .. } => {
            matches!(op, StorageOp::DeleteKey(_) | StorageOp::ClearExpired | StorageOp::ClearAll)
        }
        Call::Session { .. } => false,
    }
}
