//! A badge from a report: a small picture in SVG for a README.

use super::{Outcome, Written, WrittenSubject, counted};

/// How wide a character is, in tenths of a pixel, at eleven pixels of Verdana or what stands in for it.
const CHARACTER: usize = 68;

const GOOD: &str = "#2e7d4f";
const BAD: &str = "#b3261e";

/// So many of a thing hold.
fn held(n: usize, thing: &str) -> String {
    format!("{} {}", counted(n, thing), if n == 1 { "holds" } else { "hold" })
}

/// The badge of a report.
pub fn badge(report: &Written) -> String {
    let wrong = |subject: &WrittenSubject| {
        subject.rules.iter().filter(|rule| rule.status.is_broken(rule.level)).count()
    };
    let broken = report.subjects.iter().filter(|subject| wrong(subject) > 0).count();
    let (text, colour) = match (report.subjects.as_slice(), broken) {
        ([one], 0) => (held(one.count(Outcome::Pass) + one.count(Outcome::UnexpectedPass), "rule"), GOOD),
        ([one], _) => (format!("{} broken", counted(wrong(one), "rule")), BAD),
        ([], _) => ("nothing was run".into(), BAD),
        (all, 0) => (held(all.len(), "subject"), GOOD),
        (all, broken) => (format!("{broken} of {} subjects broken", all.len()), BAD),
    };
    let label = "sessionspec";
    let width = |text: &str| (text.chars().count() * CHARACTER).div_ceil(10) + 12;
    let (left, right) = (width(label), width(&text));
    let all = left + right;
    let (middle, end) = (left / 2, left + right / 2);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"20\" role=\"img\" \
         aria-label=\"{label}: {text}\"><title>{label}: {text}</title>\
         <clipPath id=\"r\"><rect width=\"{all}\" height=\"20\" rx=\"3\"/></clipPath>\
         <g clip-path=\"url(#r)\"><rect width=\"{left}\" height=\"20\" fill=\"#444\"/>\
         <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{colour}\"/></g>\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{middle}\" y=\"14\">{label}</text><text x=\"{end}\" y=\"14\">{text}</text></g></svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::super::written::tests::report;
    use super::*;

    #[test]
    fn a_badge_says_how_many_rules_hold_or_are_broken() {
        let good = badge(&report(0, 0, &[("key.short", Outcome::Pass, 1), ("key.fresh", Outcome::Pass, 1)]));
        assert!(good.contains(">2 rules hold<") && good.contains(GOOD), "{good}");
        let listed = [("key.short", Outcome::Pass, 1), ("key.fresh", Outcome::UnexpectedPass, 1)];
        let good = badge(&report(0, 0, &listed));
        assert!(good.contains(">2 rules hold<") && good.contains(GOOD), "{good}");
        let bad = badge(&report(0, 0, &[("key.short", Outcome::Pass, 1), ("key.fresh", Outcome::Fail, 1)]));
        assert!(bad.contains(">1 rule broken<") && bad.contains(BAD), "{bad}");
    }
}
