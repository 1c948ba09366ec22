//! JSON values as the suite sees them: opaque canonical text. The model never looks inside a value, and
//! text holds what no parsed form in Rust does: integers of any size, NaN, and lone surrogates.
//!
//! The canonical form is what Python's `json.dumps(value, separators=(",", ":"))` writes. This module
//! shares no code with `session-core`, which it helps to check.

use std::fmt;
use std::sync::Arc;

/// Lists and objects nested deeper than this are refused: everything from outside has a limit.
const MAX_DEPTH: usize = 1_000;

/// A JSON value in canonical text, with the property that makes it awkward to keep.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json {
    text: Arc<str>,
    class: Class,
}

/// What about a value makes stores lose it. A value with several such properties has the first of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Half of a pair of UTF-16 code units.
    LoneSurrogate,
    /// NaN or an infinity.
    NonFinite,
    /// Nested more than 100 deep.
    Deep,
    /// More than 60,000 bytes.
    Large,
    /// An integer beyond 2^53, up to which floating-point readers are exact.
    BigInteger,
    /// A character beyond the basic plane.
    NonBmp,
    /// A number with a fraction or an exponent.
    Float,
    /// Text with control characters, quotes, delimiters, or characters beyond ASCII.
    Text,
    /// None of these.
    Plain,
}

impl fmt::Display for Class {
    /// What it is called in a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoneSurrogate => "half a surrogate pair",
            Self::NonFinite => "NaN and the infinities",
            Self::Deep => "deep nesting",
            Self::Large => "large values",
            Self::BigInteger => "integers beyond 2^53",
            Self::NonBmp => "characters beyond the basic plane",
            Self::Float => "numbers with a fraction",
            Self::Text => "text with special characters",
            Self::Plain => "plain values",
        })
    }
}

impl Json {
    /// Reads any JSON text, in any spacing and spelling, Python's extensions included.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and at which byte.
    pub fn parse(text: &str) -> Result<Self, String> {
        let node = Node::parse(text)?;
        let mut canonical = String::with_capacity(text.len());
        node.write(&mut canonical);
        Ok(Self::from_canonical(canonical))
    }

    /// Takes text that is canonical already.
    pub fn from_canonical(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let class = classify(&text);
        Self { text, class }
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What makes the value awkward to keep.
    pub fn class(&self) -> Class {
        self.class
    }

    /// A JSON text value.
    pub fn text(text: &str) -> Self {
        let mut canonical = String::with_capacity(text.len() + 2);
        write_text(text.encode_utf16(), &mut canonical);
        Self::from_canonical(canonical)
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
        // Canonical text always parses; a value that does not is left as it is and will compare unequal.
        let Ok(mut node) = Node::parse(&self.text) else { return self.clone() };
        node.sort();
        let mut text = String::with_capacity(self.text.len());
        node.write(&mut text);
        Self { text: text.into(), class: self.class }
    }

    /// The entries of an object, or `None` if this is not one.
    pub fn entries(&self) -> Option<Vec<(String, Json)>> {
        let Ok(Node::Object(entries)) = Node::parse(&self.text) else { return None };
        entries
            .into_iter()
            .map(|(name, node)| Some((String::from_utf16(&name).ok()?, node.into_json())))
            .collect()
    }

    /// The elements of a list, or `None` if this is not one.
    pub fn elements(&self) -> Option<Vec<Json>> {
        let Ok(Node::List(elements)) = Node::parse(&self.text) else { return None };
        Some(elements.into_iter().map(Node::into_json).collect())
    }

    /// The characters of a text value, or `None` if this is not text or not whole characters.
    pub fn as_text(&self) -> Option<String> {
        let Ok(Node::Text(units)) = Node::parse(&self.text) else { return None };
        String::from_utf16(&units).ok()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An object in canonical text, from its entries.
pub fn object<'a>(entries: impl Iterator<Item = (&'a str, &'a Json)>) -> String {
    let mut out = String::from("{");
    for (name, value) in entries {
        if out.len() > 1 {
            out.push(',');
        }
        write_text(name.encode_utf16(), &mut out);
        out.push(':');
        out.push_str(value.as_str());
    }
    out.push('}');
    out
}

fn classify(text: &str) -> Class {
    let bytes = text.as_bytes();
    let mut class = if bytes.len() > 60_000 { Class::Large } else { Class::Plain };
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'"' => {
                let end = end_of_text(bytes, i);
                class = class.min(classify_text(&bytes[i + 1..end]));
                i = end;
            }
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'N' | b'I' => class = class.min(Class::NonFinite),
            b'0'..=b'9' => {
                let end = bytes[i..].iter().position(|b| !is_number_byte(*b)).map_or(bytes.len(), |n| i + n);
                class = class.min(classify_number(&text[i..end]));
                i = end - 1;
            }
            _ => {}
        }
        i += 1;
    }
    if deepest > 100 { class.min(Class::Deep) } else { class }
}

fn is_number_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')
}

/// The index of the quote that ends the text which starts at `start`.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut i = start + 1;
    while i < bytes.len() && bytes[i] != b'"' {
        i += if bytes[i] == b'\\' { 2 } else { 1 };
    }
    i.min(bytes.len())
}

fn classify_text(body: &[u8]) -> Class {
    let mut class = Class::Plain;
    let mut i = 0;
    while i < body.len() {
        if body[i] != b'\\' {
            if !body[i].is_ascii_alphanumeric() && body[i] != b' ' {
                class = class.min(Class::Text);
            }
            i += 1;
            continue;
        }
        class = class.min(Class::Text);
        match surrogate(&body[i..]) {
            Some(Half::High) if matches!(surrogate(&body[i + 6..]), Some(Half::Low)) => {
                class = class.min(Class::NonBmp);
                i += 12;
            }
            Some(_) => return Class::LoneSurrogate,
            None => i += if body.get(i + 1) == Some(&b'u') { 6 } else { 2 },
        }
    }
    class
}

enum Half {
    High,
    Low,
}

/// Which half of a surrogate pair the escape at the start of `body` is, if it is one.
fn surrogate(body: &[u8]) -> Option<Half> {
    match body {
        [b'\\', b'u', b'd', b'8' | b'9' | b'a' | b'b', ..] => Some(Half::High),
        [b'\\', b'u', b'd', b'c'..=b'f', ..] => Some(Half::Low),
        _ => None,
    }
}

fn classify_number(text: &str) -> Class {
    const EXACT: u64 = 1 << 53;
    if text.contains(['.', 'e', 'E']) {
        Class::Float
    } else if text.parse::<u64>().is_ok_and(|n| n <= EXACT) {
        Class::Plain
    } else {
        Class::BigInteger
    }
}

/// Parsed JSON that loses nothing: numbers as text, text as UTF-16 code units.
enum Node {
    /// `null`, `true`, `false`, or a number.
    Atom(String),
    Text(Vec<u16>),
    List(Vec<Node>),
    Object(Vec<(Vec<u16>, Node)>),
}

impl Node {
    fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        let node = parser.value()?;
        parser.space();
        if parser.at == text.len() { Ok(node) } else { Err(parser.fault("something follows the value")) }
    }

    fn into_json(self) -> Json {
        let mut text = String::new();
        self.write(&mut text);
        Json::from_canonical(text)
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Atom(text) => out.push_str(text),
            Self::Text(units) => write_text(units.iter().copied(), out),
            Self::List(elements) => {
                out.push('[');
                for (i, element) in elements.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    element.write(out);
                }
                out.push(']');
            }
            Self::Object(entries) => {
                out.push('{');
                for (i, (name, value)) in entries.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_text(name.iter().copied(), out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    fn sort(&mut self) {
        match self {
            Self::List(elements) => elements.iter_mut().for_each(Self::sort),
            Self::Object(entries) => {
                for (_, value) in &mut *entries {
                    value.sort();
                }
                entries.sort_by(|a, b| a.0.cmp(&b.0));
            }
            Self::Atom(_) | Self::Text(_) => {}
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn fault(&self, what: &str) -> String {
        format!("byte {}: {what}", self.at)
    }

    fn rest(&self) -> &[u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn space(&mut self) {
        let blanks = self.rest().iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.at += blanks;
    }

    fn take(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.rest().first() == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self) -> Result<Node, String> {
        self.space();
        for word in ["null", "true", "false", "NaN", "Infinity", "-Infinity"] {
            if self.rest().starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(Node::Atom(word.into()));
            }
        }
        match self.rest().first() {
            Some(b'"') => Ok(Node::Text(self.string()?)),
            Some(b'[') => self.nested(Self::list),
            Some(b'{') => self.nested(Self::object),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.fault("no JSON value starts here")),
            None => Err(self.fault("the text ends where a value should be")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Node, String>) -> Result<Node, String> {
        if self.depth == MAX_DEPTH {
            return Err(self.fault("nested too deep"));
        }
        self.depth += 1;
        self.at += 1;
        let node = read(self)?;
        self.depth -= 1;
        Ok(node)
    }

    fn list(&mut self) -> Result<Node, String> {
        let mut elements = Vec::new();
        if self.take(b']') {
            return Ok(Node::List(elements));
        }
        loop {
            elements.push(self.value()?);
            if self.take(b']') {
                return Ok(Node::List(elements));
            }
            if !self.take(b',') {
                return Err(self.fault("expected `,` or `]`"));
            }
        }
    }

    fn object(&mut self) -> Result<Node, String> {
        let mut entries: Vec<(Vec<u16>, Node)> = Vec::new();
        if self.take(b'}') {
            return Ok(Node::Object(entries));
        }
        loop {
            self.space();
            let name = self.string()?;
            if !self.take(b':') {
                return Err(self.fault("expected `:`"));
            }
            let value = self.value()?;
            match entries.iter_mut().find(|entry| entry.0 == name) {
                Some(entry) => entry.1 = value,
                None => entries.push((name, value)),
            }
            if self.take(b'}') {
                return Ok(Node::Object(entries));
            }
            if !self.take(b',') {
                return Err(self.fault("expected `,` or `}`"));
            }
        }
    }

    fn number(&mut self) -> Result<Node, String> {
        let length = self.rest().iter().take_while(|b| is_number_byte(**b)).count();
        let text = &self.text[self.at..self.at + length];
        let integer = text.strip_prefix('-').unwrap_or(text);
        if integer.len() > 1 && integer.starts_with('0') && integer.as_bytes()[1].is_ascii_digit() {
            return Err(self.fault("a number does not begin with 0"));
        }
        let canonical = if integer.bytes().all(|b| b.is_ascii_digit()) && !integer.is_empty() {
            if integer == "0" { integer.to_owned() } else { text.to_owned() }
        } else {
            match text.parse::<f64>() {
                Ok(float) if float.is_finite() => float_text(float),
                Ok(_) => text.to_owned(),
                Err(_) => return Err(self.fault("not a number")),
            }
        };
        self.at += length;
        Ok(Node::Atom(canonical))
    }

    fn string(&mut self) -> Result<Vec<u16>, String> {
        if self.rest().first() != Some(&b'"') {
            return Err(self.fault("expected text in quotes"));
        }
        self.at += 1;
        let mut units = Vec::new();
        loop {
            let mut chars = self.text[self.at..].chars();
            match chars.next() {
                None => return Err(self.fault("text without its closing quote")),
                Some('"') => {
                    self.at += 1;
                    return Ok(units);
                }
                Some('\\') => units.push(self.escape()?),
                Some(c) => {
                    units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn escape(&mut self) -> Result<u16, String> {
        let unit = match self.rest().get(1) {
            Some(b'u') => {
                let digits = self.text.get(self.at + 2..self.at + 6);
                let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
                self.at += 4;
                unit
            }
            Some(b'b') => Some(8),
            Some(b'f') => Some(12),
            Some(b'n') => Some(10),
            Some(b'r') => Some(13),
            Some(b't') => Some(9),
            Some(c @ (b'"' | b'\\' | b'/')) => Some(u16::from(*c)),
            _ => None,
        };
        self.at += 2;
        unit.ok_or_else(|| self.fault("not an escape"))
    }
}

fn write_text(units: impl Iterator<Item = u16>, out: &mut String) {
    use fmt::Write;
    out.push('"');
    for unit in units {
        match unit {
            0x22 => out.push_str("\\\""),
            0x5c => out.push_str("\\\\"),
            0x0a => out.push_str("\\n"),
            0x0d => out.push_str("\\r"),
            0x09 => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0c => out.push_str("\\f"),
            0x20..=0x7e => out.extend(char::from_u32(u32::from(unit))),
            _ => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out.push('"');
}

/// A float as Python's `repr` writes it: the shortest digits, even where two are equally near (Rust goes up
/// there); an exponent below 1e-4 and from 1e16.
fn float_text(float: f64) -> String {
    let shortest = format!("{float:e}");
    let (mantissa, _) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let rounded = format!("{float:.*e}", digits - 1);
    let text = if rounded.parse() == Ok(float) { rounded } else { shortest };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |mantissa| ("-", mantissa));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or_default();
    match usize::try_from(exponent) {
        Ok(exponent @ 0..16) => {
            let (whole, rest) = digits.split_at(digits.len().min(exponent + 1));
            let rest = if rest.is_empty() { "0" } else { rest };
            format!("{sign}{whole:0<width$}.{rest}", width = exponent + 1)
        }
        _ if (-4..0).contains(&exponent) => {
            format!("{sign}0.{digits:0>width$}", width = digits.len() + exponent.unsigned_abs() as usize - 1)
        }
        _ => {
            let mark = if exponent < 0 { '-' } else { '+' };
            format!("{sign}{mantissa}e{mark}{:02}", exponent.unsigned_abs())
        }
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

    #[test]
    fn pushing_extends_lists_only() {
        let one = Json::parse("1").unwrap();
        assert_eq!(Json::parse("[]").unwrap().pushed(&one).unwrap().as_str(), "[1]");
        assert_eq!(Json::parse("[2]").unwrap().pushed(&one).unwrap().as_str(), "[2,1]");
        assert_eq!(Json::parse("{}").unwrap().pushed(&one), None);
    }

    #[test]
    fn sorting_reaches_nested_objects() {
        let json = Json::parse(r#"{"b":[{"d":1,"c":2}],"a":3}"#).unwrap();
        assert_eq!(json.sorted().as_str(), r#"{"a":3,"b":[{"c":2,"d":1}]}"#);
    }
}
