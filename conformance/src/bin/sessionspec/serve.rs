//! `sessionspec serve`: a store, or the reference model, as an adapter.

use session_conformance::protocol;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

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
    log()?;
    let name = arguments.store.as_deref().filter(|_| !arguments.model).unwrap_or("model");
    let mut subject = Target::store(name)?.subject()?;
    let (stdin, stdout) = (std::io::stdin().lock(), std::io::stdout());
    protocol::serve(&mut *subject, stdin, stdout).map_err(|error| format!("serving {name}: {error}"))?;
    Ok(Finding::Held)
}

/// Standard output is the protocol's, so the log is standard error: what the variable `RUST_LOG` asks for, as in
/// `debug` or `session_backends=trace`.
fn log() -> Result<(), String> {
    let Ok(wanted) = std::env::var("RUST_LOG") else { return Ok(()) };
    let targets: Targets = wanted.parse().map_err(|error| format!("RUST_LOG={wanted}: {error}"))?;
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry()
        .with(layer.with_filter(targets))
        .try_init()
        .map_err(|error| format!("no log can be kept: {error}"))
}
