//! tower-sessions-sqlx-store on SQLite: ends are compared as texts, in which a whole second comes after its parts.

use std::error::Error;

use time::{Duration, OffsetDateTime};
use tower_sessions_core_014::SessionStore;
use tower_sessions_core_014::session::{Id, Record};
use tower_sessions_sqlx_store::SqliteStore;
use tower_sessions_sqlx_store::sqlx::sqlite::SqlitePoolOptions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store =
        SqliteStore::new(SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?);
    store.migrate().await?;
    let mut now = OffsetDateTime::now_utc();
    while !(300..700).contains(&now.millisecond()) {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        now = OffsetDateTime::now_utc();
    }
    let past = now.truncate_to_second();
    let create = async |expiry_date| {
        let mut record = Record { id: Id::default(), data: [].into(), expiry_date };
        store.create(&mut record).await?;
        store.load(&record.id).await
    };
    let (whole, part) = (create(past).await?, create(past + Duration::microseconds(1)).await?);
    if whole.is_none() || part.is_some() {
        return Err(format!("whole second: {whole:?}, a microsecond later: {part:?}").into());
    }
    println!(
        "a session that ended at a whole second is loaded after it; one that ended a microsecond later is not"
    );
    Ok(())
}
