//! The report for a workflow of GitHub: a line for each rule that did not hold and that no other one explains, which the
//! workflow shows as an annotation.

use std::fmt::Write as _;

use super::{Outcome, Report, counted};

/// The most annotations of one run: of more than ten in a step, GitHub shows only some.
const MOST: usize = 10;

/// The annotations of a report: what explains the rest comes first, and the rest stands in its line. `file` gives for each
/// subject, in their order, the file in the repository that it is made of, if that is known.
pub fn annotations(report: &Report, file: &dyn Fn(usize) -> Option<String>) -> String {
    let mut lines = Vec::new();
    for (number, subject) in report.subjects.iter().enumerate() {
        let place = file(number).map(|file| format!("file={},", property(&file))).unwrap_or_default();
        let mut driven = true;
        for rule in subject.causes() {
            // One cause, so one line.
            if rule.status == Outcome::HarnessError && !std::mem::take(&mut driven) {
                continue;
            }
            let clause = rule.rule.rule();
            let reason = rule.reason.as_deref().unwrap_or_default();
            let title = format!("{}: {} {}", subject.manifest.name, rule.status.name(), clause.id);
            let mut message = format!("{} {}. {reason}\n{}", clause.level, clause.title, clause.place());
            let with = subject.broken_with(rule.rule);
            if !with.is_empty() {
                // Writing to a String cannot fail.
                let _ =
                    write!(message, "\n{} broken with it: {}", counted(with.len(), "rule"), with.join(", "));
            }
            lines.push(format!("::error {place}title={}::{}\n", property(&title), data(&message)));
        }
    }
    let left_out = lines.len().saturating_sub(MOST);
    lines.truncate(MOST);
    let mut out = lines.concat();
    if left_out > 0 {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "::notice title=sessionspec::{left_out} more are in the report");
    }
    out
}

/// A message, which is one line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, which ends at a comma or a colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_a_command() {
        assert_eq!(data("100 %\r\n::set-output"), "100 %25%0D%0A::set-output");
        assert_eq!(property("a,b:c\nd"), "a%2Cb%3Ac%0Ad");
    }
}
