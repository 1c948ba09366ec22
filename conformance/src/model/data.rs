//! The dictionary of the model: entries in order, each remembering whether it came from a record.

use indexmap::IndexMap;

use crate::json::{Class, Json, Name, Object};
use crate::rule::RuleId;

/// A session's data.
#[derive(Debug, Clone, Default)]
pub(super) struct Data {
    entries: IndexMap<Name, Entry>,
    /// The rules by which entries went.
    gone: IndexMap<Name, RuleId>,
    /// The rule by which all that there was went.
    emptied: Option<RuleId>,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) value: Json,
    /// Whether the value was read from a record, so that its being right shows that the record kept it.
    pub(super) reloaded: bool,
    /// The rule by which it was set.
    pub(super) by: RuleId,
}

impl Data {
    pub(super) fn get(&self, name: &Name) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// Nothing, for the reason that a rule gives.
    pub(super) fn emptied(by: RuleId) -> Self {
        Self { emptied: Some(by), ..Self::default() }
    }

    pub(super) fn set(&mut self, name: &Name, value: Json, by: RuleId) {
        self.gone.shift_remove(name);
        self.entries.insert(name.clone(), Entry { value, reloaded: false, by });
    }

    pub(super) fn remove(&mut self, name: &Name, by: RuleId) -> Option<Entry> {
        let removed = self.entries.shift_remove(name);
        if removed.is_some() {
            self.gone.insert(name.clone(), by);
        }
        removed
    }

    /// Notes why an entry is still not there.
    pub(super) fn note_absent(&mut self, name: &Name, by: RuleId) {
        self.gone.insert(name.clone(), by);
    }

    /// Why an entry is not there, if it was.
    pub(super) fn why_gone(&self, name: &Name) -> Option<RuleId> {
        self.gone.get(name).copied().or(self.emptied)
    }

    /// Why entries are not there that were.
    pub(super) fn why_short(&self) -> impl Iterator<Item = RuleId> {
        self.gone.values().copied().chain(self.emptied)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&Name, &Entry)> {
        self.entries.iter()
    }

    /// All of it, as an object.
    pub(super) fn to_json(&self) -> Json {
        let entries = self.entries().map(|(name, entry)| (name.clone(), entry.value.clone()));
        Object::from(entries.collect::<Vec<_>>()).to_json()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The most awkward class of its values.
    pub(super) fn classes(&self) -> impl Iterator<Item = Class> {
        self.entries.values().map(|entry| entry.value.class())
    }

    /// Whether it is the same text when it is written.
    pub(super) fn is(&self, other: &Self) -> bool {
        let pairs = |data: &Self| -> Vec<(Name, Json)> {
            data.entries().map(|(name, entry)| (name.clone(), entry.value.clone())).collect()
        };
        pairs(self) == pairs(other)
    }

    /// About how many bytes the data is long, as JSON.
    pub(super) fn size(&self) -> u64 {
        let sizes = self.entries().map(|(name, entry)| name.as_str().len() + entry.value.as_str().len() + 2);
        sizes.sum::<usize>() as u64
    }

    /// The data as a record holds it: all that is read from it will have been read from a record.
    pub(super) fn stored(&self) -> Self {
        let mut stored = Self { entries: self.entries.clone(), ..Self::default() };
        stored.entries.values_mut().for_each(|entry| entry.reloaded = true);
        stored
    }
}

/// Whether a name is one that a careless store trips over.
pub(super) fn is_awkward_name(name: &Name) -> bool {
    let text = name.as_str().trim_matches('"');
    text.is_empty()
        || text.len() > 100
        || text.starts_with('_')
        || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
