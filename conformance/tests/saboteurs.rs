//! Can the suite fail? Each store here is wrong in one way that real stores have been wrong in, and must be
//! failed by the rule it breaks, with a minimal trace.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rstest::rstest;
use session_conformance::call::Call;
use session_conformance::manifest::Manifest;
use session_conformance::model::Errata;
use session_conformance::observation::Observation;
use session_conformance::op::SessionOp;
use session_conformance::report::{Artifacts, Outcome, Report, SubjectReport, failure_block, summary};
use session_conformance::rule::RuleId;
use session_conformance::runner::{Coverage, Verdict, run_trace};
use session_conformance::subject::{Env, Fault as Undriven, StoreHooks, StoreSubject, Subject};
use session_conformance::suite::{Config, run};
use session_conformance::trace::Settings;
use session_core::json::Json;
use session_core::{
    Capabilities, Clock, Entries, ExpiredRecords, ManualClock, Record, SessionKey, SessionStore, StoreError,
    Value,
};
use time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    UpdateCreates,
    InsertOverwrites,
    LoadIgnoresExpiry,
    LoadsAtTheInstant,
    ExpiresEarly,
    DeleteDoesNothing,
    ClearRemovesLive,
    ClearRemovesNothing,
    KeyCaseFolded,
    KeyTrimmed,
    CutAt64K,
    NonBmpLost,
    IntegersRounded,
    FloatsBecomeIntegers,
    NullsDropped,
    OrderSorted,
    CycleKeepsOldRecord,
    FlushKeepsRecord,
    UpdateKeepsExpiry,
    UpdateMerges,
    ExistsIgnoresDeletion,
    LoadFailsWhenAbsent,
    WrongErrorOnUpdate,
    EmptyRecordIsAbsent,
    NegativeExpiryForEver,
    LongLifeLost,
}

/// A plain store with one fault.
struct Sabotaged {
    fault: Fault,
    clock: ManualClock,
    /// Whether a `cycle-key` or `flush` that must be sabotaged is under way.
    sabotage_delete: Arc<AtomicBool>,
    records: Mutex<HashMap<String, Record>>,
    deleted: Mutex<Vec<String>>,
}

impl Sabotaged {
    fn key(&self, key: &SessionKey) -> String {
        match self.fault {
            Fault::KeyCaseFolded => key.as_str().to_lowercase(),
            Fault::KeyTrimmed => key.as_str().trim().to_owned(),
            _ => key.as_str().to_owned(),
        }
    }

    fn is_live(&self, record: &Record) -> bool {
        let now = self.clock.now();
        match self.fault {
            Fault::LoadIgnoresExpiry => true,
            Fault::LoadsAtTheInstant => now <= record.expires,
            Fault::ExpiresEarly => now + Duration::MICROSECOND < record.expires,
            Fault::LongLifeLost => now < record.expires && record.expires - now <= Duration::days(30),
            _ => now < record.expires,
        }
    }

    fn kept(&self, record: &Record) -> Record {
        let mut record = record.clone();
        let mut entries: Vec<(String, Json)> = record
            .data
            .iter()
            .map(|(name, text)| (name.to_json_text(), self.spoilt(&Json::parse(text).unwrap())))
            .collect();
        match self.fault {
            Fault::NullsDropped => entries.retain(|(_, value)| value.as_str() != "null"),
            Fault::OrderSorted => entries.sort_by(|(one, _), (other, _)| one.cmp(other)),
            Fault::NegativeExpiryForEver if record.expires < self.clock.now() => {
                record.expires = self.clock.now() + Duration::days(3_650);
            }
            _ => {}
        }
        let entries: Vec<_> =
            entries.iter().map(|(name, value)| format!("{name}:{}", value.as_str())).collect();
        record.data = Entries::parse(format!("{{{}}}", entries.join(",")).as_bytes()).unwrap();
        record
    }

    fn spoilt(&self, json: &Json) -> Json {
        let integer = json.as_str().bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
        if self.fault == Fault::IntegersRounded && integer {
            let rounded: f64 = json.as_str().parse().unwrap();
            return Json::parse(&format!("{:.0}", rounded.clamp(f64::MIN, f64::MAX))).unwrap();
        }
        let Ok(mut value) = json.to_value() else { return json.clone() };
        self.spoil(&mut value);
        Json::write(&value).unwrap()
    }

    fn spoil(&self, value: &mut Value) {
        match (self.fault, value) {
            (Fault::CutAt64K, Value::String(text)) => {
                let cut = text.char_indices().map(|(at, _)| at).find(|at| *at >= 65_536);
                text.truncate(cut.unwrap_or(text.len()));
            }
            (Fault::NonBmpLost, Value::String(text)) => text.retain(|c| u32::from(c) < 0x1_0000),
            (Fault::FloatsBecomeIntegers, value @ Value::Number(_)) => {
                if let Some(float) = value.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 1e15) {
                    *value = serde_json::from_str(&format!("{float:.0}")).unwrap();
                }
            }
            _ => {}
        }
    }
}

impl SessionStore for Sabotaged {
    fn capabilities(&self) -> Capabilities {
        Capabilities::memory().with_expired(ExpiredRecords::Kept)
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let key = self.key(key);
        let deleted =
            self.fault == Fault::ExistsIgnoresDeletion && self.deleted.lock().unwrap().contains(&key);
        Ok(deleted || self.records.lock().unwrap().contains_key(&key))
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let record = self.records.lock().unwrap().get(&self.key(key)).filter(|r| self.is_live(r)).cloned();
        match self.fault {
            Fault::LoadFailsWhenAbsent if record.is_none() => Err(StoreError::NotFound(key.clone())),
            Fault::EmptyRecordIsAbsent => Ok(record.filter(|record| !record.data.is_empty())),
            _ => Ok(record),
        }
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let mut records = self.records.lock().unwrap();
        if records.contains_key(&self.key(key)) && self.fault != Fault::InsertOverwrites {
            return Err(StoreError::Exists(key.clone()));
        }
        records.insert(self.key(key), self.kept(record));
        Ok(key.clone())
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let mut records = self.records.lock().unwrap();
        let mut kept = self.kept(record);
        match (records.get(&self.key(key)), self.fault) {
            (None, Fault::UpdateCreates) => {}
            (None, Fault::WrongErrorOnUpdate) => return Err(StoreError::Exists(key.clone())),
            (None, _) => return Err(StoreError::NotFound(key.clone())),
            (Some(old), Fault::UpdateKeepsExpiry) => kept.expires = old.expires,
            (Some(old), Fault::UpdateMerges) => {
                let mut merged = old.data.clone();
                merged.extend(&kept.data);
                kept.data = merged;
            }
            (Some(_), _) => {}
        }
        records.insert(self.key(key), kept);
        Ok(key.clone())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        if self.fault != Fault::DeleteDoesNothing && !self.sabotage_delete.load(Ordering::SeqCst) {
            self.records.lock().unwrap().remove(&self.key(key));
            self.deleted.lock().unwrap().push(self.key(key));
        }
        Ok(())
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let mut records = self.records.lock().unwrap();
        let before = records.len();
        match self.fault {
            Fault::ClearRemovesLive => records.clear(),
            Fault::ClearRemovesNothing => {}
            _ => records.retain(|_, record| record.expires >= now),
        }
        Ok((before - records.len()) as u64)
    }
}

/// Tells the store below when a `cycle-key` or a `flush` is under way.
struct Announced<S> {
    inner: S,
    fault: Fault,
    sabotage_delete: Arc<AtomicBool>,
}

impl<S: Subject> Subject for Announced<S> {
    fn manifest(&self) -> &Manifest {
        self.inner.manifest()
    }

    fn open(&mut self, now: i64, settings: Settings) -> Result<(), Undriven> {
        self.inner.open(now, settings)
    }

    fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Undriven> {
        let sabotaged = match call {
            Call::Op { op: SessionOp::CycleKey, .. } => self.fault == Fault::CycleKeepsOldRecord,
            Call::Op { op: SessionOp::Flush, .. } => self.fault == Fault::FlushKeepsRecord,
            _ => false,
        };
        self.sabotage_delete.store(sabotaged, Ordering::SeqCst);
        self.inner.call(now, call)
    }
}

fn subject(fault: Fault) -> Box<dyn Subject> {
    let sabotage_delete = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&sabotage_delete);
    let open = move |env: &Env, _| {
        Ok::<_, std::convert::Infallible>(Sabotaged {
            fault,
            clock: env.clock(),
            sabotage_delete: Arc::clone(&flag),
            records: Mutex::default(),
            deleted: Mutex::default(),
        })
    };
    let inner = StoreSubject::new("sabotaged", "0", open, StoreHooks::default()).unwrap();
    Box::new(Announced { inner, fault, sabotage_delete })
}

fn report(fault: Fault) -> SubjectReport {
    report_of(fault, &Config::default().with_cases(150))
}

fn report_of(fault: Fault, config: &Config) -> SubjectReport {
    run(&mut *subject(fault), config, &mut |_, _| {})
}

#[test]
fn without_a_fault_the_store_holds() {
    let report = report(Fault::None);
    assert!(report.is_success(), "{:#?}", report.failures);
}

#[rstest]
#[case(Fault::UpdateCreates, "lifecycle.save.no-resurrect")]
#[case(Fault::InsertOverwrites, "lifecycle.save-must-create.taken")]
#[case(Fault::LoadIgnoresExpiry, "expiry.dead")]
#[case(Fault::LoadsAtTheInstant, "expiry.boundary")]
#[case(Fault::ExpiresEarly, "expiry.not-early")]
#[case(Fault::DeleteDoesNothing, "lifecycle.delete.gone")]
#[case(Fault::ClearRemovesLive, "expiry.clear.keeps-live")]
#[case(Fault::ClearRemovesNothing, "expiry.clear.removes")]
#[case(Fault::KeyCaseFolded, "key.exact")]
#[case(Fault::KeyTrimmed, "key.exact")]
#[case(Fault::CutAt64K, "data.large")]
#[case(Fault::NonBmpLost, "data.non-bmp")]
#[case(Fault::IntegersRounded, "data.integers.kept")]
#[case(Fault::FloatsBecomeIntegers, "data.floats")]
#[case(Fault::NullsDropped, "lifecycle.load.stored")]
#[case(Fault::OrderSorted, "data.order")]
#[case(Fault::CycleKeepsOldRecord, "lifecycle.cycle.old-key-dead")]
#[case(Fault::FlushKeepsRecord, "lifecycle.flush.record-gone")]
#[case(Fault::UpdateKeepsExpiry, "expiry.renewed")]
#[case(Fault::UpdateMerges, "lifecycle.save.stores")]
#[case(Fault::ExistsIgnoresDeletion, "lifecycle.delete.gone")]
#[case(Fault::LoadFailsWhenAbsent, "key.unknown-not-adopted")]
#[case(Fault::WrongErrorOnUpdate, "lifecycle.save.no-resurrect")]
#[case(Fault::EmptyRecordIsAbsent, "lifecycle.load.stored")]
#[case(Fault::NegativeExpiryForEver, "expiry.negative")]
#[case(Fault::LongLifeLost, "expiry.seconds")]
fn a_fault_is_failed_by_the_rule_it_breaks(#[case] fault: Fault, #[case] rule: &str) {
    let report = report(fault);
    let failed: Vec<String> = report
        .failures
        .iter()
        .map(|failure| {
            let also: Vec<&str> = failure.also.iter().map(|rule| rule.rule().id).collect();
            format!("{} in {} steps, also {also:?}", failure.rule.rule().id, failure.trace.steps.len())
        })
        .collect();
    let result = report.rules.iter().find(|result| result.rule.rule().id == rule).unwrap();
    assert_eq!(result.status, Outcome::Fail, "{fault:?} was not failed by {rule} but by {failed:#?}");
    // It leads, or is told to be broken with the rule that does.
    let names = |failure: &&session_conformance::report::Failure| {
        failure.rule == result.rule || failure.also.contains(&result.rule)
    };
    let failure = report.failures.iter().find(names);
    let failure = failure.unwrap_or_else(|| panic!("no trace shows {rule}: {:?}", result.reason));
    let steps = failure.trace.steps.len();
    // Showing a merge takes a set, a save, a removal, a save and a reading of it: seven steps.
    let bound = if fault == Fault::UpdateMerges { 7 } else { 6 };
    assert!(steps <= bound, "{fault:?}: {steps} steps: {}", failure.trace.to_jsonl(None));
    assert!(report.rules.iter().any(|result| result.status == Outcome::Fail));
}

#[test]
fn a_rule_that_is_asked_for_alone_fails_though_another_explains_it_better() {
    let mut led = 0;
    for fault in [Fault::LoadsAtTheInstant, Fault::NullsDropped, Fault::DeleteDoesNothing] {
        let whole = report(fault);
        for result in whole.rules.iter().filter(|result| result.status == Outcome::Fail) {
            if golden_verdict(fault, result.rule).is_held() {
                continue;
            }
            led += usize::from(!whole.failures.iter().any(|failure| failure.rule == result.rule));
            let config = Config::default().with_cases(0).with_rules(result.rule.rule().id);
            let alone = report_of(fault, &config);
            let status = alone.rules.iter().find(|other| other.rule == result.rule).unwrap().status;
            assert_eq!(status, Outcome::Fail, "{fault:?}: {:?} alone", result.rule);
        }
    }
    assert!(led > 3, "only {led} rules are led by another: the test tests little");
}

fn golden_verdict(fault: Fault, rule: RuleId) -> Verdict {
    let trace = rule.rule().golden().unwrap().trace;
    run_trace(&mut *subject(fault), &trace, Errata::Enforced, &mut Coverage::default())
}

#[test]
fn a_rule_whose_golden_trace_did_not_hold_has_not_passed() {
    for fault in [Fault::LoadIgnoresExpiry, Fault::NullsDropped, Fault::DeleteDoesNothing] {
        let report = report(fault);
        for result in report.rules.iter().filter(|result| result.status == Outcome::Pass) {
            assert!(golden_verdict(fault, result.rule).is_held(), "{fault:?}: {:?} passed", result.rule);
        }
    }
}

#[test]
fn a_failure_reads_like_a_bug_report() {
    let report = report(Fault::UpdateCreates);
    let failure = report.failures.iter().find(|failure| failure.trace.steps.len() > 2).unwrap();
    let artifacts = Artifacts::new("target/x.jsonl", "target/x.rs");
    let replay = |trace: &Path| format!("run it again with {}", trace.display());
    insta::assert_snapshot!(failure_block(failure, &report.manifest, Some((&artifacts, &replay))), @r"
    FAIL r[lifecycle.save.no-resurrect]  MUST  Saving a session deleted elsewhere must not bring it back
      store sabotaged 0 · Django (db) does as the model · seed 0x51f2 · 5 steps shrunk to 4
        t=0  s1 = new             ok
        t=0  s1.save              ok
        t=0  delete k1 elsewhere  ok
        t=0  s1.save              expected update-error   got ok        <- here
      spec:   docs/spec/lifecycle.md#lifecycle.save.no-resurrect
      replay: run it again with target/x.jsonl
      test:   target/x.rs   (a regression test, ready to paste)
    ");
}

#[test]
fn the_table_shows_what_held_and_what_did_not() {
    // How many steps there are depends on the golden traces, and is not what this is about.
    let shown = |fault| {
        let mut report = report(fault);
        report.steps = 1_234;
        report
    };
    let subjects = vec![shown(Fault::None), shown(Fault::UpdateCreates)];
    let report = Report::new(subjects, std::time::Duration::from_millis(1_540)).with_seed(0x51f2);
    insta::assert_snapshot!(summary(&report), @r"
    area        sabotaged  sabotaged
    key               8/8   FAIL 7/8
    lifecycle       30/30  FAIL 29/30
    dict            15/15      15/15
    testcookie        2/2        2/2
    tracking        14/14      14/14
    expiry          23/23  FAIL 22/23
    data            12/12      12/12
    sabotaged 0: 131 rules: 104 pass, 27 not-applicable; 1,234 steps; clock virtual
    sabotaged 0: 131 rules: 101 pass, 3 fail, 27 not-applicable; 1,234 steps; clock virtual
    1 subject did not hold: 131 rules on 2 subjects, 2,468 steps, seed 0x51f2, 1.5 s
    ");
}
