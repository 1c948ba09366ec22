//! `cargo xtask bench`: runs every benchmark and writes the figures of this run into
//! `docs/performance.md`, between the marks that it keeps there. Nothing fails for being slow: the page says
//! what falls short.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::{Failure, command, django};

const BEGIN: &str = "<!-- measured: begin -->\n";
const END: &str = "<!-- measured: end -->";

/// Benchmarks with a bare twin, and the greatest time they may take in relation to it.
const PAIRS: [(&str, f64); 7] = [
    ("codec encode text", 1.2),
    ("codec encode random", 1.2),
    ("codec decode text", 1.2),
    ("codec decode random", 1.2),
    ("sqlite load", 1.0 / 0.85),
    ("sqlite update", 1.0 / 0.85),
    ("sqlite insert", 1.0 / 0.85),
];

/// How many times the throughput of Django's `db` engine is wanted.
const OVER_DJANGO: f64 = 20.0;

/// Subjects of the suite, and the checked steps in a second that are wanted of each.
const SUBJECTS: [(&str, Option<f64>); 3] =
    [("model", None), ("memory", Some(200_000.0)), ("stdio", Some(5_000.0))];

/// Runs the benchmarks and writes the page.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    // A figure of an earlier run must not pass for one of this.
    let measured = root.join("target/criterion");
    if measured.exists() {
        fs::remove_dir_all(&measured)?;
    }
    command::run(Command::new("cargo").current_dir(root).args([
        "bench",
        "--workspace",
        "--bench",
        "codec",
        "--bench",
        "sqlite",
        "--bench",
        "suite",
    ]))?;
    let figures = Figures { root };
    let mut page = String::new();
    pairs(&figures, &mut page)?;
    over_django(&figures, &mut page)?;
    clear_expired(&figures, &mut page)?;
    suite(&figures, &mut page)?;
    whole_run(root, &mut page)?;
    insert(&root.join("docs/performance.md"), &page)?;
    println!("{page}");
    Ok(())
}

/// What criterion has left behind.
struct Figures<'a> {
    root: &'a Path,
}

impl Figures<'_> {
    fn read(&self, group: &str, name: &str, file: &str) -> Result<Value, Failure> {
        let path = self.root.join("target/criterion").join(group).join(name).join("new").join(file);
        let fault = |reason: String| Failure::one("bench", format!("{}: {reason}", path.display()));
        let text = fs::read_to_string(&path).map_err(|error| fault(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| fault(error.to_string()))
    }

    /// The median time, in nanoseconds.
    fn time(&self, group: &str, name: &str) -> Result<f64, Failure> {
        let estimates = self.read(group, name, "estimates.json")?;
        number(&estimates, "/median/point_estimate")
    }

    /// Elements in a second.
    fn throughput(&self, group: &str, name: &str) -> Result<f64, Failure> {
        let elements = number(&self.read(group, name, "benchmark.json")?, "/throughput/Elements")?;
        Ok(elements * 1e9 / self.time(group, name)?)
    }
}

fn number(json: &Value, pointer: &str) -> Result<f64, Failure> {
    let found = json.pointer(pointer).and_then(Value::as_f64);
    found.ok_or_else(|| Failure::one("bench", format!("no number at {pointer} of {json}")))
}

fn verdict(held: bool) -> &'static str {
    if held { "held" } else { "**missed**" }
}

fn pairs(figures: &Figures<'_>, page: &mut String) -> Result<(), Failure> {
    page.push_str("## Against the bare operation\n\n| what | time | bare | ratio | at most | |\n");
    page.push_str("|---|---|---|---|---|---|\n");
    for (group, most) in PAIRS {
        let (ours, bare) = (figures.time(group, "ours")?, figures.time(group, "bare")?);
        let ratio = ours / bare;
        let (ours, bare) = (ours / 1e3, bare / 1e3);
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(
            page,
            "| {group} | {ours:.1} µs | {bare:.1} µs | {ratio:.2} | {most:.2} | {} |",
            verdict(ratio <= most)
        );
    }
    Ok(())
}

fn over_django(figures: &Figures<'_>, page: &mut String) -> Result<(), Failure> {
    let python = match django::newest(figures.root) {
        Ok(python) => python,
        Err(failure) => {
            let _ = writeln!(page, "\nDjango was not measured: {failure}");
            return Ok(());
        }
    };
    let directory = tempfile::tempdir()?;
    let script = figures.root.join("conformance/adapters/django/bench.py");
    let printed = command::output(Command::new(python).arg(script).arg(directory.path()))?;
    let django: Value =
        serde_json::from_str(&printed).map_err(|error| Failure::one("bench", error.to_string()))?;
    page.push_str("\n## Against Django 5.2, engine `db`, the same durability\n\n");
    page.push_str("| what | time | Django | throughput | at least | |\n|---|---|---|---|---|---|\n");
    for operation in ["load", "update", "insert"] {
        let ours = figures.time(&format!("sqlite {operation}"), "ours")? / 1e3;
        let theirs = number(&django, &format!("/{operation}"))? / 1e3;
        let ratio = theirs / ours;
        let _ = writeln!(
            page,
            "| sqlite {operation} | {ours:.1} µs | {theirs:.0} µs | {ratio:.1}x | {OVER_DJANGO:.0}x | {} |",
            verdict(ratio >= OVER_DJANGO)
        );
    }
    Ok(())
}

fn clear_expired(figures: &Figures<'_>, page: &mut String) -> Result<(), Failure> {
    page.push_str(
        "\n## `clear_expired` of SQLite\n\n| expired | time | in relation to the first |\n|---|---|---|\n",
    );
    let mut first = None;
    for name in ["1,000 of 100,000", "1,000 of 1,000,000", "10,000 of 1,000,000"] {
        let time = figures.time("sqlite clear_expired", name)? / 1e6;
        let ratio = time / *first.get_or_insert(time);
        let _ = writeln!(page, "| {name} | {time:.0} ms | {ratio:.1} |");
    }
    Ok(())
}

fn suite(figures: &Figures<'_>, page: &mut String) -> Result<(), Failure> {
    page.push_str("\n## The suite, on one core\n\n| subject | checked steps in a second | at least | |\n");
    page.push_str("|---|---|---|---|\n");
    for (subject, least) in SUBJECTS {
        let steps = figures.throughput("suite", subject)?;
        let (least, held) = match least {
            Some(least) => (format!("{least:.0}"), verdict(steps >= least)),
            None => ("–".into(), ""),
        };
        let _ = writeln!(page, "| {subject} | {steps:.0} | {least} | {held} |");
    }
    Ok(())
}

fn whole_run(root: &Path, page: &mut String) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let report = directory.path().join("report.json");
    command::output(
        command::sessionspec(root).arg("run").arg("--report").arg(format!("json={}", report.display())),
    )?;
    let report: Value = serde_json::from_str(&fs::read_to_string(report)?)
        .map_err(|error| Failure::one("bench", error.to_string()))?;
    let seconds = number(&report, "/duration_ms")? / 1e3;
    let _ = writeln!(
        page,
        "\n`cargo sessionspec run`, every embedded store: {seconds:.1} s, of at most 15 s: {}.",
        verdict(seconds < 15.0)
    );
    Ok(())
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
