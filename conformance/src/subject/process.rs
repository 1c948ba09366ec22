//! A child process as a subject.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::connection::{AdapterCommand, Connection, Reply};
use super::remote::RemoteStore;
use super::{Call, Env, Fault, StoreHooks, StoreSubject, Subject};
use crate::json::{Json, object};
use crate::manifest::{Hook, Manifest, SubjectLevel};
use crate::observation::{Answer, AnswerForm, ErrorKind, Failed, Observation, SessionState, shown};
use crate::op::{Expiry, SessionOp};
use crate::trace::Settings;

/// Starts an adapter. One at store level gets `session-core`'s sessions on top.
///
/// # Errors
/// [`Fault`] if it does not start or does not introduce itself.
pub fn process_subject(command: &AdapterCommand) -> Result<Box<dyn Subject>, Fault> {
    let (connection, manifest) = Connection::start(command)?;
    match manifest.level {
        SubjectLevel::Session => Ok(Box::new(ProcessSubject {
            command: command.clone(),
            connection: Some(connection),
            manifest,
            dir: temporary()?,
        })),
        SubjectLevel::Store => {
            let shared = Arc::new(Mutex::new(RemoteState::new(command.clone(), connection)));
            let (for_open, for_fault, for_damage) = (Arc::clone(&shared), Arc::clone(&shared), shared);
            let capabilities = manifest.capabilities;
            let mut hooks = StoreHooks {
                fault: Some(Box::new(move || lock(&for_fault).fault.take())),
                ..StoreHooks::default()
            };
            if manifest.hooks.contains(&Hook::Damage) {
                hooks.damage = Some(Box::new(move |_, key| lock(&for_damage).damage(key)));
            }
            let open = move |env: &Env, opening| RemoteStore::open(&for_open, env, opening, capabilities);
            Ok(Box::new(StoreSubject::with_manifest(manifest, open, hooks)?))
        }
    }
}

pub(super) fn temporary() -> Result<tempfile::TempDir, Fault> {
    tempfile::Builder::new()
        .prefix("sessionspec-")
        .tempdir()
        .map_err(|e| Fault::Harness(format!("cannot make a temporary directory: {e}")))
}

fn lock(state: &Mutex<RemoteState>) -> std::sync::MutexGuard<'_, RemoteState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connection that the handles of a store-level adapter share.
#[derive(Debug)]
pub(super) struct RemoteState {
    command: AdapterCommand,
    connection: Option<Connection>,
    /// What broke the connection, for the runner.
    fault: Option<Fault>,
}

impl RemoteState {
    fn new(command: AdapterCommand, connection: Connection) -> Self {
        Self { command, connection: Some(connection), fault: None }
    }

    /// Asks the adapter; starts it again if it is not running.
    pub(super) fn request(&mut self, op: &str, fields: &str) -> Result<Reply, Fault> {
        let result = running(&mut self.connection, &self.command).and_then(|c| c.request(op, fields));
        if let Err(fault) = &result {
            self.connection = None;
            self.fault = Some(fault.clone());
        }
        result
    }

    /// Notes that the adapter broke the protocol.
    pub(super) fn blame(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    fn damage(&mut self, key: &str) -> Result<bool, String> {
        let fields = format!(",\"key\":{}", Json::text(key).as_str());
        let reply = self.request("damage", &fields).map_err(|fault| fault.to_string())?;
        match reply.outcome {
            Ok(json) => json.as_str().parse().map_err(|_| "`damage` must answer true or false".into()),
            Err((kind, message)) => Err(format!("`damage` answered {kind}: {message}")),
        }
    }
}

fn running<'a>(
    connection: &'a mut Option<Connection>,
    command: &AdapterCommand,
) -> Result<&'a mut Connection, Fault> {
    match connection {
        Some(connection) => Ok(connection),
        None => Ok(connection.insert(Connection::start(command)?.0)),
    }
}

/// A child process that has session objects of its own.
#[derive(Debug)]
struct ProcessSubject {
    command: AdapterCommand,
    connection: Option<Connection>,
    manifest: Manifest,
    dir: tempfile::TempDir,
}

impl ProcessSubject {
    fn request(&mut self, op: &str, fields: &str) -> Result<Reply, Fault> {
        let result = running(&mut self.connection, &self.command).and_then(|c| c.request(op, fields));
        if result.is_err() {
            self.connection = None;
        }
        result
    }

    /// A request whose only right answer is null.
    fn command(&mut self, op: &str, fields: &str) -> Result<(), Fault> {
        let observation = observation(op, AnswerForm::Unit, false, self.request(op, fields)?)?;
        observation
            .outcome
            .map(drop)
            .map_err(|failed| Fault::Harness(format!("`{op}` failed: {}", failed.message)))
    }
}

impl Subject for ProcessSubject {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        let fields = open_fields(now, settings, self.dir.path());
        self.command("open", &fields)
    }

    fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Fault> {
        let at = |rest: String| format!(",\"now\":{now}{rest}");
        let keyed = |client: u8, key: &str| {
            format!(",\"now\":{now},\"client\":{client},\"key\":{}", Json::text(key).as_str())
        };
        let (op, fields, form, has_session) = match call {
            Call::Session { number, client, key } => {
                let key = key.map_or("null".into(), |key| Json::text(key).as_str().to_owned());
                let rest = format!(",\"session\":{},\"client\":{client},\"key\":{key}", number + 1);
                ("session", at(rest), AnswerForm::Unit, true)
            }
            Call::Op { number, op } => {
                let rest = format!(",\"session\":{}{}", number + 1, op_fields(op));
                (op.name(), at(rest), op.form(), true)
            }
            Call::Exists { client, key } => ("exists", keyed(*client, key), AnswerForm::Bool, false),
            Call::DeleteKey { client, key } => ("delete-key", keyed(*client, key), AnswerForm::Unit, false),
            Call::ClearExpired { client } => {
                ("clear-expired", at(format!(",\"client\":{client}")), AnswerForm::Unit, false)
            }
            Call::Reopen => ("reopen", at(String::new()), AnswerForm::Unit, false),
            Call::ForceKey { key } => {
                let rest = format!(",\"keys\":[{}]", Json::text(key).as_str());
                ("force-keys", at(rest), AnswerForm::Unit, false)
            }
            Call::Damage { key } => ("damage", keyed(0, key), AnswerForm::Bool, false),
        };
        observation(op, form, has_session, self.request(op, &fields)?)
    }
}

/// The fields of `open`.
pub(super) fn open_fields(now: i64, settings: Settings, dir: &Path) -> String {
    format!(
        ",\"now\":{now},\"dir\":{},\"settings\":{{\"cookie_age\":{},\"expire_at_browser_close\":{}}}",
        Json::text(&dir.to_string_lossy()).as_str(),
        settings.cookie_age,
        settings.expire_at_browser_close
    )
}

/// The fields of an operation on a session object, with a leading comma each. Values go as their full
/// JSON, which for NaN and lone surrogates is more than a strict writer would write.
fn op_fields(op: &SessionOp) -> String {
    let named = |name: &str| format!(",\"name\":{}", Json::text(name).as_str());
    let expiry = |expiry: Expiry| match expiry {
        Expiry::Default => ",\"expiry\":null".into(),
        Expiry::Seconds(seconds) => format!(",\"expiry\":{{\"seconds\":{seconds}}}"),
        Expiry::Duration(micros) => format!(",\"expiry\":{{\"duration_us\":{micros}}}"),
        Expiry::At(at, offset) => format!(",\"expiry\":{{\"at_us\":{at},\"offset_minutes\":{offset}}}"),
    };
    match op {
        SessionOp::Get(name) | SessionOp::Contains(name) | SessionOp::Pop(name) | SessionOp::Remove(name) => {
            named(name)
        }
        SessionOp::Set(name, value)
        | SessionOp::SetDefault(name, value)
        | SessionOp::PopDefault(name, value)
        | SessionOp::Push(name, value) => format!("{},\"value\":{}", named(name), value.json().as_str()),
        SessionOp::Update(items) => {
            let items = object(items.iter().map(|(name, value)| (name.as_str(), value.json())));
            format!(",\"items\":{items}")
        }
        SessionOp::SetExpiry(value) => expiry(*value),
        SessionOp::GetExpiryAge(query) | SessionOp::GetExpiryDate(query) => {
            let modification = query.modification.map(|at| format!(",\"modification_us\":{at}"));
            modification.unwrap_or_default() + &query.expiry.map(expiry).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Reads an answer off the wire; what is not as the protocol has it is the adapter's fault.
fn observation(op: &str, form: AnswerForm, has_session: bool, reply: Reply) -> Result<Observation, Fault> {
    let wrong = |what: String| Fault::Harness(format!("the answer to `{op}`: {what}"));
    let outcome = match reply.outcome {
        Ok(json) => Ok(Answer::from_json(&json, form).map_err(wrong)?),
        Err((kind, message)) => match ErrorKind::named(&kind) {
            Some(kind) => Err(Failed { kind, message }),
            None if kind == "protocol" => {
                return Err(wrong(format!("the adapter does not understand the request: {message}")));
            }
            None => {
                return Err(wrong(format!(
                    "`{kind}` is no kind of error that the protocol knows ({message})"
                )));
            }
        },
    };
    let session = match (has_session, reply.session) {
        (true, Some(json)) => Some(session_state(&json).map_err(wrong)?),
        (true, None) => return Err(wrong("the field `session` is missing".into())),
        (false, _) => None,
    };
    Ok(Observation { outcome, session })
}

fn session_state(json: &Json) -> Result<SessionState<String>, String> {
    let fault = || {
        format!(
            "`session` must be {{\"key\": text or null, \"accessed\": bool, \"modified\": bool}}, not {}",
            shown(json.as_str())
        )
    };
    let entries = json.entries().ok_or_else(fault)?;
    let field = |wanted: &str| entries.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    let flag = |wanted: &str| field(wanted).and_then(|value| value.as_str().parse().ok()).ok_or_else(fault);
    let key = match field("key") {
        Some(value) if value.as_str() == "null" => None,
        Some(value) => Some(value.as_text().ok_or_else(fault)?),
        None => return Err(fault()),
    };
    Ok(SessionState { key, accessed: flag("accessed")?, modified: flag("modified")? })
}
