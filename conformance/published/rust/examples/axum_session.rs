use axum_session_sqlx::SessionSqlitePool;
use session_conformance::axum_session_022;
use session_core::{Capabilities, ExpiredRecords};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

fn main() -> std::process::ExitCode {
    let capabilities = Capabilities::database().with_expired(ExpiredRecords::Gone);
    axum_session_022::suite(capabilities, async |env, _opening| {
        let file =
            SqliteConnectOptions::new().filename(env.dir().join("sessions.db")).create_if_missing(true);
        Ok::<_, sqlx::Error>(SessionSqlitePool::from(SqlitePool::connect_with(file).await?))
    })
    .main()
}
