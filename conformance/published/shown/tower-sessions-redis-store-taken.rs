//! tower-sessions-redis-store: where Redis does not set a key, since it is taken or gone, the answer is an error of the client.

use std::error::Error;
use std::process::{Command, Stdio};

use time::{Duration, OffsetDateTime};
use tower_sessions_core_014::SessionStore;
use tower_sessions_core_014::session::{Id, Record};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike, Config, Pool};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = (20_000 + std::process::id() % 20_000).to_string();
    let mut server = Command::new("redis-server");
    let mut server = server.args(["--port", &port, "--save", ""]).stdout(Stdio::null()).spawn()?;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let pool = Pool::new(Config::from_url(&format!("redis://127.0.0.1:{port}"))?, None, None, None, 1)?;
    pool.init().await?;
    let store = RedisStore::new(pool);

    let later = OffsetDateTime::now_utc() + Duration::hours(1);
    let mut record = Record { id: Id::default(), data: [].into(), expiry_date: later };
    store.create(&mut record).await?;
    let taken = store.create(&mut record.clone()).await;
    store.delete(&record.id).await?;
    let gone = store.save(&record).await;
    server.kill()?;
    server.wait()?;
    let (Err(taken), Err(gone)) = (taken, gone) else { return Err("there was no error".into()) };
    println!("to create a session whose id is taken: {taken}; to save one that is gone: {gone}");
    Ok(())
}
