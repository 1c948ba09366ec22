//! The report as a page: one file with everything in it, for a browser without a network. A matrix of rules by subjects,
//! and behind each of its cells what is known: each failure as a timeline with what had to be seen beside what was, and
//! each rule with its text, Django's answer and its golden trace.
//!
//! - `mod.rs`: what is on the page; how it looks is in `page.html`, `page.css`, `timeline.css` and `page.js`
//! - `evidence.rs`: what is told of a failure, and of a rule
//! - `golden.rs`: what a rule's golden trace shows, for this page and for the site of the specification
//! - `steps.rs`, `overlap.rs`: timelines of traces, and of operations that overlap
//! - `canvas.rs`: drawing
//!
//! Names and messages come from subjects, which may be hostile: the template escapes all that is not made here.

mod canvas;
mod evidence;
mod golden;
mod overlap;
mod steps;

use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;

use super::{Outcome, Report, RuleReport, SubjectReport};
use crate::manifest::SubjectLevel;
use crate::rule::RuleId;
use evidence::{Clause, Evidence};

pub use golden::Golden;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The style sheet of timelines and of the signs of [outcomes](Outcome::sign), with the colours of both. A page chooses
/// between light and dark by its `color-scheme`, and may set `--card` and `--ink` to its own background and text.
pub const TIMELINE_STYLE: &str = include_str!("timeline.css");

/// How many failures are open at first.
const OPEN: usize = 6;

/// A timeline: the names of its lanes, and beside them the lanes, which may be wider than a window.
#[derive(Debug)]
struct Picture {
    labels: String,
    lanes: String,
}

impl Picture {
    fn html(self) -> String {
        let Self { labels, lanes } = self;
        format!(
            "<div class=\"timeline\"><div class=\"lanes-names\">{labels}</div><div class=\"lanes\">{lanes}</div></div>"
        )
    }

    /// For a template.
    fn markup(self) -> Value {
        Value::from_safe_string(self.html())
    }
}

/// A subject, over its column.
#[derive(Debug, Serialize)]
struct Column {
    name: String,
    version: String,
    about: String,
    /// How many rules ended how.
    counts: Vec<(&'static str, usize)>,
    held: bool,
    steps: u64,
}

/// The rules of an area.
#[derive(Debug, Serialize)]
struct Area {
    name: &'static str,
    rows: Vec<Row>,
}

/// A rule in the matrix, with a cell for each subject.
#[derive(Debug, Serialize)]
struct Row {
    id: &'static str,
    level: String,
    title: Value,
    cells: Vec<Cell>,
    /// The outcomes in it, for the filter.
    outcomes: String,
}

/// What became of a rule on a subject.
#[derive(Debug, Serialize)]
struct Cell {
    outcome: &'static str,
    /// A sign, for those who do not see colours.
    sign: &'static str,
    words: String,
    /// The place on the page that says more.
    place: String,
}

/// The report as a page.
///
/// # Errors
/// A sentence, if the page cannot be made.
pub fn to_html(report: &Report) -> Result<String, String> {
    let fault = |error: minijinja::Error| format!("cannot make the page: {error:#}");
    let mut environment = Environment::new();
    // By this name, what is put into it is escaped.
    environment.add_template("page.html", TEMPLATE).map_err(fault)?;
    let template = environment.get_template("page.html").map_err(fault)?;
    let subjects = report.subjects.iter().enumerate();
    let evidence: Vec<Vec<Evidence>> =
        subjects.map(|(number, subject)| evidence::of(number, subject)).collect();
    let rules = rules(report);
    let mut verdict = report.verdict();
    verdict[..1].make_ascii_uppercase();
    let ended = |outcome: &Outcome| report.subjects.iter().any(|subject| subject.count(*outcome) > 0);
    let legend: Vec<(&str, &str)> =
        Outcome::ALL.iter().filter(|one| ended(one)).map(|one| (one.sign(), one.name())).collect();
    let page = context! {
        style => Value::from_safe_string([TIMELINE_STYLE, STYLE].concat()),
        script => Value::from_safe_string(SCRIPT.into()),
        version => env!("CARGO_PKG_VERSION"),
        verdict,
        held => report.subjects.iter().all(SubjectReport::is_success),
        seed => report.seed.map(|seed| format!("{seed:#x}")),
        seconds => format!("{:.1}", report.duration.as_secs_f64()),
        columns => Serde(report.subjects.iter().map(column).collect::<Vec<_>>()),
        areas => Serde(areas(report, &rules, &evidence)),
        legend => Serde(legend),
        open => OPEN,
        clauses => Serde(rules.iter().map(|rule| Clause::of(*rule, report)).collect::<Vec<_>>()),
        evidence => Serde(evidence.into_iter().flatten().collect::<Vec<_>>()),
    };
    template.render(page).map_err(fault)
}

/// Every rule of the report that was asked for, in the order of the specification.
fn rules(report: &Report) -> Vec<RuleId> {
    let all = report.subjects.iter().flat_map(|subject| &subject.rules);
    let mut rules: Vec<RuleId> =
        all.filter(|rule| rule.status != Outcome::Disabled).map(|rule| rule.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

fn column(subject: &SubjectReport) -> Column {
    let manifest = &subject.manifest;
    let counts = Outcome::ALL.map(|outcome| (outcome.name(), subject.count(outcome)));
    let language = if manifest.language.is_empty() { "" } else { " in " };
    let level = match manifest.level {
        SubjectLevel::Store => "store",
        SubjectLevel::KeyValue => "key-value store",
        SubjectLevel::Session => "sessions",
    };
    Column {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        about: format!(
            "{level}{language}{}, {} clock, profile {}",
            manifest.language,
            manifest.clock.name(),
            manifest.profile.name()
        ),
        counts: counts.into_iter().filter(|(_, n)| *n > 0).collect(),
        held: subject.is_success(),
        steps: subject.steps,
    }
}

fn areas(report: &Report, rules: &[RuleId], evidence: &[Vec<Evidence>]) -> Vec<Area> {
    let mut areas: Vec<Area> = Vec::new();
    for rule in rules {
        let clause = rule.rule();
        let name = clause.area();
        let subjects = report.subjects.iter().zip(evidence);
        let cells: Vec<Cell> = subjects.map(|(subject, evidence)| cell(subject, *rule, evidence)).collect();
        let mut outcomes: Vec<&str> = cells.iter().map(|cell| cell.outcome).collect();
        outcomes.sort_unstable();
        outcomes.dedup();
        let outcomes = outcomes.join(" ");
        let title = evidence::inline(clause.title);
        let row = Row { id: clause.id, level: clause.level.to_string(), title, cells, outcomes };
        match areas.iter_mut().find(|area| area.name == name) {
            Some(area) => area.rows.push(row),
            None => areas.push(Area { name, rows: vec![row] }),
        }
    }
    areas
}

fn cell(subject: &SubjectReport, rule: RuleId, evidence: &[Evidence]) -> Cell {
    let name = &subject.manifest.name;
    let place = clause_place(rule);
    let Some(found) = subject.rules.iter().find(|found| found.rule == rule) else {
        return Cell { outcome: "absent", sign: "", words: format!("{name}: not run"), place };
    };
    Cell {
        outcome: found.status.name(),
        sign: found.status.sign(),
        words: words(name, found),
        place: evidence::place(evidence, rule).map_or(place, str::to_owned),
    }
}

fn words(name: &str, found: &RuleReport) -> String {
    let reason = found.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{name}: {}{reason}", found.status.name())
}

/// Where a rule's clause is on the page.
fn clause_place(rule: RuleId) -> String {
    format!("rule-{}", rule.rule().id)
}

/// A length of time for a reader, in microseconds: in the largest units that need few words.
fn span(micros: i64) -> String {
    const UNITS: [(u64, &str); 5] =
        [(86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "min"), (1_000_000, "s"), (1, "µs")];
    let mut rest = micros.unsigned_abs();
    let mut parts = Vec::new();
    for (unit, name) in UNITS {
        if rest >= unit {
            parts.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    let sign = if micros < 0 { "-" } else { "" };
    match parts.len() {
        0 => "0 s".into(),
        1 | 2 => format!("{sign}{}", parts.join(" ")),
        _ => format!("{} s", crate::op::seconds(micros)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_few_words() {
        assert_eq!(span(0), "0 s");
        assert_eq!(span(14 * 86_400_000_000), "14 d");
        assert_eq!(span(14 * 86_400_000_000 + 1), "14 d 1 µs");
        assert_eq!(span(-3_600_000_000), "-1 h");
        assert_eq!(span(86_399_999_999), "86399.999999 s");
    }
}
