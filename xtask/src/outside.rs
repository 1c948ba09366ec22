//! `cargo xtask outside`: programs of others, outside the workspace, with the features that they ask for and no more.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Failure, command};

/// A program whose own JSON must not be touched by what it depends on.
const EXAMPLE: &str = "conformance/examples/flattened-float";

/// Builds the program and runs it.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    command::run(&mut cargo(root, &root.join(EXAMPLE), "run")?)
}

/// A command of cargo for a package outside the workspace, with the versions that are here, so that nothing need be
/// fetched.
pub(crate) fn cargo(root: &Path, package: &Path, command: &str) -> Result<Command, Failure> {
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock"))?;
    let profile = root.join("target/profile.toml");
    fs::write(&profile, self::profile(&fs::read_to_string(root.join("Cargo.toml"))?))?;
    let mut cargo = Command::new("cargo");
    cargo.current_dir(package).arg(command).env("CARGO_TARGET_DIR", root.join("target"));
    cargo.arg("--config").arg(profile);
    Ok(cargo)
}

/// The profile that a manifest says for everyday builds, so that compiled dependencies are taken where their features
/// are the same.
fn profile(manifest: &str) -> String {
    let mut inside = false;
    let mut profile = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.starts_with("[profile.dev");
        }
        if inside {
            profile.push_str(line);
            profile.push('\n');
        }
    }
    profile
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_profile_is_that_of_the_workspace_and_no_more() {
        let manifest = "[workspace]\na = 1\n[profile.dev]\nopt-level = 1\n\n[profile.dev.package.\"*\"]\ndebug = false\n\
                        [profile.release]\nlto = true\n";
        let profile = "[profile.dev]\nopt-level = 1\n\n[profile.dev.package.\"*\"]\ndebug = false\n";
        assert_eq!(super::profile(manifest), profile);
    }
}
