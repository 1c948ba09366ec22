//! The files that a failure leaves: the trace, to be replayed, and a regression test, to be pasted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::rule::RuleId;
use crate::schedule::Schedule;
use crate::trace::Trace;

/// Where a failure's files are.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Artifacts {
    /// The trace.
    pub trace: PathBuf,
    /// The regression test in Rust.
    pub test: PathBuf,
    /// What an adapter was sent, in the place of a test: as lines that can be piped into it.
    pub requests: Option<PathBuf>,
}

impl Artifacts {
    /// Files at these places.
    pub fn new(trace: impl Into<PathBuf>, test: impl Into<PathBuf>) -> Self {
        Self { trace: trace.into(), test: test.into(), requests: None }
    }
}

/// Writes the trace and the test into a directory, under the trace's fingerprint.
///
/// # Errors
/// As the file system has them.
pub fn write_artifacts(directory: &Path, rule: RuleId, trace: &Trace) -> io::Result<Artifacts> {
    let jsonl = trace.to_jsonl(Some(rule.rule().id));
    write(directory, rule, &trace.fingerprint(), &jsonl)
}

/// Writes what an adapter was sent beside the trace.
///
/// # Errors
/// As the file system has them.
pub fn write_requests(artifacts: Artifacts, sent: &str) -> io::Result<Artifacts> {
    let requests = artifacts.trace.with_extension("requests.jsonl");
    fs::write(&requests, sent)?;
    Ok(Artifacts { requests: Some(requests), ..artifacts })
}

/// As [`write_artifacts`], for a schedule.
///
/// # Errors
/// As the file system has them.
pub fn write_schedule(directory: &Path, rule: RuleId, schedule: &Schedule) -> io::Result<Artifacts> {
    let jsonl = schedule.to_jsonl(Some(rule.rule().id));
    write(directory, rule, &schedule.fingerprint(), &jsonl)
}

fn write(directory: &Path, rule: RuleId, name: &str, jsonl: &str) -> io::Result<Artifacts> {
    fs::create_dir_all(directory)?;
    // Nobody wants them among what git sees, wherever the directory is.
    fs::write(directory.join(".gitignore"), "*\n")?;
    let id = rule.rule().id;
    let artifacts =
        Artifacts::new(directory.join(format!("{name}.jsonl")), directory.join(format!("{name}.rs")));
    fs::write(&artifacts.trace, jsonl)?;
    let function = id.replace(['.', '-'], "_");
    let test = format!(
        "// A regression test for r[{id}]: {}.\n\
         // Paste it into the store's `tests/` and put the store's own opening in the place of `MyStore`.\n\n\
         #[test]\n\
         fn {function}_{name}() {{\n    \
             session_conformance::check_trace(\n        \
                 |env| MyStore::open(env.dir(), env.clock()),\n        \
                 r#####\"{jsonl}\"#####,\n    \
             );\n\
         }}\n",
        rule.rule().title
    );
    fs::write(&artifacts.test, test)?;
    Ok(artifacts)
}
