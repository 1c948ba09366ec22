//! Values in traces: JSON, or a recipe for JSON that is too long or too strange to write out.

use std::fmt;

use serde_json::value::RawValue;

use crate::json::{Class, Json, object};

/// A value of a trace.
///
/// A recipe is an object with one entry: `{"$repeat": ["é", 70000]}` is that text repeated,
/// `{"$random": 70000}` that many characters which do not compress, `{"$nested": 300}` that many lists
/// in each other, and `{"$json": "NaN"}` the JSON in the text, for what strict JSON cannot write.
#[derive(Clone)]
pub struct Datum {
    json: Json,
    /// How the value is written, if not as itself.
    recipe: Option<Box<str>>,
}

impl Datum {
    /// Reads a value as a trace writes it.
    ///
    /// # Errors
    /// A sentence that names the value.
    pub fn parse(text: &str) -> Result<Self, String> {
        let json = Json::parse(text)?;
        if !json.as_str().starts_with("{\"$") {
            return Ok(Self { json, recipe: None });
        }
        match json.entries().as_deref() {
            Some([(name, argument)]) => match cook(name, argument) {
                Some(cooked) => Ok(Self { json: cooked?, recipe: Some(json.as_str().into()) }),
                None => Ok(Self { json, recipe: None }),
            },
            _ => Ok(Self { json, recipe: None }),
        }
    }

    /// The value itself.
    pub fn json(&self) -> &Json {
        &self.json
    }

    pub(crate) fn from_raw(raw: &RawValue) -> Result<Self, String> {
        Self::parse(raw.get())
    }

    pub(crate) fn to_raw(&self) -> Box<RawValue> {
        raw(&self.to_string())
    }

    pub(crate) fn raw_object(items: &[(String, Datum)]) -> Box<RawValue> {
        let written: Vec<Json> =
            items.iter().map(|(_, datum)| Json::from_canonical(datum.to_string())).collect();
        raw(&object(items.iter().map(|(name, _)| name.as_str()).zip(&written)))
    }

    pub(crate) fn entries_from_raw(raw: &RawValue) -> Result<Vec<(String, Self)>, String> {
        let entries = Json::parse(raw.get())?.entries().ok_or("`items` must be an object")?;
        entries.into_iter().map(|(name, json)| Ok((name, Self::parse(json.as_str())?))).collect()
    }
}

/// Text that strict JSON can hold, as a raw value. What it cannot hold is written by a recipe.
fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// What a recipe makes; `None` if this is no recipe.
fn cook(name: &str, argument: &Json) -> Option<Result<Json, String>> {
    let limit = |n: &str| n.parse::<usize>().ok().filter(|n| *n <= 8 << 20);
    match name {
        "$repeat" => {
            let fault = || "`$repeat` takes a text and a count".to_owned();
            let cooked = match argument.elements().as_deref() {
                Some([text, count]) => match (text.as_text(), limit(count.as_str())) {
                    (Some(text), Some(count)) if text.len() * count <= 8 << 20 => {
                        Ok(Json::text(&text.repeat(count)))
                    }
                    _ => Err(fault()),
                },
                _ => Err(fault()),
            };
            Some(cooked)
        }
        "$random" => Some(match limit(argument.as_str()) {
            Some(count) => Ok(Json::text(&incompressible(count))),
            None => Err("`$random` takes a count of characters, up to 8388608".into()),
        }),
        "$nested" => Some(match argument.as_str().parse::<usize>().ok().filter(|n| *n <= 900) {
            Some(levels) => Ok(Json::from_canonical(format!("{}{}", "[".repeat(levels), "]".repeat(levels)))),
            None => Err("`$nested` takes a number of levels, up to 900".into()),
        }),
        "$json" => Some(match argument.as_text() {
            Some(text) => Json::parse(&text),
            None => Err("`$json` takes a text".into()),
        }),
        _ => None,
    }
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

impl From<Json> for Datum {
    /// The value itself, even if it looks like a recipe.
    fn from(json: Json) -> Self {
        let strange = matches!(json.class(), Class::LoneSurrogate | Class::NonFinite);
        let recipe = (strange || json.as_str().starts_with("{\"$"))
            .then(|| object(std::iter::once(("$json", &Json::text(json.as_str())))).into());
        Self { json, recipe }
    }
}

impl fmt::Display for Datum {
    /// As a trace writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.recipe.as_deref().unwrap_or(self.json.as_str()))
    }
}

impl fmt::Debug for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Datum {
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
    #[case(r#"{"$nested":3}"#, "[[[]]]")]
    #[case(r#"{"$json":"[NaN]"}"#, "[NaN]")]
    #[case(r#"{"$serde_json::private::Number":"1"}"#, r#"{"$serde_json::private::Number":"1"}"#)]
    #[case(r#"{"$repeat":["ab",3],"b":1}"#, r#"{"$repeat":["ab",3],"b":1}"#)]
    fn a_recipe_stands_for_its_json(#[case] written: &str, #[case] json: &str) {
        let datum = Datum::parse(written).unwrap();
        assert_eq!(datum.json().as_str(), json);
        assert_eq!(datum.to_string(), written);
    }

    #[rstest]
    #[case(r#"{"$repeat":[1,2]}"#)]
    #[case(r#"{"$repeat":["x",99999999]}"#)]
    #[case(r#"{"$nested":100000}"#)]
    #[case(r#"{"$json":"[1"}"#)]
    fn a_recipe_that_cannot_be_cooked_is_an_error(#[case] written: &str) {
        assert!(Datum::parse(written).is_err());
    }

    #[rstest]
    #[case("[1,null]", "[1,null]")]
    #[case("[NaN]", r#"{"$json":"[NaN]"}"#)]
    #[case(r#""\ud800""#, r#"{"$json":"\"\\ud800\""}"#)]
    #[case(r#"{"$repeat":["ab",3]}"#, r#"{"$json":"{\"$repeat\":[\"ab\",3]}"}"#)]
    fn any_json_is_written_so_that_it_is_read_as_itself(#[case] json: &str, #[case] written: &str) {
        let datum = Datum::from(Json::parse(json).unwrap());
        assert_eq!(datum.to_raw().get(), written);
        assert_eq!(Datum::parse(written).unwrap().json().as_str(), json);
    }

    #[test]
    fn random_text_is_large_and_always_the_same() {
        let datum = Datum::parse(r#"{"$random":70000}"#).unwrap();
        assert_eq!(datum.json().class(), Class::Large);
        assert_eq!(datum, Datum::parse(r#"{"$random":70000}"#).unwrap());
    }
}
