//! What changed from one report to the next: rules, coverage and speed, and whether any of it got worse.

use std::collections::BTreeMap;
use std::fmt;

use super::{Outcome, Written, WrittenRule, WrittenSubject};

/// How much of the coverage may be lost before that is worse: a twentieth. Chance moves less than that.
const LOST: (u64, u64) = (1, 20);

/// The shortest run of which the speed is compared, in milliseconds.
const SHORTEST: u64 = 1_000;

/// What changed.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Difference {
    /// One by one, in the order of the reports.
    pub changes: Vec<Change>,
}

/// One thing that changed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Change {
    /// Whether it is better or worse.
    pub way: Way,
    /// What changed, in a line.
    pub text: String,
}

/// Whether a change is one for the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Way {
    /// Something was lost.
    Worse,
    /// Something was won.
    Better,
    /// Neither.
    Other,
}

impl Difference {
    /// What changed from `old` to `new`. A run is slower if a step takes more than `slower` times as long as it did.
    pub fn of(old: &Written, new: &Written, slower: f64) -> Self {
        let mut difference = Self::default();
        if old.suite != new.suite {
            difference.add(Way::Other, format!("the suite was {}, and is {}", old.suite, new.suite));
        }
        for subject in &old.subjects {
            match new.subjects.iter().find(|other| other.name == subject.name) {
                Some(other) => difference.subject(subject, other),
                None => difference.add(Way::Worse, format!("{}: it is no longer there", subject.name)),
            }
        }
        for subject in &new.subjects {
            if !old.subjects.iter().any(|other| other.name == subject.name) {
                let held = subject.is_success();
                let (way, how) = if held { (Way::Better, "holds") } else { (Way::Worse, "does not hold") };
                difference.add(way, format!("{}: it is new, and {how}", subject.name));
            }
        }
        difference.speed(old, new, slower);
        difference
    }

    /// Whether anything got worse.
    pub fn is_worse(&self) -> bool {
        self.changes.iter().any(|change| change.way == Way::Worse)
    }

    fn add(&mut self, way: Way, text: String) {
        self.changes.push(Change { way, text });
    }

    fn subject(&mut self, old: &WrittenSubject, new: &WrittenSubject) {
        let name = &new.name;
        let before: BTreeMap<&str, &WrittenRule> =
            old.rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
        for rule in &new.rules {
            if let Some(before) = before.get(rule.id.as_str()) {
                self.rule(name, before, rule);
            } else {
                let fails = !rule.status.is_success(rule.level);
                let way = if fails { Way::Worse } else { Way::Other };
                self.add(way, format!("{name}: {} is new: {}", rule.id, told(rule)));
            }
        }
        for rule in old.rules.iter().filter(|rule| !new.rules.iter().any(|other| other.id == rule.id)) {
            self.add(
                Way::Worse,
                format!("{name}: {} is no longer checked; it was {}", rule.id, rule.status.name()),
            );
        }
        let sum = |subject: &WrittenSubject| subject.rules.iter().map(|rule| rule.exercised).sum::<u64>();
        let (was, is) = (sum(old), sum(new));
        let change = format!("{name}: rules were exercised {was} times, and are {is} times");
        if is < was - was / LOST.1 * LOST.0 {
            self.add(Way::Worse, change);
        } else if was < is - is / LOST.1 * LOST.0 {
            self.add(Way::Better, change);
        }
    }

    fn rule(&mut self, name: &str, old: &WrittenRule, new: &WrittenRule) {
        if old.status != new.status {
            let text = format!("{name}: {} was {}, and is {}", new.id, old.status.name(), told(new));
            self.add(way(old, new), text);
        } else if old.exercised > 0 && new.exercised == 0 {
            let text = format!("{name}: {} was exercised {} times, and is no more", new.id, old.exercised);
            self.add(Way::Worse, text);
        }
    }

    fn speed(&mut self, old: &Written, new: &Written, slower: f64) {
        if old.duration_ms.min(new.duration_ms) < SHORTEST {
            return;
        }
        let (Some(was), Some(is)) = (pace(old), pace(new)) else { return };
        let text = format!("a step took {was:.1} µs, and takes {is:.1} µs");
        if is > was * slower {
            self.add(Way::Worse, text);
        } else if was > is * slower {
            self.add(Way::Better, text);
        }
    }
}

/// How long a step takes, in microseconds.
#[expect(clippy::cast_precision_loss, reason = "a ratio for a reader")]
fn pace(report: &Written) -> Option<f64> {
    let steps: u64 = report.subjects.iter().map(|subject| subject.steps).sum();
    (steps > 0).then(|| report.duration_ms as f64 * 1_000.0 / steps as f64)
}

/// The outcome, with the reason where it is no pass.
fn told(rule: &WrittenRule) -> String {
    let name = rule.status.name();
    match &rule.reason {
        Some(reason) if rule.status != Outcome::Pass => format!("{name}: {reason}"),
        _ => name.into(),
    }
}

fn way(old: &WrittenRule, new: &WrittenRule) -> Way {
    match (worth(old), worth(new)) {
        // Somebody has written down that it fails: that mends nothing.
        (Worth::Broken, Worth::Excused) => Way::Other,
        (before, after) if after < before => Way::Worse,
        (before, after) if after > before => Way::Better,
        _ => Way::Other,
    }
}

/// What is known of a rule, from nothing good to all that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Broken,
    Excused,
    Unknown,
    Held,
}

fn worth(rule: &WrittenRule) -> Worth {
    match rule.status {
        // One that passes unexpectedly is still on the list of known failures, which a run says; but it holds.
        Outcome::Pass | Outcome::UnexpectedPass => Worth::Held,
        Outcome::ExpectedFail => Worth::Excused,
        status if status.is_success(rule.level) => Worth::Unknown,
        _ => Worth::Broken,
    }
}

impl fmt::Display for Difference {
    /// A line per change, the worst first, and a line that says what came of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for way in [Way::Worse, Way::Better, Way::Other] {
            for change in self.changes.iter().filter(|change| change.way == way) {
                writeln!(f, "{:7} {}", way.name(), change.text)?;
            }
        }
        let count = |way| self.changes.iter().filter(|change| change.way == way).count();
        match (count(Way::Worse), count(Way::Better)) {
            (0, 0) if self.changes.is_empty() => writeln!(f, "nothing changed"),
            (0, better) => writeln!(f, "nothing got worse; {better} better"),
            (worse, better) => writeln!(f, "{worse} got worse, {better} better"),
        }
    }
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Other => "changed",
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::written::tests::report;
    use super::*;

    #[rstest]
    #[case::it_is_broken(Outcome::Pass, Outcome::Fail, Way::Worse)]
    #[case::it_is_no_longer_checked(Outcome::Pass, Outcome::NotApplicable, Way::Worse)]
    #[case::it_is_broken_and_known(Outcome::Pass, Outcome::ExpectedFail, Way::Worse)]
    #[case::it_is_broken_otherwise(Outcome::ExpectedFail, Outcome::Fail, Way::Worse)]
    #[case::it_was_mended(Outcome::Fail, Outcome::Pass, Way::Better)]
    #[case::it_was_known_and_mended(Outcome::ExpectedFail, Outcome::Pass, Way::Better)]
    #[case::it_was_known_and_is_still_on_the_list(
        Outcome::ExpectedFail,
        Outcome::UnexpectedPass,
        Way::Better
    )]
    #[case::it_is_known_now(Outcome::Fail, Outcome::ExpectedFail, Way::Other)]
    #[case::it_fails_in_another_way(Outcome::Fail, Outcome::Crash, Way::Other)]
    fn a_rule_gets_better_or_worse(#[case] old: Outcome, #[case] new: Outcome, #[case] way: Way) {
        let of = |status| report(0, 0, &[("key.short", status, 1)]);
        let difference = Difference::of(&of(old), &of(new), 2.0);
        assert_eq!(difference.changes.iter().map(|change| change.way).collect::<Vec<_>>(), [way]);
        assert!(difference.changes[0].text.contains("key.short"), "{difference}");
    }

    #[test]
    fn what_is_exercised_far_less_is_worse() {
        let of = |short, fresh| {
            report(0, 0, &[("key.short", Outcome::Pass, short), ("key.fresh", Outcome::Pass, fresh)])
        };
        let worse = |old: &Written, new: &Written| Difference::of(old, new, 2.0).is_worse();
        assert!(!worse(&of(100, 100), &of(95, 96)));
        assert!(worse(&of(100, 100), &of(100, 80)));
        assert!(worse(&of(1000, 1), &of(1000, 0)));
        assert!(!worse(&of(10, 10), &of(100, 10)));
    }

    #[test]
    fn rules_and_subjects_that_are_gone_are_worse_and_new_ones_that_hold_are_not() {
        let one = report(0, 0, &[("key.short", Outcome::Pass, 1)]);
        let two = report(0, 0, &[("key.short", Outcome::Pass, 1), ("key.fresh", Outcome::Pass, 0)]);
        assert!(!Difference::of(&one, &two, 2.0).is_worse());
        assert!(Difference::of(&two, &one, 2.0).is_worse());
        let mut none = report(0, 0, &[]);
        none.subjects.clear();
        assert!(Difference::of(&one, &none, 2.0).is_worse());
        assert!(!Difference::of(&none, &one, 2.0).is_worse());
    }

    #[test]
    fn a_run_is_slower_by_the_factor_that_is_given_and_short_ones_are_not_compared() {
        let of = |duration| report(duration, 1_000_000, &[]);
        let worse = |old, new| Difference::of(&of(old), &of(new), 2.0).is_worse();
        assert!(worse(10_000, 21_000));
        assert!(!worse(10_000, 19_000));
        assert!(!worse(400, 900));
    }
}
