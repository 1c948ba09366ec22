//! One case: a request of the table is played, and what a visitor sees of the answer is judged.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::cookie::Cookie;
use super::{Broken, Response, Run};
use crate::application::{Answer, Brought, Case, Operation, Predicted, Provenance, Sent, live, predict};
use crate::rule::{Profile, RuleId};
use crate::rules;

/// The age for which the table of sessions in the cookie was filled in, in seconds: Django's default.
const TABLE_AGE: i64 = 1_209_600;

/// The rule to blame where a session without data answers to a key that is dead.
const ADOPTED: &[RuleId] = &[rules::MIDDLEWARE_KEY_NOT_ADOPTED];

/// Whether something is as it must be, and the rules that say so, the one to blame first.
type Aspect<'a> = (bool, &'a [RuleId]);

impl Run<'_> {
    pub(super) fn case(&mut self, case: &Case) -> Result<(), String> {
        let Some(Predicted { answer: expected, provenance }) = self.expected(case) else { return Ok(()) };
        let key = self.bring(case.cookie)?;
        if case.cookie == Brought::Ended
            && let Some(key) = &key
            && self.left(key)?.is_some_and(|data| !data.is_empty())
        {
            // Nothing can be learnt with a session that does not end.
            let got = "the old key still opens it".into();
            self.fail(rules::MIDDLEWARE_LOG_OUT, case, "a flushed session is gone".into(), got);
            return Ok(());
        }
        let response = self.exchange(key.as_deref(), &case.operations, case.status)?;
        let cookies = Cookie::all(&response, &self.settings.cookie_name);
        let got = self.seen(case, &response, cookies.last(), key.as_deref(), &expected)?;
        let aspects = self.aspects(case, &got, &expected, &provenance);
        for rule in aspects.iter().flat_map(|(_, rules)| *rules).collect::<BTreeSet<_>>() {
            *self.exercised.entry(*rule).or_default() += 1;
        }
        if let Some((_, rules)) = aspects.into_iter().find(|(holds, _)| !holds) {
            // An age without a rule is one of a cookie that should not be there.
            let rule = self.settings.profile.first_of(rules).unwrap_or(rules::MIDDLEWARE_COOKIE_AGE);
            self.fail(rule, case, shown(case, &expected), shown(case, &got));
            return Ok(());
        }
        let kept = cookies.last().filter(|cookie| !cookie.is_deleted());
        if let Some(later) = kept.and_then(|cookie| cookie.contradiction(&response)) {
            let than = if later > 0 { "later" } else { "earlier" };
            let got = format!("`Expires` {} s {than} than `Max-Age` says", later.abs());
            self.fail(rules::MIDDLEWARE_COOKIE_AGE, case, "both at the same instant".into(), got);
        }
        self.attributes(case, &cookies, got.cookie);
        match &key {
            Some(old) if self.settings.server_side => self.old_key_is_dead(case, old),
            _ => Ok(()),
        }
    }

    /// What the answer must be, and why; nothing if the case shows nothing here.
    fn expected(&self, case: &Case) -> Option<Predicted> {
        let predicted = predict(case, self.settings.cookie_age);
        if self.settings.server_side {
            return Some(predicted);
        }
        // Nobody waits until a cookie has expired, no record can be deleted, and Django alone ends a session at once.
        let is_of_records = case.cookie == Brought::Expired
            || case.operations.contains(&Operation::DeleteElsewhere)
            || case.operations.contains(&Operation::SetExpiry(Some(-5)));
        // Saved unchanged, in the second in which it was begun, a session has the cookie that it had.
        let brought = match case.cookie {
            Brought::Live => Some(Map::from_iter(live())),
            Brought::Bare => Some(Map::new()),
            _ => None,
        };
        let is_unchanged = brought.is_some() && brought == case.answer.left;
        let is_unchanged = is_unchanged && case.operations.contains(&Operation::Save);
        // A value that cannot be read may be taken for a session that is new, and for none.
        let is_unreadable = matches!(case.cookie, Brought::Unknown | Brought::Short);
        if is_of_records
            || is_unchanged
            || is_unreadable && case.answer.left.as_ref().is_none_or(Map::is_empty)
        {
            return None;
        }
        let mut answer = case.answer.clone();
        answer.max_age =
            answer.max_age.map(|age| if age == TABLE_AGE { self.settings.cookie_age } else { age });
        Some(Predicted { answer, provenance: predicted.provenance })
    }

    /// What a visitor saw of the answer, and finds afterwards.
    fn seen(
        &mut self,
        case: &Case,
        response: &Response,
        cookie: Option<&Cookie>,
        key: Option<&str>,
        expected: &Answer,
    ) -> Result<Answer, String> {
        let kept = cookie.filter(|cookie| !cookie.is_deleted());
        let sent = cookie.map(|cookie| match kept {
            None => Sent::Deleted,
            // Where the key is the data, it changes with them.
            Some(_) if !self.settings.server_side && expected.cookie.is_some_and(is_set) => {
                expected.cookie.unwrap_or(Sent::New)
            }
            Some(_) if Some(cookie.value.as_str()) == key => Sent::Same,
            Some(_) => Sent::New,
        });
        let next = match cookie {
            None => key,
            Some(_) => kept.map(|cookie| cookie.value.as_str()),
        };
        let left = match next {
            Some(next) => self.left(next)?,
            None => None,
        };
        let mut results = response.results.clone().unwrap_or_else(|| expected.results.clone());
        if self.settings.profile == Profile::Core {
            // What is called empty differs from one framework to the next.
            let asked = case.operations.iter().zip(results.iter_mut().zip(&expected.results));
            let emptiness = asked.filter(|(operation, _)| **operation == Operation::IsEmpty);
            emptiness.for_each(|(_, (got, expected))| got.clone_from(expected));
        }
        let other = match &response.other {
            Some(other) => match Cookie::all(other, &self.settings.cookie_name).last() {
                Some(cookie) if cookie.is_deleted() => None,
                Some(cookie) => self.left(&cookie.value)?,
                None => key.map_or(Ok(None), |key| self.left(key))?,
            },
            None => None,
        };
        Ok(Answer {
            status: response.status,
            cookie: sent,
            max_age: kept.and_then(|cookie| cookie.life(response, expected.max_age)),
            vary: varies(response),
            // Nobody outside sees it.
            loads: expected.loads,
            left,
            other,
            results,
        })
    }

    /// What is judged of an answer, in the order in which it explains. Of what has no rule in the profile of the
    /// application, nothing is.
    fn aspects<'a>(
        &self,
        case: &Case,
        got: &Answer,
        expected: &Answer,
        provenance: &'a Provenance,
    ) -> Vec<Aspect<'a>> {
        // A status that is not the expected one explains all the rest.
        let status = match (got.status, expected.status) {
            (400, _) | (_, 400) => &[rules::MIDDLEWARE_INTERRUPTED],
            _ => provenance.cookie.as_slice(),
        };
        let is_adopted =
            self.adopts && expected.left.is_none() && got.left.as_ref().is_some_and(Map::is_empty);
        let profile = self.settings.profile;
        // Whether the session is saved at the end, and why, is behind all that is seen of it.
        let is_django = profile == Profile::Django;
        let overlaps = case.meanwhile().is_some();
        let is_told = is_django || !overlaps && is_plain(case, expected);
        let is_decided = is_told && provenance.left.last().is_none_or(|reason| profile.includes(*reason));
        // Of requests that overlap, every framework holds what the first rule says, and not what it follows from. When a
        // session is read, and whether one without entries is kept, differs.
        let is_kept = |left: &Option<Map<_, _>>| left.as_ref().is_none_or(|left| !left.is_empty());
        let leads = |rules: &[RuleId], left| {
            overlaps && rules.first().is_some_and(|rule| profile.includes(*rule)) && is_kept(left)
        };
        let is_seen = got.status == expected.status && (is_django || !overlaps);
        let aspects = [
            (got.status == expected.status, status, true),
            (got.results == expected.results, provenance.results.as_slice(), is_seen),
            (
                got.cookie.is_some_and(is_set) == expected.cookie.is_some_and(is_set),
                &provenance.cookie,
                is_decided,
            ),
            (
                got.cookie == expected.cookie,
                if expected.cookie.is_some_and(is_set) { &provenance.key } else { &provenance.cookie },
                is_decided,
            ),
            (
                got.left == expected.left,
                if is_adopted { ADOPTED } else { &provenance.left },
                is_decided || leads(&provenance.left, &expected.left),
            ),
            (
                got.other == expected.other,
                &provenance.other,
                is_django || leads(&provenance.other, &expected.other),
            ),
            (got.max_age == expected.max_age, &provenance.max_age, is_decided),
            (got.vary == expected.vary, &provenance.vary, true),
        ];
        let is_asked = |rules: &[RuleId]| rules.is_empty() || profile.first_of(rules).is_some();
        let judged = aspects.into_iter().filter(|(_, rules, counts)| *counts && is_asked(rules));
        judged.map(|(holds, rules, _)| (holds, rules)).collect()
    }

    /// After a log-in or a log-out, here or elsewhere, the key that the visitor brought opens nothing.
    fn old_key_is_dead(&mut self, case: &Case, old: &str) -> Result<(), String> {
        let ended_by = [
            (Operation::CycleKey, rules::MIDDLEWARE_LOG_IN),
            (Operation::Flush, rules::MIDDLEWARE_LOG_OUT),
            (Operation::DeleteElsewhere, rules::MIDDLEWARE_LOG_OUT_FINAL),
        ];
        let ended_meanwhile = [
            (Operation::CycleKey, rules::MIDDLEWARE_LOG_IN_FINAL),
            (Operation::Flush, rules::MIDDLEWARE_LOG_OUT_FINAL),
        ];
        let by = |ends: &[(Operation, RuleId)], operations: &[Operation]| {
            ends.iter().find(|(operation, _)| operations.contains(operation)).map(|(_, rule)| *rule)
        };
        let meanwhile = case.meanwhile().unwrap_or_default();
        let ended = by(&ended_meanwhile, meanwhile).or_else(|| by(&ended_by, &case.operations));
        let Some(rule) = ended else { return Ok(()) };
        *self.exercised.entry(rule).or_default() += 1;
        if let Some(data) = self.left(old)? {
            let rule = if data.is_empty() && self.adopts { ADOPTED[0] } else { rule };
            let got = format!("the old key still opens {}", Value::from(data));
            self.fail(rule, case, "the old key opens nothing".into(), got);
        }
        Ok(())
    }

    fn attributes(&mut self, case: &Case, cookies: &[Cookie], sent: Option<Sent>) {
        let (Some(sent), [.., cookie]) = (sent, cookies) else { return };
        let settings = &self.settings;
        let same_site = settings.cookie_samesite.as_ref().map(|value| value.to_lowercase());
        let insists = settings.cookie_name.starts_with("__")
            || same_site.as_deref().is_some_and(|value| value == "none");
        let text = |name: &str| cookie.attributes.get(name).cloned();
        let has = |name: &str| cookie.attributes.contains_key(name);
        let rule;
        let mut faults = Vec::new();
        if sent == Sent::Deleted {
            rule = rules::MIDDLEWARE_COOKIE_DELETED_ATTRIBUTES;
            if insists && !has("secure") {
                faults.push("Secure is missing".to_owned());
            }
        } else {
            rule = rules::MIDDLEWARE_COOKIE_ATTRIBUTES;
            for (name, wanted) in [("secure", settings.cookie_secure), ("httponly", settings.cookie_httponly)]
            {
                if has(name) != wanted {
                    faults.push(format!("{name} is {}", if wanted { "missing" } else { "there" }));
                }
            }
            let sent = text("samesite").map(|value| value.to_lowercase());
            if sent != same_site {
                faults.push(format!("SameSite is {}", sent.as_deref().unwrap_or("missing")));
            }
            // Either says how long it lives; Django sends both.
            if settings.profile == Profile::Django && has("max-age") != has("expires") {
                faults.push("of Max-Age and Expires there is only one".into());
            }
        }
        for (name, wanted) in
            [("path", Some(&settings.cookie_path)), ("domain", settings.cookie_domain.as_ref())]
        {
            if text(name).as_ref() != wanted {
                faults.push(format!("{name} is {}", text(name).as_deref().unwrap_or("missing")));
            }
        }
        if cookies.len() > 1 {
            faults.push(format!("it is sent {} times", cookies.len()));
        }
        *self.exercised.entry(rule).or_default() += 1;
        if !faults.is_empty() {
            self.fail(rule, case, "the cookie as the settings say".into(), faults.join(", "));
        }
    }

    fn fail(&mut self, rule: RuleId, case: &Case, expected: String, got: String) {
        let operations = in_words(&case.operations);
        let request =
            format!("{}; the handler does {operations} and answers {}", brings(case.cookie), case.status);
        self.broken.push(Broken { rule, request, expected, got });
    }
}

fn is_set(sent: Sent) -> bool {
    sent != Sent::Deleted
}

/// Whether a case is one in which every framework saves its session: something is in it that the handler changed. A
/// session that was deleted meanwhile may have been read before.
fn is_plain(case: &Case, expected: &Answer) -> bool {
    let changes = |operation: &Operation| {
        matches!(operation, Operation::Set(..) | Operation::Remove(_) | Operation::CycleKey | Operation::Save)
    };
    expected.left.as_ref().is_some_and(|left| !left.is_empty())
        && case.operations.iter().any(changes)
        && !case.operations.contains(&Operation::DeleteElsewhere)
}

/// Whether an answer depends on the cookie.
fn varies(response: &Response) -> bool {
    let names = response.vary.iter().flat_map(|line| line.split(',')).map(str::trim);
    names.into_iter().any(|name| name == "*" || name.eq_ignore_ascii_case("cookie"))
}

fn brings(brought: Brought) -> &'static str {
    match brought {
        Brought::None => "a visitor without a cookie",
        Brought::Live => "a visitor with the session {\"a\":1,\"list\":[1,2]}",
        Brought::Bare => "a visitor whose session has no entry",
        Brought::Unknown => "a visitor with a key that nobody issued",
        Brought::Short => "a visitor with a key of five characters",
        Brought::Ended => "a visitor whose session was deleted",
        Brought::Expired => "a visitor whose session has expired",
    }
}

/// What a handler does, in a line.
pub(super) fn in_words(operations: &[Operation]) -> String {
    if operations.is_empty() {
        return "nothing".into();
    }
    let words = operations.iter().map(|operation| match operation.meanwhile() {
        Some(meanwhile) => format!("meanwhile in another request {}", in_words(meanwhile)),
        None => Value::from(Vec::from(operation.clone())).to_string(),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// An answer in a line.
fn shown(case: &Case, answer: &Answer) -> String {
    let cookie = match answer.cookie {
        None => "no cookie".into(),
        Some(Sent::Deleted) => "the cookie deleted".into(),
        Some(sent) => {
            let key = if sent == Sent::Same { "the same" } else { "another" };
            let life = answer.max_age.map_or("until the browser closes".into(), |age| format!("for {age} s"));
            format!("the cookie set to {key} key {life}")
        }
    };
    let vary = if answer.vary { "Vary: Cookie" } else { "no Vary: Cookie" };
    let found = |data: &Option<Map<String, Value>>| {
        data.clone().map_or("no session".into(), |data| Value::from(data).to_string())
    };
    let (left, results) = (found(&answer.left), Value::from(answer.results.clone()));
    let other = if case.meanwhile().is_some() {
        format!("; with the other request's cookie {}", found(&answer.other))
    } else {
        String::new()
    };
    format!("{}, {cookie}, {vary}; then {left}{other}; results {results}", answer.status)
}
