//! Values in traces: JSON, or a generator of JSON that is too long or too strange to write out.

use std::fmt;

use crate::json::{Class, Json, Name, Object};

/// The most bytes, as JSON, that the values of one trace may come to.
pub const MAX_BYTES: usize = 16 << 20;

/// The deepest nesting that a generator makes.
const MAX_LEVELS: usize = 900;

/// A value of a trace.
///
/// A generator is an object with one entry: `{"$repeat": ["é", 70000]}` is that text repeated,
/// `{"$random": 70000}` that many characters which do not compress, `{"$nested": 300}` that many lists
/// in each other, and `{"$json": "NaN"}` the JSON in the text, for what strict JSON cannot write.
#[derive(Clone)]
pub struct TraceValue {
    json: Json,
    /// How the value is written, if not as itself.
    generator: Option<Box<str>>,
}

/// How many bytes the values of a trace may still come to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(MAX_BYTES)
    }
}

impl Budget {
    fn spend(&mut self, bytes: Option<usize>) -> Result<(), String> {
        let left = bytes.and_then(|bytes| self.0.checked_sub(bytes));
        self.0 = left.ok_or_else(|| format!("the values of a trace come to more than {MAX_BYTES} bytes"))?;
        Ok(())
    }
}

impl TraceValue {
    /// Reads a value as a trace writes it.
    ///
    /// # Errors
    /// A sentence that names the value.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::written(&Json::parse(text)?, &mut Budget::default())
    }

    /// Takes a value as a trace writes it.
    pub(crate) fn written(json: &Json, budget: &mut Budget) -> Result<Self, String> {
        if json.as_str().starts_with("{\"$")
            && let Some([(name, argument)]) = json.entries().as_deref()
            && let Some(generated) = generate(name, argument, budget)
        {
            return Ok(Self { json: generated?, generator: Some(json.as_str().into()) });
        }
        budget.spend(Some(json.as_str().len()))?;
        Ok(Self { json: json.clone(), generator: None })
    }

    /// The value itself.
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// The value as a trace writes it.
    pub fn to_written(&self) -> Json {
        self.generator.as_deref().map_or_else(|| self.json.clone(), Json::from_canonical)
    }
}

/// What a generator makes; `None` if this is not a generator.
fn generate(name: &Name, argument: &Json, budget: &mut Budget) -> Option<Result<Json, String>> {
    Some(match name.as_str() {
        "\"$repeat\"" => repeated(argument, budget),
        "\"$random\"" => match argument.as_str().parse::<usize>() {
            Ok(count) => budget.spend(count.checked_add(2)).map(|()| Json::text(&incompressible(count))),
            Err(_) => Err("`$random` takes a count of characters".into()),
        },
        "\"$nested\"" => match argument.as_str().parse::<usize>().ok().filter(|n| *n <= MAX_LEVELS) {
            Some(levels) => budget
                .spend(Some(2 * levels))
                .map(|()| Json::from_canonical(format!("{}{}", "[".repeat(levels), "]".repeat(levels)))),
            None => Err(format!("`$nested` takes a number of levels, up to {MAX_LEVELS}")),
        },
        "\"$json\"" => match argument.as_text() {
            Some(text) => budget.spend(Some(text.len())).and_then(|()| Json::parse(&text)),
            None => Err("`$json` takes a text".into()),
        },
        _ => return None,
    })
}

fn repeated(argument: &Json, budget: &mut Budget) -> Result<Json, String> {
    let fault = || "`$repeat` takes a text and a count".to_owned();
    let elements = argument.elements().ok_or_else(fault)?;
    let [text, count] = elements.as_slice() else { return Err(fault()) };
    let (Some(_), Ok(count)) = (text.as_text(), count.as_str().parse::<usize>()) else { return Err(fault()) };
    // In canonical text each character is written alone, so that the whole is its parts.
    let inner = &text.as_str()[1..text.as_str().len() - 1];
    budget.spend(inner.len().checked_mul(count).and_then(|bytes| bytes.checked_add(2)))?;
    Ok(Json::from_canonical(format!("\"{}\"", inner.repeat(count))))
}

/// The same letters and digits each time, in an order that no compressor finds (a linear congruential
/// generator's high bits).
fn incompressible(count: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .";
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(ALPHABET[(state >> 58) as usize])
        })
        .collect()
}

impl From<Json> for TraceValue {
    /// The value itself, even if it looks like a generator.
    fn from(json: Json) -> Self {
        let strange = matches!(json.class(), Class::LoneSurrogate | Class::NonFinite);
        let generator = (strange || json.as_str().starts_with("{\"$"))
            .then(|| Object::default().with("$json", json.as_str()).to_string().into());
        Self { json, generator }
    }
}

impl fmt::Display for TraceValue {
    /// As a trace writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.generator.as_deref().unwrap_or(self.json.as_str()))
    }
}

impl fmt::Debug for TraceValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for TraceValue {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"$repeat":["ab",3]}"#, r#""ababab""#)]
    #[case(r#"{"$repeat":["\u00e9\"",2]}"#, r#""\u00e9\"\u00e9\"""#)]
    #[case(r#"{"$nested":3}"#, "[[[]]]")]
    #[case(r#"{"$json":"[NaN]"}"#, "[NaN]")]
    #[case(r#"{"$serde_json::private::Number":"1"}"#, r#"{"$serde_json::private::Number":"1"}"#)]
    #[case(r#"{"$repeat":["ab",3],"b":1}"#, r#"{"$repeat":["ab",3],"b":1}"#)]
    fn a_generator_stands_for_its_json(#[case] written: &str, #[case] json: &str) {
        let value = TraceValue::parse(written).unwrap();
        assert_eq!(value.json().as_str(), json);
        assert_eq!(value.to_string(), written);
    }

    #[rstest]
    #[case(r#"{"$repeat":[1,2]}"#)]
    #[case(r#"{"$repeat":["x",99999999]}"#)]
    #[case(r#"{"$repeat":["xx",18446744073709551615]}"#)]
    #[case(r#"{"$random":99999999}"#)]
    #[case(r#"{"$nested":100000}"#)]
    #[case(r#"{"$json":"[1"}"#)]
    fn a_generator_that_makes_nothing_is_an_error(#[case] written: &str) {
        assert!(TraceValue::parse(written).is_err());
    }

    #[rstest]
    #[case("[1,null]", "[1,null]")]
    #[case("[NaN]", r#"{"$json":"[NaN]"}"#)]
    #[case(r#""\ud800""#, r#"{"$json":"\"\\ud800\""}"#)]
    #[case(r#"{"$repeat":["ab",3]}"#, r#"{"$json":"{\"$repeat\":[\"ab\",3]}"}"#)]
    fn any_json_is_written_so_that_it_is_read_as_itself(#[case] json: &str, #[case] written: &str) {
        let value = TraceValue::from(Json::parse(json).unwrap());
        assert_eq!(value.to_written().as_str(), written);
        assert_eq!(TraceValue::parse(written).unwrap().json().as_str(), json);
    }

    #[test]
    fn random_text_is_large_and_always_the_same() {
        let value = TraceValue::parse(r#"{"$random":70000}"#).unwrap();
        assert_eq!(value.json().class(), Class::Large);
        assert_eq!(value, TraceValue::parse(r#"{"$random":70000}"#).unwrap());
    }
}
