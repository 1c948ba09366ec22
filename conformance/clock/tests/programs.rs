//! Programs under a clock that is moved: `date`, Python where it is, and this very program.

#![cfg(all(target_os = "linux", target_env = "gnu"))]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use session_clock::{ClockError, Monotonic, MovedClock};

/// 2030-01-01T00:00:00Z.
const START: i64 = 1_893_456_000_000_000;

const HOUR: i64 = 3_600_000_000;

/// Names what the test program is to do when it is run as a program under a clock.
const ROLE: &str = "SESSION_CLOCK_TEST_ROLE";

fn under(clock: &MovedClock, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).envs(clock.environment()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// This program, asked line by line, as a program under the clock.
struct Twin {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Twin {
    fn start(clock: &MovedClock) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "--nocapture", "twin"]).env(ROLE, "twin").envs(clock.environment());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// What it answers: the numbers after its mark.
    fn ask(&mut self, what: &str) -> Vec<i64> {
        writeln!(self.child.stdin.as_mut().unwrap(), "{what}").unwrap();
        for line in self.lines.by_ref() {
            if let Some(numbers) = line.unwrap().strip_prefix("twin: ") {
                return numbers.split(' ').map(|number| number.parse().unwrap()).collect();
            }
        }
        panic!("the twin ended")
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

/// Not a test, but what a test starts: tells the date, the monotonic clock since it began and how long it waited for a
/// channel, in microseconds.
#[test]
fn twin() {
    if env::var_os(ROLE).is_none() {
        return;
    }
    let began = Instant::now();
    for line in std::io::stdin().lines() {
        let before = Instant::now();
        if line.unwrap() == "wait" {
            let (_keep, never) = channel::<()>();
            never.recv_timeout(Duration::from_millis(30)).unwrap_err();
        }
        let date = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        println!(
            "\ntwin: {} {} {}",
            date.as_micros(),
            began.elapsed().as_micros(),
            before.elapsed().as_micros()
        );
    }
}

#[test]
fn a_program_shows_the_date_that_was_set() {
    let mut clock = MovedClock::new().unwrap();
    clock.set(START + 1).unwrap();
    assert_eq!(under(&clock, "date", &["-u", "+%F %T.%6N"]), "2030-01-01 00:00:00.000001");
    clock.set(START - HOUR).unwrap();
    assert_eq!(under(&clock, "date", &["-u", "+%F %T.%6N"]), "2029-12-31 23:00:00.000000");
}

#[test]
fn a_clock_that_was_never_set_shows_real_time() {
    let clock = MovedClock::new().unwrap();
    let told: u64 = under(&clock, "date", &["+%s"]).parse().unwrap();
    let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(real.abs_diff(told) <= 60, "{told} at {real}");
}

#[test]
fn a_program_that_runs_sees_each_move_and_its_children_too() {
    let mut clock = MovedClock::new().unwrap();
    clock.set(START).unwrap();
    let mut twin = Twin::start(&clock);
    assert_eq!(twin.ask("now")[0], START);
    // More moves than the counter in the file has values.
    for n in 0..600 {
        clock.set(START + n).unwrap();
        assert_eq!(twin.ask("now")[0], START + n);
    }
    assert_eq!(under(&clock, "sh", &["-c", "date +%s"]), "1893456000");
}

#[test]
fn monotonic_clocks_count_the_moves_and_never_go_back() {
    let mut clock = MovedClock::new().unwrap();
    clock.set(START).unwrap();
    let mut twin = Twin::start(&clock);
    let first = twin.ask("now")[1];
    clock.set(START + HOUR).unwrap();
    let second = twin.ask("now")[1];
    assert!((HOUR..HOUR + HOUR / 2).contains(&(second - first)), "{first} {second}");
    clock.set(START).unwrap();
    assert!(twin.ask("now")[1] >= second);
    assert_eq!(clock.moved(), HOUR);
    clock.renew(START).unwrap();
    assert_eq!(clock.moved(), 0);
}

#[test]
fn a_clock_that_was_released_shows_real_time_again_and_monotonic_clocks_do_not_go_back() {
    let mut clock = MovedClock::new().unwrap();
    clock.set(START).unwrap();
    let mut twin = Twin::start(&clock);
    clock.set(START + HOUR).unwrap();
    let before = twin.ask("now")[1];
    clock.release().unwrap();
    let after = twin.ask("now");
    let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    assert!(real.abs_diff(after[0].try_into().unwrap()) < 60_000_000, "{after:?} at {real}");
    assert!((before..before + HOUR / 2).contains(&after[1]), "{before} {after:?}");
    assert_eq!((clock.instant(), clock.moved()), (None, HOUR));
}

#[test]
fn monotonic_clocks_that_stand_count_whole_seconds_of_the_date() {
    let mut clock = MovedClock::with(Monotonic::Stands).unwrap();
    clock.set(START).unwrap();
    let mut twin = Twin::start(&clock);
    assert_eq!(twin.ask("now")[1], 0);
    clock.set(START + 999_999).unwrap();
    assert_eq!(twin.ask("now")[1], 0);
    clock.set(START + 1_000_000).unwrap();
    assert_eq!(twin.ask("now")[1], 1_000_000);
}

/// The kernel knows only the real clocks: an instant that a program means on the moved one must not reach it.
#[test]
fn waiting_takes_the_time_that_the_program_means() {
    let mut clock = MovedClock::new().unwrap();
    clock.set(START).unwrap();
    let mut twin = Twin::start(&clock);
    clock.set(START + HOUR).unwrap();
    let waited = twin.ask("wait")[2];
    assert!((30_000..HOUR / 60).contains(&waited), "{waited} µs");
}

#[test]
fn python_obeys_where_it_is_there_and_waits_as_it_means_to() {
    let script = "import threading, time\n\
                  time.sleep(.01); threading.Event().wait(.01)\n\
                  print(time.time_ns() // 1000)";
    let mut clock = MovedClock::new().unwrap();
    clock.set(START + HOUR).unwrap();
    if Command::new("python3").arg("--version").output().is_err() {
        return;
    }
    assert_eq!(under(&clock, "python3", &["-S", "-E", "-c", script]), (START + HOUR).to_string());
}

#[test]
fn one_process_sets_a_clock_and_others_only_join_it() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("clock");
    let mut clock = MovedClock::at(&path, Monotonic::GoesOn).unwrap();
    let mut other = MovedClock::at(&path, Monotonic::GoesOn).unwrap();
    clock.set(START).unwrap();
    assert_eq!(under(&other, "date", &["+%s"]), "1893456000");
    assert!(matches!(other.set(START), Err(ClockError::InUse(_))));
    drop(clock);
    other.set(START + HOUR).unwrap();
    assert_eq!(MovedClock::open(&path).unwrap().instant(), Some(START + HOUR));
}

#[test]
fn a_file_that_is_no_clock_is_refused_and_a_program_ignores_it() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("other");
    std::fs::write(&path, "hello").unwrap();
    assert!(matches!(MovedClock::open(&path), Err(ClockError::NoClock(_))));
    assert!(matches!(MovedClock::open(&place.path().join("none")), Err(ClockError::File { .. })));
    let mut clock = MovedClock::new().unwrap();
    clock.set(START).unwrap();
    let mut command = Command::new("date");
    command.arg("+%s").envs(clock.environment()).env(session_clock::VARIABLE, &path);
    let told = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert_ne!(told.trim(), "1893456000");
}

#[test]
fn a_place_that_the_loader_does_not_take_is_named() {
    let place = tempfile::Builder::new().prefix("with space ").tempdir().unwrap();
    let fault = MovedClock::at(&place.path().join("clock"), Monotonic::GoesOn).unwrap_err();
    assert!(fault.to_string().contains("space or a colon"), "{fault}");
}
