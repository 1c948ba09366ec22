//! The suite in a program of one's own, on a store with two faults, and the report as a page:
//! `cargo run -p session-conformance --example page report.html`.
//!
//! The faults are such as real stores have: the clock is a second slow, so that sessions outlive their expiry; and an
//! update looks whether there is a record and stores it in a second step, between which somebody may log out.

use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Instant;

use session_backends::MemoryStore;
use session_conformance::manifest::Manifest;
use session_conformance::parts::Part;
use session_conformance::report::{Report, to_html};
use session_conformance::subject::{ModelSubject, StoreHooks, StoreSubject, Subject};
use session_conformance::suite::{self, Config};
use session_core::{Capabilities, Clock, ManualClock, Record, SessionKey, SessionStore, StoreError};
use time::{Duration, OffsetDateTime};

/// A clock that is a second slow.
#[derive(Debug)]
struct Slow(ManualClock);

impl Clock for Slow {
    fn now(&self) -> OffsetDateTime {
        self.0.now() - Duration::SECOND
    }
}

/// A store in memory that updates in two steps.
#[derive(Debug)]
struct TwoSteps {
    records: MemoryStore<Slow>,
    /// Where the suite can stop it.
    disk: Part,
}

impl SessionStore for TwoSteps {
    fn capabilities(&self) -> Capabilities {
        self.records.capabilities()
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.disk.call(self.records.exists(key)).await
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        self.disk.call(self.records.load(key)).await
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.disk.call(self.records.insert(key, record)).await
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        if !self.exists(key).await? {
            return Err(StoreError::NotFound(key.clone()));
        }
        let store = async {
            self.records.delete(key).await?;
            self.records.insert(key, record).await
        };
        self.disk.call(store).await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.disk.call(self.records.delete(key)).await
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.disk.call(self.records.clear_expired()).await
    }
}

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("name the file to write, as in report.html");
        return ExitCode::from(2);
    };
    match page().and_then(|page| std::fs::write(&path, page).map_err(|error| format!("{path}: {error}"))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

fn page() -> Result<String, String> {
    let started = Instant::now();
    let open = |env: &session_conformance::Env, _| {
        let records = MemoryStore::with_clock(10_000, Slow(env.clock()));
        Ok::<_, Infallible>(TwoSteps { records, disk: env.part("disk") })
    };
    let mut store = StoreSubject::new("two-steps", "1.0", open, StoreHooks::default())
        .map_err(|fault| fault.to_string())?;
    let mut model = ModelSubject::new(Manifest::reference());
    let subjects: [&mut dyn Subject; 2] = [&mut model, &mut store];
    let config = Config::default().with_cases(100);
    let reports = subjects.map(|subject| suite::run(subject, &config, &mut |_| {}));
    to_html(&Report::new(reports.into(), started.elapsed()).with_seed(config.seed))
}
