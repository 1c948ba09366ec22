//! The rules behind a record's being there, or not.

use super::{Aspect, Model};
use crate::op::{Forged, Key};
use crate::rule::RuleId;
use crate::rules;

impl Model {
    /// The rules behind a record's being there still, whether it has expired or not.
    pub(super) fn explain_presence(&mut self, key: Key, aspect: Aspect) {
        let Some(record) = self.storage.records.get(&key) else { return };
        let (lifetime, survived) = (record.lifetime, record.survived.clone());
        self.because(aspect, lifetime);
        for rule in survived {
            self.because(aspect, rule);
        }
    }

    /// The rules behind a live record's being there.
    pub(super) fn explain_live(&mut self, key: Key, client: u8, aspect: Aspect) {
        let Some(record) = self.storage.records.get(&key) else { return };
        let survived = record.survived.clone();
        let (damaged, by_other) = (record.damaged, record.writer != client);
        let last_instant = record.expires == self.now + 1;
        let several = self.storage.records.len() > 1;
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

    /// What was flushed, given another key or deleted before a restart is a deleted record first of all.
    fn explain_deletion(&mut self, aspect: Aspect, reason: RuleId) {
        let deleted = [
            rules::LIFECYCLE_FLUSH_RECORD_GONE,
            rules::LIFECYCLE_CYCLE_OLD_KEY_DEAD,
            rules::LIFECYCLE_REOPEN_DELETED_STAYS,
            rules::LIFECYCLE_DELETE_GONE,
        ];
        if deleted.contains(&reason) {
            self.because(aspect, rules::LIFECYCLE_DELETE_GONE);
        }
    }

    /// The rules behind a key's being free.
    pub(super) fn explain_free(&mut self, key: Key, aspect: Aspect) {
        if let Some(reason) = self.storage.removal_reasons.get(&key).copied() {
            self.explain_deletion(aspect, reason);
        }
    }

    /// The rules behind a key's being no session, where the key is the data and was not made here.
    pub(super) fn explain_forged(&mut self, key: Key, aspect: Aspect) {
        match key {
            Key::Forged(Forged::OtherSalt) => self.because(aspect, rules::KEY_FORGED_SALT),
            Key::Forged(Forged::OtherSecret) => self.because(aspect, rules::KEY_FORGED_SECRET),
            Key::Forged(Forged::Unsigned | Forged::Spliced | Forged::CutSignature) => {
                self.because(aspect, rules::KEY_FORGED_SIGNATURE);
            }
            _ => {}
        }
        self.because(aspect, rules::KEY_TAMPERED);
    }

    /// The rules behind a key's addressing nothing that can be read.
    pub(super) fn explain_absent(&mut self, key: Key, client: u8, aspect: Aspect) {
        if let Some(record) = self.storage.records.get(&key) {
            let (boundary, lifetime) = (record.expires == self.now, record.lifetime);
            let renewed = record.origin.contains(&rules::EXPIRY_RENEWED);
            if boundary {
                self.because(aspect, rules::EXPIRY_BOUNDARY);
            }
            if self.client_side() {
                self.because(aspect, rules::EXPIRY_SIGNED_SECONDS);
            }
            self.because(aspect, rules::EXPIRY_DEAD);
            self.because(aspect, lifetime);
            if renewed {
                self.because(aspect, rules::EXPIRY_RENEWED);
            }
            return;
        }
        if self.other.records.contains_key(&key) {
            self.because(aspect, rules::LIFECYCLE_OTHER_STORAGE);
        }
        match (self.storage.removal_reasons.get(&key), key) {
            (Some(reason), _) => {
                let reason = *reason;
                self.because(aspect, reason);
                self.explain_deletion(aspect, reason);
                if client == 1 && self.choices.manifest.capabilities.shared {
                    self.because(aspect, rules::LIFECYCLE_SECOND_CLIENT);
                }
            }
            (None, key) if key.is_foreign() && self.client_side() => {
                self.explain_forged(key, aspect);
                return;
            }
            (None, Key::Altered(..)) => self.because(aspect, rules::KEY_EXACT),
            (None, Key::Forged(Forged::WellFormed | Forged::Eight) | Key::Foreign(_)) => {
                self.because(aspect, rules::KEY_UNKNOWN_NOT_ADOPTED);
            }
            (None, Key::Forged(_)) => self.because(aspect, rules::KEY_HOSTILE),
            (None, Key::Issued(_)) => {}
        }
        self.because(aspect, rules::KEY_UNKNOWN_NOT_ADOPTED);
    }
}
