//! The suite for applications: every case of the table that fits the application's settings is played on it, and
//! what a visitor sees is compared with the model.
//!
//! - `case.rs`: one case of the table, played and judged
//! - `cookie.rs`: what an answer says about the cookie
//! - `headers.rs`: which session a header `Cookie` opens
//! - `keys.rs`: what the keys of many sessions are like
//! - `log.rs`: whether keys stand in the application's logs

mod case;
mod cookie;
mod headers;
mod keys;
mod log;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};
use session_core::{Capabilities, KeyGenerator, RandomKeys};

use super::{Brought, Case, Operation, cases, cookie_session_cases, live, overlapping_cases};
use crate::manifest::{ClockLevel, Manifest};
use crate::report::{Outcome, RuleReport, SubjectReport};
use crate::rule::{Profile, RuleId};
use crate::rules;
use case::in_words;
use cookie::Cookie;

/// Something that answers requests.
pub trait Application {
    /// The settings of its sessions.
    ///
    /// # Errors
    /// Why it does not answer.
    fn settings(&mut self) -> Result<Settings, String>;

    /// Has its handler do something. Of a request in which another one comes [meanwhile](Operation::Meanwhile), that one's
    /// answer is the response's [`other`](Response::other); none is asked for unless the settings say
    /// [`overlap`](Settings::overlap).
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
    /// The header `Date`, from which the life of a cookie is counted that has no age.
    pub date: Option<String>,
    /// The answer to the request that came meanwhile.
    pub other: Option<Box<Response>>,
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
        Self { status, set_cookie, vary, results, cache_control: Vec::new(), date: None, other: None }
    }

    /// The same with these `Cache-Control` lines.
    #[must_use]
    pub fn with_cache_control(self, cache_control: Vec<String>) -> Self {
        Self { cache_control, ..self }
    }

    /// The same with this `Date`.
    #[must_use]
    pub fn with_date(self, date: Option<String>) -> Self {
        Self { date, ..self }
    }

    /// The same with the answer to the request that came meanwhile.
    #[must_use]
    pub fn with_other(self, other: Option<Response>) -> Self {
        Self { other: other.map(Box::new), ..self }
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
    /// Whether it handles a request while another one waits, and knows the operation `call`.
    #[serde(default)]
    pub overlap: bool,
    /// Which rules the application is meant to hold; all of them, if nothing is said.
    #[serde(default)]
    pub profile: Profile,
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
    let fault = |error: serde_json::Error| format!("the table of requests: {error}");
    let mut table = if settings.server_side { cases() } else { cookie_session_cases() }.map_err(fault)?;
    if settings.server_side && settings.overlap {
        table.extend(overlapping_cases().map_err(fault)?);
    }
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
        adopts: false,
    };
    run.adopts = run.settings.server_side && run.adopts()?;
    // Not every framework keeps a session in which there is nothing.
    let keeps_bare = run.settings.profile == Profile::Django || run.begun(&[Operation::CycleKey])?.is_some();
    let total = table.len() + 1;
    for (done, case) in table.iter().enumerate() {
        if (case.cookie != Brought::Bare || keeps_bare) && run.can_learn_from(case) {
            run.case(case)?;
        }
        progress(done + 1, total);
    }
    run.headers()?;
    run.is_private()?;
    if run.settings.server_side {
        run.keys()?;
    }
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
    /// Whether a key that nobody issued opens a session when something is written: then a session that is found empty is
    /// one of those, and not one that came back.
    adopts: bool,
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
        let set = Cookie::all(&response, &self.settings.cookie_name)
            .into_iter()
            .filter(|cookie| !cookie.is_deleted());
        self.keys.extend(set.map(|cookie| cookie.value));
        Ok(response)
    }

    /// Begins a session; its key, if there is one then.
    fn begun(&mut self, operations: &[Operation]) -> Result<Option<String>, String> {
        let response = self.exchange(None, operations, 200)?;
        Ok(self.key_in(&response))
    }

    /// The key of the session that an answer begins.
    fn key_in(&self, response: &Response) -> Option<String> {
        let cookie = Cookie::all(response, &self.settings.cookie_name).pop();
        cookie.filter(|cookie| !cookie.is_deleted()).map(|cookie| cookie.value)
    }

    /// Begins a session; its key.
    fn begin(&mut self, operations: &[Operation]) -> Result<String, String> {
        let response = self.exchange(None, operations, 200)?;
        self.key_in(&response).ok_or_else(|| {
            let name = &self.settings.cookie_name;
            let mut set: Vec<&str> =
                response.set_cookie.iter().filter_map(|line| line.split('=').next()).collect();
            set.retain(|other| *other != name);
            let others = match set.as_slice() {
                [] => String::new(),
                others => format!("; the answer sets {}, and the settings say {name}", others.join(", ")),
            };
            let asked = in_words(operations);
            format!("no session can be begun: after {asked} there is no cookie named {name}{others}")
        })
    }

    /// The key that a visitor brings.
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

    /// Whether a session is kept under a key that nobody issued.
    fn adopts(&mut self) -> Result<bool, String> {
        let Some(key) = self.bring(Brought::Unknown)? else { return Ok(false) };
        self.exchange(Some(&key), &[Operation::Set("a".into(), 1.into())], 200)?;
        Ok(self.left(&key)?.is_some())
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

    /// Whether a case tells more than what is known: where a log-in or a log-out fails by itself, nothing is learnt from one
    /// while another request is under way.
    fn can_learn_from(&self, case: &Case) -> bool {
        let Some(meanwhile) = case.meanwhile() else { return true };
        let is_broken = |rule| self.broken.iter().any(|broken| broken.rule == rule);
        let fails = [
            (Operation::CycleKey, self.adopts || is_broken(rules::MIDDLEWARE_LOG_IN)),
            (Operation::Flush, self.adopts || is_broken(rules::MIDDLEWARE_LOG_OUT)),
        ];
        let does = |operation| meanwhile.contains(operation) || case.operations.contains(operation);
        !fails.iter().any(|(operation, fails)| *fails && does(operation))
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
        if response.is_public()
            && Cookie::all(&response, &self.settings.cookie_name).iter().any(|cookie| !cookie.is_deleted())
        {
            self.broken.push(Broken {
                rule,
                request: "no cookie; the handler begins a session and says `Cache-Control: public`".into(),
                expected: "`Cache-Control` without `public` beside the session's cookie".into(),
                got: format!("Cache-Control: {}", response.cache_control.join(", ")),
            });
        }
        Ok(())
    }

    fn report(self, name: &str) -> (SubjectReport, Vec<Broken>) {
        let manifest = Manifest {
            name: name.into(),
            version: String::new(),
            clock: ClockLevel::Wall,
            profile: self.settings.profile,
            capabilities: if self.settings.server_side {
                Capabilities::database()
            } else {
                Capabilities::client_side()
            },
            ..Manifest::reference()
        };
        let report = |rule: RuleId| {
            let exercised = self.exercised.get(&rule).copied().unwrap_or_default();
            let broken = self.broken.iter().find(|broken| broken.rule == rule);
            let (status, reason) = match (rule.not_for(&manifest), broken) {
                (Some(reason), _) => (Outcome::NotApplicable, Some(reason)),
                (None, Some(broken)) => {
                    (Outcome::Fail, Some(format!("expected {}, got {}", broken.expected, broken.got)))
                }
                (None, None) if exercised > 0 => (Outcome::Pass, None),
                (None, None) => {
                    let (status, reason) = match rule {
                        rules::MIDDLEWARE_SAVE_EVERY_REQUEST => {
                            (Outcome::NotApplicable, "the setting save_every_request is off")
                        }
                        rules::MIDDLEWARE_OVERLAP_READS
                        | rules::MIDDLEWARE_OVERLAP_WRITES
                        | rules::MIDDLEWARE_LOG_IN_FINAL
                            if !self.settings.overlap =>
                        {
                            (Outcome::NotApplicable, "the application does not say `overlap`")
                        }
                        rules::MIDDLEWARE_SAVE_UNMODIFIED | rules::MIDDLEWARE_OVERLAP_READS => {
                            (Outcome::NotApplicable, "the setting save_every_request is on")
                        }
                        rules::MIDDLEWARE_KEY_NOT_LOGGED => {
                            (Outcome::NotApplicable, "what the application writes was not shown")
                        }
                        rules::MIDDLEWARE_COOKIE_DELETED_ATTRIBUTES if manifest.profile == Profile::Core => {
                            (Outcome::NotApplicable, "the application never deleted the cookie")
                        }
                        _ => (Outcome::NotExercised, "no request got as far as this rule"),
                    };
                    (status, Some(reason.into()))
                }
            };
            RuleReport { exercised, reason, ..RuleReport::new(rule, status, ClockLevel::Wall) }
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
        let applies = |broken: &Broken| broken.rule.not_for(&report.manifest).is_none();
        let broken = self.broken.into_iter().filter(applies);
        let broken = broken.filter(|broken| told.insert(broken.rule)).collect();
        (report, broken)
    }
}
