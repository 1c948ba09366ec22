//! An adapter: the database of axum_session on Redis.

use std::process::ExitCode;

use axum_session_redispool::SessionRedisPool;
use published_rust::server;
use redis_pool::RedisPool;
use session_conformance::axum_session_022;
use session_conformance::manifest::ClockLevel;
use session_core::Capabilities;

fn main() -> ExitCode {
    axum_session_022::suite(Capabilities::cache(), async |_, _| {
        let client = redis::Client::open(format!("redis://{}", server()))?;
        Ok::<_, redis::RedisError>(SessionRedisPool::from(RedisPool::from(client)))
    })
    .clock(ClockLevel::Moved)
    .name("axum_session_redispool")
    .version("0.13.0")
    .other_storage()
    .main()
}
