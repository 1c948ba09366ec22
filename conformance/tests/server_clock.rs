//! A store that reads the clock of its program, beside a PostgreSQL that the suite has started for it: both have one clock, also
//! where the program is an adapter (`--serve`). It starts itself again under that clock, so that it has a `main` of its own.

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
use session_conformance::report::{Outcome, SubjectReport};
use session_conformance::server::ServerKind;
use session_conformance::subject::{AdapterCommand, process_subject};
use session_conformance::suite::{Config, run};
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

fn suite() -> Suite {
    let suite = Suite::new(async |env, _| {
        let memory = Arc::new(MemoryStore::with_clock(1_000, SystemClock));
        Ok::<_, Infallible>(With::over(memory, Looking { server: env.server().to_owned() }))
    });
    suite.server(ServerKind::Postgres).clock(ClockLevel::Moved).rules("expiry.boundary").cases(0)
}

fn is_proven(report: &SubjectReport) {
    assert_eq!(report.manifest.clock, ClockLevel::Moved);
    let boundary = report.rules.iter().find(|rule| rule.rule.rule().id == "expiry.boundary").unwrap();
    assert_eq!(boundary.status, Outcome::Pass, "{:#?}", report.failures);
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--serve") {
        return suite().main();
    }
    if !std::env::args().any(|argument| argument == "--include-ignored") {
        println!("not run: it needs PostgreSQL: cargo xtask services-gate");
        return ExitCode::SUCCESS;
    }
    match restart() {
        Ok(Restart::Under(_)) => {}
        Ok(Restart::Ended(ExitCode::SUCCESS)) => {
            let adapter = AdapterCommand::new(std::env::current_exe().unwrap(), ["--serve"]);
            let mut served = process_subject(&adapter).unwrap();
            let config = Config::default().with_cases(0).with_rules("expiry.boundary");
            is_proven(&run(&mut *served, &config, &mut |_| {}));
            return ExitCode::SUCCESS;
        }
        Ok(Restart::Ended(code)) => return code,
        Err(reason) => {
            println!("not run: {reason}");
            return ExitCode::SUCCESS;
        }
    }
    is_proven(&suite().report().unwrap());
    ExitCode::SUCCESS
}
