//! Session objects of an adapter whose dictionary is wrong. No store can break these rules.

use session_conformance::call::Call;
use session_conformance::json::Json;
use session_conformance::observation::{Answer, ErrorKind};
use session_conformance::op::{Entries, SessionOp};
use session_conformance::value::TraceValue;

use crate::adapter::{Adapter, Called};
use crate::fault::Base::Sessions;
use crate::fault::{Fault, Flaw, fault};

/// Changes what certain operations answer.
pub(super) fn answers(
    it: &mut Adapter,
    call: &Call<'_>,
    of: fn(&SessionOp) -> bool,
    change: fn(Answer) -> Answer,
) -> Called {
    let mut done = it.right(call)?;
    if let Call::Op { op, .. } = call
        && of(op)
    {
        done.outcome = done.outcome.map(change);
    }
    Ok(done)
}

/// Sets or resets a flag that certain operations show.
pub(super) fn flags(
    it: &mut Adapter,
    call: &Call<'_>,
    of: fn(&SessionOp) -> bool,
    accessed: Option<bool>,
    modified: Option<bool>,
) -> Called {
    let mut done = it.right(call)?;
    if let (Call::Op { op, .. }, Some(session)) = (call, &mut done.session)
        && of(op)
    {
        session.accessed = accessed.unwrap_or(session.accessed);
        session.modified = modified.unwrap_or(session.modified);
    }
    Ok(done)
}

/// Does something else in the place of an operation.
pub(super) fn instead(
    it: &mut Adapter,
    call: &Call<'_>,
    with: fn(&SessionOp) -> Option<SessionOp>,
) -> Called {
    match call {
        Call::Op { number, op } => match with(op) {
            Some(other) => it.op(*number, &other),
            None => it.right(call),
        },
        _ => it.right(call),
    }
}

pub(super) fn flipped(answer: Answer) -> Answer {
    match answer {
        Answer::Bool(yes) => Answer::Bool(!yes),
        Answer::Integer(number) => Answer::Integer(number + 1),
        other => other,
    }
}

fn nothing() -> TraceValue {
    Json::null().into()
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "session-get-null-for-nothing",
        "dict.get",
        "`get` of an entry that is null gives nothing",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            answers(
                it,
                call,
                |op| matches!(op, SessionOp::Get(_)),
                |answer| match answer {
                    Answer::Value(Some(value)) if value.is_null() => Answer::Value(None),
                    other => other,
                },
            )
        }),
    ),
    fault(
        "session-contains-not-null",
        "dict.contains",
        "`contains` is false for an entry that is null",
        "PHP's isset",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Contains(name) } => {
                let mut done = it.right(call)?;
                if it.op(*number, &SessionOp::Get(name.clone()))?.outcome.ok()
                    == Some(Answer::Value(Some(Json::null())))
                {
                    done.outcome = Ok(Answer::Bool(false));
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-set-keeps-the-first",
        "dict.set",
        "`set` of an entry that is there leaves it",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Set(name, _) } => {
                let there = it.op(*number, &SessionOp::Contains(name.clone()))?.outcome.ok()
                    == Some(Answer::Bool(true));
                if there { it.op(*number, &SessionOp::Update(Entries(Vec::new()))) } else { it.right(call) }
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-set-default-replaces",
        "dict.set-default.present",
        "`set-default` replaces an entry that is there",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::SetDefault(name, value) } => {
                let before = it.right(call)?;
                it.op(*number, &SessionOp::Pop(name.clone()))?;
                let after = it.op(*number, &SessionOp::SetDefault(name.clone(), value.clone()))?;
                Ok(session_conformance::observation::Observation {
                    outcome: after.outcome,
                    session: before.session,
                })
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-set-default-only-answers",
        "dict.set-default.absent",
        "`set-default` gives the default and does not store it",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::SetDefault(name, _) } => {
                let there = it.op(*number, &SessionOp::Contains(name.clone()))?.outcome.ok()
                    == Some(Answer::Bool(true));
                let done = it.right(call)?;
                if !there && done.outcome.is_ok() {
                    it.op(*number, &SessionOp::Remove(name.clone()))?;
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-pop-leaves",
        "dict.pop.present",
        "`pop` leaves the entry",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Pop(name) } => {
                let done = it.right(call)?;
                if let Ok(Answer::Value(Some(value))) = &done.outcome {
                    it.op(*number, &SessionOp::Set(name.clone(), value.clone().into()))?;
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-pop-absent-is-nothing",
        "dict.pop.absent",
        "`pop` of an absent entry gives nothing",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { op: SessionOp::Pop(_), .. } => {
                let mut done = it.right(call)?;
                if done.outcome.is_err() {
                    done.outcome = Ok(Answer::Value(None));
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-pop-default-ignored",
        "dict.pop.default",
        "`pop` with a default fails all the same",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            instead(it, call, |op| match op {
                SessionOp::PopDefault(name, _) => Some(SessionOp::Pop(name.clone())),
                _ => None,
            })
        }),
    ),
    fault(
        "session-pop-default-stored",
        "dict.pop.default",
        "`pop` of an absent entry stores the default",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::PopDefault(name, value) } => {
                let there = it.op(*number, &SessionOp::Contains(name.clone()))?.outcome.ok()
                    == Some(Answer::Bool(true));
                let done = it.right(call)?;
                if !there && done.outcome.is_ok() {
                    it.op(*number, &SessionOp::Set(name.clone(), value.clone()))?;
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-remove-sets-null",
        "dict.remove.present",
        "`remove` leaves the entry, as null",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Remove(name) } => {
                let done = it.right(call)?;
                if done.outcome.is_ok() {
                    it.op(*number, &SessionOp::Set(name.clone(), nothing()))?;
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-remove-absent-is-fine",
        "dict.remove.absent",
        "`remove` of an absent entry is no error",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { op: SessionOp::Remove(_), .. } => {
                let mut done = it.right(call)?;
                if done.outcome.as_ref().is_err_and(|failed| failed.kind == ErrorKind::KeyError) {
                    done.outcome = Ok(Answer::Unit);
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-update-replaces-all",
        "dict.update",
        "`update` takes all other entries out",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Update(Entries(entries)) } if !entries.is_empty() => {
                it.op(*number, &SessionOp::Get("none".into()))?;
                it.op(*number, &SessionOp::Clear)?;
                it.right(call)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-update-sets-nothing",
        "dict.update",
        "`update` sets nothing",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            instead(it, call, |op| match op {
                SessionOp::Update(_) => Some(SessionOp::Update(Entries(Vec::new()))),
                _ => None,
            })
        }),
    ),
    fault(
        "session-clear-does-nothing",
        "dict.clear",
        "`clear` before the first reading does nothing",
        "tower-sessions#134: log-out was broken",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Clear } if it.note(*number).ops == 1 => {
                it.op(*number, &SessionOp::Update(Entries(Vec::new())))
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-listing-hides-private",
        "dict.listing",
        "`keys` and `items` leave out private entries",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            answers(
                it,
                call,
                |op| matches!(op, SessionOp::Keys | SessionOp::Items),
                |answer| match answer {
                    Answer::Names(names) => Answer::Names(
                        names.into_iter().filter(|name| !name.as_str().starts_with("\"_")).collect(),
                    ),
                    Answer::Items(items) => Answer::Items(
                        items.into_iter().filter(|(name, _)| !name.as_str().starts_with("\"_")).collect(),
                    ),
                    other => other,
                },
            )
        }),
    ),
    fault(
        "session-push-on-a-copy",
        "dict.nested.memory",
        "a change inside a value is made to a copy",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Push(name, _) } => {
                let before = it.op(*number, &SessionOp::Get(name.clone()))?;
                let done = it.right(call)?;
                if let (Ok(Answer::Value(Some(value))), Some(true)) =
                    (before.outcome, done.session.as_ref().map(|s| s.modified))
                {
                    it.op(*number, &SessionOp::Set(name.clone(), value.into()))?;
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-push-marks",
        "tracking.nested",
        "a change inside a value sets `modified`",
        "",
        Sessions,
        Flaw::Calls(|it, call| flags(it, call, |op| matches!(op, SessionOp::Push(..)), None, Some(true))),
    ),
    fault(
        "session-save-skips-unmarked",
        "dict.nested.saved",
        "`save` stores nothing if `modified` is not set",
        "express-session's resave: false",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Save } => {
                let shown = it.shown(*number);
                let idle = shown
                    .session
                    .as_ref()
                    .is_some_and(|session| session.key.is_some() && session.accessed && !session.modified);
                if idle && it.note(*number).count > 0 {
                    Ok(session_conformance::observation::Observation { outcome: Ok(Answer::Unit), ..shown })
                } else {
                    it.right(call)
                }
            }
            Call::Op { number, op: SessionOp::Push(..) } => {
                it.note(*number).count += 1;
                it.right(call)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-test-cookie-never-works",
        "testcookie.worked",
        "the test cookie never worked",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            answers(it, call, |op| matches!(op, SessionOp::TestCookieWorked), |_| Answer::Bool(false))
        }),
    ),
    fault(
        "session-test-cookie-stays",
        "testcookie.delete",
        "`delete-test-cookie` leaves the mark",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::DeleteTestCookie } => {
                let done = it.right(call)?;
                if done.outcome.is_ok() {
                    it.op(*number, &SessionOp::SetTestCookie)?;
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
];
