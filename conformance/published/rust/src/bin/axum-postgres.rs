//! An adapter: the database of axum_session on PostgreSQL.

use std::process::ExitCode;

use axum_session_sqlx::SessionPgPool;
use published_rust::server;
use session_conformance::axum_session_022;
use session_conformance::manifest::ClockLevel;
use sqlx::PgPool;

fn main() -> ExitCode {
    axum_session_022::suite(published_rust::database(), async |_, _| {
        let pool = PgPool::connect(&format!("postgres://postgres@{}/postgres", server())).await?;
        Ok::<_, sqlx::Error>(SessionPgPool::from(pool))
    })
    .clock(ClockLevel::Moved)
    .name("axum_session_sqlx (PostgreSQL)")
    .version("0.12.0")
    .other_storage()
    .main()
}
