//! Session objects of an adapter whose flags or expiry are wrong. No store can break these rules.

use session_conformance::call::Call;
use session_conformance::observation::{Answer, ErrorKind};
use session_conformance::op::{Entries, Expiry, SessionOp};

use super::sessions_dictionary::{answers, flags, flipped, instead};
use crate::fault::Base::Sessions;
use crate::fault::{Fault, Flaw, fault};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "session-new-is-accessed",
        "tracking.new",
        "a new object counts as accessed",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            let mut done = it.right(call)?;
            if let (Call::Session { key: None, .. }, Some(session)) = (call, &mut done.session) {
                session.accessed = true;
            }
            Ok(done)
        }),
    ),
    fault(
        "session-reading-marks",
        "tracking.read",
        "reading sets `modified`",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            flags(
                it,
                call,
                |op| matches!(op, SessionOp::Get(_) | SessionOp::Items | SessionOp::Contains(_)),
                None,
                Some(true),
            )
        }),
    ),
    fault(
        "session-contains-leaves-accessed",
        "tracking.read",
        "`contains` does not set `accessed`",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Contains(_) } => {
                let before = it.shown(*number).session.map(|session| session.accessed);
                let mut done = it.right(call)?;
                if let (Some(session), Some(before)) = (&mut done.session, before) {
                    session.accessed = before;
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-pop-leaves-unmarked",
        "tracking.write",
        "`pop` does not set `modified`",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Pop(_) } => {
                let before = it.shown(*number).session.map(|session| session.modified);
                let mut done = it.right(call)?;
                if let (Some(session), Some(before)) = (&mut done.session, before) {
                    session.modified = before;
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-set-default-marks",
        "tracking.set-default-present",
        "`set-default` of a present entry sets `modified`",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            flags(it, call, |op| matches!(op, SessionOp::SetDefault(..)), None, Some(true))
        }),
    ),
    fault(
        "session-pop-absent-marks",
        "tracking.pop-absent",
        "`pop` of an absent entry sets `modified`",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            flags(
                it,
                call,
                |op| matches!(op, SessionOp::Pop(_) | SessionOp::PopDefault(..)),
                None,
                Some(true),
            )
        }),
    ),
    fault(
        "session-remove-absent-marks",
        "tracking.remove-absent",
        "a failed `remove` sets `modified`",
        "tower-sessions",
        Sessions,
        Flaw::Calls(|it, call| flags(it, call, |op| matches!(op, SessionOp::Remove(_)), None, Some(true))),
    ),
    fault(
        "session-update-with-nothing-is-nothing",
        "tracking.update-empty",
        "`update` with nothing does not set `modified`",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            instead(it, call, |op| match op {
                SessionOp::Update(Entries(entries)) if entries.is_empty() => {
                    Some(SessionOp::Contains("none".into()))
                }
                _ => None,
            })
        }),
    ),
    fault(
        "session-clear-leaves-unaccessed",
        "tracking.clear",
        "`clear` does not set `accessed`",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::Clear } => {
                let before = it.shown(*number).session.map(|session| session.accessed);
                let mut done = it.right(call)?;
                if let (Some(session), Some(before)) = (&mut done.session, before) {
                    session.accessed = before;
                }
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-is-empty-reads",
        "tracking.is-empty",
        "asking whether the session is empty reads it",
        "",
        Sessions,
        Flaw::Calls(|it, call| flags(it, call, |op| matches!(op, SessionOp::IsEmpty), Some(true), None)),
    ),
    fault(
        "session-explicit-expiry-reads",
        "tracking.explicit-expiry",
        "asking for an age with an explicit expiry reads the session",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            flags(
                it,
                call,
                |op| matches!(op, SessionOp::GetExpiryAge(q) if q.expiry.is_some()),
                Some(true),
                None,
            )
        }),
    ),
    fault(
        "session-no-expiry-marks",
        "tracking.expiry-none",
        "removing an expiry that was never set sets `modified`",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            flags(it, call, |op| matches!(op, SessionOp::SetExpiry(Expiry::Default)), None, Some(true))
        }),
    ),
    fault(
        "session-cookie-age-reads",
        "tracking.untouched",
        "asking for the age of the cookie reads the session",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            flags(it, call, |op| matches!(op, SessionOp::GetSessionCookieAge), Some(true), None)
        }),
    ),
    fault(
        "session-reading-resets-modified",
        "tracking.sticky",
        "reading after a change resets `modified`",
        "tower-sessions 0.15",
        Sessions,
        Flaw::Calls(|it, call| flags(it, call, |op| matches!(op, SessionOp::Get(_)), None, Some(false))),
    ),
    fault(
        "session-age-rounded-up",
        "expiry.age",
        "the expiry age is rounded up",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { op: SessionOp::GetExpiryAge(_), .. } if it.now.rem_euclid(1_000_000) != 0 => {
                let mut done = it.right(call)?;
                done.outcome = done.outcome.map(flipped);
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-date-a-microsecond-late",
        "expiry.date",
        "the expiry date is a microsecond late",
        "",
        Sessions,
        Flaw::Calls(|it, call| answers(it, call, |op| matches!(op, SessionOp::GetExpiryDate(_)), flipped)),
    ),
    fault(
        "session-explicit-expiry-ignored",
        "expiry.explicit",
        "an expiry that is given in the question is not looked at",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            instead(it, call, |op| match op {
                SessionOp::GetExpiryAge(query) if query.expiry.is_some() => {
                    let mut query = *query;
                    query.expiry = None;
                    Some(SessionOp::GetExpiryAge(query))
                }
                _ => None,
            })
        }),
    ),
    fault(
        "session-browser-close-only-by-settings",
        "expiry.browser-close",
        "an expiry of zero does not end with the browser",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { op: SessionOp::GetExpireAtBrowserClose, .. } => {
                let mut done = it.right(call)?;
                done.outcome = done.outcome.map(|_| Answer::Bool(false));
                Ok(done)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-cookie-age-is-two-weeks",
        "expiry.cookie-age",
        "the age of the cookie is two weeks whatever the settings say",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            answers(
                it,
                call,
                |op| matches!(op, SessionOp::GetSessionCookieAge),
                |_| Answer::Integer(1_209_600),
            )
        }),
    ),
    fault(
        "session-duration-kept-as-seconds",
        "expiry.duration",
        "a duration counts from the save, as seconds do",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            instead(it, call, |op| match op {
                SessionOp::SetExpiry(Expiry::Duration(micros)) if *micros > 0 => {
                    Some(SessionOp::SetExpiry(Expiry::Seconds(micros / 1_000_000)))
                }
                _ => None,
            })
        }),
    ),
    fault(
        "session-expiry-none-is-ignored",
        "expiry.none",
        "`set-expiry` with none leaves the expiry that there was",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::SetExpiry(Expiry::Default) } => {
                let there = it.op(*number, &SessionOp::Contains("_session_expiry".into()))?.outcome.ok()
                    == Some(Answer::Bool(true));
                if there { it.op(*number, &SessionOp::Update(Entries(Vec::new()))) } else { it.right(call) }
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-range-refused-when-set",
        "expiry.range",
        "an expiry beyond the year 9999 is refused when it is set",
        "",
        Sessions,
        Flaw::Calls(|it, call| match call {
            Call::Op { number, op: SessionOp::SetExpiry(Expiry::Seconds(1_000_000_000_000)) } => {
                it.op(*number, &SessionOp::Get("none".into()))?;
                it.fails(*number, ErrorKind::InvalidExpiry)
            }
            _ => it.right(call),
        }),
    ),
    fault(
        "session-unreadable-expiry-is-the-default",
        "expiry.unreadable",
        "an expiry that cannot be read counts as none when it is asked for",
        "",
        Sessions,
        Flaw::Calls(|it, call| {
            let mut done = it.right(call)?;
            if let Call::Op { op: SessionOp::GetExpiryAge(_), .. } = call
                && done.outcome.is_err()
            {
                done.outcome = Ok(Answer::Integer(1_209_600));
            }
            Ok(done)
        }),
    ),
];
