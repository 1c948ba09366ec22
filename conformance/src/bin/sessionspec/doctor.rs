//! `sessionspec doctor`: is it my adapter, or my store? Checks the protocol step by step, before any rule.

use session_conformance::doctor::{Check, examine};
use session_conformance::subject::AdapterCommand;

use crate::Finding;
use crate::target::Target;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The adapter
    #[arg(long, value_name = "PROGRAM ARGS")]
    cmd: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    let command = AdapterCommand::parse(&arguments.cmd)?;
    let checks = examine(&command);
    for Check { what, result, .. } in &checks {
        match result {
            Ok(seen) => println!("ok    {what}: {seen}"),
            Err(fault) => println!("WRONG {what}: {fault}"),
        }
    }
    if checks.iter().all(|check| check.result.is_ok()) {
        let options = Target::adapter(&arguments.cmd)?.options();
        println!("the adapter speaks the protocol; run the suite with: sessionspec run {options}");
        Ok(Finding::Held)
    } else {
        Err("the adapter does not speak the protocol; the guide is docs/guides/adapter.md".into())
    }
}
