//! `sessionspec diff`: what changed between two reports.

use std::fs;
use std::path::{Path, PathBuf};

use session_conformance::report::{Difference, Written};

use crate::Finding;
use crate::output::print;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The report before, as `run --report json=FILE` wrote it
    #[arg(value_name = "OLD.json")]
    old: PathBuf,
    /// The report after
    #[arg(value_name = "NEW.json")]
    new: PathBuf,
    /// A step may take so many times as long as before
    #[arg(long, value_name = "FACTOR", default_value_t = 2.0, value_parser = parse_factor)]
    slower: f64,
}

fn parse_factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if factor >= 1.0 => Ok(factor),
        _ => Err("a factor is a number from 1, as in 1.5".into()),
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    let (old, new) = (read(&arguments.old)?, read(&arguments.new)?);
    let difference = Difference::of(&old, &new, arguments.slower);
    print(&difference.to_string())?;
    Ok(if difference.is_worse() { Finding::Broken } else { Finding::Held })
}

/// Reads a report.
pub(crate) fn read(path: &Path) -> Result<Written, String> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    Written::parse(&text).map_err(|error| format!("{shown}: {error}"))
}
