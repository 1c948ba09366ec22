//! The rules on what overlaps, fails and is dropped: each on its golden schedule, and all of them on generated ones and
//! on operations that overlap for real. What comes out joins the report on the subject.

use std::collections::{BTreeMap, BTreeSet};

use super::{Schedule, Schedules, minimise};
use crate::history::{History, Violation};
use crate::manifest::{Manifest, SubjectLevel};
use crate::report::{Outcome, RuleReport, ScheduleFailure};
use crate::rule::{Need, RuleId};
use crate::rules;
use crate::stopwatch::Stopwatch;
use crate::subject::{Fault, Subject};
use crate::suite::{Config, Effort};

/// How often the minimiser may carry out a schedule.
const ATTEMPTS: usize = 400;

/// Schedules and races of a quick run: a second or two on the slowest of the embedded stores.
const QUICK: (u64, u64) = (300, 10);

/// Those of a full run.
const FULL: (u64, u64) = (4_000, 200);

/// Schedules in which a process is killed, of a quick run and of a full one: some ten deaths, and some four hundred.
const CRASHES: (u64, u64) = (2, 100);

/// How often the minimiser may carry out one of those, and how often one that is tried may hold before it is taken to
/// hold: the moment of a death is chance's.
const CRASH_ATTEMPTS: (usize, usize) = (30, 2);

/// How often the golden schedule of a rule about deaths may be carried out again, where it has not come to the rule: on a busy
/// machine every answer may come before the death.
const CRASHES_AGAIN: usize = 20;

/// Of a store that shows no parts there is less to see: so many times fewer schedules.
const WITHOUT_PARTS: u64 = 8;

/// Why the rules do not apply to a subject that has session objects of its own, for one.
const NOT_A_STORE: &str =
    "the operations of a subject with session objects of its own cannot be made to overlap";

/// Checks the rules on a subject; adds what was found to its report.
pub(crate) fn check_schedules(
    subject: &mut dyn Subject,
    config: &Config,
) -> (Vec<RuleReport>, Vec<ScheduleFailure>) {
    let mut run = Run {
        config,
        exercised: BTreeMap::new(),
        failures: Vec::new(),
        interruptible: true,
        carried_out: BTreeSet::new(),
        faults: Vec::new(),
        subject,
    };
    if run.rules().next().is_some() {
        run.all();
    }
    run.report()
}

/// The rules on a subject on which they are not checked, and why.
pub(crate) fn unchecked(subject: &dyn Subject, config: &Config, reason: &str) -> Vec<RuleReport> {
    let manifest = subject.manifest();
    let rules = RuleId::of_schedules().map(|rule| {
        let left_out = left_out(rule, manifest, config);
        let (status, reason) = left_out.unwrap_or_else(|| (Outcome::NotExercised, reason.to_owned()));
        RuleReport::new(rule, status, manifest.clock).ended(status, reason)
    });
    rules.collect()
}

/// Why a rule is not checked on a subject, if it is not.
fn left_out(rule: RuleId, manifest: &Manifest, config: &Config) -> Option<(Outcome, String)> {
    let left_out = crate::suite::left_out(rule, manifest, config);
    let is_wanted = !matches!(left_out, Some((Outcome::Disabled, _)));
    if is_wanted && manifest.level == SubjectLevel::Session && !is_about_crashes(rule) {
        return Some((Outcome::NotApplicable, NOT_A_STORE.into()));
    }
    left_out
}

/// Whether a subject has records expire and clears them, as what overlaps with that is looked at.
pub(crate) fn clears(manifest: &Manifest) -> bool {
    rules::CONCURRENT_CLEAR_RENEWED.not_for(manifest).is_none()
}

/// Whether a rule is about what dies.
fn is_about_crashes(rule: RuleId) -> bool {
    rule.rule().needs.contains(&Need::HookCrash)
}

struct Run<'a> {
    subject: &'a mut dyn Subject,
    config: &'a Config,
    /// In how many histories a rule had something to say.
    exercised: BTreeMap<RuleId, u64>,
    failures: Vec<ScheduleFailure>,
    /// Whether the subject can do what a schedule says.
    interruptible: bool,
    /// The rules whose golden schedules were carried out to their ends.
    carried_out: BTreeSet<RuleId>,
    /// What could not be carried out: the rule whose golden schedule it was, if it was one, and why.
    faults: Vec<(Option<RuleId>, Fault)>,
}

impl Run<'_> {
    /// Why a rule is not checked, if it is not.
    fn left_out(&self, rule: RuleId) -> Option<(Outcome, String)> {
        left_out(rule, self.subject.manifest(), self.config)
    }

    fn rules(&self) -> impl Iterator<Item = RuleId> {
        RuleId::of_schedules().filter(|rule| self.left_out(*rule).is_none())
    }

    fn all(&mut self) {
        let started = Stopwatch::start();
        let rules: Vec<RuleId> = self.rules().collect();
        let (crashes, others): (Vec<RuleId>, Vec<RuleId>) =
            rules.iter().copied().partition(|rule| is_about_crashes(*rule));
        for rule in rules {
            self.golden(rule);
        }
        if !others.is_empty() {
            self.overlapping(started);
        }
        if !crashes.is_empty() {
            self.crashing(started);
        }
        for rule in crashes {
            for _ in 0..CRASHES_AGAIN {
                if self.exercised.contains_key(&rule) || !self.interruptible || self.is_over(started) {
                    break;
                }
                self.golden(rule);
            }
        }
    }

    fn golden(&mut self, rule: RuleId) {
        match Schedule::parse(rule.rule().golden) {
            Ok(schedule) => self.schedule(&schedule, Some(rule)),
            Err(error) => {
                let fault = Fault::Harness(format!("the golden schedule of {}: {error}", rule.rule().id));
                self.faults.push((Some(rule), fault));
            }
        }
    }

    /// What ended the run, if anything did: the fault, and the rule whose golden schedule it was, if it was one. One store
    /// that panics says nothing of the next.
    fn ended_by(&self) -> Option<&(Option<RuleId>, Fault)> {
        self.faults.iter().find(|(golden, fault)| golden.is_none() || !matches!(fault, Fault::Panic(_)))
    }

    /// Whether the time is over, or nothing more can be learnt.
    fn is_over(&self, started: Stopwatch) -> bool {
        self.ended_by().is_some() || self.config.budget.is_some_and(|budget| started.elapsed() >= budget)
    }

    /// Schedules in which a process is killed, by chance.
    fn crashing(&mut self, started: Stopwatch) {
        let count = match self.config.effort {
            Effort::Quick => CRASHES.0,
            Effort::Full => CRASHES.1,
        };
        let mut generated = Schedules::with_crashes(self.config.seed);
        for _ in 0..count {
            let Some(schedule) = generated.next().filter(|_| !self.is_over(started)) else { break };
            self.schedule(&schedule, None);
        }
    }

    /// Schedules in which operations overlap, and races.
    fn overlapping(&mut self, started: Stopwatch) {
        let (mut schedules, races) = match self.config.effort {
            Effort::Quick => QUICK,
            Effort::Full => FULL,
        };
        if self.subject.parts().is_empty() {
            schedules /= WITHOUT_PARTS;
        }
        let clears = clears(self.subject.manifest());
        let Manifest { parts, forgetful_parts, .. } = self.subject.manifest();
        let forgets = !forgetful_parts.is_empty();
        let mut generated = Schedules::new(self.config.seed, parts.len(), forgets, clears);
        for _ in 0..schedules {
            let Some(schedule) = generated.next().filter(|_| !self.is_over(started)) else { break };
            self.schedule(&schedule, None);
        }
        for number in 0..races {
            if self.is_over(started) {
                break;
            }
            self.race(self.config.seed.wrapping_add(number));
        }
    }

    /// Carries out a schedule; `None` if that cannot be done with this subject.
    fn history(&mut self, schedule: &Schedule, golden: Option<RuleId>) -> Option<History> {
        match self.subject.schedule(schedule) {
            Some(Ok(history)) => {
                self.carried_out.extend(golden);
                Some(history)
            }
            Some(Err(fault)) => {
                self.faults.push((golden, fault));
                None
            }
            None => {
                self.interruptible = false;
                None
            }
        }
    }

    fn schedule(&mut self, schedule: &Schedule, golden: Option<RuleId>) {
        if self.ended_by().is_some() {
            return;
        }
        let Some(history) = self.history(schedule, golden) else { return };
        let Some(violation) = self.judge(&history) else { return };
        // What is wrong with a subject with session objects before anything dies is for the rules that it is checked on.
        if golden.is_none() && self.left_out(violation.rule).is_some_and(|(_, why)| why == NOT_A_STORE) {
            return;
        }
        self.also(golden, violation.rule);
        if self.failures.iter().any(|failure| failure.violation.rule == violation.rule) {
            return;
        }
        let (attempts, tries) = if schedule.has_crash() { CRASH_ATTEMPTS } else { (ATTEMPTS, 1) };
        let mut fails = |candidate: &Schedule| {
            let promise = self.subject.manifest().capabilities.consistency;
            (0..tries).find_map(|_| {
                let history = self.subject.schedule(candidate).and_then(Result::ok)?;
                let found = history.judge(promise).filter(|found| found.rule == violation.rule)?;
                Some((found, history))
            })
        };
        let small = minimise(schedule, attempts, |candidate| fails(candidate).is_some());
        let shown = fails(&small);
        // Where a store waits for something else than its parts, the same schedule may end otherwise.
        let (small, violation, history) = match shown {
            Some((found, history)) => (small, found, history),
            None => (schedule.clone(), violation, history),
        };
        self.failures.push(ScheduleFailure {
            violation,
            history,
            schedule: Some(small),
            seed: Some(self.config.seed),
            original_moves: schedule.moves.len(),
            also: golden.into_iter().collect(),
        });
    }

    /// Notes that the golden schedule of a rule ended with the violation of another one.
    fn also(&mut self, golden: Option<RuleId>, broken: RuleId) {
        let failure = self.failures.iter_mut().find(|failure| failure.violation.rule == broken);
        if let (Some(golden), Some(failure)) = (golden.filter(|golden| *golden != broken), failure)
            && !failure.also.contains(&golden)
        {
            failure.also.push(golden);
        }
    }

    fn race(&mut self, seed: u64) {
        let history = match self.subject.race(seed) {
            None => return,
            Some(Err(fault)) => return self.faults.push((None, fault)),
            Some(Ok(history)) => history,
        };
        let Some(violation) = self.judge(&history) else { return };
        if !self.failures.iter().any(|failure| failure.violation.rule == violation.rule) {
            let original_moves = history.events.len();
            let also = Vec::new();
            self.failures.push(ScheduleFailure {
                violation,
                history,
                schedule: None,
                seed: Some(seed),
                original_moves,
                also,
            });
        }
    }

    /// Judges a history, and notes which rules it was about.
    fn judge(&mut self, history: &History) -> Option<Violation> {
        for rule in history.exercises() {
            *self.exercised.entry(rule).or_default() += 1;
        }
        history.judge(self.subject.manifest().capabilities.consistency)
    }

    fn report(self) -> (Vec<RuleReport>, Vec<ScheduleFailure>) {
        let clock = self.subject.manifest().clock;
        let rules = RuleId::of_schedules().map(|rule| {
            let exercised = self.exercised.get(&rule).copied().unwrap_or_default();
            self.outcome(RuleReport { exercised, ..RuleReport::new(rule, Outcome::Pass, clock) })
        });
        (rules.collect(), self.failures)
    }

    /// What the report says of a rule, which begins as one that held.
    fn outcome(&self, held: RuleReport) -> RuleReport {
        let rule = held.rule;
        if let Some((status, reason)) = self.left_out(rule) {
            return held.ended(status, reason);
        }
        if let Some(failure) = self.failures.iter().find(|failure| failure.violation.rule == rule) {
            let schedule = failure.schedule.clone();
            return RuleReport { schedule, ..held.ended(Outcome::Fail, failure.violation.reason.as_str()) };
        }
        if let Some(failure) = self.failures.iter().find(|failure| failure.also.contains(&rule)) {
            let (by, schedule) = (failure.violation.rule, failure.schedule.clone());
            let failed = held.ended(Outcome::Fail, format!("broken with r[{}]", by.rule().id));
            return RuleReport { explained_by: Some(by), schedule, ..failed };
        }
        let fault = self.faults.iter().find(|(at, _)| at.is_none_or(|at| at == rule));
        let (status, reason) = match fault.map(|(_, fault)| fault) {
            Some(Fault::Harness(reason)) => (Outcome::HarnessError, reason.clone()),
            Some(Fault::Timeout(reason)) => (Outcome::Timeout, reason.clone()),
            Some(Fault::Crash(reason) | Fault::Panic(reason)) => (Outcome::Crash, reason.clone()),
            None if held.exercised > 0 && self.carried_out.contains(&rule) => return held,
            None if !self.interruptible => (Outcome::NotApplicable, NOT_A_STORE.into()),
            None => (Outcome::NotExercised, self.why_not_exercised()),
        };
        held.ended(status, reason)
    }

    /// Why a rule was not checked though nothing is known against it.
    fn why_not_exercised(&self) -> String {
        match self.ended_by() {
            Some((Some(rule), _)) => format!("the run ended at r[{}]", rule.rule().id),
            _ => "no schedule got as far as this rule".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use session_core::Capabilities;

    use super::*;
    use crate::call::Call;
    use crate::history::{Asked, Event, Told};
    use crate::manifest::Hook;
    use crate::observation::Observation;
    use crate::trace::Settings;

    /// A process that is killed only after it has answered, but for the last of some schedules.
    struct Quick {
        manifest: Manifest,
        schedules: usize,
    }

    impl Quick {
        fn new(schedules: usize) -> Self {
            let mut manifest = Manifest::reference();
            manifest.level = SubjectLevel::Store;
            manifest.capabilities = Capabilities::database();
            manifest.hooks = vec![Hook::ForceKeys, Hook::Crash];
            Self { manifest, schedules }
        }
    }

    impl Subject for Quick {
        fn manifest(&self) -> &Manifest {
            &self.manifest
        }
        fn open(&mut self, _: i64, _: Settings) -> Result<(), Fault> {
            Ok(())
        }
        fn call(&mut self, _: i64, _: &Call<'_>) -> Result<Observation, Fault> {
            Err(Fault::Harness("only schedules are carried out".into()))
        }
        fn schedule(&mut self, _: &Schedule) -> Option<Result<History, Fault>> {
            self.schedules = self.schedules.saturating_sub(1);
            let (told, ended) =
                if self.schedules == 0 { (Told::Unanswered, None) } else { (Told::Done, Some(2)) };
            let insert = Event { told, ended, ..Event::new(0, 1, Asked::Insert(1), 1) };
            let load = Event { told: Told::Found(1), ended: Some(5), ..Event::new(0, 1, Asked::Load, 4) };
            Some(Ok(History { events: vec![insert, load], crashes: vec![3] }))
        }
    }

    #[test]
    fn where_every_answer_comes_before_the_death_it_is_tried_again() {
        let config = Config::default().with_rules("crash.whole");
        let ended = |schedules| {
            let (found, _) = check_schedules(&mut Quick::new(schedules), &config);
            found.into_iter().find(|found| found.rule == rules::CRASH_WHOLE).unwrap().status
        };
        assert_eq!(ended(15), Outcome::Pass);
        assert_eq!(ended(1_000), Outcome::NotExercised);
    }
}
