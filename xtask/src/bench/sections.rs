//! The sections of the figures, of which a part may be measured anew while the others stay.

/// The first line of each section.
pub(super) const CODEC: &str = "## The codec against its parts";
pub(super) const BARE: &str = "## Against the bare operation";
pub(super) const DJANGO: &str = "## Against Django 5.2, the same durability";
pub(super) const REQUESTS: &str = "## Requests";
pub(super) const CLEARING: &str = "## `clear_expired` of SQLite";
pub(super) const SUITE: &str = "## The suite, on one core";

/// All of them, as they follow each other.
const ORDER: [&str; 6] = [CODEC, BARE, DJANGO, REQUESTS, CLEARING, SUITE];

/// The figures with these sections in the place of those of the same name. What is in no known section goes.
pub(super) fn merged(figures: &str, measured: &[String]) -> String {
    let mut old = Vec::new();
    for line in figures.lines() {
        if line.starts_with("## ") {
            old.push(String::new());
        }
        if let Some(section) = old.last_mut() {
            section.push_str(line);
            section.push('\n');
        }
    }
    let of = |sections: &[String], heading: &str| {
        sections.iter().find(|section| section.lines().next() == Some(heading)).cloned()
    };
    let sections = ORDER.iter().filter_map(|heading| of(measured, heading).or_else(|| of(&old, heading)));
    sections.map(|section| section.trim_end().to_owned()).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_anew_takes_the_place_of_the_old_and_the_rest_stays() {
        let old =
            format!("{BARE}\n\nold\n\n## Unknown\n\ngone\n\n{SUITE}\n\nold, too\n\nof two paragraphs\n");
        let new = [format!("{BARE}\n\nnew\n"), format!("{CODEC}\n\nfirst\n")];
        assert_eq!(
            merged(&old, &new),
            format!("{CODEC}\n\nfirst\n\n{BARE}\n\nnew\n\n{SUITE}\n\nold, too\n\nof two paragraphs")
        );
        assert_eq!(merged("", &new[..1]), format!("{BARE}\n\nnew"));
    }
}
