//! Parts of an application that can be done in another way, each a place in which a vulnerability has been.

use std::sync::atomic::{AtomicU32, Ordering};

use http::{HeaderMap, header};
use session_conformance::application::{Operation, Request};
use session_core::{BoxError, KeyGenerator, RandomKeys, SessionKey};

/// A part, and how it is done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// The value of the session cookie: the header, and the cookie's name.
    Reads(fn(&str, &str) -> Option<String>),
    /// Whether the answer has `Vary: Cookie`.
    Varies(fn(Happened) -> bool),
    /// Keys, from a source of chance that fails now and then, on a store that overwrites.
    Draws(fn(&Source) -> Result<SessionKey, BoxError>),
    /// Whether a session that is written to gets the key of the cookie though nobody issued it.
    Opens { unknown_keys: bool },
    /// Whether a session keeps its key when somebody logs in.
    LogsIn { keeps_key: bool },
    /// What is written to the output about the session of a request.
    Tells(fn(&SessionKey) -> String),
}

/// What became of a session in a request.
#[expect(clippy::struct_excessive_bools, reason = "each happens or not")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Happened {
    /// The handler looked at it.
    pub(crate) accessed: bool,
    /// It looked at more than the names of its entries.
    pub(crate) read: bool,
    /// The cookie is set.
    pub(crate) set: bool,
    /// The cookie is deleted.
    pub(crate) deleted: bool,
}

impl Happened {
    pub(crate) fn of(request: &Request, accessed: bool) -> Self {
        let names = |operation: &Operation| {
            matches!(operation, Operation::Contains(_) | Operation::Keys | Operation::IsEmpty)
        };
        let read = accessed && !request.operations.iter().all(names);
        Self { accessed, read, set: false, deleted: false }
    }

    /// The same with what the answer says.
    pub(crate) fn with(self, answer: &HeaderMap) -> Self {
        let cookie = answer.get(header::SET_COOKIE).map(|line| line.to_str().unwrap());
        let deleted = cookie.is_some_and(|line| line.contains("Max-Age=0"));
        Self { set: cookie.is_some() && !deleted, deleted, ..self }
    }
}

/// A source of chance that fails every third time.
#[derive(Debug, Default)]
pub(crate) struct Source(AtomicU32);

impl Source {
    pub(crate) fn draw(&self) -> Result<SessionKey, BoxError> {
        if self.0.fetch_add(1, Ordering::Relaxed) % 3 == 2 {
            return Err("the source of chance is exhausted".into());
        }
        RandomKeys.generate()
    }
}

/// The keys that such a part draws.
#[derive(Debug)]
pub(crate) struct Drawn {
    source: Source,
    draw: fn(&Source) -> Result<SessionKey, BoxError>,
}

impl Drawn {
    pub(crate) fn by(draw: fn(&Source) -> Result<SessionKey, BoxError>) -> Self {
        Self { source: Source::default(), draw }
    }
}

impl KeyGenerator for Drawn {
    fn generate(&self) -> Result<SessionKey, BoxError> {
        (self.draw)(&self.source)
    }
}

/// The value between quotes, if it has them.
pub(crate) fn without_quotes(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}
