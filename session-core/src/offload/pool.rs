//! A few threads, a queue before them, and a watch that ends the waiting of whoever waits too long.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::OffloadLimits;

/// Longer than anybody waits.
const FOREVER: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// Why a call has no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    QueueFull,
    NoThread,
    /// Its time was over before a thread was free. It will not begin.
    NotBegun,
    /// Its time was over before it ended. It goes on.
    TookTooLong,
}

/// The threads and what they share. They end when this is dropped and the queue is empty.
pub(super) struct Pool(Arc<Shared>);

struct Shared {
    limits: OffloadLimits,
    state: Mutex<State>,
    /// Something is in the queue, or the pool was dropped.
    work: Condvar,
    /// There is something to watch again, or the pool was dropped.
    watch: Condvar,
}

#[derive(Default)]
struct State {
    /// The oldest first.
    queue: VecDeque<Arc<dyn Call>>,
    running: Vec<Arc<dyn Call>>,
    threads: usize,
    idle: usize,
    watch: Watch,
    closed: bool,
}

/// What the thread does that watches the time.
#[derive(Default, PartialEq)]
enum Watch {
    #[default]
    NotStarted,
    /// It looks by itself when the time of the oldest call is over.
    Looking,
    /// It waits to be woken.
    Asleep,
}

/// A call of any type, as the threads see it.
trait Call: Send + Sync {
    /// Does it, unless nobody waits any more.
    fn run(&self);
    /// When its time is over; `None` if it may go on.
    fn due(&self) -> Option<Instant>;
    /// Ends the waiting.
    fn expire(&self);
    /// Whether it will never run.
    fn is_void(&self) -> bool;
}

struct Task<T, F> {
    due: Instant,
    /// Whether it may take longer, once begun.
    may_run_on: bool,
    stage: Mutex<Stage<T, F>>,
}

enum Stage<T, F> {
    Queued(F, Option<Waker>),
    Running(Option<Waker>),
    Done(thread::Result<T>),
    Over(Option<Refused>),
}

impl Pool {
    pub(super) fn new(limits: OffloadLimits) -> Self {
        let (work, watch) = (Condvar::new(), Condvar::new());
        Self(Arc::new(Shared { limits, state: Mutex::default(), work, watch }))
    }

    pub(super) fn limits(&self) -> OffloadLimits {
        self.0.limits
    }

    /// Has something done by one of the threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        may_run_on: bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let now = Instant::now();
        let due = now.checked_add(self.0.limits.wait).unwrap_or(now + FOREVER);
        let stage = Mutex::new(Stage::Queued(work, None));
        let task = Arc::new(Task { due, may_run_on, stage });
        self.0.submit(Arc::clone(&task) as Arc<dyn Call>)?;
        Waiting(task).await
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.work.notify_all();
        self.0.watch.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn submit(self: &Arc<Self>, call: Arc<dyn Call>) -> Result<(), Refused> {
        let mut state = self.state();
        let room = self.limits.queue + self.limits.threads.saturating_sub(state.threads) + state.idle;
        if state.queue.len() >= room {
            state.queue.retain(|call| !call.is_void());
            if state.queue.len() >= room {
                return Err(Refused::QueueFull);
            }
        }
        if state.queue.len() >= state.idle && state.threads < self.limits.threads {
            let shared = Arc::clone(self);
            match thread::Builder::new().name("session-store".into()).spawn(move || shared.work()) {
                Ok(_) => state.threads += 1,
                // The others will do it, if there are any.
                Err(_) if state.threads > 0 => {}
                Err(_) => return Err(Refused::NoThread),
            }
        }
        if state.watch == Watch::NotStarted {
            let shared = Arc::clone(self);
            let watching =
                thread::Builder::new().name("session-store-watch".into()).spawn(move || shared.watch());
            watching.map_err(|_| Refused::NoThread)?;
            state.watch = Watch::Looking;
        } else if state.watch == Watch::Asleep {
            state.watch = Watch::Looking;
            self.watch.notify_one();
        }
        state.queue.push_back(call);
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    /// What each of the threads does.
    fn work(&self) {
        let mut state = self.state();
        loop {
            if let Some(call) = state.queue.pop_front() {
                state.running.push(Arc::clone(&call));
                drop(state);
                call.run();
                state = self.state();
                state.running.retain(|other| !Arc::ptr_eq(other, &call));
            } else if state.closed {
                return;
            } else {
                state.idle += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }

    /// What the thread does that watches the time.
    fn watch(&self) {
        let mut state = self.state();
        // Nobody waits for the answers of a pool that is gone.
        while !state.closed {
            let now = Instant::now();
            let calls = |state: &State| {
                let calls = state.running.iter().chain(&state.queue).filter(|call| !call.is_void());
                calls.cloned().collect::<Vec<_>>()
            };
            let late = calls(&state).into_iter().filter(|call| call.due().is_some_and(|due| due <= now));
            let late: Vec<_> = late.collect();
            if !late.is_empty() {
                // Whoever is woken may come back at once.
                drop(state);
                for call in late {
                    call.expire();
                }
                state = self.state();
                continue;
            }
            // All have the same time, so that the next one is among those that run or is the first that waits.
            let next = calls(&state).iter().filter_map(|call| call.due()).min();
            state = if let Some(next) = next {
                let left = next.saturating_duration_since(now);
                self.watch.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
            } else {
                state.watch = Watch::Asleep;
                let mut state = self.watch.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.watch = Watch::Looking;
                state
            };
        }
    }
}

impl<T, F> Task<T, F> {
    fn stage(&self) -> MutexGuard<'_, Stage<T, F>> {
        lock(&self.stage)
    }
}

impl<T: Send, F: FnOnce() -> T + Send> Call for Task<T, F> {
    fn run(&self) {
        let mut stage = self.stage();
        let work = match std::mem::replace(&mut *stage, Stage::Over(None)) {
            Stage::Queued(work, waker) => {
                *stage = Stage::Running(waker);
                work
            }
            other => {
                *stage = other;
                return;
            }
        };
        drop(stage);
        let result = catch_unwind(AssertUnwindSafe(work));
        let mut stage = self.stage();
        // Whoever waited too long has gone.
        if let Stage::Running(waker) = &mut *stage {
            let waker = waker.take();
            *stage = Stage::Done(result);
            drop(stage);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn due(&self) -> Option<Instant> {
        match &*self.stage() {
            Stage::Queued(..) => Some(self.due),
            Stage::Running(_) if !self.may_run_on => Some(self.due),
            _ => None,
        }
    }

    fn expire(&self) {
        let mut stage = self.stage();
        let (waker, refused) = match &mut *stage {
            Stage::Queued(_, waker) => (waker.take(), Refused::NotBegun),
            Stage::Running(waker) => (waker.take(), Refused::TookTooLong),
            Stage::Done(_) | Stage::Over(_) => return,
        };
        *stage = Stage::Over(Some(refused));
        drop(stage);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn is_void(&self) -> bool {
        matches!(&*self.stage(), Stage::Over(_))
    }
}

/// Waits for an answer. Dropped, it takes back what has not begun.
struct Waiting<T, F>(Arc<Task<T, F>>);

impl<T, F> Future for Waiting<T, F> {
    type Output = Result<T, Refused>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.0.stage();
        let waker = match &mut *stage {
            Stage::Queued(_, waker) | Stage::Running(waker) => waker,
            over => {
                let over = std::mem::replace(over, Stage::Over(None));
                drop(stage);
                return Poll::Ready(match over {
                    Stage::Done(Ok(answer)) => Ok(answer),
                    // A store that panics does so where it was called.
                    Stage::Done(Err(panic)) => resume_unwind(panic),
                    Stage::Over(Some(refused)) => Err(refused),
                    _ => Err(Refused::TookTooLong),
                });
            }
        };
        *waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<T, F> Drop for Waiting<T, F> {
    fn drop(&mut self) {
        let mut stage = self.0.stage();
        // What has begun runs to its end, and nobody takes its answer.
        if !matches!(&*stage, Stage::Running(_)) {
            let over = std::mem::replace(&mut *stage, Stage::Over(None));
            drop(stage);
            drop(over);
        }
    }
}

/// No lock here is held while anything is called that could panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc::channel;

    use super::*;
    use crate::blocking::Wait;

    /// Longer than anything takes here.
    const LONG: Duration = Duration::from_secs(30);

    fn pool(threads: usize, queue: usize, wait: Duration) -> Pool {
        Pool::new(OffloadLimits::default().with_threads(threads).with_queue(queue).with_wait(wait))
    }

    /// Waits for something that happens by itself.
    fn until(happened: impl Fn() -> bool) {
        let begun = Instant::now();
        while !happened() {
            assert!(begun.elapsed() < LONG, "it does not happen");
            thread::yield_now();
        }
    }

    /// Begins a call.
    fn begin<T>(call: Pin<&mut impl Future<Output = Result<T, Refused>>>) {
        assert!(call.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }

    #[test]
    fn threads_end_with_their_pool() {
        let pool = pool(1, 1, LONG);
        assert_eq!(pool.run(false, || 1).wait(), Ok(1));
        let shared = Arc::downgrade(&pool.0);
        drop(pool);
        until(|| shared.strong_count() == 0);
    }

    #[test]
    fn a_time_without_end_is_not_over_yet() {
        let pool = pool(1, 1, Duration::MAX);
        let (sent, received) = channel();
        let mut call = pin!(pool.run(false, move || received.recv_timeout(LONG)));
        begin(call.as_mut());
        until(|| pool.0.state().running.len() == 1);
        let due = pool.0.state().running[0].due();
        assert!(due > Some(Instant::now() + LONG), "{due:?}");
        sent.send(()).unwrap_or_else(|_| panic!("it is over"));
        assert_eq!(call.wait(), Ok(Ok(())));
    }

    #[test]
    fn a_thread_that_has_nothing_to_do_is_room_for_one() {
        let pool = pool(1, 0, LONG);
        assert_eq!(pool.run(false, || 1).wait(), Ok(1));
        until(|| pool.0.state().idle == 1);
        assert_eq!(pool.run(false, || 2).wait(), Ok(2));
    }

    #[test]
    fn a_thread_that_works_again_is_not_idle() {
        let pool = pool(2, 1, LONG);
        assert_eq!(pool.run(false, || 1).wait(), Ok(1));
        until(|| pool.0.state().idle == 1);
        let (sent, received) = channel();
        let mut first = pin!(pool.run(false, move || received.recv_timeout(LONG / 3)));
        begin(first.as_mut());
        until(|| pool.0.state().running.len() == 1);
        // It needs a thread of its own: the other one waits for it.
        assert_eq!(pool.run(false, move || sent.send(7)).wait(), Ok(Ok(())));
        assert_eq!(first.wait(), Ok(Ok(7)));
    }

    #[test]
    fn who_is_late_is_told_so_beside_others_that_are_not() {
        let pool = pool(2, 1, Duration::from_secs(2));
        let (sent, received) = channel::<()>();
        let mut late = pin!(pool.run(false, move || received.recv_timeout(LONG)));
        begin(late.as_mut());
        until(|| pool.0.state().running.len() == 1);
        assert_eq!(pool.run(false, || 1).wait(), Ok(1));
        assert_eq!(late.wait(), Err(Refused::TookTooLong));
        drop(sent);
    }

    #[test]
    fn who_is_late_is_told_so_after_a_time_in_which_nobody_was() {
        let pool = pool(1, 1, Duration::from_millis(1));
        let asked = std::iter::repeat_with(|| pool.run(false, || 1).wait());
        // On a busy machine the time may be over before.
        assert!(asked.take(1_000).any(|answer| answer == Ok(1)));
        until(|| pool.0.state().watch == Watch::Asleep);
        let (sent, received) = channel::<()>();
        let late = pool.run(false, move || received.recv_timeout(LONG)).wait();
        assert!(matches!(late, Err(Refused::TookTooLong | Refused::NotBegun)), "{late:?}");
        drop(sent);
    }
}
