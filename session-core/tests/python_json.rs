//! JSON is read and written as Python reads and writes it.
//!
//! The expectations are Python's own: `python/vectors.py` printed them into `python/vectors.jsonl`, and
//! says with which versions.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

use std::fmt::Write;

use serde::Deserialize;
use session_core::json::{Json, JsonError};
use sha2::{Digest, Sha256};

/// A line of the recorded file.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Vector {
    /// A text, and what Python makes of it.
    Text { text: String, outcome: Outcome, written: Option<String> },
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
fn what_python_reads_is_kept_and_as_a_value_it_is_written_as_python_writes_it() {
    let (mut kept, mut written_again) = (0, 0);
    for vector in vectors() {
        let Vector::Text { text, outcome: Outcome::Read | Outcome::Unrepresentable, written, .. } = vector
        else {
            continue;
        };
        let json = Json::parse(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        if text.is_ascii() {
            assert_eq!(json.as_str(), text.trim_matches([' ', '\t', '\r', '\n']));
        }
        kept += 1;
        // A `Value` holds no integer beyond 64 bits.
        if let (Some(written), Ok(value)) = (written, json.to_value()) {
            assert_eq!(Json::write(&value).unwrap().as_str(), written, "{text:?}");
            written_again += 1;
        }
    }
    assert!(kept > 315 && written_again > 280, "{kept}, {written_again}");
}

#[test]
fn what_python_wrote_is_canonical() {
    for vector in vectors() {
        let Vector::Text { written: Some(written), .. } = vector else { continue };
        assert_eq!(Json::parse(&written).unwrap().as_str(), written);
    }
}

#[test]
fn what_python_does_not_read_is_refused() {
    let mut seen = 0;
    for vector in vectors() {
        let Vector::Text { text, outcome: Outcome::Malformed, .. } = vector else { continue };
        match Json::parse(&text) {
            Err(JsonError::Malformed { offset, .. }) => {
                assert!(offset <= text.len() * 6, "{text:?}: {offset}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
        seen += 1;
    }
    assert!(seen > 400, "{seen}");
}

#[test]
fn floating_point_numbers_are_written_as_python_writes_them() {
    for vector in vectors() {
        let Vector::Float { bits, written } = vector else { continue };
        let float = f64::from_bits(u64::from_str_radix(&bits, 16).unwrap());
        assert_eq!(Json::write(&float).unwrap().as_str().to_owned(), written, "{float:e}");
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
            let written = Json::write(&float).unwrap().as_str().to_owned();
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
        let json = Json::write(&text).unwrap();
        let written = json.as_str();
        assert_eq!(hex(&Sha256::digest(written)), sha256, "plane {plane}");
        assert_eq!(json.read::<String>(), Ok(text));
        planes += 1;
    }
    assert_eq!(planes, 17);
}
