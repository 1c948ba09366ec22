//! JSON is read and written as Python reads and writes it.
//!
//! The expectations are Python's own: `python/vectors.py` printed them into `python/vectors.jsonl`, and
//! says with which versions.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

use std::fmt::Write;

use serde::Deserialize;
use serde_json::Value;
use session_core::json::{self, JsonError};
use sha2::{Digest, Sha256};

/// A line of the recorded file.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Vector {
    /// A text, and what Python makes of it.
    Text { text: String, outcome: Outcome, written: Option<String>, entry: Option<String> },
    /// The bits of a floating-point number in hexadecimal, and how Python writes it.
    Float { bits: String, written: String },
    /// The digest of many random ones.
    Floats { seed: String, count: String, sha256: String },
    /// The digest of all characters of one plane in a text.
    Plane { plane: String, sha256: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Read,
    Malformed,
    Unrepresentable,
}

fn vectors() -> Vec<Vector> {
    include_str!("python/vectors.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

/// The generator that `python/vectors.py` uses (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[test]
fn what_python_reads_is_read_and_written_as_python_writes_it() {
    let mut seen = 0;
    for vector in vectors() {
        let Vector::Text { text, outcome: Outcome::Read, written: Some(written), .. } = vector else {
            continue;
        };
        let value = json::parse_value(text.as_bytes()).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(json::write_value(&value), written, "{text:?}");
        seen += 1;
    }
    assert!(seen > 300, "{seen}");
}

#[test]
fn what_python_wrote_is_written_again_without_a_change() {
    for vector in vectors() {
        let Vector::Text { written: Some(written), .. } = vector else { continue };
        assert_eq!(json::write_value(&json::parse_value(written.as_bytes()).unwrap()), written);
    }
}

#[test]
fn what_python_does_not_read_is_refused() {
    let mut seen = 0;
    for vector in vectors() {
        let Vector::Text { text, outcome: Outcome::Malformed, .. } = vector else { continue };
        let result = json::parse_value(text.as_bytes());
        match &result {
            Err(JsonError::Malformed { offset, .. }) => {
                assert!(*offset <= text.len() + 1, "{text:?}: {result:?}");
            }
            // A text may break off behind a value that could not be kept: the first fault is named.
            Err(JsonError::Unrepresentable { .. }) => {}
            _ => panic!("{text:?}: {result:?}"),
        }
        seen += 1;
    }
    assert!(seen > 400, "{seen}");
}

#[test]
fn what_only_python_can_keep_is_refused_with_the_name_of_its_entry() {
    let mut seen = 0;
    for vector in vectors() {
        let Vector::Text { text, outcome: Outcome::Unrepresentable, entry: Some(entry), .. } = vector else {
            continue;
        };
        let Err(JsonError::Unrepresentable { path, .. }) = json::parse_value(text.as_bytes()) else {
            panic!("{text:?} was not refused");
        };
        // A bare value has no entry to be named by.
        assert!(path == entry || entry.is_empty(), "{text:?}: {path:?}, and not {entry:?}");
        seen += 1;
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn floating_point_numbers_are_written_as_python_writes_them() {
    for vector in vectors() {
        let Vector::Float { bits, written } = vector else { continue };
        let float = f64::from_bits(u64::from_str_radix(&bits, 16).unwrap());
        assert_eq!(json::write_value(&Value::from(float)), written, "{float:e}");
    }
}

#[test]
fn a_hundred_thousand_random_floating_point_numbers_are_written_as_python_writes_them() {
    let (seed, count, expected) = vectors()
        .into_iter()
        .find_map(|vector| match vector {
            Vector::Floats { seed, count, sha256 } => Some((number(&seed), number(&count), sha256)),
            _ => None,
        })
        .unwrap();
    let (mut random, mut digest, mut done) = (Random(seed), Sha256::new(), 0);
    while done < count {
        let mut bits = random.next();
        if done % 2 == 1 {
            bits = (bits & !(0x7FF << 52)) | ((1023 - 60 + random.next() % 120) << 52);
        }
        let float = f64::from_bits(bits);
        if float.is_finite() {
            let written = json::write_value(&Value::from(float));
            // What was written is read back to the last bit, whatever its digits.
            assert_eq!(written.parse::<f64>().unwrap().to_bits(), bits);
            digest.update(written);
            digest.update("\n");
            done += 1;
        }
    }
    assert_eq!(hex(&digest.finalize()), expected);
}

#[test]
fn every_character_is_written_as_python_writes_it_and_read_back() {
    let mut planes = 0;
    for vector in vectors() {
        let Vector::Plane { plane, sha256 } = vector else { continue };
        let first = u32::try_from(number(&plane)).unwrap() << 16;
        let text: String = (first..=first | 0xffff).filter_map(char::from_u32).collect();
        let written = json::write_value(&Value::from(text.clone()));
        assert_eq!(hex(&Sha256::digest(&written)), sha256, "plane {plane}");
        assert_eq!(json::parse_value(written.as_bytes()), Ok(Value::from(text)));
        planes += 1;
    }
    assert_eq!(planes, 17);
}

#[test]
fn a_number_beyond_floating_point_keeps_its_text() {
    // Python reads an infinity here, which it then writes as no JSON at all.
    for text in ["1e400", "-1e400", "1.5E+999"] {
        let value = json::parse_value(text.as_bytes()).unwrap();
        assert_eq!(json::write_value(&value), text);
    }
}
