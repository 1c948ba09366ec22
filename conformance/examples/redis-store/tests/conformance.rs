//! The whole suite on this store: one test per rule, on a Redis that the suite starts. Its clock is moved, since it is the one by
//! which records expire.

use redis_store::RedisStore;
use session_conformance::Suite;
use session_conformance::server::ServerKind;

fn main() -> std::process::ExitCode {
    Suite::new(async |env, _| RedisStore::connect(env.server(), env.name()).await)
        .server(ServerKind::Redis)
        .other_storage()
        .cases(100)
        .main()
}
