//! Sessions in PostgreSQL, in the table `django_session` that Django's `db` engine uses.
//!
//! - `mod.rs`: the store
//! - `tls.rs`: how connections are encrypted

mod tls;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use session_core::codec::{Codec, SERVER_SALT};
use session_core::{
    BoxError, Capabilities, Chain, Clock, Record, SessionKey, SessionStore, Settings, SettingsError,
    StoreError, SystemClock,
};
use time::macros::datetime;
use time::{OffsetDateTime, UtcOffset};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, WrongType, to_sql_checked};
use tokio_postgres::{Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The last instant that can be written.
const LAST: OffsetDateTime = datetime!(9999-12-31 23:59:59.999999 UTC);

/// How many records one statement of `clear_expired` removes. Between two of them others may write.
const BATCH: i64 = 1_000;

/// The table and its indices, as Django's migration makes them. One at a time: `IF NOT EXISTS` looks first and
/// creates then, and fails if another does the same meanwhile.
const SCHEMA: &str = r#"
SELECT pg_advisory_xact_lock(hashtext('django_session'));
CREATE TABLE IF NOT EXISTS "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" timestamp with time zone NOT NULL);
CREATE INDEX IF NOT EXISTS "django_session_session_key_c0390e0f_like" ON "django_session" ("session_key" varchar_pattern_ops);
CREATE INDEX IF NOT EXISTS "django_session_expire_date_a5c62663" ON "django_session" ("expire_date");
"#;

/// Sessions in a PostgreSQL database, readable and writable by Django's `db` engine at the same time.
///
/// Connections are pooled, and their statements prepared. A server that does not answer in time is an error, and the
/// connection is given up: see [`PostgresOptions`]. Needs a Tokio runtime.
///
/// ```no_run
/// use session_backends::PostgresStore;
/// use session_core::Settings;
/// use session_core::middleware::SessionLayer;
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let settings = Settings::new("the site's secret");
/// let store = PostgresStore::connect("postgres://user:password@localhost/site", &settings).await?;
/// store.migrate().await?;
/// let layer = SessionLayer::new(store, settings)?;
/// # Ok(())
/// # }
/// ```
pub struct PostgresStore<C = SystemClock> {
    pool: Pool,
    timeout: Duration,
    /// The address, without a password.
    address: String,
    clock: C,
    codec: Codec,
}

/// How a PostgreSQL database is used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresOptions {
    /// How long an operation may take, waiting for a connection included: five seconds. Whether a change that took
    /// longer took place is unknown. `clear_expired` has as long for each thousand of records.
    pub timeout: Duration,
    /// The most connections. Sixteen.
    pub connections: usize,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(5), connections: 16 }
    }
}

impl PostgresOptions {
    /// The same with another [`timeout`](Self::timeout).
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The same with another number of [`connections`](Self::connections); one, if it is zero.
    #[must_use]
    pub fn with_connections(self, connections: usize) -> Self {
        Self { connections: connections.max(1), ..self }
    }
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// The settings cannot be worked with.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The URL is invalid.
    #[error("not a PostgreSQL URL: {0}; one is postgres://user:password@host/database?sslmode=require")]
    Url(String),
    /// The server does not answer, or refuses.
    #[error("cannot use {address}{}", session_core::in_brackets(hint))]
    #[non_exhaustive]
    Unavailable {
        /// The database, without a password.
        address: String,
        /// What may help, where that is known.
        hint: &'static str,
        /// What went wrong.
        source: BoxError,
    },
    /// The database has no session table.
    #[error("{0} has no table django_session; create it with `migrate`, here or in Django")]
    NoTable(String),
    /// The table is there and is not Django's.
    #[error(
        "the table django_session of {address} has the columns {found}; it needs session_key, session_data, expire_date"
    )]
    OtherColumns {
        /// The database.
        address: String,
        /// Its columns.
        found: String,
    },
}

impl PostgresStore {
    /// Connects to a database: `postgres://user:password@host/database`. The connection is encrypted if the
    /// server can do that. With `?sslmode=require` it must be, and the server's certificate is checked against
    /// those that the system trusts (or the file that the variable `SSL_CERT_FILE` names).
    ///
    /// # Errors
    /// [`PostgresError`], if the settings or the URL are wrong, or the server does not answer.
    pub async fn connect(url: &str, settings: &Settings) -> Result<Self, PostgresError> {
        Self::connect_with_clock(url, settings, SystemClock).await
    }
}

impl<C: Clock> PostgresStore<C> {
    /// The same with a clock of one's own.
    ///
    /// # Errors
    /// As for [`connect`](PostgresStore::connect).
    pub async fn connect_with_clock(url: &str, settings: &Settings, clock: C) -> Result<Self, PostgresError> {
        Self::connect_with(url, settings, clock, PostgresOptions::default()).await
    }

    /// The same with options.
    ///
    /// # Errors
    /// As for [`connect`](PostgresStore::connect).
    pub async fn connect_with(
        url: &str,
        settings: &Settings,
        clock: C,
        options: PostgresOptions,
    ) -> Result<Self, PostgresError> {
        let PostgresOptions { timeout, connections } = options;
        let codec = Codec::new(settings, SERVER_SALT)?;
        let mut config: Config = url
            .parse()
            .map_err(|error: tokio_postgres::Error| PostgresError::Url(Chain(&error).to_string()))?;
        config.connect_timeout(timeout);
        let address = shown(&config);
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let tls = tls::config(config.get_ssl_mode() == SslMode::Require);
        let tls = tls.map_err(|error| PostgresError::Unavailable {
            address: address.clone(),
            hint: "",
            source: error.into(),
        })?;
        let manager = Manager::from_config(config, MakeRustlsConnect::new(tls), manager);
        let pool = Pool::builder(manager)
            .max_size(connections)
            .wait_timeout(Some(timeout))
            .create_timeout(Some(timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| PostgresError::Unavailable {
                address: address.clone(),
                hint: "",
                source: error.into(),
            })?;
        let store = Self { pool, timeout, address, clock, codec };
        // A wrong address shows now, and not with the first visitor.
        drop(store.client().await.map_err(|fault| store.fault(fault))?);
        Ok(store)
    }

    /// A store on the same connections, with other settings and another clock.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn with_settings_and_clock<K: Clock>(
        &self,
        settings: &Settings,
        clock: K,
    ) -> Result<PostgresStore<K>, SettingsError> {
        let codec = Codec::new(settings, SERVER_SALT)?;
        let (pool, timeout, address) = (self.pool.clone(), self.timeout, self.address.clone());
        Ok(PostgresStore { pool, timeout, address, clock, codec })
    }

    /// Creates the table and its indices, as Django's migration does. What is there already stays.
    /// Django's own `migrate` then wants `--fake-initial`, as for any table that it did not make.
    ///
    /// # Errors
    /// [`PostgresError`].
    pub async fn migrate(&self) -> Result<(), PostgresError> {
        let client = self.client().await.map_err(|fault| self.fault(fault))?;
        client.batch_execute(SCHEMA).await.map_err(|error| self.fault(error.into()))?;
        drop(client);
        self.check().await
    }

    /// Sees whether the table is there and has Django's columns.
    ///
    /// # Errors
    /// [`PostgresError::NoTable`], [`PostgresError::OtherColumns`].
    pub async fn check(&self) -> Result<(), PostgresError> {
        let client = self.client().await.map_err(|fault| self.fault(fault))?;
        let columns = "SELECT attname::text FROM pg_attribute \
            WHERE attrelid = to_regclass('django_session') AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
        let rows = client.query(columns, &[]).await.map_err(|error| self.fault(error.into()))?;
        let columns: Vec<String> = rows.iter().filter_map(|row| row.try_get(0).ok()).collect();
        let has = |name: &str| columns.iter().any(|column| column == name);
        if columns.is_empty() {
            Err(PostgresError::NoTable(self.address.clone()))
        } else if ["session_key", "session_data", "expire_date"].into_iter().all(has) {
            Ok(())
        } else {
            Err(PostgresError::OtherColumns { address: self.address.clone(), found: columns.join(", ") })
        }
    }

    /// The connections, for what an application does with the database beside its sessions.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    async fn client(&self) -> Result<Object, Fault> {
        Ok(self.pool.get().await?)
    }

    /// Has the server do something, for as long as it may take.
    async fn in_time<T>(
        &self,
        operation: &str,
        work: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, StoreError> {
        let result = tokio::time::timeout(self.timeout, work).await;
        result
            .unwrap_or(Err(Fault::TooSlow(self.timeout)))
            .map_err(|fault| self.unavailable(operation, fault))
    }

    /// Runs a statement; the number of rows it changed.
    async fn execute(
        &self,
        operation: &str,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, StoreError> {
        let work = async {
            let lent = Lent(Some(self.client().await?));
            let result = async {
                let client = lent.client()?;
                let statement = client.prepare_cached(sql).await?;
                Ok(client.execute(&statement, parameters).await?)
            };
            let result = result.await;
            lent.give_back();
            result
        };
        self.in_time(operation, work).await
    }

    /// The row that a statement finds.
    async fn row(
        &self,
        operation: &str,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, StoreError> {
        let work = async {
            let lent = Lent(Some(self.client().await?));
            let result = async {
                let client = lent.client()?;
                let statement = client.prepare_cached(sql).await?;
                Ok(client.query_opt(&statement, parameters).await?)
            };
            let result = result.await;
            lent.give_back();
            result
        };
        self.in_time(operation, work).await
    }

    /// A record as the table has it: data and expiry.
    fn columns(
        &self,
        key: &SessionKey,
        record: &Record,
    ) -> Result<(Private<String>, OffsetDateTime), StoreError> {
        let text =
            self.codec.encode(&record.data, self.clock.now()).map_err(|error| error.into_store_error(key))?;
        // The client takes an instant to UTC without looking whether that year can be written.
        let expires = record.expires.checked_to_offset(UtcOffset::UTC).unwrap_or(LAST);
        Ok((Private(text), expires))
    }

    fn fault(&self, fault: Fault) -> PostgresError {
        let (hint, source) = fault.explain();
        PostgresError::Unavailable { address: self.address.clone(), hint, source }
    }

    fn unavailable(&self, operation: &str, fault: Fault) -> StoreError {
        let (hint, source) = fault.explain();
        StoreError::unavailable(format!("{operation} in {}", self.address), source).with_hint(hint)
    }
}

impl<C> fmt::Debug for PostgresStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A connection that is in use. If it is dropped before it has answered it is closed: whoever got it next would wait
/// for that answer.
struct Lent(Option<Object>);

impl Lent {
    fn client(&self) -> Result<&Object, Fault> {
        self.0.as_ref().ok_or(Fault::Pool(PoolError::Closed))
    }

    fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

/// A parameter of a statement. The client logs parameters; keys and data are nothing for a log.
struct Private<T>(T);

impl<T> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<T: ToSql> ToSql for Private<T> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.0.to_sql(ty, out)
    }

    fn accepts(ty: &Type) -> bool {
        T::accepts(ty)
    }

    to_sql_checked!();
}

/// What goes wrong on the way to the server and there.
#[derive(Debug)]
enum Fault {
    Pool(PoolError),
    Server(tokio_postgres::Error),
    TooSlow(Duration),
}

/// What a server says, without the details, in which it quotes what was to be stored.
#[derive(Debug, thiserror::Error)]
#[error("{severity}: {message} ({code})")]
struct Refusal {
    severity: String,
    message: String,
    code: String,
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Server(error),
            other => Self::Pool(other),
        }
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl Fault {
    /// What may help, and what went wrong.
    fn explain(self) -> (&'static str, BoxError) {
        match self {
            Self::Pool(error) => ("is every connection in use? does the server answer?", error.into()),
            Self::Server(error) => match error.as_db_error() {
                // Without what the server says of the row: that has the key in it.
                Some(refused) => {
                    let refusal = Refusal {
                        severity: refused.severity().into(),
                        message: refused.message().into(),
                        code: refused.code().code().into(),
                    };
                    (remedy(&error), refusal.into())
                }
                None => (remedy(&error), error.into()),
            },
            Self::TooSlow(timeout) => {
                ("whether it was done is unknown", format!("no answer within {timeout:?}").into())
            }
        }
    }
}

fn remedy(error: &tokio_postgres::Error) -> &'static str {
    match error.code() {
        Some(code) if *code == SqlState::UNDEFINED_TABLE => {
            "create the table with `migrate`, here or in Django"
        }
        Some(code) if *code == SqlState::UNDEFINED_COLUMN => {
            "the table is not Django's: it needs session_key, session_data, expire_date"
        }
        Some(code)
            if *code == SqlState::INVALID_PASSWORD
                || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION =>
        {
            "look at the user and the password in the URL"
        }
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME => "create the database, or correct the URL",
        Some(code) if *code == SqlState::DISK_FULL => "free some disk space on the server",
        Some(_) => "",
        None if Chain(error).to_string().contains("certificate") => {
            "have the system trust its issuer, or name the issuer's certificate in the variable SSL_CERT_FILE"
        }
        None => "is the server running, and does the URL name it?",
    }
}

/// The address of a database as it may be shown.
fn shown(config: &Config) -> String {
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            tokio_postgres::config::Host::Tcp(host) => host.clone(),
            #[cfg(unix)]
            tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    let ports: Vec<String> = config.get_ports().iter().map(ToString::to_string).collect();
    let port = if ports.is_empty() { String::new() } else { format!(":{}", ports.join(",")) };
    format!("postgres://{}{port}/{}", hosts.join(","), config.get_dbname().unwrap_or_default())
}

/// Whether PostgreSQL can look for such a key: its texts hold no NUL.
fn accepts(key: &SessionKey) -> bool {
    !key.as_str().contains('\0')
}

impl<C: Clock> SessionStore for PostgresStore<C> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::database()
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        if !accepts(key) {
            return Ok(false);
        }
        let sql = "SELECT 1 FROM django_session WHERE session_key = $1";
        Ok(self.row("look for a session", sql, &[&Private(key.as_str())]).await?.is_some())
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let operation = "load a session";
        if !accepts(key) {
            return Ok(None);
        }
        let sql = "SELECT session_data, expire_date FROM django_session WHERE session_key = $1";
        let Some(row) = self.row(operation, sql, &[&Private(key.as_str())]).await? else { return Ok(None) };
        let expires = match row.try_get::<_, OffsetDateTime>(1) {
            Ok(expires) => expires,
            Err(error) if error.source().is_some_and(<dyn Error>::is::<WrongType>) => {
                return Err(self.unavailable(operation, error.into()));
            }
            // PostgreSQL has dates that nothing else has, such as `infinity`.
            Err(_) => return Err(StoreError::corrupt(key, "its expire_date is beyond the years 1 to 9999")),
        };
        if self.clock.now() >= expires {
            return Ok(None);
        }
        let text: &str = row.try_get(0).map_err(|error| self.unavailable(operation, error.into()))?;
        let data = self.codec.decode(text).map_err(|error| error.into_store_error(key))?;
        Ok(Some(Record::new(data, expires)))
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let sql = "INSERT INTO django_session (session_key, session_data, expire_date) VALUES ($1, $2, $3) \
            ON CONFLICT (session_key) DO NOTHING";
        let (text, expires) = self.columns(key, record)?;
        let inserted =
            self.execute("insert a session", sql, &[&Private(key.as_str()), &text, &expires]).await?;
        if inserted == 1 { Ok(key.clone()) } else { Err(StoreError::Exists(key.clone())) }
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        if !accepts(key) {
            return Err(StoreError::NotFound(key.clone()));
        }
        let sql = "UPDATE django_session SET session_data = $2, expire_date = $3 WHERE session_key = $1";
        let (text, expires) = self.columns(key, record)?;
        let updated =
            self.execute("update a session", sql, &[&Private(key.as_str()), &text, &expires]).await?;
        if updated == 1 { Ok(key.clone()) } else { Err(StoreError::NotFound(key.clone())) }
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        if accepts(key) {
            let sql = "DELETE FROM django_session WHERE session_key = $1";
            self.execute("delete a session", sql, &[&Private(key.as_str())]).await?;
        }
        Ok(())
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        // A statement that waited for another one's change looks again whether its row is meant, but only by the
        // outer condition: a session that was renewed meanwhile stays.
        let sql = "DELETE FROM django_session WHERE session_key IN \
            (SELECT session_key FROM django_session WHERE expire_date < $1 LIMIT $2) AND expire_date < $1";
        let now = self.clock.now();
        let mut removed = 0;
        loop {
            let batch = self.execute("clear expired sessions", sql, &[&now, &BATCH]).await?;
            removed += batch;
            if batch == 0 {
                return Ok(removed);
            }
        }
    }
}
