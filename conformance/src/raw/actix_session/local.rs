//! A store whose futures cannot leave the thread that they began on: it lives on a thread of its own, where it is opened,
//! used and dropped. What is asked of it at the same time is under way there at the same time, and what nobody waits for any
//! more is dropped.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::thread::{self, JoinHandle};

use futures_lite::FutureExt;
use session_core::BoxError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};

/// What is done with the store.
type Job<T> = Box<dyn FnOnce(Rc<T>) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// What came of it, or the panic that it ended with.
type Ended<R> = Result<R, Box<dyn Any + Send>>;

/// A store on its thread.
pub(super) struct Local<T> {
    /// Nothing only while it is dropped.
    jobs: Option<mpsc::UnboundedSender<Job<T>>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: 'static> Local<T> {
    /// Opens a store.
    pub(super) async fn open<E>(
        open: impl AsyncFnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<Self, BoxError>
    where
        E: Into<BoxError>,
    {
        let (jobs, asked) = mpsc::unbounded_channel();
        let (tell, opened) = oneshot::channel();
        let live = move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(tell.send(Err(error.into()))),
            };
            let tasks = LocalSet::new();
            tasks.block_on(&runtime, async {
                match AssertUnwindSafe(open()).catch_unwind().await {
                    Ok(Ok(store)) => {
                        // Where nobody waits any more, nothing will be asked either.
                        drop(tell.send(Ok(Ok(()))));
                        serve(store, asked).await;
                    }
                    Ok(Err(error)) => drop(tell.send(Err(error.into()))),
                    Err(panic) => drop(tell.send(Ok(Err(panic)))),
                }
            });
            // What is still under way is dropped inside the runtime, and with the last of it the store.
            let _inside = runtime.enter();
            drop(tasks);
        };
        let thread = thread::Builder::new().name("store".into()).spawn(live)?;
        let local = Self { jobs: Some(jobs), thread: Some(thread) };
        match opened.await? {
            Ok(Ok(())) => Ok(local),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(error) => Err(error),
        }
    }

    /// Does something with the store. If that panics, so does this.
    pub(super) async fn with<R: Send + 'static>(
        &self,
        act: impl AsyncFnOnce(&T) -> R + Send + 'static,
    ) -> Result<R, BoxError> {
        let (mut tell, ended) = oneshot::channel::<Ended<R>>();
        let job: Job<T> = Box::new(move |store| {
            Box::pin(async move {
                let done = async { Some(AssertUnwindSafe(act(&store)).catch_unwind().await) };
                let left = async {
                    tell.closed().await;
                    None
                };
                if let Some(done) = done.or(left).await {
                    drop(tell.send(done));
                }
            })
        });
        let gone = || BoxError::from("the thread of the store has ended");
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(job).map_err(|_| gone())?;
        ended.await?.map_or_else(|panic| resume_unwind(panic), Ok)
    }
}

/// Does what is asked, until nobody can ask any more.
async fn serve<T: 'static>(store: T, mut asked: mpsc::UnboundedReceiver<Job<T>>) {
    let store = Rc::new(store);
    while let Some(job) = asked.recv().await {
        spawn_local(job(Rc::clone(&store)));
    }
}

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        // The thread ends when nobody can ask any more. What the store holds is free only then.
        self.jobs = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

impl<T> fmt::Debug for Local<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::mpsc::{Sender, channel};

    use futures_lite::future::poll_once;
    use tokio::runtime::{Builder, Handle};

    use super::*;

    /// Tells where it is dropped: the name of the thread, and whether that is inside a runtime.
    struct Witness(Sender<(Option<String>, bool)>);

    impl Drop for Witness {
        fn drop(&mut self) {
            let name = thread::current().name().map(str::to_owned);
            self.0.send((name, Handle::try_current().is_ok())).unwrap();
        }
    }

    #[test]
    fn what_nobody_waits_for_is_dropped_where_the_store_lives_and_the_store_last() {
        let (tell, dropped) = channel();
        let (begin, running) = channel();
        let (store, under_way) = (Witness(tell.clone()), Witness(tell));
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let local = Local::open(async move || Ok::<_, BoxError>(store)).await.unwrap();
            let asked = local.with(async move |_| {
                let _under_way = under_way;
                begin.send(()).unwrap();
                pending::<()>().await;
            });
            let mut asked = Box::pin(asked);
            assert!(poll_once(&mut asked).await.is_none());
            running.recv().unwrap();
            drop(asked);
            drop(local);
        });
        let where_the_store_lives = (Some("store".to_owned()), true);
        assert_eq!(
            dropped.iter().collect::<Vec<_>>(),
            [where_the_store_lives.clone(), where_the_store_lives]
        );
    }
}
