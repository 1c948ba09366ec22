//! Where Python is, and the environments that are made with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Failure, command};

/// The adapter that the guide shows.
pub(crate) const ADAPTER: &str = "conformance/adapters/python-dict/adapter.py";

/// A version of Python: 3 and this.
type Minor = u8;

/// The oldest Python for which the scripts are written.
pub(crate) const OLDEST: Minor = 10;

/// The newest that is looked for by its name.
const NEWEST: Minor = 14;

/// A Python that is new enough and can make virtual environments; if there is none, how to get one.
pub(crate) fn find(oldest: Minor) -> Result<PathBuf, String> {
    let named = (oldest..=NEWEST).rev().map(|minor| PathBuf::from(format!("python3.{minor}")));
    // What `python3` means here goes before what lies beside it.
    let named = std::iter::once(PathBuf::from("python3")).chain(named);
    let managed = (oldest..=NEWEST).rev().filter_map(pyenv);
    named.chain(managed).find(|python| suits(python, oldest)).ok_or_else(|| {
        format!(
            "there is no Python 3.{oldest} or newer with its venv module; get it, on Debian by \
             `apt-get install python3 python3-venv`, with pyenv by `pyenv install 3.{}`",
            oldest.max(13)
        )
    })
}

/// Whether this is a Python that is new enough and can make virtual environments.
fn suits(python: &Path, oldest: Minor) -> bool {
    let probe = format!("import sys, venv, ensurepip; sys.exit(sys.version_info < (3, {oldest}))");
    command::succeeds(Command::new(python).args(["-c", &probe]))
}

/// Makes a virtual environment anew, in which these packages are: what `pip install` is told.
pub(crate) fn make(python: &Path, place: &Path, packages: &[&str]) -> Result<(), Failure> {
    command::run(Command::new(python).args(["-m", "venv", "--clear"]).arg(place))?;
    let mut pip = Command::new(place.join("bin/python"));
    command::run(pip.args(["-m", "pip", "install", "--quiet"]).args(packages))
}

/// The Python that pyenv keeps, if pyenv is there; its names in the path answer for the chosen version only.
fn pyenv(minor: Minor) -> Option<PathBuf> {
    let version = format!("3.{minor}");
    let output = Command::new("pyenv").args(["prefix", &version]).stderr(Stdio::null()).output().ok()?;
    let prefix = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(Path::new(prefix.trim_end()).join("bin").join(format!("python{version}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_that_nobody_has_is_asked_for_with_the_way_to_get_it() {
        let missing = find(99).unwrap_err();
        assert!(missing.contains("Python 3.99") && missing.contains("pyenv install 3.99"), "{missing}");
    }
}
