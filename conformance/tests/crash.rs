//! Processes that are killed while they work: the embedded stores hold what they acknowledged, and adapters that do not
//! are failed by the rule they break.

#![cfg(all(feature = "cli", unix))]
#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

mod beside;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use beside::{Beside, With};
use rstest::rstest;
use session_backends::MemoryStore;
use session_conformance::report::{Outcome, ScheduleFailure, SubjectReport, schedule_block};
use session_conformance::schedule::{Move, Operation, Schedule};
use session_conformance::subject::{
    AdapterCommand, Env, KillableServer, Opening, StoreHooks, StoreSubject, process_subject,
};
use session_conformance::suite::{Config, run};
use session_conformance::trace::START;
use session_core::{Capabilities, ManualClock};

const RULES: [&str; 2] = ["crash.acknowledged", "crash.whole"];

/// An adapter at store level with the fault that is named, or without one.
fn adapter(fault: &str) -> AdapterCommand {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faulty/crash.py");
    // It is started often: without the packages that are installed it starts sooner.
    AdapterCommand::new("python3", ["-S", "-E", program.to_str().unwrap(), fault])
}

fn served(store: &str) -> AdapterCommand {
    AdapterCommand::new(env!("CARGO_BIN_EXE_sessionspec"), ["serve", "--store", store])
}

/// The report on the rules that this test is about.
fn checked(command: &AdapterCommand) -> SubjectReport {
    let mut subject = process_subject(command).unwrap();
    let config = Config::default().with_cases(0).with_rules("crash.*");
    let mut report = run(&mut *subject, &config, &mut |_| {});
    report.rules.retain(|rule| RULES.contains(&rule.rule.rule().id));
    report
}

fn blocks(report: &SubjectReport) -> String {
    report.schedule_failures.iter().map(|failure| schedule_block(failure, &report.manifest, None)).collect()
}

#[rstest]
fn a_store_that_writes_before_it_answers_holds(#[values("sqlite", "file", "cached_db")] store: &str) {
    let report = checked(&served(store));
    assert!(
        report.rules.iter().all(|rule| rule.status == Outcome::Pass),
        "{:#?}\n{}",
        report.rules,
        blocks(&report)
    );
}

/// A few dozen deaths in one storage, at moments that chance chooses.
#[rstest]
fn a_storage_outlives_many_processes(#[values("sqlite", "file", "cached_db")] store: &str) {
    let begin = |op| Move::Begin { client: 0, op, key: 1, stop: None };
    let mut moves = Vec::new();
    for n in 0..24_u32 {
        let op = [Operation::Update, Operation::Update, Operation::Delete, Operation::Insert][n as usize % 4];
        moves.push(begin(Operation::Insert));
        moves.push(Move::Crash { client: 1, op, key: 1 + n % 2, after_us: n * 40 });
        moves.push(begin(Operation::Update));
    }
    let mut subject = process_subject(&served(store)).unwrap();
    let failure = ScheduleFailure::of(&mut *subject, &Schedule { moves }).unwrap();
    assert!(failure.is_none(), "{}", schedule_block(&failure.unwrap(), subject.manifest(), None));
}

#[test]
fn an_adapter_that_writes_before_it_answers_holds() {
    let report = checked(&adapter("none"));
    assert!(
        report.rules.iter().all(|rule| rule.status == Outcome::Pass),
        "{:#?}\n{}",
        report.rules,
        blocks(&report)
    );
}

#[rstest]
#[case::answers_first("answers-first", "crash.acknowledged")]
#[case::deletes_later("deletes-later", "crash.acknowledged")]
#[case::cannot_open("cannot-open", "crash.acknowledged")]
#[case::in_two_pieces("two-pieces", "crash.whole")]
#[case::the_name_first("name-first", "crash.whole")]
fn an_adapter_is_failed_by_the_rule_it_breaks(#[case] fault: &str, #[case] rule: &str) {
    let report = checked(&adapter(fault));
    let found = report.schedule_failures.iter().find(|failure| failure.violation.rule.rule().id == rule);
    let found =
        found.unwrap_or_else(|| panic!("{fault} breaks {rule}: {:#?}\n{}", report.rules, blocks(&report)));
    let moves = &found.schedule.as_ref().unwrap().moves;
    // Where only the moment shows it, the smallest schedule is chance's.
    assert!(rule == "crash.whole" || moves.len() <= 6, "{}", blocks(&report));
}

/// An adapter that has never heard of it is not killed.
#[test]
fn without_the_hook_the_rules_do_not_apply() {
    let report = checked(&adapter("no-hook"));
    assert!(report.rules.iter().all(|rule| rule.status == Outcome::NotApplicable), "{:#?}", report.rules);
}

/// A store on a server that is in this process: what it has outlives the server, or does not.
struct OnServer;

impl Beside for OnServer {
    fn capabilities(&self) -> Capabilities {
        Capabilities::memory().with_persistent(true).with_shared(true)
    }
}

/// What the server has; whoever opens the store gets it.
type Held = Arc<Mutex<Option<Arc<MemoryStore<ManualClock>>>>>;

/// What becomes of it where the server dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Death {
    NothingIsLost,
    AllIsLost,
    ItDoesNotStartAgain,
}

struct InProcess {
    held: Held,
    death: Death,
    prepared: Arc<AtomicU32>,
    killed: bool,
}

impl KillableServer for InProcess {
    fn prepare(&mut self, _now: i64) -> Result<(), String> {
        self.prepared.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    fn kill_after(&mut self, _after: Duration) {
        self.killed = true;
    }
    fn is_killed(&mut self) -> bool {
        self.killed
    }
    fn start_again(&mut self, _now: i64) -> Result<(), String> {
        self.killed = false;
        match self.death {
            Death::NothingIsLost => {}
            Death::AllIsLost => *self.held.lock().unwrap() = None,
            Death::ItDoesNotStartAgain => return Err("its file is damaged".into()),
        }
        Ok(())
    }
}

/// The report on the rules that this test is about, and how often the server was made ready.
fn on_server(death: Death) -> (SubjectReport, u32) {
    let (held, prepared) = (Held::default(), Arc::new(AtomicU32::new(0)));
    let server = InProcess { held: Arc::clone(&held), death, prepared: Arc::clone(&prepared), killed: false };
    let open = move |env: &Env, opening| {
        let mut held = held.lock().unwrap();
        let kept = held.take().filter(|_| opening != Opening::Fresh);
        let store = kept.unwrap_or_else(|| Arc::new(MemoryStore::with_clock(1_000, env.clock())));
        *held = Some(Arc::clone(&store));
        Ok::<_, std::io::Error>(With::over(store, OnServer))
    };
    let mut subject =
        StoreSubject::new("on-server", "", open, StoreHooks::default().with_server(server)).unwrap();
    let config = Config::default().with_cases(0).with_rules("crash.*");
    let mut report = run(&mut subject, &config, &mut |_| {});
    report.rules.retain(|rule| RULES.contains(&rule.rule.rule().id));
    (report, prepared.load(Ordering::Relaxed))
}

#[test]
fn a_store_whose_server_is_killed_and_loses_nothing_holds() {
    let (report, prepared) = on_server(Death::NothingIsLost);
    assert!(report.schedule_failures.is_empty(), "{}", blocks(&report));
    let acknowledged = report.rules.iter().find(|rule| rule.rule.rule().id == RULES[0]).unwrap();
    assert_eq!(acknowledged.status, Outcome::Pass);
    assert!(prepared >= 2, "the server is made ready for each schedule, and was {prepared} times");
}

#[rstest]
#[case::all_is_lost(Death::AllIsLost, "it is not so")]
#[case::it_does_not_start(Death::ItDoesNotStartAgain, "its file is damaged")]
fn a_store_whose_server_loses_what_it_acknowledged_is_failed(#[case] death: Death, #[case] told: &str) {
    let (report, _) = on_server(death);
    let found = report.schedule_failures.iter().find(|found| found.violation.rule.rule().id == RULES[0]);
    assert!(found.is_some() && blocks(&report).contains(told), "{:#?}\n{}", report.rules, blocks(&report));
}

/// Asks a process that serves files, without waiting for the last answer, and kills it after some time.
fn ask_and_kill(requests: &[serde_json::Value], after: Duration) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sessionspec"))
        .args(["serve", "--store", "file"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut answers = BufReader::new(output).lines();
    for (index, request) in requests.iter().enumerate() {
        let mut request = request.clone();
        request["id"] = index.into();
        writeln!(input, "{request}").unwrap();
        if index + 1 < requests.len() {
            let answer = answers.next().unwrap().unwrap();
            assert!(answer.contains("\"ok\":"), "{request}: {answer}");
        }
    }
    thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The one storage below a directory.
fn storage(directory: &Path) -> PathBuf {
    let below = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut storages: Vec<_> = below.filter(|path| path.is_dir()).collect();
    assert_eq!(storages.len(), 1, "{storages:?}");
    storages.remove(0)
}

/// The names of the files in the one storage below a directory.
fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(storage(directory)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_killed_writers_have_left_among_the_files_is_cleared_when_it_is_old() {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    let open = |keep: bool, now: i64| serde_json::json!({"op": "open", "now": now, "dir": dir, "keep": keep});
    let text = "x".repeat(100_000);
    for n in 0..24_u64 {
        let requests = [
            open(n > 0, START),
            serde_json::json!({"op": "session", "now": START, "session": 1, "client": 0, "key": null}),
            serde_json::json!({"op": "set", "now": START, "session": 1, "name": "a", "value": text}),
            serde_json::json!({"op": "save", "now": START, "session": 1}),
        ];
        ask_and_kill(&requests, Duration::from_micros(n * 100));
    }
    let in_the_making = |names: &[String]| names.iter().filter(|name| name.contains("_out_")).count();
    // Whether a death leaves something is chance's; here one does.
    fs::write(storage(directory.path()).join(".sessionid_out_000000"), "half").unwrap();
    let before = files(directory.path());
    assert!(in_the_making(&before) > 0, "{before:?}");
    let later = START + 2 * 3_600_000_000;
    let clear = serde_json::json!({"op": "clear-expired", "now": later, "client": 0});
    let bye = serde_json::json!({"op": "bye"});
    ask_and_kill(&[open(true, later), clear, bye], Duration::ZERO);
    let after = files(directory.path());
    assert_eq!(in_the_making(&after), 0, "{after:?}");
    assert_eq!(after.len(), before.len() - in_the_making(&before), "the sessions are still there");
}
