//! A checked text as a [`Value`], and handed to any serializer.

use std::cell::RefCell;

use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Number, Value};

use super::number::to_float;
use super::{JsonError, JsonString, Token, Tokens};

/// Builds the value, without recursion.
pub(super) fn to_value(text: &str) -> Result<Value, JsonError> {
    let mut open: Vec<Open> = Vec::new();
    for token in Tokens::new(text) {
        let mut value = match token {
            Token::ListStart => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Token::ObjectStart => {
                open.push(Open::Object(Map::new(), String::new()));
                continue;
            }
            Token::Name(name) => {
                if let Some(Open::Object(_, last)) = open.last_mut() {
                    *last = whole(name)?;
                }
                continue;
            }
            Token::ListEnd | Token::ObjectEnd => match open.pop() {
                Some(Open::List(items)) => Value::Array(items),
                Some(Open::Object(map, _)) => Value::Object(map),
                None => break,
            },
            Token::Null => Value::Null,
            Token::Bool(yes) => Value::Bool(yes),
            Token::Integer(digits) => Value::Number(integer(digits)?),
            Token::Float(text) => Value::Number(float(text)?),
            Token::String(string) => Value::String(whole(string)?),
        };
        match open.last_mut() {
            None => return Ok(value),
            Some(Open::List(items)) => items.push(value),
            // Of several entries of one name Python takes the last value, in the first place.
            Some(Open::Object(map, name)) => match map.get_mut(name.as_str()) {
                Some(held) => std::mem::swap(held, &mut value),
                None => _ = map.insert(std::mem::take(name), value),
            },
        }
    }
    Err(JsonError::Malformed { offset: text.len(), what: "the text ends where a value should be" })
}

/// A list or object whose end has not been reached, the latter with the name of its next entry.
enum Open {
    List(Vec<Value>),
    Object(Map<String, Value>, String),
}

fn mismatch<T>(what: &str) -> Result<T, JsonError> {
    Err(JsonError::Mismatch(what.into()))
}

fn whole(string: JsonString<'_>) -> Result<String, JsonError> {
    match string.to_str() {
        Some(text) => Ok(text.into_owned()),
        None => mismatch("half a surrogate pair, which no Rust string holds"),
    }
}

fn integer(digits: &str) -> Result<Number, JsonError> {
    let number = digits.parse::<i64>().map(Number::from).or_else(|_| digits.parse::<u64>().map(Number::from));
    number.or_else(|_| mismatch("an integer beyond 64 bits"))
}

fn float(text: &str) -> Result<Number, JsonError> {
    match Number::from_f64(to_float(text)) {
        Some(number) => Ok(number),
        None => mismatch("NaN, an infinity or a number beyond floating point"),
    }
}

/// Hands the value to a serializer.
pub(super) fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    Next(&RefCell::new(Tokens::new(text))).serialize(serializer)
}

/// The next value of a text, which is taken when it is serialised.
struct Next<'c, 'a>(&'c RefCell<Tokens<'a>>);

impl Next<'_, '_> {
    fn token(&self) -> Option<Token<'_>> {
        self.0.borrow_mut().next()
    }

    /// Whether the container that is open ends here; its end is then taken.
    fn ends(&self) -> bool {
        let ends = matches!(self.0.borrow().peek(), Some(Token::ListEnd | Token::ObjectEnd) | None);
        if ends {
            self.token();
        }
        ends
    }
}

impl Serialize for Next<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(token) = self.token() else { return serializer.serialize_unit() };
        match token {
            Token::Bool(yes) => serializer.serialize_bool(yes),
            Token::Integer(digits) => serialize_integer(digits, serializer),
            Token::Float(text) => match to_float(text) {
                float if float.is_finite() => serializer.serialize_f64(float),
                _ => serializer.serialize_str(text),
            },
            Token::String(string) | Token::Name(string) => serializer.serialize_str(&string.to_str_lossy()),
            Token::ListStart => {
                serializer.collect_seq(std::iter::from_fn(|| (!self.ends()).then_some(Next(self.0))))
            }
            Token::ObjectStart => {
                let entries = std::iter::from_fn(|| (!self.ends()).then_some((Next(self.0), Next(self.0))));
                serializer.collect_map(entries)
            }
            Token::Null | Token::ListEnd | Token::ObjectEnd => serializer.serialize_unit(),
        }
    }
}

fn serialize_integer<S: Serializer>(digits: &str, serializer: S) -> Result<S::Ok, S::Error> {
    if let Ok(number) = digits.parse::<i64>() {
        serializer.serialize_i64(number)
    } else if let Ok(number) = digits.parse::<u64>() {
        serializer.serialize_u64(number)
    } else if let Ok(number) = digits.parse::<i128>() {
        serializer.serialize_i128(number)
    } else {
        serializer.serialize_str(digits)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use crate::json::{Json, JsonError};

    #[rstest]
    #[case("null", json!(null))]
    #[case(r#"[1, -2, 18446744073709551615, 1.5, true, "\u00e9"]"#, json!([1, -2, u64::MAX, 1.5, true, "é"]))]
    #[case(r#"{"b": {"d": [], "c": {}}, "a": "x"}"#, json!({"b": {"d": [], "c": {}}, "a": "x"}))]
    #[case(r#"{"a": 1, "b": 2, "a": 3}"#, json!({"a": 3, "b": 2}))]
    #[case("-0", json!(0))]
    #[case("0.1", json!(0.1))]
    fn a_text_has_this_value(#[case] text: &str, #[case] value: serde_json::Value) {
        let read = Json::parse(text).unwrap().to_value().unwrap();
        assert_eq!(read.to_string(), value.to_string());
    }

    #[rstest]
    #[case("18446744073709551616")]
    #[case("[NaN]")]
    #[case("1e400")]
    #[case(r#"{"\ud800": 1}"#)]
    #[case(r#""\udfff""#)]
    fn what_a_value_cannot_hold_is_an_error(#[case] text: &str) {
        assert!(matches!(Json::parse(text).unwrap().to_value(), Err(JsonError::Mismatch(_))));
    }

    #[test]
    fn the_deepest_value_is_built_and_written_again() {
        let deep = format!("{}{}", "[".repeat(super::super::MAX_DEPTH), "]".repeat(super::super::MAX_DEPTH));
        let value = Json::parse(&deep).unwrap().to_value().unwrap();
        assert_eq!(Json::write(&value).unwrap().as_str(), deep);
        assert!(matches!(Json::write(&[value]), Err(JsonError::TooDeep { .. })));
    }
}
