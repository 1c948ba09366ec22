//! What a store keeps under a key.

use time::OffsetDateTime;

use crate::Entries;

/// A session as a store keeps it: its data, and the instant from which it no longer exists. Cloning it copies no
/// data.
///
/// ```
/// use session_core::{Entries, Record};
/// use time::macros::datetime;
///
/// let record = Record::new(Entries::parse(br#"{"user": "ada"}"#)?, datetime!(2030-01-01 00:00 UTC));
/// // What a store writes, and the instant from which it gives nothing back:
/// assert_eq!(record.data.to_json(), r#"{"user": "ada"}"#);
/// assert_eq!(record.expires.year(), 2030);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// The session's dictionary, private entries such as `_session_expiry` included.
    pub data: Entries,
    /// The record is readable while the clock is before this instant, and not at it.
    pub expires: OffsetDateTime,
}

impl Record {
    /// A record of this data, until this instant.
    pub fn new(data: Entries, expires: OffsetDateTime) -> Self {
        Self { data, expires }
    }
}
