//! What a store is built in.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use session_core::{KeyGenerator, ManualClock, RandomKeys, Secret};
use time::OffsetDateTime;

use super::directory::Directory;
use crate::parts::{Part, Parts};
use crate::trace::{Settings, secrets};

/// The largest data that a session may have here: more than any trace holds.
const MAX_DATA_BYTES: usize = 32 << 20;

/// What a store is built in: a directory and a name of its own, and the clock that rules its time.
///
/// A store that is opened twice in the same environment is opened on the same storage: as after a
/// restart, or beside the first as a second process would be.
#[derive(Debug, Clone)]
pub struct Env {
    dir: PathBuf,
    name: String,
    clock: ManualClock,
    settings: session_core::Settings,
    parts: Parts,
    /// The URL of the server that was started for the store.
    server: String,
}

impl Env {
    /// One in a directory, of this name, after the secret was replaced so often.
    pub(super) fn new(
        dir: &Directory,
        name: String,
        clock: &ManualClock,
        settings: Settings,
        replaced: u32,
        parts: &Parts,
    ) -> Self {
        let (secret, fallbacks) = secrets(replaced);
        let settings = session_core::Settings::new(secret).with(|core| {
            core.secret_key_fallbacks = fallbacks.into_iter().map(Secret::new).collect();
            core.cookie_age = settings.cookie_age;
            core.expire_at_browser_close = settings.expire_at_browser_close;
            // The suite tries values of 4 MiB.
            core.max_data_bytes = MAX_DATA_BYTES;
        });
        let server = String::new();
        Self { dir: dir.path().into(), name, clock: clock.clone(), settings, parts: parts.clone(), server }
    }

    /// The same for a store on the server of this URL.
    pub(super) fn on_server(self, url: &str) -> Self {
        Self { server: url.to_owned(), ..self }
    }

    /// Another one in another directory: the rest is the same.
    pub(super) fn beside(&self, dir: &Directory) -> Self {
        Self { dir: dir.path().into(), name: unused_name(), ..self.clone() }
    }

    /// A directory that is empty when the storage is new, and is removed afterwards.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A name that no other environment has, of the characters `a-z`, `0-9` and `_`, and at most 63 of them: for what a
    /// store has on a server, such as the prefix of its keys or the name of its table.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL of the server that the suite has started for the store (`Suite::server`); empty without one. Of memcached, which
    /// has no URLs, its address.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The clock. Nothing else may tell the store the time.
    pub fn clock(&self) -> ManualClock {
        self.clock.clone()
    }

    /// A part of the store, such as the cache before a database: the suite can stop what is done through it, and make
    /// it fail. A store that shows none is stopped where its futures wait.
    pub fn part(&self, name: &'static str) -> Part {
        self.parts.part(name)
    }

    /// The settings of the trace, with a secret key.
    pub fn settings(&self) -> &session_core::Settings {
        &self.settings
    }
}

/// A name that no environment has had, in this process or another.
pub(super) fn unused_name() -> String {
    /// The part that all names of this process have.
    static PROCESS: LazyLock<String> = LazyLock::new(|| {
        let drawn = RandomKeys.generate().map(|key| key.as_str()[..12].to_owned());
        // Without chance there are still the number of the process and the time.
        drawn.unwrap_or_else(|_| {
            format!("{:x}_{:x}", std::process::id(), OffsetDateTime::now_utc().unix_timestamp_nanos())
        })
    });
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!("sessionspec_{}_{}", *PROCESS, LAST.fetch_add(1, Ordering::Relaxed))
}
