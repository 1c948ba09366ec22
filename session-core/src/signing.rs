//! Django's signing, byte for byte: the signer, the timestamp signer, and `dumps` and `loads`.
//!
//! A signed text is `value:signature`, a time-stamped one `value:time:signature`, and `dumps` puts
//! URL-safe base64 of JSON, compressed where that is shorter, in the place of the value. The signature is
//! HMAC-SHA256 under a key derived from the secret and a salt, so that a text signed for one purpose is
//! worthless for another.
//!
//! Django's counterpart is `django.core.signing`.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::{Compress, Compression, FlushCompress, Status};
use hmac::{Hmac, KeyInit, Mac};
use libdeflater::{DecompressionError, Decompressor};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use time::{Duration, OffsetDateTime};

use crate::settings::Secret;

/// A signature in base64, and a time in base 62 with the colons on both sides: the room for them.
const SIGNATURE_CHARS: usize = 43;
const STAMP_CHARS: usize = 13;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// zlib's state for compressing takes a quarter of a megabyte. To take that from the system and give it back for
/// each text costs several times what the compressing does, so a few are kept.
static COMPRESSORS: Mutex<Vec<Compress>> = Mutex::new(Vec::new());

/// How many are kept at most.
const MAX_COMPRESSORS: usize = 8;

thread_local! {
    /// What unpacking needs beside its result, 12 kB.
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
}

/// How many times its packed size data is expected to have at the most. What has more costs a second attempt.
const EXPECTED_RATIO: usize = 8;

/// The room for data of which only a little is packed.
const LEAST_ROOM: usize = 1_024;

/// Why a signed text was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is no signature, or it does not fit the value under any of the keys.
    #[error("the signature does not match")]
    Bad,
    /// The signature fits, but is older than allowed.
    #[error("the signature is {age} s old, and may be {max_age} s old at most")]
    Expired {
        /// Its age in seconds.
        age: i64,
        /// The greatest age in seconds.
        max_age: i64,
    },
    /// The signature fits, but what was signed is larger than the caller takes.
    #[error("the signed data has more than {limit} bytes")]
    TooLarge {
        /// The most bytes.
        limit: usize,
    },
    /// The signature fits, but what was signed does not decode.
    #[error("the signed data does not decode: {0}")]
    Undecodable(&'static str),
}

/// Signs and checks under a salt, with a secret and the older secrets that are still accepted.
///
/// ```
/// use session_core::Secret;
/// use session_core::signing::Signer;
///
/// let signer = Signer::new(&Secret::new("…"), &[], "example.salt");
/// let signed = signer.sign("ada");
/// assert_eq!(signer.unsign(&signed), Ok("ada"));
/// assert!(signer.unsign(&signed.replace("ada", "eve")).is_err());
/// ```
#[derive(Debug, Clone)]
pub struct Signer {
    /// HMAC states with the derived keys already in them; the first one signs.
    macs: Vec<Hmac<Sha256>>,
}

impl Signer {
    /// A signer for one purpose. Texts are signed with `secret`, and accepted under it and `fallbacks`.
    pub fn new(secret: &Secret, fallbacks: &[Secret], salt: &str) -> Self {
        let macs = std::iter::once(secret).chain(fallbacks).map(|secret| derive(salt, secret)).collect();
        Self { macs }
    }

    /// `value:signature`.
    pub fn sign(&self, value: &str) -> String {
        let mut signed = String::with_capacity(value.len() + 1 + SIGNATURE_CHARS);
        signed.push_str(value);
        self.push_signature(&mut signed);
        signed
    }

    /// Signs what a text has so far.
    fn push_signature(&self, text: &mut String) {
        // There is always a first key: `new` puts it there.
        if let Some(state) = self.macs.first() {
            let mac = mac(state, text.as_bytes());
            text.push(':');
            URL_SAFE_NO_PAD.encode_string(mac, text);
        }
    }

    /// The value of a signed text.
    ///
    /// # Errors
    /// [`SignatureError::Bad`].
    pub fn unsign<'a>(&self, signed: &'a str) -> Result<&'a str, SignatureError> {
        let (value, signature) = signed.rsplit_once(':').ok_or(SignatureError::Bad)?;
        let mut matches = Choice::from(0);
        for state in &self.macs {
            let mut expected = [0; SIGNATURE_CHARS];
            // 32 bytes have 43 characters.
            if let Ok(SIGNATURE_CHARS) =
                URL_SAFE_NO_PAD.encode_slice(mac(state, value.as_bytes()), &mut expected)
            {
                matches |= same(&expected, signature.as_bytes());
            }
        }
        if bool::from(matches) { Ok(value) } else { Err(SignatureError::Bad) }
    }

    /// `value:time:signature`, with the time in whole seconds since the Unix epoch, in base 62.
    pub fn sign_with_time(&self, value: &str, now: OffsetDateTime) -> String {
        let mut signed = String::with_capacity(value.len() + STAMP_CHARS + SIGNATURE_CHARS);
        signed.push_str(value);
        self.push_time_and_signature(&mut signed, now);
        signed
    }

    fn push_time_and_signature(&self, text: &mut String, now: OffsetDateTime) {
        text.push(':');
        text.push_str(&base62(now.unix_timestamp()));
        self.push_signature(text);
    }

    /// The value of a text signed with its time, if it is not older than `max_age` where one is given.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn unsign_with_time<'a>(
        &self,
        signed: &'a str,
        max_age: Option<(Duration, OffsetDateTime)>,
    ) -> Result<&'a str, SignatureError> {
        let (value, time) = self.unsign(signed)?.rsplit_once(':').ok_or(SignatureError::Bad)?;
        if let Some((max_age, now)) = max_age {
            // Django compares the age with its fraction of a second.
            let age = now - instant(time)?;
            if age > max_age {
                return Err(SignatureError::Expired {
                    age: age.whole_seconds(),
                    max_age: max_age.whole_seconds(),
                });
            }
        }
        Ok(value)
    }

    /// Signs data of any kind, with its time, as text that is safe in a URL and in a cookie. Data that zlib
    /// makes shorter is compressed, and marked by a leading dot.
    pub fn dumps(&self, data: &[u8], now: OffsetDateTime) -> String {
        let packed = compress(data);
        let bytes = packed.as_deref().unwrap_or(data);
        let mut signed =
            String::with_capacity(bytes.len().div_ceil(3) * 4 + 1 + STAMP_CHARS + SIGNATURE_CHARS);
        if packed.is_some() {
            signed.push('.');
        }
        URL_SAFE_NO_PAD.encode_string(bytes, &mut signed);
        self.push_time_and_signature(&mut signed, now);
        signed
    }

    /// The data of a text that [`dumps`](Self::dumps) made, here or in Django, if it has at most `limit` bytes. No
    /// more than that is unpacked, so that a small text cannot fill the memory.
    ///
    /// # Errors
    /// [`SignatureError`]; [`SignatureError::Undecodable`] if the signature fits and the rest does not.
    pub fn loads(
        &self,
        text: &str,
        limit: usize,
        max_age: Option<(Duration, OffsetDateTime)>,
    ) -> Result<Vec<u8>, SignatureError> {
        decode(self.unsign_with_time(text, max_age)?, limit)
    }

    /// The same, and the time at which it was signed, in whole seconds.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn loads_with_time(
        &self,
        text: &str,
        limit: usize,
    ) -> Result<(Vec<u8>, OffsetDateTime), SignatureError> {
        let (value, time) = self.unsign(text)?.rsplit_once(':').ok_or(SignatureError::Bad)?;
        Ok((decode(value, limit)?, instant(time)?))
    }
}

/// The HMAC of a value.
fn mac(state: &Hmac<Sha256>, value: &[u8]) -> [u8; 32] {
    let mut mac = state.clone();
    mac.update(value);
    mac.finalize().into_bytes().into()
}

/// Whether two texts are the same, in a time that does not tell where they differ. `subtle` compares slices byte by byte,
/// which takes as long as the HMAC of a short value.
fn same(one: &[u8], other: &[u8]) -> Choice {
    let ((words, rest), (other_words, other_rest)) = (one.as_chunks(), other.as_chunks());
    let lengths = one.len().ct_eq(&other.len());
    words.iter().zip(other_words).fold(lengths & rest.ct_eq(other_rest), |same, (word, other)| {
        same & u64::from_ne_bytes(*word).ct_eq(&u64::from_ne_bytes(*other))
    })
}

/// The data in the place of a value.
fn decode(value: &str, limit: usize) -> Result<Vec<u8>, SignatureError> {
    let (encoded, packed) = match value.strip_prefix('.') {
        Some(encoded) => (encoded, true),
        None => (value, false),
    };
    let bytes = URL_SAFE_NO_PAD
        .decode(encoded.trim_end_matches('='))
        .map_err(|_| SignatureError::Undecodable("not URL-safe base64"))?;
    if packed {
        unpack(&bytes, limit)
    } else if bytes.len() > limit {
        Err(SignatureError::TooLarge { limit })
    } else {
        Ok(bytes)
    }
}

/// The instant of a time as it is signed.
fn instant(time: &str) -> Result<OffsetDateTime, SignatureError> {
    let seconds = from_base62(time).ok_or(SignatureError::Bad)?;
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| SignatureError::Bad)
}

/// The HMAC state for a purpose: Django's `salted_hmac` with the salt that `Signer` gives it.
fn derive(salt: &str, secret: &Secret) -> Hmac<Sha256> {
    let key =
        Sha256::new().chain_update(salt).chain_update("signer").chain_update(secret.reveal()).finalize();
    match Hmac::new_from_slice(&key) {
        Ok(mac) => mac,
        // HMAC takes keys of any length.
        Err(_) => unreachable!("HMAC refused a key of 32 bytes"),
    }
}

/// The data compressed, if that saves a byte more than the mark costs (`len(data) - 1` in Django).
fn compress(data: &[u8]) -> Option<Vec<u8>> {
    let idle = COMPRESSORS.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut compressor = idle.unwrap_or_else(|| Compress::new(Compression::default(), true));
    // What does not fit into this is not shorter than the data.
    let mut packed = Vec::with_capacity(data.len());
    let status = compressor.compress_vec(data, &mut packed, FlushCompress::Finish);
    keep(compressor);
    (matches!(status, Ok(Status::StreamEnd)) && packed.len() + 1 < data.len()).then_some(packed)
}

/// Keeps a compressor for the next text, if not enough are kept.
fn keep(mut compressor: Compress) {
    compressor.reset();
    let mut idle = COMPRESSORS.lock().unwrap_or_else(PoisonError::into_inner);
    if idle.len() < MAX_COMPRESSORS {
        idle.push(compressor);
    }
}

/// The data of a zlib stream, if it has at most `limit` bytes. The room for it grows with what it needs: a stream that
/// claims much and holds little costs little.
fn unpack(packed: &[u8], limit: usize) -> Result<Vec<u8>, SignatureError> {
    let mut room = packed.len().saturating_mul(EXPECTED_RATIO).max(LEAST_ROOM).min(limit);
    loop {
        let mut data = vec![0; room];
        let unpacked =
            DECOMPRESSOR.with_borrow_mut(|decompressor| decompressor.zlib_decompress(packed, &mut data));
        match unpacked {
            Ok(length) => {
                data.truncate(length);
                return Ok(data);
            }
            Err(DecompressionError::BadData) => return Err(SignatureError::Undecodable("not zlib data")),
            Err(DecompressionError::InsufficientSpace) if room == limit => {
                return Err(SignatureError::TooLarge { limit });
            }
            Err(DecompressionError::InsufficientSpace) => room = room.saturating_mul(4).min(limit),
        }
    }
}

/// A number in base 62, as `django.core.signing.b62_encode` writes it.
fn base62(number: i64) -> String {
    let mut digits = Vec::new();
    let mut rest = number.unsigned_abs();
    loop {
        digits.push(BASE62[usize::try_from(rest % 62).unwrap_or_default()]);
        rest /= 62;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        digits.push(b'-');
    }
    digits.iter().rev().map(|digit| char::from(*digit)).collect()
}

fn from_base62(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number = 0_i64;
    for byte in digits.bytes() {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        number = number.checked_mul(62)?.checked_add(digit.into())?;
    }
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const LIMIT: usize = 1 << 20;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    fn signer(secret: &str) -> Signer {
        Signer::new(&Secret::new(secret), &[], "purpose")
    }

    // Made by Django 5.2.19 with `time.time` held at 1893456000 (6.1.3 gives the same):
    // `signing.dumps({"a": 1}, key="secret", salt="purpose")` and the same of {"a": "x" * 100} with
    // `compress=True`.
    const PLAIN: &str = include_str!("../tests/django/plain.txt");
    const PACKED: &str = include_str!("../tests/django/packed.txt");

    #[test]
    fn what_is_not_packed_may_be_as_long_as_the_limit() {
        let signer = signer("secret");
        let text = signer.dumps(b"0123456789", at(0));
        assert!(!text.starts_with('.'));
        assert_eq!(signer.loads(&text, 10, None).as_deref(), Ok(&b"0123456789"[..]));
        assert_eq!(signer.loads(&text, 9, None), Err(SignatureError::TooLarge { limit: 9 }));
        assert_eq!(signer.loads(&text, 1, None), Err(SignatureError::TooLarge { limit: 1 }));
    }

    // As Django 6.1.3's `TimestampSigner.unsign` with `max_age=10`.
    #[rstest]
    #[case(Duration::seconds(10), true)]
    #[case(Duration::milliseconds(10_500), false)]
    #[case(Duration::seconds(11), false)]
    fn a_signature_may_be_as_old_as_its_greatest_age(#[case] age: Duration, #[case] is_valid: bool) {
        let signer = signer("secret");
        let text = signer.sign_with_time("value", at(1_893_456_000));
        let max_age = Some((Duration::seconds(10), at(1_893_456_000) + age));
        assert_eq!(signer.unsign_with_time(&text, max_age).is_ok(), is_valid);
    }

    #[test]
    fn dumps_gives_the_very_bytes_of_django() {
        let signer = signer("secret");
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(100));
        assert_eq!(signer.dumps(b"{\"a\":1}", at(1_893_456_000)), PLAIN.trim());
        assert_eq!(signer.dumps(long.as_bytes(), at(1_893_456_000)), PACKED.trim());
    }

    #[test]
    fn loads_reads_what_django_signed() {
        assert_eq!(signer("secret").loads(PLAIN.trim(), LIMIT, None).unwrap(), b"{\"a\":1}");
        assert_eq!(signer("secret").loads(PACKED.trim(), LIMIT, None).unwrap().len(), 108);
    }

    #[test]
    fn another_secret_or_salt_or_a_changed_byte_is_bad() {
        let text = PLAIN.trim();
        assert_eq!(signer("other").loads(text, LIMIT, None), Err(SignatureError::Bad));
        let elsewhere = Signer::new(&Secret::new("secret"), &[], "elsewhere");
        assert_eq!(elsewhere.loads(text, LIMIT, None), Err(SignatureError::Bad));
        for index in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[index] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(signer("secret").loads(&changed, LIMIT, None).is_err(), "{changed}");
        }
    }

    #[test]
    fn a_secret_that_was_replaced_is_still_accepted_as_a_fallback() {
        let rotated = Signer::new(&Secret::new("new"), &[Secret::new("secret")], "purpose");
        assert!(rotated.loads(PLAIN.trim(), LIMIT, None).is_ok());
        assert!(signer("secret").loads(&rotated.dumps(b"{}", at(0)), LIMIT, None).is_err());
    }

    #[rstest]
    #[case(9, true)]
    #[case(10, true)]
    #[case(11, false)]
    fn a_signature_may_be_as_old_as_the_greatest_age(#[case] age: i64, #[case] accepted: bool) {
        let text = signer("s").dumps(b"{}", at(1_000));
        let result = signer("s").loads(&text, LIMIT, Some((Duration::seconds(10), at(1_000 + age))));
        assert_eq!(result.is_ok(), accepted, "{result:?}");
    }

    #[test]
    fn data_that_unpacks_to_too_much_is_refused() {
        let bomb = signer("s").dumps(&vec![b' '; LIMIT + 1], at(0));
        assert!(bomb.len() < 10_000);
        assert_eq!(signer("s").loads(&bomb, LIMIT, None), Err(SignatureError::TooLarge { limit: LIMIT }));
        assert!(signer("s").loads(&bomb, LIMIT + 1, None).is_ok());
    }

    #[rstest]
    #[case("")]
    #[case(":")]
    #[case("a:b")]
    #[case("::::")]
    fn what_is_not_signed_text_is_bad(#[case] text: &str) {
        assert_eq!(signer("s").loads(text, LIMIT, None), Err(SignatureError::Bad));
    }

    #[test]
    fn two_texts_are_the_same_only_if_all_of_them_is() {
        let text = [7; 43];
        assert!(bool::from(same(&text, &text)) && bool::from(same(&[], &[])));
        for at in 0..text.len() {
            let mut other = text;
            other[at] ^= 1;
            assert!(!bool::from(same(&text, &other)), "{at}");
            assert!(!bool::from(same(&text, &text[..at])), "{at}");
            assert!(!bool::from(same(&text[..at], &text)), "{at}");
        }
    }

    #[rstest]
    #[case(0, "0")]
    #[case(9, "9")]
    #[case(10, "A")]
    #[case(35, "Z")]
    #[case(36, "a")]
    #[case(61, "z")]
    #[case(62, "10")]
    #[case(-62, "-10")]
    #[case(1_893_456_000, "248kOu")]
    fn times_are_base_62(#[case] number: i64, #[case] text: &str) {
        assert_eq!((base62(number).as_str(), from_base62(text)), (text, Some(number)));
    }
}
