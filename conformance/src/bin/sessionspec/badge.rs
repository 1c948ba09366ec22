//! `sessionspec badge`: a small picture that says how a report ended.

use std::path::PathBuf;

use session_conformance::report::badge;

use crate::Finding;
use crate::diff::read;
use crate::output::print;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The report, as `run --report json=FILE` wrote it
    #[arg(value_name = "REPORT.json")]
    report: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    print(&badge(&read(&arguments.report)?))?;
    Ok(Finding::Held)
}
