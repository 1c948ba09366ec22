//! What the suite may do behind a store's back, and what the store cannot say of itself.

use std::any::Any;
use std::error::Error;
use std::future::ready;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use session_core::Chain;
use tokio::runtime::Runtime;

use super::connection::AdapterCommand;
use super::remote::RemoteState;
use super::{Env, Fault, Subject};
use crate::manifest::{ClockLevel, Erratum, Manifest, Reach, Values};
use crate::moved::{fallen_back, moved};
use crate::rule::Profile;

/// Makes the record of a key undecodable; tells whether there was one.
type Damage = Box<dyn for<'a> FnMut(&'a Env, &'a str) -> Answered<'a, bool>>;

/// Clears away what an environment has left.
type Cleanup = Box<dyn for<'a> FnMut(&'a Env) -> Answered<'a, ()>>;

/// The answer of a hook.
type Answered<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + 'a>>;

/// Moves the store's own clock to an instant, in microseconds since the Unix epoch.
type MoveClock = Box<dyn FnMut(i64) -> Result<(), String>>;

/// How time reaches a store that reads another clock than the environment's.
pub(super) enum OwnClock {
    /// It is moved.
    Moved {
        /// How it was seen that it obeys.
        test: String,
        reach: Reach,
        to: MoveClock,
    },
    /// It is moved from outside this process, which is asked as an adapter.
    Outside,
    /// It is waited for.
    Wall {
        /// Why it is not moved, if it should be.
        reason: Option<String>,
    },
}

/// The process that can be killed under a store.
pub(super) enum KillableProcess {
    /// The adapter in which the store is.
    Adapter(Arc<Mutex<RemoteState>>),
    /// One that serves the same store, in a storage of its own; it is started when it is needed.
    Apart(AdapterCommand, Option<Box<dyn Subject>>),
    /// The server on which the store is.
    Server(Box<dyn KillableServer>),
}

/// A server that keeps all that lasts of a store, and that the suite may kill.
pub trait KillableServer {
    /// Sees to it that what the server acknowledges from now on outlives it, at an instant in microseconds since the Unix
    /// epoch. It may start again for that, and forget what it has.
    ///
    /// # Errors
    /// Why that cannot be done.
    fn prepare(&mut self, now: i64) -> Result<(), String>;

    /// Has it killed after some time, and does not wait for that.
    fn kill_after(&mut self, after: Duration);

    /// Whether it was killed and not started again. A killing that is still to come is waited for.
    fn is_killed(&mut self) -> bool;

    /// Kills it, if it still lives, and starts it again on what it left, at an instant.
    ///
    /// # Errors
    /// Why it does not start.
    fn start_again(&mut self, now: i64) -> Result<(), String>;
}

/// What the suite may do behind a store's back.
#[derive(Default)]
pub struct StoreHooks {
    pub(super) damage: Option<Damage>,
    pub(super) cleanup: Option<Cleanup>,
    pub(super) clock: Option<OwnClock>,
    /// What the clock counts in, in microseconds, if not in those.
    pub(super) resolution: Option<i64>,
    /// What the store keeps, if not everything.
    pub(super) values: Option<Values>,
    pub(super) errata: Vec<Erratum>,
    /// Which rules the store is meant to hold.
    pub(super) profile: Profile,
    /// Whether saving creates what is not there.
    pub(super) upsert: bool,
    /// Whether environments have storages of their own.
    pub(super) other_storage: bool,
    /// Whether clearing does not tell how many records it removed. Of an adapter that is known when it has cleared.
    pub(super) uncounted: Arc<AtomicBool>,
    pub(super) runtime: Option<Runtime>,
    /// What is kept for as long as the store is driven.
    pub(super) guard: Option<Box<dyn Any>>,
    /// Whether all that lasts is in the environment's directory.
    pub(super) in_directory: bool,
    /// What can be killed.
    pub(super) process: Option<KillableProcess>,
    /// The URL of the server that was started for the store; empty without one.
    pub(super) server_url: String,
    /// What an adapter was sent, if the store is one.
    pub(super) sent: Option<Box<dyn Fn() -> String>>,
    /// What broke the connection to a store that is elsewhere, if anything did.
    pub(super) fault: Option<Box<dyn FnMut() -> Option<Fault>>>,
}

impl StoreHooks {
    /// Lets the suite make the record of a key undecodable; the hook tells whether there was one.
    #[must_use]
    pub fn with_damage(
        mut self,
        mut damage: impl FnMut(&Env, &str) -> Result<bool, String> + 'static,
    ) -> Self {
        self.damage = Some(Box::new(move |env, key| Box::pin(ready(damage(env, key)))));
        self
    }

    /// The same with a hook that is waited for, inside the runtime.
    #[must_use]
    pub fn with_awaited_damage<E>(
        mut self,
        damage: impl AsyncFn(&Env, &str) -> Result<bool, E> + 'static,
    ) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let damage = Rc::new(damage);
        self.damage = Some(Box::new(move |env, key| {
            let damage = Rc::clone(&damage);
            Box::pin(async move { damage(env, key).await.map_err(told) })
        }));
        self
    }

    /// Clears away what the store has outside of the environment's directory, when the environment is left and the store
    /// is closed.
    #[must_use]
    pub fn with_cleanup<E>(mut self, cleanup: impl AsyncFn(&Env) -> Result<(), E> + 'static) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let cleanup = Rc::new(cleanup);
        self.cleanup = Some(Box::new(move |env| {
            let cleanup = Rc::clone(&cleanup);
            Box::pin(async move { cleanup(env).await.map_err(told) })
        }));
        self
    }

    /// Tells the suite which awkward values the store keeps.
    #[must_use]
    pub fn with_values(mut self, values: Values) -> Self {
        self.values = Some(values);
        self
    }

    /// Tells the suite that the store has one operation for creating and replacing, so that saving a session creates what
    /// is not there. Rules on saves that must be refused then do not apply.
    #[must_use]
    pub fn with_upsert(mut self) -> Self {
        self.upsert = true;
        self
    }

    /// Tells the suite that a store which is opened in another environment, while this one is open, has a storage of its own:
    /// another directory, or a table or prefix that is made of [`Env::name`]. What is done in the one must not be seen in
    /// the other.
    #[must_use]
    pub fn with_other_storage(mut self) -> Self {
        self.other_storage = true;
        self
    }

    /// Tells the suite that the store does not count the expired records that it removes.
    #[must_use]
    pub fn with_uncounted_sweep(self) -> Self {
        self.uncounted.store(true, Ordering::Relaxed);
        self
    }

    /// Tells the suite which rules the store is meant to hold; all of them otherwise.
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// Tells the suite which rules the store is known to break.
    #[must_use]
    pub fn with_errata(mut self, errata: Vec<Erratum>) -> Self {
        self.errata = errata;
        self
    }

    /// Tells the suite that records expire by a clock that it cannot set, such as a server's: what needs time to
    /// pass is then waited for, and only little of that is done.
    #[must_use]
    pub fn with_wall_clock(mut self) -> Self {
        self.clock = Some(OwnClock::Wall { reason: None });
        self
    }

    /// Tells the suite that the store reads no clock but the environment's, which is so unless something else is said.
    #[must_use]
    pub fn with_virtual_clock(mut self) -> Self {
        self.clock = None;
        self
    }

    /// The same, of a clock that should be moved and is not, for this reason; the report tells it.
    #[must_use]
    pub fn with_unmoved_clock(mut self, reason: impl Into<String>) -> Self {
        self.clock = Some(OwnClock::Wall { reason: Some(reason.into()) });
        self
    }

    /// Tells the suite what the store counts time in: seconds, say. Its traces then have no shorter times. It is a part of
    /// a second, or one.
    #[must_use]
    pub fn with_clock_resolution(mut self, resolution: Duration) -> Self {
        self.resolution = i64::try_from(resolution.as_micros()).ok();
        self
    }

    /// Tells the suite that records expire by a clock that can be moved, such as that of a server under a
    /// [`MovedClock`](session_clock::MovedClock). `to` is called with an instant, in microseconds since the Unix epoch,
    /// before anything is done; it may be an earlier one when a storage is about to be opened. It must not come
    /// back before the store obeys. `test` says how it was seen that it does, and `reach` what the clock can show.
    #[must_use]
    pub fn with_moved_clock(
        mut self,
        test: impl Into<String>,
        reach: Reach,
        to: impl FnMut(i64) -> Result<(), String> + 'static,
    ) -> Self {
        self.clock = Some(OwnClock::Moved { test: test.into(), reach, to: Box::new(to) });
        self
    }

    /// Tells that the store reads the clock of this program, which is moved by who asks the program as an adapter.
    pub(crate) fn with_clock_moved_outside(mut self) -> Self {
        self.clock = Some(OwnClock::Outside);
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

    /// Names the server on which the store is, and which the suite may kill, to see whether what was acknowledged is still there.
    /// The store is then opened anew.
    #[must_use]
    pub fn with_server(mut self, server: impl KillableServer + 'static) -> Self {
        self.process = Some(KillableProcess::Server(Box::new(server)));
        self
    }

    /// Tells the store where the server is that was started for it: [`Env::server`].
    #[must_use]
    pub fn with_server_url(mut self, url: impl Into<String>) -> Self {
        self.server_url = url.into();
        self
    }

    /// Keeps something for as long as the store is driven, such as the server that it is on.
    #[must_use]
    pub fn with_guard(mut self, guard: impl Any) -> Self {
        self.guard = Some(Box::new(guard));
        self
    }

    /// Runs the store's futures on this runtime; on one that works only while it waits for a future otherwise.
    #[must_use]
    pub fn with_runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = Some(runtime);
        self
    }
}

/// What a hook says of its failure.
fn told(error: impl Into<Box<dyn Error + Send + Sync>>) -> String {
    Chain(&*error.into()).to_string()
}

impl StoreHooks {
    /// Moves the store's own clock, if it has one that is moved.
    pub(super) fn move_clock(&mut self, now: i64) -> Result<(), Fault> {
        match &mut self.clock {
            Some(OwnClock::Moved { to, .. }) => {
                to(now).map_err(|reason| Fault::Harness(format!("the clock cannot be moved: {reason}")))
            }
            _ => Ok(()),
        }
    }

    /// What the manifest says of the clock.
    pub(super) fn describe_clock(&self, manifest: &mut Manifest) {
        match &self.clock {
            None => manifest.clock = ClockLevel::Virtual,
            Some(OwnClock::Moved { test, reach, .. }) => moved(manifest, test.clone(), *reach),
            Some(OwnClock::Wall { reason: Some(reason) }) => fallen_back(manifest, reason),
            Some(OwnClock::Outside) => manifest.clock = ClockLevel::Moved,
            Some(OwnClock::Wall { reason: None }) => manifest.clock = ClockLevel::Wall,
        }
        if let Some(resolution) = self.resolution {
            manifest.clock_reach.resolution = resolution;
        }
    }

    /// What broke the connection since this was asked the last time, if anything did.
    pub(super) fn broken(&mut self) -> Option<Fault> {
        self.fault.as_mut().and_then(|fault| fault())
    }
}

impl std::fmt::Debug for StoreHooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreHooks").field("damage", &self.damage.is_some()).finish_non_exhaustive()
    }
}
