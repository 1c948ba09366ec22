//! `sessionspec replay`: one trace or schedule on one subject, step by step.

use std::fs;
use std::path::PathBuf;

use session_conformance::model::Errata;
use session_conformance::report::{
    Failure, ScheduleFailure, counted, schedule_block, transcript, whole_block,
};
use session_conformance::runner::{Coverage, Verdict, lacking, run_trace};
use session_conformance::schedule::Schedule;
use session_conformance::trace::TraceFile;

use crate::Finding;
use crate::output::{paint, print};
use crate::target::TargetArguments;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The trace or schedule, as `run` leaves it in target/sessionspec
    #[arg(value_name = "TRACE.jsonl")]
    trace: PathBuf,
    #[command(flatten)]
    target: TargetArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    let shown = arguments.trace.display();
    let text =
        fs::read_to_string(&arguments.trace).map_err(|error| format!("cannot read {shown}: {error}"))?;
    if Schedule::is_one(&text) {
        return carry_out(arguments, &text);
    }
    let file = TraceFile::parse(&text).map_err(|error| format!("{shown}: {error}"))?;
    let target = arguments.target.one()?;
    let mut subject = target.subject()?;
    if let Some(what) = lacking(&file.trace, subject.manifest()) {
        return Err(format!("{shown} asks for {what}, which {} does not offer", subject.manifest().name));
    }
    let mut coverage = Coverage::default();
    match run_trace(&mut *subject, &file.trace, Errata::Imitated, &mut coverage) {
        Verdict::Held { seen } => {
            let steps = counted(coverage.steps, "step");
            let held = format!("held: {steps} of {shown} on {}\n", subject.manifest().name);
            print(&(transcript(&file.trace, &seen) + &held))?;
            Ok(Finding::Held)
        }
        Verdict::Diverged(divergence) => {
            let failure = Failure::new(file.trace, *divergence);
            print(&paint(&whole_block(&failure, subject.manifest())))?;
            Ok(Finding::Broken)
        }
        Verdict::Faulted { step, fault, .. } => {
            let step = step.map_or("opening the storage".into(), |step| format!("step {}", step + 1));
            Err(format!("{step}: {fault}"))
        }
        other => Err(format!("the trace ended in a way that is not known here: {other:?}")),
    }
}

/// Replays a schedule.
fn carry_out(arguments: &Arguments, text: &str) -> Result<Finding, String> {
    let shown = arguments.trace.display();
    let schedule = Schedule::parse(text).map_err(|error| format!("{shown}: {error}"))?;
    let mut subject = arguments.target.one()?.subject()?;
    match ScheduleFailure::of(&mut *subject, &schedule).map_err(|fault| fault.to_string())? {
        None => {
            let moves = schedule.texts(&subject.manifest().parts).map(|one| one + "\n").collect::<String>();
            print(&format!("{moves}held: {shown} on {}\n", subject.manifest().name))?;
            Ok(Finding::Held)
        }
        Some(failure) => {
            print(&paint(&schedule_block(&failure, subject.manifest(), None)))?;
            Ok(Finding::Broken)
        }
    }
}
