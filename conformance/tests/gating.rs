//! What gates a store in CI: the script of the action, the comparison with a baseline, the badge.

#![cfg(all(feature = "cli", unix))]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../action/check.sh");
const PROGRAM: &str = env!("CARGO_BIN_EXE_sessionspec");

/// Runs the script of the action in a directory; its status, and what it printed.
fn check(directory: &Path, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new("bash")
        .arg(SCRIPT)
        .current_dir(directory)
        .env("SESSIONSPEC", PROGRAM)
        .env("EXTRA", "--cases 0 --rules key.*")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// An adapter that takes every key for one that it knows nothing of, or none.
fn adapter(directory: &Path, script: &str) -> &'static str {
    fs::write(directory.join("adapter.sh"), format!("{PROGRAM} serve --model | sed -u '{script}'\n"))
        .unwrap();
    "sh adapter.sh"
}

/// A change after which the key of a session is never told.
const BROKEN: &str = r#"s/"key":"[a-z0-9]*"/"key":null/"#;

fn sessionspec(directory: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(PROGRAM).current_dir(directory).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_change_that_breaks_a_rule_is_told_on_the_pull_request() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let (status, printed) = check(place, &[("SUBJECT_CMD", adapter(place, ""))]);
    assert_eq!(status, Some(0), "{printed}");
    let reports = place.join("target/sessionspec-reports");
    fs::copy(reports.join("report.json"), place.join("main.json")).unwrap();

    let summary = place.join("summary.md");
    let variables = [
        ("SUBJECT_CMD", adapter(place, BROKEN)),
        ("BASELINE", "main.json"),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
    ];
    let (status, printed) = check(place, &variables);
    assert_eq!(status, Some(1), "{printed}");
    assert!(printed.lines().any(|line| line.starts_with("::error file=adapter.sh,title=model%3A fail key.")));
    assert!(printed.lines().any(|line| line.starts_with("worse   model: key.")), "{printed}");
    let shown = fs::read_to_string(summary).unwrap();
    assert!(shown.contains("1 subject did not hold") && shown.contains("Since the baseline"), "{shown}");
    for name in ["report.json", "report.html", "report.md", "report.xml", "badge.svg", "diff.txt"] {
        assert!(reports.join(name).metadata().unwrap().len() > 0, "{name}");
    }
    assert!(fs::read_to_string(reports.join("badge.svg")).unwrap().contains(" broken</text>"));
}

#[test]
fn what_is_only_worse_than_the_baseline_closes_the_gate_too() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let held = [("SUBJECT_STORE", "model")];
    check(place, &held);
    let report = fs::read_to_string(place.join("target/sessionspec-reports/report.json")).unwrap();
    // It has one rule more, which is gone.
    let more = report.replacen("\"key.short\"", "\"key.once\"", 1);
    fs::write(place.join("main.json"), more).unwrap();
    let (status, printed) = check(place, &[held[0], ("BASELINE", "main.json")]);
    assert_eq!(status, Some(1), "{printed}");
    assert!(printed.contains("key.once is no longer checked"), "{printed}");
}

#[test]
fn a_report_that_cannot_be_read_is_no_answer() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("half.json"), "{\"suite\":").unwrap();
    for arguments in
        [&["diff", "half.json", "half.json"][..], &["diff", "no.json", "no.json"], &["badge", "half.json"]]
    {
        let (status, stdout, stderr) = sessionspec(directory.path(), arguments);
        assert_eq!((status, stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(stderr.contains(arguments[1]), "{stderr}");
    }
    let (status, _, stderr) = sessionspec(directory.path(), &["diff", "a", "b", "--slower", "0.5"]);
    assert!(status == Some(2) && stderr.contains("from 1"), "{stderr}");
}

#[test]
fn a_known_failure_that_is_gone_is_good_news_and_comes_off_the_list() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    let run = |script: &str, more: &[&str]| {
        let fixed = ["run", "--cases", "0", "--rules", "key.*", "--known-failures", "known.json", "--cmd"];
        sessionspec(place, &[&fixed[..], &[adapter(place, script)], more].concat())
    };
    let (status, printed, _) = run(BROKEN, &["--update", "--report", "json=before.json"]);
    assert_eq!(status, Some(0), "{printed}");
    assert!(printed.contains("\nall held but ") && printed.contains(" known failures: "), "{printed}");

    let (status, printed, _) = run("", &["--report", "json=after.json"]);
    assert_eq!(status, Some(1), "{printed}");
    assert!(printed.ends_with(" known failures gone: run again with --update\n"), "{printed}");
    let (status, difference, _) = sessionspec(place, &["diff", "before.json", "after.json"]);
    assert_eq!(status, Some(0), "{difference}");
    assert!(difference.lines().any(|line| line.starts_with("better  model: key.")), "{difference}");
    let (_, badge, _) = sessionspec(place, &["badge", "after.json"]);
    assert!(badge.contains(" rules hold<"), "{badge}");

    // The page names no file for what is known: none is left.
    run(BROKEN, &["--report", "html=known.html"]);
    let page = fs::read_to_string(place.join("known.html")).unwrap();
    assert!(page.contains("expected-fail") && page.contains("keep this as that file"), "{page}");
    assert!(!page.contains("leaves this file there"), "{page}");

    // What is excused no longer says so.
    let list = fs::read_to_string(place.join("known.json")).unwrap();
    fs::write(place.join("known.json"), list.replace("\"reason\"", "\"until\": \"2020-01-01\", \"reason\""))
        .unwrap();
    let (status, printed, _) = run(BROKEN, &[]);
    assert_eq!(status, Some(1), "{printed}");
    assert!(printed.contains(": known, but only until 2020-01-01: not explained yet; "), "{printed}");

    // A list that cannot be read is told before anything is run.
    fs::write(place.join("known.json"), "[").unwrap();
    let (status, printed, said) = run(BROKEN, &[]);
    assert_eq!((status, printed.as_str()), (Some(2), ""), "{said}");
}
