//! Session objects of an adapter that are opened, saved, deleted and given keys wrongly. No store can break these rules.

use session_conformance::call::Call;
use session_conformance::observation::{Answer, ErrorKind};
use session_conformance::op::{SessionOp, StorageOp};

use crate::adapter::{Adapter, Called};
use crate::fault::Base::{Refusing, Sessions};
use crate::fault::{Fault, Flaw, fault};

/// Changes the key that the answer shows.
fn with_key(called: Called, change: impl FnOnce(Option<String>) -> Option<String>) -> Called {
    called.map(|mut seen| {
        if let Some(session) = &mut seen.session {
            session.key = change(session.key.take());
        }
        seen
    })
}

/// Empties the object without a look at the record.
fn emptied(it: &mut Adapter, number: usize) -> Called {
    it.op(number, &SessionOp::Clear)
}

/// Refuses a value of a kind with the wrong answer, or takes it.
fn accepts(it: &mut Adapter, call: &Call<'_>, fits: fn(&str) -> bool) -> Called {
    match call {
        Call::Op { number, op: SessionOp::Set(_, value) } if fits(value.json().as_str()) => {
            let read = it.op(*number, &SessionOp::Get("none".into()))?;
            Ok(session_conformance::observation::Observation { outcome: Ok(Answer::Unit), ..read })
        }
        _ => it.right(call),
    }
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "session-short-key-taken",
        "key.short",
        "a key of seven characters counts as a key",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Session { key: Some(key), .. } if key.chars().count() == 7 => {
                let key = (*key).to_owned();
                with_key(it.right(call), |_| Some(key))
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-opening-looks-the-key-up",
        "key.unread-unchanged",
        "opening a session drops a key that nobody knows",
        "",
        Sessions,
        Flaw::Calls(|it, call| match *call {
            Call::Session { client, key: Some(key), number } => {
                let exists = Call::Storage { client, op: StorageOp::Exists(key) };
                let known = it.right(&exists)?.outcome.ok() == Some(Answer::Bool(true));
                it.right(&Call::Session { number, client, key: Some(key).filter(|_| known) })
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-collision-fails",
        "key.collision",
        "a key that is taken ends the request with an error",
        "spring-session#1213",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Storage { op: StorageOp::ForceKey(_), .. } => {
                it.forced = true;
                it.right(call)
            }
            Call::Op { number, op: SessionOp::Create | SessionOp::CycleKey } if it.forced => {
                it.forced = false;
                it.fails(*number, ErrorKind::CreateError)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-keys-in-capitals",
        "key.format",
        "created keys are written in capitals",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { .. } => with_key(it.right(call), |key| key.map(|key| key.to_uppercase())),
            _ => it.right(call),
        }),
    ),
    fault(
        "session-opening-reads",
        "lifecycle.open.lazy",
        "opening a session reads it",
        "async-session",
        Sessions,
        Flaw::Calls(|it, call| {
            let done = it.right(call)?;
            match call {
                Call::Session { number, key: Some(_), .. } => {
                    let read = it.op(*number, &SessionOp::Get("none".into()))?;
                    Ok(session_conformance::observation::Observation { outcome: done.outcome, ..read })
                }
                _ => Ok(done),
            }
        }),
    ),
    fault(
        "session-reads-each-time",
        "lifecycle.load.once",
        "an object reads its record each time",
        "tower-sessions#35",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Get(_) } => {
                let note = it.note(*number).clone();
                let shown = note.last.and_then(|seen| seen.session);
                match shown {
                    Some(shown) if shown.key.is_some() && !shown.modified => {
                        let key = shown.key.as_deref();
                        it.right(&Call::Session { number: *number, client: note.client, key })?;
                        it.right(call)
                    }
                    _ => it.right(call),
                }
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-create-waits",
        "lifecycle.create.stores",
        "`create` stores nothing before the next save",
        "express-session's regenerate",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Create } => {
                let done = it.right(call)?;
                let key = done.session.as_ref().and_then(|session| session.key.clone()).unwrap_or_default();
                let client = it.note(*number).client;
                it.right(&Call::Storage { client, op: StorageOp::DeleteKey(&key) })?;
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-create-unread-keeps-the-data",
        "lifecycle.create.unread",
        "`create` on an object that was not read copies the record",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Create } => {
                it.op(*number, &SessionOp::Get("none".into()))?;
                it.right(call)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-create-takes-the-old-record",
        "lifecycle.create.unread",
        "`create` deletes the record of the key before",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Create } => {
                let note = it.note(*number).clone();
                let old = note.last.and_then(|seen| seen.session).and_then(|session| session.key);
                let done = it.right(call)?;
                if let Some(old) = old.filter(|_| note.ops == 1) {
                    it.right(&Call::Storage { client: note.client, op: StorageOp::DeleteKey(&old) })?;
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-failed-create-leaves-a-key",
        "lifecycle.create.failed-leaves-no-key",
        "a `create` that failed leaves the key that it drew",
        "Django before 5",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { op: SessionOp::Create, .. } => {
                let done = it.right(call)?;
                let failed = done.outcome.is_err();
                with_key(Ok(done), |key| key.or_else(|| failed.then(|| "f".repeat(32))))
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-save-without-key-fails",
        "lifecycle.save.no-key-creates",
        "`save` of an object without a key is an error",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Save }
                if it.shown(*number).session.is_none_or(|session| session.key.is_none()) =>
            {
                it.fails(*number, ErrorKind::UpdateError)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-save-unread-empties",
        "lifecycle.save.reads-first",
        "`save` of an object that was not read stores an empty session",
        "tower-sessions#134: a change before the first reading",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Save }
                if it.note(*number).ops == 1 && it.note(*number).opened_with.is_some() =>
            {
                let note = it.note(*number).clone();
                let key = note.opened_with.unwrap_or_default();
                let there = it.right(&Call::Storage { client: note.client, op: StorageOp::Exists(&key) })?;
                let done = it.right(call)?;
                if there.outcome.ok() == Some(Answer::Bool(true)) && done.outcome.is_ok() {
                    it.right(&Call::Session { number: 1_000, client: note.client, key: Some(&key) })?;
                    emptied(it, 1_000)?;
                    it.op(1_000, &SessionOp::Save)?;
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-save-revives",
        "lifecycle.save.no-resurrect",
        "`save` of a session that was deleted makes it again",
        "CVE-2025-46336, auth0/nextjs-auth0#2335",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Save } => {
                let before = it.shown(*number).session;
                let done = it.right(call)?;
                let keyed = done.session.as_ref().is_some_and(|session| session.key.is_some());
                if done.outcome.is_err() && keyed && before.is_some_and(|before| before.accessed) {
                    return it.op(*number, &SessionOp::SaveMustCreate);
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-save-unknown-takes-a-key",
        "lifecycle.save.unknown-unread",
        "`save` of an unread object whose record is gone makes another session",
        "actix-session",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Save } => {
                let done = it.right(call)?;
                let lost = done.session.as_ref().is_some_and(|session| session.key.is_none());
                if done.outcome.is_err() && lost {
                    return it.op(*number, &SessionOp::Save);
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-save-resets-modified",
        "lifecycle.save.flags",
        "`save` resets `modified`",
        "tower-sessions 0.4.1",
        Sessions,
        Flaw::Calls(|it, call| {
            let keyed = match call {
                Call::Op { number, op: SessionOp::Save } => {
                    it.shown(*number).session.is_some_and(|s| s.key.is_some())
                }
                _ => false,
            };
            let mut done = it.right(call)?;
            if let Some(session) = done.session.as_mut().filter(|_| keyed) {
                session.modified = false;
            }
            Ok(done)
        }),
    ),
    fault(
        "session-saves-only-changes",
        "lifecycle.save.last-wins",
        "`save` stores what was changed on top of what another saved",
        "spring-session's delta",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Save } => {
                let note = it.note(*number).clone();
                let key = note.last.and_then(|seen| seen.session).and_then(|session| session.key);
                let own = it.op(*number, &SessionOp::Items)?.outcome;
                let Some(key) = key else { return it.right(call) };
                it.right(&Call::Session { number: 1_000, client: note.client, key: Some(&key) })?;
                let theirs = it.op(1_000, &SessionOp::Items)?.outcome;
                if let (Ok(Answer::Items(own)), Ok(Answer::Items(theirs))) = (own, theirs) {
                    for (name, value) in
                        theirs.into_iter().filter(|(name, _)| !own.iter().any(|(n, _)| n == name))
                    {
                        if let Ok(value) = session_conformance::value::TraceValue::parse(value.as_str()) {
                            it.op(*number, &SessionOp::Set(name, value))?;
                        }
                    }
                }
                it.right(call)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-delete-forgets-the-key",
        "lifecycle.delete.keeps-object",
        "`delete` takes the key from the object",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { op: SessionOp::Delete, .. } => with_key(it.right(call), |_| None),
            _ => it.right(call),
        }),
    ),
    fault(
        "session-delete-empties-the-object",
        "lifecycle.delete.keeps-object",
        "`delete` empties the object",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Delete } => {
                let shown = it.shown(*number).session;
                let done = it.right(call)?;
                if shown.is_some_and(|shown| shown.modified) {
                    emptied(it, *number)?;
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-flush-keeps-the-key",
        "lifecycle.flush.empties",
        "`flush` leaves the object its key",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Flush } => {
                let key = it.shown(*number).session.and_then(|session| session.key);
                with_key(it.right(call), |_| key)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-flush-leaves-modified",
        "lifecycle.flush.empties",
        "`flush` does not set `modified`, so that the cookie stays",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            let mut done = it.right(call)?;
            if let (Call::Op { op: SessionOp::Flush, .. }, Some(session)) = (call, &mut done.session) {
                session.modified = false;
            }
            Ok(done)
        }),
    ),
    fault(
        "session-flush-keeps-the-record",
        "lifecycle.flush.record-gone",
        "`flush` leaves the record in the store",
        "actix-extras#416, civiform#6975",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { op: SessionOp::Flush, .. } => it.deaf(call),
            _ => it.right(call),
        }),
    ),
    fault(
        "session-clear-deletes-the-record",
        "lifecycle.clear.keeps-record",
        "`clear` deletes the record at once",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Clear } => {
                it.op(*number, &SessionOp::Delete)?;
                it.right(call)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-clear-saves",
        "lifecycle.clear.keeps-record",
        "`clear` saves at once",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Clear } => {
                let done = it.right(call)?;
                if done.session.as_ref().is_some_and(|session| session.key.is_some()) {
                    it.op(*number, &SessionOp::Save)?;
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-cycle-loses-the-data",
        "lifecycle.cycle.new-key",
        "`cycle-key` begins an empty session",
        "expressjs/session: regenerate",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::CycleKey }
                if it.shown(*number).session.is_some_and(|s| s.key.is_some()) =>
            {
                emptied(it, *number)?;
                it.right(call)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-cycle-keeps-the-key",
        "lifecycle.cycle.new-key",
        "`cycle-key` saves under the key that there was",
        "poem#196, actix-extras#244: session fixation",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::CycleKey }
                if it.shown(*number).session.is_some_and(|s| s.key.is_some()) =>
            {
                it.op(*number, &SessionOp::Save)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-cycle-keeps-the-old-record",
        "lifecycle.cycle.old-key-dead",
        "`cycle-key` leaves the old record",
        "fastify/session#240",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { op: SessionOp::CycleKey, .. } => it.deaf(call),
            _ => it.right(call),
        }),
    ),
    fault(
        "session-cycle-without-record-fails",
        "lifecycle.cycle.no-record",
        "`cycle-key` of an object without a record is an error",
        "spring-session gh-1137: no such key",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::CycleKey }
                if it.shown(*number).session.is_some_and(|s| s.key.is_none()) =>
            {
                it.fails(*number, ErrorKind::UpdateError)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-is-empty-looks-at-the-data-alone",
        "lifecycle.is-empty",
        "a session is empty if it has no entries, also with a key",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::IsEmpty } => {
                let mut done = it.right(call)?;
                let read = it.shown(*number).session.is_some_and(|session| session.accessed);
                if read && let Ok(Answer::Items(items)) = it.op(*number, &SessionOp::Items)?.outcome {
                    done.outcome = Ok(Answer::Bool(items.is_empty()));
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-deep-values-taken-and-lost",
        "data.deep.refused",
        "values that cannot be kept are taken, and not there afterwards",
        "",
        Refusing,
        Flaw::Calls(|it, call| accepts(it, call, |text| text.starts_with(&"[".repeat(101)))),
    ),
    fault(
        "session-big-integers-taken-and-lost",
        "data.integers.refused",
        "integers that cannot be kept are taken, and not there afterwards",
        "",
        Refusing,
        Flaw::Calls(|it, call| accepts(it, call, |text| text == "9007199254740993")),
    ),
    fault(
        "session-huge-integers-taken-and-lost",
        "data.integers.huge.refused",
        "integers beyond 64 bits, which cannot be kept, are taken, and not there afterwards",
        "",
        Refusing,
        Flaw::Calls(|it, call| accepts(it, call, |text| text == "1000000000000000000000000000000")),
    ),
    fault(
        "session-not-a-number-taken-and-lost",
        "data.non-finite.refused",
        "NaN, which cannot be kept, is taken, and not there afterwards",
        "",
        Refusing,
        Flaw::Calls(|it, call| accepts(it, call, |text| text == "NaN")),
    ),
    fault(
        "session-surrogates-taken-and-lost",
        "data.surrogates.refused",
        "half a surrogate pair, which cannot be kept, is taken, and not there afterwards",
        "",
        Refusing,
        Flaw::Calls(|it, call| accepts(it, call, |text| text.contains("ud800"))),
    ),
];
