//! The command `sessions`, as an administrator types it.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::path::Path;
use std::process::{Command, Stdio};

use rstest::rstest;
use session_core::blocking::Wait;
use session_core::{Clock, Entries, Record, SessionKey, SessionStore, Settings, SystemClock};
use time::Duration;

const LIVE: &str = "11111111111111111111111111111111";
const DEAD: &str = "00000000000000000000000000000000";

struct Run {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn sessions(directory: &Path, secret: Option<&str>, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sessions"));
    command.current_dir(directory).args(arguments).stdin(Stdio::null()).env_remove("SECRET_KEY");
    if let Some(secret) = secret {
        command.env("SECRET_KEY", secret);
    }
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Puts a live and an expired session into a store.
fn fill(directory: &Path, engine: &str) {
    let place = directory.display();
    let engine =
        engine.replace("sqlite:", &format!("sqlite:{place}/")).replace("file:", &format!("file:{place}/"));
    let settings = Settings::new("s3cret").with(|settings| settings.engine = engine);
    let store = session_backends::open(&settings).wait().unwrap();
    let now = SystemClock.now();
    for (key, text, expires) in [
        (LIVE, r#"{"user":"Ada","n":10000000000000000000000}"#, now + Duration::days(1)),
        (DEAD, r#"{"_session_expiry":-60}"#, now - Duration::minutes(1)),
    ] {
        let record = Record::new(Entries::parse(text.as_bytes()).unwrap(), expires);
        store.insert(&SessionKey::parse(key).unwrap(), &record).wait().unwrap();
    }
}

#[rstest]
#[case("sqlite:s.db", "the table is there")]
#[case("file:s", "this store has no table to create")]
fn a_store_is_made_looked_at_and_cleared(#[case] engine: &str, #[case] migrated: &str) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("s")).unwrap();
    let run = |arguments: &[&str]| {
        let all: Vec<&str> = arguments.iter().copied().chain(["--engine", engine]).collect();
        sessions(directory.path(), Some("s3cret"), &all)
    };
    assert_eq!(run(&["migrate"]).stdout.trim(), migrated);
    fill(directory.path(), engine);

    let show = run(&["show", LIVE]);
    assert_eq!((show.status, &*show.stderr), (Some(0), ""));
    assert!(show.stdout.contains(r#"{"user":"Ada","n":10000000000000000000000}"#), "{}", show.stdout);
    assert!(show.stdout.starts_with("expires 20"), "{}", show.stdout);

    let show = run(&["show", DEAD]);
    assert_eq!((show.status, &*show.stdout), (Some(1), ""));
    assert!(show.stderr.contains("no live session 0000…") && !show.stderr.contains(DEAD), "{}", show.stderr);

    assert_eq!(run(&["clearsessions"]).stdout, "1 expired sessions removed\n");
    assert_eq!(run(&["clearsessions"]).stdout, "0 expired sessions removed\n");
    assert_eq!(run(&["show", LIVE]).status, Some(0));
}

#[test]
fn another_secret_is_told_and_shows_nothing() {
    let directory = tempfile::tempdir().unwrap();
    sessions(directory.path(), Some("s3cret"), &["migrate", "--engine", "sqlite:s.db"]);
    fill(directory.path(), "sqlite:s.db");
    let run = sessions(directory.path(), Some("other"), &["show", LIVE, "--engine", "sqlite:s.db"]);
    assert_eq!((run.status, &*run.stdout), (Some(2), ""));
    assert!(
        run.stderr.contains("the signature does not match") && !run.stderr.contains(LIVE),
        "{}",
        run.stderr
    );
}

#[rstest]
#[case(&["migrate", "--engine", "sqlite:s.db"], None, "SECRET_KEY")]
#[case(&["clearsessions", "--engine", "sqlite:s.db"], Some("s"), "create it with `migrate`")]
#[case(&["clearsessions"], Some("s"), "sqlite:PATH or postgres://")]
#[case(&["show", "short", "--engine", "signed_cookies:"], Some("s"), "at least 8 characters")]
#[case(&["show", LIVE, "--settings", "no.json"], Some("s"), "cannot read no.json")]
#[case(&["migrate", "--engine", "sqlite:no/such/s.db"], Some("s"), "no/such/s.db")]
fn what_cannot_be_done_is_told(#[case] arguments: &[&str], #[case] secret: Option<&str>, #[case] said: &str) {
    let directory = tempfile::tempdir().unwrap();
    let run = sessions(directory.path(), secret, arguments);
    assert_eq!((run.status, &*run.stdout), (Some(2), ""), "{}", run.stderr);
    assert!(run.stderr.contains(said), "{}", run.stderr);
}

#[test]
fn settings_come_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let settings = r#"{"engine": "sqlite:s.db", "secret_key": "s3cret"}"#;
    std::fs::write(directory.path().join("settings.json"), settings).unwrap();
    let run = sessions(directory.path(), None, &["migrate", "--settings", "settings.json"]);
    assert_eq!((run.status, run.stdout.trim()), (Some(0), "the table is there"), "{}", run.stderr);
    std::fs::write(directory.path().join("settings.json"), r#"{"secret": "x"}"#).unwrap();
    let run = sessions(directory.path(), None, &["migrate", "--settings", "settings.json"]);
    assert!(run.status == Some(2) && run.stderr.contains("unknown field `secret`"), "{}", run.stderr);
}
