//! The settings of sessions: every `SESSION_*` setting of Django under its own name in lower case and
//! without the prefix, and the secret keys; with Django's defaults.

use std::fmt;

use serde::Deserialize;

use crate::TimeZone;

/// Settings, as Django has them (`django.conf.global_settings`).
///
/// ```
/// let settings: session_core::Settings =
///     serde_json::from_str(r#"{"secret_key": "…", "cookie_age": 3600}"#).unwrap();
/// assert_eq!(settings.cookie_age, 3600);
/// assert_eq!(settings.cookie_name, "sessionid");
/// ```
#[expect(clippy::struct_excessive_bools, reason = "they are Django's settings")]
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
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
    /// `TIME_ZONE`, for a Django site with `USE_TZ = False`: there the dates in tables and in sessions are local times
    /// without an offset. Nothing: UTC, Django's default (`USE_TZ = True`).
    pub time_zone: Option<TimeZone>,
    /// The most bytes that the data of a session may have as JSON, before it is compressed: 1 MiB. A larger session
    /// is neither saved nor read, so that nobody can fill the memory with a small cookie or record. Django has no
    /// such limit.
    pub max_data_bytes: usize,
}

impl Settings {
    /// Django's defaults, with this secret key.
    pub fn new(secret_key: impl Into<String>) -> Self {
        Self { secret_key: Secret::new(secret_key), ..Self::default() }
    }

    /// The same with changes.
    ///
    /// ```
    /// let settings = session_core::Settings::new("…").with(|settings| settings.cookie_age = 3600);
    /// assert_eq!(settings.cookie_age, 3600);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The settings that a visitor can notice, as a JSON object under the names that they have here: what the suite for
    /// applications asks for, but for `server_side`, which the store knows. No secret is among them.
    ///
    /// ```
    /// let visible = session_core::Settings::new("…").visible();
    /// assert_eq!((&visible["cookie_name"], visible.get("secret_key")), (&"sessionid".into(), None));
    /// ```
    pub fn visible(&self) -> serde_json::Value {
        serde_json::json!({
            "cookie_name": self.cookie_name,
            "cookie_age": self.cookie_age,
            "cookie_domain": self.cookie_domain,
            "cookie_path": self.cookie_path,
            "cookie_secure": self.cookie_secure,
            "cookie_httponly": self.cookie_httponly,
            "cookie_samesite": self.cookie_samesite,
            "save_every_request": self.save_every_request,
            "expire_at_browser_close": self.expire_at_browser_close,
        })
    }
}

/// Secrets are not shown, and of the engine's URL, which may hold a password, only the scheme.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let engine =
            self.engine.split_once(':').map_or(self.engine.clone(), |(scheme, _)| format!("{scheme}:…"));
        f.debug_struct("Settings")
            .field("secret_key", &self.secret_key)
            .field("secret_key_fallbacks", &self.secret_key_fallbacks)
            .field("cookie_age", &self.cookie_age)
            .field("expire_at_browser_close", &self.expire_at_browser_close)
            .field("save_every_request", &self.save_every_request)
            .field("cookie_name", &self.cookie_name)
            .field("cookie_domain", &self.cookie_domain)
            .field("cookie_path", &self.cookie_path)
            .field("cookie_secure", &self.cookie_secure)
            .field("cookie_httponly", &self.cookie_httponly)
            .field("cookie_samesite", &self.cookie_samesite)
            .field("engine", &engine)
            .field("file_path", &self.file_path)
            .field("time_zone", &self.time_zone)
            .field("max_data_bytes", &self.max_data_bytes)
            .finish()
    }
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
            time_zone: None,
            max_data_bytes: 1 << 20,
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
    /// The setting `time_zone` names no zone, or this build has none.
    #[error("the setting time_zone is {name:?}: {reason}")]
    TimeZone {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
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

/// A secret key. It is never shown: [`fmt::Debug`] tells only whether there is one, and it cannot be serialised.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_can_notice_what_is_in_the_cookie_and_when_sessions_are_saved() {
        let settings = Settings::new("hunter2").with(|settings| settings.cookie_age = 7);
        let visible = settings.visible();
        let names: Vec<&String> = visible.as_object().unwrap().keys().collect();
        assert_eq!(names.iter().filter(|name| name.starts_with("cookie_")).count(), 7);
        assert_eq!(names.len(), 9);
        assert_eq!(visible["cookie_age"], 7);
        assert!(!visible.to_string().contains("hunter2"), "{visible}");
    }

    #[test]
    fn an_unknown_setting_is_an_error_that_names_it() {
        let error = serde_json::from_str::<Settings>(r#"{"cookie_agee": 1}"#).unwrap_err();
        assert!(error.to_string().contains("cookie_agee"), "{error}");
    }

    #[test]
    fn neither_a_secret_nor_a_password_is_shown() {
        let settings = Settings::new("hunter2").with(|settings| {
            settings.secret_key_fallbacks = vec![Secret::new("hunter2")];
            settings.engine = "postgres://me:hunter2@host/database".into();
        });
        let shown = format!("{settings:?}");
        assert!(!shown.contains("hunter2") && shown.contains("postgres:…"), "{shown}");
    }
}
