//! The operations of a trace, and the flat form in which they are written, in traces and on the wire.
//!
//! Every operation is total: a session number is taken modulo the objects that exist, a key modulo the
//! keys that were issued, and an operation on nothing does nothing. So each part of a trace is a trace.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::datum::Datum;

/// A session object of a trace, counted from 1 in the order of `new` and `open`.
pub type SessionRef = u32;

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// A new session object without a key.
    New,
    /// A new session object on a key.
    Open(KeyRef),
    /// An operation on a session object.
    Session(SessionRef, SessionOp),
    /// Whether the store has a record under the key.
    Exists(KeyRef),
    /// Deletes the record under the key.
    DeleteKey(KeyRef),
    /// Removes expired records.
    ClearExpired,
    /// Closes the storage and opens it again; every object starts anew on the key it had.
    Reopen,
    /// Hook: the next candidate of the key generator.
    ForceKey(KeyRef),
    /// Hook: makes a record undecodable.
    Damage(KeyRef),
}

/// An operation on a session object.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each is described under its wire name in the specification and the guide")]
pub enum SessionOp {
    Get(String),
    Contains(String),
    Set(String, Datum),
    SetDefault(String, Datum),
    Pop(String),
    PopDefault(String, Datum),
    Remove(String),
    Update(Vec<(String, Datum)>),
    Push(String, Datum),
    Clear,
    Keys,
    Values,
    Items,
    IsEmpty,
    SetTestCookie,
    TestCookieWorked,
    DeleteTestCookie,
    SetExpiry(Expiry),
    GetExpiryAge(ExpiryQuery),
    GetExpiryDate(ExpiryQuery),
    GetExpireAtBrowserClose,
    GetSessionCookieAge,
    Save,
    SaveMustCreate,
    Create,
    Delete,
    Flush,
    CycleKey,
}

/// A key, by where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyRef {
    /// The n-th key that was issued in this trace, from 1.
    Issued(u32),
    /// A key derived from an issued one.
    Altered(u32, Alteration),
    /// A key nobody issued.
    Forged(Forged),
}

/// What was done to an issued key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alteration {
    /// In capitals.
    Upper,
    /// Without its last character.
    Cut,
    /// With a space behind it.
    Padded,
    /// Continued behind a NUL.
    Nul,
}

/// A key nobody issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "`text` shows each")]
pub enum Forged {
    Empty,
    Seven,
    Eight,
    WellFormed,
    Dots,
    Absolute,
    Nul,
    Wildcard,
    Quotes,
    OtherAlphabet,
    Huge,
}

/// An expiry that is set, or given with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expiry {
    /// None: the settings decide.
    #[default]
    Default,
    /// Seconds from the last save; zero ends with the browser.
    Seconds(i64),
    /// Microseconds from now.
    Duration(i64),
    /// An instant, in microseconds since the Unix epoch, written with an offset in minutes.
    At(i64, i16),
}

/// What an age or date is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExpiryQuery {
    /// The instant it counts from, in microseconds since the Unix epoch; now if absent.
    pub modification: Option<i64>,
    /// The expiry; the session's own if absent.
    pub expiry: Option<Expiry>,
}

impl Forged {
    /// All of them, in the order in which they are simpler to read.
    pub const ALL: [Self; 11] = [
        Self::WellFormed,
        Self::Empty,
        Self::Seven,
        Self::Eight,
        Self::Dots,
        Self::Absolute,
        Self::Nul,
        Self::Wildcard,
        Self::Quotes,
        Self::OtherAlphabet,
        Self::Huge,
    ];

    /// The key itself.
    pub fn text(self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Seven => "abcdef1".into(),
            Self::Eight => "abcdef12".into(),
            Self::WellFormed => "0123456789abcdefghijklmnopqrstuv".into(),
            Self::Dots => "../../../../etc/passwd".into(),
            Self::Absolute => "/etc/passwd".into(),
            Self::Nul => "abcdefgh\0ijklmnopqrstuvwxyz".into(),
            Self::Wildcard => "%%%%%%%%________********????????".into(),
            Self::Quotes => "' OR '1'='1' -- \"; DROP".into(),
            Self::OtherAlphabet => "ключсессии鍵鍵鍵鍵😀😀".into(),
            Self::Huge => "k".repeat(10_000),
        }
    }

    /// Whether it has the eight characters that make it a key.
    pub fn is_key(self) -> bool {
        !matches!(self, Self::Empty | Self::Seven)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Seven => "seven",
            Self::Eight => "eight",
            Self::WellFormed => "unknown",
            Self::Dots => "dots",
            Self::Absolute => "absolute",
            Self::Nul => "nul",
            Self::Wildcard => "wildcard",
            Self::Quotes => "quotes",
            Self::OtherAlphabet => "other-alphabet",
            Self::Huge => "huge",
        }
    }
}

impl Alteration {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Upper, Self::Cut, Self::Padded, Self::Nul];

    /// The altered key.
    pub fn apply(self, key: &str) -> String {
        match self {
            Self::Upper => key.to_ascii_uppercase(),
            Self::Cut => key.chars().take(key.chars().count().saturating_sub(1)).collect(),
            Self::Padded => format!("{key} "),
            Self::Nul => format!("{key}\0x"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Upper => "upper",
            Self::Cut => "cut",
            Self::Padded => "padded",
            Self::Nul => "nul",
        }
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issued(n) => write!(f, "k{n}"),
            Self::Altered(n, alteration) => write!(f, "k{n}:{}", alteration.name()),
            Self::Forged(forged) => write!(f, "forged:{}", forged.name()),
        }
    }
}

impl std::str::FromStr for KeyRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("`{text}` is no key: expected k1, k1:upper, or forged:unknown");
        if let Some(name) = text.strip_prefix("forged:") {
            return Forged::ALL.into_iter().find(|f| f.name() == name).map(Self::Forged).ok_or_else(fault);
        }
        let (number, alteration) = match text.split_once(':') {
            Some((number, name)) => (number, Some(name)),
            None => (text, None),
        };
        let number =
            number.strip_prefix('k').and_then(|n| n.parse().ok()).filter(|n| *n > 0).ok_or_else(fault)?;
        match alteration {
            None => Ok(Self::Issued(number)),
            Some(name) => Alteration::ALL
                .into_iter()
                .find(|a| a.name() == name)
                .map(|a| Self::Altered(number, a))
                .ok_or_else(fault),
        }
    }
}

/// An operation as it is written: one flat object, in which the fields that the operation does not have
/// are absent.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// The operation's name.
    #[schemars(schema_with = "trace_names")]
    pub op: String,
    /// The session object, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<u32>,
    /// The handle on the storage: 0 or 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<u8>,
    /// In a trace: microseconds to move the clock on before the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advance_us: Option<i64>,
    /// In a trace `k1`, `k1:upper` or `forged:unknown`; on the wire the key itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The value.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[schemars(with = "serde_json::Value")]
    pub value: Option<Box<RawValue>>,
    /// The entries of `update`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<std::collections::BTreeMap<String, serde_json::Value>>")]
    pub items: Option<Box<RawValue>>,
    /// The expiry; null for none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub expiry: Option<MaybeExpiry>,
    /// The instant an age or date counts from, in microseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modification_us: Option<i64>,
    /// In a golden trace: what the answer must be, stated by hand and independent of the model.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[schemars(with = "serde_json::Value")]
    pub expect: Option<Box<RawValue>>,
}

/// An expiry that is given: null for none.
pub type MaybeExpiry = Option<ExpiryFields>;

/// An expiry as it is written: one of the three kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiryFields {
    /// Seconds from the last save.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// Microseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<i64>,
    /// An instant, in microseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_us: Option<i64>,
    /// The offset from UTC in which the instant is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_minutes: Option<i16>,
}

/// Keeps a null that is there apart from a field that is not.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl From<Expiry> for Option<ExpiryFields> {
    fn from(expiry: Expiry) -> Self {
        let none = ExpiryFields::default();
        match expiry {
            Expiry::Default => None,
            Expiry::Seconds(seconds) => Some(ExpiryFields { seconds: Some(seconds), ..none }),
            Expiry::Duration(micros) => Some(ExpiryFields { duration_us: Some(micros), ..none }),
            Expiry::At(at, offset) => {
                Some(ExpiryFields { at_us: Some(at), offset_minutes: Some(offset), ..none })
            }
        }
    }
}

impl TryFrom<Option<ExpiryFields>> for Expiry {
    type Error = String;

    fn try_from(fields: Option<ExpiryFields>) -> Result<Self, String> {
        let Some(fields) = fields else { return Ok(Self::Default) };
        match (fields.seconds, fields.duration_us, fields.at_us) {
            (Some(seconds), None, None) => Ok(Self::Seconds(seconds)),
            (None, Some(micros), None) => Ok(Self::Duration(micros)),
            (None, None, Some(at)) => Ok(Self::At(at, fields.offset_minutes.unwrap_or(0))),
            _ => Err("an expiry has exactly one of `seconds`, `duration_us` and `at_us`".into()),
        }
    }
}

/// The names of the operations on a session object.
const SESSION_OPS: [&str; 28] = [
    "get",
    "contains",
    "set",
    "set-default",
    "pop",
    "pop-default",
    "remove",
    "update",
    "push",
    "clear",
    "keys",
    "values",
    "items",
    "is-empty",
    "set-test-cookie",
    "test-cookie-worked",
    "delete-test-cookie",
    "set-expiry",
    "get-expiry-age",
    "get-expiry-date",
    "get-expire-at-browser-close",
    "get-session-cookie-age",
    "save",
    "save-must-create",
    "create",
    "delete",
    "flush",
    "cycle-key",
];

/// The schema of an operation's name: those on session objects, and `others`.
pub(crate) fn names_schema(others: &[&str]) -> schemars::Schema {
    let names: Vec<&str> = others.iter().chain(&SESSION_OPS).copied().collect();
    schemars::json_schema!({ "type": "string", "enum": names })
}

fn trace_names(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let others = ["new", "open", "exists", "delete-key", "clear-expired", "reopen", "force-key", "damage"];
    names_schema(&others)
}

impl Op {
    /// The flat form, with the client left to the step.
    pub fn to_fields(&self) -> Fields {
        let named = |op: &str| Fields { op: op.into(), ..Fields::default() };
        match self {
            Self::New => named("new"),
            Self::Open(key) => Fields { key: Some(key.to_string()), ..named("open") },
            Self::Session(session, op) => {
                let mut fields = op.to_fields();
                fields.session = Some(*session);
                fields
            }
            Self::Exists(key) => Fields { key: Some(key.to_string()), ..named("exists") },
            Self::DeleteKey(key) => Fields { key: Some(key.to_string()), ..named("delete-key") },
            Self::ClearExpired => named("clear-expired"),
            Self::Reopen => named("reopen"),
            Self::ForceKey(key) => Fields { key: Some(key.to_string()), ..named("force-key") },
            Self::Damage(key) => Fields { key: Some(key.to_string()), ..named("damage") },
        }
    }

    /// Reads the flat form.
    ///
    /// # Errors
    /// A sentence that names the operation and the field.
    pub fn from_fields(fields: &Fields) -> Result<Self, String> {
        let key = || need(&fields.op, "key", fields.key.as_ref())?.parse::<KeyRef>();
        Ok(match fields.op.as_str() {
            "new" => Self::New,
            "open" => Self::Open(key()?),
            "exists" => Self::Exists(key()?),
            "delete-key" => Self::DeleteKey(key()?),
            "clear-expired" => Self::ClearExpired,
            "reopen" => Self::Reopen,
            "force-key" => Self::ForceKey(key()?),
            "damage" => Self::Damage(key()?),
            _ => {
                let op = SessionOp::from_fields(fields)?;
                let session = *need(&fields.op, "session", fields.session.as_ref())?;
                if session == 0 {
                    return Err(format!("`{}`: sessions are counted from 1", fields.op));
                }
                Self::Session(session, op)
            }
        })
    }
}

fn need<'a, T>(op: &str, field: &str, value: Option<&'a T>) -> Result<&'a T, String> {
    value.ok_or_else(|| format!("`{op}` needs the field `{field}`"))
}

impl SessionOp {
    /// The name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => "get",
            Self::Contains(_) => "contains",
            Self::Set(..) => "set",
            Self::SetDefault(..) => "set-default",
            Self::Pop(_) => "pop",
            Self::PopDefault(..) => "pop-default",
            Self::Remove(_) => "remove",
            Self::Update(_) => "update",
            Self::Push(..) => "push",
            Self::Clear => "clear",
            Self::Keys => "keys",
            Self::Values => "values",
            Self::Items => "items",
            Self::IsEmpty => "is-empty",
            Self::SetTestCookie => "set-test-cookie",
            Self::TestCookieWorked => "test-cookie-worked",
            Self::DeleteTestCookie => "delete-test-cookie",
            Self::SetExpiry(_) => "set-expiry",
            Self::GetExpiryAge(_) => "get-expiry-age",
            Self::GetExpiryDate(_) => "get-expiry-date",
            Self::GetExpireAtBrowserClose => "get-expire-at-browser-close",
            Self::GetSessionCookieAge => "get-session-cookie-age",
            Self::Save => "save",
            Self::SaveMustCreate => "save-must-create",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Flush => "flush",
            Self::CycleKey => "cycle-key",
        }
    }

    fn to_fields(&self) -> Fields {
        let mut fields = Fields { op: self.name().into(), ..Fields::default() };
        match self {
            Self::Get(name) | Self::Contains(name) | Self::Pop(name) | Self::Remove(name) => {
                fields.name = Some(name.clone());
            }
            Self::Set(name, value)
            | Self::SetDefault(name, value)
            | Self::PopDefault(name, value)
            | Self::Push(name, value) => {
                fields.name = Some(name.clone());
                fields.value = Some(value.to_raw());
            }
            Self::Update(items) => fields.items = Some(Datum::raw_object(items)),
            Self::SetExpiry(expiry) => fields.expiry = Some((*expiry).into()),
            Self::GetExpiryAge(query) | Self::GetExpiryDate(query) => {
                fields.modification_us = query.modification;
                fields.expiry = query.expiry.map(Into::into);
            }
            _ => {}
        }
        fields
    }

    pub(crate) fn from_fields(fields: &Fields) -> Result<Self, String> {
        let op = fields.op.as_str();
        let name = || need(op, "name", fields.name.as_ref()).cloned();
        let value = || Datum::from_raw(need(op, "value", fields.value.as_ref())?);
        let query = || {
            let expiry = fields.expiry.map(Expiry::try_from).transpose()?;
            if matches!(expiry, Some(Expiry::Duration(_))) {
                return Err(format!(
                    "`{op}`: a duration becomes a date when it is set, so none can be asked about"
                ));
            }
            Ok::<_, String>(ExpiryQuery { modification: fields.modification_us, expiry })
        };
        Ok(match op {
            "get" => Self::Get(name()?),
            "contains" => Self::Contains(name()?),
            "set" => Self::Set(name()?, value()?),
            "set-default" => Self::SetDefault(name()?, value()?),
            "pop" => Self::Pop(name()?),
            "pop-default" => Self::PopDefault(name()?, value()?),
            "remove" => Self::Remove(name()?),
            "update" => Self::Update(Datum::entries_from_raw(need(op, "items", fields.items.as_ref())?)?),
            "push" => Self::Push(name()?, value()?),
            "clear" => Self::Clear,
            "keys" => Self::Keys,
            "values" => Self::Values,
            "items" => Self::Items,
            "is-empty" => Self::IsEmpty,
            "set-test-cookie" => Self::SetTestCookie,
            "test-cookie-worked" => Self::TestCookieWorked,
            "delete-test-cookie" => Self::DeleteTestCookie,
            "set-expiry" => {
                let expiry = *need(op, "expiry", fields.expiry.as_ref())?;
                Self::SetExpiry(expiry.try_into()?)
            }
            "get-expiry-age" => Self::GetExpiryAge(query()?),
            "get-expiry-date" => Self::GetExpiryDate(query()?),
            "get-expire-at-browser-close" => Self::GetExpireAtBrowserClose,
            "get-session-cookie-age" => Self::GetSessionCookieAge,
            "save" => Self::Save,
            "save-must-create" => Self::SaveMustCreate,
            "create" => Self::Create,
            "delete" => Self::Delete,
            "flush" => Self::Flush,
            "cycle-key" => Self::CycleKey,
            unknown => return Err(format!("there is no operation `{unknown}`")),
        })
    }
}

impl SessionOp {
    /// The values it takes.
    pub fn data(&self) -> impl Iterator<Item = &Datum> {
        let (one, several) = match self {
            Self::Set(_, value)
            | Self::SetDefault(_, value)
            | Self::PopDefault(_, value)
            | Self::Push(_, value) => (Some(value), &[][..]),
            Self::Update(items) => (None, &items[..]),
            _ => (None, &[][..]),
        };
        one.into_iter().chain(several.iter().map(|(_, value)| value))
    }

    /// The form of the answer.
    pub fn form(&self) -> crate::observation::AnswerForm {
        use crate::observation::AnswerForm;
        match self {
            Self::Get(_) | Self::SetDefault(..) | Self::Pop(_) | Self::PopDefault(..) => AnswerForm::Value,
            Self::Contains(_)
            | Self::Push(..)
            | Self::IsEmpty
            | Self::TestCookieWorked
            | Self::GetExpireAtBrowserClose => AnswerForm::Bool,
            Self::Keys => AnswerForm::Names,
            Self::Values => AnswerForm::Values,
            Self::Items => AnswerForm::Items,
            Self::GetExpiryAge(_) | Self::GetExpiryDate(_) | Self::GetSessionCookieAge => AnswerForm::Integer,
            Self::Set(..)
            | Self::Remove(_)
            | Self::Update(_)
            | Self::Clear
            | Self::SetTestCookie
            | Self::DeleteTestCookie
            | Self::SetExpiry(_)
            | Self::Save
            | Self::SaveMustCreate
            | Self::Create
            | Self::Delete
            | Self::Flush
            | Self::CycleKey => AnswerForm::Unit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_an_operation_is_read_as_that_operation() {
        let raw = |text: &str| RawValue::from_string(text.into()).unwrap();
        for name in SESSION_OPS {
            let fields = Fields {
                op: name.into(),
                session: Some(1),
                name: Some("a".into()),
                value: Some(raw("1")),
                items: Some(raw("{}")),
                expiry: Some(None),
                ..Fields::default()
            };
            let Op::Session(1, op) = Op::from_fields(&fields).unwrap() else { panic!("{name}") };
            assert_eq!(op.name(), name);
            assert_eq!(Op::from_fields(&Op::Session(1, op.clone()).to_fields()).unwrap(), Op::Session(1, op));
        }
    }
}
