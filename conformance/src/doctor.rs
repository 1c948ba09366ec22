//! Checks of an adapter's protocol, one after the other, each with what was seen or what is wrong. They say
//! nothing about the store behind it: that is what the suite is for.

use serde::Deserialize;

use crate::call::Call;
use crate::json::Json;
use crate::manifest::{ClockLevel, Hook, Manifest, SubjectLevel};
use crate::observation::Observation;
use crate::op::{SessionOp, StorageOp};
use crate::rule::RuleId;
use crate::subject::{AdapterCommand, Subject, process_subject};
use crate::suite::{LEFT, is_emptied};
use crate::trace::{OTHER_STORAGE, START, Settings};

/// A key that nobody issued.
const UNKNOWN: &str = "0123456789abcdef";

/// One check and its result.
#[derive(Debug)]
#[non_exhaustive]
pub struct Check {
    /// What was checked.
    pub what: String,
    /// What was seen, or what is wrong.
    pub result: Result<String, String>,
}

/// Examines an adapter. The first fault ends the examination, because what follows would only repeat it.
pub fn examine(command: &AdapterCommand) -> Vec<Check> {
    let hello = || "it starts and answers `hello`".to_owned();
    let mut examination = Examination { checks: Vec::new(), key: None, asked: 0 };
    let mut subject = match process_subject(command) {
        Ok(subject) => subject,
        Err(fault) => {
            examination.note(hello(), Err(fault.to_string()));
            return examination.checks;
        }
    };
    let manifest = subject.manifest().clone();
    let level = match manifest.level {
        SubjectLevel::Store => "a store",
        SubjectLevel::KeyValue => "a store that keeps what is under a key",
        SubjectLevel::Session => "a subject with session objects",
    };
    examination.note(hello(), Ok(format!("{level} named {} {}", manifest.name, manifest.version)));
    if !manifest.unknown.is_empty() {
        let unknown = manifest.unknown.join(", ");
        examination
            .note("what it says of itself".into(), Ok(format!("not known here, and ignored: {unknown}")));
    }
    examination.note("its profile".into(), Ok(profile(&manifest)));
    examination.note("its clock".into(), Ok(clock(&manifest)));
    let opened = subject.open(START, Settings::default());
    let opened = opened.map(|()| "storage is open".to_owned()).map_err(|fault| fault.to_string());
    examination.note("`open`".into(), opened);
    examination.asked(&*subject);
    examination.operations(&mut *subject);
    examination.reading_back(&mut *subject);
    examination.storage(&mut *subject, &manifest);
    examination.opening_again(&mut *subject);
    examination.checks
}

/// Which rules a subject is meant to hold.
fn profile(manifest: &Manifest) -> String {
    let profile = manifest.profile;
    let rules: Vec<RuleId> = RuleId::of_stores().chain(RuleId::of_schedules()).collect();
    let included = rules.iter().filter(|rule| profile.includes(**rule)).count();
    format!("{}: {included} of {} rules on stores", profile.name(), rules.len())
}

/// How time reaches a subject, and how that was seen.
fn clock(manifest: &Manifest) -> String {
    let how = match (manifest.clock, manifest.clock_test.as_str()) {
        (ClockLevel::Virtual, _) => "time is what each request says",
        (_, "") => "it is waited for, so that little of what time does is seen",
        (_, test) => test,
    };
    format!("{}: {how}", manifest.clock.name())
}

struct Examination {
    checks: Vec<Check>,
    /// The key of the session object after the last call on one.
    key: Option<String>,
    /// How many lines the adapter was sent since the storage was opened.
    asked: usize,
}

impl Examination {
    fn note(&mut self, what: String, result: Result<String, String>) {
        self.checks.push(Check { what, result });
    }

    /// Whether something was wrong.
    fn is_over(&self) -> bool {
        self.checks.last().is_some_and(|check| check.result.is_err())
    }

    /// Asks, unless something was wrong before. Of what the suite's own sessions do, only what reaches the adapter is noted,
    /// under the names of the operations that it is asked for.
    fn ask(&mut self, subject: &mut dyn Subject, what: &str, call: &Call<'_>) {
        if self.is_over() {
            return;
        }
        let result = match subject.call(START, call) {
            Ok(Observation { outcome, session }) => {
                if let Some(session) = session {
                    self.key = session.key;
                }
                Ok(match outcome {
                    Ok(answer) => answer.to_string(),
                    Err(failed) => format!("{} ({})", failed.kind.name(), failed.message),
                })
            }
            Err(fault) => Err(fault.to_string()),
        };
        let asked = self.asked(subject);
        match (subject.manifest().level, asked.as_slice()) {
            (SubjectLevel::Session, _) => self.note(what.into(), result),
            (_, []) if result.is_ok() => {}
            (_, [one]) if format!("`{one}`") == what => self.note(what.into(), result),
            (_, asked) => self.note(format!("`{}`, for {what}", asked.join("`, `")), result),
        }
    }

    /// The operations that the adapter was asked for since this was called last.
    fn asked(&mut self, subject: &dyn Subject) -> Vec<String> {
        #[derive(Deserialize)]
        struct Request {
            op: String,
        }
        let sent = subject.sent().unwrap_or_default();
        let operations =
            sent.lines().skip(self.asked).filter_map(|line| serde_json::from_str::<Request>(line).ok());
        let operations = operations.map(|request| request.op).collect();
        self.asked = sent.lines().count();
        operations
    }

    /// Every operation on a session object.
    fn operations(&mut self, subject: &mut dyn Subject) {
        let new = Call::Session { number: 0, client: 0, key: None };
        self.ask(subject, "`session` without a key", &new);
        for op in SessionOp::samples() {
            self.ask(subject, &format!("`{}`", op.name()), &Call::Op { number: 0, op: &op });
        }
    }

    /// A session that was stored is read again, and one that is not there.
    fn reading_back(&mut self, subject: &mut dyn Subject) {
        let set = SessionOp::Set("a".into(), Json::from(1_i64).into());
        self.ask(subject, "`set` in a new session", &Call::Op { number: 0, op: &set });
        let save = Call::Op { number: 0, op: &SessionOp::Save };
        self.ask(subject, "`save` of a new session", &save);
        self.ask(subject, "`save` again", &save);
        let stored = self.key.clone();
        for (what, key) in [("that was stored", stored.as_deref()), ("that nobody issued", Some(UNKNOWN))] {
            let session = Call::Session { number: 0, client: 0, key };
            self.ask(subject, &format!("`session` with a key {what}"), &session);
            let items = Call::Op { number: 0, op: &SessionOp::Items };
            self.ask(subject, &format!("reading a session {what}"), &items);
        }
    }

    /// Every operation on the storage, those that the adapter does not offer left out.
    fn storage(&mut self, subject: &mut dyn Subject, manifest: &Manifest) {
        let mut lacking = Vec::new();
        for name in StorageOp::<&str>::NAMES {
            let Ok(Some(op)) = StorageOp::named(name, || Ok(UNKNOWN)) else { continue };
            let is_asked = op.operation().map_or_else(|| op.is_on_the_wire(), |it| manifest.offers(it));
            if !is_asked {
                continue;
            }
            if Hook::named(op.wire_name()).is_some_and(|hook| !manifest.hooks.contains(&hook)) {
                lacking.push(format!("`{}`", op.wire_name()));
            } else {
                self.ask(subject, &format!("`{}`", op.wire_name()), &Call::Storage { client: 0, op });
            }
        }
        if manifest.other_storage {
            let op = StorageOp::Exists(UNKNOWN);
            self.ask(subject, "`exists` on the other storage", &Call::Storage { client: OTHER_STORAGE, op });
        }
        if !self.is_over() && !lacking.is_empty() {
            let hooks = format!("{}; what needs them is not checked", lacking.join(", "));
            self.note("hooks that it does not offer".into(), Ok(hooks));
        }
    }

    /// Storage that is opened is empty.
    fn opening_again(&mut self, subject: &mut dyn Subject) {
        if self.is_over() {
            return;
        }
        let result = match is_emptied(subject) {
            Ok(true) => Ok("what was stored before is gone".into()),
            Ok(false) => Err(LEFT.into()),
            Err(fault) => Err(fault.to_string()),
        };
        self.note("`open` again".into(), result);
    }
}
