//! A store-level adapter as a [`SessionStore`]: each method is one request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use session_core::{
    Capabilities, Clock, Entries, ManualClock, Record, Secret, SessionKey, SessionStore, StoreError,
};
use time::{OffsetDateTime, PrimitiveDateTime};

use super::child::AdapterChild;
use super::connection::AdapterCommand;
use super::process::lock;
use super::store::Opening;
use super::{BulkOperations, Env, Fault};
use crate::instant::{instant, micros};
use crate::json::{Json, Object};
use crate::manifest::Operation;
use crate::observation::{ErrorKind, Listed, canonical, shown};
use crate::trace::{OTHER_STORAGE, Settings, secrets};
use crate::wire::{self, Reply, StoreRequest};

/// The connection that the handles of a store-level adapter share.
#[derive(Debug)]
pub(super) struct RemoteState {
    child: AdapterChild,
    /// Whether what is opened next is what a killed process has left.
    taking_over: bool,
    /// How often the secret was replaced in this trace.
    replaced: u32,
    /// When the records of each key expire that were written since the storage was opened, in microseconds.
    written: HashMap<String, Vec<i64>>,
    /// The name of the environment that stands for the adapter's other storage.
    other: Option<String>,
    /// Whether clearing does not tell how many records it removed.
    pub(super) uncounted: Arc<AtomicBool>,
    /// What broke the connection, for the runner.
    pub(super) fault: Option<Fault>,
}

impl RemoteState {
    pub(super) fn new(child: AdapterChild) -> Self {
        Self {
            child,
            taking_over: false,
            replaced: 0,
            written: HashMap::new(),
            other: None,
            uncounted: Arc::default(),
            fault: None,
        }
    }

    /// Asks the adapter; starts it again if it is not running.
    pub(super) fn request(&mut self, op: &str, fields: Object) -> Result<Reply, Fault> {
        let result = self.child.request(op, fields);
        if let Err(fault) = &result
            && !self.child.is_killed()
        {
            self.fault = Some(fault.clone());
        }
        result
    }

    /// As [`AdapterChild::sent`].
    pub(super) fn sent(&self) -> String {
        self.child.sent()
    }

    /// As [`AdapterChild::doom`].
    pub(super) fn doom(&mut self, after: Duration) {
        self.child.doom(after);
    }

    /// As [`AdapterChild::is_killed`].
    pub(super) fn is_killed(&self) -> bool {
        self.child.is_killed()
    }

    /// Kills the adapter; another one opens what it left.
    pub(super) fn start_over(&mut self) {
        self.child.start_over();
        self.taking_over = true;
    }

    /// The request with which a storage is opened, or opened again with the next secret.
    fn opening(
        &mut self,
        opening: Opening,
        now: i64,
        settings: Settings,
        env: &Env,
    ) -> (&'static str, Object) {
        let dir = env.dir();
        let taking_over = std::mem::take(&mut self.taking_over);
        match opening {
            Opening::Restart if taking_over => ("open", wire::open_kept(now, settings, dir)),
            Opening::Restart if env.settings().secret_key != Secret::new(secrets(self.replaced).0) => {
                self.replaced += 1;
                let request = StoreRequest { op: "rotate", now, client: 0, key: None, record: None };
                let mut fields = request.fields();
                wire::add_secrets(&mut fields, self.replaced);
                (request.op, fields)
            }
            Opening::Restart => {
                let request = StoreRequest { op: "reopen", now, client: 0, key: None, record: None };
                (request.op, request.fields())
            }
            Opening::Fresh | Opening::SecondHandle => {
                if self.child.is_killed() {
                    self.child.start_over();
                }
                self.replaced = 0;
                self.written.clear();
                ("open", wire::open(now, settings, dir))
            }
        }
    }

    /// Notes that the adapter broke the protocol.
    pub(super) fn blame(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    pub(super) fn damage(&mut self, env: &Env, key: &str) -> Result<bool, String> {
        let request = StoreRequest {
            op: "damage",
            now: micros(env.clock().now()),
            client: if self.other.as_deref() == Some(env.name()) { OTHER_STORAGE } else { 0 },
            key: Some(key),
            record: None,
        };
        let reply = self.request(request.op, request.fields()).map_err(|fault| fault.to_string())?;
        match reply.outcome {
            Ok(json) => json.as_str().parse().map_err(|_| "`damage` must answer true or false".into()),
            Err((kind, message)) => Err(format!("`damage` answered {kind}: {message}")),
        }
    }
}

/// A second process of an adapter, on the storage of the first. It is started when it is needed.
#[derive(Debug)]
pub(super) struct SecondProcess {
    command: AdapterCommand,
    state: Option<Arc<Mutex<RemoteState>>>,
}

impl SecondProcess {
    pub(super) fn new(command: AdapterCommand) -> Self {
        Self { command, state: None }
    }

    /// A handle on what the first process has opened. It does not wait for answers to the first.
    pub(super) fn open(
        &mut self,
        env: &Env,
        capabilities: Capabilities,
        opaque: bool,
    ) -> Result<RemoteStore, Fault> {
        let state = if let Some(state) = &self.state {
            Arc::clone(state)
        } else {
            let (child, _) = AdapterChild::start(&self.command)?;
            Arc::clone(self.state.insert(Arc::new(Mutex::new(RemoteState::new(child)))))
        };
        lock(&state).taking_over = true;
        RemoteStore::open(&state, env, Opening::Restart, capabilities, opaque)
    }

    /// What broke the connection to it since this was asked the last time, if anything did.
    pub(super) fn broken(&self) -> Option<Fault> {
        self.state.as_ref().and_then(|state| lock(state).fault.take())
    }
}

/// One handle on the adapter's storage.
#[derive(Debug, Clone)]
pub(super) struct RemoteStore {
    state: Arc<Mutex<RemoteState>>,
    clock: ManualClock,
    capabilities: Capabilities,
    /// Whether data is one text.
    opaque: bool,
    client: u8,
}

impl RemoteStore {
    pub(super) fn open(
        state: &Arc<Mutex<RemoteState>>,
        env: &Env,
        opening: Opening,
        capabilities: Capabilities,
        opaque: bool,
    ) -> Result<Self, Fault> {
        let client = u8::from(opening == Opening::SecondHandle);
        let store = Self { state: Arc::clone(state), clock: env.clock(), capabilities, opaque, client };
        let settings = Settings {
            cookie_age: env.settings().cookie_age,
            expire_at_browser_close: env.settings().expire_at_browser_close,
        };
        if opening == Opening::SecondHandle {
            return Ok(store);
        }
        let mut state = store.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (op, fields) = state.opening(opening, store.now(), settings, env);
        let reply = state.request(op, fields)?;
        drop(state);
        match reply.outcome {
            Ok(_) => Ok(store),
            Err((kind, message)) => Err(Fault::Harness(format!("`{op}` answered {kind}: {message}"))),
        }
    }

    /// A handle on the storage that the adapter has beside this one. It is opened and emptied with the first.
    pub(super) fn other(
        state: &Arc<Mutex<RemoteState>>,
        env: &Env,
        capabilities: Capabilities,
        opaque: bool,
    ) -> Self {
        lock(state).other = Some(env.name().to_owned());
        Self { state: Arc::clone(state), clock: env.clock(), capabilities, opaque, client: OTHER_STORAGE }
    }

    fn now(&self) -> i64 {
        micros(self.clock.now())
    }

    /// Asks, and turns the protocol's kinds of error into the store's. A broken adapter shows as
    /// unavailable here; the runner learns from the shared state what really happened.
    pub(super) fn ask(
        &self,
        op: &'static str,
        key: Option<&SessionKey>,
        record: Option<(Json, i64)>,
    ) -> Result<Json, StoreError> {
        let request = StoreRequest {
            op,
            now: self.now(),
            client: self.client,
            key: key.map(SessionKey::as_str),
            record,
        };
        let reply = self.state().request(op, request.fields());
        let (kind, message) = match reply.map(|reply| reply.outcome) {
            Ok(Ok(json)) => return Ok(json),
            Ok(Err(error)) => error,
            Err(fault) => ("unavailable".into(), fault.to_string()),
        };
        Err(self.error(op, &kind, message, key))
    }

    fn error(&self, op: &'static str, kind: &str, message: String, key: Option<&SessionKey>) -> StoreError {
        match (ErrorKind::named(kind), key.cloned()) {
            (Some(ErrorKind::CreateError), Some(key)) => StoreError::Exists(key),
            // Some call a key that they do not know so.
            (Some(ErrorKind::UpdateError | ErrorKind::KeyError), Some(key)) => StoreError::NotFound(key),
            (Some(ErrorKind::Corrupt), Some(key)) => StoreError::corrupt(&key, message),
            (Some(ErrorKind::Unrepresentable), Some(key)) => StoreError::unrepresentable(&key, message),
            (Some(ErrorKind::TooLarge), Some(key)) => {
                let limit = self.capabilities.max_record_bytes.unwrap_or_default();
                StoreError::too_large(&key, limit.saturating_add(1), limit)
            }
            (Some(ErrorKind::Unsupported), _) => StoreError::unsupported("the adapter", op),
            (Some(ErrorKind::Unavailable), _) => unavailable(op, message),
            // A sweep that one record ends: it says nothing of the others.
            (Some(ErrorKind::Corrupt), None) => unavailable(op, format!("corrupt: {message}")),
            _ => {
                self.misbehaved(op, &format!("answered with `{kind}`, which has no meaning here ({message})"))
            }
        }
    }

    /// The adapter broke the protocol: the runner is told, and the operation fails.
    pub(super) fn misbehaved(&self, op: &'static str, what: &str) -> StoreError {
        let reason = format!("the adapter's `{op}` {what}");
        self.state().blame(Fault::Harness(reason.clone()));
        unavailable(op, reason)
    }

    /// Stores a record. The answer is null, or the key that now addresses it.
    pub(super) fn write(
        &self,
        op: &'static str,
        key: &SessionKey,
        record: &Record,
    ) -> Result<SessionKey, StoreError> {
        let data = if self.opaque { Json::text(&record.data.to_json()) } else { canonical(&record.data) };
        let expires = micros(record.expires);
        self.state().written.entry(key.as_str().to_owned()).or_default().push(expires);
        let answer = self.ask(op, Some(key), Some((data, expires)))?;
        if answer.is_null() {
            return Ok(key.clone());
        }
        let key = answer.as_text().and_then(|text| SessionKey::parse(&text));
        key.ok_or_else(|| {
            let got =
                if answer.as_text().is_some() { "a shorter text".into() } else { shown(answer.as_str()) };
            self.misbehaved(
                op,
                &format!("must answer null, or the key of eight characters or more, not {got}"),
            )
        })
    }

    /// Asks for the record of a key. Where the store need not tell when it expires, nothing is known of that.
    pub(super) fn read(
        &self,
        op: &'static str,
        key: &SessionKey,
        expiry: Expiry,
    ) -> Result<Option<Record>, StoreError> {
        let json = self.ask(op, Some(key), None)?;
        if json.is_null() {
            return Ok(None);
        }
        self.record(&json, key, expiry).map(Some).map_err(|what| self.misbehaved(op, &what))
    }

    /// The record of an answer, or what is wrong with that.
    fn record(&self, json: &Json, key: &SessionKey, expiry: Expiry) -> Result<Record, String> {
        let form = || {
            let data = if self.opaque { "\"…\"" } else { "{…}" };
            let expiry = match expiry {
                Expiry::Required => ",\"expires_us\":n}",
                Expiry::Optional => "}, with \"expires_us\" if it is known",
            };
            format!("must answer null or {{\"data\":{data}{expiry}, not {}", shown(json.as_str()))
        };
        let entries = Object::from(json.entries().ok_or_else(form)?);
        let data = entries.get("data").and_then(|data| self.entries(data)).ok_or_else(form)?;
        let expires = match (entries.get("expires_us"), expiry) {
            (None, Expiry::Optional) => PrimitiveDateTime::MAX.assume_utc(),
            (None, Expiry::Required) => return Err(form()),
            (Some(micros), _) => self.expires(micros, key)?,
        };
        Ok(Record::new(data, expires))
    }

    /// The data of an answer; `None` if it is none.
    fn entries(&self, data: &Json) -> Option<Entries> {
        let opaque = if self.opaque { Some(data.as_text()?) } else { None };
        let text = opaque.as_deref().unwrap_or(data.as_str());
        Entries::parse(text.as_bytes()).ok()
    }

    /// All sessions.
    pub(super) fn all(&self) -> Result<Vec<Listed>, StoreError> {
        let json = self.ask("all", None, None)?;
        let listed = json.elements().and_then(|listed| listed.iter().map(|it| self.listed(it)).collect());
        // What it answered may have keys in it.
        let form = "must answer a list of objects, each with `key` or `data` or both";
        listed.ok_or_else(|| self.misbehaved("all", form))
    }

    /// A session of a list; `None` if it is none.
    fn listed(&self, json: &Json) -> Option<Listed> {
        let Listed { key, data } = Listed::from_json(json)?;
        let data = match data {
            Some(data) => Some(self.entries(&data)?),
            None => None,
        };
        Some(Listed::new(key.as_deref(), data.as_ref()))
    }

    /// How many sessions there are.
    pub(super) fn length(&self) -> Result<u64, StoreError> {
        let json = self.ask("length", None, None)?;
        let count = json.as_str().parse();
        count.map_err(|_| {
            self.misbehaved("length", &format!("must answer a count, not {}", shown(json.as_str())))
        })
    }

    /// Removes all sessions.
    pub(super) fn clear(&self) -> Result<(), StoreError> {
        self.ask("clear", None, None).map(drop)
    }

    /// What an adapter that offers these operations can do with all sessions at once; `remote` finds this in a store.
    pub(super) fn bulk<S: 'static>(operations: &[Operation], remote: fn(&S) -> &Self) -> BulkOperations<S> {
        operations.iter().fold(BulkOperations::default(), |bulk, operation| match operation {
            Operation::All => bulk.with_all(async move |store| remote(store).all()),
            Operation::Length => bulk.with_length(async move |store| remote(store).length()),
            Operation::Clear => bulk.with_clear(async move |store| remote(store).clear()),
            Operation::Touch => bulk,
        })
    }

    /// When a record expires by what the adapter says of it.
    fn expires(&self, said: &Json, key: &SessionKey) -> Result<OffsetDateTime, String> {
        let micros: i64 = said.as_str().parse().map_err(|_| {
            format!("must give `expires_us` in microseconds, as an integer, not {}", shown(said.as_str()))
        })?;
        let state = self.state();
        let written = state.written.get(key.as_str()).map(Vec::as_slice).unwrap_or_default();
        // Instants near 1970 are small in every unit.
        let told_in = |unit: i64| {
            written.iter().any(|at| at.abs() > 1_000_000_000_000 && (at / unit).abs_diff(micros) <= 1)
        };
        let units = [(1_000_000, "seconds"), (1_000, "milliseconds")];
        if !written.contains(&micros)
            && let Some((_, unit)) = units.into_iter().find(|(unit, _)| told_in(*unit))
        {
            return Err(format!("gives `expires_us` in {unit}: {micros}; it counts microseconds"));
        }
        drop(state);
        instant(micros).ok_or_else(|| format!("gives an `expires_us` that is beyond the year 9999: {micros}"))
    }

    fn state(&self) -> MutexGuard<'_, RemoteState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes a record.
    pub(super) fn remove(&self, op: &'static str, key: &SessionKey) -> Result<(), StoreError> {
        self.ask(op, Some(key), None).map(drop)
    }
}

/// Whether a record comes with its expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expiry {
    Required,
    Optional,
}

fn unavailable(op: &str, reason: String) -> StoreError {
    StoreError::unavailable(format!("ask the adapter for `{op}`"), reason)
}

impl SessionStore for RemoteStore {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let json = self.ask("exists", Some(key), None)?;
        json.as_str().parse().map_err(|_| {
            self.misbehaved("exists", &format!("must answer true or false, not {}", shown(json.as_str())))
        })
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.read("load", key, Expiry::Required)
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.write("insert", key, record)
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.write("update", key, record)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.remove("delete", key)
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        let json = self.ask("clear-expired", None, None)?;
        match json.as_str() {
            "null" => {
                self.state().uncounted.store(true, Ordering::Relaxed);
                Ok(0)
            }
            count => {
                count.parse().map_err(|_| self.misbehaved("clear-expired", "must answer null or a count"))
            }
        }
    }
}
