//! Python's pickles, as far as session data goes: what Django's cache engines store.
//!
//! Read are the protocols 2 to 5, as data: nothing in a pickle is ever looked up or run. What JSON does not have (a
//! tuple, a set, bytes, a date, any other object, a key that is no text) is refused by the name of its entry. Written
//! is protocol 4, which every Python 3 reads.

use std::borrow::Cow;
use std::fmt::Write;

use num_bigint::BigInt;
use session_core::json::{Json, JsonError, JsonString, MAX_DEPTH, Token};
use session_core::{Entries, SessionKey, StoreError};

/// The most digits of an integer. Python refuses to turn more of them into a number, or a number into more of them,
/// since that takes time in proportion to their square.
const MAX_DIGITS: usize = 4_300;

/// The most bytes in which an integer of so many digits is pickled.
const MAX_INTEGER_BYTES: usize = 1_786;

/// How much longer than JSON a pickle of the same data may be.
const MOST_TIMES_JSON: usize = 8;

/// Why data was not pickled, or a pickle not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PickleError {
    /// This is not a pickle that Python would write, or not of a dictionary.
    #[error("{0}")]
    Malformed(String),
    /// An entry holds what cannot be kept.
    #[error("the entry {entry} holds {what}, which cannot be kept")]
    Strange { entry: String, what: String },
    /// The data is larger than is allowed.
    #[error("the data has more than {limit} bytes as JSON")]
    TooLarge { limit: usize },
    /// What was read is no session data after all.
    #[error(transparent)]
    Json(#[from] JsonError),
}

impl PickleError {
    /// The error of a store whose record this is.
    pub(crate) fn into_store_error(self, key: &SessionKey) -> StoreError {
        match self {
            Self::TooLarge { limit } => StoreError::too_large(key, limit as u64 + 1, limit as u64),
            Self::Malformed(_) | Self::Json(JsonError::Malformed { .. }) => StoreError::corrupt(key, self),
            Self::Strange { .. } | Self::Json(_) => StoreError::unrepresentable(key, self),
        }
    }
}

/// Writes a dictionary whose JSON has at most `limit` bytes.
///
/// # Errors
/// [`PickleError::TooLarge`]; [`PickleError::Strange`], which names the entry, for an integer of too many digits.
pub(crate) fn write(entries: &Entries, limit: usize) -> Result<Vec<u8>, PickleError> {
    let length = entries.to_json().len();
    if length > limit {
        return Err(PickleError::TooLarge { limit });
    }
    let mut out = Vec::with_capacity(length + 16);
    out.extend([0x80, 4, b'}', b'(']);
    let (mut depth, mut entry) = (0_usize, None);
    for token in entries.tokens() {
        match token {
            Token::Name(name) if depth == 0 => entry = Some(name),
            Token::ListStart | Token::ObjectStart => depth += 1,
            Token::ListEnd | Token::ObjectEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        write_token(token, &mut out).map_err(|what| PickleError::Strange {
            entry: entry.map(|name| name.to_str_lossy().into_owned()).unwrap_or_default(),
            what: what.into(),
        })?;
    }
    out.extend(b"u.");
    Ok(out)
}

fn write_token(token: Token<'_>, out: &mut Vec<u8>) -> Result<(), &'static str> {
    match token {
        Token::Null => out.push(b'N'),
        Token::Bool(true) => out.push(0x88),
        Token::Bool(false) => out.push(0x89),
        Token::Integer(digits) => return write_integer(digits, out),
        Token::Float(text) => {
            // Python reads an infinity from what is beyond floating point, too.
            let float = match text {
                "NaN" => f64::NAN,
                "Infinity" => f64::INFINITY,
                "-Infinity" => f64::NEG_INFINITY,
                text => text.parse().map_err(|_| "a number of another form")?,
            };
            out.push(b'G');
            out.extend(float.to_be_bytes());
        }
        Token::String(text) | Token::Name(text) => write_text(text, out),
        Token::ListStart => out.extend(b"]("),
        Token::ListEnd => out.push(b'e'),
        Token::ObjectStart => out.extend(b"}("),
        Token::ObjectEnd => out.push(b'u'),
        _ => return Err("a value of another kind"),
    }
    Ok(())
}

fn write_integer(digits: &str, out: &mut Vec<u8>) -> Result<(), &'static str> {
    if let Ok(small) = digits.parse::<i32>() {
        out.push(b'J');
        out.extend(small.to_le_bytes());
        return Ok(());
    }
    if digits.trim_start_matches('-').len() > MAX_DIGITS {
        return Err("an integer of more than 4,300 digits");
    }
    let integer: BigInt = digits.parse().map_err(|_| "an integer of another form")?;
    let bytes = integer.to_signed_bytes_le();
    match (u8::try_from(bytes.len()), u32::try_from(bytes.len())) {
        (Ok(length), _) => out.extend([0x8a, length]),
        (_, Ok(length)) => {
            out.push(0x8b);
            out.extend(length.to_le_bytes());
        }
        _ => return Err("an integer of more than 2 GB"),
    }
    out.extend(bytes);
    Ok(())
}

fn write_text(text: JsonString<'_>, out: &mut Vec<u8>) {
    let text = text.to_wtf8();
    if let Ok(length) = u8::try_from(text.len()) {
        out.extend([0x8c, length]);
    } else {
        out.push(0x8d);
        out.extend((text.len() as u64).to_le_bytes());
    }
    out.extend(text.as_ref());
}

/// Reads a dictionary whose JSON has at most `limit` bytes.
///
/// # Errors
/// [`PickleError`].
pub(crate) fn read(pickle: &[u8], limit: usize) -> Result<Entries, PickleError> {
    if pickle.len() / MOST_TIMES_JSON > limit {
        return Err(PickleError::TooLarge { limit });
    }
    let mut reader = Reader {
        rest: pickle,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: Vec::new(),
        most: limit,
    };
    let root = reader.run().ok_or_else(|| {
        let at = pickle.len() - reader.rest.len();
        PickleError::Malformed(format!("it is no pickle that Python would write, at byte {at}"))
    })?;
    if !matches!(reader.nodes[root], Node::Dict(_)) {
        return Err(PickleError::Malformed("it is no pickled dictionary".into()));
    }
    let mut unfolding = Unfolding { nodes: &reader.nodes, open: Vec::new(), out: String::new(), limit };
    unfolding.value(root)?;
    Ok(Entries::parse(unfolding.out.as_bytes())?)
}

/// A value of a pickle, by its place in the list of all of them.
type NodeId = usize;

#[derive(Debug)]
enum Node {
    /// A value that is no container, as JSON.
    Scalar(Cow<'static, str>),
    /// A string, as JSON.
    Text(Json),
    List(Vec<NodeId>),
    Dict(Vec<(NodeId, NodeId)>),
    /// What cannot be kept, as it is called in an error.
    Strange(Cow<'static, str>),
}

/// The machine that a pickle is a program for, with everything that could run foreign code left out.
struct Reader<'a> {
    rest: &'a [u8],
    nodes: Vec<Node>,
    stack: Vec<NodeId>,
    marks: Vec<usize>,
    memo: Vec<NodeId>,
    /// How many values there may be.
    most: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// A number of this many bytes, the least significant first.
    fn number(&mut self, length: usize) -> Option<usize> {
        let bytes = self.take(length)?;
        let number = bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        usize::try_from(number).ok()
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        let length = self.rest.iter().position(|byte| *byte == b'\n')?;
        let line = self.take(length)?;
        self.take(1)?;
        Some(line)
    }

    fn push(&mut self, node: Node) -> Option<()> {
        self.nodes.push(node);
        self.stack.push(self.nodes.len() - 1);
        // Each value is at least a byte of JSON, so that more of them are too many.
        (self.nodes.len() <= self.most).then_some(())
    }

    fn strange(&mut self, name: impl Into<Cow<'static, str>>) -> Option<()> {
        self.push(Node::Strange(name.into()))
    }

    /// What lies above the last mark.
    fn marked(&mut self) -> Option<Vec<NodeId>> {
        let mark = self.marks.pop()?;
        (mark <= self.stack.len()).then(|| self.stack.split_off(mark))
    }

    fn pop(&mut self, count: usize) -> Option<()> {
        let left = self.stack.len().checked_sub(count)?;
        self.stack.truncate(left);
        Some(())
    }

    fn remember(&mut self, place: usize) -> Option<()> {
        let top = *self.stack.last()?;
        // A pickle numbers what it remembers one by one.
        if place == self.memo.len() {
            self.memo.push(top);
        } else {
            *self.memo.get_mut(place)? = top;
        }
        Some(())
    }

    fn recall(&mut self, place: usize) -> Option<()> {
        let node = *self.memo.get(place)?;
        self.stack.push(node);
        Some(())
    }

    fn text(&mut self, length: usize) -> Option<()> {
        let bytes = self.take(length)?;
        match Json::from_wtf8(bytes) {
            Some(text) => self.push(Node::Text(text)),
            None => self.strange("text that is not UTF-8"),
        }
    }

    fn scalar(&mut self, text: impl Into<Cow<'static, str>>) -> Option<()> {
        self.push(Node::Scalar(text.into()))
    }

    fn bytes(&mut self, length: usize) -> Option<()> {
        self.take(length)?;
        self.strange("bytes")
    }

    fn integer(&mut self, length: usize) -> Option<()> {
        let bytes = self.take(length)?;
        if length <= 8 {
            let negative = bytes.last().is_some_and(|last| *last >= 0x80);
            let mut wide = [if negative { 0xff } else { 0 }; 8];
            wide[..length].copy_from_slice(bytes);
            return self.scalar(i64::from_le_bytes(wide).to_string());
        }
        let digits = (length <= MAX_INTEGER_BYTES).then(|| BigInt::from_signed_bytes_le(bytes).to_string());
        match digits.filter(|digits| digits.trim_start_matches('-').len() <= MAX_DIGITS) {
            Some(digits) => self.scalar(digits),
            None => self.strange("an integer of more than 4,300 digits"),
        }
    }

    fn float(&mut self) -> Option<()> {
        let float = f64::from_be_bytes(self.take(8)?.try_into().ok()?);
        // A float always has a form in Python's JSON.
        let json = Json::write(&float).ok()?;
        self.scalar(json.as_str().to_owned())
    }

    /// Appends to the list below, or leaves what is no list alone.
    fn append(&mut self, items: &[NodeId]) -> Option<()> {
        if let Node::List(list) = &mut self.nodes[*self.stack.last()?] {
            list.extend(items);
        }
        Some(())
    }

    fn set_items(&mut self, items: &[NodeId]) -> Option<()> {
        if let Node::Dict(dict) = &mut self.nodes[*self.stack.last()?] {
            dict.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        }
        Some(())
    }

    /// The name of a class or function, which is only ever shown.
    fn global(&mut self, module: &str, name: &str) -> Option<()> {
        self.strange(format!("a {module}.{name}"))
    }

    fn shown(&self, node: NodeId) -> String {
        match &self.nodes[node] {
            Node::Text(text) => text.as_str().trim_matches('"').chars().take(60).collect(),
            _ => "?".into(),
        }
    }

    /// Runs the program; the value that it ends with.
    fn run(&mut self) -> Option<NodeId> {
        loop {
            let opcode = self.byte()?;
            match opcode {
                b'.' => return self.stack.pop(),
                0x80 => _ = self.byte()?,
                0x95 => _ = self.take(8)?,
                b'(' => self.marks.push(self.stack.len()),
                b'0' => self.pop(1)?,
                b'1' => _ = self.marked()?,
                b'2' => self.stack.push(*self.stack.last()?),
                b'N' => self.scalar("null")?,
                0x88 => self.scalar("true")?,
                0x89 => self.scalar("false")?,
                b'K' => {
                    let number = self.byte()?;
                    self.scalar(number.to_string())?;
                }
                b'M' => {
                    let number = self.number(2)?;
                    self.scalar(number.to_string())?;
                }
                b'J' => self.integer(4)?,
                0x8a | 0x8b => {
                    let length = self.number(if opcode == 0x8a { 1 } else { 4 })?;
                    self.integer(length)?;
                }
                b'G' => self.float()?,
                0x8c | b'X' | 0x8d => {
                    let length = self.number(width(opcode))?;
                    self.text(length)?;
                }
                b'U' | b'C' | b'T' | b'B' | 0x8e | 0x96 => {
                    let length = self.number(width(opcode))?;
                    self.bytes(length)?;
                }
                b']' => self.push(Node::List(Vec::new()))?,
                b'}' => self.push(Node::Dict(Vec::new()))?,
                b'a' => {
                    let item = self.stack.pop()?;
                    self.append(&[item])?;
                }
                b'e' => {
                    let items = self.marked()?;
                    self.append(&items)?;
                }
                b's' => {
                    let (value, name) = (self.stack.pop()?, self.stack.pop()?);
                    self.set_items(&[name, value])?;
                }
                b'u' => {
                    let items = self.marked()?;
                    self.set_items(&items)?;
                }
                b'l' => {
                    let items = self.marked()?;
                    self.push(Node::List(items))?;
                }
                b'd' => {
                    let items = self.marked()?;
                    self.push(Node::Dict(Vec::new()))?;
                    self.set_items(&items)?;
                }
                b'q' => {
                    let place = self.number(1)?;
                    self.remember(place)?;
                }
                b'r' => {
                    let place = self.number(4)?;
                    self.remember(place)?;
                }
                0x94 => self.remember(self.memo.len())?,
                b'h' => {
                    let place = self.number(1)?;
                    self.recall(place)?;
                }
                b'j' => {
                    let place = self.number(4)?;
                    self.recall(place)?;
                }
                other => self.strange_opcode(other)?,
            }
        }
    }

    /// What makes a value that no session here can hold: as many values go and come as in Python, so that the
    /// rest is read, and the entry can be named.
    fn strange_opcode(&mut self, opcode: u8) -> Option<()> {
        match opcode {
            b')' => self.strange("a tuple"),
            b't' => {
                self.marked()?;
                self.strange("a tuple")
            }
            0x85..=0x87 => {
                self.pop(usize::from(opcode - 0x84))?;
                self.strange("a tuple")
            }
            0x8f => self.strange("a set"),
            0x90 => self.marked().map(drop),
            0x91 => {
                self.marked()?;
                self.strange("a set")
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(&String::from_utf8_lossy(module), &String::from_utf8_lossy(name))
            }
            0x93 => {
                let (name, module) = (self.stack.pop()?, self.stack.pop()?);
                self.global(&self.shown(module), &self.shown(name))
            }
            // What is called or made is what the error tells; its arguments go.
            b'R' | 0x81 | b'b' => self.pop(1),
            0x92 => self.pop(2),
            _ => None,
        }
    }
}

/// In how many bytes the length of a text or of bytes is given.
fn width(opcode: u8) -> usize {
    match opcode {
        0x8c | b'U' | b'C' => 1,
        0x8d | 0x8e | 0x96 => 8,
        _ => 4,
    }
}

/// Writes what was read as JSON. The same part may be named in several places, so that a small pickle can unfold to
/// more than any memory holds: the limit is on what is written. Nesting takes no stack: that of a server's thread is small.
struct Unfolding<'a> {
    nodes: &'a [Node],
    /// The lists and dictionaries that are being written, the outermost first.
    open: Vec<Open>,
    out: String,
    limit: usize,
}

/// A list or dictionary, and how many of its items have been begun.
struct Open {
    node: NodeId,
    begun: usize,
}

impl Unfolding<'_> {
    fn refused(&self, what: impl Into<String>) -> PickleError {
        let mut entry = String::new();
        // The way into what is nested without end says no more than its beginning.
        for Open { node, begun } in self.open.iter().take(20) {
            let index = begun.saturating_sub(1);
            match &self.nodes[*node] {
                Node::Dict(items) => {
                    if let Some(Node::Text(name)) = items.get(index).map(|(name, _)| &self.nodes[*name]) {
                        entry.push('.');
                        entry.push_str(&name.read::<String>().unwrap_or_else(|_| name.as_str().into()));
                    }
                }
                // Writing to a String cannot fail.
                _ => _ = write!(entry, "[{index}]"),
            }
        }
        let entry = entry.trim_start_matches('.');
        PickleError::Strange { entry: if entry.is_empty() { "?" } else { entry }.into(), what: what.into() }
    }

    fn push(&mut self, text: &str) -> Result<(), PickleError> {
        if self.out.len() + text.len() > self.limit {
            return Err(PickleError::TooLarge { limit: self.limit });
        }
        self.out.push_str(text);
        Ok(())
    }

    /// Writes a value whole.
    fn value(&mut self, node: NodeId) -> Result<(), PickleError> {
        let nodes = self.nodes;
        self.begin(node)?;
        while let Some(Open { node, begun }) = self.open.last_mut() {
            let index = *begun;
            *begun += 1;
            let (item, end) = match &nodes[*node] {
                Node::Dict(items) => (items.get(index).map(|(name, value)| (Some(*name), *value)), "}"),
                Node::List(items) => (items.get(index).map(|item| (None, *item)), "]"),
                // Nothing else is open.
                _ => (None, ""),
            };
            let Some((name, value)) = item else {
                self.open.pop();
                self.push(end)?;
                continue;
            };
            let text = match name.map(|name| &nodes[name]) {
                None => None,
                Some(Node::Text(text)) => Some(text),
                Some(_) => return Err(self.refused("a dictionary whose names are not all text")),
            };
            if index > 0 {
                self.push(",")?;
            }
            if let Some(text) = text {
                self.push(text.as_str())?;
                self.push(":")?;
            }
            self.begin(value)?;
        }
        Ok(())
    }

    /// Writes a value that holds no others, or the beginning of one that may.
    fn begin(&mut self, node: NodeId) -> Result<(), PickleError> {
        if self.open.len() > MAX_DEPTH {
            return Err(self.refused("too deep a nesting"));
        }
        let nodes = self.nodes;
        let beginning = match &nodes[node] {
            Node::Scalar(text) => return self.push(text),
            Node::Text(text) => return self.push(text.as_str()),
            Node::Strange(what) => return Err(self.refused(what.as_ref())),
            Node::List(_) => "[",
            Node::Dict(_) => "{",
        };
        self.push(beginning)?;
        self.open.push(Open { node, begun: 0 });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Line;

    use super::*;

    const LIMIT: usize = 1 << 20;

    fn read(pickle: &[u8]) -> Result<Entries, PickleError> {
        super::read(pickle, LIMIT)
    }

    fn written(json: &str) -> Result<Vec<u8>, PickleError> {
        write(&Entries::parse(json.as_bytes()).unwrap(), LIMIT)
    }

    fn lines() -> Vec<Line> {
        let lines = include_str!("../tests/python/pickles.jsonl").lines();
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn what_python_pickles_is_read_in_every_protocol() {
        let mut read_ones = 0;
        for line in lines() {
            let (Some(pickle), Some(json)) = (line["pickle"].as_str(), line["json"].as_str()) else {
                continue;
            };
            let entries = read(&bytes(pickle)).unwrap_or_else(|error| panic!("{json}: {error}"));
            assert_eq!(entries.to_json(), json);
            assert_eq!(read(&written(json).unwrap()), Ok(entries));
            read_ones += 1;
        }
        assert_eq!(read_ones, 24);
    }

    #[test]
    fn what_no_session_here_holds_is_refused_by_the_name_of_its_entry() {
        let mut refused = 0;
        for line in lines() {
            let (Some(pickle), Some(name)) = (line["pickle"].as_str(), line["strange"].as_str()) else {
                continue;
            };
            let result = read(&bytes(pickle));
            // These were refused before data was text; Python's JSON has them.
            if ["NaN", "an infinity", "half a surrogate pair"].contains(&name) {
                assert!(result.is_ok(), "{name}: {result:?}");
                continue;
            }
            let Err(PickleError::Strange { entry, what }) = &result else { panic!("{name}: {result:?}") };
            assert!(entry == "cart[1].price" && what.contains(name), "{name}: {entry}: {what}");
            refused += 1;
        }
        assert!(refused > 40, "{refused}");
    }

    #[test]
    fn a_pickle_that_is_cut_or_changed_is_an_error_and_no_panic() {
        for line in lines() {
            let Some(pickle) = line["pickle"].as_str().filter(|pickle| pickle.len() < 2_000) else {
                continue;
            };
            let pickle = bytes(pickle);
            for length in 0..pickle.len() {
                assert!(read(&pickle[..length]).is_err());
            }
            let mut changed = pickle.clone();
            for at in 0..pickle.len() {
                for byte in [0, b'.', b'h', b'e', b'u', b'R', 0x94, 0xff] {
                    changed[at] = byte;
                    // Some changes give another session; none may do harm.
                    let _ = read(&changed);
                }
                changed[at] = pickle[at];
            }
        }
    }

    #[test]
    fn a_small_pickle_does_not_unfold_without_end() {
        // A list twice in the next one, that one twice in the next, forty times; the last in a dictionary.
        let mut bomb = b"\x80\x04]\x940".to_vec();
        for place in 0..40_u8 {
            bomb.extend(b"](h");
            bomb.extend([place, b'h', place]);
            bomb.extend(b"e\x940");
        }
        bomb.extend(b"}\x8c\x01ah\x28");
        bomb.extend(b"s.");
        assert!(matches!(read(&bomb), Err(PickleError::TooLarge { .. })));
    }

    #[test]
    fn a_list_in_itself_is_refused() {
        // l = []; l.append(l); {"a": l}
        let result = read(b"\x80\x04}\x8c\x01a]\x94h\x00as.");
        assert!(
            matches!(&result, Err(PickleError::Strange { what, .. }) if what.contains("nesting")),
            "{result:?}"
        );
    }

    /// A debug build has large frames, and threads of a server have small stacks.
    #[test]
    fn nesting_takes_no_stack() {
        let deep = "[".repeat(MAX_DEPTH - 1) + &"]".repeat(MAX_DEPTH - 1);
        let thread = std::thread::Builder::new().stack_size(96 << 10).spawn(move || {
            let json = format!(r#"{{"a":{deep}}}"#);
            assert_eq!(read(&written(&json).unwrap()).unwrap().to_json(), json);
        });
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn what_is_no_dictionary_is_corrupt() {
        for pickle in [&b"\x80\x04]."[..], b"\x80\x04K\x01.", b"{\"a\":1}", b""] {
            assert!(matches!(read(pickle), Err(PickleError::Malformed(_))), "{pickle:?}");
        }
    }

    #[test]
    fn what_python_has_in_its_json_and_rust_has_not_is_kept() {
        for json in [
            r#"{"a":[NaN,Infinity,-Infinity]}"#,
            r#"{"\ud800":"\udc00x","n":-18446744073709551617}"#,
            &format!(r#"{{"n":{}}}"#, "7".repeat(MAX_DIGITS)),
        ] {
            assert_eq!(read(&written(json).unwrap()).unwrap().to_json(), json);
        }
        assert_eq!(
            read(&written(r#"{"a":[1e400,1e-5]}"#).unwrap()).unwrap().to_json(),
            r#"{"a":[Infinity,1e-05]}"#
        );
    }

    #[test]
    fn an_integer_of_too_many_digits_is_refused_by_name_in_both_directions() {
        let json = format!(r#"{{"a":1,"big":[-{}]}}"#, "7".repeat(MAX_DIGITS + 1));
        let Err(PickleError::Strange { entry, what }) = written(&json) else { panic!() };
        assert!(entry == "big" && what.contains("4,300"), "{entry}: {what}");
        let mut pickle = b"\x80\x04}\x8c\x03big\x8b\0\x10\0\0".to_vec();
        pickle.extend(vec![0x55; 4_096]);
        pickle.extend(b"s.");
        let Err(PickleError::Strange { entry, what }) = read(&pickle) else { panic!() };
        assert!(entry == "big" && what.contains("4,300"), "{entry}: {what}");
    }

    #[test]
    fn places_to_remember_cost_no_more_than_the_pickle() {
        // Each place twice the one before, which once made the memory for all between.
        let mut pickle = b"\x80\x04}".to_vec();
        for place in 0..31 {
            pickle.push(b'r');
            pickle.extend((1_u32 << place).to_le_bytes());
        }
        pickle.push(b'.');
        assert!(matches!(read(&pickle), Err(PickleError::Malformed(_))));
    }

    #[test]
    fn what_is_too_large_is_neither_written_nor_read() {
        let entries = Entries::parse(format!(r#"{{"a":"{}"}}"#, "x".repeat(100)).as_bytes()).unwrap();
        assert_eq!(write(&entries, 50), Err(PickleError::TooLarge { limit: 50 }));
        assert_eq!(
            super::read(&write(&entries, LIMIT).unwrap(), 50),
            Err(PickleError::TooLarge { limit: 50 })
        );
        assert_eq!(super::read(&[b'N'; 1_000], 50), Err(PickleError::TooLarge { limit: 50 }));
    }
}
