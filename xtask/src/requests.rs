//! The tables of requests in `conformance/tables/`: what is written there is what real Django answers.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::django::Page;
use crate::{Failure, command};

/// The tables, by the name that the script has for each.
const TABLES: [(&str, &str); 2] =
    [("cases", "conformance/tables/middleware.jsonl"), ("cookies", "conformance/tables/cookies.jsonl")];

/// Has a version of Django fill in the tables. They are written, or must say the same.
pub(crate) fn run(root: &Path, version: &str, python: &Path, page: Page) -> Result<(), Failure> {
    for (name, path) in TABLES {
        let mut script = Command::new(python);
        script.current_dir(root).args(["conformance/adapters/django/middleware_table.py", name]);
        let found = command::output(&mut script)?;
        let path = root.join(path);
        if page == Page::Write && !is_old(version) {
            fs::write(&path, &found)?;
        }
        let table = fs::read_to_string(&path).unwrap_or_default();
        let excused = compare(version, &found, &table)
            .map_err(|fault| Failure::one(&format!("Django {version}, table of {name}"), fault))?;
        println!(
            "Django {version}, table of {name}: {} lines, {excused} with its own fault",
            table.lines().count()
        );
    }
    Ok(())
}

/// How many lines differ in the way that is known of this version.
fn compare(version: &str, found: &str, table: &str) -> Result<usize, String> {
    let mut excused = 0;
    let (mut seen, mut written) = (found.lines(), table.lines());
    loop {
        match (seen.next(), written.next()) {
            (None, None) => return Ok(excused),
            (Some(seen), Some(written)) if seen == written => {}
            (Some(seen), Some(written)) if is_old(version) && is_known_fault(seen, written) => excused += 1,
            (seen, written) => {
                let [seen, written] = [seen, written].map(|line| line.unwrap_or("nothing"));
                return Err(format!(
                    "the table has\n    {written}\n  and Django gives\n    {seen}\n  \
                     (`cargo xtask django --write` fills it in)"
                ));
            }
        }
    }
}

/// Whether this version has the fault that `r[middleware.vary.sent]` tells of.
fn is_old(version: &str) -> bool {
    version == "4.2"
}

/// `Vary` is left out, where `save_every_request` alone is the reason to send the cookie.
fn is_known_fault(seen: &str, written: &str) -> bool {
    let [Ok(mut seen), Ok(written)] = [seen, written].map(serde_json::from_str::<Value>) else {
        return false;
    };
    let only = written["save_every_request"] == true && seen["answer"]["vary"] == false;
    seen["answer"]["vary"] = true.into();
    only && seen == written
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const LINE: &str = r#"{"save_every_request":true,"answer":{"vary":true,"cookie":"same"}}"#;

    #[rstest]
    #[case("5.2", LINE, Ok(0))]
    #[case("4.2", LINE, Ok(0))]
    #[case("4.2", r#"{"save_every_request":true,"answer":{"vary":false,"cookie":"same"}}"#, Ok(1))]
    #[case("5.2", r#"{"save_every_request":true,"answer":{"vary":false,"cookie":"same"}}"#, Err(()))]
    #[case("4.2", r#"{"save_every_request":true,"answer":{"vary":false,"cookie":"new"}}"#, Err(()))]
    #[case("4.2", "", Err(()))]
    fn only_the_known_fault_of_the_old_version_is_excused(
        #[case] version: &str,
        #[case] found: &str,
        #[case] excused: Result<usize, ()>,
    ) {
        assert_eq!(compare(version, found, LINE).map_err(drop), excused);
    }
}
