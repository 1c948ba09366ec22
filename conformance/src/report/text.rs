//! The report for a reader: a block per failure, a table of rules by area, and a line of totals.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::path::Path;

use super::{Artifacts, Failure, Outcome, Report, RuleReport, ScheduleFailure, SubjectReport};
use super::{known, table};
use crate::application::Broken;
use crate::call::Handles;
use crate::manifest::{Manifest, SubjectLevel};
use crate::model::Aspect;
use crate::observation::{Failed, Observation, shown};
use crate::op::{Op, seconds};
use crate::rule::{Django, Profile, RuleId};
use crate::runner::{Divergence, SeenKey};
use crate::trace::{OTHER_STORAGE, Settings, Trace};

// Writing to a String cannot fail, so the results of `write!` are dropped throughout.

/// Gives the command that runs a trace file again.
pub type Replay<'a> = dyn Fn(&Path) -> String + 'a;

/// A failure as a bug report: the rule, the steps, what was expected and what was seen, and how to see it
/// again: the files that it left, and `replay`, which gives the command that runs a trace.
pub fn failure_block(
    failure: &Failure,
    manifest: &Manifest,
    artifacts: Option<(&Artifacts, &Replay<'_>)>,
) -> String {
    block(failure, manifest, artifacts, cut)
}

/// The same with every step, for a reader who asked for this trace.
pub fn whole_block(failure: &Failure, manifest: &Manifest) -> String {
    block(failure, manifest, None, |table| table)
}

fn block(
    failure: &Failure,
    manifest: &Manifest,
    artifacts: Option<(&Artifacts, &Replay<'_>)>,
    shown: impl FnOnce(String) -> String,
) -> String {
    let mut out = heading("FAIL", failure.rule);
    let django = django(failure.rule);
    let steps = failure.trace.steps.len();
    let shrunk = if failure.original_steps == steps {
        counted(steps, "step")
    } else {
        format!("{} shrunk to {steps}", counted(failure.original_steps, "step"))
    };
    let seed = failure.seed.map(|seed| format!(" · seed {seed:#x}")).unwrap_or_default();
    let _ = writeln!(out, "  store {} · {django}{seed} · {shrunk}", titled(manifest));
    out.push_str(&shown(steps_table(&failure.trace, &failure.divergence)));
    if !failure.also.is_empty() {
        let also: Vec<String> = failure.also.iter().map(|rule| format!("r[{}]", rule.rule().id)).collect();
        let _ = writeln!(out, "  also broken by this step: {}", also.join(", "));
    }
    if let Some(note) = &failure.note {
        let _ = writeln!(out, "  note:   {note}");
    }
    let _ = writeln!(out, "  spec:   {}", failure.rule.rule().place());
    if let Some((artifacts, replay)) = artifacts {
        let _ = writeln!(out, "  replay: {}", replay(&artifacts.trace));
        let _ = if let Some(lines) = &artifacts.requests {
            writeln!(out, "  lines:  {}   (what the adapter was sent: pipe them into it)", lines.display())
        } else {
            let test = artifacts.test.display();
            writeln!(out, "  test:   {test}   (a regression test, ready to paste)")
        };
    }
    out
}

/// A rule that another one explains, or at which the subject crashed, gave no answer in time, or was flaky, with the trace
/// and the step that it ended at; nothing for a rule that ended otherwise, or that no trace shows.
pub fn ended_block(
    found: &RuleReport,
    manifest: &Manifest,
    artifacts: Option<(&Artifacts, &Replay<'_>)>,
) -> Option<String> {
    let word = match found.status {
        Outcome::Fail => "FAIL",
        Outcome::Crash => "CRASH",
        Outcome::Timeout => "TIMEOUT",
        Outcome::Flaky => "FLAKY",
        _ => return None,
    };
    let trace = found.trace.as_ref()?;
    let mut out = heading(word, found.rule);
    let steps = trace.steps.len();
    let _ = writeln!(out, "  store {} · {}", titled(manifest), counted(steps, "step"));
    let ended = || {
        let before = std::iter::repeat_n(String::new(), steps.saturating_sub(1));
        table(trace, before.chain([format!("{}        <- here", found.status.name())]))
    };
    let table = found.divergence.as_ref().map_or_else(ended, |divergence| steps_table(trace, divergence));
    out.push_str(&cut(table));
    let reason = found.reason.as_deref().unwrap_or_default();
    let _ = writeln!(out, "  why:    {reason}\n  spec:   {}", found.rule.rule().place());
    if let Some((artifacts, replay)) = artifacts {
        let _ = writeln!(out, "  replay: {}", replay(&artifacts.trace));
    }
    Some(out)
}

/// A broken rule on what overlaps and fails, with the history that shows it; `artifacts` tells where the schedule is kept
/// and how to carry it out again.
pub fn schedule_block(
    failure: &ScheduleFailure,
    manifest: &Manifest,
    artifacts: Option<(&Artifacts, &Replay<'_>)>,
) -> String {
    let rule = failure.violation.rule;
    let mut out = heading("FAIL", rule);
    let length = match &failure.schedule {
        Some(schedule) if schedule.moves.len() == failure.original_moves => {
            counted(failure.original_moves, "move")
        }
        // What each client asks at the end shows it.
        Some(schedule) if schedule.moves.is_empty() => {
            format!("{}, none of them needed", counted(failure.original_moves, "move"))
        }
        Some(schedule) => {
            format!("{} shrunk to {}", counted(failure.original_moves, "move"), schedule.moves.len())
        }
        None => format!("{} at the same time", counted(failure.original_moves, "operation")),
    };
    let seed = failure.seed.map(|seed| format!(" · seed {seed:#x}")).unwrap_or_default();
    let _ = writeln!(out, "  store {} · {}{seed} · {length}", titled(manifest), django(rule));
    for line in failure.violation.timeline(&failure.history).lines() {
        let _ = writeln!(out, "    {line}");
    }
    let _ = writeln!(out, "  why:    {}", failure.violation.reason);
    for one in failure.schedule.iter().flat_map(|schedule| schedule.texts(&manifest.parts)) {
        let _ = writeln!(out, "  move:   {one}");
    }
    let _ = writeln!(out, "  spec:   {}", rule.rule().place());
    match (artifacts, &failure.schedule) {
        (Some((artifacts, replay)), Some(_)) => {
            let _ = writeln!(out, "  replay: {}", replay(&artifacts.trace));
            let test = artifacts.test.display();
            let _ = writeln!(out, "  test:   {test}   (a regression test, ready to paste)");
        }
        (_, None) => {
            let _ = writeln!(
                out,
                "  replay: nobody decided who went first; to see it again, run the suite again"
            );
        }
        _ => {}
    }
    out
}

/// A broken rule about applications, with the request that shows it.
pub fn broken_block(broken: &Broken, url: &str) -> String {
    let mut out = heading("FAIL", broken.rule);
    let _ = writeln!(out, "  application {url} · {}", django(broken.rule));
    let _ = writeln!(out, "    {}", broken.request);
    let _ = writeln!(out, "    expected  {}", broken.expected);
    let _ = writeln!(out, "    got       {}", broken.got);
    let _ = writeln!(out, "  spec:   {}", broken.rule.rule().place());
    out
}

fn heading(word: &str, rule: RuleId) -> String {
    let rule = rule.rule();
    format!("{word} r[{}]  {}  {}\n", rule.id, rule.level, rule.title)
}

fn django(rule: RuleId) -> &'static str {
    match rule.rule().django {
        Django::Same(_) => "Django (db) does as the model",
        Django::Differs(_) => "Django differs here, on purpose",
        Django::Silent(_) => "Django is silent here",
    }
}

/// A subject's name, with its version if it has one.
fn titled(manifest: &Manifest) -> String {
    format!("{} {}", manifest.name, manifest.version).trim_end().to_owned()
}

fn steps_table(trace: &Trace, divergence: &Divergence) -> String {
    let results = divergence.seen.iter().map(|seen| seen_text(seen.as_ref()));
    let here =
        format!("expected {}   got {}        <- here", expected_text(divergence), observed_text(divergence));
    table(trace, results.chain([here]))
}

/// How many lines of a long trace a failure shows: of its beginning, and of its end, where the wrong step is.
const SHOWN: (usize, usize) = (10, 20);

/// The beginning and the end of a long table: some faults need hundreds of steps, most of which are alike.
fn cut(table: String) -> String {
    let lines: Vec<&str> = table.split_inclusive('\n').collect();
    let (first, last) = SHOWN;
    let more = lines.len().saturating_sub(first + last);
    // Some lines more take no more room than what would stand for them.
    if more < first {
        return table;
    }
    let more = thousands(u64::try_from(more).unwrap_or(u64::MAX));
    let (first, last) = (lines[..first].concat(), lines[lines.len() - last..].concat());
    format!("{first}    … {more} more steps …\n{last}")
}

/// The steps of a trace with what each showed.
pub fn transcript(trace: &Trace, seen: &[Option<Observation<SeenKey>>]) -> String {
    table(trace, seen.iter().map(|seen| seen_text(seen.as_ref())))
}

/// A line per step, with what came of it.
fn table(trace: &Trace, results: impl Iterator<Item = String>) -> String {
    let mut out = String::new();
    if trace.settings != Settings::default() {
        let settings = trace.settings;
        let _ = writeln!(
            out,
            "    with cookie_age = {}, expire_at_browser_close = {}",
            settings.cookie_age, settings.expire_at_browser_close
        );
    }
    let rows = step_texts(trace);
    let width = |column: fn(&(String, String)) -> &String| {
        rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0).min(60)
    };
    let (time_width, step_width) = (width(|row| &row.0), width(|row| &row.1));
    for ((time, step), result) in rows.iter().zip(results.chain(std::iter::repeat(String::new()))) {
        let line = format!("    {time:time_width$}  {step:step_width$}  {result}");
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// What a divergence expected.
pub(crate) fn expected_text(divergence: &Divergence) -> String {
    let Divergence { aspect, expected, new_key, observed, .. } = divergence;
    let session = expected.session.as_ref();
    match aspect {
        Aspect::Outcome | Aspect::Answer => match &expected.outcome {
            Ok(answer) => answer.to_string(),
            Err(kind) => kind.name().into(),
        },
        Aspect::Key => match session.and_then(|session| session.key) {
            None => "no key".into(),
            Some(key) if !new_key || is_missing(observed) => format!("key {key}"),
            Some(_) if is_malformed(observed) => "a key of 32 characters a-z0-9".into(),
            Some(_) => "a key of its own".into(),
        },
        Aspect::Accessed => flag("accessed", session.is_some_and(|session| session.accessed)),
        Aspect::Modified => flag("modified", session.is_some_and(|session| session.modified)),
    }
}

/// What was seen where a divergence is.
pub(crate) fn observed_text(divergence: &Divergence) -> String {
    let observed = &divergence.observed;
    let session = observed.session.as_ref();
    match divergence.aspect {
        Aspect::Outcome | Aspect::Answer => seen_text(Some(observed)),
        Aspect::Key => match session.and_then(|session| session.key) {
            None => "no key".into(),
            Some(SeenKey::Known(key)) => format!("key {key}"),
            Some(SeenKey::Other { characters, .. }) if divergence.new_key && is_malformed(observed) => {
                format!("one of {characters} characters")
            }
            Some(SeenKey::Other { .. }) => "another key".into(),
        },
        Aspect::Accessed => flag("accessed", session.is_some_and(|session| session.accessed)),
        Aspect::Modified => flag("modified", session.is_some_and(|session| session.modified)),
    }
}

fn flag(name: &str, set: bool) -> String {
    if set { name.to_owned() } else { format!("not {name}") }
}

fn is_missing(observed: &Observation<SeenKey>) -> bool {
    observed.session.as_ref().is_none_or(|session| session.key.is_none())
}

fn is_malformed(observed: &Observation<SeenKey>) -> bool {
    let key = observed.session.as_ref().and_then(|session| session.key);
    matches!(key, Some(SeenKey::Other { well_formed: false, .. }))
}

/// What a step showed.
pub(crate) fn seen_text(seen: Option<&Observation<SeenKey>>) -> String {
    match seen.map(|seen| &seen.outcome) {
        None => "acts on nothing".into(),
        Some(Ok(answer)) => answer.to_string(),
        Some(Err(Failed { kind, message })) => {
            let mut text = kind.name().to_owned();
            if !message.is_empty() && message != kind.name() {
                let _ = write!(text, " ({})", shown(message));
            }
            text
        }
    }
}

/// Each step as its time and what is done.
pub(crate) fn step_texts(trace: &Trace) -> Vec<(String, String)> {
    let mut now = 0;
    let mut handles = Handles::default();
    trace
        .steps
        .iter()
        .map(|step| {
            now += step.advance;
            let mut text = match &step.op {
                Op::New => format!("s{} = new", handles.sessions + 1),
                Op::Open(key) => format!("s{} = open {key}", handles.sessions + 1),
                Op::Session(number, op) => match handles.session(*number) {
                    Some(session) => format!("s{}.{}", session + 1, op.text()),
                    None => format!("s{number}.{}", op.text()),
                },
                Op::Storage(op) => op.text(),
            };
            if !matches!(step.op, Op::Session(..)) {
                text.push_str(match step.client {
                    0 => "",
                    OTHER_STORAGE => "   (other storage)",
                    _ => "   (second handle)",
                });
            }
            handles.sessions += usize::from(step.op.makes_session());
            (format!("t={}", seconds(now)), text)
        })
        .collect()
}

/// The table of rules by area, what needs to be said about single rules, and the line of totals.
pub fn summary(report: &Report) -> String {
    let mut out = table::table(report);
    for subject in &report.subjects {
        out.push_str(&notes(subject));
    }
    for subject in &report.subjects {
        let _ = writeln!(
            out,
            "{}: {}; {}; clock {}{}",
            titled(&subject.manifest),
            tally(subject),
            counted(thousands(subject.steps), "step"),
            subject.manifest.clock.name(),
            match subject.manifest.profile {
                Profile::Django => "",
                Profile::Core => "; profile core",
            }
        );
        if !subject.manifest.clock_test.is_empty() {
            let _ = writeln!(out, "  clock: {}", subject.manifest.clock_test);
        }
        if !subject.manifest.unknown.is_empty() {
            let unknown = subject.manifest.unknown.join(", ");
            let _ = writeln!(out, "  in its answer to `hello`, not known here and ignored: {unknown}");
        }
    }
    if let [subject] = report.subjects.as_slice() {
        out.push_str(&why_not_applicable(subject));
    }
    let steps: u64 = report.subjects.iter().map(|subject| subject.steps).sum();
    let seed = report.seed.map(|seed| format!(", seed {seed:#x}")).unwrap_or_default();
    let _ = writeln!(
        out,
        "{}: {} on {}, {}{seed}, {:.1} s",
        report.verdict(),
        counted(report.subjects.iter().map(wanted).max().unwrap_or(0), "rule"),
        counted(report.subjects.len(), "subject"),
        counted(thousands(steps), "step"),
        report.duration.as_secs_f64()
    );
    out
}

/// How many rules ended how. What speaks of the sessions that the suite puts on a store is not the store's.
fn tally(subject: &SubjectReport) -> String {
    let is_store = subject.manifest.level != SubjectLevel::Session;
    let (sessions, own): (Vec<&RuleReport>, Vec<&RuleReport>) =
        subject.rules.iter().partition(|rule| is_store && rule.rule.is_about_sessions());
    let counts = |rules: &[&RuleReport]| {
        let ended = |outcome| rules.iter().filter(|rule| rule.status == outcome).count();
        let counts = Outcome::ALL.map(|outcome| (ended(outcome), outcome.name()));
        let counts: Vec<String> =
            counts.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")).collect();
        counts.join(", ")
    };
    let mut out = format!("{}: {}", counted(own.len(), "rule"), counts(&own));
    if !sessions.is_empty() {
        let _ = write!(out, "; {} of the suite's own sessions: {}", sessions.len(), counts(&sessions));
    }
    out
}

/// Why rules do not apply: the reasons of several of them, those of most first. What a subject declares, or cannot be asked,
/// may be a mistake.
fn why_not_applicable(subject: &SubjectReport) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in subject.rules.iter().filter(|rule| rule.status == Outcome::NotApplicable) {
        *reasons.entry(rule.reason.as_deref().unwrap_or_default()).or_default() += 1;
    }
    let (mut several, single): (Vec<_>, Vec<_>) = reasons.into_iter().partition(|(_, rules)| *rules > 1);
    if several.is_empty() {
        return String::new();
    }
    several.sort_by_key(|(_, rules)| Reverse(*rules));
    let told: Vec<String> = several.iter().map(|(reason, rules)| format!("{reason} ({rules})")).collect();
    let rest = match single.len() {
        0 => String::new(),
        rest => format!("; {} of a rule each, in the reports", counted(rest, "reason")),
    };
    format!("  not applicable: {}{rest}\n", told.join(", "))
}

/// How many rules were asked for.
fn wanted(subject: &SubjectReport) -> usize {
    subject.rules.len() - subject.count(Outcome::Disabled)
}

/// A number of things: one of them, or several.
pub fn counted(n: impl Display, thing: &str) -> String {
    let n = n.to_string();
    let s = if n == "1" { "" } else { "s" };
    format!("{n} {thing}{s}")
}

/// What a reader must know beside the counts: everything that neither passed nor was left out.
fn notes(subject: &SubjectReport) -> String {
    let mut out = String::new();
    let mut harness_error = false;
    for rule in &subject.rules {
        let told = match rule.status {
            Outcome::Pass | Outcome::NotApplicable | Outcome::Disabled => false,
            // It has a block of its own; here is why it was excused until today.
            Outcome::Fail => known::has_lapsed(rule),
            // One cause, so one line.
            Outcome::HarnessError => !std::mem::replace(&mut harness_error, true),
            _ => true,
        };
        if told {
            let (name, status) = (&subject.manifest.name, rule.status.name());
            let reason = rule.reason.as_deref().unwrap_or_default();
            let _ = if rule.status == Outcome::HarnessError {
                writeln!(out, "{name}: {status}, so that nothing is known of the rules left: {reason}")
            } else {
                writeln!(out, "{name}: {status} {}: {reason}", rule.rule.rule().id)
            };
        }
    }
    out
}

fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_thing_is_one() {
        assert_eq!(
            [counted(0, "rule"), counted(1, "rule"), counted(11, "rule")],
            ["0 rules", "1 rule", "11 rules"]
        );
    }

    #[test]
    fn of_a_long_table_the_beginning_and_the_end_are_shown() {
        let lines: Vec<String> = (0..1_200).map(|n| n.to_string() + "\n").collect();
        assert_eq!(cut(lines[..39].concat()), lines[..39].concat());
        let gap = "    … 1,170 more steps …\n";
        assert_eq!(cut(lines.concat()), lines[..10].concat() + gap + &lines[1_180..].concat());
    }

    #[test]
    fn counts_have_commas() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }
}
