//! The dictionary of a session that has been read: synchronous, in memory, and keeping track of what was
//! done to it.

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use time::{Duration, OffsetDateTime};

use crate::error::SessionError;
use crate::expiry::{self, Expiry, ExpiryQuery};
use crate::json::{Json, JsonError, JsonString};
use crate::session::SessionContext;
use crate::{Entries, Value};

const TEST_COOKIE: &str = "testcookie";

/// The data of a session. [`Session::data`](crate::Session::data) gives it.
///
/// Entries are kept as the JSON texts that the store has. Reading one turns just that one into a value, straight
/// into the caller's type ([`get_as`](Self::get_as)) or into a [`Value`] ([`get`](Self::get)). What is not changed
/// is stored again as it was, to the byte; so nothing is lost that a type of Rust cannot hold.
///
/// It serialises as the dictionary it is, so that a template reads entries with dots:
/// `{{ request.session.name }}` (with `minijinja`, hand it over as `Serde(data)`). Numbers are then those of the
/// template engine; one that no engine has, an integer of more than 128 bits or a number beyond floating point, is
/// given as text.
///
/// ```
/// use session_core::SessionData;
///
/// fn shop(data: &mut SessionData) -> Result<(), session_core::SessionError> {
///     data.insert("basket", ["apples", "pears"])?;
///     let basket: Option<Vec<String>> = data.get_as("basket")?;
///     assert_eq!(basket.map(|basket| basket.len()), Some(2));
///     data.set_expiry_after(time::Duration::hours(1))?;
///     Ok(())
/// }
/// ```
pub struct SessionData {
    entries: Entries,
    /// Values that were given out to be changed in place. What they are now counts, and not their texts.
    opened: Vec<(String, Opened)>,
    pub(crate) accessed: bool,
    pub(crate) modified: bool,
    pub(crate) context: SessionContext,
}

/// A value that was given out.
enum Opened {
    Value(Value),
    Json(Json),
}

impl Opened {
    fn to_json(&self) -> Result<Json, JsonError> {
        match self {
            Self::Value(value) => Json::write(value),
            Self::Json(json) => Ok(json.clone()),
        }
    }
}

/// What a visitor stored is not shown.
impl fmt::Debug for SessionData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionData")
            .field("entries", &self.entries)
            .field("accessed", &self.accessed)
            .field("modified", &self.modified)
            .finish_non_exhaustive()
    }
}

impl SessionData {
    pub(crate) fn new(context: SessionContext) -> Self {
        Self { entries: Entries::new(), opened: Vec::new(), accessed: false, modified: false, context }
    }

    /// Takes these entries, in the place of all that was there.
    pub(crate) fn replace(&mut self, entries: Entries) {
        self.entries = entries;
        self.opened.clear();
    }

    /// The entries as a store gets them: values that were changed in place become texts.
    ///
    /// # Errors
    /// [`SessionError::Unrepresentable`] if such a value is nested too deep to be read again; nothing is changed.
    pub fn entries(&self) -> Result<Cow<'_, Entries>, SessionError> {
        let mut entries = Cow::Borrowed(&self.entries);
        for (name, opened) in &self.opened {
            // One that was only looked at keeps its text.
            let same = |text| match opened {
                Opened::Value(value) => to_value(name, text).is_ok_and(|held| held == *value),
                Opened::Json(json) => json.as_str() == text,
            };
            if !self.entries.get(name).is_some_and(same) {
                let json = opened.to_json().map_err(|source| unrepresentable(name, source))?;
                entries.to_mut().insert_json(name, json).map_err(|source| unrepresentable(name, source))?;
            }
        }
        Ok(entries)
    }

    fn opened(&self, name: &str) -> Option<&Opened> {
        self.opened.iter().find(|(opened, _)| opened == name).map(|(_, value)| value)
    }

    /// Gives an entry out in this form, in the place of any other.
    fn open(&mut self, name: &str, opened: Opened) -> Option<&mut Opened> {
        self.close(name);
        self.opened.push((name.into(), opened));
        self.opened.last_mut().map(|(_, opened)| opened)
    }

    /// Takes back what was given out of an entry.
    fn close(&mut self, name: &str) {
        self.opened.retain(|(opened, _)| opened != name);
    }

    /// The value of an entry (`session.get(name)`).
    ///
    /// # Errors
    /// [`SessionError::WrongType`] if a [`Value`] cannot hold it as it is: NaN, an infinity, an integer beyond 64
    /// bits, half a surrogate pair. [`get_as`](Self::get_as) may have a type that can;
    /// [`get_json`](Self::get_json) has the text.
    pub fn get(&self, name: &str) -> Result<Option<Value>, SessionError> {
        match self.opened(name) {
            Some(Opened::Value(value)) => Ok(Some(value.clone())),
            Some(Opened::Json(json)) => to_value(name, json.as_str()).map(Some),
            None => self.entries.get(name).map(|text| to_value(name, text)).transpose(),
        }
    }

    /// The value of an entry as a type of the application's.
    ///
    /// # Errors
    /// [`SessionError::WrongType`] if the value is there and does not fit.
    pub fn get_as<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, SessionError> {
        let read = match self.opened(name) {
            Some(opened) => opened.to_json().and_then(|json| json.read().map(Some)),
            None => self.entries.read(name),
        };
        read.map_err(|source| wrong_type(name, source))
    }

    /// The value of an entry as the text that is stored.
    pub fn get_json(&self, name: &str) -> Option<Json> {
        match self.opened(name) {
            // What is too deep to be written is found when it is saved.
            Some(opened) => opened.to_json().ok(),
            None => self.entries.get(name).map(Json::trusted),
        }
    }

    /// The value of an entry, to be changed in place. As in Django this does **not** mark the session
    /// modified: an explicit save stores it. [`modify`](Self::modify) marks.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn get_mut(&mut self, name: &str) -> Result<Option<&mut Value>, SessionError> {
        if !matches!(self.opened(name), Some(Opened::Value(_))) {
            let Some(value) = self.get(name)? else { return Ok(None) };
            self.open(name, Opened::Value(value));
        }
        Ok(self.opened.iter_mut().find_map(|(opened, value)| match value {
            Opened::Value(value) if opened == name => Some(value),
            _ => None,
        }))
    }

    /// The text of an entry, to be changed in place: for values that [`get_mut`](Self::get_mut) cannot give out. This
    /// does not mark the session modified either.
    pub fn get_json_mut(&mut self, name: &str) -> Option<&mut Json> {
        let json = self.get_json(name)?;
        match self.open(name, Opened::Json(json)) {
            Some(Opened::Json(json)) => Some(json),
            _ => None,
        }
    }

    /// Changes the value of an entry in place and marks the session modified.
    ///
    /// # Errors
    /// [`SessionError::NoSuchEntry`] if there is no such entry; [`SessionError::WrongType`] as for
    /// [`get`](Self::get).
    pub fn modify<R>(&mut self, name: &str, change: impl FnOnce(&mut Value) -> R) -> Result<R, SessionError> {
        let value = self.get_mut(name)?.ok_or_else(|| SessionError::NoSuchEntry(name.into()))?;
        let result = change(value);
        self.modified = true;
        Ok(result)
    }

    /// Whether there is an entry (`name in session`).
    pub fn contains_key(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Sets an entry (`session[name] = value`).
    ///
    /// # Errors
    /// [`SessionError::Unrepresentable`] if the value has no form in JSON, or is nested too deep to be read again;
    /// nothing is changed.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl Serialize) -> Result<(), SessionError> {
        let name = name.as_ref();
        self.insert_json(name, to_json(name, &value)?)
    }

    /// Sets an entry to a text.
    ///
    /// # Errors
    /// [`SessionError::Unrepresentable`] if it is nested too deep to be read again; nothing is changed.
    pub fn insert_json(&mut self, name: &str, value: Json) -> Result<(), SessionError> {
        self.entries.insert_json(name, value).map_err(|source| unrepresentable(name, source))?;
        self.close(name);
        self.modified = true;
        Ok(())
    }

    /// The value of an entry; a new one if there is none (`session.setdefault(name, value)`). Marks the
    /// session modified only in the second case.
    ///
    /// # Errors
    /// [`SessionError::Unrepresentable`] as for [`insert`](Self::insert), [`SessionError::WrongType`] as for
    /// [`get_as`](Self::get_as).
    pub fn set_default<T: Serialize + DeserializeOwned>(
        &mut self,
        name: &str,
        value: T,
    ) -> Result<T, SessionError> {
        if let Some(held) = self.get_as(name)? {
            return Ok(held);
        }
        self.insert(name, &value)?;
        Ok(value)
    }

    /// Takes an entry out (`session.pop(name)`, `del session[name]`).
    ///
    /// # Errors
    /// [`SessionError::NoSuchEntry`] if there is no such entry; nothing is marked modified.
    pub fn remove(&mut self, name: &str) -> Result<Json, SessionError> {
        let value = self.get_json(name);
        let held = self.entries.remove(name).ok_or_else(|| SessionError::NoSuchEntry(name.into()))?;
        self.close(name);
        self.modified = true;
        Ok(value.unwrap_or(held))
    }

    /// Takes an entry out; `None` if there is none, and then nothing is marked modified
    /// (`session.pop(name, default)`).
    pub fn take(&mut self, name: &str) -> Option<Json> {
        self.remove(name).ok()
    }

    /// Sets several entries (`session.update(…)`). Marks the session modified even if there are none.
    pub fn update(&mut self, entries: &Entries) {
        // What is no Rust string was never given out by that name.
        for name in entries.names().filter_map(JsonString::to_str) {
            self.close(&name);
        }
        self.entries.extend(entries);
        self.modified = true;
    }

    /// The names of all entries, in the order in which they were set. Half a surrogate pair, which Python has in
    /// names, is U+FFFD here.
    pub fn keys(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.entries.keys()
    }

    /// The values of all entries, in order.
    pub fn values(&self) -> impl Iterator<Item = Json> {
        self.iter().map(|(_, value)| value)
    }

    /// All entries, in order (`session.items()`).
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, Json)> {
        self.entries.iter().map(|(name, text)| {
            let opened = name.to_str().and_then(|name| self.opened(&name)?.to_json().ok());
            (name.to_str_lossy(), opened.unwrap_or_else(|| Json::trusted(text)))
        })
    }

    /// How many entries there are. (Django's sessions have no length.)
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries. [`Session::is_empty`](crate::Session::is_empty) asks for more.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sets the mark of the test cookie (`set_test_cookie`).
    pub fn set_test_cookie(&mut self) {
        // A short text is never too deep.
        let _ = self.insert(TEST_COOKIE, "worked");
    }

    /// Whether the mark has come back (`test_cookie_worked`).
    pub fn test_cookie_worked(&self) -> bool {
        self.get_json(TEST_COOKIE).is_some_and(|value| value.as_str() == "\"worked\"")
    }

    /// Removes the mark (`delete_test_cookie`).
    ///
    /// # Errors
    /// [`SessionError::NoSuchEntry`] if there is none.
    pub fn delete_test_cookie(&mut self) -> Result<(), SessionError> {
        self.remove(TEST_COOKIE).map(drop)
    }

    /// Sets when the session expires (`set_expiry`): seconds after the last save, a date, or
    /// [`Expiry::Default`] to return to the settings. Zero seconds end with the browser.
    ///
    /// A date outside the years 1 to 9999 is noticed when it is used.
    pub fn set_expiry(&mut self, expiry: impl Into<Expiry>) {
        match expiry.into().to_entry(self.context.settings().time_zone.as_ref()) {
            // A number or a date is never too deep.
            Some(value) => _ = self.insert_json(expiry::ENTRY, value),
            None => _ = self.take(expiry::ENTRY),
        }
    }

    /// Lets the session expire a duration from now: a date, which saving does not move
    /// (`set_expiry(timedelta)`).
    ///
    /// # Errors
    /// [`SessionError::InvalidExpiry`] if there is no such date.
    pub fn set_expiry_after(&mut self, duration: Duration) -> Result<(), SessionError> {
        let now = self.context.clock().now();
        let at = now
            .checked_add(duration)
            .ok_or_else(|| SessionError::InvalidExpiry(format!("{duration} from {now}")))?;
        self.set_expiry(at);
        Ok(())
    }

    /// The session's own expiry.
    ///
    /// # Errors
    /// [`SessionError::InvalidExpiry`] if the entry `_session_expiry` holds none.
    pub fn expiry(&self) -> Result<Expiry, SessionError> {
        let zone = self.context.settings().time_zone.as_ref();
        Expiry::from_entry(self.get_json(expiry::ENTRY).as_ref().map(Json::as_str), zone)
    }

    /// The seconds until the session expires, rounded down (`get_expiry_age`). For an expiry in seconds
    /// that number, for none or zero the cookie age.
    ///
    /// # Errors
    /// [`SessionError::InvalidExpiry`].
    pub fn get_expiry_age(&self) -> Result<i64, SessionError> {
        Ok(self.expiry()?.age(self.context.clock().now(), self.get_session_cookie_age()))
    }

    /// The instant at which the session expires if it is saved now (`get_expiry_date`).
    ///
    /// # Errors
    /// [`SessionError::InvalidExpiry`].
    pub fn get_expiry_date(&self) -> Result<OffsetDateTime, SessionError> {
        self.expires(self.context.clock().now())
    }

    /// The instant at which the session expires if it is saved at `now`.
    pub(crate) fn expires(&self, now: OffsetDateTime) -> Result<OffsetDateTime, SessionError> {
        self.expiry()?.date(now, self.get_session_cookie_age())
    }

    /// The age for a given modification instant or expiry (`get_expiry_age(modification=…, expiry=…)`).
    /// [`SessionContext::expiry_age`] answers without a session where both are given.
    ///
    /// # Errors
    /// [`SessionError::InvalidExpiry`].
    pub fn get_expiry_age_for(&self, query: ExpiryQuery) -> Result<i64, SessionError> {
        let expiry = query.expiry.map_or_else(|| self.expiry(), Ok)?;
        Ok(self.context.expiry_age(expiry, query.modification))
    }

    /// The date for a given modification instant or expiry (`get_expiry_date(modification=…, expiry=…)`).
    ///
    /// # Errors
    /// [`SessionError::InvalidExpiry`].
    pub fn get_expiry_date_for(&self, query: ExpiryQuery) -> Result<OffsetDateTime, SessionError> {
        let expiry = query.expiry.map_or_else(|| self.expiry(), Ok)?;
        self.context.expiry_date(expiry, query.modification)
    }

    /// Whether the session's cookie ends with the browser (`get_expire_at_browser_close`).
    ///
    /// # Errors
    /// [`SessionError::InvalidExpiry`].
    pub fn get_expire_at_browser_close(&self) -> Result<bool, SessionError> {
        Ok(match self.expiry()? {
            Expiry::Default => self.context.settings().expire_at_browser_close,
            other => other == Expiry::Seconds(0),
        })
    }

    /// The age of session cookies in the settings, in seconds (`get_session_cookie_age`).
    pub fn get_session_cookie_age(&self) -> i64 {
        self.context.settings().cookie_age
    }
}

impl Serialize for SessionData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

fn unrepresentable(name: &str, source: JsonError) -> SessionError {
    SessionError::Unrepresentable { name: name.into(), source }
}

fn wrong_type(name: &str, source: JsonError) -> SessionError {
    SessionError::WrongType { name: name.into(), source }
}

fn to_json(name: &str, value: &(impl Serialize + ?Sized)) -> Result<Json, SessionError> {
    Json::write(value).map_err(|source| unrepresentable(name, source))
}

fn to_value(name: &str, text: &str) -> Result<Value, SessionError> {
    Json::trusted(text).to_value().map_err(|source| wrong_type(name, source))
}

#[cfg(test)]
mod tests {
    use minijinja::value::Serde;
    use minijinja::{Environment, context};
    use rstest::rstest;

    use super::*;
    use crate::{Settings, json};

    fn session(text: &str) -> SessionData {
        let mut data = SessionData::new(SessionContext::new(Settings::default()));
        data.replace(Entries::parse(text.as_bytes()).unwrap());
        data
    }

    fn rendered(data: &str, name: &str, template: &str) -> String {
        let mut templates = Environment::new();
        templates.add_template(name, template).unwrap();
        let page = templates.get_template(name).unwrap();
        page.render(context! { request => context! { session => Serde(session(data)) } }).unwrap()
    }

    #[test]
    fn a_text_that_is_changed_in_place_is_stored_and_marks_nothing() {
        let mut data = session(r#"{"far": [NaN], "near": [ 1 ]}"#);
        assert!(data.get_mut("far").is_err());
        data.get_json_mut("near").unwrap();
        assert_eq!(data.entries().unwrap().to_json(), r#"{"far": [NaN], "near": [ 1 ]}"#);
        *data.get_json_mut("far").unwrap() = Json::parse("[NaN, 1]").unwrap();
        assert_eq!(data.get_json("far").unwrap().as_str(), "[NaN, 1]");
        let stored = data.entries().unwrap();
        assert_eq!((stored.get("far"), stored.get("near")), (Some("[NaN, 1]"), Some("[ 1 ]")));
        assert!(!data.modified && data.get_json_mut("nothing").is_none());
    }

    #[test]
    fn setting_several_entries_leaves_what_was_changed_in_the_others() {
        let mut data = session(r#"{"\ufffd": [], "both": []}"#);
        for name in ["\u{fffd}", "both"] {
            *data.get_mut(name).unwrap().unwrap() = "changed".into();
        }
        // The first name is no Rust string; shown as one it looks like that of the other entry.
        data.update(&Entries::parse(br#"{"\ud800": 1, "both": 2}"#).unwrap());
        assert_eq!(data.get_as::<String>("\u{fffd}").unwrap().as_deref(), Some("changed"));
        assert_eq!(data.get_as::<u8>("both").unwrap(), Some(2));
        assert!(data.modified);
    }

    #[test]
    fn the_test_cookie_has_worked_from_its_setting_to_its_removal() {
        let mut data = session("{}");
        assert!(!data.test_cookie_worked());
        assert!(matches!(data.delete_test_cookie(), Err(SessionError::NoSuchEntry(_))));
        data.set_test_cookie();
        assert!(data.test_cookie_worked());
        data.delete_test_cookie().unwrap();
        assert!(!data.test_cookie_worked());
        data.insert(TEST_COOKIE, "else").unwrap();
        assert!(!data.test_cookie_worked());
    }

    #[test]
    fn an_expiry_after_a_time_is_a_date() {
        let mut data = session("{}");
        data.context = SessionContext::with(
            Settings::default(),
            crate::ManualClock::new(time::macros::datetime!(2030-01-01 00:00 UTC)),
            crate::RandomKeys,
        );
        data.set_expiry_after(Duration::milliseconds(1_500)).unwrap();
        let wanted = time::macros::datetime!(2030-01-01 00:00:01.5 UTC);
        assert_eq!(data.get_expiry_date_for(ExpiryQuery::default()).unwrap(), wanted);
        assert!(data.set_expiry_after(Duration::MAX).is_err());
    }

    #[test]
    fn what_a_session_has_is_counted_named_and_taken_out() {
        let mut data = session(r#"{"a": 1, "b": [2], "c": 3}"#);
        assert_eq!(data.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(data.values().map(|json| json.as_str().to_owned()).collect::<Vec<_>>(), ["1", "[2]", "3"]);
        assert_eq!(data.len(), 3);
        assert_eq!(data.take("b").unwrap().as_str(), "[2]");
        assert!(data.take("b").is_none());
        assert_eq!((data.len(), data.is_empty()), (2, false));
    }

    #[rstest]
    #[case::text(r#"{"v": "Ada"}"#, "{{ request.session.v }}", "Ada")]
    #[case::nested(r#"{"v": {"a": [{"b": true}]}}"#, "{{ request.session.v.a[0].b }}", "True")]
    #[case::integer(r#"{"v": 41}"#, "{{ request.session.v + 1 }}", "42")]
    #[case::negative(r#"{"v": -41}"#, "{{ request.session.v }}", "-41")]
    #[case::float(r#"{"v": 0.5}"#, "{{ request.session.v * 2 }}", "1.0")]
    #[case::whole_float(r#"{"v": 1.0}"#, "{{ request.session.v }}", "1.0")]
    #[case::nested_number(r#"{"v": {"a": [7]}}"#, "{{ request.session.v.a[0] + 1 }}", "8")]
    #[case::over_i64(r#"{"v": 18446744073709551615}"#, "{{ request.session.v }}", "18446744073709551615")]
    #[case::over_u64(r#"{"v": 18446744073709551617}"#, "{{ request.session.v }}", "18446744073709551617")]
    #[case::below_i64(r#"{"v": -18446744073709551617}"#, "{{ request.session.v }}", "-18446744073709551617")]
    #[case::over_i128(
        r#"{"v": 1234567890123456789012345678901234567890}"#,
        "{{ request.session.v }}",
        "1234567890123456789012345678901234567890"
    )]
    #[case::beyond_float(r#"{"v": 1e400}"#, "{{ request.session.v }}", "1e400")]
    #[case::null(r#"{"v": null}"#, "{{ request.session.v is none }}", "True")]
    #[case::absent("{}", "{{ request.session.v|default('nobody') }}", "nobody")]
    #[case::order(r#"{"z": 1, "a": 2, "m": 3}"#, "{{ request.session|join(' ') }}", "z a m")]
    #[case::list(r#"{"v": ["b", "a"]}"#, "{% for x in request.session.v %}{{ x }};{% endfor %}", "b;a;")]
    fn a_template_shows(#[case] data: &str, #[case] template: &str, #[case] shown: &str) {
        assert_eq!(rendered(data, "page.txt", template), shown);
    }

    #[test]
    fn what_a_visitor_wrote_is_escaped_in_a_page() {
        let page = rendered(r#"{"name": "<script>"}"#, "page.html", "<b>{{ request.session.name }}</b>");
        assert_eq!(page, "<b>&lt;script&gt;</b>");
    }

    #[test]
    fn a_session_serialises_to_json_in_the_order_in_which_it_was_set() {
        let text = r#"{"z":1,"a":{"y":18446744073709551617,"b":[1.5,null,true]},"m":"ä"}"#;
        assert_eq!(serde_json::to_string(&session(text)).unwrap(), text);
    }

    #[test]
    fn a_number_that_json_has_not_is_kept_as_python_keeps_it() {
        let mut data = session("{}");
        data.insert("x", vec![Some(f64::NAN), None]).unwrap();
        assert_eq!(data.get_json("x").unwrap().as_str(), "[NaN,null]");
        assert!(data.get_as::<(f64, Option<f64>)>("x").unwrap().unwrap().0.is_nan());
        let error = data.get("x").unwrap_err();
        assert!(matches!(error, SessionError::WrongType { name, .. } if name == "x"));
    }

    #[test]
    fn what_a_type_cannot_hold_is_an_error_and_the_entry_stays_whole() {
        let text = r#"{"big": 123456789012345678901234567890, "half": "\ud800", "n": 1.50}"#;
        let mut data = session(text);
        assert!(matches!(data.get("big"), Err(SessionError::WrongType { .. })));
        assert!(matches!(data.get_mut("half"), Err(SessionError::WrongType { .. })));
        assert!(matches!(data.modify("big", |_| ()), Err(SessionError::WrongType { .. })));
        assert!(matches!(data.set_default("half", String::new()), Err(SessionError::WrongType { .. })));
        assert_eq!(data.get_as::<i128>("big").unwrap(), Some(123_456_789_012_345_678_901_234_567_890));
        assert_eq!(data.remove("half").unwrap().as_str(), r#""\ud800""#);
        assert_eq!(data.entries().unwrap().to_json(), r#"{"big":123456789012345678901234567890,"n":1.50}"#);
    }

    #[test]
    fn a_value_that_was_given_out_and_not_changed_keeps_its_text() {
        let mut data = session(r#"{"a": [1.50, 2e1], "b": [1]}"#);
        data.get_mut("a").unwrap().unwrap();
        data.get_mut("b").unwrap().unwrap()[0] = 2.into();
        assert_eq!(data.get("b").unwrap(), Some(serde_json::json!([2])));
        assert_eq!(data.entries().unwrap().to_json(), r#"{"a":[1.50, 2e1],"b":[2]}"#);
        assert!(!data.modified);
        data.insert("b", 3).unwrap();
        assert_eq!(data.get_as("b").unwrap(), Some(3));
    }

    #[test]
    fn what_is_too_deep_to_be_read_again_is_refused_by_its_name() {
        let mut data = session(r#"{"deep": []}"#);
        let mut value = serde_json::json!([]);
        for _ in 0..json::MAX_DEPTH {
            value = Value::Array(vec![value]);
        }
        let named = |error: SessionError| matches!(error, SessionError::Unrepresentable { name, .. } if name == "deep");
        assert!(named(data.insert("deep", &value).unwrap_err()));
        assert_eq!(data.entries().unwrap().to_json(), r#"{"deep": []}"#);
        *data.get_mut("deep").unwrap().unwrap() = value;
        assert!(named(data.entries().unwrap_err()));
    }

    #[test]
    fn a_value_of_another_type_is_not_shown_in_the_error() {
        let data = session(r#"{"x": "hunter2"}"#);
        let error = data.get_as::<u64>("x").unwrap_err().to_string();
        assert!(error.contains("\"x\"") && !error.contains("hunter2"), "{error}");
    }
}
