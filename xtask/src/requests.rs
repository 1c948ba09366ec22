//! The tables of requests in `conformance/tables/`: what is written there is what real Django answers.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::django::{NEWEST, Page};
use crate::{Failure, command};

/// The tables, by the name that the script has for each.
const TABLES: [(&str, &str); 3] = [
    ("cases", "conformance/tables/middleware.jsonl"),
    ("cookie-sessions", "conformance/tables/cookie-sessions.jsonl"),
    ("cookies", "conformance/tables/cookies.jsonl"),
];

/// Has a version of Django fill in the tables. They are written, or must say the same.
pub(crate) fn run(root: &Path, version: &str, python: &Path, page: Page) -> Result<(), Failure> {
    for (name, path) in TABLES {
        let mut script = Command::new(python);
        script.current_dir(root).args(["conformance/adapters/django/middleware_table.py", name]);
        let found = command::output(&mut script)?;
        let path = root.join(path);
        if page == Page::Write && version == NEWEST {
            fs::write(&path, &found)?;
        }
        let table = fs::read_to_string(&path).unwrap_or_default();
        let excused = compare(version, &found, &table)
            .map_err(|fault| Failure::one(&format!("Django {version}, table of {name}"), fault))?;
        println!(
            "Django {version}, table of {name}: {} lines, {excused} where this version does otherwise",
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
            (Some(seen), Some(written)) if is_known(version, seen, written) => excused += 1,
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

/// Whether a version is known to do this otherwise: before 6.1 every session is true.
fn is_known(version: &str, seen: &str, written: &str) -> bool {
    let [Ok(seen), Ok(mut written)] = [seen, written].map(serde_json::from_str::<Value>) else {
        return false;
    };
    let Some(operations) = written["do"].as_array().cloned() else { return false };
    for (at, operation) in operations.iter().enumerate() {
        if operation[0] == "is-true" {
            written["answer"]["results"][at] = true.into();
        }
    }
    version == "5.2" && seen == written
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const LINE: &str = r#"{"do":[["get","a"],["is-true"]],"answer":{"results":[1,false],"vary":true}}"#;
    const TRUE: &str = r#"{"do":[["get","a"],["is-true"]],"answer":{"results":[1,true],"vary":true}}"#;

    #[rstest]
    #[case("6.1", LINE, Ok(0))]
    #[case("5.2", LINE, Ok(0))]
    #[case("5.2", TRUE, Ok(1))]
    #[case("6.1", TRUE, Err(()))]
    #[case("5.2", r#"{"do":[["get","a"],["is-true"]],"answer":{"results":[1,true],"vary":false}}"#, Err(()))]
    #[case("5.2", r#"{"do":[["get","a"],["is-true"]],"answer":{"results":[true,true],"vary":true}}"#, Err(()))]
    #[case("5.2", "", Err(()))]
    fn only_what_is_known_of_a_version_is_excused(
        #[case] version: &str,
        #[case] found: &str,
        #[case] excused: Result<usize, ()>,
    ) {
        assert_eq!(compare(version, found, LINE).map_err(drop), excused);
    }
}
