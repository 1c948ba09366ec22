//! The header `Cookie`: which of the cookies in it is the session's. The cases are a table with the answers that real
//! Django gave; the model is as plain as it can be written.

use serde::Deserialize;

/// A header, and whose session it opens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HeaderCase {
    /// The rule that it is about.
    pub rule: String,
    /// The header with placeholders, as `adapters/django/middleware_table.py` explains them.
    pub header: String,
    /// Whether RFC 6265 allows it. What it does not allow, a server may refuse.
    pub allowed: bool,
    /// What Django finds: 1 in the session of `{live}`, 2 in that of `{other}`, and nothing in none.
    pub finds: Option<i64>,
}

/// What the placeholders of a header stand for.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the placeholders of these names")]
pub struct Words<'a> {
    pub name: &'a str,
    pub live: &'a str,
    pub other: &'a str,
}

impl HeaderCase {
    /// The header itself.
    pub fn sent(&self, words: Words<'_>) -> String {
        self.header
            .replace("{name}", words.name)
            .replace("{NAME}", &words.name.to_uppercase())
            .replace("{live}", words.live)
            .replace("{other}", words.other)
            .replace("{64k}", &"theme=dark; ".repeat(65_536 / 12))
            .replace("{10k}", &"k".repeat(10_000))
    }

    /// What must be found.
    pub fn predict(&self, words: Words<'_>) -> Option<i64> {
        match session_cookie(&self.sent(words), words.name) {
            Some(value) if value == words.live => Some(1),
            Some(value) if value == words.other => Some(2),
            _ => None,
        }
    }

    /// Whether it can be sent at all: no program that keeps to HTTP sends control characters.
    pub fn can_be_sent(&self) -> bool {
        self.header.bytes().all(|byte| byte == b'\t' || !byte.is_ascii_control())
    }

    /// Whether two cookies in it have the session cookie's name.
    pub fn has_two(&self) -> bool {
        self.header.matches("{name}").count() > 1
    }

    /// Whether the application may answer with a status of the 400s instead.
    pub fn may_be_refused(&self) -> bool {
        !self.allowed
            || ["middleware.key.long-header", "middleware.key.hostile"].contains(&self.rule.as_str())
    }
}

/// The value of the session cookie: that of the last cookie of exactly this name.
fn session_cookie<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let blank = [' ', '\t'];
    let cookies = header.split(';').filter_map(|cookie| cookie.split_once('='));
    let mut ours = cookies.filter(|(given, _)| given.trim_matches(blank) == name);
    let value = ours.next_back()?.1.trim_matches(blank);
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    Some(quoted.unwrap_or(value))
}
