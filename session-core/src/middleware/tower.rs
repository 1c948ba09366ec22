//! The middleware as a layer of `tower`: it opens a session for each request, puts it where the handlers find
//! it, and applies the rules to what they answer. The rules themselves are in `mod.rs`.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::task::Poll;

use async_lock::{Mutex, MutexGuard};
use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::{MiddlewareError, SessionMiddleware};
use crate::{AnyStore, BoxFuture, Chain, Session, SessionContext, SessionStore, Settings, SettingsError};

/// Gives each request of a service its session: a [`RequestSession`] in the request's extensions.
///
/// Django's counterpart is `SessionMiddleware` in the setting `MIDDLEWARE`.
///
/// - A request whose session nobody looks at does no I/O at all. The record is read when
///   [`Session::data`] is first called.
/// - When the inner service has answered, the session is saved if it was modified (or always, with the setting
///   `save_every_request`), and the headers `Set-Cookie` and `Vary` are written.
/// - Nothing is saved for an answer above 499, for an error of the inner service, for one that panicked, and for
///   a request whose future was dropped before the inner service had answered.
/// - A body that is still being sent comes too late: what it changes in the session is not saved. It can save
///   by itself, with [`Session::save`]; but a session that is new then has a key of which no cookie tells.
/// - If the session was deleted meanwhile, by a log-out in another request, the answer is an empty 400; if it
///   could not be saved, an empty 500. Nothing of the handler's answer is sent then. The reason is logged under
///   the target `session_core::middleware`.
/// - A second layer of the same cookie's name inside this one leaves everything to the outer one. With another
///   name it is another session, which is then the one that the handlers find.
///
/// ```
/// use http::{Request, Response};
/// use session_core::blocking::Wait;
/// use session_core::middleware::{RequestSession, SessionLayer};
/// use session_core::{SessionError, SessionStore, Settings};
/// use tower::{Layer, Service, service_fn};
///
/// async fn visits(request: Request<()>) -> Result<Response<String>, SessionError> {
///     let Some(session) = request.extensions().get::<RequestSession>() else {
///         return Ok(Response::new("no session layer".into()));
///     };
///     let mut session = session.lock().await;
///     let data = session.data().await?;
///     let visits = data.get_as::<u64>("visits")?.unwrap_or(0) + 1;
///     data.insert("visits", visits)?;
///     Ok(Response::new(format!("visit {visits}")))
/// }
///
/// fn first_visit(store: impl SessionStore + 'static) -> Result<(), Box<dyn std::error::Error>> {
///     let layer = SessionLayer::new(store, Settings::default())?;
///     let mut service = layer.layer(service_fn(visits));
///     let answer = service.call(Request::new(())).wait()?;
///     assert_eq!(answer.body(), "visit 1");
///     assert!(answer.headers().contains_key("set-cookie"));
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct SessionLayer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    middleware: SessionMiddleware,
    store: AnyStore,
}

impl SessionLayer {
    /// A layer with the machine's clock and random keys.
    ///
    /// # Errors
    /// [`SettingsError`] if the cookie could not be sent, or no browser would keep it.
    pub fn new(store: impl SessionStore + 'static, settings: Settings) -> Result<Self, SettingsError> {
        Self::with_context(store, SessionContext::new(settings))
    }

    /// A layer with a clock and a source of keys of one's own.
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn with_context(
        store: impl SessionStore + 'static,
        context: SessionContext,
    ) -> Result<Self, SettingsError> {
        let shared = Shared { middleware: SessionMiddleware::new(context)?, store: AnyStore::new(store) };
        Ok(Self { shared: Arc::new(shared) })
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, shared: Arc::clone(&self.shared) }
    }
}

/// A service with sessions. [`SessionLayer`] makes it.
#[derive(Debug, Clone)]
pub struct SessionService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S, B, R> Service<Request<B>> for SessionService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    R: Default + Send,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let (middleware, store) = (&shared.middleware, shared.store.clone());
        let outer = request.extensions().get::<RequestSession>();
        if outer.is_some_and(|outer| outer.cookie_name() == middleware.context().settings().cookie_name) {
            return Box::pin(self.inner.call(request));
        }
        let sent = middleware.process_request(request.headers());
        let context = middleware.context().clone();
        let session = RequestSession::new(Session::open(store, context, sent.as_deref()));
        request.extensions_mut().insert(session.clone());
        // Called here and not in the future below: it is this service that was asked whether it is ready, and so
        // no clone of it has to take its place.
        let answer = self.inner.call(request);
        Box::pin(async move {
            let (mut head, body) = answer.await?.into_parts();
            let mut session = session.lock().await;
            let processed =
                shared.middleware.process_response(&mut session, head.status, &mut head.headers).await;
            match processed {
                Ok(()) => Ok(Response::from_parts(head, body)),
                Err(error) => Ok(instead(&error)),
            }
        })
    }
}

/// The answer that takes the place of the handler's.
fn instead<R: Default>(error: &MiddlewareError) -> Response<R> {
    if matches!(error, MiddlewareError::Interrupted) {
        tracing::warn!(target: "session_core::middleware", "{error}");
    } else {
        tracing::error!(target: "session_core::middleware", "the session could not be saved: {}", Chain(error));
    }
    let mut answer = Response::new(R::default());
    *answer.status_mut() = error.status();
    answer
}

/// The session of a request, as handlers find it in the request's extensions. All clones are the same session.
///
/// With the feature `axum` it is an extractor: a handler has it as an argument.
///
/// Django's counterpart is `request.session`.
///
/// ```
/// use session_core::SessionError;
/// use session_core::middleware::RequestSession;
///
/// async fn log_out(session: RequestSession) -> Result<&'static str, SessionError> {
///     session.lock().await.flush().await?;
///     Ok("Good bye.")
/// }
/// ```
#[derive(Clone)]
pub struct RequestSession {
    session: Arc<Mutex<Session<AnyStore>>>,
    context: SessionContext,
}

impl RequestSession {
    fn new(session: Session<AnyStore>) -> Self {
        Self { context: session.context().clone(), session: Arc::new(Mutex::new(session)) }
    }

    /// The session, for the caller alone; it waits until nobody else works with it.
    ///
    /// Give it back by dropping the guard: who asks a second time while holding it waits for ever, and so does the
    /// answer for a task that keeps it.
    pub async fn lock(&self) -> SessionGuard<'_> {
        SessionGuard(self.session.lock().await)
    }

    fn cookie_name(&self) -> &str {
        &self.context.settings().cookie_name
    }
}

impl fmt::Debug for RequestSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a visitor's session holds is nobody's business.
        f.debug_struct("RequestSession").finish_non_exhaustive()
    }
}

/// The [`Session`] of a request while it is worked with. [`RequestSession::lock`] gives it.
pub struct SessionGuard<'a>(MutexGuard<'a, Session<AnyStore>>);

impl Deref for SessionGuard<'_> {
    type Target = Session<AnyStore>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for SessionGuard<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl fmt::Debug for SessionGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionGuard").field("key", &self.key()).finish_non_exhaustive()
    }
}
