//! A Rust test program as an adapter: with the argument `--serve` it is asked by another process, at the level `store`. This
//! program is both sides, so that it has a `main` of its own.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::collections::BTreeSet;
use std::env::{args, current_exe};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;

use session_backends::{CookieStore, FileStore, MemoryStore};
use session_conformance::manifest::{ClockLevel, Hook, SubjectLevel};
use session_conformance::moved::MovedClock;
use session_conformance::observation::Listed;
use session_conformance::report::{Outcome, SubjectReport};
use session_conformance::subject::{AdapterCommand, BulkOperations, process_subject};
use session_conformance::suite::{Config, run};
use session_conformance::{Env, Suite};
use session_core::{Capabilities, ManualClock, Record, SessionKey, SessionStore, StoreError, SystemClock};

/// Keeps sessions in memory, and their keys in a list.
struct Counting {
    inner: MemoryStore<ManualClock>,
    keys: Mutex<BTreeSet<SessionKey>>,
    /// What it does wrong.
    fault: &'static str,
}

impl Counting {
    fn new(env: &Env, fault: &'static str) -> Self {
        Self { inner: MemoryStore::with_clock(1_000, env.clock()), keys: Mutex::default(), fault }
    }

    /// The keys of sessions that have not ended.
    async fn live(&self) -> Result<Vec<SessionKey>, StoreError> {
        let keys = self.keys.lock().unwrap().clone();
        let mut live = Vec::new();
        for key in keys {
            live.extend(self.inner.load(&key).await?.map(|_| key));
        }
        Ok(live)
    }

    async fn clear(&self) -> Result<(), StoreError> {
        for key in self.live().await? {
            self.inner.delete(&key).await?;
        }
        Ok(())
    }
}

impl SessionStore for Counting {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        self.inner.exists(key).await
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        assert_ne!(self.fault, "panics");
        self.inner.load(key).await
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        if self.fault == "takes what is taken" {
            self.inner.delete(key).await?;
        }
        if self.fault == "prints" {
            tokio::spawn(async { println!("inserting") }).await.unwrap();
        }
        self.keys.lock().unwrap().insert(key.clone());
        self.inner.insert(key, record).await
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        self.inner.update(key, record).await
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        self.inner.delete(key).await
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.inner.clear_expired().await
    }
}

fn counting(fault: &'static str) -> Suite {
    let open = async move |env: &Env, _| Ok::<_, std::io::Error>(Counting::new(env, fault));
    let bulk = move || {
        BulkOperations::default()
            .with_all(async |store: &Counting| {
                Ok(store.live().await?.iter().map(|key| Listed::new(Some(key.as_str()), None)).collect())
            })
            .with_length(async move |store: &Counting| {
                let wrong = u64::from(store.fault == "counts one more");
                Ok(store.live().await?.len() as u64 + wrong)
            })
            .with_clear(Counting::clear)
    };
    Suite::with_bulk(open, bulk).other_storage()
}

/// The variable that names a file for what a store notes.
const NOTES: &str = "SERVED_NOTES";

/// Notes that something was done with an environment.
fn note(what: &str, env: &Env) -> std::io::Result<()> {
    let file = std::env::var(NOTES).map_err(std::io::Error::other)?;
    let mut file = std::fs::File::options().create(true).append(true).open(file)?;
    writeln!(file, "{what} {}", env.name())
}

/// The suite of this name.
fn suite(name: &str) -> Suite {
    match name {
        "counts one more" => counting("counts one more"),
        "takes what is taken" => counting("takes what is taken"),
        "panics" => counting("panics"),
        // The directory is called by the environment, which another process has to find again.
        "file" => Suite::new(async |env, _| {
            let directory = env.dir().join(env.name());
            std::fs::create_dir_all(&directory)?;
            let store = FileStore::open_with_clock(directory, env.settings(), env.clock())?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(store)
        })
        .storage_in_directory()
        .rules("crash.*"),
        "cookie" => Suite::new(async |env, _| CookieStore::with_clock(env.settings(), env.clock())),
        "prints" => counting("prints"),
        "cleans" => {
            let open = async |env: &Env, _| {
                note("opened", env)?;
                Ok::<_, std::io::Error>(MemoryStore::with_clock(1_000, env.clock()))
            };
            Suite::new(open).cleanup(async |env| note("cleaned", env))
        }
        "system" => {
            Suite::new(async |_, _| Ok::<_, std::io::Error>(MemoryStore::with_clock(1_000, SystemClock)))
                .clock(ClockLevel::Moved)
        }
        _ => counting("none").version("1.2"),
    }
}

fn report(name: &str, config: &Config) -> SubjectReport {
    let command = AdapterCommand::new(current_exe().unwrap(), ["--serve", name]);
    let mut subject = process_subject(&command).unwrap();
    run(&mut *subject, config, &mut |_| {})
}

fn status(report: &SubjectReport, id: &str) -> Outcome {
    report.rules.iter().find(|rule| rule.rule.rule().id == id).unwrap().status
}

/// The rules that the store broke, as the report leads with them.
fn led_by(report: &SubjectReport) -> Vec<&str> {
    report.failures.iter().map(|failure| failure.rule.rule().id).collect()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = args().skip(1).collect();
    if let Some((serve, name)) = arguments.split_first()
        && serve == "--serve"
    {
        // The suite starts this program without a name.
        let name = name.first().map_or("file", String::as_str);
        if name == "does not serve" {
            eprintln!("{}", suite("file").report().unwrap_err());
            return ExitCode::FAILURE;
        }
        return suite(name).main();
    }
    let config = Config::default().with_cases(30);

    let right = report("right", &config);
    assert_eq!(led_by(&right), [""; 0]);
    assert_eq!(right.manifest.level, SubjectLevel::Store);
    assert_eq!((&*right.manifest.name, &*right.manifest.version), ("Counting", "1.2"));
    for rule in [
        "lifecycle.all.listed",
        "lifecycle.all.counted",
        "lifecycle.all.cleared",
        "lifecycle.other-storage",
        "expiry.at",
        "concurrent.insert.one-wins",
        "key.collision",
    ] {
        assert_eq!(status(&right, rule), Outcome::Pass, "{rule}");
    }

    let wrong = report("counts one more", &config);
    assert_eq!(led_by(&wrong), ["lifecycle.all.counted"]);
    let wrong = report("takes what is taken", &config.clone().with_rules("key.*"));
    assert_eq!(led_by(&wrong)[0], "key.collision");
    let wrong = report("panics", &config.clone().with_rules("lifecycle.load.stored"));
    assert_eq!(status(&wrong, "lifecycle.load.stored"), Outcome::Crash);

    let unheard = report("prints", &config.clone().with_rules("lifecycle.load.stored"));
    let told =
        unheard.rules.iter().find_map(|rule| rule.reason.as_ref().filter(|it| it.contains("not JSON")));
    assert!(told.is_some_and(|told| told.contains("inserting")), "{:#?}", unheard.rules);
    let cookie = report("cookie", &config);
    assert_eq!(led_by(&cookie), [""; 0]);
    assert_eq!(status(&cookie, "key.rotated.newest"), Outcome::Pass);

    let notes = tempfile::NamedTempFile::new().unwrap();
    let command = AdapterCommand::new(current_exe().unwrap(), ["--serve", "cleans"]);
    let command = command.with_environment([(NOTES, notes.path())]);
    let mut subject = process_subject(&command).unwrap();
    run(&mut *subject, &config.clone().with_cases(0).with_rules("lifecycle.load.*"), &mut |_| {});
    drop(subject);
    let notes = std::fs::read_to_string(notes.path()).unwrap();
    let named =
        |what: &str| -> BTreeSet<&str> { notes.lines().filter_map(|line| line.strip_prefix(what)).collect() };
    assert!(named("opened").len() > 1, "{notes}");
    assert_eq!(named("opened"), named("cleaned"), "what an adapter has left is cleared away");

    // What is declared for the suite itself is there, too: the process that is killed is this program.
    #[cfg(unix)]
    {
        let killed = suite("file").cases(0).report().unwrap();
        assert_eq!(status(&killed, "crash.acknowledged"), Outcome::Pass);
        let served = report("file", &config.clone().with_cases(0).with_rules("crash.*"));
        assert_eq!(status(&served, "crash.acknowledged"), Outcome::Pass);
        let two = report("file", &config.clone().with_cases(0).with_rules("concurrent.*"));
        assert!(two.manifest.hooks.contains(&Hook::SecondProcess));
        assert!(two.is_success(), "{:#?}", two.schedule_failures);
    }

    // A program that does not serve is not started again and again.
    let command = AdapterCommand::new(current_exe().unwrap(), ["--serve", "does not serve"]);
    let reason = process_subject(&command).err().unwrap().to_string();
    assert!(reason.contains("does not call `Suite::main`"), "{reason}");

    let moved = report("system", &config);
    match MovedClock::new() {
        Ok(_) => {
            assert_eq!(moved.manifest.clock, ClockLevel::Moved, "{}", moved.manifest.clock_test);
            assert_eq!(led_by(&moved), [""; 0]);
            assert_eq!(status(&moved, "expiry.boundary"), Outcome::Pass);
        }
        Err(reason) => println!("its clock was not moved: {reason}"),
    }
    ExitCode::SUCCESS
}
