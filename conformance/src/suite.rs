//! The suite: every rule that applies to a subject, first on its golden trace and then on generated ones.
//! What comes out is a report; the fronts only render it.
//!
//! A rule has passed only if its own golden trace held, and nothing that was seen later spoke against it. What a
//! declared erratum excuses is in `errata.rs`.
//!
//! - `config.rs`: how much is run
//! - `progress.rs`: what is told meanwhile
//! - `claims.rs`: what a subject says of itself, looked at before
//! - `finding.rs`, `rank.rs`: what was found of a rule, and which of them a reader should hear of first

mod claims;
mod config;
mod finding;
mod progress;
mod rank;

use std::collections::{BTreeMap, BTreeSet};

use crate::corpus;
use crate::errata::Excuses;
use crate::generate::Generator;
use crate::golden;
use crate::manifest::{ClockLevel, Manifest};
use crate::minimise::minimise;
use crate::model::{Errata, Model};
use crate::report::{Failure, Outcome, RuleReport, ScheduleFailure, SubjectReport};
use crate::rule::RuleId;
use crate::rules;
use crate::runner::{Coverage, Divergence, Verdict, run_trace};
use crate::schedule::{Schedule, check_schedules, unchecked};
use crate::stopwatch::Stopwatch;
use crate::subject::{Fault, Subject};
use crate::trace::{Trace, TraceFile};
use claims::Corrected;
use finding::Finding;
use rank::{BrokenGolden, Ranking};

pub(crate) use claims::{LEFT, is_emptied};
pub use config::{Config, Effort, matches};
pub use progress::{Progress, Work};

/// How often the minimiser may run a trace.
const ATTEMPTS: usize = 2_000;

/// The areas of the rules on when a record is there.
const LIFE: [&str; 3] = ["key", "lifecycle", "expiry"];

/// The rules that a store breaks with those, if it does so whatever others do.
const OF_ORDER: [RuleId; 3] =
    [rules::CONCURRENT_DELETE_FINAL, rules::CONCURRENT_LOAD_LATEST, rules::CONCURRENT_ORDER];

/// Why a rule is not checked on a subject, if it is not.
pub(crate) fn left_out(rule: RuleId, manifest: &Manifest, config: &Config) -> Option<(Outcome, String)> {
    let clause = rule.rule();
    if config.rules.as_ref().is_some_and(|pattern| !matches(pattern, clause.id)) {
        return Some((Outcome::Disabled, "not among the rules that were asked for".into()));
    }
    rule.not_for(manifest).map(|reason| (Outcome::NotApplicable, reason))
}

/// Whether a trace makes time pass while the subject's clock cannot be set.
fn needs_set_clock(trace: &Trace, manifest: &Manifest) -> bool {
    manifest.clock == ClockLevel::Wall && trace.steps.iter().any(|step| step.advance != 0)
}

/// A trace as the subject's clock can show it; nothing if that cannot be set and would have to be.
fn playable(trace: &Trace, manifest: &Manifest) -> Option<Trace> {
    Some(trace.fitted(manifest.clock_reach, &manifest.values))
        .filter(|trace| !needs_set_clock(trace, manifest))
}

/// A trace as small as it goes in the time that there is for it.
fn shrunk(trace: &Trace, config: &Config, mut fails: impl FnMut(&Trace) -> bool) -> Trace {
    let started = Stopwatch::start();
    minimise(trace, ATTEMPTS, |candidate| (started.elapsed() < config.shrink).then(|| fails(candidate)))
}

/// A trace up to the step that is not as expected: what comes after it shows nothing more.
fn until(trace: &Trace, divergence: &Divergence) -> Trace {
    Trace { settings: trace.settings, steps: trace.steps[..=divergence.step].to_vec() }
}

/// Runs the suite on a subject. `progress` is told what happens while it does.
///
/// ```
/// use session_conformance::manifest::Manifest;
/// use session_conformance::subject::ModelSubject;
/// use session_conformance::suite::{Config, run};
///
/// // The reference model, held against itself; any `Subject` will do.
/// let config = Config::default().with_rules("lifecycle.*").with_cases(10);
/// let report = run(&mut ModelSubject::new(Manifest::reference()), &config, &mut |_| ());
/// assert!(report.is_success());
/// ```
pub fn run(
    subject: &mut dyn Subject,
    config: &Config,
    progress: &mut dyn FnMut(Progress<'_>),
) -> SubjectReport {
    let declared = subject.manifest().clone();
    let mut subject = Corrected::new(subject, config);
    for failure in &subject.wrong {
        progress(Progress::Failed { failure, manifest: &declared });
    }
    let broken = subject.broken.take();
    let mut report = run_traces(&mut subject, config, progress, broken);
    if !subject.wrong.is_empty() {
        report.rules.extend(unchecked(&subject, config, "what it declares must be right first"));
        report.manifest = declared;
        report.lead_with(subject.wrong);
    } else if report.is_whole() {
        progress(Progress::Working(Work::Overlapping));
        let (rules, failures) = check_schedules(&mut subject, config);
        report.rules.extend(rules);
        report.schedule_failures = failures;
        explain_schedules(&mut report);
    }
    report
}

/// What a schedule shows in which nothing overlaps follows from what a trace has shown of when a record is there; and then nobody
/// knows what the clients of such a store do to each other.
fn explain_schedules(report: &mut SubjectReport) {
    let is_about_life = |rule: &RuleId| LIFE.contains(&rule.rule().area());
    let Some(lead) = report.failures.iter().map(|failure| failure.rule).find(is_about_life) else { return };
    let alone =
        |failure: &ScheduleFailure| failure.schedule.as_ref().is_some_and(Schedule::is_one_after_the_other);
    let about_order: Vec<&ScheduleFailure> = report
        .schedule_failures
        .iter()
        .filter(|failure| OF_ORDER.contains(&failure.violation.rule))
        .collect();
    if !about_order.iter().any(|failure| alone(failure)) {
        return;
    }
    let follow = about_order.iter().filter(|failure| failure.schedule.is_none() || alone(failure));
    let follow: BTreeSet<RuleId> =
        follow.flat_map(|failure| failure.also.iter().copied().chain([failure.violation.rule])).collect();
    for rule in report.rules.iter_mut().filter(|rule| rule.status == Outcome::Fail) {
        if follow.contains(&rule.rule) {
            let before = rule.reason.take().filter(|_| rule.explained_by.is_none());
            let before = before.map_or_else(String::new, |reason| format!(": {reason}"));
            rule.reason = Some(format!("broken with r[{}]{before}", lead.rule().id));
            rule.explained_by = Some(lead);
        }
    }
}

fn run_traces(
    subject: &mut dyn Subject,
    config: &Config,
    progress: &mut dyn FnMut(Progress<'_>),
    broken: Option<String>,
) -> SubjectReport {
    let started = Stopwatch::start();
    let mut run = Run { broken, ..Run::new(subject, config, progress) };
    if run.broken.is_some() {
        return run.report();
    }
    let golden: Vec<RuleId> = run.applicable().collect();
    // What the errata excuse must be known before anything is judged.
    for rule in &golden {
        run.learn(*rule);
    }
    let total = golden.len() + config.cases;
    for (done, rule) in golden.into_iter().enumerate() {
        (run.progress)(Progress::Working(Work::Rule(rule)));
        run.golden(rule);
        (run.progress)(Progress::Done { done: done + 1, total });
        if run.broken.is_some() {
            break;
        }
    }
    // Only when all of them are known it is clear what follows from what.
    run.settle();
    if run.broken.is_none() && run.subject.manifest().clock == ClockLevel::Wall {
        run.wall();
    }
    (run.progress)(Progress::Working(Work::Corpus));
    for (about, trace) in corpus::traces(run.subject.manifest(), config.effort) {
        if run.is_over(started) {
            break;
        }
        let Some(trace) = playable(&trace, run.subject.manifest()) else { continue };
        run.about = about.filter(|rule| run.left_out(*rule).is_none());
        run.trace(&trace, None);
    }
    run.about = None;
    (run.progress)(Progress::Working(Work::Generated));
    let generator = Generator::new(run.subject.manifest(), config.seed, config.steps);
    for (done, trace) in generator.take(config.cases).enumerate() {
        if run.is_over(started) {
            break;
        }
        run.trace(&trace, None);
        (run.progress)(Progress::Done { done: total - config.cases + done + 1, total });
    }
    run.report()
}

struct Run<'a> {
    subject: &'a mut dyn Subject,
    config: &'a Config,
    progress: &'a mut dyn FnMut(Progress<'_>),
    coverage: Coverage,
    /// What the subject's errata excuse.
    excuses: Excuses,
    /// The rules whose golden trace held, or that a trace in its place showed.
    held: BTreeSet<RuleId>,
    findings: BTreeMap<RuleId, Finding>,
    /// The golden traces that did not hold.
    goldens: Vec<BrokenGolden>,
    ranking: Ranking,
    /// The rule that the trace under way is about, where the model alone cannot tell.
    about: Option<RuleId>,
    /// The rules that were found to be broken, in the order in which a reader should hear of them.
    failed: Vec<RuleId>,
    /// Set when the subject could not be driven: nothing more is known.
    broken: Option<String>,
}

impl<'a> Run<'a> {
    fn new(
        subject: &'a mut dyn Subject,
        config: &'a Config,
        progress: &'a mut dyn FnMut(Progress<'_>),
    ) -> Self {
        let excuses = Excuses::of(subject.manifest());
        Self {
            subject,
            config,
            progress,
            coverage: Coverage::default(),
            excuses,
            held: BTreeSet::new(),
            findings: BTreeMap::new(),
            goldens: Vec::new(),
            ranking: Ranking::default(),
            about: None,
            failed: Vec::new(),
            broken: None,
        }
    }

    /// Whether the time is over, or nothing more can be learnt.
    fn is_over(&self, started: Stopwatch) -> bool {
        self.broken.is_some() || self.config.budget.is_some_and(|budget| started.elapsed() >= budget)
    }

    /// Why a rule is not run, if it is not.
    fn left_out(&self, rule: RuleId) -> Option<(Outcome, String)> {
        left_out(rule, self.subject.manifest(), self.config)
    }

    fn applicable(&self) -> impl Iterator<Item = RuleId> + use<> {
        let applicable: Vec<RuleId> =
            RuleId::of_stores().filter(|rule| self.left_out(*rule).is_none()).collect();
        applicable.into_iter()
    }

    /// The golden trace of a rule, if it can be run on the subject.
    fn golden_trace(&mut self, rule: RuleId) -> Option<Trace> {
        match golden::once(rule) {
            Ok(trace) => playable(trace, self.subject.manifest()),
            Err(error) => {
                self.broken = Some(format!("the golden trace of {}: {error}", rule.rule().id));
                None
            }
        }
    }

    fn golden(&mut self, rule: RuleId) {
        let Some(trace) = self.golden_trace(rule) else { return };
        if self.excuses.declares(rule) {
            self.erratum(rule, &trace);
        } else {
            self.trace(&trace, Some(rule));
        }
    }

    /// Learns what an erratum is from its golden trace.
    fn learn(&mut self, rule: RuleId) {
        if !self.excuses.declares(rule) || self.excuses.imitated(rule) {
            return;
        }
        let Some(trace) = self.golden_trace(rule) else { return };
        let verdict = run_trace(self.subject, &trace, Errata::ImitatedBut(rule), &mut self.coverage);
        if let Verdict::Diverged(divergence) = verdict
            && divergence.rules.contains(&rule)
        {
            self.excuses.learn(rule, &trace, &divergence);
        }
    }

    /// Runs the golden trace of an erratum. The erratum must be real: where the model does not imitate it, the trace
    /// fails for that rule; where it does, the trace fails without the imitation, and holds with it.
    fn erratum(&mut self, rule: RuleId, trace: &Trace) {
        let mut coverage = Coverage::default();
        let verdict = run_trace(self.subject, trace, Errata::ImitatedBut(rule), &mut coverage);
        self.coverage.add(&coverage);
        match verdict {
            Verdict::Held { .. } if coverage.count(rule) == 0 => {
                self.findings.insert(rule, Finding::OutOfReach);
            }
            Verdict::Held { .. } => drop(self.findings.insert(rule, Finding::UnexpectedPass)),
            Verdict::Diverged(_) if self.excuses.imitated(rule) => {
                self.findings.insert(rule, Finding::ExpectedFail);
                self.trace(trace, Some(rule));
            }
            Verdict::Diverged(divergence) if divergence.rules.contains(&rule) => {
                self.findings.insert(rule, Finding::ExpectedFail);
            }
            Verdict::Diverged(divergence) => self.diverged(trace, &divergence, Some(rule)),
            Verdict::Faulted { step, fault, rules } => self.faulted(trace, step, fault, &rules, Some(rule)),
        }
    }

    /// Runs the one trace that waits: what it shows is shown by the subject's own clock, and stands for the golden
    /// traces that cannot be run.
    fn wall(&mut self) {
        match TraceFile::parse(include_str!("../traces/wall-clock.jsonl")) {
            Ok(file) => {
                let mut shown = Coverage::default();
                std::mem::swap(&mut shown, &mut self.coverage);
                self.trace(&file.trace, None);
                self.held.extend(RuleId::of_stores().filter(|rule| self.coverage.count(*rule) > 0));
                self.coverage.add(&shown);
            }
            Err(error) => {
                self.broken = Some(format!("the trace for subjects with a clock of their own: {error}"));
            }
        }
    }

    /// Runs a trace, which may be the golden trace of a rule, and looks into it if it does not hold.
    fn trace(&mut self, trace: &Trace, golden: Option<RuleId>) {
        let mut coverage = Coverage::default();
        let verdict = run_trace(self.subject, trace, Errata::Imitated, &mut coverage);
        self.coverage.add(&coverage);
        match verdict {
            Verdict::Held { .. } => match golden {
                // What an erratum does may leave no way to the rule.
                Some(rule) if coverage.count(rule) == 0 && !self.excuses.declares(rule) => {
                    self.findings.entry(rule).or_insert(Finding::OutOfReach);
                }
                rule => self.held.extend(rule),
            },
            Verdict::Diverged(divergence) => self.diverged(trace, &divergence, golden),
            Verdict::Faulted { step, fault, rules } => self.faulted(trace, step, fault, &rules, golden),
        }
    }

    /// Takes note of a divergence, unless an erratum explains it.
    fn diverged(&mut self, trace: &Trace, divergence: &Divergence, golden: Option<RuleId>) {
        match (self.excuses.explain(trace, divergence), golden) {
            (Some(erratum), Some(rule)) => self.cut_short(rule, trace, divergence.step, erratum),
            (Some(_), None) => {}
            (None, Some(rule)) => {
                let (trace, divergence) = (trace.clone(), divergence.clone());
                self.goldens.push(BrokenGolden { rule, trace, divergence });
            }
            (None, None) => self.blame(trace, divergence, None),
        }
    }

    /// Looks into the golden traces that did not hold, those first that explain most.
    fn settle(&mut self) {
        let mut goldens = std::mem::take(&mut self.goldens);
        self.ranking = Ranking::of(&goldens);
        self.ranking.sort(&mut goldens);
        for broken in goldens {
            self.blame(&broken.trace, &broken.divergence, Some(broken.rule));
        }
    }

    /// Notes which rules a divergence breaks: all of those behind the step, and the rule whose golden trace it is.
    fn blame(&mut self, trace: &Trace, divergence: &Divergence, golden: Option<RuleId>) {
        let Some(rule) = self.to_blame(divergence, golden) else { return };
        if !self.is_blamed(rule) {
            let mut finding = self.investigate(rule, &until(trace, divergence), divergence, golden);
            if let Finding::Broken(failure) = &mut finding {
                failure.original_steps = trace.steps.len();
            }
            if let Finding::Broken(failure) = &finding {
                let manifest = self.subject.manifest();
                (self.progress)(Progress::Failed { failure, manifest });
                self.failed.push(rule);
            }
            self.findings.insert(rule, finding);
        }
        let mut consequences: Vec<RuleId> = self.enabled(&divergence.rules).chain(golden).collect();
        if let Some(Finding::Broken(failure)) = self.findings.get(&rule) {
            consequences.extend(self.enabled(&failure.also).collect::<Vec<_>>());
        }
        for consequence in consequences {
            if consequence != rule && !self.is_blamed(consequence) {
                let (trace, divergence) = (until(trace, divergence), divergence.clone());
                self.findings.insert(consequence, Finding::Consequence { of: rule, trace, divergence });
            }
        }
    }

    /// Whether something is held against a rule already. An erratum that is real is not.
    fn is_blamed(&self, rule: RuleId) -> bool {
        let found = self.findings.get(&rule);
        found.is_some_and(|found| {
            !matches!(found, Finding::ExpectedFail | Finding::CutShort { .. } | Finding::OutOfReach)
        })
    }

    /// A golden trace got only as far as a step that an erratum excuses. If all that its rule says comes before, the
    /// rule has held.
    fn cut_short(&mut self, rule: RuleId, trace: &Trace, step: usize, by: RuleId) {
        let mut model = Model::new(self.subject.manifest(), trace.settings, Errata::Imitated);
        let speaks = |step| {
            let expected = model.step(step);
            expected.is_some_and(|expected| expected.why.iter().any(|(_, why)| *why == rule))
        };
        let last = trace.steps.iter().map(speaks).collect::<Vec<_>>().into_iter().rposition(|speaks| speaks);
        if last.is_some_and(|last| last < step) {
            self.held.insert(rule);
        } else {
            self.findings.entry(rule).or_insert(Finding::CutShort { by });
        }
    }

    /// Those of some rules that are run.
    fn enabled(&self, rules: &[RuleId]) -> impl Iterator<Item = RuleId> + Clone {
        rules.iter().copied().filter(|rule| self.left_out(*rule).is_none())
    }

    /// The rule that explains a divergence best, among those that are run: one whose golden trace did not hold; else the one
    /// that the trace is about; else the first. Where none is run, it is the one whose golden trace it is.
    fn to_blame(&self, divergence: &Divergence, golden: Option<RuleId>) -> Option<RuleId> {
        let mut rules = self.enabled(&divergence.rules);
        self.ranking.best(rules.clone()).or(self.about).or_else(|| rules.next()).or(golden)
    }

    /// Makes the trace of a divergence as small as it goes, with the same rule to blame.
    fn investigate(
        &mut self,
        rule: RuleId,
        trace: &Trace,
        first: &Divergence,
        golden: Option<RuleId>,
    ) -> Finding {
        let mut ignored = Coverage::default();
        let flaky = || Finding::Flaky { trace: trace.clone(), divergence: first.clone() };
        if needs_set_clock(trace, self.subject.manifest()) {
            let small = self.foreseen(trace);
            // What the model takes to be enough may not be.
            return self
                .shown(rule, small.as_ref().unwrap_or(trace), golden)
                .or_else(|| self.shown(rule, trace, golden))
                .unwrap_or_else(flaky);
        }
        let small = shrunk(trace, self.config, |candidate| {
            match run_trace(self.subject, candidate, Errata::Imitated, &mut ignored) {
                Verdict::Diverged(divergence) => {
                    self.to_blame(&divergence, golden) == Some(rule)
                        && self.excuses.explain(candidate, &divergence).is_none()
                }
                _ => false,
            }
        });
        // It failed a moment ago; where it does not now, it is flaky.
        self.shown(rule, &small, golden).unwrap_or_else(flaky)
    }

    /// The failure of a rule that a trace shows, if it does.
    fn shown(&mut self, rule: RuleId, trace: &Trace, golden: Option<RuleId>) -> Option<Finding> {
        let again = run_trace(self.subject, trace, Errata::Imitated, &mut Coverage::default());
        let Verdict::Diverged(divergence) = again else { return None };
        if self.to_blame(&divergence, golden) != Some(rule) {
            return None;
        }
        let mut failure = Failure::new(trace.clone(), *divergence);
        failure.also.extend([failure.rule]);
        failure.also.retain(|other| *other != rule);
        failure.rule = rule;
        failure.seed = Some(self.config.seed);
        failure.sent = self.subject.sent();
        Some(Finding::Broken(Box::new(failure)))
    }

    /// The smallest trace of whose last step the model says the same, for the same reasons. It is found without running
    /// anything: each run of a trace that waits takes seconds.
    fn foreseen(&self, trace: &Trace) -> Option<Trace> {
        let last = |trace: &Trace| {
            let mut model = Model::new(self.subject.manifest(), trace.settings, Errata::Imitated);
            let (last, before) = trace.steps.split_last()?;
            for step in before {
                model.step(step);
            }
            let expected = model.step(last)?;
            // A shorter wait may be too short for a clock that is not the model's.
            let waited: i64 = trace.steps.iter().map(|step| step.advance).sum();
            Some((last.op.name(), expected.outcome, expected.why, waited))
        };
        let wanted = last(trace)?;
        Some(minimise(trace, ATTEMPTS, |candidate| Some(last(candidate).as_ref() == Some(&wanted))))
    }

    fn faulted(
        &mut self,
        trace: &Trace,
        step: Option<usize>,
        fault: Fault,
        rules: &[RuleId],
        golden: Option<RuleId>,
    ) {
        // A step without a rule is the suite's own.
        let rule = self.enabled(rules).next().or(rules.first().copied());
        let steps = step.map_or(0, |step| step + 1);
        let trace = Trace { settings: trace.settings, steps: trace.steps[..steps].to_vec() };
        let faults =
            self.findings.values().filter(|f| matches!(f, Finding::Crash { .. } | Finding::Timeout { .. }));
        // A subject that keeps falling over is not started for ever; a store that panics is opened again at no cost.
        let costly = !matches!(fault, Fault::Panic(_));
        if costly && faults.count() >= 3 || step.is_none() || rule.is_none() {
            self.broken = Some(fault.to_string());
        }
        let finding = match fault {
            Fault::Harness(reason) => {
                self.broken = Some(reason);
                return;
            }
            Fault::Crash(reason) | Fault::Panic(reason) => Finding::Crash { reason, trace },
            Fault::Timeout(reason) => Finding::Timeout { reason, trace },
        };
        for rule in rule.into_iter().chain(golden) {
            self.findings.entry(rule).or_insert_with(|| finding.clone());
        }
    }

    fn report(mut self) -> SubjectReport {
        let manifest = self.subject.manifest().clone();
        let mut rules = Vec::new();
        let found = self.failed.iter().filter_map(|rule| match self.findings.get(rule) {
            Some(Finding::Broken(failure)) if self.left_out(*rule).is_none() => Some((**failure).clone()),
            _ => None,
        });
        let failures = found.collect();
        for id in RuleId::of_stores() {
            let held = RuleReport {
                exercised: self.coverage.count(id),
                ..RuleReport::new(id, Outcome::Pass, manifest.clock)
            };
            rules.push(match (self.left_out(id), self.findings.remove(&id)) {
                (Some((status, reason)), _) => held.ended(status, reason),
                (None, Some(finding)) => finding.told(held, &self.excuses),
                (None, None) => self.unfound(held),
            });
        }
        let schedule_failures = Vec::new();
        SubjectReport { manifest, steps: self.coverage.steps, rules, failures, schedule_failures }
    }

    /// What is said of a rule with which nothing was found.
    fn unfound(&self, held: RuleReport) -> RuleReport {
        let clocked =
            || golden::once(held.rule).is_ok_and(|trace| needs_set_clock(trace, self.subject.manifest()));
        let (status, reason) = match &self.broken {
            Some(reason) => (Outcome::HarnessError, reason.as_str()),
            None if self.held.contains(&held.rule) => return held,
            None if clocked() => {
                let reason = "it needs a clock that the suite sets, and the subject has its own";
                (Outcome::NotApplicable, reason)
            }
            None => (Outcome::NotExercised, "no trace got as far as this rule"),
        };
        held.ended(status, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("lifecycle.*", "lifecycle.save.stores"));
        assert!(matches("*.save.*", "lifecycle.save.stores"));
        assert!(matches("*", "a.b"));
        assert!(matches("a.b", "a.b"));
        assert!(!matches("a.b", "a.b.c"));
        assert!(!matches("*.load", "a.load.b"));
    }
}
