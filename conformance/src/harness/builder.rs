//! The suite on a Rust store, with everything that its author has to say.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use session_core::SessionStore;

use super::{ReplayError, hold, program, store_name, test_program};
use crate::manifest::{ClockLevel, Erratum, Reach, Values};
use crate::moved;
use crate::report::{KnownFailures, SubjectReport};
use crate::rule::{Profile, RuleId};
use crate::server::{OwnServer, ServerKind};
use crate::stopwatch::today;
use crate::subject::{
    BulkOperations, Env, Fault, Maker, Opening, StoreHooks, StoreSubject, Subject, Watched,
};
use crate::suite::{Config, Effort, run};

/// How long an operation of a store may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The variable that has the file of known failures written anew.
const UPDATE: &str = "SESSIONSPEC_UPDATE";

/// The suite on a store: how the store is opened, what it is, and how much is run.
///
/// ```no_run
/// # use session_core::{Capabilities, Record, SessionKey, SessionStore, StoreError};
/// # struct MyStore;
/// # impl MyStore {
/// #     async fn connect(_: &str) -> Result<Self, std::io::Error> { Ok(Self) }
/// # }
/// # impl SessionStore for MyStore {
/// #     fn capabilities(&self) -> Capabilities { unimplemented!() }
/// #     async fn load(&self, _: &SessionKey) -> Result<Option<Record>, StoreError> { unimplemented!() }
/// #     async fn insert(&self, _: &SessionKey, _: &Record) -> Result<SessionKey, StoreError> { unimplemented!() }
/// #     async fn update(&self, _: &SessionKey, _: &Record) -> Result<SessionKey, StoreError> { unimplemented!() }
/// #     async fn delete(&self, _: &SessionKey) -> Result<(), StoreError> { unimplemented!() }
/// # }
/// use session_conformance::Suite;
/// use session_conformance::manifest::ClockLevel;
///
/// fn main() -> std::process::ExitCode {
///     Suite::new(async |env, _opening| MyStore::connect(env.name()).await)
///         .clock(ClockLevel::Wall)
///         .cases(200)
///         .main()
/// }
/// ```
///
/// The store is opened, used and dropped inside a Tokio runtime with I/O, time and two threads. It lives on a thread of
/// its own: one that hangs is given up ([`patience`](Self::patience)).
#[must_use = "a suite does nothing until `main`, `report` or `check` is called"]
pub struct Suite {
    name: String,
    version: String,
    make: Arc<Make>,
    declared: Declared,
    config: Config,
    patience: Duration,
    known: Option<PathBuf>,
}

/// What the author of a store says about it.
#[derive(Clone, Default)]
struct Declared {
    clock: Option<ClockLevel>,
    resolution: Option<Duration>,
    values: Option<Values>,
    errata: Vec<Erratum>,
    profile: Option<Profile>,
    in_directory: bool,
    server: Option<ServerKind>,
    /// Each adds a hook.
    hooks: Vec<Arc<Hook>>,
}

type Hook = dyn Fn(StoreHooks) -> StoreHooks + Send + Sync;

/// Opens a store of this name and version.
type Make = dyn Fn(&str, &str, StoreHooks) -> Result<Box<dyn Subject>, Fault> + Send + Sync;

impl std::fmt::Debug for Suite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suite")
            .field("name", &self.name)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Suite {
    /// The suite on a store that is opened by a future. It is opened once for each trace ([`Opening::Fresh`]; it must be
    /// empty then), and again in the same environment: after a restart, or as a second handle. What it has on a server is
    /// told apart by [`Env::name`].
    pub fn new<S, E>(open: impl AsyncFn(&Env, Opening) -> Result<S, E> + Send + Sync + 'static) -> Self
    where
        S: SessionStore + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self::with_bulk(open, BulkOperations::default)
    }

    /// The same on a store that can do something with all its sessions at once, which `bulk` says.
    ///
    /// ```no_run
    /// # use session_core::{Capabilities, Record, SessionKey, SessionStore, StoreError};
    /// # struct MyStore;
    /// # impl MyStore {
    /// #     async fn connect(_: &str) -> Result<Self, std::io::Error> { Ok(Self) }
    /// #     async fn truncate(&self) -> Result<(), StoreError> { Ok(()) }
    /// # }
    /// # impl SessionStore for MyStore {
    /// #     fn capabilities(&self) -> Capabilities { unimplemented!() }
    /// #     async fn load(&self, _: &SessionKey) -> Result<Option<Record>, StoreError> { unimplemented!() }
    /// #     async fn insert(&self, _: &SessionKey, _: &Record) -> Result<SessionKey, StoreError> { unimplemented!() }
    /// #     async fn update(&self, _: &SessionKey, _: &Record) -> Result<SessionKey, StoreError> { unimplemented!() }
    /// #     async fn delete(&self, _: &SessionKey) -> Result<(), StoreError> { unimplemented!() }
    /// # }
    /// use session_conformance::Suite;
    /// use session_conformance::subject::BulkOperations;
    ///
    /// fn main() -> std::process::ExitCode {
    ///     let open = async |env: &session_conformance::Env, _| MyStore::connect(env.name()).await;
    ///     Suite::with_bulk(open, || BulkOperations::default().with_clear(async |store: &MyStore| store.truncate().await))
    ///         .main()
    /// }
    /// ```
    pub fn with_bulk<S, E>(
        open: impl AsyncFn(&Env, Opening) -> Result<S, E> + Send + Sync + 'static,
        bulk: impl Fn() -> BulkOperations<S> + Send + Sync + 'static,
    ) -> Self
    where
        S: SessionStore + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let open = Arc::new(open);
        Self::made::<S>(move |name, version, hooks| {
            let open = Arc::clone(&open);
            let hooks = hooks.with_runtime(with_workers()?);
            let open = async move |env: &Env, opening| open(env, opening).await;
            Ok(Box::new(StoreSubject::awaited(name, version, open, bulk(), hooks)?))
        })
    }

    /// The suite on a store that is opened at once. Its futures run on one thread. All that it is told is the environment, so
    /// that another environment has another storage.
    pub(super) fn at_once<S, E>(open: impl Fn(&Env) -> Result<S, E> + Send + Sync + 'static) -> Self
    where
        S: SessionStore + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let open = Arc::new(open);
        Self::made::<S>(move |name, version, hooks| {
            let open = Arc::clone(&open);
            Ok(Box::new(StoreSubject::new(name, version, move |env: &Env, _| open(env), hooks)?))
        })
        .other_storage()
    }

    fn made<S>(
        make: impl Fn(&str, &str, StoreHooks) -> Result<Box<dyn Subject>, Fault> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: store_name::<S>(),
            version: String::new(),
            make: Arc::new(make),
            declared: Declared::default(),
            config: Config::default(),
            patience: PATIENCE,
            known: None,
        }
    }

    /// The store's name in reports; the name of its type otherwise.
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// The store's version in reports.
    pub fn version(mut self, version: &str) -> Self {
        self.version = version.into();
        self
    }

    /// How time reaches the store. Without this the clock of the [environment](Env::clock) is the only one that it asks.
    /// With [`ClockLevel::Moved`] the program starts itself again under a clock that the suite moves, where that can be
    /// done; elsewhere the store's clock is waited for, and the report says why. A PostgreSQL that is started for the store
    /// ([`server`](Self::server)) has the clock that is named here; without this its own is moved. A store on one that asks
    /// nothing but the clock of the environment says [`ClockLevel::Virtual`].
    pub fn clock(mut self, clock: ClockLevel) -> Self {
        self.declared.clock = Some(clock);
        self
    }

    /// What the store counts time in, such as seconds: traces then have no shorter times. It is a part of a second, or one;
    /// a microsecond without this.
    pub fn clock_resolution(mut self, resolution: Duration) -> Self {
        self.declared.resolution = Some(resolution);
        self
    }

    /// A store that is opened in another environment, while this one is open, has a storage of its own: another directory, or a
    /// table or prefix that is made of [`Env::name`]. The suite then looks whether what is done in the one is seen in the other.
    pub fn other_storage(mut self) -> Self {
        self.declared.hooks.push(Arc::new(StoreHooks::with_other_storage));
        self
    }

    /// All that lasts of the store is in [`Env::dir`], so that another process can take it over. The suite then kills a process
    /// that serves the store, in the midst of its work, and looks whether what was acknowledged is still there. That process is
    /// this program, started again with `--serve`: [`main`](Self::main) has to be called first of all. A store that is not
    /// persistent has nothing to be taken over.
    pub fn storage_in_directory(mut self) -> Self {
        self.declared.in_directory = true;
        self
    }

    /// The store is on a server that the suite starts for it, empty and on a free port, and stops in the end: [`Env::server`]
    /// says where it is. It runs under a clock that the suite moves, so that nothing is waited for. If the store is persistent,
    /// Redis and PostgreSQL are killed in the midst of their work, and what was acknowledged must still be there.
    /// The server's program has to be installed; without it there is an error.
    ///
    /// ```no_run
    /// # use session_core::{Capabilities, Record, SessionKey, SessionStore, StoreError};
    /// # struct MyStore;
    /// # impl MyStore {
    /// #     async fn connect(_url: &str, _prefix: &str) -> Result<Self, std::io::Error> { Ok(Self) }
    /// # }
    /// # impl SessionStore for MyStore {
    /// #     fn capabilities(&self) -> Capabilities { unimplemented!() }
    /// #     async fn load(&self, _: &SessionKey) -> Result<Option<Record>, StoreError> { unimplemented!() }
    /// #     async fn insert(&self, _: &SessionKey, _: &Record) -> Result<SessionKey, StoreError> { unimplemented!() }
    /// #     async fn update(&self, _: &SessionKey, _: &Record) -> Result<SessionKey, StoreError> { unimplemented!() }
    /// #     async fn delete(&self, _: &SessionKey) -> Result<(), StoreError> { unimplemented!() }
    /// # }
    /// use session_conformance::Suite;
    /// use session_conformance::server::ServerKind;
    ///
    /// fn main() -> std::process::ExitCode {
    ///     Suite::new(async |env, _opening| MyStore::connect(env.server(), env.name()).await)
    ///         .server(ServerKind::Redis)
    ///         .main()
    /// }
    /// ```
    pub fn server(mut self, kind: ServerKind) -> Self {
        self.declared.server = Some(kind);
        self
    }

    /// Which awkward values the store keeps, if not all of them.
    pub fn values(mut self, values: Values) -> Self {
        self.declared.values = Some(values);
        self
    }

    /// Lets the suite make the record of a key undecodable; the hook tells whether there was one.
    pub fn damage<E>(
        mut self,
        damage: impl AsyncFn(&Env, &str) -> Result<bool, E> + Send + Sync + 'static,
    ) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let damage = Arc::new(damage);
        self.declared.hooks.push(Arc::new(move |hooks| {
            let damage = Arc::clone(&damage);
            hooks.with_awaited_damage(async move |env: &Env, key: &str| damage(env, key).await)
        }));
        self
    }

    /// Clears away what the store has outside of the environment's directory, when the environment is left and the store
    /// is closed.
    pub fn cleanup<E>(mut self, cleanup: impl AsyncFn(&Env) -> Result<(), E> + Send + Sync + 'static) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let cleanup = Arc::new(cleanup);
        self.declared.hooks.push(Arc::new(move |hooks| {
            let cleanup = Arc::clone(&cleanup);
            hooks.with_cleanup(async move |env: &Env| cleanup(env).await)
        }));
        self
    }

    /// Which rules the store is meant to hold: those for the sessions of every framework ([`Profile::Core`]), or all of
    /// them, which is the default.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.declared.profile = Some(profile);
        self
    }

    /// A rule that the store is known to break for good, and why. It must break it.
    pub fn erratum(mut self, rule: &str, reason: &str) -> Self {
        self.declared.errata.push(Erratum::new(rule, reason));
        self
    }

    /// A file of what fails today, so that only other failures are told; its path begins at the package. With the
    /// environment variable `SESSIONSPEC_UPDATE` set, it is written anew.
    pub fn known_failures(mut self, file: impl Into<PathBuf>) -> Self {
        self.known = Some(file.into());
        self
    }

    /// So many generated traces; 500 otherwise.
    pub fn cases(mut self, cases: usize) -> Self {
        self.config = self.config.with_cases(cases);
        self
    }

    /// Generated traces of up to so many steps; 40 otherwise.
    pub fn steps(mut self, steps: usize) -> Self {
        self.config = self.config.with_steps(steps);
        self
    }

    /// Only the rules whose ids fit a pattern, in which `*` stands for any text; the others are disabled.
    pub fn rules(mut self, pattern: &str) -> Self {
        self.config = self.config.with_rules(pattern);
        self
    }

    /// The seed of what is generated.
    pub fn seed(mut self, seed: u64) -> Self {
        self.config = self.config.with_seed(seed);
        self
    }

    /// After this time nothing more is generated.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.config = self.config.with_budget(budget);
        self
    }

    /// How long the trace of one failure is made smaller; 10 seconds otherwise.
    pub fn shrink(mut self, shrink: Duration) -> Self {
        self.config = self.config.with_shrink(shrink);
        self
    }

    /// How hard what overlaps, fails and is dropped is looked at, and how many sessions are stored at a time.
    pub fn effort(mut self, effort: Effort) -> Self {
        self.config = self.config.with_effort(effort);
        self
    }

    /// How long an operation of the store may take; 30 seconds otherwise. Then it has hung: its rule ends as `timeout`,
    /// and the store is opened anew for the next trace. After some of those the run ends.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs the suite as a test program: a test per rule, with the usual arguments of `cargo test`.
    /// Rules that do not apply to the store are listed as ignored.
    ///
    /// With the environment variable `SESSIONSPEC_TRACE` set to a trace file, that one trace is run instead. With the argument
    /// `--serve` the program is an adapter at the level `store`, for the command `sessionspec`; nothing but the suite may then
    /// write to its standard output.
    pub fn main(self) -> ExitCode {
        test_program(self)
    }

    /// Runs the suite, and gives its report.
    ///
    /// # Errors
    /// A sentence, if the store cannot be opened, or the file of known failures not be read.
    pub fn report(&self) -> Result<SubjectReport, String> {
        let update = std::env::var_os(UPDATE).is_some();
        let read = |path: &PathBuf| Ok::<_, String>((path.clone(), KnownFailures::read(path, update)?));
        let known = self.known.as_ref().map(read).transpose()?;
        let mut subject = self.subject().map_err(|fault| fault.to_string())?;
        let mut report = run(&mut subject, &self.config, &mut |_| {});
        if let Some((path, mut known)) = known {
            if update {
                known = known.updated([&report]);
                known.write(&path)?;
            }
            known.apply(&mut report, today());
        }
        Ok(report)
    }

    /// Runs one trace or schedule, as a regression test. The text is its file.
    ///
    /// # Panics
    /// If the trace does not hold, with the failure as the suite shows it; or if it is no trace.
    pub fn check(&self, trace: &str) {
        match hold(self, trace) {
            Ok(()) => {}
            Err(ReplayError::Broken(block)) => panic!("\n{block}"),
            Err(ReplayError::Undriven(reason)) => panic!("{reason}"),
        }
    }

    /// The store, on a thread of its own.
    pub(super) fn subject(&self) -> Result<Watched, Fault> {
        self.check_declared()?;
        if self.declared.in_directory && program::serves() {
            // It would start itself again to kill that, and so on.
            return Err(Fault::Harness(
                "this program was started with `--serve`, and does not call `Suite::main`".into(),
            ));
        }
        let (make, declared) = (Arc::clone(&self.make), self.declared.clone());
        let (name, version, patience) = (self.name.clone(), self.version.clone(), self.patience);
        let make: Arc<Maker> =
            Arc::new(move || make(&name, &version, declared.hooks_with_process(patience)?));
        Watched::start(make, patience)
    }

    /// The store as an adapter has it, on this thread: who asks moves the clock, and waits no longer than it wants to.
    pub(super) fn served(&self) -> Result<Box<dyn Subject>, Fault> {
        self.check_declared()?;
        let hooks = match self.declared.clock {
            Some(ClockLevel::Moved) => {
                self.declared.on_server(self.declared.hooks_without_clock().with_clock_moved_outside())?
            }
            _ => self.declared.hooks()?,
        };
        (self.make)(&self.name, &self.version, hooks)
    }

    /// What the author says of the store must make sense.
    fn check_declared(&self) -> Result<(), Fault> {
        if let Some(erratum) = self.declared.errata.iter().find(|it| RuleId::named(&it.rule).is_none()) {
            return Err(Fault::Harness(format!(
                "an erratum names the rule `{}`, and there is none",
                erratum.rule
            )));
        }
        let Declared { server, clock, in_directory, .. } = self.declared;
        if in_directory && server.is_some() {
            return Err(Fault::Harness(
                "what lasts of the store is in the directory or on a server: `storage_in_directory` and `server` are both said"
                    .into(),
            ));
        }
        if clock.is_some() && matches!(server, Some(ServerKind::Redis | ServerKind::Memcached)) {
            return Err(Fault::Harness(
                "records expire by the clock of the server that the suite starts, and moves: leave `clock` out"
                    .into(),
            ));
        }
        if let Some(resolution) = self.declared.resolution
            && !(Reach::counts_in(resolution.as_micros()) && resolution.subsec_nanos().is_multiple_of(1_000))
        {
            return Err(Fault::Harness(format!(
                "the clock's resolution is {resolution:?}, and must be a part of a second in whole microseconds"
            )));
        }
        Ok(())
    }

    /// Whether the store reads the clock of this program, to be moved.
    pub(super) fn is_moved(&self) -> bool {
        self.declared.clock == Some(ClockLevel::Moved)
    }

    /// The store's name in reports.
    pub(super) fn store(&self) -> &str {
        &self.name
    }
}

#[cfg(feature = "traits")]
impl Suite {
    /// With the name of another type.
    pub(crate) fn called<T>(self) -> Self {
        self.name(&store_name::<T>())
    }

    /// With what is said of every store of a trait. The caller has the last word.
    pub(crate) fn declaring(
        mut self,
        declare: impl Fn(StoreHooks) -> StoreHooks + Send + Sync + 'static,
    ) -> Self {
        self.declared.hooks.push(Arc::new(declare));
        self
    }
}

impl Declared {
    /// With a process that can be killed, which has so long for each answer.
    fn hooks_with_process(&self, patience: Duration) -> Result<StoreHooks, Fault> {
        let hooks = self.hooks()?;
        Ok(match program::as_adapter() {
            Some(adapter) if self.in_directory => hooks.with_process(adapter.with_timeout(patience)),
            // Then the rules on what dies do not apply, and the report says so.
            _ => hooks,
        })
    }

    fn hooks(&self) -> Result<StoreHooks, Fault> {
        let hooks = self.hooks_without_clock();
        let hooks = match self.clock {
            Some(ClockLevel::Wall) => hooks.with_wall_clock(),
            Some(ClockLevel::Moved) => moved::here(hooks),
            Some(ClockLevel::Virtual) => hooks.with_virtual_clock(),
            None => hooks,
        };
        self.on_server(hooks)
    }

    /// With the server that is wanted, if there is one.
    fn on_server(&self, hooks: StoreHooks) -> Result<StoreHooks, Fault> {
        let server = match (self.server, self.clock) {
            (None, _) => return Ok(hooks),
            (Some(kind), None) => OwnServer::start(kind, Vec::new()),
            (Some(kind), Some(_)) => OwnServer::start_with_this_clock(kind),
        };
        Ok(server.map_err(Fault::Harness)?.hooks(hooks))
    }

    fn hooks_without_clock(&self) -> StoreHooks {
        let hooks = StoreHooks::default().with_errata(self.errata.clone());
        let hooks = self.hooks.iter().fold(hooks, |hooks, add| add(hooks));
        let hooks = if self.in_directory { hooks.with_storage_in_directory() } else { hooks };
        let hooks = match self.resolution {
            Some(resolution) => hooks.with_clock_resolution(resolution),
            None => hooks,
        };
        let hooks = match self.profile {
            Some(profile) => hooks.with_profile(profile),
            None => hooks,
        };
        match self.values {
            Some(values) => hooks.with_values(values),
            None => hooks,
        }
    }
}

/// A runtime whose tasks go on while nobody waits for them: pools of connections want that.
fn with_workers() -> Result<tokio::runtime::Runtime, Fault> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|error| Fault::Harness(format!("no runtime can be started: {error}")))
}
