//! What is known of each rule beside its words: its golden trace as a drawing, what Django's engines do, which stores hold
//! it, the faulty stores that it finds, what has happened in public, its versions. The pages under `docs/` and a report
//! say all this; here it is sorted by rule and put into the site.

use std::path::Path;

use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use pulldown_cmark::{Parser, html::push_html};
use serde::Serialize;
use session_conformance::application::{self, Case, Provenance};
use session_conformance::report::{Golden, Outcome, Written};
use session_conformance::rule::RuleId;

use crate::clause::mark;
use crate::{read, write};

const TEMPLATE: &str = include_str!("facts.html");

/// The age of a session in the table of requests, in seconds; no rule depends on it.
const COOKIE_AGE: i64 = 1_209_600;

/// What the documents and a report say, as far as it is about rules.
pub(crate) struct Facts<'a> {
    /// The lines of tables and lists, and which page and section they are from.
    lines: Vec<Line>,
    report: &'a Written,
    /// The table of requests, and the rules behind each answer.
    requests: Vec<(Case, Provenance)>,
}

/// A line of a document that names a rule.
struct Line {
    page: &'static str,
    /// The heading above it.
    section: String,
    cells: Vec<String>,
}

/// What became of a rule somewhere.
#[derive(Debug, Serialize)]
struct Ended {
    name: String,
    outcome: &'static str,
    sign: &'static str,
    /// What a pointer on it shows.
    words: String,
    why: Option<Value>,
}

impl Ended {
    /// `why` is a sentence of Markdown.
    fn of(name: &str, outcome: Option<Outcome>, why: Option<&str>) -> Self {
        let name_of = outcome.map_or("unknown", Outcome::name);
        Self {
            name: name.to_owned(),
            outcome: name_of,
            sign: outcome.map_or("", Outcome::sign),
            words: why.map_or(name_of.to_owned(), |why| format!("{name_of}: {}", why.replace('`', ""))),
            why: why.map(inline),
        }
    }
}

/// A line of a list.
#[derive(Debug, Serialize)]
struct Item {
    name: Value,
    text: Value,
}

/// A field of a request or a response: its name, and its value as JSON.
type Field = (String, String);

fn fields(part: &serde_json::Value) -> Option<Vec<Field>> {
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::Null => "none".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(part.as_object()?.iter().map(|(name, found)| (name.clone(), value(found))).collect())
}

/// The pages that name rules in their tables.
const PAGES: [&str; 4] = ["django.md", "kill-matrix.md", "history.md", "spec/versions.md"];

impl<'a> Facts<'a> {
    /// Reads the documents.
    pub(crate) fn read(docs: &Path, report: &'a Written) -> Result<Self, String> {
        let mut lines = Vec::new();
        for page in PAGES {
            lines.extend(lines_of(page, &read(&docs.join(page))?));
        }
        let fault = |error: serde_json::Error| format!("the table of requests: {error}");
        let mut cases = application::cases().map_err(fault)?;
        cases.extend(application::overlapping_cases().map_err(fault)?);
        let with_rules = |case: Case| {
            let provenance = application::predict(&case, COOKIE_AGE).provenance;
            (case, provenance)
        };
        Ok(Self { lines, report, requests: cases.into_iter().map(with_rules).collect() })
    }

    /// Puts what is known of each rule into its place on the site.
    pub(crate) fn fill(&self, site: &Path) -> Result<(), String> {
        let fault = |error: minijinja::Error| format!("cannot tell about a rule: {error:#}");
        let mut environment = Environment::new();
        // By this name, what is put into it is escaped.
        environment.add_template("facts.html", TEMPLATE).map_err(fault)?;
        let template = environment.get_template("facts.html").map_err(fault)?;
        let mut pages: Vec<&str> = RuleId::every().map(|rule| rule.rule().page).collect();
        pages.dedup();
        for page in pages {
            let path = site.join("spec").join(page).with_extension("html");
            let mut html = read(&path)?;
            for rule in RuleId::every().filter(|rule| rule.rule().page == page) {
                let mark = mark(rule.rule().id);
                if !html.contains(&mark) {
                    return Err(format!(
                        "{}: there is no section about r[{}]",
                        path.display(),
                        rule.rule().id
                    ));
                }
                html = html.replace(&mark, &template.render(self.of(rule)).map_err(fault)?);
            }
            write(&path, &html)?;
        }
        Ok(())
    }

    /// All that the template wants.
    fn of(&self, rule: RuleId) -> Value {
        let clause = rule.rule();
        let golden = Golden::of(rule);
        let asked = self.requests.iter().filter(|(_, provenance)| provenance.rules().any(|one| one == rule));
        context! {
            golden => Serde(golden),
            golden_file => (!clause.golden.is_empty()).then(|| format!("conformance/golden/{}.jsonl", clause.id)),
            engines => Serde(self.engines(clause.id)),
            stores => Serde(self.stores(clause.id)),
            faults => Serde(self.items(clause.id, "kill-matrix.md", |cells| (&cells[1], &cells[0]))),
            happened => Serde(self.items(clause.id, "history.md", |cells| (&cells[0], &cells[2]))),
            versions => Serde(self.items(clause.id, "spec/versions.md", |cells| (&cells[1], &cells[2]))),
            asked => asked.count(),
            requests => self.requests.len(),
            example => Serde(self.example(rule)),
        }
    }

    /// The lines of a page about a rule, each with a name and a text from its cells.
    fn items(&self, id: &str, page: &str, of: impl Fn(&[String]) -> (&String, &String)) -> Vec<Item> {
        let lines =
            self.lines.iter().filter(|line| line.page == page && line.is_about(id) && line.cells.len() > 2);
        let item = |line: &Line| {
            let (name, text) = of(&line.cells);
            Item { name: inline(name), text: inline(text) }
        };
        lines.map(item).collect()
    }

    /// The request of the table that shows a rule best: that in which least is done, of those whose answer the rule is the
    /// first to explain in some way.
    fn example(&self, rule: RuleId) -> Option<Vec<(&'static str, Vec<Field>)>> {
        let leads = |provenance: &Provenance| {
            let Provenance { status, cookie, key, max_age, vary, left, other, results } = provenance;
            [status, cookie, key, max_age, vary, left, other, results]
                .iter()
                .any(|rules| rules.first() == Some(&rule))
        };
        let shown = self.requests.iter().filter(|(_, provenance)| leads(provenance));
        let (case, _) = shown.min_by_key(|(case, _)| {
            (case.operations.len(), case.save_every_request, case.expire_at_browser_close, case.status)
        })?;
        let mut request = serde_json::to_value(case).ok()?;
        let response = request.as_object_mut()?.shift_remove("answer")?;
        Some(vec![("request", fields(&request)?), ("response", fields(&response)?)])
    }

    /// What each of Django's engines does.
    fn engines(&self, id: &str) -> Vec<Ended> {
        let about = |line: &&Line| line.page == "django.md" && line.is_about(id);
        let Some(row) = self.lines.iter().filter(about).find(|line| line.cells.len() > 2) else {
            return Vec::new();
        };
        let head = self.lines.iter().find(|line| line.page == "django.md" && line.cells[0] == "rule");
        let names = head.map(|head| head.cells[1..].to_vec()).unwrap_or_default();
        let result = |(name, sign): (String, &String)| {
            let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.sign() == sign);
            let why =
                self.lines.iter().filter(about).find(|line| line.cells.len() == 2 && line.section == name);
            Ended::of(name.trim_matches('`'), outcome, why.map(|line| line.cells[1].as_str()))
        };
        names.into_iter().zip(&row.cells[1..]).map(result).collect()
    }

    /// What became of it on each store of the report.
    fn stores(&self, id: &str) -> Vec<Ended> {
        let results = self.report.subjects.iter().filter_map(|subject| {
            let rule = subject.rules.iter().find(|rule| rule.id == id)?;
            Some(Ended::of(&subject.name, Some(rule.status), rule.reason.as_deref()))
        });
        results.collect()
    }
}

impl Line {
    /// Whether a cell is a rule's name, or a link to the rule.
    fn is_about(&self, id: &str) -> bool {
        self.cells.iter().any(|cell| cell.split([' ', '[', ']']).any(|word| word == id))
    }
}

/// The rows of tables, and what lists say of a rule (`- [id](link): text`), each with the heading above it.
fn lines_of(page: &'static str, text: &str) -> Vec<Line> {
    let mut section = String::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let cells: Vec<String> = if let Some(row) = line.strip_prefix('|') {
            row.trim_end_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
        } else if let Some((name, text)) = line.strip_prefix("- [").and_then(|item| item.split_once("): ")) {
            vec![format!("[{name})"), text.to_owned()]
        } else {
            if line.starts_with('#') {
                line.trim_start_matches('#').trim().clone_into(&mut section);
            }
            continue;
        };
        lines.push(Line { page, section: section.clone(), cells });
    }
    lines
}

/// A sentence of Markdown as HTML.
fn inline(text: &str) -> Value {
    let mut html = String::new();
    push_html(&mut html, Parser::new(text));
    let html = html.trim().trim_start_matches("<p>").trim_end_matches("</p>");
    Value::from_safe_string(html.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_lists_are_read_with_their_headings() {
        let text = "# Engines\n\n| rule | `db` |\n|---|---|\n| [a.b](x.md#a.b) | ✓ |\n\n### `db`\n\n- [a.b](x.md#a.b): It `is`: so.\n";
        let lines = lines_of("django.md", text);
        let cells = |n: usize| lines[n].cells.iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(cells(2), ["[a.b](x.md#a.b)", "✓"]);
        assert_eq!(cells(3), ["[a.b](x.md#a.b)", "It `is`: so."]);
        assert_eq!((lines[3].section.as_str(), lines[3].is_about("a.b")), ("`db`", true));
        assert!(!lines[3].is_about("a"));
    }
}
