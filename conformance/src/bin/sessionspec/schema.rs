//! `sessionspec schema`: the JSON schemas of what goes in and out.

use session_conformance::{report, trace, wire};

use crate::Finding;
use crate::output::print;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Of what
    #[arg(value_enum)]
    what: What,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    Protocol,
    Report,
    Trace,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    let schema = match arguments.what {
        What::Protocol => wire::schema(),
        What::Report => report::schema(),
        What::Trace => trace::schema(),
    };
    print(&format!("{schema:#}\n"))?;
    Ok(Finding::Held)
}
