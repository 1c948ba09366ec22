//! `sessionspec serve`: a store, or the reference model, as an adapter.

use session_conformance::protocol;

use crate::Finding;
use crate::store::STORES;
use crate::target::Target;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(long, value_name = "NAME|URL", required_unless_present = "model", help = STORES)]
    store: Option<String>,
    /// Serve the reference model
    #[arg(long, conflicts_with = "store")]
    model: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    let name = arguments.store.as_deref().filter(|_| !arguments.model).unwrap_or("model");
    let mut subject = Target::store(name)?.subject()?;
    let (stdin, stdout) = (std::io::stdin().lock(), std::io::stdout().lock());
    protocol::serve(&mut *subject, stdin, stdout).map_err(|error| format!("serving {name}: {error}"))?;
    Ok(Finding::Held)
}
