//! An adapter: the store of tower-sessions on Moka.

use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use session_conformance::manifest::ClockLevel;
use session_conformance::tower_sessions_014;
use session_core::Capabilities;
use tower_sessions_moka_store::MokaStore;

fn main() -> ExitCode {
    tower_sessions_014::suite(Capabilities::memory(), async |_, _| Ok::<_, Infallible>(MokaStore::new(None)))
        .clock(ClockLevel::Moved)
        // It counts by a monotonic clock, which goes on while the suite works.
        .clock_resolution(Duration::from_secs(1))
        .name("tower-sessions-moka-store")
        .version("0.15.0")
        .other_storage()
        .main()
}
