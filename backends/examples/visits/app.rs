//! The site: its routes with the session layer around them, its templates, and how its errors are answered.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use session_core::middleware::SessionLayer;
use session_core::{AnyStore, Session, SessionError, SessionStore, Settings};

use crate::{pages, sessionspec};

/// The whole site on a store.
pub(crate) fn site(store: AnyStore, settings: Settings) -> Result<Router, Box<dyn std::error::Error>> {
    let server_side = store.capabilities().server_side;
    let spec = sessionspec::routes(&settings, server_side);
    Ok(pages::routes(Templates::new()?).merge(spec).layer(SessionLayer::new(store, settings)?))
}

/// The pages' templates. Their names end in `.html`, by which what they show is escaped.
#[derive(Clone)]
pub(crate) struct Templates {
    environment: Arc<Environment<'static>>,
}

impl Templates {
    fn new() -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        for (name, source) in [
            ("base.html", include_str!("templates/base.html")),
            ("home.html", include_str!("templates/home.html")),
            ("list.html", include_str!("templates/list.html")),
            ("expiry.html", include_str!("templates/expiry.html")),
            ("account.html", include_str!("templates/account.html")),
            ("cookies.html", include_str!("templates/cookies.html")),
        ] {
            environment.add_template(name, source)?;
        }
        Ok(Self { environment: Arc::new(environment) })
    }

    /// A page, with the session as `request.session` as in Django's templates, and what else it shows.
    pub(crate) async fn page(
        &self,
        name: &str,
        session: &mut Session<AnyStore>,
        more: Value,
    ) -> Result<Html<String>, PageError> {
        session.data().await?;
        // Only its beginning is shown; the whole is the visitor's secret.
        let key = session.key().map(ToString::to_string);
        let request = context! { session => Serde(session.data().await?), session_key => key };
        let template = self.environment.get_template(name)?;
        Ok(Html(template.render(context! { request, ..more })?))
    }
}

/// Why there is no page. The visitor sees an empty one; the log says more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("a template cannot be shown: {0}")]
    Template(#[from] minijinja::Error),
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::Session(error) => error.into_response(),
            Self::Template(_) => {
                tracing::error!("{self}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
