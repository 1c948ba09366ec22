//! JSON as Python writes and reads it, for session data.
//!
//! A session that Django wrote must come back to Django as it was, so nothing here turns a text into values
//! unless somebody asks for one. A text is checked once, and then read where it stands.
//!
//! - `mod.rs`: [`Json`], one checked text, and its errors
//! - `scan.rs`: the check, in one pass, without recursion
//! - `token.rs`: a checked text token by token, without recursion; what reads is built on it
//! - `string.rs`: strings, escaped and unescaped
//! - `number.rs`: how Python writes a float
//! - `read.rs`: a text into any type of the application's (`serde::Deserializer`)
//! - `value.rs`: a text into a [`Value`], and into any `serde::Serializer`, such as a template engine's
//! - `write.rs`: any type of the application's into a text (`serde::Serializer`)
//!
//! The parser and the writer of `serde_json` are not used. Both take objects with certain private names for
//! something else when a feature is switched on anywhere in the program, and a session from outside could hold such
//! an object; the parser knows neither NaN nor integers beyond 64 bits, and the writer turns NaN into null.

mod number;
mod read;
mod scan;
mod string;
mod token;
mod value;
mod write;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use read::from_text as read;
pub(crate) use scan::{Scanner, escaped};
pub use string::JsonString;
pub(crate) use string::canonical;
pub use token::{Token, Tokens};

/// The deepest nesting that is read and written. Python 3.11 reads about 990 levels, later versions more.
pub const MAX_DEPTH: usize = 1_000;

/// Why a text is no JSON, or a value cannot be read from one or written as one.
///
/// No message shows what a text holds: it may be nothing for a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// This is not JSON, or not an object where one is needed.
    #[error("not JSON at byte {offset}: {what}")]
    Malformed {
        /// Where, in bytes from the start.
        offset: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// Lists or objects are nested more than [`MAX_DEPTH`] deep.
    #[error("lists or objects are nested more than {MAX_DEPTH} deep")]
    TooDeep {
        /// Where, in bytes from the start; 0 while writing.
        offset: usize,
    },
    /// The value and the type that it was to be read into, or written from, do not fit.
    #[error("{0}")]
    Mismatch(String),
    /// Something is wrong with one entry of a dictionary.
    #[error("the entry {name:?}: {source}")]
    Entry {
        /// Its name.
        name: String,
        /// What is wrong with it.
        source: Box<JsonError>,
    },
}

/// One JSON text, checked: a value as Python's `json` understands it, NaN and infinities, integers of any size and
/// lone surrogates included. It is ASCII; other characters are escaped, as Python does.
///
/// Two texts are equal if they are the same to the letter. `Debug` shows only the length.
///
/// Serialising it gives the value to any format or template engine. Numbers are then those of that format; what no
/// format has (an integer of more than 128 bits, NaN, a number beyond floating point) is given as text, and half a
/// surrogate pair as U+FFFD.
///
/// ```
/// use session_core::json::Json;
///
/// let json = Json::parse("[1.50, 123456789012345678901234567890]")?;
/// assert_eq!(json.as_str(), "[1.50, 123456789012345678901234567890]");
/// assert_eq!(json.read::<(f64, i128)>()?, (1.5, 123456789012345678901234567890));
/// # Ok::<(), session_core::json::JsonError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Box<str>);

impl Json {
    /// Checks a text.
    ///
    /// # Errors
    /// [`JsonError::Malformed`], [`JsonError::TooDeep`].
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let text = escaped(text.as_bytes())?;
        let mut scanner = Scanner::new(&text);
        scanner.space();
        let start = scanner.at();
        scanner.value(0)?;
        let end = scanner.at();
        scanner.end()?;
        Ok(Self(text[start..end].into()))
    }

    /// Writes a value of any type, as Python's `json.dumps(value, separators=(",", ":"))` would. NaN and the
    /// infinities are written as Python writes them.
    ///
    /// # Errors
    /// [`JsonError::TooDeep`]; [`JsonError::Mismatch`] if the value has no form in JSON, such as a dictionary whose
    /// names are lists.
    pub fn write(value: &(impl Serialize + ?Sized)) -> Result<Self, JsonError> {
        Ok(Self(write::to_text(value)?.into()))
    }

    /// The JSON of a string that is given in UTF-8, in which halves of surrogate pairs may be encoded like
    /// characters (WTF-8, Python's `surrogatepass`); `None` if it is anything else.
    pub fn from_wtf8(bytes: &[u8]) -> Option<Self> {
        let mut out = String::with_capacity(bytes.len() + 2);
        out.push('"');
        string::push_wtf8(bytes, &mut out)?;
        out.push('"');
        Some(Self(out.into()))
    }

    /// A text that was checked already.
    pub(crate) fn trusted(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    pub(crate) fn into_text(self) -> Box<str> {
        self.0
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value as a type of the application's. NaN and the infinities are read into `f32` and `f64`, integers up
    /// to 128 bits into the types that hold them.
    ///
    /// # Errors
    /// [`JsonError::Mismatch`] if that type cannot hold the value as it is. So does nesting beyond 128 levels, the
    /// limit of `serde_json`; [`to_value`](Self::to_value) has it not.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        read::from_text(&self.0)
    }

    /// The value as a [`Value`].
    ///
    /// # Errors
    /// [`JsonError::Mismatch`] if a `Value` cannot hold it as it is: an integer beyond 64 bits, NaN, an infinity, a
    /// number beyond floating point, half a surrogate pair.
    pub fn to_value(&self) -> Result<Value, JsonError> {
        value::to_value(&self.0)
    }

    /// The value token by token, for a program that translates it into another format.
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens::new(&self.0)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.0.len())
    }
}

impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        value::serialize(&self.0, serializer)
    }
}
