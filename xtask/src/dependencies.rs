//! `cargo xtask dependencies`: what the dependencies bring with them. No feature is switched on that changes how other
//! crates of the same program behave; and, where cargo-deny is installed, licences and versions are as `deny.toml`
//! wants them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::packages::metadata;
use crate::{Ended, Failure, command};

/// Features of `serde_json` that change what it does for everybody in the program. `preserve_order` is not among them:
/// the entries of a session have an order, and the documentation tells of it.
const FOR_NOBODY: [&str; 4] = ["arbitrary_precision", "float_roundtrip", "raw_value", "unbounded_depth"];

/// Those that must not be there in the tests either, whose dependencies (axum, jsonschema) bring the others.
const NOT_IN_TESTS: [&str; 2] = ["arbitrary_precision", "unbounded_depth"];

/// Switched on only by who depends on `axum_session` already, which needs all of axum, and that `raw_value`. It is looked at
/// with the tests.
const THEIRS: &str = "axum-session-022";

const REMEDY: &str = "cargo-deny is not installed; get it with `cargo install --locked cargo-deny`";

/// Looks at the features, then at licences and versions.
pub(crate) fn run(root: &Path) -> Result<Ended, Failure> {
    let mut faults = Vec::new();
    let features = features(root)?;
    let looked_at: [(&str, &[&str], &[&str]); 2] = [
        ("features,no-dev", &["--features", &features], &FOR_NOBODY),
        ("features", &["--all-features"], &NOT_IN_TESTS),
    ];
    for (edges, features, forbidden) in looked_at {
        let mut tree = Command::new("cargo");
        tree.current_dir(root).args(["tree", "--workspace", "--target", "all"]).args(features);
        let tree = command::output(tree.args(["--prefix", "none", "--edges", edges]))?;
        faults.extend(switched_on(&tree, forbidden).map(|feature| {
            format!(
                "serde_json's feature `{feature}` is on (see `cargo tree --workspace {} --edges {edges} \
                 --invert serde_json`)",
                features.join(" ")
            )
        }));
    }
    if !faults.is_empty() {
        return Err(Failure::many("dependencies", faults));
    }
    println!("dependencies: serde_json has none of {}", FOR_NOBODY.join(", "));
    deny(root)
}

/// The features of all packages, but [`THEIRS`].
fn features(root: &Path) -> Result<String, Failure> {
    let metadata = metadata(root)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let features: BTreeSet<&str> = packages
        .filter_map(|package| package["features"].as_object())
        .flat_map(|features| features.keys().map(String::as_str))
        .filter(|feature| ![THEIRS, "default"].contains(feature))
        .collect();
    Ok(features.into_iter().collect::<Vec<_>>().join(","))
}

/// Which of these features of `serde_json` a tree shows.
fn switched_on<'a>(tree: &str, forbidden: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let shown = |feature: &&str| {
        let line = format!("serde_json feature \"{feature}\"");
        tree.lines().any(|found| found.trim_end_matches(" (*)") == line)
    };
    forbidden.iter().copied().filter(shown)
}

/// Not an error where cargo-deny is not to be had, even if services are required: it is a program to build for minutes,
/// and no service of the gates.
fn deny(root: &Path) -> Result<Ended, Failure> {
    if !command::succeeds(Command::new("cargo").args(["deny", "--version"])) {
        return Ok(Ended::NotRun(format!("licences and versions: {REMEDY}")));
    }
    let mut deny = Command::new("cargo");
    deny.current_dir(root).args(["deny", "--all-features", "check", "bans", "licenses", "sources"]);
    command::run(&mut deny)?;
    // The database of advisories is in the network.
    if !command::succeeds(Command::new("cargo").current_dir(root).args(["deny", "fetch", "db"])) {
        return Ok(Ended::NotRun("advisories: `cargo deny fetch db` does not reach their database".into()));
    }
    let mut deny = Command::new("cargo");
    command::run(deny.current_dir(root).args(["deny", "--all-features", "check", "advisories"]))?;
    Ok(Ended::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_that_is_on_is_seen_and_no_other_crates() {
        let tree = "serde_json v1.0.154\nserde_json feature \"std\"\nserde_json feature \"raw_value\" (*)\n\
                    other feature \"arbitrary_precision\"\n";
        assert_eq!(switched_on(tree, &FOR_NOBODY).collect::<Vec<_>>(), ["raw_value"]);
    }
}
