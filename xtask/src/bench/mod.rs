//! `cargo xtask bench`: runs every benchmark and writes the figures of this run into
//! `docs/performance.md`, between the marks that it keeps there; with `--only`, a part of them, while the other
//! figures stay. Nothing fails for being slow: the page says what falls short.
//!
//! - `mod.rs`: running the benchmarks, here and in Django
//! - `figures.rs`: what they have left behind
//! - `sections.rs`: the sections of the page
//! - `codec.rs`, `tables.rs`: the sections with their bars
//! - `requests.rs`: its section about requests, which has none

mod codec;
mod figures;
mod requests;
mod sections;
mod tables;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use self::figures::Figures;
use crate::{Failure, command, django, services};

const BEGIN: &str = "<!-- measured: begin -->\n";
const END: &str = "<!-- measured: end -->";

/// The options of `bench.py` for servers, and the variables that hold the URLs.
const SERVERS: [(&str, &str); 3] =
    [("--redis", services::REDIS), ("--memcached", services::MEMCACHED), ("--postgres", services::POSTGRES)];

/// What can be measured by itself: a benchmark of this name, and what belongs to it in Django.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    Codec,
    Stores,
    Requests,
    Suite,
}

impl Part {
    const ALL: [Self; 4] = [Self::Codec, Self::Stores, Self::Requests, Self::Suite];

    /// What cargo calls the benchmark.
    fn bench(self) -> &'static str {
        match self {
            Self::Codec => "codec",
            Self::Stores => "stores",
            Self::Requests => "requests",
            Self::Suite => "suite",
        }
    }
}

/// Runs the benchmarks, all or those that are named, and writes their sections of the page.
pub(crate) fn run(root: &Path, only: &[Part]) -> Result<(), Failure> {
    let parts = if only.is_empty() { &Part::ALL[..] } else { only };
    // A figure of an earlier run must not pass for one of this.
    let measured = root.join("target/criterion");
    if measured.exists() {
        fs::remove_dir_all(&measured)?;
    }
    // The stores alone need servers.
    let servers = if parts.contains(&Part::Stores) { Some(services::start()?) } else { None };
    let urls = servers.iter().flatten().flat_map(|running| running.urls.iter().cloned()).collect::<Vec<_>>();
    let mut benches = Command::new("cargo");
    benches.current_dir(root).args(["bench", "--workspace", "--all-features"]);
    for part in parts {
        benches.args(["--bench", part.bench()]);
    }
    command::run(benches.envs(urls.iter().cloned()))?;
    let figures = Figures { root };
    let mut sections = Vec::new();
    for part in Part::ALL.into_iter().filter(|part| parts.contains(part)) {
        match part {
            Part::Codec => sections.push(codec::codec(&figures)?),
            Part::Stores => {
                sections.push(tables::against_bare(&figures)?);
                let mut section = tables::against_django(&figures, &in_django(root, "bench.py", &urls)?)?;
                if let Some(Err(missing)) = &servers {
                    tables::without_servers(missing, &mut section);
                }
                sections.push(section);
                sections.push(tables::clear_expired(&figures)?);
            }
            Part::Requests => {
                sections.push(requests::requests(&figures, &in_django(root, "bench_requests.py", &[])?)?);
            }
            Part::Suite => {
                let mut section = tables::suite(&figures)?;
                tables::against_hypothesis(&figures, &hypothesis(root)?, &mut section)?;
                tables::whole_run(&whole_run(root)?, &mut section)?;
                sections.push(section);
            }
        }
    }
    insert(&root.join("docs/performance.md"), &sections)?;
    println!("{}", sections.join("\n"));
    Ok(())
}

/// What Django takes for the same, as one of the adapter's scripts prints it; the inner error tells why it is not
/// known.
fn in_django(root: &Path, script: &str, urls: &[(&str, String)]) -> Result<Result<Value, String>, Failure> {
    let python = match django::measured(root)? {
        Ok(python) => python,
        Err(missing) => return Ok(Err(missing)),
    };
    let directory = tempfile::tempdir()?;
    let mut process = Command::new(python);
    process.arg(root.join("conformance/adapters/django").join(script)).arg(directory.path());
    for (option, variable) in SERVERS {
        if let Some((_, url)) = urls.iter().find(|(name, _)| *name == variable) {
            process.args([option, url]);
        }
    }
    let printed = command::output(&mut process)?;
    serde_json::from_str(&printed).map(Ok).map_err(|error| Failure::one("bench", error.to_string()))
}

/// What a state machine of Hypothesis does on Django in a second, or why that is not known.
fn hypothesis(root: &Path) -> Result<Result<Value, String>, Failure> {
    if let Ok(python) = django::measured(root)? {
        let mut install = Command::new(python);
        command::run(install.args(["-m", "pip", "install", "--quiet", "hypothesis"]))?;
    }
    in_django(root, "bench_hypothesis.py", &[])
}

/// The report of `sessionspec run` on every embedded store.
fn whole_run(root: &Path) -> Result<Value, Failure> {
    command::build(root)?;
    let directory = tempfile::tempdir()?;
    let report = directory.path().join("report.json");
    command::output(
        command::sessionspec(root).arg("run").arg("--report").arg(format!("json={}", report.display())),
    )?;
    serde_json::from_str(&fs::read_to_string(report)?)
        .map_err(|error| Failure::one("bench", error.to_string()))
}

/// Puts what was measured between the marks of the page.
fn insert(path: &Path, measured: &[String]) -> Result<(), Failure> {
    let page = fs::read_to_string(path)?;
    let parts = page.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?)));
    let Some((head, (figures, tail))) = parts else {
        return Err(Failure::one("bench", format!("{} has not the marks for the figures", path.display())));
    };
    let figures = sections::merged(figures, measured);
    Ok(fs::write(path, format!("{head}{BEGIN}\n{figures}\n\n{END}{tail}"))?)
}
