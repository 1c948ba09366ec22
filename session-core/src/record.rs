//! What a store keeps under a key.

use time::OffsetDateTime;

/// A JSON value. Insertion order is kept, and integers keep all their digits.
pub use serde_json::Value;

/// The dictionary of a session.
pub type Map = serde_json::Map<String, Value>;

/// A session as a store keeps it: its data, and the instant from which it no longer exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The session's dictionary, private entries such as `_session_expiry` included.
    pub data: Map,
    /// The record is readable while the clock is before this instant, and not at it.
    pub expires: OffsetDateTime,
}
