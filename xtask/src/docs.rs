//! `cargo xtask docs`: links in the documents lead somewhere, every page is in the book, the code that
//! the guides show is the code that is tested, and who meets a type first finds an example (`examples.rs`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::{Failure, examples, files};

/// Checks the documents.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let mut faults = Vec::new();
    let pages = files::tracked(root, &["md"])?;
    for page in &pages {
        let text = fs::read_to_string(root.join(page))?;
        for (number, line) in text.lines().enumerate() {
            for target in links(line) {
                let path = target.split('#').next().unwrap_or_default();
                let elsewhere = target.contains("://") || path.is_empty();
                let from = root.join(page);
                if !elsewhere && !from.parent().unwrap_or(root).join(path).exists() {
                    faults.push(format!(
                        "{}:{}: the link {target} leads nowhere",
                        page.display(),
                        number + 1
                    ));
                }
            }
        }
        check_included(root, page, &text, &mut faults);
    }
    let summary = fs::read_to_string(root.join("docs/SUMMARY.md"))?;
    let listed: BTreeSet<&str> = summary.lines().flat_map(links).collect();
    for page in pages.iter().filter_map(|page| page.strip_prefix("docs").ok()) {
        let name = page.to_string_lossy();
        if name != "SUMMARY.md" && !listed.contains(&*name) {
            faults.push(format!("docs/{name} is not in docs/SUMMARY.md"));
        }
    }
    faults.extend(examples::missing(root)?);
    if faults.is_empty() {
        println!("docs: {} pages", pages.len());
        Ok(())
    } else {
        Err(Failure::many("docs", faults))
    }
}

/// The targets of a line's Markdown links.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// A code block behind `<!-- file: PATH -->` must be what stands in that file, in one piece.
fn check_included(root: &Path, page: &Path, text: &str, faults: &mut Vec<String>) {
    for part in text.split("<!-- file: ").skip(1) {
        let Some((path, rest)) = part.split_once(" -->") else {
            faults.push(format!("{}: a `file:` mark is not closed", page.display()));
            continue;
        };
        let block = rest
            .split("```")
            .nth(1)
            .and_then(|block| block.split_once('\n'))
            .map(|(_, code)| code.trim_end());
        let source = fs::read_to_string(root.join(path)).unwrap_or_default();
        match block {
            Some(code) if !code.is_empty() && source.contains(code) => {}
            Some(_) => faults.push(format!("{}: the code block is not what {path} says", page.display())),
            None => faults.push(format!("{}: no code block follows the mark for {path}", page.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_a_line() {
        let line = "see [a](b.md) and [c](d/e.md#f).";
        assert_eq!(links(line).collect::<Vec<_>>(), ["b.md", "d/e.md#f"]);
    }
}
