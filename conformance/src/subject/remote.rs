//! A store-level adapter as a [`SessionStore`]: each method is one request.

use std::sync::{Arc, Mutex, PoisonError};

use session_core::{Capabilities, Clock, ManualClock, Record, SessionKey, SessionStore, StoreError};
use time::OffsetDateTime;

use super::process::{RemoteState, open_fields};
use super::store::Opening;
use super::{Env, Fault};
use crate::json::Json;
use crate::observation::{ErrorKind, shown};
use crate::trace::Settings;

/// One handle on the adapter's storage.
#[derive(Debug)]
pub(super) struct RemoteStore {
    state: Arc<Mutex<RemoteState>>,
    clock: ManualClock,
    capabilities: Capabilities,
    client: u8,
}

/// The answer `null`, or the value in it.
type Reply = Result<Json, StoreError>;

impl RemoteStore {
    pub(super) fn open(
        state: &Arc<Mutex<RemoteState>>,
        env: &Env,
        opening: Opening,
        capabilities: Capabilities,
    ) -> Result<Self, Fault> {
        let client = u8::from(opening == Opening::Beside);
        let store = Self { state: Arc::clone(state), clock: env.clock(), capabilities, client };
        let settings = Settings {
            cookie_age: env.settings().cookie_age,
            expire_at_browser_close: env.settings().expire_at_browser_close,
        };
        let (op, fields) = match opening {
            Opening::Fresh => ("open", open_fields(store.now(), settings, env.dir())),
            Opening::Again => ("reopen", format!(",\"now\":{}", store.now())),
            Opening::Beside => return Ok(store),
        };
        let reply = store.state.lock().unwrap_or_else(PoisonError::into_inner).request(op, &fields)?;
        match reply.outcome {
            Ok(_) => Ok(store),
            Err((kind, message)) => Err(Fault::Harness(format!("`{op}` answered {kind}: {message}"))),
        }
    }

    fn now(&self) -> i64 {
        let now = self.clock.now();
        now.unix_timestamp() * 1_000_000 + i64::from(now.microsecond())
    }

    /// Asks, and turns the protocol's kinds of error into the store's. A broken adapter shows as
    /// unavailable here; the runner learns from the shared state what really happened.
    fn ask(&self, op: &'static str, key: Option<&SessionKey>, rest: &str) -> Reply {
        let mut fields = format!(",\"now\":{},\"client\":{}", self.now(), self.client);
        if let Some(key) = key {
            fields.push_str(",\"key\":");
            fields.push_str(Json::text(key.as_str()).as_str());
        }
        fields.push_str(rest);
        let reply = self.state.lock().unwrap_or_else(PoisonError::into_inner).request(op, &fields);
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
            (Some(ErrorKind::UpdateError), Some(key)) => StoreError::NotFound(key),
            (Some(ErrorKind::Corrupt), Some(key)) => StoreError::Corrupt { key, reason: message },
            (Some(ErrorKind::Unrepresentable), Some(key)) => {
                StoreError::Unrepresentable { key, reason: message }
            }
            (Some(ErrorKind::TooLarge), Some(key)) => {
                let limit = self.capabilities.max_record_bytes.unwrap_or_default();
                StoreError::TooLarge { key, size: limit.saturating_add(1), limit }
            }
            (Some(ErrorKind::Unsupported), _) => {
                StoreError::Unsupported { store: "the adapter", operation: op }
            }
            (Some(ErrorKind::Unavailable), _) => unavailable(op, message),
            _ => {
                self.misbehaved(op, &format!("answered with `{kind}`, which has no meaning here ({message})"))
            }
        }
    }

    /// The adapter broke the protocol: the runner is told, and the operation fails.
    fn misbehaved(&self, op: &'static str, what: &str) -> StoreError {
        let reason = format!("the adapter's `{op}` {what}");
        self.state.lock().unwrap_or_else(PoisonError::into_inner).blame(Fault::Harness(reason.clone()));
        unavailable(op, reason)
    }

    fn write(&self, op: &'static str, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let expires = record.expires.unix_timestamp() * 1_000_000 + i64::from(record.expires.microsecond());
        let data = session_core::json::write(&record.data);
        self.ask(op, Some(key), &format!(",\"data\":{data},\"expires_us\":{expires}"))?;
        Ok(key.clone())
    }

    fn record(json: &Json) -> Option<Record> {
        let entries = json.entries()?;
        let field = |wanted: &str| entries.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let data = session_core::json::parse(field("data")?.as_str().as_bytes()).ok()?;
        let micros: i64 = field("expires_us")?.as_str().parse().ok()?;
        let expires = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok()?;
        Some(Record { data, expires })
    }
}

fn unavailable(op: &str, reason: String) -> StoreError {
    StoreError::Unavailable { operation: format!("ask the adapter for `{op}`"), reason, source: None }
}

impl SessionStore for RemoteStore {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let json = self.ask("exists", Some(key), "")?;
        json.as_str().parse().map_err(|_| self.misbehaved("exists", "must answer true or false"))
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let json = self.ask("load", Some(key), "")?;
        if json.as_str() == "null" {
            return Ok(None);
        }
        let record = Self::record(&json);
        let fault = || {
            let got = shown(json.as_str());
            self.misbehaved(
                "load",
                &format!("must answer null or {{\"data\":{{…}},\"expires_us\":n}}, not {got}"),
            )
        };
        record.map(Some).ok_or_else(fault)
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.write("insert", key, record)
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.write("update", key, record)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.ask("delete", Some(key), "").map(drop)
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        let json = self.ask("clear-expired", None, "")?;
        match json.as_str() {
            "null" => Ok(0),
            count => {
                count.parse().map_err(|_| self.misbehaved("clear-expired", "must answer null or a count"))
            }
        }
    }
}
