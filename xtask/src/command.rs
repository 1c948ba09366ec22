//! Running other programs.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Failure;

/// Runs a program whose output the reader sees.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let status = command.status().map_err(|e| not_started(command, &e))?;
    if status.success() { Ok(()) } else { Err(Failure::one(&shown(command), status.to_string())) }
}

/// Runs a program and gives what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|e| not_started(command, &e))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Failure::one(&shown(command), output.status.to_string()))
    }
}

/// The `sessionspec` of this repository, in the release profile; its arguments are to be added.
pub(crate) fn sessionspec(root: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root).args(["run", "--quiet", "--release", "--package", "session-conformance"]);
    cargo.args(["--bin", "sessionspec", "--"]);
    cargo
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::one(&shown(command), format!("could not be started: {error}"))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
