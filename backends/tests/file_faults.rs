//! What becomes of sessions in files when the directory, the disk, a key or a neighbour is not as it should
//! be.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

mod logged;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration as StdDuration, SystemTime};
use std::{fs, thread};

use rstest::rstest;
use session_backends::{DirectoryError, Durability, FileStore};
use session_core::blocking::Wait;
use session_core::{Clock, Entries, ManualClock, Record, SessionKey, SessionStore, Settings, StoreError};
use time::Duration;
use time::macros::datetime;

use crate::logged::logged;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn settings() -> Settings {
    Settings::new("the-secret")
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
    Record::new(Entries::parse(text.as_bytes()).unwrap(), datetime!(2030-01-15 00:00 UTC))
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
    // It is not gone, so nobody is told that it is.
    assert!(is_unavailable(store.delete(&key(KEY)).wait()));
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
        let settings = settings().with(|settings| settings.cookie_name = name.into());
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
fn clearing_leaves_foreign_files_and_fresh_files_in_the_making_alone() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = FileStore::open_with_clock(directory.path(), &settings(), clock.clone()).unwrap();
    store.insert(&key(KEY), &record("{}")).wait().unwrap();
    clock.advance(Duration::days(30));
    let foreign = [
        ".sessionid_out_a1b2c3",
        "notes.txt",
        "sessionid",
        &format!("sessionid{KEY}_out_x1y2z3"),
        "sessionidREADME",
        "other0123456789",
    ];
    for name in foreign {
        written_at(&directory.path().join(name), "", clock.now());
    }
    let links = directory.path().join("sessionidaaaaaaaaaaaaaaaa");
    symlink("/etc/passwd", &links).unwrap();
    assert_eq!(store.clear_expired().wait().unwrap(), 1);
    let mut left: Vec<&str> = foreign.into_iter().chain(["sessionidaaaaaaaaaaaaaaaa"]).collect();
    left.sort_unstable();
    assert_eq!(names(directory.path()), left);
}

fn written_at(path: &Path, text: &str, at: time::OffsetDateTime) {
    fs::write(path, text).unwrap();
    fs::File::options().write(true).open(path).unwrap().set_modified(at.into()).unwrap();
}

#[test]
fn what_a_killed_writer_left_goes_after_an_hour() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = FileStore::open_with_clock(directory.path(), &settings(), clock.clone()).unwrap();
    // This one's and Django's.
    for name in [".sessionid_out_a1b2c3", &format!("sessionid{KEY}_out_x1y2z3")] {
        written_at(&directory.path().join(name), "half a sess", clock.now());
    }
    clock.advance(Duration::hours(1));
    assert_eq!(store.clear_expired().wait().unwrap(), 0);
    assert_eq!(names(directory.path()).len(), 2);
    clock.advance(Duration::seconds(1));
    assert_eq!(store.clear_expired().wait().unwrap(), 0, "they are no sessions");
    assert_eq!(names(directory.path()), [""; 0]);
}

#[test]
fn an_empty_file_is_no_session_and_goes_with_its_time() {
    // Django makes one for a moment when it creates a session; and anybody could.
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = FileStore::open_with_clock(directory.path(), &settings(), clock.clone()).unwrap();
    written_at(&directory.path().join(format!("sessionid{KEY}")), "", clock.now());
    assert_eq!(store.load(&key(KEY)).wait().unwrap(), None);
    assert!(matches!(store.update(&key(KEY), &record("{}")).wait(), Err(StoreError::NotFound(_))));
    assert!(matches!(store.insert(&key(KEY), &record("{}")).wait(), Err(StoreError::Exists(_))));
    clock.advance(Duration::days(15));
    assert_eq!(store.clear_expired().wait().unwrap(), 1);
}

#[test]
fn a_sweep_skips_what_it_cannot_look_at() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = FileStore::open_with_clock(directory.path(), &settings(), clock.clone()).unwrap();
    store.insert(&key(KEY), &record("{}")).wait().unwrap();
    store.insert(&key("zzzzzzzzzzzzzzzz"), &record("{}")).wait().unwrap();
    let _socket =
        std::os::unix::net::UnixListener::bind(directory.path().join("sessionid1111111111111111")).unwrap();
    let unreadable = directory.path().join("sessionid2222222222222222");
    written_at(&unreadable, "secret", clock.now());
    fs::set_permissions(&unreadable, fs::Permissions::from_mode(0o000)).unwrap();
    clock.advance(Duration::days(30));
    // Where the tests are run by root, that file can be read; it is too old then.
    assert!(store.clear_expired().wait().unwrap() >= 2);
    assert!(!names(directory.path()).contains(&format!("sessionid{KEY}")));
}

#[test]
fn a_sweep_leaves_a_session_that_somebody_renews() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = FileStore::open_with_clock(directory.path(), &settings(), clock.clone()).unwrap();
    store.insert(&key(KEY), &record("{}")).wait().unwrap();
    clock.advance(Duration::days(30));
    let renewed = fs::File::open(directory.path().join(format!("sessionid{KEY}"))).unwrap();
    renewed.lock_shared().unwrap();
    assert_eq!(store.clear_expired().wait().unwrap(), 0);
    drop(renewed);
    assert_eq!(store.clear_expired().wait().unwrap(), 1);
}

/// Files have the time of the system until the store has set it, and here that is long before the store's own.
#[test]
fn writers_go_on_while_somebody_sweeps() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).with_durability(Durability::Written);
    store.insert(&key(KEY), &record(r#"{"a":0}"#)).wait().unwrap();
    let done = AtomicBool::new(false);
    let refused: Vec<StoreError> = thread::scope(|scope| {
        let sweeper = scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                store.clear_expired().wait().unwrap();
            }
        });
        let write = |n: u32| {
            let fresh = key(&format!("{n:032}"));
            let record = record(r#"{"a":1}"#);
            let written = [store.update(&key(KEY), &record).wait(), store.insert(&fresh, &record).wait()];
            assert!(store.load(&key(KEY)).wait().unwrap().is_some(), "it is there all the time");
            written.into_iter().filter_map(Result::err).collect::<Vec<_>>()
        };
        let other = scope.spawn(move || (1_000..2_000).flat_map(write).collect::<Vec<_>>());
        let mut refused: Vec<_> = (0..1_000).flat_map(write).collect();
        refused.extend(other.join().unwrap());
        done.store(true, Ordering::SeqCst);
        sweeper.join().unwrap();
        refused
    });
    assert!(refused.is_empty(), "{} of 4,000: {:?}", refused.len(), refused.first());
}

#[test]
fn no_session_is_lost_that_is_renewed_while_expired_ones_are_swept() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let open = || {
        let store = FileStore::open_with_clock(directory.path(), &settings(), clock.clone()).unwrap();
        store.with_durability(Durability::Written)
    };
    let (store, sweeper) = (open(), open());
    let key = |n: usize| SessionKey::parse(&format!("{n:016}")).unwrap();
    let keys = 0..600_usize;
    for n in keys.clone() {
        store.insert(&key(n), &record("{}")).wait().unwrap();
    }
    clock.advance(Duration::days(30));
    let over = AtomicBool::new(false);
    let renewed: Vec<usize> = thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                sweeper.clear_expired().wait().unwrap();
            }
        });
        // From the end of the directory, so that the two meet.
        let renewed =
            keys.rev().filter(|n| store.update(&key(*n), &record(r#"{"a":1}"#)).wait().is_ok()).collect();
        over.store(true, Ordering::SeqCst);
        renewed
    });
    let lost: Vec<usize> = renewed.into_iter().filter(|n| !store.exists(&key(*n)).wait().unwrap()).collect();
    assert_eq!(lost, [0; 0]);
}

/// Whether a store has failed, and said so without a key.
fn is_unavailable(result: Result<impl std::fmt::Debug, StoreError>) -> bool {
    let error = result.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(KEY), "{shown}");
    matches!(error, StoreError::Unavailable { .. })
}

#[test]
fn a_directory_that_has_gone_is_a_fault_and_no_log_out() {
    let outside = tempfile::tempdir().unwrap();
    let directory = outside.path().join("sessions");
    fs::create_dir(&directory).unwrap();
    let store = open(&directory);
    fs::remove_dir(&directory).unwrap();
    for (what, unavailable) in [
        ("exists", is_unavailable(store.exists(&key(KEY)).wait())),
        ("load", is_unavailable(store.load(&key(KEY)).wait())),
        ("insert", is_unavailable(store.insert(&key(KEY), &record("{}")).wait())),
        ("update", is_unavailable(store.update(&key(KEY), &record("{}")).wait())),
        ("delete", is_unavailable(store.delete(&key(KEY)).wait())),
        ("clear", is_unavailable(store.clear_expired().wait())),
    ] {
        assert!(unavailable, "{what}");
    }
}

#[test]
fn a_directory_in_which_nothing_can_be_looked_up_is_a_fault_and_no_log_out() {
    let outside = tempfile::tempdir().unwrap();
    let directory = outside.path().join("sessions");
    fs::create_dir(&directory).unwrap();
    let store = open(&directory);
    store.insert(&key(KEY), &record("{}")).wait().unwrap();
    // Looking for a file in a file is an error, for the system's administrator too.
    fs::rename(&directory, outside.path().join("away")).unwrap();
    fs::write(&directory, "").unwrap();
    assert!(is_unavailable(store.update(&key(KEY), &record("{}")).wait()));
    assert!(is_unavailable(store.exists(&key(KEY)).wait()));
    assert!(is_unavailable(store.load(&key(KEY)).wait()));
}

#[test]
fn a_file_of_the_year_ten_thousand_is_no_end_of_the_world() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.insert(&key(KEY), &record(r#"{"a":1}"#)).wait().unwrap();
    let file = directory.path().join(format!("sessionid{KEY}"));
    let set =
        |time: SystemTime| fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    // Some file systems end earlier, and keep their last second.
    set(SystemTime::UNIX_EPOCH + StdDuration::from_secs(300_000_000_000));
    let _ = store.load(&key(KEY)).wait();
    assert_eq!(store.clear_expired().wait().unwrap(), 0);
    set(SystemTime::UNIX_EPOCH - StdDuration::from_secs(2_000_000_000));
    let _ = store.load(&key(KEY)).wait();
    store.clear_expired().wait().unwrap();
}

#[test]
fn a_file_larger_than_any_session_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let file = fs::File::create(directory.path().join(format!("sessionid{KEY}"))).unwrap();
    // Without a hole of such a size there is nothing to see.
    file.set_len(3 << 30).unwrap();
    file.set_modified(clock().now().into()).unwrap();
    let error = store.load(&key(KEY)).wait().unwrap_err();
    assert!(matches!(&error, StoreError::TooLarge { .. }), "{error}");
    assert_eq!(store.clear_expired().wait().unwrap(), 0);
}

#[test]
fn a_file_is_read_up_to_what_the_largest_session_needs() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings().with(|settings| settings.max_data_bytes = 10_000);
    let store = FileStore::open_with_clock(directory.path(), &settings, clock()).unwrap();
    let path = directory.path().join(format!("sessionid{KEY}"));
    // As long as the setting allows, of which zlib saves little.
    let mut state = 1_u32;
    let text: String = (0..10_000 - r#"{"a":""}"#.len())
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'0' + (state >> 26) as u8).to_string().replace('\\', "x")
        })
        .collect();
    let largest = record(&format!(r#"{{"a":"{text}"}}"#));
    store.insert(&key(KEY), &largest).wait().unwrap();
    assert_eq!(store.load(&key(KEY)).wait().unwrap().unwrap().data, largest.data);
    // Beyond that it is not looked at, or it would be found to be no session.
    for (size, is_read) in [(20_000, true), (200_000, false)] {
        fs::write(&path, vec![b'x'; size]).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(clock().now().into()).unwrap();
        let error = store.load(&key(KEY)).wait().unwrap_err();
        match error {
            StoreError::Corrupt { .. } => assert!(is_read, "{size}"),
            StoreError::TooLarge { limit, .. } => assert!(!is_read && limit == 10_000, "{size}, {limit}"),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_file_has_room_for_what_stands_around_the_smallest_session() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings().with(|settings| settings.max_data_bytes = 2);
    let store = FileStore::open_with_clock(directory.path(), &settings, clock()).unwrap();
    store.insert(&key(KEY), &record("{}")).wait().unwrap();
    assert!(store.load(&key(KEY)).wait().unwrap().is_some());
}

#[test]
fn files_in_the_making_hold_no_key_in_their_names() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.insert(&key(KEY), &record("{}")).wait().unwrap();
    // Nothing can be made in a directory that is not there.
    let shown = is_unavailable({
        let gone = tempfile::tempdir().unwrap();
        let store = open(gone.path());
        gone.close().unwrap();
        store.insert(&key(KEY), &record("{}")).wait()
    });
    assert!(shown);
}

#[rstest]
#[case(0o700, None)]
#[case(0o711, None)]
#[case(0o755, Some("may list it:"))]
#[case(0o1777, Some("may list it and write into it:"))]
#[case(0o733, Some("may write into it:"))]
fn a_directory_that_others_may_list_or_write_is_warned_of(#[case] mode: u32, #[case] said: Option<&str>) {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
    let text = logged(|| drop(open(directory.path())));
    match said {
        Some(said) => assert!(text.contains("WARN") && text.contains(said), "{text}"),
        None => assert_eq!(text, ""),
    }
}

#[test]
fn a_file_of_another_user_is_no_session() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.insert(&key(KEY), &record(r#"{"admin":true}"#)).wait().unwrap();
    let file = directory.path().join(format!("sessionid{KEY}"));
    // Only the system's administrator can give a file away.
    if std::os::unix::fs::chown(&file, Some(4_242), None).is_err() {
        return;
    }
    assert_eq!(store.load(&key(KEY)).wait().unwrap(), None);
    assert!(matches!(store.update(&key(KEY), &record("{}")).wait(), Err(StoreError::NotFound(_))));
    assert_eq!(store.clear_expired().wait().unwrap(), 0);
    assert_eq!(names(directory.path()).len(), 1);
}

#[test]
fn a_file_of_whom_the_directory_belongs_to_is_a_session() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).insert(&key(KEY), &record(r#"{"a":1}"#)).wait().unwrap();
    let file = directory.path().join(format!("sessionid{KEY}"));
    // Only the system's administrator can give a file away.
    if std::os::unix::fs::chown(&file, Some(4_242), None).is_err() {
        return;
    }
    std::os::unix::fs::chown(directory.path(), Some(4_242), None).unwrap();
    assert!(open(directory.path()).load(&key(KEY)).wait().unwrap().is_some());
}

/// Does something as another user, on a thread of its own; nothing unless the tests are run by the system's administrator.
#[cfg(target_os = "linux")]
fn as_another_user<T: Send>(directory: &Path, work: impl FnOnce() -> T + Send) -> Option<T> {
    const USER: u32 = 4_243;
    std::os::unix::fs::chown(directory, Some(USER), None).ok()?;
    thread::scope(|scope| {
        let working = scope.spawn(|| {
            rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(USER)).unwrap();
            work()
        });
        Some(working.join().unwrap())
    })
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_another_user_keeps_for_himself_is_no_session() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).insert(&key(KEY), &record(r#"{"admin":true}"#)).wait().unwrap();
    as_another_user(directory.path(), || {
        let clock = clock();
        let store = FileStore::open_with_clock(directory.path(), &settings(), clock.clone()).unwrap();
        assert_eq!(store.load(&key(KEY)).wait().unwrap(), None);
        assert!(matches!(store.update(&key(KEY), &record("{}")).wait(), Err(StoreError::NotFound(_))));
        clock.advance(Duration::days(30));
        assert_eq!(logged(|| assert_eq!(store.clear_expired().wait().unwrap(), 0)), "");
    });
    assert_eq!(names(directory.path()).len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_sweep_tells_how_many_files_it_could_not_read() {
    let directory = tempfile::tempdir().unwrap();
    as_another_user(directory.path(), || {
        let clock = clock();
        let store = FileStore::open_with_clock(directory.path(), &settings(), clock.clone()).unwrap();
        for key in [key(KEY), key("zzzzzzzzzzzzzzzz"), key("yyyyyyyyyyyyyyyy")] {
            store.insert(&key, &record("{}")).wait().unwrap();
        }
        for key in [KEY, "zzzzzzzzzzzzzzzz"] {
            let file = directory.path().join(format!("sessionid{key}"));
            fs::set_permissions(file, fs::Permissions::from_mode(0o000)).unwrap();
        }
        assert!(is_unavailable(store.load(&key(KEY)).wait()));
        clock.advance(Duration::days(30));
        let log = logged(|| assert_eq!(store.clear_expired().wait().unwrap(), 1));
        assert!(log.contains("skipped 2 files") && log.contains("denied"), "{log}");
        assert!(!log.contains(KEY), "{log}");
    });
}
