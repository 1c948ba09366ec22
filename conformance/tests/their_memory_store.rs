//! The example of the guide: one test per rule on a store of `tower-sessions`.

use std::convert::Infallible;
use std::process::ExitCode;

use session_conformance::tower_sessions_015;
use session_core::Capabilities;
use tower_sessions_memory_store::MemoryStore;

fn main() -> ExitCode {
    tower_sessions_015::main(Capabilities::memory(), |_| Ok::<_, Infallible>(MemoryStore::default()))
}
