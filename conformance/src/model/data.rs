//! The dictionary of the model: entries in order, each remembering whether it came from a record.

use indexmap::IndexMap;

use crate::json::{Class, Json, Name};

/// A session's data.
#[derive(Debug, Clone, Default)]
pub(super) struct Data {
    entries: IndexMap<Name, Entry>,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) value: Json,
    /// Whether the value was read from a record, so that its being right shows that the record kept it.
    pub(super) reloaded: bool,
}

impl Data {
    pub(super) fn get(&self, name: &Name) -> Option<&Entry> {
        self.entries.get(name)
    }

    pub(super) fn set(&mut self, name: &Name, value: Json) {
        self.entries.insert(name.clone(), Entry { value, reloaded: false });
    }

    pub(super) fn remove(&mut self, name: &Name) -> Option<Entry> {
        self.entries.shift_remove(name)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&Name, &Entry)> {
        self.entries.iter()
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
        let mut stored = self.clone();
        stored.entries.values_mut().for_each(|entry| entry.reloaded = true);
        stored
    }
}

/// Whether a name is one that a careless store trips over.
pub(super) fn is_awkward_name(name: &Name) -> bool {
    let text = name.as_str().trim_matches('"');
    text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
