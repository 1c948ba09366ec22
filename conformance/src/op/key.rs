//! Keys: as a trace names them, and as they are resolved to what a trace has made so far.

use std::fmt;
use std::sync::LazyLock;

use session_core::Secret;
use session_core::codec::{COOKIE_SALT, SERVER_SALT};
use session_core::signing::Signer;
use time::OffsetDateTime;

use crate::trace::{SECRET, START};

/// A key, by where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyRef {
    /// The n-th key that was issued in this trace, from 1.
    Issued(u32),
    /// A key derived from an issued one.
    Altered(u32, Alteration),
    /// A key that nobody issued.
    Forged(Forged),
}

/// What was done to an issued key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Alteration {
    /// In capitals; in small letters, if there are only capitals; continued, if there are no letters.
    Upper,
    /// Without its last character.
    Cut,
    /// With a space behind it.
    Padded,
    /// Continued behind a NUL.
    Nul,
    /// With a `%` for its last character, as SQL's LIKE takes it.
    Like,
    /// With a `*` for its last character, as a glob.
    Glob,
    /// With a space before it.
    Indented,
    /// With a line break behind it.
    Line,
    /// In quotes.
    Quoted,
    /// With its first character encoded as in a URL.
    Percent,
    /// With a slash before it.
    Slash,
    /// With its first character at full width, which some normal forms take for the same.
    Wide,
    /// With an accent on its last character, which ASCII does not have and some databases leave out.
    Accent,
}

/// A key that nobody issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "`text` shows each")]
pub enum Forged {
    Empty,
    Seven,
    Eight,
    WellFormed,
    Dots,
    Absolute,
    Nul,
    Wildcard,
    Quotes,
    OtherAlphabet,
    Huge,
    OtherSalt,
    OtherSecret,
    Unsigned,
    Spliced,
    CutSignature,
}

impl Forged {
    /// All of them, in the order in which they are simpler to read.
    pub const ALL: [Self; 16] = [
        Self::WellFormed,
        Self::Empty,
        Self::Seven,
        Self::Eight,
        Self::Dots,
        Self::Absolute,
        Self::Nul,
        Self::Wildcard,
        Self::Quotes,
        Self::OtherAlphabet,
        Self::Huge,
        Self::OtherSalt,
        Self::OtherSecret,
        Self::Unsigned,
        Self::Spliced,
        Self::CutSignature,
    ];

    /// The key itself.
    pub fn text(self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Seven => "abcdef1".into(),
            Self::Eight => "abcdef12".into(),
            Self::WellFormed => "0123456789abcdefghijklmnopqrstuv".into(),
            Self::Dots => "../../../../proc/version".into(),
            Self::Absolute => "/proc/version".into(),
            Self::Nul => "abcdefgh\0ijklmnopqrstuvwxyz".into(),
            Self::Wildcard => "%%%%%%%%________********????????".into(),
            Self::Quotes => "' OR '1'='1' -- \"; DROP".into(),
            Self::OtherAlphabet => "ключсессии鍵鍵鍵鍵😀😀".into(),
            Self::Huge => "k".repeat(10_000),
            Self::OtherSalt => SIGNED.other_salt.clone(),
            Self::OtherSecret => SIGNED.other_secret.clone(),
            Self::Unsigned => SIGNED.unsigned.clone(),
            Self::Spliced => SIGNED.spliced.clone(),
            Self::CutSignature => SIGNED.cut_signature.clone(),
        }
    }

    /// Whether it has the eight characters that make it a key.
    pub fn is_key(self) -> bool {
        !matches!(self, Self::Empty | Self::Seven)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Seven => "seven",
            Self::Eight => "eight",
            Self::WellFormed => "unknown",
            Self::Dots => "dots",
            Self::Absolute => "absolute",
            Self::Nul => "nul",
            Self::Wildcard => "wildcard",
            Self::Quotes => "quotes",
            Self::OtherAlphabet => "other-alphabet",
            Self::Huge => "huge",
            Self::OtherSalt => "other-salt",
            Self::OtherSecret => "other-secret",
            Self::Unsigned => "unsigned",
            Self::Spliced => "spliced",
            Self::CutSignature => "cut-signature",
        }
    }
}

/// What a visitor could try where the key is the data: sessions with an entry `a`, in Django's format, that were not
/// signed by the secret of the suite's settings for the purpose of a cookie.
struct Signed {
    other_salt: String,
    other_secret: String,
    unsigned: String,
    spliced: String,
    cut_signature: String,
}

static SIGNED: LazyLock<Signed> = LazyLock::new(|| {
    let start = OffsetDateTime::from_unix_timestamp(START / 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let sign = |secret: &str, salt: &str, data: &str| {
        Signer::new(&Secret::new(secret), &[], salt).dumps(data.as_bytes(), start)
    };
    let whole = sign(SECRET, COOKIE_SALT, r#"{"b":2}"#);
    let wanted = sign("another secret", COOKIE_SALT, r#"{"a":1}"#);
    // payload:time:signature
    let (signed, signature) = whole.rsplit_once(':').unwrap_or_default();
    let (_, time) = signed.split_once(':').unwrap_or_default();
    let (payload, _) = wanted.split_once(':').unwrap_or_default();
    Signed {
        other_salt: sign(SECRET, SERVER_SALT, r#"{"a":1}"#),
        unsigned: format!("{payload}:{time}"),
        spliced: format!("{payload}:{time}:{signature}"),
        cut_signature: format!("{signed}:{}", signature.split_at(signature.len() / 2).0),
        other_secret: wanted,
    }
});

impl Alteration {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Upper,
        Self::Cut,
        Self::Padded,
        Self::Nul,
        Self::Like,
        Self::Glob,
        Self::Indented,
        Self::Line,
        Self::Quoted,
        Self::Percent,
        Self::Slash,
        Self::Wide,
        Self::Accent,
    ];

    /// The altered key.
    pub fn apply(self, key: &str) -> String {
        match self {
            Self::Upper => [key.to_ascii_uppercase(), key.to_ascii_lowercase()]
                .into_iter()
                .find(|other| other != key)
                .unwrap_or_else(|| format!("{key}a")),
            Self::Cut => without_last(key),
            Self::Padded => format!("{key} "),
            Self::Nul => format!("{key}\0x"),
            Self::Like => without_last(key) + "%",
            Self::Glob => without_last(key) + "*",
            Self::Indented => format!(" {key}"),
            Self::Line => format!("{key}\n"),
            Self::Quoted => format!("\"{key}\""),
            Self::Percent => with_first(key, |first| format!("%{:02x}", u32::from(first))),
            Self::Slash => format!("/{key}"),
            // ASCII stands at full width in the same order, from U+FF01 on.
            Self::Wide => with_first(key, |first| {
                char::from_u32(u32::from(first) + 0xFEE0).unwrap_or(first).to_string()
            }),
            Self::Accent => format!("{key}\u{301}"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Upper => "upper",
            Self::Cut => "cut",
            Self::Padded => "padded",
            Self::Nul => "nul",
            Self::Like => "like",
            Self::Glob => "glob",
            Self::Indented => "indented",
            Self::Line => "line",
            Self::Quoted => "quoted",
            Self::Percent => "percent",
            Self::Slash => "slash",
            Self::Wide => "wide",
            Self::Accent => "accent",
        }
    }
}

fn with_first(key: &str, change: impl Fn(char) -> String) -> String {
    let mut rest = key.chars();
    rest.next().map(change).unwrap_or_default() + rest.as_str()
}

fn without_last(key: &str) -> String {
    key.chars().take(key.chars().count().saturating_sub(1)).collect()
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issued(n) => write!(f, "k{n}"),
            Self::Altered(n, alteration) => write!(f, "k{n}:{}", alteration.name()),
            Self::Forged(forged) => write!(f, "forged:{}", forged.name()),
        }
    }
}

impl std::str::FromStr for KeyRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("`{text}` is no key: expected k1, k1:upper, or forged:unknown");
        if let Some(name) = text.strip_prefix("forged:") {
            return Forged::ALL.into_iter().find(|f| f.name() == name).map(Self::Forged).ok_or_else(fault);
        }
        let (number, alteration) = match text.split_once(':') {
            Some((number, name)) => (number, Some(name)),
            None => (text, None),
        };
        let number =
            number.strip_prefix('k').and_then(|n| n.parse().ok()).filter(|n| *n > 0).ok_or_else(fault)?;
        match alteration {
            None => Ok(Self::Issued(number)),
            Some(name) => Alteration::ALL
                .into_iter()
                .find(|a| a.name() == name)
                .map(|a| Self::Altered(number, a))
                .ok_or_else(fault),
        }
    }
}

/// A key that a step acts on, once it is clear which one that is. Two keys are the same exactly if they are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Key {
    /// The n-th key that was issued, from 1. There is such a key, or it is the next.
    Issued(u32),
    /// A key derived from an issued one.
    Altered(u32, Alteration),
    /// A key that nobody issued.
    Forged(Forged),
    /// Another key that came from outside; each has a number. Traces have none.
    Foreign(u32),
}

impl Key {
    /// Whether it has the eight characters that make it a key.
    pub fn is_key(self) -> bool {
        !matches!(self, Self::Forged(forged) if !forged.is_key())
    }

    /// Whether a visitor could have made it up: it was not issued.
    pub fn is_foreign(self) -> bool {
        !matches!(self, Self::Issued(_))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Issued(n) => KeyRef::Issued(n).fmt(f),
            Self::Altered(n, alteration) => KeyRef::Altered(n, alteration).fmt(f),
            Self::Forged(forged) => KeyRef::Forged(forged).fmt(f),
            Self::Foreign(n) => write!(f, "foreign:{n}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_altered_key_is_another_one() {
        for key in ["0123456789abcdefghijklmnopqrstuv", "0123456789ABCDEF", "0123456789012345"] {
            for alteration in Alteration::ALL {
                assert_ne!(alteration.apply(key), key, "{alteration:?}");
            }
        }
    }
}
