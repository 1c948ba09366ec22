//! `cargo xtask ci`: every gate, one after the other. All are run, so that one look tells all that is
//! wrong.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::{Ended, Failure, Services, author, browser, command, django, docs, http, python, services, spec};

type Gate = (&'static str, fn(&Path, Services) -> Result<Ended, Failure>);

const GATES: [Gate; 14] = [
    ("format", |root, _| cargo(root, &["fmt", "--all", "--check"])),
    ("clippy", |root, _| {
        cargo(
            root,
            &[
                "clippy",
                "--quiet",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--",
                "--deny",
                "warnings",
            ],
        )
    }),
    ("features", |root, _| features(root)),
    ("spec", |root, _| spec::run(root, false).map(|()| Ended::Passed)),
    ("tests", |root, _| cargo(root, &["test", "--quiet", "--workspace", "--all-features"])),
    ("rustdoc", |root, _| {
        let mut doc = Command::new("cargo");
        doc.current_dir(root).args(["doc", "--quiet", "--workspace", "--no-deps", "--all-features"]);
        command::run(doc.env("RUSTDOCFLAGS", "--deny warnings")).map(|()| Ended::Passed)
    }),
    ("docs", |root, _| docs::run(root).map(|()| Ended::Passed)),
    ("suite", |root, _| command::run(command::sessionspec(root).arg("run")).map(|()| Ended::Passed)),
    ("author", |root, _| author::run(root).map(|()| Ended::Passed)),
    ("python", python::run),
    ("services", services::gate),
    ("http", http::run),
    ("browser", browser::run),
    ("django", |root, services| django::run(root, services, django::CASES, django::Page::Check)),
];

/// Runs every gate.
pub(crate) fn run(root: &Path, services: Services) -> Result<(), Failure> {
    let mut failed = Vec::new();
    let mut lines = Vec::new();
    for (name, gate) in GATES {
        println!("== {name}");
        let started = Instant::now();
        let result = gate(root, services);
        let seconds = started.elapsed().as_secs();
        lines.push(match result {
            Ok(ended) => format!("{name:8} {ended} ({seconds} s)"),
            Err(failure) => {
                println!("{failure}");
                failed.push(name.to_owned());
                format!("{name:8} FAILED ({seconds} s)")
            }
        });
    }
    println!("== gates\n{}", lines.join("\n"));
    if failed.is_empty() { Ok(()) } else { Err(Failure::many("ci", failed)) }
}

/// Each feature builds without the others.
const FEATURES: [(&str, &[&str]); 2] = [
    ("session-core", &["", "tower", "axum"]),
    (
        "session-backends",
        &["", "sqlite", "file", "redis", "memcached", "postgres", "admin", "tower-sessions"],
    ),
];

fn features(root: &Path) -> Result<Ended, Failure> {
    for (package, features) in FEATURES {
        for feature in features {
            let mut check = Command::new("cargo");
            check.current_dir(root).env("RUSTFLAGS", "--deny warnings");
            // What is built with other flags must not be built anew for the other gates.
            check.env("CARGO_TARGET_DIR", root.join("target/features"));
            check.args(["check", "--quiet", "--no-default-features", "--package", package]);
            command::run(check.args(["--features", feature]))?;
        }
    }
    Ok(Ended::Passed)
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<Ended, Failure> {
    command::run(Command::new("cargo").current_dir(root).args(arguments)).map(|()| Ended::Passed)
}
