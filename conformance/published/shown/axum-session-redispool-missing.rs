//! axum_session_redispool: a session that is not there is an error, and the list of all sessions is always empty.

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;

use axum_session::DatabasePool;
use axum_session_redispool::SessionRedisPool;
use redis_pool::RedisPool;
use time::OffsetDateTime;

/// A server of its own, which ends with this program.
struct Server(Child, String);

impl Server {
    fn start() -> Result<Self, Box<dyn Error>> {
        // A port that is free now.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        let mut server = Command::new("redis-server");
        let server = server.args(["--port", &port, "--save", ""]).stdout(Stdio::null()).spawn()?;
        let server = Self(server, format!("127.0.0.1:{port}"));
        for _ in 0..500 {
            if TcpStream::connect(&server.1).is_ok() {
                return Ok(server);
            }
            sleep(std::time::Duration::from_millis(10));
        }
        Err("redis-server does not answer".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::start()?;
    let client = redis::Client::open(format!("redis://{}", server.1))?;
    let pool = SessionRedisPool::from(RedisPool::from(client));

    pool.store("here", "{}", OffsetDateTime::now_utc().unix_timestamp() + 60, "sessions").await?;
    let (count, ids) = (pool.count("sessions").await?, pool.get_ids("sessions").await?);
    let missing = pool.load("not here", "sessions").await;
    let Err(missing) = missing else { return Err("a session that is not there is no error".into()) };
    if (count, ids.len()) != (1, 0) {
        return Err(format!("there are {count} sessions, and the list has {ids:?}").into());
    }
    let missing: String = missing.to_string().chars().take(60).collect();
    println!("there is {count} session, and the list has none; to load one that is not there: {missing}…");
    Ok(())
}
