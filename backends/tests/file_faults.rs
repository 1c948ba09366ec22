//! What becomes of sessions in files when the directory, the disk, a key or a neighbour is not as it should
//! be.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use rstest::rstest;
use session_backends::{DirectoryError, FileStore};
use session_core::blocking::Wait;
use session_core::{
    Clock, ManualClock, Record, Secret, SessionKey, SessionStore, Settings, StoreError, json,
};
use time::Duration;
use time::macros::datetime;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn settings() -> Settings {
    Settings { secret_key: Secret::new("the-secret"), ..Settings::default() }
}

fn clock() -> ManualClock {
    ManualClock::new(datetime!(2030-01-01 00:00 UTC))
}

fn open(directory: &Path) -> FileStore<ManualClock> {
    FileStore::open_with_clock(directory, &settings(), clock()).unwrap()
}

fn key(text: &str) -> SessionKey {
    SessionKey::parse(text).unwrap()
}

fn record(text: &str) -> Record {
    Record { data: json::parse(text.as_bytes()).unwrap(), expires: datetime!(2030-01-15 00:00 UTC) }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_session_is_a_file_of_djangos_name_that_only_its_owner_reads() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.insert(&key(KEY), &record(r#"{"a":1}"#)).wait().unwrap();
    store.update(&key(KEY), &record(r#"{"a":2}"#)).wait().unwrap();
    assert_eq!(names(directory.path()), [format!("sessionid{KEY}")]);
    let file = directory.path().join(format!("sessionid{KEY}"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), clock().now());
    // The data, the time and the signature, as every server-side engine of Django writes them.
    assert_eq!(fs::read_to_string(&file).unwrap().matches(':').count(), 2);
}

#[rstest]
#[case::parent("../../../../etc/passwd")]
#[case::separator("aaaaaaaa/bbbbbbbb")]
#[case::absolute("/etc/passwd")]
#[case::nul("aaaaaaaa\0bbbb")]
#[case::dots("..........")]
#[case::other_letters("ÄÖÜäöüßẞ")]
#[case::upper_case("ABCDEFGHIJKL")]
#[case::in_the_making("aaaaaaaa_out_x1y2")]
#[case::too_long(&"a".repeat(5_000))]
fn a_key_that_is_no_file_name_of_ours_touches_nothing(#[case] text: &str) {
    let outside = tempfile::tempdir().unwrap();
    let directory = outside.path().join("sessions");
    fs::create_dir(&directory).unwrap();
    let store = open(&directory);
    let key = key(text);
    assert!(!store.exists(&key).wait().unwrap());
    assert_eq!(store.load(&key).wait().unwrap(), None);
    store.delete(&key).wait().unwrap();
    assert!(matches!(store.update(&key, &record("{}")).wait(), Err(StoreError::NotFound(_))));
    let error = store.insert(&key, &record("{}")).wait().unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert_eq!(names(&directory), [""; 0]);
    assert_eq!(names(outside.path()), ["sessions"]);
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    open(elsewhere.path()).insert(&key(KEY), &record(r#"{"admin":true}"#)).wait().unwrap();
    let (name, target) = (format!("sessionid{KEY}"), elsewhere.path().join(format!("sessionid{KEY}")));
    symlink(&target, directory.path().join(&name)).unwrap();
    let before = fs::read(&target).unwrap();
    let store = open(directory.path());
    assert_eq!(store.load(&key(KEY)).wait().unwrap(), None);
    assert!(!store.exists(&key(KEY)).wait().unwrap());
    assert!(matches!(store.update(&key(KEY), &record("{}")).wait(), Err(StoreError::NotFound(_))));
    assert!(matches!(store.insert(&key(KEY), &record("{}")).wait(), Err(StoreError::Exists(_))));
    store.clear_expired().wait().unwrap();
    assert_eq!(fs::read(&target).unwrap(), before);
}

#[test]
fn what_is_no_plain_file_is_no_session() {
    let directory = tempfile::tempdir().unwrap();
    let name = directory.path().join(format!("sessionid{KEY}"));
    fs::create_dir(&name).unwrap();
    let store = open(directory.path());
    assert_eq!(store.load(&key(KEY)).wait().unwrap(), None);
    assert!(!store.exists(&key(KEY)).wait().unwrap());
    fs::remove_dir(&name).unwrap();
    // Opening a pipe would wait for somebody to write into it.
    assert!(Command::new("mkfifo").arg(&name).status().unwrap().success());
    assert_eq!(store.load(&key(KEY)).wait().unwrap(), None);
}

#[rstest]
#[case::missing("/no/such/directory", "create it")]
#[case::a_file("/dev/null", "not a directory")]
// Nobody makes files there, the system's administrator included.
#[case::unwritable("/proc", "make it writable")]
fn a_directory_that_cannot_hold_sessions_is_refused_at_the_start(#[case] path: &str, #[case] said: &str) {
    let error = FileStore::open_with_clock(path, &settings(), clock()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(path) && text.contains(said), "{text}");
}

#[test]
fn a_cookie_name_that_would_leave_the_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["../sessionid", "", "a\0b"] {
        let settings = Settings { cookie_name: name.into(), ..settings() };
        let error = FileStore::open_with_clock(directory.path(), &settings, clock()).unwrap_err();
        assert!(matches!(&error, DirectoryError::Settings(_)), "{error}");
        assert!(error.to_string().contains("cookie_name"), "{error}");
    }
}

/// In the process that this test starts, no file may grow beyond a few kilobytes, which is what a full disk
/// looks like to a program.
#[test]
fn a_write_that_fails_is_an_error_and_leaves_the_old_session_whole() {
    if let Some(directory) = std::env::var_os("SESSIONS_ON_A_FULL_DISK") {
        let directory = Path::new(&directory);
        let store = open(directory);
        // Text that does not compress.
        let mut state = 1_u64;
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'A' + (state >> 59) as u8)
        };
        let text: String = (0..40_000).map(|_| letter()).filter(char::is_ascii_alphabetic).collect();
        let large = record(&format!(r#"{{"large":"{text}"}}"#));
        for error in [
            store.update(&key(KEY), &large).wait().unwrap_err(),
            store.insert(&key("ffffffffffffffff"), &large).wait().unwrap_err(),
        ] {
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
            assert!(error.to_string().contains(directory.to_str().unwrap()), "{error}");
        }
        assert_eq!(store.load(&key(KEY)).wait().unwrap(), Some(record(r#"{"a":1}"#)));
        assert_eq!(names(directory), [format!("sessionid{KEY}")]);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).insert(&key(KEY), &record(r#"{"a":1}"#)).wait().unwrap();
    let mut limited = Command::new("sh");
    limited.args(["-c", r#"trap "" XFSZ; ulimit -f 8; exec "$0" --exact "$1""#]);
    limited.arg(std::env::current_exe().unwrap());
    limited.arg("a_write_that_fails_is_an_error_and_leaves_the_old_session_whole");
    let output = limited.env("SESSIONS_ON_A_FULL_DISK", directory.path()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

#[test]
fn a_file_that_is_no_session_is_corrupt_until_it_is_old() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = FileStore::open_with_clock(directory.path(), &settings(), clock.clone()).unwrap();
    let file = directory.path().join(format!("sessionid{KEY}"));
    for content in [&b"damaged"[..], b"\xff\xfe", b":::"] {
        fs::write(&file, content).unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(clock.now().into()).unwrap();
        let error = store.load(&key(KEY)).wait().unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert!(!error.to_string().contains(KEY), "{error}");
    }
    assert_eq!(store.clear_expired().wait().unwrap(), 0);
    clock.advance(Duration::days(15));
    assert_eq!(store.load(&key(KEY)).wait().unwrap(), None);
    assert_eq!(store.clear_expired().wait().unwrap(), 1);
}

#[test]
fn clearing_leaves_foreign_files_and_files_in_the_making_alone() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = FileStore::open_with_clock(directory.path(), &settings(), clock.clone()).unwrap();
    let foreign = [
        "notes.txt",
        "sessionid",
        &format!("sessionid{KEY}_out_x1y2z3"),
        "sessionidREADME",
        "other0123456789",
    ];
    for name in foreign {
        fs::write(directory.path().join(name), "").unwrap();
    }
    let links = directory.path().join("sessionidaaaaaaaaaaaaaaaa");
    symlink("/etc/passwd", &links).unwrap();
    store.insert(&key(KEY), &record("{}")).wait().unwrap();
    clock.advance(Duration::days(30));
    assert_eq!(store.clear_expired().wait().unwrap(), 1);
    let mut left: Vec<&str> = foreign.into_iter().chain(["sessionidaaaaaaaaaaaaaaaa"]).collect();
    left.sort_unstable();
    assert_eq!(names(directory.path()), left);
}

#[test]
fn an_empty_file_is_an_empty_session() {
    // Django makes one for a moment when it creates a session.
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let file = fs::File::create(directory.path().join(format!("sessionid{KEY}"))).unwrap();
    file.set_modified(clock().now().into()).unwrap();
    assert_eq!(store.load(&key(KEY)).wait().unwrap(), Some(record("{}")));
}
