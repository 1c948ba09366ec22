//! Sites with `USE_TZ = False`, whose tables and session expiries are in local time, beside Rust with the setting
//! `time_zone`: what is over for one side is over for the other, and what lives, lives.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use session_backends::{PostgresStore, SqliteStore};
use session_core::blocking::Wait;
use session_core::{
    AnyStore, Expiry, ManualClock, RandomKeys, Session, SessionContext, SessionKey, SessionStore, Settings,
};
use time::Duration;
use time::macros::datetime;

use crate::contents::{SECRET, fault, script};
use crate::{Django, Failure};

/// The sessions that Django writes, and whether each lives.
const WRITTEN: [(&str, &str, bool); 4] = [
    ("without an expiry", r#""data": {"a": 1}"#, true),
    ("for an hour", r#""data": {"a": 1, "_session_expiry": 3600}"#, true),
    ("over for an hour", r#""data": {"a": 1, "_session_expiry": -3600}"#, false),
    ("until a date", r#""data": {"a": 1}, "duration": 3600"#, true),
];

/// Plays it with one version of Django and in one zone, on an empty PostgreSQL database too if there is one.
pub(crate) fn run(root: &Path, django: &Django, zone: &str, postgres: Option<String>) -> Result<(), Failure> {
    let Django { version, python } = django;
    let runtime = tokio::runtime::Runtime::new()?;
    let _guard = runtime.enter();
    let settings = json!({ "secret_key": SECRET, "time_zone": zone });
    let settings: Settings = serde_json::from_value(settings)
        .map_err(|error| fault(&format!("the setting time_zone: {error}")))?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("db.sqlite3").to_string_lossy().into_owned();
    let wrong = |error: &dyn std::error::Error| fault(&error.to_string());
    let store = SqliteStore::open_with_clock(&file, &settings, clock()).map_err(|error| wrong(&error))?;
    store.migrate().map_err(|error| wrong(&error))?;
    let mut stores = vec![("SQLite", file, AnyStore::new(store))];
    if let Some(database) = postgres {
        let store = PostgresStore::connect_with_clock(&database, &settings, clock());
        let store = store.wait().map_err(|error| wrong(&error))?;
        store.migrate().wait().map_err(|error| wrong(&error))?;
        stores.push(("PostgreSQL", database, AnyStore::new(store)));
    }
    for (title, place, store) in stores {
        let site = Site { root, python, zone, place };
        let faults = play(&site, &store, &settings)?;
        if !faults.is_empty() {
            let title = format!("Django {version} in {zone} on {title}, with USE_TZ = False");
            return Err(Failure::many(&title, faults));
        }
        println!("Django {version} in {zone} on {title}, with USE_TZ = False: the same lives and is over");
    }
    Ok(())
}

/// Noon in winter: no clock is changed in the hours around it.
fn clock() -> ManualClock {
    ManualClock::new(datetime!(2030-01-15 12:00 UTC))
}

/// The site, at the time of [`clock`].
struct Site<'a> {
    root: &'a Path,
    python: &'a Path,
    zone: &'a str,
    place: String,
}

impl Site<'_> {
    fn script(&self, command: &str, input: &str) -> Result<Vec<Value>, Failure> {
        let arguments = [command, "--engine", "db", "--place", &self.place, "--secret-key", SECRET];
        let now = ["--time-zone", self.zone, "--now-us", "1894708800000000"];
        let printed = script(self.root, self.python, &[arguments.as_slice(), &now].concat(), input)?;
        let lines = printed.lines().map(serde_json::from_str).collect::<Result<_, _>>();
        lines.map_err(|error| fault(&error.to_string()))
    }

    /// Whether each session lives, and what Django says of its age.
    fn read(&self, keys: &[String]) -> Result<Vec<(bool, Value)>, Failure> {
        let mut asked = String::new();
        for key in keys {
            // Writing to a String cannot fail.
            let _ = writeln!(asked, "{}", json!({ "name": "", "key": key }));
        }
        let read = self.script("read", &asked)?;
        Ok(read.into_iter().map(|line| (line["found"] == true, line["age"].clone())).collect())
    }
}

fn play(site: &Site<'_>, store: &AnyStore, settings: &Settings) -> Result<Vec<String>, Failure> {
    let mut faults = Vec::new();
    let mut asked = String::new();
    for (name, fields, _) in WRITTEN {
        // Writing to a String cannot fail.
        let _ = writeln!(asked, "{{\"name\": \"{name}\", {fields}}}");
    }
    let keys = site.script("write", &asked)?;
    let keys: Vec<String> =
        keys.iter().map(|line| line["key"].as_str().unwrap_or_default().to_owned()).collect();
    let mut look = |when: &str, kept: bool| -> Result<(), Failure> {
        for ((name, _, lives), key) in WRITTEN.iter().zip(&keys) {
            let key = SessionKey::parse(key).ok_or_else(|| fault("a key is too short"))?;
            let loaded = store.load(&key).wait().map_err(|error| fault(&format!("{name}: {error}")))?;
            if loaded.is_some() != *lives {
                faults.push(format!("{name}: {when}, Rust says it lives: {}", loaded.is_some()));
            }
            let there = store.exists(&key).wait().map_err(|error| fault(&format!("{name}: {error}")))?;
            if there != (*lives || kept) {
                faults.push(format!("{name}: {when}, Rust says it is there: {there}"));
            }
        }
        Ok(())
    };
    look("as Django wrote it", true)?;
    store.clear_expired().wait().map_err(|error| fault(&error.to_string()))?;
    look("after Rust swept", false)?;
    for ((name, _, lives), (found, _)) in WRITTEN.iter().zip(site.read(&keys)?) {
        if found != *lives {
            faults.push(format!("{name}: after Rust swept, Django says it lives: {found}"));
        }
    }

    let hour = Duration::hours(1);
    let written = [
        ("without an expiry", None, Some(settings.cookie_age)),
        ("for an hour", Some(Expiry::Seconds(3600)), Some(3600)),
        ("over for an hour", Some(Expiry::Seconds(-3600)), None),
        ("until a date", Some(Expiry::At(datetime!(2030-01-15 12:00 UTC) + hour)), Some(3600)),
    ];
    let mut keys = Vec::new();
    for (name, expiry, _) in &written {
        let context = SessionContext::with(settings.clone(), clock(), RandomKeys);
        let mut session = Session::open(store.clone(), context, None);
        let data = session.data().wait().map_err(|error| fault(&format!("{name}: {error}")))?;
        data.insert("a", 1).map_err(|error| fault(&format!("{name}: {error}")))?;
        if let Some(expiry) = expiry {
            data.set_expiry(*expiry);
        }
        session.save().wait().map_err(|error| fault(&format!("{name}: {error}")))?;
        keys.extend(session.key().map(|key| key.as_str().to_owned()));
    }
    for ((name, _, age), (found, told)) in written.iter().zip(site.read(&keys)?) {
        match age {
            Some(age) if found && told == *age => {}
            None if !found => {}
            _ => faults
                .push(format!("{name}: written by Rust, Django says it lives: {found}, with the age {told}")),
        }
    }
    Ok(faults)
}
