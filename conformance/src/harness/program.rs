//! The running test program as cargo knows it: which command runs it again, what its arguments ask for, and where its files
//! go.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::subject::AdapterCommand;

/// The variable that makes a test program run one trace file instead of the suite.
pub(super) const REPLAY: &str = "SESSIONSPEC_TRACE";

/// The argument that makes a test program an adapter.
const SERVE: &str = "--serve";

/// The directory in the target directory that holds what failures leave.
const FOLDER: &str = "sessionspec";

/// Whether this program is to be an adapter.
pub(super) fn serves() -> bool {
    env::args_os().skip(1).any(|argument| argument == SERVE)
}

/// This program as an adapter, if it can be started again.
pub(super) fn as_adapter() -> Option<AdapterCommand> {
    env::current_exe().ok().map(|program| AdapterCommand::new(program, [SERVE]))
}

/// Where failures leave their traces: in the target directory that the program was built in; beside the program, if it is
/// in none.
pub(super) fn artifacts() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    let directory = match target_directory(&program) {
        Some(target) => target.join(FOLDER),
        None => program.parent().unwrap_or(Path::new("")).join(FOLDER),
    };
    // Cargo runs a test in the directory of its package, so that the short form is right there.
    let here = env::current_dir().unwrap_or_default();
    directory.strip_prefix(&here).map(Path::to_owned).unwrap_or(directory)
}

/// The command that runs a trace file again.
pub(super) fn replay_command(trace: &Path) -> String {
    let program = env::current_exe().unwrap_or_default();
    let package = env::var("CARGO_PKG_NAME").ok();
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    command(trace, &program, package.as_deref(), manifest.as_deref())
}

fn command(trace: &Path, program: &Path, package: Option<&str>, manifest: Option<&Path>) -> String {
    let run = match (test_stem(program), package) {
        (Some(stem), Some(package)) => {
            format!(
                "cargo test -p {package} --test {}",
                manifest.map_or(stem.clone(), |dir| test_name(dir, &stem))
            )
        }
        // Built by something else than cargo, or for another purpose than a test.
        _ => quoted(program),
    };
    format!("{REPLAY}={} {run}", quoted(trace))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    shlex::try_quote(&text).map_or_else(|_| text.clone(), std::borrow::Cow::into_owned)
}

/// The directory that cargo builds into, from a program in it.
fn target_directory(program: &Path) -> Option<&Path> {
    let is_one = |directory: &&Path| {
        [".rustc_info.json", "CACHEDIR.TAG"].iter().any(|name| directory.join(name).is_file())
    };
    program.ancestors().skip(1).find(is_one)
}

/// The name of a test's crate: the program is `deps/NAME-0123456789abcdef`.
fn test_stem(program: &Path) -> Option<String> {
    let is_built_by_cargo = program.parent()?.file_name()? == "deps";
    let (name, hash) = program.file_stem()?.to_str()?.rsplit_once('-')?;
    let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_built_by_cargo && is_hash).then(|| name.to_owned())
}

/// The name of the test in its package. A crate has `_` where the name of a test may have `-`.
fn test_name(package: &Path, stem: &str) -> String {
    let fits = |name: &&str| *name != stem && name.replace('-', "_") == stem;
    let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap_or_default();
    if let Some(name) = manifest.split('"').find(fits) {
        return name.to_owned();
    }
    let files = fs::read_dir(package.join("tests")).into_iter().flatten().flatten();
    let names: Vec<PathBuf> = files.map(|file| file.path().with_extension("")).collect();
    let name = names.iter().filter_map(|path| path.file_name()?.to_str()).find(fits);
    name.unwrap_or(stem).to_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "/x/target/debug/deps/conformance-0123456789abcdef",
        Some("my-store"),
        "cargo test -p my-store --test conformance"
    )]
    #[case(
        "/x/target/debug/deps/conformance-0123456789abcdef",
        None,
        "/x/target/debug/deps/conformance-0123456789abcdef"
    )]
    #[case(
        "/x/target/debug/examples/conformance-0123456789abcdef",
        Some("my-store"),
        "/x/target/debug/examples/conformance-0123456789abcdef"
    )]
    #[case("/x/my tests/conformance", Some("my-store"), "'/x/my tests/conformance'")]
    fn the_command_that_is_printed_is_one_that_there_is(
        #[case] program: &str,
        #[case] package: Option<&str>,
        #[case] expected: &str,
    ) {
        let printed = command(Path::new("target/a.jsonl"), Path::new(program), package, None);
        assert_eq!(printed, format!("SESSIONSPEC_TRACE=target/a.jsonl {expected}"));
    }

    #[test]
    fn a_test_keeps_the_dashes_of_its_name() {
        let package = tempfile::tempdir().unwrap();
        assert_eq!(test_name(package.path(), "my_test"), "my_test");
        fs::create_dir(package.path().join("tests")).unwrap();
        fs::write(package.path().join("tests/my-test.rs"), "").unwrap();
        assert_eq!(test_name(package.path(), "my_test"), "my-test");
        fs::write(package.path().join("Cargo.toml"), "[[test]]\nname = \"my-other\"\n").unwrap();
        assert_eq!(test_name(package.path(), "my_other"), "my-other");
    }

    #[test]
    fn the_target_directory_is_the_one_that_the_program_was_built_in() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("elsewhere");
        fs::create_dir_all(target.join("debug/deps")).unwrap();
        let program = target.join("debug/deps/conformance-0123456789abcdef");
        assert_eq!(target_directory(&program), None);
        fs::write(target.join("CACHEDIR.TAG"), "").unwrap();
        assert_eq!(target_directory(&program), Some(&*target));
    }
}
