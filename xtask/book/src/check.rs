//! What must be so of the site: each rule has its anchor, every link leads somewhere, nothing is loaded from elsewhere,
//! and search knows every rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use session_conformance::rule::RuleId;

use crate::{folded, read};

/// A page: what links can lead to, and the links.
struct Page {
    anchors: BTreeSet<String>,
    links: Vec<Link>,
}

#[derive(Debug, PartialEq, Eq)]
struct Link {
    target: String,
    /// Whether the browser fetches it to show the page.
    is_loaded: bool,
}

/// Checks the site; says how large it is, or all that is wrong.
pub(crate) fn site(to: &Path) -> Result<String, Vec<String>> {
    let files = files(to).map_err(|error| vec![format!("{}: {error}", to.display())])?;
    let mut pages = BTreeMap::new();
    let mut index = String::new();
    for file in &files {
        let name = file.to_string_lossy();
        if name.ends_with(".html") {
            pages.insert(file.clone(), Page::of(&read(&to.join(file)).map_err(|fault| vec![fault])?));
        } else if name.starts_with("searchindex") {
            index = read(&to.join(file)).map_err(|fault| vec![fault])?;
        }
    }
    let mut faults = Vec::new();
    let mut links = 0;
    for (path, page) in &pages {
        links += page.links.len();
        faults.extend(page.links.iter().filter_map(|link| {
            let fault = link.fault(path, &pages, &files)?;
            Some(format!("{}: {} {fault}", path.display(), link.target))
        }));
    }
    for rule in RuleId::every().map(RuleId::rule) {
        let path = Path::new("spec").join(rule.page).with_extension("html");
        if !pages.get(&path).is_some_and(|page| page.anchors.contains(rule.id)) {
            faults.push(format!("{}: r[{}] has no anchor", path.display(), rule.id));
        }
        if !index.contains(&format!("\"{}#{}\"", path.display(), rule.id)) {
            faults.push(format!("search does not find r[{}]", rule.id));
        }
    }
    if faults.is_empty() {
        Ok(format!("book: {} pages, {links} links, {} rules", pages.len(), RuleId::every().count()))
    } else {
        Err(faults)
    }
}

/// Every file below a directory, by its path from there.
fn files(root: &Path) -> std::io::Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut left = vec![PathBuf::new()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(root.join(&directory))? {
            let entry = entry?;
            let path = directory.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                left.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    Ok(found)
}

impl Page {
    /// Reads HTML as mdBook writes it: attributes between double quotes, and `<` and `>` only around tags.
    fn of(html: &str) -> Self {
        let mut page = Self { anchors: BTreeSet::new(), links: Vec::new() };
        let mut rest = html;
        while let Some((_, from)) = rest.split_once('<') {
            if let Some((_, after)) = from.strip_prefix("!--").and_then(|comment| comment.split_once("-->")) {
                rest = after;
                continue;
            }
            let Some((tag, after)) = from.split_once('>') else { break };
            let name = tag.split(char::is_whitespace).next().unwrap_or_default();
            for (attribute, value) in attributes(tag) {
                match attribute {
                    "id" => drop(page.anchors.insert(value)),
                    "href" | "src" => {
                        let is_loaded = attribute == "src" || name == "link";
                        page.links.push(Link { target: value, is_loaded });
                    }
                    _ => {}
                }
            }
            // What a script says is no tag.
            rest = match name {
                "script" | "style" => after.split_once(&format!("</{name}>")).map_or("", |(_, after)| after),
                _ => after,
            };
        }
        page
    }
}

/// The attributes of a tag that have a value.
fn attributes(tag: &str) -> impl Iterator<Item = (&str, String)> {
    let parts: Vec<&str> = tag.split('"').collect();
    let pairs = parts.chunks_exact(2).filter_map(|pair| {
        let name = pair[0].trim_end().strip_suffix('=')?;
        let name = name.rsplit(char::is_whitespace).next()?;
        Some((name, pair[1].replace("&#39;", "'").replace("&quot;", "\"").replace("&amp;", "&")))
    });
    pairs.collect::<Vec<_>>().into_iter()
}

impl Link {
    /// Why it leads nowhere, if it does.
    fn fault(
        &self,
        from: &Path,
        pages: &BTreeMap<PathBuf, Page>,
        files: &BTreeSet<PathBuf>,
    ) -> Option<&'static str> {
        let is_elsewhere = ["http:", "https:", "//"].iter().any(|begin| self.target.starts_with(begin));
        if is_elsewhere {
            return self.is_loaded.then_some("is not a part of the site");
        }
        let (path, anchor) = self.target.split_once('#').unwrap_or((&self.target, ""));
        let path = if path.is_empty() { from.to_owned() } else { folded(&from.with_file_name(path)) };
        match pages.get(&path) {
            Some(page) if anchor.is_empty() || page.anchors.contains(anchor) => None,
            Some(_) => Some("leads to a page without that anchor"),
            None if files.contains(&path) => None,
            None => Some("leads nowhere"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_page_is_read_for_its_anchors_and_links() {
        let html = r#"<link rel="x" href="a.css"><!-- <a href="no"> --><h3 class="r" id="key.short"><a href="b.html#c&amp;d">x</a></h3><script>"<a href=\"no\">"</script>"#;
        let page = Page::of(html);
        assert_eq!(page.anchors.iter().collect::<Vec<_>>(), ["key.short"]);
        let link = |target: &str, is_loaded| Link { target: target.into(), is_loaded };
        assert_eq!(page.links, [link("a.css", true), link("b.html#c&d", false)]);
    }

    #[rstest]
    #[case("keys.html#key.short", false, None)]
    #[case("#here", false, None)]
    #[case("../site.css", true, None)]
    #[case("keys.html#key.shorter", false, Some("leads to a page without that anchor"))]
    #[case("../keys.html", false, Some("leads nowhere"))]
    #[case("https://a.example/", false, None)]
    #[case("https://a.example/a.js", true, Some("is not a part of the site"))]
    fn a_link_that_leads_nowhere_is_named(
        #[case] target: &str,
        #[case] is_loaded: bool,
        #[case] fault: Option<&str>,
    ) {
        let page = |anchor: &str| Page { anchors: BTreeSet::from([anchor.to_owned()]), links: Vec::new() };
        let pages = BTreeMap::from([
            ("spec/data.html".into(), page("here")),
            ("spec/keys.html".into(), page("key.short")),
        ]);
        let files = BTreeSet::from(["site.css".into()]);
        let link = Link { target: target.into(), is_loaded };
        assert_eq!(link.fault(Path::new("spec/data.html"), &pages, &files), fault);
    }
}
