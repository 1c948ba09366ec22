//! `cargo xtask django`: real Django in virtual environments of its own. The model must be equal to it on
//! generated traces, and each side must read what the other wrote.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::services::{self, Running};
use crate::{Ended, Failure, Services, command, login, python, requests};

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

/// The version with long-term support, and the newest.
pub(crate) const VERSIONS: [&str; 2] = ["5.2", NEWEST];

/// The version that fills in the tables.
pub(crate) const NEWEST: &str = "6.1";

/// The version beside which the benchmarks are run.
const MEASURED: &str = "5.2";

/// Django's session engines; `cache` on the memory of its process.
const ENGINES: [&str; 5] = ["db", "file", "signed_cookies", "cache", "cached_db"];

/// How an engine is driven: what the page calls it, the adapter's flag, and one of how many cases is played. The
/// asynchronous methods take twice as long, and do the same but in one place.
const WAYS: [(&str, &str, usize); 2] = [("", "", 1), (", asynchronous", " --async", 4)];

/// East of Greenwich a reader in UTC takes what is over for living, and west of it what lives for over.
const ZONES: [&str; 2] = ["Asia/Tokyo", "America/Chicago"];

/// Runs the comparison with each of these versions for which there is a Python.
///
/// What it finds must be the same for all, and is a page of the documents, which is written, or must be current.
pub(crate) fn run(
    root: &Path,
    services: Services,
    versions: &[&str],
    cases: usize,
    page: Page,
) -> Result<Ended, Failure> {
    command::build(root)?;
    let servers = services::wanted(services)?;
    let mut missing: Vec<String> =
        servers.as_ref().err().map(|missing| format!("the cache engines: {missing}")).into_iter().collect();
    // The newest first: it is the one that fills in the tables.
    for &version in versions.iter().rev() {
        let python = match environment(root, version)? {
            Ok(python) => python,
            Err(reason) => {
                missing.push(reason);
                continue;
            }
        };
        let reports = tempfile::tempdir()?;
        for engine in ENGINES {
            for (way, flag, part) in WAYS {
                let cases = cases / part;
                println!(
                    "Django {version}: the model and Django's engine {engine}{way} on {cases} generated traces"
                );
                let adapter = "conformance/adapters/django/adapter.py --engine";
                let adapter = format!("{} {adapter} {engine}{flag}", python.display());
                let mut suite = command::sessionspec(root);
                suite.args(["run", "--cases", &cases.to_string(), "--cmd", &adapter]);
                let report = report(reports.path(), engine, way);
                command::run(suite.arg("--report").arg(format!("json={}", report.display())))?;
            }
        }
        let found = engines_page(root, reports.path())?;
        if page == Page::Write && version == NEWEST {
            fs::write(root.join(PAGE), &found)?;
        }
        if fs::read_to_string(root.join(PAGE)).unwrap_or_default() != found {
            let fault =
                format!("{PAGE} is not what was found of {version}: run `cargo xtask django --write`");
            return Err(Failure::one("django", fault));
        }
        cross_read(root, version, &python, servers.as_ref().ok())?;
        requests::run(root, version, &python, page)?;
        login::run(root, version, &python, servers.as_ref().ok())?;
    }
    match missing.as_slice() {
        [] => Ok(Ended::Passed),
        missing => services.without("django", missing.join("; ")),
    }
}

/// Has the stores and Django read what the other wrote, on servers too if they are there.
fn cross_read(root: &Path, version: &str, python: &Path, servers: Option<&Running>) -> Result<(), Failure> {
    let crossread = |database: &str| -> Result<Command, Failure> {
        let mut crossread = command::built(root, "crossread");
        crossread.args(["--version", version, "--python"]).arg(python);
        if let Some(servers) = servers {
            let server = servers.url(services::POSTGRES);
            crossread.args(["--postgres", &services::fresh_database(server, &named(database, version))?]);
        }
        Ok(crossread)
    };
    let mut contents = crossread("sessionspec_crossread")?;
    contents.arg("contents");
    if let Some(servers) = servers {
        contents.args(["--redis", servers.url(services::REDIS)]);
        contents.args(["--memcached", servers.url(services::MEMCACHED)]);
    }
    command::run(&mut contents)?;
    for zone in ZONES {
        command::run(crossread("sessionspec_local_time")?.args(["local-time", "--zone", zone]))?;
    }
    Ok(())
}

/// A database of the gate for one version; the other's runs beside it.
pub(crate) fn named(database: &str, version: &str) -> String {
    format!("{database}_{}", version.replace('.', "_"))
}

/// The file with the report about an engine.
fn report(reports: &Path, engine: &str, way: &str) -> PathBuf {
    reports.join(format!("{engine}{way}.json"))
}

/// The page about the engines, from the reports about a version.
fn engines_page(root: &Path, reports: &Path) -> Result<String, Failure> {
    let known = command::output(command::sessionspec(root).args(["rules", "--format", "json"]))?;
    let known: Vec<Value> = serde_json::from_str(&known).map_err(|error| fault(&error))?;
    let mut table = String::new();
    let mut details = String::new();
    let mut by_rule: Vec<String> = Vec::new();
    for engine in ENGINES {
        let mut told = Vec::new();
        for (way, ..) in WAYS {
            let rules = outcomes(&report(reports, engine, way))?;
            let with =
                |status: &str| rules.iter().filter(|rule| rule["status"] == status).collect::<Vec<_>>();
            let broken: Vec<String> =
                with("expected-fail").into_iter().map(|rule| line(rule, &known)).collect();
            if way.is_empty() {
                by_rule.resize(rules.len(), String::new());
                for (row, rule) in by_rule.iter_mut().zip(&rules) {
                    if row.is_empty() {
                        *row = format!("| {}", link(rule, &known));
                    }
                    let _ = write!(row, " | {}", sign(rule));
                }
            }
            // Writing to a String cannot fail.
            let _ = writeln!(
                table,
                "| `{engine}`{way} | {} | {} | {} |",
                with("pass").len(),
                broken.len(),
                with("not-applicable").len()
            );
            let (heading, lines): (_, Vec<_>) = if way.is_empty() {
                (format!("\n### `{engine}`\n"), broken.iter().collect())
            } else {
                let more = broken.iter().filter(|line| !told.contains(*line)).collect();
                ("\nBy its asynchronous methods also:\n".to_owned(), more)
            };
            if !lines.is_empty() {
                let _ = writeln!(details, "{heading}");
                for line in lines {
                    let _ = writeln!(details, "{line}");
                }
            }
            told = broken;
        }
    }
    Ok(format!(
        "# Django's engines\n\n\
         <!-- Written by `cargo xtask django --write`. -->\n\n\
         What the suite finds when it drives Django's own session engines, by their usual methods and by the\n\
         asynchronous ones: each rule holds, or is broken in a way that is known and that the reference model\n\
         imitates, or does not apply to the engine. Versions {} were seen to do the same. The engine\n\
         `cache` is the one on the memory of its process.\n\n\
         | engine | rules that hold | that Django breaks | that do not apply |\n|---|---|---|---|\n{table}\n\
         ## Where Django does otherwise\n{details}\n\
         ## Rule by rule\n\n\
         By their usual methods: ✓ holds, (✗) is broken in a way that is known, – does not apply. What Django does at the\n\
         end of a request is not here: it fills in the table by which those rules are checked.\n\n\
         | rule | {} |\n|---|{}\n{} |\n",
        VERSIONS.join(" and "),
        ENGINES.map(|engine| format!("`{engine}`")).join(" | "),
        "---|".repeat(ENGINES.len()),
        by_rule.join(" |\n"),
    ))
}

/// What a report says of each rule.
fn outcomes(report: &Path) -> Result<Vec<Value>, Failure> {
    let mut report: Value =
        serde_json::from_str(&fs::read_to_string(report)?).map_err(|error| fault(&error))?;
    match report.pointer_mut("/subjects/0/rules").map(Value::take) {
        Some(Value::Array(rules)) => Ok(rules),
        _ => Err(fault(&"the report has no rules")),
    }
}

/// A rule that is broken, with the reason.
fn line(rule: &Value, known: &[Value]) -> String {
    format!("- {}: {}", link(rule, known), rule["reason"].as_str().unwrap_or_default())
}

/// A link to a rule.
fn link(rule: &Value, known: &[Value]) -> String {
    let page = known.iter().find(|known| known["id"] == rule["id"]);
    let page = page.and_then(|known| known["page"].as_str()).unwrap_or_default();
    let page = page.trim_start_matches("docs/");
    format!("[{id}]({page}#{id})", id = rule["id"].as_str().unwrap_or_default())
}

/// How a rule ended, as the report as a page shows it.
fn sign(rule: &Value) -> &str {
    match rule["status"].as_str().unwrap_or_default() {
        "pass" => "✓",
        "expected-fail" => "(✗)",
        "not-applicable" => "–",
        other => other,
    }
}

fn fault(error: &dyn std::fmt::Display) -> Failure {
    Failure::one("django", error.to_string())
}

/// The interpreter that has the version which is measured, or how to get one.
pub(crate) fn measured(root: &Path) -> Result<Result<PathBuf, String>, Failure> {
    environment(root, MEASURED)
}

/// The oldest Python that a version of Django runs on: 3 and this.
fn oldest_python(version: &str) -> u8 {
    if version == NEWEST { 12 } else { python::OLDEST }
}

/// The interpreter of a virtual environment with this version of Django, made if need be; where there is no Python
/// for it, how to get one.
pub(crate) fn environment(root: &Path, version: &str) -> Result<Result<PathBuf, String>, Failure> {
    let directory = root.join("target").join(format!("django-{version}"));
    fs::create_dir_all(root.join("target"))?;
    // Gates that run side by side want the same ones; the lock goes when the file is closed.
    let lock = fs::File::create(root.join("target/django.lock"))?;
    lock.lock()?;
    let python = directory.join("bin/python");
    let probe = format!(
        "import django, psycopg, pymemcache, redis, tzdata; \
         raise SystemExit(not django.__version__.startswith('{version}.'))"
    );
    let ready = |python: &Path| {
        let status = Command::new(python).args(["-c", &probe]).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if !ready(&python) {
        let base = match python::find(oldest_python(version)) {
            Ok(base) => base,
            Err(missing) => return Ok(Err(format!("Django {version}: {missing}"))),
        };
        println!("Django {version}: making a virtual environment in {}", directory.display());
        let requirement = format!("Django=={version}.*");
        let packages = [&requirement, "psycopg[binary]", "pymemcache", "redis", "tzdata"];
        python::make(&base, &directory, &packages)?;
    }
    if ready(&python) {
        Ok(Ok(python))
    } else {
        Err(fault(&format!("{} has no Django {version} after installing it", python.display())))
    }
}
