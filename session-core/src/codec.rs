//! Session data as the text that Django's engines store: JSON, signed with its time, compressed where
//! that is shorter.
//!
//! Django's counterparts are `SessionBase.encode` and `SessionBase.decode`.

use time::OffsetDateTime;

use crate::json::JsonError;
use crate::signing::{SignatureError, Signer};
use crate::{Entries, SessionKey, Settings, SettingsError, StoreError};

/// The salt of the engines that keep data on the server: `db`, `file` and `cached_db`.
pub const SERVER_SALT: &str = "django.contrib.sessions.SessionStore";

/// The salt of the engine that keeps data in a cookie: `signed_cookies`.
pub const COOKIE_SALT: &str = "django.contrib.sessions.backends.signed_cookies";

/// Encodes and decodes session data under a salt.
#[derive(Debug, Clone)]
pub struct Codec {
    signer: Signer,
    /// The most bytes that the JSON may have.
    limit: usize,
}

/// Why data was not encoded, or stored text not decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The text cannot be trusted: a bad or a missing signature, or what was signed is no data.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The text was signed properly, and is no session data; or one of its entries cannot be read.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The data is larger than the setting `max_data_bytes` allows.
    #[error("the data is {size} bytes of JSON; the setting max_data_bytes allows {limit}")]
    TooLarge {
        /// Its size in bytes, as far as it was looked at.
        size: usize,
        /// The most bytes allowed.
        limit: usize,
    },
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
        Ok(Self { signer: Signer::new(secret, fallbacks, salt), limit: settings.max_data_bytes })
    }

    /// The text to store. The signature carries the time, in whole seconds.
    ///
    /// # Errors
    /// [`CodecError::TooLarge`]: what could not be decoded again is not encoded.
    pub fn encode(&self, data: &Entries, now: OffsetDateTime) -> Result<String, CodecError> {
        let json = data.to_json();
        if json.len() > self.limit {
            return Err(CodecError::TooLarge { size: json.len(), limit: self.limit });
        }
        Ok(self.signer.dumps(json.as_bytes(), now))
    }

    /// The data of a stored text.
    ///
    /// # Errors
    /// [`CodecError`]. Where Django gives an empty session for any fault, data that was signed properly
    /// is never silently dropped here.
    pub fn decode(&self, text: &str) -> Result<Entries, CodecError> {
        Ok(self.decode_with_time(text)?.0)
    }

    /// The same, and when it was encoded, in whole seconds.
    ///
    /// # Errors
    /// [`CodecError`].
    pub fn decode_with_time(&self, text: &str) -> Result<(Entries, OffsetDateTime), CodecError> {
        let (bytes, time) = self.signer.loads_with_time(text, self.limit).map_err(|error| match error {
            SignatureError::TooLarge { limit } => CodecError::TooLarge { size: limit + 1, limit },
            other => other.into(),
        })?;
        // Django decodes what was signed as Latin-1. It writes ASCII itself.
        let entries = if bytes.is_ascii() {
            Entries::parse(&bytes)
        } else {
            Entries::parse(bytes.iter().copied().map(char::from).collect::<String>().as_bytes())
        };
        Ok((entries?, time))
    }
}

impl CodecError {
    /// The error of a store whose record this is.
    ///
    /// What is signed properly and too large or too deep to be read is no corrupt record: a session would overwrite
    /// that.
    pub fn into_store_error(self, key: &SessionKey) -> StoreError {
        match self {
            Self::TooLarge { size, limit } => StoreError::too_large(key, size as u64, limit as u64),
            Self::Json(JsonError::Malformed { .. }) | Self::Signature(_) => StoreError::corrupt(key, self),
            Self::Json(_) => StoreError::unrepresentable(key, self),
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
        let text = r#"{"b":[1,{"c":null}], "a":"\ud83d\ude00", "price": NaN, "half": "\ud800"}"#;
        let data = Entries::parse(text.as_bytes()).unwrap();
        let stored = codec("s").encode(&data, OffsetDateTime::UNIX_EPOCH).unwrap();
        assert_eq!(codec("s").decode(&stored).unwrap().to_json(), text);
        assert_eq!(codec("t").decode(&stored), Err(SignatureError::Bad.into()));
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        let settings = Settings { secret_key: Secret::new("s"), max_data_bytes: 100, ..Settings::default() };
        let small = Codec::new(&settings, SERVER_SALT).unwrap();
        let of = |size: usize| {
            Entries::parse(format!(r#"{{"a":"{}"}}"#, "x".repeat(size - 8)).as_bytes()).unwrap()
        };
        let stored = small.encode(&of(100), OffsetDateTime::UNIX_EPOCH).unwrap();
        assert_eq!(small.decode(&stored).unwrap(), of(100));
        let too_large = CodecError::TooLarge { size: 101, limit: 100 };
        assert_eq!(small.encode(&of(101), OffsetDateTime::UNIX_EPOCH).unwrap_err(), too_large);
        for size in [101, 5_000] {
            let stored = codec("s").encode(&of(size), OffsetDateTime::UNIX_EPOCH).unwrap();
            // How large it would have become nobody looked.
            assert_eq!(small.decode(&stored).unwrap_err(), too_large);
        }
    }

    #[test]
    fn signed_data_that_cannot_be_read_is_refused_by_name_and_not_emptied() {
        let deep = format!(r#"{{"a":1,"deep":{}{}}}"#, "[".repeat(2_000), "]".repeat(2_000));
        let error = codec("s").decode(&sign(deep.as_bytes())).unwrap_err();
        let key = SessionKey::parse("12345678").unwrap();
        let error = error.into_store_error(&key);
        assert!(
            matches!(&error, StoreError::Unrepresentable { source, .. } if source.to_string().contains("deep"))
        );
    }

    #[test]
    fn bytes_beyond_ascii_are_latin_1_as_in_django() {
        let data = codec("s").decode(&sign("{\"é\":\"\u{80}\"}".as_bytes())).unwrap();
        assert_eq!(data.to_json(), r#"{"\u00c3\u00a9":"\u00c2\u0080"}"#);
        assert_eq!(codec("s").decode(&sign(b"{\"\xe9\":1}")).unwrap().to_json(), r#"{"\u00e9":1}"#);
    }

    #[test]
    fn signed_data_that_is_no_dictionary_is_corrupt() {
        let key = SessionKey::parse("12345678").unwrap();
        let error = codec("s").decode(&sign(b"[1]")).unwrap_err().into_store_error(&key);
        assert!(matches!(error, StoreError::Corrupt { .. }));
    }
}
