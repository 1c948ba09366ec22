//! A plain store, right by itself, with a place for a fault at everything that it does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use indexmap::IndexMap;
use session_conformance::observation::Listed;
use session_conformance::subject::{BulkOperations, Opening};
use session_core::json::Json;
use session_core::{
    Capabilities, ClearExpired, Clock, Entries, ExpiredRecords, ManualClock, Record, SessionKey,
    SessionStore, StoreError,
};
use time::OffsetDateTime;

use crate::fault::{Answer, Flaw, part};

/// What the storage holds: it outlives its handles.
#[derive(Debug, Default, Clone)]
pub(crate) struct State {
    /// The records, by the place in which they lie, in the order in which they were made.
    pub(crate) rows: IndexMap<String, Row>,
    /// The rows as they were before each write.
    pub(crate) past: Vec<(String, Option<Row>)>,
    /// A cache that all handles share.
    pub(crate) front: HashMap<String, Option<Record>>,
    /// The keys that were deleted.
    pub(crate) deleted: Vec<String>,
    /// How many rows were written.
    pub(crate) writes: u64,
    /// The place of the record that was made by the operation before this one.
    pub(crate) just_made: Option<String>,
    /// Whether `delete` is to do nothing, for sessions that forget to delete.
    pub(crate) deaf: bool,
}

/// A record as it lies in the storage.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) record: Record,
    /// The number of the write that made it what it is.
    pub(crate) version: u64,
    /// When it was made.
    pub(crate) made: OffsetDateTime,
    /// When it would first have expired.
    pub(crate) first_expires: OffsetDateTime,
    /// Whether the second handle wrote it.
    pub(crate) by_second: bool,
    pub(crate) damaged: bool,
}

/// What one handle remembers.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// What it last found under a key.
    pub(crate) found: HashMap<String, Option<Record>>,
    /// The version that it last loaded.
    pub(crate) versions: HashMap<String, u64>,
    /// How often it was asked.
    pub(crate) calls: u64,
}

/// A handle on the storage.
pub(crate) struct Plain {
    pub(crate) flaw: &'static Flaw,
    pub(crate) capabilities: Capabilities,
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) memory: Mutex<Memory>,
    pub(crate) clock: ManualClock,
    pub(crate) second: bool,
    /// What stands before each place.
    pub(crate) site: String,
}

/// One operation on the storage, at an instant. Its methods are what the plain store does.
pub(crate) struct At<'a> {
    pub(crate) flaw: &'static Flaw,
    pub(crate) capabilities: Capabilities,
    pub(crate) state: &'a mut State,
    pub(crate) memory: &'a mut Memory,
    pub(crate) now: OffsetDateTime,
    /// Whether this is the second handle.
    pub(crate) second: bool,
    /// What stands before each place.
    pub(crate) site: &'a str,
}

impl Plain {
    /// Opens a handle on a storage.
    pub(crate) fn open(
        flaw: &'static Flaw,
        capabilities: Capabilities,
        state: &Arc<Mutex<State>>,
        clock: ManualClock,
        opening: Opening,
    ) -> Self {
        let mut held = state.lock().unwrap();
        if opening == Opening::Restart && !capabilities.persistent && part!(flaw, Opened).is_none() {
            *held = State::default();
        }
        if let Some(opened) = part!(flaw, Opened) {
            opened(&mut held, opening);
        }
        drop(held);
        Self {
            flaw,
            capabilities,
            state: Arc::clone(state),
            memory: Mutex::default(),
            clock,
            second: opening == Opening::SecondHandle,
            site: String::new(),
        }
    }

    /// The same on a storage that others have, too.
    pub(crate) fn on_site(self, site: &str) -> Self {
        let shares = self.flaw.find(|flaw| matches!(flaw, Flaw::OneSite).then_some(())).is_some();
        Self { site: if shares { String::new() } else { format!("{site}:") }, ..self }
    }

    fn at<T>(&self, operation: impl FnOnce(&mut At<'_>) -> T) -> T {
        let (mut state, mut memory) = (self.state.lock().unwrap(), self.memory.lock().unwrap());
        memory.calls += 1;
        let before = state.just_made.clone();
        let done = operation(&mut At {
            flaw: self.flaw,
            capabilities: self.capabilities,
            state: &mut state,
            memory: &mut memory,
            now: self.clock.now(),
            second: self.second,
            site: &self.site,
        });
        if state.just_made == before {
            state.just_made = None;
        }
        done
    }
}

impl At<'_> {
    /// The place of a key's record.
    pub(crate) fn place(&self, key: &SessionKey) -> String {
        let place =
            part!(self.flaw, Key).map_or_else(|| key.as_str().to_owned(), |place| place(key.as_str()));
        format!("{}{place}", self.site)
    }

    /// The row under a key.
    pub(crate) fn row(&mut self, key: &SessionKey) -> Option<&mut Row> {
        let place = self.place(key);
        self.state.rows.get_mut(&place)
    }

    fn lives(&self, row: &Row) -> bool {
        match part!(self.flaw, Lives) {
            Some(lives) => lives(row, self.now),
            None => self.now < row.record.expires,
        }
    }

    fn holds(&self, row: &Row) -> bool {
        match part!(self.flaw, Holds) {
            Some(holds) => holds(row, self.now),
            None => self.capabilities.expired == ExpiredRecords::Kept || self.lives(row),
        }
    }

    pub(crate) fn exists(&mut self, key: &SessionKey) -> Answer<bool> {
        let place = self.place(key);
        Ok(self.state.rows.get(&place).is_some_and(|row| self.holds(row)))
    }

    pub(crate) fn load(&mut self, key: &SessionKey) -> Answer<Option<Record>> {
        let place = self.place(key);
        let Some(row) = self.state.rows.get(&place).filter(|row| self.lives(row)).cloned() else {
            return Ok(None);
        };
        if row.damaged {
            return Err(StoreError::corrupt(key, "it was damaged"));
        }
        self.memory.versions.insert(place, row.version);
        let mut record = row.record;
        if let Some(given) = part!(self.flaw, Given) {
            given(&mut record, self.now);
        }
        Ok(Some(record))
    }

    pub(crate) fn insert(&mut self, key: &SessionKey, record: &Record) -> Answer<SessionKey> {
        if self.exists(key)? {
            return Err(StoreError::Exists(key.clone()));
        }
        self.fits(key, record)?;
        let place = self.place(key);
        self.state.rows.shift_remove(&place);
        self.put(key, record);
        self.state.just_made = Some(place);
        Ok(key.clone())
    }

    pub(crate) fn update(&mut self, key: &SessionKey, record: &Record) -> Answer<SessionKey> {
        if !self.exists(key)? {
            return Err(StoreError::NotFound(key.clone()));
        }
        self.fits(key, record)?;
        self.put(key, record);
        Ok(key.clone())
    }

    /// Whether a record is small enough.
    pub(crate) fn fits(&self, key: &SessionKey, record: &Record) -> Answer<()> {
        let (size, limit) = (record.data.to_json().len() as u64, self.capabilities.max_record_bytes);
        match limit {
            Some(limit) if size > limit => Err(StoreError::too_large(key, size, limit)),
            _ => Ok(()),
        }
    }

    /// Writes a record, whether there was one or not.
    pub(crate) fn put(&mut self, key: &SessionKey, record: &Record) {
        let place = self.place(key);
        let old = self.state.rows.get(&place).cloned();
        let mut record = kept(self.flaw, record);
        if let Some(keep) = part!(self.flaw, Kept) {
            keep(&mut record, old.as_ref(), self.now);
        }
        self.state.writes += 1;
        let row = Row {
            version: self.state.writes,
            made: old.as_ref().map_or(self.now, |old| old.made),
            first_expires: old.as_ref().map_or(record.expires, |old| old.first_expires),
            by_second: self.second,
            damaged: false,
            record,
        };
        self.state.past.push((place.clone(), old));
        self.state.rows.insert(place, row);
    }

    pub(crate) fn delete(&mut self, key: &SessionKey) -> Answer<()> {
        if !self.state.deaf {
            let place = self.place(key);
            let old = self.state.rows.shift_remove(&place);
            self.state.past.push((place.clone(), old));
            self.state.deleted.push(place);
        }
        Ok(())
    }

    pub(crate) fn sweep(&mut self) -> Answer<u64> {
        let now = self.now;
        match self.capabilities.clear_expired {
            ClearExpired::Unsupported => Err(StoreError::unsupported("this store", "clear expired sessions")),
            ClearExpired::Automatic => Ok(0),
            _ => Ok(self.sweep_those(|row| row.record.expires < now)),
        }
    }

    /// All sessions.
    pub(crate) fn all(&mut self) -> Answer<Vec<Listed>> {
        self.listed(Self::lives)
    }

    /// Certain rows, as a list has them.
    pub(crate) fn listed(&self, is_listed: impl Fn(&Self, &Row) -> bool) -> Answer<Vec<Listed>> {
        let rows =
            self.state.rows.iter().filter_map(|(place, row)| Some((place.strip_prefix(self.site)?, row)));
        let rows = rows.filter(|(_, row)| is_listed(self, row));
        Ok(rows.map(|(key, row)| Listed::new(Some(key), Some(&row.record.data))).collect())
    }

    /// How many there are.
    pub(crate) fn count(&mut self) -> Answer<u64> {
        Ok(self.state.rows.keys().filter(|place| place.starts_with(self.site)).count() as u64)
    }

    /// Removes all of them.
    pub(crate) fn empty(&mut self) -> Answer<()> {
        self.sweep_those(|_| true);
        Ok(())
    }

    /// Removes certain rows.
    pub(crate) fn sweep_those(&mut self, mut dead: impl FnMut(&Row) -> bool) -> u64 {
        let site = self.site;
        self.sweep_everywhere(|place, row| place.starts_with(site) && dead(row))
    }

    /// Removes certain rows of all sites.
    pub(crate) fn sweep_everywhere(&mut self, mut dead: impl FnMut(&str, &Row) -> bool) -> u64 {
        let before = self.state.rows.len();
        self.state.rows.retain(|place, row| !dead(place, row));
        (before - self.state.rows.len()) as u64
    }
}

impl Plain {
    /// What can be done with all sessions.
    pub(crate) fn bulk() -> BulkOperations<Self> {
        BulkOperations::default()
            .with_all(async |plain: &Self| {
                plain.at(|at| match part!(at.flaw, Lists) {
                    Some(all) => all(at),
                    None => at.all(),
                })
            })
            .with_length(async |plain: &Self| {
                plain.at(|at| match part!(at.flaw, Counts) {
                    Some(count) => count(at),
                    None => at.count(),
                })
            })
            .with_clear(async |plain: &Self| {
                plain.at(|at| match part!(at.flaw, Empties) {
                    Some(empty) => empty(at),
                    None => at.empty(),
                })
            })
    }
}

/// What is kept of a record's entries.
fn kept(flaw: &'static Flaw, record: &Record) -> Record {
    let (value, name) = (part!(flaw, Value), part!(flaw, Name));
    if value.is_none() && name.is_none() {
        return record.clone();
    }
    let entries: Vec<String> = record
        .data
        .iter()
        .filter_map(|(given, text)| {
            let given = given.to_json_text();
            let given = name.map_or_else(|| Some(given.clone()), |name| name(&given))?;
            Some(format!("{given}:{}", value.map_or_else(|| text.to_owned(), |value| value(text))))
        })
        .collect();
    Record::new(entries_of(&format!("{{{}}}", entries.join(","))), record.expires)
}

/// The entries that a JSON text holds.
pub(crate) fn entries_of(text: &str) -> Entries {
    Entries::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The text of a JSON value after a change to it as a tree; as it was if no tree holds it whole.
pub(crate) fn as_tree(text: &str, change: impl FnOnce(&mut serde_json::Value)) -> String {
    let Ok(json) = Json::parse(text) else { return text.to_owned() };
    match json.to_value() {
        Ok(mut value) => {
            change(&mut value);
            value.to_string()
        }
        Err(_) => text.to_owned(),
    }
}

impl SessionStore for Plain {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn exists(&self, key: &SessionKey) -> Answer<bool> {
        self.at(|at| match part!(at.flaw, Exists) {
            Some(exists) => exists(at, key),
            None => at.exists(key),
        })
    }

    async fn load(&self, key: &SessionKey) -> Answer<Option<Record>> {
        self.at(|at| match part!(at.flaw, Load) {
            Some(load) => load(at, key),
            None => at.load(key),
        })
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Answer<SessionKey> {
        self.at(|at| match part!(at.flaw, Insert) {
            Some(insert) => insert(at, key, record),
            None => at.insert(key, record),
        })
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Answer<SessionKey> {
        self.at(|at| match part!(at.flaw, Update) {
            Some(update) => update(at, key, record),
            None => at.update(key, record),
        })
    }

    async fn delete(&self, key: &SessionKey) -> Answer<()> {
        self.at(|at| match part!(at.flaw, Delete) {
            Some(delete) => delete(at, key),
            None => at.delete(key),
        })
    }

    async fn clear_expired(&self) -> Answer<u64> {
        self.at(|at| match part!(at.flaw, Sweep) {
            Some(sweep) => sweep(at),
            None => at.sweep(),
        })
    }
}
