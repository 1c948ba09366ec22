//! The protocol as it stands on the wire: its own types, what they mean to the suite, and their schema.
//!
//! It can grow without breaking what speaks it today. A field that is new in `hello` has a default here, so an adapter
//! of today answers the suite of tomorrow; fields that an older side does not know are ignored by it (the doctor tells
//! of them); a new operation is asked only of an adapter that announced it. Decision 0014 has the reasons.
//!
//! - `mod.rs`: the types, and the lines
//! - `schema.rs`: their JSON schema

mod schema;

use std::io::BufRead;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_core::{ClearExpired, Consistency, ExpiredRecords};

use crate::call::Call;
use crate::json::{Json, Name, Object};
use crate::manifest::{self, ClockLevel, Hook, Operation, Reach, SubjectLevel};
use crate::observation::{Answer, ErrorKind, Failed, Observation, SessionState};
use crate::op::{Form, StorageOp};
use crate::rule::{Profile, RuleId};
use crate::trace::{self, secrets};

pub use schema::schema;

/// The version of the protocol.
pub const VERSION: u32 = 1;

/// The kind of error with which a side answers what it does not understand.
pub const PROTOCOL_ERROR: &str = "protocol";

/// The answer to `hello`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Manifest {
    /// The version of the protocol: 1.
    pub protocol: u32,
    /// The subject's name, as the report shows it.
    pub name: String,
    /// The subject's version.
    #[serde(default)]
    pub version: String,
    /// The language and runtime it is written in.
    #[serde(default)]
    pub language: String,
    /// Whether the subject has session objects, or is a bare store, or one that only keeps what is under a key.
    pub level: SubjectLevel,
    /// Which rules it is meant to hold: those for the sessions of every framework, or all of them.
    #[serde(default, skip_serializing_if = "is_django")]
    pub profile: Profile,
    /// How time reaches the subject.
    pub clock: ClockLevel,
    /// What the clock counts in, in microseconds, if it is moved: 1,000 for one that shows milliseconds. A second at
    /// most, of which it is a part.
    #[serde(default = "microsecond", skip_serializing_if = "is_microsecond")]
    pub clock_resolution_us: u32,
    /// What the store can do.
    pub capabilities: Capabilities,
    /// Which awkward values are kept.
    pub values: manifest::Values,
    /// Whether the `data` of a record is one text, the JSON of its entries, in requests and in answers: for stores that keep
    /// bytes and do not look into them. A subject with session objects has no use for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opaque: bool,
    /// What the suite may do behind the store's back.
    #[serde(default)]
    #[schemars(with = "Vec<Hook>")]
    pub hooks: Vec<String>,
    /// What a store offers beside what it must.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Operation>")]
    pub operations: Vec<String>,
    /// Rules that the subject is known to break, each with its reason.
    #[serde(default)]
    pub errata: Vec<manifest::Erratum>,
}

/// The finest that a clock can count in, and what is meant without a word.
fn microsecond() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_django(profile: &Profile) -> bool {
    *profile == Profile::Django
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_microsecond(resolution: &u32) -> bool {
    *resolution == microsecond()
}

/// What a store can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "adapters answer them with yes or no")]
pub struct Capabilities {
    /// Records survive a restart.
    pub persistent: bool,
    /// A second handle sees the same records.
    pub shared: bool,
    /// The key addresses the data and is not the data itself.
    pub server_side: bool,
    /// What becomes of an expired record before it is cleared.
    pub expired: Expired,
    /// What `clear-expired` does.
    pub clear_expired: Clearing,
    /// The most bytes an encoded record may have; null for no limit.
    #[serde(default)]
    pub max_record_bytes: Option<u64>,
    /// What the store promises where clients overlap.
    #[serde(default)]
    pub consistency: Promise,
    /// Whether one operation both creates and replaces, so that saving a session creates what is not there. At the level
    /// `key-value` it is so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub upsert: bool,
    /// Whether `client` 2 is a handle on another storage, with sessions of its own: another table, directory or prefix.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other_storage: bool,
}

/// What a store promises where clients overlap.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Promise {
    /// Each operation is done at one instant.
    #[default]
    Linearizable,
    /// The same, but a record may be gone at any time.
    Forgetful,
}

/// What becomes of an expired record before it is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Expired {
    /// It holds its key.
    Kept,
    /// It is gone.
    Gone,
}

/// What `clear-expired` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Clearing {
    /// It removes the expired records.
    Sweeps,
    /// There is nothing to do: the storage forgets by itself.
    Automatic,
    /// It cannot be done.
    Unsupported,
}

/// The settings in `open`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Settings {
    /// How long a session without an expiry of its own lives, in seconds.
    cookie_age: i64,
    /// Whether a session without an expiry of its own ends with the browser.
    expire_at_browser_close: bool,
}

impl Default for Settings {
    fn default() -> Self {
        trace::Settings::default().into()
    }
}

impl From<trace::Settings> for Settings {
    fn from(settings: trace::Settings) -> Self {
        let trace::Settings { cookie_age, expire_at_browser_close } = settings;
        Self { cookie_age, expire_at_browser_close }
    }
}

impl From<Settings> for trace::Settings {
    fn from(settings: Settings) -> Self {
        let Settings { cookie_age, expire_at_browser_close } = settings;
        Self { cookie_age, expire_at_browser_close }
    }
}

/// The state of a session object, beside the answer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct State {
    /// Its key.
    key: Option<String>,
    /// Whether it was read.
    accessed: bool,
    /// Whether it was changed.
    modified: bool,
}

impl From<session_core::Capabilities> for Capabilities {
    fn from(store: session_core::Capabilities) -> Self {
        Self {
            persistent: store.persistent,
            shared: store.shared,
            server_side: store.server_side,
            expired: match store.expired {
                ExpiredRecords::Kept => Expired::Kept,
                // What is not known yet is not relied on.
                _ => Expired::Gone,
            },
            clear_expired: match store.clear_expired {
                ClearExpired::Sweeps => Clearing::Sweeps,
                ClearExpired::Automatic => Clearing::Automatic,
                // What is not known yet is not asked for.
                _ => Clearing::Unsupported,
            },
            max_record_bytes: store.max_record_bytes,
            consistency: match store.consistency {
                Consistency::Linearizable => Promise::Linearizable,
                // What is not known yet is not relied on.
                _ => Promise::Forgetful,
            },
            upsert: false,
            other_storage: false,
        }
    }
}

impl From<Capabilities> for session_core::Capabilities {
    fn from(wire: Capabilities) -> Self {
        let mut store = Self::database();
        store.persistent = wire.persistent;
        store.shared = wire.shared;
        store.server_side = wire.server_side;
        store.expired = match wire.expired {
            Expired::Kept => ExpiredRecords::Kept,
            Expired::Gone => ExpiredRecords::Gone,
        };
        store.clear_expired = match wire.clear_expired {
            Clearing::Sweeps => ClearExpired::Sweeps,
            Clearing::Automatic => ClearExpired::Automatic,
            Clearing::Unsupported => ClearExpired::Unsupported,
        };
        store.max_record_bytes = wire.max_record_bytes;
        store.consistency = match wire.consistency {
            Promise::Linearizable => Consistency::Linearizable,
            Promise::Forgetful => Consistency::Forgetful,
        };
        store
    }
}

impl From<&manifest::Manifest> for Manifest {
    fn from(manifest: &manifest::Manifest) -> Self {
        Self {
            protocol: VERSION,
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            language: manifest.language.clone(),
            level: manifest.level,
            profile: manifest.profile,
            clock: manifest.clock,
            clock_resolution_us: u32::try_from(manifest.clock_reach.resolution).unwrap_or(microsecond()),
            capabilities: Capabilities {
                upsert: manifest.upsert,
                other_storage: manifest.other_storage,
                ..manifest.capabilities.into()
            },
            values: manifest.values,
            opaque: manifest.opaque,
            hooks: manifest.hooks.iter().map(|hook| hook.name().to_owned()).collect(),
            operations: manifest.operations.iter().map(|operation| operation.name().to_owned()).collect(),
            errata: manifest.errata.clone(),
        }
    }
}

/// Reads the answer to `hello`. What in it is not known is noted in the manifest and otherwise ignored; a rule that an
/// erratum names must be known.
pub(crate) fn read_manifest(json: &Json) -> Result<manifest::Manifest, String> {
    let fault = |error: String| format!("the adapter's answer to `hello` is no manifest: {error}");
    let wire: Manifest = json.read().map_err(|error| match &schema::missing(json)[..] {
        // One at a time would take as many runs as there are.
        [first, more @ .., last] => {
            let before = more.iter().fold(format!("`{first}`"), |text, name| text + &format!(", `{name}`"));
            fault(format!("{before} and `{last}` are missing"))
        }
        _ => fault(error),
    })?;
    if wire.protocol != VERSION {
        return Err(format!(
            "the adapter speaks protocol {}; this sessionspec speaks {VERSION}",
            wire.protocol
        ));
    }
    if let Some(erratum) = wire.errata.iter().find(|erratum| RuleId::named(&erratum.rule).is_none()) {
        return Err(format!("the manifest's erratum names no rule: `{}`", erratum.rule));
    }
    let resolution = wire.clock_resolution_us;
    if !Reach::counts_in(resolution.into()) {
        return Err(format!(
            "the manifest's `clock_resolution_us` is {resolution}, and must be a part of a second, as 1000 is"
        ));
    }
    let mut unknown = Vec::new();
    unknown_fields("", json, &Json::of(&wire), &mut unknown);
    let strange = wire.hooks.iter().filter(|hook| Hook::named(hook).is_none());
    unknown.extend(strange.map(|hook| format!("hooks: {hook}")));
    let strange = wire.operations.iter().filter(|operation| Operation::named(operation).is_none());
    unknown.extend(strange.map(|operation| format!("operations: {operation}")));
    let of_bare_stores = wire.operations.iter().filter(|_| wire.level == SubjectLevel::Session);
    unknown
        .extend(of_bare_stores.map(|it| format!("operations: {it} (session objects are not asked for it)")));
    if wire.capabilities.other_storage && !wire.capabilities.server_side {
        unknown.push("capabilities.other_storage (the key is the data)".into());
    }
    let mut manifest = manifest::Manifest::new(&wire.name, wire.level, wire.capabilities.into());
    manifest.version = wire.version;
    manifest.language = wire.language;
    manifest.profile = wire.profile;
    manifest.clock = wire.clock;
    manifest.clock_reach.resolution = resolution.into();
    manifest.values = wire.values;
    manifest.opaque = wire.opaque;
    manifest.upsert = wire.capabilities.upsert;
    manifest.other_storage = wire.capabilities.other_storage && wire.capabilities.server_side;
    manifest.operations = wire.operations.iter().filter_map(|name| Operation::named(name)).collect();
    if wire.level == SubjectLevel::KeyValue {
        check_key_value(&manifest)?;
        manifest.upsert = true;
    }
    manifest.hooks = wire.hooks.iter().filter_map(|hook| Hook::named(hook)).collect();
    manifest.errata = wire.errata;
    manifest.unknown = unknown;
    Ok(manifest)
}

/// What a store cannot be that only keeps what is under a key.
fn check_key_value(manifest: &manifest::Manifest) -> Result<(), String> {
    let store = &manifest.capabilities;
    if !store.server_side {
        return Err(
            "the manifest says `server_side: false`; a store at the level `key-value` has keys".into()
        );
    }
    if store.expired == ExpiredRecords::Kept {
        return Err(
            "the manifest says `expired: kept`; at the level `key-value` nothing tells whether an expired \
                    record still holds its key: say `gone`"
                .into(),
        );
    }
    Ok(())
}

/// Fields of objects that stand in one value and not in the other.
fn unknown_fields(path: &str, given: &Json, known: &Json, unknown: &mut Vec<String>) {
    let (Some(given), Some(known)) = (given.entries(), known.entries()) else { return };
    for (name, value) in given {
        let path = format!("{path}{}", name.as_text().unwrap_or_else(|| name.to_string()));
        match known.iter().find(|(other, _)| *other == name) {
            Some((_, known)) => unknown_fields(&format!("{path}."), &value, known, unknown),
            None => unknown.push(path),
        }
    }
}

/// The longest line that is read, in bytes. All the values of a trace are far from it.
const MAX_LINE: usize = 32 << 20;

/// Reads a line; `None` at the end. A fault says what about it is wrong.
pub(crate) fn read_line(reader: &mut impl BufRead) -> Result<Option<String>, String> {
    let mut line = Vec::new();
    match std::io::Read::take(reader, MAX_LINE as u64).read_until(b'\n', &mut line) {
        Ok(0) => Ok(None),
        Ok(_) if line.len() == MAX_LINE => Err(format!("a line is longer than {MAX_LINE} bytes")),
        Ok(_) => String::from_utf8(line).map(Some).map_err(|_| "the line is not UTF-8".into()),
        Err(e) => Err(format!("cannot be read: {e}")),
    }
}

/// A request as a line.
pub(crate) fn request_line(id: u64, op: &str, fields: Object) -> String {
    let mut line = Object::default().with("id", id).with("op", op);
    line.extend(fields);
    format!("{line}\n")
}

/// The fields of `hello`.
pub(crate) fn hello() -> Object {
    Object::default().with("protocol", u64::from(VERSION))
}

/// The fields of `now`, by which a subject is asked for its own time. It is asked only of those whose clock is moved.
pub(crate) fn now(now: i64) -> Object {
    Object::default().with("now", now)
}

/// The fields of `open`.
pub(crate) fn open(now: i64, settings: trace::Settings, dir: &std::path::Path) -> Object {
    Object::default()
        .with("now", now)
        .with("dir", &*dir.to_string_lossy())
        .with("settings", Json::of(&Settings::from(settings)))
}

/// Those of an `open` in a new process that takes over what a killed one has left. It is asked only of those who
/// announced the hook `crash`.
pub(crate) fn open_kept(now: i64, settings: trace::Settings, dir: &std::path::Path) -> Object {
    open(now, settings, dir).with("keep", true)
}

/// Whether an operation changes what is stored, so that it is worth being killed in.
pub(crate) fn writes(op: &str) -> bool {
    matches!(op, "insert" | "update" | "delete" | "delete-key" | "save" | "set" | "touch" | "destroy")
}

/// Adds the secrets to the request that replaces them.
pub(crate) fn add_secrets(fields: &mut Object, replaced: u32) {
    let (secret, fallbacks) = secrets(replaced);
    fields.push("secret", Json::text(&secret));
    fields.push("fallbacks", Json::list(fallbacks.iter().map(|secret| Json::text(secret))));
}

/// The name and the fields of what is asked of a subject with session objects.
pub(crate) fn call(now: i64, call: &Call<'_>) -> (&'static str, Object) {
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX).saturating_add(1);
    let mut fields = Object::default().with("now", now);
    match call {
        Call::Session { number: n, client, key } => {
            fields.push("session", number(*n));
            fields.push("client", u64::from(*client));
            fields.push("key", key.map_or_else(Json::null, Json::text));
            ("session", fields)
        }
        Call::Op { number: n, op } => {
            fields.push("session", number(*n));
            op.write(Form::Wire, &mut fields);
            (op.name(), fields)
        }
        Call::Storage { client, op } => {
            fields.push("client", u64::from(*client));
            match op {
                StorageOp::ForceKey(key) => fields.push("keys", Json::list([Json::text(key)])),
                op => {
                    if let Some(key) = op.key() {
                        fields.push("key", Json::text(key));
                    }
                }
            }
            (op.wire_name(), fields)
        }
    }
}

/// What is asked of a bare store.
#[derive(Debug)]
pub(crate) struct StoreRequest<'a> {
    pub(crate) op: &'static str,
    pub(crate) now: i64,
    pub(crate) client: u8,
    pub(crate) key: Option<&'a str>,
    /// The data and the instant of expiry of a record.
    pub(crate) record: Option<(Json, i64)>,
}

/// The operations on a bare store: whether they have a key, and whether a record. Those from `get` to `destroy` are of a
/// store that only keeps what is under a key; the last three are asked of either, if it announces them.
const STORE_OPS: [(&str, bool, bool); 14] = [
    ("exists", true, false),
    ("load", true, false),
    ("insert", true, true),
    ("update", true, true),
    ("delete", true, false),
    ("clear-expired", false, false),
    ("damage", true, false),
    ("get", true, false),
    ("set", true, true),
    ("touch", true, true),
    ("destroy", true, false),
    ("all", false, false),
    ("length", false, false),
    ("clear", false, false),
];

impl StoreRequest<'_> {
    pub(crate) fn fields(&self) -> Object {
        let mut fields = Object::default().with("now", self.now).with("client", u64::from(self.client));
        if let Some(key) = self.key {
            fields.push("key", key);
        }
        if let Some((data, expires)) = &self.record {
            fields.extend(record(data.clone(), *expires));
        }
        fields
    }
}

/// The fields of a record: its data, and when it expires.
pub(crate) fn record(data: Json, expires: i64) -> Object {
    Object::default().with("data", data).with("expires_us", expires)
}

/// What a request is answered with.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) outcome: Result<Json, Failed>,
    /// The state of the session object, if one was asked.
    pub(crate) session: Option<SessionState<String>>,
}

impl From<Observation> for Answered {
    fn from(observed: Observation) -> Self {
        Self { outcome: observed.outcome.map(|answer| answer.to_json()), session: observed.session }
    }
}

/// An answer as a line. The id is null where the request had none.
pub(crate) fn answer_line(id: &Json, answered: &Result<Answered, String>) -> String {
    let mut line = Object::default().with("id", id.clone());
    let error =
        |kind: &str, message: &str| Object::default().with("kind", kind).with("message", message).to_json();
    match answered {
        Ok(Answered { outcome, session }) => {
            match outcome {
                Ok(answer) => line.push("ok", answer.clone()),
                Err(failed) => line.push("error", error(failed.kind.name(), &failed.message)),
            }
            if let Some(SessionState { key, accessed, modified }) = session {
                let state = State { key: key.clone(), accessed: *accessed, modified: *modified };
                line.push("session", Json::of(&state));
            }
        }
        Err(reason) => line.push("error", error(PROTOCOL_ERROR, reason)),
    }
    format!("{line}\n")
}

/// The answer to `hello` as a line.
pub(crate) fn hello_line(id: &Json, manifest: &manifest::Manifest) -> String {
    let manifest = Json::of(&Manifest::from(manifest));
    format!("{}\n", Object::default().with("id", id.clone()).with("ok", manifest))
}

/// An answer, apart from its `id`.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The answer, or the error's kind and message.
    pub(crate) outcome: Result<Json, (String, String)>,
    /// The state of the session object.
    session: Option<Json>,
}

impl Reply {
    /// Reads a line that answers the request of this id; a fault says what about it is wrong.
    pub(crate) fn parse(line: &str, id: u64) -> Result<Self, String> {
        let json = Json::parse(line).map_err(|reason| format!("is not JSON ({reason})"))?;
        let line = Object::from(json.entries().ok_or("is not a JSON object")?);
        let known = ["id", "ok", "error", "session"];
        if let Some((name, _)) = line.entries().iter().find(|(name, _)| !name.is_one_of(&known)) {
            let name = name.as_text().unwrap_or_else(|| name.to_string());
            return Err(format!("has a field `{name}` that the protocol does not know"));
        }
        match line.get("id") {
            Some(answered) if answered.as_str() == id.to_string() => {}
            Some(answered) => return Err(format!("has id {} where {id} was asked", answered.as_str())),
            None => return Err("has no `id`".into()),
        }
        let outcome = match (line.get("ok"), line.get("error")) {
            (Some(ok), None) => Ok(ok.clone()),
            (None, Some(error)) => {
                let error = Object::from(error.entries().unwrap_or_default());
                let text = |name: &str| error.get(name).and_then(Json::as_text);
                let kind = text("kind").ok_or("has an `error` without a `kind`")?;
                Err((kind, text("message").unwrap_or_default()))
            }
            _ => return Err("must have either `ok` or `error`".into()),
        };
        Ok(Self { outcome, session: line.get("session").cloned() })
    }

    /// What a subject with session objects showed; a fault says what is not as the protocol has it.
    pub(crate) fn observation(self, call: &Call<'_>) -> Result<Observation, String> {
        let outcome = match self.outcome {
            Ok(json) => Ok(Answer::from_json(&json, call.form())?),
            Err((kind, message)) => match ErrorKind::named(&kind) {
                Some(kind) => Err(Failed { kind, message }),
                None if kind == PROTOCOL_ERROR => {
                    return Err(format!("the adapter does not understand the request: {message}"));
                }
                None => {
                    return Err(format!("`{kind}` is no kind of error that the protocol knows ({message})"));
                }
            },
        };
        let session = match self.session {
            Some(json) if call.has_session() => Some(state(&json)?),
            None if call.has_session() => return Err("the field `session` is missing".into()),
            _ => None,
        };
        Ok(Observation { outcome, session })
    }
}

fn state(json: &Json) -> Result<SessionState<String>, String> {
    let fault = || {
        format!(
            "`session` must be {{\"key\": text or null, \"accessed\": bool, \"modified\": bool}}, not {}",
            crate::observation::shown(json.as_str())
        )
    };
    // A key that is left out is not a key that is null.
    let has_key =
        json.entries().is_some_and(|entries| entries.iter().any(|(name, _)| *name == Name::from("key")));
    let State { key, accessed, modified } = json.read().ok().filter(|_| has_key).ok_or_else(fault)?;
    Ok(SessionState { key, accessed, modified })
}
