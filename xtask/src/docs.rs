//! `cargo xtask docs`: links in the documents lead somewhere, every page is in the book, the code that
//! the guides show is the code that is tested, and who meets a type first finds an example (`examples.rs`).
//! What mdBook makes of the documents is checked by `cargo xtask book`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Failure, examples, files, published};

/// Checks the documents.
pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let mut faults = Vec::new();
    let pages = files::tracked(root, &["md"])?;
    let texts = pages.iter().map(|page| Ok((page, fs::read_to_string(root.join(page))?)));
    let texts: Vec<(&PathBuf, String)> = texts.collect::<Result<_, Failure>>()?;
    let anchors: BTreeMap<PathBuf, BTreeSet<String>> = texts
        .iter()
        .map(|(page, text)| Ok((root.join(page).canonicalize()?, anchors(text))))
        .collect::<Result<_, Failure>>()?;
    for (page, text) in &texts {
        let directory = root.join(page).parent().unwrap_or(root).to_owned();
        for (number, line) in text.lines().enumerate() {
            for target in links(line).filter(|target| !target.contains("://")) {
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                let path = if path.is_empty() { root.join(page) } else { directory.join(path) };
                let fault = match path.canonicalize() {
                    Err(_) => "leads nowhere",
                    Ok(_) if anchor.is_empty() => continue,
                    Ok(path) if anchors.get(&path).is_some_and(|all| all.contains(anchor)) => continue,
                    Ok(_) => "leads to a page without that anchor",
                };
                faults.push(format!("{}:{}: the link {target} {fault}", page.display(), number + 1));
            }
        }
        check_included(root, page, text, &mut faults);
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
    faults.extend(published::faults(root)?);
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

/// What a link to a page can lead to: its headings, as forges and mdBook name them, and what is marked by `<a id="…">`.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut is_code = false;
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        if let Some((_, rest)) = line.split_once("<a id=\"") {
            anchors.extend(rest.split('"').next().map(str::to_owned));
        } else if line.starts_with('#') && !is_code {
            let base = slug(line.trim_start_matches('#').trim());
            // The second of one name is called -1.
            let mut names = std::iter::once(base.clone()).chain((1..).map(|n| format!("{base}-{n}")));
            let free = names.find(|name| !anchors.contains(name));
            anchors.extend(free);
        }
    }
    anchors
}

/// A heading's name in links: letters and digits in lower case, `-` for blanks, and no other signs.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
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
    fn anchors_are_headings_and_marks_and_not_what_is_code() {
        let text = "# `Run` it, twice\n\n```sh\n# a comment\n```\n\n## On\n## On\n<a id=\"key.short\"></a>\nr[key.short]\n";
        let wanted = ["key.short", "on", "on-1", "run-it-twice"];
        assert_eq!(anchors(text).iter().map(String::as_str).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn links_are_found_in_a_line() {
        let line = "see [a](b.md) and [c](d/e.md#f).";
        assert_eq!(links(line).collect::<Vec<_>>(), ["b.md", "d/e.md#f"]);
    }
}
