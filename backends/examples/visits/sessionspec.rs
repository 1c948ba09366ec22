//! The endpoints by which a conformance suite drives the session of a request over HTTP. No real site has them.
//!
//! - `GET /sessionspec/settings`: the settings that a visitor can notice.
//! - `POST /sessionspec`: does operations in order, and answers with the status that was asked for and
//!   `{"results": […]}`. The body is `{"do": [["set", "a", 1], ["get", "a"]], "status": 200}`; with
//!   `"public": true` the answer says `Cache-Control: public, max-age=60`.
//!
//! An operation without a result gives `null`, one that fails `{"error": "…"}`, and the rest is still done. A body
//! that is no such script is a 400 with a text, and nothing is done.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use session_core::middleware::RequestSession;
use session_core::{AnyStore, BoxError, Entries, Expiry, Session, Settings, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest body, in bytes: a suite tries values of several megabytes.
const MAX_BODY: usize = 16 << 20;

pub(crate) fn routes(settings: &Settings, server_side: bool) -> Router {
    let mut seen = settings.visible();
    seen["server_side"] = server_side.into();
    seen["overlap"] = true.into();
    Router::new()
        .route("/sessionspec/settings", get(async |State(seen): State<Json<Value>>| seen))
        .route("/sessionspec", post(perform))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Json(seen))
}

async fn perform(session: RequestSession, body: Bytes) -> Response {
    let script = match Script::parse(&body) {
        Ok(script) => script,
        Err(reason) => return (StatusCode::BAD_REQUEST, reason).into_response(),
    };
    let mut session = session.lock().await;
    let mut results = Vec::new();
    for operation in script.operations {
        let result = operation.perform(&mut session).await;
        results.push(result.unwrap_or_else(|error| json!({ "error": error.to_string() })));
    }
    let mut answer = (script.status, Json(json!({ "results": results }))).into_response();
    if script.public {
        let public = HeaderValue::from_static("public, max-age=60");
        answer.headers_mut().insert(CACHE_CONTROL, public);
    }
    answer
}

struct Script {
    operations: Vec<Operation>,
    status: StatusCode,
    /// Whether to tell caches that everybody may have the answer.
    public: bool,
}

enum Operation {
    Get(String),
    Contains(String),
    Keys,
    Set(String, Value),
    Remove(String),
    /// Pushes to a list in place, which does not mark the session modified.
    Append(String, Value),
    Clear,
    Flush,
    CycleKey,
    SetExpiry(Expiry),
    /// Must not read the session.
    IsEmpty,
    Save,
    /// Deletes the record behind the session's back, as a log-out in another request does.
    DeleteElsewhere,
    /// Gets a page of this host and port, and waits for its end: the suite plays another request meanwhile.
    Call(String),
}

impl Script {
    fn parse(body: &[u8]) -> Result<Self, String> {
        let script = Entries::parse(body).map_err(|error| error.to_string())?;
        let status = script.read::<u16>("status").map(|status| status.unwrap_or(200)).ok();
        let status = status.filter(|status| (200..600).contains(status));
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.ok_or("`status` is a number from 200 to 599")?;
        // A number that no `Value` holds says so; what is no list has another type.
        let operations = script.read::<Value>("do").map_err(|error| error.to_string())?;
        let Some(Value::Array(operations)) = operations else {
            return Err("`do` is a list of operations".into());
        };
        let operations = operations.into_iter().map(Operation::parse).collect::<Result<_, _>>()?;
        let public = script.get("public") == Some("true");
        Ok(Self { operations, status, public })
    }
}

impl Operation {
    fn parse(operation: Value) -> Result<Self, String> {
        let unknown = format!("there is no operation {operation}");
        let Value::Array(words) = operation else { return Err(unknown) };
        let mut words = words.into_iter();
        let Some(Value::String(name)) = words.next() else { return Err(unknown) };
        match (name.as_str(), words.next(), words.next(), words.next()) {
            ("get", Some(Value::String(name)), None, None) => Ok(Self::Get(name)),
            ("contains", Some(Value::String(name)), None, None) => Ok(Self::Contains(name)),
            ("keys", None, None, None) => Ok(Self::Keys),
            ("set", Some(Value::String(name)), Some(value), None) => Ok(Self::Set(name, value)),
            ("remove", Some(Value::String(name)), None, None) => Ok(Self::Remove(name)),
            ("append", Some(Value::String(name)), Some(value), None) => Ok(Self::Append(name, value)),
            ("clear", None, None, None) => Ok(Self::Clear),
            ("flush", None, None, None) => Ok(Self::Flush),
            ("cycle-key", None, None, None) => Ok(Self::CycleKey),
            ("set-expiry", Some(Value::Null), None, None) => Ok(Self::SetExpiry(Expiry::Default)),
            ("set-expiry", Some(Value::Number(seconds)), None, None) => {
                seconds.as_i64().map(|seconds| Self::SetExpiry(Expiry::Seconds(seconds))).ok_or(unknown)
            }
            ("is-empty", None, None, None) => Ok(Self::IsEmpty),
            ("save", None, None, None) => Ok(Self::Save),
            ("delete-elsewhere", None, None, None) => Ok(Self::DeleteElsewhere),
            ("call", Some(Value::String(address)), None, None) => {
                let host = address.strip_prefix("http://").and_then(|rest| rest.strip_suffix('/'));
                host.map(|host| Self::Call(host.to_owned())).ok_or(unknown)
            }
            _ => Err(unknown),
        }
    }

    async fn perform(self, session: &mut Session<AnyStore>) -> Result<Value, BoxError> {
        match self {
            Self::Get(name) => {
                return Ok(session.data().await?.get(&name)?.unwrap_or_default());
            }
            Self::Contains(name) => return Ok(session.data().await?.contains_key(&name).into()),
            Self::Keys => return Ok(session.data().await?.keys().map(Cow::into_owned).collect()),
            Self::Set(name, value) => session.data().await?.insert(name, value)?,
            Self::Remove(name) => drop(session.data().await?.take(&name)),
            Self::Append(name, value) => {
                let list = session.data().await?.get_mut(&name)?;
                if let Some(list) = list.and_then(Value::as_array_mut) {
                    list.push(value);
                }
            }
            Self::Clear => session.clear(),
            Self::Flush => session.flush().await?,
            Self::CycleKey => session.cycle_key().await?,
            Self::SetExpiry(expiry) => session.data().await?.set_expiry(expiry),
            Self::IsEmpty => return Ok(session.is_empty().into()),
            Self::Save => session.save().await?,
            Self::DeleteElsewhere => session.delete().await?,
            Self::Call(host) => {
                let mut stream = TcpStream::connect(&host).await?;
                let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
                stream.write_all(request.as_bytes()).await?;
                stream.read_to_end(&mut Vec::new()).await?;
            }
        }
        Ok(Value::Null)
    }
}
