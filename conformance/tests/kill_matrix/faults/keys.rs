//! Stores that take one key for another, or stumble over one.

use session_core::{Record, SessionKey, StoreError};

use crate::fault::Base::{Cache, Database, Memory};
use crate::fault::{Fault, Flaw, fault};
use crate::plain::entries_of;

fn refused(key: &SessionKey, refused: bool) -> Result<(), StoreError> {
    if refused {
        Err(StoreError::unavailable("look up", format!("bad key {}", key.as_str().len())))
    } else {
        Ok(())
    }
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "key-case-folded",
        "key.exact",
        "keys are compared without regard to case",
        "MySQL's default collation",
        Database,
        Flaw::Key(str::to_lowercase),
    ),
    fault(
        "key-trimmed",
        "key.exact",
        "blanks behind a key do not count",
        "SQL's PAD SPACE comparison",
        Database,
        Flaw::Key(|key| key.trim_end().to_owned()),
    ),
    fault(
        "key-column-too-narrow",
        "key.exact",
        "only 31 characters of a key are kept",
        "a VARCHAR that is too narrow, outside strict mode",
        Database,
        Flaw::Key(|key| key.chars().take(31).collect()),
    ),
    fault(
        "key-ends-at-nul",
        "key.exact",
        "a key ends at its first NUL",
        "bindings to C",
        Cache,
        Flaw::Key(|key| key.split('\0').next().unwrap_or_default().to_owned()),
    ),
    fault(
        "key-is-a-like-pattern",
        "key.exact",
        "`load` compares keys with LIKE, so that `_` and `%` stand for others",
        "",
        Database,
        Flaw::Load(|at, key| {
            let like = key.as_str().trim_end_matches('%').to_owned();
            let found =
                at.state.rows.keys().find(|place| key.as_str().ends_with('%') && place.starts_with(&like));
            let found = found.and_then(|place| SessionKey::parse(place));
            at.load(&found.unwrap_or_else(|| key.clone()))
        }),
    ),
    fault(
        "key-is-a-glob",
        "key.exact",
        "`load` scans for the key as a pattern, so that `*` stands for any text",
        "`KEYS` and `SCAN MATCH` of Redis",
        Cache,
        Flaw::Load(|at, key| {
            let head = key.as_str().trim_end_matches('*').to_owned();
            let found =
                at.state.rows.keys().find(|place| key.as_str().ends_with('*') && place.starts_with(&head));
            let found = found.and_then(|place| SessionKey::parse(place));
            at.load(&found.unwrap_or_else(|| key.clone()))
        }),
    ),
    fault(
        "key-hash-too-short",
        "key.unknown-not-adopted",
        "records lie under the length of their key",
        "a hash table that does not compare keys",
        Memory,
        Flaw::All(&[
            Flaw::Key(|key| key.len().to_string()),
            Flaw::Insert(|at, key, record| {
                at.put(key, record);
                Ok(key.clone())
            }),
        ]),
    ),
    fault(
        "key-unknown-adopted",
        "key.unknown-not-adopted",
        "an unknown key loads an empty session",
        "cherrypy#709, CVE-2018-12071 (CodeIgniter): session fixation",
        Database,
        Flaw::Load(|at, key| {
            let found = at.load(key)?;
            let empty = || Record::new(entries_of("{}"), at.now + time::Duration::hours(1));
            Ok(found.or_else(|| (!at.state.rows.contains_key(key.as_str())).then(empty)))
        }),
    ),
    fault(
        "load-fails-where-nothing-is",
        "key.unknown-not-adopted",
        "`load` answers an error where there is no record",
        "scs a01923e: a miss of memcached is an error",
        Cache,
        Flaw::Load(|at, key| {
            at.load(key)?.map_or_else(|| Err(StoreError::NotFound(key.clone())), |it| Ok(Some(it)))
        }),
    ),
    fault(
        "key-with-slash-fails",
        "key.hostile",
        "a key with a slash is an error",
        "stores that keep a file per session",
        Database,
        Flaw::Load(|at, key| {
            refused(key, key.as_str().contains('/'))?;
            at.load(key)
        }),
    ),
    fault(
        "key-with-nul-fails",
        "key.hostile",
        "`exists` of a key with a NUL is an error",
        "PostgreSQL's text",
        Database,
        Flaw::Exists(|at, key| {
            refused(key, key.as_str().contains('\0'))?;
            at.exists(key)
        }),
    ),
    fault(
        "key-too-long-fails",
        "key.hostile",
        "a key of more than 250 bytes is an error",
        "memcached",
        Cache,
        Flaw::Load(|at, key| {
            refused(key, key.as_str().len() > 250)?;
            at.load(key)
        }),
    ),
    fault(
        "key-not-ascii-fails",
        "key.hostile",
        "a key with other letters than ASCII's is an error",
        "memcached, HTTP headers",
        Cache,
        Flaw::Load(|at, key| {
            refused(key, !key.as_str().is_ascii())?;
            at.load(key)
        }),
    ),
    fault(
        "key-with-quote-fails",
        "key.hostile",
        "a quote in a key ends the statement",
        "SQL injection",
        Database,
        Flaw::Exists(|at, key| {
            refused(key, key.as_str().contains('\''))?;
            at.exists(key)
        }),
    ),
    fault(
        "key-with-pattern-finds-all",
        "key.hostile",
        "`exists` takes `%` and `*` for patterns that fit any key",
        "",
        Database,
        Flaw::Exists(|at, key| {
            Ok(at.exists(key)? || (key.as_str().contains("%%") && !at.state.rows.is_empty()))
        }),
    ),
    fault(
        "key-exists-in-any-case",
        "lifecycle.exists.unknown",
        "`exists` is true for every key that was ever looked for",
        "a Bloom filter without the look behind it",
        Database,
        Flaw::Exists(|at, key| {
            let known = at.memory.found.contains_key(key.as_str())
                || at.state.past.iter().any(|(k, _)| k == key.as_str());
            Ok(at.exists(key)? || known || key.as_str().starts_with('0'))
        }),
    ),
    fault(
        "keys-with-a-prefix",
        "key.format",
        "the store puts a prefix before the keys that it gives out",
        "`s:` of express-session",
        Database,
        Flaw::Insert(|at, key, record| {
            if key.as_str().starts_with("s:") {
                return at.insert(key, record);
            }
            let prefixed = SessionKey::parse(&format!("s:{}", key.as_str())).unwrap_or_else(|| key.clone());
            at.insert(&prefixed, record)
        }),
    ),
    fault(
        "keys-given-out-twice",
        "key.fresh",
        "`insert` answers with the key of the record before, and replaces that",
        "a sequence that starts again",
        Database,
        Flaw::Insert(|at, key, record| {
            let last = at.state.rows.last().and_then(|(place, _)| SessionKey::parse(place));
            let key = last.unwrap_or_else(|| key.clone());
            at.put(&key, record);
            Ok(key)
        }),
    ),
    fault(
        "accents-left-out",
        "key.exact",
        "keys that differ in an accent are one key",
        "collations such as utf8mb4_0900_ai_ci of MySQL",
        Database,
        Flaw::Key(|key| key.replace('\u{301}', "")),
    ),
];
