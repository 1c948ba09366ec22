//! The bridge to the crate `tower-sessions`, in both directions: its stores under our sessions
//! ([`FromTowerSessions`]), and our stores under its layer ([`ForTowerSessions`]).

use std::collections::HashMap;

use async_trait::async_trait;
use session_core::json::{Json, JsonError};
use session_core::{
    AnyStore, Capabilities, Chain, ClearExpired, Clock, Entries, ExpiredRecords, Record, SessionKey,
    SessionStore, StoreError, SystemClock, Value,
};
use sha2::{Digest, Sha256};
use tower_sessions_core::session::{Id, Record as TheirRecord};
use tower_sessions_core::session_store::{Error as TheirError, Result as TheirResult};
use tower_sessions_core::{ExpiredDeletion, SessionStore as TheirStore};

/// The entry of their records that holds our data.
const ENTRY: &str = "session_core";

/// How many ids are tried for a new session. One that was drawn at random is free.
const MAX_ATTEMPTS: u32 = 100;

/// A store of `tower-sessions` as one of ours, as far as its trait goes.
///
/// It breaks no rule of the conformance suite, but two things cannot be had with that trait:
///
/// - **An update is not one step.** Their `save` creates what is not there, so the record is looked for first. A
///   log-out by another request in the moment between the two is undone.
/// - **`clear_expired` is refused** ([`StoreError::Unsupported`]); their own deletion task does it. What has
///   expired is never loaded, whatever the store does.
///
/// An insertion never overwrites, where the store's `create` sees to it; a store without a `create` of its own (it
/// logs a warning) overwrites.
///
/// A key that is the text of one of their ids addresses that id: a site that leaves their layer for ours, with the
/// `cookie_name` it had, keeps its sessions. Every other key addresses the id in the first 128 bits of its SHA-256
/// digest.
///
/// The data is stored as a text, in one entry: their record has no order, and stores that encode it as `MessagePack`
/// would change its numbers. Their layer cannot read what was written here.
///
/// ```
/// use session_backends::FromTowerSessions;
/// use session_core::Settings;
/// use session_core::middleware::SessionLayer;
///
/// // Any store for `tower-sessions`; this one is theirs in memory.
/// let theirs = tower_sessions_memory_store::MemoryStore::default();
/// let layer = SessionLayer::new(FromTowerSessions::new(theirs), Settings::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct FromTowerSessions<T, C = SystemClock> {
    store: T,
    clock: C,
    capabilities: Capabilities,
}

impl<T: TheirStore> FromTowerSessions<T> {
    /// Wraps one of their stores.
    pub fn new(store: T) -> Self {
        Self::with_clock(store, SystemClock)
    }
}

impl<T: TheirStore, C: Clock> FromTowerSessions<T, C> {
    /// The same with a clock of one's own. The store has another, which it was built with.
    pub fn with_clock(store: T, clock: C) -> Self {
        let capabilities = Capabilities::memory().with_clear_expired(ClearExpired::Unsupported);
        Self { store, clock, capabilities }
    }

    /// Says what the store can do, which it cannot say itself: whether its records outlive the process, and whether a
    /// second one sees them. Without this neither is claimed. What the bridge decides stays as it is: expired records are
    /// gone, and `clear_expired` is refused.
    #[must_use]
    pub fn with_capabilities(self, capabilities: Capabilities) -> Self {
        let capabilities = capabilities
            .with_server_side(true)
            .with_expired(ExpiredRecords::Gone)
            .with_clear_expired(ClearExpired::Unsupported);
        Self { capabilities, ..self }
    }

    /// Their record under a key, if it is live.
    async fn live(&self, key: &SessionKey) -> Result<Option<TheirRecord>, StoreError> {
        let record = self.store.load(&id_for(key)).await.map_err(|error| failed(key, "load", error))?;
        Ok(record.filter(|record| self.clock.now() < record.expiry_date))
    }

    /// Whether there is a record under a key. One that does not decode is there, and can be saved over.
    async fn is_taken(&self, key: &SessionKey) -> Result<bool, StoreError> {
        match self.live(key).await {
            Err(StoreError::Corrupt { .. }) => Ok(true),
            live => Ok(live?.is_some()),
        }
    }
}

impl<T: TheirStore, C: Clock> SessionStore for FromTowerSessions<T, C> {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.is_taken(key).await
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let Some(TheirRecord { mut data, expiry_date, .. }) = self.live(key).await? else { return Ok(None) };
        let data = match data.remove(ENTRY) {
            Some(Value::String(text)) if data.is_empty() => {
                Entries::parse(text.as_bytes()).map_err(|error| StoreError::corrupt(key, error))?
            }
            // Their layer wrote this one.
            other => {
                data.extend(other.map(|value| (ENTRY.to_owned(), value)));
                sorted(&data).map_err(|error| StoreError::unrepresentable(key, error))?
            }
        };
        Ok(Some(Record::new(data, expiry_date)))
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let mut theirs = to_theirs(key, record);
        let id = theirs.id;
        self.store.create(&mut theirs).await.map_err(|error| failed(key, "insert", error))?;
        if theirs.id == id {
            return Ok(key.clone());
        }
        // The id was taken, and the store took another.
        self.store.delete(&theirs.id).await.map_err(|error| failed(key, "insert", error))?;
        if self.is_taken(key).await? {
            return Err(StoreError::Exists(key.clone()));
        }
        // By a record that has expired: it holds nothing any more.
        theirs.id = id;
        self.store.save(&theirs).await.map_err(|error| failed(key, "insert", error))?;
        Ok(key.clone())
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        if !self.is_taken(key).await? {
            return Err(StoreError::NotFound(key.clone()));
        }
        let theirs = to_theirs(key, record);
        self.store.save(&theirs).await.map_err(|error| failed(key, "update", error))?;
        Ok(key.clone())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.store.delete(&id_for(key)).await.map_err(|error| failed(key, "delete", error))
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        Err(StoreError::unsupported("a store of tower-sessions", "clear expired sessions"))
    }
}

/// The id that a key addresses.
fn id_for(key: &SessionKey) -> Id {
    // An id has one text: what is longer, or ends in other bits, is not an id.
    if let Ok(id) = key.as_str().parse::<Id>()
        && id.to_string() == key.as_str()
    {
        return id;
    }
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(key.as_str())[..16]);
    Id(i128::from_le_bytes(half))
}

fn to_theirs(key: &SessionKey, record: &Record) -> TheirRecord {
    let data = [(ENTRY.to_owned(), Value::from(record.data.to_json()))].into();
    TheirRecord { id: id_for(key), data, expiry_date: record.expires }
}

fn failed(key: &SessionKey, operation: &str, error: TheirError) -> StoreError {
    match error {
        TheirError::Decode(_) => StoreError::corrupt(key, error),
        TheirError::Encode(_) => StoreError::unrepresentable(key, error),
        TheirError::Backend(_) => StoreError::unavailable(format!("{operation} session {key}"), error),
    }
}

/// Entries that have no order, in one that is always the same.
fn sorted(entries: &HashMap<String, Value>) -> Result<Entries, JsonError> {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    let mut data = Entries::new();
    entries.into_iter().try_for_each(|(name, value)| data.insert(name, value))?;
    Ok(data)
}

/// One of our stores for the layer of `tower-sessions`.
///
/// An id is a key of 32 hexadecimal digits, which every store takes. Differences from other stores of theirs:
///
/// - `create` never overwrites: it draws another id where one is taken, in one step.
/// - `save` never creates: a session that was deleted meanwhile is an error (`Backend`), which their layer answers
///   with 500, and it does not come back. So it cannot be the front of their `CachingSessionStore`, which fills
///   it by `save`; ours is [`CachedStore`](crate::CachedStore).
/// - The order of entries is lost in their record. The expiry of a session is the record's; their layer does not
///   write `_session_expiry`.
///
/// ```
/// use session_backends::{ForTowerSessions, MemoryStore};
///
/// let store = ForTowerSessions::new(MemoryStore::new(10_000))?;
/// // let layer = tower_sessions::SessionManagerLayer::new(store);
/// # Ok::<(), session_core::StoreError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ForTowerSessions {
    store: AnyStore,
}

impl ForTowerSessions {
    /// Wraps one of our stores.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] if the key is the data, as with signed cookies: their ids stay as they are.
    pub fn new(store: impl SessionStore + 'static) -> Result<Self, StoreError> {
        if store.capabilities().server_side {
            Ok(Self { store: AnyStore::new(store) })
        } else {
            let operation = "keep sessions of tower-sessions, whose ids do not change";
            Err(StoreError::unsupported("a store whose key is the data", operation))
        }
    }
}

/// The key of one of their ids.
fn key_for(id: Id) -> TheirResult<SessionKey> {
    let key = format!("{:032x}", id.0.cast_unsigned());
    SessionKey::parse(&key).ok_or_else(|| TheirError::Backend("an id has no key".into()))
}

fn to_ours(record: &TheirRecord) -> TheirResult<Record> {
    let data = sorted(&record.data).map_err(|error| TheirError::Encode(error.to_string()))?;
    Ok(Record::new(data, record.expiry_date))
}

fn told(error: &StoreError) -> TheirError {
    match error {
        StoreError::Corrupt { .. } => TheirError::Decode(Chain(error).to_string()),
        StoreError::Unrepresentable { .. } | StoreError::TooLarge { .. } => {
            TheirError::Encode(Chain(error).to_string())
        }
        _ => TheirError::Backend(Chain(error).to_string()),
    }
}

#[async_trait]
impl TheirStore for ForTowerSessions {
    async fn create(&self, record: &mut TheirRecord) -> TheirResult<()> {
        let ours = to_ours(record)?;
        for _ in 0..MAX_ATTEMPTS {
            match self.store.insert(&key_for(record.id)?, &ours).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Exists(_)) => record.id = Id::default(),
                Err(error) => return Err(told(&error)),
            }
        }
        Err(TheirError::Backend(format!("no unused id in {MAX_ATTEMPTS} attempts")))
    }

    async fn save(&self, record: &TheirRecord) -> TheirResult<()> {
        let saved = self.store.update(&key_for(record.id)?, &to_ours(record)?).await;
        saved.map(drop).map_err(|error| told(&error))
    }

    async fn load(&self, id: &Id) -> TheirResult<Option<TheirRecord>> {
        let record = self.store.load(&key_for(*id)?).await.map_err(|error| told(&error))?;
        let Some(record) = record else { return Ok(None) };
        let mut data = HashMap::new();
        for (name, value) in record.data.iter() {
            let named = |what: &dyn std::fmt::Display| {
                TheirError::Decode(format!("the entry {:?} holds {what}", name.to_str_lossy()))
            };
            let value = Json::parse(value).and_then(|json| json.to_value()).map_err(|error| named(&error))?;
            let name = name.to_str().ok_or_else(|| named(&"half a surrogate pair in its name"))?;
            data.insert(name.into_owned(), value);
        }
        Ok(Some(TheirRecord { id: *id, data, expiry_date: record.expires }))
    }

    async fn delete(&self, id: &Id) -> TheirResult<()> {
        self.store.delete(&key_for(*id)?).await.map_err(|error| told(&error))
    }
}

#[async_trait]
impl ExpiredDeletion for ForTowerSessions {
    async fn delete_expired(&self) -> TheirResult<()> {
        self.store.clear_expired().await.map(drop).map_err(|error| told(&error))
    }
}
