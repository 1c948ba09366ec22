//! Instants as Django's SQLite backend keeps them: text without an offset, in UTC, or in the time zone of a site with
//! `USE_TZ = False`.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

const SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const MICROS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]");

/// In what time the table is kept.
#[derive(Debug, Clone, Default)]
pub(super) enum Zone {
    /// Django's default, `USE_TZ = True`.
    #[default]
    Utc,
    /// Local time.
    Local(TimeZone),
}

impl Zone {
    /// A zone of the system's time zone database, or else of the one in this program.
    pub(super) fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self::Local)
    }

    /// An instant as text, with microseconds only where there are any. In UTC such texts sort as their instants do.
    pub(super) fn write_column(&self, at: OffsetDateTime) -> String {
        let at = at.checked_to_offset(self.offset(at)).unwrap_or(at);
        // Formatting into a String fails for no date.
        at.format(if at.microsecond() == 0 { SECONDS } else { MICROS }).unwrap_or_default()
    }

    /// The instant of a text. Of two, in the hour that comes twice when summer ends, it is the first; of none, in the
    /// hour that is left out, it is as long after the hour before as it says.
    pub(super) fn read_column(&self, text: &str) -> Option<OffsetDateTime> {
        let format = if text.contains('.') { MICROS } else { SECONDS };
        let local = PrimitiveDateTime::parse(text, format).ok()?;
        let Self::Local(zone) = self else { return Some(local.assume_utc()) };
        let (date, time) = (local.date(), local.time());
        let year = i16::try_from(date.year()).ok()?;
        let month = i8::try_from(u8::from(date.month())).ok()?;
        let civil = civil::DateTime::new(
            year,
            month,
            i8::try_from(date.day()).ok()?,
            i8::try_from(time.hour()).ok()?,
            i8::try_from(time.minute()).ok()?,
            i8::try_from(time.second()).ok()?,
            i32::try_from(time.nanosecond()).ok()?,
        );
        match zone.to_ambiguous_timestamp(civil.ok()?).compatible() {
            Ok(at) => OffsetDateTime::from_unix_timestamp_nanos(at.as_nanosecond()).ok(),
            // The first and the last day are beyond the calendar of zones.
            Err(_) => Some(local.assume_offset(self.offset(local.assume_utc()))),
        }
    }

    /// How far local time is from UTC at an instant.
    fn offset(&self, at: OffsetDateTime) -> UtcOffset {
        let Self::Local(zone) = self else { return UtcOffset::UTC };
        let seconds = at.unix_timestamp().clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let offset = Timestamp::from_second(seconds).map(|at| zone.to_offset(at).seconds());
        offset.ok().and_then(|seconds| UtcOffset::from_whole_seconds(seconds).ok()).unwrap_or(UtcOffset::UTC)
    }
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
        assert_eq!(Zone::Utc.write_column(at), text);
        assert_eq!(Zone::Utc.read_column(text), Some(at));
    }

    #[rstest]
    #[case("Asia/Tokyo", datetime!(2030-01-01 00:00:00.5 UTC), "2030-01-01 09:00:00.500000")]
    #[case("America/Chicago", datetime!(2030-01-01 00:00:00 UTC), "2029-12-31 18:00:00")]
    #[case("America/Chicago", datetime!(2026-07-01 00:00:00 UTC), "2026-06-30 19:00:00")]
    #[case("America/Chicago", datetime!(9999-12-31 23:59:59 UTC), "9999-12-31 17:59:59")]
    fn a_site_without_time_zones_has_local_time(
        #[case] zone: &str,
        #[case] at: OffsetDateTime,
        #[case] text: &str,
    ) {
        let zone = Zone::named(zone).unwrap();
        assert_eq!(zone.write_column(at), text);
        assert_eq!(zone.read_column(text), Some(at));
    }

    /// Of the instants that a local time can mean it is the earlier one: nobody's session lasts longer than it should.
    #[test]
    fn an_hour_that_comes_twice_is_the_first_of_the_two() {
        let zone = Zone::named("America/Chicago").unwrap();
        assert_eq!(zone.write_column(datetime!(2026-11-01 06:30 UTC)), "2026-11-01 01:30:00");
        assert_eq!(zone.write_column(datetime!(2026-11-01 07:30 UTC)), "2026-11-01 01:30:00");
        assert_eq!(zone.read_column("2026-11-01 01:30:00"), Some(datetime!(2026-11-01 06:30 UTC)));
    }

    #[test]
    fn an_hour_that_is_left_out_comes_after_the_one_before_it() {
        let zone = Zone::named("America/Chicago").unwrap();
        assert_eq!(zone.write_column(datetime!(2026-03-08 08:00 UTC)), "2026-03-08 03:00:00");
        assert_eq!(zone.read_column("2026-03-08 02:30:00"), Some(datetime!(2026-03-08 08:30 UTC)));
    }

    #[test]
    fn the_last_hours_of_the_last_year_are_no_fault() {
        let zone = Zone::named("Asia/Tokyo").unwrap();
        assert!(!zone.write_column(datetime!(9999-12-31 23:59:59 UTC)).is_empty());
        assert_eq!(zone.read_column("9 of May"), None);
    }

    #[test]
    fn there_is_no_such_zone() {
        assert!(Zone::named("Asia/Nowhere").is_none());
    }
}
