//! An adapter: the store of tower-sessions on PostgreSQL.

use std::error::Error;
use std::process::ExitCode;

use published_rust::server;
use session_conformance::manifest::ClockLevel;
use session_conformance::tower_sessions_014;
use tower_sessions_sqlx_store::PostgresStore;
use tower_sessions_sqlx_store::sqlx::PgPool;

fn main() -> ExitCode {
    tower_sessions_014::suite_with_deletion(published_rust::database(), async |env, _| {
        let pool = PgPool::connect(&format!("postgres://postgres@{}/postgres", server())).await?;
        let store = PostgresStore::new(pool).with_table_name(env.name())?;
        store.migrate().await?;
        Ok::<_, Box<dyn Error + Send + Sync>>(store)
    })
    .clock(ClockLevel::Moved)
    .name("tower-sessions-sqlx-store (PostgreSQL)")
    .version("0.15.0")
    .other_storage()
    .main()
}
