//! Stores that change numbers, or stumble over what is deep or large.

use session_core::StoreError;

use crate::fault::Base::{Cache, Database, Limited};
use crate::fault::{Fault, Flaw, fault};
use crate::plain::entries_of;

/// Changes a value that is a number.
fn number(text: &str, change: impl FnOnce(&str) -> String) -> String {
    let number = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    if number { change(text) } else { text.to_owned() }
}

fn is_float(text: &str) -> bool {
    text.contains(['.', 'e', 'E'])
}

/// Changes a value that is a floating-point number.
fn float(text: &str, change: fn(f64) -> String) -> String {
    number(text, |text| match text.parse() {
        Ok(value) if is_float(text) => change(value),
        _ => text.to_owned(),
    })
}

pub(super) fn integer(text: &str, change: fn(&str) -> String) -> String {
    number(text, |text| if is_float(text) { text.to_owned() } else { change(text) })
}

/// A float as Python writes it, near enough for JSON.
fn written(float: f64) -> String {
    if float.is_finite() { format!("{float:?}") } else { "0.0".to_owned() }
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "integers-are-floats",
        "data.integers.kept",
        "integers beyond 2^53 lose digits",
        "JavaScript's numbers",
        Database,
        Flaw::Value(|text| {
            integer(text, |text| {
                let value: f64 = text.parse().unwrap_or_default();
                format!("{:.0}", value.clamp(f64::MIN, f64::MAX))
            })
        }),
    ),
    fault(
        "integers-have-64-bits",
        "data.integers.huge.kept",
        "integers beyond 64 bits become the largest that there is",
        "BIGINT",
        Database,
        Flaw::Value(|text| {
            integer(text, |text| {
                let least = if text.starts_with('-') { i64::MIN } else { i64::MAX };
                text.parse::<i64>().unwrap_or(least).to_string()
            })
        }),
    ),
    fault(
        "floats-become-integers",
        "data.floats",
        "floats without a fraction come back as integers",
        "JavaScript's numbers",
        Database,
        Flaw::Value(|text| {
            float(text, |value| {
                if value.fract() == 0.0 && value.abs() < 1e15 {
                    format!("{value:.0}")
                } else {
                    written(value)
                }
            })
        }),
    ),
    fault(
        "floats-of-32-bits",
        "data.floats",
        "floats lose half their digits",
        "REAL columns of MySQL",
        Database,
        #[expect(clippy::cast_possible_truncation, reason = "that is the fault")]
        Flaw::Value(|text| {
            float(
                text,
                |value| if value.abs() < 1e30 { written(f64::from(value as f32)) } else { written(value) },
            )
        }),
    ),
    fault(
        "floats-of-fifteen-digits",
        "data.floats",
        "floats change in their last bit",
        "PostgreSQL before 12: extra_float_digits",
        Database,
        Flaw::Value(|text| {
            float(text, |value| format!("{value:.14e}").parse().map_or_else(|_| written(value), written))
        }),
    ),
    fault(
        "negative-zero-loses-its-sign",
        "data.floats",
        "-0.0 comes back as 0.0",
        "",
        Database,
        Flaw::Value(|text| float(text, |value| written(value + 0.0))),
    ),
    fault(
        "tiny-floats-become-zero",
        "data.floats",
        "floats too small for all their bits come back as 0.0",
        "processors set to flush denormals",
        Database,
        Flaw::Value(|text| float(text, |value| written(if value.is_subnormal() { 0.0 } else { value }))),
    ),
    fault(
        "not-a-number-becomes-null",
        "data.non-finite.kept",
        "NaN and the infinities come back as null",
        "JSON.stringify",
        Database,
        Flaw::Value(|text| {
            text.replace("NaN", "null").replace("-Infinity", "null").replace("Infinity", "null")
        }),
    ),
    fault(
        "deep-nesting-cut",
        "data.deep.kept",
        "what is nested more than 128 deep comes back as null",
        "parsers with a limit",
        Database,
        Flaw::Value(
            |text| if text.starts_with(&"[".repeat(128)) { "null".to_owned() } else { text.to_owned() },
        ),
    ),
    fault(
        "deep-nesting-fails",
        "data.deep.kept",
        "what is nested more than 64 deep is an error",
        "SQL Server's JSON",
        Database,
        Flaw::Insert(|at, key, record| {
            if record.data.values().any(|text| text.starts_with(&"[".repeat(64))) {
                return Err(StoreError::unrepresentable(key, "nested too deep"));
            }
            at.insert(key, record)
        }),
    ),
    fault(
        "large-cut-at-64k",
        "data.large",
        "texts are cut at 64 KiB",
        "MySQL's TEXT outside strict mode",
        Database,
        Flaw::Value(|text| match text.get(..65_000) {
            // Not within an escape.
            Some(head) if text.starts_with('"') && text.len() > 65_001 => {
                let whole = head.rfind('\\').filter(|at| head.len() - at < 7).unwrap_or(head.len());
                format!("{}\"", &head[..whole])
            }
            _ => text.to_owned(),
        }),
    ),
    fault(
        "large-fails",
        "data.large",
        "records of more than a megabyte are an error, and no limit is declared",
        "memcached",
        Cache,
        Flaw::Insert(|at, key, record| {
            let size = record.data.to_json().len() as u64;
            if size > 1 << 20 {
                return Err(StoreError::too_large(key, size, 1 << 20));
            }
            at.insert(key, record)
        }),
    ),
    fault(
        "too-large-is-stored-all-the-same",
        "data.too-large",
        "the declared limit is not kept",
        "",
        Limited,
        Flaw::Update(|at, key, record| match at.update(key, record) {
            Err(StoreError::TooLarge { .. }) => {
                at.put(key, record);
                Ok(key.clone())
            }
            other => other,
        }),
    ),
    fault(
        "too-large-is-dropped",
        "data.too-large",
        "a record beyond the limit is dropped without a word",
        "iron-session#101, litestar#408",
        Limited,
        Flaw::Update(|at, key, record| match at.update(key, record) {
            Err(StoreError::TooLarge { .. }) => Ok(key.clone()),
            other => other,
        }),
    ),
    fault(
        "too-large-loses-the-record",
        "data.too-large",
        "a record beyond the limit takes the one that was there with it",
        "memcached: a set that fails deletes",
        Limited,
        Flaw::Update(|at, key, record| {
            let done = at.update(key, record);
            if matches!(done, Err(StoreError::TooLarge { .. }))
                && let Some(row) = at.row(key)
            {
                row.record.data = entries_of("{}");
            }
            done
        }),
    ),
    fault(
        "too-large-is-an-outage",
        "data.too-large",
        "a record beyond the limit is an error of the storage",
        "",
        Limited,
        Flaw::Update(|at, key, record| match at.update(key, record) {
            Err(StoreError::TooLarge { .. }) => Err(StoreError::unavailable("update", "packet too large")),
            other => other,
        }),
    ),
];
