//! What is measured: one session of about 1 KB under many keys, loaded, updated and inserted by a store and by
//! the bare client beside it.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use session_core::json::Json;
use session_core::{
    Entries, KeyGenerator, ManualClock, RandomKeys, Record, SessionKey, SessionStore, Settings,
};
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::runtime::{Builder, Runtime};

/// How many sessions there are.
pub(crate) const KEYS: usize = 10_000;

/// How many more are inserted at a time.
const LOT: u64 = 1_000;

/// How often each operation is measured, in turn with that of the bare client: what else runs on the machine
/// for a while does not slow one of the two only.
pub(crate) const ROUNDS: usize = 5;

/// By how much each session expires later than the one that was written before it: no two expire at once.
pub(crate) const SECOND: time::Duration = time::Duration::SECOND;

pub(crate) const NOW: OffsetDateTime = datetime!(2030-01-01 00:00 UTC);

/// One thread does everything, so that no figure has a wait for another thread in it.
pub(crate) static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

/// What the session holds, as Python writes it.
pub(crate) fn basket() -> String {
    let basket = Json::parse(include_str!("../../../session-core/benches/basket.json")).unwrap();
    Json::write(&basket).unwrap().as_str().to_owned()
}

/// What the session holds, and until when.
pub(crate) fn record() -> Record {
    let data = Entries::parse(basket().as_bytes()).unwrap();
    Record::new(data, datetime!(2030-01-15 00:00 UTC))
}

pub(crate) fn settings() -> Settings {
    Settings::new("the-secret")
}

pub(crate) fn clock() -> ManualClock {
    ManualClock::new(NOW)
}

/// A key; the keys of numbers in a row are far from each other, as those of visitors are.
pub(crate) fn key(n: usize) -> SessionKey {
    let text = format!("{:032}", (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    SessionKey::parse(&text).unwrap()
}

/// A store, or the bare client that does the same without one.
pub(crate) trait Client {
    /// What it gives for a session, ready to be read.
    type Loaded;

    async fn load(&self, key: &SessionKey) -> Self::Loaded;
    async fn update(&self, key: &SessionKey, record: &Record);
    async fn insert(&self, key: &SessionKey, record: &Record);
    async fn delete(&self, key: &SessionKey);
}

impl<S: SessionStore> Client for S {
    type Loaded = Entries;

    async fn load(&self, key: &SessionKey) -> Entries {
        SessionStore::load(self, key).await.unwrap().unwrap().data
    }

    async fn update(&self, key: &SessionKey, record: &Record) {
        SessionStore::update(self, key, record).await.unwrap();
    }

    async fn insert(&self, key: &SessionKey, record: &Record) {
        SessionStore::insert(self, key, record).await.unwrap();
    }

    async fn delete(&self, key: &SessionKey) {
        SessionStore::delete(self, key).await.unwrap();
    }
}

/// The key under which Django's `cache` engine keeps a session.
pub(crate) fn cache_key(key: &SessionKey) -> String {
    format!(":1:django.contrib.sessions.cache{}", key.as_str())
}

/// Inserts the sessions and gives their keys.
pub(crate) fn fill(store: &impl SessionStore) -> Vec<SessionKey> {
    // A run that was stopped has left them on a server.
    empty(store);
    let mut record = record();
    RUNTIME.block_on(async {
        let mut keys = Vec::with_capacity(KEYS);
        for n in 0..KEYS {
            record.expires += SECOND;
            keys.push(store.insert(&key(n), &record).await.unwrap());
        }
        keys
    })
}

/// Takes the sessions away from a store that lasts.
pub(crate) fn empty(store: &impl SessionStore) {
    RUNTIME.block_on(async {
        for n in 0..KEYS {
            store.delete(&key(n)).await.unwrap();
        }
    });
}

/// Inserts the sessions into a client that does not see those of the store beside it.
pub(crate) fn fill_apart(client: &impl Client, keys: &[SessionKey]) {
    let mut record = record();
    RUNTIME.block_on(async {
        for key in keys {
            record.expires += SECOND;
            client.insert(key, &record).await;
        }
    });
}

/// Measures the operations of a store and of its bare client.
pub(crate) fn compare(
    c: &mut Criterion,
    title: &str,
    keys: &[SessionKey],
    ours: &impl Client,
    bare: &impl Client,
) {
    for operation in Operation::ALL {
        let mut group = group(c, title, operation);
        for round in 0..ROUNDS {
            operation.measure(&mut group, BenchmarkId::new("ours", round), keys, ours);
            operation.measure(&mut group, BenchmarkId::new("bare", round), keys, bare);
        }
        group.finish();
    }
}

/// Measures the operations of a store that has no bare client of its own.
pub(crate) fn alone(c: &mut Criterion, title: &str, keys: &[SessionKey], ours: &impl Client) {
    for operation in Operation::ALL {
        let mut group = group(c, title, operation);
        for round in 0..ROUNDS {
            operation.measure(&mut group, BenchmarkId::new("ours", round), keys, ours);
        }
        group.finish();
    }
}

pub(crate) fn group<'a>(
    c: &'a mut Criterion,
    title: &str,
    operation: Operation,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = c.benchmark_group(format!("{title} {}", operation.name()));
    let (warm_up, measurement) = (Duration::from_millis(100), Duration::from_millis(400));
    group.warm_up_time(warm_up).measurement_time(measurement).sample_size(30);
    group
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {
    Load,
    Insert,
    Update,
}

impl Operation {
    const ALL: [Self; 3] = [Self::Load, Self::Insert, Self::Update];

    fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Update => "update",
            Self::Insert => "insert",
        }
    }

    fn measure(
        self,
        group: &mut BenchmarkGroup<'_, WallTime>,
        id: BenchmarkId,
        keys: &[SessionKey],
        client: &impl Client,
    ) {
        let visits = Visits { keys, made: Cell::new(0) };
        group.bench_function(id, |b| {
            b.to_async(&*RUNTIME).iter_custom(async |times| match self {
                Self::Load => visits.load(client, times).await,
                Self::Update => visits.update(client, times).await,
                Self::Insert => visits.insert(client, times).await,
            });
        });
    }
}

/// Visits one after the other. Each method gives the time that so many take.
struct Visits<'a> {
    keys: &'a [SessionKey],
    /// How many there were.
    made: Cell<usize>,
}

impl<'a> Visits<'a> {
    /// The next key, in an order that is not that of the insertion.
    fn next(&self) -> &'a SessionKey {
        self.made.set(self.made.get() + 1);
        &self.keys[self.made.get() * 7_919 % self.keys.len()]
    }

    /// The session, as it expires after the visits that were.
    fn record(&self) -> Record {
        let mut record = record();
        record.expires += SECOND * u32::try_from(self.made.get()).unwrap();
        record
    }

    async fn load(&self, client: &impl Client, times: u64) -> Duration {
        let began = Instant::now();
        for _ in 0..times {
            black_box(client.load(self.next()).await);
        }
        began.elapsed()
    }

    /// A visit puts the expiry off, so the index on it changes too.
    async fn update(&self, client: &impl Client, times: u64) -> Duration {
        let mut record = self.record();
        let began = Instant::now();
        for _ in 0..times {
            record.expires += SECOND;
            client.update(self.next(), &record).await;
        }
        began.elapsed()
    }

    /// Each lot is removed again, which does not count: the last session is inserted among as many others as
    /// the first.
    async fn insert(&self, client: &impl Client, times: u64) -> Duration {
        let mut record = self.record();
        let mut spent = Duration::ZERO;
        let mut left = times;
        while left > 0 {
            let lot: Vec<SessionKey> = (0..left.min(LOT)).map(|_| RandomKeys.generate().unwrap()).collect();
            let began = Instant::now();
            for key in &lot {
                record.expires += SECOND;
                client.insert(key, &record).await;
            }
            spent += began.elapsed();
            for key in &lot {
                client.delete(key).await;
            }
            left -= left.min(LOT);
            self.made.set(self.made.get() + lot.len());
        }
        spent
    }
}
