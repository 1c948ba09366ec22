//! What a step does with a session of `session-core`, and what it shows.

use session_core::json::{Json as CoreJson, JsonError, JsonString};
use session_core::{
    AnyStore, Chain, Expiry as CoreExpiry, ExpiryQuery as CoreQuery, Session, SessionData, SessionError,
    StoreError, Value,
};
use time::{Duration, OffsetDateTime, UtcOffset};

use crate::instant::{instant, micros};
use crate::json::{Json, Name};
use crate::observation::{Answer, ErrorKind, Failed, SessionState};
use crate::op::{Entries, Expiry, ExpiryQuery, SessionOp};
use crate::value::TraceValue;

/// What a session shows beside its answer.
pub(super) fn state(session: &Session<AnyStore>) -> SessionState<String> {
    SessionState {
        key: session.key().map(|key| key.as_str().to_owned()),
        accessed: session.accessed(),
        modified: session.modified(),
    }
}

/// Does an operation.
pub(super) async fn perform(session: &mut Session<AnyStore>, op: &SessionOp) -> Result<Answer, SessionError> {
    Ok(match op {
        SessionOp::Get(name) => Answer::Value(match name.as_text() {
            Some(name) => session.data().await?.get_json(&name).as_ref().map(to_text),
            None => among_entries(session.data().await?, name)?,
        }),
        SessionOp::Contains(name) => Answer::Bool(match name.as_text() {
            Some(name) => session.data().await?.contains_key(&name),
            None => among_entries(session.data().await?, name)?.is_some(),
        }),
        SessionOp::Set(name, value) => {
            let data = session.data().await?;
            match name.as_text() {
                Some(text) => data.insert_json(&text, to_core(name, value)?)?,
                None => data.update(&to_entries(std::iter::once((name, value)))?),
            }
            Answer::Unit
        }
        SessionOp::SetDefault(name, value) => set_default(session.data().await?, name, value)?,
        SessionOp::Pop(name) => Answer::Value(Some(to_text(&session.data().await?.remove(&whole(name)?)?))),
        SessionOp::PopDefault(name, default) => {
            let data = session.data().await?;
            let taken = data.take(&whole(name)?);
            Answer::Value(Some(taken.as_ref().map_or_else(|| default.json().clone(), to_text)))
        }
        SessionOp::Remove(name) => {
            session.data().await?.remove(&whole(name)?)?;
            Answer::Unit
        }
        SessionOp::Update(Entries(items)) => {
            let entries = to_entries(items.iter().map(|(name, value)| (name, value)))?;
            session.data().await?.update(&entries);
            Answer::Unit
        }
        SessionOp::Push(name, value) => push(session.data().await?, name, value)?,
        SessionOp::Clear => {
            session.clear();
            Answer::Unit
        }
        SessionOp::Keys => {
            let entries = session.data().await?.entries()?;
            Answer::Names(entries.names().map(to_name).collect())
        }
        SessionOp::Values => {
            Answer::Values(session.data().await?.values().map(|value| to_text(&value)).collect())
        }
        SessionOp::Items => {
            let data = session.data().await?;
            let values: Vec<_> = data.values().collect();
            let entries = data.entries()?;
            let items = entries.names().map(to_name).zip(values.iter().map(to_text));
            Answer::Items(items.collect())
        }
        SessionOp::IsEmpty => Answer::Bool(session.is_empty()),
        SessionOp::SetTestCookie => {
            session.data().await?.set_test_cookie();
            Answer::Unit
        }
        SessionOp::TestCookieWorked => Answer::Bool(session.data().await?.test_cookie_worked()),
        SessionOp::DeleteTestCookie => {
            session.data().await?.delete_test_cookie()?;
            Answer::Unit
        }
        SessionOp::SetExpiry(Expiry::Duration(micros)) => {
            session.data().await?.set_expiry_after(Duration::microseconds(*micros))?;
            Answer::Unit
        }
        SessionOp::SetExpiry(expiry) => {
            session.data().await?.set_expiry(to_expiry(*expiry)?);
            Answer::Unit
        }
        SessionOp::GetExpiryAge(query) => {
            let query = to_query(*query)?;
            Answer::Integer(match query.expiry {
                Some(expiry) => session.context().expiry_age(expiry, query.modification),
                None => session.data().await?.get_expiry_age_for(query)?,
            })
        }
        SessionOp::GetExpiryDate(query) => {
            let query = to_query(*query)?;
            let date = match query.expiry {
                Some(expiry) => session.context().expiry_date(expiry, query.modification)?,
                None => session.data().await?.get_expiry_date_for(query)?,
            };
            Answer::Integer(micros(date))
        }
        SessionOp::GetExpireAtBrowserClose => {
            Answer::Bool(session.data().await?.get_expire_at_browser_close()?)
        }
        SessionOp::GetSessionCookieAge => Answer::Integer(session.context().settings().cookie_age),
        SessionOp::Save => session.save().await.map(|()| Answer::Unit)?,
        SessionOp::SaveMustCreate => session.save_must_create().await.map(|()| Answer::Unit)?,
        SessionOp::Create => session.create().await.map(|()| Answer::Unit)?,
        SessionOp::Delete => session.delete().await.map(|()| Answer::Unit)?,
        SessionOp::Flush => session.flush().await.map(|()| Answer::Unit)?,
        SessionOp::CycleKey => session.cycle_key().await.map(|()| Answer::Unit)?,
    })
}

fn set_default(data: &mut SessionData, name: &Name, value: &TraceValue) -> Result<Answer, SessionError> {
    let text = whole(name)?;
    let value = to_core(name, value)?;
    if let (Ok(value), Ok(_)) = (value.to_value(), data.get_as::<serde_json::Value>(&text)) {
        // As an application does it.
        let kept = data.set_default(&text, value)?;
        let kept = CoreJson::write(&kept).map_err(|error| unrepresentable(name, error))?;
        return Ok(Answer::Value(Some(to_text(&kept))));
    }
    // For what no type of Rust holds there are only the texts.
    if !data.contains_key(&text) {
        data.insert_json(&text, value)?;
    }
    Ok(Answer::Value(data.get_json(&text).as_ref().map(to_text)))
}

/// A dictionary of these entries, whatever their names are.
fn to_entries<'a>(
    items: impl Iterator<Item = (&'a Name, &'a TraceValue)>,
) -> Result<session_core::Entries, SessionError> {
    let object: Vec<_> = items.map(|(name, value)| format!("{name}:{}", value.json().as_str())).collect();
    let object = format!("{{{}}}", object.join(","));
    session_core::Entries::parse(object.as_bytes())
        .map_err(|error| SessionError::unrepresentable("(one of several)", error))
}

/// The entry under a name that no text in Rust holds.
fn among_entries(data: &SessionData, name: &Name) -> Result<Option<Json>, SessionError> {
    let entries = data.entries()?;
    let found = entries.iter().find(|(held, _)| to_name(*held) == *name);
    Ok(found.map(|(_, text)| Json::parse(text).unwrap_or_else(|_| Json::from_canonical(text))))
}

/// Pushes to a list in place, which does not mark the session modified.
fn push(data: &mut SessionData, name: &Name, value: &TraceValue) -> Result<Answer, SessionError> {
    let text = whole(name)?;
    let value = to_core(name, value)?;
    if let (Ok(value), Ok(held)) = (value.to_value(), data.get_mut(&text)) {
        // As an application does it.
        let list = held.and_then(Value::as_array_mut);
        return Ok(Answer::Bool(list.map(|list| list.push(value)).is_some()));
    }
    // For what no type of Rust holds there are only the texts.
    let Some(held) = data.get_json_mut(&text) else { return Ok(Answer::Bool(false)) };
    let Some(pushed) = to_text(held).pushed(&to_text(&value)) else { return Ok(Answer::Bool(false)) };
    *held = CoreJson::parse(pushed.as_str()).map_err(|error| unrepresentable(name, error))?;
    Ok(Answer::Bool(true))
}

/// A name that is text in Rust, too.
fn whole(name: &Name) -> Result<String, SessionError> {
    let half = || JsonError::Mismatch("the name holds half a surrogate pair".into());
    name.as_text().ok_or_else(|| unrepresentable(name, half()))
}

fn unrepresentable(name: &Name, source: JsonError) -> SessionError {
    SessionError::unrepresentable(name.as_str(), source)
}

fn to_core(name: &Name, value: &TraceValue) -> Result<CoreJson, SessionError> {
    CoreJson::parse(value.json().as_str()).map_err(|error| unrepresentable(name, error))
}

/// The canonical text. The session's own may have numbers in another spelling.
fn to_text(value: &CoreJson) -> Json {
    Json::parse(value.as_str()).unwrap_or_else(|_| Json::from_canonical(value.as_str()))
}

fn to_name(name: JsonString<'_>) -> Name {
    Json::parse(&name.to_json_text()).ok().as_ref().and_then(Name::from_json).unwrap_or_else(|| "".into())
}

fn to_expiry(expiry: Expiry) -> Result<CoreExpiry, SessionError> {
    Ok(match expiry {
        Expiry::Default => CoreExpiry::Default,
        Expiry::Seconds(seconds) => CoreExpiry::Seconds(seconds),
        Expiry::At(at, offset) => CoreExpiry::At(date(at, offset)?),
        // The trace format has no durations where this is asked.
        Expiry::Duration(micros) => CoreExpiry::At(date(micros, 0)?),
    })
}

fn to_query(query: ExpiryQuery) -> Result<CoreQuery, SessionError> {
    let mut core = CoreQuery::default();
    if let Some(at) = query.modification {
        core = core.from_modification(date(at, 0)?);
    }
    if let Some(expiry) = query.expiry {
        core = core.for_expiry(to_expiry(expiry)?);
    }
    Ok(core)
}

fn date(at: i64, offset_minutes: i16) -> Result<OffsetDateTime, SessionError> {
    let invalid = || SessionError::InvalidExpiry(format!("{at} µs at an offset of {offset_minutes} minutes"));
    let utc = instant(at).ok_or_else(invalid)?;
    let offset = UtcOffset::from_whole_seconds(i32::from(offset_minutes) * 60).map_err(|_| invalid())?;
    utc.checked_to_offset(offset).ok_or_else(invalid)
}

pub(super) fn failed(error: &SessionError) -> Failed {
    let kind = match error {
        SessionError::NoSuchEntry(_) => ErrorKind::KeyError,
        SessionError::Unrepresentable { .. } | SessionError::Store(StoreError::Unrepresentable { .. }) => {
            ErrorKind::Unrepresentable
        }
        SessionError::InvalidExpiry(_) => ErrorKind::InvalidExpiry,
        SessionError::Store(StoreError::Exists(_)) => ErrorKind::CreateError,
        SessionError::Store(StoreError::NotFound(_)) => ErrorKind::UpdateError,
        SessionError::Store(StoreError::Corrupt { .. }) => ErrorKind::Corrupt,
        SessionError::Store(StoreError::TooLarge { .. }) => ErrorKind::TooLarge,
        SessionError::Store(StoreError::Unsupported { .. }) => ErrorKind::Unsupported,
        _ => ErrorKind::Unavailable,
    };
    Failed { kind, message: Chain(error).to_string() }
}
