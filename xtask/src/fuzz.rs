//! `cargo xtask fuzz`: coverage-guided fuzzing of everything that is decoded. What is checked is in `fuzz/`; here stands
//! how it is built and run, and with what it begins: vectors that the tests have, and `fuzz/seeds/`.
//!
//! The programs are those of `cargo fuzz`, which needs a nightly Rust for a sanitizer of memory. None of this is unsafe
//! code, so that coverage is enough, and any Rust has that.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Ended, Failure, command, outside};

/// The package, outside the workspace.
const PACKAGE: &str = "fuzz";

/// What is not among the vectors of the tests.
const SEEDS: &str = "fuzz/seeds";

/// How the compiler is told to count which branches are taken; as `cargo fuzz` does.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// How long each decoder is tried in CI.
pub(crate) const SECONDS: u32 = 3;

/// The most bytes that are tried at a time.
const LONGEST: usize = 4096;

/// Something that is decoded, and what a search begins with.
struct Target {
    name: &'static str,
    seeds: fn(&Path) -> std::io::Result<Vec<Vec<u8>>>,
}

const TARGETS: [Target; 8] = [
    Target { name: "answer", seeds: answers },
    Target { name: "codec", seeds: signed },
    Target { name: "cookie", seeds: |root| lines(root, "cookie.txt") },
    Target { name: "json", seeds: values },
    Target { name: "pickle", seeds: pickles },
    Target { name: "report", seeds: |root| lines(root, "report.jsonl") },
    Target { name: "requests", seeds: |root| Ok(vec![fs::read(root.join(SEEDS).join("requests.jsonl"))?]) },
    Target { name: "trace", seeds: traces },
];

/// The names of what is decoded.
pub(crate) fn names() -> [&'static str; TARGETS.len()] {
    TARGETS.map(|target| target.name)
}

/// Builds the programs, and lets each search for so many seconds.
pub(crate) fn run(root: &Path, seconds: u32, only: Option<&str>) -> Result<Ended, Failure> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    if Command::new(&compiler).arg("--version").output().is_err() {
        return Ok(Ended::NotRun(format!(
            "there is no C++ compiler ({compiler}), for libFuzzer; on Debian: apt-get install g++"
        )));
    }
    let host = host()?;
    let mut build = outside::cargo(root, &root.join(PACKAGE), "build")?;
    // With a target the flags are not those of build scripts and macros.
    build.args(["--bins", "--target", &host]).env("RUSTFLAGS", COVERAGE.join(" "));
    command::run(&mut build)?;
    let programs = root.join("target").join(&host).join("debug");
    let mut failed = Vec::new();
    for target in TARGETS.iter().filter(|target| only.is_none_or(|only| only == target.name)) {
        let place = root.join("target").join(PACKAGE).join(target.name);
        failed.extend(search(target, &programs.join(target.name), root, &place, seconds).err());
    }
    if failed.is_empty() { Ok(Ended::Passed) } else { Err(Failure::many("fuzz", failed)) }
}

/// Lets a program search. What it keeps stays for the next time.
fn search(target: &Target, program: &Path, root: &Path, place: &Path, seconds: u32) -> Result<(), String> {
    let said = begin(target, root, place).and_then(|(corpus, seeds)| {
        let mut search = Command::new(program);
        search.arg(corpus).arg(seeds).arg(format!("-artifact_prefix={}/", place.display()));
        search.arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={LONGEST}"));
        search.args(["-timeout=60", "-rss_limit_mb=1024", "-verbosity=0", "-print_final_stats=1"]).output()
    });
    let said = said.map_err(|error| format!("{}: {error}", program.display()))?;
    let text = String::from_utf8_lossy(&said.stderr);
    let figure = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map_or("?", str::trim);
    let (tried, memory) = (figure("stat::number_of_executed_units:"), figure("stat::peak_rss_mb:"));
    println!("{:9} {tried} inputs in {seconds} s, {memory} MiB", target.name);
    if said.status.success() {
        return Ok(());
    }
    // The place and the words of a panic, or what libFuzzer says of a limit; then where the input is.
    let told = ["panicked at", "SUMMARY", "Test unit written to"];
    let mut lines = text.lines();
    let mut reason = Vec::new();
    while let Some(line) = lines.next() {
        if told.iter().any(|word| line.contains(word)) {
            reason.push(line);
            reason.extend(lines.next().filter(|_| line.contains(told[0])));
        }
    }
    Err(format!("{}: {}", target.name, reason.join("\n    ")))
}

/// Writes the seeds, into a directory beside that of what was found before.
fn begin(target: &Target, root: &Path, place: &Path) -> std::io::Result<(PathBuf, PathBuf)> {
    let (corpus, seeds) = (place.join("corpus"), place.join("seeds"));
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&seeds)?;
    for (number, seed) in (target.seeds)(root)?.iter().enumerate() {
        fs::write(seeds.join(number.to_string()), seed)?;
    }
    Ok((corpus, seeds))
}

/// The name of the platform that is compiled on.
fn host() -> Result<String, Failure> {
    let about = command::output(Command::new("rustc").arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::one("fuzz", "rustc -vV names no host".into()))
}

/// The lines of a file of seeds.
fn lines(root: &Path, file: &str) -> std::io::Result<Vec<Vec<u8>>> {
    let text = fs::read_to_string(root.join(SEEDS).join(file))?;
    Ok(text.lines().map(|line| line.as_bytes().to_vec()).collect())
}

/// The golden traces and schedules, without those whose values have megabytes: they would take all the time.
fn traces(root: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let mut paths = fs::read_dir(root.join("conformance/golden"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    let texts = paths.iter().map(fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    Ok(texts.into_iter().filter(|text| !text.contains("$random")).map(String::into_bytes).collect())
}

/// The pickles that the tests read, which Python wrote.
fn pickles(root: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let pickled = vectors(root)?.into_iter().filter_map(|vector| {
        let digits = vector["pickle"].as_str()?.as_bytes().chunks(2);
        digits
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
            .collect::<Option<Vec<u8>>>()
    });
    Ok(pickled.collect())
}

/// The JSON of the same data.
fn values(root: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let texts = vectors(root)?.into_iter().filter_map(|vector| Some(vector["json"].as_str()?.into()));
    Ok(texts.collect())
}

/// The same, for each way to sign it.
fn signed(root: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let values = values(root)?;
    let each = values.iter().flat_map(|text| (0..5).map(|how| [&[how], &text[..]].concat()));
    Ok(each.collect())
}

/// The same, for each form of an answer.
fn answers(root: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let values = values(root)?;
    let each = values.iter().flat_map(|text| (4..8).map(|form| [&[form], &text[..]].concat()));
    Ok(each.collect())
}

fn vectors(root: &Path) -> std::io::Result<Vec<serde_json::Value>> {
    let text = fs::read_to_string(root.join("backends/tests/python/pickles.jsonl"))?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_seeds_and_a_program() {
        let root = crate::root();
        for target in TARGETS {
            assert!(!(target.seeds)(&root).unwrap().is_empty(), "{}", target.name);
            let program = root.join(PACKAGE).join(format!("fuzz_targets/{}.rs", target.name));
            assert!(program.exists(), "{}", target.name);
        }
        let programs = fs::read_dir(root.join(PACKAGE).join("fuzz_targets")).unwrap().count();
        assert_eq!(programs, TARGETS.len());
    }
}
