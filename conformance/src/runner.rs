//! Runs a trace on a subject, beside the model, and finds the first difference.

use std::time::Duration;

use crate::call::Call;
use crate::json::Json;
use crate::manifest::{ClockLevel, Manifest, Numbers, Order};
use crate::model::{Aspect, Errata, Expected, Model};
use crate::observation::{Answer, Listed, Observation, SessionState};
use crate::op::{Forged, Key, StorageOp};
use crate::rule::RuleId;
use crate::rules;
use crate::stopwatch::Stopwatch;
use crate::subject::{Fault, Subject};
use crate::trace::{OTHER_STORAGE, START, Trace};

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
#[non_exhaustive]
pub enum Verdict {
    /// Every step was as expected.
    Held {
        /// What each step showed; nothing where it acted on nothing.
        seen: Vec<Option<Observation<SeenKey>>>,
    },
    /// A step was not.
    Diverged(Box<Divergence>),
    /// The subject could not be driven any further.
    #[non_exhaustive]
    Faulted {
        /// The step, from 0; `None` if the storage could not be opened.
        step: Option<usize>,
        /// What happened.
        fault: Fault,
        /// The rules that the step would have exercised.
        rules: Vec<RuleId>,
    },
}

impl Verdict {
    /// Whether every step was as expected.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
    }
}

/// The first step that was not as expected.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Divergence {
    /// The step, from 0.
    pub step: usize,
    /// The part of the observation that is not as expected.
    pub aspect: Aspect,
    /// The rules that are broken, the most specific first; never empty.
    pub rules: Vec<RuleId>,
    /// What had to be seen.
    pub expected: Expected,
    /// Whether the key that had to be seen is a new one, so that any of the right form will do.
    pub new_key: bool,
    /// What was seen.
    pub observed: Observation<SeenKey>,
    /// What each step before this one showed; nothing where it acted on nothing.
    pub seen: Vec<Option<Observation<SeenKey>>>,
}

/// A key that a subject showed, by its name: real keys are secrets and are not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeenKey {
    /// One that the trace knows.
    Known(Key),
    /// Another one.
    Other {
        /// Whether it has the form of a created key.
        well_formed: bool,
        /// How long it is.
        characters: usize,
    },
}

/// What a trace asks for that not every subject has, and this one has not. Those steps would be left out.
pub fn lacking(trace: &Trace, manifest: &Manifest) -> Option<String> {
    trace.steps.iter().find_map(|step| manifest.lacks(step.client, step.op.on_storage()))
}

/// How often a trace is run that was late.
const RUNS: usize = 3;

/// Runs a trace from fresh storage. Where the clock cannot be set, one that failed because the machine was late is run again.
pub fn run_trace(
    subject: &mut dyn Subject,
    trace: &Trace,
    errata: Errata,
    coverage: &mut Coverage,
) -> Verdict {
    let mut noted = Coverage::default();
    let verdict = in_time(|| {
        noted = Coverage::default();
        let watch = Stopwatch::start();
        run_once(subject, trace, errata, &mut noted, &|| watch.elapsed())
    });
    coverage.add(&noted);
    verdict
}

/// The verdict of a run that was in time, or of the last one; `run` tells whether it failed and was late.
fn in_time(mut run: impl FnMut() -> (Verdict, bool)) -> Verdict {
    for _ in 1..RUNS {
        let (verdict, is_late) = run();
        if !is_late {
            return verdict;
        }
    }
    run().0
}

/// Runs a trace once. `elapsed` is the real time since it began. Tells whether the trace failed and was late, so that it says
/// nothing of the store.
fn run_once(
    subject: &mut dyn Subject,
    trace: &Trace,
    errata: Errata,
    coverage: &mut Coverage,
    elapsed: &dyn Fn() -> Duration,
) -> (Verdict, bool) {
    let manifest = subject.manifest().clone();
    let start = manifest.start();
    let model = Model::new(&manifest, trace.settings, errata).starting_at(start);
    if let Err(fault) = subject.open(start, trace.settings) {
        return (Verdict::Faulted { step: None, fault, rules: Vec::new() }, false);
    }
    let mut run =
        Run { subject, manifest, model, keys: Vec::new(), seen: Vec::new(), elapsed, is_late: false };
    let moved = (start != START).then(|| trace.starting_at(start));
    let verdict = run.run(moved.as_ref().unwrap_or(trace), coverage);
    (verdict, run.is_late)
}

struct Run<'a> {
    subject: &'a mut dyn Subject,
    manifest: Manifest,
    model: Model,
    /// The real text of each key that was issued, in order.
    keys: Vec<String>,
    seen: Vec<Option<Observation<SeenKey>>>,
    /// The real time since the trace began.
    elapsed: &'a dyn Fn() -> Duration,
    /// Whether a step was not as expected, and may have been too late for that.
    is_late: bool,
}

impl Run<'_> {
    fn run(&mut self, trace: &Trace, coverage: &mut Coverage) -> Verdict {
        // A wrong count is told last: what was removed and should not have been says more.
        let mut miscounted = None;
        for (index, step) in trace.steps.iter().enumerate() {
            self.model.advance(step.advance);
            if self.manifest.clock == ClockLevel::Wall && step.advance > 0 {
                // The subject's clock cannot be set, so it is waited for.
                std::thread::sleep(Duration::from_micros(step.advance.unsigned_abs()));
            }
            let Some(call) = self.model.resolve(step) else {
                self.seen.push(None);
                continue;
            };
            let mut expected = self.model.call(&call);
            let mut observed = match self.perform(&call) {
                Ok(observed) => observed,
                Err(fault) => {
                    let rules = expected.why.iter().map(|(_, rule)| *rule).collect();
                    return Verdict::Faulted { step: Some(index), fault, rules };
                }
            };
            coverage.note(&expected);
            if let (Ok(Answer::Sessions(listed)), Ok(Answer::Sessions(wanted))) =
                (&mut observed.outcome, &mut expected.outcome)
            {
                self.settle_list(listed, wanted);
            }
            if let Some(mut mismatch) = self.compare(&expected, &observed) {
                self.look_for_revived(&mut mismatch, &call, &observed);
                if mismatch.rules.is_empty() {
                    // Only what the suite itself asks for has no rule behind it.
                    let fault = Fault::Harness(format!("`{}` did not do what it is for", step.op.name()));
                    return Verdict::Faulted { step: Some(index), fault, rules: Vec::new() };
                }
                self.is_late |= self.is_behind();
                let counted = matches!(observed.outcome, Ok(Answer::Count(_)));
                let observed = self.named(observed, &expected);
                let Mismatch { aspect, rules, new_key } = mismatch;
                let seen = self.seen.clone();
                self.seen.push(Some(observed.clone()));
                let divergence = Divergence { step: index, aspect, rules, expected, new_key, observed, seen };
                if !counted {
                    return Verdict::Diverged(Box::new(divergence));
                }
                miscounted.get_or_insert(Box::new(divergence));
                continue;
            }
            let named = self.named(observed, &expected);
            self.seen.push(Some(named));
        }
        let seen = std::mem::take(&mut self.seen);
        miscounted.map_or(Verdict::Held { seen }, Verdict::Diverged)
    }

    /// Whether a record has ended by the real time that has not by the trace, where the clock cannot be set.
    fn is_behind(&self) -> bool {
        let real = i64::try_from((self.elapsed)().as_micros()).unwrap_or(i64::MAX);
        let late = real.saturating_sub(self.model.now() - self.manifest.start());
        self.manifest.clock == ClockLevel::Wall && self.model.ends_within(late)
    }

    fn perform(&mut self, call: &Call<'_, Key>) -> Result<Observation, Fault> {
        let now = self.model.now();
        let real = call.map_key(|key| self.text(*key));
        let observed = self.subject.call(now, &real.map_key(String::as_str))?;
        if matches!(call, Call::Storage { op, .. } if op.reopens()) {
            for number in 0..self.model.handles().sessions {
                if let Some((key, client)) = self.model.session(number) {
                    let key = key.map(|key| self.text(key));
                    self.subject.call(now, &Call::Session { number, client, key: key.as_deref() })?;
                }
            }
        }
        Ok(observed)
    }

    /// A save of a deleted session that is not refused as it should be may have brought the session back, or have
    /// stored nothing: the storage tells which.
    fn look_for_revived(&mut self, mismatch: &mut Mismatch, call: &Call<'_, Key>, observed: &Observation) {
        if !mismatch.rules.contains(&rules::LIFECYCLE_SAVE_REFUSED) || mismatch.aspect != Aspect::Outcome {
            return;
        }
        let key = observed.session.as_ref().and_then(|session| session.key.as_deref());
        let revived = key.is_some_and(|key| {
            let client = if self.model.client(call) == OTHER_STORAGE { OTHER_STORAGE } else { 0 };
            let call = Call::Storage { client, op: StorageOp::Exists(key) };
            let found = self.subject.call(self.model.now(), &call);
            matches!(found, Ok(Observation { outcome: Ok(Answer::Bool(true)), .. }))
        });
        if !revived {
            mismatch.rules.retain(|rule| *rule != rules::LIFECYCLE_SAVE_NO_RESURRECT);
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
            // Traces have none of these.
            Key::Foreign(_) => String::new(),
        }
    }

    fn compare(&mut self, expected: &Expected, observed: &Observation) -> Option<Mismatch> {
        let outcome_held = match (&expected.outcome, &observed.outcome) {
            (Ok(_), Ok(_)) => true,
            (Err(kind), Err(failed)) => *kind == failed.kind,
            _ => false,
        };
        if !outcome_held {
            return Some(Mismatch::new(expected, Aspect::Outcome));
        }
        if let (Some(wanted), Some(got)) = (&expected.session, &observed.session)
            && let Some(mismatch) = self.compare_key(expected, wanted, got)
        {
            return Some(mismatch);
        }
        if let (Ok(wanted), Ok(got)) = (&expected.outcome, &observed.outcome)
            && let Some(mismatch) = self.compare_answer(expected, wanted, got)
        {
            return Some(mismatch);
        }
        let (wanted, got) = (expected.session.as_ref()?, observed.session.as_ref()?);
        let profile = self.manifest.profile;
        let flag = |aspect, differs: bool| {
            let mismatch = differs.then(|| Mismatch::new(expected, aspect));
            // What has no rule in the profile may be as it likes, and the trace goes on.
            mismatch.filter(|mismatch| profile.first_of(&mismatch.rules).is_some())
        };
        flag(Aspect::Accessed, wanted.accessed != got.accessed)
            .or_else(|| flag(Aspect::Modified, wanted.modified != got.modified))
    }

    /// Compares answers, as far as the subject keeps order and numbers.
    fn compare_answer(&self, expected: &Expected, wanted: &Answer, got: &Answer) -> Option<Mismatch> {
        if got.fits(wanted) {
            return None;
        }
        let values = &self.manifest.values;
        let (wanted, got) = match values.numbers {
            Numbers::Exact => (wanted.clone(), got.clone()),
            Numbers::Doubles => (wanted.as_doubles(), got.as_doubles()),
        };
        let same_when_sorted = got.sorted().fits(&wanted.sorted());
        if got.fits(&wanted) || (same_when_sorted && values.order == Order::Lost) {
            return None;
        }
        let mut mismatch = Mismatch::new(expected, Aspect::Answer);
        if same_when_sorted {
            mismatch.rules.insert(0, rules::DATA_ORDER);
        }
        if let (Answer::Instant(Some(_)), Answer::Instant(got)) = (&wanted, &got) {
            // A record that does not load is another matter than one that tells a wrong instant.
            mismatch.rules.retain(|rule| (*rule == rules::EXPIRY_TOLD) == got.is_some());
        }
        Some(mismatch)
    }

    /// Compares keys, and learns the text of one that was issued just now.
    fn compare_key(
        &mut self,
        expected: &Expected,
        wanted: &SessionState<Key>,
        got: &SessionState<String>,
    ) -> Option<Mismatch> {
        let mut mismatch = Mismatch::new(expected, Aspect::Key);
        let (wanted, text) = match (wanted.key, &got.key) {
            (None, None) => return None,
            (None, Some(_)) | (Some(_), None) => return Some(mismatch),
            (Some(key), Some(text)) => (key, text),
        };
        mismatch.new_key =
            matches!(wanted, Key::Issued(n) if usize::try_from(n).is_ok_and(|n| n > self.keys.len()));
        if !mismatch.new_key {
            return (self.text(wanted) != *text).then_some(mismatch);
        }
        if self.keys.contains(text) || Forged::ALL.iter().any(|forged| forged.text() == *text) {
            return Some(mismatch);
        }
        let is_asked = self.manifest.profile.includes(rules::KEY_FORMAT);
        if self.manifest.capabilities.server_side && is_asked && !is_well_formed(text) {
            mismatch.rules.insert(0, rules::KEY_FORMAT);
            return Some(mismatch);
        }
        self.keys.push(text.clone());
        None
    }

    /// Puts names in the place of the keys in a list, since real keys are secrets, and asks for no more than it tells.
    fn settle_list(&self, listed: &mut [Listed], wanted: &mut [Listed]) {
        let handles = self.model.handles();
        let known = wanted.iter().filter_map(|listed| handles.named(listed.key.as_deref()?));
        let issued = (1_u32..).take(self.keys.len()).map(Key::Issued);
        let known: Vec<(String, Key)> = known.chain(issued).map(|key| (self.text(key), key)).collect();
        for listed in &mut *listed {
            if let Some(key) = &mut listed.key {
                let name = known.iter().find(|(text, _)| text == key);
                *key = name.map_or_else(|| "another key".into(), |(_, name)| name.to_string());
            }
            for (text, name) in &known {
                if let Some(data) = listed.data.as_mut().filter(|data| data.as_str().contains(text)) {
                    *data = Json::from_canonical(data.as_str().replace(text, &name.to_string()));
                }
            }
        }
        if let Some(like) = listed.first() {
            for wanted in wanted {
                *wanted = wanted.as_told(like);
            }
        }
    }

    /// The name of a real key that was issued.
    fn name_of(&self, text: &str) -> Option<Key> {
        let index = self.keys.iter().position(|key| key == text)?;
        Some(Key::Issued(u32::try_from(index + 1).unwrap_or(u32::MAX)))
    }

    /// What was seen, with names in the place of keys.
    fn named(&self, observed: Observation, expected: &Expected) -> Observation<SeenKey> {
        let wanted = expected.session.as_ref().and_then(|session| session.key);
        let name = |text: &String| match self.name_of(text) {
            Some(key) => SeenKey::Known(key),
            None => match wanted.filter(|wanted| self.text(*wanted) == *text) {
                Some(wanted) => SeenKey::Known(wanted),
                None => {
                    SeenKey::Other { well_formed: is_well_formed(text), characters: text.chars().count() }
                }
            },
        };
        let session = observed.session.as_ref().map(|session| session.map_key(name));
        Observation { outcome: observed.outcome, session }
    }
}

/// Whether a key has the form of one that was created.
fn is_well_formed(key: &str) -> bool {
    key.len() == 32 && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

struct Mismatch {
    aspect: Aspect,
    rules: Vec<RuleId>,
    new_key: bool,
}

impl Mismatch {
    fn new(expected: &Expected, aspect: Aspect) -> Self {
        Self { aspect, rules: expected.rules(aspect), new_key: false }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::subject::ModelSubject;
    use crate::trace::{Settings, TraceFile};

    /// After no time a session is read that has ten seconds.
    const TRACE: &str = r#"{"sessionspec_trace":1,"steps":5}
{"op":"new"}
{"op":"set-expiry","session":1,"expiry":{"seconds":10}}
{"op":"save","session":1}
{"op":"open","key":"k1"}
{"op":"get","session":2,"name":"a"}
"#;

    /// A subject whose clock is ahead of the trace by so many microseconds.
    struct Ahead(ModelSubject, i64);

    impl Subject for Ahead {
        fn manifest(&self) -> &Manifest {
            self.0.manifest()
        }

        fn open(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
            self.0.open(now, settings)
        }

        fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Fault> {
            let is_read = matches!(call, Call::Op { op, .. } if op.name() == "get");
            self.0.call(if is_read { now + self.1 } else { now }, call)
        }
    }

    /// Runs by how far the clock was ahead, in seconds, and how many milliseconds they took; how many of them there are,
    /// and whether the last one holds.
    #[rstest]
    #[case::in_time(&[(0, 2_000)], true)]
    #[case::late_and_right(&[(0, 60_000)], true)]
    #[case::wrong_and_in_time(&[(11, 9_900)], false)]
    #[case::late_and_then_in_time(&[(11, 11_000), (0, 2_000)], true)]
    #[case::late_and_then_wrong(&[(11, 11_000), (11, 2_000)], false)]
    #[case::always_late(&[(11, 11_000), (11, 11_000), (11, 11_000)], false)]
    fn what_fails_because_the_machine_is_late_is_run_again(#[case] runs: &[(i64, u64)], #[case] holds: bool) {
        let trace = TraceFile::parse(TRACE).unwrap().trace;
        let mut manifest = Manifest::reference();
        manifest.clock = ClockLevel::Wall;
        let mut left = runs.iter();
        let verdict = in_time(|| {
            let (ahead, took) = left.next().unwrap();
            let mut subject = Ahead(ModelSubject::new(manifest.clone()), ahead * 1_000_000);
            let elapsed = || Duration::from_millis(*took);
            run_once(&mut subject, &trace, Errata::Imitated, &mut Coverage::default(), &elapsed)
        });
        assert_eq!(verdict.is_held(), holds);
        assert_eq!(left.len(), 0);
    }

    #[test]
    fn what_is_wrong_apart_from_time_and_what_a_set_clock_shows_is_told_at_once() {
        let late = || Duration::from_secs(60);
        let run = |clock, trace: &str, ahead| {
            let trace = TraceFile::parse(trace).unwrap().trace;
            let mut manifest = Manifest::reference();
            manifest.clock = clock;
            let mut subject = Ahead(ModelSubject::new(manifest), ahead);
            run_once(&mut subject, &trace, Errata::Imitated, &mut Coverage::default(), &late)
        };
        let (verdict, is_late) = run(ClockLevel::Virtual, TRACE, 11_000_000);
        assert!(!verdict.is_held() && !is_late);
        let longer = TRACE.replace("\"seconds\":10", "\"seconds\":100");
        let (verdict, is_late) = run(ClockLevel::Wall, &longer, 101_000_000);
        assert!(!verdict.is_held() && !is_late);
    }
}
