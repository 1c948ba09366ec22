//! The headers of a request.

use http::{HeaderMap, HeaderValue, header};
use session_core::middleware::SessionMiddleware;
use session_core::{SessionContext, SessionKey};

/// Any `Cookie` headers, divided by line ends: the session's key, if there is one, was in them.
pub fn check(bytes: &[u8]) {
    let middleware =
        SessionMiddleware::new(SessionContext::new(crate::settings())).expect("the settings are right");
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(header::COOKIE, value);
        }
    }
    let Some(key) = middleware.process_request(&headers) else { return };
    // Each byte is a character, of which UTF-8 has two bytes at most.
    assert!(key.chars().count() <= bytes.len(), "{key:?} is longer than what was sent");
    if let Some(parsed) = SessionKey::parse(&key) {
        assert_eq!(parsed.as_str(), key);
    }
}
