//! A Rust store as a subject, under `session-core`'s sessions.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use session_core::{
    BoxError, Clock, KeyGenerator, ManualClock, Secret, Session, SessionContext, SessionError, SessionKey,
    SessionStore,
};
use time::OffsetDateTime;
use tokio::runtime::Runtime;

use super::connection::AdapterCommand;
use super::directory::Directory;
use super::process::{lock, process_subject};
use super::remote::RemoteState;
use super::session::{failed, perform, state};
use super::{Env, Fault, Subject};
use crate::call::Call;
use crate::history::History;
use crate::manifest::{ClockLevel, Hook, Manifest, SubjectLevel};
use crate::observation::{Answer, Failed, Observation};
use crate::op::StorageOp;
use crate::parts::Parts;
use crate::schedule::{Field, Mortal, Schedule, Stage, carry_out, drive, race};
use crate::trace::{START, Settings, secrets};

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

/// The process that can be killed under a store.
pub(super) enum KillableProcess {
    /// The adapter in which the store is.
    Adapter(Arc<Mutex<RemoteState>>),
    /// One that serves the same store, in a storage of its own; it is started when it is needed.
    Apart(AdapterCommand, Option<Box<dyn Subject>>),
}

/// What the suite may do behind a store's back.
#[derive(Default)]
pub struct StoreHooks {
    pub(super) damage: Option<Damage>,
    pub(super) clock: Option<ClockLevel>,
    pub(super) runtime: Option<Runtime>,
    /// Whether all that lasts is in the environment's directory.
    pub(super) in_directory: bool,
    /// What can be killed.
    pub(super) process: Option<KillableProcess>,
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

    /// Tells the suite that all that lasts of the store is in the environment's directory. [`protocol::serve`] then
    /// takes over what a killed process has left there.
    ///
    /// [`protocol::serve`]: crate::protocol::serve
    #[must_use]
    pub fn with_storage_in_directory(mut self) -> Self {
        self.in_directory = true;
        self
    }

    /// Names an adapter that serves the same store: a process that the suite may kill, to see whether what was
    /// acknowledged is still there.
    #[must_use]
    pub fn with_process(mut self, command: AdapterCommand) -> Self {
        self.process = Some(KillableProcess::Apart(command, None));
        self
    }

    /// Runs the store's futures on this runtime; on one that works only while it waits for a future otherwise.
    #[must_use]
    pub fn with_runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = Some(runtime);
        self
    }
}

impl StoreHooks {
    /// What broke the connection since this was asked the last time, if anything did.
    fn broken(&mut self) -> Option<Fault> {
        self.fault.as_mut().and_then(|fault| fault())
    }
}

impl std::fmt::Debug for StoreHooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreHooks").field("damage", &self.damage.is_some()).finish_non_exhaustive()
    }
}

/// A Rust store under the suite: a way to open it, and the sessions on it.
///
/// A store that panics has crashed for the step in flight, and is opened again for the next trace. One that never
/// answers is waited for without end: a thread that hangs cannot be interrupted.
pub struct StoreSubject<F, S> {
    open: F,
    manifest: Manifest,
    hooks: StoreHooks,
    runtime: Runtime,
    clock: ManualClock,
    keys: ForcedKeys,
    parts: Parts,
    env: Env,
    /// How often the secret was replaced in this trace.
    replaced: u32,
    dir: Directory,
    /// One store per client; the same one twice if the storage cannot be shared.
    stores: Vec<Arc<S>>,
    context: SessionContext,
    sessions: HashMap<usize, Session<Arc<S>>>,
    /// Whether the storage is open for schedules.
    staged: bool,
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
        let dir = Directory::temporary()?;
        let clock = ManualClock::new(instant(START)?);
        let parts = Parts::default();
        let env = environment(&dir, &clock, Settings::default(), 0, &parts);
        let store = open(&env, Opening::Fresh).map_err(not_opened)?;
        let mut manifest = Manifest::new(name, SubjectLevel::Store, store.capabilities());
        manifest.version = version.into();
        manifest.language = "Rust".into();
        manifest.clock = hooks.clock.unwrap_or(ClockLevel::Virtual);
        if hooks.damage.is_some() {
            manifest.hooks.push(Hook::Damage);
        }
        if manifest.capabilities.persistent && hooks.process.is_some() {
            manifest.hooks.push(Hook::Crash);
        }
        if !manifest.capabilities.server_side {
            manifest.hooks.push(Hook::Rotate);
        }
        manifest.parts = parts.names();
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
        let dir = Directory::temporary()?;
        let clock = ManualClock::new(instant(START)?);
        let keys = ForcedKeys::default();
        let parts = Parts::default();
        let env = environment(&dir, &clock, Settings::default(), 0, &parts);
        let context = SessionContext::with(env.settings.clone(), clock.clone(), keys.clone());
        Ok(Self {
            open,
            manifest,
            hooks,
            runtime,
            clock,
            keys,
            parts,
            env,
            replaced: 0,
            dir,
            stores: Vec::new(),
            context,
            sessions: HashMap::new(),
            staged: false,
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

    /// Does something with the store. If that panics, nobody knows what the store is then: the next trace opens it again.
    fn guarded<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        catch_unwind(AssertUnwindSafe(|| act(self))).unwrap_or_else(|panic| {
            self.staged = false;
            self.sessions.clear();
            self.stores.clear();
            Err(Fault::Panic(format!("the store panicked: {}", words(&*panic))))
        })
    }

    /// Closes everything.
    fn close(&mut self) {
        self.staged = false;
        self.sessions.clear();
        self.stores.clear();
        self.keys.clear();
    }

    /// Opens the storage in the directory, at an instant.
    fn open_directory(&mut self, now: i64, settings: Settings, opening: Opening) -> Result<(), Fault> {
        self.clock.set(instant(now)?);
        self.replaced = 0;
        self.env = environment(&self.dir, &self.clock, settings, self.replaced, &self.parts);
        self.context = SessionContext::with(self.env.settings.clone(), self.clock.clone(), self.keys.clone());
        self.open_handles(opening)
    }

    /// Carries out a schedule on the process that can be killed; `None` if there is none.
    fn killed(&mut self, schedule: &Schedule) -> Option<Result<History, Fault>> {
        match &mut self.hooks.process {
            None => None,
            Some(KillableProcess::Adapter(_)) => Some(carry_out(self, schedule)),
            Some(KillableProcess::Apart(_, Some(process))) => process.schedule(schedule),
            Some(KillableProcess::Apart(command, process)) => match process_subject(command) {
                Ok(started) => process.insert(started).schedule(schedule),
                Err(fault) => Some(Err(fault)),
            },
        }
    }

    /// Opens storage for records that expire long after the present; tells when. Schedules use it one after the other,
    /// since each has keys of its own.
    fn open_now(&mut self) -> Result<OffsetDateTime, Fault> {
        if !self.staged {
            self.open(START, Settings::default())?;
            self.staged = true;
        }
        Ok(self.clock.now() + time::Duration::seconds(Settings::default().cookie_age))
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
                let outcome = self.runtime.block_on(perform(session, op)).map_err(|error| failed(&error));
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
                let cleared = self.runtime.block_on(self.store(client)?.clear_expired());
                cleared.map(|count| Answer::Count(Some(count)))
            }
            StorageOp::Reopen => {
                self.open_handles(Opening::Restart)?;
                Ok(Answer::Unit)
            }
            StorageOp::Rotate => {
                self.replaced += 1;
                let core = self.env.settings();
                let (cookie_age, expire_at_browser_close) = (core.cookie_age, core.expire_at_browser_close);
                let settings = Settings { cookie_age, expire_at_browser_close };
                self.env = environment(&self.dir, &self.clock, settings, self.replaced, &self.parts);
                self.context =
                    SessionContext::with(self.env.settings.clone(), self.clock.clone(), self.keys.clone());
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
        self.dir.place(dir);
        Ok(())
    }

    fn open(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        self.close();
        self.dir.renew()?;
        self.open_directory(now, settings, Opening::Fresh)
    }

    fn keeps(&self) -> bool {
        self.hooks.in_directory && self.manifest.capabilities.persistent
    }

    fn open_kept(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        self.close();
        self.dir.take_over()?;
        self.open_directory(now, settings, Opening::Restart)
    }

    fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Fault> {
        self.clock.set(instant(now)?);
        let observation = self.guarded(|subject| subject.perform(call));
        self.hooks.broken().map_or(observation, Err)
    }

    fn parts(&self) -> Vec<&'static str> {
        self.parts.names()
    }

    fn schedule(&mut self, schedule: &Schedule) -> Option<Result<History, Fault>> {
        if schedule.has_crash()
            && self.manifest.hooks.contains(&Hook::Crash)
            && let Some(history) = self.killed(schedule)
        {
            self.staged = false;
            return Some(self.hooks.broken().map_or(history, Err));
        }
        let history = self.guarded(|subject| {
            let expires = subject.open_now()?;
            let Self { runtime, stores, parts, .. } = subject;
            drive(&Stage { runtime, stores, parts, expires }, schedule)
        });
        Some(self.hooks.broken().map_or(history, Err))
    }

    fn race(&mut self, seed: u64) -> Option<Result<History, Fault>> {
        let history = self.guarded(|subject| {
            let expires = subject.open_now()?;
            let Self { runtime, stores, .. } = subject;
            race(&Field { runtime, stores, expires }, seed)
        });
        Some(self.hooks.broken().map_or(history, Err))
    }
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("something that is no text")
}

impl<F, S, E> Mortal for StoreSubject<F, S>
where
    F: FnMut(&Env, Opening) -> Result<S, E>,
    S: SessionStore,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    fn doom(&mut self, after: Duration) {
        if let Some(KillableProcess::Adapter(adapter)) = &self.hooks.process {
            lock(adapter).doom(after);
        }
    }

    fn is_killed(&self) -> bool {
        matches!(&self.hooks.process, Some(KillableProcess::Adapter(adapter)) if lock(adapter).is_killed())
    }

    fn take_over(&mut self, now: i64, settings: Settings) -> Result<Result<(), String>, Fault> {
        if let Some(KillableProcess::Adapter(adapter)) = &self.hooks.process {
            lock(adapter).start_over();
        }
        self.close();
        match self.open_directory(now, settings, Opening::Restart) {
            Err(Fault::Harness(reason)) => Ok(Err(reason)),
            opened => opened.map(Ok),
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

fn environment(
    dir: &Directory,
    clock: &ManualClock,
    settings: Settings,
    replaced: u32,
    parts: &Parts,
) -> Env {
    let (secret, fallbacks) = secrets(replaced);
    let settings = session_core::Settings::new(secret).with(|core| {
        core.secret_key_fallbacks = fallbacks.into_iter().map(Secret::new).collect();
        core.cookie_age = settings.cookie_age;
        core.expire_at_browser_close = settings.expire_at_browser_close;
        // The suite tries values of 4 MiB.
        core.max_data_bytes = MAX_DATA_BYTES;
    });
    Env { dir: PathBuf::from(dir.path()), clock: clock.clone(), settings, parts: parts.clone() }
}

fn not_opened(error: impl Into<Box<dyn Error + Send + Sync>>) -> Fault {
    Fault::Harness(format!("the store cannot be opened: {}", error.into()))
}

fn instant(micros: i64) -> Result<OffsetDateTime, Fault> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
        .map_err(|_| Fault::Harness(format!("the trace goes beyond the year 9999 ({micros} µs)")))
}

/// A source of keys whose next ones can be chosen. The others are the same in each trace: a store that is wrong for
/// some keys fails again when its trace is run again.
#[derive(Debug, Clone, Default)]
struct ForcedKeys {
    drawn: Arc<Mutex<Drawn>>,
}

#[derive(Debug, Default)]
struct Drawn {
    forced: VecDeque<SessionKey>,
    /// The state of the generator that draws the others.
    state: u64,
}

impl ForcedKeys {
    fn force(&self, key: SessionKey) {
        self.drawn().forced.push_back(key);
    }

    /// Begins again, with the first key.
    fn clear(&self) {
        *self.drawn() = Drawn::default();
    }

    fn drawn(&self) -> MutexGuard<'_, Drawn> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drawn {
    /// Of the form of a real key, and by no means secret.
    fn draw(&mut self) -> Option<SessionKey> {
        let mut character = || {
            // SplitMix64.
            self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut bits = self.state;
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let bits = bits ^ (bits >> 31);
            char::from_digit(u32::try_from(bits % 36).unwrap_or_default(), 36)
        };
        let key: String = (0..SessionKey::GENERATED_CHARS).filter_map(|_| character()).collect();
        SessionKey::parse(&key)
    }
}

impl KeyGenerator for ForcedKeys {
    fn generate(&self) -> Result<SessionKey, BoxError> {
        let mut drawn = self.drawn();
        let key = drawn.forced.pop_front().or_else(|| drawn.draw());
        key.ok_or_else(|| "no key can be made".into())
    }
}
