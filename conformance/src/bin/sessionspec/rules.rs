//! `sessionspec rules`: what the rules say.

use session_conformance::rule::{Django, Rule, RuleId};
use session_conformance::suite::matches;

use crate::Finding;

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
            println!("{:#}", serde_json::Value::from(rules));
        }
        ([rule], Format::Text) if rule.id == arguments.glob => explain(rule),
        (rules, Format::Text) => {
            for rule in rules {
                println!("{:44} {:6} {}", rule.id, rule.level, rule.title);
            }
        }
    }
    Ok(Finding::Held)
}

fn explain(rule: &Rule) {
    println!("r[{}]  {}  version {}\n", rule.id, rule.level, rule.version);
    println!("{}.", rule.title);
    if !rule.text.is_empty() {
        println!("\n{}", rule.text);
    }
    if !rule.needs.is_empty() {
        let needs: Vec<String> = rule.needs.iter().map(|need| format!("{need:?}")).collect();
        println!("\nApplies to subjects with: {}", needs.join(", "));
    }
    println!("\n{}", django(rule.django));
    println!("\nSpecification: docs/spec/{}#{}", rule.page, rule.id);
    if rule.golden.is_empty() {
        println!("Checked on the table of requests: conformance/tables/middleware.jsonl");
    } else {
        println!("Golden trace:\n{}", rule.golden);
    }
}

fn django(django: Django) -> String {
    match django {
        Django::Same("") => "Django: same.".into(),
        Django::Same(remark) => format!("Django: same, {remark}."),
        Django::Differs(reason) => format!("Django: differs, because {reason}."),
        Django::Silent(reason) => format!("Django: silent, because {reason}."),
    }
}

fn json(rule: &Rule) -> serde_json::Value {
    serde_json::json!({
        "id": rule.id,
        "version": rule.version,
        "level": rule.level.to_string(),
        "title": rule.title,
        "text": rule.text,
        "needs": rule.needs.iter().map(|need| format!("{need:?}")).collect::<Vec<_>>(),
        "django": django(rule.django),
        "page": format!("docs/spec/{}", rule.page),
    })
}
