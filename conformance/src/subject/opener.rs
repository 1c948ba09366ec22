//! How a Rust store is opened: by a function that answers at once, or by one that is waited for. What is opened has
//! forgotten its type, so that all that drives it is compiled once, and not in each store's test program.

use std::error::Error;
use std::future::ready;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use session_core::{AnyStore, BoxError, SessionStore};

use super::bulk::{Answered, Bulk, BulkOperations};
use super::{Env, Opening};
use crate::manifest::Operation;
use crate::schedule::Racer;

/// One handle on a storage.
pub(super) struct Handle {
    pub(super) store: AnyStore,
    bulk: Box<dyn Bulk>,
}

impl Handle {
    /// A store, and what can be done with all its sessions at once.
    pub(super) fn new<S: SessionStore + 'static>(store: S, bulk: &Rc<BulkOperations<S>>) -> Self {
        let store = Arc::new(store);
        let bulk = Box::new((Arc::clone(&store), Rc::clone(bulk)));
        Self { store: AnyStore::without_offload(store), bulk }
    }

    /// Does something with all sessions at once; `None` if it cannot be done.
    pub(super) fn act(&self, operation: Operation) -> Option<Answered<'_>> {
        self.bulk.act(operation)
    }

    /// What threads may share of it.
    pub(super) fn racer(&self) -> Racer {
        Racer { store: self.store.clone(), touching: self.bulk.touching() }
    }
}

/// Opens a store. What it does before it returns, it does outside of any future.
pub(super) struct Opener {
    open: Box<Open>,
    /// What can be done with all its sessions at once.
    pub(super) operations: Vec<Operation>,
}

type Open = dyn for<'a> FnMut(&'a Env, Opening) -> Opened<'a>;

/// A store that is being opened.
pub(super) type Opened<'a> = Pin<Box<dyn Future<Output = Result<Handle, BoxError>> + 'a>>;

impl Opener {
    pub(super) fn open<'a>(&mut self, env: &'a Env, opening: Opening) -> Opened<'a> {
        (self.open)(env, opening)
    }
}

/// One that answers at once. It may run futures itself, on the runtime that it finds.
pub(super) fn at_once<S, E, F>(mut open: F, bulk: Rc<BulkOperations<S>>) -> Opener
where
    F: FnMut(&Env, Opening) -> Result<S, E> + 'static,
    S: SessionStore + 'static,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let operations = bulk.names().collect();
    let open: Box<Open> = Box::new(move |env, opening| {
        let opened = open(env, opening).map(|store| Handle::new(store, &bulk));
        Box::pin(ready(opened.map_err(Into::into)))
    });
    Opener { open, operations }
}

/// One that is waited for, inside the runtime.
pub(super) fn awaited<S, E, F>(open: F, bulk: BulkOperations<S>) -> Opener
where
    F: AsyncFn(&Env, Opening) -> Result<S, E> + 'static,
    S: SessionStore + 'static,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let operations = bulk.names().collect();
    let with = Rc::new((open, Rc::new(bulk)));
    let open: Box<Open> = Box::new(move |env, opening| {
        let with = Rc::clone(&with);
        Box::pin(async move {
            let (open, bulk) = &*with;
            let store = open(env, opening).await.map_err(Into::into)?;
            Ok(Handle::new(store, bulk))
        })
    });
    Opener { open, operations }
}
