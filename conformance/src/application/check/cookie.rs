//! The session cookie that an answer sets or deletes, and how long it lives.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::Response;

/// By how many seconds a life that is told by `Expires` alone may seem to differ: it ends with a whole second, and so
/// does the `Date` beside it.
const SECONDS: i64 = 2;

/// The session cookie of an answer.
pub(super) struct Cookie {
    pub(super) value: String,
    /// By their names in lower case.
    pub(super) attributes: BTreeMap<String, String>,
}

impl Cookie {
    /// The cookies of this name that an answer sets or deletes.
    pub(super) fn all(response: &Response, wanted: &str) -> Vec<Self> {
        let ours = |line: &String| {
            let mut parts = line.split(';').map(str::trim);
            let (name, value) = parts.next()?.split_once('=')?;
            let attributes = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
            (name == wanted).then(|| Self {
                value: value.trim_matches('"').to_owned(),
                attributes: attributes.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
            })
        };
        response.set_cookie.iter().filter_map(ours).collect()
    }

    pub(super) fn is_deleted(&self) -> bool {
        // In whichever of the two ways.
        self.attributes.get("max-age").is_some_and(|age| age == "0")
            || self.attributes.get("expires").is_some_and(|at| at.contains("1970"))
    }

    /// How long it lives, in seconds; nothing if it ends with the browser. A life that only `Expires` tells, and that is
    /// `expected` as nearly as can be seen, is that.
    pub(super) fn life(&self, response: &Response, expected: Option<i64>) -> Option<i64> {
        if let Some(age) = self.age() {
            return Some(age);
        }
        let now = response.date.as_deref().and_then(instant).unwrap_or_else(OffsetDateTime::now_utc);
        let life = self.until_end(now)?;
        expected.filter(|expected| (life - expected).abs() <= SECONDS).or(Some(life))
    }

    /// By how many seconds its end is later than its age says, where that is more than whole seconds explain.
    pub(super) fn contradiction(&self, response: &Response) -> Option<i64> {
        let later = self.until_end(instant(response.date.as_deref()?)?)? - self.age()?;
        Some(later).filter(|later| later.abs() > SECONDS)
    }

    /// `Max-Age`, in seconds.
    fn age(&self) -> Option<i64> {
        self.attributes.get("max-age")?.parse().ok()
    }

    /// How many seconds are left until `Expires`.
    fn until_end(&self, now: OffsetDateTime) -> Option<i64> {
        Some((instant(self.attributes.get("expires")?)? - now).whole_seconds())
    }
}

/// An instant as headers have it. Some servers write it with dashes, as browsers once did.
fn instant(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(&text.replace('-', " "), &Rfc2822).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(line: &str, date: Option<&str>, expected: Option<i64>) -> Option<i64> {
        let response = Response::new(200, vec![format!("sid=x; {line}")], Vec::new(), None);
        let response = response.with_date(date.map(str::to_owned));
        Cookie::all(&response, "sid").remove(0).life(&response, expected)
    }

    #[test]
    fn a_life_is_told_by_an_age_or_by_an_end() {
        let date = Some("Sun, 17 Mar 2030 17:46:40 GMT");
        assert_eq!(life("Path=/", date, None), None);
        assert_eq!(life("Max-Age=300; Expires=Sun, 17 Mar 2030 17:51:40 GMT", date, None), Some(300));
        assert_eq!(life("Expires=Sun, 17 Mar 2030 17:51:40 GMT", date, None), Some(300));
        assert_eq!(life("Expires=Sun, 17-Mar-2030 17:51:40 GMT", date, None), Some(300));
    }

    #[test]
    fn an_age_and_an_end_say_the_same() {
        let contradiction = |line: &str, date: Option<&str>| {
            let response = Response::new(200, vec![format!("sid=x; {line}")], Vec::new(), None);
            let response = response.with_date(date.map(str::to_owned));
            Cookie::all(&response, "sid").remove(0).contradiction(&response)
        };
        let date = Some("Sun, 17 Mar 2030 17:46:40 GMT");
        assert_eq!(contradiction("Max-Age=300; Expires=Sun, 17 Mar 2030 17:51:41 GMT", date), None);
        assert_eq!(contradiction("Max-Age=300; Expires=Sun, 17 Mar 2030 18:46:40 GMT", date), Some(3_300));
        assert_eq!(contradiction("Max-Age=300; Expires=Sun, 17 Mar 2030 18:46:40 GMT", None), None);
        assert_eq!(contradiction("Expires=Sun, 17 Mar 2030 18:46:40 GMT", date), None);
    }

    #[test]
    fn an_end_is_as_exact_as_whole_seconds_are() {
        let date = Some("Sun, 17 Mar 2030 17:46:40 GMT");
        assert_eq!(life("Expires=Sun, 17 Mar 2030 17:51:42 GMT", date, Some(300)), Some(300));
        assert_eq!(life("Expires=Sun, 17 Mar 2030 17:51:43 GMT", date, Some(300)), Some(303));
        // An age is exact.
        assert_eq!(life("Max-Age=301", date, Some(300)), Some(301));
    }
}
