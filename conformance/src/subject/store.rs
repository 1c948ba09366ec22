//! A Rust store as a subject, under `session-core`'s sessions.

use std::any::Any;
use std::collections::HashMap;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use session_core::{
    AnyStore, BoxError, Chain, Clock, ManualClock, Session, SessionContext, SessionError, SessionKey,
    SessionStore, StoreError,
};
use time::OffsetDateTime;
use tokio::runtime::Runtime;

use super::directory::Directory;
use super::env::unused_name;
use super::hooks::{KillableProcess, StoreHooks};
use super::keys::ForcedKeys;
use super::opener::{Handle, Opener, at_once, awaited};
use super::process::{lock, process_subject};
use super::session::{failed, perform, state};
use super::{BulkOperations, Env, Fault, RecordAnswer, RecordOp, Subject};
use crate::call::Call;
use crate::history::History;
use crate::instant::{instant, micros};
use crate::manifest::{Hook, Manifest, SubjectLevel, Values};
use crate::observation::{Answer, Failed, Listed, Observation};
use crate::op::StorageOp;
use crate::parts::Parts;
use crate::schedule::{
    BLOCKED, Expiry, Field, Mortal, Racer, Schedule, Stage, carry_out, clears, drive, race,
};
use crate::trace::{OTHER_STORAGE, START, Settings};

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

/// A Rust store under the suite: a way to open it, and the sessions on it.
///
/// A store that panics has crashed for the step in flight, and is opened again for the next trace. One that never
/// answers is waited for without end: a thread that hangs cannot be interrupted.
pub struct StoreSubject {
    open: Opener,
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
    stores: Vec<Arc<Handle>>,
    /// The storage beside this one, once somebody asked for it.
    other: Option<Other>,
    /// How its store is made, if not as the first is.
    open_other: Option<OpenOther>,
    /// How a handle is made that another process has on the same storage, if one can have that.
    open_second: Option<OpenSecond>,
    context: SessionContext,
    sessions: HashMap<usize, Session<AnyStore>>,
    /// Whether the storage is open for schedules.
    staged: bool,
    /// Whether a store was opened in the environment.
    entered: bool,
}

/// A storage beside the one that is checked, in an environment of its own.
struct Other {
    env: Env,
    /// Removes the environment's directory when it is dropped.
    _dir: Directory,
    store: Option<Handle>,
}

/// Makes a handle on the other storage of a store that has one by itself.
type OpenOther = Box<dyn Fn(&Env) -> Handle>;

/// Makes a handle that another process has on the storage of this one.
type OpenSecond = Box<dyn Fn(&Env) -> Result<Handle, Fault>>;

impl std::fmt::Debug for StoreSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreSubject").field("manifest", &self.manifest).finish_non_exhaustive()
    }
}

impl StoreSubject {
    /// A subject for a store of this name. It is opened once to read its capabilities.
    ///
    /// # Errors
    /// [`Fault::Harness`] if it cannot be opened.
    pub fn new<S, E>(
        name: &str,
        version: &str,
        open: impl FnMut(&Env, Opening) -> Result<S, E> + 'static,
        hooks: StoreHooks,
    ) -> Result<Self, Fault>
    where
        S: SessionStore + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self::introduced(name, version, at_once(open, Rc::default()), hooks)
    }

    /// The same for a store that is opened by a future, and for what it can do with all its sessions at once. It is opened,
    /// used and dropped inside the runtime.
    ///
    /// # Errors
    /// [`Fault::Harness`] if it cannot be opened.
    pub fn awaited<S, E>(
        name: &str,
        version: &str,
        open: impl AsyncFn(&Env, Opening) -> Result<S, E> + 'static,
        bulk: BulkOperations<S>,
        hooks: StoreHooks,
    ) -> Result<Self, Fault>
    where
        S: SessionStore + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self::introduced(name, version, awaited(open, bulk), hooks)
    }

    /// Opens the store once to read its capabilities.
    fn introduced(name: &str, version: &str, mut open: Opener, mut hooks: StoreHooks) -> Result<Self, Fault> {
        let runtime = runtime(&mut hooks)?;
        let dir = Directory::temporary()?;
        let clock = ManualClock::new(reached(START)?);
        hooks.move_clock(START)?;
        let guard = runtime.enter();
        let parts = Parts::default();
        let env = Env::new(&dir, unused_name(), &clock, Settings::default(), 0, &parts)
            .on_server(&hooks.server_url);
        let opened = open.open(&env, Opening::Fresh);
        let Handle { store, .. } = runtime.block_on(opened).map_err(|error| not_opened(&error))?;
        let mut manifest = Manifest::new(name, SubjectLevel::Store, store.capabilities());
        manifest.version = version.into();
        manifest.language = "Rust".into();
        hooks.describe_clock(&mut manifest);
        manifest.values = hooks.values.unwrap_or(Values::KEPT);
        manifest.profile = hooks.profile;
        manifest.upsert = hooks.upsert;
        manifest.other_storage = hooks.other_storage && manifest.capabilities.server_side;
        manifest.errata = std::mem::take(&mut hooks.errata);
        if hooks.damage.is_some() {
            manifest.hooks.push(Hook::Damage);
        }
        if manifest.capabilities.persistent && hooks.process.is_some() {
            manifest.hooks.push(Hook::Crash);
        }
        if !manifest.capabilities.server_side {
            manifest.hooks.push(Hook::Rotate);
        }
        (manifest.parts, manifest.forgetful_parts) = (parts.names(), parts.forgetful());
        drop(store);
        if let Some(cleanup) = &mut hooks.cleanup {
            runtime.block_on(cleanup(&env)).map_err(|reason| not_cleaned(&reason))?;
        }
        drop(guard);
        hooks.runtime = Some(runtime);
        Self::with_manifest(manifest, open, hooks)
    }

    /// A subject whose manifest is known.
    pub(super) fn with_manifest(
        mut manifest: Manifest,
        open: Opener,
        mut hooks: StoreHooks,
    ) -> Result<Self, Fault> {
        let refuses = manifest.capabilities.server_side && manifest.refuses_insert();
        if refuses && !manifest.hooks.contains(&Hook::ForceKeys) {
            // The keys are drawn here, so they can be forced whatever the store is; but one that does not tell that a key
            // is taken would lose the session that has it.
            manifest.hooks.push(Hook::ForceKeys);
        }
        let more = open.operations.iter().filter(|operation| !manifest.operations.contains(operation));
        manifest.operations.extend(more.copied().collect::<Vec<_>>());
        let runtime = runtime(&mut hooks)?;
        let dir = Directory::temporary()?;
        let clock = ManualClock::new(reached(START)?);
        let keys = ForcedKeys::default();
        let parts = Parts::default();
        let env = Env::new(&dir, unused_name(), &clock, Settings::default(), 0, &parts)
            .on_server(&hooks.server_url);
        let context = SessionContext::with(env.settings().clone(), clock.clone(), keys.clone());
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
            other: None,
            open_other: None,
            open_second: None,
            context,
            sessions: HashMap::new(),
            staged: false,
            entered: false,
        })
    }

    /// The same for a store that has the other storage by itself, and a handle on it.
    #[must_use]
    pub(super) fn with_other(mut self, open: impl Fn(&Env) -> Handle + 'static) -> Self {
        self.open_other = Some(Box::new(open));
        self
    }

    /// The same for a store of which another process can have a handle, so that operations overlap.
    #[must_use]
    pub(super) fn with_second(mut self, open: impl Fn(&Env) -> Result<Handle, Fault> + 'static) -> Self {
        self.open_second = Some(Box::new(open));
        self
    }

    /// Opens the storage beside this one, if that is the client's and is not open.
    fn enter(&mut self, client: u8) -> Result<(), Fault> {
        if client != OTHER_STORAGE || self.other.as_ref().is_some_and(|other| other.store.is_some()) {
            return Ok(());
        }
        let opening = if self.other.is_some() { Opening::Restart } else { Opening::Fresh };
        if self.other.is_none() {
            let dir = Directory::temporary()?;
            let env = self.env.beside(&dir);
            self.other = Some(Other { env, _dir: dir, store: None });
        }
        let _guard = self.runtime.enter();
        let Some(other) = &mut self.other else { return Ok(()) };
        let store = if let Some(open) = &self.open_other {
            open(&other.env)
        } else {
            let opened = self.open.open(&other.env, opening);
            self.runtime.block_on(opened).map_err(|error| not_opened(&error))?
        };
        other.store = Some(store);
        Ok(())
    }

    /// Opens the handles of both clients.
    fn open_handles(&mut self, opening: Opening) -> Result<(), Fault> {
        self.drop_handles();
        let first = self.open_handle(opening)?;
        if first.store.capabilities() != self.manifest.capabilities {
            return Err(Fault::Harness(
                "the store's capabilities changed from one opening to the next".into(),
            ));
        }
        let second = if self.manifest.capabilities.shared {
            self.open_handle(Opening::SecondHandle)?
        } else {
            Arc::clone(&first)
        };
        self.stores = vec![first, second];
        Ok(())
    }

    fn open_handle(&mut self, opening: Opening) -> Result<Arc<Handle>, Fault> {
        self.entered = true;
        let _guard = self.runtime.enter();
        let opened = self.open.open(&self.env, opening);
        self.runtime.block_on(opened).map(Arc::new).map_err(|error| not_opened(&error))
    }

    /// Does something with the store. If that panics, nobody knows what the store is then: the next trace opens it again.
    fn guarded<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        catch_unwind(AssertUnwindSafe(|| act(self))).unwrap_or_else(|panic| {
            self.staged = false;
            self.drop_handles();
            Err(Fault::Panic(format!("the store panicked: {}", words(&*panic))))
        })
    }

    /// Closes everything.
    fn close(&mut self) -> Result<(), Fault> {
        self.staged = false;
        self.keys.clear();
        self.leave()
    }

    /// Sets all the clocks that the store may read.
    fn set_clock(&mut self, now: i64) -> Result<(), Fault> {
        self.clock.set(reached(now)?);
        self.hooks.move_clock(now)
    }

    /// Opens the storage in the directory, at an instant.
    fn open_directory(&mut self, now: i64, settings: Settings, opening: Opening) -> Result<(), Fault> {
        self.set_clock(now)?;
        self.replaced = 0;
        let name = match opening {
            // Another process has named it.
            Opening::Restart if self.keeps() => self.dir.kept_name()?,
            _ => unused_name(),
        };
        if self.keeps() {
            self.dir.keep_name(&name)?;
        }
        self.env = Env::new(&self.dir, name, &self.clock, settings, self.replaced, &self.parts)
            .on_server(&self.hooks.server_url);
        self.context =
            SessionContext::with(self.env.settings().clone(), self.clock.clone(), self.keys.clone());
        self.open_handles(opening)
    }

    /// Carries out a schedule on the process that can be killed; `None` if there is none.
    fn killed(&mut self, schedule: &Schedule) -> Option<Result<History, Fault>> {
        match &mut self.hooks.process {
            None => None,
            Some(KillableProcess::Adapter(_)) => Some(carry_out(self, schedule)),
            Some(KillableProcess::Server(server)) => {
                let ready = server.prepare(self.manifest.start()).map_err(Fault::Harness);
                Some(ready.and_then(|()| carry_out(self, schedule)))
            }
            Some(KillableProcess::Apart(_, Some(process))) => process.schedule(schedule),
            Some(KillableProcess::Apart(command, process)) => match process_subject(command) {
                Ok(started) => process.insert(started).schedule(schedule),
                Err(fault) => Some(Err(fault)),
            },
        }
    }

    /// Opens storage for what overlaps; tells when its records expire. Schedules use it one after the other, since each
    /// has keys of its own.
    fn open_now(&mut self) -> Result<Expiry, Fault> {
        if !self.staged {
            self.open(self.manifest.start(), Settings::default())?;
            self.staged = true;
        }
        let now = self.clock.now();
        let later = now + time::Duration::seconds(Settings::default().cookie_age);
        Ok(Expiry { later, ago: now - time::Duration::HOUR })
    }

    fn store(&self, client: u8) -> Result<&AnyStore, Fault> {
        self.handle(client).map(|handle| &handle.store)
    }

    fn handle(&self, client: u8) -> Result<&Handle, Fault> {
        if client == OTHER_STORAGE
            && let Some(store) = self.other.as_ref().and_then(|other| other.store.as_ref())
        {
            return Ok(store);
        }
        let handle = self.stores.get(usize::from(client)).map(|handle| &**handle);
        handle.ok_or_else(|| Fault::Harness("the storage is not open".into()))
    }

    fn perform(&mut self, call: &Call<'_>) -> Result<Observation, Fault> {
        if let Call::Session { client, .. } | Call::Storage { client, .. } = call {
            self.enter(*client)?;
        }
        match *call {
            Call::Session { number, client, key } => {
                let session = Session::open(self.store(client)?.clone(), self.context.clone(), key);
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
            StorageOp::Expires(key) => {
                let store = self.store(client)?;
                let loaded = match SessionKey::parse(key) {
                    Some(key) => self.runtime.block_on(store.load(&key)),
                    None => Ok(None),
                };
                match loaded {
                    // What cannot be read tells nothing.
                    Err(StoreError::Corrupt { .. }) => Ok(Answer::Instant(None)),
                    loaded => {
                        loaded.map(|record| Answer::Instant(record.map(|record| micros(record.expires))))
                    }
                }
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
                cleared.map(|count| {
                    Answer::Count(Some(count).filter(|_| !self.hooks.uncounted.load(Ordering::Relaxed)))
                })
            }
            StorageOp::All | StorageOp::Length | StorageOp::ClearAll => {
                let handle = self.handle(client)?;
                let done = op.operation().and_then(|operation| handle.act(operation));
                let unsupported = || Err(StoreError::unsupported("this store", op.wire_name()));
                let answer = done.map_or_else(unsupported, |done| self.runtime.block_on(done));
                if let Ok(Answer::Sessions(listed)) = &answer
                    && listed.iter().any(Listed::is_empty)
                {
                    return Err(Fault::Harness(
                        "the list of all sessions has one with neither key nor data".into(),
                    ));
                }
                answer
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
                let name = self.env.name().to_owned();
                self.env = Env::new(&self.dir, name, &self.clock, settings, self.replaced, &self.parts)
                    .on_server(&self.hooks.server_url);
                self.context =
                    SessionContext::with(self.env.settings().clone(), self.clock.clone(), self.keys.clone());
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
                    let other = self.other.as_ref().filter(|_| client == OTHER_STORAGE);
                    let damaged = damage(other.map_or(&self.env, |other| &other.env), key);
                    let found = self
                        .runtime
                        .block_on(damaged)
                        .map_err(|reason| Fault::Harness(format!("the hook `damage` failed: {reason}")))?;
                    Ok(Answer::Bool(found))
                }
                None => return Err(Fault::Harness("the subject has no hook `damage`".into())),
            },
        };
        Ok(answer.map_err(|error| failed(&SessionError::from(error))))
    }
}

impl Subject for StoreSubject {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn place(&mut self, dir: &Path) -> Result<(), Fault> {
        self.dir.place(dir);
        Ok(())
    }

    fn open(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        self.close()?;
        self.dir.renew()?;
        self.open_directory(now, settings, Opening::Fresh)
    }

    fn keeps(&self) -> bool {
        self.hooks.in_directory && self.manifest.capabilities.persistent
    }

    fn open_kept(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        self.close()?;
        self.dir.take_over()?;
        self.open_directory(now, settings, Opening::Restart)
    }

    fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Fault> {
        self.set_clock(now)?;
        let observation = self.guarded(|subject| subject.perform(call));
        self.hooks.broken().map_or(observation, Err)
    }

    fn on_record(
        &mut self,
        now: i64,
        client: u8,
        key: &SessionKey,
        op: RecordOp,
    ) -> Option<Result<Result<RecordAnswer, Failed>, Fault>> {
        let done = self.set_clock(now).and_then(|()| {
            self.guarded(|subject| {
                subject.enter(client)?;
                let store = subject.store(client)?;
                let done = subject.runtime.block_on(async {
                    Ok(match op {
                        RecordOp::Load => RecordAnswer::Loaded(store.load(key).await?),
                        RecordOp::Insert(record) => RecordAnswer::Stored(store.insert(key, &record).await?),
                        RecordOp::Update(record) => RecordAnswer::Stored(store.update(key, &record).await?),
                    })
                });
                Ok(done.map_err(|error: StoreError| failed(&SessionError::from(error))))
            })
        });
        Some(done)
    }

    fn sent(&self) -> Option<String> {
        self.hooks.sent.as_ref().map(|sent| sent())
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
            let expiry = subject.open_now()?;
            let Self { runtime, stores, parts, .. } = subject;
            let stores = &bare(stores);
            drive(&Stage { runtime, stores, parts, expiry, patience: BLOCKED }, schedule)
        });
        let history = history.map(|history| history.in_terms_of(&self.manifest));
        Some(self.hooks.broken().map_or(history, Err))
    }

    fn race(&mut self, seed: u64) -> Option<Result<History, Fault>> {
        let history = self.guarded(|subject| {
            let expiry = subject.open_now()?;
            let Self { runtime, stores, manifest, open_second, env, .. } = subject;
            let mut handles: Vec<Racer> = stores.iter().map(|handle| handle.racer()).collect();
            if let Some(open) = open_second {
                // Clients take turns among the handles: these two do not wait for each other.
                handles.truncate(1);
                handles.push(open(env)?.racer());
            }
            race(&Field { runtime, handles: &handles, expiry, clears: clears(manifest) }, seed)
        });
        let history = history.map(|history| history.in_terms_of(&self.manifest));
        Some(self.hooks.broken().map_or(history, Err))
    }
}

impl StoreSubject {
    /// Drops what is open, inside the runtime: a pool of connections may need one even then.
    fn drop_handles(&mut self) {
        let _guard = self.runtime.enter();
        self.sessions.clear();
        self.stores.clear();
        if let Some(other) = &mut self.other {
            other.store = None;
        }
    }
}

impl StoreSubject {
    /// Closes the storage for good: nobody will open this environment again.
    fn leave(&mut self) -> Result<(), Fault> {
        self.drop_handles();
        let other = self.other.take();
        let (true, Some(cleanup)) = (std::mem::take(&mut self.entered), &mut self.hooks.cleanup) else {
            return Ok(());
        };
        // The second also where the first fails.
        let cleaned = self.runtime.block_on(cleanup(&self.env));
        let other = other.map_or(Ok(()), |other| self.runtime.block_on(cleanup(&other.env)));
        cleaned.and(other).map_err(|reason| not_cleaned(&reason))
    }
}

impl Drop for StoreSubject {
    fn drop(&mut self) {
        // There is nobody left to be told of a failure.
        let _ = self.leave();
    }
}

/// The stores of these handles.
fn bare(handles: &[Arc<Handle>]) -> Vec<AnyStore> {
    handles.iter().map(|handle| handle.store.clone()).collect()
}

/// What a panic says.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("something that is no text")
}

impl Mortal for StoreSubject {
    fn doom(&mut self, after: Duration) {
        match &mut self.hooks.process {
            Some(KillableProcess::Adapter(adapter)) => lock(adapter).doom(after),
            Some(KillableProcess::Server(server)) => server.kill_after(after),
            Some(KillableProcess::Apart(..)) | None => {}
        }
    }

    fn is_killed(&mut self) -> bool {
        match &mut self.hooks.process {
            Some(KillableProcess::Adapter(adapter)) => lock(adapter).is_killed(),
            Some(KillableProcess::Server(server)) => server.is_killed(),
            Some(KillableProcess::Apart(..)) | None => false,
        }
    }

    fn take_over(&mut self, now: i64, settings: Settings) -> Result<Result<(), String>, Fault> {
        let opened = match &mut self.hooks.process {
            Some(KillableProcess::Server(server)) => {
                if let Err(reason) = server.start_again(now) {
                    return Ok(Err(reason));
                }
                // What it keeps goes by the name of the environment, which stays.
                self.open_handles(Opening::Restart)
            }
            process => {
                if let Some(KillableProcess::Adapter(adapter)) = process {
                    lock(adapter).start_over();
                }
                self.close()?;
                self.open_directory(now, settings, Opening::Restart)
            }
        };
        match opened {
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

fn not_opened(error: &BoxError) -> Fault {
    Fault::Harness(format!("the store cannot be opened: {}", Chain(&**error)))
}

fn not_cleaned(reason: &str) -> Fault {
    Fault::Harness(format!("the hook `cleanup` failed: {reason}"))
}

fn reached(now: i64) -> Result<OffsetDateTime, Fault> {
    instant(now).ok_or_else(|| Fault::Harness(format!("the trace goes beyond the year 9999 ({now} µs)")))
}
