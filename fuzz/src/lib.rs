//! What must hold for whatever comes from outside: nothing panics, nothing grows without bound, and what is accepted is
//! understood in one way only. Each module has one decoder, and `check`, which the program of its name in `fuzz_targets/`
//! calls with what libFuzzer invents.
//!
//! - `json.rs`: JSON, by the two readers that share no code
//! - `codec.rs`: signed texts, as the engines `db`, `file` and `cached_db` store them
//! - `pickle.rs`: what a cache holds, and an expiry in it
//! - `cookie.rs`: the header of a request
//! - `trace.rs`: traces and schedules, and the model on them
//! - `requests.rs`: what an adapter is asked
//! - `answer.rs`: what an adapter answers
//! - `report.rs`: reports and known failures

#![forbid(unsafe_code)]

pub mod answer;
pub mod codec;
pub mod cookie;
pub mod json;
pub mod pickle;
pub mod report;
pub mod requests;
pub mod trace;

/// The most bytes of JSON that a session may have here.
const LIMIT: usize = 64 << 10;

/// The secret of the texts that are signed here.
const SECRET: &str = "fuzzing";

/// Settings with that limit and that secret.
fn settings() -> session_core::Settings {
    session_core::Settings::new(SECRET).with(|settings| settings.max_data_bytes = LIMIT)
}

/// The present instant.
const NOW: time::OffsetDateTime = time::macros::datetime!(2030-01-01 00:00 UTC);
