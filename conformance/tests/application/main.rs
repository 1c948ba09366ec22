//! Applications: the model and our own middleware against the tables of requests and headers, and the suite against
//! flaws and against vulnerabilities that there have been.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

mod answer;
mod cookie_sessions;
mod headers;
#[path = "../history/mod.rs"]
mod history;
mod in_process;
mod middleware;
mod part;
mod rebuilt;
mod suite;
mod table;
