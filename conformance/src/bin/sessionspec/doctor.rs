//! `sessionspec doctor`: is it my adapter, or my store? Checks the protocol step by step, before any rule.

use session_conformance::doctor::{Check, examine};
use session_conformance::subject::AdapterCommand;

use crate::Finding;
use crate::output::{command, print};
use crate::target::Target;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The adapter
    #[arg(long, value_name = "PROGRAM ARGS")]
    cmd: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    let checks = examine(&AdapterCommand::parse(&arguments.cmd)?);
    for Check { what, result, .. } in &checks {
        match result {
            Ok(seen) => print(&format!("ok    {what}: {seen}\n"))?,
            Err(fault) => print(&format!("WRONG {what}: {fault}\n"))?,
        }
    }
    if checks.iter().all(|check| check.result.is_ok()) {
        let options = Target::adapter(&arguments.cmd)?.options();
        let next = format!("run the suite with: {} run {options}", command());
        print(&format!("the adapter speaks the protocol; {next}\n"))?;
        Ok(Finding::Held)
    } else {
        Err("the adapter does not speak the protocol; the guide is docs/guides/adapter.md".into())
    }
}
