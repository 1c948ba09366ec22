//! A store of `tower-sessions` under the suite, by the bridge in `session-backends`. What the bridge cannot give is
//! between two steps of one operation, where a trace does not look; it has a test of its own beside the bridge.

use std::convert::Infallible;

use session_backends::FromTowerSessions;
use session_conformance::report::Outcome;
use session_conformance::subject::{Env, Opening, StoreHooks, StoreSubject};
use session_conformance::suite::{Config, run};
use tower_sessions_memory_store::MemoryStore;

#[test]
fn a_store_of_tower_sessions_breaks_no_rule() {
    // Their store compares with the machine's clock, the suite's begins with the year 2030: what the bridge takes for
    // live is live for the store, too.
    let open = |env: &Env, _: Opening| {
        Ok::<_, Infallible>(FromTowerSessions::with_clock(MemoryStore::default(), env.clock()))
    };
    let mut subject = StoreSubject::new("tower-sessions", "0.15", open, StoreHooks::default()).unwrap();
    let report = run(&mut subject, &Config::default(), &mut |_| {});
    let held = report.rules.iter().filter(|rule| rule.status == Outcome::Pass).count();
    let broken: Vec<_> = report
        .rules
        .iter()
        // Threads that meet between the bridge's two steps may find what it cannot give.
        .filter(|rule| !rule.rule.rule().id.starts_with("concurrent."))
        .filter(|rule| !rule.status.is_success(rule.rule.rule().level))
        .map(|rule| (rule.rule.rule().id, rule.status))
        .collect();
    assert_eq!(broken, []);
    assert!(held > 80, "{held}");
}
