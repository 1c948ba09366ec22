//! The whole suite on this store: one test per rule. Each environment has a table of its own.

use std::error::Error;

use postgres_store::PostgresStore;
use session_conformance::{Env, Opening, Suite};

type Opened = Result<PostgresStore, Box<dyn Error + Send + Sync>>;

async fn connect(env: &Env) -> Opened {
    Ok(PostgresStore::connect(env.server(), env.name()).await?)
}

fn main() -> std::process::ExitCode {
    Suite::new(async |env, opening| -> Opened {
        let store = connect(env).await?;
        if opening == Opening::Fresh {
            store.create_table().await?;
        }
        Ok(store)
    })
    .damage(async |env, key| -> Result<_, Box<dyn Error + Send + Sync>> {
        Ok(connect(env).await?.damage(key).await?)
    })
    .cleanup(async |env| -> Result<_, Box<dyn Error + Send + Sync>> {
        Ok(connect(env).await?.drop_table().await?)
    })
    .server(session_conformance::server::ServerKind::Postgres)
    .other_storage()
    .cases(100)
    .main()
}
