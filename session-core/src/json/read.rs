//! A checked text into any type of the application's.

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

use super::number::to_float;
use super::{JsonError, JsonString, Token, Tokens};

/// How deep a value may be nested. A type's own code calls itself for each level, on the thread's stack; this is the
/// limit of `serde_json`.
const MAX_LEVELS: usize = 128;

/// Reads the whole of a checked text.
pub(crate) fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    let mut tokens = Tokens::new(text);
    T::deserialize(Reader { tokens: &mut tokens, level: 0 })
}

/// Errors that say what kind of value was found, and never which: it may be nothing for a log.
impl de::Error for JsonError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Mismatch(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Mismatch(format!("expected {expected}, found {}", kind(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Mismatch(format!("expected {expected}, found another {}", kind(found)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Mismatch(format!("expected one of the variants {}", expected.join(", ")))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Mismatch(format!("a field that is none of {}", expected.join(", ")))
    }
}

fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "integer",
        Unexpected::Float(_) => "floating-point number",
        Unexpected::Char(_) | Unexpected::Str(_) => "string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "list",
        Unexpected::Map => "object",
        _ => "value",
    }
}

struct Reader<'t, 'de> {
    tokens: &'t mut Tokens<'de>,
    /// How many containers are open.
    level: usize,
}

fn mismatch<T>(what: &str) -> Result<T, JsonError> {
    Err(JsonError::Mismatch(what.into()))
}

impl<'de> Reader<'_, 'de> {
    fn next(&mut self) -> Result<Token<'de>, JsonError> {
        let end = JsonError::Malformed { offset: 0, what: "the text ends where a value should be" };
        self.tokens.next().ok_or(end)
    }

    fn deeper(&self) -> Result<usize, JsonError> {
        if self.level == MAX_LEVELS {
            return Err(JsonError::Mismatch(format!("it is nested more than {MAX_LEVELS} deep for a type")));
        }
        Ok(self.level + 1)
    }

    fn list<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        let level = self.deeper()?;
        let mut items = Items { tokens: self.tokens, level };
        let value = visitor.visit_seq(&mut items)?;
        items.end()?;
        Ok(value)
    }

    fn object<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        let level = self.deeper()?;
        let mut items = Items { tokens: self.tokens, level };
        let value = visitor.visit_map(&mut items)?;
        items.end()?;
        Ok(value)
    }
}

fn string<'de, V: Visitor<'de>>(string: JsonString<'de>, visitor: V) -> Result<V::Value, JsonError> {
    match string.to_str() {
        Some(std::borrow::Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
        Some(std::borrow::Cow::Owned(text)) => visitor.visit_string(text),
        None => mismatch("half a surrogate pair, which no Rust string holds"),
    }
}

fn integer<'de, V: Visitor<'de>>(digits: &str, visitor: V) -> Result<V::Value, JsonError> {
    if let Ok(number) = digits.parse::<u64>() {
        visitor.visit_u64(number)
    } else if let Ok(number) = digits.parse::<i64>() {
        visitor.visit_i64(number)
    } else if let Ok(number) = digits.parse::<i128>() {
        visitor.visit_i128(number)
    } else if let Ok(number) = digits.parse::<u128>() {
        visitor.visit_u128(number)
    } else {
        mismatch("an integer of more than 128 bits")
    }
}

/// Whole numbers go the same way as anything else; only types of 128 bits ask for more than others can hold.
macro_rules! wide_integers {
    ($($method:ident: $visit:ident),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
            match self.tokens.peek() {
                Some(Token::Integer(digits)) => {
                    self.tokens.next();
                    match digits.parse() {
                        Ok(number) => visitor.$visit(number),
                        Err(_) => integer(digits, visitor),
                    }
                }
                _ => self.deserialize_any(visitor),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = JsonError;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, JsonError> {
        match self.next()? {
            Token::Null => visitor.visit_unit(),
            Token::Bool(yes) => visitor.visit_bool(yes),
            Token::Integer(digits) => integer(digits, visitor),
            Token::Float(text) => match to_float(text) {
                float if float.is_finite() => visitor.visit_f64(float),
                // A type that takes any value would make null of it.
                _ => mismatch("NaN, an infinity or a number beyond floating point"),
            },
            Token::String(text) | Token::Name(text) => string(text, visitor),
            Token::ListStart => self.list(visitor),
            Token::ObjectStart => self.object(visitor),
            Token::ListEnd | Token::ObjectEnd => mismatch("a container ends where a value should be"),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.tokens.peek() {
            Some(Token::Float(text)) => {
                self.tokens.next();
                visitor.visit_f64(to_float(text))
            }
            Some(Token::Integer(digits)) => {
                self.tokens.next();
                // An integer has no negative zero, and none is infinite.
                match to_float(digits) {
                    float if float.is_finite() => visitor.visit_f64(float + 0.0),
                    _ => mismatch("an integer beyond floating point"),
                }
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.deserialize_f64(visitor)
    }

    wide_integers! { deserialize_i128: visit_i128, deserialize_u128: visit_u128 }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        if self.tokens.peek() == Some(Token::Null) {
            self.tokens.next();
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        visitor.visit_newtype_struct(self)
    }

    /// Bytes are written as a list of numbers, and are text where a type takes that for bytes.
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match self.next()? {
            Token::String(JsonString(raw)) => {
                visitor.visit_enum(Variant { name: JsonString(raw), data: None })
            }
            Token::ObjectStart => {
                let level = self.deeper()?;
                let Some(Token::Name(name)) = self.tokens.next() else {
                    return mismatch("expected a variant, found an empty object");
                };
                let data = Reader { tokens: &mut *self.tokens, level };
                let value = visitor.visit_enum(Variant { name, data: Some(data) })?;
                Items { tokens: self.tokens, level }.end()?;
                Ok(value)
            }
            _ => mismatch("expected a variant, found neither text nor an object"),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 char str string byte_buf unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

/// The elements of a list, or the entries of an object.
struct Items<'t, 'de> {
    tokens: &'t mut Tokens<'de>,
    level: usize,
}

impl Items<'_, '_> {
    fn at_end(&self) -> bool {
        matches!(self.tokens.peek(), Some(Token::ListEnd | Token::ObjectEnd) | None)
    }

    /// Sees that nothing was left unread: a type that takes two elements does not fit a list of three.
    fn end(&mut self) -> Result<(), JsonError> {
        if !self.at_end() {
            return mismatch("there are more elements than the type takes");
        }
        self.tokens.next();
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = JsonError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, JsonError> {
        if self.at_end() {
            return Ok(None);
        }
        seed.deserialize(Reader { tokens: self.tokens, level: self.level }).map(Some)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = JsonError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, JsonError> {
        if self.at_end() {
            return Ok(None);
        }
        match self.tokens.next() {
            Some(Token::Name(name)) => seed.deserialize(Name(name)).map(Some),
            _ => mismatch("expected a name"),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, JsonError> {
        seed.deserialize(Reader { tokens: self.tokens, level: self.level })
    }
}

/// A name, which is also what Python makes of a number or a boolean among the names.
struct Name<'de>(JsonString<'de>);

macro_rules! parsed_names {
    ($($method:ident: $visit:ident),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
            match self.0.0.parse() {
                Ok(parsed) => visitor.$visit(parsed),
                Err(_) => string(self.0, visitor),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = JsonError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        string(self.0, visitor)
    }

    parsed_names! {
        deserialize_bool: visit_bool,
        deserialize_i8: visit_i8, deserialize_i16: visit_i16, deserialize_i32: visit_i32,
        deserialize_i64: visit_i64, deserialize_i128: visit_i128,
        deserialize_u8: visit_u8, deserialize_u16: visit_u16, deserialize_u32: visit_u32,
        deserialize_u64: visit_u64, deserialize_u128: visit_u128,
        deserialize_f32: visit_f32, deserialize_f64: visit_f64,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        visitor.visit_enum(Variant { name: self.0, data: None })
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// A variant of an enum: by its name alone, or with data.
struct Variant<'t, 'de> {
    name: JsonString<'de>,
    data: Option<Reader<'t, 'de>>,
}

impl<'t, 'de> EnumAccess<'de> for Variant<'t, 'de> {
    type Error = JsonError;
    type Variant = Data<'t, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant), JsonError> {
        let name = match self.name.to_str() {
            Some(std::borrow::Cow::Borrowed(text)) => seed.deserialize(BorrowedStrDeserializer::new(text)),
            Some(std::borrow::Cow::Owned(text)) => {
                let name: StringDeserializer<JsonError> = text.into_deserializer();
                seed.deserialize(name)
            }
            None => mismatch("half a surrogate pair, which no Rust string holds"),
        };
        Ok((name?, Data(self.data)))
    }
}

/// What a variant holds, if anything.
struct Data<'t, 'de>(Option<Reader<'t, 'de>>);

impl<'de> VariantAccess<'de> for Data<'_, 'de> {
    type Error = JsonError;

    fn unit_variant(self) -> Result<(), JsonError> {
        match self.0 {
            Some(reader) => de::Deserialize::deserialize(reader),
            None => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, JsonError> {
        match self.0 {
            Some(reader) => seed.deserialize(reader),
            None => mismatch("expected a variant with a value, found its name alone"),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, JsonError> {
        self.struct_variant(&[], visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match self.0 {
            Some(reader) => reader.deserialize_any(visitor),
            None => mismatch("expected a variant with values, found its name alone"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    use super::*;
    use crate::json::Json;

    fn read<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
        Json::parse(text).unwrap().read()
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Unit,
        One(u8),
        Two(u8, f64),
        Named { at: Option<u8> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Priced { price: f64 },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Line {
        #[serde(flatten)]
        rest: BTreeMap<String, f64>,
        tagged: Tagged,
        shapes: Vec<Shape>,
        #[serde(default)]
        missing: Option<Box<Line>>,
        counts: BTreeMap<u32, (bool, char)>,
        id: i128,
    }

    #[test]
    fn what_was_written_from_a_type_is_read_into_it() {
        let line = Line {
            rest: BTreeMap::from([("width".into(), 1.5)]),
            tagged: Tagged::Priced { price: 0.1 },
            shapes: vec![Shape::Unit, Shape::One(1), Shape::Two(2, 3.0), Shape::Named { at: None }],
            missing: None,
            counts: BTreeMap::from([(7, (true, 'é'))]),
            id: -170_141_183_460_469_231_731_687_303_715_884_105_728,
        };
        assert_eq!(Json::write(&line).unwrap().read::<Line>().unwrap(), line);
    }

    #[test]
    fn floats_are_read_as_python_reads_them() {
        assert!(read::<f64>("NaN").unwrap().is_nan());
        assert_eq!(read::<f64>("1e400"), Ok(f64::INFINITY));
        assert_eq!(read::<f64>("-Infinity"), Ok(f64::NEG_INFINITY));
        assert_eq!(read::<f64>("12345678901234567890123"), Ok(12_345_678_901_234_567_890_123.0));
        assert_eq!(read::<f32>("0.1"), Ok(0.1));
        assert_eq!(read::<f64>("-0").map(f64::is_sign_negative), Ok(false));
        assert!(read::<f64>(&format!("1{}", "0".repeat(400))).is_err());
        assert!(read::<Value>("NaN").is_err());
    }

    #[rstest]
    #[case("\"hunter2\"")]
    #[case("[1234567]")]
    #[case("1234567.5")]
    #[case("-1234567")]
    #[case(r#"{"hunter2": 1}"#)]
    #[case("true")]
    fn what_does_not_fit_is_an_error_that_shows_nothing_of_it(#[case] text: &str) {
        let message = read::<u8>(text).unwrap_err().to_string();
        assert!(message.starts_with("expected u8, found "), "{message}");
        assert!(!message.contains("hunter2") && !message.contains("1234567"), "{message}");
        assert!(!read::<Shape>(text).unwrap_err().to_string().contains("hunter2"));
    }

    #[rstest]
    #[case("true", "boolean")]
    #[case("1.5", "floating-point number")]
    #[case("300", "another integer")]
    #[case("\"text\"", "string")]
    #[case("null", "null")]
    #[case("[1]", "list")]
    #[case("{}", "object")]
    fn what_does_not_fit_is_named_by_its_kind(#[case] text: &str, #[case] kind: &str) {
        assert_eq!(read::<u8>(text), Err(JsonError::Mismatch(format!("expected u8, found {kind}"))));
    }

    #[test]
    fn an_integer_is_no_boolean() {
        assert_eq!(read::<bool>("1"), Err(JsonError::Mismatch("expected a boolean, found integer".into())));
    }

    #[test]
    fn a_variant_without_data_has_none() {
        assert_eq!(read(r#"{"Unit": null}"#), Ok(Shape::Unit));
        assert!(read::<Shape>(r#"{"Unit": 1}"#).is_err());
    }

    #[test]
    fn a_list_of_three_is_no_pair() {
        assert!(read::<(u8, u8)>("[1, 2, 3]").is_err());
        assert!(read::<(u8, u8)>("[1]").is_err());
        assert_eq!(read("[1, 2]"), Ok((1_u8, 2_u8)));
    }

    #[test]
    fn nesting_that_would_cost_the_stack_is_refused() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read::<Value>(&nested(MAX_LEVELS)).is_ok());
        assert!(read::<Value>(&nested(MAX_LEVELS + 1)).unwrap_err().to_string().contains("128"));
    }
}
