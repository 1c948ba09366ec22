//! A checked text, token by token.

use std::fmt;

use super::JsonString;

/// A piece of a checked JSON text. `Debug` shows which kind it is, and nothing of what it holds.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Token<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer in its decimal digits, of any length, with or without a sign.
    Integer(&'a str),
    /// Any other number: with a point or an exponent, or one of `NaN`, `Infinity` and `-Infinity`.
    Float(&'a str),
    /// A string.
    String(JsonString<'a>),
    /// A list begins.
    ListStart,
    /// A list ends.
    ListEnd,
    /// An object begins.
    ObjectStart,
    /// The name of an entry; its value follows.
    Name(JsonString<'a>),
    /// An object ends.
    ObjectEnd,
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Bool(_) => "Bool",
            Self::Integer(_) => "Integer",
            Self::Float(_) => "Float",
            Self::String(_) => "String",
            Self::ListStart => "ListStart",
            Self::ListEnd => "ListEnd",
            Self::ObjectStart => "ObjectStart",
            Self::Name(_) => "Name",
            Self::ObjectEnd => "ObjectEnd",
        })
    }
}

/// The tokens of a checked JSON text, in order. Commas, colons and space are left out.
#[derive(Clone)]
pub struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl fmt::Debug for Tokens<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({} of {} bytes)", self.at, self.text.len())
    }
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token, which stays the next.
    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.clone().next()
    }

    /// The bytes up to the end of a string that begins at `start`, behind its quote.
    fn string_end(&self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let mut at = start;
        loop {
            match bytes.get(at) {
                Some(b'\\') => at += 2,
                Some(b'"') | None => return at.min(bytes.len()),
                Some(_) => at += 1,
            }
        }
    }

    fn string(&mut self) -> Token<'a> {
        let start = self.at + 1;
        let end = self.string_end(start);
        self.at = end + 1;
        let string = JsonString(self.text.get(start..end).unwrap_or_default());
        // A name is a string behind which a colon stands.
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.trim_ascii_start().starts_with(':') { Token::Name(string) } else { Token::String(string) }
    }

    fn atom(&mut self) -> Token<'a> {
        let rest = &self.text[self.at..];
        let ends = |byte: u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
        let length = rest.bytes().position(ends).unwrap_or(rest.len());
        self.at += length;
        match &rest[..length] {
            "null" => Token::Null,
            "true" => Token::Bool(true),
            "false" => Token::Bool(false),
            number if number.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) => {
                Token::Integer(number)
            }
            number => Token::Float(number),
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b',' | b':' | b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        let token = match bytes.get(self.at)? {
            b'"' => return Some(self.string()),
            b'[' => Token::ListStart,
            b']' => Token::ListEnd,
            b'{' => Token::ObjectStart,
            b'}' => Token::ObjectEnd,
            _ => return Some(self.atom()),
        };
        self.at += 1;
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    #[test]
    fn a_text_has_these_tokens() {
        use Token::{Bool, Float, Integer, ListEnd, ListStart, Name, Null, ObjectEnd, ObjectStart, String};
        let json = Json::parse(r#"{"a" : [1, -2.5e3,NaN , {}], "\"": ["x:", null], "": true}"#).unwrap();
        let tokens: Vec<_> = json.tokens().collect();
        let expected = [
            ObjectStart,
            Name(JsonString("a")),
            ListStart,
            Integer("1"),
            Float("-2.5e3"),
            Float("NaN"),
            ObjectStart,
            ObjectEnd,
            ListEnd,
            Name(JsonString("\\\"")),
            ListStart,
            String(JsonString("x:")),
            Null,
            ListEnd,
            Name(JsonString("")),
            Bool(true),
            ObjectEnd,
        ];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn a_token_is_shown_without_what_it_holds() {
        let json = Json::parse(r#"{"hunter2": ["hunter2", 1, 2.5, true, null]}"#).unwrap();
        let shown: Vec<_> = json.tokens().map(|token| format!("{token:?}")).collect();
        let kinds = "ObjectStart Name ListStart String Integer Float Bool Null ListEnd ObjectEnd";
        assert_eq!(shown.join(" "), kinds);
    }
}
