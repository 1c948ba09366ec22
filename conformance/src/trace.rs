//! Traces: the one currency of the suite. A trace is generated, shrunk, replayed and kept as a file of
//! JSON lines: a header, then a step per line.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::op::{Fields, Op};

/// The version of the trace format.
pub const FORMAT: u32 = 1;

/// The instant at which every trace starts: 2030-01-01T00:00:00Z, in microseconds since the Unix epoch.
pub const START: i64 = 1_893_456_000_000_000;

/// The most steps a trace may have.
const MAX_STEPS: usize = 100_000;

/// A sequence of operations under certain settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace {
    /// The settings of the store and its sessions.
    pub settings: Settings,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// The settings that matter to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How long a session without an expiry of its own lives, in seconds (`SESSION_COOKIE_AGE`).
    pub cookie_age: i64,
    /// Whether a session without an expiry of its own ends with the browser
    /// (`SESSION_EXPIRE_AT_BROWSER_CLOSE`).
    pub expire_at_browser_close: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { cookie_age: 1_209_600, expire_at_browser_close: false }
    }
}

/// One step: time goes by, then a client does something.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Which handle on the storage, 0 or 1. A session object belongs to the client that made it.
    pub client: u8,
    /// Microseconds to move the clock on before the operation.
    pub advance: i64,
    /// What is done.
    pub op: Op,
}

/// What a golden trace states by hand about the answer to a step: `{"ok": …}` or `{"error": "…"}`, and
/// any of `key` (`k1`; empty for none), `accessed` and `modified`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// The answer, as it goes over the wire.
    #[serde(default, deserialize_with = "crate::op::present")]
    pub ok: Option<Box<RawValue>>,
    /// The kind of error.
    #[serde(default)]
    pub error: Option<String>,
    /// The key the object then has; empty for none.
    #[serde(default)]
    pub key: Option<String>,
    /// The flag.
    #[serde(default)]
    pub accessed: Option<bool>,
    /// The flag.
    #[serde(default)]
    pub modified: Option<bool>,
}

/// A trace as read from a file, with what its header and steps say beside the steps themselves.
#[derive(Debug, Clone)]
pub struct TraceFile {
    /// The trace.
    pub trace: Trace,
    /// The rule it is about, if any.
    pub rule: Option<String>,
    /// What is stated about each step.
    pub stated: Vec<Option<Stated>>,
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Header {
    /// The version of this format.
    sessionspec_trace: u32,
    /// The rule the trace is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// The settings, if not the usual ones.
    #[serde(default, skip_serializing_if = "is_default")]
    settings: Settings,
    /// How many lines follow, so that a cut file is noticed.
    steps: usize,
}

fn is_default(settings: &Settings) -> bool {
    *settings == Settings::default()
}

/// Why a trace file was not read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The first line is no header of ours.
    #[error("line 1: not a sessionspec trace ({0}); the first line must be {{\"sessionspec_trace\":1,…}}")]
    Header(String),
    /// The file was written by another version.
    #[error("line 1: trace format {found}; this sessionspec reads format {FORMAT}")]
    Version {
        /// The version in the file.
        found: u32,
    },
    /// A step could not be read.
    #[error("line {line}: {reason}")]
    Step {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Lines are missing or too many.
    #[error(
        "the header announces {announced} steps and {found} follow: the file was cut, or lines were added"
    )]
    Cut {
        /// What the header says.
        announced: usize,
        /// What is there.
        found: usize,
    },
}

impl Trace {
    /// The trace as a file: a header line, then a line per step.
    pub fn to_jsonl(&self, rule: Option<&str>) -> String {
        let header = Header {
            sessionspec_trace: FORMAT,
            rule: rule.map(Into::into),
            settings: self.settings,
            steps: self.steps.len(),
        };
        let mut out = line(&header);
        for step in &self.steps {
            let mut fields = step.op.to_fields();
            fields.client = (step.client != 0).then_some(step.client);
            fields.advance_us = (step.advance != 0).then_some(step.advance);
            out.push_str(&line(&fields));
        }
        out
    }

    /// A short name for the trace: the same trace has the same name, on every machine.
    pub fn fingerprint(&self) -> String {
        // FNV-1a: no more is asked of it than to tell a few traces apart.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in self.to_jsonl(None).bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let mut name = String::new();
        // Writing to a String cannot fail.
        let _ = write!(name, "{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff));
        name
    }
}

fn line(value: &impl Serialize) -> String {
    // These types have no maps with odd keys and no failing serialisers.
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}

impl TraceFile {
    /// Reads a trace file.
    ///
    /// # Errors
    /// [`TraceError`], which names the line.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (_, first) = lines.next().ok_or_else(|| TraceError::Header("the file is empty".into()))?;
        let header = Self::header(first)?;
        let mut file = Self {
            trace: Trace { settings: header.settings, steps: Vec::new() },
            rule: header.rule,
            stated: Vec::new(),
        };
        for (index, line) in lines {
            let fault = |reason: String| TraceError::Step { line: index + 1, reason };
            let fields: Fields = serde_json::from_str(line).map_err(|e| fault(e.to_string()))?;
            let op = Op::from_fields(&fields).map_err(fault)?;
            let client = fields.client.unwrap_or(0);
            if client > 1 {
                return Err(fault(format!("client {client}: there are only 0 and 1")));
            }
            let stated = fields.expect.as_deref().map(|raw| serde_json::from_str(raw.get()));
            file.stated.push(stated.transpose().map_err(|e| fault(format!("`expect`: {e}")))?);
            file.trace.steps.push(Step { client, advance: fields.advance_us.unwrap_or(0), op });
            if file.trace.steps.len() > MAX_STEPS {
                return Err(fault(format!("a trace has at most {MAX_STEPS} steps")));
            }
        }
        match file.trace.steps.len() {
            found if found == header.steps => Ok(file),
            found => Err(TraceError::Cut { announced: header.steps, found }),
        }
    }

    fn header(line: &str) -> Result<Header, TraceError> {
        #[derive(Deserialize)]
        struct Version {
            sessionspec_trace: u32,
        }
        let version: Version = serde_json::from_str(line).map_err(|e| TraceError::Header(e.to_string()))?;
        if version.sessionspec_trace != FORMAT {
            return Err(TraceError::Version { found: version.sessionspec_trace });
        }
        serde_json::from_str(line).map_err(|e| TraceError::Header(e.to_string()))
    }
}

/// The JSON schema of the lines of a trace file.
pub fn schema() -> serde_json::Value {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    let header = generator.subschema_for::<Header>();
    let step = generator.subschema_for::<Fields>();
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a sessionspec trace: the header first, then the steps",
        "anyOf": [header, step],
        "$defs": generator.take_definitions(true),
    })
}
