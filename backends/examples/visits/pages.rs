//! The pages, a handler each, and the forms on them. A form that was worked through leads back to its page, so
//! that loading the page again does not send the form again.
//!
//! The session cookie is `SameSite=Lax` here: another site's form does not bring it along.

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use minijinja::context;
use serde::Deserialize;
use session_core::middleware::RequestSession;
use session_core::{Expiry, Value};
use time::format_description::well_known::Rfc3339;

use crate::app::{PageError, Templates};

/// The most characters that are kept of what a visitor writes.
const MAX_CHARS: usize = 100;

/// The most items on a shopping list.
const MAX_ITEMS: usize = 100;

/// The longest life that the form takes, in seconds: a year.
const MAX_SECONDS: i64 = 366 * 24 * 60 * 60;

type Page = Result<Html<String>, PageError>;
type Done = Result<Redirect, PageError>;

pub(crate) fn routes(templates: Templates) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/name", post(set_name))
        .route("/list", get(list))
        .route("/list/add", post(add_item))
        .route("/list/remove", post(remove_item))
        .route("/expiry", get(expiry).post(set_expiry))
        .route("/account", get(account))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .route("/cookies", get(cookies).post(check_cookies))
        .with_state(templates)
}

/// What a visitor wrote, as it is kept.
fn kept(text: &str) -> String {
    text.trim().chars().take(MAX_CHARS).collect()
}

/// Counts the visits.
async fn home(State(templates): State<Templates>, session: RequestSession) -> Page {
    let mut session = session.lock().await;
    let data = session.data().await?;
    let visits = data.get_as::<u64>("visits").ok().flatten().unwrap_or(0);
    data.insert("visits", visits.saturating_add(1))?;
    templates.page("home.html", &mut session, context! {}).await
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

async fn set_name(session: RequestSession, Form(form): Form<Name>) -> Done {
    let mut session = session.lock().await;
    let data = session.data().await?;
    match kept(&form.name) {
        name if name.is_empty() => drop(data.take("name")),
        name => data.insert("name", name)?,
    }
    Ok(Redirect::to("/"))
}

async fn list(State(templates): State<Templates>, session: RequestSession) -> Page {
    templates.page("list.html", &mut *session.lock().await, context! {}).await
}

#[derive(Deserialize)]
struct Item {
    item: String,
}

async fn add_item(session: RequestSession, Form(form): Form<Item>) -> Done {
    let mut session = session.lock().await;
    let data = session.data().await?;
    let mut items = data.get_as::<Vec<String>>("list")?.unwrap_or_default();
    let item = kept(&form.item);
    if items.len() < MAX_ITEMS && !item.is_empty() {
        items.push(item);
        data.insert("list", items)?;
    }
    Ok(Redirect::to("/list"))
}

#[derive(Deserialize)]
struct Place {
    index: usize,
}

async fn remove_item(session: RequestSession, Form(form): Form<Place>) -> Done {
    let mut session = session.lock().await;
    let list = session.data().await?.get_mut("list")?.and_then(Value::as_array_mut);
    if let Some(items) = list
        && form.index < items.len()
    {
        items.remove(form.index);
        session.mark_modified();
    }
    Ok(Redirect::to("/list"))
}

async fn expiry(State(templates): State<Templates>, session: RequestSession) -> Page {
    let mut session = session.lock().await;
    let data = session.data().await?;
    let more = context! {
        age => data.get_expiry_age()?,
        date => data.get_expiry_date()?.format(&Rfc3339).unwrap_or_default(),
        at_browser_close => data.get_expire_at_browser_close()?,
        max_seconds => MAX_SECONDS,
    };
    templates.page("expiry.html", &mut session, more).await
}

#[derive(Deserialize)]
struct Life {
    life: Lives,
    /// Empty unless `life` is `seconds`.
    #[serde(default)]
    seconds: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Lives {
    Default,
    Browser,
    Seconds,
}

async fn set_expiry(session: RequestSession, Form(form): Form<Life>) -> Done {
    let expiry = match form.life {
        Lives::Default => Some(Expiry::Default),
        Lives::Browser => Some(Expiry::Seconds(0)),
        Lives::Seconds => {
            let seconds = form.seconds.parse().ok();
            seconds.filter(|seconds| (1..=MAX_SECONDS).contains(seconds)).map(Expiry::Seconds)
        }
    };
    if let Some(expiry) = expiry {
        session.lock().await.data().await?.set_expiry(expiry);
    }
    Ok(Redirect::to("/expiry"))
}

async fn account(State(templates): State<Templates>, session: RequestSession) -> Page {
    templates.page("account.html", &mut *session.lock().await, context! {}).await
}

#[derive(Deserialize)]
struct User {
    user: String,
}

/// Logs anybody in who gives a name; a real site asks for a password here.
async fn log_in(session: RequestSession, Form(form): Form<User>) -> Done {
    let mut session = session.lock().await;
    let user = kept(&form.user);
    let before = session.data().await?.get_as::<String>("user")?;
    if before.is_some_and(|before| before != user) {
        // What the one had in the session is not the other's.
        session.flush().await?;
    } else {
        // A key that somebody planted on the visitor must not become one that is logged in.
        session.cycle_key().await?;
    }
    if !user.is_empty() {
        session.data().await?.insert("user", user)?;
    }
    Ok(Redirect::to("/account"))
}

async fn log_out(session: RequestSession) -> Done {
    session.lock().await.flush().await?;
    Ok(Redirect::to("/account"))
}

#[derive(Deserialize)]
struct Checked {
    /// `yes` or `no` after the form was sent.
    worked: Option<String>,
}

/// Sets the test cookie and asks for the form that will bring it back.
async fn cookies(
    State(templates): State<Templates>,
    session: RequestSession,
    Query(checked): Query<Checked>,
) -> Page {
    let mut session = session.lock().await;
    if checked.worked.is_none() {
        session.data().await?.set_test_cookie();
    }
    templates.page("cookies.html", &mut session, context! { worked => checked.worked }).await
}

async fn check_cookies(session: RequestSession) -> Done {
    let mut session = session.lock().await;
    let data = session.data().await?;
    let worked = data.test_cookie_worked();
    if worked {
        data.delete_test_cookie()?;
    }
    Ok(Redirect::to(if worked { "/cookies?worked=yes" } else { "/cookies?worked=no" }))
}
