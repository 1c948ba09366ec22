//! What the suite found in a store, as it is kept, and what changed.

use serde_json::{Value, json};

/// How a rule ended that was broken.
const BROKEN: [&str; 3] = ["fail", "timeout", "crash"];

/// What is kept of a report with one subject, and of what the suite said beside it: there are the traces as people read
/// them.
pub(super) fn summary(report: &Value, said: &str) -> Value {
    let subject = &report["subjects"][0];
    let all = subject["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rules: Vec<&Value> = all.iter().filter(|rule| rule["about"] == "store").collect();
    let count = |statuses: &[&str]| {
        rules.iter().filter(|rule| statuses.iter().any(|status| rule["status"] == *status)).count()
    };
    let broken = rules.iter().filter(|rule| BROKEN.iter().any(|status| rule["status"] == *status));
    let failures: Vec<Value> = broken
        .map(|rule| {
            let id = rule["id"].as_str().unwrap_or_default();
            json!({ "rule": id, "status": rule["status"], "trace": trace(said, id, rule) })
        })
        .collect();
    let clocks = rules.iter().filter_map(|rule| rule["clock"].as_str());
    json!({
        "name": subject["name"],
        "version": subject["version"],
        "profile": subject["profile"],
        "clock": clocks.max().unwrap_or_default(),
        "held": count(&["pass"]),
        "declared": count(&["expected-fail"]),
        "broken": failures.len(),
        "not_applicable": count(&["not-applicable"]),
        "failures": failures,
    })
}

/// The smallest trace that shows it. A rule that is broken by the trace of another one names that one.
fn trace(said: &str, id: &str, rule: &Value) -> Vec<String> {
    // Whatever word is before it: `FAIL`, `TIMEOUT` or `CRASH`.
    let name = format!("r[{id}]");
    let block = said.lines().skip_while(|line| line.split(' ').nth(1) != Some(&name)).skip(2);
    let steps: Vec<String> = block
        .take_while(|line| line.starts_with("    "))
        .map(|line| line[4..].trim_end().to_owned())
        .collect();
    if !steps.is_empty() {
        return steps;
    }
    let reason = rule["reason"].as_str().unwrap_or_default();
    if let Some((other, _)) = reason.split_once("broken with r[").and_then(|(_, rest)| rest.split_once(']')) {
        return vec![format!("with {other}")];
    }
    let steps = rule["trace"].as_str().unwrap_or_default().lines().skip(1).map(str::to_owned);
    steps.chain(reason.lines().next().map(str::to_owned)).collect()
}

/// What is not as it was, a line each.
pub(super) fn changes(old: &Value, new: &Value) -> Vec<String> {
    let empty = serde_json::Map::new();
    let (before, after) =
        (old["stores"].as_object().unwrap_or(&empty), new["stores"].as_object().unwrap_or(&empty));
    let mut changes = Vec::new();
    for (id, store) in after {
        let Some(was) = before.get(id) else {
            changes.push(format!("{id}: new"));
            continue;
        };
        for field in ["version", "clock", "held", "declared", "not_applicable"] {
            if was[field] != store[field] {
                changes.push(format!("{id}: {field} was {}, is {}", was[field], store[field]));
            }
        }
        for rule in rules(store).filter(|rule| !rules(was).any(|other| other == *rule)) {
            changes.push(format!("{id}: now breaks {rule}"));
        }
        for rule in rules(was).filter(|rule| !rules(store).any(|other| other == *rule)) {
            changes.push(format!("{id}: now holds {rule}, or it is no longer checked"));
        }
    }
    changes.extend(before.keys().filter(|id| !after.contains_key(*id)).map(|id| format!("{id}: gone")));
    changes
}

/// The rules that a store breaks.
pub(super) fn rules(store: &Value) -> impl Iterator<Item = &str> {
    let failures = store["failures"].as_array().map(Vec::as_slice).unwrap_or_default();
    failures.iter().filter_map(|failure| failure["rule"].as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_of_a_broken_rule_is_the_one_that_the_suite_showed() {
        let said = "TIMEOUT r[middleware.log-out]  MUST  It holds\n  store tiny · 2 steps\n    s1 = new\n    s1.save   timeout        <- here\n  \
                    why:    no answer\n\nFAIL r[middleware.log-out.final]  MUST  It too\n  store tiny · 1 step\n    s1 = new   <- here\n  spec:   x\n";
        let lines =
            |id| trace(said, id, &json!({ "reason": "broken with r[middleware.log-out]: no answer" }));
        assert_eq!(lines("middleware.log-out"), ["s1 = new", "s1.save   timeout        <- here"]);
        assert_eq!(lines("middleware.log-out.final"), ["s1 = new   <- here"]);
        assert_eq!(lines("middleware"), ["with middleware.log-out"]);
    }
}
