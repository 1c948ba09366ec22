//! A store that reads the clock of its program, beside a PostgreSQL that the suite has started for it: both have one clock. The
//! program starts itself again under that, so that it has a `main` of its own.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

mod beside;

use std::convert::Infallible;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use beside::{Beside, With};
use session_backends::MemoryStore;
use session_conformance::Suite;
use session_conformance::manifest::ClockLevel;
use session_conformance::moved::{Restart, restart};
use session_conformance::report::Outcome;
use session_conformance::server::ServerKind;
use session_core::SystemClock;

/// Looks what time it is on the server, whenever a session is loaded.
struct Looking {
    server: String,
}

impl Beside for Looking {
    async fn load(&self) {
        let mut ask = Command::new("psql");
        ask.args(["--no-psqlrc", "--tuples-only", "--no-align", "--dbname", &self.server]);
        ask.args(["--command", "SELECT floor(extract(epoch FROM clock_timestamp()))::bigint"]);
        let told: u64 = String::from_utf8(ask.output().unwrap().stdout).unwrap().trim().parse().unwrap();
        let own = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(Duration::from_secs(told), Duration::from_secs(own.as_secs()));
    }
}

fn main() -> ExitCode {
    if !std::env::args().any(|argument| argument == "--include-ignored") {
        println!("not run: it needs PostgreSQL: cargo xtask services-gate");
        return ExitCode::SUCCESS;
    }
    match restart() {
        Ok(Restart::Under(_)) => {}
        Ok(Restart::Ended(code)) => return code,
        Err(reason) => {
            println!("not run: {reason}");
            return ExitCode::SUCCESS;
        }
    }
    let suite = Suite::new(async |env, _| {
        let memory = Arc::new(MemoryStore::with_clock(1_000, SystemClock));
        Ok::<_, Infallible>(With::over(memory, Looking { server: env.server().to_owned() }))
    });
    let suite = suite.server(ServerKind::Postgres).clock(ClockLevel::Moved).rules("expiry.boundary").cases(0);
    let report = suite.report().unwrap();
    assert_eq!(report.manifest.clock, ClockLevel::Moved);
    let proven = report.rules.iter().find(|rule| rule.rule.rule().id == "expiry.boundary").unwrap();
    assert_eq!(proven.status, Outcome::Pass, "{:#?}", report.failures);
    ExitCode::SUCCESS
}
