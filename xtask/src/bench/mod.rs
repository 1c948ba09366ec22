//! `cargo xtask bench`: runs every benchmark and writes the figures of this run into
//! `docs/performance.md`, between the marks that it keeps there. Nothing fails for being slow: the page says
//! what falls short.
//!
//! - `mod.rs`: running the benchmarks, here and in Django
//! - `figures.rs`: what they have left behind
//! - `tables.rs`: the page, with the bars
//! - `requests.rs`: its section about requests, which have none

mod figures;
mod requests;
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

/// Runs the benchmarks and writes the page.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    // A figure of an earlier run must not pass for one of this.
    let measured = root.join("target/criterion");
    if measured.exists() {
        fs::remove_dir_all(&measured)?;
    }
    let servers = services::start()?;
    let urls = servers.as_ref().map_or(&[][..], |running| &running.urls);
    let mut benches = Command::new("cargo");
    benches.current_dir(root).args(["bench", "--workspace", "--all-features"]);
    for bench in ["codec", "stores", "requests", "suite"] {
        benches.args(["--bench", bench]);
    }
    command::run(benches.envs(urls.iter().cloned()))?;
    let django = in_django(root, "bench.py", urls)?;
    let django_requests = in_django(root, "bench_requests.py", &[])?;
    let figures = Figures { root };
    let mut page = String::new();
    tables::against_bare(&figures, &mut page)?;
    tables::against_django(&figures, &django, &mut page)?;
    if let Err(missing) = &servers {
        tables::without_servers(missing, &mut page);
    }
    requests::requests(&figures, &django_requests, &mut page)?;
    tables::clear_expired(&figures, &mut page)?;
    tables::suite(&figures, &mut page)?;
    tables::whole_run(&whole_run(root)?, &mut page)?;
    insert(&root.join("docs/performance.md"), &page)?;
    println!("{page}");
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

/// Puts the figures between the marks of the page.
fn insert(path: &Path, figures: &str) -> Result<(), Failure> {
    let page = fs::read_to_string(path)?;
    let parts = page.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let Some((head, tail)) = parts else {
        return Err(Failure::one("bench", format!("{} has not the marks for the figures", path.display())));
    };
    Ok(fs::write(path, format!("{head}{BEGIN}\n{figures}\n{END}{tail}"))?)
}
