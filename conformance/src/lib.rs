//! The conformance suite for web session stores: the rules of the specification as data, an executable
//! reference model of them, and a runner that drives any store beside the model, shrinks what differs,
//! and says which rule was broken.
//!
//! A Rust store is put under the suite by a test program of a few lines:
//!
//! ```no_run
//! # use session_core::{Capabilities, Record, SessionKey, SessionStore, StoreError};
//! # struct MyStore;
//! # impl MyStore {
//! #     fn open(_: &std::path::Path, _: impl session_core::Clock) -> Result<Self, std::io::Error> { Ok(Self) }
//! # }
//! # impl SessionStore for MyStore {
//! #     fn capabilities(&self) -> Capabilities { unimplemented!() }
//! #     async fn exists(&self, _: &SessionKey) -> Result<bool, StoreError> { unimplemented!() }
//! #     async fn load(&self, _: &SessionKey) -> Result<Option<Record>, StoreError> { unimplemented!() }
//! #     async fn insert(&self, _: &SessionKey, _: &Record) -> Result<SessionKey, StoreError> { unimplemented!() }
//! #     async fn update(&self, _: &SessionKey, _: &Record) -> Result<SessionKey, StoreError> { unimplemented!() }
//! #     async fn delete(&self, _: &SessionKey) -> Result<(), StoreError> { unimplemented!() }
//! #     async fn clear_expired(&self) -> Result<u64, StoreError> { unimplemented!() }
//! # }
//! // tests/conformance.rs, with `harness = false` in Cargo.toml
//! fn main() -> std::process::ExitCode {
//!     session_conformance::main(|env| MyStore::open(env.dir(), env.clock()))
//! }
//! ```
//!
//! The pieces, from the rule to the report: a [`rule`] has a [`golden`] trace; a [`trace`] is a list of
//! [`op`]s, written by hand or [generated](generate); the [`runner`] settles what each step [acts on](call), does it
//! on a [`subject`] and on the [`model`] and compares the [`observation`]s; what fails is [minimised](minimise); the [`suite`] puts
//! it all into a [`report`].

// On docs.rs each item says the feature that it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod application;
pub mod call;
pub mod compare;
mod corpus;
pub mod doctor;
pub mod generate;
pub mod golden;
pub mod history;
pub mod json;
pub mod keys;
pub mod manifest;
pub mod minimise;
pub mod model;
pub mod moved;
pub mod observation;
pub mod op;
pub mod parts;
pub mod protocol;
pub mod report;
pub mod rule;
pub mod rules;
pub mod runner;
pub mod schedule;
pub mod server;
pub mod subject;
pub mod suite;
pub mod trace;
pub mod value;
pub mod wire;

mod errata;
mod harness;
mod instant;
#[cfg(feature = "traits")]
mod raw;
mod stopwatch;

pub use harness::{ARTIFACTS, Suite, check_trace, main};
#[cfg(feature = "actix-session-011")]
pub use raw::actix_session as actix_session_011;
#[cfg(feature = "axum-session-022")]
pub use raw::axum_session as axum_session_022;
#[cfg(feature = "tower-sessions-012")]
pub use raw::tower_sessions_012;
#[cfg(feature = "tower-sessions-014")]
pub use raw::tower_sessions_014;
#[cfg(feature = "tower-sessions-015")]
pub use raw::tower_sessions_015;
pub use subject::{Env, Opening};
