//! JSON values as the suite sees them: opaque canonical text. The model never looks inside a value, and
//! text holds what no parsed form in Rust does: integers of any size, NaN, and lone surrogates.
//!
//! The canonical form is what Python's `json.dumps(value, separators=(",", ":"))` writes. This module
//! shares no code with `session-core`, which it helps to check.
//!
//! - `mod.rs`: a value
//! - `object.rs`: the names of entries, and objects as lists of entries: lines of traces and of the protocol
//! - `class.rs`: what about a value makes stores lose it
//! - `node.rs`: reading and writing

mod class;
mod node;
mod object;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde::de::DeserializeOwned;

use node::{Node, characters, quoted};

pub use class::Class;
pub use object::{Name, Object};

/// A JSON value in canonical text, with the property that makes it awkward to keep.
#[derive(Clone)]
pub struct Json {
    text: Arc<str>,
    /// Known once somebody asked.
    class: OnceLock<Class>,
}

impl Json {
    /// Reads any JSON text, in any spacing and spelling, Python's extensions included.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and at which byte.
    pub fn parse(text: &str) -> Result<Self, String> {
        Node::parse(text).map(Node::into_json)
    }

    /// Takes text that is canonical already.
    pub fn from_canonical(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), class: OnceLock::new() }
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What makes the value awkward to keep.
    pub fn class(&self) -> Class {
        *self.class.get_or_init(|| class::classify(&self.text))
    }

    /// A JSON text value.
    pub fn text(text: &str) -> Self {
        Self::from_canonical(quoted(text))
    }

    /// The list with one more element, or `None` if this is not a list.
    pub fn pushed(&self, value: &Json) -> Option<Self> {
        let inner = self.text.strip_prefix('[')?.strip_suffix(']')?;
        let comma = if inner.is_empty() { "" } else { "," };
        Some(Self::from_canonical(format!("[{inner}{comma}{}]", value.text)))
    }

    /// The same value with the entries of every object sorted, for stores that do not keep order.
    #[must_use]
    pub fn sorted(&self) -> Self {
        self.changed(Node::sort)
    }

    /// The same value where all numbers are floating-point numbers of 64 bits: those that are the same one there are
    /// written as one. An integer that is none of them stays.
    #[must_use]
    pub fn as_doubles(&self) -> Self {
        self.changed(Node::as_doubles)
    }

    fn changed(&self, change: fn(&mut Node)) -> Self {
        // Canonical text always parses; a value that does not is left as it is and will compare unequal.
        let Ok(mut node) = Node::parse(&self.text) else { return self.clone() };
        change(&mut node);
        node.into_json()
    }

    /// The entries of an object, or `None` if this is not one.
    pub fn entries(&self) -> Option<Vec<(Name, Json)>> {
        let Ok(Node::Object(entries)) = Node::parse(&self.text) else { return None };
        Some(entries.into_iter().map(|(name, node)| (Name::from_canonical(name), node.into_json())).collect())
    }

    /// The elements of a list, or `None` if this is not one.
    pub fn elements(&self) -> Option<Vec<Json>> {
        let Ok(Node::List(elements)) = Node::parse(&self.text) else { return None };
        Some(elements.into_iter().map(Node::into_json).collect())
    }

    /// A list of values.
    pub fn list(elements: impl IntoIterator<Item = Self>) -> Self {
        let mut text = String::from("[");
        for element in elements {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(element.as_str());
        }
        text.push(']');
        Self::from_canonical(text)
    }

    /// The value null.
    pub fn null() -> Self {
        Self::from_canonical("null")
    }

    /// Whether this is the value null.
    pub fn is_null(&self) -> bool {
        &*self.text == "null"
    }

    /// A plain value, as serde writes it.
    pub(crate) fn of(value: &impl Serialize) -> Self {
        // Only types without odd keys and failing serialisers come here.
        serde_json::to_string(value).ok().and_then(|text| Self::parse(&text).ok()).unwrap_or_else(Self::null)
    }

    /// A plain value, as serde reads it. What cannot be read is named by its path.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, String> {
        let mut reader = serde_json::Deserializer::from_str(&self.text);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let (path, what) = (error.path().to_string(), error.inner().to_string());
            // Where in a line that nobody sees says nothing.
            let what = what.split(" at line ").next().unwrap_or_default().to_owned();
            if path == "." { what } else { format!("`{path}`: {what}") }
        })
    }

    /// The characters of a text value, or `None` if this is not text or not whole characters.
    pub fn as_text(&self) -> Option<String> {
        characters(&self.text)
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Json {}

impl Hash for Json {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl From<bool> for Json {
    fn from(yes: bool) -> Self {
        Self::from_canonical(if yes { "true" } else { "false" })
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Self::from_canonical(number.to_string())
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::from_canonical(number.to_string())
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // The right-hand sides are what Python 3.11's `json.dumps(json.loads(left), separators=(",", ":"))` gives.
    #[rstest]
    #[case(r#" { "a" : [ 1 , null , true ] } "#, r#"{"a":[1,null,true]}"#)]
    #[case(r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#)]
    #[case(r#""é😀\/\u00E9""#, r#""\u00e9\ud83d\ude00/\u00e9""#)]
    #[case(r#""\ud800x""#, r#""\ud800x""#)]
    #[case("[NaN,-Infinity]", "[NaN,-Infinity]")]
    #[case("1e16", "1e+16")]
    #[case("123456789012345680.0", "1.2345678901234568e+17")]
    #[case("1E5", "100000.0")]
    #[case("0.00001", "1e-05")]
    #[case("0.0001", "0.0001")]
    #[case("-0.0", "-0.0")]
    #[case("-0", "0")]
    #[case("1406743126232124.25", "1406743126232124.2")]
    #[case("-817047076919253.25", "-817047076919253.2")]
    #[case("9007199254740993.0", "9007199254740992.0")]
    #[case("1e15", "1000000000000000.0")]
    #[case("123.456e-5", "0.00123456")]
    #[case("5e-324", "5e-324")]
    #[case("2.2250738585072014e-308", "2.2250738585072014e-308")]
    #[case("1000000000000000000000000000000", "1000000000000000000000000000000")]
    #[case("\"\u{7f}\"", "\"\\u007f\"")]
    fn any_spelling_has_one_canonical_text(#[case] text: &str, #[case] canonical: &str) {
        assert_eq!(Json::parse(text).unwrap().as_str(), canonical);
    }

    #[rstest]
    #[case("")]
    #[case("{")]
    #[case("[1,]")]
    #[case("{\"a\" 1}")]
    #[case("\"a")]
    #[case("\"\\u12\"")]
    #[case("\"\\u+123\"")]
    #[case("\"a\u{1}\"")]
    #[case("1.")]
    #[case("-0. ")]
    #[case("[.5]")]
    #[case("-.5")]
    #[case("1.e5")]
    #[case("\"\\x\"")]
    #[case("1 2")]
    #[case("-")]
    #[case("01")]
    #[case("-00.5")]
    #[case("nul")]
    fn what_is_not_json_is_refused_with_its_place(#[case] text: &str) {
        assert!(Json::parse(text).unwrap_err().starts_with("byte "));
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(Json::parse(&deep(1_000)).is_ok());
        assert!(Json::parse(&deep(1_001)).is_err());
    }

    #[rstest]
    #[case("1", Class::Plain)]
    #[case("9007199254740992", Class::Plain)]
    #[case("-9007199254740993", Class::BigInteger)]
    #[case("-9007199254740992", Class::Plain)]
    #[case("[-9223372036854775808]", Class::BigInteger)]
    #[case("9223372036854775808", Class::HugeInteger)]
    #[case("[-9223372036854775809,1]", Class::HugeInteger)]
    #[case("1e-5", Class::Float)]
    #[case("1.5", Class::Float)]
    #[case("NaN", Class::NonFinite)]
    #[case(r#""NaN 1""#, Class::Plain)]
    #[case(r#""a:b""#, Class::Text)]
    #[case(r#""\ud83d\ude00""#, Class::NonBmp)]
    #[case(r#""\ude00\ud83d""#, Class::LoneSurrogate)]
    #[case(r#""\ud83d""#, Class::LoneSurrogate)]
    #[case(r#""\\ud83d""#, Class::Text)]
    fn the_class_names_what_is_awkward(#[case] text: &str, #[case] class: Class) {
        assert_eq!(Json::parse(text).unwrap().class(), class);
    }

    // What JavaScript's `JSON.stringify(JSON.parse(left))` gives is the same number as `right` here.
    #[rstest]
    #[case("[1,1.0,-0.0,0]", "[1,1,0,0]")]
    #[case("{\"1.0\":1e+16}", "{\"1.0\":10000000000000000}")]
    #[case("1.2345678901234568e+20", "123456789012345680000")]
    #[case("1e+21", "1e+21")]
    #[case("[0.1,5e-324]", "[0.1,5e-324]")]
    fn numbers_that_are_one_double_are_one(#[case] text: &str, #[case] same: &str) {
        let double = |text: &str| Json::parse(text).unwrap().as_doubles();
        assert_eq!(double(text), double(same));
        assert_ne!(double("9007199254740993"), double("9007199254740992"));
    }

    #[test]
    fn pushing_extends_lists_only() {
        let one = Json::parse("1").unwrap();
        assert_eq!(Json::parse("[]").unwrap().pushed(&one).unwrap().as_str(), "[1]");
        assert_eq!(Json::parse("[2]").unwrap().pushed(&one).unwrap().as_str(), "[2,1]");
        assert_eq!(Json::parse("{}").unwrap().pushed(&one), None);
    }

    #[test]
    fn an_object_of_many_names_is_read_in_a_moment() {
        // Looked through one by one, the names would take minutes.
        let names: Vec<String> = (0..200_000).map(|n| format!("\"n{n}\":{n}")).collect();
        let text = format!("{{{},\"n7\":0}}", names.join(","));
        let entries = Json::parse(&text).unwrap().entries().unwrap();
        assert_eq!(entries.len(), 200_000);
        assert_eq!((entries[7].0.as_text().as_deref(), entries[7].1.as_str()), (Some("n7"), "0"));
    }

    #[test]
    fn a_name_may_hold_half_a_surrogate_pair() {
        let json = Json::parse(r#"{"\ud800":1,"a":2}"#).unwrap();
        let entries = json.entries().unwrap();
        assert_eq!((entries[0].0.as_str(), entries[0].0.as_text()), (r#""\ud800""#, None));
        assert_eq!(Object::from(entries).to_json(), json);
    }

    #[test]
    fn sorting_reaches_nested_objects() {
        let json = Json::parse(r#"{"b":[{"d":1,"c":2}],"a":3}"#).unwrap();
        assert_eq!(json.sorted().as_str(), r#"{"a":3,"b":[{"c":2,"d":1}]}"#);
    }
}
