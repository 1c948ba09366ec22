//! `cargo xtask author`: what the author of a store sees. The example store is copied out of the workspace,
//! as a crate of somebody else's, and one line of it is broken: its `cargo test` must fail with a minimal
//! trace, the command that it prints must show the same failure again, and two of the regression tests that it leaves must
//! fit into one file.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Failure, files, outside};

/// Where the copy is made: always there, so that what is compiled for it does not heap up.
const COPY: &str = "target/author";

const EXAMPLE: &str = "conformance/examples/tiny-store";

/// The line that is broken, and what it becomes: `update` creates where it must refuse.
const RIGHT: &str = "if !file.exists() {";
const WRONG: &str = "if false {";

/// Breaks the example and looks at what its author would read.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let copy = &root.join(COPY);
    copy_example(root, copy)?;
    let source = copy.join("src/lib.rs");
    let right = fs::read_to_string(&source)?;
    let wrong = right.replacen(RIGHT, WRONG, 1);
    if wrong == right {
        return Err(fault(format!("{EXAMPLE}/src/lib.rs has no `{RIGHT}` to break")));
    }
    fs::write(&source, wrong)?;
    let broken = test(root, copy)?;
    let block =
        broken.split("FAIL ").skip(1).find(|block| block.starts_with("r[lifecycle.save.no-resurrect]"));
    let block =
        block.ok_or_else(|| fault(format!("the broken store was not failed as it should be:\n{broken}")))?;
    let steps = block.lines().filter(|line| line.trim_start().starts_with("t=")).count();
    if !(1..=5).contains(&steps) {
        return Err(fault(format!("the minimal trace has {steps} steps:\n{block}")));
    }
    let replay = block.lines().find_map(|line| line.trim_start().strip_prefix("replay: "));
    let replay = replay.ok_or_else(|| fault(format!("no replay command is printed:\n{block}")))?;
    let mut again = Command::new("sh");
    again.current_dir(copy).args(["-c", replay]).env("CARGO_TARGET_DIR", root.join("target"));
    let again = failing(&mut again)?;
    if !again.contains("FAIL r[lifecycle.save.no-resurrect]") {
        return Err(fault(format!("the replay command does not show the failure again:\n{again}")));
    }
    paste_two(root, copy, &broken)?;
    println!("author: FAIL {}", block.split("\n\n").next().unwrap_or_default());
    Ok(())
}

fn fault(what: String) -> Failure {
    Failure::one("author", what)
}

/// The example as a crate of its own, with paths in the place of the workspace's entries.
fn copy_example(root: &Path, copy: &Path) -> Result<(), Failure> {
    if copy.exists() {
        fs::remove_dir_all(copy)?;
    }
    for folder in ["src", "tests"] {
        files::copy(&root.join(EXAMPLE).join(folder), &copy.join(folder))?;
    }
    let manifest = fs::read_to_string(root.join(EXAMPLE).join("Cargo.toml"))?;
    let path =
        |folder: &str| format!("{{ path = \"{}\", default-features = false }}", root.join(folder).display());
    let manifest = manifest
        .replace("session-core.workspace = true", &format!("session-core = {}", path("session-core")))
        .replace(
            "session-conformance.workspace = true",
            &format!("session-conformance = {}", path("conformance")),
        )
        .replace("time.workspace = true", "time = \"0.3\"")
        .replace("[lints]\nworkspace = true\n", "[workspace]\n");
    fs::write(copy.join("Cargo.toml"), manifest)?;
    Ok(())
}

/// Pastes the first two regression tests into one file. They must compile, and fail.
fn paste_two(root: &Path, copy: &Path, printed: &str) -> Result<(), Failure> {
    let files =
        printed.lines().filter_map(|line| line.trim_start().strip_prefix("test: ")?.split("   (").next());
    let mut tests = "//! Pasted.\n\nuse tiny_store::TinyStore as MyStore;\n".to_owned();
    let mut count = 0;
    for file in files.take(2) {
        tests += &fs::read_to_string(copy.join(file.trim()))?;
        count += 1;
    }
    fs::write(copy.join("tests/regressions.rs"), tests)?;
    let printed = failing(outside::cargo(root, copy, "test")?.args(["--quiet", "--test", "regressions"]))?;
    if count == 2 && printed.contains("0 passed; 2 failed") {
        Ok(())
    } else {
        Err(fault(format!("the regression tests, {count} of them, did not fail as they should:\n{printed}")))
    }
}

/// What `cargo test` prints; the example is broken, so it must fail.
fn test(root: &Path, copy: &Path) -> Result<String, Failure> {
    failing(outside::cargo(root, copy, "test")?.args(["--quiet", "--test", "conformance"]))
}

/// What a command prints that must fail.
fn failing(command: &mut Command) -> Result<String, Failure> {
    let output = command.output()?;
    let printed =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        Err(fault(format!("the broken store passed:\n{printed}")))
    } else {
        Ok(printed)
    }
}
