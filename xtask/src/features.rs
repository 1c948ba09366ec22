//! `cargo xtask features`: each feature is complete without the others, and clean.

use std::path::Path;
use std::process::Command;

use crate::{Failure, command};

/// Packages, and the sets of features with which each is checked.
const SETS: [(&str, &[&str]); 3] = [
    ("session-core", &["", "tower", "axum"]),
    (
        "session-backends",
        &["", "sqlite", "file", "redis", "memcached", "postgres", "admin", "tower-sessions"],
    ),
    (
        "session-conformance",
        &[
            "",
            "cli",
            "redis",
            "memcached",
            "postgres",
            "actix-session-011",
            "axum-session-022",
            "tower-sessions-012,tower-sessions-014,tower-sessions-015",
        ],
    ),
];

/// An empty package that has `syn` built with all its features. Named in a command, it keeps cargo from building `syn` and all
/// macros anew for each set and each platform.
pub(crate) const MACROS: &str = "macros";

/// Checks every set, with the lints of the gate `clippy`, whose compiled dependencies are taken where they fit.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    for (package, sets) in SETS {
        for set in sets {
            println!("{package}: {}", if set.is_empty() { "no feature" } else { set });
            let mut clippy = Command::new("cargo");
            clippy.current_dir(root).args(["clippy", "--quiet", "--no-default-features"]);
            clippy.args(["--package", package, "--package", MACROS, "--features", set]);
            clippy.args(["--", "--deny", "warnings"]);
            command::run(&mut clippy)?;
        }
    }
    Ok(())
}
