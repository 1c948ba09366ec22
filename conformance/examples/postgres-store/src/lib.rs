//! A session store on a PostgreSQL server: a row per session, which expires by the server's clock. It shows what a store
//! author writes for a database, and no more: one connection, and no second attempt.

use session_core::{Capabilities, Entries, Record, SessionKey, SessionStore, StoreError};
use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, NoTls};

/// Sessions in a table.
#[derive(Debug)]
pub struct PostgresStore {
    client: Client,
    table: String,
}

impl PostgresStore {
    /// Connects to the server of a URL. The connection is driven by a task of its own, and ends with the store.
    ///
    /// # Errors
    /// As the client has them.
    pub async fn connect(url: &str, table: &str) -> Result<Self, Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        // What ends it is told to whoever asks the client next.
        tokio::spawn(connection);
        Ok(Self { client, table: table.to_owned() })
    }

    /// Makes the table.
    ///
    /// # Errors
    /// As the server has them.
    pub async fn create_table(&self) -> Result<(), Error> {
        let table = &self.table;
        let columns = "key text PRIMARY KEY, data text NOT NULL, expires timestamptz NOT NULL";
        self.client.batch_execute(&format!("CREATE TABLE {table} ({columns})")).await
    }

    /// Removes the table.
    ///
    /// # Errors
    /// As the server has them.
    pub async fn drop_table(&self) -> Result<(), Error> {
        self.client.batch_execute(&format!("DROP TABLE {}", self.table)).await
    }

    /// Makes the data of a session unreadable, as for the suite; tells whether there was one.
    ///
    /// # Errors
    /// As the server has them.
    pub async fn damage(&self, key: &str) -> Result<bool, Error> {
        let statement = format!("UPDATE {} SET data = 'damaged' WHERE key = $1", self.table);
        Ok(self.client.execute(&statement, &[&key]).await? > 0)
    }

    /// Does a statement on the table, which stands for `{}` in it; tells how many rows it was about.
    async fn execute(&self, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, StoreError> {
        let done = self.client.execute(&statement.replace("{}", &self.table), values).await;
        done.map_err(failed)
    }
}

fn failed(error: Error) -> StoreError {
    StoreError::unavailable("ask PostgreSQL", error)
}

/// Whether a key could have been made here. A text of the server's holds not every character.
fn is_made_here(key: &SessionKey) -> bool {
    key.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

impl SessionStore for PostgresStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::database()
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        if !is_made_here(key) {
            return Ok(false);
        }
        Ok(self.execute("SELECT 1 FROM {} WHERE key = $1", &[&key.as_str()]).await? > 0)
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        if !is_made_here(key) {
            return Ok(None);
        }
        let statement =
            format!("SELECT data, expires FROM {} WHERE key = $1 AND expires > now()", self.table);
        let row = self.client.query_opt(&statement, &[&key.as_str()]).await.map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        let data: &str = row.try_get(0).map_err(failed)?;
        let expires: OffsetDateTime = row.try_get(1).map_err(failed)?;
        let data = Entries::parse(data.as_bytes()).map_err(|error| StoreError::corrupt(key, error))?;
        Ok(Some(Record::new(data, expires)))
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let statement =
            "INSERT INTO {} (key, data, expires) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING";
        let data = record.data.to_json();
        match self.execute(statement, &[&key.as_str(), &&*data, &record.expires]).await? {
            0 => Err(StoreError::Exists(key.clone())),
            _ => Ok(key.clone()),
        }
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let statement = "UPDATE {} SET data = $2, expires = $3 WHERE key = $1";
        let data = record.data.to_json();
        match self.execute(statement, &[&key.as_str(), &&*data, &record.expires]).await? {
            0 => Err(StoreError::NotFound(key.clone())),
            _ => Ok(key.clone()),
        }
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        if !is_made_here(key) {
            return Ok(());
        }
        self.execute("DELETE FROM {} WHERE key = $1", &[&key.as_str()]).await.map(drop)
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.execute("DELETE FROM {} WHERE expires < now()", &[]).await
    }
}
