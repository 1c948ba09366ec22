//! `sessionspec schema`: the JSON schemas of what goes in and out.

use session_conformance::{protocol, report, trace};

use crate::Finding;

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

pub(crate) fn run(arguments: &Arguments) -> Finding {
    let schema = match arguments.what {
        What::Protocol => protocol::schema(),
        What::Report => report::schema(),
        What::Trace => trace::schema(),
    };
    println!("{schema:#}");
    Finding::Held
}
