//! Running other programs.

use std::os::unix::process::CommandExt;
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

/// Starts this program again if cargo has started it, without what cargo then says of its package. Build scripts may look at
/// that (ring's does), so that a cargo that is started from here would compile them, and all that needs them, anew; and so
/// would the next one that is not.
pub(crate) fn again_without_cargo() {
    let of_cargo = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    let names: Vec<_> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| of_cargo(name))
        .collect();
    let Ok(program) = std::env::current_exe() else { return };
    if names.is_empty() {
        return;
    }
    let mut again = Command::new(program);
    again.args(std::env::args_os().skip(1));
    for name in names {
        again.env_remove(name);
    }
    // It takes the place of this process, or all goes on as it is.
    let _ = again.exec();
}

/// Whether a program is there and ends well; nobody sees its output.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Set where [`build`] was already run, so that nobody waits for cargo's lock to learn it.
pub(crate) const BUILT: &str = "XTASK_BUILT";

/// Builds the programs and examples that gates run, with the features and the profile that the tests have: there is
/// one tree for all.
pub(crate) fn build(root: &Path) -> Result<(), Failure> {
    if is_built() {
        return Ok(());
    }
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root).args(["build", "--workspace", "--all-features", "--bins", "--examples"]);
    run(&mut cargo)
}

/// Whether [`build`] was already run, by the gate that all others wait for.
pub(crate) fn is_built() -> bool {
    std::env::var_os(BUILT).is_some()
}

/// A program of this repository, by its path below `target/debug`. [`build`] comes first.
pub(crate) fn built(root: &Path, program: &str) -> Command {
    let mut command = Command::new(root.join("target/debug").join(program));
    command.current_dir(root);
    command
}

/// The `sessionspec` of this repository, with every store; its arguments are to be added. [`build`] comes first.
pub(crate) fn sessionspec(root: &Path) -> Command {
    built(root, "sessionspec")
}

/// Runs lines as somebody pastes them, in a place, with this repository's `sessionspec`; gives what they printed. [`build`] comes first.
pub(crate) fn shell(root: &Path, place: &Path, lines: &str) -> Result<String, Failure> {
    let mut path = vec![root.join("target/debug")];
    path.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    let path = std::env::join_paths(path).map_err(|error| Failure::one("sh", error.to_string()))?;
    output(Command::new("sh").current_dir(place).args(["-c", lines]).env("PATH", path))
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::one(&shown(command), format!("could not be started: {error}"))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
