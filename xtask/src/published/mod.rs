//! `cargo xtask published`: published session stores, in pinned versions, on their real servers, held to every rule of the
//! suite. What is found goes into `docs/published.md`, and what changed since the last time is told.
//!
//! - `mod.rs`: runs the suite on each store, and the programs that show findings without it
//! - `install.rs`: what is pinned, from its registries
//! - `found.rs`: what the suite found, as it is kept in `results.json`
//! - `page.rs`: the page, and whether each finding is explained
//!
//! It needs the network and minutes, so that CI does not run it. The gate `docs` checks that the page is what the kept
//! results and the explanations say.

mod found;
mod install;
mod page;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::{Failure, command};

/// Where the table of stores, their modules and what was found last time are.
const PLACE: &str = "conformance/published";

/// The rows of the table, and what is known of them.
const STORES: &str = "conformance/published/stores.json";

/// What was found last time.
const RESULTS: &str = "conformance/published/results.json";

/// Programs that show a finding without the suite.
const SHOWN: &str = "conformance/published/shown";

/// What the results and the explanations make.
const PAGE: &str = "docs/published.md";

/// Generated traces per store, and the seed that makes them the same each time.
const CASES: u64 = 100;
const SEED: &str = "0x51f2";

/// Runs the suite on every store, or on those whose id has this text in it, and writes the results and the page.
pub(crate) fn run(root: &Path, only: Option<&str>) -> Result<(), Failure> {
    let table = read(root, STORES)?;
    let old = if root.join(RESULTS).exists() { read(root, RESULTS)? } else { json!({}) };
    let wanted = |id: &str| only.is_none_or(|text| id.contains(text));
    let stores: Vec<&Value> = page::stores(&table).filter(|store| wanted(page::text(store, "id"))).collect();
    let programs: Vec<&str> = page::programs(&table).filter(|name| wanted(name)).collect();
    if stores.is_empty() && programs.is_empty() {
        return Err(Failure::one(
            "published",
            format!("no id in {STORES} has `{}`", only.unwrap_or_default()),
        ));
    }
    command::build(root)?;
    let installed = install::all(root)?;

    let mut results = json!({ "seed": SEED, "cases": CASES, "stores": {}, "shown": {} });
    results["with"] = installed.versions();
    for part in ["stores", "shown"] {
        if only.is_some() && old[part].is_object() {
            results[part] = old[part].clone();
        }
    }
    let mut faults = Vec::new();
    for store in stores {
        let id = page::text(store, "id");
        match suite(root, &installed, store) {
            Ok(found) => {
                println!("{}", page::line(&found));
                results["stores"][id] = found;
            }
            Err(failure) => faults.push(format!("{id}: {failure}")),
        }
    }
    for program in programs {
        match shown(root, &installed, program) {
            Ok(says) => results["shown"][program] = says.into(),
            Err(failure) => faults.push(format!("{SHOWN}/{program} no longer shows its finding: {failure}")),
        }
    }
    for change in found::changes(&old, &results) {
        println!("changed: {change}");
    }
    // The results are kept also where an explanation is missing: it is written by looking at them.
    fs::write(root.join(RESULTS), serde_json::to_string_pretty(&results).unwrap_or_default() + "\n")?;
    faults.extend(page::unexplained(&table, &results));
    if !faults.is_empty() {
        return Err(Failure::many("published", faults));
    }
    fs::write(root.join(PAGE), page::page(&table, &results))?;
    println!("{PAGE}: {} stores", page::stores(&table).count());
    Ok(())
}

/// What is wrong with the page and its sources as they are kept; nothing is run.
pub(crate) fn faults(root: &Path) -> Result<Vec<String>, Failure> {
    let (table, results) = (read(root, STORES)?, read(root, RESULTS)?);
    let mut faults = page::unexplained(&table, &results);
    faults.extend(page::too_few(&table));
    for program in page::programs(&table) {
        if !root.join(SHOWN).join(program).is_file() {
            faults.push(format!("{STORES} names {SHOWN}/{program}, which is not there"));
        }
    }
    if fs::read_to_string(root.join(PAGE))? != page::page(&table, &results) {
        faults.push(format!(
            "{PAGE} is not what {RESULTS} and {STORES} say; `cargo xtask published` writes it"
        ));
    }
    Ok(faults)
}

fn read(root: &Path, path: &str) -> Result<Value, Failure> {
    let text = fs::read_to_string(root.join(path))?;
    serde_json::from_str(&text).map_err(|error| Failure::one(path, error.to_string()))
}

/// Holds one store to every rule.
fn suite(root: &Path, installed: &install::Installed, store: &Value) -> Result<Value, Failure> {
    let report = installed.place.join(format!("{}.json", page::text(store, "id")));
    // What a program leaves there that is killed goes with it. PostgreSQL runs as a user of its own, who must get through.
    let passable = fs::Permissions::from_mode(0o711);
    let scratch = tempfile::Builder::new().permissions(passable).tempdir()?;
    let mut run = command::sessionspec(root);
    run.env("TMPDIR", scratch.path());
    run.args(["run", "--cmd", &installed.line(store), "--cases", &CASES.to_string(), "--seed", SEED]);
    run.arg("--report").arg(format!("json={}", report.display()));
    // Broken rules are what is looked for; 2 is that the store could not be driven.
    let output = run.stderr(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(Failure::one(&installed.line(store), format!("{}\n{said}", output.status)));
    }
    let report = serde_json::from_str(&fs::read_to_string(report)?).map_err(std::io::Error::from)?;
    Ok(found::summary(&report, &said))
}

/// Runs a program that shows a finding; what it says last.
fn shown(root: &Path, installed: &install::Installed, program: &str) -> Result<String, Failure> {
    let (words, directory) = installed.program(&root.join(SHOWN).join(program))?;
    let mut run = Command::new(&words[0]);
    let said = command::output(run.args(&words[1..]).current_dir(directory).stdin(Stdio::null()))?;
    Ok(said.trim().lines().last().unwrap_or_default().to_owned())
}
