//! Stores whose records live too long or not long enough.

use session_core::{Record, StoreError};
use time::{Duration, OffsetDateTime};

use crate::fault::Base::{Cache, Database, Memory};
use crate::fault::{Fault, Flaw, fault};

/// The session's own expiry as its entry has it.
fn entry(record: &Record) -> Option<&str> {
    record.data.get("_session_expiry")
}

fn whole_second(instant: OffsetDateTime) -> OffsetDateTime {
    instant.replace_nanosecond(0).unwrap_or(instant)
}

fn year(year: i32) -> OffsetDateTime {
    let first = time::Date::from_calendar_date(year, time::Month::January, 1);
    first.map_or(OffsetDateTime::UNIX_EPOCH, |date| date.midnight().assume_utc())
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "expiry-ignored",
        "expiry.dead",
        "expired records load",
        "tower-sessions 0.4.3 (security)",
        Database,
        Flaw::Lives(|_, _| true),
    ),
    fault(
        "expiry-set-anew-by-reading",
        "expiry.dead",
        "reading a record counts its life from now, before anybody has looked whether it is over",
        "CVE-2024-35220 (@fastify/session)",
        Database,
        Flaw::All(&[
            Flaw::Lives(|_, _| true),
            Flaw::Given(|record, now| record.expires = now + Duration::days(14)),
        ]),
    ),
    fault(
        "expiry-at-the-instant-loads",
        "expiry.boundary",
        "a record loads at the very instant of its expiry",
        "`>=` for `>`",
        Database,
        Flaw::Lives(|row, now| now <= row.record.expires),
    ),
    fault(
        "expiry-a-microsecond-early",
        "expiry.not-early",
        "a record does not load a microsecond before its expiry",
        "",
        Database,
        Flaw::Lives(|row, now| row.record.expires - now > Duration::MICROSECOND),
    ),
    fault(
        "expiry-a-second-early",
        "expiry.not-early",
        "a record does not load in its last second",
        "",
        Cache,
        Flaw::Lives(|row, now| row.record.expires - now >= Duration::SECOND),
    ),
    fault(
        "expiry-of-seven-seconds-grace",
        "expiry.boundary",
        "a record loads for some seconds after its expiry",
        "leeway for clocks that differ",
        Database,
        Flaw::Lives(|row, now| now - row.record.expires < Duration::milliseconds(900)),
    ),
    fault(
        "expiry-in-milliseconds",
        "expiry.duration",
        "the instant of expiry is cut to milliseconds",
        "JavaScript's dates",
        Database,
        Flaw::Lives(|row, now| {
            now.unix_timestamp_nanos() / 1_000_000 < row.record.expires.unix_timestamp_nanos() / 1_000_000
        }),
    ),
    fault(
        "expiry-cut-to-seconds",
        "expiry.duration",
        "the instant of expiry is cut to seconds when it is kept",
        "actix-session: `whole_seconds()`",
        Database,
        Flaw::Kept(|record, _, _| record.expires = whole_second(record.expires)),
    ),
    fault(
        "expiry-rounded-up-to-seconds",
        "expiry.duration",
        "the instant of expiry is rounded up to a second when it is kept",
        "",
        Cache,
        Flaw::Kept(|record, _, _| {
            if record.expires.nanosecond() != 0 {
                record.expires = whole_second(record.expires).saturating_add(Duration::SECOND);
            }
        }),
    ),
    fault(
        "short-life-is-an-error",
        "expiry.duration",
        "a life of less than a second is an error",
        "`EX 0` of Redis: connect-redis#206, poem",
        Cache,
        Flaw::Insert(|at, key, record| {
            let left = record.expires - at.now;
            if left > Duration::ZERO && left < Duration::SECOND {
                return Err(StoreError::unavailable("insert", "invalid expire time"));
            }
            at.insert(key, record)
        }),
    ),
    fault(
        "update-keeps-expiry",
        "expiry.renewed",
        "`update` leaves the expiry as it was",
        "tower-sessions#174",
        Database,
        Flaw::Kept(|record, old, _| {
            if let Some(old) = old {
                record.expires = old.record.expires;
            }
        }),
    ),
    fault(
        "update-only-prolongs",
        "expiry.renewed",
        "`update` never makes a life shorter",
        "`GREATEST(expires, …)`",
        Database,
        Flaw::Kept(|record, old, _| {
            if let Some(old) = old {
                record.expires = record.expires.max(old.record.expires);
            }
        }),
    ),
    fault(
        "update-only-shortens",
        "expiry.renewed",
        "`update` never makes a life longer",
        "",
        Database,
        Flaw::Kept(|record, old, _| {
            if let Some(old) = old {
                record.expires = record.expires.min(old.record.expires);
            }
        }),
    ),
    fault(
        "loading-renews",
        "expiry.default",
        "reading a record renews its life",
        "sliding expiry: rolling sessions of express-session",
        Database,
        Flaw::Load(|at, key| {
            let found = at.load(key)?;
            let now = at.now;
            if let Some(row) = at.row(key).filter(|_| found.is_some()) {
                row.record.expires = row.record.expires.max(now + Duration::days(14));
            }
            Ok(found)
        }),
    ),
    fault(
        "negative-life-is-for-ever",
        "expiry.negative",
        "a life that is over already lasts ten years",
        "spring-session gh-1847",
        Database,
        Flaw::Kept(|record, _, now| {
            if record.expires < now {
                record.expires = now + Duration::days(3_650);
            }
        }),
    ),
    fault(
        "negative-life-is-an-error",
        "expiry.negative",
        "a life that is over already is an error",
        "connect-redis#292: ERR invalid expire time",
        Cache,
        Flaw::Insert(|at, key, record| {
            if record.expires < at.now {
                return Err(StoreError::unavailable("insert", "invalid expire time"));
            }
            at.insert(key, record)
        }),
    ),
    fault(
        "zero-life-is-over",
        "expiry.zero",
        "a session until the browser closes is over at once",
        "the 0 of the cookie taken for a life",
        Database,
        Flaw::Kept(|record, _, now| {
            if entry(record) == Some("0") {
                record.expires = now;
            }
        }),
    ),
    fault(
        "zero-life-is-for-ever",
        "expiry.zero",
        "a session until the browser closes never ends",
        "the 0 of memcached: no expiry",
        Database,
        Flaw::Kept(|record, _, now| {
            if entry(record) == Some("0") {
                record.expires = now + Duration::days(36_500);
            }
        }),
    ),
    fault(
        "a-month-is-a-date-in-1970",
        "expiry.seconds",
        "a life of more than thirty days is over at once",
        "memcached: indico#1766, php-memcached#142, aiohttp-session#398",
        Cache,
        Flaw::Lives(|row, now| {
            now < row.record.expires && row.first_expires - row.made <= Duration::days(30)
        }),
    ),
    fault(
        "own-expiry-ignored",
        "expiry.dead",
        "every record lives for two weeks",
        "spring-session d3379029",
        Database,
        Flaw::Kept(|record, _, now| record.expires = now + Duration::days(14)),
    ),
    fault(
        "cookie-age-ignored",
        "expiry.cookie-age",
        "a session without an expiry of its own lives for two weeks whatever the settings say",
        "tower-sessions: the constant is in the code",
        Database,
        Flaw::Kept(|record, _, now| {
            if entry(record).is_none() {
                record.expires = now + Duration::days(14);
            }
        }),
    ),
    fault(
        "offset-of-dates-ignored",
        "expiry.at",
        "the offset of a date is not looked at",
        "local time for UTC: scs#251",
        Database,
        Flaw::Kept(|record, _, _| {
            let date = entry(record).filter(|text| text.contains('T')).map(str::to_owned);
            let sign =
                |text: &str| text.rfind(['+', '-']).map(|at| text[at..].trim_end_matches('"').to_owned());
            if let Some(offset) = date.as_deref().and_then(sign) {
                let minutes = |text: &str| text.parse::<i64>().unwrap_or_default();
                let size = minutes(&offset[1..3]) * 60 + minutes(&offset[4..6]);
                let by = Duration::minutes(if offset.starts_with('-') { -size } else { size });
                record.expires = record.expires.saturating_add(by);
            }
        }),
    ),
    fault(
        "dates-in-local-time",
        "expiry.dead",
        "expiry is kept in local time and read as UTC, an hour late",
        "roundcube#8431",
        Database,
        Flaw::Kept(|record, _, _| {
            record.expires = record.expires.saturating_add(Duration::HOUR);
        }),
    ),
    fault(
        "dates-compared-as-text",
        "expiry.dead",
        "expiry is compared as text, in which a `T` comes after a blank: valid until the end of the day",
        "tower-sessions-stores#9, AI-Trader#302",
        Database,
        Flaw::Lives(|row, now| row.record.expires.date() >= now.date()),
    ),
    fault(
        "dates-end-in-2038",
        "expiry.at",
        "instants of expiry end with 32 bits of seconds",
        "MySQL's TIMESTAMP, 32-bit servers",
        Database,
        Flaw::Kept(|record, _, _| record.expires = record.expires.min(year(2038))),
    ),
    fault(
        "dates-end-in-2100",
        "expiry.at",
        "instants of expiry end with the century",
        "two digits of a year",
        Database,
        Flaw::Kept(|record, _, _| record.expires = record.expires.min(year(2100))),
    ),
    fault(
        "far-date-is-over",
        "expiry.at",
        "an expiry after 2262 is over at once",
        "64 bits of nanoseconds",
        Cache,
        Flaw::Kept(|record, _, now| {
            if record.expires > year(2262) {
                record.expires = now;
            }
        }),
    ),
    fault(
        "duration-counts-from-the-save",
        "expiry.duration",
        "a date within the next minute is moved on to the whole minute",
        "",
        Database,
        Flaw::Kept(|record, _, _| {
            if entry(record).is_some_and(|text| text.contains('T')) {
                record.expires = record.expires.replace_second(59).unwrap_or(record.expires);
            }
        }),
    ),
    fault(
        "entry-of-the-expiry-dropped",
        "expiry.entry",
        "the entry `_session_expiry` is not kept",
        "tower-sessions#206: the policy is not stored",
        Database,
        Flaw::Name(|name| (name != r#""_session_expiry""#).then(|| name.to_owned())),
    ),
    fault(
        "entry-of-the-expiry-in-utc",
        "expiry.entry",
        "the date in `_session_expiry` is kept in UTC",
        "a column of dates",
        Database,
        Flaw::Value(|text| match text.strip_suffix("-03:30\"").or_else(|| text.strip_suffix("+05:30\"")) {
            Some(local) if local.contains('T') => format!("{local}Z\""),
            _ => text.to_owned(),
        }),
    ),
    fault(
        "entry-of-the-expiry-without-microseconds",
        "expiry.entry",
        "the date in `_session_expiry` is kept in whole seconds",
        "",
        Database,
        Flaw::Value(|text| match text.split_once('.') {
            Some((seconds, rest)) if text.contains('T') && rest.ends_with(":00\"") => {
                format!("{seconds}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
            }
            _ => text.to_owned(),
        }),
    ),
    fault(
        "loads-another-expiry",
        "expiry.told",
        "`load` gives the instant of loading for the expiry",
        "",
        Database,
        Flaw::Given(|record, now| record.expires = now),
    ),
    fault(
        "loads-expiry-in-seconds",
        "expiry.told",
        "`load` gives the expiry in whole seconds, though it holds to the microsecond",
        "lucia#1392",
        Database,
        Flaw::Given(|record, _| record.expires = whole_second(record.expires)),
    ),
    fault(
        "loads-expiry-of-the-entry",
        "expiry.told",
        "`load` counts the life that the entry has, or the default one, from the instant of loading",
        "",
        Database,
        Flaw::Given(|record, now| {
            let seconds = entry(record).and_then(|entry| entry.parse().ok());
            record.expires = now + seconds.map_or(Duration::days(14), Duration::seconds);
        }),
    ),
    fault(
        "expired-is-gone",
        "expiry.kept",
        "an expired record that was not cleared does not exist",
        "",
        Database,
        Flaw::Holds(|row, now| now < row.record.expires),
    ),
    fault(
        "expired-cannot-be-saved",
        "expiry.kept",
        "an expired record that was not cleared cannot be updated",
        "",
        Database,
        Flaw::Update(|at, key, record| {
            let now = at.now;
            if at.row(key).is_some_and(|row| row.record.expires <= now) {
                return Err(StoreError::NotFound(key.clone()));
            }
            at.update(key, record)
        }),
    ),
    fault(
        "expired-lingers",
        "expiry.gone",
        "an expired record of a cache still exists",
        "",
        Cache,
        Flaw::Holds(|_, _| true),
    ),
    fault(
        "expired-comes-back",
        "expiry.gone",
        "an expired record of a cache can be updated",
        "spring-session gh-188",
        Memory,
        Flaw::Update(|at, key, record| {
            if at.state.rows.contains_key(key.as_str()) {
                at.put(key, record);
                return Ok(key.clone());
            }
            at.update(key, record)
        }),
    ),
    fault(
        "expired-is-deleted-on-sight",
        "expiry.kept",
        "loading an expired record deletes it",
        "lazy clearing",
        Database,
        Flaw::Load(|at, key| {
            let found = at.load(key)?;
            if found.is_none() {
                at.delete(key)?;
            }
            Ok(found)
        }),
    ),
    fault(
        "unreadable-expiry-loses-the-session",
        "expiry.none",
        "a record keeps the expiry that its entry had when that is taken out",
        "",
        Database,
        Flaw::Kept(|record, old, _| {
            if let Some(old) = old.filter(|old| entry(&old.record).is_some() && entry(record).is_none()) {
                record.expires = old.record.expires;
            }
        }),
    ),
];
