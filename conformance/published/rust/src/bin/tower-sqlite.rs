//! An adapter: the store of tower-sessions on SQLite.

use std::process::ExitCode;

use session_conformance::manifest::ClockLevel;
use session_conformance::tower_sessions_014;
use tower_sessions_sqlx_store::SqliteStore;
use tower_sessions_sqlx_store::sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

fn main() -> ExitCode {
    tower_sessions_014::suite_with_deletion(published_rust::database(), async |env, _| {
        let file =
            SqliteConnectOptions::new().filename(env.dir().join("sessions.db")).create_if_missing(true);
        let store = SqliteStore::new(SqlitePool::connect_with(file).await?);
        store.migrate().await?;
        Ok::<_, tower_sessions_sqlx_store::sqlx::Error>(store)
    })
    .clock(ClockLevel::Moved)
    .name("tower-sessions-sqlx-store (SQLite)")
    .version("0.15.0")
    .other_storage()
    .storage_in_directory()
    .main()
}
