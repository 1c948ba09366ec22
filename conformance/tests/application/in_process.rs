//! An application in this process: `session_core::middleware` over a store in memory, and a handler that does
//! what the cases say; with a flaw, if one is wanted.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use session_backends::MemoryStore;
use session_conformance::application::{Application, Operation, Request, Response, Settings as Said};
use session_core::blocking::Wait;
use session_core::middleware::SessionMiddleware;
use session_core::{
    BoxError, Capabilities, Clock, Entries, Expiry, KeyGenerator, ManualClock, RandomKeys, Record, Session,
    SessionContext, SessionData, SessionKey, SessionStore, Settings, StoreError,
};
use time::Duration;
use time::macros::datetime;
use tracing_subscriber::filter::LevelFilter;

use crate::part::{Drawn, Happened, Part, without_quotes};

/// A store that knows whether a record was asked for.
pub(crate) struct Watched<S = MemoryStore<ManualClock>> {
    store: S,
    pub(crate) loaded: AtomicBool,
    /// Whether an insertion replaces what is there.
    overwrites: bool,
}

impl<S> Watched<S> {
    fn new(store: S) -> Self {
        Self { store, loaded: AtomicBool::new(false), overwrites: false }
    }
}

impl<S: SessionStore> SessionStore for Watched<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }
    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.store.exists(key).await
    }
    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.loaded.store(true, Ordering::Relaxed);
        self.store.load(key).await
    }
    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        match self.store.insert(key, record).await {
            Err(StoreError::Exists(_)) if self.overwrites => self.store.update(key, record).await,
            done => done,
        }
    }
    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.store.update(key, record).await
    }
    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.store.delete(key).await
    }
    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.store.clear_expired().await
    }
}

/// The clock of the table, which stands still.
pub(crate) fn clock() -> ManualClock {
    ManualClock::new(datetime!(2030-03-17 17:46:40 UTC))
}

/// What an application may do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// An answer of 500 saves.
    SavesBroken,
    /// An answer of 499 does not save.
    LosesRefused,
    /// There is never `Vary`.
    NoVary,
    /// `Vary` is always there.
    AlwaysVary,
    /// The cookie of an empty session stays.
    KeepsCookie,
    /// It is deleted without its path.
    DeletesElsewhere,
    /// A key that nobody issued is taken over.
    AdoptsKeys,
    /// `cycle-key` leaves the old record.
    KeepsOldKey,
    /// `flush` leaves the record.
    KeepsLoggedOut,
    /// A session that was deleted meanwhile is stored again.
    Resurrects,
    /// `Expires` is an hour later than `Max-Age` says.
    EndsLater,
    /// What another request stored meanwhile is put beside one's own changes.
    Merges,
    /// The cookie is set twice.
    SetsTwice,
    /// The cookie may be read by scripts.
    NotHttpOnly,
    /// The cookie always has an age.
    NeverEndsWithBrowser,
    /// The cookie's age is the setting's.
    OwnExpiryIgnored,
    /// Every session is saved.
    AlwaysSaves,
    /// Keys are counted.
    CountsKeys,
    /// The first of two cookies counts.
    FirstCookie,
    /// What the handler says to caches is sent as it is.
    StaysPublic,
    /// A cookie whose name begins with the session cookie's counts too.
    NameBegins,
    /// So does one whose name differs in case.
    AnyCase,
    /// Quotes are taken for a part of the key.
    KeepsQuotes,
    /// Of a header only the first 8 KiB are read.
    CutsHeader,
    /// A key that is too long for a column is an error.
    FailsOnLongKeys,
    /// Every request is logged with its session.
    LogsKeys,
}

/// The keys of an application that counts them.
#[derive(Debug, Default)]
struct Counted(std::sync::atomic::AtomicU32);

impl KeyGenerator for Counted {
    fn generate(&self) -> Result<SessionKey, BoxError> {
        let key = format!("{:032}", self.0.fetch_add(1, Ordering::Relaxed));
        Ok(SessionKey::parse(&key).unwrap())
    }
}

/// What an application writes into its logs.
#[derive(Debug, Default, Clone)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) struct InProcess<S = MemoryStore<ManualClock>> {
    pub(crate) middleware: SessionMiddleware,
    pub(crate) store: Arc<Watched<S>>,
    pub(crate) flaw: Flaw,
    /// What is done in another way, if anything is.
    part: Option<Part>,
    log: Log,
    /// Takes what the libraries log, at every level.
    logs: tracing::Dispatch,
}

impl InProcess {
    pub(crate) fn new(settings: Settings, flaw: Flaw) -> Self {
        Self::on(MemoryStore::with_clock(10_000, clock()), settings, flaw)
    }

    /// An application in which a part is otherwise.
    pub(crate) fn with_part(settings: Settings, part: Part) -> Self {
        let store = MemoryStore::with_clock(10_000, clock());
        if let Part::Draws(draw) = part {
            // Whose keys may come twice overwrites, too.
            let store = Watched { overwrites: true, ..Watched::new(store) };
            let context = SessionContext::with(settings, clock(), Drawn::by(draw));
            Self::of(store, context, Flaw::None, Some(part))
        } else {
            let context = SessionContext::with(settings, clock(), RandomKeys);
            Self::of(Watched::new(store), context, Flaw::None, Some(part))
        }
    }
}

impl<S: SessionStore> InProcess<S> {
    /// An application whose sessions are in this store.
    pub(crate) fn on(store: S, settings: Settings, flaw: Flaw) -> Self {
        let context = if flaw == Flaw::CountsKeys {
            SessionContext::with(settings, clock(), Counted::default())
        } else {
            SessionContext::with(settings, clock(), RandomKeys)
        };
        Self::of(Watched::new(store), context, flaw, None)
    }

    fn of(store: Watched<S>, context: SessionContext, flaw: Flaw, part: Option<Part>) -> Self {
        let log = Log::default();
        let lines = log.clone();
        let logs = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(move || lines.clone())
            .finish();
        Self {
            middleware: SessionMiddleware::new(context).unwrap(),
            store: Arc::new(store),
            flaw,
            part,
            log,
            logs: logs.into(),
        }
    }

    /// Does what a case says.
    pub(crate) fn perform(&self, session: &mut Session<Arc<Watched<S>>>, operation: &Operation) -> Value {
        match operation {
            Operation::Get(entry) => return data(session).get(entry).unwrap().unwrap_or_default(),
            Operation::Contains(entry) => return data(session).contains_key(entry).into(),
            Operation::Keys => return data(session).keys().collect(),
            Operation::Set(entry, value) => data(session).insert(entry, value).unwrap(),
            Operation::Remove(entry) => drop(data(session).take(entry)),
            Operation::Append(entry, value) => {
                if let Some(Value::Array(list)) = data(session).get_mut(entry).unwrap() {
                    list.push(value.clone());
                }
            }
            Operation::Clear => session.clear(),
            Operation::Flush if self.flaw == Flaw::KeepsLoggedOut => {
                *session = Session::open(Arc::clone(&self.store), self.middleware.context().clone(), None);
                session.clear();
            }
            Operation::Flush => session.flush().wait().unwrap(),
            Operation::CycleKey if self.flaw == Flaw::KeepsOldKey => {
                data(session);
                session.create().wait().unwrap();
            }
            Operation::CycleKey if self.keeps_key(session) => {
                data(session);
                session.mark_modified();
            }
            Operation::CycleKey => session.cycle_key().wait().unwrap(),
            Operation::SetExpiry(None) => data(session).set_expiry(Expiry::Default),
            Operation::SetExpiry(Some(seconds)) => data(session).set_expiry(*seconds),
            Operation::IsEmpty => return session.is_empty().into(),
            Operation::IsTrue => return (!session.is_empty()).into(),
            // As an application would that catches it.
            Operation::Save => {
                if let Err(error) = session.save().wait() {
                    return serde_json::json!({ "error": error.to_string() });
                }
            }
            Operation::DeleteElsewhere => session.delete().wait().unwrap(),
            // Another request, which is answered by itself.
            Operation::Meanwhile(_) => {}
        }
        Value::Null
    }

    fn key(&self, request: &Request) -> Option<String> {
        let line = request.cookie.as_deref()?;
        let name = &self.middleware.context().settings().cookie_name;
        let mut cookies = line
            .split(';')
            .filter_map(|cookie| cookie.split_once('='))
            .map(|(given, value)| (given.trim_matches([' ', '\t']), value.trim_matches([' ', '\t'])));
        let last = |cookies: &mut dyn Iterator<Item = (&str, &str)>| {
            cookies.last().map(|(_, value)| without_quotes(value).to_owned())
        };
        match (self.flaw, &self.part) {
            (_, Some(Part::Reads(reads))) => return reads(line, name),
            (Flaw::FirstCookie, _) => return last(&mut cookies.find(|(given, _)| given == name).into_iter()),
            (Flaw::NameBegins, _) => return last(&mut cookies.filter(|(given, _)| given.starts_with(name))),
            (Flaw::AnyCase, _) => {
                return last(&mut cookies.filter(|(given, _)| given.eq_ignore_ascii_case(name)));
            }
            (Flaw::KeepsQuotes, _) => {
                return cookies.rfind(|(given, _)| given == name).map(|(_, value)| value.to_owned());
            }
            _ => {}
        }
        let read = match self.flaw {
            Flaw::CutsHeader => line.get(..8 << 10).unwrap_or(line),
            _ => line,
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_bytes(read.as_bytes()).unwrap());
        self.middleware.process_request(&headers)
    }

    fn put(&self, key: Option<&SessionKey>, data: Entries) {
        if let Some(key) = key {
            let record = Record::new(data, clock().now() + Duration::days(14));
            // One that is there already stays.
            let _ = self.store.insert(key, &record).wait();
        }
    }

    /// What the store holds under a key, where that matters.
    fn stored(&self, key: Option<&SessionKey>) -> Map<String, Value> {
        let key = key.filter(|_| self.flaw == Flaw::Merges);
        let record = key.and_then(|key| self.store.store.load(key).wait().unwrap());
        record.map(|record| serde_json::from_str(&record.data.to_json()).unwrap()).unwrap_or_default()
    }

    /// Whether the key that a session has stays at log-in.
    fn keeps_key(&self, session: &Session<Arc<Watched<S>>>) -> bool {
        session.key().is_some() && matches!(self.part, Some(Part::LogsIn { keeps_key: true }))
    }

    /// Writes a line into the log.
    fn write(&self, line: &str) {
        writeln!(self.log.clone(), "{line}").unwrap();
    }

    /// What is wrong with the headers of this application.
    fn spoil(&self, headers: &mut HeaderMap) {
        let cookie = headers.get(header::SET_COOKIE).map(|line| line.to_str().unwrap().to_owned());
        let mut set = |line: String| {
            headers.insert(header::SET_COOKIE, HeaderValue::try_from(line).unwrap());
        };
        let deletes = cookie.as_ref().is_some_and(|line| line.starts_with("sessionid=;"));
        match (self.flaw, cookie) {
            (Flaw::NoVary, _) => drop(headers.remove(header::VARY)),
            (Flaw::AlwaysVary, _) => {
                headers.insert(header::VARY, HeaderValue::from_static("Accept, cookie"));
            }
            (Flaw::KeepsCookie, Some(_)) if deletes => drop(headers.remove(header::SET_COOKIE)),
            (Flaw::DeletesElsewhere, Some(line)) if deletes => set(line.replace("; Path=/", "")),
            (Flaw::SetsTwice, Some(line)) => {
                headers.append(header::SET_COOKIE, HeaderValue::try_from(line).unwrap());
            }
            (Flaw::NotHttpOnly, Some(line)) => set(line.replace("; HttpOnly", "")),
            (Flaw::NeverEndsWithBrowser, Some(line)) if !line.contains("Max-Age") => {
                set(line + "; Max-Age=1209600; Expires=Sun, 31 Mar 2030 17:46:40 GMT");
            }
            (Flaw::EndsLater, Some(line)) => set(line.replace("17:46:40", "18:46:40")),
            (Flaw::OwnExpiryIgnored, Some(line)) => set(line.replace("Max-Age=300", "Max-Age=1209600")),
            _ => {}
        }
    }
}

impl<S: SessionStore> Application for InProcess<S> {
    fn settings(&mut self) -> Result<Said, String> {
        let mut said = self.middleware.context().settings().visible();
        said["server_side"] = true.into();
        said["overlap"] = true.into();
        serde_json::from_value(said).map_err(|error| error.to_string())
    }

    fn exchange(&mut self, request: &Request) -> Result<Response, String> {
        tracing::dispatcher::with_default(&self.logs, || Ok(self.answer(request)))
    }

    fn written(&mut self) -> Result<Option<String>, String> {
        let written = std::mem::take(&mut *self.log.0.lock().unwrap());
        Ok(Some(String::from_utf8_lossy(&written).into_owned()))
    }
}

impl<S: SessionStore> InProcess<S> {
    fn answer(&self, request: &Request) -> Response {
        let key = self.key(request);
        let parsed = key.as_deref().and_then(SessionKey::parse);
        let adopts = self.flaw == Flaw::AdoptsKeys
            || matches!(self.part, Some(Part::Opens { unknown_keys: true }) if request.operations.iter().any(writes));
        if adopts {
            self.put(parsed.as_ref(), Entries::new());
        }
        if self.flaw == Flaw::FailsOnLongKeys && key.as_ref().is_some_and(|key| key.len() > 255) {
            return Response::new(500, Vec::new(), Vec::new(), None);
        }
        let context = self.middleware.context().clone();
        let mut session = Session::open(Arc::clone(&self.store), context, key.as_deref());
        let before = self.stored(parsed.as_ref());
        let (mut results, mut other) = (Vec::new(), None);
        for operation in &request.operations {
            if let Some(operations) = operation.meanwhile() {
                let loaded = self.store.loaded.load(Ordering::Relaxed);
                other = Some(self.answer(&Request::new(request.cookie.clone(), operations.to_vec(), 200)));
                self.store.loaded.store(loaded, Ordering::Relaxed);
            }
            results.push(self.perform(&mut session, operation));
        }
        let mut results = Some(results);
        if let (Some(parsed), true) = (&parsed, self.flaw == Flaw::LogsKeys) {
            self.write(&format!("POST /sessionspec {} session={}", request.status, parsed.as_str()));
        }
        if let (Some(parsed), Some(Part::Tells(tell))) = (&parsed, &self.part) {
            self.write(&tell(parsed));
        }
        let happened = Happened::of(request, session.accessed());
        match self.flaw {
            Flaw::AlwaysSaves => session.mark_modified(),
            Flaw::Resurrects if session.modified() => self.put(session.key(), Entries::new()),
            Flaw::Merges if session.modified() && session.key() == parsed.as_ref() => {
                for (name, value) in self.stored(parsed.as_ref()) {
                    if !before.contains_key(&name) && !data(&mut session).contains_key(&name) {
                        data(&mut session).insert(&name, value).unwrap();
                    }
                }
            }
            _ => {}
        }
        let mut status = StatusCode::from_u16(request.status).unwrap();
        let decides = match (self.flaw, request.status) {
            (Flaw::SavesBroken, _) => StatusCode::OK,
            (Flaw::LosesRefused, 499) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => status,
        };
        let mut headers = HeaderMap::new();
        if request.public {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
        }
        let untouched = headers.clone();
        let response = self.middleware.process_response(&mut session, decides, &mut headers);
        if let Err(error) = response.wait() {
            assert_eq!(headers, untouched);
            status = error.status();
            results = None;
        }
        self.spoil(&mut headers);
        if let (Some(Part::Varies(varies)), true) = (&self.part, results.is_some()) {
            headers.remove(header::VARY);
            if varies(happened.with(&headers)) {
                headers.insert(header::VARY, HeaderValue::from_static("Cookie"));
            }
        }
        if self.flaw == Flaw::StaysPublic {
            headers.extend(untouched);
        }
        let lines =
            |name| headers.get_all(name).iter().map(|line| line.to_str().unwrap().to_owned()).collect();
        let response =
            Response::new(status.as_u16(), lines(header::SET_COOKIE), lines(header::VARY), results);
        let response = response.with_date(Some("Sun, 17 Mar 2030 17:46:40 GMT".to_owned()));
        response.with_cache_control(lines(header::CACHE_CONTROL)).with_other(other)
    }
}

/// Whether a handler changes its session by this.
fn writes(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Set(..) | Operation::SetExpiry(Some(_)) | Operation::Save | Operation::CycleKey
    )
}

fn data<S: SessionStore>(session: &mut Session<Arc<Watched<S>>>) -> &mut SessionData {
    session.data().wait().unwrap()
}
