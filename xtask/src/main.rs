//! Every gate that CI runs. This file only dispatches; each gate has a file of its own.

mod command;
mod files;
mod spec;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Gates of the sessionspec repository
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check that specification, golden traces and code agree
    Spec {
        /// Make the rule table and the lock file first
        #[arg(long)]
        write: bool,
    },
}

fn main() -> ExitCode {
    let root = root();
    let result = match Arguments::parse().task {
        Task::Spec { write } => spec::run(&root, write),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// The repository: the folder above this crate's.
fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// Why a gate is closed: which one, and what it found.
#[derive(Debug)]
pub(crate) struct Failure {
    gate: String,
    faults: Vec<String>,
}

impl Failure {
    fn one(gate: &str, fault: String) -> Self {
        Self { gate: gate.into(), faults: vec![fault] }
    }

    fn many(gate: &str, faults: Vec<String>) -> Self {
        Self { gate: gate.into(), faults }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: failed", self.gate)?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::one("input or output", error.to_string())
    }
}
