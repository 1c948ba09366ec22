//! tower-sessions-redis-store: where Redis does not set a key, since it is taken or gone, the answer is an error of the client.

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;

use time::{Duration, OffsetDateTime};
use tower_sessions_core_014::SessionStore;
use tower_sessions_core_014::session::{Id, Record};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike, Config, Pool};

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
    let pool = Pool::new(Config::from_url(&format!("redis://{}", server.1))?, None, None, None, 1)?;
    pool.init().await?;
    let store = RedisStore::new(pool);

    let later = OffsetDateTime::now_utc() + Duration::hours(1);
    let mut record = Record { id: Id::default(), data: [].into(), expiry_date: later };
    store.create(&mut record).await?;
    let taken = store.create(&mut record.clone()).await;
    store.delete(&record.id).await?;
    let gone = store.save(&record).await;
    let (Err(taken), Err(gone)) = (taken, gone) else { return Err("there was no error".into()) };
    println!("to create a session whose id is taken: {taken}; to save one that is gone: {gone}");
    Ok(())
}
