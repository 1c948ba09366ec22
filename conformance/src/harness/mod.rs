//! The fronts for the author of a Rust store: one test per rule under `cargo test`, and a single trace as
//! a regression test.
//!
//! - `builder.rs`: the suite on a store, with everything that can be said about both
//! - `program.rs`: the test program as cargo knows it
//! - `shared.rs`: one run for all the processes of `cargo nextest run`

mod builder;
mod program;
mod shared;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Failed, Trial};
use session_core::SessionStore;

use crate::model::Errata;
use crate::moved::{Restart, restart};
use crate::protocol::serve_store;
use crate::report::{
    Failure, Outcome, Replay, ScheduleFailure, SubjectReport, ended_block, failure_block, schedule_block,
    whole_block, write_artifacts, write_schedule,
};
use crate::rule::RuleId;
use crate::runner::{Coverage, Verdict, lacking, run_trace};
use crate::schedule::Schedule;
use crate::subject::{Env, Subject};
use crate::trace::TraceFile;

pub use builder::Suite;
use shared::Verdicts;

/// Where `sessionspec` leaves the traces of failures, below the present directory.
pub const ARTIFACTS: &str = "target/sessionspec";

/// Runs the suite on a store as a test program: a test per rule, with the usual arguments of `cargo test`.
/// Rules that do not apply to the store are listed as ignored.
///
/// The store is opened afresh for every trace, in an environment that gives it a directory and the clock.
/// A second opening in the same environment is a restart, or a second handle.
///
/// With the environment variable `SESSIONSPEC_TRACE` set to a trace file, that one trace is run instead.
///
/// A store that is opened by a future, or of which there is more to say, has [`Suite`].
///
/// ```no_run
/// use session_backends::MemoryStore;
///
/// fn main() -> std::process::ExitCode {
///     session_conformance::main(|env| Ok::<_, std::io::Error>(MemoryStore::with_clock(10_000, env.clock())))
/// }
/// ```
pub fn main<S, E>(open: impl Fn(&Env) -> Result<S, E> + Send + Sync + 'static) -> ExitCode
where
    S: SessionStore + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    Suite::at_once(open).main()
}

/// Runs one trace or schedule on a store, as a regression test. The text is its file.
///
/// # Panics
/// If the trace does not hold, with the failure as the suite shows it; or if it is no trace.
pub fn check_trace<S, E>(open: impl Fn(&Env) -> Result<S, E> + Send + Sync + 'static, trace: &str)
where
    S: SessionStore + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    Suite::at_once(open).check(trace);
}

/// A suite as a test program.
fn test_program(suite: Suite) -> ExitCode {
    if program::serves() {
        return serve(&suite);
    }
    // Where clocks cannot be moved, the report says so.
    if suite.is_moved()
        && let Ok(Restart::Ended(code)) = restart()
    {
        return code;
    }
    if let Some(path) = std::env::var_os(program::REPLAY) {
        return replay(&suite, Path::new(&path));
    }
    let arguments = Arguments::from_args();
    // The capabilities must be known when the tests are listed: a skip that is decided later would be
    // shown as passed by some runners.
    let manifest = match suite.subject() {
        Ok(subject) => subject.manifest().clone(),
        Err(fault) => {
            eprintln!("{}: {fault}", suite.store());
            return ExitCode::from(2);
        }
    };
    let suite = std::sync::Arc::new((suite, OnceLock::<Result<Verdicts, String>>::new()));
    let trials = RuleId::of_stores().chain(RuleId::of_schedules()).map(|rule| {
        let clause = rule.rule();
        let unmet = clause.needs.iter().find_map(|need| need.unmet_by(&manifest));
        let suite = std::sync::Arc::clone(&suite);
        let trial = Trial::test(clause.id, move || {
            let (suite, verdicts) = &*suite;
            let all = verdicts.get_or_init(|| {
                shared::verdicts(&program::artifacts(), || suite.report().map(|it| told(&it)))
            });
            match all.as_ref().map(|all| all.get(clause.id)) {
                Ok(Some(None)) => Ok(()),
                Ok(Some(Some(failure))) => Err(Failed::from(failure)),
                Ok(None) => Err(Failed::from("the rule is not in the report")),
                Err(reason) => Err(Failed::from(reason)),
            }
        });
        trial.with_ignored_flag(unmet.is_some()).with_kind(clause.level.to_string())
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// What a reader is told of each rule.
fn told(report: &SubjectReport) -> Verdicts {
    report
        .rules
        .iter()
        .map(|result| (result.rule.rule().id.to_owned(), told_of(report, result.rule)))
        .collect()
}

/// What a reader is told of a rule that did not hold.
fn told_of(report: &SubjectReport, rule: RuleId) -> Option<String> {
    let directory = program::artifacts();
    let replay: &Replay = &program::replay_command;
    if let Some(failure) = report.failures.iter().find(|failure| failure.rule == rule) {
        let artifacts = write_artifacts(&directory, rule, &failure.trace).ok();
        let artifacts = artifacts.as_ref().map(|artifacts| (artifacts, replay));
        return Some(failure_block(failure, &report.manifest, artifacts));
    }
    if let Some(failure) = report.schedule_failures.iter().find(|failure| failure.violation.rule == rule) {
        let artifacts = failure.schedule.as_ref().and_then(|one| write_schedule(&directory, rule, one).ok());
        let artifacts = artifacts.as_ref().map(|artifacts| (artifacts, replay));
        return Some(schedule_block(failure, &report.manifest, artifacts));
    }
    let result = report.rules.iter().find(|result| result.rule == rule)?;
    // A test can only pass or fail: a rule of which nothing is known has not passed.
    if result.status.is_success(rule.rule().level) && result.status != Outcome::NotExercised {
        return None;
    }
    let reason = result.reason.as_deref().unwrap_or_default();
    let artifacts = result.trace.as_ref().and_then(|trace| write_artifacts(&directory, rule, trace).ok());
    let ended =
        ended_block(result, &report.manifest, artifacts.as_ref().map(|artifacts| (artifacts, replay)));
    let again = || artifacts.as_ref().map(|artifacts| format!("  replay: {}\n", replay(&artifacts.trace)));
    ended.or_else(|| Some(format!("{}: {reason}\n{}", result.status.name(), again().unwrap_or_default())))
}

/// Serves the store as an adapter does, until nobody asks any more.
fn serve(suite: &Suite) -> ExitCode {
    let served = suite.served().map_err(|fault| fault.to_string()).and_then(|mut subject| {
        // Not locked: a store that prints, on another thread, is told what is wrong, and does not hang.
        serve_store(&mut *subject, std::io::stdin().lock(), std::io::stdout())
            .map_err(|error| error.to_string())
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{}: {reason}", suite.store());
            ExitCode::from(2)
        }
    }
}

/// Runs the trace in a file; for the command that a failure prints.
fn replay(suite: &Suite, path: &Path) -> ExitCode {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("cannot read {}: {error}", path.display());
            return ExitCode::from(2);
        }
    };
    match hold(suite, &text) {
        Ok(()) => {
            println!("held: {}", path.display());
            ExitCode::SUCCESS
        }
        Err(ReplayError::Broken(block)) => {
            print!("{block}");
            ExitCode::from(1)
        }
        Err(ReplayError::Undriven(reason)) => {
            eprintln!("{}: {reason}", path.display());
            ExitCode::from(2)
        }
    }
}

/// The last part of a type's name, which is how its author calls it.
fn store_name<S>() -> String {
    let name = std::any::type_name::<S>();
    let plain = name.split('<').next().unwrap_or(name);
    plain.rsplit("::").next().unwrap_or(plain).to_owned()
}

/// Why a trace did not hold.
enum ReplayError {
    /// A rule was broken; the failure as a reader sees it.
    Broken(String),
    /// The trace could not be read, or the store not be opened.
    Undriven(String),
}

fn hold(suite: &Suite, trace: &str) -> Result<(), ReplayError> {
    let mut subject = suite.subject().map_err(|fault| ReplayError::Undriven(fault.to_string()))?;
    if Schedule::is_one(trace) {
        let schedule = Schedule::parse(trace).map_err(ReplayError::Undriven)?;
        return match ScheduleFailure::of(&mut subject, &schedule) {
            Ok(None) => Ok(()),
            Ok(Some(failure)) => Err(ReplayError::Broken(schedule_block(&failure, subject.manifest(), None))),
            Err(fault) => Err(ReplayError::Undriven(fault.to_string())),
        };
    }
    let file = TraceFile::parse(trace).map_err(|error| ReplayError::Undriven(error.to_string()))?;
    if let Some(what) = lacking(&file.trace, subject.manifest()) {
        return Err(ReplayError::Undriven(format!(
            "the trace asks for {what}, which nobody declared for this store: see `Suite::with_bulk` and `Suite::other_storage`"
        )));
    }
    match run_trace(&mut subject, &file.trace, Errata::Imitated, &mut Coverage::default()) {
        Verdict::Held { .. } => Ok(()),
        Verdict::Faulted { fault, .. } => Err(ReplayError::Undriven(fault.to_string())),
        Verdict::Diverged(divergence) => {
            let failure = Failure::new(file.trace, *divergence);
            Err(ReplayError::Broken(whole_block(&failure, subject.manifest())))
        }
    }
}
