//! The stdio protocol: JSON lines, one request, one answer. This module has its schema, and the side that
//! answers: any subject can be served.
//!
//! The side that asks is in `subject/connection.rs` and `subject/process.rs`.

use std::fmt::Write as _;
use std::io::{BufRead, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::datum::Datum;
use crate::json::{Json, object};
use crate::manifest::Manifest;
use crate::observation::{ErrorKind, Observation};
use crate::op::{Fields, SessionOp};
use crate::subject::{Call, Subject};
use crate::trace::Settings;

/// The version of the protocol.
pub const VERSION: u32 = 1;

/// A request. The fields of an operation stand beside these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A request")]
struct Request {
    /// Echoed in the answer.
    id: u64,
    /// The operation.
    #[schemars(schema_with = "request_names")]
    op: String,
    /// In `hello`: the version that the suite speaks.
    #[serde(default)]
    protocol: Option<u32>,
    /// The present instant, in microseconds since the Unix epoch; in every request but `hello` and `bye`.
    #[serde(default)]
    now: Option<i64>,
    /// In `open`: a directory that is the subject's own.
    #[serde(default, rename = "dir")]
    _dir: Option<String>,
    /// In `open`: the settings.
    #[serde(default)]
    settings: Option<Settings>,
    /// The session object, from 1.
    #[serde(default)]
    session: Option<u32>,
    /// The handle on the storage, 0 or 1.
    #[serde(default)]
    client: Option<u8>,
    /// A key.
    #[serde(default)]
    key: Option<String>,
    /// In `force-keys`: the next candidates.
    #[serde(default)]
    keys: Option<Vec<String>>,
    /// An entry.
    #[serde(default)]
    name: Option<String>,
    /// A value.
    #[serde(default, deserialize_with = "crate::op::present")]
    #[schemars(with = "serde_json::Value")]
    value: Option<Box<RawValue>>,
    /// In `update`: entries.
    #[serde(default)]
    #[schemars(with = "Option<std::collections::BTreeMap<String, serde_json::Value>>")]
    items: Option<Box<RawValue>>,
    /// An expiry; null for none.
    #[serde(default, deserialize_with = "crate::op::present")]
    expiry: Option<crate::op::MaybeExpiry>,
    /// The instant an age or date counts from.
    #[serde(default)]
    modification_us: Option<i64>,
}

/// An answer: either `ok` or `error`.
#[derive(Debug, Serialize, JsonSchema)]
struct AnswerLine {
    /// As in the request.
    id: u64,
    /// What the operation answers; see the guide for each.
    ok: Option<serde_json::Value>,
    /// What went wrong.
    error: Option<AnswerError>,
    /// The state of the session object, after each operation on one.
    session: Option<AnswerSession>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct AnswerError {
    /// The kind, of a closed list.
    kind: ErrorKind,
    /// For the reader.
    message: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct AnswerSession {
    /// Its key.
    key: Option<String>,
    /// Whether it was read.
    accessed: bool,
    /// Whether it was changed.
    modified: bool,
}

fn request_names(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    crate::op::names_schema(&[
        "hello",
        "bye",
        "open",
        "session",
        "reopen",
        "exists",
        "delete-key",
        "clear-expired",
        "force-keys",
        "damage",
    ])
}

/// The JSON schema of requests, answers and the manifest.
pub fn schema() -> serde_json::Value {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    let request = generator.subschema_for::<Request>();
    let answer = generator.subschema_for::<AnswerLine>();
    let manifest = generator.subschema_for::<Manifest>();
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The sessionspec protocol, version 1: a line on standard input or output",
        "anyOf": [request, answer],
        "$defs": generator.take_definitions(true),
        "manifest": manifest,
    })
}

/// Serves a subject: answers each line of `input` with a line on `output`, until `bye` or the end.
///
/// # Errors
/// As reading and writing have them. What is wrong with a request is answered, not returned.
pub fn serve(subject: &mut dyn Subject, input: impl BufRead, mut output: impl Write) -> std::io::Result<()> {
    for line in input.lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let (id, body, last) = match Request::parse(&line) {
            Ok(request) => {
                let body = answer(subject, &request).unwrap_or_else(|reason| error_body("protocol", &reason));
                (request.id.to_string(), body, request.op == "bye")
            }
            Err((id, reason)) => {
                (id, error_body("protocol", &format!("this is no request: {reason}")), false)
            }
        };
        writeln!(output, "{{\"id\":{id},{body}}}")?;
        output.flush()?;
        if last {
            break;
        }
    }
    Ok(())
}

fn answer(subject: &mut dyn Subject, request: &Request) -> Result<String, String> {
    match request.op.as_str() {
        "hello" => {
            return match request.protocol {
                Some(VERSION) => {
                    let mut manifest = subject.manifest().clone();
                    manifest.level = crate::manifest::SubjectLevel::Session;
                    let json = serde_json::to_string(&manifest).map_err(|error| error.to_string())?;
                    Ok(format!("\"ok\":{json}"))
                }
                other => Err(format!("this sessionspec speaks protocol {VERSION}, not {other:?}")),
            };
        }
        "bye" => return Ok("\"ok\":null".into()),
        _ => {}
    }
    let now = request.now.ok_or_else(|| missing(request, "now"))?;
    if request.op == "open" {
        let settings = request.settings.unwrap_or_default();
        subject.open(now, settings).map_err(|fault| fault.to_string())?;
        return Ok("\"ok\":null".into());
    }
    let client = request.client.unwrap_or(0);
    let key = || request.key.as_deref().ok_or_else(|| missing(request, "key"));
    let number = || {
        let session = request.session.filter(|n| *n > 0).ok_or_else(|| missing(request, "session"))?;
        usize::try_from(session - 1).map_err(|error| error.to_string())
    };
    let op;
    let call = match request.op.as_str() {
        "session" => Call::Session { number: number()?, client, key: request.key.as_deref() },
        "reopen" => Call::Reopen,
        "exists" => Call::Exists { client, key: key()? },
        "delete-key" => Call::DeleteKey { client, key: key()? },
        "clear-expired" => Call::ClearExpired { client },
        "damage" => Call::Damage { key: key()? },
        "force-keys" => {
            let keys = request.keys.as_ref().ok_or_else(|| missing(request, "keys"))?;
            for key in keys {
                subject.call(now, &Call::ForceKey { key }).map_err(|fault| fault.to_string())?;
            }
            return Ok("\"ok\":null".into());
        }
        _ => {
            op = SessionOp::from_fields(&request.fields())?;
            Call::Op { number: number()?, op: &op }
        }
    };
    let observed = subject.call(now, &call).map_err(|fault| fault.to_string())?;
    Ok(body(&observed))
}

fn missing(request: &Request, field: &str) -> String {
    format!("`{}` needs the field `{field}`", request.op)
}

impl Request {
    /// Reads a line. Values may be more than strict JSON holds, such as NaN. A fault comes with the `id` to
    /// answer under, as JSON.
    fn parse(line: &str) -> Result<Self, (String, String)> {
        let fault = |reason: String| ("null".to_owned(), reason);
        let json = Json::parse(line).map_err(fault)?;
        let entries = json.entries().ok_or_else(|| fault("it is not a JSON object".into()))?;
        let named = |wanted: &str| entries.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let id = named("id").filter(|id| id.as_str().parse::<u64>().is_ok());
        let fault = |reason: String| (id.map_or("null", Json::as_str).to_owned(), reason);
        let values = ["value", "items"];
        let plain = entries.iter().filter(|(name, _)| !values.contains(&name.as_str()));
        let plain = object(plain.map(|(name, value)| (name.as_str(), value)));
        let mut request: Self = serde_json::from_str(&plain).map_err(|error| fault(error.to_string()))?;
        request.value = named("value").map(|value| Datum::from(value.clone()).to_raw());
        if let Some(items) = named("items") {
            let items = items.entries().ok_or_else(|| fault("`items` is not an object".into()))?;
            let items: Vec<_> = items.into_iter().map(|(name, value)| (name, Datum::from(value))).collect();
            request.items = Some(Datum::raw_object(&items));
        }
        Ok(request)
    }

    fn fields(&self) -> Fields {
        Fields {
            op: self.op.clone(),
            name: self.name.clone(),
            value: self.value.clone(),
            items: self.items.clone(),
            expiry: self.expiry,
            modification_us: self.modification_us,
            ..Fields::default()
        }
    }
}

fn body(observed: &Observation) -> String {
    let mut body = match &observed.outcome {
        Ok(answer) => format!("\"ok\":{}", answer.to_json()),
        Err(failed) => error_body(failed.kind.name(), &failed.message),
    };
    if let Some(session) = &observed.session {
        let key = session.key.as_ref().map_or("null".into(), |key| Json::text(key).as_str().to_owned());
        // Writing to a String cannot fail.
        let _ = write!(
            body,
            ",\"session\":{{\"key\":{key},\"accessed\":{},\"modified\":{}}}",
            session.accessed, session.modified
        );
    }
    body
}

fn error_body(kind: &str, message: &str) -> String {
    format!("\"error\":{{\"kind\":\"{kind}\",\"message\":{}}}", Json::text(message).as_str())
}
