//! `cargo xtask mutants`: changes our code in one place after the other (`cargo-mutants` does), and sees whether anybody
//! notices: the tests of the crate, or the suite on a store. A change that nobody notices is a fault, unless
//! `.cargo/mutants.toml` lists it with the reason.
//!
//! It takes hours, so that CI does not run it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::{Ended, Failure, command};

/// What is changed, and who has to notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Changed {
    /// session-core; its tests, and the suite on the store of the example.
    Core,
    /// The stores that need no server; the suite, and their tests.
    Stores,
    /// The model; its tests, among them the golden traces and the suite on right stores.
    Model,
}

/// In the terms of cargo.
struct Target {
    package: &'static str,
    /// With which features it is built, and how.
    options: &'static [&'static str],
    /// All files, if there are none.
    files: &'static [&'static str],
    noticing: &'static [&'static str],
    /// Which of their tests.
    tests: &'static [&'static str],
}

const CORE: Target = Target {
    package: "session-core",
    options: &["--all-features", "--cargo-arg=--config=profile.dev.package.session-core.opt-level=1"],
    files: &[],
    noticing: &["session-core", "tiny-store"],
    tests: &["--lib", "--tests"],
};

const STORES: Target = Target {
    package: "session-backends",
    options: &[
        "--features=sqlite,file,cache",
        "--cargo-arg=--config=profile.dev.package.session-backends.opt-level=0",
    ],
    files: &[
        "backends/src/cached.rs",
        "backends/src/cookie.rs",
        "backends/src/memory.rs",
        "backends/src/memory/*.rs",
        "backends/src/sqlite/*.rs",
        "backends/src/file/*.rs",
    ],
    noticing: &["session-backends"],
    tests: &[
        "--lib",
        "--test=suite",
        "--test=cached",
        "--test=cookie",
        "--test=file_faults",
        "--test=sqlite_faults",
    ],
};

const MODEL: Target = Target {
    package: "session-conformance",
    options: &["--no-default-features"],
    files: &["conformance/src/model/*.rs"],
    noticing: &["session-conformance"],
    // The last knows which rule a failure is named by.
    tests: &["--lib", "--test=golden", "--test=errata", "--test=rust_store", "--test=kill_matrix"],
};

impl Changed {
    fn target(self) -> &'static Target {
        match self {
            Self::Core => &CORE,
            Self::Stores => &STORES,
            Self::Model => &MODEL,
        }
    }
}

/// How many of a hundred changes must be noticed: the list may not become long.
const WANTED: u64 = 95;

/// Below the target directory.
const PLACE: &str = "target/mutants";

/// A thousand builds: what is built fast is right.
const PROFILE: [(&str, &str); 5] = [
    ("CARGO_INCREMENTAL", "1"),
    ("CARGO_PROFILE_DEV_DEBUG", "0"),
    ("CARGO_PROFILE_DEV_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_TEST_DEBUG", "0"),
    ("CARGO_PROFILE_TEST_OPT_LEVEL", "1"),
];

/// How many changes ended in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Noticed {
    /// A test failed, or no longer ended.
    caught: u64,
    missed: u64,
    /// Not tried, for a reason that is given.
    listed: u64,
}

/// Changes all files of a target, or those that `only` names, a pattern as cargo-mutants has them.
pub(crate) fn run(root: &Path, changed: Changed, only: Option<&str>) -> Result<Ended, Failure> {
    let target = changed.target();
    if !command::succeeds(Command::new("cargo").args(["mutants", "--version"])) {
        return Ok(Ended::NotRun(
            "cargo-mutants is not installed; get it with `cargo install --locked cargo-mutants`".into(),
        ));
    }
    let everything = list(root, target, only, &["--no-config"])?;
    let tried = list(root, target, only, &[])?;
    if tried == 0 {
        return Err(Failure::one(
            "mutants",
            format!("nothing in {} can be changed in {}", target.package, only.unwrap_or("it")),
        ));
    }
    let listed = everything - tried;
    let place = root.join(PLACE);
    fs::create_dir_all(&place)?;
    let mut mutants = mutants(root, target, only);
    for package in target.noticing {
        mutants.args(["--test-package", package]);
    }
    // Also for building: other tests need not be.
    mutants.args(target.tests.iter().map(|test| format!("--cargo-arg={test}")));
    mutants.arg("--output").arg(&place).envs(PROFILE);
    // 2: some were missed; 3: some no longer ended. Both are read from what it wrote.
    let status = mutants.status()?;
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        return Err(Failure::one("cargo mutants", status.to_string()));
    }
    let out = place.join("mutants.out");
    let outcomes: Value = serde_json::from_str(&fs::read_to_string(out.join("outcomes.json"))?)
        .map_err(std::io::Error::from)?;
    let noticed = Noticed::of(&outcomes, listed);
    println!("mutants: {noticed:?}, {} of 100 noticed", noticed.share());
    let missed = fs::read_to_string(out.join("missed.txt"))?;
    let mut faults: Vec<String> = missed.lines().map(|line| format!("nobody notices: {line}")).collect();
    // A few files may have more that cannot be noticed.
    if only.is_none() && noticed.share() < WANTED {
        faults.push(format!("{WANTED} of 100 must be noticed, and {} are", noticed.share()));
    }
    if faults.is_empty() { Ok(Ended::Passed) } else { Err(Failure::many("mutants", faults)) }
}

fn mutants(root: &Path, target: &Target, only: Option<&str>) -> Command {
    let mut mutants = Command::new("cargo");
    mutants.current_dir(root).args(["mutants", "--package", target.package, "--jobs", "2"]);
    mutants.args(target.options);
    let files = only.as_ref().map_or(target.files, std::slice::from_ref);
    mutants.args(files.iter().flat_map(|file| ["--file", *file]));
    mutants
}

/// How many changes there are.
fn list(root: &Path, target: &Target, only: Option<&str>, options: &[&str]) -> Result<u64, Failure> {
    let list = command::output(mutants(root, target, only).arg("--list").args(options))?;
    Ok(list.lines().count().try_into().unwrap_or_default())
}

impl Noticed {
    fn of(outcomes: &Value, listed: u64) -> Self {
        let count = |name: &str| outcomes[name].as_u64().unwrap_or_default();
        Self { caught: count("caught") + count("timeout"), missed: count("missed"), listed }
    }

    /// Of a hundred that compile, or that are listed.
    fn share(self) -> u64 {
        (self.caught * 100).checked_div(self.caught + self.missed + self.listed).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_longer_ends_is_noticed_and_what_is_listed_is_not() {
        let outcomes = serde_json::json!({ "caught": 90, "timeout": 3, "missed": 2, "unviable": 40 });
        let noticed = Noticed::of(&outcomes, 5);
        assert_eq!(noticed, Noticed { caught: 93, missed: 2, listed: 5 });
        assert_eq!(noticed.share(), 93);
        assert_eq!(Noticed::of(&serde_json::json!({}), 0).share(), 0);
    }
}
