//! What a step shows: the answer, and the state of the session object afterwards.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_core::Entries;

use crate::instant::date;
use crate::json::{Json, Name, Object};

/// The answer to an operation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// Nothing.
    Unit,
    /// Yes or no.
    Bool(bool),
    /// Seconds, or an instant in microseconds since the Unix epoch.
    Integer(i64),
    /// An instant in microseconds since the Unix epoch, if there is one.
    Instant(Option<i64>),
    /// How many; `None` if the subject does not tell.
    Count(Option<u64>),
    /// The value of an entry, if there is one.
    Value(Option<Json>),
    /// Entry names, in order.
    Names(Vec<Name>),
    /// Values, in order.
    Values(Vec<Json>),
    /// Entries, in order.
    Items(Vec<(Name, Json)>),
    /// Sessions, in any order.
    Sessions(Vec<Listed>),
}

/// A session in a list of all of them, as far as the store tells: of some stores the list is one of keys, of others one of
/// what the sessions hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Its key.
    pub key: Option<String>,
    /// Its data, an object.
    pub data: Option<Json>,
}

impl Listed {
    /// A session of which both may be known.
    pub fn new(key: Option<&str>, data: Option<&Entries>) -> Self {
        Self { key: key.map(str::to_owned), data: data.map(canonical) }
    }

    /// Whether nothing is told of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.key.is_none() && self.data.is_none()
    }

    /// As much of it as another one tells.
    pub(crate) fn as_told(&self, like: &Self) -> Self {
        Self {
            key: self.key.clone().filter(|_| like.key.is_some()),
            data: self.data.clone().filter(|_| like.data.is_some()),
        }
    }

    /// Reads one; `None` if it is none.
    pub(crate) fn from_json(json: &Json) -> Option<Self> {
        let fields = Object::from(json.entries()?);
        let key = match fields.get("key") {
            Some(key) => Some(key.as_text()?),
            None => None,
        };
        let listed = Self { key, data: fields.get("data").cloned() };
        (!listed.is_empty()).then_some(listed)
    }

    fn to_json(&self) -> Json {
        let mut listed = Object::default();
        if let Some(key) = &self.key {
            listed.push("key", key.as_str());
        }
        if let Some(data) = &self.data {
            listed.push("data", data.clone());
        }
        listed.to_json()
    }
}

/// The data of a session in our form: its own text may have numbers in another spelling.
pub(crate) fn canonical(data: &Entries) -> Json {
    let text = data.to_json();
    Json::parse(&text).unwrap_or_else(|_| Json::from_canonical(text.as_ref()))
}

/// Sessions in an order of their own, whatever the order of the list is.
fn in_order(listed: &[Listed]) -> Vec<&Listed> {
    let mut listed: Vec<&Listed> = listed.iter().collect();
    listed.sort_by_key(|it| (&it.key, it.data.as_ref().map(Json::as_str)));
    listed
}

/// The kinds of error: a closed list. A right outcome with the wrong kind is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
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

impl<K> SessionState<K> {
    /// The same with another form of its key.
    pub fn map_key<L>(&self, key: impl FnOnce(&K) -> L) -> SessionState<L> {
        SessionState { key: self.key.as_ref().map(key), accessed: self.accessed, modified: self.modified }
    }
}

/// What a subject showed. Keys are real ones, or names for them where they may be printed.
#[derive(Debug, Clone)]
pub struct Observation<K = String> {
    /// The answer or the error.
    pub outcome: Result<Answer, Failed>,
    /// The state of the session object, for operations on one.
    pub session: Option<SessionState<K>>,
}

impl<K> Observation<K> {
    /// An answer without a session object.
    pub fn of(outcome: Result<Answer, Failed>) -> Self {
        Self { outcome, session: None }
    }
}

impl Answer {
    /// The answer as JSON text, as it goes over the wire.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Unit | Self::Value(None) | Self::Count(None) | Self::Instant(None) => Json::null(),
            Self::Count(Some(count)) => (*count).into(),
            Self::Bool(yes) => (*yes).into(),
            Self::Integer(n) | Self::Instant(Some(n)) => (*n).into(),
            Self::Value(Some(value)) => Object::default().with("value", value.clone()).to_json(),
            Self::Names(names) => Json::list(names.iter().map(Name::to_json)),
            Self::Values(values) => Json::list(values.iter().cloned()),
            Self::Items(items) => Object::from(items.clone()).to_json(),
            Self::Sessions(sessions) => Json::list(sessions.iter().map(Listed::to_json)),
        }
    }

    /// Reads an answer off the wire, in the form that `like` has.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn from_json(json: &Json, like: AnswerForm) -> Result<Self, String> {
        let fault = || format!("expected {}, got {}", like.description(), shown(json.as_str()));
        match like {
            AnswerForm::Unit => json.is_null().then_some(Self::Unit),
            AnswerForm::Bool => json.as_str().parse().ok().map(Self::Bool),
            AnswerForm::Integer => json.as_str().parse().ok().map(Self::Integer),
            AnswerForm::Instant if json.is_null() => Some(Self::Instant(None)),
            AnswerForm::Instant => json.as_str().parse().ok().map(|micros| Self::Instant(Some(micros))),
            AnswerForm::Count if json.is_null() => Some(Self::Count(None)),
            AnswerForm::Count => json.as_str().parse().ok().map(|count| Self::Count(Some(count))),
            AnswerForm::Value if json.is_null() => Some(Self::Value(None)),
            AnswerForm::Value => match json.entries().as_deref() {
                Some([(name, value)]) if name.is_one_of(&["value"]) => Some(Self::Value(Some(value.clone()))),
                _ => None,
            },
            AnswerForm::Names => json
                .elements()
                .and_then(|names| names.iter().map(Name::from_json).collect::<Option<_>>())
                .map(Self::Names),
            AnswerForm::Values => json.elements().map(Self::Values),
            AnswerForm::Items => json.entries().map(Self::Items),
            AnswerForm::Sessions => json
                .elements()
                .and_then(|sessions| sessions.iter().map(Listed::from_json).collect::<Option<_>>())
                .map(Self::Sessions),
        }
        .ok_or_else(fault)
    }

    /// Whether this is what was wanted, as far as the subject tells.
    pub(crate) fn fits(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Count(None), Self::Count(_)) | (Self::Count(_), Self::Count(None)) => true,
            (Self::Sessions(got), Self::Sessions(wanted)) => in_order(got) == in_order(wanted),
            _ => self == wanted,
        }
    }

    /// The same answer where all numbers are floating-point numbers of 64 bits.
    #[must_use]
    pub fn as_doubles(&self) -> Self {
        self.with_values(Json::as_doubles)
    }

    /// The same answer with everything sorted, for stores that do not keep order.
    #[must_use]
    pub fn sorted(&self) -> Self {
        let mut answer = self.with_values(Json::sorted);
        match &mut answer {
            Self::Names(names) => names.sort(),
            Self::Values(values) => values.sort_by(|a, b| a.as_str().cmp(b.as_str())),
            Self::Items(items) => items.sort_by(|a, b| a.0.cmp(&b.0)),
            _ => {}
        }
        answer
    }

    /// The same answer with something else made of each value in it.
    fn with_values(&self, made: fn(&Json) -> Json) -> Self {
        match self {
            Self::Value(value) => Self::Value(value.as_ref().map(made)),
            Self::Values(values) => Self::Values(values.iter().map(made).collect()),
            Self::Items(items) => Self::Items(items.iter().map(|(n, v)| (n.clone(), made(v))).collect()),
            Self::Sessions(sessions) => {
                let made = |it: &Listed| Listed { key: it.key.clone(), data: it.data.as_ref().map(made) };
                Self::Sessions(sessions.iter().map(made).collect())
            }
            other => other.clone(),
        }
    }
}

/// The form of an answer, which the operation decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the same names as in `Answer`")]
#[non_exhaustive]
pub enum AnswerForm {
    Unit,
    Bool,
    Integer,
    Instant,
    Count,
    Value,
    Names,
    Values,
    Items,
    Sessions,
}

impl AnswerForm {
    fn description(self) -> &'static str {
        match self {
            Self::Unit => "null",
            Self::Bool => "true or false",
            Self::Integer => "an integer",
            Self::Instant => "null or an instant in microseconds",
            Self::Count => "null or a count",
            Self::Value => "{\"value\": …} or null",
            Self::Names => "a list of texts",
            Self::Values => "a list",
            Self::Items => "an object",
            Self::Sessions => "a list of objects, each with a `key` or `data` or both",
        }
    }
}

/// Text for a reader, on one line: long values are cut in the middle, with their length, and what would move the cursor or
/// begin a line stands as its escape.
pub fn shown(text: &str) -> String {
    const MOST: usize = 120;
    let plain = |text: &str| -> String {
        let escaped =
            text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.into() });
        escaped.collect()
    };
    if text.chars().count() <= MOST {
        return plain(text);
    }
    let head: String = text.chars().take(MOST / 2).collect();
    let tail: String = text.chars().rev().take(MOST / 4).collect::<Vec<_>>().into_iter().rev().collect();
    format!("{} … {} ({} bytes)", plain(&head), plain(&tail), text.len())
}

impl fmt::Display for Answer {
    /// For a reader.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit | Self::Count(None) => f.write_str("ok"),
            Self::Value(None) | Self::Instant(None) => f.write_str("nothing"),
            Self::Instant(Some(micros)) => f.write_str(&date(*micros)),
            Self::Value(Some(value)) => f.write_str(&shown(value.as_str())),
            other => f.write_str(&shown(other.to_json().as_str())),
        }
    }
}
