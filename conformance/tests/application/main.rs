//! Applications: the model and our own middleware against the table of requests, and the suite against flaws.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

mod answer;
mod cookie_sessions;
mod in_process;
mod middleware;
mod suite;
mod table;
