//! A cache in front of a database, put together wrongly. The cache is one that all handles share.

use session_core::{Record, SessionKey};

use crate::fault::Base::Database;
use crate::fault::{Answer, Fault, Flaw, fault};
use crate::plain::At;

/// Reads from the front, and fills it from the back.
fn through(at: &mut At<'_>, key: &SessionKey) -> Answer<Option<Record>> {
    if let Some(Some(found)) = at.state.front.get(key.as_str()) {
        return Ok(Some(found.clone()).filter(|found| at.now < found.expires));
    }
    let found = at.load(key)?;
    if found.is_some() {
        fill(at, key, found.as_ref());
    }
    Ok(found)
}

fn fill(at: &mut At<'_>, key: &SessionKey, record: Option<&Record>) {
    at.state.front.insert(key.as_str().to_owned(), record.cloned());
}

fn forget(at: &mut At<'_>, key: &SessionKey) {
    at.state.front.remove(key.as_str());
}

/// Updating as it is right.
fn update(at: &mut At<'_>, key: &SessionKey, record: &Record) -> Answer<SessionKey> {
    let done = at.update(key, record);
    forget(at, key);
    done
}

/// Deleting as it is right.
fn delete(at: &mut At<'_>, key: &SessionKey) -> Answer<()> {
    forget(at, key);
    at.delete(key)
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "front-not-told-of-updates",
        "lifecycle.save.stores",
        "the front keeps the record from before an update",
        "tower-sessions#20",
        Database,
        Flaw::All(&[
            Flaw::Load(through),
            Flaw::Insert(|at, key, record| {
                fill(at, key, Some(record));
                at.insert(key, record)
            }),
            Flaw::Delete(delete),
        ]),
    ),
    fault(
        "front-filled-by-reading-not-told-of-updates",
        "lifecycle.second-client",
        "the front keeps the record that was read before an update",
        "tower-sessions#20",
        Database,
        Flaw::All(&[Flaw::Load(through), Flaw::Delete(delete)]),
    ),
    fault(
        "front-not-told-of-deletions",
        "lifecycle.delete.gone",
        "the front keeps the record that the back deleted",
        "a dropped log-out of cached_db",
        Database,
        Flaw::All(&[
            Flaw::Load(through),
            Flaw::Insert(|at, key, record| {
                fill(at, key, Some(record));
                at.insert(key, record)
            }),
            Flaw::Update(update),
        ]),
    ),
    fault(
        "front-not-told-of-clearing",
        "expiry.dead",
        "the front does not look at the expiry",
        "axum_session 0.6.0",
        Database,
        Flaw::All(&[
            Flaw::Load(|at, key| match at.state.front.get(key.as_str()).cloned().flatten() {
                Some(found) => Ok(Some(found)),
                None => through(at, key),
            }),
            Flaw::Insert(|at, key, record| {
                fill(at, key, Some(record));
                at.insert(key, record)
            }),
            Flaw::Update(update),
            Flaw::Delete(delete),
        ]),
    ),
    fault(
        "front-written-first",
        "lifecycle.save-must-create.taken",
        "the front has the record that the back refused",
        "",
        Database,
        Flaw::All(&[
            Flaw::Load(through),
            Flaw::Insert(|at, key, record| {
                fill(at, key, Some(record));
                at.insert(key, record)
            }),
            Flaw::Update(update),
            Flaw::Delete(delete),
        ]),
    ),
    fault(
        "front-alone-is-updated",
        "lifecycle.save.no-resurrect",
        "an update that the back refuses is in front all the same",
        "spring-session: a session is made again after its end",
        Database,
        Flaw::All(&[
            Flaw::Load(through),
            Flaw::Update(|at, key, record| {
                fill(at, key, Some(record));
                Ok(at.update(key, record).unwrap_or_else(|_| key.clone()))
            }),
            Flaw::Delete(delete),
        ]),
    ),
    fault(
        "front-remembers-nothing-there",
        "lifecycle.save-must-create.stores",
        "the front remembers that there was nothing, and is not told when there is",
        "negative caching",
        Database,
        Flaw::All(&[Flaw::Load(|at, key| {
            if let Some(None) = at.state.front.get(key.as_str()) {
                return Ok(None);
            }
            let found = at.load(key)?;
            if found.is_none() {
                fill(at, key, None);
            }
            Ok(found)
        })]),
    ),
    fault(
        "front-answers-exists",
        "lifecycle.exists.stored",
        "`exists` asks the front alone",
        "",
        Database,
        Flaw::All(&[
            Flaw::Load(through),
            Flaw::Update(update),
            Flaw::Delete(delete),
            Flaw::Exists(|at, key| Ok(matches!(at.state.front.get(key.as_str()), Some(Some(_))))),
        ]),
    ),
    fault(
        "front-of-each-handle",
        "lifecycle.second-client",
        "each handle has a front that the others do not see, and says that it is shared",
        "axum_session: sessions are stale across processes",
        Database,
        Flaw::All(&[
            Flaw::Load(|at, key| {
                let damaged = at.row(key).is_some_and(|row| row.damaged);
                if let Some(Some(found)) = at.memory.found.get(key.as_str()).filter(|_| !damaged) {
                    return Ok(Some(found.clone()).filter(|found| at.now < found.expires));
                }
                let found = at.load(key)?;
                at.memory.found.insert(key.as_str().to_owned(), found.clone());
                Ok(found)
            }),
            Flaw::Insert(|at, key, record| {
                at.memory.found.insert(key.as_str().to_owned(), Some(record.clone()));
                at.insert(key, record)
            }),
            Flaw::Update(|at, key, record| {
                let done = at.update(key, record)?;
                at.memory.found.insert(key.as_str().to_owned(), Some(record.clone()));
                Ok(done)
            }),
            Flaw::Delete(|at, key| {
                at.memory.found.remove(key.as_str());
                at.delete(key)
            }),
        ]),
    ),
];
