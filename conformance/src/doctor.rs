//! Checks of an adapter's protocol, one after the other, each with what was seen or what is wrong. They say
//! nothing about the store behind it: that is what the suite is for.

use crate::datum::Datum;
use crate::json::Json;
use crate::manifest::SubjectLevel;
use crate::observation::Observation;
use crate::op::{Expiry, ExpiryQuery, SessionOp};
use crate::subject::{AdapterCommand, Call, Subject, process_subject};
use crate::trace::{START, Settings};

/// One check and its result.
#[derive(Debug)]
pub struct Check {
    /// What was checked.
    pub what: String,
    /// What was seen, or what is wrong.
    pub result: Result<String, String>,
}

/// Examines an adapter. The first fault ends the examination, because what follows would only repeat it.
pub fn examine(command: &AdapterCommand) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut subject = match process_subject(command) {
        Ok(subject) => subject,
        Err(fault) => {
            checks
                .push(Check { what: "it starts and answers `hello`".into(), result: Err(fault.to_string()) });
            return checks;
        }
    };
    let manifest = subject.manifest();
    let level = match manifest.level {
        SubjectLevel::Store => "a store",
        SubjectLevel::Session => "a subject with session objects",
    };
    let seen = format!("{level} named {} {}", manifest.name, manifest.version);
    checks.push(Check { what: "it starts and answers `hello`".into(), result: Ok(seen) });
    let opened = subject.open(START, Settings::default());
    let opened = opened.map(|()| "storage is open".to_owned()).map_err(|fault| fault.to_string());
    checks.push(Check { what: "`open`".into(), result: opened });
    for (what, step) in steps() {
        if checks.last().is_some_and(|check| check.result.is_err()) {
            break;
        }
        checks.push(Check { what: what.clone(), result: examine_step(&mut *subject, &step) });
    }
    checks
}

enum Step {
    Session(Option<&'static str>),
    Op(SessionOp),
    Exists(&'static str),
    DeleteKey(&'static str),
    ClearExpired,
    Reopen,
}

/// Every operation of the protocol once, with a right answer of any content.
fn steps() -> Vec<(String, Step)> {
    let one = || Datum::from(Json::from_canonical("1"));
    let entry = || "a".to_owned();
    let query = ExpiryQuery { modification: Some(START), expiry: Some(Expiry::Seconds(5)) };
    let ops = vec![
        SessionOp::IsEmpty,
        SessionOp::Set(entry(), one()),
        SessionOp::Get(entry()),
        SessionOp::Get("absent".into()),
        SessionOp::Contains(entry()),
        SessionOp::SetDefault(entry(), one()),
        SessionOp::Update(vec![("b".into(), one())]),
        SessionOp::Push(entry(), one()),
        SessionOp::Keys,
        SessionOp::Values,
        SessionOp::Items,
        SessionOp::Pop(entry()),
        SessionOp::PopDefault(entry(), one()),
        SessionOp::Remove("b".into()),
        SessionOp::SetTestCookie,
        SessionOp::TestCookieWorked,
        SessionOp::DeleteTestCookie,
        SessionOp::SetExpiry(Expiry::Seconds(60)),
        SessionOp::SetExpiry(Expiry::Duration(60_000_000)),
        SessionOp::SetExpiry(Expiry::At(START + 60_000_000, 0)),
        SessionOp::SetExpiry(Expiry::Default),
        SessionOp::GetExpiryAge(ExpiryQuery::default()),
        SessionOp::GetExpiryAge(query),
        SessionOp::GetExpiryDate(query),
        SessionOp::GetExpireAtBrowserClose,
        SessionOp::GetSessionCookieAge,
        SessionOp::Save,
        SessionOp::SaveMustCreate,
        SessionOp::CycleKey,
        SessionOp::Clear,
        SessionOp::Delete,
        SessionOp::Create,
        SessionOp::Flush,
    ];
    let mut steps = vec![("`session` without a key".to_owned(), Step::Session(None))];
    steps.extend(ops.into_iter().map(|op| (format!("`{}`", op.name()), Step::Op(op))));
    steps.push(("`session` with a key".into(), Step::Session(Some("0123456789abcdef"))));
    steps.push(("`exists`".into(), Step::Exists("0123456789abcdef")));
    steps.push(("`delete-key`".into(), Step::DeleteKey("0123456789abcdef")));
    steps.push(("`clear-expired`".into(), Step::ClearExpired));
    steps.push(("`reopen`".into(), Step::Reopen));
    steps
}

fn examine_step(subject: &mut dyn Subject, step: &Step) -> Result<String, String> {
    let call = match step {
        Step::Session(key) => Call::Session { number: 0, client: 0, key: *key },
        Step::Op(op) => Call::Op { number: 0, op },
        Step::Exists(key) => Call::Exists { client: 0, key },
        Step::DeleteKey(key) => Call::DeleteKey { client: 0, key },
        Step::ClearExpired => Call::ClearExpired { client: 0 },
        Step::Reopen => Call::Reopen,
    };
    let Observation { outcome, .. } = subject.call(START, &call).map_err(|fault| fault.to_string())?;
    Ok(match outcome {
        Ok(answer) => answer.to_string(),
        Err(failed) => format!("{} ({})", failed.kind.name(), failed.message),
    })
}
