//! Python's pickles, as far as session data goes: what Django's cache engines store.
//!
//! Read are the protocols 2 to 5, as data: nothing in a pickle is ever looked up or run. What a session here
//! cannot hold (a tuple, a set, bytes, a date, any other object, a key that is no text) is refused by the name
//! of its entry, and so are NaN and halves of surrogate pairs. Written is protocol 2 with the texts of protocol
//! 4, which every Python 3 reads.

use std::borrow::Cow;

use num_bigint::BigInt;
use serde_json::Number;
use session_core::codec::DecodeError;
use session_core::{Map, Value};

/// Lists and dictionaries may be nested this deep, as in `session_core::json`.
const MAX_DEPTH: usize = 1_000;

/// The most values that may come out of one pickle: by naming a list twice in the next one, and that in the
/// next, a small pickle can unfold to more than any memory holds.
const MAX_VALUES: usize = 4_000_000;

/// Writes a dictionary.
///
/// # Errors
/// The name of the entry and what about it: a number beyond floating point, which no pickle holds.
pub(crate) fn write(map: &Map) -> Result<Vec<u8>, String> {
    let mut out = vec![0x80, 4];
    write_map(map, &mut out).map_err(Cow::into_owned)?;
    out.push(b'.');
    Ok(out)
}

fn write_map(map: &Map, out: &mut Vec<u8>) -> Result<(), Cow<'static, str>> {
    out.push(b'}');
    out.push(b'(');
    for (name, value) in map {
        write_text(name, out);
        write_value(value, out).map_err(|reason| Cow::Owned(format!("{name}: {reason}")))?;
    }
    out.push(b'u');
    Ok(())
}

fn write_value(value: &Value, out: &mut Vec<u8>) -> Result<(), Cow<'static, str>> {
    match value {
        Value::Null => out.push(b'N'),
        Value::Bool(true) => out.push(0x88),
        Value::Bool(false) => out.push(0x89),
        Value::Number(number) => write_number(number.as_str(), out)?,
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.extend(b"](");
            for item in items {
                write_value(item, out)?;
            }
            out.push(b'e');
        }
        Value::Object(map) => write_map(map, out)?,
    }
    Ok(())
}

fn write_number(text: &str, out: &mut Vec<u8>) -> Result<(), Cow<'static, str>> {
    if let Ok(small) = text.parse::<i32>() {
        out.push(b'J');
        out.extend(small.to_le_bytes());
    } else if let Ok(integer) = text.parse::<BigInt>() {
        let bytes = integer.to_signed_bytes_le();
        if let Ok(length) = u8::try_from(bytes.len()) {
            out.extend([0x8a, length]);
        } else {
            // A number of this length would not have been read.
            let length = i32::try_from(bytes.len()).map_err(|_| "an integer of more than 2 GB")?;
            out.push(0x8b);
            out.extend(length.to_le_bytes());
        }
        out.extend(bytes);
    } else {
        let float = text.parse::<f64>().ok().filter(|float| float.is_finite());
        let float = float.ok_or("a number beyond the range of floating point")?;
        out.push(b'G');
        out.extend(float.to_be_bytes());
    }
    Ok(())
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    if let Ok(length) = u8::try_from(text.len()) {
        out.extend([0x8c, length]);
    } else {
        out.push(0x8d);
        out.extend((text.len() as u64).to_le_bytes());
    }
    out.extend(text.as_bytes());
}

/// Reads a dictionary.
///
/// # Errors
/// [`DecodeError::Unrepresentable`], which names the entry; [`DecodeError::Corrupt`] if it is no pickle of a
/// dictionary.
pub(crate) fn read(pickle: &[u8]) -> Result<Map, DecodeError> {
    let mut reader =
        Reader { rest: pickle, nodes: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: Vec::new() };
    let root = reader.run().ok_or_else(|| {
        let at = pickle.len() - reader.rest.len();
        DecodeError::Corrupt(format!("it is no pickle that Python would write, at byte {at}"))
    })?;
    let mut unfolding = Unfolding { nodes: &reader.nodes, path: Vec::new(), left: MAX_VALUES };
    match unfolding.value(root)? {
        Value::Object(map) => Ok(map),
        _ => Err(DecodeError::Corrupt("it is no pickled dictionary".into())),
    }
}

/// A value of a pickle, by its place in the list of all of them.
type NodeId = usize;

#[derive(Debug)]
enum Node {
    Value(Value),
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
    memo: Vec<Option<NodeId>>,
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
        (self.nodes.len() <= MAX_VALUES).then_some(())
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
        // A pickle numbers its values one by one.
        if place > self.nodes.len() + self.memo.len() {
            return None;
        }
        if place >= self.memo.len() {
            self.memo.resize(place + 1, None);
        }
        self.memo[place] = Some(top);
        Some(())
    }

    fn recall(&mut self, place: usize) -> Option<()> {
        let node = (*self.memo.get(place)?)?;
        self.stack.push(node);
        Some(())
    }

    fn text(&mut self, length: usize) -> Option<()> {
        let bytes = self.take(length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => self.push(Node::Value(text.into())),
            // Python lets such halves pass where UTF-8 has none.
            Err(_) => self.strange("half a surrogate pair"),
        }
    }

    fn bytes(&mut self, length: usize) -> Option<()> {
        self.take(length)?;
        self.strange("bytes")
    }

    fn integer(&mut self, length: usize) -> Option<()> {
        let bytes = self.take(length)?;
        let number = if length <= 8 {
            let negative = bytes.last().is_some_and(|last| *last >= 0x80);
            let mut wide = [if negative { 0xff } else { 0 }; 8];
            wide[..length].copy_from_slice(bytes);
            Number::from(i64::from_le_bytes(wide))
        } else {
            Number::from_string_unchecked(BigInt::from_signed_bytes_le(bytes).to_string())
        };
        self.push(Node::Value(Value::Number(number)))
    }

    fn float(&mut self) -> Option<()> {
        let float = f64::from_be_bytes(self.take(8)?.try_into().ok()?);
        match Number::from_f64(float) {
            Some(number) => self.push(Node::Value(Value::Number(number))),
            None => self.strange(if float.is_nan() { "NaN" } else { "an infinity" }),
        }
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
            Node::Value(Value::String(text)) => text.chars().take(60).collect(),
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
                b'N' => self.push(Node::Value(Value::Null))?,
                0x88 => self.push(Node::Value(true.into()))?,
                0x89 => self.push(Node::Value(false.into()))?,
                b'K' => {
                    let number = self.byte()?;
                    self.push(Node::Value(number.into()))?;
                }
                b'M' => {
                    let number = self.number(2)?;
                    self.push(Node::Value(number.into()))?;
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

/// Makes a value of what was read, which may name the same part in several places.
struct Unfolding<'a> {
    nodes: &'a [Node],
    path: Vec<String>,
    left: usize,
}

impl Unfolding<'_> {
    fn refused(&self, what: &str) -> DecodeError {
        let path = self.path.concat();
        let path = if path.is_empty() { "?" } else { path.trim_start_matches('.') };
        DecodeError::Unrepresentable(format!("the entry {path} holds {what}, which cannot be kept"))
    }

    fn value(&mut self, node: NodeId) -> Result<Value, DecodeError> {
        self.left = self.left.checked_sub(1).ok_or_else(|| self.refused("too many values"))?;
        if self.path.len() > MAX_DEPTH {
            self.path.truncate(1);
            return Err(self.refused("too deep a nesting"));
        }
        match &self.nodes[node] {
            Node::Value(value) => Ok(value.clone()),
            Node::Strange(what) => Err(self.refused(what)),
            Node::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    self.path.push(format!("[{index}]"));
                    list.push(self.value(*item)?);
                    self.path.pop();
                }
                Ok(Value::Array(list))
            }
            Node::Dict(items) => {
                let mut map = Map::new();
                for (name, value) in items {
                    let Node::Value(Value::String(name)) = &self.nodes[*name] else {
                        return Err(self.refused("a dictionary whose names are not all text"));
                    };
                    self.path.push(format!(".{name}"));
                    map.insert(name.clone(), self.value(*value)?);
                    self.path.pop();
                }
                Ok(Value::Object(map))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Line;
    use session_core::json;

    use super::*;

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
            let map = read(&bytes(pickle)).unwrap_or_else(|error| panic!("{json}: {error}"));
            assert_eq!(json::write(&map), json);
            assert_eq!(read(&write(&map).unwrap()), Ok(map));
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
            let Err(DecodeError::Unrepresentable(reason)) = &result else { panic!("{name}: {result:?}") };
            assert!(reason.contains("the entry cart[1].price ") && reason.contains(name), "{name}: {reason}");
            refused += 1;
        }
        assert!(refused > 50, "{refused}");
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
        // A list twice in the next one, that one twice in the next, forty times; in a dictionary.
        let mut bomb = b"\x80\x04}\x8c\x01a]".to_vec();
        for place in 0..40_u8 {
            bomb.extend(b"\x94](h");
            bomb.extend([place, b'h', place, b'e']);
        }
        bomb.extend(b"s.");
        assert!(matches!(read(&bomb), Err(DecodeError::Unrepresentable(_))));
    }

    #[test]
    fn a_list_in_itself_is_refused() {
        // l = []; l.append(l); {"a": l}
        let result = read(b"\x80\x04}\x8c\x01a]\x94h\x00as.");
        assert!(
            matches!(&result, Err(DecodeError::Unrepresentable(reason)) if reason.contains("nesting")),
            "{result:?}"
        );
    }

    #[test]
    fn what_is_no_dictionary_is_corrupt() {
        for pickle in [&b"\x80\x04]."[..], b"\x80\x04K\x01.", b"{\"a\":1}", b""] {
            assert!(matches!(read(pickle), Err(DecodeError::Corrupt(_))), "{pickle:?}");
        }
    }
}
