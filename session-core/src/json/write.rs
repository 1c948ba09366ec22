//! Any type of the application's as a JSON text, as Python writes it.

use std::fmt::{self, Write};

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::number::push_float;
use super::scan::Scanner;
use super::string::push_escaped;
use super::{JsonError, MAX_DEPTH};

/// The structs as which `serde_json` hands over its numbers and raw values when a program has those features of it
/// switched on. Each has one field, which is JSON already.
const JSON_INSIDE: [&str; 2] = ["$serde_json::private::Number", "$serde_json::private::RawValue"];

/// The text of a value.
pub(super) fn to_text<T: Serialize + ?Sized>(value: &T) -> Result<String, JsonError> {
    let mut out = String::new();
    value.serialize(Writer { out: &mut out, depth: 0 })?;
    Ok(out)
}

impl ser::Error for JsonError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Mismatch(message.to_string())
    }
}

struct Writer<'o> {
    out: &'o mut String,
    depth: usize,
}

/// A list or object that is being written.
struct Container<'o> {
    out: &'o mut String,
    depth: usize,
    first: bool,
    /// What ends it.
    end: &'static str,
    /// Its one field is JSON already.
    json_inside: bool,
}

impl<'o> Writer<'o> {
    fn open(self, start: &str, end: &'static str) -> Result<Container<'o>, JsonError> {
        if self.depth == MAX_DEPTH {
            return Err(JsonError::TooDeep { offset: 0 });
        }
        self.out.push_str(start);
        Ok(Container { out: self.out, depth: self.depth + 1, first: true, end, json_inside: false })
    }

    /// A variant with data: an object with one entry.
    fn variant(self, variant: &str, start: &str, end: &'static str) -> Result<Container<'o>, JsonError> {
        if self.depth == MAX_DEPTH {
            return Err(JsonError::TooDeep { offset: 0 });
        }
        self.out.push('{');
        push_string(variant, self.out);
        self.out.push(':');
        Writer { out: self.out, depth: self.depth + 1 }.open(start, end)
    }
}

fn push_string(text: &str, out: &mut String) {
    out.push('"');
    push_escaped(text, out);
    out.push('"');
}

/// An `f32` by its own shortest digits: 0.1 is 0.1, and not the nearest double's 0.10000000149011612.
fn widened(number: f32) -> f64 {
    if number.is_finite() {
        number.to_string().parse().unwrap_or(f64::from(number))
    } else {
        f64::from(number)
    }
}

macro_rules! write_numbers {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, number: $type) -> Result<(), JsonError> {
            // Writing to a String cannot fail.
            let _ = write!(self.out, "{number}");
            Ok(())
        })*
    };
}

impl<'o> Serializer for Writer<'o> {
    type Ok = ();
    type Error = JsonError;
    type SerializeSeq = Container<'o>;
    type SerializeTuple = Container<'o>;
    type SerializeTupleStruct = Container<'o>;
    type SerializeTupleVariant = Container<'o>;
    type SerializeMap = Container<'o>;
    type SerializeStruct = Container<'o>;
    type SerializeStructVariant = Container<'o>;

    write_numbers! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
    }

    fn serialize_f32(self, number: f32) -> Result<(), JsonError> {
        self.serialize_f64(widened(number))
    }

    fn serialize_f64(self, number: f64) -> Result<(), JsonError> {
        push_float(number, self.out);
        Ok(())
    }

    fn serialize_char(self, c: char) -> Result<(), JsonError> {
        self.serialize_str(c.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), JsonError> {
        push_string(text, self.out);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), JsonError> {
        self.collect_seq(bytes)
    }

    fn serialize_none(self) -> Result<(), JsonError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), JsonError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), JsonError> {
        self.out.push_str("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), JsonError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), JsonError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), JsonError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), JsonError> {
        let mut container = self.open("{", "}")?;
        ser::SerializeStruct::serialize_field(&mut container, variant, value)?;
        container.close()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Container<'o>, JsonError> {
        self.open("[", "]")
    }

    fn serialize_tuple(self, _: usize) -> Result<Container<'o>, JsonError> {
        self.open("[", "]")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Container<'o>, JsonError> {
        self.open("[", "]")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Container<'o>, JsonError> {
        self.variant(variant, "[", "]}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Container<'o>, JsonError> {
        self.open("{", "}")
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Container<'o>, JsonError> {
        if JSON_INSIDE.contains(&name) {
            let (out, depth) = (self.out, self.depth);
            return Ok(Container { out, depth, first: true, end: "", json_inside: true });
        }
        self.open("{", "}")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Container<'o>, JsonError> {
        self.variant(variant, "{", "}}")
    }
}

impl Container<'_> {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), JsonError> {
        value.serialize(Writer { out: self.out, depth: self.depth })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), JsonError> {
        self.separate();
        self.value(value)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), JsonError> {
        if self.json_inside {
            let text = super::escaped(value.serialize(Text)?.as_bytes())?.into_owned();
            let mut scanner = Scanner::new(&text);
            scanner.space();
            scanner.value(self.depth)?;
            scanner.end()?;
            self.out.push_str(text.trim_ascii());
            return Ok(());
        }
        self.separate();
        push_string(name, self.out);
        self.out.push(':');
        self.value(value)
    }

    #[expect(clippy::unnecessary_wraps, reason = "what the traits of serde return")]
    fn close(self) -> Result<(), JsonError> {
        self.out.push_str(self.end);
        Ok(())
    }
}

/// What has elements.
macro_rules! elements {
    ($($trait:ident: $method:ident),* $(,)?) => {
        $(impl ser::$trait for Container<'_> {
            type Ok = ();
            type Error = JsonError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), JsonError> {
                self.element(value)
            }

            fn end(self) -> Result<(), JsonError> {
                self.close()
            }
        })*
    };
}

elements! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

/// What has named fields.
macro_rules! fields {
    ($($trait:ident),* $(,)?) => {
        $(impl ser::$trait for Container<'_> {
            type Ok = ();
            type Error = JsonError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), JsonError> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), JsonError> {
                self.close()
            }
        })*
    };
}

fields! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for Container<'_> {
    type Ok = ();
    type Error = JsonError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), JsonError> {
        self.separate();
        push_string(&key.serialize(Text)?, self.out);
        self.out.push(':');
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), JsonError> {
        self.value(value)
    }

    fn end(self) -> Result<(), JsonError> {
        self.close()
    }
}

/// The name of an entry: text, or what Python makes a name of, too.
struct Text;

const NO_NAME: &str = "a dictionary's names are text, numbers or booleans";

fn no_name<T>() -> Result<T, JsonError> {
    Err(JsonError::Mismatch(NO_NAME.into()))
}

macro_rules! names {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method(self, name: $type) -> Result<String, JsonError> { Ok(name.to_string()) })*
    };
}

impl Serializer for Text {
    type Ok = String;
    type Error = JsonError;
    type SerializeSeq = Impossible<String, JsonError>;
    type SerializeTuple = Impossible<String, JsonError>;
    type SerializeTupleStruct = Impossible<String, JsonError>;
    type SerializeTupleVariant = Impossible<String, JsonError>;
    type SerializeMap = Impossible<String, JsonError>;
    type SerializeStruct = Impossible<String, JsonError>;
    type SerializeStructVariant = Impossible<String, JsonError>;

    names! {
        serialize_bool: bool, serialize_char: char, serialize_str: &str,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
    }

    fn serialize_f32(self, number: f32) -> Result<String, JsonError> {
        self.serialize_f64(widened(number))
    }

    fn serialize_f64(self, number: f64) -> Result<String, JsonError> {
        let mut out = String::new();
        push_float(number, &mut out);
        Ok(out)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<String, JsonError> {
        no_name()
    }

    fn serialize_none(self) -> Result<String, JsonError> {
        no_name()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, JsonError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<String, JsonError> {
        no_name()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<String, JsonError> {
        no_name()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<String, JsonError> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<String, JsonError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, JsonError> {
        no_name()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, JsonError> {
        no_name()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, JsonError> {
        no_name()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, JsonError> {
        no_name()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, JsonError> {
        no_name()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, JsonError> {
        no_name()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, JsonError> {
        no_name()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, JsonError> {
        no_name()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use rstest::rstest;
    use serde::Serialize;
    use serde_json::Value;

    use super::*;
    use crate::json::Json;

    #[derive(Serialize)]
    enum Shape {
        Unit,
        One(u8),
        Two(u8, f64),
        Named { at: Option<u8> },
    }

    #[derive(Serialize)]
    struct Unit;

    // The texts are what `serde_json` writes, but for the escapes and the numbers, which are Python's.
    #[test]
    fn each_kind_of_type_is_written() {
        let write = |value: &dyn Fn() -> Result<Json, JsonError>| value().unwrap().as_str().to_owned();
        assert_eq!(write(&|| Json::write(&[Shape::Unit])), r#"["Unit"]"#);
        assert_eq!(write(&|| Json::write(&Shape::One(1))), r#"{"One":1}"#);
        assert_eq!(write(&|| Json::write(&Shape::Two(1, 2.0))), r#"{"Two":[1,2.0]}"#);
        assert_eq!(write(&|| Json::write(&Shape::Named { at: None })), r#"{"Named":{"at":null}}"#);
        assert_eq!(
            write(&|| Json::write(&(Unit, 'é', Some("\u{1F600}\n")))),
            r#"[null,"\u00e9","\ud83d\ude00\n"]"#
        );
        assert_eq!(write(&|| Json::write(&(u128::MAX, i128::MIN))), format!("[{},{}]", u128::MAX, i128::MIN));
        assert_eq!(write(&|| Json::write(&(0.1_f32, 1e-5, 1e16, f32::NAN))), "[0.1,1e-05,1e+16,NaN]");
        assert_eq!(write(&|| Json::write(&(f64::INFINITY, f64::NEG_INFINITY))), "[Infinity,-Infinity]");
        assert_eq!(
            write(&|| Json::write(&BTreeMap::from([(1, true), (2, false)]))),
            r#"{"1":true,"2":false}"#
        );
        assert_eq!(write(&|| Json::write(&BTreeMap::from([(true, 0)]))), r#"{"true":0}"#);
    }

    #[derive(Serialize)]
    struct Wrapped<T>(T);

    struct Bytes(&'static [u8]);

    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(self.0)
        }
    }

    #[test]
    fn bytes_are_a_list_and_a_wrapper_is_what_it_wraps() {
        assert_eq!(Json::write(&Bytes(&[1, 2])).unwrap().as_str(), "[1,2]");
        assert_eq!(Json::write(&Wrapped(1)).unwrap().as_str(), "1");
    }

    /// A dictionary of one entry.
    struct Entry<K>(K);

    impl<K: Serialize> Serialize for Entry<K> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([(&self.0, 0)])
        }
    }

    #[test]
    fn names_are_text_numbers_and_booleans() {
        fn name(of: impl Serialize) -> String {
            Json::write(&Entry(of)).unwrap().as_str().to_owned()
        }
        assert_eq!(name("é"), r#"{"\u00e9":0}"#);
        assert_eq!(name('e'), r#"{"e":0}"#);
        assert_eq!(name(0.1_f32), r#"{"0.1":0}"#);
        assert_eq!(name(1e16), r#"{"1e+16":0}"#);
        assert_eq!(name(Some(1)), r#"{"1":0}"#);
        assert_eq!(name(Shape::Unit), r#"{"Unit":0}"#);
        assert_eq!(name(Wrapped(true)), r#"{"true":0}"#);
    }

    #[test]
    fn names_of_other_kinds_are_refused() {
        fn refused(name: impl Serialize) {
            assert_eq!(Json::write(&Entry(name)), Err(JsonError::Mismatch(NO_NAME.into())));
        }
        refused(vec![1]);
        refused(None::<u8>);
        refused(());
        refused(Unit);
        refused(Bytes(b"a"));
        refused(Shape::One(1));
    }

    /// Lists within lists, and at last something else.
    struct Within<'a, T>(usize, &'a T);

    impl<T: Serialize> Serialize for Within<'_, T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0.checked_sub(1) {
                Some(levels) => serializer.collect_seq([Within(levels, self.1)]),
                None => self.1.serialize(serializer),
            }
        }
    }

    #[test]
    fn a_variant_with_values_is_two_levels() {
        let too_deep = Err(JsonError::TooDeep { offset: 0 });
        let two = |levels| Json::write(&Within(levels, &Shape::Two(1, 2.0)));
        assert!(two(MAX_DEPTH - 2).is_ok());
        assert_eq!(two(MAX_DEPTH - 1), too_deep);
        assert_eq!(two(MAX_DEPTH), too_deep);
        assert!(Json::write(&Within(MAX_DEPTH - 1, &Shape::One(1))).is_ok());
        assert_eq!(Json::write(&Within(MAX_DEPTH, &Shape::One(1))), too_deep);
    }

    /// As `serde_json::Number` serialises itself where some crate of the program has switched `arbitrary_precision`
    /// on.
    struct Number(&'static str);

    impl Serialize for Number {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use ser::SerializeStruct;
            let mut number = serializer.serialize_struct(JSON_INSIDE[0], 1)?;
            number.serialize_field(JSON_INSIDE[0], self.0)?;
            number.end()
        }
    }

    #[test]
    fn numbers_of_a_program_with_other_features_of_serde_json_are_numbers() {
        assert_eq!(Json::write(&[Number("1.50"), Number("12")]).unwrap().as_str(), "[1.50,12]");
        assert!(Json::write(&Number("1,2")).is_err());
        assert!(Json::write(&Number("")).is_err());
    }

    // What Python 3.11's `json.dumps` gives.
    #[rstest]
    #[case(0.0, "0.0")]
    #[case(-0.0, "-0.0")]
    #[case(1e15, "1000000000000000.0")]
    #[case(1_406_743_126_232_124.2, "1406743126232124.2")]
    #[case(5e-324, "5e-324")]
    #[case(123.456e-5, "0.00123456")]
    fn a_float_is_written_as_python_does(#[case] float: f64, #[case] text: &str) {
        assert_eq!(Json::write(&float).unwrap().as_str(), text);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in any_value()) {
            let json = Json::write(&value).unwrap();
            prop_assert!(json.as_str().is_ascii());
            prop_assert_eq!(Json::parse(json.as_str()).unwrap(), json.clone());
            prop_assert_eq!(json.to_value().unwrap(), value.clone());
            // By way of serde, in both directions.
            prop_assert_eq!(serde_json::to_value(&json).unwrap(), value.clone());
            prop_assert_eq!(json.read::<Value>().unwrap(), value);
        }
    }
}
