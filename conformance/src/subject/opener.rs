//! How a Rust store is opened: by a function that answers at once, or by one that is waited for.

use std::error::Error;
use std::future::ready;
use std::pin::Pin;
use std::rc::Rc;

use session_core::BoxError;

use super::{Env, Opening};

/// Opens a store. What it does before it returns, it does outside of any future.
pub(super) type Opener<S> = Box<dyn for<'a> FnMut(&'a Env, Opening) -> Opened<'a, S>>;

/// A store that is being opened.
pub(super) type Opened<'a, S> = Pin<Box<dyn Future<Output = Result<S, BoxError>> + 'a>>;

/// One that answers at once. It may run futures itself, on the runtime that it finds.
pub(super) fn at_once<S, E, F>(mut open: F) -> Opener<S>
where
    F: FnMut(&Env, Opening) -> Result<S, E> + 'static,
    S: 'static,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    Box::new(move |env, opening| Box::pin(ready(open(env, opening).map_err(Into::into))))
}

/// One that is waited for, inside the runtime.
pub(super) fn awaited<S, E, F>(open: F) -> Opener<S>
where
    F: AsyncFn(&Env, Opening) -> Result<S, E> + 'static,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let open = Rc::new(open);
    Box::new(move |env, opening| {
        let open = Rc::clone(&open);
        Box::pin(async move { open(env, opening).await.map_err(Into::into) })
    })
}
