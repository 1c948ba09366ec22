//! `PostgresStore` against one bare connection with prepared statements.

use criterion::Criterion;
use session_backends::PostgresStore;
use session_core::codec::{Codec, SERVER_SALT};
use session_core::{Entries, Record, SessionKey};
use time::OffsetDateTime;
use tokio_postgres::{Client as PostgresClient, NoTls, Statement};

use crate::visit::{self, Client, NOW, RUNTIME};

struct Bare {
    codec: Codec,
    client: PostgresClient,
    load: Statement,
    update: Statement,
    insert: Statement,
    delete: Statement,
}

impl Bare {
    async fn connect(url: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let prepare = async |sql| client.prepare(sql).await.unwrap();
        let load = "SELECT session_data, expire_date FROM django_session WHERE session_key = $1 AND expire_date > $2";
        let update = "UPDATE django_session SET session_data = $2, expire_date = $3 WHERE session_key = $1";
        let insert =
            "INSERT INTO django_session (session_key, session_data, expire_date) VALUES ($1, $2, $3)";
        let delete = "DELETE FROM django_session WHERE session_key = $1";
        Self {
            codec: Codec::new(&visit::settings(), SERVER_SALT).unwrap(),
            load: prepare(load).await,
            update: prepare(update).await,
            insert: prepare(insert).await,
            delete: prepare(delete).await,
            client,
        }
    }

    async fn write(&self, statement: &Statement, key: &SessionKey, record: &Record) {
        let text = self.codec.encode(&record.data, NOW).unwrap();
        let written = self.client.execute(statement, &[&key.as_str(), &text, &record.expires]).await;
        assert_eq!(written.unwrap(), 1);
    }
}

impl Client for Bare {
    type Loaded = Entries;

    async fn load(&self, key: &SessionKey) -> Entries {
        let row = self.client.query_one(&self.load, &[&key.as_str(), &NOW]).await.unwrap();
        let (text, _): (String, OffsetDateTime) = (row.get(0), row.get(1));
        self.codec.decode(&text).unwrap()
    }

    async fn update(&self, key: &SessionKey, record: &Record) {
        self.write(&self.update, key, record).await;
    }

    async fn insert(&self, key: &SessionKey, record: &Record) {
        self.write(&self.insert, key, record).await;
    }

    async fn delete(&self, key: &SessionKey) {
        self.client.execute(&self.delete, &[&key.as_str()]).await.unwrap();
    }
}

pub(crate) fn operations(c: &mut Criterion, url: &str) {
    let store = RUNTIME.block_on(async {
        let store = PostgresStore::connect_with_clock(url, &visit::settings(), visit::clock()).await.unwrap();
        store.migrate().await.unwrap();
        store
    });
    let keys = visit::fill(&store);
    let bare = RUNTIME.block_on(Bare::connect(url));
    visit::compare(c, "postgres", &keys, &store, &bare);
    visit::empty(&store);
}
