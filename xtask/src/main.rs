//! Every gate that CI runs. This file only dispatches; each gate has a file of its own.

mod adapters;
mod author;
mod bench;
mod book;
mod browser;
mod ci;
mod command;
mod commands;
mod dependencies;
mod django;
mod docs;
mod examples;
mod features;
mod files;
mod fuzz;
mod http;
mod login;
mod msrv;
mod mutants;
mod new;
mod outside;
mod packages;
mod pages;
mod platforms;
mod published;
mod python;
mod requests;
mod semver;
mod services;
mod site;
mod spec;
mod webdriver;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Gates of the sessionspec repository
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every gate
    Ci {
        /// Take a missing service (Python, Django) for an error, instead of leaving its gates out
        #[arg(long)]
        require_services: bool,
    },
    /// Check that specification, golden traces and code agree
    Spec {
        /// Make the rule table and the lock file first
        #[arg(long)]
        write: bool,
        /// With `--write`: clauses with another text and the same version mean what they meant
        #[arg(long, requires = "write")]
        reworded: bool,
    },
    /// Check the model against real Django, and that each side reads what the other wrote
    Django {
        /// Take a missing Python for an error
        #[arg(long)]
        require_services: bool,
        /// Only this version
        #[arg(long, value_name = "VERSION", value_parser = django::VERSIONS)]
        only: Option<String>,
        /// Generated traces per version of Django
        #[arg(long, default_value_t = django::CASES)]
        cases: usize,
        /// Write what is found into docs/django.md, which must say it otherwise
        #[arg(long)]
        write: bool,
    },
    /// Run the commands that README and guides print
    Commands {
        /// Take a missing Python for an error
        #[arg(long)]
        require_services: bool,
    },
    /// Hold stores of other people, in Node, PHP and Python, to every rule, by the adapters for them
    Adapters {
        /// Take a missing Python for an error; Node and PHP may be missing
        #[arg(long)]
        require_services: bool,
    },
    /// Run the suite on published stores and write what is found into docs/published.md; needs the network and minutes
    Published {
        /// Only the stores and programs with this text in their names
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
    },
    /// Check Django's site and the example on axum over HTTP
    Http {
        /// Take missing servers or a missing Python for an error
        #[arg(long)]
        require_services: bool,
    },
    /// Make the documents a site, in target/book, and check it
    Book,
    /// Try the example on axum, and look at the report and the site of the documents, in a real browser
    Browser {
        /// Take a missing browser for an error
        #[arg(long)]
        require_services: bool,
    },
    /// Start Redis, a Redis cluster, memcached and PostgreSQL, for a command or until the input ends
    Services {
        /// The command; it finds the URLs in its environment
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Run the suite on every server, and the tests that need them
    ServicesGate {
        /// Take missing servers for an error
        #[arg(long)]
        require_services: bool,
    },
    /// Build what the gates run
    Build,
    /// Check each feature without the others
    Features,
    /// Check what the dependencies bring: features that change other crates, licences, advisories
    Dependencies,
    /// Use session-core in a program outside the workspace
    Outside,
    /// Check that Windows and macOS can have it
    Platforms,
    /// Check that the oldest Rust that is promised builds it
    Msrv,
    /// Check that the crates' versions say what has changed since the newest release
    Semver,
    /// Check that the crates can be published; nothing is
    Packages {
        /// Also build each package from nothing but itself, which takes minutes
        #[arg(long)]
        verify: bool,
    },
    /// Try everything that is decoded with what a fuzzer invents
    Fuzz {
        /// How long for each decoder
        #[arg(long, default_value_t = fuzz::SECONDS)]
        seconds: u32,
        /// Only this one
        #[arg(long, value_name = "DECODER", value_parser = fuzz::names())]
        only: Option<String>,
    },
    /// Change our code in one place after the other, and see whether a test or the suite notices; takes hours
    Mutants {
        /// What is changed
        #[arg(value_enum, default_value = "core")]
        changed: mutants::Changed,
        /// Only these files, a pattern such as `session.rs`
        #[arg(long, value_name = "FILE")]
        only: Option<String>,
    },
    /// Check the documents: links, and the programs that the guides show
    Docs,
    /// Write the files of `sessionspec new` for each language, and run them as they are
    New,
    /// Break the example store and see whether its author would learn why
    Author,
    /// Run the benchmarks and write their figures into docs/performance.md
    Bench {
        /// Only this part of them; the other figures of the page stay
        #[arg(long, value_name = "PART")]
        only: Vec<bench::Part>,
    },
}

fn main() -> ExitCode {
    command::again_without_cargo();
    let root = root();
    let result = match Arguments::parse().task {
        Task::Ci { require_services } => ci::run(&root, policy(require_services)),
        Task::Spec { write, reworded } => {
            let mode = match (write, reworded) {
                (false, _) => spec::Mode::Check,
                (true, false) => spec::Mode::Write,
                (true, true) => spec::Mode::Reword,
            };
            spec::run(&root, mode)
        }
        Task::Django { require_services, only, cases, write } => {
            let page = if write { django::Page::Write } else { django::Page::Check };
            let only = only.as_deref();
            let versions = only.as_ref().map_or(&django::VERSIONS[..], std::slice::from_ref);
            django::run(&root, policy(require_services), versions, cases, page)
                .map(|ended| println!("{ended}"))
        }
        Task::Commands { require_services } => {
            commands::run(&root, policy(require_services)).map(|ended| println!("{ended}"))
        }
        Task::Adapters { require_services } => {
            adapters::run(&root, policy(require_services)).map(|ended| println!("{ended}"))
        }
        Task::Published { only } => published::run(&root, only.as_deref()),
        Task::Http { require_services } => {
            http::run(&root, policy(require_services)).map(|ended| println!("{ended}"))
        }
        Task::Book => book::run(&root),
        Task::Browser { require_services } => {
            browser::run(&root, policy(require_services)).map(|ended| println!("{ended}"))
        }
        Task::Services { command } => services::run(&root, &command),
        Task::ServicesGate { require_services } => {
            services::gate(&root, policy(require_services)).map(|ended| println!("{ended}"))
        }
        Task::Build => command::build(&root),
        Task::Features => features::run(&root),
        Task::Dependencies => dependencies::run(&root).map(|ended| println!("{ended}")),
        Task::Outside => outside::run(&root),
        Task::Platforms => platforms::run(&root).map(|ended| println!("{ended}")),
        Task::Msrv => msrv::run(&root).map(|ended| println!("{ended}")),
        Task::Semver => semver::run(&root).map(|ended| println!("{ended}")),
        Task::Packages { verify } => {
            let building = if verify { packages::Building::Wanted } else { packages::Building::LeftOut };
            packages::run(&root, building)
        }
        Task::Fuzz { seconds, only } => {
            fuzz::run(&root, seconds, only.as_deref()).map(|ended| println!("{ended}"))
        }
        Task::Mutants { changed, only } => {
            mutants::run(&root, changed, only.as_deref()).map(|ended| println!("{ended}"))
        }
        Task::Docs => docs::run(&root),
        Task::New => new::run(&root).map(|ended| println!("{ended}")),
        Task::Author => author::run(&root),
        Task::Bench { only } => bench::run(&root, &only),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// What a gate does when something it needs beside Rust is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Services {
    /// It is left out, and that is said.
    Optional,
    /// It fails.
    Required,
}

impl Services {
    /// How a gate ends that cannot run whole, for this reason.
    pub(crate) fn without(self, gate: &str, missing: String) -> Result<Ended, Failure> {
        match self {
            Self::Optional => Ok(Ended::NotRun(missing)),
            Self::Required => Err(Failure::one(gate, missing)),
        }
    }
}

fn policy(required: bool) -> Services {
    if required { Services::Required } else { Services::Optional }
}

/// How a gate that needs a service ended, unless it failed.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It ran and passed.
    Passed,
    /// It did not run, for this reason; the text says how to get what is missing.
    NotRun(String),
}

/// What stands before the reason.
const NOT_RUN: &str = "NOT RUN: ";

impl Ended {
    /// The reason in a line that says that a gate did not run.
    pub(crate) fn not_run(line: &str) -> Option<&str> {
        line.strip_prefix(NOT_RUN)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::NotRun(reason) => write!(f, "{NOT_RUN}{reason}"),
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
