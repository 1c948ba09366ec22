//! The settings of sessions: every `SESSION_*` setting of Django under its own name in lower case and
//! without the prefix, and the secret keys; with Django's defaults.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Settings, as Django has them (`django.conf.global_settings`).
///
/// ```
/// let settings: session_core::Settings =
///     serde_json::from_str(r#"{"secret_key": "…", "cookie_age": 3600}"#).unwrap();
/// assert_eq!(settings.cookie_age, 3600);
/// assert_eq!(settings.cookie_name, "sessionid");
/// ```
#[expect(clippy::struct_excessive_bools, reason = "they are Django's settings")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// `SECRET_KEY`: signs what is stored.
    pub secret_key: Secret,
    /// `SECRET_KEY_FALLBACKS`: older keys whose signatures are still accepted.
    pub secret_key_fallbacks: Vec<Secret>,
    /// `SESSION_COOKIE_AGE`: how long a session without an expiry of its own lives, in seconds.
    pub cookie_age: i64,
    /// `SESSION_EXPIRE_AT_BROWSER_CLOSE`: whether its cookie ends with the browser.
    pub expire_at_browser_close: bool,
    /// `SESSION_SAVE_EVERY_REQUEST`: whether a session is saved when it was not modified.
    pub save_every_request: bool,
    /// `SESSION_COOKIE_NAME`.
    pub cookie_name: String,
    /// `SESSION_COOKIE_DOMAIN`.
    pub cookie_domain: Option<String>,
    /// `SESSION_COOKIE_PATH`.
    pub cookie_path: String,
    /// `SESSION_COOKIE_SECURE`.
    pub cookie_secure: bool,
    /// `SESSION_COOKIE_HTTPONLY`.
    pub cookie_httponly: bool,
    /// `SESSION_COOKIE_SAMESITE`: `Lax`, `Strict`, `None`, or nothing to leave the attribute out.
    pub cookie_samesite: Option<String>,
    /// `SESSION_ENGINE`: where sessions are kept.
    pub engine: String,
    /// `SESSION_FILE_PATH`: the directory of the file engine; the system's temporary one if absent.
    pub file_path: Option<String>,
    /// `SESSION_CACHE_ALIAS`: which cache the cache engines use.
    pub cache_alias: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            secret_key: Secret::default(),
            secret_key_fallbacks: Vec::new(),
            cookie_age: 60 * 60 * 24 * 7 * 2,
            expire_at_browser_close: false,
            save_every_request: false,
            cookie_name: "sessionid".into(),
            cookie_domain: None,
            cookie_path: "/".into(),
            cookie_secure: false,
            cookie_httponly: true,
            cookie_samesite: Some("Lax".into()),
            engine: "django.contrib.sessions.backends.db".into(),
            file_path: None,
            cache_alias: "default".into(),
        }
    }
}

/// Why settings cannot be worked with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// There is no secret, or one of the fallbacks is empty. Django refuses the first, too
    /// (`ImproperlyConfigured`).
    #[error("the setting secret_key, or one of secret_key_fallbacks, is empty: anybody could sign sessions")]
    EmptySecretKey,
    /// The setting `cookie_name` cannot begin a file's name.
    #[error(
        "the setting cookie_name is {0:?}: it begins the names of session files, and must be a file's name itself"
    )]
    CookieName(String),
    /// A setting of the cookie with which it could not be sent, or no browser would keep it.
    #[error("the setting {setting} is {value:?}: {reason}")]
    Cookie {
        /// The setting's name.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        reason: &'static str,
    },
}

/// A secret key. It is never shown: [`fmt::Debug`] tells only whether there is one, and serialising it
/// gives an empty text, so that settings can be printed.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself. Keep it out of logs.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "Secret(empty)" } else { "Secret(…)" })
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_setting_is_an_error_that_names_it() {
        let error = serde_json::from_str::<Settings>(r#"{"cookie_agee": 1}"#).unwrap_err();
        assert!(error.to_string().contains("cookie_agee"), "{error}");
    }

    #[test]
    fn a_secret_is_neither_printed_nor_written() {
        let settings = Settings { secret_key: Secret::new("hunter2"), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert!(!serde_json::to_string(&settings).unwrap().contains("hunter2"));
    }
}
