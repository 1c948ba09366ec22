//! What a step shows: the answer, and the state of the session object afterwards.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::json::{Json, object};

/// The answer to an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Nothing.
    Unit,
    /// Yes or no.
    Bool(bool),
    /// Seconds, or an instant in microseconds since the Unix epoch.
    Integer(i64),
    /// The value of an entry, if there is one.
    Value(Option<Json>),
    /// Entry names, in order.
    Names(Vec<String>),
    /// Values, in order.
    Values(Vec<Json>),
    /// Entries, in order.
    Items(Vec<(String, Json)>),
}

/// The kinds of error: a closed list. A right outcome with the wrong kind is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The entry is not there.
    KeyError,
    /// The key is taken.
    CreateError,
    /// There is no record to update.
    UpdateError,
    /// The record does not decode.
    Corrupt,
    /// The value cannot be kept as it is.
    Unrepresentable,
    /// The session is larger than the store takes.
    TooLarge,
    /// The store does not offer the operation.
    Unsupported,
    /// The expiry is out of range or not an expiry.
    InvalidExpiry,
    /// The storage failed.
    Unavailable,
}

impl ErrorKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::KeyError,
        Self::CreateError,
        Self::UpdateError,
        Self::Corrupt,
        Self::Unrepresentable,
        Self::TooLarge,
        Self::Unsupported,
        Self::InvalidExpiry,
        Self::Unavailable,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::KeyError => "key-error",
            Self::CreateError => "create-error",
            Self::UpdateError => "update-error",
            Self::Corrupt => "corrupt",
            Self::Unrepresentable => "unrepresentable",
            Self::TooLarge => "too-large",
            Self::Unsupported => "unsupported",
            Self::InvalidExpiry => "invalid-expiry",
            Self::Unavailable => "unavailable",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An error, with the subject's own words.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Its kind.
    pub kind: ErrorKind,
    /// The subject's message, for the reader only.
    pub message: String,
}

/// A session object after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionState<K> {
    /// Its key.
    pub key: Option<K>,
    /// Whether it was read.
    pub accessed: bool,
    /// Whether it was changed.
    pub modified: bool,
}

/// What a subject showed.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The answer or the error.
    pub outcome: Result<Answer, Failed>,
    /// The state of the session object, for operations on one.
    pub session: Option<SessionState<String>>,
}

impl Answer {
    /// The answer as JSON text, as it goes over the wire.
    pub fn to_json(&self) -> String {
        match self {
            Self::Unit | Self::Value(None) => "null".into(),
            Self::Bool(yes) => yes.to_string(),
            Self::Integer(n) => n.to_string(),
            Self::Value(Some(value)) => format!("{{\"value\":{}}}", value.as_str()),
            Self::Names(names) => list(names.iter().map(|name| Json::text(name))),
            Self::Values(values) => list(values.iter().cloned()),
            Self::Items(items) => object(items.iter().map(|(name, value)| (name.as_str(), value))),
        }
    }

    /// Reads an answer off the wire, in the form that `like` has.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn from_json(json: &Json, like: AnswerForm) -> Result<Self, String> {
        let fault = || format!("expected {}, got {}", like.description(), shown(json.as_str()));
        match like {
            AnswerForm::Unit => (json.as_str() == "null").then_some(Self::Unit),
            AnswerForm::Bool => json.as_str().parse().ok().map(Self::Bool),
            AnswerForm::Integer => json.as_str().parse().ok().map(Self::Integer),
            AnswerForm::Value if json.as_str() == "null" => Some(Self::Value(None)),
            AnswerForm::Value => match json.entries().as_deref() {
                Some([(name, value)]) if name == "value" => Some(Self::Value(Some(value.clone()))),
                _ => None,
            },
            AnswerForm::Names => json
                .elements()
                .and_then(|names| names.iter().map(Json::as_text).collect::<Option<_>>())
                .map(Self::Names),
            AnswerForm::Values => json.elements().map(Self::Values),
            AnswerForm::Items => json.entries().map(Self::Items),
        }
        .ok_or_else(fault)
    }

    /// The same answer with everything sorted, for stores that do not keep order.
    #[must_use]
    pub fn sorted(&self) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.as_ref().map(Json::sorted)),
            Self::Names(names) => {
                let mut names = names.clone();
                names.sort();
                Self::Names(names)
            }
            Self::Values(values) => {
                let mut values: Vec<_> = values.iter().map(Json::sorted).collect();
                values.sort_by(|a, b| a.as_str().cmp(b.as_str()));
                Self::Values(values)
            }
            Self::Items(items) => {
                let mut items: Vec<_> = items.iter().map(|(n, v)| (n.clone(), v.sorted())).collect();
                items.sort_by(|a, b| a.0.cmp(&b.0));
                Self::Items(items)
            }
            other => other.clone(),
        }
    }
}

fn list(elements: impl Iterator<Item = Json>) -> String {
    let texts: Vec<String> = elements.map(|json| json.as_str().to_owned()).collect();
    format!("[{}]", texts.join(","))
}

/// The form of an answer, which the operation decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the same names as in `Answer`")]
pub enum AnswerForm {
    Unit,
    Bool,
    Integer,
    Value,
    Names,
    Values,
    Items,
}

impl AnswerForm {
    fn description(self) -> &'static str {
        match self {
            Self::Unit => "null",
            Self::Bool => "true or false",
            Self::Integer => "an integer",
            Self::Value => "{\"value\": …} or null",
            Self::Names => "a list of texts",
            Self::Values => "a list",
            Self::Items => "an object",
        }
    }
}

/// Text for a reader: long values are cut in the middle, with their length.
pub fn shown(text: &str) -> String {
    const MOST: usize = 120;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let head: String = text.chars().take(MOST / 2).collect();
    let tail: String = text.chars().rev().take(MOST / 4).collect::<Vec<_>>().into_iter().rev().collect();
    format!("{head} … {tail} ({} bytes)", text.len())
}

impl fmt::Display for Answer {
    /// For a reader.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit => f.write_str("ok"),
            Self::Value(None) => f.write_str("nothing"),
            Self::Value(Some(value)) => f.write_str(&shown(value.as_str())),
            other => f.write_str(&shown(&other.to_json())),
        }
    }
}
