//! JSON as Python writes and reads it, for session dictionaries.
//!
//! A session that Django wrote must be read without loss or refused by name; so this is not a general
//! parser. It keeps integers of any size and the text of every number, takes a repeated name as Python
//! does (the last value, in the first place), bounds the depth, and names the entry where a value is one
//! that Rust cannot hold: NaN, an infinity, or half a surrogate pair. It writes exactly what Python's
//! `json.dumps(data, separators=(",", ":"))` writes.
//!
//! The parser of `serde_json` is not used, because it takes an object whose first name is its private number
//! marker for a number, which a session from outside could contain.

use std::fmt;

use serde_json::{Map, Number, Value};

/// The deepest nesting that is read: Python 3.11's reader goes to about 990 levels.
pub const MAX_DEPTH: usize = 1_000;

/// Why JSON was not read.
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
    /// This is JSON as Python understands it, but not a value that can be held here.
    #[error("the entry {path} holds {what}, which cannot be kept")]
    Unrepresentable {
        /// The entry, as in `cart[3].price`.
        path: String,
        /// What it holds.
        what: &'static str,
    },
}

/// Reads a dictionary.
///
/// # Errors
/// [`JsonError`], which names the byte or the entry.
pub fn parse(text: &[u8]) -> Result<Map<String, Value>, JsonError> {
    match Parser::new(text).document()? {
        Value::Object(map) => Ok(map),
        _ => Err(JsonError::Malformed { offset: 0, what: "the text is JSON, but not an object" }),
    }
}

/// Reads a value of any type.
///
/// # Errors
/// [`JsonError`], which names the byte or the entry.
pub fn parse_value(text: &[u8]) -> Result<Value, JsonError> {
    Parser::new(text).document()
}

/// Writes a dictionary.
pub fn write(map: &Map<String, Value>) -> String {
    let mut out = String::with_capacity(64 + map.len() * 32);
    write_object(map, &mut out);
    out
}

/// Writes a value of any type.
pub fn write_value(value: &Value) -> String {
    let mut out = String::new();
    write_any(value, &mut out);
    out
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    /// Where in the value the parser is, for naming an entry.
    path: Vec<Step>,
}

/// One step into a value.
#[derive(Clone)]
enum Step {
    Name(String),
    Index(usize),
}

/// A list or object whose end has not been reached.
enum Open {
    List(Vec<Value>),
    Object(Map<String, Value>),
}

impl<'a> Parser<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, path: Vec::new() }
    }

    fn malformed<T>(&self, what: &'static str) -> Result<T, JsonError> {
        Err(JsonError::Malformed { offset: self.at, what })
    }

    fn unrepresentable<T>(&self, what: &'static str) -> Result<T, JsonError> {
        use fmt::Write;
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Name(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Step::Index(index) => {
                    // Writing to a String cannot fail.
                    let _ = write!(path, "[{index}]");
                }
            }
        }
        if path.is_empty() {
            path.push_str("(the value itself)");
        }
        Err(JsonError::Unrepresentable { path, what })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Reads the whole text. The containers that are open are kept on a stack of our own, so that depth
    /// costs memory and not the thread's stack.
    fn document(mut self) -> Result<Value, JsonError> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.space();
            let mut value = match self.peek() {
                Some(b'[') => {
                    self.at += 1;
                    self.space();
                    if self.peek() == Some(b']') {
                        self.at += 1;
                        Value::Array(Vec::new())
                    } else {
                        self.deeper(&open)?;
                        open.push(Open::List(Vec::new()));
                        self.path.push(Step::Index(0));
                        continue;
                    }
                }
                Some(b'{') => {
                    self.at += 1;
                    self.space();
                    if self.peek() == Some(b'}') {
                        self.at += 1;
                        Value::Object(Map::new())
                    } else {
                        self.deeper(&open)?;
                        open.push(Open::Object(Map::new()));
                        self.path.push(Step::Name(String::new()));
                        self.name()?;
                        continue;
                    }
                }
                _ => self.scalar()?,
            };
            // The value is whole: put it where it belongs, and close what it closes.
            loop {
                self.space();
                let Some(container) = open.last_mut() else {
                    return if self.at == self.text.len() {
                        Ok(value)
                    } else {
                        self.malformed("something follows the value")
                    };
                };
                let next = self.text.get(self.at).copied();
                match container {
                    Open::List(elements) => {
                        elements.push(value);
                        if let Some(Step::Index(index)) = self.path.last_mut() {
                            *index += 1;
                        }
                        match next {
                            Some(b',') => {
                                self.at += 1;
                                break;
                            }
                            Some(b']') => value = Value::Array(std::mem::take(elements)),
                            _ => return self.malformed("expected `,` or `]`"),
                        }
                    }
                    Open::Object(map) => {
                        if let Some(Step::Name(name)) = self.path.last_mut() {
                            map.insert(std::mem::take(name), value);
                        }
                        match next {
                            Some(b',') => {
                                self.at += 1;
                                self.space();
                                self.name()?;
                                break;
                            }
                            Some(b'}') => value = Value::Object(std::mem::take(map)),
                            _ => return self.malformed("expected `,` or `}`"),
                        }
                    }
                }
                self.at += 1;
                open.pop();
                self.path.pop();
            }
        }
    }

    fn deeper(&self, open: &[Open]) -> Result<(), JsonError> {
        if open.len() == MAX_DEPTH {
            self.unrepresentable("lists or objects nested too deep")
        } else {
            Ok(())
        }
    }

    /// Reads a name and its colon, and makes it the last step of the path.
    fn name(&mut self) -> Result<(), JsonError> {
        if self.peek() != Some(b'"') {
            return self.malformed("expected a name in quotes");
        }
        let name = self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return self.malformed("expected `:`");
        }
        self.at += 1;
        if let Some(step) = self.path.last_mut() {
            *step = Step::Name(name);
        }
        Ok(())
    }

    fn scalar(&mut self) -> Result<Value, JsonError> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') if !self.text[self.at..].starts_with(b"-I") => self.number(),
            Some(_) => self.word(),
            None => self.malformed("the text ends where a value should be"),
        }
    }

    fn word(&mut self) -> Result<Value, JsonError> {
        let rest = &self.text[self.at..];
        for (word, value) in
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
        {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        if rest.starts_with(b"NaN") {
            return self.unrepresentable("NaN");
        }
        if rest.starts_with(b"Infinity") || rest.starts_with(b"-Infinity") {
            return self.unrepresentable("an infinity");
        }
        self.malformed("no JSON value starts here")
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits();
        if digits == 0 || (leading_zero && digits > 1) {
            return self.malformed("not a number");
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return self.malformed("a digit must follow the point");
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return self.malformed("a digit must follow the exponent's mark");
            }
        }
        // The bytes were just seen to be ASCII. An integer has no negative zero.
        let text = match &self.text[start..self.at] {
            b"-0" => "0".into(),
            text => String::from_utf8_lossy(text),
        };
        Ok(Value::Number(Number::from_string_unchecked(text.into_owned())))
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let start = self.at;
        // Most text has no escape in it and is taken as it stands.
        while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
            self.at += 1;
        }
        let mut out = self.plain(start)?.to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    let c = self.escape()?;
                    out.push(c);
                }
                Some(0..=0x1f) => return self.malformed("a control character in a text must be escaped"),
                Some(_) => {
                    let start = self.at;
                    while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                        self.at += 1;
                    }
                    out.push_str(self.plain(start)?);
                }
                None => return self.malformed("a text without its closing quote"),
            }
        }
    }

    fn plain(&self, start: usize) -> Result<&'a str, JsonError> {
        std::str::from_utf8(&self.text[start..self.at])
            .map_err(|e| JsonError::Malformed { offset: start + e.valid_up_to(), what: "not UTF-8" })
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let kind = self.text.get(self.at + 1).copied();
        self.at += 2;
        Ok(match kind {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return self.malformed("not an escape"),
        })
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let first = self.hex()?;
        if let Some(c) = char::from_u32(first) {
            return Ok(c);
        }
        // A surrogate: half of a pair, which the next escape must complete.
        if first < 0xdc00 && self.text[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                let combined = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                if let Some(c) = char::from_u32(combined) {
                    return Ok(c);
                }
            }
        }
        self.unrepresentable("a lone surrogate")
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let value =
            digits.and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| u32::from_str_radix(d, 16).ok());
        match value {
            Some(value) => {
                self.at += 4;
                Ok(value)
            }
            None => self.malformed("four hexadecimal digits must follow `\\u`"),
        }
    }
}

// Writing recurses: a value in memory was parsed within MAX_DEPTH or built by the program itself, whose
// own recursion (dropping, cloning) has the same depth.
fn write_any(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_any(element, out);
            }
            out.push(']');
        }
        Value::Object(map) => write_object(map, out),
    }
}

fn write_object(map: &Map<String, Value>, out: &mut String) {
    out.push('{');
    for (index, (name, value)) in map.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        write_any(value, out);
    }
    out.push('}');
}

/// Integers as they stand; other numbers as Python's `repr` has them.
fn write_number(number: &Number, out: &mut String) {
    let text = number.as_str();
    if !text.contains(['.', 'e', 'E']) {
        out.push_str(text);
        return;
    }
    match text.parse::<f64>() {
        Ok(float) if float.is_finite() => write_float(float, out),
        // A number beyond the range of floating point keeps its text.
        _ => out.push_str(text),
    }
}

/// The shortest digits that give the number back, even where two are equally near; an exponent below 1e-4
/// and from 1e16 on.
fn write_float(float: f64, out: &mut String) {
    use fmt::Write;
    if float == 0.0 || (1e-4..1e16).contains(&float.abs()) {
        let shortest = format!("{float:?}");
        let decimals = decimals(&shortest);
        out.push_str(&even(float, shortest, format!("{float:.decimals$}")));
        return;
    }
    let shortest = format!("{float:e}");
    let decimals = decimals(&shortest);
    let scientific = even(float, shortest, format!("{float:.decimals$e}"));
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    // Writing to a String cannot fail.
    let _ = write!(out, "{mantissa}e{sign}{digits:0>2}");
}

/// How many digits follow the point.
fn decimals(number: &str) -> usize {
    number.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count())
}

/// Of two texts with as many digits the one that Python gives. The standard library's shortest text goes
/// up where two are equally near, and its rounded one to even; that may miss next to a power of two.
fn even(float: f64, shortest: String, rounded: String) -> String {
    if rounded.parse() == Ok(float) { rounded } else { shortest }
}

fn write_text(text: &str, out: &mut String) {
    use fmt::Write;
    out.push('"');
    let mut plain = 0;
    for (index, c) in text.char_indices() {
        if matches!(c, ' '..='~') && c != '"' && c != '\\' {
            continue;
        }
        out.push_str(&text[plain..index]);
        plain = index + c.len_utf8();
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    // The right-hand sides are what Python 3.11 gives for
    // `json.dumps(json.loads(left), separators=(",", ":"))`.
    #[rstest]
    #[case(r#" { "a" : [ 1 , null , true , { } , [ ] ] } "#, r#"{"a":[1,null,true,{},[]]}"#)]
    #[case(r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#)]
    #[case(r#"{"t":"é😀\/\u00E9\u0007"}"#, r#"{"t":"\u00e9\ud83d\ude00/\u00e9\u0007"}"#)]
    #[case(r#"{"n":1000000000000000000000000000000}"#, r#"{"n":1000000000000000000000000000000}"#)]
    #[case(
        r#"{"n":[1e16,1E5,0.00001,0.0001,-0.0,5e-324,1.5]}"#,
        r#"{"n":[1e+16,100000.0,1e-05,0.0001,-0.0,5e-324,1.5]}"#
    )]
    #[case(r#"{"$serde_json::private::Number":"12"}"#, r#"{"$serde_json::private::Number":"12"}"#)]
    #[case("{\"d\":\"\u{7f}\"}", "{\"d\":\"\\u007f\"}")]
    fn what_python_wrote_is_written_as_python_writes_it(#[case] text: &str, #[case] written: &str) {
        assert_eq!(write(&parse(text.as_bytes()).unwrap()), written);
    }

    #[rstest]
    #[case(r#"{"a":NaN}"#, "a", "NaN")]
    #[case(r#"{"cart":[{},{"price":[0,-Infinity]}]}"#, "cart[1].price[1]", "an infinity")]
    #[case(r#"{"b":1,"a":"x\ud800y"}"#, "a", "a lone surrogate")]
    #[case(r#"{"a":"\ude00\ud83d"}"#, "a", "a lone surrogate")]
    fn what_cannot_be_held_is_refused_by_name(
        #[case] text: &str,
        #[case] entry: &str,
        #[case] held: &'static str,
    ) {
        let error = parse(text.as_bytes()).unwrap_err();
        assert_eq!(error, JsonError::Unrepresentable { path: entry.into(), what: held });
    }

    #[rstest]
    #[case("")]
    #[case("[1]")]
    #[case("{")]
    #[case("{\"a\":1,}")]
    #[case("{\"a\":01}")]
    #[case("{\"a\":1.}")]
    #[case("{\"a\":\"\n\"}")]
    #[case("{\"a\":\"\\x\"}")]
    #[case("{\"a\":1}x")]
    #[case("{\"a\":-}")]
    fn what_is_not_a_dictionary_is_malformed(#[case] text: &str) {
        assert!(matches!(parse(text.as_bytes()), Err(JsonError::Malformed { .. })));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_malformed() {
        assert!(matches!(parse(b"{\"a\":\"\xff\"}"), Err(JsonError::Malformed { offset: 6, .. })));
    }

    #[test]
    fn nesting_is_read_to_its_bound_and_refused_beyond() {
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        let deep = nested(MAX_DEPTH);
        assert_eq!(write(&parse(deep.as_bytes()).unwrap()), deep);
        let error = parse(nested(1_000_000).as_bytes()).unwrap_err();
        assert!(matches!(error, JsonError::Unrepresentable { .. }));
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
            let text = write_value(&value);
            prop_assert!(text.is_ascii());
            let again = parse_value(text.as_bytes()).unwrap();
            prop_assert_eq!(write_value(&again), text);
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
