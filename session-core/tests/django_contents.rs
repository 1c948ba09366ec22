//! What Django reads from stored data that is hard to read, is read here: the same entries, and, as long as nobody
//! changes them, the very bytes; and a `_session_expiry` means the same.
//!
//! The expectations are Django's own: `django/contents.py` printed them, for two versions of Django and of Python,
//! and says in what form. Where this crate does otherwise, the lists below say why; a difference that they do not
//! name fails the test, and so does one that they name and that is not seen.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rstest::rstest;
use serde::Deserialize;
use session_core::blocking::Wait;
use session_core::codec::{Codec, SERVER_SALT};
use session_core::json::{Json, Token, Tokens};
use session_core::signing::Signer;
use session_core::{
    Capabilities, Entries, ManualClock, RandomKeys, Record, Secret, Session, SessionContext, SessionKey,
    SessionStore, Settings, StoreError, stored_expiry,
};
use time::OffsetDateTime;

/// Read here, where Django sees an empty session: Python reads no integer of more than 4,300 digits.
const READ_HERE_ONLY: &[&str] = &[
    "integer of 4301 digits",
    "negative integer of 4301 digits",
    "integer of 5000 digits",
    "negative integer of 5000 digits",
    "expiry of 5,000 digits",
];

/// Refused here by the entry's name, where Python 3.13 reads it: everything from outside has a limit, of 1,000 levels.
/// (Python 3.11 cannot read these either, and Django then shows an empty session.)
const TOO_DEEP: &[&str] = &[
    "lists 2000 deep",
    "objects 2000 deep",
    "lists 5000 deep",
    "objects 5000 deep",
    "lists 9000 deep",
    "objects 9000 deep",
];

/// What a `_session_expiry` means otherwise here, and why.
const OTHER_EXPIRIES: &[(&str, &[&str])] = &[
    (
        "an age is a whole number of seconds here; a fraction is rounded away from zero",
        &["expiry 1.5", "expiry 0.5", "expiry -0.5", "expiry 1e-7", "expiry 251502300799.5"],
    ),
    (
        "no expiry here: Python takes true for 1 and what is empty for nothing",
        &["expiry true", "expiry false", "expiry []", "expiry {}"],
    ),
    (
        "no age here: Django answers with the number, and refuses the date and the save, as is done here",
        &["expiry 100000000000000000000", "expiry 999999999999999999999999999999"],
    ),
    (
        "no age here: Django takes an empty text for no expiry, and refuses the date and the save",
        &["expiry \"\""],
    ),
    (
        "UTC here: Django cannot subtract a date with a time zone from one without and fails when asked for the age",
        &[
            "expiry \"2030-04-01T00:00:00\"",
            "expiry \"2030-04-01\"",
            "expiry \"2030-04-01T00\"",
            "expiry \"2030-04-01T00:00\"",
        ],
    ),
    (
        "refused already when the date is asked for here, and not only by the save: UTC has no such date",
        &["expiry \"0001-01-01T00:00:00+01:00\"", "expiry \"9999-12-31T23:30:00-01:00\""],
    ),
    (
        "no date here: nothing writes one so, `isoformat` least of all",
        &[
            "expiry \"20300401\"",
            "expiry \"20300401T000000\"",
            "expiry \"20300401T000000Z\"",
            "expiry \"2030-W14-1\"",
            "expiry \"2030-W14\"",
            "expiry \"2030W141\"",
            "expiry \"2030-W14-1T00:00:00Z\"",
            "expiry \"2030-04-01T00:00:00 +00:00\"",
            "expiry \"2030-04-01T00:00:00+00:60\"",
        ],
    ),
];

/// The first line of a file.
#[derive(Deserialize)]
struct Versions {
    python: String,
    now: i64,
}

/// A text in pieces, each with how often it stands there.
#[derive(Deserialize)]
struct Pieces(Vec<(String, usize)>);

impl Pieces {
    fn text(&self) -> String {
        self.0.iter().map(|(text, times)| text.repeat(*times)).collect()
    }
}

/// A text that was stored, and what Django made of it.
struct Content {
    name: String,
    text: Pieces,
    unread: bool,
    /// What Django read; nothing for the text itself.
    reads: Option<Pieces>,
    /// The exception with which the save ended.
    unsaved: bool,
    expires: Option<i64>,
    /// As JSON: some recorded numbers are longer than any type.
    age: Option<String>,
    date: Option<String>,
    browser_close: Option<bool>,
}

impl Content {
    fn recorded(line: &str) -> Self {
        let line = Entries::parse(line.as_bytes()).unwrap();
        let starts = |name: &str, with: char| line.get(name).is_some_and(|text| text.starts_with(with));
        Self {
            name: line.read("name").unwrap().unwrap(),
            text: line.read("text").unwrap().unwrap(),
            unread: line.contains_key("unread") || line.contains_key("fails"),
            reads: starts("reads", '[').then(|| line.read("reads").unwrap().unwrap()),
            unsaved: starts("writes", '"'),
            expires: line.read("expires").unwrap(),
            age: line.get("age").map(str::to_owned),
            date: line.read("date").unwrap(),
            browser_close: line.read("browser_close").unwrap(),
        }
    }

    /// What Django read, as `json.dumps` writes it; nothing if it did not.
    fn read(&self) -> Option<String> {
        let read = self.reads.as_ref().unwrap_or(&self.text);
        (!self.unread).then(|| read.text())
    }

    fn codec() -> Codec {
        // The recorded ones have 4 MiB.
        let settings = Settings::new("the-secret").with(|settings| settings.max_data_bytes = 64 << 20);
        Codec::new(&settings, SERVER_SALT).unwrap()
    }

    /// The text as it is stored: signed, each character a byte.
    fn signed(&self, now: OffsetDateTime) -> String {
        let bytes: Vec<u8> = self.text.text().chars().map(|c| u8::try_from(c).unwrap()).collect();
        Signer::new(&Secret::new("the-secret"), &[], SERVER_SALT).dumps(&bytes, now)
    }
}

fn contents(file: &str) -> (Versions, Vec<Content>) {
    let mut lines = file.lines();
    let versions = serde_json::from_str(lines.next().unwrap()).unwrap();
    let contents: Vec<Content> = lines.map(Content::recorded).collect();
    assert_eq!(contents.len(), 240, "the recorded texts");
    (versions, contents)
}

fn instant(micros: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).unwrap()
}

/// A value as Python's `json.dumps` writes it: floats by their value, and of several entries of a name the last in the
/// place of the first.
fn canonical<'a>(first: Token<'a>, tokens: &mut Tokens<'a>) -> String {
    match first {
        Token::Null => "null".into(),
        Token::Bool(value) => value.to_string(),
        Token::Integer("-0") => "0".into(),
        Token::Integer(digits) => digits.into(),
        Token::Float(text) => Json::write(&text.parse::<f64>().unwrap()).unwrap().as_str().into(),
        Token::String(text) => Json::from_wtf8(&text.to_wtf8()).unwrap().as_str().into(),
        Token::ListStart => {
            let mut elements = Vec::new();
            while let Some(token) = tokens.next().filter(|token| *token != Token::ListEnd) {
                elements.push(canonical(token, tokens));
            }
            format!("[{}]", elements.join(","))
        }
        Token::ObjectStart => {
            let mut entries: Vec<(String, String)> = Vec::new();
            while let Some(Token::Name(name)) = tokens.next() {
                let name = canonical(Token::String(name), tokens);
                let value = canonical(tokens.next().unwrap(), tokens);
                match entries.iter_mut().find(|(held, _)| *held == name) {
                    Some((_, held)) => *held = value,
                    None => entries.push((name, value)),
                }
            }
            object(entries)
        }
        other => panic!("{other:?} begins no value"),
    }
}

fn object(entries: impl IntoIterator<Item = (String, String)>) -> String {
    let entries: Vec<_> = entries.into_iter().map(|(name, value)| format!("{name}:{value}")).collect();
    format!("{{{}}}", entries.join(","))
}

fn written(entries: &Entries) -> String {
    object(entries.iter().map(|(name, text)| {
        let json = Json::parse(text).unwrap();
        let mut tokens = json.tokens();
        let value = canonical(tokens.next().unwrap(), &mut tokens);
        (Json::from_wtf8(&name.to_wtf8()).unwrap().as_str().into(), value)
    }))
}

#[rstest]
#[case(include_str!("django/contents-5.2.jsonl"))]
#[case(include_str!("django/contents-6.1.jsonl"))]
fn what_django_reads_is_read_and_stays_as_it_was_written(#[case] file: &str) {
    let (versions, contents) = contents(file);
    let now = instant(versions.now);
    for content in contents {
        let name = &content.name;
        let decoded = Content::codec().decode(&content.signed(now));
        let deep = TOO_DEEP.contains(&&**name);
        assert_eq!(deep && content.read().is_some(), deep && versions.python == "3.13", "{name}");
        let Ok(entries) = decoded else {
            assert!(deep || content.read().is_none(), "{name}: Django reads it");
            continue;
        };
        match content.read() {
            Some(read) => assert!(written(&entries) == read, "{name}: {:.200}", written(&entries)),
            None => assert!(READ_HERE_ONLY.contains(&&**name), "{name}: Django does not read it"),
        }
        let text = content.text.text();
        if text.is_ascii() {
            assert!(entries.to_json() == text, "{name}: {:.200}", entries.to_json());
        }
    }
}

/// A store of one record, with a text as it was stored.
struct One {
    signed: String,
    now: OffsetDateTime,
    saved: Mutex<Option<Record>>,
}

impl SessionStore for One {
    fn capabilities(&self) -> Capabilities {
        Capabilities::memory()
    }

    async fn exists(&self, _: &SessionKey) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let data = Content::codec().decode(&self.signed).map_err(|error| error.into_store_error(key))?;
        let expires = stored_expiry(&data, self.now, &Settings::default());
        Ok(Some(Record::new(data, expires)))
    }

    async fn insert(&self, key: &SessionKey, _: &Record) -> Result<SessionKey, StoreError> {
        Err(StoreError::Exists(key.clone()))
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        *self.saved.lock().unwrap() = Some(record.clone());
        Ok(key.clone())
    }

    async fn delete(&self, _: &SessionKey) -> Result<(), StoreError> {
        Ok(())
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}

/// What is said of an expiry: the age in seconds, the date, whether the cookie ends with the browser, and the date that
/// a save stores; nothing for an error. Dates are microseconds.
#[derive(Debug, PartialEq)]
struct Said {
    age: Option<f64>,
    date: Option<i64>,
    browser_close: Option<bool>,
    expires: Option<i64>,
}

fn micros(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap()
}

fn said_here(recorded: &Content, now: OffsetDateTime) -> Said {
    let one = Arc::new(One { signed: recorded.signed(now), now, saved: Mutex::default() });
    let context = SessionContext::with(Settings::new("s"), ManualClock::new(now), RandomKeys);
    let mut session = Session::open(Arc::clone(&one), context, Some("kkkkkkkk"));
    let entries = session.data().wait().unwrap();
    #[expect(clippy::cast_precision_loss, reason = "the recorded ages are exact")]
    let age = entries.get_expiry_age().ok().map(|age| age as f64);
    let date = entries.get_expiry_date().ok().map(micros);
    let browser_close = entries.get_expire_at_browser_close().ok();
    let refused = session.save().wait().is_err();
    let record = one.saved.lock().unwrap().take();
    assert_eq!(record.is_none(), refused, "{}", recorded.name);
    Said { age, date, browser_close, expires: record.map(|record| micros(record.expires)) }
}

fn said_by_django(content: &Content) -> Said {
    Said {
        age: content.age.as_ref().and_then(|age| age.parse().ok()),
        // Time stands still, so that the date is the one that is saved.
        date: content.date.as_ref().filter(|date| !date.ends_with("Error")).and(content.expires.or(Some(0))),
        browser_close: content.browser_close,
        expires: content.expires.filter(|_| !content.unsaved),
    }
}

#[rstest]
#[case(include_str!("django/contents-5.2.jsonl"))]
#[case(include_str!("django/contents-6.1.jsonl"))]
fn an_expiry_means_what_it_means_to_django(#[case] file: &str) {
    let (versions, contents) = contents(file);
    let now = instant(versions.now);
    let mut differ = BTreeSet::new();
    for content in contents.iter().filter(|content| content.age.is_some()) {
        let (here, django) = (said_here(content, now), said_by_django(content));
        // That nothing can be read from an expiry shows here where the browser's end is asked for, too.
        let same = here == Said { browser_close: here.browser_close, ..said_by_django(content) }
            && here.browser_close.is_none_or(|closes| django.browser_close == Some(closes));
        if !same {
            println!("{}: {here:?}, and Django {django:?}", content.name);
            differ.insert(&*content.name);
        }
    }
    let listed: BTreeSet<&str> = OTHER_EXPIRIES.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    assert_eq!(differ, listed);
}
