//! The dictionary of a session that has been read: synchronous, in memory, and keeping track of what was
//! done to it.

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use time::{Duration, OffsetDateTime};

use crate::error::SessionError;
use crate::expiry::{self, Expiry, ExpiryQuery};
use crate::session::Context;
use crate::{Map, Record, Value, finite};

const TEST_COOKIE: &str = "testcookie";

/// The data of a session. [`Session::data`](crate::Session::data) gives it.
///
/// It serialises as the dictionary it is, so that a template reads entries with dots:
/// `{{ request.session.name }}` (with `minijinja`, hand it over as `Serde(data)`). Numbers are then those of the
/// template engine; one that no engine has, an integer of more than 128 bits or a number beyond floating point, is
/// given as text. [`as_map`](Self::as_map) serialises to JSON with all numbers as they are.
#[derive(Debug)]
pub struct SessionData {
    /// What is in memory. The instant is that of the last save and means nothing before it.
    pub(crate) record: Record,
    pub(crate) accessed: bool,
    pub(crate) modified: bool,
    pub(crate) context: Context,
}

impl SessionData {
    pub(crate) fn new(context: Context) -> Self {
        let record = Record { data: Map::new(), expires: OffsetDateTime::UNIX_EPOCH };
        Self { record, accessed: false, modified: false, context }
    }

    /// The value of an entry (`session.get(name)`).
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.record.data.get(name)
    }

    /// The value of an entry as a type of the application's.
    ///
    /// # Errors
    /// [`SessionError::WrongType`] if the value is there and does not fit.
    pub fn get_as<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, SessionError> {
        let wrong = |source| SessionError::WrongType { name: name.into(), source };
        self.get(name).map(|value| T::deserialize(value).map_err(wrong)).transpose()
    }

    /// The value of an entry, to be changed in place. As in Django this does **not** mark the session
    /// modified: an explicit save stores it. [`modify`](Self::modify) marks.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.record.data.get_mut(name)
    }

    /// Changes the value of an entry in place and marks the session modified.
    ///
    /// # Errors
    /// [`SessionError::KeyError`] if there is no such entry.
    pub fn modify<R>(&mut self, name: &str, change: impl FnOnce(&mut Value) -> R) -> Result<R, SessionError> {
        let value = self.record.data.get_mut(name).ok_or_else(|| SessionError::KeyError(name.into()))?;
        let result = change(value);
        self.modified = true;
        Ok(result)
    }

    /// Whether there is an entry (`name in session`).
    pub fn contains_key(&self, name: &str) -> bool {
        self.record.data.contains_key(name)
    }

    /// Sets an entry and gives the value it had (`session[name] = value`).
    ///
    /// # Errors
    /// [`SessionError::Unrepresentable`] if the value cannot be written as JSON; nothing is changed.
    pub fn insert(
        &mut self,
        name: impl Into<String>,
        value: impl Serialize,
    ) -> Result<Option<Value>, SessionError> {
        let name = name.into();
        let value = to_json(&name, value)?;
        self.modified = true;
        Ok(self.record.data.insert(name, value))
    }

    /// The value of an entry; a new one if there is none (`session.setdefault(name, value)`). Marks the
    /// session modified only in the second case.
    ///
    /// # Errors
    /// [`SessionError::Unrepresentable`] as for [`insert`](Self::insert).
    pub fn set_default(&mut self, name: &str, value: impl Serialize) -> Result<&mut Value, SessionError> {
        let value = to_json(name, value)?;
        let modified = &mut self.modified;
        Ok(self.record.data.entry(name).or_insert_with(|| {
            *modified = true;
            value
        }))
    }

    /// Takes an entry out (`session.pop(name)`, `del session[name]`).
    ///
    /// # Errors
    /// [`SessionError::KeyError`] if there is no such entry; nothing is marked modified.
    pub fn remove(&mut self, name: &str) -> Result<Value, SessionError> {
        // `shift_remove` keeps the order of the rest.
        let value = self.record.data.shift_remove(name).ok_or_else(|| SessionError::KeyError(name.into()))?;
        self.modified = true;
        Ok(value)
    }

    /// Takes an entry out, or gives the default (`session.pop(name, default)`).
    pub fn remove_or(&mut self, name: &str, default: Value) -> Value {
        self.remove(name).unwrap_or(default)
    }

    /// Sets several entries (`session.update(…)`). Marks the session modified even if there are none.
    pub fn update(&mut self, entries: impl IntoIterator<Item = (String, Value)>) {
        self.record.data.extend(entries);
        self.modified = true;
    }

    /// The names of all entries, in the order in which they were set.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.record.data.keys().map(String::as_str)
    }

    /// The values of all entries, in order.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.record.data.values()
    }

    /// All entries, in order (`session.items()`).
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.record.data.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many entries there are. (Django's sessions have no length.)
    pub fn len(&self) -> usize {
        self.record.data.len()
    }

    /// Whether there are no entries. [`Session::is_empty`](crate::Session::is_empty) asks for more.
    pub fn is_empty(&self) -> bool {
        self.record.data.is_empty()
    }

    /// The dictionary itself.
    pub fn as_map(&self) -> &Map {
        &self.record.data
    }

    /// Sets the mark of the test cookie (`set_test_cookie`).
    pub fn set_test_cookie(&mut self) {
        self.record.data.insert(TEST_COOKIE.into(), "worked".into());
        self.modified = true;
    }

    /// Whether the mark has come back (`test_cookie_worked`).
    pub fn test_cookie_worked(&self) -> bool {
        self.get(TEST_COOKIE).is_some_and(|value| value == "worked")
    }

    /// Removes the mark (`delete_test_cookie`).
    ///
    /// # Errors
    /// [`SessionError::KeyError`] if there is none.
    pub fn delete_test_cookie(&mut self) -> Result<(), SessionError> {
        self.remove(TEST_COOKIE).map(drop)
    }

    /// Sets when the session expires (`set_expiry`): seconds after the last save, a date, or
    /// [`Expiry::Default`] to return to the settings. Zero seconds end with the browser.
    ///
    /// A date outside the years 1 to 9999 is noticed when it is used.
    pub fn set_expiry(&mut self, expiry: impl Into<Expiry>) {
        match expiry.into().to_entry() {
            Some(value) => {
                self.record.data.insert(expiry::ENTRY.into(), value);
                self.modified = true;
            }
            None => self.modified |= self.record.data.shift_remove(expiry::ENTRY).is_some(),
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
        Expiry::from_entry(self.get(expiry::ENTRY))
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
        self.expiry()?.date(self.context.clock().now(), self.get_session_cookie_age())
    }

    /// The age for a given modification instant or expiry (`get_expiry_age(modification=…, expiry=…)`).
    /// [`Context::expiry_age`] answers without a session where both are given.
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
        serializer.collect_map(self.iter().map(|(name, value)| (name, Plain(value))))
    }
}

/// A value for any serializer. `Value` itself keeps the digits of its numbers in a form that only `serde_json`
/// understands; a template would show that form.
struct Plain<'a>(&'a Value);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Number(number) => {
                let text = number.as_str();
                if let Some(number) = number.as_i64() {
                    serializer.serialize_i64(number)
                } else if let Some(number) = number.as_u64() {
                    serializer.serialize_u64(number)
                } else if let Ok(number) = text.parse() {
                    serializer.serialize_i128(number)
                } else if let Some(number) = number.as_f64().filter(|_| text.contains(['.', 'e', 'E'])) {
                    serializer.serialize_f64(number)
                } else {
                    serializer.serialize_str(text)
                }
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Plain)),
            Value::Object(entries) => {
                serializer.collect_map(entries.iter().map(|(name, value)| (name, Plain(value))))
            }
            Value::Null | Value::Bool(_) | Value::String(_) => self.0.serialize(serializer),
        }
    }
}

fn to_json(name: &str, value: impl Serialize) -> Result<Value, SessionError> {
    let unrepresentable = |reason: String| SessionError::Unrepresentable { name: name.into(), reason };
    finite::check(&value).map_err(|e| unrepresentable(e.to_string()))?;
    serde_json::to_value(value).map_err(|e| unrepresentable(e.to_string()))
}

#[cfg(test)]
mod tests {
    use minijinja::value::Serde;
    use minijinja::{Environment, context};
    use rstest::rstest;

    use super::*;
    use crate::{Settings, json};

    fn session(text: &str) -> SessionData {
        let mut data = SessionData::new(Context::new(Settings::default()));
        data.update(json::parse(text.as_bytes()).unwrap());
        data
    }

    fn rendered(data: &str, name: &str, template: &str) -> String {
        let mut templates = Environment::new();
        templates.add_template(name, template).unwrap();
        let page = templates.get_template(name).unwrap();
        page.render(context! { request => context! { session => Serde(session(data)) } }).unwrap()
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

    #[derive(Serialize)]
    struct Measured {
        at: (u8, Option<f64>),
    }

    #[test]
    fn a_number_that_json_has_not_is_refused_wherever_it_stands() {
        let mut data = session(r#"{"x": 1.5}"#);
        let refused = |result: Result<(), SessionError>| {
            let text = result.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(text.contains("entry \"x") && text.contains("JSON has no number"), "{text}");
        };
        refused(data.insert("x", f64::NAN).map(drop));
        refused(data.insert("x", f32::INFINITY).map(drop));
        refused(data.insert("x", vec![Some(1.0), Some(f64::NEG_INFINITY)]).map(drop));
        refused(data.insert("x", Measured { at: (1, Some(f64::NAN)) }).map(drop));
        refused(data.insert("x", std::collections::HashMap::from([("y", f64::NAN)])).map(drop));
        refused(data.set_default("x2", f64::NAN).map(drop));
        assert_eq!(data.get_as::<f64>("x").unwrap(), Some(1.5));
        assert!(!data.contains_key("x2"));
        data.insert("x", Measured { at: (1, None) }).unwrap();
        assert_eq!(data.get("x"), Some(&serde_json::json!({ "at": [1, null] })));
    }

    #[test]
    fn a_value_of_another_type_is_not_shown_in_the_error() {
        let data = session(r#"{"x": "hunter2"}"#);
        let error = data.get_as::<u64>("x").unwrap_err().to_string();
        assert!(error.contains("\"x\"") && !error.contains("hunter2"), "{error}");
    }
}
