//! An adapter: a store of files for tower-sessions.

use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use session_conformance::manifest::ClockLevel;
use session_conformance::tower_sessions_015;
use tower_sessions_file_store::FileSessionStorage;

fn main() -> ExitCode {
    tower_sessions_015::suite_with_deletion(published_rust::database(), async |env, _| {
        let store = FileSessionStorage::new_in_folder(env.dir().to_owned());
        // By default files of the last minute are left alone. Their times are real ones, long past by the suite's clock.
        Ok::<_, Infallible>(store.set_minimum_expiry_date(Duration::ZERO))
    })
    .clock(ClockLevel::Moved)
    .name("tower-sessions-file-store")
    .version("0.3.0")
    .other_storage()
    .storage_in_directory()
    .main()
}
