//! What about a value makes stores lose it.

use std::fmt;

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
    /// An integer beyond 64 bits with a sign.
    HugeInteger,
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

impl Class {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::LoneSurrogate,
        Self::NonFinite,
        Self::Deep,
        Self::Large,
        Self::HugeInteger,
        Self::BigInteger,
        Self::NonBmp,
        Self::Float,
        Self::Text,
        Self::Plain,
    ];
}

impl fmt::Display for Class {
    /// What it is called in a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoneSurrogate => "half a surrogate pair",
            Self::NonFinite => "NaN and the infinities",
            Self::Deep => "deep nesting",
            Self::Large => "large values",
            Self::HugeInteger => "integers beyond 64 bits",
            Self::BigInteger => "integers beyond 2^53",
            Self::NonBmp => "characters beyond the basic plane",
            Self::Float => "numbers with a fraction",
            Self::Text => "text with special characters",
            Self::Plain => "plain values",
        })
    }
}

pub(super) fn classify(text: &str) -> Class {
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
                let start = i - usize::from(i > 0 && bytes[i - 1] == b'-');
                class = class.min(classify_number(&text[start..end]));
                i = end - 1;
            }
            _ => {}
        }
        i += 1;
    }
    if deepest > 100 { class.min(Class::Deep) } else { class }
}

pub(super) fn is_number_byte(byte: u8) -> bool {
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
        return Class::Float;
    }
    match text.parse::<i64>() {
        Ok(integer) if integer.unsigned_abs() <= EXACT => Class::Plain,
        Ok(_) => Class::BigInteger,
        Err(_) => Class::HugeInteger,
    }
}
