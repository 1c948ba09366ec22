//! A session store on a Redis server: a value per session, whose time to live is the session's. It shows what a store
//! author writes for a server with a clock of its own, and no more: one connection, and no second attempt.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncCommands, AsyncConnectionConfig, Client, ExistenceCheck, RedisError, SetExpiry, SetOptions,
};
use session_core::{Capabilities, Entries, Record, SessionKey, SessionStore, StoreError};
use time::OffsetDateTime;

/// How long the server may take to answer. The client's own half a second is short on a busy machine, and what comes
/// later is a session that cannot be read.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Sessions on a server, below a prefix.
#[derive(Debug, Clone)]
pub struct RedisStore {
    connection: MultiplexedConnection,
    prefix: String,
}

impl RedisStore {
    /// Connects to the server of a URL.
    ///
    /// # Errors
    /// As the client has them.
    pub async fn connect(url: &str, prefix: &str) -> Result<Self, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let connection = Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Self { connection, prefix: prefix.to_owned() })
    }

    /// The name of a session's value on the server.
    pub fn name(&self, key: &str) -> String {
        format!("{}:{key}", self.prefix)
    }

    /// Writes a record, if there is one already or if there is none; tells whether it was written.
    async fn set(
        &self,
        key: &SessionKey,
        record: &Record,
        check: ExistenceCheck,
    ) -> Result<bool, StoreError> {
        // An instant, not a time to live: what has expired already is then gone at once. One millisecond earlier, since
        // Redis still has a value in the millisecond in which it expires.
        let expires = record.expires.unix_timestamp_nanos() / 1_000_000 - 1;
        let expires = u64::try_from(expires).unwrap_or(1).max(1);
        let options = SetOptions::default().conditional_set(check).with_expiration(SetExpiry::PXAT(expires));
        let mut connection = self.connection.clone();
        let set: Result<Option<String>, _> =
            connection.set_options(self.name(key.as_str()), text(record), options).await;
        Ok(set.map_err(|error| failed("write", error))?.is_some())
    }
}

fn failed(what: &str, error: RedisError) -> StoreError {
    StoreError::unavailable(format!("{what} a session on Redis"), error)
}

fn text(record: &Record) -> String {
    format!("{}\n{}", record.expires.unix_timestamp_nanos() / 1_000, record.data.to_json())
}

fn parse(key: &SessionKey, text: &str) -> Result<Record, StoreError> {
    let corrupt = |reason: &'static str| StoreError::corrupt(key, reason);
    let (first, data) = text.split_once('\n').ok_or_else(|| corrupt("it has one line"))?;
    let micros: i128 = first.parse().map_err(|_| corrupt("its first line is no number"))?;
    let expires = OffsetDateTime::from_unix_timestamp_nanos(micros * 1_000);
    let data = Entries::parse(data.as_bytes()).map_err(|error| StoreError::corrupt(key, error))?;
    Ok(Record::new(data, expires.map_err(|_| corrupt("it expires in no known year"))?))
}

impl SessionStore for RedisStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::cache()
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let exists = self.connection.clone().exists(self.name(key.as_str())).await;
        exists.map_err(|error| failed("look for", error))
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let text: Result<Option<String>, _> = self.connection.clone().get(self.name(key.as_str())).await;
        text.map_err(|error| failed("read", error))?.map(|text| parse(key, &text)).transpose()
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let set = self.set(key, record, ExistenceCheck::NX).await?;
        if set { Ok(key.clone()) } else { Err(StoreError::Exists(key.clone())) }
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let set = self.set(key, record, ExistenceCheck::XX).await?;
        if set { Ok(key.clone()) } else { Err(StoreError::NotFound(key.clone())) }
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let deleted = self.connection.clone().del(self.name(key.as_str())).await;
        deleted.map_err(|error| failed("delete", error))
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        // The server does it.
        Ok(0)
    }
}
