//! The page, made of the table and of what was found, and whether each finding is explained.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use super::found;

/// What a broken rule can be.
const KINDS: [&str; 3] = ["fault", "limit", "choice"];

/// What the page is to have at least.
const STORES: usize = 20;
const FAMILIES: usize = 4;

const HEAD: &str = "\
# Published session stores

The suite was run on the stores below: in the versions given, as they are published, on their real servers, with the clock
moved. For each of them this page tells how many rules it holds, and which it does not. Each broken rule was read in the
store's source and called what it is:

- a **fault**: the store does something that its users would not expect;
- a **limit**: its interface, or what it stands on, has no room for the rule;
- a **choice**: its authors wanted it so, as its documentation or its source says.

Many of the broken rules are about the very instant at which a session ends, which hardly anybody will notice; one such
cause breaks several rules. What does not look at the end at all, or takes away somebody else's session, is another matter.
None of it says how well a store serves those who use it.

Where several processes may use a store at the same time, the suite ran two of them on one storage, so that their operations
on two sessions overlapped. What goes wrong then is chance's: such a rule may hold in one run and not in the next, and a store
that held may have been lucky. Stores that are for one process, those in Rust, and Django's engines were asked for one thing
after the other. What was seen in a source beyond that is told.

`core` are the rules that fit the sessions of every framework; `django` are all of them. Django's engines run with the
[errata that their adapter declares](django.md); those rules stand under *declared*. Rules that do not apply to a store are
not counted. [The clock of a program in Go cannot be moved](guides/clocks.md): where a store in Go reads it, the suite
waited, and could check less of what time does.

The command `cargo xtask published` runs all of it again: it installs what is pinned in `conformance/published`, runs the
suite on each store and the programs that show findings without the suite, tells what changed since the last time, and
writes this page. For Node.js, PHP, Go, Redis, memcached and PostgreSQL it says how to get what is missing.
";

/// A text of a row; one that is not there is empty.
pub(super) fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

fn all<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value[field].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The rows of the table.
pub(super) fn stores(table: &Value) -> impl Iterator<Item = &Value> {
    all(table, "stores").iter()
}

/// The programs that show a finding, each once.
pub(super) fn programs(table: &Value) -> impl Iterator<Item = &str> {
    let causes = stores(table).flat_map(|store| all(store, "causes"));
    let named: BTreeSet<&str> =
        causes.map(|cause| text(cause, "shown")).filter(|name| !name.is_empty()).collect();
    named.into_iter()
}

/// A store in a line, while the suite runs on one after the other.
pub(super) fn line(found: &Value) -> String {
    let (name, version) = (text(found, "name"), text(found, "version"));
    let broken: Vec<&str> = found::rules(found).collect();
    format!("{name} {version}: {} held, {} broken {}", found["held"], broken.len(), broken.join(" "))
}

/// The broken rules that nobody explained, explanations of rules that are not broken, and rows that did not run.
pub(super) fn unexplained(table: &Value, results: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for store in stores(table) {
        let id = text(store, "id");
        let found = &results["stores"][id];
        if found.is_null() {
            faults.push(format!("{id} did not run"));
            continue;
        }
        let causes = all(store, "causes");
        let explained: Vec<&str> =
            causes.iter().flat_map(|cause| all(cause, "rules")).filter_map(Value::as_str).collect();
        for rule in found::rules(found) {
            match explained.iter().filter(|other| **other == rule).count() {
                0 => faults
                    .push(format!("{id} breaks {rule}, and nothing says why: read its source, and add it")),
                1 => {}
                _ => faults.push(format!("{id}: {rule} is explained more than once")),
            }
        }
        let certain =
            causes.iter().filter(|cause| !is_by_chance(cause)).flat_map(|cause| all(cause, "rules"));
        for rule in certain.filter_map(Value::as_str) {
            if !found::rules(found).any(|broken| broken == rule) {
                faults.push(format!("{id}: {rule} is explained, and it is not broken any more"));
            }
        }
        for cause in causes.iter().filter(|cause| !KINDS.contains(&text(cause, "kind"))) {
            faults.push(format!("{id}: `{}` is none of {KINDS:?}", text(cause, "kind")));
        }
    }
    faults
}

/// Whether chance decides if a run sees it.
fn is_by_chance(cause: &Value) -> bool {
    cause["by_chance"].as_bool().unwrap_or_default()
}

/// What the table lacks in stores and families.
pub(super) fn too_few(table: &Value) -> Vec<String> {
    let families: BTreeSet<&str> = stores(table).map(|store| text(store, "family")).collect();
    let mut faults = Vec::new();
    if stores(table).count() < STORES {
        faults.push(format!("the table of published stores has fewer than {STORES} rows"));
    }
    if families.len() < FAMILIES {
        faults.push(format!("the table of published stores has fewer than {FAMILIES} families"));
    }
    faults
}

/// The page.
pub(super) fn page(table: &Value, results: &Value) -> String {
    let mut page = HEAD.to_owned();
    let mut put = |line: &str| writeln!(page, "{line}").unwrap_or_default();
    put("\n## The table\n");
    put("| store | version | stands on | profile | held | broken | declared | what it is |");
    put("|---|---|---|---|---|---|---|---|");
    for store in stores(table) {
        let found = &results["stores"][text(store, "id")];
        let name = match all(store, "causes") {
            [] => text(found, "name").to_owned(),
            _ => format!("[{}](#{})", text(found, "name"), text(store, "id")),
        };
        let version = match text(store, "version") {
            "" => text(found, "version"),
            pinned => pinned,
        };
        put(&format!(
            "| {name} | {version} | {} | `{}` | {} | {} | {} | {} |",
            text(store, "on"),
            text(found, "profile"),
            found["held"],
            found["broken"],
            found["declared"],
            kinds(store)
        ));
    }
    let with = results["with"].as_object().into_iter().flatten();
    let with: Vec<String> =
        with.map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or_default())).collect();
    put(&format!("\nThey ran with {}.", with.join(", ")));
    let programs = programs(table).count();
    put(&format!(
        "\nA store of one of these families is tested by its author in a few lines: the guides for [Rust](guides/traits.md) and \
         for [other languages](guides/adapter.md).\n\n{programs} findings are shown by programs of a few lines, \
         without the suite. They are in `conformance/published/shown`; the command runs them, too, and fails if one of them \
         no longer shows its finding. Rules and their clauses: [the specification](spec/lifecycle.md)."
    ));
    let mut family = "";
    for store in stores(table).filter(|store| !all(store, "causes").is_empty()) {
        if family != text(store, "family") {
            family = text(store, "family");
            put(&format!("\n## {family}"));
        }
        put(details(store, &results["stores"][text(store, "id")], results).trim_end());
    }
    page
}

/// How often a store's broken rules are what.
fn kinds(store: &Value) -> String {
    let causes = all(store, "causes");
    let found: Vec<&str> =
        KINDS.into_iter().filter(|kind| causes.iter().any(|cause| text(cause, "kind") == *kind)).collect();
    found.join(", ")
}

/// What is broken in a store, and why.
fn details(store: &Value, found: &Value, results: &Value) -> String {
    let id = text(store, "id");
    let mut lines = format!("\n<a id=\"{id}\"></a>\n\n### {}\n", text(found, "name"));
    let mut put = |line: &str| writeln!(lines, "{line}").unwrap_or_default();
    for cause in all(store, "causes") {
        let kind = text(cause, "kind");
        put(&format!("\n**A {kind}.** {} (`{}`)\n", text(cause, "text"), text(cause, "place")));
        let rules: Vec<String> =
            all(cause, "rules").iter().filter_map(Value::as_str).map(|rule| format!("`{rule}`")).collect();
        if rules.is_empty() {
            put("It was read in the source; no rule of the suite shows it there.");
            put(shown(cause, results).trim_end());
            continue;
        }
        let often = if is_by_chance(cause) { ", where chance shows it" } else { "" };
        put(&format!("Broken by it{often}: {}.", rules.join(", ")));
        let failures = all(found, "failures");
        // A rule that is broken by the trace of another one adds nothing.
        let own = failures.iter().find(|failure| {
            all(cause, "rules").contains(&failure["rule"])
                && !all(failure, "trace")
                    .first()
                    .and_then(Value::as_str)
                    .is_some_and(|line| line.starts_with("with "))
        });
        if let Some(failure) = own {
            let lines: Vec<&str> = all(failure, "trace").iter().filter_map(Value::as_str).collect();
            // What overlapped on its own cannot be made smaller.
            let what = if lines.iter().any(|line| line.starts_with("client ")) {
                "What overlapped where it broke"
            } else {
                "The smallest trace that breaks"
            };
            put(&format!("\n{what} `{}`:\n\n```text", text(failure, "rule")));
            for line in lines {
                put(line);
            }
            put("```");
        }
        let shown = shown(cause, results);
        if !shown.is_empty() {
            put(&shown);
        }
    }
    lines
}

/// The program that shows a finding without the suite, if there is one, and what it said.
fn shown(cause: &Value, results: &Value) -> String {
    match text(cause, "shown") {
        "" => String::new(),
        program => format!(
            "\nWithout the suite: [`{program}`](../conformance/published/shown/{program}) says `{}`",
            text(&results["shown"], program)
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(causes: &Value) -> Value {
        json!({ "stores": [{ "id": "tiny", "family": "small", "on": "a file", "causes": causes }] })
    }

    fn results(broken: &[&str]) -> Value {
        let failures: Vec<Value> =
            broken.iter().map(|rule| json!({ "rule": rule, "trace": ["t=0  s1.save  ok"] })).collect();
        json!({ "stores": { "tiny": { "name": "Tiny", "version": "1.0", "failures": failures } } })
    }

    #[test]
    fn a_broken_rule_without_an_explanation_is_named() {
        let cause = json!([{ "kind": "limit", "rules": ["expiry.boundary"] }]);
        assert_eq!(unexplained(&table(&cause), &results(&["expiry.boundary"])), [""; 0]);
        let faults = unexplained(&table(&cause), &results(&["expiry.boundary", "key.exact"]));
        assert!(faults[0].starts_with("tiny breaks key.exact"), "{faults:?}");
        let faults = unexplained(&table(&cause), &results(&[]));
        assert!(faults[0].contains("not broken any more"), "{faults:?}");
        let by_chance = json!([{ "kind": "limit", "rules": ["expiry.boundary"], "by_chance": true }]);
        assert_eq!(unexplained(&table(&by_chance), &results(&[])), [""; 0]);
        assert_eq!(unexplained(&table(&by_chance), &results(&["expiry.boundary"])), [""; 0]);
        let faults = unexplained(&table(&json!([])), &json!({ "stores": {} }));
        assert_eq!(faults, ["tiny did not run"]);
    }

    #[test]
    fn the_page_has_the_trace_and_what_it_is() {
        let cause = json!([{ "kind": "fault", "rules": ["key.exact"], "text": "It cuts.", "place": "get" }]);
        let page = page(&table(&cause), &results(&["key.exact"]));
        for part in ["[Tiny](#tiny)", "**A fault.** It cuts. (`get`)", "t=0  s1.save  ok", "`key.exact`"] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert_eq!(too_few(&table(&cause)).len(), 2);
    }

    #[test]
    fn what_changed_is_told() {
        let (old, new) = (results(&["key.exact"]), results(&["key.hostile"]));
        let changes = found::changes(&old, &new);
        assert_eq!(changes.len(), 2, "{changes:?}");
        assert!(changes[0].contains("now breaks key.hostile") && changes[1].contains("now holds key.exact"));
    }
}
