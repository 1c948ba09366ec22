//! Stores on servers: what tasks at the same time and failing servers do to them. `cargo xtask services` starts
//! the servers; without them these tests are listed as ignored.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

mod race;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use race::RUNTIME;
use rstest::rstest;
use session_backends::{
    CacheFormat, CacheStore, CachedStore, Front, Lease, MemcachedCache, PostgresError, PostgresOptions,
    PostgresStore, RedisCache,
};
use session_core::blocking::Wait;
use session_core::{
    AnyStore, Entries, KeyGenerator, RandomKeys, Record, SessionKey, SessionStore, Settings, StoreError,
};
use time::{Duration, OffsetDateTime};

fn url(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set; run `cargo xtask services`"))
}

fn settings() -> Settings {
    // So that the servers' own limits are met.
    Settings::new("the-secret").with(|settings| settings.max_data_bytes = 8 << 20)
}

fn record(text: &str) -> Record {
    let data = Entries::parse(text.as_bytes()).unwrap();
    Record::new(data, OffsetDateTime::now_utc() + Duration::hours(1))
}

fn redis_at(url: &str) -> Result<AnyStore, session_backends::CacheError> {
    let cache = RUNTIME.block_on(RedisCache::connect(url))?;
    Ok(AnyStore::new(CacheStore::new(cache, &settings())))
}

fn redis() -> AnyStore {
    redis_at(&url("SESSIONSPEC_REDIS_URL")).unwrap()
}

fn cluster() -> AnyStore {
    let url = url("SESSIONSPEC_REDIS_CLUSTER_URL");
    let nodes: Vec<&str> = url.split(',').collect();
    let cache = RUNTIME.block_on(RedisCache::connect_cluster(&nodes)).unwrap();
    AnyStore::new(CacheStore::new(cache, &settings()))
}

fn memcached_at(url: &str) -> Result<AnyStore, session_backends::CacheError> {
    let address = url.trim_start_matches("memcached://");
    let cache = RUNTIME.block_on(MemcachedCache::connect(address))?;
    Ok(AnyStore::new(CacheStore::new(cache, &settings()).with_format(CacheFormat::Json)))
}

fn memcached() -> AnyStore {
    memcached_at(&url("SESSIONSPEC_MEMCACHED_URL")).unwrap()
}

fn postgres_at(url: &str) -> Result<PostgresStore, PostgresError> {
    RUNTIME.block_on(async {
        let store = PostgresStore::connect(url, &settings()).await?;
        store.migrate().await?;
        Ok(store)
    })
}

fn postgres() -> AnyStore {
    AnyStore::new(postgres_at(&url("SESSIONSPEC_POSTGRES_URL")).unwrap())
}

fn redis_front() -> CacheStore<RedisCache> {
    let cache = RUNTIME.block_on(RedisCache::connect(&url("SESSIONSPEC_REDIS_URL"))).unwrap();
    CacheStore::new(cache, &settings()).with_cached_db_keys()
}

fn cluster_front() -> CacheStore<RedisCache> {
    let url = url("SESSIONSPEC_REDIS_CLUSTER_URL");
    let cache = RUNTIME.block_on(RedisCache::connect_cluster(&url.split(',').collect::<Vec<_>>())).unwrap();
    CacheStore::new(cache, &settings()).with_cached_db_keys()
}

fn memcached_front() -> CacheStore<MemcachedCache> {
    let url = url("SESSIONSPEC_MEMCACHED_URL");
    let cache = RUNTIME.block_on(MemcachedCache::connect(url.trim_start_matches("memcached://"))).unwrap();
    CacheStore::new(cache, &settings()).with_cached_db_keys()
}

fn cached() -> AnyStore {
    AnyStore::new(CachedStore::new(redis_front(), postgres()))
}

fn cached_in_memcached() -> AnyStore {
    AnyStore::new(CachedStore::new(memcached_front(), postgres()))
}

/// Every cache keeps what a store in front of another one promises.
fn keeps_leases(front: &impl Front) {
    let _guard = RUNTIME.enter();
    let (key, record) = (RandomKeys.generate().unwrap(), record(r#"{"a":1}"#));
    let (reader, writer) = (Lease::for_reader(), Lease::for_writer());
    assert!(front.lease(&key, reader).wait().unwrap());
    assert_eq!(front.load(&key).wait().unwrap(), None, "a lease is no record");
    assert!(!front.lease(&key, Lease::for_reader()).wait().unwrap(), "one lease at a time");
    assert!(front.hold(&key, writer).wait().unwrap(), "a lease is no hold");
    assert!(!front.fill(&key, reader, &record).wait().unwrap(), "a hold takes leases away");
    assert!(front.fill(&key, writer, &record).wait().unwrap());
    assert_eq!(front.load(&key).wait().unwrap().unwrap().data, record.data);
    assert!(!front.fill(&key, writer, &record).wait().unwrap(), "a hold is good for one record");
    assert!(!front.lease(&key, Lease::for_reader()).wait().unwrap(), "there is a record");
    assert!(front.hold(&key, writer).wait().unwrap());
    assert!(!front.hold(&key, Lease::for_writer()).wait().unwrap(), "there is a hold already");
    front.delete(&key).wait().unwrap();
    assert!(!front.fill(&key, writer, &record).wait().unwrap(), "what is gone is no lease");
    assert!(front.lease(&key, reader).wait().unwrap() && front.fill(&key, reader, &record).wait().unwrap());
    assert_eq!(front.load(&key).wait().unwrap().unwrap().data, record.data);
}

#[test]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn every_cache_keeps_leases_and_holds() {
    keeps_leases(&redis_front());
    keeps_leases(&cluster_front());
    keeps_leases(&memcached_front());
}

#[rstest]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn of_several_insertions_of_one_key_exactly_one_wins(
    #[values(redis, cluster, memcached, postgres, cached, cached_in_memcached)] open: fn() -> AnyStore,
) {
    race::one_insertion_wins(&open());
}

#[rstest]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn a_deletion_in_the_midst_of_updates_is_final(
    #[values(redis, cluster, memcached, postgres, cached, cached_in_memcached)] open: fn() -> AnyStore,
) {
    race::deletion_is_final(&open());
}

/// A way to a server that can be cut, blocked, or lose an answer.
struct Way {
    address: String,
    connections: Arc<Mutex<Option<Vec<TcpStream>>>>,
    loses: Arc<AtomicBool>,
    blocked: Arc<AtomicBool>,
}

impl Way {
    fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(Mutex::new(Some(Vec::new())));
        let (open, server) = (Arc::clone(&connections), server.to_owned());
        let (loses, blocked) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (lose, block) = (Arc::clone(&loses), Arc::clone(&blocked));
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(&server) else { return };
                let mut open = open.lock().unwrap();
                // While the way is cut, whoever comes is sent away.
                let Some(open) = open.as_mut() else {
                    let _ = near.shutdown(Shutdown::Both);
                    continue;
                };
                for (from, to, answers) in [(&near, &far, false), (&far, &near, true)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (lose, block) = (Arc::clone(&lose), Arc::clone(&block));
                    thread::spawn(move || {
                        let mut bytes = [0; 4_096];
                        while let Ok(read @ 1..) = from.read(&mut bytes) {
                            if answers && lose.swap(false, Ordering::SeqCst) {
                                break;
                            }
                            if block.load(Ordering::SeqCst) {
                                continue;
                            }
                            if to.write_all(&bytes[..read]).is_err() {
                                break;
                            }
                        }
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                open.push(near);
                open.push(far);
            }
        });
        Self { address, connections, loses, blocked }
    }

    fn cut(&self) {
        for connection in self.connections.lock().unwrap().take().unwrap_or_default() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    fn mend(&self) {
        *self.connections.lock().unwrap() = Some(Vec::new());
    }
}

/// The host and port of a URL.
fn server(url: &str) -> &str {
    let rest = url.split("://").nth(1).unwrap().rsplit('@').next().unwrap();
    rest.split('/').next().unwrap()
}

type Open = fn(&str) -> AnyStore;

#[rstest]
#[case::redis("SESSIONSPEC_REDIS_URL", |url: &str| redis_at(url).unwrap())]
#[case::memcached("SESSIONSPEC_MEMCACHED_URL", |url: &str| memcached_at(url).unwrap())]
#[case::postgres("SESSIONSPEC_POSTGRES_URL", |url: &str| AnyStore::new(postgres_at(url).unwrap()))]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn a_server_that_goes_away_is_an_error_and_one_that_comes_back_is_used_again(
    #[case] variable: &str,
    #[case] open: Open,
) {
    let url = url(variable);
    let way = Way::to(server(&url));
    let store = open(&url.replace(server(&url), &way.address));
    let _guard = RUNTIME.enter();
    let key = RandomKeys.generate().unwrap();
    store.insert(&key, &record(r#"{"a":1}"#)).wait().unwrap();
    way.cut();
    for error in [
        store.load(&key).wait().unwrap_err(),
        store.update(&key, &record("{}")).wait().unwrap_err(),
        store.delete(&key).wait().unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&way.address) && !text.contains(key.as_str()), "{text}");
    }
    way.mend();
    // A connection may need a moment to be made anew.
    let found = (0..100).find_map(|_| store.load(&key).wait().ok().flatten());
    assert_eq!(found.unwrap().data, record(r#"{"a":1}"#).data);
}

#[rstest]
#[case::redis("SESSIONSPEC_REDIS_URL", |url: &str| redis_at(url).unwrap())]
#[case::memcached("SESSIONSPEC_MEMCACHED_URL", |url: &str| memcached_at(url).unwrap())]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn a_change_whose_answer_is_lost_is_not_taken_for_somebody_elses(#[case] variable: &str, #[case] open: Open) {
    let url = url(variable);
    let way = Way::to(server(&url));
    let store = open(&url.replace(server(&url), &way.address));
    let _guard = RUNTIME.enter();
    let (key, other) = (RandomKeys.generate().unwrap(), RandomKeys.generate().unwrap());
    way.loses.store(true, Ordering::SeqCst);
    // Done or failed; but not refused, since nobody else has this key.
    match store.insert(&key, &record(r#"{"a":1}"#)).wait() {
        Ok(_) | Err(StoreError::Unavailable { .. }) => {}
        refused => panic!("{refused:?}"),
    }
    assert_eq!(store.load(&key).wait().unwrap().unwrap().data, record(r#"{"a":1}"#).data);
    way.loses.store(true, Ordering::SeqCst);
    match store.update(&key, &record(r#"{"a":2}"#)).wait() {
        Ok(_) | Err(StoreError::Unavailable { .. }) => {}
        refused => panic!("{refused:?}"),
    }
    assert_eq!(store.load(&key).wait().unwrap().unwrap().data, record(r#"{"a":2}"#).data);
    way.loses.store(true, Ordering::SeqCst);
    store.delete(&key).wait().unwrap();
    assert_eq!(store.load(&key).wait().unwrap(), None);
    // One that somebody else has is refused all the same.
    store.insert(&other, &record(r#"{"a":1}"#)).wait().unwrap();
    way.loses.store(true, Ordering::SeqCst);
    let refused = store.insert(&other, &record(r#"{"a":2}"#)).wait();
    assert!(matches!(refused, Err(StoreError::Exists(_) | StoreError::Unavailable { .. })), "{refused:?}");
}

#[rstest]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn a_key_that_is_taken_is_refused_even_for_the_same_record(
    #[values(redis, cluster, memcached, postgres, cached, cached_in_memcached)] open: fn() -> AnyStore,
) {
    let store = open();
    let _guard = RUNTIME.enter();
    let key = RandomKeys.generate().unwrap();
    let record = record(r#"{"a":1}"#);
    store.insert(&key, &record).wait().unwrap();
    let refused = store.insert(&key, &record).wait();
    assert!(matches!(refused, Err(StoreError::Exists(_))), "{refused:?}");
}

#[test]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn a_session_of_a_cluster_is_found_while_its_slot_moves_and_afterwards() {
    let store = cluster();
    let _guard = RUNTIME.enter();
    let url = url("SESSIONSPEC_REDIS_CLUSTER_URL");
    let key = RandomKeys.generate().unwrap();
    let ask = |node: &str, what: &[&str]| -> String {
        let mut client = Command::new("redis-cli");
        let answer = client.args(["-u", node, "cluster"]).args(what).output().unwrap();
        String::from_utf8(answer.stdout).unwrap().trim().to_owned()
    };
    let nodes: Vec<&str> = url.split(',').collect();
    let slot = ask(nodes[0], &["keyslot", &format!(":1:django.contrib.sessions.cache{}", key.as_str())]);
    // The giver is the node that may give the slot away.
    let ids: Vec<String> = nodes.iter().map(|node| ask(node, &["myid"])).collect();
    let is_giver =
        |giver: usize| ask(nodes[giver], &["setslot", &slot, "migrating", &ids[(giver + 1) % 3]]) == "OK";
    let giver = (0..3).find(|node| is_giver(*node)).unwrap();
    let taker = (giver + 1) % 3;
    assert_eq!(ask(nodes[taker], &["setslot", &slot, "importing", &ids[giver]]), "OK");
    let refused = store.update(&key, &record("{}")).wait();
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
    store.insert(&key, &record(r#"{"a":1}"#)).wait().unwrap();
    let refused = store.insert(&key, &record(r#"{"a":1}"#)).wait();
    assert!(matches!(refused, Err(StoreError::Exists(_))), "{refused:?}");
    assert_eq!(store.load(&key).wait().unwrap().unwrap().data, record(r#"{"a":1}"#).data);
    for node in [taker, giver] {
        assert_eq!(ask(nodes[node], &["setslot", &slot, "node", &ids[taker]]), "OK");
    }
    store.update(&key, &record(r#"{"a":2}"#)).wait().unwrap();
    assert_eq!(store.load(&key).wait().unwrap().unwrap().data, record(r#"{"a":2}"#).data);
    store.delete(&key).wait().unwrap();
    assert_eq!(store.load(&key).wait().unwrap(), None);
}

#[rstest]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn a_record_in_a_cache_lives_no_longer_than_it_says(#[values(redis, memcached)] open: fn() -> AnyStore) {
    let store = open();
    let _guard = RUNTIME.enter();
    let key = RandomKeys.generate().unwrap();
    let expires = OffsetDateTime::now_utc() + Duration::milliseconds(300);
    let text = expires.format(&time::format_description::well_known::Rfc3339).unwrap();
    let data = Entries::parse(format!(r#"{{"_session_expiry":"{text}"}}"#).as_bytes()).unwrap();
    store.insert(&key, &Record::new(data, expires)).wait().unwrap();
    loop {
        let loaded = store.load(&key).wait().unwrap();
        if OffsetDateTime::now_utc() >= expires {
            break;
        }
        drop(loaded);
    }
    assert_eq!(store.load(&key).wait().unwrap(), None);
}

#[test]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn a_sweep_of_postgres_leaves_a_session_that_is_renewed_meanwhile() {
    let url = url("SESSIONSPEC_POSTGRES_URL");
    let schema = format!("s{}", RandomKeys.generate().unwrap().as_str());
    let own = format!("{url}?options=-c%20search_path%3D{schema}");
    RUNTIME.block_on(async {
        let store = Arc::new(PostgresStore::connect(&own, &settings()).await.unwrap());
        let mut renewing = store.pool().get().await.unwrap();
        renewing.batch_execute(&format!("CREATE SCHEMA {schema}")).await.unwrap();
        store.migrate().await.unwrap();
        let key = RandomKeys.generate().unwrap();
        let old = Record::new(Entries::new(), OffsetDateTime::now_utc() - Duration::hours(1));
        store.insert(&key, &old).await.unwrap();
        // A session is renewed in a transaction that is not over when the sweep finds it.
        let transaction = renewing.transaction().await.unwrap();
        let change = "UPDATE django_session SET expire_date = now() + interval '1 day'";
        assert_eq!(transaction.execute(change, &[]).await.unwrap(), 1);
        let sweep = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.clear_expired().await }
        });
        let waits =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'DELETE%'";
        let watching = store.pool().get().await.unwrap();
        while watching.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::task::yield_now().await;
        }
        transaction.commit().await.unwrap();
        assert_eq!(sweep.await.unwrap().unwrap(), 0);
        assert!(store.load(&key).await.unwrap().is_some());
        renewing.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await.unwrap();
    });
}

#[test]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn a_date_of_postgres_that_is_none_is_corrupt_and_not_a_fault_of_the_server() {
    let store = postgres_at(&url("SESSIONSPEC_POSTGRES_URL")).unwrap();
    RUNTIME.block_on(async {
        let key = RandomKeys.generate().unwrap();
        store.insert(&key, &record("{}")).await.unwrap();
        let client = store.pool().get().await.unwrap();
        for date in ["infinity", "-infinity", "20000-01-01"] {
            let change = format!("UPDATE django_session SET expire_date = '{date}' WHERE session_key = $1");
            client.execute(&change, &[&key.as_str()]).await.unwrap();
            let error = store.load(&key).await.unwrap_err();
            assert!(matches!(error, StoreError::Corrupt { .. }), "{date}: {error:?}");
        }
        store.delete(&key).await.unwrap();
    });
}

#[test]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn a_postgres_that_hangs_is_an_error_in_time_and_holds_up_nobody_afterwards() {
    let url = url("SESSIONSPEC_POSTGRES_URL");
    let way = Way::to(server(&url));
    let there = url.replace(server(&url), &way.address);
    RUNTIME.block_on(async {
        let options = PostgresOptions::default().with_timeout(std::time::Duration::from_millis(300));
        let clock = session_core::SystemClock;
        let store = PostgresStore::connect_with(&there, &settings(), clock, options).await.unwrap();
        store.migrate().await.unwrap();
        let store = Arc::new(store);
        let key = RandomKeys.generate().unwrap();
        let ask = || {
            let calls = [(); 32].map(|()| {
                let (store, key) = (Arc::clone(&store), key.clone());
                tokio::spawn(async move { store.load(&key).await })
            });
            async move {
                let mut answers = Vec::new();
                for call in calls {
                    answers.push(call.await.unwrap());
                }
                answers
            }
        };
        // All connections are there.
        assert!(ask().await.iter().all(Result::is_ok));
        way.blocked.store(true, Ordering::SeqCst);
        for error in tokio::time::timeout(std::time::Duration::from_secs(20), ask()).await.unwrap() {
            let error = error.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        }
        way.blocked.store(false, Ordering::SeqCst);
        assert!(ask().await.iter().all(Result::is_ok));
    });
}

#[test]
fn a_server_that_is_not_there_is_named_with_the_remedy_and_without_the_password() {
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let texts = [
        redis_at(&format!("redis://me:hunter2@{free}")).unwrap_err().to_string(),
        memcached_at(&format!("memcached://{free}")).unwrap_err().to_string(),
        postgres_at(&format!("postgres://me:hunter2@{free}/db")).unwrap_err().to_string(),
    ];
    for text in texts {
        assert!(text.contains(&free) && text.contains("is the server running"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[rstest]
#[case("redis://", "redis://")]
#[case("http://localhost", "redis://")]
fn what_is_no_redis_url_is_refused(#[case] url: &str, #[case] said: &str) {
    let text = redis_at(url).unwrap_err().to_string();
    assert!(text.contains(said), "{text}");
}

#[test]
fn what_is_no_postgres_url_is_refused_with_an_example() {
    let text = postgres_at("postgres://h:port/x").unwrap_err().to_string();
    assert!(text.contains("postgres://user:password@host/database"), "{text}");
}

#[test]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn a_session_that_memcached_does_not_take_is_too_large_and_leaves_the_old_one() {
    let store = memcached();
    let _guard = RUNTIME.enter();
    let key = RandomKeys.generate().unwrap();
    store.insert(&key, &record(r#"{"a":1}"#)).wait().unwrap();
    let large = record(&format!(r#"{{"a":"{}"}}"#, "x".repeat(2 << 20)));
    let error = store.update(&key, &large).wait().unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { size: 2_097_160, limit: 1_048_064, .. }), "{error:?}");
    assert_eq!(store.load(&key).wait().unwrap().unwrap().data, record(r#"{"a":1}"#).data);
}

#[test]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn many_may_create_the_table_of_postgres_at_once() {
    let url = url("SESSIONSPEC_POSTGRES_URL");
    let schema = format!("s{}", RandomKeys.generate().unwrap().as_str());
    let own = format!("{url}?options=-c%20search_path%3D{schema}");
    RUNTIME.block_on(async {
        let store = Arc::new(PostgresStore::connect(&own, &settings()).await.unwrap());
        let client = store.pool().get().await.unwrap();
        client.batch_execute(&format!("CREATE SCHEMA {schema}")).await.unwrap();
        let tasks = [(); 8].map(|()| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.migrate().await })
        });
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await.unwrap();
    });
}

#[test]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn a_table_of_postgres_with_other_columns_is_refused_and_left_alone() {
    let url = url("SESSIONSPEC_POSTGRES_URL");
    // A schema of its own, so that the other tests keep their table.
    let schema = format!("s{}", RandomKeys.generate().unwrap().as_str());
    let own = format!("{url}?options=-c%20search_path%3D{schema}");
    RUNTIME.block_on(async {
        let store = PostgresStore::connect(&own, &settings()).await.unwrap();
        let client = store.pool().get().await.unwrap();
        client.batch_execute(&format!("CREATE SCHEMA {schema}")).await.unwrap();
        let error = store.check().await.unwrap_err();
        assert!(matches!(error, PostgresError::NoTable(_)), "{error}");
        let error = store.load(&SessionKey::parse("0123456789").unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("migrate"), "{error}");
        client.batch_execute("CREATE TABLE django_session (sid text, payload text)").await.unwrap();
        let error = store.migrate().await.unwrap_err().to_string();
        assert!(error.contains("sid, payload") || error.contains("session_key"), "{error}");
        let count = client.query_one("SELECT count(*) FROM django_session", &[]).await.unwrap();
        assert_eq!(count.get::<_, i64>(0), 0);
        client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await.unwrap();
    });
}

#[test]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn a_damaged_value_is_corrupt_and_a_foreign_one_is_refused_by_name() {
    use session_backends::Cache;
    let cache = RUNTIME.block_on(RedisCache::connect(&url("SESSIONSPEC_REDIS_URL"))).unwrap();
    let store = CacheStore::new(cache.clone(), &settings());
    let _guard = RUNTIME.enter();
    let key = RandomKeys.generate().unwrap();
    let life = std::time::Duration::from_secs(60);
    let place = store.cache_key(&key).unwrap();
    cache.add(&place, b"damaged".to_vec(), life).wait().unwrap();
    let result = store.load(&key).wait();
    assert!(matches!(result, Err(StoreError::Corrupt { .. })), "{result:?}");
    // {"when": (1, 2)}, as Python pickles it.
    let tuple = b"\x80\x04}\x8c\x04when\x94K\x01K\x02\x86\x94s.".to_vec();
    cache.replace(&place, tuple, life).wait().unwrap();
    let error = store.load(&key).wait().unwrap_err();
    assert!(
        matches!(&error, StoreError::Unrepresentable { source, .. } if source.to_string().contains("when")),
        "{error:?}"
    );
}

/// What the command `sessions` says about a session that is not there, on a connection that is encrypted.
#[rstest]
#[case("SESSIONSPEC_REDIS_TLS_URL")]
#[case("SESSIONSPEC_POSTGRES_TLS_URL")]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn an_encrypted_connection_is_to_a_server_whose_certificate_is_trusted(#[case] variable: &str) {
    // The certificates that are trusted are found when a process first needs them, so each run is a process.
    let show = |trusted: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sessions"));
        command.args(["--engine", &url(variable), "show", "0123456789abcdef0123456789abcdef"]);
        let output = command.env("SECRET_KEY", "s").env("SSL_CERT_FILE", trusted).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    if variable.contains("POSTGRES") {
        // The database has its table.
        RUNTIME.block_on(async {
            let store = PostgresStore::connect(&url("SESSIONSPEC_POSTGRES_URL"), &settings()).await.unwrap();
            store.migrate().await.unwrap();
        });
    }
    let (status, said) = show(&url("SESSIONSPEC_CERTIFICATE"));
    assert!(status == Some(1) && said.contains("no live session"), "{said}");
    let (status, said) = show("/dev/null");
    assert!(status == Some(2) && said.contains("SSL_CERT_FILE"), "{said}");
}

#[test]
#[ignore = "needs servers: cargo xtask services cargo test --all-features --test servers -- --include-ignored"]
fn a_connection_to_postgres_is_encrypted_where_it_can_be() {
    let encrypted = RUNTIME.block_on(async {
        let store = PostgresStore::connect(&url("SESSIONSPEC_POSTGRES_URL"), &settings()).await.unwrap();
        let client = store.pool().get().await.unwrap();
        let row = client.query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await;
        row.unwrap().get::<_, bool>(0)
    });
    assert!(encrypted);
}
