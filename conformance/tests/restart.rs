//! A Rust test program whose store reads the system's clock: it starts itself again under a clock that is moved. It has
//! a `main` of its own, since that has to be the first thing done.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::process::ExitCode;

use session_backends::MemoryStore;
use session_conformance::manifest::ClockLevel;
use session_conformance::moved::{Restart, hooks, restart};
use session_conformance::report::Outcome;
use session_conformance::subject::{Env, Opening, StoreHooks, StoreSubject};
use session_conformance::suite::{Config, run};
use session_core::SystemClock;

fn main() -> ExitCode {
    let clock = match restart() {
        Ok(Restart::Under(clock)) => clock,
        Ok(Restart::Ended(code)) => return code,
        Err(reason) => {
            println!("not run: {reason}");
            return ExitCode::SUCCESS;
        }
    };
    let hooks = hooks(StoreHooks::default(), clock).unwrap();
    let open = |_: &Env, _: Opening| Ok::<_, std::io::Error>(MemoryStore::with_clock(1_000, SystemClock));
    let mut subject = StoreSubject::new("memory", "", open, hooks).unwrap();
    let report = run(&mut subject, &Config::default().with_cases(100), &mut |_| {});
    assert_eq!(report.manifest.clock, ClockLevel::Moved);
    assert!(report.is_success(), "{:#?}", report.failures);
    let is_proven =
        |id: &str| report.rules.iter().any(|rule| rule.rule.rule().id == id && rule.status == Outcome::Pass);
    for rule in ["expiry.at", "expiry.boundary", "expiry.not-early"] {
        assert!(is_proven(rule), "{rule} has not passed");
    }
    println!("a store on the system's clock held {} steps of the suite", report.steps);
    ExitCode::SUCCESS
}
