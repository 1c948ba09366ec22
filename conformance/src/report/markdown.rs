//! The report for the comment on a pull request, in the Markdown of GitHub: a table of subjects, and each failure folded
//! away behind its rule. It is short enough for a comment, whatever was found.

use std::fmt::Write as _;

use super::{Outcome, Report, SubjectReport, counted, ended_block, failure_block, schedule_block};
use crate::rule::RuleId;

/// The longest text that is made, in bytes. A comment may have 65,536 characters.
const MOST_BYTES: usize = 60_000;

/// The report in Markdown.
pub fn to_markdown(report: &Report) -> String {
    let mark = if report.subjects.iter().all(SubjectReport::is_success) { "✅" } else { "❌" };
    // Writing to a String cannot fail, so the results of `write!` are dropped here.
    let mut out = format!("### {mark} sessionspec: {}\n\n", report.verdict());
    out.push_str("| subject | passed | failed | known | not applicable | other | steps |\n");
    out.push_str("|---|--:|--:|--:|--:|--:|--:|\n");
    for subject in &report.subjects {
        let shown = [Outcome::Pass, Outcome::Fail, Outcome::ExpectedFail, Outcome::NotApplicable];
        let counts = shown.map(|outcome| subject.count(outcome));
        let left_out = subject.count(Outcome::Disabled);
        let other = subject.rules.len() - counts.iter().sum::<usize>() - left_out;
        let [pass, fail, known, none] = counts;
        let _ = writeln!(
            out,
            "| {} | {pass} | {fail} | {known} | {none} | {other} | {} |",
            inline(&subject.manifest.name),
            subject.steps
        );
    }
    out.push('\n');
    let mut left_out = 0;
    for one in report.subjects.iter().flat_map(blocks) {
        if out.len() + one.len() <= MOST_BYTES {
            out.push_str(&one);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        let _ = writeln!(out, "{left_out} more are in the report itself.");
    }
    out
}

/// A block for everything that is wrong with a subject.
fn blocks(subject: &SubjectReport) -> Vec<String> {
    let manifest = &subject.manifest;
    let mut shown: Vec<RuleId> = Vec::new();
    let mut blocks = Vec::new();
    for failure in &subject.failures {
        shown.push(failure.rule);
        blocks.push(block(failure.rule, subject, "fail", &failure_block(failure, manifest, None)));
    }
    for failure in &subject.schedule_failures {
        let rule = failure.violation.rule;
        if subject.explained_by(rule).is_some() {
            continue;
        }
        shown.push(rule);
        blocks.push(block(rule, subject, "fail", &schedule_block(failure, manifest, None)));
    }
    let mut driven = true;
    for rule in subject.causes().into_iter().filter(|rule| !shown.contains(&rule.rule)) {
        // One cause, so one block.
        if rule.status != Outcome::HarnessError || std::mem::take(&mut driven) {
            let reason = || rule.reason.clone().unwrap_or_default();
            let text = ended_block(rule, manifest, None).unwrap_or_else(reason);
            blocks.push(block(rule.rule, subject, rule.status.name(), &text));
        }
    }
    blocks
}

/// A rule with what shows that it does not hold, and the rules that are broken with it.
fn block(rule: RuleId, subject: &SubjectReport, status: &str, text: &str) -> String {
    let clause = rule.rule();
    let fence = fence(text);
    let mut out = format!(
        "<details><summary><b>{status}</b> <code>{}</code> {} {} ({})</summary>\n\n{fence}text\n{}\n{fence}\n\n",
        clause.id,
        clause.level,
        inline(clause.title),
        inline(&subject.manifest.name),
        text.trim_end()
    );
    let with: Vec<String> = subject.broken_with(rule).iter().map(|id| format!("`{id}`")).collect();
    if !with.is_empty() {
        let _ = write!(out, "{} broken with it: {}\n\n", counted(with.len(), "rule"), with.join(", "));
    }
    out + "</details>\n\n"
}

/// A fence that no line of the text can close.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// A text in a line, of which nothing is Markdown or HTML.
fn inline(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => out.push(' '),
            // By its number a character is only itself: no table, link or mention.
            c if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | ' ' | '-' | '(' | ')') => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_only_a_name() {
        assert_eq!(inline("a|b\n@you"), "a&#124;b &#64;you");
        assert_eq!(inline("<b>`x`[y](z)"), "&lt;b&gt;&#96;x&#96;&#91;y&#93;(z)");
    }

    #[test]
    fn no_text_ends_its_block() {
        assert_eq!(fence("plain"), "```");
        assert_eq!(fence("a ```` b"), "`````");
    }
}
