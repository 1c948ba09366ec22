//! Runs a trace on a subject, beside the model, and finds the first difference.

use std::fmt::Write as _;

use crate::manifest::{ClockLevel, Manifest, Order};
use crate::model::{Aspect, Expected, Key, Model};
use crate::observation::{Answer, Failed, Observation, SessionState};
use crate::op::{Forged, Op};
use crate::rule::RuleId;
use crate::rules;
use crate::subject::{Call, Fault, Subject};
use crate::trace::{START, Step, Trace};

/// How often each rule was exercised, and how many steps were checked.
#[derive(Debug, Clone)]
pub struct Coverage {
    counts: Vec<u64>,
    /// Steps that were done and compared.
    pub steps: u64,
}

impl Default for Coverage {
    fn default() -> Self {
        Self { counts: vec![0; rules::STORES], steps: 0 }
    }
}

impl Coverage {
    /// How often the rule was exercised.
    pub fn count(&self, rule: RuleId) -> u64 {
        self.counts[rule.index()]
    }

    /// Adds what another run exercised.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, more)| *sum += more);
        self.steps += other.steps;
    }

    fn note(&mut self, expected: &Expected) {
        self.steps += 1;
        for (_, rule) in &expected.why {
            self.counts[rule.index()] += 1;
        }
    }
}

/// How a trace ended.
#[derive(Debug)]
pub enum Verdict {
    /// Every step was as expected.
    Held,
    /// A step was not.
    Diverged(Box<Divergence>),
    /// The subject could not be driven any further.
    Faulted {
        /// The step, from 0; `None` if the storage could not be opened.
        step: Option<usize>,
        /// What happened.
        fault: Fault,
        /// The rules that the step would have exercised.
        rules: Vec<RuleId>,
    },
}

/// The first step that was not as expected.
#[derive(Debug, Clone)]
pub struct Divergence {
    /// The step, from 0.
    pub step: usize,
    /// The rules that are broken, the most specific first; never empty.
    pub rules: Vec<RuleId>,
    /// What had to be seen.
    pub expected: String,
    /// What was seen.
    pub got: String,
    /// What each step up to this one showed, for the reader.
    pub shown: Vec<String>,
}

/// Whether the errata that a subject declares are imitated or held against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errata {
    /// The model does what the subject says it does, so that what follows can be compared.
    Imitated,
    /// The model knows no errata.
    HeldAgainst,
}

/// Runs a trace from fresh storage.
pub fn run_trace(
    subject: &mut dyn Subject,
    trace: &Trace,
    errata: Errata,
    coverage: &mut Coverage,
) -> Verdict {
    let manifest = subject.manifest().clone();
    let model = match errata {
        Errata::Imitated => Model::new(&manifest, trace.settings),
        Errata::HeldAgainst => Model::strict(&manifest, trace.settings),
    };
    if let Err(fault) = subject.open(START, trace.settings) {
        return Verdict::Faulted { step: None, fault, rules: Vec::new() };
    }
    Run { subject, manifest, model, keys: Vec::new(), shown: Vec::new() }.run(trace, coverage)
}

struct Run<'a> {
    subject: &'a mut dyn Subject,
    manifest: Manifest,
    model: Model,
    /// The real text of each key that was issued, in order.
    keys: Vec<String>,
    shown: Vec<String>,
}

impl Run<'_> {
    fn run(mut self, trace: &Trace, coverage: &mut Coverage) -> Verdict {
        for (index, step) in trace.steps.iter().enumerate() {
            // What the step acts on is settled before the model moves on.
            let target = Target::of(&self.model, step);
            let Some(expected) = self.model.step(step) else {
                self.shown.push("acts on nothing".into());
                continue;
            };
            let observed = match self.perform(step, target) {
                Ok(observed) => observed,
                Err(fault) => {
                    let rules = expected.why.iter().map(|(_, rule)| *rule).collect();
                    return Verdict::Faulted { step: Some(index), fault, rules };
                }
            };
            coverage.note(&expected);
            if let Some(mismatch) = self.compare(&expected, &observed) {
                return Verdict::Diverged(Box::new(Divergence {
                    step: index,
                    rules: mismatch.rules,
                    expected: mismatch.expected,
                    got: mismatch.got,
                    shown: self.shown,
                }));
            }
            self.shown.push(outcome_text(&observed));
        }
        Verdict::Held
    }

    fn perform(&mut self, step: &Step, target: Target) -> Result<Observation, Fault> {
        let now = self.model.now();
        if self.manifest.clock == ClockLevel::Wall && step.advance > 0 {
            // The subject's clock cannot be set, so it is waited for.
            std::thread::sleep(std::time::Duration::from_micros(step.advance.unsigned_abs()));
        }
        let client = step.client;
        let key = target.key.map(|key| self.text(key));
        let text = key.as_deref().unwrap_or_default();
        match (&step.op, target.session) {
            (Op::New, _) => self.subject.call(now, &Call::Session { number: target.made, client, key: None }),
            (Op::Open(_), _) => {
                self.subject.call(now, &Call::Session { number: target.made, client, key: Some(text) })
            }
            (Op::Session(_, op), Some(number)) => self.subject.call(now, &Call::Op { number, op }),
            (Op::Session(..), None) => Err(Fault::Harness("a step acts on no session object".into())),
            (Op::Exists(_), _) => self.subject.call(now, &Call::Exists { client, key: text }),
            (Op::DeleteKey(_), _) => self.subject.call(now, &Call::DeleteKey { client, key: text }),
            (Op::ClearExpired, _) => self.subject.call(now, &Call::ClearExpired { client }),
            (Op::ForceKey(_), _) => self.subject.call(now, &Call::ForceKey { key: text }),
            (Op::Damage(_), _) => self.subject.call(now, &Call::Damage { key: text }),
            (Op::Reopen, _) => {
                let observed = self.subject.call(now, &Call::Reopen)?;
                for number in 0..self.model.sessions() {
                    if let Some((key, client)) = self.model.session(number) {
                        let key = key.map(|key| self.text(key));
                        self.subject.call(now, &Call::Session { number, client, key: key.as_deref() })?;
                    }
                }
                Ok(observed)
            }
        }
    }

    /// The real text of a key.
    fn text(&self, key: Key) -> String {
        let issued = |number: u32| {
            let index = usize::try_from(number).unwrap_or_default().saturating_sub(1);
            self.keys.get(index).cloned().unwrap_or_default()
        };
        match key {
            Key::Issued(number) => issued(number),
            Key::Altered(number, alteration) => alteration.apply(&issued(number)),
            Key::Forged(forged) => forged.text(),
        }
    }

    fn compare(&mut self, expected: &Expected, observed: &Observation) -> Option<Mismatch> {
        let outcome_held = match (&expected.outcome, &observed.outcome) {
            (Ok(_), Ok(_)) => true,
            (Err(kind), Err(failed)) => *kind == failed.kind,
            _ => false,
        };
        if !outcome_held {
            let expected_text = match &expected.outcome {
                Ok(answer) => answer.to_string(),
                Err(kind) => kind.name().into(),
            };
            return Some(Mismatch::new(expected, Aspect::Outcome, expected_text, outcome_text(observed)));
        }
        if let (Some(wanted), Some(got)) = (&expected.session, &observed.session)
            && let Some(mismatch) = self.compare_key(expected, wanted, got)
        {
            return Some(mismatch);
        }
        if let (Ok(wanted), Ok(got)) = (&expected.outcome, &observed.outcome)
            && wanted != got
        {
            let same_when_sorted = wanted.sorted() == got.sorted();
            if !(same_when_sorted && self.manifest.values.order == Order::Lost) {
                let mut mismatch =
                    Mismatch::new(expected, Aspect::Answer, wanted.to_string(), got.to_string());
                if same_when_sorted {
                    mismatch.rules.insert(0, rules::DATA_ORDER);
                }
                return Some(mismatch);
            }
        }
        let (wanted, got) = (expected.session.as_ref()?, observed.session.as_ref()?);
        let flag = |aspect, name: &str, wanted: bool, got: bool| {
            let text = |flag: bool| if flag { name.to_owned() } else { format!("not {name}") };
            (wanted != got).then(|| Mismatch::new(expected, aspect, text(wanted), text(got)))
        };
        flag(Aspect::Accessed, "accessed", wanted.accessed, got.accessed)
            .or_else(|| flag(Aspect::Modified, "modified", wanted.modified, got.modified))
    }

    /// Compares keys, and learns the text of one that was issued just now.
    fn compare_key(
        &mut self,
        expected: &Expected,
        wanted: &SessionState<Key>,
        got: &SessionState<String>,
    ) -> Option<Mismatch> {
        let mismatch = |wanted: String, got: String| Some(Mismatch::new(expected, Aspect::Key, wanted, got));
        let (wanted, text) = match (wanted.key, &got.key) {
            (None, None) => return None,
            (None, Some(text)) => return mismatch("no key".into(), self.name(text)),
            (Some(key), None) => return mismatch(format!("key {key}"), "no key".into()),
            (Some(key), Some(text)) => (key, text),
        };
        let fresh = matches!(wanted, Key::Issued(n) if usize::try_from(n).is_ok_and(|n| n > self.keys.len()));
        if !fresh {
            let same = self.text(wanted) == *text;
            return if same { None } else { mismatch(format!("key {wanted}"), self.name(text)) };
        }
        if self.keys.contains(text) || Forged::ALL.iter().any(|forged| forged.text() == *text) {
            return mismatch("a key of its own".into(), self.name(text));
        }
        let well_formed =
            text.len() == 32 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if self.manifest.capabilities.server_side && !well_formed {
            let mut mismatch = Mismatch::new(
                expected,
                Aspect::Key,
                "a key of 32 characters a-z0-9".into(),
                format!("one of {} characters", text.chars().count()),
            );
            mismatch.rules.insert(0, rules::KEY_FORMAT);
            return Some(mismatch);
        }
        self.keys.push(text.clone());
        None
    }

    /// A real key by its name in the trace, so that no key is printed.
    fn name(&self, text: &str) -> String {
        match self.keys.iter().position(|key| key == text) {
            Some(index) => format!("key k{}", index + 1),
            None => "another key".into(),
        }
    }
}

struct Mismatch {
    rules: Vec<RuleId>,
    expected: String,
    got: String,
}

impl Mismatch {
    fn new(expected: &Expected, aspect: Aspect, wanted: String, got: String) -> Self {
        Self { rules: expected.rules(aspect), expected: wanted, got }
    }
}

/// What a step acts on, in the model's terms.
#[derive(Debug, Clone, Copy)]
struct Target {
    session: Option<usize>,
    key: Option<Key>,
    /// The number that an object made by this step will have.
    made: usize,
}

impl Target {
    fn of(model: &Model, step: &Step) -> Self {
        let (session, key) = match &step.op {
            Op::Session(number, _) => (model.resolve_session(*number), None),
            Op::Open(key) | Op::Exists(key) | Op::DeleteKey(key) | Op::ForceKey(key) | Op::Damage(key) => {
                (None, Some(model.resolve_key(*key)))
            }
            Op::New | Op::ClearExpired | Op::Reopen => (None, None),
        };
        Self { session, key, made: model.sessions() }
    }
}

fn outcome_text(observed: &Observation) -> String {
    match &observed.outcome {
        Ok(Answer::Unit) => "ok".into(),
        Ok(answer) => answer.to_string(),
        Err(Failed { kind, message }) => {
            let mut text = kind.name().to_owned();
            if !message.is_empty() && message != kind.name() {
                // Writing to a String cannot fail.
                let _ = write!(text, " ({})", crate::observation::shown(message));
            }
            text
        }
    }
}
