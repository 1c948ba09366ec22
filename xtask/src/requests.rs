//! The tables that real Django fills in: what is written there is what it does.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::django::{NEWEST, Page};
use crate::{Failure, command};

/// A table, the script that prints it, and the script's arguments.
struct Table {
    path: &'static str,
    script: &'static str,
    argument: Option<&'static str>,
    /// The version that fills it in, where another one does otherwise than the newest in more than is known here.
    only: Option<&'static str>,
}

const TABLES: [Table; 8] = [
    requests("conformance/tables/middleware.jsonl", "cases"),
    requests("conformance/tables/cookie-sessions.jsonl", "cookie-sessions"),
    requests("conformance/tables/overlaps.jsonl", "overlaps"),
    requests("conformance/tables/cookies.jsonl", "cookies"),
    requests("conformance/tables/headers.jsonl", "headers"),
    Table {
        path: "conformance/tables/time-zones.jsonl",
        script: "conformance/adapters/django/time_zones.py",
        argument: None,
        only: None,
    },
    contents("session-core/tests/django/contents-5.2.jsonl", "5.2"),
    contents("session-core/tests/django/contents-6.1.jsonl", NEWEST),
];

const fn requests(path: &'static str, argument: &'static str) -> Table {
    let script = "conformance/adapters/django/middleware_table.py";
    Table { path, script, argument: Some(argument), only: None }
}

const fn contents(path: &'static str, version: &'static str) -> Table {
    Table { path, script: "session-core/tests/django/contents.py", argument: None, only: Some(version) }
}

/// Has a version of Django fill in the tables. They are written, or must say the same.
pub(crate) fn run(root: &Path, version: &str, python: &Path, page: Page) -> Result<(), Failure> {
    for table in TABLES.iter().filter(|table| table.only.is_none_or(|only| only == version)) {
        let mut script = Command::new(python);
        script.current_dir(root).arg(table.script).args(table.argument);
        let found = command::output(&mut script)?;
        let path = root.join(table.path);
        if page == Page::Write && table.only.unwrap_or(NEWEST) == version {
            fs::write(&path, &found)?;
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        if table.only.is_some() && found.lines().next() != written.lines().next() {
            let first = written.lines().next().unwrap_or("nothing");
            println!("Django {version}, {}: NOT COMPARED, it was written by {first}", table.path);
            continue;
        }
        let excused = compare(version, &found, &written)
            .map_err(|fault| Failure::one(&format!("Django {version}, {}", table.path), fault))?;
        println!(
            "Django {version}, {}: {} lines, {excused} where this version does otherwise",
            table.path,
            written.lines().count()
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
