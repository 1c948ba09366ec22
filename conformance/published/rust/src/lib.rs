//! Published session stores in Rust, as adapters of the suite: a program of a few lines for each of them, which opens the store
//! and says what it can do. They are started with `--serve`.

use std::env;

use session_core::{Capabilities, ExpiredRecords};

/// A store that lasts, can be opened twice, and gives nobody a session that has ended.
pub fn database() -> Capabilities {
    Capabilities::database().with_expired(ExpiredRecords::Gone)
}

/// The address of the server that runs beside the adapter, as in `127.0.0.1:7000`.
///
/// # Panics
/// If there is none.
pub fn server() -> String {
    env::var("SERVER").expect("the variable SERVER is missing: start this program by `beside.py`")
}
