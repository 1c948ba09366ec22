//! Known failures: a file of what a store breaks today, so that CI is red for anything else. Each entry names one rule of
//! one subject and the failure itself, by its fingerprint; a failure that looks otherwise is a new one, and one that is
//! gone must leave the file.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};
use time::Date;
use time::format_description::well_known::Iso8601;

use super::{Outcome, RuleReport, SubjectReport};
use crate::rule::RuleId;

/// What is known to be broken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownFailures {
    entries: Vec<Known>,
}

/// One rule that a subject is known to break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// The subject's name.
    subject: String,
    /// The rule's id.
    rule: String,
    /// The name of the trace or schedule that shows it, as its file in `target/sessionspec` has it.
    fingerprint: String,
    /// Why it is left so.
    reason: String,
    /// Where it is being dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    /// The last day on which it is tolerated, as in 2027-03-31.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// The reason of an entry that nobody has explained yet.
const UNEXPLAINED: &str = "not explained yet";

/// How the reason begins of a failure that is on the list.
const KNOWN: &str = "known";

/// Whether a rule fails as the list says, and is excused no longer.
pub(super) fn has_lapsed(rule: &RuleReport) -> bool {
    rule.status == Outcome::Fail && rule.reason.as_deref().is_some_and(|reason| reason.starts_with(KNOWN))
}

impl KnownFailures {
    /// Reads a file. One that is about to be made, by an `update`, may be missing.
    ///
    /// # Errors
    /// A sentence that names the file and says what is wrong with it.
    pub fn read(path: &Path, update: bool) -> Result<Self, String> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|error| format!("{}: {error}", path.display())),
            Err(error) if update && error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("cannot read the known failures in {}: {error}", path.display())),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        fs::write(path, self.to_json()).map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// Reads the text of a file: a JSON list of entries.
    ///
    /// # Errors
    /// A sentence that says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries: Vec<Known> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for (number, entry) in entries.iter().enumerate() {
            let fault = |what: String| Err(format!("entry {} (`{}`): {what}", number + 1, entry.rule));
            if RuleId::named(&entry.rule).is_none() {
                return fault("there is no such rule; `sessionspec rules` lists them".into());
            }
            if entry.reason.trim().is_empty() {
                return fault("`reason` is empty".into());
            }
            if let Some(until) = &entry.until
                && date(until).is_none()
            {
                return fault(format!("`until` is a date such as 2027-03-31, not `{until}`"));
            }
            let same = |other: &Known| other.subject == entry.subject && other.rule == entry.rule;
            if entries[..number].iter().any(same) {
                return fault(format!("it stands twice for {}", entry.subject));
            }
        }
        Ok(Self { entries })
    }

    /// The file.
    pub fn to_json(&self) -> String {
        // These are lists of texts.
        serde_json::to_string_pretty(&self.entries).unwrap_or_default() + "\n"
    }

    /// Excuses what is known in the report on a subject, and holds against it what is known and not so.
    pub fn apply(&self, report: &mut SubjectReport, today: Date) {
        let entries: Vec<&Known> =
            self.entries.iter().filter(|entry| entry.subject == report.manifest.name).collect();
        for rule in &mut report.rules {
            let Some(entry) = entries.iter().find(|entry| entry.rule == rule.rule.rule().id) else {
                continue;
            };
            let (status, reason) = entry.judge(rule, today);
            rule.status = status;
            rule.reason = Some(reason);
            // What the list says of it explains it.
            rule.explained_by = None;
        }
        let excused: Vec<RuleId> = report
            .rules
            .iter()
            .filter(|rule| rule.status == Outcome::ExpectedFail)
            .map(|rule| rule.rule)
            .collect();
        report.failures.retain(|failure| !excused.contains(&failure.rule));
        report.schedule_failures.retain(|failure| !excused.contains(&failure.violation.rule));
    }

    /// What is known after some reports: entries that are no more so are gone, and what fails now is there, with the
    /// reasons that were given before. Entries of other subjects stay.
    #[must_use]
    pub fn updated<'a>(&self, reports: impl IntoIterator<Item = &'a SubjectReport>) -> Self {
        let reports: Vec<&SubjectReport> = reports.into_iter().collect();
        let ran = |subject: &str| reports.iter().any(|report| report.manifest.name == subject);
        let mut entries: Vec<Known> =
            self.entries.iter().filter(|entry| !ran(&entry.subject)).cloned().collect();
        for report in reports {
            for rule in report.rules.iter().filter(|rule| rule.status == Outcome::Fail) {
                let id = rule.rule.rule().id;
                let old = self
                    .entries
                    .iter()
                    .find(|entry| entry.subject == report.manifest.name && entry.rule == id);
                let mut entry = old.cloned().unwrap_or_else(|| Known {
                    subject: report.manifest.name.clone(),
                    rule: id.into(),
                    fingerprint: String::new(),
                    reason: UNEXPLAINED.into(),
                    link: None,
                    until: None,
                });
                entry.fingerprint = fingerprint(rule);
                entries.push(entry);
            }
        }
        entries.sort_by(|a, b| (&a.subject, &a.rule).cmp(&(&b.subject, &b.rule)));
        Self { entries }
    }
}

impl Known {
    /// What becomes of a rule that the entry is about.
    fn judge(&self, rule: &RuleReport, today: Date) -> (Outcome, String) {
        let link = self.link.as_ref().map(|link| format!(" ({link})")).unwrap_or_default();
        let found = rule.reason.clone().unwrap_or_default();
        match rule.status {
            Outcome::Fail if fingerprint(rule) != self.fingerprint => {
                let (known, now) = (&self.fingerprint, fingerprint(rule));
                (
                    Outcome::Fail,
                    format!("another failure ({now}) than the one that is known ({known}): {found}"),
                )
            }
            Outcome::Fail => match self.until.as_deref().and_then(date) {
                Some(until) if until < today => {
                    let reason = &self.reason;
                    (Outcome::Fail, format!("{KNOWN}{link}, but only until {until}: {reason}; {found}"))
                }
                _ => (Outcome::ExpectedFail, format!("{KNOWN}{link}: {}", self.reason)),
            },
            Outcome::Pass => {
                (Outcome::UnexpectedPass, "it is a known failure and holds: take it off the list".into())
            }
            Outcome::NotApplicable => (
                Outcome::UnexpectedPass,
                "it is a known failure and is not-applicable: take it off the list".into(),
            ),
            // Nothing was seen of what is known.
            status => (status, found),
        }
    }
}

fn date(text: &str) -> Option<Date> {
    Date::parse(text, &Iso8601::DATE).ok()
}

/// The name of what shows a failure.
fn fingerprint(rule: &RuleReport) -> String {
    let trace = rule.trace.as_ref().map(crate::trace::Trace::fingerprint);
    let schedule = || rule.schedule.as_ref().map(crate::schedule::Schedule::fingerprint);
    // What ran on threads has no trace.
    trace.or_else(schedule).unwrap_or_else(|| "threads".into())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use time::macros::date;

    use super::*;
    use crate::manifest::{ClockLevel, Manifest};
    use crate::trace::{Step, Trace};

    fn rule(status: Outcome, steps: usize) -> RuleReport {
        let step = Step { client: 0, advance: 0, op: crate::op::Op::New };
        let trace = Trace { steps: vec![step; steps], ..Trace::default() };
        RuleReport {
            exercised: 1,
            trace: (status == Outcome::Fail).then_some(trace),
            ..RuleReport::new(crate::rules::KEY_SHORT, status, ClockLevel::Virtual)
        }
    }

    fn report(rules: Vec<RuleReport>) -> SubjectReport {
        let manifest = Manifest::reference();
        SubjectReport { manifest, steps: 1, rules, failures: Vec::new(), schedule_failures: Vec::new() }
    }

    /// What is known once a failure of two steps was written down.
    fn known(until: Option<&str>) -> KnownFailures {
        let mut known = KnownFailures::default().updated([&report(vec![rule(Outcome::Fail, 2)])]);
        known.entries[0].until = until.map(Into::into);
        KnownFailures::parse(&known.to_json()).unwrap()
    }

    #[rstest]
    #[case::it_fails_as_is_known(None, Outcome::Fail, 2, Outcome::ExpectedFail, "known: not explained yet")]
    #[case::it_fails_otherwise(None, Outcome::Fail, 3, Outcome::Fail, "another failure")]
    #[case::it_holds(None, Outcome::Pass, 0, Outcome::UnexpectedPass, "take it off")]
    #[case::it_does_not_apply(None, Outcome::NotApplicable, 0, Outcome::UnexpectedPass, "not-applicable")]
    #[case::it_is_left_out(None, Outcome::Disabled, 0, Outcome::Disabled, "")]
    #[case::the_last_day(Some("2026-05-04"), Outcome::Fail, 2, Outcome::ExpectedFail, "known")]
    #[case::a_day_too_late(Some("2026-05-03"), Outcome::Fail, 2, Outcome::Fail, "only until 2026-05-03")]
    fn only_the_failure_that_is_known_is_excused(
        #[case] until: Option<&str>,
        #[case] found: Outcome,
        #[case] steps: usize,
        #[case] expected: Outcome,
        #[case] reason: &str,
    ) {
        let mut report = report(vec![rule(found, steps)]);
        known(until).apply(&mut report, date!(2026 - 05 - 04));
        assert_eq!(report.rules[0].status, expected);
        let told = report.rules[0].reason.clone().unwrap_or_default();
        assert!(told.contains(reason), "{told}");
    }

    #[test]
    fn an_update_keeps_the_reasons_and_what_others_break() {
        let text = r#"[
            {"subject": "model", "rule": "key.short", "fingerprint": "x", "reason": "because"},
            {"subject": "model", "rule": "key.fresh", "fingerprint": "x", "reason": "gone by now"},
            {"subject": "other", "rule": "key.short", "fingerprint": "x", "reason": "not run today"}
        ]"#;
        let known = KnownFailures::parse(text).unwrap().updated([&report(vec![rule(Outcome::Fail, 2)])]);
        let left: Vec<(&str, &str)> =
            known.entries.iter().map(|entry| (entry.subject.as_str(), entry.reason.as_str())).collect();
        assert_eq!(left, [("model", "because"), ("other", "not run today")]);
        assert_ne!(known.entries[0].fingerprint, "x");
    }

    #[rstest]
    #[case(r#"[{"subject":"a","rule":"no.such","fingerprint":"x","reason":"y"}]"#, "no such rule")]
    #[case(r#"[{"subject":"a","rule":"key.short","fingerprint":"x","reason":" "}]"#, "`reason` is empty")]
    #[case(r#"[{"subject":"a","rule":"key.short","fingerprint":"x"}]"#, "missing field `reason`")]
    #[case(
        r#"[{"subject":"a","rule":"key.short","fingerprint":"x","reason":"y","until":"soon"}]"#,
        "such as 2027-03-31"
    )]
    #[case(
        r#"[{"subject":"a","rule":"key.short","fingerprint":"x","reason":"y"},
            {"subject":"a","rule":"key.short","fingerprint":"z","reason":"y"}]"#,
        "twice"
    )]
    fn a_file_that_is_wrong_is_refused_with_the_entry(#[case] text: &str, #[case] part: &str) {
        let fault = KnownFailures::parse(text).unwrap_err();
        assert!(fault.contains(part), "{fault}");
    }
}
