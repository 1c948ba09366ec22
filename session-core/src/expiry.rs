//! When a session expires, and how Django writes that into the session.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use crate::error::SessionError;
use crate::{Map, Value};

/// The entry that holds a session's own expiry.
pub(crate) const ENTRY: &str = "_session_expiry";

/// When a session expires.
///
/// Django's counterpart is the argument of `SessionBase.set_expiry`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expiry {
    /// As the settings say (`None` in Django).
    Default,
    /// So many seconds after its last save. Zero: the cookie ends with the browser, and the record lives
    /// for the cookie age.
    Seconds(i64),
    /// At an instant.
    At(OffsetDateTime),
}

impl From<i64> for Expiry {
    fn from(seconds: i64) -> Self {
        Self::Seconds(seconds)
    }
}

impl From<OffsetDateTime> for Expiry {
    fn from(at: OffsetDateTime) -> Self {
        Self::At(at)
    }
}

/// What an expiry age or date is asked for. What is `None` is taken from the session.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ExpiryQuery {
    /// The instant of the last modification; now if absent.
    pub modification: Option<OffsetDateTime>,
    /// The expiry; the session's own if absent.
    pub expiry: Option<Expiry>,
}

impl Expiry {
    /// The entry's value, `None` if there is to be no entry. A date keeps its offset.
    pub(crate) fn to_entry(self) -> Option<Value> {
        match self {
            Self::Default => None,
            Self::Seconds(seconds) => Some(seconds.into()),
            Self::At(at) => Some(isoformat(at).into()),
        }
    }

    /// Reads the entry.
    pub(crate) fn from_entry(value: Option<&Value>) -> Result<Self, SessionError> {
        let invalid = |shown: String| SessionError::InvalidExpiry(shown);
        match value {
            None | Some(Value::Null) => Ok(Self::Default),
            Some(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(seconds), _) => Ok(Self::Seconds(seconds)),
                // Django lets an application store fractions of a second; here they become whole seconds,
                // away from zero, since a zero would say something else.
                (None, Some(seconds)) if seconds.is_finite() && seconds.abs() < 1e15 => {
                    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
                    let seconds = seconds.abs().ceil().copysign(seconds) as i64;
                    Ok(Self::Seconds(seconds))
                }
                _ => Err(invalid(number.to_string())),
            },
            Some(Value::String(text)) => parse_iso(text).map(Self::At).ok_or_else(|| invalid(text.clone())),
            Some(other) => Err(invalid(crate::json::write_value(other))),
        }
    }

    /// The seconds from `modification` to the expiry, rounded down.
    pub(crate) fn age(self, modification: OffsetDateTime, cookie_age: i64) -> i64 {
        match self {
            Self::Default | Self::Seconds(0) => cookie_age,
            Self::Seconds(seconds) => seconds,
            Self::At(at) => {
                let left = at - modification;
                left.whole_seconds() - i64::from(left.subsec_nanoseconds() < 0)
            }
        }
    }

    /// The instant of the expiry.
    pub(crate) fn date(
        self,
        modification: OffsetDateTime,
        cookie_age: i64,
    ) -> Result<OffsetDateTime, SessionError> {
        let date = match self {
            Self::At(at) => Some(at),
            other => modification.checked_add(Duration::seconds(other.age(modification, cookie_age))),
        };
        // `time` counts years from -9999; Python and the databases begin with 1.
        date.filter(|date| date.to_offset(time::UtcOffset::UTC).year() >= 1)
            .ok_or_else(|| SessionError::InvalidExpiry(format!("{self:?} from {modification}")))
    }
}

/// When a record expires, for stores that keep no date beside the data: by the expiry in the data, counted
/// from the instant at which the record was written.
///
/// # Errors
/// [`SessionError::InvalidExpiry`] if the data's expiry is none, or lies outside the years 1 to 9999.
pub fn stored_expiry(
    data: &Map,
    written: OffsetDateTime,
    cookie_age: i64,
) -> Result<OffsetDateTime, SessionError> {
    Expiry::from_entry(data.get(ENTRY))?.date(written, cookie_age)
}

/// ISO 8601 as Python's `datetime.isoformat` writes it: microseconds only where there are any.
fn isoformat(at: OffsetDateTime) -> String {
    let date = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let micros = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]");
    let local = if at.microsecond() == 0 { at.format(date) } else { at.format(micros) };
    let (hours, minutes, seconds) = at.offset().as_hms();
    let sign = if at.offset().is_negative() { '-' } else { '+' };
    let (hours, minutes, seconds) = (hours.unsigned_abs(), minutes.unsigned_abs(), seconds.unsigned_abs());
    let seconds = if seconds == 0 { String::new() } else { format!(":{seconds:02}") };
    // Formatting into a String fails for no date.
    format!("{}{sign}{hours:02}:{minutes:02}{seconds}", local.unwrap_or_default())
}

/// What `datetime.fromisoformat` reads, of what Django may have stored. Without an offset it is UTC.
fn parse_iso(text: &str) -> Option<OffsetDateTime> {
    let naive = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second][optional [.[subsecond digits:6]]]"
    );
    let zoned = || OffsetDateTime::parse(text, &Rfc3339).ok();
    let naive = || PrimitiveDateTime::parse(text, naive).ok().map(PrimitiveDateTime::assume_utc);
    zoned().or_else(naive)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use time::macros::datetime;

    use super::*;

    // The texts are what Python 3.11's `datetime.isoformat` gives for these instants.
    #[rstest]
    #[case(datetime!(2030-01-01 00:00:00 UTC), "2030-01-01T00:00:00+00:00")]
    #[case(datetime!(2030-01-01 00:00:09.000001 +05:30), "2030-01-01T00:00:09.000001+05:30")]
    #[case(datetime!(2029-12-31 20:31:00 -03:30), "2029-12-31T20:31:00-03:30")]
    #[case(datetime!(0001-01-01 00:00:00 UTC), "0001-01-01T00:00:00+00:00")]
    fn a_date_is_stored_as_python_writes_it(#[case] at: OffsetDateTime, #[case] text: &str) {
        assert_eq!(Expiry::At(at).to_entry(), Some(text.into()));
        assert_eq!(Expiry::from_entry(Some(&text.into())).unwrap(), Expiry::At(at));
    }

    #[rstest]
    #[case("2030-01-01T00:00:00", datetime!(2030-01-01 00:00:00 UTC))]
    #[case("2030-01-01T00:00:00.500000", datetime!(2030-01-01 00:00:00.5 UTC))]
    #[case("2030-01-01T00:00:00Z", datetime!(2030-01-01 00:00:00 UTC))]
    fn dates_without_an_offset_are_utc(#[case] text: &str, #[case] at: OffsetDateTime) {
        assert_eq!(Expiry::from_entry(Some(&text.into())).unwrap(), Expiry::At(at));
    }

    #[rstest]
    #[case("86400.5", 86_401)]
    #[case("0.25", 1)]
    #[case("-0.25", -1)]
    #[case("60.0", 60)]
    #[case("-0.0", 0)]
    fn fractions_of_a_second_never_become_zero(#[case] json: &str, #[case] seconds: i64) {
        let value = crate::json::parse_value(json.as_bytes()).unwrap();
        assert_eq!(Expiry::from_entry(Some(&value)).unwrap(), Expiry::Seconds(seconds));
    }

    #[rstest]
    #[case("\"tomorrow\"")]
    #[case("[5]")]
    #[case("true")]
    #[case("1000000000000000000000")]
    fn what_is_no_expiry_is_an_error_that_shows_it(#[case] json: &str) {
        let value = crate::json::parse_value(json.as_bytes()).unwrap();
        let error = Expiry::from_entry(Some(&value)).unwrap_err();
        assert!(error.to_string().contains(json.trim_matches('"')), "{error}");
    }

    #[rstest]
    #[case(datetime!(2030-01-01 00:00:09.999999 UTC), 9)]
    #[case(datetime!(2029-12-31 23:59:59.999999 UTC), -1)]
    #[case(datetime!(2029-12-31 23:59:59 UTC), -1)]
    fn the_age_is_rounded_down(#[case] at: OffsetDateTime, #[case] age: i64) {
        assert_eq!(Expiry::At(at).age(datetime!(2030-01-01 00:00 UTC), 60), age);
    }

    #[rstest]
    #[case(1_000_000_000_000)]
    #[case(i64::MAX)]
    #[case(-1_000_000_000_000)]
    fn dates_outside_the_years_1_to_9999_are_errors(#[case] seconds: i64) {
        assert!(Expiry::Seconds(seconds).date(datetime!(2030-01-01 00:00 UTC), 60).is_err());
    }
}
