//! Checks of an adapter's protocol, one after the other, each with what was seen or what is wrong. They say
//! nothing about the store behind it: that is what the suite is for.

use crate::call::Call;
use crate::manifest::{ClockLevel, Hook, Manifest, SubjectLevel};
use crate::observation::Observation;
use crate::op::{SessionOp, StorageOp};
use crate::rule::RuleId;
use crate::subject::{AdapterCommand, Subject, process_subject};
use crate::trace::{START, Settings};

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
    let mut examination = Examination { checks: Vec::new(), key: None };
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
    examination.operations(&mut *subject);
    examination.reading_back(&mut *subject);
    examination.storage(&mut *subject, &manifest.hooks);
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
}

impl Examination {
    fn note(&mut self, what: String, result: Result<String, String>) {
        self.checks.push(Check { what, result });
    }

    /// Asks, unless something was wrong before.
    fn ask(&mut self, subject: &mut dyn Subject, what: String, call: &Call<'_>) {
        if self.checks.last().is_some_and(|check| check.result.is_err()) {
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
        self.note(what, result);
    }

    /// Every operation on a session object.
    fn operations(&mut self, subject: &mut dyn Subject) {
        let new = Call::Session { number: 0, client: 0, key: None };
        self.ask(subject, "`session` without a key".into(), &new);
        for op in SessionOp::samples() {
            self.ask(subject, format!("`{}`", op.name()), &Call::Op { number: 0, op: &op });
        }
    }

    /// A session that was stored is read again, and one that is not there: at store level these are `load`, and a
    /// second save is `update`.
    fn reading_back(&mut self, subject: &mut dyn Subject) {
        let save = Call::Op { number: 0, op: &SessionOp::Save };
        self.ask(subject, "`save` of a new session".into(), &save);
        self.ask(subject, "`save` again".into(), &save);
        let stored = self.key.clone();
        for (what, key) in [("that was stored", stored.as_deref()), ("that nobody issued", Some(UNKNOWN))] {
            let session = Call::Session { number: 0, client: 0, key };
            self.ask(subject, format!("`session` with a key {what}"), &session);
            let items = Call::Op { number: 0, op: &SessionOp::Items };
            self.ask(subject, format!("reading a session {what}"), &items);
        }
    }

    /// Every operation on the storage, those that the adapter does not offer left out.
    fn storage(&mut self, subject: &mut dyn Subject, hooks: &[Hook]) {
        for name in StorageOp::<&str>::NAMES {
            let Ok(Some(op)) = StorageOp::named(name, || Ok(UNKNOWN)) else { continue };
            let lacking = Hook::named(op.wire_name()).is_some_and(|hook| !hooks.contains(&hook));
            if !lacking {
                self.ask(subject, format!("`{}`", op.wire_name()), &Call::Storage { client: 0, op });
            }
        }
    }
}
