//! The parts of a store that the suite can stop, make fail and make forget: the cache before a database, the connection to a
//! server. A store that is opened with [`Env::part`](crate::Env::part) around them shows where it can be interrupted;
//! in the ordinary traces a part is as if it were not there.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

#[cfg(feature = "cli")]
use session_backends::{Front, Lease};
use session_core::{Capabilities, Record, SessionKey, SessionStore, StoreError};

/// When a part fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// In one call, before anything was done.
    Before,
    /// In one call, when everything was done: the answer is lost.
    After,
    /// In one call and in all that follow, before anything was done.
    Down,
}

impl When {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Before, Self::After, Self::Down];

    /// The name in schedules.
    pub fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Down => "down",
        }
    }
}

/// The parts of the stores of one environment.
#[derive(Debug, Clone, Default)]
pub struct Parts(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Whether calls stop before and after they are done.
    stopping: bool,
    /// Whether a call stopped since somebody looked.
    stopped: bool,
    parts: Vec<PartState>,
}

struct PartState {
    name: &'static str,
    /// The call that fails, counted from 0 since that was said.
    fails: Option<(u32, When)>,
    calls: u32,
    /// Makes it lose what it keeps, if it may.
    forget: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl fmt::Debug for PartState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, fails, calls, forget: _ } = self;
        f.debug_struct("PartState").field("name", name).field("fails", fails).field("calls", calls).finish()
    }
}

impl Parts {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The part of this name.
    pub(crate) fn part(&self, name: &'static str) -> Part {
        let mut state = self.lock();
        if !state.parts.iter().any(|part| part.name == name) {
            state.parts.push(PartState { name, fails: None, calls: 0, forget: None });
        }
        Part { parts: self.clone(), name }
    }

    /// The names of the parts that were opened.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.lock().parts.iter().map(|part| part.name).collect()
    }

    /// The names of those that may lose what they keep.
    pub(crate) fn forgetful(&self) -> Vec<&'static str> {
        self.lock().parts.iter().filter(|part| part.forget.is_some()).map(|part| part.name).collect()
    }

    /// Has every part that may lose what it keeps do so.
    pub(crate) fn forget(&self) {
        // Not under the lock: it may use the part.
        let forget: Vec<_> = self.lock().parts.iter().filter_map(|part| part.forget.clone()).collect();
        for forget in forget {
            forget();
        }
    }

    /// Whether calls stop before and after they are done.
    pub(crate) fn set_stopping(&self, stopping: bool) {
        let mut state = self.lock();
        state.stopping = stopping;
        state.stopped = false;
    }

    /// Whether a call stopped since this was asked the last time.
    pub(crate) fn take_stopped(&self) -> bool {
        std::mem::take(&mut self.lock().stopped)
    }

    /// From here on a part fails in a call, counted from 0.
    pub(crate) fn fail(&self, name: &str, call: u32, when: When) {
        for part in self.lock().parts.iter_mut().filter(|part| part.name == name) {
            part.fails = Some((call, when));
            part.calls = 0;
        }
    }

    /// Nothing fails any more.
    pub(crate) fn mend(&self) {
        for part in &mut self.lock().parts {
            part.fails = None;
        }
    }

    /// Whether anything is to fail.
    pub(crate) fn is_failing(&self) -> bool {
        self.lock().parts.iter().any(|part| part.fails.is_some())
    }

    /// Counts a call of a part; tells how it fails, if it does.
    fn count(&self, name: &str) -> Option<When> {
        let mut state = self.lock();
        let part = state.parts.iter_mut().find(|part| part.name == name)?;
        let number = part.calls;
        part.calls += 1;
        let (call, when) = part.fails?;
        let hit = if when == When::Down { number >= call } else { number == call };
        hit.then_some(when)
    }

    /// Is pending once, if calls are to stop.
    async fn stop(&self) {
        let mut stopped = false;
        poll_fn(|context| {
            let mut state = self.lock();
            if stopped || !state.stopping {
                return Poll::Ready(());
            }
            stopped = true;
            state.stopped = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// A part of a store: what is done through it can be stopped and made to fail.
#[derive(Clone)]
pub struct Part {
    parts: Parts,
    name: &'static str,
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Part").field(&self.name).finish()
    }
}

impl Part {
    /// Does something with this part: a call of the cache, the database, the server. Each call is atomic in what it is
    /// made to suffer: it fails before or after its effect, or its future is dropped before or after it.
    ///
    /// # Errors
    /// Those of the call; [`StoreError::Unavailable`] if it is made to fail.
    pub async fn call<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.parts.stop().await;
        let fails = self.parts.count(self.name);
        let failed =
            || StoreError::unavailable("do anything", format!("the suite made the {} fail", self.name));
        if let Some(When::Before | When::Down) = fails {
            return Err(failed());
        }
        let result = call.await;
        self.parts.stop().await;
        if fails == Some(When::After) { Err(failed()) } else { result }
    }

    /// This part may lose what it keeps at any time, as a cache does that is full or is started again: this is how. The suite
    /// then has it do so in the midst of the work, by the handle that said so last. It is done at once, and for a cache on a
    /// server with a client that blocks; what goes wrong in it is a panic.
    pub fn forgets_by(&self, forget: impl Fn() + Send + Sync + 'static) {
        if let Some(part) = self.parts.lock().parts.iter_mut().find(|part| part.name == self.name) {
            part.forget = Some(Arc::new(forget));
        }
    }

    /// A store that is used through this part.
    pub fn around<S>(&self, store: S) -> Around<S> {
        Around { part: self.clone(), store }
    }
}

/// A store that is a part of another one; also a front of one, where the feature `cli` is on. It never offloads what blocks,
/// so that the suite sees every call.
#[derive(Debug)]
pub struct Around<S> {
    part: Part,
    store: S,
}

#[deny(clippy::missing_trait_methods)]
impl<S: SessionStore> SessionStore for Around<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }
    fn blocks(&self) -> bool {
        false
    }
    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.part.call(self.store.exists(key)).await
    }
    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.part.call(self.store.load(key)).await
    }
    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.part.call(self.store.insert(key, record)).await
    }
    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.part.call(self.store.update(key, record)).await
    }
    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.part.call(self.store.delete(key)).await
    }
    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.part.call(self.store.clear_expired()).await
    }
}

#[cfg(feature = "cli")]
impl<S: Front> Front for Around<S> {
    async fn lease(&self, key: &SessionKey, lease: Lease) -> Result<bool, StoreError> {
        self.part.call(self.store.lease(key, lease)).await
    }
    async fn hold(&self, key: &SessionKey, lease: Lease) -> Result<bool, StoreError> {
        self.part.call(self.store.hold(key, lease)).await
    }
    async fn fill(&self, key: &SessionKey, lease: Lease, record: &Record) -> Result<bool, StoreError> {
        self.part.call(self.store.fill(key, lease, record)).await
    }
}
