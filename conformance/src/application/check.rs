//! The suite for applications: every case of the table that fits the application's settings is played on it, and
//! what a visitor sees is compared with the model.
//!
//! - `headers.rs`: which session a header `Cookie` opens
//! - `keys.rs`: what the keys of many sessions are like
//! - `log.rs`: whether keys stand in the application's logs

mod headers;
mod keys;
mod log;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};
use session_core::{KeyGenerator, RandomKeys};

use super::{Answer, Brought, Case, Operation, Predicted, Sent, cases, live, predict};
use crate::manifest::{ClockLevel, Manifest};
use crate::report::{Outcome, RuleReport, SubjectReport};
use crate::rule::RuleId;
use crate::rules;

/// Something that answers requests.
pub trait Application {
    /// The settings of its sessions.
    ///
    /// # Errors
    /// Why it does not answer.
    fn settings(&mut self) -> Result<Settings, String>;

    /// Has its handler do something.
    ///
    /// # Errors
    /// Why it does not answer.
    fn exchange(&mut self, request: &Request) -> Result<Response, String>;

    /// What it has written to its output and into its logs; nothing if nobody can see that.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn written(&mut self) -> Result<Option<String>, String> {
        Ok(None)
    }
}

/// A request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Request {
    /// The header `Cookie`.
    pub cookie: Option<String>,
    /// What the handler does with the session.
    pub operations: Vec<Operation>,
    /// The status with which it answers.
    pub status: u16,
    /// Whether it says that everybody may have the answer: `Cache-Control: public, max-age=60`.
    pub public: bool,
}

/// The answer to a request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers `Set-Cookie`.
    pub set_cookie: Vec<String>,
    /// The headers `Vary`.
    pub vary: Vec<String>,
    /// The headers `Cache-Control`.
    pub cache_control: Vec<String>,
    /// What the operations gave; nothing if another answer took the handler's place.
    pub results: Option<Vec<Value>>,
}

impl Request {
    /// A request with this cookie, for a handler that does this and answers so.
    pub fn new(cookie: Option<String>, operations: Vec<Operation>, status: u16) -> Self {
        Self { cookie, operations, status, public: false }
    }

    /// The same, for a handler that says `Cache-Control: public, max-age=60`.
    #[must_use]
    pub fn with_public(self) -> Self {
        Self { public: true, ..self }
    }
}

impl Response {
    /// An answer with this status, these `Set-Cookie` and `Vary` lines, and what the operations gave.
    pub fn new(status: u16, set_cookie: Vec<String>, vary: Vec<String>, results: Option<Vec<Value>>) -> Self {
        Self { status, set_cookie, vary, results, cache_control: Vec::new() }
    }

    /// The same with these `Cache-Control` lines.
    #[must_use]
    pub fn with_cache_control(self, cache_control: Vec<String>) -> Self {
        Self { cache_control, ..self }
    }

    /// Whether it says that everybody may have it.
    fn is_public(&self) -> bool {
        let mut directives = self.cache_control.iter().flat_map(|line| line.split(','));
        directives.any(|directive| directive.trim().eq_ignore_ascii_case("public"))
    }
}

/// What an application says about its sessions: Django's settings, in lower case and without `SESSION_`.
#[expect(clippy::struct_excessive_bools, reason = "they are Django's settings")]
#[expect(missing_docs, reason = "the settings of these names")]
#[derive(Debug, Clone, Deserialize)]
pub struct Settings {
    pub cookie_name: String,
    pub cookie_age: i64,
    pub cookie_domain: Option<String>,
    pub cookie_path: String,
    pub cookie_secure: bool,
    pub cookie_httponly: bool,
    pub cookie_samesite: Option<String>,
    pub save_every_request: bool,
    pub expire_at_browser_close: bool,
    /// Whether the records are kept on the server, and not in the cookie.
    pub server_side: bool,
}

/// A broken rule, with the request that shows it. No key is in it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Broken {
    /// The rule.
    pub rule: RuleId,
    /// What the visitor brought, and what the handler did.
    pub request: String,
    /// What must be seen.
    pub expected: String,
    /// What was seen.
    pub got: String,
}

/// Checks an application. `progress` is told how many requests of how many were played.
///
/// # Errors
/// Why the application could not be driven; nothing is known of it then.
pub fn check(
    application: &mut dyn Application,
    name: &str,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(SubjectReport, Vec<Broken>), String> {
    let settings = application.settings()?;
    if !settings.server_side {
        return Err("its sessions are in the cookie; this suite is for stores that keep the records".into());
    }
    let table = cases().map_err(|error| format!("the table of requests: {error}"))?;
    let fits = |case: &Case| {
        !case.operations.contains(&Operation::IsTrue)
            && case.save_every_request == settings.save_every_request
            && case.expire_at_browser_close == settings.expire_at_browser_close
    };
    let table: Vec<Case> = table.into_iter().filter(fits).collect();
    let mut run = Run {
        application,
        settings,
        requests: 0,
        exercised: BTreeMap::new(),
        keys: BTreeSet::new(),
        broken: Vec::new(),
    };
    let total = table.len() + 1;
    for (done, case) in table.iter().enumerate() {
        run.case(case)?;
        progress(done + 1, total);
    }
    run.headers()?;
    run.is_private()?;
    run.keys()?;
    run.log()?;
    progress(total, total);
    Ok(run.report(name))
}

struct Run<'a> {
    application: &'a mut dyn Application,
    settings: Settings,
    requests: u64,
    exercised: BTreeMap<RuleId, u64>,
    /// The keys that were issued.
    keys: BTreeSet<String>,
    broken: Vec<Broken>,
}

/// The session cookie of an answer.
struct Cookie {
    value: String,
    /// By their names in lower case.
    attributes: BTreeMap<String, String>,
}

impl Cookie {
    fn is_deleted(&self) -> bool {
        // In whichever of the two ways.
        self.attributes.get("max-age").is_some_and(|age| age == "0")
            || self.attributes.get("expires").is_some_and(|at| at.contains("1970"))
    }
}

impl Run<'_> {
    fn exchange(
        &mut self,
        key: Option<&str>,
        operations: &[Operation],
        status: u16,
    ) -> Result<Response, String> {
        // Others' cookies stand beside, some of them malformed.
        let name = &self.settings.cookie_name;
        let cookie = key.map(|key| format!("theme=dark; broken; {name}={key}; other=\"x"));
        self.request(cookie, operations, status)
    }

    fn request(
        &mut self,
        cookie: Option<String>,
        operations: &[Operation],
        status: u16,
    ) -> Result<Response, String> {
        self.requests += 1;
        let response = self.application.exchange(&Request::new(cookie, operations.to_vec(), status))?;
        let set = self.cookies(&response).into_iter().filter(|cookie| !cookie.is_deleted());
        self.keys.extend(set.map(|cookie| cookie.value));
        Ok(response)
    }

    /// The session cookies that an answer sets or deletes.
    fn cookies(&self, response: &Response) -> Vec<Cookie> {
        let ours = |line: &String| {
            let mut parts = line.split(';').map(str::trim);
            let (name, value) = parts.next()?.split_once('=')?;
            let attributes = parts.map(|part| part.split_once('=').unwrap_or((part, "")));
            (name == self.settings.cookie_name).then(|| Cookie {
                value: value.trim_matches('"').to_owned(),
                attributes: attributes.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
            })
        };
        response.set_cookie.iter().filter_map(ours).collect()
    }

    /// Begins a session; its key.
    fn begin(&mut self, operations: &[Operation]) -> Result<String, String> {
        let response = self.exchange(None, operations, 200)?;
        let cookie = self.cookies(&response).pop().filter(|cookie| !cookie.is_deleted());
        cookie
            .map(|cookie| cookie.value)
            .ok_or_else(|| format!("no session can be begun: after {} there is no cookie", shown(operations)))
    }

    fn bring(&mut self, brought: Brought) -> Result<Option<String>, String> {
        let live = || live().map(|(entry, value)| Operation::Set(entry, value));
        Ok(match brought {
            Brought::None => None,
            Brought::Live => Some(self.begin(&live())?),
            Brought::Bare => Some(self.begin(&[Operation::CycleKey])?),
            Brought::Unknown => {
                Some(RandomKeys.generate().map_err(|error| error.to_string())?.as_str().to_owned())
            }
            Brought::Short => Some("short".into()),
            // Nobody waits for the first to expire, and in the table no such case is for records on a server.
            Brought::Ended | Brought::Expired => {
                let key = self.begin(&live())?;
                self.exchange(Some(&key), &[Operation::Flush], 200)?;
                Some(key)
            }
        })
    }

    fn case(&mut self, case: &Case) -> Result<(), String> {
        let Predicted { answer: expected, provenance } = predict(case, self.settings.cookie_age);
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
        let cookies = self.cookies(&response);
        let cookie = cookies.last();
        let sent = cookie.map(|cookie| {
            if cookie.is_deleted() {
                Sent::Deleted
            } else if Some(&cookie.value) == key.as_ref() {
                Sent::Same
            } else {
                Sent::New
            }
        });
        let max_age = cookie.filter(|cookie| !cookie.is_deleted());
        let max_age = max_age.and_then(|cookie| cookie.attributes.get("max-age")?.parse().ok());
        let next = match sent {
            None => key.clone(),
            Some(Sent::Deleted) => None,
            Some(Sent::Same | Sent::New) => cookie.map(|cookie| cookie.value.clone()),
        };
        let left = match &next {
            Some(next) => self.left(next)?,
            None => None,
        };
        let got = Answer {
            status: response.status,
            cookie: sent,
            max_age,
            vary: varies(&response),
            // Nobody outside sees it.
            loads: expected.loads,
            left,
            results: response.results.clone().unwrap_or_else(|| expected.results.clone()),
        };

        for rule in provenance.rules().collect::<BTreeSet<_>>() {
            *self.exercised.entry(rule).or_default() += 1;
        }
        // A status that is not the expected one explains all the rest.
        let status = match (got.status, expected.status) {
            (400, _) | (_, 400) => &[rules::MIDDLEWARE_INTERRUPTED],
            _ => provenance.cookie.as_slice(),
        };
        let aspects = [
            (got.status == expected.status, status),
            (got.results == expected.results, &provenance.results),
            (got.cookie.is_some_and(is_set) == expected.cookie.is_some_and(is_set), &provenance.cookie),
            (
                got.cookie == expected.cookie,
                if expected.cookie.is_some_and(is_set) { &provenance.key } else { &provenance.cookie },
            ),
            (got.left == expected.left, if is_adopted(&got, &expected) { ADOPTED } else { &provenance.left }),
            (got.max_age == expected.max_age, &provenance.max_age),
            (got.vary == expected.vary, &provenance.vary),
        ];
        if let Some((_, rules)) = aspects.into_iter().find(|(holds, _)| !holds) {
            // An age without a rule is one of a cookie that should not be there.
            let rule = rules.first().copied().unwrap_or(rules::MIDDLEWARE_COOKIE_AGE);
            self.fail(rule, case, seen(&expected), seen(&got));
            return Ok(());
        }
        self.attributes(case, &cookies, sent);
        if let (Some(old), Some(Sent::New | Sent::Deleted)) = (&key, sent) {
            self.old_key_is_dead(case, old)?;
        }
        Ok(())
    }

    /// What a next visitor finds under a key.
    fn left(&mut self, key: &str) -> Result<Option<Map<String, Value>>, String> {
        const ENTRIES: [&str; 3] = ["a", "list", "b"];
        let mut operations: Vec<_> = ENTRIES.iter().map(|entry| Operation::Get((*entry).into())).collect();
        // Where nothing answers to the key, the session has none any more.
        operations.push(Operation::IsEmpty);
        let mut found = self.exchange(Some(key), &operations, 200)?.results.unwrap_or_default();
        let gone = found.pop() == Some(true.into());
        let entries = ENTRIES.into_iter().map(str::to_owned).zip(found);
        Ok((!gone).then(|| entries.filter(|(_, value)| !value.is_null()).collect()))
    }

    fn old_key_is_dead(&mut self, case: &Case, old: &str) -> Result<(), String> {
        let rule = if case.operations.contains(&Operation::CycleKey) {
            rules::MIDDLEWARE_LOG_IN
        } else if case.operations.contains(&Operation::Flush) {
            rules::MIDDLEWARE_LOG_OUT
        } else {
            return Ok(());
        };
        if let Some(data) = self.left(old)? {
            let rule = if data.is_empty() { ADOPTED[0] } else { rule };
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
            if has("max-age") != has("expires") {
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

    /// Whether a shared cache is told to keep an answer with the session's cookie.
    fn is_private(&mut self) -> Result<(), String> {
        let rule = rules::MIDDLEWARE_CACHE_PRIVATE;
        self.requests += 2;
        // An application need not know how to say so at all; then there is nothing to see.
        if !self.application.exchange(&Request::new(None, Vec::new(), 200).with_public())?.is_public() {
            return Ok(());
        }
        let set = vec![Operation::Set("a".into(), 1.into())];
        let response = self.application.exchange(&Request::new(None, set, 200).with_public())?;
        *self.exercised.entry(rule).or_default() += 1;
        if response.is_public() && self.cookies(&response).iter().any(|cookie| !cookie.is_deleted()) {
            self.broken.push(Broken {
                rule,
                request: "no cookie; the handler begins a session and says `Cache-Control: public`".into(),
                expected: "`Cache-Control` without `public` beside the session's cookie".into(),
                got: format!("Cache-Control: {}", response.cache_control.join(", ")),
            });
        }
        Ok(())
    }

    fn fail(&mut self, rule: RuleId, case: &Case, expected: String, got: String) {
        let request = format!(
            "{}; the handler does {} and answers {}",
            brings(case.cookie),
            shown(&case.operations),
            case.status
        );
        self.broken.push(Broken { rule, request, expected, got });
    }

    fn report(self, name: &str) -> (SubjectReport, Vec<Broken>) {
        let manifest = Manifest {
            name: name.into(),
            version: String::new(),
            clock: ClockLevel::Wall,
            ..Manifest::reference()
        };
        let report = |rule: RuleId| {
            let exercised = self.exercised.get(&rule).copied().unwrap_or_default();
            let broken = self.broken.iter().find(|broken| broken.rule == rule);
            let (status, reason) = match broken {
                Some(broken) => {
                    (Outcome::Fail, Some(format!("expected {}, got {}", broken.expected, broken.got)))
                }
                None if exercised > 0 => (Outcome::Pass, None),
                None => {
                    let (status, reason) = match rule {
                        rules::MIDDLEWARE_SAVE_EVERY_REQUEST => {
                            (Outcome::NotApplicable, "the setting save_every_request is off")
                        }
                        rules::MIDDLEWARE_SAVE_UNMODIFIED => {
                            (Outcome::NotApplicable, "the setting save_every_request is on")
                        }
                        rules::MIDDLEWARE_KEY_NOT_LOGGED => {
                            (Outcome::NotApplicable, "what the application writes was not shown")
                        }
                        _ => (Outcome::NotExercised, "no request got as far as this rule"),
                    };
                    (status, Some(reason.into()))
                }
            };
            RuleReport {
                rule,
                status,
                exercised,
                clock: ClockLevel::Wall,
                reason,
                trace: None,
                schedule: None,
            }
        };
        let rules = RuleId::of_applications().map(report).collect();
        let report = SubjectReport {
            manifest,
            steps: self.requests,
            rules,
            failures: Vec::new(),
            schedule_failures: Vec::new(),
        };
        // The first of each rule says enough.
        let mut told = BTreeSet::new();
        let broken = self.broken.into_iter().filter(|broken| told.insert(broken.rule)).collect();
        (report, broken)
    }
}

/// The rule to blame where a session without data answers to a key that is dead.
const ADOPTED: &[RuleId] = &[rules::MIDDLEWARE_KEY_NOT_ADOPTED];

fn is_adopted(got: &Answer, expected: &Answer) -> bool {
    expected.left.is_none() && got.left.as_ref().is_some_and(Map::is_empty)
}

fn is_set(sent: Sent) -> bool {
    sent != Sent::Deleted
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

fn shown(operations: &[Operation]) -> String {
    if operations.is_empty() {
        return "nothing".into();
    }
    let words = operations.iter().map(|operation| Value::from(Vec::from(operation.clone())).to_string());
    words.collect::<Vec<_>>().join(", ")
}

/// An answer in a line.
fn seen(answer: &Answer) -> String {
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
    let left = answer.left.clone().map_or("no session".into(), |data| Value::from(data).to_string());
    format!(
        "{}, {cookie}, {vary}; then {left}; results {}",
        answer.status,
        Value::from(answer.results.clone())
    )
}
