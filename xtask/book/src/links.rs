//! Links for readers who have the site and not the repository: what lies outside of `docs/` is linked on the forge, or is
//! only text where none is known; and a rule that is named in the text is a link to it.

use std::ops::Range;
use std::path::Path;

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};
use session_conformance::rule::RuleId;

use crate::{DOCS, folded};

/// A page with such links. `page` is its path below `docs/`, and `source` the address of the repository.
pub(crate) fn for_readers(text: &str, page: &Path, source: Option<&str>) -> String {
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    let mut within = 0;
    for (event, range) in
        Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES).into_offset_iter()
    {
        match event {
            Event::Start(Tag::Link { link_type: LinkType::Inline, dest_url, .. }) => {
                within += 1;
                changes
                    .extend(elsewhere(&text[range.clone()], &dest_url, page, source).map(|new| (range, new)));
            }
            Event::Start(Tag::Link { .. } | Tag::Heading { .. }) => within += 1,
            Event::End(TagEnd::Link | TagEnd::Heading(_)) => within -= 1,
            Event::Code(code) if within == 0 => {
                let rule = RuleId::named(&code).map(RuleId::rule);
                changes.extend(rule.map(|rule| {
                    let up = "../".repeat(page.components().count().saturating_sub(1));
                    let link = format!("[{}]({up}spec/{}#{})", &text[range.clone()], rule.page, rule.id);
                    (range, link)
                }));
            }
            _ => {}
        }
    }
    let mut out = text.to_owned();
    for (range, new) in changes.into_iter().rev() {
        out.replace_range(range, &new);
    }
    out
}

/// What stands in the place of a link that leaves `docs/`.
fn elsewhere(link: &str, target: &str, page: &Path, source: Option<&str>) -> Option<String> {
    if target.contains("://") || target.starts_with('#') {
        return None;
    }
    let path = outside(&page.with_file_name(""), target)?;
    let words = link.rsplit_once("](").map_or(link, |(words, _)| words).trim_start_matches('[');
    Some(match source {
        Some(source) => format!("[{words}]({}/blob/HEAD/{path})", source.trim_end_matches('/')),
        None => words.to_owned(),
    })
}

/// The path of a target in the repository, if it is outside of `docs/`.
fn outside(directory: &Path, target: &str) -> Option<String> {
    let path = folded(&Path::new(DOCS).join(directory).join(target));
    (!path.starts_with(DOCS)).then(|| path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const FORGE: Option<&str> = Some("https://forge.example/it/");

    #[rstest]
    #[case(
        "[a `b`](../../README.md#install).",
        "[a `b`](https://forge.example/it/blob/HEAD/README.md#install)."
    )]
    #[case("[a](../spec/keys.md#key.short)", "[a](../spec/keys.md#key.short)")]
    #[case("[a](https://a.example/../b)", "[a](https://a.example/../b)")]
    #[case("`key.short`", "[`key.short`](../spec/keys.md#key.short)")]
    #[case("[`key.short`](#here), `key.shorter`", "[`key.short`](#here), `key.shorter`")]
    #[case("### `key.short` Title {#key.short}", "### `key.short` Title {#key.short}")]
    #[case("```\n`key.short` [a](../../b)\n```", "```\n`key.short` [a](../../b)\n```")]
    fn what_is_elsewhere_is_linked_there_and_rules_are_linked_here(#[case] text: &str, #[case] wanted: &str) {
        assert_eq!(for_readers(text, Path::new("guides/ci.md"), FORGE), wanted);
    }

    #[test]
    fn without_a_forge_the_words_stay() {
        let text = "See [the *code*](../../backends/src/lib.rs).";
        assert_eq!(for_readers(text, Path::new("guides/ci.md"), None), "See the *code*.");
    }
}
