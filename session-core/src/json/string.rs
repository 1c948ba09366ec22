//! Strings of JSON: escaped as Python's `json.dumps` does, and unescaped.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// A string of a checked JSON text, between its quotes and escaped.
///
/// It may hold halves of surrogate pairs, which Python has in its strings and Rust has not. `Debug` shows only the
/// length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct JsonString<'a>(pub(crate) &'a str);

impl fmt::Debug for JsonString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonString({} bytes)", self.0.len())
    }
}

impl<'a> JsonString<'a> {
    /// The string as JSON, in its quotes.
    pub fn to_json_text(self) -> String {
        format!("\"{}\"", self.0)
    }

    /// The text, `None` if it holds half a surrogate pair.
    pub fn to_str(self) -> Option<Cow<'a, str>> {
        self.unescape(|_, _| None)
    }

    /// The text, with U+FFFD in the place of each half of a surrogate pair.
    pub fn to_str_lossy(self) -> Cow<'a, str> {
        let replace = |_, out: &mut String| {
            out.push('\u{fffd}');
            Some(())
        };
        self.unescape(replace).unwrap_or_default()
    }

    /// The text as UTF-8 in which halves of surrogate pairs are encoded like characters (WTF-8, Python's
    /// `surrogatepass`).
    pub fn to_wtf8(self) -> Cow<'a, [u8]> {
        let mut out = Vec::new();
        let mut rest = self.0;
        while let Some((plain, escape)) = rest.split_once('\\') {
            out.extend_from_slice(plain.as_bytes());
            let (unit, after) = one(escape);
            rest = after;
            match unit {
                Ok(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                Err(half) => out.extend_from_slice(&[
                    0xe0 | (half >> 12) as u8,
                    0x80 | (half >> 6 & 0x3f) as u8,
                    0x80 | (half & 0x3f) as u8,
                ]),
            }
        }
        if out.is_empty() {
            return Cow::Borrowed(rest.as_bytes());
        }
        out.extend_from_slice(rest.as_bytes());
        Cow::Owned(out)
    }

    fn unescape(self, lone: impl Fn(u16, &mut String) -> Option<()>) -> Option<Cow<'a, str>> {
        if !self.0.contains('\\') {
            return Some(Cow::Borrowed(self.0));
        }
        let mut out = String::with_capacity(self.0.len());
        let mut rest = self.0;
        while let Some((plain, escape)) = rest.split_once('\\') {
            out.push_str(plain);
            let (unit, after) = one(escape);
            rest = after;
            match unit {
                Ok(c) => out.push(c),
                Err(half) => lone(half, &mut out)?,
            }
        }
        out.push_str(rest);
        Some(Cow::Owned(out))
    }

    /// The one spelling that Python gives this string, without quotes. Two strings are the same string exactly if
    /// these are equal. Borrowed if it is the one in which it is written.
    pub(crate) fn canonical(self) -> Cow<'a, str> {
        if !self.0.contains('\\') && !self.0.contains('\x7f') {
            return Cow::Borrowed(self.0);
        }
        let mut out = String::with_capacity(self.0.len());
        let mut rest = self.0;
        while let Some((plain, escape)) = rest.split_once('\\') {
            push_escaped(plain, &mut out);
            let (unit, after) = one(escape);
            rest = after;
            match unit {
                Ok(c) => push_escaped(c.encode_utf8(&mut [0; 4]), &mut out),
                Err(half) => push_unit(half, &mut out),
            }
        }
        push_escaped(rest, &mut out);
        Cow::Owned(out)
    }
}

/// What stands behind a backslash in a checked text: a character or half a surrogate pair, and the rest.
fn one(escape: &str) -> (Result<char, u16>, &str) {
    let (kind, rest) = escape.split_at(1);
    let c = match kind {
        "b" => '\u{8}',
        "f" => '\u{c}',
        "n" => '\n',
        "r" => '\r',
        "t" => '\t',
        "u" => return unicode(rest),
        other => other.chars().next().unwrap_or_default(),
    };
    (Ok(c), rest)
}

fn unicode(digits: &str) -> (Result<char, u16>, &str) {
    let unit = |digits: &str| u16::from_str_radix(&digits[..4], 16).unwrap_or_default();
    let first = unit(digits);
    let rest = &digits[4..];
    if let Some(c) = char::from_u32(first.into()) {
        return (Ok(c), rest);
    }
    let second = rest.strip_prefix("\\u").map(unit);
    match second.and_then(|second| char::decode_utf16([first, second]).next()) {
        Some(Ok(c)) => (Ok(c), &rest[6..]),
        _ => (Err(first), rest),
    }
}

/// Text as Python escapes it, without quotes.
pub(crate) fn canonical(text: &str) -> Cow<'_, str> {
    if text.bytes().all(stands_for_itself) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    push_escaped(text, &mut out);
    Cow::Owned(out)
}

fn stands_for_itself(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// Appends text as Python escapes it, without quotes.
pub(super) fn push_escaped(text: &str, out: &mut String) {
    let mut plain = 0;
    for (index, c) in text.char_indices() {
        if u8::try_from(c).is_ok_and(stands_for_itself) {
            continue;
        }
        out.push_str(&text[plain..index]);
        plain = index + c.len_utf8();
        push_escape(c, out);
    }
    out.push_str(&text[plain..]);
}

/// Appends UTF-8 with halves of surrogate pairs in it, escaped; `None` if it is anything else.
pub(super) fn push_wtf8(mut bytes: &[u8], out: &mut String) -> Option<()> {
    loop {
        let (valid, rest) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, &bytes[bytes.len()..]),
            Err(error) => {
                let (valid, rest) = bytes.split_at(error.valid_up_to());
                (std::str::from_utf8(valid).ok()?, rest)
            }
        };
        push_escaped(valid, out);
        let [first, second, third, after @ ..] = rest else { return rest.is_empty().then_some(()) };
        if *first != 0xed || !(0xa0..=0xbf).contains(second) || !(0x80..=0xbf).contains(third) {
            return None;
        }
        push_unit(0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f), out);
        bytes = after;
    }
}

/// Appends a character that does not stand for itself.
pub(super) fn push_escape(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| push_unit(*unit, out)),
    }
}

fn push_unit(unit: u16, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\u{unit:04x}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::json::Json;

    #[rstest]
    #[case(r"plain", "plain")]
    #[case(r"\u0061\/\b\f\n\r\t", "a/\u{8}\u{c}\n\r\t")]
    #[case(r"\ud83d\ude00\u00E9", "😀é")]
    #[case(r#"\"\\u0041"#, "\"\\u0041")]
    fn an_escaped_string_stands_for(#[case] escaped: &str, #[case] text: &str) {
        assert_eq!(JsonString(escaped).to_str().as_deref(), Some(text));
        assert_eq!(JsonString(escaped).to_wtf8(), text.as_bytes());
    }

    // The bytes are what Python's `"…".encode("utf-8", "surrogatepass")` gives.
    #[rstest]
    #[case(r"\ud800x", "\u{fffd}x", b"\xed\xa0\x80x", r"\ud800x")]
    #[case(r"\uDE00\uD83D", "\u{fffd}\u{fffd}", b"\xed\xb8\x80\xed\xa0\xbd", r"\ude00\ud83d")]
    #[case(r"\ud83d\ud83d\ude00", "\u{fffd}😀", b"\xed\xa0\xbd\xf0\x9f\x98\x80", r"\ud83d\ud83d\ude00")]
    fn half_a_surrogate_pair_is_kept(
        #[case] escaped: &str,
        #[case] lossy: &str,
        #[case] wtf8: &[u8],
        #[case] canonical: &str,
    ) {
        let string = JsonString(escaped);
        assert_eq!(string.to_str(), None);
        assert_eq!(string.to_str_lossy(), lossy);
        assert_eq!(string.to_wtf8(), wtf8);
        assert_eq!(string.canonical(), canonical);
        assert_eq!(Json::from_wtf8(wtf8).unwrap().as_str(), format!("\"{canonical}\""));
    }

    #[test]
    fn what_has_no_escapes_is_not_copied() {
        assert!(matches!(JsonString("é").to_wtf8(), Cow::Borrowed(b"\xc3\xa9")));
        assert!(matches!(JsonString("é").to_str(), Some(Cow::Borrowed("é"))));
    }

    #[test]
    fn a_string_is_shown_by_its_length_and_written_in_quotes() {
        let string = JsonString(r"hunter\u0032");
        assert_eq!(format!("{string:?}"), "JsonString(12 bytes)");
        assert_eq!(string.to_json_text(), r#""hunter\u0032""#);
    }

    #[test]
    fn what_is_not_utf_8_is_no_string() {
        for bytes in [&b"\xff\xa0\x80"[..], b"\xed\xc0\x80", b"\xed\xa0\xc0"] {
            assert_eq!(Json::from_wtf8(bytes), None, "{bytes:?}");
        }
        for bytes in [&b"a\xff"[..], b"\xed", b"\xed\xa0", b"\xed\xa0x", b"\xc3\x28b"] {
            assert_eq!(Json::from_wtf8(bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_unescaped_to_itself(text: String) {
            let escaped = canonical(&text);
            prop_assert!(escaped.is_ascii());
            let unescaped = JsonString(&escaped).to_str();
            prop_assert_eq!(unescaped.as_deref(), Some(text.as_str()));
            prop_assert_eq!(JsonString(&escaped).canonical(), escaped.as_ref());
        }
    }
}
