//! A Rust store as a subject, under `session-core`'s sessions.

use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use session_core::json::{Json as CoreJson, JsonError, JsonString};
use session_core::{
    BoxError, Chain, Expiry as CoreExpiry, ExpiryQuery as CoreQuery, KeyGenerator, ManualClock, RandomKeys,
    Session, SessionContext, SessionData, SessionError, SessionKey, SessionStore, StoreError, Value,
};
use time::{Duration, OffsetDateTime, UtcOffset};
use tokio::runtime::Runtime;

use super::process::temporary_in;
use super::{Env, Fault, Subject};
use crate::call::Call;
use crate::json::{Json, Name};
use crate::manifest::{ClockLevel, Hook, Manifest, SubjectLevel};
use crate::observation::{Answer, ErrorKind, Failed, Observation, SessionState};
use crate::op::{Entries, Expiry, ExpiryQuery, SessionOp, StorageOp};
use crate::trace::{START, Settings};
use crate::value::TraceValue;

/// In which of its lives a storage is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opening {
    /// For the first time: it is empty.
    Fresh,
    /// After everything that used it was closed.
    Restart,
    /// While another handle on it is open.
    SecondHandle,
}

/// The largest data that a session may have here: more than any trace holds.
const MAX_DATA_BYTES: usize = 32 << 20;

/// Makes the record of a key undecodable; tells whether there was one.
type Damage = Box<dyn FnMut(&Env, &str) -> Result<bool, String>>;

/// What the suite may do behind a store's back.
#[derive(Default)]
pub struct StoreHooks {
    pub(super) damage: Option<Damage>,
    pub(super) clock: Option<ClockLevel>,
    pub(super) runtime: Option<Runtime>,
    /// What broke the connection to a store that is elsewhere, if anything did.
    pub(super) fault: Option<Box<dyn FnMut() -> Option<Fault>>>,
}

impl StoreHooks {
    /// Lets the suite make the record of a key undecodable; the hook tells whether there was one.
    #[must_use]
    pub fn with_damage(mut self, damage: impl FnMut(&Env, &str) -> Result<bool, String> + 'static) -> Self {
        self.damage = Some(Box::new(damage));
        self
    }

    /// Tells the suite that records expire by a clock that it cannot set, such as a server's: what needs time to
    /// pass is then waited for, and only little of that is done.
    #[must_use]
    pub fn with_wall_clock(mut self) -> Self {
        self.clock = Some(ClockLevel::Wall);
        self
    }

    /// Runs the store's futures on this runtime; on one that works only while it waits for a future otherwise.
    #[must_use]
    pub fn with_runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = Some(runtime);
        self
    }
}

impl std::fmt::Debug for StoreHooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreHooks").field("damage", &self.damage.is_some()).finish_non_exhaustive()
    }
}

/// A Rust store under the suite: a way to open it, and the sessions on it.
pub struct StoreSubject<F, S> {
    open: F,
    manifest: Manifest,
    hooks: StoreHooks,
    runtime: Runtime,
    clock: ManualClock,
    keys: ForcedKeys,
    env: Env,
    /// Removes the directory when it is dropped.
    dir: tempfile::TempDir,
    /// Where that directory has to be, if not among the system's temporary ones.
    place: Option<PathBuf>,
    /// One store per client; the same one twice if the storage cannot be shared.
    stores: Vec<Arc<S>>,
    context: SessionContext,
    sessions: HashMap<usize, Session<Arc<S>>>,
}

impl<F, S> std::fmt::Debug for StoreSubject<F, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreSubject").field("manifest", &self.manifest).finish_non_exhaustive()
    }
}

impl<F, S, E> StoreSubject<F, S>
where
    F: FnMut(&Env, Opening) -> Result<S, E>,
    S: SessionStore,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    /// A subject for a store of this name. It is opened once to read its capabilities.
    ///
    /// # Errors
    /// [`Fault::Harness`] if it cannot be opened.
    pub fn new(name: &str, version: &str, mut open: F, mut hooks: StoreHooks) -> Result<Self, Fault> {
        let runtime = runtime(&mut hooks)?;
        let guard = runtime.enter();
        let dir = temporary_in(None)?;
        let clock = ManualClock::new(instant(START)?);
        let env = environment(&dir, &clock, Settings::default());
        let store = open(&env, Opening::Fresh).map_err(not_opened)?;
        let mut manifest = Manifest::new(name, SubjectLevel::Store, store.capabilities());
        manifest.version = version.into();
        manifest.language = "Rust".into();
        manifest.clock = hooks.clock.unwrap_or(ClockLevel::Virtual);
        if hooks.damage.is_some() {
            manifest.hooks.push(Hook::Damage);
        }
        drop(guard);
        hooks.runtime = Some(runtime);
        Self::with_manifest(manifest, open, hooks)
    }

    /// A subject whose manifest is known.
    pub(super) fn with_manifest(
        mut manifest: Manifest,
        open: F,
        mut hooks: StoreHooks,
    ) -> Result<Self, Fault> {
        if manifest.capabilities.server_side && !manifest.hooks.contains(&Hook::ForceKeys) {
            // The keys are drawn here, so they can be forced whatever the store is.
            manifest.hooks.push(Hook::ForceKeys);
        }
        let runtime = runtime(&mut hooks)?;
        let dir = temporary_in(None)?;
        let clock = ManualClock::new(instant(START)?);
        let keys = ForcedKeys::default();
        let env = environment(&dir, &clock, Settings::default());
        let context = SessionContext::with(env.settings.clone(), clock.clone(), keys.clone());
        Ok(Self {
            open,
            manifest,
            hooks,
            runtime,
            clock,
            keys,
            env,
            dir,
            place: None,
            stores: Vec::new(),
            context,
            sessions: HashMap::new(),
        })
    }

    /// Opens the handles of both clients.
    fn open_handles(&mut self, opening: Opening) -> Result<(), Fault> {
        self.sessions.clear();
        self.stores.clear();
        let _guard = self.runtime.enter();
        let first = Arc::new((self.open)(&self.env, opening).map_err(not_opened)?);
        if first.capabilities() != self.manifest.capabilities {
            return Err(Fault::Harness(
                "the store's capabilities changed from one opening to the next".into(),
            ));
        }
        let second = if self.manifest.capabilities.shared {
            Arc::new((self.open)(&self.env, Opening::SecondHandle).map_err(not_opened)?)
        } else {
            Arc::clone(&first)
        };
        self.stores = vec![first, second];
        Ok(())
    }

    fn store(&self, client: u8) -> Result<&Arc<S>, Fault> {
        self.stores.get(usize::from(client)).ok_or_else(|| Fault::Harness("the storage is not open".into()))
    }

    fn perform(&mut self, call: &Call<'_>) -> Result<Observation, Fault> {
        match *call {
            Call::Session { number, client, key } => {
                let session = Session::open(Arc::clone(self.store(client)?), self.context.clone(), key);
                let observation = Observation { outcome: Ok(Answer::Unit), session: Some(state(&session)) };
                self.sessions.insert(number, session);
                Ok(observation)
            }
            Call::Op { number, op } => {
                let Some(session) = self.sessions.get_mut(&number) else {
                    return Err(Fault::Harness(format!("there is no session object {}", number + 1)));
                };
                let outcome = self.runtime.block_on(session_op(session, op)).map_err(|error| failed(&error));
                Ok(Observation { outcome, session: Some(state(session)) })
            }
            Call::Storage { client, op } => self.perform_on_storage(client, op).map(Observation::of),
        }
    }

    fn perform_on_storage(
        &mut self,
        client: u8,
        op: StorageOp<&str>,
    ) -> Result<Result<Answer, Failed>, Fault> {
        let answer = match op {
            StorageOp::Exists(key) => {
                let store = self.store(client)?;
                let found = match SessionKey::parse(key) {
                    Some(key) => self.runtime.block_on(store.exists(&key)),
                    None => Ok(false),
                };
                found.map(Answer::Bool)
            }
            StorageOp::DeleteKey(key) => {
                let store = self.store(client)?;
                let deleted = match SessionKey::parse(key) {
                    Some(key) => self.runtime.block_on(store.delete(&key)),
                    None => Ok(()),
                };
                deleted.map(|()| Answer::Unit)
            }
            StorageOp::ClearExpired => {
                self.runtime.block_on(self.store(client)?.clear_expired()).map(|_| Answer::Unit)
            }
            StorageOp::Reopen => {
                self.open_handles(Opening::Restart)?;
                Ok(Answer::Unit)
            }
            StorageOp::ForceKey(key) => {
                if let Some(key) = SessionKey::parse(key) {
                    self.keys.force(key);
                }
                Ok(Answer::Unit)
            }
            StorageOp::Damage(key) => match &mut self.hooks.damage {
                Some(damage) => {
                    let found = damage(&self.env, key)
                        .map_err(|reason| Fault::Harness(format!("the hook `damage` failed: {reason}")))?;
                    Ok(Answer::Bool(found))
                }
                None => return Err(Fault::Harness("the subject has no hook `damage`".into())),
            },
        };
        Ok(answer.map_err(|error| failed(&SessionError::from(error))))
    }
}

impl<F, S, E> Subject for StoreSubject<F, S>
where
    F: FnMut(&Env, Opening) -> Result<S, E>,
    S: SessionStore,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn place(&mut self, dir: &Path) -> Result<(), Fault> {
        if self.place.as_deref() != Some(dir) {
            self.dir = temporary_in(Some(dir))?;
            self.place = Some(dir.to_owned());
        }
        Ok(())
    }

    fn open(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        self.sessions.clear();
        self.stores.clear();
        self.clock.set(instant(now)?);
        self.keys.clear();
        if used(&self.dir)? {
            self.dir = temporary_in(self.place.as_deref())?;
        }
        self.env = environment(&self.dir, &self.clock, settings);
        self.context = SessionContext::with(self.env.settings.clone(), self.clock.clone(), self.keys.clone());
        self.open_handles(Opening::Fresh)
    }

    fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Fault> {
        self.clock.set(instant(now)?);
        let observation = self.perform(call);
        match self.hooks.fault.as_mut().and_then(|fault| fault()) {
            Some(fault) => Err(fault),
            None => observation,
        }
    }
}

/// The runtime that the hooks bring, or one of our own.
fn runtime(hooks: &mut StoreHooks) -> Result<Runtime, Fault> {
    let made = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    match hooks.runtime.take() {
        Some(runtime) => Ok(runtime),
        None => made().map_err(|error| Fault::Harness(format!("no runtime can be started: {error}"))),
    }
}

/// Whether the directory has anything in it. Most stores that keep sessions in memory leave it alone, and
/// thousands of traces are run.
fn used(dir: &tempfile::TempDir) -> Result<bool, Fault> {
    let mut entries = std::fs::read_dir(dir.path())
        .map_err(|e| Fault::Harness(format!("{}: {e}", dir.path().display())))?;
    Ok(entries.next().is_some())
}

fn environment(dir: &tempfile::TempDir, clock: &ManualClock, settings: Settings) -> Env {
    let settings = session_core::Settings::new("sessionspec").with(|core| {
        core.cookie_age = settings.cookie_age;
        core.expire_at_browser_close = settings.expire_at_browser_close;
        // The suite tries values of 4 MiB.
        core.max_data_bytes = MAX_DATA_BYTES;
    });
    Env { dir: PathBuf::from(dir.path()), clock: clock.clone(), settings }
}

fn not_opened(error: impl Into<Box<dyn Error + Send + Sync>>) -> Fault {
    Fault::Harness(format!("the store cannot be opened: {}", error.into()))
}

fn instant(micros: i64) -> Result<OffsetDateTime, Fault> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
        .map_err(|_| Fault::Harness(format!("the trace goes beyond the year 9999 ({micros} µs)")))
}

fn state<S: SessionStore>(session: &Session<S>) -> SessionState<String> {
    SessionState {
        key: session.key().map(|key| key.as_str().to_owned()),
        accessed: session.accessed(),
        modified: session.modified(),
    }
}

/// A source of keys whose next ones can be chosen.
#[derive(Debug, Clone, Default)]
struct ForcedKeys {
    next: Arc<Mutex<VecDeque<SessionKey>>>,
}

impl ForcedKeys {
    fn force(&self, key: SessionKey) {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).push_back(key);
    }

    fn clear(&self) {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl KeyGenerator for ForcedKeys {
    fn generate(&self) -> Result<SessionKey, BoxError> {
        let forced = self.next.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        forced.map_or_else(|| RandomKeys.generate(), Ok)
    }
}

async fn session_op<S: SessionStore>(
    session: &mut Session<S>,
    op: &SessionOp,
) -> Result<Answer, SessionError> {
    Ok(match op {
        SessionOp::Get(name) => Answer::Value(match name.as_text() {
            Some(name) => session.data().await?.get_json(&name).as_ref().map(to_text),
            None => among_entries(session.data().await?, name)?,
        }),
        SessionOp::Contains(name) => Answer::Bool(match name.as_text() {
            Some(name) => session.data().await?.contains_key(&name),
            None => among_entries(session.data().await?, name)?.is_some(),
        }),
        SessionOp::Set(name, value) => {
            let data = session.data().await?;
            match name.as_text() {
                Some(text) => data.insert_json(&text, to_core(name, value)?)?,
                None => data.update(&to_entries(std::iter::once((name, value)))?),
            }
            Answer::Unit
        }
        SessionOp::SetDefault(name, value) => {
            let data = session.data().await?;
            let name_text = whole(name)?;
            let value = to_core(name, value)?;
            match (value.to_value(), data.get(&name_text)) {
                // As an application does it.
                (Ok(value), Ok(_)) => {
                    let kept = data.set_default(&name_text, value)?;
                    Answer::Value(Some(to_text(&written(name, &kept)?)))
                }
                // For what no type of Rust holds there are only the texts.
                _ => {
                    if !data.contains_key(&name_text) {
                        data.insert_json(&name_text, value)?;
                    }
                    Answer::Value(data.get_json(&name_text).as_ref().map(to_text))
                }
            }
        }
        SessionOp::Pop(name) => Answer::Value(Some(to_text(&session.data().await?.remove(&whole(name)?)?))),
        SessionOp::PopDefault(name, default) => {
            let data = session.data().await?;
            let taken = data.take(&whole(name)?);
            Answer::Value(Some(taken.as_ref().map_or_else(|| default.json().clone(), to_text)))
        }
        SessionOp::Remove(name) => {
            session.data().await?.remove(&whole(name)?)?;
            Answer::Unit
        }
        SessionOp::Update(Entries(items)) => {
            let entries = to_entries(items.iter().map(|(name, value)| (name, value)));
            session.data().await?.update(&entries?);
            Answer::Unit
        }
        SessionOp::Push(name, value) => {
            let data = session.data().await?;
            let name_text = whole(name)?;
            let value = to_core(name, value)?;
            match (value.to_value(), data.get_mut(&name_text)) {
                // As an application does it.
                (Ok(value), Ok(held)) => {
                    let list = held.and_then(Value::as_array_mut);
                    Answer::Bool(list.map(|list| list.push(value)).is_some())
                }
                // For what no type of Rust holds there are only the texts.
                _ => match data.get_json_mut(&name_text) {
                    Some(held) => match to_text(held).pushed(&to_text(&value)) {
                        Some(pushed) => {
                            *held = CoreJson::parse(pushed.as_str())
                                .map_err(|error| unrepresentable(&name_text, error))?;
                            Answer::Bool(true)
                        }
                        None => Answer::Bool(false),
                    },
                    None => Answer::Bool(false),
                },
            }
        }
        SessionOp::Clear => {
            session.clear();
            Answer::Unit
        }
        SessionOp::Keys => {
            let entries = session.data().await?.entries()?;
            Answer::Names(entries.names().map(to_name).collect())
        }
        SessionOp::Values => {
            Answer::Values(session.data().await?.values().map(|value| to_text(&value)).collect())
        }
        SessionOp::Items => {
            let data = session.data().await?;
            let values: Vec<_> = data.values().collect();
            let entries = data.entries()?;
            let items = entries.names().map(to_name).zip(values.iter().map(to_text));
            Answer::Items(items.collect())
        }
        SessionOp::IsEmpty => Answer::Bool(session.is_empty()),
        SessionOp::SetTestCookie => {
            session.data().await?.set_test_cookie();
            Answer::Unit
        }
        SessionOp::TestCookieWorked => Answer::Bool(session.data().await?.test_cookie_worked()),
        SessionOp::DeleteTestCookie => {
            session.data().await?.delete_test_cookie()?;
            Answer::Unit
        }
        SessionOp::SetExpiry(Expiry::Duration(micros)) => {
            session.data().await?.set_expiry_after(Duration::microseconds(*micros))?;
            Answer::Unit
        }
        SessionOp::SetExpiry(expiry) => {
            session.data().await?.set_expiry(to_expiry(*expiry)?);
            Answer::Unit
        }
        SessionOp::GetExpiryAge(query) => {
            let query = to_query(*query)?;
            Answer::Integer(match query.expiry {
                Some(expiry) => session.context().expiry_age(expiry, query.modification),
                None => session.data().await?.get_expiry_age_for(query)?,
            })
        }
        SessionOp::GetExpiryDate(query) => {
            let query = to_query(*query)?;
            let date = match query.expiry {
                Some(expiry) => session.context().expiry_date(expiry, query.modification)?,
                None => session.data().await?.get_expiry_date_for(query)?,
            };
            Answer::Integer(date.unix_timestamp() * 1_000_000 + i64::from(date.microsecond()))
        }
        SessionOp::GetExpireAtBrowserClose => {
            Answer::Bool(session.data().await?.get_expire_at_browser_close()?)
        }
        SessionOp::GetSessionCookieAge => Answer::Integer(session.context().settings().cookie_age),
        SessionOp::Save => session.save().await.map(|()| Answer::Unit)?,
        SessionOp::SaveMustCreate => session.save_must_create().await.map(|()| Answer::Unit)?,
        SessionOp::Create => session.create().await.map(|()| Answer::Unit)?,
        SessionOp::Delete => session.delete().await.map(|()| Answer::Unit)?,
        SessionOp::Flush => session.flush().await.map(|()| Answer::Unit)?,
        SessionOp::CycleKey => session.cycle_key().await.map(|()| Answer::Unit)?,
    })
}

/// A dictionary of these entries, whatever their names are.
fn to_entries<'a>(
    items: impl Iterator<Item = (&'a Name, &'a TraceValue)>,
) -> Result<session_core::Entries, SessionError> {
    let object: Vec<_> = items.map(|(name, value)| format!("{name}:{}", value.json().as_str())).collect();
    let object = format!("{{{}}}", object.join(","));
    session_core::Entries::parse(object.as_bytes()).map_err(|error| unrepresentable("(the entries)", error))
}

/// The entry under a name that no text in Rust holds.
fn among_entries(data: &SessionData, name: &Name) -> Result<Option<Json>, SessionError> {
    let entries = data.entries()?;
    let found = entries.iter().find(|(held, _)| to_name(*held) == *name);
    Ok(found.map(|(_, text)| Json::parse(text).unwrap_or_else(|_| Json::from_canonical(text))))
}

/// A name that is text in Rust, too.
fn whole(name: &Name) -> Result<String, SessionError> {
    let half = || JsonError::Mismatch("the name holds half a surrogate pair".into());
    name.as_text().ok_or_else(|| unrepresentable(name.as_str(), half()))
}

fn unrepresentable(name: &str, source: JsonError) -> SessionError {
    SessionError::unrepresentable(name, source)
}

fn to_core(name: &Name, value: &TraceValue) -> Result<CoreJson, SessionError> {
    CoreJson::parse(value.json().as_str()).map_err(|error| unrepresentable(name.as_str(), error))
}

fn written(name: &Name, value: &Value) -> Result<CoreJson, SessionError> {
    CoreJson::write(value).map_err(|error| unrepresentable(name.as_str(), error))
}

/// The canonical text. The session's own may have numbers in another spelling.
fn to_text(value: &CoreJson) -> Json {
    Json::parse(value.as_str()).unwrap_or_else(|_| Json::from_canonical(value.as_str()))
}

fn to_name(name: JsonString<'_>) -> Name {
    Json::parse(&name.to_json_text()).ok().as_ref().and_then(Name::from_json).unwrap_or_else(|| "".into())
}

fn to_expiry(expiry: Expiry) -> Result<CoreExpiry, SessionError> {
    Ok(match expiry {
        Expiry::Default => CoreExpiry::Default,
        Expiry::Seconds(seconds) => CoreExpiry::Seconds(seconds),
        Expiry::At(at, offset) => CoreExpiry::At(date(at, offset)?),
        // The trace format has no durations where this is asked.
        Expiry::Duration(micros) => CoreExpiry::At(date(micros, 0)?),
    })
}

fn to_query(query: ExpiryQuery) -> Result<CoreQuery, SessionError> {
    let mut core = CoreQuery::default();
    if let Some(at) = query.modification {
        core = core.from_modification(date(at, 0)?);
    }
    if let Some(expiry) = query.expiry {
        core = core.for_expiry(to_expiry(expiry)?);
    }
    Ok(core)
}

fn date(at: i64, offset_minutes: i16) -> Result<OffsetDateTime, SessionError> {
    let invalid = || SessionError::InvalidExpiry(format!("{at} µs at an offset of {offset_minutes} minutes"));
    let utc = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000).map_err(|_| invalid())?;
    let offset = UtcOffset::from_whole_seconds(i32::from(offset_minutes) * 60).map_err(|_| invalid())?;
    utc.checked_to_offset(offset).ok_or_else(invalid)
}

fn failed(error: &SessionError) -> Failed {
    let kind = match error {
        SessionError::NoSuchEntry(_) => ErrorKind::KeyError,
        SessionError::Unrepresentable { .. } | SessionError::Store(StoreError::Unrepresentable { .. }) => {
            ErrorKind::Unrepresentable
        }
        SessionError::InvalidExpiry(_) => ErrorKind::InvalidExpiry,
        SessionError::Store(StoreError::Exists(_)) => ErrorKind::CreateError,
        SessionError::Store(StoreError::NotFound(_)) => ErrorKind::UpdateError,
        SessionError::Store(StoreError::Corrupt { .. }) => ErrorKind::Corrupt,
        SessionError::Store(StoreError::TooLarge { .. }) => ErrorKind::TooLarge,
        SessionError::Store(StoreError::Unsupported { .. }) => ErrorKind::Unsupported,
        _ => ErrorKind::Unavailable,
    };
    Failed { kind, message: Chain(error).to_string() }
}
