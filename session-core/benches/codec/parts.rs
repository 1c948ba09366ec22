//! The parts of the codec that cannot be left out, each as several libraries do it: which of them we use is not what
//! decides. Compressing is by zlib alone, since its very bytes are Django's. (`sonic-rs` was tried for the scan: it is
//! slower than `serde_json` on the shop's basket, and brings a dozen crates.)
//!
//! What a library can keep from one text to the next, a key or a state, it has kept. Each gives what it made, and all
//! that do the same are seen to make the same.

use std::hint::black_box;

use base64::Engine;
use base64::engine::general_purpose;
use base64_simd::URL_SAFE_NO_PAD;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use hmac::{Hmac, KeyInit, Mac};
use libdeflater::Decompressor;
use serde::de::IgnoredAny;
use session_core::Entries;
use sha2::Sha256;

use crate::{Candidate, candidate};

/// A derived key is as long as this.
const KEY: [u8; 32] = [7; 32];

/// What a session is from step to step.
pub(crate) struct Stages<'a> {
    json: &'a [u8],
    /// The JSON, compressed.
    packed: Vec<u8>,
    /// The same in base64.
    text: &'a str,
    /// The same with its time, which is what is signed.
    signed: &'a str,
}

impl<'a> Stages<'a> {
    /// Of this JSON, which is stored as `stored`: a dot, what is packed, the time and the signature after colons.
    pub(crate) fn of(json: &'a str, stored: &'a str) -> Self {
        let signed = stored.rsplit_once(':').unwrap().0;
        let text = signed.split_once(':').unwrap().0.strip_prefix('.').unwrap();
        Self { json: json.as_bytes(), packed: URL_SAFE_NO_PAD.decode_to_vec(text).unwrap(), text, signed }
    }

    /// Each part, by each who does it.
    pub(crate) fn parts(&self, name: &str) -> Vec<Candidate<'_>> {
        let mut all = vec![self.deflate(name)];
        all.extend(self.base64(name));
        all.extend(self.sign(name));
        all.extend(self.inflate(name));
        all.extend(self.scan(name));
        all
    }

    fn deflate(&self, name: &str) -> Candidate<'_> {
        let mut state = Compress::new(Compression::default(), true);
        let mut zlib = move || {
            let mut made = Vec::with_capacity(self.json.len());
            state.reset();
            state.compress_vec(black_box(self.json), &mut made, FlushCompress::Finish).unwrap();
            made
        };
        assert_eq!(zlib(), self.packed);
        candidate(format!("deflate {name}"), "zlib", zlib)
    }

    fn base64(&self, name: &str) -> [Candidate<'_>; 4] {
        let scalar = &general_purpose::URL_SAFE_NO_PAD;
        let made = (scalar.encode(&self.packed), scalar.decode(self.text).unwrap());
        assert_eq!((made.0.as_str(), &made.1), (self.text, &self.packed));
        assert_eq!(URL_SAFE_NO_PAD.encode_to_string(&self.packed), self.text);
        let (encode, decode) = (format!("base64 encode {name}"), format!("base64 decode {name}"));
        let bytes = || black_box(&self.packed);
        let text = || black_box(self.text);
        [
            candidate(encode.clone(), "base64", move || scalar.encode(bytes())),
            candidate(encode, "base64-simd", move || URL_SAFE_NO_PAD.encode_to_string(bytes())),
            candidate(decode.clone(), "base64", move || scalar.decode(text()).unwrap()),
            candidate(decode, "base64-simd", move || URL_SAFE_NO_PAD.decode_to_vec(text()).unwrap()),
        ]
    }

    fn sign(&self, name: &str) -> [Candidate<'_>; 2] {
        let keyed = Hmac::<Sha256>::new_from_slice(&KEY).unwrap();
        let sha2 = move || {
            let mut mac = keyed.clone();
            mac.update(black_box(self.signed.as_bytes()));
            mac.finalize().into_bytes()
        };
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &KEY);
        let ring = move || ring::hmac::sign(&key, black_box(self.signed.as_bytes()));
        assert_eq!(sha2().as_slice(), ring().as_ref());
        let group = format!("hmac {name}");
        [candidate(group.clone(), "sha2", sha2), candidate(group, "ring", ring)]
    }

    /// The length is known to each of them, so that none makes room twice.
    fn inflate(&self, name: &str) -> [Candidate<'_>; 2] {
        let mut state = Decompress::new(true);
        let mut zlib = move || {
            let mut made = Vec::with_capacity(self.json.len());
            state.reset(true);
            state.decompress_vec(black_box(&self.packed), &mut made, FlushDecompress::Finish).unwrap();
            made
        };
        let mut state = Decompressor::new();
        let mut libdeflate = move || {
            let mut made = vec![0; self.json.len()];
            state.zlib_decompress(black_box(&self.packed), &mut made).unwrap();
            made
        };
        assert!(zlib() == self.json && libdeflate() == self.json);
        let group = format!("inflate {name}");
        [candidate(group.clone(), "zlib", zlib), candidate(group, "libdeflate", libdeflate)]
    }

    /// Sees that the text is JSON. Ours notes where each entry stands, too.
    fn scan(&self, name: &str) -> [Candidate<'_>; 2] {
        let json = || black_box(self.json);
        let group = format!("scan {name}");
        [
            candidate(group.clone(), "ours", move || Entries::parse(json()).unwrap()),
            candidate(group, "serde_json", move || serde_json::from_slice::<IgnoredAny>(json()).unwrap()),
        ]
    }
}
