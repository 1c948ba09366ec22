//! What a command is to drive: a store by name or URL, or an adapter by its command line.

use std::path::Path;

use session_conformance::subject::{AdapterCommand, Subject, process_subject};

use crate::new::quoted;
use crate::store::{STORES, Store};

/// What to drive.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// An embedded store or a URL.
    Store(Store),
    /// An adapter.
    Adapter {
        /// As it was given.
        line: String,
        /// As it is started.
        command: AdapterCommand,
    },
}

/// Which subjects a command is to drive.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArguments {
    #[arg(long, value_name = "NAME|URL", help = STORES)]
    store: Vec<String>,
    /// An adapter that speaks the protocol on its standard input and output
    #[arg(long, value_name = "PROGRAM ARGS")]
    cmd: Vec<String>,
}

impl TargetArguments {
    /// The targets that were named.
    pub(crate) fn named(&self) -> Result<Vec<Target>, String> {
        let stores = self.store.iter().map(|name| Target::store(name));
        let adapters = self.cmd.iter().map(|line| Target::adapter(line));
        stores.chain(adapters).collect()
    }

    /// Whether any was named.
    pub(crate) fn is_named(&self) -> bool {
        !self.store.is_empty() || !self.cmd.is_empty()
    }

    /// The one target that was named.
    pub(crate) fn one(&self) -> Result<Target, String> {
        let mut targets = self.named()?;
        match (targets.pop(), targets.is_empty()) {
            (Some(target), true) => Ok(target),
            _ => Err("name one subject with --store or --cmd".into()),
        }
    }
}

impl Target {
    /// The store of this name or URL.
    pub(crate) fn store(name: &str) -> Result<Self, String> {
        Store::parse(name).map(Self::Store)
    }

    /// The adapter that this command line starts.
    pub(crate) fn adapter(line: &str) -> Result<Self, String> {
        Ok(Self::Adapter { line: line.into(), command: AdapterCommand::parse(line)? })
    }

    /// The options that name this target again.
    pub(crate) fn options(&self) -> String {
        match self {
            Self::Store(store) => format!("--store {}", quoted(&store.option())),
            Self::Adapter { line, .. } => format!("--cmd {}", quoted(line)),
        }
    }

    /// The file in the working directory that it is made of: the first word of an adapter's command line that is one.
    pub(crate) fn file(&self) -> Option<String> {
        let Self::Adapter { line, .. } = self else { return None };
        let is_file = |word: &String| Path::new(word).is_relative() && Path::new(word).is_file();
        shlex::split(line)?.into_iter().find(is_file)
    }

    /// Starts or opens it.
    pub(crate) fn subject(&self) -> Result<Box<dyn Subject>, String> {
        let subject = match self {
            Self::Adapter { command, .. } => process_subject(command),
            Self::Store(store) => store.subject(),
        };
        subject.map_err(|fault| format!("{}: {fault}", self.options()))
    }
}
