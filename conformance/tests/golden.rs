//! The golden traces, the specification and the model agree.

use session_conformance::golden::check_stated;
use session_conformance::model::Errata;
use session_conformance::rule::RuleId;
use session_conformance::runner::{Coverage, Verdict, run_trace};
use session_conformance::subject::ModelSubject;

#[test]
fn the_model_says_what_the_golden_traces_state() {
    let mut faults = Vec::new();
    for rule in RuleId::of_stores().map(RuleId::rule) {
        let file = rule.golden().unwrap_or_else(|error| panic!("{}: {error}", rule.id));
        assert_eq!(file.rule.as_deref(), Some(rule.id), "the header names another rule");
        assert!(file.stated.iter().any(Option::is_some), "{}: nothing is stated", rule.id);
        faults.extend(
            check_stated(&file, &rule.reference()).iter().map(|fault| format!("{}: {fault}", rule.id)),
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn each_golden_trace_exercises_its_rule() {
    for id in RuleId::of_stores() {
        let rule = id.rule();
        let mut coverage = Coverage::default();
        let file = rule.golden().unwrap();
        let mut subject = ModelSubject::new(rule.reference());
        let verdict = run_trace(&mut subject, &file.trace, Errata::Enforced, &mut coverage);
        assert!(matches!(verdict, Verdict::Held { .. }), "{}: {verdict:?}", rule.id);
        assert!(coverage.count(id) > 0, "{}: its golden trace does not exercise it", rule.id);
    }
}
