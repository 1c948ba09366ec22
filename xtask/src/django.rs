//! `cargo xtask django`: real Django in virtual environments of its own. The model must be equal to it on
//! generated traces, and each side must read what the other wrote.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Ended, Failure, Services, command, crossread, python, services};

/// The page of the documents that tells what was found.
const PAGE: &str = "docs/django.md";

/// What becomes of that page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// It must say what is found.
    Check,
    /// It is written.
    Write,
}

/// Generated traces per version.
pub(crate) const CASES: usize = 2_000;

/// The versions: the two that have long-term support.
const VERSIONS: [&str; 2] = ["4.2", "5.2"];

/// Django's session engines; `cache` on the memory of its process.
const ENGINES: [&str; 5] = ["db", "file", "signed_cookies", "cache", "cached_db"];

/// Runs the comparison with each version.
///
/// What it finds must be the same for all, and is a page of the documents, which is written, or must be current.
pub(crate) fn run(root: &Path, services: Services, cases: usize, page: Page) -> Result<Ended, Failure> {
    if let Some(not_run) = python::missing("django", services)? {
        return Ok(not_run);
    }
    let servers = services::wanted(services)?;
    let reports = tempfile::tempdir()?;
    for version in VERSIONS {
        let python = environment(root, version)?;
        for engine in ENGINES {
            println!("Django {version}: the model and Django's engine {engine} on {cases} generated traces");
            let adapter = "conformance/adapters/django/adapter.py --engine";
            let adapter = format!("{} {adapter} {engine}", python.display());
            let report = reports.path().join(format!("{version}-{engine}.json"));
            let mut suite = command::sessionspec(root);
            suite.args(["run", "--cases", &cases.to_string(), "--cmd", &adapter]);
            command::run(suite.arg("--report").arg(format!("json={}", report.display())))?;
        }
        crossread::run(root, version, &python, servers.as_ref().ok())?;
    }
    let [older, found] = VERSIONS.map(|version| engines_page(root, reports.path(), version));
    let found = found?;
    if older? != found {
        return Err(Failure::one("django", format!("the versions {} differ", VERSIONS.join(" and "))));
    }
    let path = root.join(PAGE);
    match page {
        Page::Write => fs::write(&path, found)?,
        Page::Check if fs::read_to_string(&path).unwrap_or_default() == found => {}
        Page::Check => {
            let fault = format!("{PAGE} is not what was found: run `cargo xtask django --write`");
            return Err(Failure::one("django", fault));
        }
    }
    match servers {
        Ok(_) => Ok(Ended::Passed),
        Err(missing) => Ok(Ended::NotRun(format!("the cache engines: {missing}"))),
    }
}

/// The page about the engines, from the reports about a version.
fn engines_page(root: &Path, reports: &Path, version: &str) -> Result<String, Failure> {
    let fault = |error: &dyn std::fmt::Display| Failure::one("django", error.to_string());
    let known = command::output(command::sessionspec(root).args(["rules", "--format", "json"]))?;
    let pages: Vec<Value> = serde_json::from_str(&known).map_err(|error| fault(&error))?;
    let mut table = String::new();
    let mut details = String::new();
    for engine in ENGINES {
        let text = fs::read_to_string(reports.join(format!("{version}-{engine}.json")))?;
        let report: Value = serde_json::from_str(&text).map_err(|error| fault(&error))?;
        let rules = report.pointer("/subjects/0/rules").and_then(Value::as_array);
        let rules = rules.ok_or_else(|| fault(&"the report has no rules"))?;
        let with = |status: &str| rules.iter().filter(|rule| rule["status"] == status).collect::<Vec<_>>();
        let differs = with("expected-fail");
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "| `{engine}` | {} | {} | {} |",
            with("pass").len(),
            differs.len(),
            with("not-applicable").len()
        );
        let _ = writeln!(details, "\n### `{engine}`\n");
        for rule in differs {
            let text = |field: &str| rule[field].as_str().unwrap_or_default();
            let page = pages.iter().find(|known| known["id"] == rule["id"]);
            let page = page.and_then(|known| known["page"].as_str()).unwrap_or_default();
            let page = page.trim_start_matches("docs/");
            let _ = writeln!(details, "- [{id}]({page}#{id}): {}", text("reason"), id = text("id"));
        }
    }
    Ok(format!(
        "# Django's engines\n\n\
         <!-- Written by `cargo xtask django --write`. -->\n\n\
         What the suite finds when it drives Django's own session engines: each rule holds, or is broken in a way\n\
         that is known and that the reference model imitates, or does not apply to the engine. Versions 4.2 and 5.2\n\
         were seen to do the same. The engine `cache` is the one on the memory of its process.\n\n\
         | engine | rules that hold | that Django breaks | that do not apply |\n|---|---|---|---|\n{table}\n\
         ## Where Django does otherwise\n{details}"
    ))
}

/// The interpreter that has the newest of the versions.
pub(crate) fn newest(root: &Path) -> Result<PathBuf, Failure> {
    python::find().map_err(|missing| Failure::one("django", missing))?;
    environment(root, VERSIONS[VERSIONS.len() - 1])
}

/// The interpreter of a virtual environment with this version of Django, made if need be.
fn environment(root: &Path, version: &str) -> Result<PathBuf, Failure> {
    let directory = root.join("target").join(format!("django-{version}"));
    let python = directory.join("bin/python");
    let probe = format!(
        "import django, psycopg, pymemcache, redis; raise SystemExit(not django.__version__.startswith('{version}.'))"
    );
    let ready = |python: &Path| {
        let status = Command::new(python).args(["-c", &probe]).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if !ready(&python) {
        println!("Django {version}: making a virtual environment in {}", directory.display());
        command::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&directory))?;
        let requirement = format!("Django=={version}.*");
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", &requirement, "psycopg[binary]", "pymemcache", "redis"]);
        command::run(&mut pip)?;
    }
    if ready(&python) {
        Ok(python)
    } else {
        Err(Failure::one(
            "django",
            format!("{} has no Django {version} after installing it", python.display()),
        ))
    }
}
