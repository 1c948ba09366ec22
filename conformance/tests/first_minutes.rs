//! What somebody sees who has just got `sessionspec`: examples, files to begin with, a run on a terminal and in a pipe, and
//! what to do next.

#![cfg(feature = "cli")]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

mod command;

use std::fs;
use std::process::{Command, Stdio};

use command::{adapter, sessionspec, sessionspec_in};
use rstest::rstest;

#[test]
fn without_a_command_examples_are_shown() {
    let run = sessionspec(&[]);
    assert_eq!((run.status, run.stderr()), (Some(0), ""));
    assert!(
        run.stdout.contains("sessionspec run\n") && run.stdout.contains(" new python\n"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
}

/// Which files are written; that they hold is seen by `cargo xtask new`.
#[rstest]
#[case("rust", &["Cargo.toml", "src/lib.rs", "tests/conformance.rs"])]
#[case("python", &["adapter.py"])]
#[case("node", &["adapter.mjs"])]
#[case("php", &["adapter.php"])]
#[case("go", &["adapter.go"])]
fn files_for_a_store_of_ones_own_are_written_and_none_is_overwritten(
    #[case] language: &str,
    #[case] files: &[&str],
) {
    let directory = tempfile::tempdir().unwrap();
    let run = sessionspec_in(directory.path(), &["new", language, "mine"]);
    assert_eq!((run.status, run.stderr()), (Some(0), ""), "{}", run.stdout);
    for file in files {
        let text = fs::read_to_string(directory.path().join("mine").join(file)).unwrap();
        assert!(!text.contains("python-dict") && !text.contains("# CRATES"), "{text}");
    }
    assert!(run.stdout.lines().last().unwrap().starts_with("next: "), "{}", run.stdout);
    fs::write(directory.path().join("mine").join(files[0]), "mine").unwrap();
    let again = sessionspec_in(directory.path(), &["new", language, "mine"]);
    assert_eq!(again.status, Some(2), "{}", again.stdout);
    let said = [files[0], "left as it is", &format!("new {language} my-store")];
    assert!(said.iter().all(|words| again.stderr.contains(words)), "{}", again.stderr);
    assert_eq!(fs::read_to_string(directory.path().join("mine").join(files[0])).unwrap(), "mine");
}

#[test]
fn a_language_without_files_is_refused_with_those_that_have_some() {
    let run = sessionspec(&["new", "cobol"]);
    assert_eq!(run.status, Some(2), "{}", run.stdout);
    assert!(
        run.stderr.contains("'cobol'") && run.stderr.contains("rust, python, node, php, go"),
        "{}",
        run.stderr
    );
}

#[test]
fn files_that_cannot_be_written_are_named() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("mine"), "").unwrap();
    let run = sessionspec_in(directory.path(), &["new", "python", "mine"]);
    assert_eq!((run.status, &*run.stdout), (Some(2), ""));
    assert!(run.stderr.contains("cannot write mine/adapter.py"), "{}", run.stderr);
}

#[test]
fn what_was_asked_for_is_what_is_counted() {
    let run = sessionspec(&["run", "--store", "model", "--rules", "dict.get", "--cases", "1"]);
    assert!(run.stdout.contains("\nall held: 1 rule on 1 subject, "), "{}", run.stdout);
}

#[test]
fn a_table_of_many_subjects_fits_a_terminal() {
    let run = sessionspec(&["run", "--cases", "0", "--rules", "key.*"]);
    let table: Vec<&str> = run.stdout.lines().take_while(|line| !line.starts_with("model ")).collect();
    assert!(table.iter().all(|line| line.chars().count() <= 80), "{}", run.stdout);
}

/// The last line says what to do next.
#[rstest]
#[case::nothing_was_named(&["run", "--cases", "0"], "sessionspec new python")]
#[case::it_holds(&["run", "--cases", "0", "--store", "model"], "docs/guides/ci.md")]
fn a_run_ends_with_what_to_do_next(#[case] arguments: &[&str], #[case] next: &str) {
    let run = sessionspec(arguments);
    let last = run.stdout.lines().last().unwrap();
    assert!(last.starts_with("next: ") && last.contains(next), "{last}");
}

#[test]
fn after_a_failure_the_page_is_next() {
    let broken = adapter("s/\\\"ok\\\":true/\\\"ok\\\":false/");
    let arguments = ["run", "--cases", "0", "--rules", "lifecycle.*", "--cmd", &broken];
    let last = |more: &[&str]| {
        let run = sessionspec(&[&arguments[..], more].concat());
        assert_eq!(run.status, Some(1), "{}{}", run.stdout, run.stderr);
        run.stdout.lines().last().unwrap().to_owned()
    };
    assert!(last(&[]).contains("--report html="), "{}", last(&[]));
    assert_eq!(last(&["--report", "html=r.html"]), "next: open r.html in a browser");
}

#[test]
fn after_an_adapter_that_cannot_be_driven_the_doctor_is_next() {
    let rubbish = adapter("s/^{\\\"id\\\":3,.*/Hello!/");
    let run = sessionspec(&["run", "--cases", "0", "--cmd", &rubbish]);
    assert_eq!(run.status, Some(2), "{}{}", run.stdout, run.stderr);
    let last = run.stdout.lines().last().unwrap();
    assert!(last.starts_with("next: ") && last.contains("sessionspec doctor --cmd "), "{last}");
}

#[test]
fn a_replay_that_holds_shows_its_steps() {
    let trace = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/lifecycle.save.no-resurrect.jsonl");
    let run = sessionspec(&["replay", trace, "--store", "memory"]);
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("s1 = new") && run.stdout.contains("update-error"), "{}", run.stdout);
    assert!(run.stdout.lines().last().unwrap().starts_with("held: "), "{}", run.stdout);
}

/// Runs a command whose readers, of what it prints and of its errors, have both seen enough.
fn unread(arguments: &[&str]) -> Option<i32> {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sessionspec"));
    let command = command.current_dir(directory.path()).args(arguments).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    child.wait().unwrap().code()
}

/// A panic would end with 101.
#[test]
fn readers_that_have_seen_enough_are_no_error() {
    let trace = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/lifecycle.save.no-resurrect.jsonl");
    let (model, broken) = (adapter(""), adapter("s/\\\"ok\\\":true/\\\"ok\\\":false/"));
    for (arguments, status) in [
        (&[][..], 0),
        (&["--help"], 0),
        (&["rules"], 0),
        (&["rules", "key.short"], 0),
        (&["rules", "--format", "json"], 0),
        (&["schema", "protocol"], 0),
        (&["run", "--store", "model", "--cases", "0"], 0),
        (&["run", "--cases", "0", "--rules", "lifecycle.*", "--cmd", &broken], 1),
        (&["run", "--cases", "0", "--cmd", "no-such-program"], 2),
        (&["replay", trace, "--store", "memory"], 0),
        (&["compare", "--store", "model", "--store", "model", "--cases", "0"], 0),
        (&["doctor", "--cmd", &model], 0),
        (&["doctor", "--cmd", "no-such-program"], 2),
        (&["new", "node"], 0),
        (&["new", "cobol"], 2),
        (&["http", "--url", "http://127.0.0.1:9"], 2),
    ] {
        assert_eq!(unread(arguments), Some(status), "{arguments:?}");
    }
}

/// What a command shows on a terminal of 80 columns, whatever it writes there.
#[cfg(unix)]
fn on_a_terminal(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    const TERMINAL: &str = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    let mut command = Command::new("python3");
    command.args(["-c", TERMINAL, "sh", "-c", "stty cols 80 && exec \"$@\"", "sh"]);
    command.arg(env!("CARGO_BIN_EXE_sessionspec")).args(arguments);
    command.env("TERM", "xterm").env_remove("NO_COLOR").envs(variables.iter().copied());
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What colours a terminal's text, and does not move its cursor.
const GREEN: &str = "\x1b[32m";

#[cfg(unix)]
#[test]
fn on_a_terminal_a_bar_names_the_rule_at_work() {
    let shown = on_a_terminal(&["run", "--store", "sqlite", "--cases", "20"], &[]);
    let bars =
        || shown.split(['\r', '\n']).filter(|line| line.contains("sqlite") && line.contains(" traces  "));
    let at_work = |bar: &str| {
        ["key.", "lifecycle.", "dict.", "expiry."]
            .iter()
            .any(|area| bar.contains(&format!(" traces  {area}")))
    };
    assert!(bars().any(at_work), "{shown:?}");
}

#[cfg(unix)]
#[test]
fn a_terminal_has_colours_unless_they_are_not_wanted() {
    let run = ["run", "--store", "model", "--cases", "0"];
    assert!(on_a_terminal(&run, &[]).contains(GREEN));
    let plain = on_a_terminal(&run, &[("NO_COLOR", "1")]);
    assert!(!plain.contains(GREEN) && plain.contains("all held"), "{plain:?}");
}

#[test]
fn a_pipe_has_no_colours_unless_they_are_asked_for() {
    let coloured = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sessionspec"));
        let command = command.args(["run", "--cases", "0", "--store", "model"]).env(name, "1");
        String::from_utf8(command.stdin(Stdio::null()).output().unwrap().stdout).unwrap().contains(GREEN)
    };
    assert!(!coloured("X"));
    assert!(coloured("CLICOLOR_FORCE"));
}
