//! `cargo xtask ci`: every gate, two at a time. All are run, so that one look tells all that is wrong.
//!
//! Each gate is a process of its own, so that what it prints is kept apart, and shown whole when it ends. Cargo builds
//! for one of its commands at a time, with both processors, so no two gates that build are run side by side: beside
//! them run those that only run what is built. The tests are built by one gate and run by another, since they take longer
//! to run than to be built, and keep one processor busy. (That one still compiles what stands in the documentation.)

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Ended, Failure, Services, book, command};

/// How many gates run at a time. The suite beside its adapter, as a test beside its server, keeps one processor busy.
const LANES: usize = 2;

/// How long it may be quiet.
const QUIET: Duration = Duration::from_secs(30);

/// How many lines of a gate that failed are shown again at the end.
const LAST: usize = 25;

/// The gate that builds what others run.
const BUILD: &str = "build";

/// The gate that builds the tests.
const TEST_BUILD: &str = "test build";

/// A gate.
struct Gate {
    name: &'static str,
    kind: Kind,
    program: Program,
    /// Its arguments, with spaces between.
    line: &'static str,
}

/// What a gate has to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing.
    Free,
    /// Another one that builds.
    Builds,
    /// The end of [`BUILD`], whose programs it runs.
    Runs,
    /// The end of this gate, which runs what [`BUILD`] has built, or builds after it.
    After(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Cargo,
    /// This one.
    Xtask,
    /// What [`BUILD`] has built.
    Built(&'static str),
}

const fn gate(name: &'static str, kind: Kind, program: Program, line: &'static str) -> Gate {
    Gate { name, kind, program, line }
}

/// Every gate. Each lane takes the first for which nothing is to be waited.
const GATES: [Gate; 28] = [
    gate(BUILD, Kind::Builds, Program::Xtask, BUILD),
    gate("format", Kind::Free, Program::Cargo, "fmt --all --check"),
    gate(
        "format published",
        Kind::Free,
        Program::Cargo,
        "fmt --check --manifest-path conformance/published/rust/Cargo.toml",
    ),
    gate("spec", Kind::Free, Program::Xtask, "spec"),
    gate("docs", Kind::Free, Program::Xtask, "docs"),
    gate("dependencies", Kind::Free, Program::Xtask, "dependencies"),
    gate(TEST_BUILD, Kind::Builds, Program::Cargo, "test --workspace --all-features --no-run"),
    // Many short commands of cargo: `cargo test` waits for the one that has its lock when it begins.
    gate("features", Kind::Builds, Program::Xtask, "features"),
    gate("outside", Kind::Builds, Program::Xtask, "outside"),
    gate("fuzz", Kind::Builds, Program::Xtask, "fuzz"),
    gate("author", Kind::Builds, Program::Xtask, "author"),
    gate("new", Kind::Builds, Program::Xtask, "new"),
    gate(
        "clippy",
        Kind::Builds,
        Program::Cargo,
        "clippy --workspace --all-targets --all-features -- --deny warnings",
    ),
    gate("rustdoc", Kind::Builds, Program::Cargo, "doc --workspace --no-deps --all-features"),
    gate("platforms", Kind::Builds, Program::Xtask, "platforms"),
    gate("msrv", Kind::Builds, Program::Xtask, "msrv"),
    gate("semver", Kind::Builds, Program::Xtask, "semver"),
    gate("packages", Kind::Builds, Program::Xtask, "packages"),
    // The longest first. `cargo xtask django` tries more, with each version.
    gate("tests", Kind::After(TEST_BUILD), Program::Cargo, "test --workspace --all-features --no-fail-fast"),
    gate("django 6.1", Kind::Runs, Program::Xtask, "django --only 6.1 --cases 500"),
    gate("django 5.2", Kind::Runs, Program::Xtask, "django --only 5.2 --cases 200"),
    gate("services", Kind::Runs, Program::Xtask, "services-gate"),
    gate("http", Kind::Runs, Program::Xtask, "http"),
    gate("suite", Kind::Runs, Program::Built("sessionspec"), book::SUITE),
    gate("book", Kind::After("suite"), Program::Built("book"), book::SITE),
    gate("browser", Kind::After("book"), Program::Xtask, "browser"),
    gate("commands", Kind::Runs, Program::Xtask, "commands"),
    gate("adapters", Kind::Runs, Program::Xtask, "adapters"),
];

/// The names of the gates.
#[cfg(test)]
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    GATES.iter().map(|gate| gate.name)
}

/// How a gate ended.
enum Ending {
    Passed,
    /// With the reason.
    NotRun(String),
    Failed,
}

/// What a lane has to tell.
enum News {
    Began(&'static str),
    Ended { name: &'static str, ending: Ending, took: Duration, printed: String },
}

/// Runs every gate.
pub(crate) fn run(root: &Path, services: Services) -> Result<(), Failure> {
    let started = Instant::now();
    let place = tempfile::tempdir()?;
    // The gates build this program too, perhaps in its place.
    let program = place.path().join("xtask");
    fs::copy(std::env::current_exe()?, &program)?;
    let runner = Runner { root, services, program, place: place.path() };
    let schedule = Schedule::new(GATES.iter().collect());
    let (tell, told) = channel();
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    thread::scope(|scope| {
        for _ in 0..LANES {
            let (tell, schedule, runner) = (tell.clone(), &schedule, &runner);
            scope.spawn(move || runner.work(schedule, &tell));
        }
        drop(tell);
        let mut running: Vec<&str> = Vec::new();
        loop {
            match told.recv_timeout(QUIET) {
                Ok(News::Began(name)) => {
                    println!("== {name} begins");
                    running.push(name);
                }
                Ok(News::Ended { name, ending, took, printed }) => {
                    running.retain(|other| *other != name);
                    let line = line(name, &ending, took);
                    println!("{printed}== {line}");
                    if matches!(ending, Ending::Failed) {
                        failed.push(format!("{name}:\n{}", last(&printed)));
                    }
                    lines.push(line);
                }
                Err(RecvTimeoutError::Timeout) => {
                    println!("== {} s: {}", started.elapsed().as_secs(), running.join(" and "));
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    println!("== gates\n{}\nthe whole    {} s", lines.join("\n"), started.elapsed().as_secs());
    if failed.is_empty() { Ok(()) } else { Err(Failure::many("ci", failed)) }
}

/// The last lines of what a gate has printed. What stands in the midst of the whole is easily lost.
fn last(printed: &str) -> String {
    let lines: Vec<&str> = printed.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST)..];
    last.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn line(name: &str, ending: &Ending, took: Duration) -> String {
    let ending = match ending {
        Ending::Passed => "passed".to_owned(),
        Ending::NotRun(reason) => format!("NOT RUN: {reason}"),
        Ending::Failed => "FAILED".to_owned(),
    };
    format!("{name:12} {ending} ({} s)", took.as_secs())
}

/// Runs gates.
struct Runner<'a> {
    root: &'a Path,
    services: Services,
    /// A copy of this program.
    program: PathBuf,
    /// A directory for what they print.
    place: &'a Path,
}

impl Runner<'_> {
    /// Takes gates until there are no more.
    fn work(&self, schedule: &Schedule, tell: &Sender<News>) {
        while let Some(gate) = schedule.take() {
            // Who listens is there until all have ended.
            let _ = tell.send(News::Began(gate.name));
            let started = Instant::now();
            let (ending, printed) =
                self.run(gate).unwrap_or_else(|error| (Ending::Failed, format!("{}: {error}\n", gate.name)));
            schedule.ended(gate);
            let _ = tell.send(News::Ended { name: gate.name, ending, took: started.elapsed(), printed });
        }
    }

    /// How it ended, and what it printed.
    fn run(&self, gate: &Gate) -> std::io::Result<(Ending, String)> {
        let mut command = match gate.program {
            Program::Cargo => Command::new("cargo"),
            Program::Xtask => Command::new(&self.program),
            Program::Built(name) => command::built(self.root, name),
        };
        command.current_dir(self.root).args(gate.line.split(' ')).stdin(Stdio::null());
        if matches!(gate.kind, Kind::Runs | Kind::After(_)) {
            command.env(command::BUILT, "yes");
            if gate.program == Program::Xtask && self.services == Services::Required {
                command.arg("--require-services");
            }
        }
        command.env("RUSTDOCFLAGS", "--deny warnings");
        let log = self.place.join(gate.name);
        let file = File::create(&log)?;
        let status = command.stdout(file.try_clone()?).stderr(file).status()?;
        let printed = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        let ending = match printed.lines().last().and_then(Ended::not_run) {
            _ if !status.success() => Ending::Failed,
            Some(reason) => Ending::NotRun(reason.to_owned()),
            None => Ending::Passed,
        };
        Ok((ending, printed))
    }
}

/// The gates that are still to be run, and what they wait for.
struct Schedule {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    waiting: Vec<&'static Gate>,
    /// Whether a gate that builds is running.
    building: bool,
    /// The gates that have ended.
    ended: Vec<&'static str>,
}

impl Schedule {
    fn new(waiting: Vec<&'static Gate>) -> Self {
        let state = State { waiting, building: false, ended: Vec::new() };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// The first gate that need not wait; nothing when there are no more.
    fn take(&self) -> Option<&'static Gate> {
        let mut state = self.lock();
        loop {
            if state.waiting.is_empty() {
                return None;
            }
            let ready = |gate: &&Gate| match gate.kind {
                Kind::Free => true,
                Kind::Builds => !state.building,
                Kind::Runs => state.ended.contains(&BUILD),
                Kind::After(other) => state.ended.contains(&other),
            };
            if let Some(at) = state.waiting.iter().position(ready) {
                let gate = state.waiting.remove(at);
                state.building |= gate.kind == Kind::Builds;
                return Some(gate);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn ended(&self, gate: &Gate) {
        let mut state = self.lock();
        state.building &= gate.kind != Kind::Builds;
        state.ended.push(gate.name);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::django;

    const FREE: Gate = gate("free", Kind::Free, Program::Cargo, "");
    const FIRST: Gate = gate(BUILD, Kind::Builds, Program::Xtask, "");
    const TESTS: Gate = gate(TEST_BUILD, Kind::Builds, Program::Cargo, "");
    const SUITE: Gate = gate("suite", Kind::Runs, Program::Built("sessionspec"), "");

    #[test]
    fn one_builds_at_a_time_and_what_runs_waits_for_the_build() {
        let schedule = Schedule::new(vec![&FIRST, &TESTS, &SUITE, &FREE]);
        let take = || schedule.take().map(|gate| gate.name);
        assert_eq!(take(), Some(BUILD));
        assert_eq!(take(), Some("free"));
        schedule.ended(&FREE);
        schedule.ended(&FIRST);
        assert_eq!(take(), Some(TEST_BUILD));
        assert_eq!(take(), Some("suite"));
        assert_eq!(take(), None);
    }

    #[test]
    fn the_end_shows_the_last_lines_of_a_gate_that_failed() {
        let printed: Vec<String> = (0..=LAST).map(|line| format!("line {line}")).collect();
        let shown = last(&printed.join("\n"));
        assert!(shown.starts_with("    line 1\n") && shown.ends_with(&format!("    line {LAST}")), "{shown}");
        assert_eq!((last("one\n").as_str(), last("")), ("    one", String::new()));
    }

    #[test]
    fn what_comes_after_a_gate_waits_for_its_end() {
        const AFTER: Gate = gate("after", Kind::After("suite"), Program::Xtask, "");
        let schedule = Schedule::new(vec![&FIRST, &AFTER, &SUITE, &FREE]);
        let take = || schedule.take().map(|gate| gate.name);
        assert_eq!(take(), Some(BUILD));
        schedule.ended(&FIRST);
        assert_eq!(take(), Some("suite"));
        assert_eq!(take(), Some("free"));
        schedule.ended(&SUITE);
        assert_eq!(take(), Some("after"));
    }

    #[test]
    fn what_a_gate_waits_for_is_a_gate_that_comes_before() {
        for (at, gate) in GATES.iter().enumerate() {
            if let Kind::After(other) = gate.kind {
                assert!(GATES[..at].iter().any(|gate| gate.name == other), "{}", gate.name);
            }
        }
    }

    #[test]
    fn every_version_of_django_has_its_gate() {
        for version in django::VERSIONS {
            let line = format!("django --only {version} ");
            assert!(GATES.iter().any(|gate| gate.line.starts_with(&line)), "{version}");
        }
    }
}
