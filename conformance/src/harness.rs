//! The fronts for the author of a Rust store: one test per rule under `cargo test`, and a single trace as
//! a regression test.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use session_core::SessionStore;

use crate::model::Errata;
use crate::report::{
    Failure, Outcome, Replay, ScheduleFailure, SubjectReport, failure_block, schedule_block, write_artifacts,
    write_schedule,
};
use crate::rule::RuleId;
use crate::runner::{Coverage, Verdict, run_trace};
use crate::schedule::Schedule;
use crate::subject::{Env, StoreHooks, StoreSubject, Subject};
use crate::suite::{Config, run};
use crate::trace::TraceFile;

/// Where failures leave their traces.
pub const ARTIFACTS: &str = "target/sessionspec";

/// The variable that makes a test program run one trace file instead of the suite.
const REPLAY: &str = "SESSIONSPEC_TRACE";

/// Runs the suite on a store as a test program: a test per rule, with the usual arguments of `cargo test`.
/// Rules that do not apply to the store are listed as ignored.
///
/// The store is opened afresh for every trace, in an environment that gives it a directory and the clock.
/// A second opening in the same environment is a restart, or a second handle.
///
/// With the environment variable `SESSIONSPEC_TRACE` set to a trace file, that one trace is run instead.
pub fn main<S, E>(open: impl Fn(&Env) -> Result<S, E> + Send + Sync + 'static) -> ExitCode
where
    S: SessionStore + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    if let Some(path) = std::env::var_os(REPLAY) {
        return replay(open, Path::new(&path));
    }
    let arguments = Arguments::from_args();
    let name = store_name::<S>();
    let open = Arc::new(open);
    let opener = Arc::clone(&open);
    // The capabilities must be known when the tests are listed: a skip that is decided later would be
    // shown as passed by some runners.
    let subject = StoreSubject::new(&name, "", move |env: &Env, _| opener(env), StoreHooks::default());
    let manifest = match subject {
        Ok(subject) => subject.manifest().clone(),
        Err(fault) => {
            eprintln!("{name}: {fault}");
            return ExitCode::from(2);
        }
    };
    let report: Arc<OnceLock<Result<SubjectReport, String>>> = Arc::default();
    let trials = RuleId::of_stores().chain(RuleId::of_schedules()).map(|rule| {
        let clause = rule.rule();
        let unmet = clause.needs.iter().find_map(|need| need.unmet_by(&manifest));
        let (open, report, name) = (Arc::clone(&open), Arc::clone(&report), name.clone());
        let trial = Trial::test(clause.id, move || {
            let report = report.get_or_init(|| {
                let open = Arc::clone(&open);
                StoreSubject::new(&name, "", move |env: &Env, _| open(env), StoreHooks::default())
                    .map(|mut subject| run(&mut subject, &Config::default(), &mut |_| {}))
                    .map_err(|fault| fault.to_string())
            });
            match report {
                Ok(report) => verdict(report, rule),
                Err(reason) => Err(Failed::from(reason)),
            }
        });
        trial.with_ignored_flag(unmet.is_some()).with_kind(clause.level.to_string())
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn verdict(report: &SubjectReport, rule: RuleId) -> Result<(), Failed> {
    let result = report.rules.iter().find(|result| result.rule == rule);
    let Some(result) = result else { return Err(Failed::from("the rule is not in the report")) };
    if let Some(failure) = report.failures.iter().find(|failure| failure.rule == rule) {
        let artifacts = write_artifacts(Path::new(ARTIFACTS), rule, &failure.trace).ok();
        let artifacts = artifacts.as_ref().map(|artifacts| (artifacts, &replay_command as &Replay));
        return Err(Failed::from(failure_block(failure, &report.manifest, artifacts)));
    }
    if let Some(failure) = report.schedule_failures.iter().find(|failure| failure.violation.rule == rule) {
        let artifacts =
            failure.schedule.as_ref().and_then(|one| write_schedule(Path::new(ARTIFACTS), rule, one).ok());
        let artifacts = artifacts.as_ref().map(|artifacts| (artifacts, &replay_command as &Replay));
        return Err(Failed::from(schedule_block(failure, &report.manifest, artifacts)));
    }
    // A test can only pass or fail: a rule of which nothing is known has not passed.
    if result.status.is_success(rule.rule().level) && result.status != Outcome::NotExercised {
        return Ok(());
    }
    Err(Failed::from(format!("{}: {}", result.status.name(), result.reason.as_deref().unwrap_or_default())))
}

fn replay_command(trace: &Path) -> String {
    format!("{REPLAY}={} cargo test --test conformance", trace.display())
}

/// Runs the trace in a file; for the command that a failure prints.
fn replay<S, E>(open: impl Fn(&Env) -> Result<S, E>, path: &Path) -> ExitCode
where
    S: SessionStore,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("cannot read {}: {error}", path.display());
            return ExitCode::from(2);
        }
    };
    match hold(open, &text) {
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

/// Runs one trace or schedule on a store, as a regression test. The text is its file.
///
/// # Panics
/// If the trace does not hold, with the failure as the suite shows it; or if it is no trace.
pub fn check_trace<S, E>(open: impl Fn(&Env) -> Result<S, E>, trace: &str)
where
    S: SessionStore,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    match hold(open, trace) {
        Ok(()) => {}
        Err(ReplayError::Broken(block)) => panic!("\n{block}"),
        Err(ReplayError::Undriven(reason)) => panic!("{reason}"),
    }
}

/// Why a trace did not hold.
enum ReplayError {
    /// A rule was broken; the failure as a reader sees it.
    Broken(String),
    /// The trace could not be read, or the store not be opened.
    Undriven(String),
}

fn hold<S, E>(open: impl Fn(&Env) -> Result<S, E>, trace: &str) -> Result<(), ReplayError>
where
    S: SessionStore,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let open = |env: &Env, _| open(env);
    let mut subject = StoreSubject::new(&store_name::<S>(), "", open, StoreHooks::default())
        .map_err(|fault| ReplayError::Undriven(fault.to_string()))?;
    if Schedule::is_one(trace) {
        let schedule = Schedule::parse(trace).map_err(ReplayError::Undriven)?;
        return match ScheduleFailure::of(&mut subject, &schedule) {
            Ok(None) => Ok(()),
            Ok(Some(failure)) => Err(ReplayError::Broken(schedule_block(&failure, subject.manifest(), None))),
            Err(fault) => Err(ReplayError::Undriven(fault.to_string())),
        };
    }
    let file = TraceFile::parse(trace).map_err(|error| ReplayError::Undriven(error.to_string()))?;
    match run_trace(&mut subject, &file.trace, Errata::Imitated, &mut Coverage::default()) {
        Verdict::Held { .. } => Ok(()),
        Verdict::Faulted { fault, .. } => Err(ReplayError::Undriven(fault.to_string())),
        Verdict::Diverged(divergence) => {
            let failure = Failure::new(file.trace, *divergence);
            Err(ReplayError::Broken(failure_block(&failure, subject.manifest(), None)))
        }
    }
}
