//! The dictionary of the model: entries in order, each remembering whether it came from a record.

use std::sync::Arc;

use crate::json::{Class, Json};

/// A session's data.
#[derive(Debug, Clone, Default)]
pub(super) struct Data {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: Arc<str>,
    pub(super) value: Json,
    /// Whether the value was read from a record, so that its being right shows that the record kept it.
    pub(super) reloaded: bool,
}

impl Data {
    pub(super) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| &*entry.name == name)
    }

    pub(super) fn set(&mut self, name: &str, value: Json) {
        match self.entries.iter_mut().find(|entry| &*entry.name == name) {
            Some(entry) => {
                entry.value = value;
                entry.reloaded = false;
            }
            None => self.entries.push(Entry { name: name.into(), value, reloaded: false }),
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<Entry> {
        let index = self.entries.iter().position(|entry| &*entry.name == name)?;
        Some(self.entries.remove(index))
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The most awkward class of its values.
    pub(super) fn classes(&self) -> impl Iterator<Item = Class> {
        self.entries.iter().map(|entry| entry.value.class())
    }

    /// Whether it is the same text when it is written.
    pub(super) fn is(&self, other: &Self) -> bool {
        let pairs = |data: &Self| -> Vec<(Arc<str>, Json)> {
            data.entries.iter().map(|entry| (Arc::clone(&entry.name), entry.value.clone())).collect()
        };
        pairs(self) == pairs(other)
    }

    /// About how many bytes the data is long, as JSON.
    pub(super) fn size(&self) -> u64 {
        self.entries.iter().map(|entry| (entry.name.len() + entry.value.as_str().len() + 4) as u64).sum()
    }

    /// The data as a record holds it: all that is read from it will have been read from a record.
    pub(super) fn stored(&self) -> Self {
        let entries = self.entries.iter().map(|entry| Entry { reloaded: true, ..entry.clone() });
        Self { entries: entries.collect() }
    }
}

/// Whether a name is one that a careless store trips over.
pub(super) fn is_awkward_name(name: &str) -> bool {
    name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
