//! Stores that do not see what happened through another handle, or before a restart.

use std::collections::HashMap;

use session_conformance::subject::Opening;
use session_core::{SessionKey, StoreError};

use crate::fault::Base::{Database, Memory};
use crate::fault::{Fault, Flaw, fault};
use crate::plain::State;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "handle-remembers-what-it-read",
        "lifecycle.second-client",
        "a handle loads what it loaded before",
        "axum_session: a map in each process",
        Database,
        Flaw::All(&[
            Flaw::Load(|at, key| {
                if let Some(Some(found)) = at.memory.found.get(key.as_str()) {
                    return Ok(Some(found.clone()).filter(|found| at.now < found.expires));
                }
                let found = at.load(key)?;
                at.memory.found.insert(key.as_str().to_owned(), found.clone());
                Ok(found)
            }),
            Flaw::Update(|at, key, record| {
                at.memory.found.remove(key.as_str());
                at.update(key, record)
            }),
            Flaw::Delete(|at, key| {
                at.memory.found.remove(key.as_str());
                at.delete(key)
            }),
        ]),
    ),
    fault(
        "handle-remembers-what-was-absent",
        "lifecycle.save-must-create.stores",
        "a handle that once found nothing never finds anything there",
        "negative caching",
        Database,
        Flaw::Load(|at, key| {
            if at.memory.found.contains_key(key.as_str()) {
                return Ok(None);
            }
            let found = at.load(key)?;
            if found.is_none() {
                at.memory.found.insert(key.as_str().to_owned(), None);
            }
            Ok(found)
        }),
    ),
    fault(
        "handle-sees-what-was-there-when-it-opened",
        "lifecycle.second-client",
        "the second handle loads from the storage as it was when it was opened",
        "a snapshot that is never left",
        Database,
        Flaw::Load(|at, key| {
            if at.second && at.row(key).is_some_and(|row| !row.by_second) {
                return Ok(None);
            }
            at.load(key)
        }),
    ),
    fault(
        "handle-keeps-what-it-wrote-to-itself",
        "lifecycle.second-client",
        "updates by the second handle are seen by it alone",
        "a transaction that is not committed",
        Database,
        Flaw::All(&[
            Flaw::Update(|at, key, record| {
                if at.second && at.exists(key)? {
                    at.memory.found.insert(key.as_str().to_owned(), Some(record.clone()));
                    return Ok(key.clone());
                }
                at.update(key, record)
            }),
            Flaw::Load(|at, key| match at.memory.found.get(key.as_str()).cloned() {
                Some(found) if at.exists(key)? => Ok(found.filter(|found| at.now < found.expires)),
                _ => at.load(key),
            }),
        ]),
    ),
    fault(
        "handle-does-not-see-deletions",
        "lifecycle.second-client",
        "what one handle deleted still loads through the other",
        "a log-out that reaches one process only",
        Database,
        Flaw::All(&[
            Flaw::Load(|at, key| {
                let found = at.load(key)?;
                if let Some(found) = found {
                    at.memory.found.insert(key.as_str().to_owned(), Some(found.clone()));
                    return Ok(Some(found));
                }
                let known = at.memory.found.get(key.as_str()).cloned().flatten();
                Ok(known.filter(|known| at.now < known.expires))
            }),
            Flaw::Delete(|at, key| {
                at.memory.found.remove(key.as_str());
                at.delete(key)
            }),
        ]),
    ),
    fault(
        "handle-writes-late",
        "lifecycle.second-client",
        "what a handle made is seen by the other only when it is asked for the second time",
        "replication that lags",
        Database,
        Flaw::Load(|at, key| {
            let second = at.second;
            if at.row(key).is_some_and(|row| row.by_second != second)
                && at.memory.found.insert(key.as_str().to_owned(), None).is_none()
            {
                return Ok(None);
            }
            at.load(key)
        }),
    ),
    fault(
        "handle-exists-only-its-own",
        "lifecycle.second-client",
        "`exists` knows only what the handle itself wrote",
        "",
        Database,
        Flaw::Exists(|at, key| {
            let second = at.second;
            Ok(at.row(key).is_some_and(|row| row.by_second == second))
        }),
    ),
    fault(
        "handle-inserts-over-the-other",
        "lifecycle.save-must-create.taken",
        "`insert` looks for the key only among the handle's own",
        "sharding without a common index",
        Database,
        Flaw::Insert(|at, key, record| {
            let second = at.second;
            if at.row(key).is_some_and(|row| row.by_second != second || row.version > 1) {
                at.put(key, record);
                return Ok(key.clone());
            }
            at.insert(key, record)
        }),
    ),
    fault(
        "restart-loses-all",
        "lifecycle.reopen.persistent",
        "after a restart the store is empty",
        "a store in memory that says it lasts",
        Database,
        Flaw::Opened(|state, opening| {
            if opening == Opening::Restart {
                *state = State::default();
            }
        }),
    ),
    fault(
        "restart-loses-the-last",
        "lifecycle.reopen.persistent",
        "after a restart the record that was made last is missing",
        "a buffer that nobody flushes",
        Database,
        Flaw::Opened(|state, opening| {
            if opening == Opening::Restart {
                state.rows.pop();
            }
        }),
    ),
    fault(
        "restart-loses-updates",
        "lifecycle.reopen.persistent",
        "after a restart records are as they were first made",
        "a snapshot without its log",
        Database,
        Flaw::Opened(|state, opening| {
            if opening == Opening::Restart {
                let mut first: HashMap<&String, _> = HashMap::new();
                for (place, old) in &state.past {
                    if let Some(old) = old {
                        first.entry(place).or_insert(old);
                    }
                }
                for (place, row) in &mut state.rows {
                    if let Some(first) = first.get(place) {
                        row.record = first.record.clone();
                    }
                }
            }
        }),
    ),
    fault(
        "restart-revives-the-deleted",
        "lifecycle.reopen.deleted-stays",
        "after a restart what was deleted is back",
        "a log in which deletions are not written",
        Database,
        Flaw::Opened(|state, opening| {
            if opening == Opening::Restart {
                for (place, old) in std::mem::take(&mut state.past) {
                    if let Some(old) = old.filter(|_| state.deleted.contains(&place)) {
                        state.rows.entry(place).or_insert(old);
                    }
                }
            }
        }),
    ),
    fault(
        "restart-prolongs",
        "expiry.dead",
        "after a restart every life is ten days longer",
        "an expiry kept as the time that is left",
        Database,
        Flaw::Opened(|state, opening| {
            if opening == Opening::Restart {
                for row in state.rows.values_mut() {
                    row.record.expires = row.record.expires.saturating_add(time::Duration::days(10));
                }
            }
        }),
    ),
    fault(
        "restart-forgets-expiry",
        "lifecycle.reopen.persistent",
        "after a restart records no longer load before they expire",
        "an expiry by a clock that starts with the process",
        Database,
        Flaw::Opened(|state, opening| {
            if opening == Opening::Restart {
                for row in state.rows.values_mut() {
                    row.record.expires = time::OffsetDateTime::UNIX_EPOCH;
                }
            }
        }),
    ),
    fault(
        "restart-keeps-what-it-should-not",
        "lifecycle.reopen.volatile",
        "a store that says it does not last has everything after a restart",
        "a static map",
        Memory,
        Flaw::Opened(|_, _| {}),
    ),
    fault(
        "restart-loses-names",
        "lifecycle.reopen.persistent",
        "after a restart keys are compared with what was cut from them",
        "",
        Database,
        Flaw::Opened(|state, opening| {
            if opening == Opening::Restart {
                let rows = std::mem::take(&mut state.rows);
                state.rows = rows.into_iter().map(|(place, row)| (place[1..].to_owned(), row)).collect();
            }
        }),
    ),
    fault(
        "second-handle-empties",
        "lifecycle.delete.gone",
        "the second handle cannot delete",
        "a replica that only reads",
        Database,
        Flaw::Delete(|at, key| if at.second { Ok(()) } else { at.delete(key) }),
    ),
    fault(
        "second-handle-cannot-write",
        "lifecycle.second-client",
        "the second handle refuses to write",
        "a lock that the first handle holds",
        Database,
        Flaw::Update(|at, key: &SessionKey, record| {
            if at.second {
                return Err(StoreError::unavailable("update", "database is locked"));
            }
            at.update(key, record)
        }),
    ),
];
