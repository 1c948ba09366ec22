//! `sessionspec rules`: what the rules say.

use std::fmt::Write as _;

use session_conformance::rule::{Rule, RuleId};
use session_conformance::suite::matches;

use crate::Finding;
use crate::output::print;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Which rules; `*` stands for any text. One id explains that rule
    #[arg(value_name = "GLOB", default_value = "*")]
    glob: String,
    /// How they are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    let rules: Vec<&Rule> =
        RuleId::every().map(RuleId::rule).filter(|rule| matches(&arguments.glob, rule.id)).collect();
    match (rules.as_slice(), arguments.format) {
        ([], _) => return Err(format!("no rule fits `{}`; `sessionspec rules` lists them", arguments.glob)),
        (rules, Format::Json) => {
            let rules: Vec<_> = rules.iter().map(|rule| json(rule)).collect();
            print(&format!("{:#}\n", serde_json::Value::from(rules)))?;
        }
        ([rule], Format::Text) if rule.id == arguments.glob => print(&explained(rule))?,
        (rules, Format::Text) => {
            let line = |rule: &&Rule| format!("{:44} {:6} {}\n", rule.id, rule.level, rule.title);
            print(&rules.iter().map(line).collect::<String>())?;
        }
    }
    Ok(Finding::Held)
}

/// All that is said of a rule.
fn explained(rule: &Rule) -> String {
    // Writing to a String cannot fail.
    let mut out = format!(
        "r[{}]  {}  profile {}  version {}\n\n{}.\n",
        rule.id,
        rule.level,
        rule.profile.name(),
        rule.version,
        rule.title
    );
    if !rule.text.is_empty() {
        let _ = writeln!(out, "\n{}", rule.text);
    }
    if !rule.needs.is_empty() {
        let needs: Vec<String> = rule.needs.iter().map(|need| format!("{need:?}")).collect();
        let _ = writeln!(out, "\nApplies to subjects with: {}", needs.join(", "));
    }
    let _ = writeln!(out, "\nDjango: {}", rule.django);
    let _ = writeln!(out, "\nSpecification: {}", rule.place());
    let _ = if rule.golden.is_empty() {
        writeln!(out, "Checked on the table of requests: conformance/tables/middleware.jsonl")
    } else {
        writeln!(out, "Golden trace:\n{}", rule.golden)
    };
    out
}

fn json(rule: &Rule) -> serde_json::Value {
    serde_json::json!({
        "id": rule.id,
        "version": rule.version,
        "level": rule.level.to_string(),
        "profile": rule.profile,
        "title": rule.title,
        "text": rule.text,
        "needs": rule.needs.iter().map(|need| format!("{need:?}")).collect::<Vec<_>>(),
        "django": format!("Django: {}", rule.django),
        "page": format!("docs/spec/{}", rule.page),
    })
}
