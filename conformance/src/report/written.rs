//! A report that is read back from its JSON: as much of it as comparing two of them, or a badge, needs.

use serde::Deserialize;

use super::Outcome;
use crate::rule::Level;

/// A report in a file.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct Written {
    /// The suite and its version.
    pub suite: String,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    /// What was run on.
    pub subjects: Vec<WrittenSubject>,
    footer: Footer,
}

/// A subject in it.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct WrittenSubject {
    /// Its name.
    pub name: String,
    /// Steps that were done and compared.
    pub steps: u64,
    /// What became of each rule.
    pub rules: Vec<WrittenRule>,
}

/// What became of a rule.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct WrittenRule {
    /// The rule's id.
    pub id: String,
    /// MUST, SHOULD or MAY.
    pub level: Level,
    /// What became of it.
    pub status: Outcome,
    /// How often it was exercised.
    pub exercised: u64,
    /// Why, unless it passed.
    pub reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Footer {
    complete: bool,
    subjects: usize,
}

impl Written {
    /// Reads the file.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let report: Self = serde_json::from_str(text).map_err(|error| format!("it is no report: {error}"))?;
        if !report.footer.complete || report.footer.subjects != report.subjects.len() {
            return Err("the report is not whole: its footer does not fit what precedes it".into());
        }
        Ok(report)
    }
}

impl WrittenSubject {
    /// How many rules ended so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.rules.iter().filter(|rule| rule.status == outcome).count()
    }

    /// Whether every rule ended well.
    pub fn is_success(&self) -> bool {
        self.rules.iter().all(|rule| rule.status.is_success(rule.level))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::manifest::{ClockLevel, Manifest};
    use crate::report::{Report, RuleReport, SubjectReport, to_json};
    use crate::rule::RuleId;

    /// A report of the model in which some rules ended so, each exercised that often.
    pub(crate) fn report(duration: u64, steps: u64, rules: &[(&str, Outcome, u64)]) -> Written {
        let rules = rules.iter().map(|(id, status, exercised)| RuleReport {
            exercised: *exercised,
            reason: (*status != Outcome::Pass).then(|| "because".to_owned()),
            ..RuleReport::new(RuleId::named(id).unwrap(), *status, ClockLevel::Virtual)
        });
        let subject = SubjectReport {
            manifest: Manifest::reference(),
            steps,
            rules: rules.collect(),
            failures: Vec::new(),
            schedule_failures: Vec::new(),
        };
        let report = Report::new(vec![subject], Duration::from_millis(duration));
        Written::parse(&to_json(&report)).unwrap()
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let read = report(1200, 77, &[("key.short", Outcome::Pass, 4), ("key.fresh", Outcome::Fail, 0)]);
        assert_eq!((read.duration_ms, read.subjects[0].steps), (1200, 77));
        let rules = &read.subjects[0].rules;
        assert_eq!(
            (rules[0].id.as_str(), rules[0].status, rules[0].exercised),
            ("key.short", Outcome::Pass, 4)
        );
        assert_eq!((rules[1].level, rules[1].reason.as_deref()), (Level::Must, Some("because")));
    }

    #[test]
    fn what_is_no_report_or_was_cut_is_refused() {
        assert!(Written::parse("[]").unwrap_err().contains("no report"));
        let whole = r#"{"suite":"s","duration_ms":1,"subjects":[],"footer":{"complete":true,"subjects":1}}"#;
        assert!(Written::parse(whole).unwrap_err().contains("not whole"));
    }
}
