//! A store that stops before and after everything it does, and fails when it is told to; and how futures on such
//! stores are run step by step, dropped in the midst, and taken up again.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use session_backends::{Front, Lease};
use session_core::{Capabilities, Record, SessionKey, SessionStore, StoreError};

/// When a store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fails {
    Never,
    /// From this call on.
    From(usize),
    /// In this call, before anything was done.
    Before(usize),
    /// In this call, when everything was done: the answer is lost.
    After(usize),
}

#[derive(Debug)]
struct Plan {
    calls: usize,
    fails: Fails,
}

/// A store with a stop before and after each call. Clones are the same store.
#[derive(Debug)]
pub(crate) struct Stepped<S> {
    pub(crate) inner: Arc<S>,
    plan: Arc<Mutex<Plan>>,
    blocks: bool,
}

impl<S> Clone for Stepped<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), plan: Arc::clone(&self.plan), blocks: self.blocks }
    }
}

impl<S> Stepped<S> {
    pub(crate) fn new(inner: S) -> Self {
        let plan = Plan { calls: 0, fails: Fails::Never };
        Self { inner: Arc::new(inner), plan: Arc::new(Mutex::new(plan)), blocks: false }
    }

    /// The same, but that it says that it blocks.
    pub(crate) fn blocking(self) -> Self {
        Self { blocks: true, ..self }
    }

    /// From here on calls are counted anew, and fail so.
    pub(crate) fn fail(&self, fails: Fails) {
        *self.plan.lock().unwrap() = Plan { calls: 0, fails };
    }

    /// How many calls there were since the last `fail`.
    pub(crate) fn calls(&self) -> usize {
        self.plan.lock().unwrap().calls
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        stop().await;
        let (number, fails) = {
            let mut plan = self.plan.lock().unwrap();
            plan.calls += 1;
            (plan.calls - 1, plan.fails)
        };
        let failed = || StoreError::unavailable("do anything", "the test has it so");
        match fails {
            Fails::From(first) if number >= first => return Err(failed()),
            Fails::Before(call) if number == call => return Err(failed()),
            _ => {}
        }
        let result = call.await;
        stop().await;
        if fails == Fails::After(number) { Err(failed()) } else { result }
    }
}

/// Is pending once.
fn stop() -> impl Future<Output = ()> {
    let mut stopped = false;
    std::future::poll_fn(
        move |_| if std::mem::replace(&mut stopped, true) { Poll::Ready(()) } else { Poll::Pending },
    )
}

/// A future that is run by hand.
pub(crate) struct Running<'a, T>(Option<Pin<Box<dyn Future<Output = T> + Send + 'a>>>);

impl<'a, T> Running<'a, T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self(Some(Box::pin(future)))
    }

    /// Runs to the next stop; what came out, if it was the last.
    pub(crate) fn step(&mut self) -> Option<T> {
        let future = self.0.as_mut()?;
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => {
                self.0 = None;
                Some(result)
            }
            Poll::Pending => None,
        }
    }

    /// Runs at most so many steps; what came out, if it is over.
    pub(crate) fn steps(&mut self, steps: usize) -> Option<T> {
        (0..steps).find_map(|_| self.step())
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_none()
    }

    /// Runs to the end, unless it is over.
    pub(crate) fn finish(&mut self) -> Option<T> {
        while self.0.is_some() {
            if let Some(result) = self.step() {
                return Some(result);
            }
        }
        None
    }
}

/// Runs a future to its end, stops and all.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
}

impl<S: SessionStore> SessionStore for Stepped<S> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    fn blocks(&self) -> bool {
        self.blocks
    }
    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.call(self.inner.exists(key)).await
    }
    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.call(self.inner.load(key)).await
    }
    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.call(self.inner.insert(key, record)).await
    }
    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.call(self.inner.update(key, record)).await
    }
    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.call(self.inner.delete(key)).await
    }
    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.call(self.inner.clear_expired()).await
    }
}

impl<S: Front> Front for Stepped<S> {
    async fn lease(&self, key: &SessionKey, lease: Lease) -> Result<bool, StoreError> {
        self.call(self.inner.lease(key, lease)).await
    }
    async fn hold(&self, key: &SessionKey, lease: Lease) -> Result<bool, StoreError> {
        self.call(self.inner.hold(key, lease)).await
    }
    async fn fill(&self, key: &SessionKey, lease: Lease, record: &Record) -> Result<bool, StoreError> {
        self.call(self.inner.fill(key, lease, record)).await
    }
}
