//! Part of `cargo xtask docs`: each type that a user meets first has an example in its documentation. That the examples run
//! is for the tests.

use std::fs;
use std::path::Path;

use crate::Failure;

/// Where those items are, and how their declarations begin.
const MET_FIRST: [(&str, &[&str]); 24] = [
    ("session-core/src/clock.rs", &["struct ManualClock"]),
    ("session-core/src/data.rs", &["struct SessionData"]),
    ("session-core/src/entries.rs", &["struct Entries"]),
    ("session-core/src/erased.rs", &["struct AnyStore"]),
    ("session-core/src/expiry.rs", &["enum Expiry"]),
    ("session-core/src/middleware/tower.rs", &["struct SessionLayer", "struct RequestSession"]),
    ("session-core/src/offload/mod.rs", &["struct Offload<"]),
    ("session-core/src/record.rs", &["struct Record"]),
    ("session-core/src/session.rs", &["struct Session<", "struct SessionContext"]),
    ("session-core/src/settings.rs", &["struct Settings"]),
    ("session-core/src/signing.rs", &["struct Signer"]),
    ("session-core/src/store.rs", &["trait SessionStore", "struct Capabilities"]),
    ("backends/src/cache/memcached.rs", &["struct MemcachedCache"]),
    ("backends/src/cache/mod.rs", &["struct CacheStore"]),
    ("backends/src/cache/redis.rs", &["struct RedisCache"]),
    ("backends/src/cached.rs", &["struct CachedStore"]),
    ("backends/src/cookie.rs", &["struct CookieStore"]),
    ("backends/src/engine.rs", &["async fn open"]),
    ("backends/src/file/mod.rs", &["struct FileStore"]),
    ("backends/src/memory.rs", &["struct MemoryStore"]),
    ("backends/src/postgres/mod.rs", &["struct PostgresStore"]),
    ("backends/src/sqlite/mod.rs", &["struct SqliteStore", "struct SqliteOptions"]),
    ("backends/src/tower_sessions.rs", &["struct FromTowerSessions", "struct ForTowerSessions"]),
    ("conformance/src/harness/builder.rs", &["struct Suite"]),
];

/// The items that have no example.
pub(crate) fn missing(root: &Path) -> Result<Vec<String>, Failure> {
    let mut faults = Vec::new();
    for (file, items) in MET_FIRST {
        let source = fs::read_to_string(root.join(file))?;
        let without = items.iter().filter(|item| !has_example(&source, item));
        faults.extend(without.map(|item| format!("{file}: `{item}` has no example in its documentation")));
    }
    Ok(faults)
}

/// Whether the documentation right before a declaration has code in it. An item that is not there has none.
fn has_example(source: &str, item: &str) -> bool {
    let lines: Vec<&str> = source.lines().collect();
    let declares = |line: &&str| line.strip_prefix("pub ").is_some_and(|rest| rest.starts_with(item));
    let Some(at) = lines.iter().position(declares) else { return false };
    let before = lines[..at].iter().rev().take_while(|line| !line.is_empty() && **line != "}");
    before.into_iter().any(|line| line.starts_with("/// ```"))
}

#[cfg(test)]
mod tests {
    use super::has_example;

    #[test]
    fn an_example_is_that_of_the_item_and_of_no_other() {
        let source = "/// A.\n///\n/// ```\n/// a();\n/// ```\n#[derive(Debug)]\npub struct A;\n\n/// B.\npub struct B;\n";
        assert!(has_example(source, "struct A"));
        assert!(!has_example(source, "struct B"));
        assert!(!has_example(source, "struct C"));
    }
}
