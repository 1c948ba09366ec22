//! The cross-reading of `cargo xtask django`: sessions that Django and the stores of this repository write and read
//! beside each other. A program of its own, so that the gates which need no store do not wait for all of them to be
//! built. This file only dispatches.

mod contents;
mod hostile;
mod local_time;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Has Django and the stores read what the other wrote
#[derive(Parser)]
#[command(name = "crossread")]
struct Arguments {
    #[command(flatten)]
    django: Django,
    /// An empty PostgreSQL database
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    #[command(subcommand)]
    what: What,
}

/// The Django that is on the other side.
#[derive(Debug, clap::Args)]
pub(crate) struct Django {
    /// The version, as in 5.2
    #[arg(long)]
    pub(crate) version: String,
    /// The interpreter that has it
    #[arg(long)]
    pub(crate) python: PathBuf,
}

#[derive(Subcommand)]
enum What {
    /// Some hundred contents in every engine, and texts that are hard to read
    Contents {
        /// A Redis server; without it the engines on a cache are left out
        #[arg(long, value_name = "URL")]
        redis: Option<String>,
        /// A memcached server
        #[arg(long, value_name = "URL")]
        memcached: Option<String>,
    },
    /// A site with `USE_TZ = False`
    LocalTime {
        /// Its time zone
        #[arg(long)]
        zone: String,
    },
}

fn main() -> ExitCode {
    let Arguments { django, postgres, what } = Arguments::parse();
    let result = match what {
        What::Contents { redis, memcached } => {
            let servers = redis.zip(memcached).zip(postgres);
            let servers = servers.map(|((redis, memcached), postgres)| contents::Servers {
                redis,
                memcached,
                postgres,
            });
            contents::run(root(), &django, servers.as_ref())
        }
        What::LocalTime { zone } => local_time::run(root(), &django, &zone, postgres),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// The repository.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().and_then(Path::parent).unwrap_or(here)
}

/// Where the two sides differ, and in what.
#[derive(Debug)]
pub(crate) struct Failure {
    place: String,
    faults: Vec<String>,
}

impl Failure {
    fn many(place: &str, faults: Vec<String>) -> Self {
        Self { place: place.into(), faults }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: failed", self.place)?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        contents::fault(&error.to_string())
    }
}
