//! Sites with `USE_TZ = False`: what the store on SQLite does with the setting `time_zone` is what Django was recorded to
//! do, in `conformance/tables/time-zones.jsonl` (by `conformance/adapters/django/time_zones.py`, which says what stands
//! there).
//!
//! Django compares and adds wall clocks, and here they are instants. In a zone that changes its clocks the two are
//! apart by that hour, for as long as a life goes across the change: half of the cases are about that, and what is
//! allowed to differ there is the hour and no more.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

use std::path::Path;

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::Value;
use session_backends::SqliteStore;
use session_core::blocking::Wait;
use session_core::codec::{Codec, SERVER_SALT};
use session_core::{
    Entries, Expiry, ManualClock, RandomKeys, Session, SessionContext, SessionKey, SessionStore, Settings,
    TimeZone,
};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

/// A case: see `time_zones.py`.
#[derive(Debug, Deserialize)]
struct Case {
    zone: String,
    now: i64,
    set: Option<(String, Value)>,
    entry: Value,
    expire_date: Option<String>,
    error: Option<String>,
    age: Value,
    then: Option<Vec<(i64, bool, bool)>>,
}

/// An hour, in seconds: what summer time moves.
const HOUR: i64 = 3_600;

impl Case {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.now) * 1_000).unwrap()
    }

    fn zone(&self) -> TimeZone {
        TimeZone::named(&self.zone).unwrap()
    }

    fn settings(&self) -> Settings {
        Settings::new("s").with(|settings| settings.time_zone = Some(self.zone()))
    }

    fn changes_clocks(&self) -> bool {
        self.zone == "America/Chicago"
    }

    /// Whether the clocks are changed so soon after that the recorded moments go across that.
    fn is_at_a_change(&self) -> bool {
        let (month, day) = (u8::from(self.now().month()), self.now().day());
        self.changes_clocks() && [(3, 10), (11, 3)].contains(&(month, day))
    }

    /// The expiry that was set; nothing for a date that Django refuses in such a site, since it has an offset.
    fn set_expiry(&self, data: &mut session_core::SessionData) -> Option<()> {
        let Some((kind, value)) = &self.set else { return Some(()) };
        match kind.as_str() {
            "seconds" => data.set_expiry(value.as_i64().unwrap()),
            "duration" => data.set_expiry_after(Duration::seconds(value.as_i64().unwrap())).unwrap(),
            _ => data.set_expiry(Expiry::At(self.zone().instant(local(value.as_str().unwrap())?))),
        }
        Some(())
    }
}

/// A date and time without an offset.
fn local(text: &str) -> Option<PrimitiveDateTime> {
    let text = text.replace(' ', "T");
    // An offset is made of what it has not.
    let at = OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339).ok()?;
    Some(PrimitiveDateTime::new(at.date(), at.time()))
}

fn cases() -> Vec<Case> {
    let lines = include_str!("../../conformance/tables/time-zones.jsonl").lines();
    let cases: Vec<Case> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(cases.len(), 110);
    cases
}

fn column(path: &Path) -> String {
    let connection = Connection::open(path).unwrap();
    connection.query_row("SELECT expire_date FROM django_session", [], |row| row.get(0)).unwrap()
}

/// How many seconds two local times are apart.
fn apart(one: &str, other: &str) -> i64 {
    (local(one).unwrap() - local(other).unwrap()).whole_seconds().abs()
}

#[test]
fn what_is_written_in_a_time_zone_is_what_django_writes() {
    let directory = tempfile::tempdir().unwrap();
    let mut written = 0;
    for (number, case) in cases().into_iter().enumerate() {
        let path = directory.path().join(format!("{number}.db"));
        let clock = ManualClock::new(case.now());
        let store = SqliteStore::open_with_clock(&path, &case.settings(), clock.clone()).unwrap();
        store.migrate().unwrap();
        let context = SessionContext::with(case.settings(), clock, RandomKeys);
        let mut session = Session::open(store, context, None);
        let data = session.data().wait().unwrap();
        if case.set_expiry(data).is_none() {
            assert_eq!(case.error.as_deref(), Some("ValueError"), "{case:?}");
            continue;
        }
        let entry = data.get("_session_expiry").unwrap().unwrap_or_default();
        let age = data.get_expiry_age().unwrap();
        session.save().wait().unwrap();
        let (column, expected) = (column(&path), case.expire_date.as_deref().unwrap());
        match (entry.as_str(), case.entry.as_str()) {
            // Half past two does not come in the night in which the clocks go forward.
            (Some(ours), Some(django)) if case.changes_clocks() => {
                assert!([0, HOUR].contains(&apart(ours, django)), "{case:?}: {ours}");
            }
            _ => assert_eq!(entry, case.entry, "{case:?}"),
        }
        let off = age - case.age.as_i64().unwrap();
        if case.changes_clocks() {
            assert!([0, HOUR].contains(&apart(&column, expected)), "{case:?}: {column}");
            assert!([-HOUR, 0, HOUR].contains(&off), "{case:?}: {age}");
        } else {
            assert_eq!((&*column, off), (expected, 0), "{case:?}");
        }
        if !case.is_at_a_change() && case.set.as_ref().is_none_or(|(kind, _)| kind != "at") {
            assert_eq!((&*column, off), (expected, 0), "{case:?}");
        }
        written += 1;
    }
    assert!(written >= 90, "{written}");
}

#[test]
fn what_django_wrote_in_a_time_zone_lives_as_long_and_is_swept_when_django_sweeps_it() {
    let directory = tempfile::tempdir().unwrap();
    let key = SessionKey::parse("0123456789abcdefghijklmnopqrstuv").unwrap();
    for (number, case) in cases().into_iter().enumerate() {
        let (Some(then), Some(column)) = (&case.then, &case.expire_date) else { continue };
        let path = directory.path().join(format!("{number}.db"));
        let clock = ManualClock::new(case.now());
        let store = SqliteStore::open_with_clock(&path, &case.settings(), clock.clone()).unwrap();
        store.migrate().unwrap();
        let entry = if case.entry.is_null() {
            String::new()
        } else {
            format!(r#","_session_expiry":{}"#, case.entry)
        };
        let data = Entries::parse(format!(r#"{{"a":1{entry}}}"#).as_bytes()).unwrap();
        let text = Codec::new(&case.settings(), SERVER_SALT).unwrap().encode(&data, case.now()).unwrap();
        for (later, lives, stays) in then {
            let connection = Connection::open(&path).unwrap();
            let insert = "INSERT OR REPLACE INTO django_session VALUES (?1, ?2, ?3)";
            connection.execute(insert, (key.as_str(), &text, column)).unwrap();
            clock.set(case.now() + Duration::seconds(*later));
            let here = store.load(&key).wait().unwrap().is_some();
            store.clear_expired().wait().unwrap();
            let left = store.exists(&key).wait().unwrap();
            let at_a_change = case.is_at_a_change();
            let near = |said: fn(&(i64, bool, bool)) -> bool, here: bool| {
                then.iter().any(|other| at_a_change && (other.0 - later).abs() <= HOUR && said(other) == here)
            };
            assert!(here == *lives || near(|other| other.1, here), "{case:?} after {later}: lives {here}");
            assert!(left == *stays || near(|other| other.2, left), "{case:?} after {later}: stays {left}");
        }
    }
}

/// The session's data is naive local text in every engine, and so is what is asked of it.
#[test]
fn a_local_date_in_a_session_is_read_in_the_zone_and_without_one_in_utc() {
    let noon = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    for (zone, hour) in [(Some("Asia/Tokyo"), "03:00"), (Some("America/Chicago"), "18:00"), (None, "12:00")] {
        let settings = Settings::new("s")
            .with(|settings| settings.time_zone = zone.map(|zone| TimeZone::named(zone).unwrap()));
        let mut session =
            Session::open(session_backends::MemoryStore::new(1), SessionContext::new(settings), None);
        let data = session.data().wait().unwrap();
        data.insert("_session_expiry", "2030-01-15T12:00:00").unwrap();
        let ends = data.get_expiry_date().unwrap().to_offset(time::UtcOffset::UTC);
        assert_eq!(ends.format(noon).unwrap(), format!("2030-01-15T{hour}"), "{zone:?}");
    }
}
