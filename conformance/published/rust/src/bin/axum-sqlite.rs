//! An adapter: the database of axum_session on SQLite.

use std::process::ExitCode;

use axum_session_sqlx::SessionSqlitePool;
use session_conformance::axum_session_022;
use session_conformance::manifest::ClockLevel;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

fn main() -> ExitCode {
    axum_session_022::suite(published_rust::database(), async |env, _| {
        let file =
            SqliteConnectOptions::new().filename(env.dir().join("sessions.db")).create_if_missing(true);
        Ok::<_, sqlx::Error>(SessionSqlitePool::from(SqlitePool::connect_with(file).await?))
    })
    .clock(ClockLevel::Moved)
    .name("axum_session_sqlx (SQLite)")
    .version("0.12.0")
    .other_storage()
    .storage_in_directory()
    .main()
}
