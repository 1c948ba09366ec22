//! The table of rules by area, a column per subject; of many subjects in blocks, so that it fits a terminal.

use std::fmt::Write as _;

use super::{Outcome, Report, SubjectReport};

/// How wide the table may be, in characters.
const WIDTH: usize = 80;

/// The least width of a column.
const COLUMN: usize = 9;

/// The table.
pub(super) fn table(report: &Report) -> String {
    let areas = areas(report);
    let first = areas.iter().map(|area| area.len()).max().unwrap_or(0).max(8);
    let mut out = String::new();
    let mut subjects = report.subjects.as_slice();
    while !subjects.is_empty() {
        let (block, rest) = subjects.split_at(fitting(subjects, first));
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&block_of(block, &areas, first));
        subjects = rest;
    }
    out
}

/// How many subjects fit beside each other; at least one.
fn fitting(subjects: &[SubjectReport], first: usize) -> usize {
    let mut width = first;
    let fits = |subject: &&SubjectReport| {
        width += 2 + column(subject);
        width <= WIDTH
    };
    subjects.iter().take_while(fits).count().max(1)
}

fn column(subject: &SubjectReport) -> usize {
    subject.manifest.name.chars().count().max(COLUMN)
}

fn block_of(subjects: &[SubjectReport], areas: &[&str], first: usize) -> String {
    // Writing to a String cannot fail, so the results of `write!` are dropped here.
    let mut out = format!("{:first$}", "area");
    for subject in subjects {
        let _ = write!(out, "  {:>width$}", subject.manifest.name, width = column(subject));
    }
    out.push('\n');
    for area in areas {
        let _ = write!(out, "{area:first$}");
        for subject in subjects {
            let _ = write!(out, "  {:>width$}", cell(subject, area), width = column(subject));
        }
        out.push('\n');
    }
    out
}

/// The areas of a report's rules, in the order of the specification.
fn areas(report: &Report) -> Vec<&'static str> {
    let mut areas: Vec<&str> = Vec::new();
    for rule in report.subjects.iter().flat_map(|subject| &subject.rules) {
        let area = rule.rule.rule().area();
        if areas.last() != Some(&area) && !areas.contains(&area) {
            areas.push(area);
        }
    }
    areas
}

/// Passed of applicable, with a mark if something is wrong.
fn cell(subject: &SubjectReport, area: &str) -> String {
    let of_area = || subject.rules.iter().filter(|rule| rule.rule.rule().area() == area);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::manifest::{ClockLevel, Manifest};
    use crate::report::RuleReport;
    use crate::rule::RuleId;

    fn subject(name: &str) -> SubjectReport {
        let key_short = RuleId::named("key.short").unwrap();
        let rule =
            RuleReport { exercised: 1, ..RuleReport::new(key_short, Outcome::Pass, ClockLevel::Virtual) };
        let manifest = Manifest { name: name.into(), ..Manifest::reference() };
        SubjectReport {
            manifest,
            steps: 1,
            rules: vec![rule],
            failures: Vec::new(),
            schedule_failures: Vec::new(),
        }
    }

    #[test]
    fn many_subjects_stand_in_blocks_that_fit_a_terminal() {
        let names =
            ["model", "memory", "sqlite", "file", "cookie", "cached_db", "a-name-of-some-length", "redis"];
        let subjects = names.iter().map(|name| subject(name)).collect();
        let table = table(&Report::new(subjects, Duration::ZERO));
        assert!(table.lines().all(|line| line.chars().count() <= WIDTH), "{table}");
        assert!(names.iter().all(|name| table.matches(name).count() == 1), "{table}");
        assert_eq!(table.matches("1/1").count(), names.len(), "{table}");
        assert_eq!(table.matches("area ").count(), 2, "{table}");
    }

    #[test]
    fn a_name_wider_than_a_terminal_has_a_block_of_its_own() {
        let long = "x".repeat(100);
        let table = table(&Report::new(vec![subject("a"), subject(&long), subject("b")], Duration::ZERO));
        assert_eq!(table.matches("1/1").count(), 3, "{table}");
    }
}
