//! `cargo xtask msrv`: the oldest Rust that the manifests promise (`rust-version`) builds the crates that are published.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Ended, Failure, command, packages};

/// Checks with that version, if rustup has it here. It is no error where it has not, even if services are required: it has
/// to compile every dependency once more, for which the workflow has a job of its own.
pub(crate) fn run(root: &Path) -> Result<Ended, Failure> {
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let version = promised(&manifest)
        .ok_or_else(|| Failure::one("msrv", "the workspace's manifest has no `rust-version`".into()))?;
    if !command::succeeds(Command::new("rustup").args(["run", version, "rustc", "--version"])) {
        return Ok(Ended::NotRun(format!(
            "Rust {version} is not installed; get it with `rustup toolchain install {version} --profile minimal`"
        )));
    }
    let mut check = Command::new("rustup");
    check.current_dir(root).args(["run", version, "cargo", "check", "--all-features"]);
    for package in packages::PUBLISHED {
        check.args(["--package", package.name]);
    }
    command::run(&mut check)?;
    println!("msrv: Rust {version} builds them");
    Ok(Ended::Passed)
}

/// The version that a manifest promises.
fn promised(manifest: &str) -> Option<&str> {
    let value = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "))?;
    value.trim().strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_is_that_of_the_manifest() {
        assert_eq!(super::promised("[workspace.package]\nrust-version = \"1.89\"\n"), Some("1.89"));
        assert_eq!(super::promised("[workspace.package]\nedition = \"2024\"\n"), None);
    }
}
