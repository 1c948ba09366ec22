//! Objects as lists of entries.

use std::fmt;
use std::sync::Arc;

use super::Json;
use super::node::quoted;

/// The name of an entry, as canonical JSON text: it may hold half a surrogate pair, which no `str` can.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Arc<str>);

impl Name {
    /// Takes text in its quotes that is canonical already.
    pub(super) fn from_canonical(text: String) -> Self {
        Self(text.into())
    }

    /// The name that a JSON text value holds; `None` if the value is not text.
    pub fn from_json(json: &Json) -> Option<Self> {
        json.as_str().starts_with('"').then(|| Self(Arc::clone(&json.text)))
    }

    /// The canonical JSON text, in its quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The characters, or `None` if they are not whole.
    pub fn as_text(&self) -> Option<String> {
        self.to_json().as_text()
    }

    /// Whether it is one of these texts.
    pub(crate) fn is_one_of(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| *self == Self::from(*text))
    }

    /// The name as a JSON text value.
    pub fn to_json(&self) -> Json {
        Json::from_canonical(Arc::clone(&self.0))
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::from_canonical(quoted(text))
    }
}

impl fmt::Display for Name {
    /// In quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A JSON object as its entries, in order. Their values stay text until they are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    entries: Vec<(Name, Json)>,
}

impl From<Vec<(Name, Json)>> for Object {
    fn from(entries: Vec<(Name, Json)>) -> Self {
        Self { entries }
    }
}

impl Object {
    /// Reads a line that must be an object.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json = Json::parse(text)?;
        json.entries().map(Self::from).ok_or_else(|| "it is not a JSON object".into())
    }

    /// With one more entry at the end.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.push(name, value);
        self
    }

    /// Adds an entry at the end.
    pub fn push(&mut self, name: &str, value: impl Into<Json>) {
        self.entries.push((name.into(), value.into()));
    }

    /// Adds the entries of another at the end.
    pub fn extend(&mut self, other: Self) {
        self.entries.extend(other.entries);
    }

    /// The value of an entry.
    pub fn get(&self, name: &str) -> Option<&Json> {
        let name = Name::from(name);
        self.entries.iter().find(|entry| entry.0 == name).map(|(_, value)| value)
    }

    /// The value of an entry, or a sentence that says that it is missing.
    pub(crate) fn need(&self, op: &str, name: &str) -> Result<&Json, String> {
        self.get(name).ok_or_else(|| format!("`{op}` needs the field `{name}`"))
    }

    /// The characters of an entry.
    pub(crate) fn need_text(&self, op: &str, name: &str) -> Result<String, String> {
        let json = self.need(op, name)?;
        json.as_text().ok_or_else(|| format!("`{op}`: `{name}` must be text, not {}", shown(json)))
    }

    /// A plain value, as serde reads it; `None` if there is no such entry.
    pub(crate) fn read<T: serde::de::DeserializeOwned>(
        &self,
        op: &str,
        name: &str,
    ) -> Result<Option<T>, String> {
        let read = |json: &Json| json.read().map_err(|error| format!("`{op}`: `{name}`: {error}"));
        self.get(name).map(read).transpose()
    }

    /// The entries.
    pub fn entries(&self) -> &[(Name, Json)] {
        &self.entries
    }

    /// The object as a value.
    pub fn to_json(&self) -> Json {
        Json::from_canonical(self.to_string())
    }
}

fn shown(json: &Json) -> String {
    crate::observation::shown(json.as_str())
}

impl fmt::Display for Object {
    /// In canonical form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (place, (name, value)) in self.entries.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma}{name}:{}", value.as_str())?;
        }
        f.write_str("}")
    }
}
