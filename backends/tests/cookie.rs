//! What a visitor may do to a signed cookie, and what becomes of a session that does not fit into one.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use session_backends::CookieStore;
use session_core::blocking::Wait;
use session_core::codec::{Codec, SERVER_SALT};
use session_core::{
    Entries, ManualClock, Record, Secret, Session, SessionKey, SessionStore, Settings, SettingsError,
    StoreError,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

const NOW: OffsetDateTime = datetime!(2030-01-01 00:00 UTC);

fn settings(secret: &str) -> Settings {
    Settings::new(secret)
}

fn store(settings: &Settings) -> CookieStore<ManualClock> {
    CookieStore::with_clock(settings, ManualClock::new(NOW)).unwrap()
}

fn map(text: &str) -> Entries {
    Entries::parse(text.as_bytes()).unwrap()
}

fn record(text: &str) -> Record {
    Record::new(map(text), NOW + Duration::days(14))
}

fn draft() -> SessionKey {
    SessionKey::parse("a key that was drawn").unwrap()
}

fn signed(text: &str) -> SessionKey {
    store(&settings("the-secret")).insert(&draft(), &record(text)).wait().unwrap()
}

#[test]
fn no_byte_of_a_cookie_can_be_changed_or_lost() {
    let store = store(&settings("the-secret"));
    let cookie = signed(r#"{"user":1,"roles":["editor","editor","editor","editor","editor"]}"#);
    let text = cookie.as_str();
    assert!(text.starts_with('.'), "it is compressed: {text}");
    let mut forgeries: Vec<String> = (8..text.len()).map(|length| text[..length].into()).collect();
    for at in 0..text.len() {
        for other in ["A", "z", "0", ":", ".", "é", "\0", ""] {
            forgeries.push(format!("{}{other}{}", &text[..at], &text[at + 1..]));
        }
    }
    forgeries.retain(|forgery| forgery != text);
    for forgery in forgeries {
        let key = SessionKey::parse(&forgery).unwrap();
        let result = store.load(&key).wait();
        assert!(matches!(result, Err(StoreError::Corrupt { .. })), "{forgery:?}: {result:?}");
    }
}

#[test]
fn a_text_that_was_signed_for_another_purpose_or_by_another_site_is_no_session() {
    let store = store(&settings("the-secret"));
    let server = Codec::new(&settings("the-secret"), SERVER_SALT).unwrap().encode(&map("{}"), NOW).unwrap();
    let other = Codec::new(&settings("another"), session_core::codec::COOKIE_SALT).unwrap();
    for text in
        [server, other.encode(&map("{}"), NOW).unwrap(), "::::::::".into(), "AAAAAAAA:AAAAAA:AAAA".into()]
    {
        let result = store.load(&SessionKey::parse(&text).unwrap()).wait();
        assert!(matches!(result, Err(StoreError::Corrupt { .. })), "{text}: {result:?}");
    }
}

#[test]
fn a_key_that_was_rotated_out_is_accepted_as_a_fallback_and_no_longer() {
    let cookie = signed(r#"{"a":1}"#);
    let fallbacks = vec![Secret::new("the-secret")];
    let rotated = settings("a-newer-secret").with(|settings| settings.secret_key_fallbacks = fallbacks);
    assert_eq!(store(&rotated).load(&cookie).wait().unwrap().unwrap().data, map(r#"{"a":1}"#));
    let result = store(&settings("a-newer-secret")).load(&cookie).wait();
    assert!(matches!(result, Err(StoreError::Corrupt { .. })), "{result:?}");
}

#[test]
fn what_no_browser_would_keep_is_refused_with_both_sizes() {
    // Text that zlib makes no shorter.
    let mut state = 1_u64;
    let text: String = (0..8_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'0' + (state >> 58) as u8)
        })
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let error = store(&settings("the-secret"))
        .update(&draft(), &record(&format!(r#"{{"a":"{text}"}}"#)))
        .wait()
        .unwrap_err();
    let StoreError::TooLarge { size, limit, .. } = &error else { panic!("{error}") };
    // Name and value together have 4,096 bytes.
    assert_eq!(*limit, 4_096 - "sessionid".len() as u64);
    assert!(size > limit && error.to_string().contains(&size.to_string()), "{error}");
}

#[test]
fn a_tampered_cookie_is_an_empty_session_that_gets_a_cookie_of_its_own() {
    let store = std::sync::Arc::new(store(&settings("the-secret")));
    let context = session_core::SessionContext::new(settings("the-secret"));
    let forged = signed(r#"{"admin":false}"#).as_str().replace(':', ";");
    let mut session = Session::open(store, context, Some(&forged));
    assert!(session.data().wait().unwrap().is_empty());
    session.data().wait().unwrap().insert("a", 1).unwrap();
    session.save().wait().unwrap();
    assert_ne!(session.key().unwrap().as_str(), forged);
}

#[test]
fn an_empty_secret_signs_nothing() {
    assert_eq!(CookieStore::new(&Settings::default()).unwrap_err(), SettingsError::EmptySecretKey);
}

#[test]
fn a_cookie_may_be_as_long_as_browsers_take_and_no_longer() {
    let length = signed(r#"{"a":1}"#).as_str().len();
    let sign = |name: usize| {
        let mut settings = settings("the-secret");
        settings.cookie_name = "n".repeat(name);
        store(&settings).insert(&draft(), &record(r#"{"a":1}"#)).wait()
    };
    // Name and value together.
    assert_eq!(sign(4_096 - length).unwrap().as_str().len(), length);
    assert!(matches!(sign(4_097 - length), Err(StoreError::TooLarge { .. })));
}

#[test]
fn nothing_is_cleared_away_that_is_in_a_cookie() {
    signed("{}");
    assert_eq!(store(&settings("the-secret")).clear_expired().wait().unwrap(), 0);
}
