//! When a session expires, as the model reckons it: in microseconds since the Unix epoch.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::instant::{instant, micros};
use crate::json::Json;
use crate::observation::ErrorKind;
use crate::op::Expiry;

/// The first microsecond of year 1, and the last of year 9999.
const FIRST: i128 = -62_135_596_800_000_000;
const LAST: i128 = 253_402_300_799_999_999;

/// The name of the entry that holds a session's own expiry.
pub(crate) const ENTRY: &str = "_session_expiry";

/// The entry's value for an expiry, at the instant it is set; `None` if the entry goes.
pub(super) fn entry(expiry: Expiry, now: i64) -> Option<Json> {
    match expiry {
        Expiry::Default => None,
        Expiry::Seconds(seconds) => Some(Json::from_canonical(seconds.to_string())),
        Expiry::Duration(micros) => Some(Json::text(&iso(now + micros, 0))),
        Expiry::At(at, offset) => Some(Json::text(&iso(at, offset))),
    }
}

/// Reads the entry back.
pub(super) fn from_entry(value: &Json) -> Result<Expiry, ErrorKind> {
    if value.as_str() == "null" {
        return Ok(Expiry::Default);
    }
    if let Ok(seconds) = value.as_str().parse() {
        return Ok(Expiry::Seconds(seconds));
    }
    let text = value.as_text().ok_or(ErrorKind::InvalidExpiry)?;
    let at = OffsetDateTime::parse(&text, &Rfc3339).map_err(|_| ErrorKind::InvalidExpiry)?;
    Ok(Expiry::At(micros(at), 0))
}

/// The seconds left, rounded down.
pub(super) fn age(expiry: Expiry, modification: i64, cookie_age: i64) -> i64 {
    match expiry {
        Expiry::Default | Expiry::Seconds(0) => cookie_age,
        Expiry::Seconds(seconds) => seconds,
        Expiry::Duration(micros) => micros.div_euclid(1_000_000),
        Expiry::At(at, _) => (at - modification).div_euclid(1_000_000),
    }
}

/// The instant.
pub(super) fn date(expiry: Expiry, modification: i64, cookie_age: i64) -> Result<i64, ErrorKind> {
    let date = match expiry {
        Expiry::At(at, _) => i128::from(at),
        other => i128::from(modification) + i128::from(age(other, modification, cookie_age)) * 1_000_000,
    };
    if (FIRST..=LAST).contains(&date) {
        i64::try_from(date).map_err(|_| ErrorKind::InvalidExpiry)
    } else {
        Err(ErrorKind::InvalidExpiry)
    }
}

/// ISO 8601 with an offset, as Python's `datetime.isoformat` writes it.
fn iso(at: i64, offset_minutes: i16) -> String {
    let utc = instant(at);
    let offset = UtcOffset::from_whole_seconds(i32::from(offset_minutes) * 60).ok();
    let (Some(utc), Some(offset)) = (utc, offset) else { return format!("{at} {offset_minutes}") };
    let local = utc.to_offset(offset);
    let (year, month, day) = local.to_calendar_date();
    let (hour, minute, second) = local.to_hms();
    let micros = match local.microsecond() {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    };
    let sign = if offset_minutes < 0 { '-' } else { '+' };
    let (offset_hours, offset_rest) = (offset_minutes.abs() / 60, offset_minutes.abs() % 60);
    format!(
        "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{micros}{sign}{offset_hours:02}:{offset_rest:02}",
        u8::from(month)
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // As Python 3.11's `datetime.isoformat` writes these instants.
    #[rstest]
    #[case(1_893_456_000_000_000, 0, "2030-01-01T00:00:00+00:00")]
    #[case(1_893_456_000_000_001, 330, "2030-01-01T05:30:00.000001+05:30")]
    #[case(1_893_456_000_000_000, -720, "2029-12-31T12:00:00-12:00")]
    #[case(1_893_456_000_500_000, 840, "2030-01-01T14:00:00.500000+14:00")]
    fn dates_are_written_as_python_writes_them(#[case] at: i64, #[case] offset: i16, #[case] text: &str) {
        assert_eq!(iso(at, offset), text);
        assert_eq!(from_entry(&Json::text(text)), Ok(Expiry::At(at, 0)));
    }

    #[test]
    fn ages_round_down_also_in_the_past() {
        assert_eq!(age(Expiry::At(1_999_999, 0), 0, 60), 1);
        assert_eq!(age(Expiry::At(-1, 0), 0, 60), -1);
        assert_eq!(age(Expiry::Seconds(0), 0, 60), 60);
        assert_eq!(age(Expiry::Seconds(-5), 0, 60), -5);
    }

    #[test]
    fn dates_end_with_the_year_9999() {
        assert!(date(Expiry::Seconds(1_000_000_000_000), 0, 60).is_err());
        assert_eq!(date(Expiry::At(253_402_300_799_999_999, 0), 0, 60), Ok(253_402_300_799_999_999));
    }
}
