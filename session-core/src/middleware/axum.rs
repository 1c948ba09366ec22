//! What handlers of `axum` need: the session as an argument, and its errors as answers.

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use super::RequestSession;
use crate::{Chain, SessionError};

/// A handler wants the session, and no [`SessionLayer`](super::SessionLayer) is around it: an error in the
/// program. The answer is a 500 that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this route has no sessions: SessionLayer is missing; add it to the router with `.layer(…)`")]
pub struct MissingSessionLayer;

impl IntoResponse for MissingSessionLayer {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}

/// The session that [`SessionLayer`](super::SessionLayer) opened for the request. Nothing is read for it.
impl<S: Sync> FromRequestParts<S> for RequestSession {
    type Rejection = MissingSessionLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!(target: "session_core::middleware", "{}: {MissingSessionLayer}", parts.uri.path());
            MissingSessionLayer
        })
    }
}

/// An empty 500, after which nothing is saved. What went wrong is logged, and not told to the visitor.
impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        // What lies beneath an error of a store tells an operator what to do. Beneath others may be a visitor's data.
        match &self {
            Self::Store(error) => {
                tracing::error!(target: "session_core::middleware", "a handler gave up: {}", Chain(error));
            }
            other => tracing::error!(target: "session_core::middleware", "a handler gave up: {other}"),
        }
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
