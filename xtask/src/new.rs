//! `cargo xtask new`: what `sessionspec new` writes holds as it is, in every language that is here.

use std::fs;
use std::path::Path;

use crate::{Ended, Failure, Services, command, outside, python, services};

/// Where the files are written: always there, so that what is compiled for them does not heap up.
const PLACE: &str = "target/new";

/// The languages of adapters: what runs them, the file, and how to get what runs them.
const ADAPTERS: [(&str, &str, &str, &str); 3] = [
    ("node", "node", "adapter.mjs", "apt-get install nodejs"),
    ("php", "php", "adapter.php", "apt-get install php-cli"),
    ("go", "go", "adapter.go", "apt-get install golang-go"),
];

/// Writes the files of each language and runs them.
pub(crate) fn run(root: &Path, services: Services) -> Result<Ended, Failure> {
    command::build(root)?;
    let place = root.join(PLACE);
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    rust(root, &place.join("rust"))?;
    let mut missing = Vec::new();
    match python::find(python::OLDEST) {
        Ok(program) => adapter(root, "python", &format!("{} {PLACE}/python/adapter.py", program.display()))?,
        Err(reason) => missing.push(reason),
    }
    for (language, program, file, remedy) in ADAPTERS {
        let run = if language == "go" { "go run" } else { program };
        match services::find(&[program]) {
            Some(_) => adapter(root, language, &format!("{run} {PLACE}/{language}/{file}"))?,
            None => missing.push(format!("there is no {program}; on Debian: {remedy}")),
        }
    }
    if missing.is_empty() { Ok(Ended::Passed) } else { services.without("new", missing.join("; ")) }
}

/// Writes an adapter and holds it to every rule.
fn adapter(root: &Path, language: &str, line: &str) -> Result<(), Failure> {
    let place = format!("{PLACE}/{language}");
    command::output(command::sessionspec(root).args(["new", language, &place]))?;
    command::output(command::sessionspec(root).args(["doctor", "--cmd", line]))?;
    command::output(command::sessionspec(root).args(["run", "--cases", "100", "--cmd", line]))?;
    println!("new {language}: it holds");
    Ok(())
}

/// Writes a crate and runs its tests, with the crates of this workspace in the place of the published ones.
fn rust(root: &Path, place: &Path) -> Result<(), Failure> {
    command::output(command::sessionspec(root).args(["new", "rust"]).arg(place))?;
    let mut test = outside::cargo(root, place, "test")?;
    for (name, folder) in [("session-core", "session-core"), ("session-conformance", "conformance")] {
        let path = root.join(folder);
        test.arg("--config").arg(format!("patch.crates-io.{name}.path = {:?}", path.display().to_string()));
    }
    command::output(test.args(["--quiet", "--test", "conformance"]))?;
    println!("new rust: it holds");
    Ok(())
}
