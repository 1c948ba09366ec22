//! `cargo xtask django`: real Django in virtual environments of its own. The model must be equal to it on
//! generated traces, and each side must read what the other wrote.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Ended, Failure, Services, command, crossread, python, services};

/// Generated traces per version.
pub(crate) const CASES: usize = 2_000;

/// The versions: the two that have long-term support.
const VERSIONS: [&str; 2] = ["4.2", "5.2"];

/// Django's session engines; `cache` on the memory of its process.
const ENGINES: [&str; 5] = ["db", "file", "signed_cookies", "cache", "cached_db"];

/// Runs the comparison with each version.
pub(crate) fn run(root: &Path, services: Services, cases: usize) -> Result<Ended, Failure> {
    if let Some(not_run) = python::missing("django", services)? {
        return Ok(not_run);
    }
    let servers = services::wanted(services)?;
    for version in VERSIONS {
        let python = environment(root, version)?;
        for engine in ENGINES {
            println!("Django {version}: the model and Django's engine {engine} on {cases} generated traces");
            let adapter = "conformance/adapters/django/adapter.py --engine";
            let adapter = format!("{} {adapter} {engine}", python.display());
            let mut suite = command::sessionspec(root);
            command::run(suite.args(["run", "--cases", &cases.to_string(), "--cmd", &adapter]))?;
        }
        crossread::run(root, version, &python, servers.as_ref().ok())?;
    }
    match servers {
        Ok(_) => Ok(Ended::Passed),
        Err(missing) => Ok(Ended::NotRun(format!("the cache engines: {missing}"))),
    }
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
        "import django, pymemcache, redis; raise SystemExit(not django.__version__.startswith('{version}.'))"
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
        pip.args(["-m", "pip", "install", "--quiet", &requirement, "pymemcache", "redis"]);
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
