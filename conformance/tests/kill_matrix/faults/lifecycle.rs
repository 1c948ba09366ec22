//! Stores that do not keep, replace or remove what they are told to.

use session_core::{Record, SessionKey, StoreError};

use crate::fault::Base::{Cache, Database, Memory};
use crate::fault::{Fault, Flaw, fault};
use crate::plain::entries_of;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "update-creates",
        "lifecycle.save.no-resurrect",
        "`update` makes the record that it does not find",
        "CVE-2025-46336 (rack-session), express-session#632, gorilla/sessions#10",
        Database,
        Flaw::Update(|at, key, record| {
            at.put(key, record);
            Ok(key.clone())
        }),
    ),
    fault(
        "nothing-is-not-stored",
        "lifecycle.clear.keeps-record",
        "`update` with a record that has no entries leaves the one that is there",
        "CVE-2023-20862 (Spring Security): who logged out stays logged in",
        Database,
        Flaw::Update(|at, key, record| {
            if record.data.is_empty() && at.exists(key)? { Ok(key.clone()) } else { at.update(key, record) }
        }),
    ),
    fault(
        "update-of-nothing-is-ignored",
        "lifecycle.save.refused",
        "`update` of a record that is gone answers that all is well, and stores nothing",
        "Spring Session JDBC",
        Database,
        Flaw::Update(|at, key, record| match at.update(key, record) {
            Err(StoreError::NotFound(_)) => Ok(key.clone()),
            other => other,
        }),
    ),
    fault(
        "update-of-nothing-makes-another",
        "lifecycle.save.no-resurrect",
        "`update` of a record that is gone stores it under a new key",
        "actix-session's Redis store",
        Cache,
        Flaw::Update(|at, key, record| match at.update(key, record) {
            Err(StoreError::NotFound(_)) => {
                let other: String = key.as_str().chars().rev().collect();
                at.insert(&SessionKey::parse(&other).unwrap_or_else(|| key.clone()), record)
            }
            other => other,
        }),
    ),
    fault(
        "update-of-nothing-is-the-wrong-error",
        "lifecycle.save.refused",
        "`update` of a record that is gone says that the key is taken",
        "",
        Database,
        Flaw::Update(|at, key, record| match at.update(key, record) {
            Err(StoreError::NotFound(key)) => Err(StoreError::Exists(key)),
            other => other,
        }),
    ),
    fault(
        "insert-overwrites",
        "lifecycle.save-must-create.taken",
        "`insert` replaces the record of a key that is taken",
        "tower-sessions#180, actix-extras#208",
        Database,
        Flaw::Insert(|at, key, record| {
            at.put(key, record);
            Ok(key.clone())
        }),
    ),
    fault(
        "insert-claims-what-it-did-not-do",
        "lifecycle.save-must-create.taken",
        "`insert` under a key that is taken stores nothing and answers that all is well",
        "actix-session: the answer to SET NX is not looked at",
        Cache,
        Flaw::Insert(|at, key, record| match at.insert(key, record) {
            Err(StoreError::Exists(_)) => Ok(key.clone()),
            other => other,
        }),
    ),
    fault(
        "insert-taken-is-the-wrong-error",
        "lifecycle.save-must-create.taken",
        "`insert` under a key that is taken answers that the storage failed",
        "a unique constraint whose error is not told apart",
        Database,
        Flaw::Insert(|at, key, record| match at.insert(key, record) {
            Err(StoreError::Exists(_)) => Err(StoreError::unavailable("insert", "duplicate key")),
            other => other,
        }),
    ),
    fault(
        "insert-after-delete-refused",
        "lifecycle.save-must-create.stores",
        "a key that was deleted is taken for ever",
        "tombstones",
        Database,
        Flaw::Insert(|at, key, record| {
            if at.state.deleted.iter().any(|deleted| deleted == key.as_str()) {
                return Err(StoreError::Exists(key.clone()));
            }
            at.insert(key, record)
        }),
    ),
    fault(
        "insert-again-stays-deleted",
        "lifecycle.save-must-create.stores",
        "what is made again under a key that was deleted does not load",
        "",
        Database,
        Flaw::Load(|at, key| {
            if at.state.deleted.iter().any(|deleted| deleted == key.as_str()) {
                return Ok(None);
            }
            at.load(key)
        }),
    ),
    fault(
        "delete-does-nothing",
        "lifecycle.delete.gone",
        "`delete` leaves the record",
        "fastify/session#240",
        Database,
        Flaw::Delete(|_, _| Ok(())),
    ),
    fault(
        "delete-only-empties",
        "lifecycle.delete.gone",
        "`delete` stores an empty record",
        "aiohttp-session#272",
        Database,
        Flaw::Delete(|at, key| {
            if let Some(row) = at.row(key) {
                row.record.data = entries_of("{}");
            }
            Ok(())
        }),
    ),
    fault(
        "delete-hides",
        "lifecycle.delete.gone",
        "a deleted record does not load, and still exists",
        "soft deletion",
        Database,
        Flaw::Exists(|at, key| {
            let deleted = at.state.deleted.iter().any(|deleted| deleted == key.as_str());
            Ok(at.exists(key)? || deleted)
        }),
    ),
    fault(
        "delete-of-nothing-fails",
        "lifecycle.delete.idempotent",
        "`delete` of a record that is not there is an error",
        "scs 01ac202",
        Database,
        Flaw::Delete(|at, key| {
            if !at.exists(key)? {
                return Err(StoreError::NotFound(key.clone()));
            }
            at.delete(key)
        }),
    ),
    fault(
        "delete-twice-fails",
        "lifecycle.delete.idempotent",
        "`delete` of a record that was deleted before is an error",
        "",
        Cache,
        Flaw::Delete(|at, key| {
            if at.state.deleted.iter().any(|deleted| deleted == key.as_str()) {
                return Err(StoreError::NotFound(key.clone()));
            }
            at.delete(key)
        }),
    ),
    fault(
        "delete-takes-all",
        "lifecycle.delete.only-that",
        "`delete` removes every record",
        "DELETE without WHERE",
        Database,
        Flaw::Delete(|at, key| {
            at.delete(key)?;
            at.state.rows.clear();
            Ok(())
        }),
    ),
    fault(
        "delete-takes-the-same-data",
        "lifecycle.delete.only-that",
        "`delete` removes the records made at the same instant too",
        "",
        Database,
        Flaw::Delete(|at, key| {
            if let Some(made) = at.row(key).map(|row| row.made) {
                at.state.rows.retain(|_, row| row.made != made);
            }
            Ok(())
        }),
    ),
    fault(
        "exists-always",
        "lifecycle.exists.unknown",
        "`exists` is always true",
        "",
        Database,
        Flaw::Exists(|_, _| Ok(true)),
    ),
    fault(
        "exists-never",
        "lifecycle.exists.stored",
        "`exists` is always false",
        "a default method that nobody replaced",
        Database,
        Flaw::Exists(|_, _| Ok(false)),
    ),
    fault(
        "exists-only-with-data",
        "lifecycle.exists.stored",
        "`exists` is false for a session without entries",
        "",
        Database,
        Flaw::Exists(|at, key| {
            Ok(at.exists(key)? && at.row(key).is_some_and(|row| !row.record.data.is_empty()))
        }),
    ),
    fault(
        "empty-is-absent",
        "lifecycle.create.stores",
        "a session without entries does not load",
        "aiohttp-session, poem",
        Database,
        Flaw::Load(|at, key| Ok(at.load(key)?.filter(|record| !record.data.is_empty()))),
    ),
    fault(
        "nothing-loads",
        "lifecycle.load.stored",
        "`load` finds nothing",
        "",
        Memory,
        Flaw::Load(|_, _| Ok(None)),
    ),
    fault(
        "loads-without-data",
        "lifecycle.load.stored",
        "`load` gives an empty session",
        "",
        Database,
        Flaw::Given(|record, _| record.data = entries_of("{}")),
    ),
    fault(
        "loads-the-last",
        "lifecycle.isolation",
        "`load` gives the record that was written last, whatever the key",
        "a buffer that all requests share",
        Database,
        Flaw::Load(|at, key| {
            let own = at.load(key)?;
            let last =
                at.state.rows.values().max_by_key(|row| row.version).map(|row| row.record.data.clone());
            Ok(own.zip(last).map(|(own, last)| Record::new(last, own.expires)))
        }),
    ),
    fault(
        "one-session-for-all",
        "lifecycle.isolation",
        "writing a record writes it to all",
        "UPDATE without WHERE",
        Database,
        Flaw::Update(|at, key, record| {
            let written = at.update(key, record)?;
            for row in at.state.rows.values_mut() {
                row.record.data = record.data.clone();
            }
            Ok(written)
        }),
    ),
    fault(
        "lost-after-a-hundred",
        "lifecycle.isolation",
        "a hundred new sessions push the old ones out",
        "caches with room for a hundred",
        Cache,
        Flaw::Insert(|at, key, record| {
            let made = at.insert(key, record)?;
            while at.state.rows.len() > 100 {
                at.state.rows.shift_remove_index(0);
            }
            Ok(made)
        }),
    ),
    fault(
        "all-lost-after-a-hundred",
        "lifecycle.isolation",
        "after a hundred new sessions the store is empty",
        "a table that is made anew when it is full",
        Memory,
        Flaw::Insert(|at, key, record| {
            if at.state.writes >= 100 {
                at.state.rows.clear();
                at.state.writes = 0;
            }
            at.insert(key, record)
        }),
    ),
    fault(
        "update-ignored",
        "lifecycle.save.stores",
        "`update` stores nothing",
        "connect's resave: false",
        Database,
        Flaw::Update(
            |at, key, _| {
                if at.exists(key)? { Ok(key.clone()) } else { Err(StoreError::NotFound(key.clone())) }
            },
        ),
    ),
    fault(
        "update-merges",
        "lifecycle.save.stores",
        "`update` keeps the entries that the new record does not have",
        "HSET without DEL",
        Database,
        Flaw::Kept(|record, old, _| {
            if let Some(old) = old {
                let mut merged = old.record.data.clone();
                merged.extend(&record.data);
                record.data = merged;
            }
        }),
    ),
    fault(
        "update-adds-nothing",
        "lifecycle.save.stores",
        "`update` keeps only the entries that there were before",
        "a prepared statement with the columns of the first save",
        Database,
        Flaw::Update(|at, key, record| {
            let mut record = record.clone();
            let old = at.row(key).map(|row| row.record.data.clone()).unwrap_or_default();
            let names: Vec<String> = record.data.keys().map(Into::into).collect();
            for name in names.iter().filter(|name| !old.contains_key(name) && !name.starts_with('_')) {
                record.data.remove(name);
            }
            at.update(key, &record)
        }),
    ),
    fault(
        "update-of-the-same-is-refused",
        "lifecycle.save.reads-first",
        "`update` with what is there already says that there is no record",
        "MySQL counts the rows that changed, not those that matched",
        Database,
        Flaw::Update(|at, key, record| {
            if at.row(key).is_some_and(|row| row.record == *record) {
                return Err(StoreError::NotFound(key.clone()));
            }
            at.update(key, record)
        }),
    ),
    fault(
        "update-refuses-the-slower",
        "lifecycle.save.last-wins",
        "`update` fails if the record changed since it was loaded",
        "optimistic locking",
        Database,
        Flaw::Update(|at, key, record| {
            let loaded = at.memory.versions.get(key.as_str()).copied();
            let now = at.row(key).map(|row| row.version);
            if loaded.is_some() && loaded != now {
                return Err(StoreError::NotFound(key.clone()));
            }
            at.update(key, record)
        }),
    ),
    fault(
        "first-save-wins",
        "lifecycle.save.last-wins",
        "`update` is ignored if the record changed since it was loaded",
        "",
        Database,
        Flaw::Update(|at, key, record| {
            let loaded = at.memory.versions.get(key.as_str()).copied();
            if loaded.is_some() && loaded != at.row(key).map(|row| row.version) && at.exists(key)? {
                return Ok(key.clone());
            }
            at.update(key, record)
        }),
    ),
    fault(
        "delete-right-after-insert-ignored",
        "lifecycle.delete.gone",
        "`delete` does nothing right after an `insert`",
        "fastify/session#240, expressjs/session#866: the old key stays valid",
        Database,
        Flaw::Delete(|at, key| if at.state.just_made.is_some() { Ok(()) } else { at.delete(key) }),
    ),
    fault(
        "same-data-is-one-record",
        "lifecycle.cycle.new-key",
        "`insert` of data that is there already fails",
        "a unique constraint on the wrong column",
        Database,
        Flaw::Insert(|at, key, record| {
            if at.state.rows.values().any(|row| row.record.data == record.data && !record.data.is_empty()) {
                return Err(StoreError::unavailable("insert", "duplicate data"));
            }
            at.insert(key, record)
        }),
    ),
    fault(
        "damaged-is-an-outage",
        "data.corrupt.empty",
        "a record that does not decode is an error of the storage",
        "express-session 1.16.1",
        Database,
        Flaw::Load(|at, key| match at.load(key) {
            Err(StoreError::Corrupt { .. }) => Err(StoreError::unavailable("load", "bad record")),
            other => other,
        }),
    ),
    fault(
        "damaged-is-absent",
        "data.corrupt.empty",
        "a record that does not decode is not there",
        "libsql-store 0.4.0",
        Database,
        Flaw::Load(|at, key| match at.load(key) {
            Err(StoreError::Corrupt { .. }) => Ok(None),
            other => other,
        }),
    ),
    fault(
        "damaged-stays",
        "data.corrupt.overwritten",
        "a record that does not decode cannot be replaced",
        "session-file-store#5: for ever a 500",
        Database,
        Flaw::Update(|at, key, record| {
            if at.row(key).is_some_and(|row| row.damaged) {
                return Err(StoreError::corrupt(key, "still damaged"));
            }
            at.update(key, record)
        }),
    ),
];
