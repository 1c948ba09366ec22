//! What a request does with its session: which key it brings, and what its answer must do about session and
//! cookie. Functions over [`http`] types; nothing here reads or writes a connection.
//!
//! - `mod.rs`: the rules
//! - `cookie.rs`: the session cookie, read and written
//! - `tower.rs`: the rules applied to a service, with the feature `tower`
//! - `axum.rs`: the session as an argument of a handler, with the feature `axum`
//!
//! Django's counterpart is `django.contrib.sessions.middleware.SessionMiddleware`.

#[cfg(feature = "axum")]
mod axum;
mod cookie;
#[cfg(feature = "tower")]
mod tower;

use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{ExpiryQuery, Session, SessionContext, SessionError, SessionStore, SettingsError, StoreError};

use cookie::SessionCookie;

#[cfg(feature = "axum")]
pub use axum::MissingSessionLayer;
#[cfg(feature = "tower")]
pub use tower::{RequestSession, SessionGuard, SessionLayer, SessionService};

/// The rules of requests and answers, for the settings of an application.
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use session_core::blocking::Wait;
/// use session_core::middleware::{MiddlewareError, SessionMiddleware};
/// use session_core::{SessionContext, Session, SessionStore, Settings};
///
/// fn answer(
///     middleware: &SessionMiddleware,
///     store: impl SessionStore,
///     request: &HeaderMap,
///     headers: &mut HeaderMap,
/// ) -> Result<(), MiddlewareError> {
///     let sent = middleware.process_request(request);
///     let mut session = Session::open(store, middleware.context().clone(), sent.as_deref());
///     session.data().wait()?.insert("seen", true)?;
///     middleware.process_response(&mut session, StatusCode::OK, headers).wait()
/// }
/// # let middleware = SessionMiddleware::new(SessionContext::new(Settings::default()));
/// # assert!(middleware.is_ok());
/// ```
#[derive(Debug, Clone)]
pub struct SessionMiddleware {
    context: SessionContext,
    cookie: SessionCookie,
}

/// What a request did to its session, and how its answer ends.
#[expect(clippy::struct_excessive_bools, reason = "each is a column of the truth table")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseFacts {
    /// The request had the session cookie, whatever its value.
    pub cookie_sent: bool,
    /// [`Session::is_empty`]: neither a key nor data.
    pub empty: bool,
    /// [`Session::accessed`].
    pub accessed: bool,
    /// [`Session::modified`].
    pub modified: bool,
    /// [`Session::has_new_key`]: the visitor's cookie does not have the session's key. An explicit save of a session
    /// whose key is its data leaves it so, without a mark.
    pub new_key: bool,
    /// The answer's status.
    pub status: StatusCode,
}

impl ResponseFacts {
    /// The facts about a session whose answer has this status.
    pub fn new<S: SessionStore>(session: &Session<S>, status: StatusCode) -> Self {
        Self {
            cookie_sent: session.was_sent(),
            empty: session.is_empty(),
            accessed: session.accessed(),
            modified: session.modified(),
            new_key: session.has_new_key(),
            status,
        }
    }
}

/// What an answer must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// About session and cookie.
    pub action: Action,
    /// Whether the answer depends on the cookie, and must say so (`Vary: Cookie`).
    pub vary: bool,
}

/// What becomes of session and cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Neither is touched.
    Leave,
    /// The visitor is told to forget the cookie.
    DeleteCookie,
    /// The session is saved, and its cookie set.
    Save,
}

/// Why an answer cannot be given as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MiddlewareError {
    /// The session was deleted while the request was worked on, by a log-out in another one for example.
    /// (Django: `SessionInterrupted`.)
    #[error("the request's session was deleted before the request completed")]
    Interrupted,
    /// The session's key has characters that no cookie's value may have. The session was saved.
    #[error("the key of session {0} cannot be the value of a cookie")]
    Key(crate::SessionKey),
    /// The session could not be saved.
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl MiddlewareError {
    /// The status of the answer that takes the place of the handler's: 400 if the session is gone, else 500.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Interrupted => StatusCode::BAD_REQUEST,
            Self::Key(_) | Self::Session(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl SessionMiddleware {
    /// The rules for these settings.
    ///
    /// # Errors
    /// [`SettingsError`] if the cookie could not be sent, or no browser would keep it.
    pub fn new(context: SessionContext) -> Result<Self, SettingsError> {
        let cookie = SessionCookie::new(context.settings())?;
        Ok(Self { context, cookie })
    }

    /// Settings, clock and keys, for the session that a request works with.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// The value of the session cookie, if the request has one; it is the key to open the session with
    /// (`process_request`). Of several cookies of that name the last counts; whatever else is in the headers is
    /// passed over.
    pub fn process_request(&self, headers: &HeaderMap) -> Option<String> {
        self.cookie.read(headers)
    }

    /// What an answer must do: the truth table of the middleware, with the setting `save_every_request`.
    pub fn decide(&self, facts: ResponseFacts) -> Decision {
        if facts.cookie_sent && facts.empty {
            return Decision { action: Action::DeleteCookie, vary: true };
        }
        let wanted = facts.modified || facts.new_key || self.context.settings().save_every_request;
        // An answer above 499 says that something broke; what it left behind is not to be kept.
        if wanted && !facts.empty && facts.status.as_u16() < 500 {
            Decision { action: Action::Save, vary: true }
        } else {
            Decision { action: Action::Leave, vary: facts.accessed }
        }
    }

    /// Saves the session if it must be, and writes the headers `Set-Cookie` and `Vary` of an answer
    /// (`process_response`). An answer that brings the session's cookie is for one visitor: where it says that it is
    /// `public`, that becomes `private` in its header `Cache-Control`.
    ///
    /// # Errors
    /// [`MiddlewareError`]; the headers are then untouched, and the answer must be another one, with
    /// [`MiddlewareError::status`].
    pub async fn process_response<S: SessionStore>(
        &self,
        session: &mut Session<S>,
        status: StatusCode,
        headers: &mut HeaderMap,
    ) -> Result<(), MiddlewareError> {
        let decision = self.decide(ResponseFacts::new(session, status));
        match decision.action {
            Action::Leave => {}
            Action::DeleteCookie => self.cookie.put(headers, self.cookie.deleted()),
            Action::Save => {
                let cookie = self.save(session).await?;
                self.cookie.put(headers, cookie);
                keep_private(headers);
            }
        }
        if decision.vary {
            vary_on_cookie(headers);
        }
        Ok(())
    }

    /// Saves the session and gives the header for its cookie. The record and the cookie expire together: the clock is
    /// read once.
    async fn save<S: SessionStore>(&self, session: &mut Session<S>) -> Result<HeaderValue, MiddlewareError> {
        let now = self.context.clock().now();
        // Reading first: a key that nobody issued is forgotten then, and the save makes a new one.
        let data = session.data().await?;
        let life = if data.get_expire_at_browser_close()? {
            None
        } else {
            let age = data.get_expiry_age_for(ExpiryQuery::default().from_modification(now))?;
            Some((age, data.expires(now)?))
        };
        session.save_at(now).await.map_err(|error| match error {
            SessionError::Store(StoreError::NotFound(_)) => MiddlewareError::Interrupted,
            error => error.into(),
        })?;
        // A session that was saved has a key.
        let key = session.key().ok_or(MiddlewareError::Interrupted)?;
        self.cookie.set(key, life).ok_or_else(|| MiddlewareError::Key(key.clone()))
    }
}

/// Turns `public` into `private` in the header `Cache-Control`: a shared cache would hand the cookie of one visitor
/// to the next.
fn keep_private(headers: &mut HeaderMap) {
    let lines = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let mut directives: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    if directives.iter().any(|directive| directive.eq_ignore_ascii_case("public")) {
        directives.retain(|directive| !directive.is_empty() && !directive.eq_ignore_ascii_case("public"));
        directives.push("private");
        // Directives that came out of a header can go into one.
        if let Ok(line) = HeaderValue::try_from(directives.join(", ")) {
            headers.insert(header::CACHE_CONTROL, line);
        }
    }
}

/// Adds `Cookie` to the header `Vary`, unless it says so already, or `*` (`patch_vary_headers`).
fn vary_on_cookie(headers: &mut HeaderMap) {
    let lines = headers.get_all(header::VARY).iter().filter_map(|line| line.to_str().ok());
    let mut names: Vec<&str> =
        lines.flat_map(|line| line.split(',')).map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.contains(&"*") {
        names = vec!["*"];
    } else if !names.iter().any(|name| name.eq_ignore_ascii_case("cookie")) {
        names.push("Cookie");
    }
    // Names that came out of a header can go into one.
    if let Ok(line) = HeaderValue::try_from(names.join(", ")) {
        headers.insert(header::VARY, line);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::Settings;

    // Each of the three reasons for a save is one by itself.
    #[rstest]
    #[case(true, false, false, Action::Save)]
    #[case(false, true, false, Action::Save)]
    #[case(false, false, true, Action::Save)]
    #[case(false, false, false, Action::Leave)]
    fn a_session_is_saved_for(
        #[case] modified: bool,
        #[case] new_key: bool,
        #[case] every_request: bool,
        #[case] action: Action,
    ) {
        let settings = Settings::default().with(|settings| settings.save_every_request = every_request);
        let middleware = SessionMiddleware::new(SessionContext::new(settings)).unwrap();
        let status = StatusCode::OK;
        let facts =
            ResponseFacts { cookie_sent: true, empty: false, accessed: false, modified, new_key, status };
        assert_eq!(middleware.decide(facts), Decision { action, vary: action == Action::Save });
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let broken = ResponseFacts { status, ..facts };
        assert_eq!(middleware.decide(broken), Decision { action: Action::Leave, vary: false });
    }

    #[rstest]
    #[case(&[], "Cookie")]
    #[case(&["Accept-Language"], "Accept-Language, Cookie")]
    #[case(&["accept", "cookie, Origin"], "accept, cookie, Origin")]
    #[case(&["*"], "*")]
    #[case(&["Accept, *"], "*")]
    #[case(&[", ,"], "Cookie")]
    fn vary_is_added_to(#[case] before: &[&'static str], #[case] after: &str) {
        let mut headers = HeaderMap::new();
        for line in before {
            headers.append(header::VARY, HeaderValue::from_static(line));
        }
        vary_on_cookie(&mut headers);
        let lines: Vec<_> = headers.get_all(header::VARY).iter().collect();
        assert_eq!(lines, [after]);
    }

    #[rstest]
    #[case(&["public"], "private")]
    #[case(&["max-age=60, Public"], "max-age=60, private")]
    #[case(&["public, max-age=60", "immutable"], "max-age=60, immutable, private")]
    #[case(&["no-store"], "no-store")]
    #[case(&["max-age=60, private=\"x\""], "max-age=60, private=\"x\"")]
    fn an_answer_with_a_cookie_is_not_public(#[case] before: &[&'static str], #[case] after: &str) {
        let mut headers = HeaderMap::new();
        for line in before {
            headers.append(header::CACHE_CONTROL, HeaderValue::from_static(line));
        }
        keep_private(&mut headers);
        let lines: Vec<_> = headers.get_all(header::CACHE_CONTROL).iter().collect();
        assert_eq!(lines, [after]);
    }
}
