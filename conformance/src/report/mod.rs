//! What a run found, as data; and in files beside, one per form: `text`, `json`, `junit`, `markdown`, `html`; `github` for
//! the annotations of a workflow, and `written` for a report that is read back.

mod badge;
mod diff;
mod failure;
mod github;
#[cfg(feature = "cli")]
mod html;
mod json;
#[cfg(feature = "cli")]
mod junit;
mod known;
mod markdown;
mod table;
mod text;
mod written;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::history::{History, Violation};
use crate::manifest::{ClockLevel, Manifest};
use crate::rule::{Level, RuleId};
use crate::runner::Divergence;
use crate::schedule::Schedule;
use crate::subject::{Fault, Subject};
use crate::trace::Trace;

pub use badge::badge;
pub use diff::{Change, Difference, Way};
pub use failure::{Artifacts, write_artifacts, write_requests, write_schedule};
pub use github::annotations;
#[cfg(feature = "cli")]
pub use html::{Golden, TIMELINE_STYLE, to_html};
pub use json::{schema, to_json};
#[cfg(feature = "cli")]
pub use junit::to_junit;
pub use known::KnownFailures;
pub use markdown::to_markdown;
#[cfg(feature = "cli")]
pub(crate) use text::seen_text;
pub use text::{
    Replay, broken_block, counted, ended_block, failure_block, schedule_block, summary, transcript,
    whole_block,
};
pub(crate) use text::{expected_text, observed_text, step_texts};
pub use written::{Written, WrittenRule, WrittenSubject};

/// What became of a rule: exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// It was exercised and held.
    Pass,
    /// It was broken.
    Fail,
    /// It was broken, as the subject says it would be.
    ExpectedFail,
    /// It held, though the subject says it does not.
    UnexpectedPass,
    /// It was broken once, and not when the trace was run again.
    Flaky,
    /// The subject lacks what the rule is about.
    NotApplicable,
    /// The user left it out.
    Disabled,
    /// No trace got as far as the rule: nothing is known of it.
    NotExercised,
    /// The subject could not be driven, by no fault of the store.
    HarnessError,
    /// No answer came in time.
    Timeout,
    /// The subject's process ended.
    Crash,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Pass,
        Self::Fail,
        Self::ExpectedFail,
        Self::UnexpectedPass,
        Self::Flaky,
        Self::NotApplicable,
        Self::Disabled,
        Self::NotExercised,
        Self::HarnessError,
        Self::Timeout,
        Self::Crash,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::ExpectedFail => "expected-fail",
            Self::UnexpectedPass => "unexpected-pass",
            Self::Flaky => "flaky",
            Self::NotApplicable => "not-applicable",
            Self::Disabled => "disabled",
            Self::NotExercised => "not-exercised",
            Self::HarnessError => "harness-error",
            Self::Timeout => "timeout",
            Self::Crash => "crash",
        }
    }

    /// A sign on pages, for those who do not see colours.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Pass => "✓",
            Self::Fail => "✗",
            Self::ExpectedFail => "(✗)",
            Self::UnexpectedPass => "(✓)",
            Self::Flaky => "~",
            Self::NotApplicable => "–",
            Self::Disabled => "·",
            Self::NotExercised => "?",
            Self::HarnessError => "!",
            Self::Timeout => "…",
            Self::Crash => "†",
        }
    }

    /// Whether a run with this outcome of a rule can count as a success.
    pub fn is_success(self, level: Level) -> bool {
        match self {
            Self::Pass | Self::ExpectedFail | Self::NotApplicable | Self::Disabled => true,
            Self::NotExercised => level != Level::Must,
            Self::Fail
            | Self::UnexpectedPass
            | Self::Flaky
            | Self::HarnessError
            | Self::Timeout
            | Self::Crash => false,
        }
    }

    /// Whether it is the subject that does not succeed. What holds, and stands on a list of what does not, is a fault of the
    /// list.
    pub fn is_broken(self, level: Level) -> bool {
        self != Self::UnexpectedPass && !self.is_success(level)
    }
}

/// A run of the suite on some subjects.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// The seed of the generated traces, if there were any.
    pub seed: Option<u64>,
    /// How long it took.
    pub duration: Duration,
    /// What was run on.
    pub subjects: Vec<SubjectReport>,
}

impl Report {
    /// What was found on some subjects, without generated traces.
    pub fn new(subjects: Vec<SubjectReport>, duration: Duration) -> Self {
        Self { seed: None, duration, subjects }
    }

    /// What is to be said of it first: that all subjects held, or how many of them did not.
    pub fn verdict(&self) -> String {
        let count = |wrong: fn(&&SubjectReport) -> bool| self.subjects.iter().filter(wrong).count();
        let faults = [
            (count(|subject| !subject.is_success() && subject.is_whole()), "did not hold"),
            (count(|subject| !subject.is_whole()), "could not be driven"),
        ];
        let faults: Vec<String> = faults
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{} {what}", counted(n, "subject")))
            .collect();
        let known: usize = self.subjects.iter().map(|subject| subject.count(Outcome::ExpectedFail)).sum();
        match (faults.is_empty(), known) {
            (true, 0) => "all held".into(),
            (true, known) => format!("all held but {}", counted(known, "known failure")),
            (false, _) => faults.join(", "),
        }
    }

    /// With the seed of the generated traces.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }
}

/// What a run found on one subject.
#[derive(Debug)]
#[non_exhaustive]
pub struct SubjectReport {
    /// What the subject says about itself.
    pub manifest: Manifest,
    /// Steps that were done and compared.
    pub steps: u64,
    /// Every rule, in the order of the specification.
    pub rules: Vec<RuleReport>,
    /// The failures, with their minimal traces.
    pub failures: Vec<Failure>,
    /// The failures where operations overlap, fail or are dropped.
    pub schedule_failures: Vec<ScheduleFailure>,
}

/// What became of a rule on a subject.
#[derive(Debug)]
#[non_exhaustive]
pub struct RuleReport {
    /// The rule.
    pub rule: RuleId,
    /// What became of it.
    pub status: Outcome,
    /// How often it was exercised.
    pub exercised: u64,
    /// At which level of time.
    pub clock: ClockLevel,
    /// Why, unless it passed.
    pub reason: Option<String>,
    /// The rule whose failure explains it, if that is another one.
    pub explained_by: Option<RuleId>,
    /// The trace that shows it.
    pub trace: Option<Trace>,
    /// Where the trace differs; none if it ended there.
    pub divergence: Option<Divergence>,
    /// The schedule that shows it, for a rule on what overlaps and fails.
    pub schedule: Option<Schedule>,
}

impl RuleReport {
    /// A rule that ended so, of which there is no more to say.
    pub fn new(rule: RuleId, status: Outcome, clock: ClockLevel) -> Self {
        Self {
            rule,
            status,
            exercised: 0,
            clock,
            reason: None,
            explained_by: None,
            trace: None,
            divergence: None,
            schedule: None,
        }
    }

    /// The same with another end, and why.
    pub(crate) fn ended(self, status: Outcome, reason: impl Into<String>) -> Self {
        Self { status, reason: Some(reason.into()), ..self }
    }
}

/// A broken rule on what overlaps and fails, with the history that shows it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ScheduleFailure {
    /// The rule, the answer that is wrong, and why.
    pub violation: Violation,
    /// What happened.
    pub history: History,
    /// The smallest schedule that shows it; none if the operations overlapped for real.
    pub schedule: Option<Schedule>,
    /// The seed of the run, if chance had a part in it.
    pub seed: Option<u64>,
    /// How long the schedule was that failed first, in moves; or the history, in operations.
    pub original_moves: usize,
    /// Rules whose golden schedules end so too.
    pub also: Vec<RuleId>,
}

/// A broken rule with the smallest trace that shows it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Failure {
    /// The rule.
    pub rule: RuleId,
    /// Rules that the same step breaks.
    pub also: Vec<RuleId>,
    /// The seed of the run, if chance had a part in it.
    pub seed: Option<u64>,
    /// How long the trace was that failed first.
    pub original_steps: usize,
    /// The minimal trace.
    pub trace: Trace,
    /// Where and how it differs.
    pub divergence: Divergence,
    /// What a reader should know beside.
    pub note: Option<String>,
    /// What an adapter was sent then, as lines that can be piped into it.
    pub sent: Option<String>,
}

impl Failure {
    /// The failure that a divergence shows; the first of its rules is to blame.
    pub fn new(trace: Trace, divergence: Divergence) -> Self {
        let mut rules = divergence.rules.iter().copied();
        // A divergence names at least one rule.
        let rule = rules.next().unwrap_or(crate::rules::LIFECYCLE_LOAD_STORED);
        let (also, original_steps) = (rules.collect(), trace.steps.len());
        Self { rule, also, seed: None, original_steps, trace, divergence, note: None, sent: None }
    }
}

impl ScheduleFailure {
    /// Carries out a schedule on a subject; what is wrong with what happens, if anything is.
    ///
    /// # Errors
    /// [`Fault`] if the subject cannot be driven, or if its operations cannot be interrupted.
    pub fn of(subject: &mut dyn Subject, schedule: &Schedule) -> Result<Option<Self>, Fault> {
        let uninterrupted = || Fault::Harness("the operations of this subject cannot be interrupted".into());
        let history = subject.schedule(schedule).ok_or_else(uninterrupted)??;
        let violation = history.judge(subject.manifest().capabilities.consistency);
        Ok(violation.map(|violation| Self {
            violation,
            history,
            schedule: Some(schedule.clone()),
            seed: None,
            original_moves: schedule.moves.len(),
            also: Vec::new(),
        }))
    }
}

impl SubjectReport {
    /// Puts failures before the others.
    pub(crate) fn lead_with(&mut self, first: Vec<Failure>) {
        for failure in &first {
            if let Some(rule) = self.rules.iter_mut().find(|rule| rule.rule == failure.rule) {
                rule.status = Outcome::Fail;
                rule.reason.clone_from(&failure.note);
                rule.trace = Some(failure.trace.clone());
                rule.divergence = Some(failure.divergence.clone());
            }
        }
        self.failures.splice(0..0, first);
    }

    /// The rule that is shown and below which this one is told, if there is one.
    pub fn explained_by(&self, rule: RuleId) -> Option<RuleId> {
        let by = self.rules.iter().find(|other| other.rule == rule)?.explained_by?;
        let is_shown = self.failures.iter().any(|failure| failure.rule == by)
            || self.schedule_failures.iter().any(|failure| failure.violation.rule == by)
                && self.explained_by(by).is_none();
        is_shown.then_some(by)
    }

    /// The rules that did not hold, but for those that are told below another one; what the report leads with comes first.
    pub(crate) fn causes(&self) -> Vec<&RuleReport> {
        let is_cause = |rule: &&RuleReport| {
            !rule.status.is_success(rule.rule.rule().level) && self.explained_by(rule.rule).is_none()
        };
        let traces = self.failures.iter().map(|failure| failure.rule);
        let shown: Vec<RuleId> =
            traces.chain(self.schedule_failures.iter().map(|failure| failure.violation.rule)).collect();
        let mut causes: Vec<&RuleReport> = self.rules.iter().filter(is_cause).collect();
        causes.sort_by_key(|rule| shown.iter().position(|one| *one == rule.rule).unwrap_or(shown.len()));
        causes
    }

    /// The rules that are broken with another one.
    pub fn broken_with(&self, rule: RuleId) -> Vec<&'static str> {
        let with = |other: &&RuleReport| other.explained_by == Some(rule) && other.status == Outcome::Fail;
        self.rules.iter().filter(with).map(|other| other.rule.rule().id).collect()
    }

    /// How many rules ended so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.rules.iter().filter(|rule| rule.status == outcome).count()
    }

    /// Whether every rule ended well.
    pub fn is_success(&self) -> bool {
        self.rules.iter().all(|rule| rule.status.is_success(rule.rule.rule().level))
    }

    /// Whether the subject could be driven to the end.
    pub fn is_whole(&self) -> bool {
        self.count(Outcome::HarnessError) == 0
    }
}
