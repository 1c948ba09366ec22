//! The operations of a trace: what each is called, what it takes and what it answers, and how that is written.
//!
//! Every operation is total: a session number is taken modulo the objects that exist, a key modulo the
//! keys that were issued, and an operation on nothing does nothing. So each part of a trace is a trace.
//! [`Handles::resolve`](crate::call::Handles::resolve) says what a step acts on.
//!
//! - `session.rs`: the table of operations on a session object
//! - `storage.rs`: the table of operations on the storage
//! - `argument.rs`: what they take
//! - `key.rs`: keys

mod argument;
mod key;
mod session;
mod storage;

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::json::Object;

pub use argument::{Entries, Expiry, ExpiryQuery};
pub(crate) use argument::{Field, Form, Source, seconds};
pub use key::{Alteration, Forged, Key, KeyRef};
pub use session::SessionOp;
pub use storage::StorageOp;

/// A session object of a trace, counted from 1 in the order of `new` and `open`.
pub type SessionRef = u32;

/// One operation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// A new session object without a key.
    New,
    /// A new session object on a key.
    Open(KeyRef),
    /// An operation on a session object.
    Session(SessionRef, SessionOp),
    /// An operation on the storage.
    Storage(StorageOp<KeyRef>),
}

impl Op {
    /// The name in a trace.
    pub fn name(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open(_) => "open",
            Self::Session(_, op) => op.name(),
            Self::Storage(op) => op.name(),
        }
    }

    /// The operation on the storage, if it is one.
    pub(crate) fn on_storage(&self) -> Option<&StorageOp<KeyRef>> {
        match self {
            Self::Storage(op) => Some(op),
            Self::New | Self::Open(_) | Self::Session(..) => None,
        }
    }

    /// Whether it makes a session object.
    pub fn makes_session(&self) -> bool {
        matches!(self, Self::New | Self::Open(_))
    }

    /// The key it names.
    pub fn key(&self) -> Option<KeyRef> {
        match self {
            Self::Open(key) => Some(*key),
            Self::Storage(op) => op.key().copied(),
            Self::New | Self::Session(..) => None,
        }
    }

    /// The same with another key, if it has one.
    #[must_use]
    pub fn with_key(&self, key: KeyRef) -> Self {
        match self {
            Self::Open(_) => Self::Open(key),
            Self::Storage(op) => Self::Storage(op.map_key(|_| key)),
            other => other.clone(),
        }
    }

    /// The line of a trace, with client and time left to the step.
    pub(crate) fn to_line(&self) -> Object {
        let mut line = Object::default().with("op", self.name());
        match self {
            Self::Session(session, op) => {
                line.push("session", u64::from(*session));
                op.write(Form::Trace, &mut line);
            }
            other => {
                if let Some(key) = other.key() {
                    line.push("key", key.to_string().as_str());
                }
            }
        }
        line
    }

    /// Reads the line of a trace; a fault is a sentence that names the operation and the field.
    pub(crate) fn from_line(line: &Object, source: &mut Source) -> Result<Self, String> {
        let op = line.need_text("a step", "op")?;
        let key = || line.need_text(&op, "key")?.parse::<KeyRef>();
        match op.as_str() {
            "new" => return Ok(Self::New),
            "open" => return Ok(Self::Open(key()?)),
            _ => {}
        }
        if let Some(op) = StorageOp::named(&op, key)? {
            return Ok(Self::Storage(op));
        }
        let session_op = SessionOp::read(&op, line, source)?;
        line.need(&op, "session")?;
        match line.read::<u32>(&op, "session")? {
            None | Some(0) => Err(format!("`{op}`: sessions are counted from 1")),
            Some(session) => Ok(Self::Session(session, session_op)),
        }
    }

    /// The schemas of the lines of a trace, one per operation.
    pub(crate) fn line_schemas(generator: &mut SchemaGenerator) -> Vec<Schema> {
        let key = || {
            let description = "A key: `k1` for the first that was issued, `k1:upper` for it in capitals, \
                               `forged:unknown` for one that nobody issued.";
            Field::new("key", json_schema!({ "type": "string", "description": description }))
        };
        let client = || {
            let description = "The handle on the storage; 2 is one on another storage.";
            let schema = json_schema!({ "enum": [0, 1, 2], "description": description });
            Field::new("client", schema).optional()
        };
        let advance = || {
            let description = "Microseconds to move the clock on before the operation.";
            Field::new("advance_us", json_schema!({ "type": "integer", "description": description }))
                .optional()
        };
        let expect = || {
            let description = "In a golden trace: what the answer must be, stated by hand.";
            Field::new("expect", json_schema!({ "type": "object", "description": description })).optional()
        };
        let common = || vec![client(), advance(), expect()];
        let mut lines = vec![("new", common()), ("open", joined([vec![key()], common()]))];
        for name in StorageOp::<KeyRef>::NAMES {
            let has_key =
                StorageOp::named(name, || Ok(())).ok().flatten().is_some_and(|op| op.key().is_some());
            let own = if has_key { vec![key()] } else { Vec::new() };
            lines.push((name, joined([own, common()])));
        }
        for name in SessionOp::NAMES {
            let number =
                json_schema!({ "type": "integer", "minimum": 1, "description": "The session object." });
            let session = vec![Field::new("session", number)];
            lines.push((name, joined([session, SessionOp::fields(name, generator), common()])));
        }
        lines.into_iter().map(|(name, fields)| object_schema(name, fields)).collect()
    }
}

/// Lists of fields, one after the other.
pub(crate) fn joined<const N: usize>(fields: [Vec<Field>; N]) -> Vec<Field> {
    fields.into_iter().flatten().collect()
}

/// The schema of a line with this operation and these fields, and no others.
pub(crate) fn object_schema(op: &str, fields: Vec<Field>) -> Schema {
    let mut required = vec![serde_json::Value::from("op")];
    let mut properties = serde_json::Map::new();
    properties.insert("op".into(), serde_json::json!({ "const": op }));
    for field in fields {
        if field.required {
            required.push(field.name.into());
        }
        properties.insert(field.name.into(), field.schema.to_value());
    }
    json_schema!({
        "title": format!("`{op}`"),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
