//! The command as somebody types it in an empty directory.

use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// What was printed as an error, which a machine that is busy precedes by lines about how far the run is.
    pub(crate) fn stderr(&self) -> &str {
        let progress = |line: &str| line.ends_with(" traces\n") || line.ends_with(" requests\n");
        let told: usize =
            self.stderr.split_inclusive('\n').take_while(|line| progress(line)).map(str::len).sum();
        self.stderr.split_at(told).1
    }
}

/// Runs the command in an empty directory, which goes when the result does.
pub(crate) fn sessionspec(arguments: &[&str]) -> Run {
    let directory = tempfile::tempdir().unwrap();
    sessionspec_in(directory.path(), arguments)
}

pub(crate) fn sessionspec_in(directory: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sessionspec"));
    let output = command.current_dir(directory).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The command line of an adapter that is a reference model, with some of its answers changed by `sed`.
pub(crate) fn adapter(script: &str) -> String {
    let serve = format!("{} serve --model", env!("CARGO_BIN_EXE_sessionspec"));
    if script.is_empty() { serve } else { format!("sh -c \"{serve} | sed -u '{script}'\"") }
}
