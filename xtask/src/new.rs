//! `cargo xtask new`: what `sessionspec new` writes holds as it is, in every language that is here.

use std::fs;
use std::path::Path;

use crate::{Ended, Failure, command, outside, services};

/// Where the files are written: always there, so that what is compiled for them does not heap up.
const PLACE: &str = "target/new";

/// The languages of adapters: what runs them, and Debian's package of that.
const ADAPTERS: [(&str, &str, &str); 4] = [
    ("python", "python3", "python3"),
    ("node", "node", "nodejs"),
    ("php", "php", "php-cli"),
    ("go", "go", "golang-go"),
];

/// Writes the files of each language, and runs what `sessionspec new` says comes next. Missing languages are no error even
/// if services are required: who writes a store in one of them has it, and not every machine does.
pub(crate) fn run(root: &Path) -> Result<Ended, Failure> {
    command::build(root)?;
    let place = root.join(PLACE);
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    rust(root)?;
    let mut missing = Vec::new();
    for (language, program, remedy) in ADAPTERS {
        if services::find(&[program]).is_some() {
            adapter(root, language)?;
        } else {
            missing.push(format!("{language}: there is no {program}; on Debian: apt-get install {remedy}"));
        }
    }
    Ok(if missing.is_empty() { Ended::Passed } else { Ended::NotRun(missing.join("; ")) })
}

/// Writes an adapter, asks the doctor, and holds it to every rule.
fn adapter(root: &Path, language: &str) -> Result<(), Failure> {
    let next = write(root, language)?;
    command::shell(root, root, &next.replacen(" run ", " doctor ", 1))?;
    command::shell(root, root, &format!("{next} --cases 100"))?;
    println!("new {language}: `{next}` holds");
    Ok(())
}

/// Writes a crate and runs its tests, with what is compiled already where it fits.
fn rust(root: &Path) -> Result<(), Failure> {
    let next = write(root, "rust")?;
    let place = format!("{PLACE}/rust");
    if next != format!("cargo test --manifest-path {place}/Cargo.toml") {
        return Err(Failure::one("new", format!("rust: what is next is not `cargo test`: {next}")));
    }
    command::output(&mut outside::cargo(root, &root.join(place), "test")?)?;
    println!("new rust: `{next}` holds");
    Ok(())
}

/// Writes the files of a language, and gives the command that is printed to come next.
fn write(root: &Path, language: &str) -> Result<String, Failure> {
    let mut new = command::sessionspec(root);
    // As outside of cargo, where the program is called by its name.
    let printed =
        command::output(new.args(["new", language]).arg(format!("{PLACE}/{language}")).env_remove("CARGO"))?;
    let next = printed.lines().last().and_then(|line| line.strip_prefix("next: "));
    next.map(str::to_owned)
        .ok_or_else(|| Failure::one("new", format!("{language}: nothing is next:\n{printed}")))
}
