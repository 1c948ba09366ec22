//! The sites: one page of plain text that tells how often the visitor was here. And the visitors, each with a
//! session of about 1 KB and the cookie of it.

use axum::Router;
use axum::body::Body;
use axum::routing::{RouterIntoService, get};
use http::{HeaderValue, Request, header};
use session_core::json::Json;
use session_core::middleware::{RequestSession, SessionLayer};
use session_core::{
    AnyStore, Clock, Entries, Record, SessionError, SessionKey, SessionStore, Settings, SystemClock,
};
use time::Duration;
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record as TheirRecord};
use tower_sessions::{Expiry, Session as TheirSession, SessionManagerLayer, SessionStore as TheirStore};

/// How many visitors there are.
pub(crate) const KEYS: usize = 10_000;

/// For how long a session lives, from the last time that it was written.
const LIFE: Duration = Duration::weeks(2);

/// The name of the session cookie.
const COOKIE: &str = "sessionid";

/// What the page does with the session.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Page {
    Untouched,
    Read,
    Written,
}

impl Page {
    pub(crate) const ALL: [Self; 3] = [Self::Untouched, Self::Read, Self::Written];

    pub(crate) fn name(self) -> &'static str {
        self.path().trim_start_matches('/')
    }

    fn path(self) -> &'static str {
        match self {
            Self::Untouched => "/untouched",
            Self::Read => "/read",
            Self::Written => "/written",
        }
    }
}

/// The settings of our layer and of our stores.
pub(crate) fn settings() -> Settings {
    Settings::new("the-secret").with(|settings| {
        settings.cookie_age = LIFE.whole_seconds();
        settings.cookie_name = COOKIE.into();
    })
}

/// A site, with the cookies of its visitors.
pub(crate) struct Site {
    service: RouterIntoService<Body>,
    cookies: Vec<HeaderValue>,
}

impl Site {
    fn new(router: Router, value: impl Fn(Id) -> String) -> Self {
        let cookies = (0..KEYS).map(|n| format!("{COOKIE}={}", value(id(n))).try_into().unwrap());
        Self { service: router.into_service(), cookies: cookies.collect() }
    }

    /// The page without sessions.
    pub(crate) fn without_layer() -> Self {
        Self::new(Router::new().route(Page::Untouched.path(), get(untouched)), |id| key(id).as_str().into())
    }

    /// The pages under our layer.
    pub(crate) fn ours(store: impl SessionStore + 'static) -> Self {
        let router = Router::new()
            .route(Page::Untouched.path(), get(untouched))
            .route(Page::Read.path(), get(read))
            .route(Page::Written.path(), get(written))
            .layer(SessionLayer::new(store, settings()).unwrap());
        Self::new(router, |id| key(id).as_str().into())
    }

    /// The pages under the layer of `tower-sessions`, with a cookie that has the attributes of ours.
    pub(crate) fn theirs(store: impl TheirStore + Clone) -> Self {
        let layer = SessionManagerLayer::new(store)
            .with_name(COOKIE)
            .with_expiry(Expiry::OnInactivity(LIFE))
            .with_same_site(SameSite::Lax)
            .with_secure(false);
        let router = Router::new()
            .route(Page::Untouched.path(), get(untouched))
            .route(Page::Read.path(), get(read_theirs))
            .route(Page::Written.path(), get(written_theirs))
            .layer(layer);
        Self::new(router, |id| id.to_string())
    }

    pub(crate) fn service(&self) -> RouterIntoService<Body> {
        self.service.clone()
    }

    /// The request of a visitor.
    pub(crate) fn request(&self, visitor: usize, page: Page) -> Request<Body> {
        let request = Request::get(page.path()).header(header::COOKIE, &self.cookies[visitor]);
        request.body(Body::empty()).unwrap()
    }
}

/// The page, on every site.
pub(crate) fn page(visits: u64) -> String {
    format!("You were here {visits} times.")
}

async fn untouched() -> String {
    page(0)
}

async fn read(session: RequestSession) -> Result<String, SessionError> {
    let mut session = session.lock().await;
    Ok(page(session.data().await?.get_as("visits")?.unwrap_or(0)))
}

async fn written(session: RequestSession) -> Result<String, SessionError> {
    let mut session = session.lock().await;
    let data = session.data().await?;
    let visits = data.get_as::<u64>("visits")?.unwrap_or(0) + 1;
    data.insert("visits", visits)?;
    Ok(page(visits))
}

async fn read_theirs(session: TheirSession) -> String {
    page(session.get("visits").await.unwrap().unwrap_or(0))
}

async fn written_theirs(session: TheirSession) -> String {
    let visits = session.get::<u64>("visits").await.unwrap().unwrap_or(0) + 1;
    session.insert("visits", visits).await.unwrap();
    page(visits)
}

/// The id of a visitor under `tower-sessions`; those of numbers in a row are far from each other.
fn id(visitor: usize) -> Id {
    Id((visitor as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).into())
}

/// The key under which one of our stores has the session of an id.
fn key(id: Id) -> SessionKey {
    SessionKey::parse(&format!("{:032x}", id.0)).unwrap()
}

/// What a session holds before the first visit.
fn record() -> Record {
    let data = {
        let basket = Json::parse(include_str!("../../../session-core/benches/basket.json")).unwrap();
        Entries::parse(Json::write(&basket).unwrap().as_str().as_bytes()).unwrap()
    };
    Record::new(data, SystemClock.now() + LIFE)
}

/// Inserts the sessions, as our layer writes them.
pub(crate) async fn fill_ours(store: &AnyStore) {
    let record = record();
    for visitor in 0..KEYS {
        store.insert(&key(id(visitor)), &record).await.unwrap();
    }
}

/// Inserts the sessions, as the layer of `tower-sessions` writes them.
pub(crate) async fn fill_theirs(store: &impl TheirStore) {
    let Record { data, expires, .. } = record();
    for visitor in 0..KEYS {
        let data = serde_json::from_str(&data.to_json()).unwrap();
        store.create(&mut TheirRecord { id: id(visitor), data, expiry_date: expires }).await.unwrap();
    }
}
