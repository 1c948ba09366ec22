//! The table of requests, that of the cookie's attributes, and that of the headers, as real Django filled them in
//! (`adapters/django/middleware_table.py`).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Case, HeaderCase};

const CASES: &str = include_str!("../../tables/middleware.jsonl");
const COOKIE_SESSIONS: &str = include_str!("../../tables/cookie-sessions.jsonl");
const OVERLAPS: &str = include_str!("../../tables/overlaps.jsonl");
const HEADERS: &str = include_str!("../../tables/headers.jsonl");
const COOKIES: &str = include_str!("../../tables/cookies.jsonl");

/// The cookie that is set, and the one that is deleted, with these settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the settings of these names")]
pub struct CookieCase {
    pub cookie_name: String,
    pub cookie_domain: Option<String>,
    pub cookie_path: String,
    pub cookie_secure: bool,
    pub cookie_httponly: bool,
    pub cookie_samesite: Option<String>,
    /// Attributes of the cookie that is set; those without a value have an empty one.
    pub set: BTreeMap<String, String>,
    /// Attributes of the cookie that is deleted.
    pub deleted: BTreeMap<String, String>,
}

/// Every case, with Django's answer.
///
/// # Errors
/// What is wrong with a line; a test sees to it that none is.
pub fn cases() -> Result<Vec<Case>, serde_json::Error> {
    CASES.lines().map(serde_json::from_str).collect()
}

/// Every case of an application that keeps its sessions in the cookie, with Django's answer.
///
/// A cookie that is signed anew is another one, and what is in a cookie that was given out stays there.
///
/// # Errors
/// What is wrong with a line; a test sees to it that none is.
pub fn cookie_session_cases() -> Result<Vec<Case>, serde_json::Error> {
    COOKIE_SESSIONS.lines().map(serde_json::from_str).collect()
}

/// Every case in which another request comes and goes, with Django's answer.
///
/// # Errors
/// What is wrong with a line; a test sees to it that none is.
pub fn overlapping_cases() -> Result<Vec<Case>, serde_json::Error> {
    OVERLAPS.lines().map(serde_json::from_str).collect()
}

/// The cookie with every setting, as Django writes it.
///
/// # Errors
/// What is wrong with a line; a test sees to it that none is.
pub fn cookie_cases() -> Result<Vec<CookieCase>, serde_json::Error> {
    COOKIES.lines().map(serde_json::from_str).collect()
}

/// Headers, and what Django finds with each.
///
/// # Errors
/// What is wrong with a line; a test sees to it that none is.
pub fn header_cases() -> Result<Vec<HeaderCase>, serde_json::Error> {
    HEADERS.lines().map(serde_json::from_str).collect()
}
