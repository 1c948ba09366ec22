//! An adapter: the store of tower-sessions on Redis.

use std::process::ExitCode;

use published_rust::server;
use session_conformance::manifest::ClockLevel;
use session_conformance::tower_sessions_014;
use session_core::Capabilities;
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike, Config, Error, Pool};

fn main() -> ExitCode {
    // It has no prefix, so that there is one storage on a server.
    tower_sessions_014::suite(Capabilities::cache(), async |_, _| {
        let pool = Pool::new(Config::from_url(&format!("redis://{}", server()))?, None, None, None, 2)?;
        pool.init().await?;
        Ok::<_, Error>(RedisStore::new(pool))
    })
    .clock(ClockLevel::Moved)
    .name("tower-sessions-redis-store")
    .version("0.16.0")
    .main()
}
