//! The whole suite on this store: one test per rule. The server's clock cannot be set, so that what needs time to pass is
//! waited for.

use redis_store::RedisStore;
use session_conformance::Suite;
use session_conformance::manifest::ClockLevel;

fn main() -> std::process::ExitCode {
    let url = || std::env::var("SESSIONSPEC_REDIS_URL").map_err(|_| "SESSIONSPEC_REDIS_URL names no server");
    Suite::new(async move |env, _| -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
        Ok(RedisStore::connect(&url()?, env.name()).await?)
    })
    .clock(ClockLevel::Wall)
    .other_storage()
    .cases(100)
    .main()
}
