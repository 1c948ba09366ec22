//! Which session a header `Cookie` opens.

use serde_json::Value;

use super::{Broken, Run};
use crate::application::header::Words;
use crate::application::{Operation, header_cases};
use crate::rule::{Profile, RuleId};

/// The longest header that every server takes, in bytes: most refuse those beyond 8 KiB, or twice as many.
const SERVED: usize = 8 << 10;

impl Run<'_> {
    pub(super) fn headers(&mut self) -> Result<(), String> {
        let fault = |what: &dyn std::fmt::Display| format!("the table of headers: {what}");
        let live = self.begin(&[Operation::Set("a".into(), 1.into())])?;
        let other = self.begin(&[Operation::Set("a".into(), 2.into())])?;
        let name = self.settings.cookie_name.clone();
        let words = Words { name: &name, live: &live, other: &other };
        for case in header_cases().map_err(|error| fault(&error))? {
            let rule = RuleId::named(&case.rule).ok_or_else(|| fault(&case.rule))?;
            if !case.can_be_sent() {
                continue;
            }
            let header = case.sent(words);
            let is_long = header.len() > SERVED;
            let response = match self.request(Some(header), &[Operation::Get("a".into())], 200) {
                // Some servers hang up on it.
                Err(_) if is_long && case.may_be_refused() => continue,
                answered => answered?,
            };
            *self.exercised.entry(rule).or_default() += 1;
            let refused = (400..500).contains(&response.status);
            if refused && case.may_be_refused() {
                continue;
            }
            let expected = case.predict(words);
            let found = response.results.and_then(|results| results.into_iter().next());
            let is_expected = |found: &Value| *found == expected.map_or(Value::Null, Value::from);
            // Which of two cookies of one name counts is not said for every framework; that they do no harm is.
            let is_open = self.settings.profile == Profile::Core && case.has_two();
            if found.as_ref().is_some_and(|found| is_open || is_expected(found)) {
                continue;
            }
            self.broken.push(Broken {
                rule,
                request: format!("a visitor with the header `Cookie: {}`", case.header),
                expected: whose(expected),
                got: match found {
                    Some(found) => whose(found.as_i64()),
                    None => format!("an answer of {}", response.status),
                },
            });
        }
        Ok(())
    }
}

fn whose(found: Option<i64>) -> String {
    match found {
        Some(1) => "the session of {live}".into(),
        Some(2) => "the session of {other}".into(),
        _ => "no session".into(),
    }
}
