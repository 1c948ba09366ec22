use actix_session::storage::RedisSessionStore;
use session_conformance::actix_session_011;
use session_core::Capabilities;

fn main() -> std::process::ExitCode {
    actix_session_011::suite(Capabilities::cache(), async |env, _opening| {
        let prefix = env.name().to_owned();
        let builder = RedisSessionStore::builder("redis://127.0.0.1:6379");
        builder.cache_keygen(move |key| format!("{prefix}{key}")).build().await
    })
    .main()
}
