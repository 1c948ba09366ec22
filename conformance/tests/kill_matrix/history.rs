//! Vulnerabilities of stores: what was mended must hold. What was vulnerable is a fault of the matrix.

use session_conformance::report::{Outcome, SubjectReport};
use session_conformance::rule::RuleId;
use session_conformance::suite::{Config, run};
use session_core::{Record, StoreError};

use crate::fault::{Base, Flaw};
use crate::vulnerabilities::{ALL, Rebuilt};
use crate::{faults, subject};

/// The stores as they were mended, by the names of the faults.
static MENDED: &[(&str, Flaw)] = &[
    (
        "cookie-that-does-not-verify-is-decoded",
        Flaw::Read(|it, key| match it.read(key) {
            // The caller takes it for no session at all.
            Err(error @ StoreError::Corrupt { .. }) => Err(error),
            done => done,
        }),
    ),
    (
        "cookie-signed-by-the-oldest-secret",
        // The list is turned round before it is handed on.
        Flaw::Signs(|it, key, record| it.with_secrets(|_| {}).insert(key, record)),
    ),
    (
        "update-creates",
        Flaw::Update(|at, key, record| {
            if at.row(key).is_none() {
                return Err(StoreError::NotFound(key.clone()));
            }
            at.put(key, record);
            Ok(key.clone())
        }),
    ),
    ("expiry-set-anew-by-reading", Flaw::Lives(|row, now| now < row.record.expires)),
    (
        "cookie-for-ever",
        Flaw::Read(|it, key| {
            let found = it.read_for_ever(key)?;
            Ok(found.filter(|found| it.now() < found.expires))
        }),
    ),
    (
        "nothing-is-not-stored",
        Flaw::Update(|at, key, record| {
            let nothing = Record::new(session_core::Entries::new(), record.expires);
            let record = if record.data.is_empty() { &nothing } else { record };
            at.update(key, record)
        }),
    ),
];

fn report(base: Base, flaw: &'static Flaw) -> SubjectReport {
    run(&mut *subject::of(base, flaw), &Config::default().with_cases(60), &mut |_| {})
}

#[test]
fn what_was_vulnerable_fails_by_its_rule_and_what_was_mended_holds() {
    let mut rebuilt = 0;
    for of in ALL {
        let Rebuilt::Store(name) = of.rebuilt else { continue };
        let (_, fault) = faults::all().find(|(_, fault)| fault.name == name).unwrap();
        let rule = RuleId::named(of.rule).unwrap();
        let before = report(fault.on, &fault.flaw);
        let judged = before.rules.iter().find(|result| result.rule == rule).unwrap();
        assert_eq!(judged.status, Outcome::Fail, "{} slips through", of.id);
        let (_, mended) = MENDED.iter().find(|(of, _)| *of == name).unwrap();
        let after = report(fault.on, mended);
        assert!(after.is_success(), "{} is mended, and fails: {:#?}", of.id, after.failures);
        rebuilt += 1;
    }
    assert_eq!(rebuilt, MENDED.len());
}
