//! The errors of stores and sessions, one enum each.

use std::error::Error;

use crate::SessionKey;

/// What can go wrong in a store. The class is part of the contract: an application, the [`Session`]
/// and the conformance suite decide by it.
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
    #[error("the record of session {key} is corrupt: {reason}")]
    Corrupt {
        /// Whose record.
        key: SessionKey,
        /// What was wrong with it, without its contents.
        reason: String,
    },
    /// A value that cannot be kept as it is: nothing was written, or the record was left as it is.
    #[error("session {key}: {reason}")]
    Unrepresentable {
        /// Whose record.
        key: SessionKey,
        /// Which entry, and what about it.
        reason: String,
    },
    /// The encoded session is larger than the store can hold. Nothing was written.
    #[error("session {key} is {size} bytes encoded; this store takes at most {limit}")]
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
    Unsupported {
        /// The store's name.
        store: &'static str,
        /// What was asked, as a verb phrase.
        operation: &'static str,
    },
    /// The storage behind the store failed: it is down, locked, full, read-only, or not what it
    /// should be. Whether a write took place is unknown unless the message says it.
    #[error("cannot {operation}: {reason}")]
    Unavailable {
        /// What was being done, as a verb phrase, and to what.
        operation: String,
        /// What went wrong, and the remedy where one is known.
        reason: String,
        /// The error beneath.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
}

/// What can go wrong with a session.
///
/// The Django counterparts are `KeyError`, `CreateError`, `UpdateError` and `OverflowError`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// There is no such entry (`KeyError`).
    #[error("there is no entry {0:?} in the session")]
    KeyError(String),
    /// A value is no JSON, or cannot be kept as it is. The session is unchanged.
    #[error("the value of entry {name:?} cannot be kept: {reason}")]
    Unrepresentable {
        /// The entry.
        name: String,
        /// What about its value.
        reason: String,
    },
    /// A value is there but is not of the type that was asked for. What it is stands in the source only: it may be
    /// nothing for a log.
    #[error("the value of entry {name:?} is not of the type that was asked for")]
    WrongType {
        /// The entry.
        name: String,
        /// What does not fit.
        source: serde_json::Error,
    },
    /// The session's expiry is no expiry, or lies outside the years 1 to 9999.
    #[error("the session's expiry is not usable: {0}")]
    InvalidExpiry(String),
    /// No unused key was found: the key generator keeps giving keys that are taken.
    #[error("no unused session key in {0} attempts: the key generator repeats itself")]
    KeysExhausted(u32),
    /// The store failed or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}
