//! Stores of other crates' traits under the suite, raw: the stores that those crates bring, and some that are wrong on
//! purpose.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

use std::convert::Infallible;

use async_trait::async_trait;
use session_conformance::report::{Outcome, SubjectReport};
use session_conformance::rule::Profile;
use session_conformance::suite::Effort;
use session_conformance::{tower_sessions_014, tower_sessions_015};
use session_core::Capabilities;
use tower_sessions_core_015::session::{Id, Record};
use tower_sessions_core_015::{SessionStore, session_store};
use tower_sessions_memory_store::MemoryStore;

/// The rules that ended so.
fn ended(report: &SubjectReport, outcome: Outcome) -> Vec<&str> {
    report.rules.iter().filter(|rule| rule.status == outcome).map(|rule| rule.rule.rule().id).collect()
}

fn reason<'a>(report: &'a SubjectReport, id: &str) -> &'a str {
    let rule = report.rules.iter().find(|rule| rule.rule.rule().id == id).unwrap();
    rule.reason.as_deref().unwrap_or_default()
}

#[test]
fn the_memory_store_of_tower_sessions_breaks_nothing_that_its_trait_can_promise() {
    let open = async |_: &_, _| Ok::<_, Infallible>(MemoryStore::default());
    // More than is asked of it: that trait's stores are not Django's.
    let suite = tower_sessions_015::suite(Capabilities::memory(), open).profile(Profile::Django);
    let report = suite.cases(50).report().unwrap();
    assert_eq!(report.manifest.name, "MemoryStore");
    assert_eq!(ended(&report, Outcome::Fail), Vec::<&str>::new());
    assert!(ended(&report, Outcome::Pass).len() > 70, "{:?}", ended(&report, Outcome::Pass));
    // What it cannot promise does not apply, with the reason; what follows from that is shown.
    assert_eq!(reason(&report, "lifecycle.save.no-resurrect"), "saving creates what is not there (upsert)");
    assert!(ended(&report, Outcome::Pass).contains(&"lifecycle.save.upsert"));
}

#[test]
fn the_version_before_is_another_type_and_the_same_to_the_suite() {
    let open = async |_: &_, _| Ok::<_, Infallible>(tower_sessions_memory_store_014::MemoryStore::default());
    let suite = tower_sessions_014::suite(Capabilities::memory(), open).rules("lifecycle.*").cases(5);
    let report = suite.report().unwrap();
    assert_eq!(ended(&report, Outcome::Fail), Vec::<&str>::new());
    assert!(ended(&report, Outcome::Pass).contains(&"lifecycle.save.upsert"));
    assert_eq!(report.manifest.profile, Profile::Core);
    assert_eq!(reason(&report, "lifecycle.save.flags"), "it is not in the profile `core`");
}

/// A store with one of the faults that published stores have.
#[derive(Debug, Clone)]
struct Faulty {
    memory: MemoryStore,
    fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// It has no `create` of its own: the trait's saves, and overwrites.
    Overwrites,
    /// It answers before anything is deleted, and nothing is.
    KeepsDeleted,
    /// It leaves out what is long.
    LosesLongValues,
}

impl Faulty {
    /// Leaves out what is long, where that is its fault.
    fn cut(&self, record: &mut Record) {
        record.data.retain(|_, value| self.fault != Fault::LosesLongValues || value.to_string().len() < 255);
    }
}

#[async_trait]
impl SessionStore for Faulty {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        self.cut(record);
        if self.fault == Fault::Overwrites {
            self.memory.save(record).await
        } else {
            self.memory.create(record).await
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let mut record = record.clone();
        self.cut(&mut record);
        self.memory.save(&record).await
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        self.memory.load(id).await
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        if self.fault == Fault::KeepsDeleted { Ok(()) } else { self.memory.delete(id).await }
    }
}

#[rstest::rstest]
#[case(Fault::Overwrites, "key.collision")]
#[case(Fault::KeepsDeleted, "lifecycle.delete.gone")]
#[case(Fault::LosesLongValues, "data.large")]
fn a_store_that_is_wrong_breaks_the_rule_that_says_so(#[case] fault: Fault, #[case] rule: &str) {
    let open = async move |_: &_, _| Ok::<_, Infallible>(Faulty { memory: MemoryStore::default(), fault });
    let report = tower_sessions_015::suite(Capabilities::memory(), open).cases(20).report().unwrap();
    assert!(ended(&report, Outcome::Fail).contains(&rule), "{:?}", ended(&report, Outcome::Fail));
}

/// Their store in memory, in which others get in between any two operations.
#[derive(Debug, Clone, Default)]
struct Crowded(MemoryStore);

/// Lets other threads go on.
fn others_go_on() {
    for _ in 0..20 {
        std::thread::yield_now();
    }
}

#[async_trait]
impl SessionStore for Crowded {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let created = self.0.create(record).await;
        others_go_on();
        created
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        others_go_on();
        self.0.save(record).await
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let found = self.0.load(id).await;
        others_go_on();
        found
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.0.delete(id).await
    }
}

/// The trait has no question for what the suite asks of an insertion; the answer is put together from two, and nothing that
/// happens between them may be held against the store.
#[test]
fn an_insertion_that_is_put_together_never_overwrites_what_others_made_meanwhile() {
    let open = async |_: &_, _| Ok::<_, Infallible>(Crowded::default());
    let suite = tower_sessions_015::suite(Capabilities::memory(), open).rules("concurrent.*");
    let report = suite.cases(0).effort(Effort::Full).report().unwrap();
    let broken = ended(&report, Outcome::Fail);
    assert_eq!(
        broken,
        Vec::<&str>::new(),
        "{:?}",
        broken.iter().map(|id| reason(&report, id)).collect::<Vec<_>>()
    );
    assert!(ended(&report, Outcome::Pass).contains(&"concurrent.load.latest"));
}
