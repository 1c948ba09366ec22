//! `cargo xtask outside`: programs of others, outside the workspace, with the features that they ask for and no more.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Failure, command};

/// A program whose own JSON must not be touched by what it depends on.
const EXAMPLE: &str = "conformance/examples/flattened-float";

/// The profile of the workspace, so that compiled dependencies are taken where their features are the same.
const PROFILE: [&str; 3] = [
    "profile.dev.opt-level=1",
    "profile.dev.debug=\"line-tables-only\"",
    "profile.dev.package.\"*\".debug=false",
];

/// Builds the program and runs it.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    command::run(&mut cargo(root, &root.join(EXAMPLE), "run")?)
}

/// A command of cargo for a package outside the workspace, with the versions that are here, so that nothing need be
/// fetched.
pub(crate) fn cargo(root: &Path, package: &Path, command: &str) -> Result<Command, Failure> {
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock"))?;
    let mut cargo = Command::new("cargo");
    cargo.current_dir(package).arg(command).env("CARGO_TARGET_DIR", root.join("target"));
    for setting in PROFILE {
        cargo.args(["--config", setting]);
    }
    Ok(cargo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_that_of_the_workspace() {
        let manifest = fs::read_to_string(crate::root().join("Cargo.toml")).unwrap();
        let (_, profile) = manifest.split_once("[profile.dev]\n").unwrap();
        let lines =
            "opt-level = 1\ndebug = \"line-tables-only\"\n\n[profile.dev.package.\"*\"]\ndebug = false\n\n";
        assert!(profile.starts_with(lines), "{profile}");
    }
}
