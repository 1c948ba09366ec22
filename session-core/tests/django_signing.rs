//! What Django signs is signed alike here, byte for byte, and what it accepts or refuses is accepted or
//! refused.
//!
//! The expectations are Django's own: `django/vectors.py` printed them into `django/vectors.jsonl`, with
//! time held still, and says with which versions.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may what only tests call")]

use std::fmt::Write;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use session_core::codec::{COOKIE_SALT, Codec, CodecError, SERVER_SALT};
use session_core::json::Json;
use session_core::signing::{SignatureError, Signer};
use session_core::{Entries, Secret, Settings};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

/// More than any recorded text unpacks to.
const LIMIT: usize = 1 << 20;

/// The secret of the recorded lines that name none.
const SECRET: &str = "the-secret";

/// The recorded lines of one kind.
fn vectors<T: DeserializeOwned>(kind: &str) -> Vec<T> {
    let lines = include_str!("django/vectors.jsonl").lines();
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let vectors: Vec<T> =
        lines.filter(|line| line["kind"] == kind).map(|line| serde_json::from_value(line).unwrap()).collect();
    assert!(!vectors.is_empty(), "no recorded line is a {kind}");
    vectors
}

/// An instant, recorded as microseconds since the Unix epoch.
#[derive(Clone, Copy, Deserialize)]
struct Instant(i64);

impl From<Instant> for OffsetDateTime {
    fn from(Instant(micros): Instant) -> Self {
        Self::from_unix_timestamp_nanos(i128::from(micros) * 1_000).unwrap()
    }
}

fn settings() -> Settings {
    let fallbacks = ["an-older-one", "the-oldest"].map(Secret::new).to_vec();
    Settings::new(SECRET).with(|settings| settings.secret_key_fallbacks = fallbacks)
}

/// The text that `generated` in `django/vectors.py` makes.
fn generated(seed: usize, length: usize, letters: &[u8]) -> String {
    let mut state = seed;
    (0..length)
        .map(|_| {
            state = (state * 1_103_515_245 + 12_345) % (1 << 31);
            char::from(letters[(state >> 16) % letters.len()])
        })
        .collect()
}

/// A whole session, as an engine stores it.
#[derive(Deserialize)]
struct StoredSession {
    now: Instant,
    salt: String,
    data: String,
    signed: String,
}

#[test]
fn a_session_is_stored_in_the_very_bytes_of_django_and_read_from_them() {
    for StoredSession { now, salt, data, signed } in vectors("session") {
        let codec = Codec::new(&settings(), &salt).unwrap();
        let entries = Entries::parse(data.as_bytes()).unwrap();
        assert_eq!(codec.encode(&entries, now.into()).unwrap(), signed, "{data}");
        assert_eq!(codec.decode(&signed).unwrap().to_json(), data);
    }
}

#[test]
fn a_session_of_one_engine_is_no_session_of_another() {
    for StoredSession { salt, signed, .. } in vectors("session") {
        let other = if salt == SERVER_SALT { COOKIE_SALT } else { SERVER_SALT };
        assert!(matches!(
            Codec::new(&settings(), other).unwrap().decode(&signed),
            Err(CodecError::Signature(SignatureError::Bad))
        ));
    }
}

/// A session with a value that no type of Rust holds, and the entry that holds it.
#[derive(Deserialize)]
struct AwkwardSession {
    entry: String,
    signed: String,
}

#[test]
fn a_value_that_no_type_of_rust_holds_is_kept_to_the_byte_beside_what_changes() {
    let signer = Signer::new(&Secret::new(SECRET), &[], SERVER_SALT);
    let codec = Codec::new(&settings(), SERVER_SALT).unwrap();
    for AwkwardSession { entry, signed } in vectors("awkward") {
        let json = String::from_utf8(signer.loads(&signed, LIMIT, None).unwrap()).unwrap();
        let mut entries = codec.decode(&signed).unwrap();
        assert_eq!(entries.to_json(), json);
        let name = entry.split(['.', '[']).next().unwrap();
        let before = entries.get(name).unwrap().to_owned();
        entries.insert("and one more", &1).unwrap();
        let again = codec.encode(&entries, OffsetDateTime::UNIX_EPOCH).unwrap();
        assert_eq!(codec.decode(&again).unwrap().get(name), Some(before.as_str()), "{entry}");
    }
}

/// A text of generated letters, signed with compression allowed.
#[derive(Deserialize)]
struct GeneratedText {
    now: Instant,
    letters: String,
    length: usize,
    packed: bool,
    bytes: usize,
    sha256: String,
}

#[test]
fn data_is_compressed_where_django_compresses_it_and_to_the_same_bytes() {
    for GeneratedText { now, letters, length, packed, bytes, sha256 } in vectors("generated") {
        let data = format!("{{\"v\":\"{}\"}}", generated(length + 1, length, letters.as_bytes()));
        let signer = Signer::new(&Secret::new(SECRET), &[], "django.core.signing");
        let text = signer.dumps(data.as_bytes(), now.into());
        assert_eq!((text.starts_with('.'), text.len()), (packed, bytes), "{length} of {letters}");
        let digest = Sha256::digest(&text).iter().fold(String::new(), |mut out, byte| {
            write!(out, "{byte:02x}").unwrap();
            out
        });
        assert_eq!(digest, sha256, "{length} of {letters}");
        assert_eq!(signer.loads(&text, LIMIT, None).unwrap(), data.as_bytes());
    }
}

/// A plain text, signed with and without the time.
#[derive(Deserialize)]
struct SignedText {
    now: Instant,
    key: String,
    salt: String,
    value: String,
    signed: String,
    stamped: String,
}

#[test]
fn a_text_is_signed_as_django_signs_it_whatever_the_secret_the_salt_and_the_time() {
    for SignedText { now, key, salt, value, signed, stamped } in vectors("sign") {
        let signer = Signer::new(&Secret::new(key), &[], &salt);
        assert_eq!(signer.sign(&value), signed);
        assert_eq!(signer.sign_with_time(&value, now.into()), stamped);
        assert_eq!(signer.unsign(&signed), Ok(value.as_str()));
        let max_age = Some((Duration::seconds(1), now.into()));
        assert_eq!(signer.unsign_with_time(&stamped, max_age), Ok(value.as_str()));
    }
}

/// A text that Django was asked to read, and what it made of it.
#[derive(Deserialize)]
struct ReadText {
    now: Instant,
    text: String,
    max_age: Option<i64>,
    key: String,
    fallbacks: Vec<String>,
    salt: String,
    outcome: Outcome,
    value: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    /// `BadSignature`.
    Bad,
    /// `SignatureExpired`.
    Expired,
    /// The signature fits, and then base64, zlib, the time or JSON fails with an error of its own.
    Undecodable,
}

#[test]
fn what_django_accepts_is_accepted_and_what_it_refuses_is_refused_for_the_same_reason() {
    for vector in vectors::<ReadText>("loads") {
        let fallbacks: Vec<Secret> = vector.fallbacks.into_iter().map(Secret::new).collect();
        let signer = Signer::new(&Secret::new(vector.key), &fallbacks, &vector.salt);
        let max_age = vector.max_age.map(|seconds| (Duration::seconds(seconds), vector.now.into()));
        let result = signer.loads(&vector.text, LIMIT, max_age);
        let written = result
            .as_ref()
            .ok()
            .and_then(|data| Json::parse(std::str::from_utf8(data).ok()?).ok())
            .map(|json| json.as_str().to_owned());
        let agrees = match vector.outcome {
            Outcome::Ok => written.is_some() && written == vector.value,
            Outcome::Bad => result == Err(SignatureError::Bad),
            Outcome::Expired => matches!(result, Err(SignatureError::Expired { .. })),
            // Not opened, or opened to what is no JSON. A time that is missing is a bad signature here.
            Outcome::Undecodable => {
                written.is_none() && !matches!(result, Err(SignatureError::Expired { .. }))
            }
        };
        assert!(agrees, "{:?} at {max_age:?}: {result:?}, and {:?} in Django", vector.text, vector.outcome);
    }
}

#[test]
fn a_text_signed_under_a_fallback_opens_and_is_signed_anew_under_the_present_secret() {
    for StoredSession { now, salt, data, .. } in vectors("session") {
        let old = Settings::new("the-oldest");
        let present = Settings::new(SECRET);
        let rotated = Codec::new(&settings(), &salt).unwrap();
        let entries = Entries::parse(data.as_bytes()).unwrap();
        let before = Codec::new(&old, &salt).unwrap().encode(&entries, now.into()).unwrap();
        let again = rotated.encode(&rotated.decode(&before).unwrap(), now.into()).unwrap();
        assert_eq!(Codec::new(&present, &salt).unwrap().decode(&again), Ok(entries));
        assert!(matches!(
            Codec::new(&old, &salt).unwrap().decode(&again),
            Err(CodecError::Signature(SignatureError::Bad))
        ));
    }
}
