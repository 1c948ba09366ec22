//! `cargo xtask platforms`: Windows and macOS can have the crates. `cargo check` compiles every line of Rust for them,
//! links nothing and runs nothing, so that a Linux machine can do it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Ended, Failure, command, features};

const TARGETS: [&str; 2] = ["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// With their default features: the embedded stores, and the command on them.
const PACKAGES: [&str; 3] = ["session-core", "session-backends", "session-conformance"];

/// What the crates with C in them call to compile it. What it makes is not looked at where nothing is linked, so this
/// program, which does nothing, stands in for a compiler for each target.
const NO_COMPILER: &str = "true";

/// Checks the targets that are installed. Missing ones are no error even if services are required: not every machine
/// reaches them.
pub(crate) fn run(root: &Path) -> Result<Ended, Failure> {
    let mut missing = Vec::new();
    for target in TARGETS {
        if !is_installed(target)? {
            missing.push(target);
            continue;
        }
        let mut check = Command::new("cargo");
        check.current_dir(root).args(["check", "--target", target]);
        for tool in ["CC", "CXX", "AR", "RANLIB"] {
            check.env(format!("{tool}_{}", target.replace('-', "_")), NO_COMPILER);
        }
        for package in PACKAGES.into_iter().chain([features::MACROS]) {
            check.args(["--package", package]);
        }
        command::run(&mut check)?;
        println!("platforms: {} for {target}", PACKAGES.join(", "));
    }
    if missing.is_empty() {
        return Ok(Ended::Passed);
    }
    let missing = missing.join(" ");
    Ok(Ended::NotRun(format!("{missing} is not installed; get it with `rustup target add {missing}`")))
}

/// Whether the compiler has the standard library for a target.
fn is_installed(target: &str) -> Result<bool, Failure> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", target]).stderr(Stdio::inherit());
    let directory = command::output(&mut rustc)?;
    Ok(Path::new(directory.trim_end()).exists())
}
