//! What an answer tells: the columns of the tables that real Django filled in, read from a response and from the store
//! after it.

use serde_json::{Map, Value};
use session_conformance::application::{Answer, Case, Response, Sent};
use session_core::{Record, SessionKey};

/// The attributes of a cookie, their names in lower case.
pub(crate) fn attributes(cookie: &str) -> Map<String, Value> {
    let parts = cookie.split("; ").skip(1);
    let pairs = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
    pairs.map(|(name, value)| (name.to_lowercase(), value.into())).collect()
}

/// The answer to a visitor who brought this value of the cookie. `load` finds what is left under a value.
pub(crate) fn read(
    case: &Case,
    response: Response,
    brought: Option<String>,
    loads: bool,
    load: impl Fn(&SessionKey) -> Option<Record>,
) -> Answer {
    let left = |key: Option<String>| {
        let record = key.and_then(|key| load(&SessionKey::parse(&key)?))?;
        let entries: Map<_, _> = serde_json::from_str(&record.data.to_json()).unwrap();
        Some(entries.into_iter().filter(|(name, _)| !name.starts_with('_')).collect::<Map<_, _>>())
    };
    let (key, cookie, max_age) = told(&response, brought.clone());
    let other = response.other.and_then(|other| left(told(&other, brought).0));
    let vary = response.vary == ["Cookie"];
    // What the handler saw is not told where another answer took the place of its own.
    let results = response.results.unwrap_or_else(|| case.answer.results.clone());
    Answer { status: response.status, cookie, max_age, vary, loads, left: left(key), other, results }
}

/// The cookie that is right after a response, what that says about it, and how long it lives.
fn told(response: &Response, brought: Option<String>) -> (Option<String>, Option<Sent>, Option<i64>) {
    let Some(cookie) = response.set_cookie.first() else { return (brought, None, None) };
    let value = cookie.split([';', '=']).nth(1).unwrap().to_owned();
    if value.is_empty() {
        return (None, Some(Sent::Deleted), None);
    }
    let attributes = attributes(cookie);
    let sent = if brought.as_ref() == Some(&value) { Sent::Same } else { Sent::New };
    let max_age = attributes.get("max-age").map(|age| age.as_str().unwrap().parse().unwrap());
    assert_eq!(attributes.contains_key("expires"), max_age.is_some());
    (Some(value), Some(sent), max_age)
}
