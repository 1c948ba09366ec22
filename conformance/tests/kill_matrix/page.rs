//! The page `docs/kill-matrix.md`, made from what was found.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::faults;
use crate::measured::{By, CASES, Found};

/// The variable with which the test writes the page.
const WRITE: &str = "SESSIONSPEC_WRITE";

/// Fails if the page says something else; writes it if it is asked to.
pub(crate) fn check(text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/kill-matrix.md");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    if there != text {
        let line = there.lines().zip(text.lines()).find(|(there, here)| there != here);
        panic!(
            "docs/kill-matrix.md is not what was found ({line:?}); \
             {WRITE}=1 cargo test -p session-conformance --test kill_matrix writes it"
        );
    }
}

/// The page. Writing to a String cannot fail.
pub(crate) fn text(matrix: &[Found]) -> String {
    let mut out = String::from("# What the suite finds\n\n");
    let _ = writeln!(
        out,
        "<!-- Written by `SESSIONSPEC_WRITE=1 cargo test -p session-conformance --test kill_matrix`. -->\n\n\
         Each row is a store, or sessions on one, that is wrong in one way in which real ones have been wrong. The\n\
         suite has to find it, and to name the rule that it breaks before all others. *Steps* are those of the\n\
         trace that it shows. It is found *by* a golden trace or by one of the [corpus](decisions/0026-corpus.md),\n\
         and so with every seed, or by {CASES} generated traces with some of ten seeds. The stores are in `conformance/tests/kill_matrix/`. Vulnerabilities that\n\
         there have been, some of them in applications, are a [page of their own](history.md).\n"
    );
    let mut steps: Vec<usize> = matrix.iter().filter_map(|found| found.steps).collect();
    steps.sort_unstable();
    let _ = writeln!(
        out,
        "{} faults: {} are found with each of ten seeds, {} of them by golden traces and {} by the corpus; {} are led by\n\
         their own rule.\n\
         The traces have {} steps in the median and {} at most.",
        matrix.len(),
        matrix.iter().filter(|found| found.seeds == 10).count(),
        matrix.iter().filter(|found| found.by == By::Golden).count(),
        matrix.iter().filter(|found| found.by == By::Corpus).count(),
        matrix.iter().filter(|found| found.is_named_first()).count(),
        steps[steps.len() / 2],
        steps.last().copied().unwrap_or_default(),
    );
    let mut area = "";
    for found in matrix {
        if found.area != area {
            area = found.area;
            let _ = writeln!(out, "\n## {area}\n");
            let _ = writeln!(
                out,
                "| what is wrong | in | seen in | rule | steps | found by |\n|---|---|---|---|---|---|"
            );
        }
        let fault = found.fault;
        let rule = match found.led_by {
            Some(rule) if found.is_named_first() => rule.rule().id.to_owned(),
            Some(rule) => format!("{} (led by {})", fault.rule, rule.rule().id),
            None => format!("{} (not found)", fault.rule),
        };
        let steps = found.steps.map(|steps| steps.to_string()).unwrap_or_default();
        let cell = |text: &str| text.replace('|', "\\|");
        let _ = writeln!(
            out,
            "| {} | {} | {} | {rule} | {steps} | {} |",
            cell(fault.wrong),
            fault.on.name(),
            cell(fault.seen),
            match found.by {
                By::Golden => "golden".to_owned(),
                By::Corpus => "corpus".to_owned(),
                By::Chance => format!("{} of 10 seeds", found.seeds),
            }
        );
    }
    let _ = writeln!(
        out,
        "\n## What overlaps, fails or is killed\n\n\
         Stores that are wrong only where several clients are under way at once, where the storage fails, or where the\n\
         process is killed are in `conformance/tests/schedules.rs` and `conformance/tests/crash.rs`: each must be failed by\n\
         the rule that it breaks. Among them are an update that fails half way and leaves no record, half a record that a\n\
         killed process leaves, a write that was answered and is lost with the process, and a clearing that removes what was\n\
         renewed since it looked.\n\n\
         ## What it does not find yet\n\n| what is wrong | seen in | what it would take |\n|---|---|---|"
    );
    for fault in faults::NOT_YET {
        let _ = writeln!(out, "| {} | {} | {} |", fault.wrong, fault.seen, fault.needs);
    }
    out
}
