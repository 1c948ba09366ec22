//! The suite: every rule that applies to a subject, first on its golden trace and then on generated ones.
//! What comes out is a report; the fronts only render it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::generate::Generator;
use crate::manifest::ClockLevel;
use crate::minimise::minimise;
use crate::report::{Failure, Outcome, RuleReport, SubjectReport};
use crate::rule::RuleId;
use crate::runner::{Coverage, Errata, Verdict, run_trace};
use crate::subject::{Fault, Subject};
use crate::trace::{Trace, TraceFile};

/// How much is run, and from where chance starts.
#[derive(Debug, Clone)]
pub struct Config {
    /// Generated traces per subject.
    pub cases: usize,
    /// The most steps of a generated trace.
    pub steps: usize,
    /// The seed of the generator.
    pub seed: u64,
    /// After this time no further trace is generated.
    pub budget: Option<Duration>,
    /// Which rules are wanted; the others are disabled. `*` stands for any text.
    pub rules: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { cases: 500, steps: 40, seed: 0x51f2, budget: None, rules: None }
    }
}

/// Whether a rule's id fits a pattern in which `*` stands for any text.
pub fn matches(pattern: &str, id: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == id,
        Some((head, rest)) => id.strip_prefix(head).is_some_and(|id| {
            id.char_indices().map(|(at, _)| at).chain([id.len()]).any(|at| matches(rest, &id[at..]))
        }),
    }
}

/// Runs the suite on a subject. `progress` is told how many traces of how many are done.
pub fn run(
    subject: &mut dyn Subject,
    config: &Config,
    progress: &mut dyn FnMut(usize, usize),
) -> SubjectReport {
    let started = Instant::now();
    let mut run = Run::new(subject, config);
    let golden: Vec<RuleId> = run.applicable().collect();
    let total = golden.len() + config.cases;
    for (done, rule) in golden.into_iter().enumerate() {
        run.golden(rule);
        progress(done + 1, total);
        if run.broken.is_some() {
            return run.report();
        }
    }
    if run.subject.manifest().clock == ClockLevel::Wall {
        run.wall();
    }
    let generator = Generator::new(run.subject.manifest(), config.seed, config.steps);
    for (done, trace) in generator.take(config.cases).enumerate() {
        if config.budget.is_some_and(|budget| started.elapsed() >= budget) || run.broken.is_some() {
            break;
        }
        run.trace(&trace);
        progress(total - config.cases + done + 1, total);
    }
    run.report()
}

/// What became of a rule whose trace did not hold.
enum Finding {
    Broken(Box<Failure>),
    Flaky(Trace),
    Crash { reason: String, trace: Trace },
    Timeout { reason: String, trace: Trace },
    ExpectedFail,
    UnexpectedPass,
}

struct Run<'a> {
    subject: &'a mut dyn Subject,
    config: &'a Config,
    coverage: Coverage,
    findings: BTreeMap<RuleId, Finding>,
    /// Set when the subject could not be driven: nothing more is known.
    broken: Option<String>,
}

impl<'a> Run<'a> {
    fn new(subject: &'a mut dyn Subject, config: &'a Config) -> Self {
        Self { subject, config, coverage: Coverage::default(), findings: BTreeMap::new(), broken: None }
    }

    /// Why a rule is not run, if it is not.
    fn left_out(&self, rule: RuleId) -> Option<(Outcome, String)> {
        let clause = rule.rule();
        if self.config.rules.as_ref().is_some_and(|pattern| !matches(pattern, clause.id)) {
            return Some((Outcome::Disabled, "not among the rules that were asked for".into()));
        }
        let unmet = clause.needs.iter().find_map(|need| need.unmet_by(self.subject.manifest()));
        unmet.map(|reason| (Outcome::NotApplicable, reason.into()))
    }

    fn applicable(&self) -> impl Iterator<Item = RuleId> + use<> {
        let applicable: Vec<RuleId> =
            RuleId::of_stores().filter(|rule| self.left_out(*rule).is_none()).collect();
        applicable.into_iter()
    }

    fn is_erratum(&self, rule: RuleId) -> bool {
        self.subject.manifest().errata.iter().any(|erratum| erratum.rule == rule.rule().id)
    }

    fn golden(&mut self, rule: RuleId) {
        let trace = match rule.rule().golden() {
            Ok(file) => file.trace,
            Err(error) => {
                self.broken = Some(format!("the golden trace of {}: {error}", rule.rule().id));
                return;
            }
        };
        if self.needs_set_clock(&trace) {
            return;
        }
        if !self.is_erratum(rule) {
            self.trace(&trace);
            return;
        }
        // The erratum must be real: against a model that forgives nothing, the trace has to fail.
        match run_trace(self.subject, &trace, Errata::HeldAgainst, &mut self.coverage) {
            Verdict::Diverged(divergence) if divergence.rules.contains(&rule) => {
                self.findings.insert(rule, Finding::ExpectedFail);
            }
            Verdict::Held => drop(self.findings.insert(rule, Finding::UnexpectedPass)),
            Verdict::Diverged(_) | Verdict::Faulted { .. } => self.trace(&trace),
        }
    }

    /// Whether a trace makes time pass while the subject's clock cannot be set.
    fn needs_set_clock(&self, trace: &Trace) -> bool {
        self.subject.manifest().clock == ClockLevel::Wall && trace.steps.iter().any(|step| step.advance != 0)
    }

    /// Runs the one trace that waits: what it shows is shown by the subject's own clock.
    fn wall(&mut self) {
        match TraceFile::parse(include_str!("../traces/wall-clock.jsonl")) {
            Ok(file) => self.trace(&file.trace),
            Err(error) => {
                self.broken = Some(format!("the trace for subjects with a clock of their own: {error}"));
            }
        }
    }

    /// Runs a trace, and looks into it if it does not hold.
    fn trace(&mut self, trace: &Trace) {
        match run_trace(self.subject, trace, Errata::Imitated, &mut self.coverage) {
            Verdict::Held => {}
            Verdict::Diverged(divergence) => {
                let rule = self.primary(&divergence.rules);
                // A declared erratum explains what is broken beside it.
                let erratum = divergence.rules.iter().find(|rule| self.is_erratum(**rule));
                if let Some(erratum) = erratum {
                    self.findings.entry(*erratum).or_insert(Finding::ExpectedFail);
                } else if self.left_out(rule).is_none() && !self.findings.contains_key(&rule) {
                    let finding = self.investigate(rule, trace);
                    self.findings.insert(rule, finding);
                }
            }
            Verdict::Faulted { step, fault, rules } => self.faulted(trace, step, fault, &rules),
        }
    }

    /// The rule that is to blame: the first that applies to the subject.
    fn primary(&self, rules: &[RuleId]) -> RuleId {
        let applies = |rule: &&RuleId| !matches!(self.left_out(**rule), Some((Outcome::NotApplicable, _)));
        // A divergence names at least one rule.
        rules.iter().find(applies).or(rules.first()).copied().unwrap_or(crate::rules::LIFECYCLE_LOAD_STORED)
    }

    fn investigate(&mut self, rule: RuleId, trace: &Trace) -> Finding {
        let budget = 2_000;
        let mut ignored = Coverage::default();
        let small = minimise(trace, budget, |candidate| {
            let verdict = run_trace(self.subject, candidate, Errata::Imitated, &mut ignored);
            matches!(verdict, Verdict::Diverged(d) if self.primary(&d.rules) == rule)
        });
        let again = run_trace(self.subject, &small, Errata::Imitated, &mut ignored);
        let Verdict::Diverged(divergence) = again else {
            // It failed a moment ago and does not now.
            return Finding::Flaky(trace.clone());
        };
        let mut failure = Failure::new(small, *divergence);
        failure.also.retain(|other| *other != rule);
        failure.also.extend(Some(failure.rule).filter(|first| *first != rule));
        failure.rule = rule;
        failure.seed = Some(self.config.seed);
        failure.original_steps = trace.steps.len();
        Finding::Broken(Box::new(failure))
    }

    fn faulted(&mut self, trace: &Trace, step: Option<usize>, fault: Fault, rules: &[RuleId]) {
        let rule = self.primary(rules);
        let steps = step.map_or(0, |step| step + 1);
        let trace = Trace { settings: trace.settings, steps: trace.steps[..steps].to_vec() };
        let faults =
            self.findings.values().filter(|f| matches!(f, Finding::Crash { .. } | Finding::Timeout { .. }));
        // A subject that keeps falling over is not started for ever.
        if faults.count() >= 3 || step.is_none() {
            self.broken = Some(fault.to_string());
        }
        match fault {
            Fault::Harness(reason) => self.broken = Some(reason),
            Fault::Crash(reason) => {
                self.findings.entry(rule).or_insert(Finding::Crash { reason, trace });
            }
            Fault::Timeout(reason) => {
                self.findings.entry(rule).or_insert(Finding::Timeout { reason, trace });
            }
        }
    }

    fn report(mut self) -> SubjectReport {
        let manifest = self.subject.manifest().clone();
        let mut rules = Vec::new();
        let mut failures = Vec::new();
        for id in RuleId::of_stores() {
            let exercised = self.coverage.count(id);
            let (status, reason, trace) = match (self.left_out(id), self.findings.remove(&id)) {
                (Some((outcome, reason)), _) => (outcome, Some(reason), None),
                (None, Some(finding)) => match finding {
                    Finding::Broken(failure) => {
                        let trace = failure.trace.clone();
                        let reason = format!(
                            "expected {}, got {}",
                            failure.divergence.expected, failure.divergence.got
                        );
                        failures.push(*failure);
                        (Outcome::Fail, Some(reason), Some(trace))
                    }
                    Finding::Flaky(trace) => {
                        let reason = "it failed once, and not when it was run again".into();
                        (Outcome::Flaky, Some(reason), Some(trace))
                    }
                    Finding::Crash { reason, trace } => (Outcome::Crash, Some(reason), Some(trace)),
                    Finding::Timeout { reason, trace } => (Outcome::Timeout, Some(reason), Some(trace)),
                    Finding::ExpectedFail => {
                        let erratum = manifest.errata.iter().find(|erratum| erratum.rule == id.rule().id);
                        (Outcome::ExpectedFail, erratum.map(|erratum| erratum.reason.clone()), None)
                    }
                    Finding::UnexpectedPass => {
                        let reason = "the manifest declares an erratum that is not there".into();
                        (Outcome::UnexpectedPass, Some(reason), None)
                    }
                },
                (None, None) => match &self.broken {
                    Some(reason) => (Outcome::HarnessError, Some(reason.clone()), None),
                    None if exercised > 0 => (Outcome::Pass, None, None),
                    None if id.rule().golden().is_ok_and(|file| self.needs_set_clock(&file.trace)) => {
                        let reason = "it needs a clock that the suite sets, and the subject has its own";
                        (Outcome::NotApplicable, Some(reason.into()), None)
                    }
                    None => (Outcome::NotExercised, Some("no trace got as far as this rule".into()), None),
                },
            };
            rules.push(RuleReport { rule: id, status, exercised, clock: manifest.clock, reason, trace });
        }
        SubjectReport { manifest, steps: self.coverage.steps, rules, failures }
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
