//! Traces: the one currency of the suite. A trace is generated, shrunk, replayed and kept as a file of
//! JSON lines: a header, then a step per line.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::json::{Json, Object};
use crate::manifest::{Reach, ValueSupport, Values};
use crate::op::{Expiry, ExpiryQuery, Op, SessionOp, Source};
use crate::value::{Budget, TraceValue};

/// The version of the trace format.
pub const FORMAT: u32 = 1;

/// The instant at which every trace starts: 2030-01-01T00:00:00Z, in microseconds since the Unix epoch.
pub const START: i64 = 1_893_456_000_000_000;

/// What is nearer to the start than this, in microseconds, is meant in relation to it: five years.
const NEAR: i64 = 5 * 365 * 24 * 3_600 * 1_000_000;

/// The secret key with which every trace begins (`SECRET_KEY`).
pub const SECRET: &str = "sessionspec";

/// The secret key after it was replaced so often, and those under which signatures are still accepted
/// (`SECRET_KEY_FALLBACKS`): the one before.
pub fn secrets(replaced: u32) -> (String, Vec<String>) {
    let secret = |number: u32| match number {
        0 => SECRET.to_owned(),
        number => format!("{SECRET}-{number}"),
    };
    (secret(replaced), replaced.checked_sub(1).map(secret).into_iter().collect())
}

/// The client whose storage is another one than that of clients 0 and 1, beside it.
pub const OTHER_STORAGE: u8 = 2;

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
    /// Which handle on the storage, 0 or 1; or [`OTHER_STORAGE`]. A session object belongs to the client that made it.
    pub client: u8,
    /// Microseconds to move the clock on before the operation.
    pub advance: i64,
    /// What is done.
    pub op: Op,
}

/// What a golden trace states by hand about the answer to a step: `{"ok": …}` or `{"error": "…"}`, and
/// any of `key` (`k1`; empty for none), `accessed` and `modified`.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Stated {
    /// The answer, as it goes over the wire.
    pub ok: Option<Json>,
    /// The kind of error.
    pub error: Option<String>,
    /// The key the object then has; empty for none.
    pub key: Option<String>,
    /// The flag.
    pub accessed: Option<bool>,
    /// The flag.
    pub modified: Option<bool>,
}

impl Stated {
    fn read(json: &Json) -> Result<Self, String> {
        let stated = Object::from(json.entries().ok_or("`expect` must be an object")?);
        let known = ["ok", "error", "key", "accessed", "modified"];
        if let Some((name, _)) = stated.entries().iter().find(|(name, _)| !name.is_one_of(&known)) {
            return Err(format!("`expect` has no field {name}"));
        }
        Ok(Self {
            ok: stated.get("ok").cloned(),
            error: stated.read("expect", "error")?,
            key: stated.read("expect", "key")?,
            accessed: stated.read("expect", "accessed")?,
            modified: stated.read("expect", "modified")?,
        })
    }
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
#[non_exhaustive]
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
        // Writing to a String cannot fail.
        let mut out = format!("{}\n", Json::of(&header).as_str());
        for step in &self.steps {
            let mut line = step.op.to_line();
            if step.client != 0 {
                line.push("client", u64::from(step.client));
            }
            if step.advance != 0 {
                line.push("advance_us", step.advance);
            }
            let _ = writeln!(out, "{line}");
        }
        out
    }

    /// The trace as it is when it starts at another instant than [`START`]: the dates in it are moved with it. A date that
    /// is years away from the start stays what it is.
    pub(crate) fn starting_at(&self, start: i64) -> Self {
        let moved = |at: i64| if (at - START).abs() < NEAR { at + (start - START) } else { at };
        let moved_expiry = |expiry: Expiry| match expiry {
            Expiry::At(at, offset) => Expiry::At(moved(at), offset),
            other => other,
        };
        let moved_query = |query: ExpiryQuery| ExpiryQuery {
            modification: query.modification.map(moved),
            expiry: query.expiry.map(moved_expiry),
        };
        let mut trace = self.clone();
        for step in &mut trace.steps {
            if let Op::Session(_, op) = &mut step.op {
                match op {
                    SessionOp::SetExpiry(expiry) => *expiry = moved_expiry(*expiry),
                    SessionOp::GetExpiryAge(query) | SessionOp::GetExpiryDate(query) => {
                        *query = moved_query(*query);
                    }
                    _ => {}
                }
            }
        }
        trace
    }

    /// The trace as a subject can be put through it. Instants and lives are rounded down to what its clock counts in, so
    /// that what was just before an instant is still before it; where that clock ends, the trace ends. Steps with a value
    /// that does not exist where the store is used are left out. Every part of a trace is a trace.
    #[must_use]
    pub fn fitted(&self, reach: Reach, values: &Values) -> Self {
        let exists = |value: &TraceValue| values.support(value.json().class()) != ValueSupport::Unsupported;
        let unit = reach.resolution.max(1);
        let down = |micros: i64| micros.div_euclid(unit).saturating_mul(unit);
        let (mut meant, mut shown) = (0_i64, 0);
        let mut fitted = Self { settings: self.settings, steps: Vec::new() };
        for step in &self.steps {
            meant = meant.saturating_add(step.advance);
            if meant > reach.span {
                break;
            }
            if let Op::Session(_, op) = &step.op
                && !op.values().all(exists)
            {
                continue;
            }
            let advance = down(meant) - shown;
            shown += advance;
            let mut step = Step { advance, ..step.clone() };
            if let Op::Session(_, SessionOp::SetExpiry(expiry)) = &mut step.op {
                match expiry {
                    Expiry::At(at, _) => *at = down(*at),
                    // A life of one unit is over before the clock has shown it.
                    Expiry::Duration(life) if *life > 0 && unit > 1 => *life = down(*life).max(2 * unit),
                    Expiry::Duration(_) | Expiry::Seconds(_) | Expiry::Default => {}
                }
            }
            fitted.steps.push(step);
        }
        fitted
    }

    /// A short name for the trace: the same trace has the same name, on every machine.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.to_jsonl(None))
    }
}

/// A short name for a text.
pub(crate) fn fingerprint(text: &str) -> String {
    // FNV-1a: no more is asked of it than to tell a few traces apart.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{:08x}", (hash >> 32) ^ (hash & 0xffff_ffff))
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
        let mut source = Source::Trace(Budget::default());
        for (index, line) in lines {
            let fault = |reason: String| TraceError::Step { line: index + 1, reason };
            let (step, stated) = read_step(line, &mut source).map_err(fault)?;
            file.trace.steps.push(step);
            file.stated.push(stated);
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

fn read_step(text: &str, source: &mut Source) -> Result<(Step, Option<Stated>), String> {
    let line = Object::parse(text)?;
    let op = Op::from_line(&line, source)?;
    let known = op.to_line();
    let beside = ["client", "advance_us", "expect"];
    for (name, _) in line.entries() {
        if !name.is_one_of(&beside) && !known.entries().iter().any(|(known, _)| known == name) {
            return Err(format!("`{}` has no field {name}", op.name()));
        }
    }
    let client = line.read::<u8>(op.name(), "client")?.unwrap_or(0);
    if client > OTHER_STORAGE {
        return Err(format!("client {client}: there are only 0, 1 and 2"));
    }
    let advance = line.read(op.name(), "advance_us")?.unwrap_or(0);
    let stated = line.get("expect").map(Stated::read).transpose()?;
    Ok((Step { client, advance, op }, stated))
}

/// The JSON schema of the lines of a trace file, and of those of a schedule.
pub fn schema() -> serde_json::Value {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    let mut lines = vec![generator.subschema_for::<Header>()];
    lines.extend(Op::line_schemas(&mut generator));
    lines.extend(crate::schedule::line_schemas(&mut generator));
    serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a sessionspec trace or schedule: the header first, then the steps or moves",
        "anyOf": lines,
        "$defs": generator.take_definitions(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lines: &[String]) -> String {
        format!("{{\"sessionspec_trace\":1,\"steps\":{}}}\n{}\n", lines.len(), lines.join("\n"))
    }

    #[test]
    fn a_small_file_cannot_stand_for_gigabytes() {
        let line = r#"{"op":"set","session":1,"name":"a","value":{"$repeat":["x",4000000]}}"#.to_owned();
        let fault = TraceFile::parse(&file(&vec![line; 600])).unwrap_err().to_string();
        assert_eq!(fault, "line 6: the values of a trace come to more than 16777216 bytes");
    }

    #[test]
    fn a_trace_is_fitted_to_what_a_clock_can_show() {
        let lines = [
            r#"{"op":"new"}"#,
            r#"{"op":"set-expiry","session":1,"expiry":{"at_us":1893456010000001}}"#,
            r#"{"op":"save","advance_us":1,"session":1}"#,
            r#"{"op":"save","advance_us":9999998,"session":1}"#,
            r#"{"op":"save","advance_us":1,"session":1}"#,
            r#"{"op":"set-expiry","session":1,"expiry":{"duration_us":1}}"#,
            r#"{"op":"save","advance_us":90000000,"session":1}"#,
        ];
        let trace = TraceFile::parse(&file(&lines.map(str::to_owned))).unwrap().trace;
        let fitted = trace.fitted(Reach { span: 60_000_000, resolution: 1_000 }, &Values::KEPT);
        let advances: Vec<i64> = fitted.steps.iter().map(|step| step.advance).collect();
        assert_eq!(advances, [0, 0, 0, 9_999_000, 1_000, 0]);
        let expiry = |step: usize| match &fitted.steps[step].op {
            Op::Session(_, SessionOp::SetExpiry(expiry)) => *expiry,
            other => panic!("{other:?}"),
        };
        assert_eq!((expiry(1), expiry(5)), (Expiry::At(START + 10_000_000, 0), Expiry::Duration(2_000)));
        assert_eq!(trace.fitted(Reach::ANY, &Values::KEPT), trace);
    }

    #[test]
    fn steps_with_values_that_do_not_exist_are_left_out_and_time_goes_on() {
        let lines = [
            r#"{"op":"new"}"#,
            r#"{"op":"set","session":1,"name":"a","value":[9007199254740993],"advance_us":5}"#,
            r#"{"op":"set","session":1,"name":"a","value":1}"#,
        ];
        let trace = TraceFile::parse(&file(&lines.map(str::to_owned))).unwrap().trace;
        let values = Values { big_integers: ValueSupport::Unsupported, ..Values::KEPT };
        let fitted = trace.fitted(Reach::ANY, &values);
        let [new, set] = &fitted.steps[..] else { panic!("{fitted:?}") };
        assert_eq!((&new.op, &set.op, set.advance), (&trace.steps[0].op, &trace.steps[2].op, 5));
    }

    #[test]
    fn a_field_that_the_operation_does_not_have_is_refused() {
        let fault = |line: &str| TraceFile::parse(&file(&[line.to_owned()])).unwrap_err().to_string();
        assert_eq!(fault(r#"{"op":"new","advance":5}"#), "line 2: `new` has no field \"advance\"");
        assert_eq!(fault(r#"{"op":"save","session":1,"name":"a"}"#), "line 2: `save` has no field \"name\"");
        assert_eq!(fault(r#"{"op":"new","expect":{"okay":1}}"#), "line 2: `expect` has no field \"okay\"");
    }

    #[test]
    fn names_with_half_a_surrogate_pair_survive_being_written_and_read() {
        let line = r#"{"op":"update","session":1,"items":{"\ud800":1}}"#.to_owned();
        let text = file(&["{\"op\":\"new\"}".to_owned(), line.clone()]);
        let trace = TraceFile::parse(&text).unwrap().trace;
        assert_eq!(trace.to_jsonl(None).lines().last(), Some(&*line));
    }
}
