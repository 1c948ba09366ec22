//! `cargo xtask semver`: no crate that is published breaks its users without its version saying so: each is compared with
//! what it was at the newest release, a tag such as `v0.1.0`.

use std::path::Path;
use std::process::Command;

use crate::{Ended, Failure, command, packages};

const REMEDY: &str =
    "cargo-semver-checks is not installed; get it with `cargo install --locked cargo-semver-checks`";

/// Compares with the newest release. It is no error where there is none yet, nor where the program is not to be had, even if
/// services are required: it takes minutes to build.
pub(crate) fn run(root: &Path) -> Result<Ended, Failure> {
    let mut tags = Command::new("git");
    tags.current_dir(root).args(["tag", "--list", "v*", "--sort=-version:refname"]);
    let tags = command::output(&mut tags)?;
    let Some(release) = tags.lines().next() else {
        return Ok(Ended::NotRun("nothing is released yet: there is no tag `v*` to compare with".into()));
    };
    if !command::succeeds(Command::new("cargo").args(["semver-checks", "--version"])) {
        return Ok(Ended::NotRun(REMEDY.into()));
    }
    let mut check = Command::new("cargo");
    check.current_dir(root).args(["semver-checks", "--all-features", "--baseline-rev", release]);
    for package in packages::PUBLISHED {
        check.args(["--package", package.name]);
    }
    command::run(&mut check)?;
    println!("semver: the versions say what changed since {release}");
    Ok(Ended::Passed)
}
