//! The report for machines. The field names are fixed; the last one shows that the report is whole.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Outcome, Report};
use crate::rule::Profile;

/// The version of the specification.
const SPEC_VERSION: &str = "1";

#[derive(Serialize, JsonSchema)]
#[schemars(title = "sessionspec report")]
struct JsonReport {
    /// The suite and its version.
    suite: String,
    /// The version of the specification.
    spec_version: String,
    /// The seed of the generated traces; 0 if there were none.
    seed: u64,
    /// How long the run took, in milliseconds.
    duration_ms: u64,
    /// What was run on.
    subjects: Vec<JsonSubject>,
    /// Shows that the report is whole.
    footer: Footer,
}

#[derive(Serialize, JsonSchema)]
struct JsonSubject {
    /// The subject's name.
    name: String,
    /// The subject's version.
    version: String,
    /// Which rules it is meant to hold: `core` or `django`.
    profile: Profile,
    /// What its store can do.
    capabilities: crate::wire::Capabilities,
    /// How it was seen that a moved clock obeys, or why the clock is not moved though the subject asks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_test: Option<String>,
    /// Steps that were done and compared.
    steps: u64,
    /// Every rule, in the order of the specification.
    rules: Vec<JsonRule>,
}

#[derive(Serialize, JsonSchema)]
struct JsonRule {
    /// The rule's id.
    id: &'static str,
    /// MUST, SHOULD or MAY.
    level: String,
    /// Whose behaviour it is about: the store's, or that of the sessions on top, which at store level are the suite's own.
    about: &'static str,
    /// What became of it.
    status: Outcome,
    /// How often it was exercised.
    exercised: u64,
    /// At which level of time.
    clock: &'static str,
    /// Why, unless it passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The trace or the schedule that shows it, in its format.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Footer {
    /// Always true.
    complete: bool,
    /// How many subjects there are above.
    subjects: usize,
}

/// The report as JSON.
pub fn to_json(report: &Report) -> String {
    let subjects: Vec<JsonSubject> = report.subjects.iter().map(subject).collect();
    let report = JsonReport {
        suite: concat!("sessionspec ", env!("CARGO_PKG_VERSION")).into(),
        spec_version: SPEC_VERSION.into(),
        seed: report.seed.unwrap_or_default(),
        duration_ms: u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX),
        footer: Footer { complete: true, subjects: subjects.len() },
        subjects,
    };
    // These types have no maps with odd keys and no failing serialisers.
    serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
}

fn subject(subject: &super::SubjectReport) -> JsonSubject {
    let rules = subject.rules.iter().map(|rule| JsonRule {
        id: rule.rule.rule().id,
        level: rule.rule.rule().level.to_string(),
        about: if rule.rule.is_about_sessions() { "sessions" } else { "store" },
        status: rule.status,
        exercised: rule.exercised,
        clock: rule.clock.name(),
        reason: rule.reason.clone(),
        trace: shown(rule),
    });
    JsonSubject {
        name: subject.manifest.name.clone(),
        version: subject.manifest.version.clone(),
        profile: subject.manifest.profile,
        capabilities: subject.manifest.capabilities.into(),
        clock_test: Some(subject.manifest.clock_test.clone()).filter(|test| !test.is_empty()),
        steps: subject.steps,
        rules: rules.collect(),
    }
}

/// What shows a failure.
fn shown(rule: &super::RuleReport) -> Option<String> {
    let id = Some(rule.rule.rule().id);
    let trace = rule.trace.as_ref().map(|trace| trace.to_jsonl(id));
    trace.or_else(|| rule.schedule.as_ref().map(|schedule| schedule.to_jsonl(id)))
}

/// The JSON schema of the report.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(JsonReport).to_value()
}
