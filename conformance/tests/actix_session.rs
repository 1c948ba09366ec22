//! Stores of `actix-session` under the suite, raw: one as that crate's own for Redis behaves, which cannot leave its thread,
//! and some that are wrong on purpose.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_session_011::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use session_conformance::actix_session_011 as raw;
use session_conformance::manifest::ClockLevel;
use session_conformance::report::{Outcome, SubjectReport};
use session_conformance::rule::Profile;
use session_conformance::subject::Env;
use session_conformance::suite::Effort;
use session_core::{Capabilities, Clock, ManualClock};
use time::{Duration, OffsetDateTime};

type State = HashMap<String, String>;

/// A key is issued once, also after a restart.
static KEYS: AtomicU64 = AtomicU64::new(1);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// A session that was only read ends when it would have ended without that.
    RenewsNothing,
    /// It answers before anything is deleted, and nothing is.
    KeepsDeleted,
    LoadsExpired,
    /// Each new session gets the key of the one before.
    RepeatsKeys,
    Panics,
}

/// Records in memory that nothing else reaches, not even another thread.
struct Memory {
    records: Rc<RefCell<HashMap<String, (State, OffsetDateTime)>>>,
    clock: ManualClock,
    fault: Fault,
}

impl Memory {
    fn new(env: &Env, fault: Fault) -> Self {
        Self { records: Rc::default(), clock: env.clock(), fault }
    }

    fn is_there(&self, key: &SessionKey) -> bool {
        let records = self.records.borrow();
        let lives = |ends: &OffsetDateTime| self.fault == Fault::LoadsExpired || *ends > self.clock.now();
        records.get(key.as_ref()).is_some_and(|(_, ends)| lives(ends))
    }
}

impl SessionStore for Memory {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        tokio::task::yield_now().await;
        assert!(self.fault != Fault::Panics, "this store panics");
        let found = self.records.borrow().get(key.as_ref()).map(|(state, _)| state.clone());
        Ok(found.filter(|_| self.is_there(key)))
    }

    async fn save(&self, state: State, ttl: &Duration) -> Result<SessionKey, SaveError> {
        let next = KEYS.fetch_add(1, Ordering::Relaxed);
        let number = if self.fault == Fault::RepeatsKeys { 0 } else { next };
        let key = format!("session{number:057}");
        self.records.borrow_mut().insert(key.clone(), (state, self.clock.now() + *ttl));
        Ok(key.try_into().unwrap())
    }

    /// Makes a new session where there is none.
    async fn update(&self, key: SessionKey, state: State, ttl: &Duration) -> Result<SessionKey, UpdateError> {
        if !self.is_there(&key) {
            return Ok(self.save(state, ttl).await.unwrap());
        }
        self.records.borrow_mut().insert(key.as_ref().into(), (state, self.clock.now() + *ttl));
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> Result<(), anyhow::Error> {
        let is_there = self.is_there(key) && self.fault != Fault::RenewsNothing;
        if let Some((_, ends)) = self.records.borrow_mut().get_mut(key.as_ref()).filter(|_| is_there) {
            *ends = self.clock.now() + *ttl;
        }
        Ok(())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        if self.fault != Fault::KeepsDeleted {
            self.records.borrow_mut().remove(key.as_ref());
        }
        Ok(())
    }
}

fn report(fault: Fault) -> SubjectReport {
    let open = async move |env: &Env, _| Ok::<_, Infallible>(Memory::new(env, fault));
    // More than is asked of it: that trait's stores are not Django's.
    let suite = raw::suite(Capabilities::memory(), open).profile(Profile::Django);
    suite.clock(ClockLevel::Virtual).cases(50).report().unwrap()
}

/// The rules that ended so.
fn ended(report: &SubjectReport, outcome: Outcome) -> Vec<&str> {
    report.rules.iter().filter(|rule| rule.status == outcome).map(|rule| rule.rule.rule().id).collect()
}

#[test]
fn a_right_store_breaks_nothing_that_its_trait_can_promise() {
    let report = report(Fault::None);
    assert_eq!(report.manifest.name, "Memory");
    assert_eq!(ended(&report, Outcome::Fail), Vec::<&str>::new());
    let passed = ended(&report, Outcome::Pass);
    assert!(passed.len() > 90, "{passed:?}");
    for rule in ["lifecycle.save.upsert", "expiry.renewed", "data.integers.huge.kept", "concurrent.order"] {
        assert!(passed.contains(&rule), "{rule}: {passed:?}");
    }
}

#[rstest::rstest]
#[case(Fault::RenewsNothing, "expiry.renewed")]
#[case(Fault::KeepsDeleted, "lifecycle.delete.gone")]
#[case(Fault::LoadsExpired, "expiry.dead")]
#[case(Fault::RepeatsKeys, "lifecycle.isolation")]
fn a_store_that_is_wrong_breaks_the_rule_that_says_so(#[case] fault: Fault, #[case] rule: &str) {
    let report = report(fault);
    assert!(ended(&report, Outcome::Fail).contains(&rule), "{:?}", ended(&report, Outcome::Fail));
}

/// The trait has no question for what the suite asks of an insertion, and the store makes the keys; what the suite keeps of them
/// must not lose what others have written meanwhile.
#[test]
fn keys_that_stand_for_others_never_lose_what_was_written() {
    let open = async |env: &Env, _| Ok::<_, Infallible>(Memory::new(env, Fault::None));
    let suite = raw::suite(Capabilities::memory(), open).clock(ClockLevel::Virtual);
    let report = suite.rules("concurrent.*").cases(0).effort(Effort::Full).report().unwrap();
    assert_eq!(ended(&report, Outcome::Fail), Vec::<&str>::new());
    assert!(ended(&report, Outcome::Pass).contains(&"concurrent.load.latest"));
}

#[test]
fn a_store_that_panics_on_its_thread_has_crashed() {
    let report = report(Fault::Panics);
    let crashed = report.rules.iter().find(|rule| rule.status == Outcome::Crash).unwrap();
    assert!(crashed.reason.as_deref().unwrap().contains("this store panics"), "{:?}", crashed.reason);
}
