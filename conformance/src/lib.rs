//! The conformance suite for session stores.

pub mod datum;
pub mod generate;
pub mod golden;
pub mod json;
pub mod manifest;
pub mod minimise;
pub mod model;
pub mod observation;
pub mod op;
pub mod rule;
pub mod rules;
pub mod runner;
pub mod subject;
pub mod trace;
