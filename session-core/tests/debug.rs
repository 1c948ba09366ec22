//! Nothing private in `Debug`: no public type shows a secret, a password, a whole key, or what a visitor stored.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Debug;

use session_core::blocking::Wait;
use session_core::codec::{Codec, CodecError, SERVER_SALT};
use session_core::json::{Json, JsonError};
use session_core::middleware::{ResponseFacts, SessionMiddleware};
use session_core::signing::Signer;
use session_core::{
    AnyStore, BoxError, Capabilities, Chain, Entries, Expiry, ExpiryQuery, KeyGenerator, ManualClock,
    Offload, RandomKeys, Record, Secret, Session, SessionContext, SessionError, SessionKey, SessionStore,
    Settings, StoreError, SystemClock,
};
use time::OffsetDateTime;

/// What must not be shown: as a secret, a password, a value, and the end of a key.
const PRIVATE: &str = "hunter2";

fn looks(value: &dyn Debug) {
    for shown in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!shown.is_empty() && !shown.contains(PRIVATE), "{shown}");
    }
}

/// Holds one record, whatever is asked.
#[derive(Debug)]
struct One(Record);

impl SessionStore for One {
    fn capabilities(&self) -> Capabilities {
        Capabilities::memory()
    }
    async fn load(&self, _: &SessionKey) -> Result<Option<Record>, StoreError> {
        Ok(Some(self.0.clone()))
    }
    async fn insert(&self, key: &SessionKey, _: &Record) -> Result<SessionKey, StoreError> {
        Ok(key.clone())
    }
    async fn update(&self, key: &SessionKey, _: &Record) -> Result<SessionKey, StoreError> {
        Ok(key.clone())
    }
    async fn delete(&self, _: &SessionKey) -> Result<(), StoreError> {
        Ok(())
    }
}

#[derive(Debug)]
struct Keys;

impl KeyGenerator for Keys {
    fn generate(&self) -> Result<SessionKey, BoxError> {
        Ok(key())
    }
}

fn key() -> SessionKey {
    SessionKey::parse(&format!("abcd{PRIVATE}{PRIVATE}")).unwrap()
}

fn entries() -> Entries {
    let text = format!(r#"{{"name": "{PRIVATE}", "{PRIVATE}": [1], "list": ["{PRIVATE}"]}}"#);
    Entries::parse(text.as_bytes()).unwrap()
}

fn record() -> Record {
    Record::new(entries(), OffsetDateTime::UNIX_EPOCH)
}

fn settings() -> Settings {
    Settings::new(PRIVATE).with(|settings| {
        settings.secret_key_fallbacks = vec![Secret::new(PRIVATE)];
        settings.engine = format!("postgres://me:{PRIVATE}@host/database?password={PRIVATE}");
    })
}

#[test]
fn no_public_type_shows_what_is_private() {
    let context = SessionContext::with(settings(), ManualClock::new(OffsetDateTime::UNIX_EPOCH), Keys);
    looks(&key());
    looks(&settings());
    looks(&Secret::new(PRIVATE));
    looks(&context);
    looks(&entries());
    looks(&record());
    looks(&Json::write(PRIVATE).unwrap());
    looks(&entries().names().collect::<Vec<_>>());
    looks(&entries().tokens().collect::<Vec<_>>());
    looks(&Json::write(PRIVATE).unwrap().tokens());
    looks(&Codec::new(&settings(), SERVER_SALT).unwrap());
    looks(&Signer::new(&Secret::new(PRIVATE), &[Secret::new(PRIVATE)], "salt"));
    looks(&SessionMiddleware::new(context.clone()).unwrap());
    looks(&AnyStore::new(One(record())));
    looks(&Offload::new(One(record())));
    looks(&(RandomKeys, SystemClock, Capabilities::database(), ExpiryQuery::default(), Expiry::Seconds(1)));

    let mut session = Session::open(One(record()), context, Some(key().as_str()));
    looks(&session);
    session.data().wait().unwrap();
    looks(&session);
    looks(&ResponseFacts::new(&session, http::StatusCode::OK));
    let data = session.data().wait().unwrap();
    data.get_mut("list").unwrap().unwrap();
    data.insert("more", PRIVATE).unwrap();
    looks(data);

    let wrong = data.get_as::<u8>("name").unwrap_err();
    looks(&wrong);
    looks(&Chain(&wrong));
    assert!(!Chain(&wrong).to_string().contains(PRIVATE), "{}", Chain(&wrong));
    for error in [
        StoreError::Exists(key()),
        StoreError::NotFound(key()),
        StoreError::corrupt(&key(), "cut"),
        StoreError::unrepresentable(&key(), JsonError::TooDeep { offset: 0 }),
        StoreError::too_large(&key(), 2, 1),
    ] {
        looks(&error);
        let error = SessionError::from(error);
        assert!(!Chain(&error).to_string().contains(PRIVATE), "{}", Chain(&error));
    }
    looks(&Codec::new(&settings(), SERVER_SALT).unwrap().decode(PRIVATE).unwrap_err());
    looks(&CodecError::TooLarge { size: 2, limit: 1 });
}
