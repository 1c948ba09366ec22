//! Applications: what a request and its answer do to a session and its cookie. Rules about this are checked on
//! whole requests instead of traces.
//!
//! - `mod.rs`: a case, which is one request, and the answer to it
//! - `model.rs`: what the answer must be, and which rules say so
//! - `header.rs`: which cookie of a request is the session's
//! - `table.rs`: the cases, with the answers that real Django gave
//! - `check.rs`: the suite, which plays the cases on an application that runs

mod check;
mod header;
mod model;
mod table;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use check::{Application, Broken, Request, Response, Settings, check};
pub use header::{HeaderCase, Words};
pub use model::{Predicted, Provenance, predict};
pub use table::{CookieCase, cases, cookie_cases, cookie_session_cases, header_cases, overlapping_cases};

/// One request to an application with these settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the visitor brings.
    pub cookie: Brought,
    /// What the handler does with the session, in order.
    #[serde(rename = "do")]
    pub operations: Vec<Operation>,
    /// The setting of that name.
    pub save_every_request: bool,
    /// The setting of that name.
    pub expire_at_browser_close: bool,
    /// The status with which the handler answers.
    pub status: u16,
    /// The answer.
    pub answer: Answer,
}

impl Case {
    /// What another request does while this one is handled, if one does.
    pub fn meanwhile(&self) -> Option<&[Operation]> {
        self.operations.iter().find_map(Operation::meanwhile)
    }
}

/// What a visitor brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Brought {
    /// No cookie.
    None,
    /// The cookie of a session with the entries `a` (1) and `list` (1, 2).
    Live,
    /// The cookie of a session without an entry.
    Bare,
    /// A key of the right form that nobody issued.
    Unknown,
    /// A value of fewer than eight characters.
    Short,
    /// The cookie of a session that was deleted.
    Ended,
    /// A cookie that was signed longer ago than the session's age; of sessions in the cookie only.
    Expired,
}

/// The entries of the session that [`Brought::Live`] means.
fn live() -> [(String, Value); 2] {
    [("a".to_owned(), 1.into()), ("list".to_owned(), [1, 2].map(Value::from).to_vec().into())]
}

/// Something that a handler does with its session. Written as a list: `["set", "a", 2]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Value>", into = "Vec<Value>")]
pub enum Operation {
    /// Reads an entry; gives its value, or null.
    Get(String),
    /// Asks whether there is an entry; gives a boolean.
    Contains(String),
    /// Gives the names of all entries.
    Keys,
    /// Sets an entry.
    Set(String, Value),
    /// Removes an entry, if it is there.
    Remove(String),
    /// Adds to the end of the list in an entry, in its place, so that the session does not see it.
    Append(String, Value),
    /// Removes all entries.
    Clear,
    /// Ends the session.
    Flush,
    /// Gives the session another key.
    CycleKey,
    /// Sets the session's own expiry: seconds, 0 for the browser's end, null for none.
    SetExpiry(Option<i64>),
    /// Asks whether the session is empty; gives a boolean.
    IsEmpty,
    /// Asks whether the session is true, as in Python's `if session`; gives a boolean. Not every language has this:
    /// in the table only.
    IsTrue,
    /// Saves the session.
    Save,
    /// Deletes the session's record in the store, as a log-out in another request would. The session object does
    /// not learn of it.
    DeleteElsewhere,
    /// Waits while another request of the same visitor, whose handler does this, is answered.
    Meanwhile(Vec<Operation>),
}

impl Operation {
    /// What another request does meanwhile.
    pub fn meanwhile(&self) -> Option<&[Self]> {
        match self {
            Self::Meanwhile(operations) => Some(operations),
            _ => None,
        }
    }

    /// Whether it changes the entries of a session, as every framework sees it.
    fn changes(&self) -> bool {
        matches!(self, Self::Set(..) | Self::Remove(_) | Self::Clear)
    }
}

impl TryFrom<Vec<Value>> for Operation {
    type Error = String;

    fn try_from(words: Vec<Value>) -> Result<Self, String> {
        let name = |value: &Value| value.as_str().map(str::to_owned);
        let operation = match words.as_slice() {
            [operation, rest @ ..] => match (operation.as_str(), rest) {
                (Some("get"), [entry]) => name(entry).map(Self::Get),
                (Some("contains"), [entry]) => name(entry).map(Self::Contains),
                (Some("keys"), []) => Some(Self::Keys),
                (Some("set"), [entry, value]) => name(entry).map(|entry| Self::Set(entry, value.clone())),
                (Some("remove"), [entry]) => name(entry).map(Self::Remove),
                (Some("append"), [entry, value]) => {
                    name(entry).map(|entry| Self::Append(entry, value.clone()))
                }
                (Some("clear"), []) => Some(Self::Clear),
                (Some("flush"), []) => Some(Self::Flush),
                (Some("cycle-key"), []) => Some(Self::CycleKey),
                (Some("set-expiry"), [Value::Null]) => Some(Self::SetExpiry(None)),
                (Some("set-expiry"), [seconds]) => {
                    seconds.as_i64().map(|seconds| Self::SetExpiry(Some(seconds)))
                }
                (Some("is-empty"), []) => Some(Self::IsEmpty),
                (Some("is-true"), []) => Some(Self::IsTrue),
                (Some("save"), []) => Some(Self::Save),
                (Some("delete-elsewhere"), []) => Some(Self::DeleteElsewhere),
                (Some("meanwhile"), [operations]) => {
                    serde_json::from_value(operations.clone()).map(Self::Meanwhile).ok()
                }
                _ => None,
            },
            [] => None,
        };
        operation.ok_or_else(|| format!("{} is no operation", Value::from(words)))
    }
}

impl From<Operation> for Vec<Value> {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Get(entry) => vec!["get".into(), entry.into()],
            Operation::Contains(entry) => vec!["contains".into(), entry.into()],
            Operation::Keys => vec!["keys".into()],
            Operation::Set(entry, value) => vec!["set".into(), entry.into(), value],
            Operation::Remove(entry) => vec!["remove".into(), entry.into()],
            Operation::Append(entry, value) => vec!["append".into(), entry.into(), value],
            Operation::Clear => vec!["clear".into()],
            Operation::Flush => vec!["flush".into()],
            Operation::CycleKey => vec!["cycle-key".into()],
            Operation::SetExpiry(seconds) => vec!["set-expiry".into(), seconds.into()],
            Operation::IsEmpty => vec!["is-empty".into()],
            Operation::IsTrue => vec!["is-true".into()],
            Operation::Save => vec!["save".into()],
            Operation::DeleteElsewhere => vec!["delete-elsewhere".into()],
            Operation::Meanwhile(operations) => {
                let operations = operations.into_iter().map(|operation| Value::from(Vec::from(operation)));
                vec!["meanwhile".into(), operations.collect()]
            }
        }
    }
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The status: the handler's, or 400 if the session was deleted meanwhile.
    pub status: u16,
    /// What it says about the cookie.
    pub cookie: Option<Sent>,
    /// How long a cookie that is set lives, in seconds; absent if it ends with the browser.
    pub max_age: Option<i64>,
    /// Whether it depends on the cookie (`Vary: Cookie`).
    pub vary: bool,
    /// Whether the session's record was read.
    pub loads: bool,
    /// What a next visitor finds with the cookie that is then right; absent if there is no session.
    pub left: Option<Map<String, Value>>,
    /// The same with the cookie that is right after the request that came [meanwhile](Operation::Meanwhile), if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<Map<String, Value>>,
    /// What the operations gave.
    pub results: Vec<Value>,
}

/// What an answer says about the cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// It is set to the key that the visitor brought.
    Same,
    /// It is set to another key.
    New,
    /// It is deleted.
    Deleted,
}
