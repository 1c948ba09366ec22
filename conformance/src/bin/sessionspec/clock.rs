//! `sessionspec clock`: runs a program under a clock that the suite moves, such as a server that an adapter uses.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use session_conformance::moved::{Monotonic, MovedClock, VARIABLE};

use crate::Finding;
use crate::output::tell;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The file of the clock; programs with the same file have the same time. By default one in the directory for
    /// temporary files
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// For programs that derive the date from a monotonic clock, as memcached does: those clocks stand still too
    #[arg(long)]
    still: bool,
    /// The program and its arguments
    #[arg(value_name = "PROGRAM ARGS", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    line: Vec<OsString>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    let [program, line @ ..] = arguments.line.as_slice() else {
        return Err("name a program, as in: sessionspec clock -- redis-server".into());
    };
    let monotonic = if arguments.still { Monotonic::Stands } else { Monotonic::GoesOn };
    let by_default = || std::env::temp_dir().join(format!("sessionspec-clock-{}", std::process::id()));
    let file = arguments.file.clone().unwrap_or_else(by_default);
    let clock = MovedClock::at(&file, monotonic).map_err(|error| error.to_string())?;
    tell(&format!("the suite moves the clock of this program where {VARIABLE}={}", clock.path().display()));
    let mut command = Command::new(program);
    command.args(line).envs(clock.environment());
    Err(format!("cannot start {}: {}", program.display(), become_program(&mut command)))
}

/// Goes on as that program: who stops this one stops it.
#[cfg(unix)]
fn become_program(command: &mut Command) -> std::io::Error {
    std::os::unix::process::CommandExt::exec(command)
}

/// Where there are no such clocks nobody comes so far.
#[cfg(not(unix))]
fn become_program(_: &mut Command) -> std::io::Error {
    std::io::ErrorKind::Unsupported.into()
}
