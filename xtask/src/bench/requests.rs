//! The section about requests: no bar is set for them, so it has ratios and no verdicts.

use std::fmt::Write as _;

use serde_json::Value;

use super::figures::{Figures, number};
use super::sections::REQUESTS;
use crate::Failure;

/// Where the sessions are: as the groups have it, as the page has it, and Django's engine for it.
const PLACES: [(&str, &str, &str); 2] = [("memory", "memory", "cache"), ("sqlite", "SQLite", "db")];

/// What the page does with the session.
const PAGES: [&str; 3] = ["untouched", "read", "written"];

/// The sites on axum, as the benchmark and the page call them.
const SITES: [(&str, &str); 4] = [
    ("no layer", "no layer"),
    ("ours", "this project's layer"),
    ("tower-sessions", "`tower-sessions`, same store"),
    ("tower-sessions alone", "`tower-sessions`, its own store"),
];

/// Requests of a site with sessions, under each layer and under Django, or why Django's are not known.
pub(super) fn requests(figures: &Figures<'_>, django: &Result<Value, String>) -> Result<String, Failure> {
    let mut page = format!(
        "{REQUESTS}\n\n| session | site | time | requests in a second | throughput of ours |\n|---|---|---|---|---|\n"
    );
    for (place, title, engine) in PLACES {
        for done in PAGES {
            let group = format!("requests {place} {done}");
            let ours = figures.time(&group, "ours")?;
            let mut row = |site: &str, time: f64| {
                let ratio = if site == "ours" { "–".into() } else { relation(time / ours) };
                let site = SITES.iter().find(|(name, _)| *name == site).map_or(site, |(_, shown)| shown);
                let (micros, each_second) = (time / 1e3, 1e9 / time);
                // Writing to a String cannot fail, here and below.
                let _ = writeln!(
                    page,
                    "| {title}, {done} | {site} | {micros:.1} µs | {each_second:.0} | {ratio} |"
                );
            };
            for (site, _) in SITES {
                // The store of `tower-sessions` is in memory.
                if figures.has(&format!("{group}/{site}")) {
                    row(site, figures.time(&group, site)?);
                }
            }
            if let Ok(django) = django {
                row(&format!("Django, `{engine}`"), number(django, &format!("/{engine}/{done}"))?);
            }
        }
    }
    match django {
        Ok(django) => {
            let time = number(django, "/none")?;
            let (micros, each_second) = (time / 1e3, 1e9 / time);
            let ratio = time / figures.time("requests memory untouched", "no layer")?;
            let _ = writeln!(
                page,
                "\nDjango without its session middleware takes {micros:.1} µs for the page, {each_second:.0} in a \
                 second. axum without a layer answers {ratio:.0} times as many."
            );
        }
        Err(reason) => {
            let _ = writeln!(page, "\nRequests of Django were not measured: {reason}");
        }
    }
    Ok(page)
}

/// A ratio with the digits that tell something.
fn relation(ratio: f64) -> String {
    let decimals = if ratio < 0.1 {
        3
    } else if ratio < 10.0 {
        2
    } else {
        1
    };
    format!("{ratio:.decimals$}x")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::figures::measured;
    use super::*;

    fn section(django: &Result<Value, String>) -> String {
        let root = tempfile::tempdir().unwrap();
        for (place, factor) in [("memory", 1), ("sqlite", 10)] {
            for (done, time) in [("untouched", 2_000), ("read", 4_000), ("written", 8_000)] {
                let group = format!("requests {place} {done}");
                measured(root.path(), &group, "no layer", 1_000);
                measured(root.path(), &group, "ours", factor * time);
                measured(root.path(), &group, "tower-sessions", factor * time * 3 / 2);
                if place == "memory" {
                    measured(root.path(), &group, "tower-sessions alone", time);
                }
            }
        }
        requests(&Figures { root: root.path() }, django).unwrap()
    }

    #[test]
    fn each_site_has_a_row_with_its_relation_to_ours() {
        let times = json!({ "untouched": 60_000, "read": 80_000.0, "written": 120_000 });
        let page = section(&Ok(json!({ "none": 50_000, "cache": times, "db": times })));
        for line in [
            "| memory, untouched | no layer | 1.0 µs | 1000000 | 0.50x |",
            "| memory, untouched | this project's layer | 2.0 µs | 500000 | – |",
            "| memory, read | `tower-sessions`, same store | 6.0 µs | 166667 | 1.50x |",
            "| memory, written | `tower-sessions`, its own store | 8.0 µs | 125000 | 1.00x |",
            "| memory, written | Django, `cache` | 120.0 µs | 8333 | 15.0x |",
            "| SQLite, written | no layer | 1.0 µs | 1000000 | 0.013x |",
            "| SQLite, read | Django, `db` | 80.0 µs | 12500 | 2.00x |",
            "Django without its session middleware takes 50.0 µs for the page, 20000 in a second. axum without a \
             layer answers 50 times as many.",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
        assert_eq!(page.lines().filter(|line| line.starts_with("| memory")).count(), 15);
        assert_eq!(page.lines().filter(|line| line.starts_with("| SQLite")).count(), 12);
    }

    #[test]
    fn without_django_the_page_tells_why() {
        let page = section(&Err("there is no python3".into()));
        assert!(page.ends_with("\nRequests of Django were not measured: there is no python3\n"), "{page}");
        assert!(!page.contains("| Django"), "{page}");
    }
}
