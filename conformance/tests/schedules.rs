//! Does the suite see what only shows where operations overlap, fail or are dropped? Each store here is wrong in one way
//! of that kind, and must be failed first by the rule it breaks, with a short schedule.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

#[path = "../../backends/tests/cached/old_cached_store.rs"]
mod old_cached_store;

mod beside;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use beside::{Beside, With};
use old_cached_store::OldCachedStore;
use rstest::rstest;
use session_backends::{CachedStore, Front, Lease, MemoryStore};
use session_conformance::parts::Part;
use session_conformance::report::{Outcome, ScheduleFailure, SubjectReport, schedule_block};
use session_conformance::rule::RuleId;
use session_conformance::schedule::{Move, Schedule};
use session_conformance::subject::{Env, Opening, StoreHooks, StoreSubject};
use session_conformance::suite::{Config, run};
use session_core::{
    BoxError, Capabilities, Clock, Consistency, Entries, ManualClock, Record, SessionKey, SessionStore,
    StoreError,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Looks whether the key is taken, and stores in a second step.
    InsertLooksFirst,
    /// Removes the record and stores the new one in a second step, whatever happened between.
    UpdateDeletesFirst,
    /// Looks whether the record is there, and stores in a second step whether or not it still is.
    UpdateLooksFirst,
    /// Stores one entry after the other.
    EntriesOneByOne,
    /// Answers before the write is done; it is done with the next operation.
    WriteBehind,
    /// Keeps what a handle has read, and does not look again.
    ReadsOnce,
    /// Answers "no such session" where the storage fails.
    OutageIsAbsence,
    /// Answers "done" where the storage fails.
    OutageIsSuccess,
    /// Never works again once the storage has failed.
    NeverAgain,
    /// Answers "done" to the update of a session that is not there, and does nothing.
    UpdateOfNothing,
    /// Looks which records have expired, and removes them in a second step, whether or not they still have.
    ClearLooksFirst,
    /// Panics where two updates are under way at once.
    PanicsWhenTwoMeet,
    /// Gives what an update abandoned between two steps has left.
    HalfWritten,
}

type Records = Arc<Mutex<HashMap<String, Record>>>;

/// A store on a disk of its own, which is the part that fails.
struct Faulty {
    fault: Fault,
    disk: Part,
    clock: ManualClock,
    records: Records,
    behind: Mutex<Vec<(String, Record)>>,
    read: Mutex<HashMap<String, Record>>,
    stuck: AtomicBool,
    busy: AtomicBool,
}

impl Faulty {
    /// One thing that the disk does at once.
    async fn at_once<T>(&self, act: impl FnOnce(&mut HashMap<String, Record>) -> T) -> Result<T, StoreError> {
        if self.stuck.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("do anything", "it failed once"));
        }
        let result = self.disk.call(async { Ok(act(&mut self.records.lock().unwrap())) }).await;
        if result.is_err() && self.fault == Fault::NeverAgain {
            self.stuck.store(true, Ordering::SeqCst);
        }
        result
    }

    fn catch_up(&self) {
        for (key, record) in self.behind.lock().unwrap().drain(..) {
            self.records.lock().unwrap().entry(key).and_modify(|old| *old = record);
        }
    }

    /// What is told where the disk failed.
    fn hushed<T>(&self, result: Result<T, StoreError>, absent: T) -> Result<T, StoreError> {
        match result {
            Err(StoreError::Unavailable { .. }) if self.fault == Fault::OutageIsAbsence => Ok(absent),
            result => result,
        }
    }
}

/// The record with the first entry of one and the second of another.
fn mixed(first: &Record, second: &Record) -> Record {
    let of = |record: &Record, name: &str| record.data.get(name).unwrap_or("0").to_owned();
    let text = format!(r#"{{"write":{},"again":{}}}"#, of(first, "write"), of(second, "again"));
    Record::new(Entries::parse(text.as_bytes()).unwrap(), first.expires)
}

impl SessionStore for Faulty {
    fn capabilities(&self) -> Capabilities {
        Capabilities::database().with_persistent(false)
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let found = self.at_once(|records| records.contains_key(key.as_str())).await;
        self.hushed(found, false)
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        if self.fault == Fault::ReadsOnce
            && let Some(record) = self.read.lock().unwrap().get(key.as_str())
        {
            return Ok(Some(record.clone()));
        }
        let found = self.at_once(|records| records.get(key.as_str()).cloned()).await;
        if let Ok(Some(record)) = &found {
            self.read.lock().unwrap().insert(key.as_str().into(), record.clone());
        }
        self.catch_up();
        let found = found.map(|found| found.filter(|record| self.clock.now() < record.expires));
        self.hushed(found, None)
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let name = key.as_str().to_owned();
        let looked = match self.fault {
            Fault::InsertLooksFirst => Some(self.at_once(|records| records.contains_key(&name)).await?),
            _ => None,
        };
        let done = self.at_once(|records| {
            if looked.unwrap_or_else(|| records.contains_key(&name)) {
                return false;
            }
            records.insert(name, record.clone());
            true
        });
        if done.await? { Ok(key.clone()) } else { Err(StoreError::Exists(key.clone())) }
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.read.lock().unwrap().remove(key.as_str());
        let name = key.as_str().to_owned();
        if self.fault == Fault::PanicsWhenTwoMeet {
            assert!(!self.busy.swap(true, Ordering::SeqCst), "two at once");
            self.at_once(|_| ()).await?;
            self.busy.store(false, Ordering::SeqCst);
        }
        let first = match self.fault {
            Fault::UpdateDeletesFirst => self.at_once(|records| records.remove(&name)).await?,
            Fault::UpdateLooksFirst => self.at_once(|records| records.get(&name).cloned()).await?,
            Fault::EntriesOneByOne | Fault::HalfWritten => {
                let half = |records: &mut HashMap<String, Record>| {
                    let old = records.get(&name).cloned()?;
                    records.insert(name.clone(), mixed(record, &old));
                    Some(old)
                };
                self.at_once(half).await?
            }
            Fault::WriteBehind => {
                let there = self.at_once(|records| records.contains_key(&name)).await?;
                if there {
                    self.behind.lock().unwrap().push((name, record.clone()));
                    return Ok(key.clone());
                }
                return Err(StoreError::NotFound(key.clone()));
            }
            _ => None,
        };
        // What is half written can only be completed; what was looked at or removed is stored in any case.
        let in_two =
            first.is_some() && matches!(self.fault, Fault::UpdateDeletesFirst | Fault::UpdateLooksFirst);
        let done = self.at_once(|records| match (self.fault, records.contains_key(&name) || in_two) {
            (_, false) => false,
            (Fault::EntriesOneByOne, true) => {
                records.entry(name).and_modify(|old| *old = mixed(old, record));
                true
            }
            (_, true) => {
                records.insert(name, record.clone());
                true
            }
        });
        match done.await {
            Ok(true) => Ok(key.clone()),
            Ok(false) if self.fault == Fault::UpdateOfNothing => Ok(key.clone()),
            Ok(false) => Err(StoreError::NotFound(key.clone())),
            Err(_) if self.fault == Fault::OutageIsSuccess => Ok(key.clone()),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.read.lock().unwrap().remove(key.as_str());
        self.at_once(|records| drop(records.remove(key.as_str()))).await
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let has_expired = |record: &Record| record.expires < now;
        if self.fault == Fault::ClearLooksFirst {
            let list = |records: &mut HashMap<String, Record>| -> Vec<String> {
                let expired = records.iter().filter(|(_, record)| has_expired(record));
                expired.map(|(name, _)| name.clone()).collect()
            };
            let expired = self.at_once(list).await?;
            self.at_once(|records| records.retain(|name, _| !expired.contains(name))).await?;
        } else {
            self.at_once(|records| records.retain(|_, record| !has_expired(record))).await?;
        }
        Ok(0)
    }
}

fn checked(fault: Fault, config: &Config) -> SubjectReport {
    let shared: Mutex<Records> = Mutex::default();
    let open = move |env: &Env, opening: Opening| -> Result<Faulty, BoxError> {
        if opening != Opening::SecondHandle {
            *shared.lock().unwrap() = Arc::default();
        }
        Ok(Faulty {
            fault,
            disk: env.part("disk"),
            clock: env.clock(),
            records: Arc::clone(&shared.lock().unwrap()),
            behind: Mutex::default(),
            read: Mutex::default(),
            stuck: AtomicBool::new(false),
            busy: AtomicBool::new(false),
        })
    };
    report(open, config)
}

/// Only what this test is about.
fn report<S: SessionStore + 'static>(
    open: impl FnMut(&Env, Opening) -> Result<S, BoxError> + 'static,
    config: &Config,
) -> SubjectReport {
    let mut subject = StoreSubject::new("faulty", "0", open, StoreHooks::default()).unwrap();
    let schedules = config.clone().with_cases(0);
    let mut report = run(&mut subject, &schedules, &mut |_| {});
    // A store in this process cannot be killed.
    let is_about_this = |rule: RuleId| !rule.rule().id.starts_with("crash.");
    report.rules.retain(|rule| {
        RuleId::of_schedules().any(|schedules| schedules == rule.rule) && is_about_this(rule.rule)
    });
    report
}

fn first(report: &SubjectReport) -> &ScheduleFailure {
    report.schedule_failures.first().expect("the suite sees nothing wrong")
}

#[test]
fn without_a_fault_the_store_holds() {
    let report = checked(Fault::None, &Config::default());
    assert!(report.is_success(), "{:#?}", report.schedule_failures);
    assert!(report.rules.iter().all(|rule| rule.status == Outcome::Pass), "{:#?}", report.rules);
}

#[rstest]
#[case(Fault::InsertLooksFirst, "concurrent.insert.one-wins")]
#[case(Fault::UpdateDeletesFirst, "concurrent.delete.final")]
#[case(Fault::UpdateLooksFirst, "concurrent.delete.final")]
#[case(Fault::EntriesOneByOne, "concurrent.record.whole")]
#[case(Fault::OutageIsAbsence, "failure.not-absence")]
#[case(Fault::OutageIsSuccess, "failure.no-lie")]
#[case(Fault::NeverAgain, "failure.recovers")]
#[case(Fault::HalfWritten, "concurrent.record.whole")]
#[case(Fault::ClearLooksFirst, "concurrent.clear.renewed")]
fn a_fault_is_failed_first_by_the_rule_it_breaks(
    #[case] fault: Fault,
    #[case] rule: &str,
    #[values(0x51f2, 1, 2)] seed: u64,
) {
    let report = checked(fault, &Config::default().with_seed(seed));
    let failure = first(&report);
    let all: Vec<&str> =
        report.schedule_failures.iter().map(|failure| failure.violation.rule.rule().id).collect();
    let block = schedule_block(failure, &report.manifest, None);
    assert_eq!(failure.violation.rule.rule().id, rule, "{all:?}\n{block}");
    let moves = failure.schedule.as_ref().unwrap().moves.len();
    assert!(moves <= 6, "{moves} moves\n{block}");
}

/// A trace shows it, too, and says it more simply.
#[rstest]
#[case(Fault::WriteBehind, "concurrent.load.latest")]
#[case(Fault::ReadsOnce, "concurrent.delete.final")]
#[case(Fault::UpdateOfNothing, "concurrent.order")]
fn what_shows_where_nothing_overlaps_follows_from_a_trace(#[case] fault: Fault, #[case] rule: &str) {
    let report = checked(fault, &Config::default());
    let lead = report.failures.first().unwrap().rule;
    let broken = report.rules.iter().find(|one| one.rule.rule().id == rule).unwrap();
    assert_eq!((broken.status, broken.explained_by), (Outcome::Fail, Some(lead)), "{broken:?}");
    assert!(broken.reason.as_ref().unwrap().starts_with(&format!("broken with r[{}]: ", lead.rule().id)));
    // What shows it is kept, and told below the rule that explains it.
    let failure = report.schedule_failures.iter().find(|one| one.violation.rule == broken.rule).unwrap();
    assert_eq!(report.explained_by(failure.violation.rule), Some(lead));
    let others = report.rules.iter().filter(|one| one.explained_by == Some(lead));
    assert!(others.clone().all(|one| one.status == Outcome::Fail), "{:?}", others.collect::<Vec<_>>());
}

#[test]
fn a_rule_has_not_passed_where_the_store_panicked() {
    let report = checked(Fault::PanicsWhenTwoMeet, &Config::default());
    assert!(!report.is_success());
    let crashed = report.rules.iter().find(|rule| rule.status == Outcome::Crash);
    let reason = crashed.and_then(|rule| rule.reason.clone()).unwrap_or_default();
    assert!(reason.contains("two at once"), "{:#?}", report.rules);
}

#[test]
fn the_cached_store_as_it_once_was_is_found_wrong_by_name() {
    let open = |env: &Env, _| {
        let clock = env.clock();
        let part = |name| env.part(name).around(MemoryStore::with_clock(10_000, clock.clone()));
        Ok(OldCachedStore::new(part("front"), part("back")))
    };
    let report = report(open, &Config::default());
    let broken: Vec<&str> = report
        .rules
        .iter()
        .filter(|rule| rule.status == Outcome::Fail)
        .map(|rule| rule.rule.rule().id)
        .collect();
    for rule in ["concurrent.delete.final", "failure.no-lie"] {
        assert!(broken.contains(&rule), "{broken:?}");
    }
}

/// A cache before a store that takes what was read before it forgot that somebody is about to write.
struct TakesAnything;

impl Beside for TakesAnything {}

impl Front for With<TakesAnything> {
    async fn lease(&self, key: &SessionKey, lease: Lease) -> Result<bool, StoreError> {
        self.memory.lease(key, lease).await
    }
    async fn hold(&self, key: &SessionKey, lease: Lease) -> Result<bool, StoreError> {
        self.memory.hold(key, lease).await
    }
    async fn fill(&self, key: &SessionKey, _: Lease, record: &Record) -> Result<bool, StoreError> {
        self.memory.delete(key).await?;
        self.memory.insert(key, record).await.map(|_| true)
    }
}

/// Every session is in front as soon as it is made, so that nobody would read the back if the front did not forget.
#[test]
fn a_front_that_forgets_shows_who_fills_it_without_a_right_to() {
    fn cached<F: Front + 'static>(front: fn(Arc<MemoryStore<ManualClock>>) -> F) -> SubjectReport {
        let open = move |env: &Env, _| {
            let memory = Arc::new(MemoryStore::with_clock(10_000, env.clock()));
            let forgotten = Arc::clone(&memory);
            env.part("front").forgets_by(move || forgotten.clear());
            let back = MemoryStore::with_clock(10_000, env.clock());
            Ok(CachedStore::new(front(memory), env.part("back").around(back)))
        };
        report(open, &Config::default())
    }
    let right = cached(|memory| memory);
    assert!(right.is_success(), "{:#?}", right.schedule_failures);
    let wrong = cached(|memory| With::over(memory, TakesAnything));
    let failure = first(&wrong);
    assert_eq!(failure.violation.rule.rule().id, "concurrent.delete.final");
    let forgets = |one: &Move| matches!(one, Move::Forget);
    let schedule = failure.schedule.as_ref().unwrap();
    assert!(schedule.moves.iter().any(forgets), "{schedule:?}");
}

/// The same schedule shows the same thing.
#[test]
fn a_failing_schedule_can_be_carried_out_again_from_its_file() {
    let failed = checked(Fault::UpdateLooksFirst, &Config::default());
    let schedule = first(&failed).schedule.as_ref().unwrap();
    let read = Schedule::parse(&schedule.to_jsonl(None)).unwrap();
    let open = |env: &Env, _: Opening| -> Result<Faulty, BoxError> {
        Ok(Faulty {
            fault: Fault::UpdateLooksFirst,
            disk: env.part("disk"),
            clock: env.clock(),
            records: Arc::default(),
            behind: Mutex::default(),
            read: Mutex::default(),
            stuck: AtomicBool::new(false),
            busy: AtomicBool::new(false),
        })
    };
    let capabilities = move |env: &Env, opening: Opening| open(env, opening).map(Unshared);
    let mut subject = StoreSubject::new("faulty", "0", capabilities, StoreHooks::default()).unwrap();
    let again = ScheduleFailure::of(&mut subject, &read).unwrap().unwrap();
    assert_eq!(again.violation.rule, first(&failed).violation.rule);
    assert_eq!(again.history, first(&failed).history);
}

/// A forgetful store may forget, and nothing else.
#[test]
fn a_cache_that_forgets_holds_and_one_that_remembers_what_is_older_does_not() {
    for (forgets, holds) in [(true, true), (false, false)] {
        let open = move |env: &Env, _| {
            Ok::<_, BoxError>(Cache { forgets, disk: env.part("disk"), records: Mutex::default() })
        };
        let report = report(open, &Config::default());
        assert_eq!(report.schedule_failures.is_empty(), holds, "forgets {forgets}: {report:#?}");
    }
}

struct Unshared(Faulty);

impl SessionStore for Unshared {
    fn capabilities(&self) -> Capabilities {
        Capabilities::memory()
    }
    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.0.exists(key).await
    }
    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.0.load(key).await
    }
    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.0.insert(key, record).await
    }
    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.0.update(key, record).await
    }
    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.0.delete(key).await
    }
}

/// A cache of two generations that now and then loses a record, or gives the one before it.
struct Cache {
    forgets: bool,
    disk: Part,
    records: Mutex<HashMap<String, Vec<Record>>>,
}

impl SessionStore for Cache {
    fn capabilities(&self) -> Capabilities {
        Capabilities::memory().with_consistency(Consistency::Forgetful)
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let look = async {
            let mut records = self.records.lock().unwrap();
            let versions = records.get(key.as_str()).cloned().unwrap_or_default();
            if versions.len() > 1 && self.forgets {
                records.remove(key.as_str());
                return Ok(None);
            }
            Ok(versions.first().cloned())
        };
        self.disk.call(look).await
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.disk.call(async { Ok(self.records.lock().unwrap().contains_key(key.as_str())) }).await
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let put = async {
            let mut records = self.records.lock().unwrap();
            if records.contains_key(key.as_str()) {
                return Err(StoreError::Exists(key.clone()));
            }
            records.insert(key.as_str().into(), vec![record.clone()]);
            Ok(key.clone())
        };
        self.disk.call(put).await
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let put = async {
            let mut records = self.records.lock().unwrap();
            let versions = records.get_mut(key.as_str()).ok_or_else(|| StoreError::NotFound(key.clone()))?;
            versions.push(record.clone());
            Ok(key.clone())
        };
        self.disk.call(put).await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let remove = async {
            self.records.lock().unwrap().remove(key.as_str());
            Ok(())
        };
        self.disk.call(remove).await
    }
}
