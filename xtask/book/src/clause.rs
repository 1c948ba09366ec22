//! A rule as a section: its marker becomes a heading with its id and its sentence, so that search and the table of
//! contents know both, and a mark stands where [`facts`](crate::facts) are put.

use std::fmt::Write as _;

/// How the anchor of a clause begins, in the Markdown.
const ANCHOR: &str = "<a id=\"";

/// The mark for the facts about a rule. Comments are no words to search.
pub(crate) fn mark(id: &str) -> String {
    format!("<!-- facts: {id} -->")
}

/// A page whose clauses are sections.
pub(crate) fn sections(text: &str) -> String {
    let mut out = String::new();
    let mut rule: Option<&str> = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let is_anchor = is_anchor(line);
        if is_anchor || line.starts_with('#') {
            end(&mut out, rule.take());
        }
        // Writing to a String cannot fail.
        let _ = match line.strip_prefix("r[").and_then(|rest| rest.strip_suffix(']')) {
            _ if is_anchor => Ok(()),
            Some(name) => {
                let (id, version) = name.split_once('+').unwrap_or((name, "1"));
                rule = Some(id);
                let head = lines.next().unwrap_or_default();
                let (title, level) = head.trim_start_matches("**").split_once("**").unwrap_or((head, ""));
                let (title, level) = (title.trim_end_matches('.'), level.trim());
                // The table of contents beside the page shows only the id.
                writeln!(
                    out,
                    "### `{id}` <span class=\"sentence\">{title}</span> {{#{id} .rule}}\n\n{level} · version {version}"
                )
            }
            None => match line.strip_prefix("Django: ").filter(|_| rule.is_some()) {
                Some(answer) => writeln!(out, "**Django:** {answer}"),
                None => writeln!(out, "{line}"),
            },
        };
    }
    end(&mut out, rule);
    out
}

/// Whether a line is the anchor of a clause: its heading is the anchor here. Those of other pages have no dot, and stay.
fn is_anchor(line: &str) -> bool {
    let id = line.strip_prefix(ANCHOR).and_then(|rest| rest.split('"').next());
    id.is_some_and(|id| id.contains('.'))
}

fn end(out: &mut String, rule: Option<&str>) {
    if let Some(id) = rule {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\n{}\n", mark(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_that_is_no_clause_s_stays() {
        let text = "<a id=\"some-store\"></a>\n\n### Some store\n";
        assert_eq!(sections(text), text);
    }

    #[test]
    fn a_clause_becomes_a_section_that_ends_where_the_next_begins() {
        let text = "## Saving\n\n<a id=\"area.b\"></a>\nr[area.b+2]\n**`save` holds.** MUST · needs `shared`\n\nText.\n\n\
                    Django: same.\n\n<a id=\"area.c\"></a>\nr[area.c]\n**It too.** MAY\n\nDjango: same.\n\n## Next\n";
        let wanted = "## Saving\n\n### `area.b` <span class=\"sentence\">`save` holds</span> {#area.b .rule}\n\nMUST · needs `shared` · version 2\n\nText.\n\n\
                      **Django:** same.\n\n\n<!-- facts: area.b -->\n\n\
                      ### `area.c` <span class=\"sentence\">It too</span> {#area.c .rule}\n\nMAY · version 1\n\n**Django:** same.\n\n\n<!-- facts: area.c -->\n\n## Next\n";
        assert_eq!(sections(text), wanted);
    }

    #[test]
    fn a_page_without_clauses_stays_as_it_is() {
        let text = "# Page\n\nDjango: a framework.\n";
        assert_eq!(sections(text), text);
    }
}
