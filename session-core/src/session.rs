//! A session: what a request works with. It reads its record when its data is first asked for, and writes
//! it when it is told to.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::clock::{Clock, SystemClock};
use crate::data::SessionData;
use crate::error::SessionError;
use crate::expiry::Expiry;
use crate::key::{KeyGenerator, RandomKeys, SessionKey};
use crate::settings::Settings;
use crate::store::SessionStore;
use crate::{Chain, Entries, Record, StoreError};

/// How many candidates are drawn for a new key. A good generator needs one.
const MAX_ATTEMPTS: u32 = 1_000;

/// What all sessions of an application share: the settings, the clock, and the source of keys. Cloning is
/// cheap.
///
/// ```
/// use session_core::{ManualClock, RandomKeys, SessionContext, Settings};
///
/// let context = SessionContext::new(Settings::new("…"));
/// assert_eq!(context.settings().cookie_name, "sessionid");
///
/// // In a test, time stands still until it is told to move.
/// let clock = ManualClock::new(time::macros::datetime!(2030-01-01 00:00 UTC));
/// let context = SessionContext::with(Settings::new("…"), clock, RandomKeys);
/// ```
#[derive(Debug, Clone)]
pub struct SessionContext {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    clock: Box<dyn Clock>,
    keys: Box<dyn KeyGenerator>,
}

impl SessionContext {
    /// A context with the machine's clock and random keys.
    pub fn new(settings: Settings) -> Self {
        Self::with(settings, SystemClock, RandomKeys)
    }

    /// A context with a clock and a source of keys of one's own.
    pub fn with(settings: Settings, clock: impl Clock + 'static, keys: impl KeyGenerator + 'static) -> Self {
        Self { shared: Arc::new(Shared { settings, clock: Box::new(clock), keys: Box::new(keys) }) }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.shared.clock
    }

    /// The age of an expiry, in seconds rounded down, from an instant or from now.
    pub fn expiry_age(&self, expiry: Expiry, modification: Option<OffsetDateTime>) -> i64 {
        expiry.age(modification.unwrap_or_else(|| self.clock().now()), self.settings().cookie_age)
    }

    /// The instant of an expiry, counted from an instant or from now.
    ///
    /// # Errors
    /// [`SessionError::InvalidExpiry`] if it lies outside the years 1 to 9999.
    pub fn expiry_date(
        &self,
        expiry: Expiry,
        modification: Option<OffsetDateTime>,
    ) -> Result<OffsetDateTime, SessionError> {
        expiry.date(modification.unwrap_or_else(|| self.clock().now()), self.settings().cookie_age)
    }
}

/// A session on a store.
///
/// Opening it does no I/O. [`data`](Self::data) reads the record the first time; the dictionary is then
/// worked with in memory; [`save`](Self::save) writes it.
///
/// Django's counterpart is an engine's `SessionStore` object.
///
/// ```
/// use session_core::blocking::Wait;
/// use session_core::{Session, SessionContext, SessionError, SessionStore, Settings};
///
/// /// Logs somebody in, and gives the value of the cookie that opens the session from then on.
/// fn log_in(store: impl SessionStore, cookie: Option<&str>, user: &str) -> Result<String, SessionError> {
///     let mut session = Session::open(store, SessionContext::new(Settings::default()), cookie);
///     // A key that somebody planted on the visitor must not become one that is logged in.
///     session.cycle_key().wait()?;
///     session.data().wait()?.insert("user", user)?;
///     session.save().wait()?;
///     Ok(session.key().map(|key| key.as_str().to_owned()).unwrap_or_default())
/// }
/// ```
///
/// An async program says `.await` in the place of `.wait()`.
#[derive(Debug)]
pub struct Session<S> {
    store: S,
    key: Option<SessionKey>,
    /// What the visitor sent, if anything.
    sent: Sent,
    /// Whether `data` holds what the session is: it was read, cleared or created.
    loaded: bool,
    data: SessionData,
}

/// What a session was opened with.
#[derive(Debug)]
enum Sent {
    Nothing,
    /// What counts as no key.
    NoKey,
    Key(SessionKey),
}

impl<S: SessionStore> Session<S> {
    /// A session on the key that a visitor sent, if any. A key of fewer than eight characters counts as
    /// none; whether a record answers to it shows when the data is first asked for.
    pub fn open(store: S, context: SessionContext, key: Option<&str>) -> Self {
        let sent = match key.map(SessionKey::parse) {
            None => Sent::Nothing,
            Some(None) => Sent::NoKey,
            Some(Some(key)) => Sent::Key(key),
        };
        let key = match &sent {
            Sent::Key(key) => Some(key.clone()),
            Sent::Nothing | Sent::NoKey => None,
        };
        Self { store, key, sent, loaded: false, data: SessionData::new(context) }
    }

    /// Whether the session was opened with what a visitor sent, be it a key or not.
    pub fn was_sent(&self) -> bool {
        !matches!(self.sent, Sent::Nothing)
    }

    /// Whether the session has a key that the visitor did not send, and so must be told.
    pub fn has_new_key(&self) -> bool {
        match (&self.key, &self.sent) {
            (Some(key), Sent::Key(sent)) => key != sent,
            (key, _) => key.is_some(),
        }
    }

    /// The key, if there is one (`session_key`).
    pub fn key(&self) -> Option<&SessionKey> {
        self.key.as_ref()
    }

    /// Whether the data was looked at (`accessed`).
    pub fn accessed(&self) -> bool {
        self.data.accessed
    }

    /// Whether the data was changed (`modified`). A change inside a value does not show here.
    pub fn modified(&self) -> bool {
        self.data.modified
    }

    /// Marks the session modified, after a change inside a value (`session.modified = True`).
    pub fn mark_modified(&mut self) {
        self.data.modified = true;
    }

    /// The settings, clock and keys that this session works with.
    pub fn context(&self) -> &SessionContext {
        &self.data.context
    }

    /// Whether the session has neither a key nor data (`is_empty`). Reads nothing.
    pub fn is_empty(&self) -> bool {
        self.key.is_none() && self.data.is_empty()
    }

    /// The data, read from the store the first time.
    ///
    /// A key without a record leaves the session empty and without a key. A record that does not decode
    /// leaves it empty with its key, and is reported under the log target `session_core::security`.
    ///
    /// # Errors
    /// [`SessionError::Store`]: the store failed, or the record holds what cannot be kept here. Nothing
    /// is remembered then; the next call reads again.
    pub async fn data(&mut self) -> Result<&mut SessionData, SessionError> {
        self.data.accessed = true;
        if !self.loaded {
            if let Some(key) = &self.key {
                match self.store.load(key).await {
                    Ok(Some(record)) => self.data.replace(record.data),
                    Ok(None) => self.key = None,
                    Err(error @ StoreError::Corrupt { .. }) => {
                        tracing::warn!(
                            target: "session_core::security",
                            session = %key,
                            "session data corrupted: {}", Chain(&error)
                        );
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            self.loaded = true;
        }
        Ok(&mut self.data)
    }

    /// The data if it is in memory already.
    pub fn data_if_loaded(&self) -> Option<&SessionData> {
        self.loaded.then_some(&self.data)
    }

    /// Removes all entries, without reading them (`clear`). Key and record stay until the next save.
    pub fn clear(&mut self) {
        self.data.replace(Entries::new());
        self.loaded = true;
        self.data.accessed = true;
        self.data.modified = true;
    }

    /// Stores the session: under a new key if it has none, else in the place of its record (`save`). A
    /// record that is gone is not brought back.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] (Django's `UpdateError`) if the record is gone, and the other errors of
    /// the store; [`SessionError::InvalidExpiry`]; [`SessionError::Unrepresentable`] if a value that was changed in
    /// place cannot be read again. The record is then as it was.
    pub async fn save(&mut self) -> Result<(), SessionError> {
        self.save_at(self.now()).await
    }

    /// Stores the session as [`save`](Self::save) does, at an instant that the caller has taken for whatever else
    /// must agree with it.
    pub(crate) async fn save_at(&mut self, now: OffsetDateTime) -> Result<(), SessionError> {
        let Some(key) = self.key.clone() else { return self.create_at(now).await };
        self.data().await?;
        if self.key.is_none() {
            return Err(StoreError::NotFound(key).into());
        }
        let record = self.record(now)?;
        self.key = Some(self.store.update(&key, &record).await?);
        Ok(())
    }

    /// Stores the session under the key it has, where no record may be yet (`save(must_create=True)`).
    /// Reads nothing: what is in memory is stored.
    ///
    /// Never call this with a key that came from a visitor: it would be adopted.
    ///
    /// # Errors
    /// [`StoreError::Exists`] (Django's `CreateError`) if the key is taken, and as for
    /// [`save`](Self::save).
    pub async fn save_must_create(&mut self) -> Result<(), SessionError> {
        let Some(key) = self.key.clone() else { return self.create().await };
        self.loaded = true;
        self.data.accessed = true;
        let record = self.record(self.now())?;
        self.key = Some(self.store.insert(&key, &record).await?);
        Ok(())
    }

    /// Stores what is in memory under a new key, at once, and marks the session modified (`create`). A
    /// session that was not read starts empty; a record under its old key stays.
    ///
    /// # Errors
    /// As for [`save`](Self::save), and [`SessionError::NoRandomness`]. The session then keeps the key it had.
    pub async fn create(&mut self) -> Result<(), SessionError> {
        self.create_at(self.now()).await
    }

    async fn create_at(&mut self, now: OffsetDateTime) -> Result<(), SessionError> {
        self.data.accessed = true;
        self.loaded = true;
        let record = self.record(now)?;
        for _ in 0..MAX_ATTEMPTS {
            let candidate = self.data.context.shared.keys.generate().map_err(SessionError::NoRandomness)?;
            // Django asks `exists` first; the store's own refusal is one step and cannot be raced.
            match self.store.insert(&candidate, &record).await {
                Ok(key) => {
                    self.key = Some(key);
                    self.data.modified = true;
                    return Ok(());
                }
                Err(StoreError::Exists(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(SessionError::KeysExhausted(MAX_ATTEMPTS))
    }

    fn now(&self) -> OffsetDateTime {
        self.data.context.clock().now()
    }

    /// What is in memory, as it is stored at `now`.
    fn record(&self, now: OffsetDateTime) -> Result<Record, SessionError> {
        Ok(Record::new(self.data.entries()?.into_owned(), self.data.expires(now)?))
    }

    /// Deletes this session's record; the session itself stays as it is (`delete`).
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub async fn delete(&mut self) -> Result<(), SessionError> {
        if let Some(key) = &self.key {
            self.store.delete(key).await?;
        }
        Ok(())
    }

    /// Deletes the record under some key (`delete(session_key)`). A key without a record is no error.
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub async fn delete_key(&self, key: &SessionKey) -> Result<(), SessionError> {
        Ok(self.store.delete(key).await?)
    }

    /// Ends the session: deletes the record, forgets the key, removes all entries (`flush`). To be called
    /// at log-out.
    ///
    /// # Errors
    /// [`SessionError::Store`]. The key is then kept, so that it can be tried again.
    pub async fn flush(&mut self) -> Result<(), SessionError> {
        self.clear();
        self.delete().await?;
        self.key = None;
        Ok(())
    }

    /// Moves the data to a new key and removes the old record (`cycle_key`). To be called at log-in.
    ///
    /// # Errors
    /// As for [`save`](Self::save). If the new record could not be stored, nothing has changed. If only
    /// the old one could not be removed, the session has its new key and the error says which is left.
    pub async fn cycle_key(&mut self) -> Result<(), SessionError> {
        self.data().await?;
        let old = self.key.clone();
        self.create().await?;
        if let Some(old) = old {
            self.store.delete(&old).await?;
        }
        Ok(())
    }

    /// Whether the store has a record under some key (`exists`).
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub async fn exists(&self, key: &SessionKey) -> Result<bool, SessionError> {
        Ok(self.store.exists(key).await?)
    }

    /// Removes the expired records of the store and gives their number (`clear_expired`).
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub async fn clear_expired(&self) -> Result<u64, SessionError> {
        Ok(self.store.clear_expired().await?)
    }
}
