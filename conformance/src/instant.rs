//! Instants as traces, the protocol and reports have them: microseconds since the Unix epoch.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An instant in microseconds; less than one is cut off.
pub(crate) fn micros(at: OffsetDateTime) -> i64 {
    at.unix_timestamp() * 1_000_000 + i64::from(at.microsecond())
}

/// The instant, unless it is beyond the years that dates have.
pub(crate) fn instant(micros: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok()
}

/// An instant as people write it.
pub(crate) fn date(micros: i64) -> String {
    instant(micros).and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_else(|| format!("{micros} µs"))
}
