//! Databases of `axum_session` under the suite, raw: a right one, and some that are wrong on purpose.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum_session_022::{DatabaseError, DatabasePool};
use session_conformance::axum_session_022 as raw;
use session_conformance::manifest::ClockLevel;
use session_conformance::report::{Outcome, SubjectReport};
use session_conformance::rule::Profile;
use session_conformance::subject::{Env, Opening};
use session_core::{Capabilities, Clock, ExpiredRecords, ManualClock};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// It is over only a second after its end.
    EndsLate,
    /// The sweep takes what is still valid.
    SweepsEverything,
    /// Keys are compared without case.
    FoldsKeys,
    /// The list has what is over.
    ListsEnded,
    /// One row is not counted.
    Miscounts,
    /// Removing all leaves what was stored last.
    LeavesOne,
    /// There is one table, whatever it is called.
    OneTable,
}

type Rows = BTreeMap<String, (String, i64)>;

/// The tables of a server, by their names.
type Tables = BTreeMap<String, Rows>;

#[derive(Debug, Clone)]
struct Database {
    tables: Arc<Mutex<Tables>>,
    clock: ManualClock,
    fault: Fault,
}

impl Database {
    /// Does something with the rows of a table, which must have been made.
    fn with<T>(&self, table: &str, act: impl FnOnce(&mut Rows) -> T) -> T {
        let table = if self.fault == Fault::OneTable { "" } else { table };
        act(self.tables.lock().unwrap().get_mut(table).unwrap())
    }

    fn id(&self, id: &str) -> String {
        if self.fault == Fault::FoldsKeys { id.to_lowercase() } else { id.to_owned() }
    }

    fn is_over(&self, expires: i64) -> bool {
        self.clock.now().unix_timestamp() >= expires + i64::from(self.fault == Fault::EndsLate)
    }
}

#[async_trait]
impl DatabasePool for Database {
    async fn initiate(&self, table: &str) -> Result<(), DatabaseError> {
        let table = if self.fault == Fault::OneTable { "" } else { table };
        self.tables.lock().unwrap().entry(table.to_owned()).or_default();
        Ok(())
    }

    /// As `COUNT(*)` does, it counts what is over, too.
    async fn count(&self, table: &str) -> Result<i64, DatabaseError> {
        let rows = self.with(table, |rows| rows.len());
        Ok(i64::try_from(rows).unwrap() - i64::from(rows > 1 && self.fault == Fault::Miscounts))
    }

    async fn store(&self, id: &str, session: &str, expires: i64, table: &str) -> Result<(), DatabaseError> {
        self.with(table, |rows| rows.insert(self.id(id), (session.into(), expires)));
        Ok(())
    }

    async fn load(&self, id: &str, table: &str) -> Result<Option<String>, DatabaseError> {
        let found = self.with(table, |rows| rows.get(&self.id(id)).cloned());
        Ok(found.filter(|(_, expires)| !self.is_over(*expires)).map(|(session, _)| session))
    }

    async fn delete_one_by_id(&self, id: &str, table: &str) -> Result<(), DatabaseError> {
        self.with(table, |rows| rows.remove(&self.id(id)));
        Ok(())
    }

    async fn exists(&self, id: &str, table: &str) -> Result<bool, DatabaseError> {
        Ok(self.load(id, table).await?.is_some())
    }

    async fn delete_by_expiry(&self, table: &str) -> Result<Vec<String>, DatabaseError> {
        let goes = |expires| self.fault == Fault::SweepsEverything || self.is_over(expires);
        Ok(self.with(table, |rows| {
            let gone: Vec<String> =
                rows.iter().filter(|(_, (_, expires))| goes(*expires)).map(|(id, _)| id.clone()).collect();
            rows.retain(|id, _| !gone.contains(id));
            gone
        }))
    }

    async fn delete_all(&self, table: &str) -> Result<(), DatabaseError> {
        self.with(table, |rows| {
            let last = rows.pop_last();
            rows.clear();
            rows.extend(last.filter(|_| self.fault == Fault::LeavesOne));
        });
        Ok(())
    }

    async fn get_ids(&self, table: &str) -> Result<Vec<String>, DatabaseError> {
        let listed = |expires| self.fault == Fault::ListsEnded || !self.is_over(expires);
        Ok(self.with(table, |rows| {
            rows.iter().filter(|(_, (_, expires))| listed(*expires)).map(|(id, _)| id.clone()).collect()
        }))
    }

    fn auto_handles_expiry(&self) -> bool {
        false
    }
}

fn suite(fault: Fault) -> session_conformance::Suite {
    // One server for all environments, each of which has a table.
    let tables = Arc::new(Mutex::new(Tables::new()));
    let open = async move |env: &Env, opening| {
        if opening == Opening::Fresh && fault == Fault::OneTable {
            tables.lock().unwrap().clear();
        }
        Ok::<_, Infallible>(Database { tables: Arc::clone(&tables), clock: env.clock(), fault })
    };
    // More than is asked of it: that trait's databases are not Django's.
    let suite = raw::suite(Capabilities::database().with_expired(ExpiredRecords::Gone), open)
        .profile(Profile::Django);
    suite.clock(ClockLevel::Virtual).other_storage().cases(50)
}

/// The rules that ended so.
fn ended(report: &SubjectReport, outcome: Outcome) -> Vec<&str> {
    report.rules.iter().filter(|rule| rule.status == outcome).map(|rule| rule.rule.rule().id).collect()
}

#[test]
fn a_right_database_breaks_nothing_that_its_trait_can_promise() {
    let report = suite(Fault::None).report().unwrap();
    assert_eq!(report.manifest.name, "Database");
    assert_eq!(ended(&report, Outcome::Fail), Vec::<&str>::new());
    let passed = ended(&report, Outcome::Pass);
    for rule in
        ["lifecycle.save.upsert", "expiry.boundary", "expiry.clear.removes", "data.order", "concurrent.order"]
            .into_iter()
            .chain([
                "lifecycle.other-storage",
                "lifecycle.all.listed",
                "lifecycle.all.counted",
                "lifecycle.all.cleared",
            ])
    {
        assert!(passed.contains(&rule), "{rule}: {passed:?}");
    }
}

#[rstest::rstest]
#[case(Fault::EndsLate, "expiry.boundary")]
#[case(Fault::SweepsEverything, "expiry.clear.keeps-live")]
#[case(Fault::FoldsKeys, "key.exact")]
#[case(Fault::ListsEnded, "lifecycle.all.listed")]
#[case(Fault::Miscounts, "lifecycle.all.counted")]
#[case(Fault::LeavesOne, "lifecycle.all.cleared")]
#[case(Fault::OneTable, "lifecycle.other-storage")]
fn a_database_that_is_wrong_breaks_the_rule_that_says_so(#[case] fault: Fault, #[case] rule: &str) {
    let report = suite(fault).report().unwrap();
    assert!(ended(&report, Outcome::Fail).contains(&rule), "{:?}", ended(&report, Outcome::Fail));
}

#[test]
fn a_clock_counts_in_parts_of_a_second() {
    for wrong in
        [Duration::ZERO, Duration::from_secs(2), Duration::from_millis(300), Duration::from_nanos(500)]
    {
        let refused = suite(Fault::None).clock_resolution(wrong).report().unwrap_err();
        assert!(refused.contains("must be a part of a second"), "{refused}");
    }
}
