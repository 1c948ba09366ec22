//! The errors of stores and sessions, one enum each.

use std::error::Error;
use std::fmt;

use crate::SessionKey;
use crate::json::JsonError;

/// An error of any type, as the cause of another one.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What can go wrong in a store. The class is part of the contract: an application, the [`Session`]
/// and the conformance suite decide by it.
///
/// A message says what was being done; what lies beneath is the [`source`](Error::source). [`Chain`] shows both.
///
/// [`Session`]: crate::Session
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// `insert` found the key taken. Nothing was written. (Django: `CreateError`.)
    #[error("cannot insert session {0}: the key is taken")]
    Exists(SessionKey),
    /// `update` found no record under the key. Nothing was written. (Django: `UpdateError`.)
    #[error("cannot update session {0}: no such session")]
    NotFound(SessionKey),
    /// A record is there but cannot be trusted or decoded: a bad signature, cut or foreign data. A
    /// session turns this into an empty one and a security event; the record is left as it is.
    #[error("the record of session {key} is corrupt")]
    #[non_exhaustive]
    Corrupt {
        /// Whose record.
        key: SessionKey,
        /// What was wrong with it, without its contents.
        source: BoxError,
    },
    /// A value that cannot be kept as it is: nothing was written, or the record was left as it is.
    #[error("session {key} holds what cannot be kept")]
    #[non_exhaustive]
    Unrepresentable {
        /// Whose record.
        key: SessionKey,
        /// Which entry, and what about it.
        source: BoxError,
    },
    /// The session is larger than the store can hold, or than the settings allow. Nothing was written.
    #[error("session {key} is {size} bytes encoded; this store takes at most {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// Whose record.
        key: SessionKey,
        /// Its size, encoded, in bytes.
        size: u64,
        /// The most this store takes, in bytes.
        limit: u64,
    },
    /// The store does not offer the operation, and says so in its capabilities.
    #[error("{store} cannot {operation}")]
    #[non_exhaustive]
    Unsupported {
        /// The store's name.
        store: &'static str,
        /// What was asked, as a verb phrase.
        operation: &'static str,
    },
    /// The storage behind the store failed: it is down, locked, full, read-only, or not what it
    /// should be. Whether a write took place is unknown unless the message says it.
    #[error("cannot {operation}{}", in_brackets(hint.as_deref().unwrap_or_default()))]
    #[non_exhaustive]
    Unavailable {
        /// What was being done, as a verb phrase, and to what.
        operation: String,
        /// What may help, where that is known.
        hint: Option<String>,
        /// What went wrong.
        source: BoxError,
    },
}

/// A hint as it stands behind an error's message; nothing, if it is empty. For the stores' own errors.
#[doc(hidden)]
pub fn in_brackets(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!(" ({hint})") }
}

impl StoreError {
    /// [`StoreError::Corrupt`], with what is wrong.
    pub fn corrupt(key: &SessionKey, source: impl Into<BoxError>) -> Self {
        Self::Corrupt { key: key.clone(), source: source.into() }
    }

    /// [`StoreError::Unrepresentable`], with which entry it is, and what about it.
    pub fn unrepresentable(key: &SessionKey, source: impl Into<BoxError>) -> Self {
        Self::Unrepresentable { key: key.clone(), source: source.into() }
    }

    /// [`StoreError::TooLarge`], with the size and the greatest size in bytes.
    pub fn too_large(key: &SessionKey, size: u64, limit: u64) -> Self {
        Self::TooLarge { key: key.clone(), size, limit }
    }

    /// [`StoreError::Unsupported`], with the store's name and what was asked, as a verb phrase.
    pub fn unsupported(store: &'static str, operation: &'static str) -> Self {
        Self::Unsupported { store, operation }
    }

    /// [`StoreError::Unavailable`], with what was being done, as a verb phrase, and what went wrong.
    pub fn unavailable(operation: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Unavailable { operation: operation.into(), hint: None, source: source.into() }
    }

    /// The same error with what may help. Errors other than [`StoreError::Unavailable`] have no hint.
    #[must_use]
    pub fn with_hint(mut self, text: impl Into<String>) -> Self {
        if let Self::Unavailable { hint, .. } = &mut self {
            *hint = Some(text.into()).filter(|text| !text.is_empty());
        }
        self
    }
}

/// What can go wrong with a session.
///
/// The Django counterparts are `KeyError`, `CreateError`, `UpdateError` and `OverflowError`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// There is no such entry (`KeyError`).
    #[error("there is no entry {0:?} in the session")]
    NoSuchEntry(String),
    /// A value has no form in JSON, or cannot be kept as it is. The session is unchanged.
    #[error("the value of entry {name:?} cannot be kept")]
    #[non_exhaustive]
    Unrepresentable {
        /// The entry.
        name: String,
        /// What about its value.
        source: JsonError,
    },
    /// A value is there but is not of the type that was asked for, or that type cannot hold it as it is. The value
    /// stays, and the session is usable.
    #[error("the value of entry {name:?} is not of the type that was asked for")]
    #[non_exhaustive]
    WrongType {
        /// The entry.
        name: String,
        /// What does not fit.
        source: JsonError,
    },
    /// The session's expiry is no expiry, or lies outside the years 1 to 9999.
    #[error("the session's expiry is not usable: {0}")]
    InvalidExpiry(String),
    /// No unused key was found: the key generator keeps giving keys that are taken.
    #[error("no unused session key in {0} attempts: the key generator repeats itself")]
    KeysExhausted(u32),
    /// The source of randomness failed, so that no new key can be made.
    #[error("no session key can be made")]
    NoRandomness(#[source] BoxError),
    /// The store failed or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SessionError {
    /// [`SessionError::Unrepresentable`], with the entry and what about its value.
    pub fn unrepresentable(name: impl Into<String>, source: JsonError) -> Self {
        Self::Unrepresentable { name: name.into(), source }
    }
}

/// Shows an error with all that lies beneath it, as logs want it: `cannot load a session: connection refused`.
///
/// ```
/// use session_core::{Chain, StoreError};
///
/// let error = StoreError::unavailable("load a session", "connection refused");
/// assert_eq!(Chain(&error).to_string(), "cannot load a session: connection refused");
/// ```
#[derive(Clone, Copy)]
pub struct Chain<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut beneath = self.0.source();
        while let Some(error) = beneath {
            let more = error.to_string();
            // Errors of other crates often say what their source says.
            if !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            beneath = error.source();
        }
        f.write_str(&text)
    }
}

impl fmt::Debug for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_does_not_repeat_its_source_and_the_chain_has_both() {
        let error = StoreError::unavailable("load a session", "connection refused").with_hint("does it run?");
        assert_eq!(error.to_string(), "cannot load a session (does it run?)");
        assert_eq!(Chain(&error).to_string(), "cannot load a session (does it run?): connection refused");
        let error = SessionError::Store(error);
        assert_eq!(Chain(&error).to_string(), "cannot load a session (does it run?): connection refused");
    }
}
