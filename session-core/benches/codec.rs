//! Encoding and decoding session data, against the bare HMAC, JSON, base64 and zlib on the same bytes.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use session_core::codec::{Codec, SERVER_SALT};
use session_core::{Secret, Settings};
use sha2::Sha256;
use time::OffsetDateTime;

/// About 1 KB, as a shop keeps it: compressible. Every store is measured with the same.
fn shop() -> Value {
    serde_json::from_str(include_str!("basket.json")).unwrap()
}

/// About 1 KB that zlib cannot make shorter.
fn random() -> Value {
    let mut state = 1_u64;
    let mut token = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b' ' + ((state >> 33) % 90) as u8)
    };
    json!({"token": (0..1_000).map(|_| token()).filter(|c| !matches!(c, '"' | '\\')).collect::<String>()})
}

fn bare_encode(mac: &Hmac<Sha256>, data: &Map<String, Value>) -> String {
    let json = serde_json::to_vec(data).unwrap();
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&json).unwrap();
    let packed = encoder.finish().unwrap();
    let text = if packed.len() < json.len() - 1 {
        format!(".{}", URL_SAFE_NO_PAD.encode(packed))
    } else {
        URL_SAFE_NO_PAD.encode(json)
    };
    let mut mac = mac.clone();
    mac.update(text.as_bytes());
    format!("{text}:{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn bare_decode(mac: &Hmac<Sha256>, text: &str) -> Map<String, Value> {
    let (value, signature) = text.rsplit_once(':').unwrap();
    let mut mac = mac.clone();
    mac.update(value.as_bytes());
    mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let json = match value.strip_prefix('.') {
        Some(packed) => {
            let mut json = Vec::new();
            let packed = URL_SAFE_NO_PAD.decode(packed).unwrap();
            ZlibDecoder::new(&packed[..]).read_to_end(&mut json).unwrap();
            json
        }
        None => URL_SAFE_NO_PAD.decode(value).unwrap(),
    };
    serde_json::from_slice(&json).unwrap()
}

fn codec(c: &mut Criterion) {
    let settings = Settings { secret_key: Secret::new("the-secret"), ..Settings::default() };
    let codec = Codec::new(&settings, SERVER_SALT).unwrap();
    let mac = Hmac::<Sha256>::new_from_slice(b"the-secret").unwrap();
    for (name, value) in [("text", shop()), ("random", random())] {
        let Value::Object(data) = value else { unreachable!() };
        let size = serde_json::to_vec(&data).unwrap().len();
        assert!((900..1_200).contains(&size), "{name} has {size} bytes");

        let mut group = c.benchmark_group(format!("codec encode {name}"));
        let now = OffsetDateTime::UNIX_EPOCH;
        group.bench_function("ours", |b| b.iter(|| codec.encode(black_box(&data), now)));
        group.bench_function("bare", |b| b.iter(|| bare_encode(&mac, black_box(&data))));
        group.finish();

        let (ours, bare) = (codec.encode(&data, now), bare_encode(&mac, &data));
        assert_eq!(codec.decode(&ours).unwrap(), bare_decode(&mac, &bare));
        let mut group = c.benchmark_group(format!("codec decode {name}"));
        group.bench_function("ours", |b| b.iter(|| codec.decode(black_box(&ours)).unwrap()));
        group.bench_function("bare", |b| b.iter(|| bare_decode(&mac, black_box(&bare))));
        group.finish();
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
