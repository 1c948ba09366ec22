//! Session data as the text that Django's engines store: JSON, signed with its time, compressed where
//! that is shorter.
//!
//! Django's counterparts are `SessionBase.encode` and `SessionBase.decode`.

use time::OffsetDateTime;

use crate::json::{self, JsonError};
use crate::signing::{SignatureError, Signer};
use crate::{Map, SessionKey, Settings, SettingsError, StoreError};

/// The salt of the engines that keep data on the server: `db`, `file` and `cached_db`.
pub const SERVER_SALT: &str = "django.contrib.sessions.SessionStore";

/// The salt of the engine that keeps data in a cookie: `signed_cookies`.
pub const COOKIE_SALT: &str = "django.contrib.sessions.backends.signed_cookies";

/// Encodes and decodes session data under a salt.
#[derive(Debug, Clone)]
pub struct Codec {
    signer: Signer,
}

/// Why stored text was not decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// It cannot be trusted or is not session data: a bad signature, cut or foreign text.
    #[error("{0}")]
    Corrupt(String),
    /// It was signed properly and holds a value that cannot be kept here. The text names the entry.
    #[error("{0}")]
    Unrepresentable(String),
}

impl Codec {
    /// A codec with the secret keys of these settings.
    ///
    /// # Errors
    /// [`SettingsError::EmptySecretKey`].
    pub fn new(settings: &Settings, salt: &str) -> Result<Self, SettingsError> {
        let (secret, fallbacks) = (&settings.secret_key, &settings.secret_key_fallbacks);
        if std::iter::once(secret).chain(fallbacks).any(|secret| secret.reveal().is_empty()) {
            return Err(SettingsError::EmptySecretKey);
        }
        Ok(Self { signer: Signer::new(secret, fallbacks, salt) })
    }

    /// The text to store. The signature carries the time, in whole seconds.
    pub fn encode(&self, data: &Map, now: OffsetDateTime) -> String {
        self.signer.dumps(json::write(data).as_bytes(), now)
    }

    /// The data of a stored text.
    ///
    /// # Errors
    /// [`DecodeError`]. Where Django gives an empty session for any fault, data that was signed properly
    /// is never silently dropped here.
    pub fn decode(&self, text: &str) -> Result<Map, DecodeError> {
        let bytes = self.signer.loads(text, None)?;
        Ok(json::parse(&bytes)?)
    }

    /// The same, and when it was encoded, in whole seconds.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode_with_time(&self, text: &str) -> Result<(Map, OffsetDateTime), DecodeError> {
        let (bytes, time) = self.signer.loads_with_time(text)?;
        Ok((json::parse(&bytes)?, time))
    }
}

impl DecodeError {
    /// The error of a store whose record this text is.
    pub fn into_store_error(self, key: &SessionKey) -> StoreError {
        let key = key.clone();
        match self {
            Self::Corrupt(reason) => StoreError::Corrupt { key, reason },
            Self::Unrepresentable(reason) => StoreError::Unrepresentable { key, reason },
        }
    }
}

impl From<SignatureError> for DecodeError {
    fn from(error: SignatureError) -> Self {
        Self::Corrupt(error.to_string())
    }
}

impl From<JsonError> for DecodeError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Malformed { .. } => Self::Corrupt(error.to_string()),
            JsonError::Unrepresentable { .. } => Self::Unrepresentable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Secret;

    fn codec(secret: &str) -> Codec {
        Codec::new(&Settings { secret_key: Secret::new(secret), ..Settings::default() }, SERVER_SALT).unwrap()
    }

    #[test]
    fn an_empty_secret_is_refused_among_the_fallbacks_too() {
        let settings = Settings { secret_key_fallbacks: vec![Secret::default()], ..Settings::default() };
        assert_eq!(Codec::new(&settings, "a").unwrap_err(), SettingsError::EmptySecretKey);
        let settings = Settings { secret_key: Secret::new("s"), ..settings };
        assert_eq!(Codec::new(&settings, "a").unwrap_err(), SettingsError::EmptySecretKey);
    }

    fn sign(json: &[u8]) -> String {
        let signer = Signer::new(&Secret::new("s"), &[], SERVER_SALT);
        signer.dumps(json, OffsetDateTime::UNIX_EPOCH)
    }

    #[test]
    fn data_comes_back_as_it_was() {
        let data = json::parse(br#"{"b":[1,{"c":null}],"a":"\ud83d\ude00"}"#).unwrap();
        let text = codec("s").encode(&data, OffsetDateTime::UNIX_EPOCH);
        assert_eq!(codec("s").decode(&text), Ok(data));
        assert!(matches!(codec("t").decode(&text), Err(DecodeError::Corrupt(_))));
    }

    #[test]
    fn signed_data_that_cannot_be_kept_is_refused_by_name_and_not_emptied() {
        let error = codec("s").decode(&sign(br#"{"a":1,"price":NaN}"#)).unwrap_err();
        assert!(
            matches!(&error, DecodeError::Unrepresentable(reason) if reason.contains("price")),
            "{error}"
        );
    }

    #[test]
    fn signed_data_that_is_no_dictionary_is_corrupt() {
        assert!(matches!(codec("s").decode(&sign(b"[1]")), Err(DecodeError::Corrupt(_))));
    }
}
