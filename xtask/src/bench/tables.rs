//! The tables of the page, and the bars that the figures are held against.

use std::fmt::Write as _;

use serde_json::Value;

use super::figures::{Figures, number};
use crate::Failure;

/// The groups of the codec, and the greatest time each may take in relation to the bare operation.
const CODEC: [&str; 4] =
    ["codec encode text", "codec encode random", "codec decode text", "codec decode random"];
const CODEC_MOST: f64 = 1.2;

const OPERATIONS: [&str; 3] = ["load", "update", "insert"];

/// The greatest time that an operation of a store may take in relation to the bare client.
const STORE_MOST: f64 = 1.0 / 0.85;

/// A store as it is measured.
struct Store {
    /// The beginning of its groups' names.
    group: &'static str,
    title: &'static str,
    /// Whether it has a bare client beside it.
    bare: bool,
    /// What `bench.py` calls the engine that does the same, and how many times its throughput is wanted.
    django: Option<(&'static str, Option<f64>)>,
}

const STORES: [Store; 11] = [
    Store { group: "sqlite", title: "SQLite", bare: true, django: Some(("db", Some(20.0))) },
    Store { group: "memory", title: "memory", bare: true, django: Some(("cache", Some(10.0))) },
    Store { group: "file", title: "files", bare: true, django: None },
    Store {
        group: "file unflushed",
        title: "files, not flushed",
        bare: true,
        django: Some(("file", Some(4.0))),
    },
    Store {
        group: "cookie",
        title: "signed cookies",
        bare: true,
        django: Some(("signed_cookies", Some(4.0))),
    },
    Store {
        group: "cached_db",
        title: "memory before SQLite",
        bare: true,
        django: Some(("cached_db", None)),
    },
    Store { group: "redis", title: "Redis, JSON", bare: true, django: None },
    Store { group: "redis pickled", title: "Redis, pickles", bare: false, django: Some(("redis", None)) },
    Store { group: "memcached", title: "memcached, JSON", bare: true, django: None },
    Store {
        group: "memcached pickled",
        title: "memcached, pickles",
        bare: false,
        django: Some(("memcached", None)),
    },
    Store { group: "postgres", title: "PostgreSQL", bare: true, django: Some(("postgres", None)) },
];

impl Store {
    /// The groups that were measured, each with its operation.
    fn groups(&self, figures: &Figures<'_>) -> Vec<(&'static str, String)> {
        let groups = OPERATIONS.map(|operation| (operation, format!("{} {operation}", self.group)));
        groups.into_iter().filter(|(_, group)| figures.has(group)).collect()
    }
}

/// Subjects of the suite, and the checked steps in a second that are wanted of each.
const SUBJECTS: [(&str, Option<f64>); 3] =
    [("model", None), ("memory", Some(200_000.0)), ("stdio", Some(5_000.0))];

/// The seconds that the suite may take for every embedded store.
const WHOLE_RUN_MOST: f64 = 15.0;

fn verdict(held: bool) -> &'static str {
    if held { "held" } else { "**missed**" }
}

/// The codec and the stores against what they are made of.
pub(super) fn against_bare(figures: &Figures<'_>, page: &mut String) -> Result<(), Failure> {
    page.push_str("## Against the bare operation\n\n| what | time | bare | ratio | at most | |\n");
    page.push_str("|---|---|---|---|---|---|\n");
    let mut row = |title: &str, group: &str, most: f64| {
        let (ours, bare) = (figures.time(group, "ours")?, figures.time(group, "bare")?);
        let ratio = ours / bare;
        let (ours, bare) = (ours / 1e3, bare / 1e3);
        let held = verdict(ratio <= most);
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(page, "| {title} | {ours:.1} µs | {bare:.1} µs | {ratio:.2} | {most:.2} | {held} |");
        Ok::<(), Failure>(())
    };
    for group in CODEC {
        row(group, group, CODEC_MOST)?;
    }
    for store in STORES.iter().filter(|store| store.bare) {
        for (operation, group) in store.groups(figures) {
            row(&format!("{}: {operation}", store.title), &group, STORE_MOST)?;
        }
    }
    Ok(())
}

/// The stores against the engines of Django that do the same, or why those are not known.
pub(super) fn against_django(
    figures: &Figures<'_>,
    django: &Result<Value, String>,
    page: &mut String,
) -> Result<(), Failure> {
    page.push_str("\n## Against Django 5.2, the same durability\n\n");
    let django = match django {
        Ok(django) => django,
        Err(reason) => {
            let _ = writeln!(page, "Django was not measured: {reason}");
            return Ok(());
        }
    };
    page.push_str(
        "| what | engine | time | Django | throughput | at least | |\n|---|---|---|---|---|---|---|\n",
    );
    for store in &STORES {
        let Some((engine, least)) = store.django.filter(|(engine, _)| django.get(engine).is_some()) else {
            continue;
        };
        for (operation, group) in store.groups(figures) {
            let ours = figures.time(&group, "ours")? / 1e3;
            let theirs = number(django, &format!("/{engine}/{operation}"))? / 1e3;
            let ratio = theirs / ours;
            let (least, held) = match least {
                Some(least) => (format!("{least:.0}x"), verdict(ratio >= least)),
                None => ("–".into(), ""),
            };
            let title = store.title;
            let _ = writeln!(
                page,
                "| {title}: {operation} | `{engine}` | {ours:.1} µs | {theirs:.0} µs | {ratio:.1}x | {least} | {held} |"
            );
        }
    }
    Ok(())
}

/// Why there are no figures of stores on servers, and how to get them.
pub(super) fn without_servers(missing: &str, page: &mut String) {
    let _ = writeln!(page, "\nStores on servers were not measured: {missing}.");
}

/// What clearing costs, by what expired and by what lives.
pub(super) fn clear_expired(figures: &Figures<'_>, page: &mut String) -> Result<(), Failure> {
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

/// The suite itself.
pub(super) fn suite(figures: &Figures<'_>, page: &mut String) -> Result<(), Failure> {
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

/// A run of the command as its users have it, by its report.
pub(super) fn whole_run(report: &Value, page: &mut String) -> Result<(), Failure> {
    let seconds = number(report, "/duration_ms")? / 1e3;
    let _ = writeln!(
        page,
        "\n`cargo sessionspec run`, every embedded store: {seconds:.1} s, of at most {WHOLE_RUN_MOST:.0} s: {}.",
        verdict(seconds < WHOLE_RUN_MOST)
    );
    Ok(())
}
