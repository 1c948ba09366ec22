//! `cargo xtask packages`: the crates can be published (`cargo publish --dry-run`). Each is packaged as cargo would upload it,
//! and what is in the package is looked at: manifest, licences, and that each file which the code takes in at compile time is there too.
//!
//! Building every package from nothing but itself takes minutes, so that CI leaves it out; `--verify` does it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::{Failure, command};

/// A crate that is published.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    /// Its folder.
    folder: &'static str,
}

/// Those crates, each after those that it depends on.
pub(crate) const PUBLISHED: [Package; 4] = [
    Package { name: "session-core", folder: "session-core" },
    Package { name: "session-clock", folder: "conformance/clock" },
    Package { name: "session-backends", folder: "backends" },
    Package { name: "session-conformance", folder: "conformance" },
];

/// What every package has beside its code.
const FILES: [&str; 4] = ["Cargo.toml", "README.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// What crates.io asks for or shows.
const FIELDS: [&str; 6] = ["description", "license", "readme", "rust_version", "keywords", "categories"];

/// What takes a file in at compile time.
const TAKES_IN: [&str; 2] = ["include_str!(\"", "include_bytes!(\""];

/// Whether the packages are built too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Building {
    LeftOut,
    Wanted,
}

/// Packages the crates and looks at the packages.
pub(crate) fn run(root: &Path, building: Building) -> Result<(), Failure> {
    let mut faults = manifests(root)?;
    for package in &PUBLISHED {
        faults.extend(contents(root, package)?);
    }
    if !faults.is_empty() {
        return Err(Failure::many("packages", faults));
    }
    // What the crates want of each other is taken from here, and not from the registry. Nothing is uploaded; but the registry
    // is asked.
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root).args(["publish", "--dry-run", "--allow-dirty"]);
    if building == Building::LeftOut {
        cargo.args(["--no-verify", "--quiet"]);
    }
    for package in &PUBLISHED {
        cargo.args(["--package", package.name]);
    }
    command::run(&mut cargo)?;
    println!("packages: {} can be published", PUBLISHED.each_ref().map(|package| package.name).join(", "));
    Ok(())
}

/// What is wrong with the manifests: a field that is missing, and a crate of which nobody said whether it is published.
fn manifests(root: &Path) -> Result<Vec<String>, Failure> {
    let metadata = metadata(root)?;
    let mut faults = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let listed = PUBLISHED.iter().any(|published| published.name == name);
        // Nothing: it may be published anywhere. An empty list: nowhere.
        if listed != package["publish"].is_null() {
            faults.push(format!("{name}: say `publish = false`, or list it in xtask/src/packages.rs"));
        }
        if listed {
            faults.extend(missing(package).map(|field| format!("{name}: the manifest has no `{field}`")));
        }
    }
    Ok(faults)
}

/// What cargo says of the workspace.
pub(crate) fn metadata(root: &Path) -> Result<Value, Failure> {
    let mut metadata = Command::new("cargo");
    metadata.current_dir(root).args(["metadata", "--no-deps", "--format-version", "1"]);
    serde_json::from_str(&command::output(&mut metadata)?)
        .map_err(|error| Failure::one("cargo", format!("cargo metadata: {error}")))
}

/// The fields that a package's manifest leaves out.
fn missing(package: &Value) -> impl Iterator<Item = &'static str> {
    let is_empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    FIELDS.into_iter().filter(move |field| is_empty(&package[*field]))
}

/// What is missing in a package.
fn contents(root: &Path, package: &Package) -> Result<Vec<String>, Failure> {
    let mut list = Command::new("cargo");
    list.current_dir(root).args(["package", "--list", "--allow-dirty", "--package", package.name]);
    let list = command::output(&mut list)?;
    let files: BTreeSet<PathBuf> = list.lines().map(PathBuf::from).collect();
    let mut faults = Vec::new();
    let mut need = |file: &Path, why: &str| {
        if !files.contains(file) {
            faults.push(format!("{}: {} is not in the package, {why}", package.name, file.display()));
        }
    };
    for file in FILES {
        need(Path::new(file), "and every package has it");
    }
    for source in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs")) {
        let text = fs::read_to_string(root.join(package.folder).join(source))?;
        for taken in taken_in(&text) {
            need(&beside(source, taken), &format!("and {} takes it in", source.display()));
        }
    }
    Ok(faults)
}

/// The paths of files that a source takes in, as it writes them.
fn taken_in(source: &str) -> impl Iterator<Item = &str> {
    TAKES_IN.into_iter().flat_map(|head| source.split(head).skip(1)).filter_map(|rest| rest.split('"').next())
}

/// A path as a source writes it, from the root of the package. One that leads out of the package keeps its `..`.
fn beside(source: &Path, taken: &str) -> PathBuf {
    let mut path = source.parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(taken).components() {
        if part != Component::ParentDir || !path.pop() {
            path.push(part);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_source_takes_in_is_found_from_the_root_of_its_package() {
        let source = "const A: &str = include_str!(\"page.html\");\ninclude_bytes!(\"../../golden/a.jsonl\")";
        let taken: Vec<PathBuf> =
            taken_in(source).map(|taken| beside(Path::new("src/report/a.rs"), taken)).collect();
        assert_eq!(taken, [Path::new("src/report/page.html"), Path::new("golden/a.jsonl")]);
    }

    #[test]
    fn what_lies_outside_of_a_package_is_in_none() {
        assert_eq!(beside(Path::new("src/a.rs"), "../../other/a.txt"), Path::new("../other/a.txt"));
    }

    #[test]
    fn an_empty_field_is_missing() {
        let package = json!({
            "description": "d", "license": "MIT", "readme": null, "rust_version": "1.89", "keywords": ["k"],
            "categories": [],
        });
        assert_eq!(missing(&package).collect::<Vec<_>>(), ["readme", "categories"]);
    }
}
