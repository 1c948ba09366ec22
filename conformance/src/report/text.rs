//! The report for a reader: a block per failure, a table of rules by area, and a line of totals.

use std::fmt::Write as _;
use std::path::Path;

use super::{Artifacts, Failure, Outcome, Report, SubjectReport};
use crate::application::Broken;
use crate::manifest::Manifest;
use crate::op::{Expiry, ExpiryQuery, Op, SessionOp};
use crate::rule::{Django, RuleId};
use crate::trace::{Settings, Trace};

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
    let mut out = heading(failure.rule);
    let django = django(failure.rule);
    let steps = failure.trace.steps.len();
    let shrunk = if failure.original_steps == steps {
        format!("{steps} steps")
    } else {
        format!("{} steps shrunk to {steps}", failure.original_steps)
    };
    let seed = failure.seed.map(|seed| format!(" · seed {seed:#x}")).unwrap_or_default();
    let _ = writeln!(out, "  store {} · {django}{seed} · {shrunk}", titled(manifest));
    out.push_str(&steps_table(failure));
    if !failure.also.is_empty() {
        let also: Vec<String> = failure.also.iter().map(|rule| format!("r[{}]", rule.rule().id)).collect();
        let _ = writeln!(out, "  also broken by this step: {}", also.join(", "));
    }
    let _ = writeln!(out, "  spec:   {}", location(failure.rule));
    if let Some((artifacts, replay)) = artifacts {
        let _ = writeln!(out, "  replay: {}", replay(&artifacts.trace));
        let _ = writeln!(out, "  test:   {}   (a regression test, ready to paste)", artifacts.test.display());
    }
    out
}

/// A broken rule about applications, with the request that shows it.
pub fn broken_block(broken: &Broken, url: &str) -> String {
    let mut out = heading(broken.rule);
    let _ = writeln!(out, "  application {url} · {}", django(broken.rule));
    let _ = writeln!(out, "    {}", broken.request);
    let _ = writeln!(out, "    expected  {}", broken.expected);
    let _ = writeln!(out, "    got       {}", broken.got);
    let _ = writeln!(out, "  spec:   {}", location(broken.rule));
    out
}

fn heading(rule: RuleId) -> String {
    let rule = rule.rule();
    format!("FAIL r[{}]  {}  {}\n", rule.id, rule.level, rule.title)
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

/// The place of a rule's clause.
fn location(rule: RuleId) -> String {
    format!("docs/spec/{}#{}", rule.rule().page, rule.rule().id)
}

fn steps_table(failure: &Failure) -> String {
    let mut out = String::new();
    if failure.trace.settings != Settings::default() {
        let settings = failure.trace.settings;
        let _ = writeln!(
            out,
            "    with cookie_age = {}, expire_at_browser_close = {}",
            settings.cookie_age, settings.expire_at_browser_close
        );
    }
    let rows = step_texts(&failure.trace);
    let width = |column: fn(&(String, String)) -> &String| {
        rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0).min(60)
    };
    let (time_width, step_width) = (width(|row| &row.0), width(|row| &row.1));
    let divergence = &failure.divergence;
    for (index, (time, step)) in rows.iter().enumerate() {
        let result = if index == divergence.step {
            format!("expected {}   got {}        <- here", divergence.expected, divergence.got)
        } else {
            divergence.shown.get(index).cloned().unwrap_or_default()
        };
        let _ = writeln!(out, "    {time:time_width$}  {step:step_width$}  {result}");
    }
    out
}

/// Each step as its time and what is done.
pub(crate) fn step_texts(trace: &Trace) -> Vec<(String, String)> {
    let mut now = 0;
    let mut objects = 0;
    trace
        .steps
        .iter()
        .map(|step| {
            now += step.advance;
            let mut text = match &step.op {
                Op::New => {
                    objects += 1;
                    format!("s{objects} = new")
                }
                Op::Open(key) => {
                    objects += 1;
                    format!("s{objects} = open {key}")
                }
                Op::Session(number, op) => {
                    let number = if objects == 0 { *number } else { (number.max(&1) - 1) % objects + 1 };
                    format!("s{number}.{}", op_text(op))
                }
                Op::Exists(key) => format!("exists {key}"),
                Op::DeleteKey(key) => format!("delete {key} elsewhere"),
                Op::ClearExpired => "clear-expired".into(),
                Op::Reopen => "reopen the storage".into(),
                Op::ForceKey(key) => format!("the next key drawn is {key}"),
                Op::Damage(key) => format!("damage the record of {key}"),
            };
            if step.client != 0 && !matches!(step.op, Op::Session(..)) {
                text.push_str("   (second handle)");
            }
            (format!("t={}", seconds(now)), text)
        })
        .collect()
}

fn op_text(op: &SessionOp) -> String {
    let name = op.name();
    match op {
        SessionOp::Get(entry)
        | SessionOp::Contains(entry)
        | SessionOp::Pop(entry)
        | SessionOp::Remove(entry) => {
            format!("{name} {entry:?}")
        }
        SessionOp::Set(entry, value)
        | SessionOp::SetDefault(entry, value)
        | SessionOp::PopDefault(entry, value)
        | SessionOp::Push(entry, value) => {
            format!("{name} {entry:?} {}", crate::observation::shown(&value.to_string()))
        }
        SessionOp::Update(items) => {
            let items: Vec<String> =
                items.iter().map(|(entry, value)| format!("{entry:?}: {value}")).collect();
            format!("{name} {{{}}}", crate::observation::shown(&items.join(", ")))
        }
        SessionOp::SetExpiry(expiry) => format!("{name} {}", expiry_text(*expiry)),
        SessionOp::GetExpiryAge(query) | SessionOp::GetExpiryDate(query) => {
            format!("{name}{}", query_text(*query))
        }
        _ => name.into(),
    }
}

fn query_text(query: ExpiryQuery) -> String {
    let modification = query.modification.map(|at| format!(" modification={at}µs")).unwrap_or_default();
    let expiry = query.expiry.map(|expiry| format!(" expiry={}", expiry_text(expiry))).unwrap_or_default();
    modification + &expiry
}

fn expiry_text(expiry: Expiry) -> String {
    match expiry {
        Expiry::Default => "none".into(),
        Expiry::Seconds(seconds) => format!("{seconds} s"),
        Expiry::Duration(micros) => format!("after {} s", seconds(micros)),
        Expiry::At(at, offset) => {
            format!("at t={} (offset {offset} min)", seconds(at - crate::trace::START))
        }
    }
}

/// Microseconds as seconds, without needless zeros.
fn seconds(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, rest) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let fraction = format!("{rest:06}");
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        digits => format!("{sign}{whole}.{digits}"),
    }
}

/// The table of rules by area, what needs to be said about single rules, and the line of totals.
pub fn summary(report: &Report) -> String {
    let mut out = String::new();
    let areas = areas(report);
    let names: Vec<String> = report.subjects.iter().map(|s| s.manifest.name.clone()).collect();
    let first = areas.iter().map(|area| area.len()).max().unwrap_or(0).max(8);
    let widths: Vec<usize> = names.iter().map(|name| name.chars().count().max(9)).collect();
    let _ = write!(out, "{:first$}", "area");
    for (name, width) in names.iter().zip(&widths) {
        let _ = write!(out, "  {name:>width$}");
    }
    out.push('\n');
    for area in &areas {
        let _ = write!(out, "{area:first$}");
        for (subject, width) in report.subjects.iter().zip(&widths) {
            let _ = write!(out, "  {:>width$}", area_cell(subject, area));
        }
        out.push('\n');
    }
    for subject in &report.subjects {
        out.push_str(&notes(subject));
    }
    for subject in &report.subjects {
        let counts: Vec<String> = Outcome::ALL
            .into_iter()
            .filter(|outcome| subject.count(*outcome) > 0)
            .map(|outcome| format!("{} {}", subject.count(outcome), outcome.name()))
            .collect();
        let _ = writeln!(
            out,
            "{}: {} rules: {}; {} steps; clock {}",
            titled(&subject.manifest),
            subject.rules.len(),
            counts.join(", "),
            thousands(subject.steps),
            subject.manifest.clock.name()
        );
    }
    let steps: u64 = report.subjects.iter().map(|subject| subject.steps).sum();
    let subjects =
        |what: &str, wrong: fn(&&SubjectReport) -> bool| match report.subjects.iter().filter(wrong).count() {
            0 => None,
            1 => Some(format!("1 subject {what}")),
            n => Some(format!("{n} subjects {what}")),
        };
    let faults = [
        subjects("did not hold", |subject| !subject.is_success() && subject.is_whole()),
        subjects("could not be driven", |subject| !subject.is_whole()),
    ];
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    let verdict = if faults.is_empty() { "all held".to_owned() } else { faults.join(", ") };
    let seed = report.seed.map(|seed| format!(", seed {seed:#x}")).unwrap_or_default();
    let _ = writeln!(
        out,
        "{verdict}: {} rules on {} subjects, {} steps{seed}, {:.1} s",
        report.subjects.first().map_or(0, |subject| subject.rules.len()),
        report.subjects.len(),
        thousands(steps),
        report.duration.as_secs_f64()
    );
    out
}

/// What a reader must know beside the counts: everything that neither passed nor was left out.
fn notes(subject: &SubjectReport) -> String {
    let mut out = String::new();
    let mut harness_error = false;
    for rule in &subject.rules {
        let told = match rule.status {
            Outcome::Pass | Outcome::Fail | Outcome::NotApplicable | Outcome::Disabled => false,
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

/// The areas of a report's rules, in the order of the specification.
fn areas(report: &Report) -> Vec<&'static str> {
    let mut areas: Vec<&str> = Vec::new();
    for rule in report.subjects.iter().flat_map(|subject| &subject.rules) {
        let area = rule.rule.rule().id.split('.').next().unwrap_or_default();
        if areas.last() != Some(&area) && !areas.contains(&area) {
            areas.push(area);
        }
    }
    areas
}

/// Passed of applicable, with a mark if something is wrong.
fn area_cell(subject: &SubjectReport, area: &str) -> String {
    let of_area = || subject.rules.iter().filter(|rule| rule.rule.rule().id.split('.').next() == Some(area));
    let left_out = |status| matches!(status, Outcome::NotApplicable | Outcome::Disabled);
    let passed = of_area().filter(|rule| rule.status == Outcome::Pass).count();
    let applicable = of_area().filter(|rule| !left_out(rule.status)).count();
    if applicable == 0 {
        return "-".into();
    }
    let mut wrong = of_area().filter(|rule| !rule.status.is_success(rule.rule.rule().level));
    // Where nothing is known of the store, it is not blamed.
    let mark = match wrong.next() {
        None => "",
        Some(first)
            if first.status == Outcome::HarnessError && wrong.all(|rule| rule.status == first.status) =>
        {
            "ERROR "
        }
        Some(_) => "FAIL ",
    };
    format!("{mark}{passed}/{applicable}")
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
    fn times_are_shown_in_seconds_without_needless_zeros() {
        assert_eq!(seconds(0), "0");
        assert_eq!(seconds(1_500_000), "1.5");
        assert_eq!(seconds(-1), "-0.000001");
        assert_eq!(seconds(10_000_000), "10");
    }

    #[test]
    fn counts_have_commas() {
        assert_eq!(thousands(7), "7");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }
}
