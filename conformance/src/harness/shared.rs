//! One run of the suite for all the processes of one `cargo nextest run`, which starts a process for each test. The first
//! of them runs the suite and leaves what came out; the others wait for that and read it.
//!
//! What is left is for one run of nextest only, as it is named in the environment: a later run looks anew.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What came out for each rule, by its id: nothing if it held, and what a reader is told otherwise.
pub(super) type Verdicts = BTreeMap<String, Option<String>>;

/// The variables by which nextest names a run, and a repetition in it.
const RUN: &str = "NEXTEST_RUN_ID";
const REPETITIONS: [&str; 2] = ["NEXTEST_ATTEMPT", "NEXTEST_STRESS_CURRENT"];

/// What came out of the run that this process is part of; `run` runs the suite.
pub(super) fn verdicts(
    directory: &Path,
    run: impl FnOnce() -> Result<Verdicts, String>,
) -> Result<Verdicts, String> {
    let Some(file) = of_this_run(directory) else { return run() };
    let fault = |error: io::Error| format!("{}: {error}", file.display());
    shared(&file, run).map_err(fault)?
}

/// The file of this run; none if every test is in this process.
fn of_this_run(directory: &Path) -> Option<PathBuf> {
    let mut name = env::var(RUN).ok()?;
    for variable in REPETITIONS {
        name.extend(env::var(variable).map(|value| format!("-{value}")));
    }
    let program = env::current_exe().ok()?;
    let program = crate::trace::fingerprint(&program.to_string_lossy());
    // It becomes the name of a file.
    name.retain(|c| c.is_ascii_alphanumeric() || c == '-');
    Some(directory.join(format!("nextest-{program}-{name}.json")))
}

/// Reads the file, or makes it while the others wait.
fn shared(
    file: &Path,
    run: impl FnOnce() -> Result<Verdicts, String>,
) -> io::Result<Result<Verdicts, String>> {
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory)?;
    }
    let lock = File::create(file.with_extension("lock"))?;
    // Released when the process ends, however it does.
    lock.lock()?;
    if let Ok(text) = fs::read_to_string(file) {
        return Ok(serde_json::from_str(&text)?);
    }
    let verdicts = run();
    let mut new = tempfile::NamedTempFile::new_in(file.parent().unwrap_or(Path::new(".")))?;
    new.write_all(serde_json::to_string(&verdicts)?.as_bytes())?;
    new.persist(file).map_err(|error| error.error)?;
    forget_others(file);
    Ok(verdicts)
}

/// Removes what earlier runs of the same program left. One that goes on still looks anew, and is only slower.
fn forget_others(file: &Path) {
    let (Some(directory), Some(name)) = (file.parent(), file.file_stem().and_then(|name| name.to_str()))
    else {
        return;
    };
    // `nextest-PROGRAM-`; what follows names the run.
    let Some((end, _)) = name.match_indices('-').nth(1) else { return };
    let program = &name[..=end];
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let other = entry.file_name();
        let is_other =
            other.to_str().is_some_and(|other| other.starts_with(program) && !other.starts_with(name));
        if is_other {
            // It is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    fn held() -> Verdicts {
        [("key.short".to_owned(), None), ("key.fresh".to_owned(), Some("FAIL".to_owned()))].into()
    }

    #[test]
    fn the_first_of_a_run_runs_the_suite_and_the_others_read_what_came_out() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("nextest-abc-run.json");
        let runs = AtomicU32::new(0);
        let run = || {
            runs.fetch_add(1, Ordering::SeqCst);
            Ok(held())
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(shared(&file, run).unwrap(), Ok(held())));
            }
        });
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        let later = directory.path().join("nextest-abc-later.json");
        shared(&later, run).unwrap().unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        assert!(!file.exists() && later.exists(), "what an earlier run left is cleared away");
    }

    #[test]
    fn that_the_suite_could_not_run_is_shared_too() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("nextest-abc-run.json");
        let fault: Result<Verdicts, String> = Err("no server".into());
        assert_eq!(shared(&file, || fault.clone()).unwrap(), fault);
        assert_eq!(shared(&file, || panic!("it runs again")).unwrap(), fault);
    }
}
