//! What operations take. Each kind of argument is defined here once: the fields it is written in, in traces and on
//! the wire, their schema, and the text for a reader.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::json::{Json, Name, Object};
use crate::value::{Budget, TraceValue};

/// Where a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// In a trace: values may stand as their generators.
    Trace,
    /// On the wire: values are all themselves.
    Wire,
}

/// Where a line is read from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A trace, whose values may come to so much.
    Trace(Budget),
    /// The wire.
    Wire,
}

/// A field of a line.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) schema: Schema,
}

impl Field {
    pub(crate) fn new(name: &'static str, schema: Schema) -> Self {
        Self { name, required: true, schema }
    }

    pub(crate) fn optional(self) -> Self {
        Self { required: false, ..self }
    }
}

/// A kind of argument.
pub(crate) trait Argument {
    /// The fields it has.
    fn fields(generator: &mut SchemaGenerator) -> Vec<Field>
    where
        Self: Sized;

    /// Reads it; a fault is a sentence that names the operation and the field.
    fn read(op: &str, line: &Object, source: &mut Source) -> Result<Self, String>
    where
        Self: Sized;

    fn write(&self, form: Form, line: &mut Object);

    /// For a reader; may be empty.
    fn text(&self) -> String;

    /// The values in it.
    fn values(&self) -> Vec<&TraceValue> {
        Vec::new()
    }
}

impl Argument for Name {
    fn fields(_: &mut SchemaGenerator) -> Vec<Field> {
        vec![Field::new("name", json_schema!({ "type": "string", "description": "The entry." }))]
    }

    fn read(op: &str, line: &Object, _: &mut Source) -> Result<Self, String> {
        let json = line.need(op, "name")?;
        Self::from_json(json).ok_or_else(|| format!("`{op}`: `name` must be text, not {}", shown(json)))
    }

    fn write(&self, _: Form, line: &mut Object) {
        line.push("name", self.to_json());
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl TraceValue {
    fn read_as(json: &Json, source: &mut Source) -> Result<Self, String> {
        match source {
            Source::Trace(budget) => Self::written(json, budget),
            Source::Wire => Ok(Self::from(json.clone())),
        }
    }

    fn to_form(&self, form: Form) -> Json {
        match form {
            Form::Trace => self.to_written(),
            Form::Wire => self.json().clone(),
        }
    }
}

impl Argument for TraceValue {
    fn fields(_: &mut SchemaGenerator) -> Vec<Field> {
        vec![Field::new("value", json_schema!({ "description": "The value." }))]
    }

    fn read(op: &str, line: &Object, source: &mut Source) -> Result<Self, String> {
        Self::read_as(line.need(op, "value")?, source)
    }

    fn write(&self, form: Form, line: &mut Object) {
        line.push("value", self.to_form(form));
    }

    fn text(&self) -> String {
        shown_text(&self.to_string())
    }

    fn values(&self) -> Vec<&TraceValue> {
        vec![self]
    }
}

/// Entries, each with its value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entries(pub Vec<(Name, TraceValue)>);

impl Argument for Entries {
    fn fields(_: &mut SchemaGenerator) -> Vec<Field> {
        vec![Field::new("items", json_schema!({ "type": "object", "description": "The entries." }))]
    }

    fn read(op: &str, line: &Object, source: &mut Source) -> Result<Self, String> {
        let entries =
            line.need(op, "items")?.entries().ok_or_else(|| format!("`{op}`: `items` must be an object"))?;
        let read = |(name, json): (Name, Json)| Ok((name, TraceValue::read_as(&json, source)?));
        entries.into_iter().map(read).collect::<Result<_, String>>().map(Self)
    }

    fn write(&self, form: Form, line: &mut Object) {
        let entries: Vec<_> =
            self.0.iter().map(|(name, value)| (name.clone(), value.to_form(form))).collect();
        line.push("items", Object::from(entries).to_json());
    }

    fn text(&self) -> String {
        let items: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        format!("{{{}}}", shown_text(&items.join(", ")))
    }

    fn values(&self) -> Vec<&TraceValue> {
        self.0.iter().map(|(_, value)| value).collect()
    }
}

/// An expiry that is set, or given with a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Option<ExpiryFields>", into = "Option<ExpiryFields>")]
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

/// An expiry as it is written: one of the three kinds; null for none.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExpiryFields {
    /// Seconds from the last save.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<i64>,
    /// Microseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration_us: Option<i64>,
    /// An instant, in microseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_us: Option<i64>,
    /// The offset from UTC in which the instant is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offset_minutes: Option<i16>,
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

impl Argument for Expiry {
    fn fields(generator: &mut SchemaGenerator) -> Vec<Field> {
        vec![Field::new("expiry", generator.subschema_for::<Option<ExpiryFields>>())]
    }

    fn read(op: &str, line: &Object, _: &mut Source) -> Result<Self, String> {
        line.need(op, "expiry")?;
        Ok(line.read(op, "expiry")?.unwrap_or_default())
    }

    fn write(&self, _: Form, line: &mut Object) {
        line.push("expiry", Json::of(self));
    }

    fn text(&self) -> String {
        match *self {
            Self::Default => "none".into(),
            Self::Seconds(seconds) => format!("{seconds} s"),
            Self::Duration(micros) => format!("after {} s", seconds(micros)),
            Self::At(at, offset) => {
                format!("at t={} (offset {offset} min)", seconds(at - crate::trace::START))
            }
        }
    }
}

/// What an age or date is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExpiryQuery {
    /// The instant it counts from, in microseconds since the Unix epoch; now if absent.
    pub modification: Option<i64>,
    /// The expiry; the session's own if absent.
    pub expiry: Option<Expiry>,
}

impl Argument for ExpiryQuery {
    fn fields(generator: &mut SchemaGenerator) -> Vec<Field> {
        let instant = json_schema!({
            "type": "integer",
            "description": "The instant an age or date counts from, in microseconds since the Unix epoch.",
        });
        let expiry = Expiry::fields(generator).into_iter().map(Field::optional);
        std::iter::once(Field::new("modification_us", instant).optional()).chain(expiry).collect()
    }

    fn read(op: &str, line: &Object, _: &mut Source) -> Result<Self, String> {
        let expiry = line.read(op, "expiry")?;
        if matches!(expiry, Some(Expiry::Duration(_))) {
            return Err(format!(
                "`{op}`: a duration becomes a date when it is set, so none can be asked about"
            ));
        }
        Ok(Self { modification: line.read(op, "modification_us")?, expiry })
    }

    fn write(&self, form: Form, line: &mut Object) {
        if let Some(modification) = self.modification {
            line.push("modification_us", modification);
        }
        if let Some(expiry) = self.expiry {
            expiry.write(form, line);
        }
    }

    fn text(&self) -> String {
        let modification = self.modification.map(|at| format!("modification={at}µs"));
        let expiry = self.expiry.map(|expiry| format!("expiry={}", expiry.text()));
        modification.into_iter().chain(expiry).collect::<Vec<_>>().join(" ")
    }
}

fn shown(json: &Json) -> String {
    shown_text(json.as_str())
}

fn shown_text(text: &str) -> String {
    crate::observation::shown(text)
}

/// Microseconds as seconds, without needless zeros.
pub(crate) fn seconds(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, rest) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let fraction = format!("{rest:06}");
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        digits => format!("{sign}{whole}.{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_seconds_without_needless_zeros() {
        assert_eq!(seconds(0), "0");
        assert_eq!(seconds(1_500_000), "1.5");
        assert_eq!(seconds(-1), "-0.000001");
        assert_eq!(seconds(10_000_000), "10");
    }
}
