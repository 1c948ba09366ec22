//! Requests of a site on axum: the same page without sessions, under our layer, and under that of
//! `tower-sessions` on the same store. The router is called in this process, with no network before it, so that
//! the layer is measured and not the socket.
//!
//! - `main.rs`: what is measured
//! - `sites.rs`: the page under each layer, and its visitors
//! - `check.rs`: whether the sites do what is said to be measured

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod check;
mod sites;

use std::cell::Cell;
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use axum::body::Body;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};
use http::{Request, StatusCode};
use session_backends::ForTowerSessions;
use session_core::AnyStore;
use tokio::runtime::{Builder, Runtime};
use tower::{Service, ServiceExt};
use tower_sessions_memory_store::MemoryStore as TheirMemoryStore;

use crate::sites::{KEYS, Page, Site};

/// How many requests are made before they are sent, which does not count.
const LOT: u64 = 100;

/// How often each site is measured, in turn with the others: what else runs on the machine for a while does not
/// slow one of them only.
const ROUNDS: usize = 5;

/// One request follows the other. What a store has moved off this thread runs on one of its own meanwhile.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_all().build().unwrap());

/// A store as an application opens it.
fn open(engine: &str) -> AnyStore {
    let settings = sites::settings().with(|settings| settings.engine = engine.into());
    RUNTIME.block_on(async {
        session_backends::migrate(&settings).await.unwrap();
        session_backends::open(&settings).await.unwrap()
    })
}

/// The sites on stores of one engine, each with a store of its own and the same sessions in it.
fn sites_on(our_engine: &str, their_engine: &str) -> Vec<(&'static str, Site)> {
    let (ours, theirs) = (open(our_engine), open(their_engine));
    let bridge = ForTowerSessions::new(theirs.clone()).unwrap();
    RUNTIME.block_on(async {
        sites::fill_ours(&ours).await;
        sites::fill_theirs(&bridge).await;
        check::ours(&ours).await;
        check::theirs(&theirs).await;
    });
    vec![
        ("no layer", Site::without_layer()),
        ("ours", Site::ours(ours)),
        ("tower-sessions", Site::theirs(bridge)),
    ]
}

fn memory(c: &mut Criterion) {
    let mut sites = sites_on("memory:", "memory:");
    // What the bridge between the two costs is in the site before; this one has none.
    let store = TheirMemoryStore::default();
    let alone = Site::theirs(store.clone());
    RUNTIME.block_on(async {
        sites::fill_theirs(&store).await;
        check::answers(&alone).await;
    });
    sites.push(("tower-sessions alone", alone));
    compare(c, "memory", &sites);
}

fn sqlite(c: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let engine = |name: &str| format!("sqlite:{}", directory.path().join(name).display());
    compare(c, "sqlite", &sites_on(&engine("ours.db"), &engine("theirs.db")));
}

fn compare(c: &mut Criterion, title: &str, sites: &[(&str, Site)]) {
    for page in Page::ALL {
        let mut group = c.benchmark_group(format!("requests {title} {}", page.name()));
        let (warm_up, measurement) = (Duration::from_millis(100), Duration::from_millis(400));
        group.warm_up_time(warm_up).measurement_time(measurement).sample_size(30);
        for round in 0..ROUNDS {
            for (name, site) in sites {
                // A site without sessions has the one page.
                let page = if *name == "no layer" { Page::Untouched } else { page };
                measure(&mut group, BenchmarkId::new(*name, round), site, page);
            }
        }
        group.finish();
    }
}

fn measure(group: &mut BenchmarkGroup<'_, WallTime>, id: BenchmarkId, site: &Site, page: Page) {
    let visits = Visits { site, page, made: Cell::new(0) };
    group.bench_function(id, |b| b.to_async(&*RUNTIME).iter_custom(async |times| visits.take(times).await));
}

/// Requests one after the other.
struct Visits<'a> {
    site: &'a Site,
    page: Page,
    /// How many there were.
    made: Cell<usize>,
}

impl Visits<'_> {
    /// The next request, by another visitor than the last, in an order that is not that of the insertion.
    fn next(&self) -> Request<Body> {
        self.made.set(self.made.get() + 1);
        self.site.request(self.made.get() * 7_919 % KEYS, self.page)
    }

    /// The time from the requests to their answers.
    async fn take(&self, times: u64) -> Duration {
        // A server has a clone for each connection.
        let mut service = self.site.service();
        let mut spent = Duration::ZERO;
        let mut left = times;
        while left > 0 {
            let lot: Vec<_> = (0..left.min(LOT)).map(|_| self.next()).collect();
            left -= left.min(LOT);
            let began = Instant::now();
            for request in lot {
                let answer = service.ready().await.unwrap().call(request).await.unwrap();
                assert_eq!(answer.status(), StatusCode::OK);
                black_box(answer);
            }
            spent += began.elapsed();
        }
        spent
    }
}

criterion_group!(benches, memory, sqlite);
criterion_main!(benches);
