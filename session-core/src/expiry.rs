//! When a session expires, and how Django writes that into the session.

use time::macros::format_description;
use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

use crate::error::SessionError;
use crate::json::{Json, Token, Tokens};
use crate::{Entries, Settings, TimeZone};

/// The entry that holds a session's own expiry.
pub(crate) const ENTRY: &str = "_session_expiry";

/// When a session expires.
///
/// Django's counterpart is the argument of `SessionBase.set_expiry`.
///
/// ```
/// use session_core::{Expiry, SessionData};
///
/// fn remember_me(data: &mut SessionData, remember: bool) {
///     // For thirty days after each change; or until the browser closes.
///     data.set_expiry(Expiry::Seconds(if remember { 30 * 24 * 60 * 60 } else { 0 }));
/// }
/// ```
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
#[non_exhaustive]
pub struct ExpiryQuery {
    /// The instant of the last modification; now if absent.
    pub modification: Option<OffsetDateTime>,
    /// The expiry; the session's own if absent.
    pub expiry: Option<Expiry>,
}

impl ExpiryQuery {
    /// The same query from another instant of modification.
    #[must_use]
    pub fn from_modification(mut self, modification: OffsetDateTime) -> Self {
        self.modification = Some(modification);
        self
    }

    /// The same query for another expiry than the session's own.
    #[must_use]
    pub fn for_expiry(mut self, expiry: impl Into<Expiry>) -> Self {
        self.expiry = Some(expiry.into());
        self
    }
}

impl Expiry {
    /// The entry's value, `None` if there is to be no entry. A date keeps its offset, but in a time zone: there it is the
    /// local time.
    pub(crate) fn to_entry(self, zone: Option<&TimeZone>) -> Option<Json> {
        match self {
            Self::Default => None,
            Self::Seconds(seconds) => Some(Json::trusted(seconds.to_string())),
            Self::At(at) => Some(Json::trusted(format!(
                "\"{}\"",
                match zone {
                    Some(zone) => local_isoformat(zone.local(at)),
                    None => isoformat(at),
                }
            ))),
        }
    }

    /// Reads the entry. A date without an offset is local time in the time zone, or else UTC.
    pub(crate) fn from_entry(entry: Option<&str>, zone: Option<&TimeZone>) -> Result<Self, SessionError> {
        let Some(text) = entry else { return Ok(Self::Default) };
        let read = match Tokens::new(text).next() {
            Some(Token::Null) => Some(Self::Default),
            Some(Token::Integer(digits)) => digits.parse().ok().map(Self::Seconds),
            Some(Token::Float(number)) => number.parse().ok().and_then(whole_seconds).map(Self::Seconds),
            Some(Token::String(date)) => date.to_str().and_then(|date| parse_iso(&date, zone)).map(Self::At),
            _ => None,
        };
        // So much of it as a date is long.
        read.ok_or_else(|| SessionError::InvalidExpiry(text.chars().take(40).collect()))
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
        // `time` counts years from -9999; Python and the databases begin with 1, and all end with 9999.
        let in_range = |date: &OffsetDateTime| {
            date.checked_to_offset(UtcOffset::UTC).is_some_and(|date| (1..=9999).contains(&date.year()))
        };
        date.filter(in_range)
            .ok_or_else(|| SessionError::InvalidExpiry(format!("{self:?} from {modification}")))
    }
}

/// When a record expires, for stores that keep no date beside the data: by the expiry in the data, counted
/// from the instant at which the record was written, or else after the cookie age of the settings.
///
/// An expiry that cannot be used counts as none: the record is then readable for the cookie age, and the session
/// answers [`SessionError::InvalidExpiry`] where its expiry matters, so that nothing is lost.
pub fn stored_expiry(data: &Entries, written: OffsetDateTime, settings: &Settings) -> OffsetDateTime {
    let cookie_age = settings.cookie_age;
    let own = Expiry::from_entry(data.get(ENTRY), settings.time_zone.as_ref());
    let own = own.and_then(|expiry| expiry.date(written, cookie_age));
    own.or_else(|_| Expiry::Default.date(written, cookie_age)).unwrap_or(written)
}

/// Django lets an application store fractions of a second; here they become whole seconds, away from zero, since a
/// zero would say something else.
fn whole_seconds(seconds: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    (seconds.abs() < 1e15).then(|| seconds.abs().ceil().copysign(seconds) as i64)
}

/// ISO 8601 as Python's `datetime.isoformat` writes it: microseconds only where there are any.
fn isoformat(at: OffsetDateTime) -> String {
    let local = local_isoformat(PrimitiveDateTime::new(at.date(), at.time()));
    let (hours, minutes, seconds) = at.offset().as_hms();
    let sign = if at.offset().is_negative() { '-' } else { '+' };
    let (hours, minutes, seconds) = (hours.unsigned_abs(), minutes.unsigned_abs(), seconds.unsigned_abs());
    let seconds = if seconds == 0 { String::new() } else { format!(":{seconds:02}") };
    format!("{local}{sign}{hours:02}:{minutes:02}{seconds}")
}

/// The same for a date without an offset.
fn local_isoformat(at: PrimitiveDateTime) -> String {
    let date = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let micros = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]");
    // Formatting into a String fails for no date.
    if at.microsecond() == 0 { at.format(date) } else { at.format(micros) }.unwrap_or_default()
}

/// What `datetime.fromisoformat` reads, of what Django may have stored.
fn parse_iso(text: &str, zone: Option<&TimeZone>) -> Option<OffsetDateTime> {
    let without_offset =
        |local: PrimitiveDateTime| zone.map_or_else(|| local.assume_utc(), |zone| zone.instant(local));
    let (date, rest) = text.split_at_checked(10)?;
    let (year, month, day) = (date.get(..4)?, date.get(5..7)?, date.get(8..)?);
    if date.as_bytes()[4] != b'-' || date.as_bytes()[7] != b'-' {
        return None;
    }
    let date = Date::from_calendar_date(
        i32::from(digits::<u16>(year)?),
        Month::try_from(digits::<u8>(month)?).ok()?,
        digits(day)?,
    );
    let date = date.ok().filter(|date| date.year() >= 1)?;
    // Any one character may stand between date and time.
    let mut rest_chars = rest.chars();
    if rest_chars.next().is_none() {
        return Some(without_offset(PrimitiveDateTime::new(date, Time::MIDNIGHT)));
    }
    let rest = rest_chars.as_str();
    let place = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (time, offset) = rest.split_at(place);
    // A point without digits Python reads before an offset, and nowhere else.
    let time = if offset.is_empty() { time } else { time.strip_suffix(['.', ',']).unwrap_or(time) };
    let (whole, nanoseconds) = clock_time(time)?;
    let at = PrimitiveDateTime::new(date, Time::from_hms(whole[0], whole[1], whole[2]).ok()?);
    let (at, offset_nanoseconds) = match offset {
        "" => (without_offset(at), 0),
        "Z" => (at.assume_utc(), 0),
        offset => {
            let (offset, nanoseconds) = utc_offset(offset)?;
            (at.assume_offset(offset), nanoseconds)
        }
    };
    at.checked_add(Duration::nanoseconds(nanoseconds - offset_nanoseconds))
}

/// Hours, minutes and seconds, and nanoseconds to the microsecond. A fraction is one of a second, also where there are
/// no seconds, as in Python 3.11 to 3.13.
fn clock_time(text: &str) -> Option<([u8; 3], i64)> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let mut parts = [0; 3];
    for (place, part) in whole.split(':').enumerate() {
        *parts.get_mut(place)? = if part.len() == 2 { digits(part)? } else { return None };
    }
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some((parts, micros * 1_000))
}

/// An offset from UTC, and the nanoseconds that it has beyond its seconds.
fn utc_offset(text: &str) -> Option<(UtcOffset, i64)> {
    let (sign, text) = text.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        // More behind a `Z`.
        _ => return None,
    };
    let (parts, nanoseconds) = match text.len() {
        // Python reads it without colons, too.
        4 => clock_time(&format!("{}:{}", text.get(..2)?, text.get(2..)?))?,
        6 => clock_time(&format!("{}:{}:{}", text.get(..2)?, text.get(2..4)?, text.get(4..)?))?,
        _ => clock_time(text)?,
    };
    // `time` knows offsets of more than a day.
    if parts[0] > 23 {
        return None;
    }
    // Python drops the fraction of an offset that is nothing else.
    let nanoseconds = if parts == [0; 3] { 0 } else { nanoseconds };
    let [hours, minutes, seconds] = parts.map(|part| sign * i8::try_from(part).unwrap_or(i8::MAX));
    Some((UtcOffset::from_hms(hours, minutes, seconds).ok()?, i64::from(sign) * nanoseconds))
}

/// A number of digits only: the standard library reads a sign, too.
fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
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
    #[case(datetime!(1890-01-01 00:00:00 +00:53:28), "1890-01-01T00:00:00+00:53:28")]
    #[case(datetime!(1890-01-01 00:00:00 -00:25:21), "1890-01-01T00:00:00-00:25:21")]
    fn a_date_is_stored_as_python_writes_it(#[case] at: OffsetDateTime, #[case] text: &str) {
        let entry = Expiry::At(at).to_entry(None).unwrap();
        assert_eq!(entry.as_str(), format!("\"{text}\""));
        assert_eq!(Expiry::from_entry(Some(entry.as_str()), None).unwrap(), Expiry::At(at));
    }

    #[rstest]
    #[case("2030-01-01T00:00:00", datetime!(2030-01-01 00:00:00 UTC))]
    #[case("2030-01-01T00:00:00.500000", datetime!(2030-01-01 00:00:00.5 UTC))]
    #[case("2030-01-01T00:00:00Z", datetime!(2030-01-01 00:00:00 UTC))]
    #[case("2030-01-01 00:00:00+0530", datetime!(2030-01-01 00:00:00 +05:30))]
    #[case("2030-01-01 00:00:00+005328", datetime!(2030-01-01 00:00:00 +00:53:28))]
    #[case("2030-01-01T10", datetime!(2030-01-01 10:00:00 UTC))]
    #[case("2030-01-01", datetime!(2030-01-01 00:00:00 UTC))]
    #[case("2030-01-01T00:00:00.1234567", datetime!(2030-01-01 00:00:00.123_456 UTC))]
    #[case("2030-01-01T00:00:00,5", datetime!(2030-01-01 00:00:00.5 UTC))]
    #[case("2030-01-01T00:00:00.+00:00", datetime!(2030-01-01 00:00:00 UTC))]
    #[case("2030-01-01T10:00.5", datetime!(2030-01-01 10:00:00.5 UTC))]
    #[case("2030-01-01T00:00:00+23:59", datetime!(2030-01-01 00:00:00 +23:59))]
    #[case("2030-01-01T00:00:00+00:00:00.500000", datetime!(2030-01-01 00:00:00 UTC))]
    #[case("2030-01-01T00:00:00+00:00:01.500000", datetime!(2029-12-31 23:59:58.5 UTC))]
    #[case("9999-12-31T23:30:00-01:00", datetime!(9999-12-31 23:30 -01:00))]
    fn python_reads_this_as(#[case] text: &str, #[case] at: OffsetDateTime) {
        assert_eq!(Expiry::from_entry(Some(&format!("\"{text}\"")), None).unwrap(), Expiry::At(at));
    }

    #[rstest]
    #[case("86400.5", 86_401)]
    #[case("0.25", 1)]
    #[case("-0.25", -1)]
    #[case("60.0", 60)]
    #[case("-0.0", 0)]
    fn fractions_of_a_second_never_become_zero(#[case] json: &str, #[case] seconds: i64) {
        assert_eq!(Expiry::from_entry(Some(json), None).unwrap(), Expiry::Seconds(seconds));
    }

    #[rstest]
    #[case("\"tomorrow\"")]
    #[case("[5]")]
    #[case("true")]
    #[case("NaN")]
    #[case("1000000000000000000000")]
    #[case("1000000000000000.0")]
    #[case("\"2030-13-01T00:00:00\"")]
    #[case("\"2030/01-01\"")]
    #[case("\"2030-01/01\"")]
    #[case("\"2030-01-01T\"")]
    #[case("\"2030-01-01T1:00:00\"")]
    #[case("\"2030-01-01T00:00:00.\"")]
    #[case("\"2030-01-01T00:00:00..+00:00\"")]
    #[case("\"2030-01-01T00:00:00Z0530\"")]
    #[case("\"2030-01-01T00:00:00Z05:30\"")]
    #[case("\"2030-01-01T00:00:00+00:00:00.\"")]
    #[case("\"2030-01-01T00:00:00.5x\"")]
    #[case("\"0000-01-01T00:00:00\"")]
    #[case("\"2030-01-01T+1:00:00\"")]
    #[case("\"2030-01-01T00:00:00+99:00\"")]
    #[case("\"2030-01-01T00:00:00+24:00\"")]
    #[case("\"\"")]
    fn what_is_no_expiry_is_an_error_that_shows_it(#[case] json: &str) {
        let error = Expiry::from_entry(Some(json), None).unwrap_err();
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
    #[case(datetime!(9999-12-31 23:30 -01:00))]
    #[case(datetime!(0001-01-01 00:30 +01:00))]
    fn an_instant_that_utc_has_not_is_an_error_and_a_stored_one_counts_as_none(#[case] at: OffsetDateTime) {
        let written = datetime!(2030-01-01 00:00 UTC);
        assert!(Expiry::At(at).date(written, 60).is_err());
        let mut data = Entries::new();
        data.insert_json(ENTRY, Expiry::At(at).to_entry(None).unwrap()).unwrap();
        assert_eq!(
            stored_expiry(&data, written, &Settings::default().with(|settings| settings.cookie_age = 60)),
            datetime!(2030-01-01 00:01 UTC)
        );
    }

    #[rstest]
    #[case(1_000_000_000_000)]
    #[case(i64::MAX)]
    #[case(-1_000_000_000_000)]
    fn dates_outside_the_years_1_to_9999_are_errors(#[case] seconds: i64) {
        assert!(Expiry::Seconds(seconds).date(datetime!(2030-01-01 00:00 UTC), 60).is_err());
    }
}
