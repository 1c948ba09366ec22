//! Vulnerabilities of applications, each rebuilt as it was and as it was mended.

use session_conformance::application::check;
use session_conformance::report::Outcome;
use session_conformance::rule::RuleId;
use session_core::{SessionKey, Settings};

use crate::history::{ALL, Rebuilt};
use crate::in_process::InProcess;
use crate::part::{Part, without_quotes};

/// A vulnerability, rebuilt.
struct Pair {
    id: &'static str,
    settings: fn(&mut Settings),
    before: Part,
    after: Part,
}

const fn pair(id: &'static str, settings: fn(&mut Settings), before: Part, after: Part) -> Pair {
    Pair { id, settings, before, after }
}

const PAIRS: &[Pair] = &[
    pair(
        "CVE-2026-39410",
        |_| {},
        // JavaScript's `trim`, which Rust's is, too.
        Part::Reads(|header, name| last(header, |cookie| named(cookie.trim(), name))),
        Part::Reads(|header, name| last(header, |cookie| named(cookie.trim_matches([' ', '\t']), name))),
    ),
    pair(
        "CVE-2026-35192",
        |settings| settings.save_every_request = true,
        Part::Varies(|happened| happened.accessed || happened.deleted),
        Part::Varies(|happened| happened.accessed || happened.deleted || happened.set),
    ),
    pair(
        "CVE-2026-27205",
        |_| {},
        Part::Varies(|happened| happened.read || happened.set || happened.deleted),
        Part::Varies(|happened| happened.accessed || happened.set || happened.deleted),
    ),
    pair(
        "CVE-2025-66630",
        |_| {},
        Part::Draws(|source| {
            let zero = || SessionKey::parse("00000000-0000-0000-0000-000000000000").ok_or("no key");
            source.draw().or_else(|_| Ok(zero()?))
        }),
        // It waits until the source has something to give, as Go's does now.
        Part::Draws(|source| source.draw().or_else(|_| source.draw())),
    ),
    pair("CVE-2024-38513", |_| {}, Part::Opens { unknown_keys: true }, Part::Opens { unknown_keys: false }),
    pair(
        "CVE-2023-30861",
        |settings| settings.save_every_request = true,
        Part::Varies(|happened| happened.accessed && !happened.deleted),
        Part::Varies(|happened| happened.accessed || happened.set || happened.deleted),
    ),
    pair("CVE-2023-29019", |_| {}, Part::LogsIn { keeps_key: true }, Part::LogsIn { keeps_key: false }),
    pair(
        "CVE-2023-23934",
        |settings| {
            settings.cookie_name = "__Host-id".into();
            settings.cookie_secure = true;
        },
        // A pattern was searched for, and a name could not begin with `=`: the search went past it.
        Part::Reads(|header, name| last(header, |cookie| named(cookie.trim().trim_start_matches('='), name))),
        Part::Reads(|header, name| last(header, |cookie| named(cookie.trim_matches([' ', '\t']), name))),
    ),
    pair(
        "CVE-2023-20866",
        |_| {},
        Part::Tells(|key| format!("resolved the session ids [{}]", key.as_str())),
        Part::Tells(|key| format!("resolved the session ids [{key}]")),
    ),
];

/// The value of a cookie, if it has this name.
fn named<'a>(cookie: &'a str, name: &str) -> Option<&'a str> {
    let (given, value) = cookie.split_once('=')?;
    (given.trim_end_matches([' ', '\t']) == name).then(|| value.trim_matches([' ', '\t']))
}

/// The last of the values that are found in a header.
fn last(header: &str, find: impl Fn(&str) -> Option<&str>) -> Option<String> {
    header.split(';').filter_map(find).next_back().map(|value| without_quotes(value).to_owned())
}

fn judged(pair: &Pair, part: Part) -> (bool, Vec<RuleId>) {
    let settings = Settings::default().with(pair.settings);
    let mut application = InProcess::with_part(settings, part);
    let (report, broken) = check(&mut application, pair.id, &mut |_, _| {}).unwrap();
    assert!(report.rules.iter().any(|result| result.status == Outcome::Pass), "{}: nothing passed", pair.id);
    (report.is_success(), broken.iter().map(|broken| broken.rule).collect())
}

#[test]
fn every_vulnerability_of_an_application_is_rebuilt() {
    let told: Vec<&str> =
        ALL.iter().filter(|of| of.rebuilt == Rebuilt::Application).map(|of| of.id).collect();
    assert_eq!(PAIRS.iter().map(|pair| pair.id).collect::<Vec<_>>(), told);
}

#[test]
fn what_was_vulnerable_fails_by_its_rule_and_what_was_mended_holds() {
    for of in ALL {
        let Some(pair) = PAIRS.iter().find(|pair| pair.id == of.id) else { continue };
        let rule = RuleId::named(of.rule).unwrap();
        let (held, broken) = judged(pair, pair.before);
        assert!(!held && broken.contains(&rule), "{} slips through: {broken:?}", of.id);
        let (held, broken) = judged(pair, pair.after);
        assert!(held, "{} is mended, and fails by {broken:?}", of.id);
    }
}
