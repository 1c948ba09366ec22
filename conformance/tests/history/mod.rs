//! The public vulnerabilities of sessions since 2023 that a store or an application shows in what it does, and the page
//! `docs/history.md` about them. Each is rebuilt twice: as it was, which the suite must fail by the rule, and as it was
//! mended, which must hold.
//!
//! The rebuilt stores are in the kill matrix, the applications beside the other faulty ones; both look here.

use std::fmt::Write as _;
use std::path::PathBuf;

/// A vulnerability.
pub(crate) struct Vulnerability {
    pub(crate) id: &'static str,
    /// The project, and which of its versions.
    pub(crate) project: &'static str,
    /// What happened, in a line.
    pub(crate) happened: &'static str,
    /// The rule that must fail.
    pub(crate) rule: &'static str,
    pub(crate) rebuilt: Rebuilt,
}

/// Where it is rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rebuilt {
    /// A fault of the kill matrix, by its name.
    Store(&'static str),
    /// An application, by the name of the vulnerability.
    Application,
}

const fn vulnerability(
    id: &'static str,
    project: &'static str,
    happened: &'static str,
    rule: &'static str,
    rebuilt: Rebuilt,
) -> Vulnerability {
    Vulnerability { id, project, happened, rule, rebuilt }
}

/// All of them, the newest first.
pub(crate) const ALL: &[Vulnerability] = &[
    vulnerability(
        "CVE-2026-39410",
        "Hono before 4.12.12",
        "white space such as U+00A0 was taken off the names of cookies, so that a neighbour's cookie counted as the site's own",
        "middleware.key.exact-name",
        Rebuilt::Application,
    ),
    vulnerability(
        "CVE-2026-39324",
        "rack-session before 2.1.2",
        "a cookie that could not be decrypted was decoded as it was, so that anybody could write one",
        "key.forged.signature",
        Rebuilt::Store("cookie-that-does-not-verify-is-decoded"),
    ),
    vulnerability(
        "CVE-2026-35192",
        "Django before 5.2.14 and 6.0.5",
        "with SESSION_SAVE_EVERY_REQUEST an answer set the cookie of a session that was only renewed, without `Vary: Cookie`",
        "middleware.vary.sent",
        Rebuilt::Application,
    ),
    vulnerability(
        "CVE-2026-27205",
        "Flask before 3.1.3",
        "looking only at the names in a session, as with `in`, did not count as looking at it: no `Vary: Cookie`",
        "middleware.vary.accessed",
        Rebuilt::Application,
    ),
    vulnerability(
        "CVE-2025-66630",
        "Fiber before 2.52.11",
        "where the source of chance failed, every new session got the key of nothing but zeros",
        "middleware.key.unguessable",
        Rebuilt::Application,
    ),
    vulnerability(
        "CVE-2025-47278",
        "Flask 3.1.0",
        "the list of secrets was handed on the wrong way round, so that the oldest fallback signed",
        "key.rotated.newest",
        Rebuilt::Store("cookie-signed-by-the-oldest-secret"),
    ),
    vulnerability(
        "CVE-2025-46336",
        "rack-session before 2.1.1",
        "a request that was still under way at log-out stored the deleted session again",
        "lifecycle.save.no-resurrect",
        Rebuilt::Store("update-creates"),
    ),
    vulnerability(
        "CVE-2024-38513",
        "Fiber before 2.52.5",
        "a session was begun under whatever key the visitor sent",
        "middleware.key.not-adopted",
        Rebuilt::Application,
    ),
    vulnerability(
        "CVE-2024-35220",
        "@fastify/session before 10.9.0",
        "reading a session set its expiry anew, so that none was ever found to have expired",
        "expiry.dead",
        Rebuilt::Store("expiry-set-anew-by-reading"),
    ),
    vulnerability(
        "CVE-2024-31999",
        "@fastify/secure-session before 7.3.0",
        "a cookie had no age that the server looked at: a copy opened the session for ever",
        "expiry.dead",
        Rebuilt::Store("cookie-for-ever"),
    ),
    vulnerability(
        "CVE-2023-30861",
        "Flask before 2.2.5 and 2.3.2",
        "an answer that renewed or deleted the cookie of a session that nobody had looked at had no `Vary: Cookie`",
        "middleware.vary.sent",
        Rebuilt::Application,
    ),
    vulnerability(
        "CVE-2023-29019",
        "@fastify/passport",
        "a session kept its key at log-in, also one that somebody else had chosen",
        "middleware.log-in",
        Rebuilt::Application,
    ),
    vulnerability(
        "CVE-2023-23934",
        "Werkzeug before 2.2.3",
        "a cookie without a name, `=__Host-id=…`, was read as one of the name in its value",
        "middleware.key.exact-name",
        Rebuilt::Application,
    ),
    vulnerability(
        "CVE-2023-20866",
        "Spring Session 3.0.0",
        "the key of each session was written to the standard output",
        "middleware.key.not-logged",
        Rebuilt::Application,
    ),
    vulnerability(
        "CVE-2023-20862",
        "Spring Security before 5.7.8, 5.8.3 and 6.0.3",
        "an empty security context was not stored, so that the one before it stayed after log-out",
        "lifecycle.clear.keeps-record",
        Rebuilt::Store("nothing-is-not-stored"),
    ),
];

/// What was looked at and is not rebuilt, with the reason.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "CVE-2025-40923 (Plack-Middleware-Session), CVE-2025-40926, CVE-2026-3256 (HTTP::Session)",
        "keys were hashes of the time, the process and a weak random number: behind a hash no test from outside can tell",
    ),
    ("CVE-2024-52804 (Tornado)", "parsing a long header took quadratic time: a matter of measuring"),
];

/// The variable with which the test writes the page.
const WRITE: &str = "SESSIONSPEC_WRITE";

/// The page. Writing to a String cannot fail.
fn page() -> String {
    let mut out = String::from("# What has happened\n\n");
    let _ = writeln!(
        out,
        "<!-- Written by `SESSIONSPEC_WRITE=1 cargo test -p session-conformance --test kill_matrix`. -->\n\n\
         Public vulnerabilities of sessions since 2023 that a store or an application shows in what it does. Each is\n\
         rebuilt here as a pair: as it was, and as it was mended. The suite fails the first by the rule named, and\n\
         passes the second; tests see to both. What happened was read in the advisories, and for Django, Flask and\n\
         Werkzeug in what changed between the two versions.\n\n\
         | | in | what happened | the rule that fails it | rebuilt as |\n|---|---|---|---|---|"
    );
    for of in ALL {
        let place = match of.rebuilt {
            Rebuilt::Store(name) => format!("the fault `{name}` of the [kill matrix](kill-matrix.md)"),
            Rebuilt::Application => "an application".to_owned(),
        };
        let area = of.rule.split('.').next().unwrap_or_default();
        let page = if area == "key" { "keys" } else { area };
        let (id, project, happened, rule) = (of.id, of.project, of.happened, of.rule);
        let _ =
            writeln!(out, "| {id} | {project} | {happened} | [{rule}](spec/{page}.md#{rule}) | {place} |");
    }
    let _ = writeln!(
        out,
        "\nThe stores are in `conformance/tests/kill_matrix/`, the applications in\n\
         `conformance/tests/application/rebuilt.rs`.\n\n## What is not here\n\n| | why |\n|---|---|"
    );
    for (id, reason) in ELSEWHERE {
        let _ = writeln!(out, "| {id} | {reason} |");
    }
    out
}

#[test]
fn the_page_tells_what_is_rebuilt() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/history.md");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page(),
        "docs/history.md is not what is rebuilt; \
         {WRITE}=1 cargo test -p session-conformance --test kill_matrix the_page_tells writes it"
    );
}
