//! Encoding and decoding session data, and beside it the parts of that which cannot be left out, each as several
//! libraries do it (`parts.rs`). `cargo xtask bench` holds the whole against the sum of the quickest.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

mod parts;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use session_core::codec::{Codec, SERVER_SALT};
use session_core::json::Json;
use session_core::{Entries, Settings};
use time::OffsetDateTime;

use crate::parts::Stages;

/// How often each is measured, the codec and its parts in turn: what else runs on the machine for a while does not
/// slow one of them only.
const ROUNDS: usize = 5;

/// About 1 KB, as a shop keeps it: compressible. Every store is measured with the same.
fn shop() -> Json {
    let basket = Json::parse(include_str!("../basket.json")).unwrap();
    Json::write(&basket).unwrap()
}

/// About 1 KB of which zlib saves little, less than a fifth: of a text in ASCII there is always something to save.
fn random() -> Json {
    let mut state = 1_u64;
    let mut token = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b' ' + ((state >> 33) % 90) as u8)
    };
    let token: String = (0..1_000).map(|_| token()).filter(|c| !matches!(c, '"' | '\\')).collect();
    Json::write(&serde_json::json!({ "token": token })).unwrap()
}

/// Something to measure: its group, its name in it, and the work.
type Candidate<'a> = (String, &'static str, Box<dyn FnMut() + 'a>);

/// Keeps the work's result from being left out.
fn candidate<'a, T>(group: String, name: &'static str, mut work: impl FnMut() -> T + 'a) -> Candidate<'a> {
    (group, name, Box::new(move || drop(black_box(work()))))
}

fn codec(c: &mut Criterion) {
    let codec = Codec::new(&Settings::new("the-secret"), SERVER_SALT).unwrap();
    let now = OffsetDateTime::UNIX_EPOCH;
    for (name, json) in [("text", shop()), ("random", random())] {
        let json = json.as_str();
        let data = Entries::parse(json.as_bytes()).unwrap();
        assert!((900..1_200).contains(&json.len()), "{name} has {} bytes", json.len());
        let stored = codec.encode(&data, now).unwrap();
        assert_eq!(codec.decode(&stored).unwrap(), data);
        let stages = Stages::of(json, &stored);

        let (encode, decode) = (format!("codec encode {name}"), format!("codec decode {name}"));
        let mut candidates = vec![
            candidate(encode, "ours", || codec.encode(black_box(&data), now).unwrap()),
            candidate(decode, "ours", || codec.decode(black_box(&stored)).unwrap()),
        ];
        candidates.extend(stages.parts(name));
        for round in 0..ROUNDS {
            for (group, name, work) in &mut candidates {
                let mut group = c.benchmark_group(group.as_str());
                let (warm_up, measurement) = (Duration::from_millis(100), Duration::from_millis(300));
                group.warm_up_time(warm_up).measurement_time(measurement).sample_size(20);
                group.bench_function(BenchmarkId::new(*name, round), |b| b.iter(&mut *work));
                group.finish();
            }
        }
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
