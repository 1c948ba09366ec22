//! Sessions in the visitor's cookie, signed: Django's `signed_cookies` engine.

use session_core::codec::{COOKIE_SALT, Codec};
use session_core::{
    Capabilities, Clock, Record, SessionKey, SessionStore, Settings, SettingsError, StoreError, SystemClock,
    stored_expiry,
};

/// The most bytes of a cookie's name and value together that browsers take (RFC 6265, section 6.1). They drop
/// a larger one without a word.
const MAX_COOKIE: usize = 4_096;

/// Sessions that the visitor carries: the key *is* the data, signed with its time.
///
/// The data is readable by the visitor, and cannot be changed by anybody without the secret. It cannot be
/// taken back either: a copy of the cookie opens the session until it expires, whatever was deleted since.
/// [`capabilities`](SessionStore::capabilities) tells an application so.
///
/// ```
/// use session_backends::CookieStore;
/// use session_core::Settings;
/// use session_core::middleware::SessionLayer;
///
/// let settings = Settings::new("the site's secret");
/// let layer = SessionLayer::new(CookieStore::new(&settings)?, settings)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CookieStore<C = SystemClock> {
    codec: Codec,
    settings: Settings,
    limit: usize,
    clock: C,
}

impl CookieStore {
    /// A store that signs with the secret of these settings.
    ///
    /// # Errors
    /// [`SettingsError::EmptySecretKey`].
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Self::with_clock(settings, SystemClock)
    }
}

impl<C: Clock> CookieStore<C> {
    /// The same with a clock of one's own.
    ///
    /// # Errors
    /// [`SettingsError::EmptySecretKey`].
    pub fn with_clock(settings: &Settings, clock: C) -> Result<Self, SettingsError> {
        Ok(Self {
            codec: Codec::new(settings, COOKIE_SALT)?,
            settings: settings.clone(),
            limit: MAX_COOKIE.saturating_sub(settings.cookie_name.len()),
            clock,
        })
    }

    fn sign(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let encoded = self.codec.encode(&record.data, self.clock.now());
        let value = encoded.map_err(|error| error.into_store_error(key))?;
        if value.len() > self.limit {
            let (size, limit) = (value.len() as u64, self.limit as u64);
            return Err(StoreError::too_large(key, size, limit));
        }
        let too_short = "the signed value is shorter than a key may be";
        SessionKey::parse(&value).ok_or_else(|| StoreError::unrepresentable(key, too_short))
    }
}

impl<C: Clock> SessionStore for CookieStore<C> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::client_side().with_max_record_bytes(self.limit as u64)
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let decoded = self.codec.decode_with_time(key.as_str());
        let (data, signed) = decoded.map_err(|error| error.into_store_error(key))?;
        let expires = stored_expiry(&data, signed, &self.settings);
        Ok((self.clock.now() < expires).then(|| Record::new(data, expires)))
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.sign(key, record)
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.sign(key, record)
    }

    /// Does nothing: what was given out cannot be taken back.
    async fn delete(&self, _: &SessionKey) -> Result<(), StoreError> {
        Ok(())
    }

    /// Does nothing: nothing is kept here.
    async fn clear_expired(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}
