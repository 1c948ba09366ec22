//! The fronts for the author of a Rust store: one test per rule under `cargo test`, and a single trace as
//! a regression test.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};
use session_core::SessionStore;

use crate::report::{Failure, Outcome, SubjectReport, failure_block, write_artifacts};
use crate::rule::RuleId;
use crate::runner::{Coverage, Errata, Verdict, run_trace};
use crate::subject::{Env, StoreHooks, StoreSubject};
use crate::suite::{Config, run};
use crate::trace::TraceFile;

/// Where failures leave their traces.
pub const ARTIFACTS: &str = "target/sessionspec";

/// Runs the suite on a store as a test program: a test per rule, with the usual arguments of `cargo test`.
/// Rules that do not apply to the store are listed as ignored.
///
/// The store is opened afresh for every trace, in an environment that gives it a directory and the clock.
/// A second opening in the same environment is a restart, or a second handle.
pub fn main<S, E>(open: impl Fn(&Env) -> Result<S, E> + Send + Sync + 'static) -> ExitCode
where
    S: SessionStore + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    let arguments = Arguments::from_args();
    let name = store_name::<S>();
    let open = Arc::new(open);
    let opener = Arc::clone(&open);
    // The capabilities must be known when the tests are listed: a skip that is decided later would be
    // shown as passed by some runners.
    let subject = StoreSubject::new(&name, "", move |env: &Env, _| opener(env), StoreHooks::default());
    let manifest = match subject {
        Ok(subject) => crate::subject::Subject::manifest(&subject).clone(),
        Err(fault) => {
            eprintln!("{name}: {fault}");
            return ExitCode::from(2);
        }
    };
    let report: Arc<OnceLock<Result<SubjectReport, String>>> = Arc::default();
    let trials = RuleId::all().map(|rule| {
        let clause = rule.rule();
        let unmet = clause.needs.iter().find_map(|need| need.unmet_by(&manifest));
        let (open, report, name) = (Arc::clone(&open), Arc::clone(&report), name.clone());
        let trial = Trial::test(clause.id, move || {
            let report = report.get_or_init(|| {
                let open = Arc::clone(&open);
                StoreSubject::new(&name, "", move |env: &Env, _| open(env), StoreHooks::default())
                    .map(|mut subject| run(&mut subject, &Config::default(), &mut |_, _| {}))
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
    let Some(result) = report.rules.iter().find(|result| result.rule == rule) else {
        return Err(Failed::from("the rule is not in the report"));
    };
    if let Some(failure) = report.failures.iter().find(|failure| failure.rule == rule) {
        let artifacts = write_artifacts(Path::new(ARTIFACTS), rule, &failure.trace).ok();
        return Err(Failed::from(block(failure, report, artifacts.as_ref())));
    }
    if result.status.is_success(rule.rule().level) || result.status == Outcome::NotExercised {
        // What no trace reached is told by the command line's report; a test cannot say "unknown".
        return if result.status == Outcome::NotExercised {
            Err(Failed::from("not exercised: no trace got as far as this rule, because of other failures"))
        } else {
            Ok(())
        };
    }
    Err(Failed::from(format!("{}: {}", result.status.name(), result.reason.as_deref().unwrap_or_default())))
}

fn block(failure: &Failure, report: &SubjectReport, artifacts: Option<&crate::report::Artifacts>) -> String {
    failure_block(failure, &report.manifest, "--store …", artifacts)
}

/// The last part of a type's name, which is how its author calls it.
fn store_name<S>() -> String {
    let name = std::any::type_name::<S>();
    let plain = name.split('<').next().unwrap_or(name);
    plain.rsplit("::").next().unwrap_or(plain).to_owned()
}

/// Runs one trace on a store, as a regression test. The text is a trace file.
///
/// # Panics
/// If the trace does not hold, with the failure as the suite shows it; or if it is no trace.
pub fn check_trace<S, E>(open: impl Fn(&Env) -> Result<S, E>, trace: &str)
where
    S: SessionStore,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let file = TraceFile::parse(trace).unwrap_or_else(|error| panic!("{error}"));
    let name = store_name::<S>();
    let mut subject = StoreSubject::new(&name, "", |env: &Env, _| open(env), StoreHooks::default())
        .unwrap_or_else(|fault| panic!("{fault}"));
    let manifest = crate::subject::Subject::manifest(&subject).clone();
    match run_trace(&mut subject, &file.trace, Errata::Imitated, &mut Coverage::default()) {
        Verdict::Held => {}
        Verdict::Faulted { fault, .. } => panic!("{name}: {fault}"),
        Verdict::Diverged(divergence) => {
            let rule = divergence.rules[0];
            let failure = Failure {
                rule,
                also: divergence.rules[1..].to_vec(),
                seed: 0,
                original_steps: file.trace.steps.len(),
                trace: file.trace,
                divergence: *divergence,
            };
            panic!("\n{}", failure_block(&failure, &manifest, "--store …", None));
        }
    }
}
