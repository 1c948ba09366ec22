//! Two subjects on the same trace: where they first show something different.
//!
//! No model takes part. Each subject has its own keys, so a key is known by the order in which the subject
//! issued it; what each step shows is written down in these terms, and the two transcripts are compared.

use std::fmt::Write as _;

use crate::call::{Call, Handles};
use crate::json::Class;
use crate::manifest::{Hook, Manifest, ValueSupport};
use crate::observation::{Answer, Observation};
use crate::op::{Key, Op, SessionOp, StorageOp};
use crate::report::step_texts;
use crate::rule::Need;
use crate::subject::{Fault, Subject};
use crate::trace::{START, Step, Trace};

/// The first step that two subjects answered differently.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The step, from 0.
    pub step: usize,
    /// What the first showed.
    pub first: String,
    /// What the second showed.
    pub second: String,
}

/// Kinds of value that one of the two keeps and the other refuses, or that neither has. Steps with such a value are left out of a
/// comparison: there the two differ by what they say about themselves.
pub fn values_of_one(first: &Manifest, second: &Manifest) -> Vec<Class> {
    let supports = |manifest: &Manifest, class| manifest.values.support(class);
    let differs = |class: &Class| {
        supports(first, *class) != supports(second, *class)
            || supports(first, *class) == ValueSupport::Unsupported
    };
    Class::ALL.into_iter().filter(differs).collect()
}

/// Runs a trace on both. Steps that need a hook which one of them lacks are left out, and so are those with
/// [`values_of_one`].
///
/// # Errors
/// [`Fault`] if one of them could not be driven.
pub fn compare_trace(
    first: &mut dyn Subject,
    second: &mut dyn Subject,
    trace: &Trace,
) -> Result<Option<Difference>, Fault> {
    let has = |subject: &dyn Subject, hook: Hook| subject.manifest().hooks.contains(&hook);
    let tells = |subject: &dyn Subject| Need::ExpiresTold.unmet_by(subject.manifest()).is_none();
    let mut trace = trace.clone();
    let left_out = values_of_one(first.manifest(), second.manifest());
    let lacks = |subject: &dyn Subject, step: &Step| {
        subject.manifest().lacks(step.client, step.op.on_storage()).is_some()
    };
    trace.steps.retain(|step| match &step.op {
        _ if lacks(first, step) || lacks(second, step) => false,
        Op::Storage(StorageOp::ForceKey(_)) => has(first, Hook::ForceKeys) && has(second, Hook::ForceKeys),
        Op::Storage(StorageOp::Expires(_)) => tells(first) && tells(second),
        Op::Storage(StorageOp::Damage(_)) => has(first, Hook::Damage) && has(second, Hook::Damage),
        // Each has keys of its own in a list.
        Op::Storage(StorageOp::All) => false,
        Op::Storage(StorageOp::Rotate) => has(first, Hook::Rotate) && has(second, Hook::Rotate),
        Op::Session(_, op) => !op.values().any(|value| left_out.contains(&value.json().class())),
        _ => true,
    });
    let (a, b) = (transcript(first, &trace)?, transcript(second, &trace)?);
    let step = a.iter().zip(&b).position(|(a, b)| a != b);
    Ok(step.map(|step| Difference { step, first: a[step].clone(), second: b[step].clone() }))
}

/// What each step showed.
fn transcript(subject: &mut dyn Subject, trace: &Trace) -> Result<Vec<String>, Fault> {
    subject.open(START, trace.settings)?;
    let mut player =
        Player { subject, now: START, issued: Vec::new(), given: Vec::new(), objects: Vec::new() };
    trace.steps.iter().map(|step| player.step(step)).collect()
}

struct Player<'a> {
    subject: &'a mut dyn Subject,
    now: i64,
    /// The keys that the subject made, in order.
    issued: Vec<String>,
    /// Keys that were given to it.
    given: Vec<String>,
    /// The client and the last known key of each object.
    objects: Vec<(u8, Option<String>)>,
}

impl Player<'_> {
    fn step(&mut self, step: &Step) -> Result<String, Fault> {
        self.now += step.advance;
        let handles = Handles {
            sessions: self.objects.len(),
            issued: u32::try_from(self.issued.len()).unwrap_or(u32::MAX),
        };
        let Some(call) = handles.resolve(step) else { return Ok("acts on nothing".into()) };
        if let Call::Op { number, op: SessionOp::SaveMustCreate } = call
            && self.objects[number].1.as_ref().is_some_and(|key| !self.issued.contains(key))
        {
            // Storing under a key that a visitor chose is asked of no store.
            return Ok("is not asked".into());
        }
        let real = call.map_key(|key| self.key(*key));
        let observed = match real.map_key(String::as_str) {
            Call::Session { client, key, .. } => self.open(client, key)?,
            call => self.subject.call(self.now, &call)?,
        };
        match call {
            Call::Op { number, .. } => {
                self.objects[number].1 = observed.session.as_ref().and_then(|session| session.key.clone());
            }
            Call::Storage { op, .. } if op.reopens() => {
                for (client, key) in std::mem::take(&mut self.objects) {
                    self.open(client, key.as_deref())?;
                }
            }
            _ => {}
        }
        Ok(self.text(&observed))
    }

    fn open(&mut self, client: u8, key: Option<&str>) -> Result<Observation, Fault> {
        let number = self.objects.len();
        let observed = self.subject.call(self.now, &Call::Session { number, client, key })?;
        self.objects.push((client, observed.session.as_ref().and_then(|session| session.key.clone())));
        Ok(observed)
    }

    /// The real text of a key.
    fn key(&mut self, key: Key) -> String {
        let issued = |n: u32| {
            let index = usize::try_from(n).unwrap_or_default().saturating_sub(1);
            self.issued.get(index).cloned().unwrap_or_default()
        };
        let text = match key {
            Key::Issued(n) => issued(n),
            Key::Altered(n, alteration) => alteration.apply(&issued(n)),
            Key::Forged(forged) => forged.text(),
            // Traces have none of these.
            Key::Foreign(_) => String::new(),
        };
        if !self.issued.contains(&text) {
            self.given.push(text.clone());
        }
        text
    }

    fn text(&mut self, observed: &Observation) -> String {
        let mut text = match &observed.outcome {
            Ok(Answer::Unit) => "ok".to_owned(),
            Ok(answer) => answer.to_string(),
            Err(failed) => failed.kind.name().to_owned(),
        };
        if let Some(session) = &observed.session {
            let key = session.key.as_ref().map_or("no key".into(), |key| self.name(key));
            // Writing to a String cannot fail.
            let _ = write!(text, " ({key}, accessed {}, modified {})", session.accessed, session.modified);
        }
        text
    }

    /// A key by the order in which it was issued.
    fn name(&mut self, text: &str) -> String {
        if let Some(index) = self.issued.iter().position(|key| key == text) {
            return format!("key k{}", index + 1);
        }
        if self.given.iter().any(|key| key == text) {
            return "the key that was given".into();
        }
        self.issued.push(text.to_owned());
        format!("key k{}", self.issued.len())
    }
}

impl Difference {
    /// The difference for a reader.
    pub fn to_text(&self, trace: &Trace, first: &str, second: &str) -> String {
        let mut out = format!("{first} and {second} differ at the last of these steps:\n");
        for (time, step) in step_texts(trace).into_iter().take(self.step + 1) {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "    {time}  {step}");
        }
        out + &format!("  {first}: {}\n  {second}: {}", self.first, self.second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::ModelSubject;
    use session_core::ExpiredRecords;

    #[test]
    fn subjects_that_choose_differently_differ_where_the_choice_shows() {
        let rule = crate::rules::EXPIRY_KEPT.rule();
        let mut gone = Manifest::reference();
        gone.capabilities.expired = ExpiredRecords::Gone;
        let trace = rule.golden().unwrap().trace;
        let mut kept = ModelSubject::new(Manifest::reference());
        let difference = compare_trace(&mut kept, &mut ModelSubject::new(gone), &trace).unwrap().unwrap();
        assert_eq!((difference.step, difference.first.as_str()), (4, "true"));
        assert_eq!(compare_trace(&mut kept.clone(), &mut kept, &trace).unwrap(), None);
    }
}
