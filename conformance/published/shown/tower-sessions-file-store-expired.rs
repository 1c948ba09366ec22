//! tower-sessions-file-store: a session whose time is over still loads, for as long as nobody calls `delete_expired`.

use std::error::Error;

use time::{Duration, OffsetDateTime};
use tower_sessions_core_015::SessionStore;
use tower_sessions_core_015::session::{Id, Record};
use tower_sessions_file_store::FileSessionStorage;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("tower-sessions-file-store-{}", std::process::id()));
    let store = FileSessionStorage::new_in_folder(folder.clone());
    let ended = OffsetDateTime::now_utc() - Duration::days(1);
    let mut record = Record { id: Id::default(), data: [].into(), expiry_date: ended };
    store.create(&mut record).await?;
    let found = store.load(&record.id).await?;
    std::fs::remove_dir_all(folder)?;
    if found.is_none() {
        return Err("it does not load".into());
    }
    println!("a session that ended a day ago is loaded");
    Ok(())
}
