//! The tables of the page, and the bars that the figures are held against.

use std::fmt::Write as _;

use serde_json::Value;

use super::figures::{Figures, number};
use super::sections::{BARE, CLEARING, DJANGO, SUITE};
use crate::Failure;

const OPERATIONS: [&str; 3] = ["load", "update", "insert"];

/// The greatest time that an operation of a store may take in relation to the bare client.
const STORE_MOST: f64 = 1.0 / 0.85;

/// A bar for each operation that has one.
struct Bars {
    load: Option<f64>,
    update: Option<f64>,
    insert: Option<f64>,
}

impl Bars {
    /// Measured to be seen.
    const NONE: Self = Self { load: None, update: None, insert: None };

    const fn all(bar: f64) -> Self {
        Self { load: Some(bar), update: Some(bar), insert: Some(bar) }
    }

    const fn load(bar: f64) -> Self {
        Self { load: Some(bar), ..Self::NONE }
    }

    fn of(&self, operation: &str) -> Option<f64> {
        match operation {
            "load" => self.load,
            "update" => self.update,
            _ => self.insert,
        }
    }
}

/// A store as it is measured.
struct Store {
    /// The beginning of its groups' names.
    group: &'static str,
    title: &'static str,
    /// How much of the time of the bare client beside it each operation may take, if there is one.
    bare: Option<Bars>,
    /// What `bench.py` calls the engine that does the same, and how many times its throughput is wanted.
    django: Option<(&'static str, Bars)>,
}

const STORES: [Store; 13] = [
    Store {
        group: "sqlite",
        title: "SQLite",
        bare: Some(Bars::all(STORE_MOST)),
        django: Some(("db", Bars::load(20.0))),
    },
    Store {
        group: "sqlite at once",
        title: "SQLite, eight clients",
        bare: None,
        django: Some(("db, eight threads", Bars { update: Some(20.0), ..Bars::NONE })),
    },
    Store {
        group: "sqlite flushed at once",
        title: "SQLite, eight clients, flushed",
        bare: None,
        django: Some(("db, eight threads, flushed", Bars::NONE)),
    },
    Store {
        group: "memory",
        title: "memory",
        // The map beside it does not keep the order in which records expire.
        bare: Some(Bars::load(1.3)),
        django: Some(("cache", Bars::load(30.0))),
    },
    Store { group: "file", title: "files", bare: Some(Bars::all(STORE_MOST)), django: None },
    Store {
        group: "file unflushed",
        title: "files, not flushed",
        bare: Some(Bars::all(STORE_MOST)),
        django: Some(("file", Bars::load(4.0))),
    },
    Store {
        group: "cookie",
        title: "signed cookies",
        bare: Some(Bars::all(STORE_MOST)),
        django: Some(("signed_cookies", Bars::load(4.0))),
    },
    Store {
        group: "cached_db",
        title: "memory before SQLite",
        bare: Some(Bars { load: Some(1.3), ..Bars::all(STORE_MOST) }),
        django: Some(("cached_db", Bars::NONE)),
    },
    Store { group: "redis", title: "Redis, JSON", bare: Some(Bars::all(STORE_MOST)), django: None },
    Store {
        group: "redis pickled",
        title: "Redis, pickles",
        bare: None,
        django: Some(("redis", Bars::NONE)),
    },
    Store { group: "memcached", title: "memcached, JSON", bare: Some(Bars::all(STORE_MOST)), django: None },
    Store {
        group: "memcached pickled",
        title: "memcached, pickles",
        bare: None,
        django: Some(("memcached", Bars::NONE)),
    },
    Store {
        group: "postgres",
        title: "PostgreSQL",
        bare: Some(Bars::all(STORE_MOST)),
        django: Some(("postgres", Bars::NONE)),
    },
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
    [("model", None), ("memory", Some(200_000.0)), ("stdio", Some(20_000.0))];

/// How many times as many steps it does as a state machine of Hypothesis on Django.
const HYPOTHESIS_LEAST: f64 = 30.0;

/// The seconds that the suite may take for every embedded store.
const WHOLE_RUN_MOST: f64 = 15.0;

pub(super) fn verdict(held: bool) -> &'static str {
    if held { "held" } else { "**missed**" }
}

/// The stores against what they are made of.
pub(super) fn against_bare(figures: &Figures<'_>) -> Result<String, Failure> {
    let mut page =
        format!("{BARE}\n\n| what | time | bare | ratio | at most | |\n|---|---|---|---|---|---|\n");
    for store in &STORES {
        let Some(wanted) = &store.bare else { continue };
        for (operation, group) in store.groups(figures) {
            let (ours, bare) = (figures.time(&group, "ours")?, figures.time(&group, "bare")?);
            let ratio = ours / bare;
            let (most, held) = match wanted.of(operation) {
                Some(most) => (format!("{most:.2}"), verdict(ratio <= most)),
                None => ("–".into(), ""),
            };
            let (title, ours, bare) = (store.title, shown(ours), shown(bare));
            // Writing to a String cannot fail, here and below.
            let _ =
                writeln!(page, "| {title}: {operation} | {ours} | {bare} | {ratio:.2} | {most} | {held} |");
        }
    }
    Ok(page)
}

/// Nanoseconds as the page has them: what takes less than ten microseconds with two decimals.
fn shown(nanoseconds: f64) -> String {
    let decimals = if nanoseconds < 1e4 { 2 } else { 1 };
    format!("{:.decimals$} µs", nanoseconds / 1e3)
}

/// The stores against the engines of Django that do the same, or why those are not known.
pub(super) fn against_django(
    figures: &Figures<'_>,
    django: &Result<Value, String>,
) -> Result<String, Failure> {
    let mut page = format!("{DJANGO}\n\n");
    let django = match django {
        Ok(django) => django,
        Err(reason) => {
            let _ = writeln!(page, "Django was not measured: {reason}");
            return Ok(page);
        }
    };
    page.push_str(
        "| what | engine | time | Django | throughput | at least | |\n|---|---|---|---|---|---|---|\n",
    );
    for store in &STORES {
        let Some((engine, bars)) = store.django.as_ref().filter(|(engine, _)| django.get(engine).is_some())
        else {
            continue;
        };
        for (operation, group) in store.groups(figures) {
            let ours = figures.time(&group, "ours")?;
            let theirs = number(django, &format!("/{engine}/{operation}"))?;
            let ratio = theirs / ours;
            let (least, held) = match bars.of(operation) {
                Some(least) => (format!("{least:.0}x"), verdict(ratio >= least)),
                None => ("–".into(), ""),
            };
            let (title, ours, theirs) = (store.title, shown(ours), shown(theirs));
            let _ = writeln!(
                page,
                "| {title}: {operation} | `{engine}` | {ours} | {theirs} | {ratio:.1}x | {least} | {held} |"
            );
        }
    }
    Ok(page)
}

/// Why there are no figures of stores on servers, and how to get them.
pub(super) fn without_servers(missing: &str, page: &mut String) {
    let _ = writeln!(page, "\nStores on servers were not measured: {missing}.");
}

/// What clearing costs, by what expired and by what lives.
pub(super) fn clear_expired(figures: &Figures<'_>) -> Result<String, Failure> {
    let mut page = format!("{CLEARING}\n\n| expired | time | in relation to the first |\n|---|---|---|\n");
    let mut first = None;
    for name in ["1,000 of 100,000", "1,000 of 1,000,000", "10,000 of 1,000,000"] {
        let time = figures.time("sqlite clear_expired", name)? / 1e6;
        let ratio = time / *first.get_or_insert(time);
        let _ = writeln!(page, "| {name} | {time:.0} ms | {ratio:.1} |");
    }
    Ok(page)
}

/// The suite itself.
pub(super) fn suite(figures: &Figures<'_>) -> Result<String, Failure> {
    let mut page =
        format!("{SUITE}\n\n| subject | checked steps in a second | at least | |\n|---|---|---|---|\n");
    for (subject, least) in SUBJECTS {
        let steps = figures.throughput("suite", subject)?;
        let (least, held) = match least {
            Some(least) => (format!("{least:.0}"), verdict(steps >= least)),
            None => ("–".into(), ""),
        };
        let _ = writeln!(page, "| {subject} | {steps:.0} | {least} | {held} |");
    }
    Ok(page)
}

/// The suite on the store in memory against what one would write without it.
pub(super) fn against_hypothesis(
    figures: &Figures<'_>,
    hypothesis: &Result<Value, String>,
    page: &mut String,
) -> Result<(), Failure> {
    let line = match hypothesis {
        Ok(measured) => {
            let theirs = number(measured, "/steps_per_second")?;
            let ratio = figures.throughput("suite", "memory")? / theirs;
            format!(
                "A state machine of Hypothesis on Django's `cache`: {theirs:.0} steps in a second; the suite on `memory` does \
                 {ratio:.0}x as many, of at least {HYPOTHESIS_LEAST:.0}x: {}.",
                verdict(ratio >= HYPOTHESIS_LEAST)
            )
        }
        Err(reason) => format!("Hypothesis was not measured: {reason}"),
    };
    let _ = writeln!(page, "\n{line}");
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::figures::measured;
    use super::*;

    #[test]
    fn each_operation_is_held_against_its_own_bar_if_it_has_one() {
        let root = tempfile::tempdir().unwrap();
        let figures = Figures { root: root.path() };
        for (operation, ours, bare) in [("load", 130, 100), ("update", 900, 100)] {
            measured(root.path(), &format!("memory {operation}"), "ours", ours);
            measured(root.path(), &format!("memory {operation}"), "bare", bare);
        }
        measured(root.path(), "sqlite at once update", "ours", 20_000);
        let page = against_bare(&figures).unwrap();
        assert_eq!(
            page.lines().skip(4).collect::<Vec<_>>(),
            [
                "| memory: load | 0.13 µs | 0.10 µs | 1.30 | 1.30 | held |",
                "| memory: update | 0.90 µs | 0.10 µs | 9.00 | – |  |",
            ]
        );
        let memory = json!({ "load": 3_000, "update": 18_000 });
        let django = json!({ "cache": memory, "db, eight threads": { "update": 500_000.0 } });
        let page = against_django(&figures, &Ok(django)).unwrap();
        assert_eq!(
            page.lines().skip(4).collect::<Vec<_>>(),
            [
                "| SQLite, eight clients: update | `db, eight threads` | 20.0 µs | 500.0 µs | 25.0x | 20x | held |",
                "| memory: load | `cache` | 0.13 µs | 3.00 µs | 23.1x | 30x | **missed** |",
                "| memory: update | `cache` | 0.90 µs | 18.0 µs | 20.0x | – |  |",
            ]
        );
    }
}
