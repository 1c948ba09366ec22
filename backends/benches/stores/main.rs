//! Every store against its bare client: the same sessions, the same codec, the same durability.
//!
//! - `main.rs`: what is measured
//! - `visit.rs`: the session, and how the operations on it are measured
//! - `sqlite.rs`, `file.rs`, `cookie.rs`, `memory.rs`, `cached.rs`: stores in this process
//! - `at_once.rs`: SQLite, with several clients at once
//! - `redis.rs`, `memcached.rs`, `postgres.rs`: stores on servers, which `cargo xtask bench` starts

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod at_once;
mod cached;
mod cookie;
mod file;
mod memcached;
mod memory;
mod postgres;
mod redis;
mod sqlite;
mod visit;

use criterion::{Criterion, criterion_group, criterion_main};

fn in_process(c: &mut Criterion) {
    cookie::operations(c);
    memory::operations(c);
    file::operations(c);
    sqlite::operations(c);
    at_once::operations(c);
    cached::operations(c);
    sqlite::clear_expired(c);
}

fn on_servers(c: &mut Criterion) {
    for (variable, operations) in [
        ("SESSIONSPEC_REDIS_URL", redis::operations as fn(&mut Criterion, &str)),
        ("SESSIONSPEC_MEMCACHED_URL", memcached::operations),
        ("SESSIONSPEC_POSTGRES_URL", postgres::operations),
    ] {
        match std::env::var(variable) {
            Ok(url) => operations(c, &url),
            Err(_) => {
                println!("{variable} is not set, so nothing is measured there; run `cargo xtask bench`");
            }
        }
    }
}

criterion_group!(benches, in_process, on_servers);
criterion_main!(benches);
