//! What some stores can do with all their sessions at once, beyond the trait that every store implements.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use session_core::{AnyStore, StoreError};

use crate::manifest::Operation;
use crate::observation::{Answer, Listed};

/// Does one thing with all sessions of a store.
type Act<S> = Box<dyn for<'a> Fn(&'a S) -> Answered<'a>>;

/// Its answer.
pub(super) type Answered<'a> = Pin<Box<dyn Future<Output = Result<Answer, StoreError>> + 'a>>;

/// What a store can do with all its sessions at once: nothing, but what it is given.
///
/// ```
/// use session_conformance::subject::BulkOperations;
/// # use session_core::StoreError;
/// # struct MyStore;
/// # impl MyStore {
/// #     async fn count(&self) -> Result<u64, StoreError> { Ok(0) }
/// #     async fn truncate(&self) -> Result<(), StoreError> { Ok(()) }
/// # }
///
/// let bulk = BulkOperations::default()
///     .with_length(async |store: &MyStore| store.count().await)
///     .with_clear(async |store: &MyStore| store.truncate().await);
/// ```
pub struct BulkOperations<S> {
    acts: Vec<(Operation, Act<S>)>,
    touching: Option<fn(&S) -> AnyStore>,
}

impl<S> Default for BulkOperations<S> {
    fn default() -> Self {
        Self { acts: Vec::new(), touching: None }
    }
}

impl<S> std::fmt::Debug for BulkOperations<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl<S: 'static> BulkOperations<S> {
    /// With a list of all sessions.
    #[must_use]
    pub fn with_all(self, all: impl AsyncFn(&S) -> Result<Vec<Listed>, StoreError> + 'static) -> Self {
        self.with(Operation::All, async move |store: &S| all(store).await.map(Answer::Sessions))
    }

    /// With the number of sessions.
    #[must_use]
    pub fn with_length(self, length: impl AsyncFn(&S) -> Result<u64, StoreError> + 'static) -> Self {
        let length = async move |store: &S| length(store).await.map(|count| Answer::Count(Some(count)));
        self.with(Operation::Length, length)
    }

    /// With the removal of all sessions.
    #[must_use]
    pub fn with_clear(self, clear: impl AsyncFn(&S) -> Result<(), StoreError> + 'static) -> Self {
        self.with(Operation::Clear, async move |store: &S| clear(store).await.map(|()| Answer::Unit))
    }

    fn with(
        mut self,
        operation: Operation,
        act: impl AsyncFn(&S) -> Result<Answer, StoreError> + 'static,
    ) -> Self {
        let act = Rc::new(act);
        let act: Act<S> = Box::new(move |store| {
            let act = Rc::clone(&act);
            Box::pin(async move { act(store).await })
        });
        self.acts.push((operation, act));
        self
    }

    /// With a store whose update only postpones the end of a session: what an adapter calls `touch`.
    pub(super) fn with_touching(mut self, touching: fn(&S) -> AnyStore) -> Self {
        self.touching = Some(touching);
        self
    }
}

impl<S> BulkOperations<S> {
    /// What can be done.
    pub(super) fn names(&self) -> impl Iterator<Item = Operation> {
        self.acts.iter().map(|(operation, _)| *operation)
    }
}

/// What one store can do with all its sessions, whatever its type is.
pub(super) trait Bulk {
    /// Does one of those things; `None` if it cannot be done.
    fn act(&self, operation: Operation) -> Option<Answered<'_>>;

    /// The store whose update only postpones the end of a session, if it can do that.
    fn touching(&self) -> Option<AnyStore>;
}

impl<S> Bulk for (Arc<S>, Rc<BulkOperations<S>>) {
    fn act(&self, operation: Operation) -> Option<Answered<'_>> {
        let (store, offered) = (&self.0, &self.1.acts);
        offered.iter().find(|(name, _)| *name == operation).map(|(_, act)| act(store))
    }

    fn touching(&self) -> Option<AnyStore> {
        self.1.touching.map(|touching| touching(&self.0))
    }
}
