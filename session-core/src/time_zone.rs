//! The time zone of a site with `USE_TZ = False`: there Django writes local times without an offset.
//!
//! The zones are those of the crate `jiff`, behind the feature `time-zone`. Without it a zone cannot be named, so
//! that there is none.

use std::fmt;

use serde::{Deserialize, Deserializer};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::SettingsError;

/// A time zone: Django's setting `TIME_ZONE` where `USE_TZ` is `False`.
///
/// In settings it is written by its name. It needs the feature `time-zone`.
#[derive(Clone, PartialEq, Eq)]
pub struct TimeZone(zones::Zone);

impl TimeZone {
    /// The zone of this name in the IANA's database, such as `Europe/Paris`.
    ///
    /// # Errors
    /// [`SettingsError::TimeZone`] if there is none, or this build has no zones.
    pub fn named(name: &str) -> Result<Self, SettingsError> {
        zones::named(name).map(Self).map_err(|reason| SettingsError::TimeZone { name: name.into(), reason })
    }

    /// The local time at an instant.
    pub fn local(&self, at: OffsetDateTime) -> PrimitiveDateTime {
        let local = at.checked_to_offset(self.offset(at)).unwrap_or(at);
        PrimitiveDateTime::new(local.date(), local.time())
    }

    /// The instant of a local time. Of two, in the hour that comes twice when summer ends, it is the first, so that
    /// nobody's session lasts longer than it should; of none, in the hour that is left out, it is as long after the
    /// hour before as it says.
    pub fn instant(&self, local: PrimitiveDateTime) -> OffsetDateTime {
        let at_first = zones::instant(&self.0, local);
        // The first and the last day are beyond the calendar of zones.
        at_first.unwrap_or_else(|| local.assume_offset(self.offset(local.assume_utc())))
    }

    /// How far local time is from UTC at an instant.
    fn offset(&self, at: OffsetDateTime) -> UtcOffset {
        UtcOffset::from_whole_seconds(zones::offset(&self.0, at)).unwrap_or(UtcOffset::UTC)
    }
}

impl fmt::Debug for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimeZone({})", zones::name(&self.0))
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::named(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "time-zone")]
mod zones {
    use jiff::Timestamp;
    use jiff::civil;
    use time::{OffsetDateTime, PrimitiveDateTime};

    pub(super) type Zone = jiff::tz::TimeZone;

    /// A zone of the system's database, or else of the one in this program.
    pub(super) fn named(name: &str) -> Result<Zone, &'static str> {
        Zone::get(name).map_err(|_| "there is no such time zone; one is Europe/Paris")
    }

    pub(super) fn name(zone: &Zone) -> &str {
        zone.iana_name().unwrap_or_default()
    }

    pub(super) fn offset(zone: &Zone, at: OffsetDateTime) -> i32 {
        let seconds = at.unix_timestamp().clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Timestamp::from_second(seconds).map_or(0, |at| zone.to_offset(at).seconds())
    }

    pub(super) fn instant(zone: &Zone, local: PrimitiveDateTime) -> Option<OffsetDateTime> {
        let (date, time) = (local.date(), local.time());
        let civil = civil::DateTime::new(
            i16::try_from(date.year()).ok()?,
            i8::try_from(u8::from(date.month())).ok()?,
            i8::try_from(date.day()).ok()?,
            i8::try_from(time.hour()).ok()?,
            i8::try_from(time.minute()).ok()?,
            i8::try_from(time.second()).ok()?,
            i32::try_from(time.nanosecond()).ok()?,
        );
        let at = zone.to_ambiguous_timestamp(civil.ok()?).compatible().ok()?;
        OffsetDateTime::from_unix_timestamp_nanos(at.as_nanosecond()).ok()
    }
}

#[cfg(not(feature = "time-zone"))]
#[path = "time_zone/none.rs"]
mod zones;

#[cfg(test)]
#[cfg(not(feature = "time-zone"))]
mod tests_without {
    use super::*;

    #[test]
    fn a_build_without_time_zones_names_the_feature() {
        let error = TimeZone::named("Asia/Tokyo").unwrap_err().to_string();
        assert!(error.contains("Asia/Tokyo") && error.contains("`time-zone`"), "{error}");
    }
}

#[cfg(test)]
#[cfg(feature = "time-zone")]
mod tests {
    use rstest::rstest;
    use time::macros::datetime;

    use super::*;
    use crate::Settings;

    fn zone(name: &str) -> TimeZone {
        TimeZone::named(name).unwrap()
    }

    #[rstest]
    #[case("Asia/Tokyo", datetime!(2030-01-01 00:00:00.5 UTC), datetime!(2030-01-01 09:00:00.5))]
    #[case("America/Chicago", datetime!(2030-01-01 00:00:00 UTC), datetime!(2029-12-31 18:00:00))]
    #[case("America/Chicago", datetime!(2026-07-01 00:00:00 UTC), datetime!(2026-06-30 19:00:00))]
    // A few hours after summer has ended, and after it has begun: by the clock of the place, and not of UTC.
    #[case("America/Chicago", datetime!(2026-11-01 11:00:00 UTC), datetime!(2026-11-01 05:00:00))]
    #[case("America/Chicago", datetime!(2026-03-08 11:00:00 UTC), datetime!(2026-03-08 06:00:00))]
    #[case("America/Chicago", datetime!(9999-12-31 23:59:59 UTC), datetime!(9999-12-31 17:59:59))]
    fn an_instant_has_a_local_time_and_comes_back(
        #[case] name: &str,
        #[case] at: OffsetDateTime,
        #[case] local: PrimitiveDateTime,
    ) {
        assert_eq!(zone(name).local(at), local);
        assert_eq!(zone(name).instant(local), at);
    }

    /// Of the instants that a local time can mean it is the earlier one: nobody's session lasts longer than it should.
    #[test]
    fn an_hour_that_comes_twice_is_the_first_of_the_two() {
        let zone = zone("America/Chicago");
        let local = datetime!(2026-11-01 01:30:00);
        assert_eq!(zone.local(datetime!(2026-11-01 06:30 UTC)), local);
        assert_eq!(zone.local(datetime!(2026-11-01 07:30 UTC)), local);
        assert_eq!(zone.instant(local), datetime!(2026-11-01 06:30 UTC));
    }

    #[test]
    fn an_hour_that_is_left_out_comes_after_the_one_before_it() {
        let zone = zone("America/Chicago");
        assert_eq!(zone.local(datetime!(2026-03-08 08:00 UTC)), datetime!(2026-03-08 03:00:00));
        assert_eq!(zone.instant(datetime!(2026-03-08 02:30:00)), datetime!(2026-03-08 08:30 UTC));
    }

    #[test]
    fn the_first_and_the_last_hours_of_the_calendar_are_no_fault() {
        let zone = zone("Asia/Tokyo");
        zone.local(datetime!(9999-12-31 23:59:59 UTC));
        zone.instant(datetime!(0001-01-01 00:00:00));
    }

    #[test]
    fn a_zone_that_is_none_is_refused_where_the_settings_are_read() {
        let error = serde_json::from_str::<Settings>(r#"{"time_zone": "Asia/Nowhere"}"#).unwrap_err();
        assert!(error.to_string().contains("time_zone is \"Asia/Nowhere\""), "{error}");
        let settings: Settings = serde_json::from_str(r#"{"time_zone": "Asia/Tokyo"}"#).unwrap();
        assert!(format!("{settings:?}").contains("Asia/Tokyo"));
    }
}
