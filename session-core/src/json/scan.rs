//! The check of a text, in one pass and without recursion: JSON as Python understands it.

use std::borrow::Cow;

use super::{JsonError, MAX_DEPTH};

/// A text as ASCII: other characters, which can only stand in strings, become escapes. Django reads what it has
/// signed as Latin-1, so that anything else would not come back to it.
///
/// # Errors
/// [`JsonError::Malformed`] if it is not UTF-8.
pub(crate) fn escaped(text: &[u8]) -> Result<Cow<'_, str>, JsonError> {
    let text = std::str::from_utf8(text)
        .map_err(|error| JsonError::Malformed { offset: error.valid_up_to(), what: "not UTF-8" })?;
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if c.is_ascii() { out.push(c) } else { super::string::push_escape(c, &mut out) }
    }
    Ok(Cow::Owned(out))
}

/// Steps over an ASCII text and sees whether it is JSON.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

/// Which of the open containers are objects: a bit for each level.
struct Levels {
    bits: [u64; MAX_DEPTH.div_ceil(64)],
    depth: usize,
}

impl Levels {
    fn push(&mut self, object: bool) -> bool {
        if self.depth == MAX_DEPTH {
            return false;
        }
        let (word, bit) = (self.depth / 64, self.depth % 64);
        self.bits[word] = self.bits[word] & !(1 << bit) | u64::from(object) << bit;
        self.depth += 1;
        true
    }

    /// Whether the innermost container is an object; `None` if none is open.
    fn innermost(&self) -> Option<bool> {
        let level = self.depth.checked_sub(1)?;
        Some(self.bits[level / 64] >> (level % 64) & 1 == 1)
    }
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0 }
    }

    /// Where it stands, in bytes from the start.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    #[cold]
    pub(crate) fn malformed<T>(&self, what: &'static str) -> Result<T, JsonError> {
        Err(JsonError::Malformed { offset: self.at, what })
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Steps over this byte if it is the next one.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    pub(crate) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Sees that nothing but space follows.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { self.malformed("something follows the value") }
    }

    /// Steps over a value and what is in it, which is `outer` levels deep already.
    pub(crate) fn value(&mut self, outer: usize) -> Result<(), JsonError> {
        // Most values are no containers, and then nothing has to be remembered.
        if !matches!(self.peek(), Some(b'[' | b'{')) {
            return self.scalar();
        }
        let mut levels = Levels { bits: [0; _], depth: outer };
        // Whether the innermost container is an object.
        let mut object = false;
        loop {
            // Here a value begins.
            match self.peek() {
                Some(b'[') => {
                    self.open(&mut levels, false)?;
                    if !self.take(b']') {
                        object = false;
                        continue;
                    }
                    levels.depth -= 1;
                }
                Some(b'{') => {
                    self.open(&mut levels, true)?;
                    if !self.take(b'}') {
                        object = true;
                        self.name()?;
                        continue;
                    }
                    levels.depth -= 1;
                }
                _ => self.scalar()?,
            }
            // Here it has ended: close what it closes.
            while levels.depth > outer {
                self.space();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                        if object {
                            self.name()?;
                        }
                        break;
                    }
                    Some(b'}') if object => self.at += 1,
                    Some(b']') if !object => self.at += 1,
                    _ if object => return self.malformed("expected `,` or `}`"),
                    _ => return self.malformed("expected `,` or `]`"),
                }
                levels.depth -= 1;
                object = levels.innermost() == Some(true);
            }
            if levels.depth == outer {
                return Ok(());
            }
        }
    }

    fn open(&mut self, levels: &mut Levels, object: bool) -> Result<(), JsonError> {
        if !levels.push(object) {
            return Err(JsonError::TooDeep { offset: self.at });
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    /// Steps over a name, its colon and the space behind it. The name stands in quotes where it began.
    #[inline]
    pub(crate) fn name(&mut self) -> Result<(), JsonError> {
        if self.peek() != Some(b'"') {
            return self.malformed("expected a name in quotes");
        }
        self.string()?;
        self.colon()
    }

    #[inline]
    pub(crate) fn colon(&mut self) -> Result<(), JsonError> {
        self.space();
        if !self.take(b':') {
            return self.malformed("expected `:`");
        }
        self.space();
        Ok(())
    }

    #[inline]
    fn scalar(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'0'..=b'9') => self.number(),
            Some(b'-') if self.text.get(self.at + 1) != Some(&b'I') => self.number(),
            Some(_) => self.word(),
            None => self.malformed("the text ends where a value should be"),
        }
    }

    fn word(&mut self) -> Result<(), JsonError> {
        let word: &[u8] = match self.peek() {
            Some(b'n') => b"null",
            Some(b't') => b"true",
            Some(b'f') => b"false",
            Some(b'N') => b"NaN",
            Some(b'I') => b"Infinity",
            _ => b"-Infinity",
        };
        if !self.text[self.at..].starts_with(word) {
            return self.malformed("no JSON value starts here");
        }
        self.at += word.len();
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<(), JsonError> {
        self.take(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits();
        if digits == 0 || (leading_zero && digits > 1) {
            return self.malformed("not a number");
        }
        if self.take(b'.') && self.digits() == 0 {
            return self.malformed("a digit must follow the point");
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            if self.digits() == 0 {
                return self.malformed("a digit must follow the exponent's mark");
            }
        }
        Ok(())
    }

    /// Steps over a string.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            self.plain();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return self.malformed("a control character in a string must be escaped"),
                None => return self.malformed("a string without its closing quote"),
            }
        }
    }

    /// Steps over characters that stand for themselves, eight at a time.
    #[inline]
    fn plain(&mut self) {
        while let Some(chunk) = self.text.get(self.at..self.at + 8).and_then(|chunk| chunk.try_into().ok()) {
            let found = awkward(u64::from_le_bytes(chunk));
            if found != 0 {
                self.at += found.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
        while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
            self.at += 1;
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.text.get(self.at + 2..self.at + 6);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return self.malformed("four hexadecimal digits must follow `\\u`");
                }
                self.at += 6;
            }
            _ => return self.malformed("not an escape"),
        }
        Ok(())
    }
}

/// Marks, by their highest bits, the bytes of an ASCII word that do not stand for themselves in a string: quotes,
/// backslashes and control characters. The lowest mark is exact; one above it may be false.
#[inline]
fn awkward(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    let quote = zero(word ^ (ONES * u64::from(b'"')));
    let backslash = zero(word ^ (ONES * u64::from(b'\\')));
    (quote | backslash | below(word, 0x20)) & (ONES * 0x80)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::json::Json;

    #[rstest]
    #[case("null")]
    #[case(" [1, -0, 1.5e+3, 1E5] ")]
    #[case(r#"{"a": {"b": [[], {}, ""]}, "": null}"#)]
    #[case("[NaN, Infinity, -Infinity]")]
    #[case(r#""\ud800 \u00e9 \"""#)]
    #[case(r#"{"$serde_json::private::Number": "1"}"#)]
    fn this_is_json(#[case] text: &str) {
        assert_eq!(Json::parse(text).unwrap().as_str(), text.trim());
    }

    #[rstest]
    #[case("[1}", "`,` or `]`")]
    #[case(r#"{"a": [1], "b": 1]"#, "`,` or `}`")]
    fn what_is_missing_is_named(#[case] text: &str, #[case] expected: &str) {
        let error = Json::parse(text).unwrap_err().to_string();
        assert!(error.contains(&format!("expected {expected}")), "{error}");
    }

    #[rstest]
    #[case("", 0)]
    #[case("{", 1)]
    #[case("[1,]", 3)]
    #[case("[1 2]", 3)]
    #[case("[1}", 2)]
    #[case(r#"{"a" 1}"#, 5)]
    #[case(r#"{"a": 1, }"#, 9)]
    #[case(r#"{"a": 1]"#, 7)]
    #[case("{1: 2}", 1)]
    #[case("\"a", 2)]
    #[case(r#""\u12g4""#, 1)]
    #[case(r#""\x""#, 1)]
    #[case("\"a\nb\"", 2)]
    #[case("\"0123456\u{1}9\"", 8)]
    #[case("1 2", 2)]
    #[case("-", 1)]
    #[case("01", 2)]
    #[case("-00.5", 3)]
    #[case("1.", 2)]
    #[case("1e", 2)]
    #[case("+1", 0)]
    #[case("nul", 0)]
    #[case("-Inf", 0)]
    fn this_is_not_and_the_error_says_where(#[case] text: &str, #[case] place: usize) {
        match Json::parse(text) {
            Err(JsonError::Malformed { offset, .. }) => assert_eq!(offset, place),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused_with_its_place() {
        let error = escaped(b"\"ab\xff\"").unwrap_err();
        assert_eq!(error, JsonError::Malformed { offset: 3, what: "not UTF-8" });
    }

    #[test]
    fn other_characters_become_escapes() {
        assert_eq!(Json::parse("\"é😀\"").unwrap().as_str(), r#""\u00e9\ud83d\ude00""#);
    }

    #[test]
    fn nesting_is_bounded_and_costs_no_stack() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Json::parse(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(Json::parse(&nested(MAX_DEPTH + 1)), Err(JsonError::TooDeep { offset: MAX_DEPTH }));
        assert_eq!(Json::parse(&"[".repeat(1_000_000)), Err(JsonError::TooDeep { offset: MAX_DEPTH }));
    }

    proptest! {
        #[test]
        fn the_first_awkward_byte_of_a_word_is_found(bytes: [u8; 8]) {
            let bytes = bytes.map(|byte| byte & 0x7f);
            let first = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            let found = awkward(u64::from_le_bytes(bytes));
            prop_assert_eq!((found != 0).then(|| found.trailing_zeros() as usize / 8), first);
        }

        #[test]
        fn no_text_makes_the_scanner_panic(text in r#"[\[\]{}:,"\\u0-9eE+.a-fntNI \n-]{0,60}"#) {
            let _ = Json::parse(&text);
        }
    }
}
