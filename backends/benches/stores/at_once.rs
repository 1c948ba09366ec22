//! `SqliteStore` while eight clients write at once, each in a task of its own on several threads, as a server has
//! them. Those who wait share a transaction. A bare client has nothing like it, so it is held against Django's `db`
//! from eight threads; once with commits that are not flushed to the disk, and once flushed.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use session_backends::{Durability, SqliteOptions, SqliteStore};
use session_core::{ManualClock, Offload, SessionKey, SessionStore};
use time::OffsetDateTime;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::sqlite;
use crate::visit::{self, Operation, ROUNDS, SECOND};

const CLIENTS: usize = 8;

/// The store, its sessions, and the runtime of a server.
struct AtOnce {
    store: Offload<SqliteStore<ManualClock>>,
    keys: Arc<[SessionKey]>,
    runtime: Runtime,
    /// The expiry that the last update of each client has put off to.
    expires: OffsetDateTime,
}

impl AtOnce {
    fn open(path: &Path, keys: &[SessionKey], durability: Durability) -> Self {
        let options = SqliteOptions::default().with_durability(durability);
        let store = SqliteStore::open_with(path, &visit::settings(), visit::clock(), options).unwrap();
        Self {
            store: Offload::new(store),
            keys: keys.into(),
            runtime: Builder::new_multi_thread().enable_all().build().unwrap(),
            expires: visit::record().expires,
        }
    }

    /// Has each client make so many updates, each of a session of its own, and gives the time by their number: what so
    /// many updates take.
    fn update(&mut self, times: u64) -> Duration {
        let began = Instant::now();
        self.runtime.block_on(async {
            let mut clients = JoinSet::new();
            for client in 0..CLIENTS {
                clients.spawn(updates(
                    self.store.clone(),
                    Arc::clone(&self.keys),
                    client,
                    times,
                    self.expires,
                ));
            }
            // A client that panicked ends the benchmark.
            clients.join_all().await;
        });
        let spent = began.elapsed();
        self.expires += SECOND * u32::try_from(times).unwrap();
        spent / u32::try_from(CLIENTS).unwrap()
    }
}

/// The updates of one client, in an order that is not that of the insertion.
async fn updates(
    store: impl SessionStore,
    keys: Arc<[SessionKey]>,
    client: usize,
    times: u64,
    expires: OffsetDateTime,
) {
    let mut record = visit::record();
    record.expires = expires;
    for n in 0..usize::try_from(times).unwrap() {
        record.expires += SECOND;
        store.update(&keys[(n * 7_919 * CLIENTS + client) % keys.len()], &record).await.unwrap();
    }
}

pub(crate) fn operations(c: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.db");
    let keys = visit::fill(&sqlite::open(&path));
    for (title, durability) in
        [("sqlite at once", Durability::Written), ("sqlite flushed at once", Durability::Synced)]
    {
        let mut at_once = AtOnce::open(&path, &keys, durability);
        let mut group = visit::group(c, title, Operation::Update);
        for round in 0..ROUNDS {
            group.bench_function(BenchmarkId::new("ours", round), |b| {
                b.iter_custom(|times| at_once.update(times));
            });
        }
        group.finish();
    }
}
