//! `cargo xtask python`: the adapter that the guide shows, written in Python, is examined by the doctor and
//! held to every rule.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Ended, Failure, Services, command};

const ADAPTER: &str = "python3 conformance/adapters/python-dict/adapter.py";

/// Runs the adapter.
pub(crate) fn run(root: &Path, services: Services) -> Result<Ended, Failure> {
    if let Some(not_run) = missing("python", services)? {
        return Ok(not_run);
    }
    command::output(command::sessionspec(root).args(["doctor", "--cmd", ADAPTER]))?;
    command::run(command::sessionspec(root).args(["run", "--cmd", ADAPTER]))?;
    Ok(Ended::Passed)
}

/// How a gate ends that needs Python, where there is none.
pub(crate) fn missing(gate: &str, services: Services) -> Result<Option<Ended>, Failure> {
    match (find(), services) {
        (Ok(()), _) => Ok(None),
        (Err(missing), Services::Optional) => Ok(Some(Ended::NotRun(missing))),
        (Err(missing), Services::Required) => Err(Failure::one(gate, missing)),
    }
}

/// Whether there is a Python that can make virtual environments; if not, how to get one.
pub(crate) fn find() -> Result<(), String> {
    let probe = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    let status =
        Command::new("python3").args(["-c", probe]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let remedy = "install it with its venv module, on Debian: apt-get install python3 python3-venv";
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(format!("python3 is older than 3.10 or lacks its venv module; {remedy}")),
        Err(_) => Err(format!("there is no python3; {remedy}")),
    }
}
