//! The section about the codec: the whole against the sum of the parts that cannot be left out, each by the quickest
//! of the libraries that were measured for it.

use std::fmt::Write as _;

use super::figures::Figures;
use super::sections::CODEC;
use super::tables::verdict;
use crate::Failure;

/// What the codec is measured with.
const DATA: [&str; 2] = ["text", "random"];

/// Each direction with its parts.
const DIRECTIONS: [(&str, &[&str]); 2] = [
    ("encode", &["deflate", "base64 encode", "hmac"]),
    ("decode", &["hmac", "base64 decode", "inflate", "scan"]),
];

/// Every part, as the page has them.
const PARTS: [&str; 6] = ["hmac", "base64 encode", "base64 decode", "deflate", "inflate", "scan"];

/// The greatest time each direction may take in relation to the sum of its parts.
const MOST: f64 = 1.15;

/// A library, and the time that it takes.
type Measured = (String, f64);

/// The codec against its parts, and who is how quick at each of them.
pub(super) fn codec(figures: &Figures<'_>) -> Result<String, Failure> {
    let mut page = format!(
        "{CODEC}\n\n| what | time | sum of the parts | ratio | at most | |\n|---|---|---|---|---|---|\n"
    );
    for (direction, parts) in DIRECTIONS {
        for data in DATA {
            let ours = figures.time(&format!("codec {direction} {data}"), "ours")?;
            let mut sum = 0.0;
            for part in parts {
                let ((_, time), _) = candidates(figures, &format!("{part} {data}"))?;
                sum += time;
            }
            let ratio = ours / sum;
            let held = verdict(ratio <= MOST);
            let (ours, sum) = (ours / 1e3, sum / 1e3);
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(
                page,
                "| {direction} {data} | {ours:.1} µs | {sum:.1} µs | {ratio:.2} | {MOST:.2} | {held} |"
            );
        }
    }
    page.push_str("\n| part | quickest | others |\n|---|---|---|\n");
    for part in PARTS {
        for data in DATA {
            let (quickest, others) = candidates(figures, &format!("{part} {data}"))?;
            let shown = |(name, time): &Measured| format!("{name} {:.2} µs", time / 1e3);
            let others: Vec<_> = others.iter().map(shown).collect();
            let others = if others.is_empty() { "–".into() } else { others.join(", ") };
            let _ = writeln!(page, "| {part} {data} | {} | {others} |", shown(&quickest));
        }
    }
    Ok(page)
}

/// Who is the quickest at a part, and the others in their order.
fn candidates(figures: &Figures<'_>, part: &str) -> Result<(Measured, Vec<Measured>), Failure> {
    let mut all = Vec::new();
    for name in figures.names(part)? {
        let time = figures.time(part, &name)?;
        all.push((name, time));
    }
    all.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut all = all.into_iter();
    let quickest =
        all.next().ok_or_else(|| Failure::one("bench", format!("nothing was measured of {part}")))?;
    Ok((quickest, all.collect()))
}

#[cfg(test)]
mod tests {
    use super::super::figures::measured;
    use super::*;

    #[test]
    fn the_whole_is_held_against_the_quickest_of_each_part() {
        let root = tempfile::tempdir().unwrap();
        let measured = |group: &str, name: &str, time| measured(root.path(), group, name, time);
        for data in DATA {
            for part in PARTS {
                measured(&format!("{part} {data}"), "slow", 3_000);
                measured(&format!("{part} {data}"), "quick", 1_000);
            }
            measured(&format!("codec encode {data}"), "ours", 3_300);
            measured(&format!("codec decode {data}"), "ours", 4_700);
        }
        let page = codec(&Figures { root: root.path() }).unwrap();
        for line in [
            "| encode text | 3.3 µs | 3.0 µs | 1.10 | 1.15 | held |",
            "| decode random | 4.7 µs | 4.0 µs | 1.18 | 1.15 | **missed** |",
            "| inflate text | quick 1.00 µs | slow 3.00 µs |",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
    }
}
