//! Encoding and decoding session data, against the parts that cannot be left out, each by the fastest library that was
//! found: HMAC by `sha2`, base64 by `base64-simd`, unpacking by `libdeflate`, compressing by zlib (whose bytes are
//! Django's), one scan of the JSON by our own scanner, which is measured against that of `serde_json`.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::cell::RefCell;
use std::hint::black_box;

use base64_simd::URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use flate2::{Compress, Compression, FlushCompress};
use hmac::{Hmac, KeyInit, Mac};
use libdeflater::Decompressor;
use serde::de::IgnoredAny;
use session_core::codec::{Codec, SERVER_SALT};
use session_core::json::Json;
use session_core::{Entries, Settings};
use sha2::Sha256;
use time::OffsetDateTime;

/// About 1 KB, as a shop keeps it: compressible. Every store is measured with the same.
fn shop() -> Json {
    let basket = Json::parse(include_str!("basket.json")).unwrap();
    Json::write(&basket).unwrap()
}

/// About 1 KB that zlib cannot make shorter.
fn random() -> Json {
    let mut state = 1_u64;
    let mut token = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b' ' + ((state >> 33) % 90) as u8)
    };
    let token: String = (0..1_000).map(|_| token()).filter(|c| !matches!(c, '"' | '\\')).collect();
    Json::write(&serde_json::json!({ "token": token })).unwrap()
}

/// The parts, with their states kept as ours are.
struct Parts {
    mac: Hmac<Sha256>,
    compress: RefCell<Compress>,
    decompress: RefCell<Decompressor>,
}

impl Parts {
    fn encode(&self, json: &[u8]) -> String {
        let mut packed = Vec::with_capacity(json.len());
        let mut compress = self.compress.borrow_mut();
        compress.reset();
        compress.compress_vec(json, &mut packed, FlushCompress::Finish).unwrap();
        let bytes = if packed.len() + 1 < json.len() { &packed } else { json };
        let text = URL_SAFE_NO_PAD.encode_to_string(bytes);
        let mut mac = self.mac.clone();
        mac.update(text.as_bytes());
        black_box(mac.finalize());
        text
    }

    fn decode(&self, text: &str, packed: bool, length: usize) -> Entries {
        let mut mac = self.mac.clone();
        mac.update(text.as_bytes());
        black_box(mac.finalize());
        let bytes = URL_SAFE_NO_PAD.decode_to_vec(text.as_bytes()).unwrap();
        if !packed {
            return Entries::parse(&bytes).unwrap();
        }
        let mut json = vec![0; length];
        self.decompress.borrow_mut().zlib_decompress(&bytes, &mut json).unwrap();
        Entries::parse(&json).unwrap()
    }
}

fn codec(c: &mut Criterion) {
    let codec = Codec::new(&Settings::new("the-secret"), SERVER_SALT).unwrap();
    let parts = Parts {
        mac: Hmac::new_from_slice(b"the-secret").unwrap(),
        compress: RefCell::new(Compress::new(Compression::default(), true)),
        decompress: RefCell::new(Decompressor::new()),
    };
    for (name, json) in [("text", shop()), ("random", random())] {
        let data = Entries::parse(json.as_str().as_bytes()).unwrap();
        let size = json.as_str().len();
        assert!((900..1_200).contains(&size), "{name} has {size} bytes");

        let mut group = c.benchmark_group(format!("codec encode {name}"));
        let now = OffsetDateTime::UNIX_EPOCH;
        group.bench_function("ours", |b| b.iter(|| codec.encode(black_box(&data), now).unwrap()));
        group.bench_function("bare", |b| b.iter(|| parts.encode(black_box(json.as_str().as_bytes()))));
        group.finish();

        let (ours, bare) = (codec.encode(&data, now).unwrap(), parts.encode(json.as_str().as_bytes()));
        let packed = ours.starts_with('.');
        assert_eq!(codec.decode(&ours).unwrap(), parts.decode(&bare, packed, size));
        let mut group = c.benchmark_group(format!("codec decode {name}"));
        group.bench_function("ours", |b| b.iter(|| codec.decode(black_box(&ours)).unwrap()));
        group.bench_function("bare", |b| b.iter(|| parts.decode(black_box(&bare), packed, size)));
        group.finish();

        let text = json.as_str();
        let mut group = c.benchmark_group(format!("scan {name}"));
        group.bench_function("ours", |b| b.iter(|| Entries::parse(black_box(text).as_bytes()).unwrap()));
        group.bench_function("serde_json", |b| {
            b.iter(|| serde_json::from_str::<IgnoredAny>(black_box(text)).unwrap());
        });
        group.finish();
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
