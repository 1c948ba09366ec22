//! axum_session_redispool: a session that is not there is an error, and the list of all sessions is always empty.

use std::error::Error;
use std::process::{Command, Stdio};

use axum_session::DatabasePool;
use axum_session_redispool::SessionRedisPool;
use redis_pool::RedisPool;
use time::OffsetDateTime;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = (20_000 + std::process::id() % 20_000).to_string();
    let mut server = Command::new("redis-server");
    let mut server = server.args(["--port", &port, "--save", ""]).stdout(Stdio::null()).spawn()?;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}"))?;
    let pool = SessionRedisPool::from(RedisPool::from(client));

    pool.store("here", "{}", OffsetDateTime::now_utc().unix_timestamp() + 60, "sessions").await?;
    let (count, ids) = (pool.count("sessions").await?, pool.get_ids("sessions").await?);
    let missing = pool.load("not here", "sessions").await;
    server.kill()?;
    server.wait()?;
    let Err(missing) = missing else { return Err("a session that is not there is no error".into()) };
    if (count, ids.len()) != (1, 0) {
        return Err(format!("there are {count} sessions, and the list has {ids:?}").into());
    }
    let missing = missing.to_string();
    println!(
        "there is {count} session, and the list has none; to load one that is not there: {}…",
        &missing[..60]
    );
    Ok(())
}
