//! What an acknowledged change has survived.

/// What a write, and so a log-out, has survived when it is reported as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// A power failure: it was flushed to the disk.
    Synced,
    /// The end of this process. A power failure may take the last changes back: a session that was logged out a
    /// moment before is then open again.
    Written,
}
