//! An adapter: the store of actix-session on Redis.

use std::process::ExitCode;

use actix_session::storage::RedisSessionStore;
use published_rust::server;
use session_conformance::actix_session_011;
use session_conformance::manifest::ClockLevel;
use session_core::Capabilities;

fn main() -> ExitCode {
    actix_session_011::suite(Capabilities::cache(), async |env, _| {
        let prefix = env.name().to_owned();
        let builder = RedisSessionStore::builder(format!("redis://{}", server()));
        builder.cache_keygen(move |key| format!("{prefix}{key}")).build().await
    })
    .clock(ClockLevel::Moved)
    .name("actix-session RedisSessionStore")
    .version("0.11.0")
    .other_storage()
    .main()
}
