//! An adapter: the memory store of tower-sessions.

use std::convert::Infallible;
use std::process::ExitCode;

use session_conformance::manifest::ClockLevel;
use session_conformance::tower_sessions_015;
use session_core::Capabilities;
use tower_sessions_memory_store::MemoryStore;

fn main() -> ExitCode {
    tower_sessions_015::suite(
        Capabilities::memory(),
        async |_, _| Ok::<_, Infallible>(MemoryStore::default()),
    )
    .clock(ClockLevel::Moved)
    .name("tower-sessions-memory-store")
    .version("0.15.0")
    .other_storage()
    .main()
}
