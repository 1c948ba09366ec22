//! Capabilities that a store declares and does not have, or has and denies: each is said once, by the rule that goes with
//! it, and nothing else is held against the store.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

mod beside;

use std::convert::Infallible;
use std::sync::Arc;

use beside::{Beside, With};
use rstest::rstest;
use session_backends::MemoryStore;
use session_conformance::report::{Outcome, SubjectReport};
use session_conformance::subject::{Env, Opening, StoreHooks, StoreSubject};
use session_conformance::suite::{Config, run};
use session_core::{Capabilities, ExpiredRecords};

/// What a store says of itself.
struct Declared(Capabilities);

impl Beside for Declared {
    fn capabilities(&self) -> Capabilities {
        self.0
    }
}

/// What an opening of the storage finds.
#[derive(Clone, Copy, PartialEq)]
enum Storage {
    /// Nothing: each handle has a storage of its own.
    Apart,
    /// What the ones before it stored.
    Same,
    /// The same, and what is left of other runs.
    Leftover,
}

fn report(storage: Storage, declared: Capabilities, hooks: StoreHooks) -> SubjectReport {
    let mut before = None;
    let open = move |env: &Env, opening: Opening| {
        let keeps = match storage {
            Storage::Apart => false,
            Storage::Same => opening != Opening::Fresh,
            Storage::Leftover => before.is_some(),
        };
        if !keeps {
            before = Some(Arc::new(MemoryStore::with_clock(1_000, env.clock())));
        }
        let memory = Arc::clone(before.as_ref().unwrap());
        Ok::<_, Infallible>(With::over(memory, Declared(declared)))
    };
    let mut subject = StoreSubject::new("declaring", "", open, hooks).unwrap();
    run(&mut subject, &Config::default().with_cases(100), &mut |_| {})
}

fn failed(report: &SubjectReport) -> Vec<&'static str> {
    let failed = report.rules.iter().filter(|rule| rule.status == Outcome::Fail);
    failed.map(|rule| rule.rule.rule().id).collect()
}

const APART: Capabilities = Capabilities::memory();
const SAME: Capabilities = Capabilities::memory().with_persistent(true).with_shared(true);

#[rstest]
#[case(Storage::Apart, APART.with_shared(true), "lifecycle.second-client", "shared: true")]
#[case(Storage::Apart, APART.with_persistent(true), "lifecycle.reopen.persistent", "persistent: true")]
#[case(Storage::Same, SAME.with_persistent(false), "lifecycle.reopen.volatile", "persistent: false")]
#[case(Storage::Apart, APART.with_expired(ExpiredRecords::Kept), "expiry.kept", "expired: kept")]
fn a_wrong_capability_is_said_once(
    #[case] storage: Storage,
    #[case] declared: Capabilities,
    #[case] rule: &str,
    #[case] said: &str,
) {
    let report = report(storage, declared, StoreHooks::default());
    assert_eq!(failed(&report), [rule]);
    let note = report.failures[0].note.as_ref().unwrap();
    assert!(note.contains(said), "{note}");
    assert_eq!(report.manifest.capabilities, declared);
    assert!(!report.is_success());
}

#[rstest]
#[case(Storage::Apart, APART)]
#[case(Storage::Same, SAME)]
fn what_is_declared_rightly_is_not_held_against_the_store(
    #[case] storage: Storage,
    #[case] declared: Capabilities,
) {
    let report = report(storage, declared, StoreHooks::default());
    assert!(report.is_success(), "{:?}", failed(&report));
}

#[test]
fn a_store_that_refuses_is_no_upsert() {
    let report = report(Storage::Same, SAME, StoreHooks::default().with_upsert());
    assert!(failed(&report).contains(&"lifecycle.save.upsert"), "{:?}", failed(&report));
}

#[test]
fn a_storage_that_is_not_emptied_is_said_before_anything_is_held_against_the_store() {
    let report = report(Storage::Leftover, SAME, StoreHooks::default());
    let rule = report.rules.iter().find(|rule| rule.status == Outcome::HarnessError).unwrap();
    let reason = rule.reason.as_deref().unwrap();
    assert!(reason.contains("`open` must give empty storage"), "{reason}");
    assert!(failed(&report).is_empty() && report.failures.is_empty() && report.count(Outcome::Pass) == 0);
}
