//! Which session a header `Cookie` opens: the model and our own middleware against the table that real Django filled in.

use http::{HeaderMap, HeaderValue, header};
use session_conformance::application::{HeaderCase, Words, header_cases};
use session_conformance::rule::RuleId;
use session_core::middleware::SessionMiddleware;
use session_core::{SessionContext, Settings};

const WORDS: Words<'_> = Words {
    name: "sessionid",
    live: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    other: "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
};

/// What Django does otherwise, as the rules say: white space of Unicode around names.
const DIFFERENT: [&str; 5] = [
    "{name}={live}; \u{a0}{name}={other}",
    "{name}={live}; {name}\u{a0}={other}",
    "\u{2003}{name}={live}",
    "\u{85}{name}={live}",
    "{name}={live}; \u{1f}{name}={other}",
];

#[test]
fn the_model_finds_what_django_finds() {
    let cases = header_cases().unwrap();
    let otherwise: Vec<&str> =
        cases.iter().filter(|case| case.predict(WORDS) != case.finds).map(|case| &*case.header).collect();
    assert_eq!(otherwise, DIFFERENT);
    for case in &cases {
        assert!(RuleId::named(&case.rule).is_some(), "there is no rule {}", case.rule);
    }
}

fn finds(case: &HeaderCase) -> Option<i64> {
    let middleware = SessionMiddleware::new(SessionContext::new(Settings::default())).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, HeaderValue::from_bytes(case.sent(WORDS).as_bytes()).unwrap());
    match middleware.process_request(&headers)?.as_str() {
        key if key == WORDS.live => Some(1),
        key if key == WORDS.other => Some(2),
        _ => None,
    }
}

#[test]
fn the_middleware_finds_what_the_model_finds() {
    for case in header_cases().unwrap().iter().filter(|case| case.can_be_sent()) {
        assert_eq!(finds(case), case.predict(WORDS), "{case:?}");
    }
}

#[test]
fn control_characters_never_reach_the_middleware() {
    let cases = header_cases().unwrap();
    let refused = cases.iter().filter(|case| HeaderValue::from_bytes(case.sent(WORDS).as_bytes()).is_err());
    let refused: Vec<_> = refused.collect();
    assert_eq!(refused, cases.iter().filter(|case| !case.can_be_sent()).collect::<Vec<_>>());
    assert_eq!(refused.len(), 4);
}
