//! What the page tells of a failure, and of a rule.

use minijinja::Value;
use pulldown_cmark::{Parser, html::push_html};
use serde::Serialize;

use super::canvas::escaped;
use super::steps::{self, Shown};
use super::{Golden, Picture, clause_place, overlap};
use crate::manifest::Manifest;
use crate::report::{
    Failure, Outcome, Report, RuleReport, ScheduleFailure, SubjectReport, counted, step_texts,
};
use crate::rule::RuleId;
use crate::schedule::Schedule;
use crate::trace::Trace;

/// The longest trace that stands on the page as a file, in bytes.
const MOST_BYTES: usize = 20_000;

/// A rule that did not just hold, and what shows it.
#[derive(Debug, Serialize)]
pub(super) struct Evidence {
    /// The name of its place on the page.
    pub(super) place: String,
    pub(super) rule: &'static str,
    /// The place of the rule.
    clause: String,
    level: String,
    title: Value,
    text: Value,
    django: Value,
    spec: String,
    outcome: &'static str,
    subject: String,
    /// How long what shows it is, and how it was found.
    found: String,
    reason: Option<Value>,
    picture: Option<Value>,
    differs: Option<Differs>,
    steps: Vec<Line>,
    /// The moves of a schedule.
    moves: Vec<String>,
    file: Option<File>,
    /// The rules that this one explains.
    explained: Vec<Self>,
}

/// A rule, whatever became of it.
#[derive(Debug, Serialize)]
pub(super) struct Clause {
    place: String,
    id: &'static str,
    level: String,
    title: Value,
    text: Value,
    django: Value,
    spec: String,
    golden: Golden,
    results: Vec<Ended>,
}

/// The step that differs: what had to be seen, and what was.
#[derive(Debug, Serialize)]
struct Differs {
    step: String,
    expected: String,
    got: String,
}

/// A step of a trace.
#[derive(Debug, Serialize)]
struct Line {
    time: String,
    step: String,
    answer: String,
}

/// A trace or a schedule as a file.
#[derive(Debug, Serialize)]
struct File {
    name: String,
    text: String,
    /// Whether `run` writes it.
    kept: bool,
}

/// What became of a rule on a subject.
#[derive(Debug, Serialize)]
struct Ended {
    subject: String,
    outcome: &'static str,
    sign: &'static str,
    exercised: u64,
    reason: String,
}

/// What there is to see of a subject: first the failures as the report has them, each with the rules that it explains; then
/// what else has a trace.
pub(super) fn of(number: usize, subject: &SubjectReport) -> Vec<Evidence> {
    let begin = |rule: RuleId| {
        let found = subject.rules.iter().find(|found| found.rule == rule);
        found.map(|found| begin(number, subject, found))
    };
    let manifest = &subject.manifest;
    let failures = subject
        .failures
        .iter()
        .filter_map(|failure| begin(failure.rule).map(|begun| of_failure(begun, failure, manifest)));
    let (below, overlapping): (Vec<_>, Vec<_>) = subject
        .schedule_failures
        .iter()
        .partition(|failure| subject.explained_by(failure.violation.rule).is_some());
    let of_schedule = |failure: &&ScheduleFailure| {
        begin(failure.violation.rule).map(|begun| of_schedule(begun, failure, manifest))
    };
    let mut all: Vec<Evidence> = failures.chain(overlapping.iter().filter_map(of_schedule)).collect();
    for failure in below {
        let by = subject.explained_by(failure.violation.rule);
        let lead = by.and_then(|by| all.iter_mut().find(|lead| lead.rule == by.rule().id));
        if let Some(lead) = lead {
            lead.explained.extend(of_schedule(&failure));
        }
    }
    let shown = subject.rules.iter().filter(|found| found.trace.is_some() || found.schedule.is_some());
    let (explained, own): (Vec<&RuleReport>, Vec<&RuleReport>) =
        shown.partition(|found| found.explained_by.is_some());
    for found in own.into_iter().chain(explained) {
        if place(&all, found.rule).is_some() {
            continue;
        }
        let evidence = of_rule(self::begin(number, subject, found), found, manifest);
        let lead = found.explained_by.and_then(|by| all.iter_mut().find(|lead| lead.rule == by.rule().id));
        match lead {
            // What explains it is above it.
            Some(lead) => lead.explained.push(Evidence { reason: None, ..evidence }),
            None => all.push(evidence),
        }
    }
    all
}

/// The place of what there is to see of a rule, if there is anything.
pub(super) fn place(all: &[Evidence], rule: RuleId) -> Option<&str> {
    let mut each = all.iter().flat_map(|evidence| evidence.explained.iter().chain([evidence]));
    each.find(|evidence| evidence.rule == rule.rule().id).map(|evidence| evidence.place.as_str())
}

/// What is known of a rule without what shows it.
fn begin(number: usize, subject: &SubjectReport, found: &RuleReport) -> Evidence {
    let rule = found.rule.rule();
    Evidence {
        place: format!("failure-{number}-{}", rule.id),
        rule: rule.id,
        clause: clause_place(found.rule),
        level: rule.level.to_string(),
        title: inline(rule.title),
        text: markdown(rule.text),
        django: inline(&rule.django.to_string()),
        spec: rule.place(),
        outcome: found.status.name(),
        subject: subject.manifest.name.clone(),
        found: String::new(),
        reason: None,
        picture: None,
        differs: None,
        steps: Vec::new(),
        moves: Vec::new(),
        file: None,
        explained: Vec::new(),
    }
}

fn of_failure(begun: Evidence, failure: &Failure, manifest: &Manifest) -> Evidence {
    let trace = &failure.trace;
    Evidence {
        found: length(failure.original_steps, trace.steps.len(), "step", failure.seed),
        file: file_of(trace.to_jsonl(Some(begun.rule)), &trace.fingerprint(), true),
        ..drawn(begun, trace, &Shown::of(&failure.divergence), manifest)
    }
}

/// A trace with what was seen, and the step that is not as expected, if there is one.
fn drawn(begun: Evidence, trace: &Trace, shown: &Shown, manifest: &Manifest) -> Evidence {
    let steps = lines(trace, shown);
    let last = steps.get(shown.answers.len().saturating_sub(1));
    let differs = shown.expected.clone().zip(last).map(|(expected, last)| Differs {
        step: format!("{} at {}", last.step, last.time),
        expected,
        got: last.answer.clone(),
    });
    let picture = steps::draw(trace, manifest, shown).map(Picture::markup);
    Evidence { picture, differs, steps, ..begun }
}

fn of_schedule(begun: Evidence, failure: &ScheduleFailure, manifest: &Manifest) -> Evidence {
    let schedule = failure.schedule.as_ref();
    let moves = schedule.map_or(failure.original_moves, |schedule| schedule.moves.len());
    let thing = if schedule.is_some() { "move" } else { "operation on threads" };
    Evidence {
        found: length(failure.original_moves, moves, thing, failure.seed),
        reason: Some(coded(&failure.violation.reason)),
        differs: failure.history.events.get(failure.violation.event).map(|event| Differs {
            step: format!("client {}: {} k{}", event.client, event.asked, event.key),
            expected: overlap::expected(&failure.history, &failure.violation)
                .unwrap_or_else(|| "an answer that some order of the operations explains".into()),
            got: event.told.to_string(),
        }),
        picture: overlap::draw(&failure.history, &failure.violation).map(Picture::markup),
        moves: moves_of(schedule, manifest),
        file: schedule.and_then(|one| file_of(one.to_jsonl(Some(begun.rule)), &one.fingerprint(), true)),
        ..begun
    }
}

/// A rule that the report has no failure of: another one explains it, or the subject ended at it.
fn of_rule(begun: Evidence, found: &RuleReport, manifest: &Manifest) -> Evidence {
    let (rule, schedule) = (begun.rule, found.schedule.as_ref());
    // As `run` does with rules that have no failure of their own.
    let is_kept = matches!(found.status, Outcome::Crash | Outcome::Timeout | Outcome::Flaky);
    let begun = Evidence {
        reason: found.reason.as_deref().map(coded),
        moves: moves_of(schedule, manifest),
        file: schedule.and_then(|one| file_of(one.to_jsonl(Some(rule)), &one.fingerprint(), false)),
        ..begun
    };
    let Some(trace) = &found.trace else { return begun };
    let shown = match &found.divergence {
        Some(divergence) => Shown::of(divergence),
        None => Shown::until(trace, manifest, found.status.name()),
    };
    Evidence {
        found: length(trace.steps.len(), trace.steps.len(), "step", None),
        file: file_of(trace.to_jsonl(Some(rule)), &trace.fingerprint(), is_kept),
        ..drawn(begun, trace, &shown, manifest)
    }
}

impl Clause {
    pub(super) fn of(rule: RuleId, report: &Report) -> Self {
        let clause = rule.rule();
        Self {
            place: clause_place(rule),
            id: clause.id,
            level: clause.level.to_string(),
            title: inline(clause.title),
            text: markdown(clause.text),
            django: inline(&clause.django.to_string()),
            spec: clause.place(),
            golden: Golden::of(rule),
            results: report.subjects.iter().filter_map(|subject| ended(rule, subject)).collect(),
        }
    }
}

fn ended(rule: RuleId, subject: &SubjectReport) -> Option<Ended> {
    let found = subject.rules.iter().find(|found| found.rule == rule)?;
    Some(Ended {
        subject: subject.manifest.name.clone(),
        outcome: found.status.name(),
        sign: found.status.sign(),
        exercised: found.exercised,
        reason: found.reason.clone().unwrap_or_default(),
    })
}

fn lines(trace: &Trace, shown: &Shown) -> Vec<Line> {
    let answers = shown.answers.iter().cloned().chain(std::iter::repeat(String::new()));
    let steps = step_texts(trace).into_iter().zip(answers);
    steps.map(|((time, step), answer)| Line { time, step, answer }).collect()
}

fn moves_of(schedule: Option<&Schedule>, manifest: &Manifest) -> Vec<String> {
    schedule.map(|schedule| schedule.texts(&manifest.parts).collect()).unwrap_or_default()
}

/// How long what shows a failure is, and where it comes from.
fn length(original: usize, now: usize, thing: &str, seed: Option<u64>) -> String {
    let (noun, rest) = thing.split_at(thing.find(' ').unwrap_or(thing.len()));
    let counted = counted(now, noun);
    let shrunk = if original == now { String::new() } else { format!(", shrunk from {original}") };
    let seed = seed.map(|seed| format!(", seed {seed:#x}")).unwrap_or_default();
    format!("{counted}{rest}{shrunk}{seed}")
}

fn file_of(text: String, name: &str, kept: bool) -> Option<File> {
    let place = if kept { format!("{}/", crate::ARTIFACTS) } else { String::new() };
    (text.len() <= MOST_BYTES).then(|| File { name: format!("{place}{name}.jsonl"), text, kept })
}

/// A sentence about a subject, in which words between backticks are code. All else is only text.
fn coded(text: &str) -> Value {
    let parts = escaped(text).split('`').map(str::to_owned).collect::<Vec<_>>();
    let whole = parts.len() % 2 == 1;
    let mut html = String::new();
    for (index, part) in parts.iter().enumerate() {
        match index % 2 {
            1 if whole => html.extend(["<code>", part, "</code>"]),
            _ => html += part,
        }
    }
    Value::from_safe_string(html)
}

/// Markdown of the specification as HTML.
fn markdown(text: &str) -> Value {
    let mut html = String::new();
    push_html(&mut html, Parser::new(text));
    Value::from_safe_string(html)
}

/// The same for a sentence that stands in a line.
pub(super) fn inline(text: &str) -> Value {
    let html = markdown(text).to_string();
    let html = html.trim().trim_start_matches("<p>").trim_end_matches("</p>");
    Value::from_safe_string(html.to_owned())
}
