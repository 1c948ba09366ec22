//! Instants as Django's SQLite backend keeps them: text without an offset, in UTC, or in the time zone of a site with
//! `USE_TZ = False`.

use session_core::TimeZone;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

const SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const MICROS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]");

/// An instant as text, with microseconds only where there are any. In UTC such texts sort as their instants do.
pub(super) fn write(at: OffsetDateTime, zone: Option<&TimeZone>) -> String {
    let in_utc = || {
        let at = at.checked_to_offset(UtcOffset::UTC).unwrap_or(at);
        PrimitiveDateTime::new(at.date(), at.time())
    };
    let local = zone.map_or_else(in_utc, |zone| zone.local(at));
    // Formatting into a String fails for no date.
    local.format(if local.microsecond() == 0 { SECONDS } else { MICROS }).unwrap_or_default()
}

/// The instant of a text.
pub(super) fn read(text: &str, zone: Option<&TimeZone>) -> Option<OffsetDateTime> {
    let format = if text.contains('.') { MICROS } else { SECONDS };
    let local = PrimitiveDateTime::parse(text, format).ok()?;
    Some(zone.map_or_else(|| local.assume_utc(), |zone| zone.instant(local)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use time::macros::datetime;

    use super::*;

    #[rstest]
    #[case(datetime!(2030-01-01 00:00:00 UTC), "2030-01-01 00:00:00")]
    #[case(datetime!(2030-01-01 05:30:00.000001 +05:30), "2030-01-01 00:00:00.000001")]
    #[case(datetime!(0001-01-01 00:00:00 UTC), "0001-01-01 00:00:00")]
    fn instants_are_written_as_django_writes_them(#[case] at: OffsetDateTime, #[case] text: &str) {
        assert_eq!(write(at, None), text);
        assert_eq!(read(text, None), Some(at));
    }

    #[test]
    fn a_site_without_time_zones_has_local_time() {
        let (zone, at) = (TimeZone::named("Asia/Tokyo").unwrap(), datetime!(2030-01-01 00:00:00.5 UTC));
        assert_eq!(write(at, Some(&zone)), "2030-01-01 09:00:00.500000");
        assert_eq!(read("2030-01-01 09:00:00.500000", Some(&zone)), Some(at));
    }

    #[test]
    fn what_is_no_date_is_none() {
        assert_eq!(read("9 of May", None), None);
    }
}
