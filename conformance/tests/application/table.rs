//! The model of an application against the table that real Django filled in.

use std::collections::BTreeSet;

use session_conformance::application::{Case, cases, cookie_cases, header_cases, overlapping_cases, predict};
use session_conformance::rule::RuleId;
use session_conformance::rules;

/// Django's setting `SESSION_COOKIE_AGE`, when the table was made.
const AGE: i64 = 14 * 24 * 60 * 60;

/// Those that are played on an application whose records are on the server.
fn played() -> impl Iterator<Item = Case> {
    cases().unwrap().into_iter().chain(overlapping_cases().unwrap())
}

#[test]
fn the_model_answers_as_django_does() {
    for case in played() {
        let predicted = predict(&case, AGE);
        let request = serde_json::to_string(&case).unwrap();
        assert_eq!(predicted.answer, case.answer, "{request}\nby {:?}", predicted.provenance);
    }
}

#[test]
fn every_rule_about_applications_is_seen_in_a_case() {
    let rules = |case: Case| predict(&case, AGE).provenance.rules().collect::<Vec<_>>();
    let mut seen: BTreeSet<RuleId> = played().flat_map(rules).collect();
    // These two are about attributes, which have a table of their own.
    assert_eq!(cookie_cases().unwrap().len(), 192);
    seen.extend([rules::MIDDLEWARE_COOKIE_ATTRIBUTES, rules::MIDDLEWARE_COOKIE_DELETED_ATTRIBUTES]);
    // Others are about headers.
    seen.extend(header_cases().unwrap().iter().filter_map(|case| RuleId::named(&case.rule)));
    // One is about many sessions, one about logs, and one Django does not keep: the suite asks for them by itself.
    seen.extend([rules::MIDDLEWARE_KEY_UNGUESSABLE, rules::MIDDLEWARE_KEY_NOT_LOGGED]);
    seen.insert(rules::MIDDLEWARE_CACHE_PRIVATE);
    let unseen: Vec<_> = RuleId::of_applications().filter(|rule| !seen.contains(rule)).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}
