//! Parsed JSON that loses nothing, in the short moment between two texts: what reads it, and what writes it in
//! the canonical form.

use std::collections::HashMap;

use super::Json;
use super::class::is_number_byte;

/// Lists and objects nested deeper than this are refused: everything from outside has a limit.
const MAX_DEPTH: usize = 1_000;

/// Up to so many names are looked through one by one.
const FEW: usize = 16;

/// Parsed JSON. Numbers, texts and names are kept in their canonical form, so that two are equal where their forms are.
pub(super) enum Node {
    /// `null`, `true`, `false`, or a number.
    Atom(String),
    /// In its quotes.
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        let node = parser.value()?;
        parser.space();
        if parser.at == text.len() { Ok(node) } else { Err(parser.fault("something follows the value")) }
    }

    pub(super) fn into_json(self) -> Json {
        Json::from_canonical(match self {
            Self::Atom(text) | Self::Text(text) => text,
            Self::List(_) | Self::Object(_) => {
                let mut text = String::new();
                self.write(&mut text);
                text
            }
        })
    }

    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Atom(text) | Self::Text(text) => out.push_str(text),
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
                    out.push_str(name);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    pub(super) fn as_doubles(&mut self) {
        match self {
            Self::Atom(text) => {
                // What is written in the digits of an integer may be one that no double is.
                let same = |double: &f64| text.contains(['.', 'e']) || double.to_string() == *text;
                if let Some(double) =
                    text.parse::<f64>().ok().filter(|double| double.is_finite()).filter(same)
                {
                    *text = float_text(double + 0.0);
                }
            }
            Self::List(elements) => elements.iter_mut().for_each(Self::as_doubles),
            Self::Object(entries) => entries.iter_mut().for_each(|(_, value)| value.as_doubles()),
            Self::Text(_) => {}
        }
    }

    pub(super) fn sort(&mut self) {
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
        let mut entries: Vec<(String, Node)> = Vec::new();
        // The last of several values of a name counts, in the place of the first. Where each stands, once there
        // are many:
        let mut places: HashMap<String, usize> = HashMap::new();
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
            let place = if entries.len() < FEW {
                entries.iter().position(|entry| entry.0 == name)
            } else {
                if places.is_empty() {
                    places.extend(entries.iter().enumerate().map(|(place, entry)| (entry.0.clone(), place)));
                }
                places.get(&name).copied()
            };
            if let Some(place) = place {
                entries[place].1 = value;
            } else {
                if !places.is_empty() {
                    places.insert(name.clone(), entries.len());
                }
                entries.push((name, value));
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
                // The library would take a point without digits before or after it, too.
                Ok(_) if !has_digits(integer) => return Err(self.fault("a point stands between digits")),
                Ok(float) if float.is_finite() => float_text(float),
                Ok(_) => text.to_owned(),
                Err(_) => return Err(self.fault("not a number")),
            }
        };
        self.at += length;
        Ok(Node::Atom(canonical))
    }

    fn string(&mut self) -> Result<String, String> {
        if self.rest().first() != Some(&b'"') {
            return Err(self.fault("expected text in quotes"));
        }
        self.at += 1;
        let mut canonical = String::from('"');
        loop {
            let from = self.at;
            // Long texts are mostly plain characters.
            self.at += length_of(self.rest(), is_plain);
            canonical.push_str(&self.text[from..self.at]);
            match self.rest().first() {
                None => return Err(self.fault("text without its closing quote")),
                Some(b'"') => {
                    self.at += 1;
                    canonical.push('"');
                    return Ok(canonical);
                }
                Some(b'\\') => push_unit(self.escape()?, &mut canonical),
                Some(0..b' ') => return Err(self.fault("a control character in text must be escaped")),
                Some(_) => {
                    let from = self.at;
                    self.at += length_of(self.rest(), |byte| byte > 0x7e);
                    push(&self.text[from..self.at], &mut canonical);
                }
            }
        }
    }

    fn escape(&mut self) -> Result<u16, String> {
        let unit = match self.rest().get(1) {
            Some(b'u') => {
                let digits = self.text.get(self.at + 2..self.at + 6);
                // The library would take a sign, too.
                let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
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

/// The canonical text of these characters, in its quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut canonical = String::with_capacity(text.len() + 2);
    canonical.push('"');
    push(text, &mut canonical);
    canonical.push('"');
    canonical
}

/// The characters of a canonical text, or `None` if they are not whole.
pub(super) fn characters(canonical: &str) -> Option<String> {
    let inner = canonical.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(inner.to_owned());
    }
    let mut parser = Parser { text: inner, at: 0, depth: 0 };
    let mut units = Vec::with_capacity(inner.len());
    while let Some(character) = inner.get(parser.at..)?.chars().next() {
        if character == '\\' {
            units.push(parser.escape().ok()?);
        } else {
            units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
            parser.at += character.len_utf8();
        }
    }
    String::from_utf16(&units).ok()
}

/// Adds characters to a canonical text.
fn push(text: &str, out: &mut String) {
    if length_of(text.as_bytes(), is_plain) == text.len() {
        out.push_str(text);
    } else {
        text.encode_utf16().for_each(|unit| push_unit(unit, out));
    }
}

/// Whether a byte of a text stands for itself in the canonical form.
fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\'
}

/// How many bytes at the start satisfy `like`.
fn length_of(bytes: &[u8], like: impl Fn(u8) -> bool) -> usize {
    let mut length = 0;
    while length < bytes.len() && like(bytes[length]) {
        length += 1;
    }
    length
}

/// Adds one UTF-16 code unit, which may be half of a character.
fn push_unit(unit: u16, out: &mut String) {
    use std::fmt::Write;
    match unit {
        0x22 => out.push_str("\\\""),
        0x5c => out.push_str("\\\\"),
        0x0a => out.push_str("\\n"),
        0x0d => out.push_str("\\r"),
        0x09 => out.push_str("\\t"),
        0x08 => out.push_str("\\b"),
        0x0c => out.push_str("\\f"),
        0x20..=0x7e => out.push(char::from(unit.to_be_bytes()[1])),
        _ => {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
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

/// Whether digits stand before the point or exponent of a number without a sign, and after the point.
fn has_digits(number: &str) -> bool {
    let begins = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    begins(number) && number.split_once('.').is_none_or(|(_, after)| begins(after))
}
