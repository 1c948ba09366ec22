//! `cargo xtask spec`: the specification and the code hold together, both ways.
//!
//! - Each clause in `docs/spec/*.md` is well formed, and no id stands twice.
//! - `conformance/src/rules.rs` is what the clauses say (`--write` makes it).
//! - Each rule about stores has a golden trace, and each golden trace a rule. (That each rule about
//!   applications has a case in the table of requests is a test of the conformance crate.)
//! - Each `r[…]` in the code and the documents names a rule that exists.
//! - A clause whose text changed has a new version: `docs/spec/rules.lock` holds a hash of each, and
//!   `docs/spec/versions.md` says what changed.
//! - The READMEs say how many rules there are.
//! - Above each clause stands the anchor to which links lead (`--write` puts it there).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Failure;

const RULES: &str = "conformance/src/rules.rs";
const GOLDEN: &str = "conformance/golden";
const LOCK: &str = "docs/spec/rules.lock";

/// The page that says what each version of a rule changed.
const VERSIONS: &str = "docs/spec/versions.md";

/// The page whose rules are about applications: they have no trace, and are checked on a table of requests.
const MIDDLEWARE: &str = "middleware.md";

/// The page about what overlaps and fails: its rules have golden schedules.
const SCHEDULES: &str = "concurrency.md";

/// A clause of the specification.
#[derive(Debug)]
struct Clause {
    id: String,
    version: u16,
    title: String,
    level: String,
    /// Whether it is meant for the stores of every framework.
    core: bool,
    needs: Vec<String>,
    text: String,
    django: String,
    page: String,
}

/// What is done with the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is checked.
    Check,
    /// `rules.rs` and the lock file are made first.
    Write,
    /// As [`Write`](Mode::Write); a clause with another text and the same version means what it meant.
    Reword,
}

/// Checks the specification.
pub(crate) fn run(root: &Path, mode: Mode) -> Result<(), Failure> {
    let clauses = read_clauses(root)?;
    let mut faults = Vec::new();
    check_anchors(root, mode, &mut faults)?;
    check_versions(root, &clauses, &mut faults)?;
    check_golden(root, &clauses, &mut faults)?;
    check_references(root, &clauses, &mut faults)?;
    check_lock(root, &clauses, mode, &mut faults)?;
    check_numbers(root, &clauses, &mut faults)?;
    let rules = rustfmt(&rules_source(&clauses)?)?;
    let path = root.join(RULES);
    if mode != Mode::Check && faults.is_empty() {
        fs::write(&path, &rules)?;
    } else if fs::read_to_string(&path).unwrap_or_default() != rules {
        faults.push(format!("{RULES} is not what docs/spec says: run `cargo xtask spec --write`"));
    }
    if faults.is_empty() {
        println!("spec: {} rules", clauses.len());
        Ok(())
    } else {
        Err(Failure::many("spec", faults))
    }
}

/// The pages of the specification, in the order of the book.
fn pages(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let summary = fs::read_to_string(root.join("docs/SUMMARY.md"))?;
    let listed = summary.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    Ok(listed.filter(|link| link.starts_with("spec/")).map(|link| root.join("docs").join(link)).collect())
}

fn read_clauses(root: &Path) -> Result<Vec<Clause>, Failure> {
    let mut clauses: Vec<Clause> = Vec::new();
    let mut faults = Vec::new();
    for path in pages(root)? {
        let page = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path)
            .map_err(|e| Failure::one("spec", format!("{}: {e}", path.display())))?;
        for (line, result) in parse_page(&page, &text) {
            match result {
                Ok(clause) if clauses.iter().any(|other| other.id == clause.id) => {
                    faults.push(format!("docs/spec/{page}:{line}: r[{}] stands twice", clause.id));
                }
                Ok(clause) => clauses.push(clause),
                Err(reason) => faults.push(format!("docs/spec/{page}:{line}: {reason}")),
            }
        }
    }
    // Those about stores come first, then those on what overlaps and fails.
    clauses.sort_by_key(|clause| match clause.page.as_str() {
        SCHEDULES => 1,
        MIDDLEWARE => 2,
        _ => 0,
    });
    if faults.is_empty() { Ok(clauses) } else { Err(Failure::many("spec", faults)) }
}

/// The clauses of a page, each with the number of its first line.
fn parse_page(page: &str, text: &str) -> Vec<(usize, Result<Clause, String>)> {
    let lines: Vec<&str> = text.lines().collect();
    let starts: Vec<usize> = (0..lines.len()).filter(|i| lines[*i].starts_with("r[")).collect();
    starts
        .iter()
        .map(|&start| {
            let end = (start + 1..lines.len())
                .find(|i| ["r[", "#", ANCHOR].iter().any(|other| lines[*i].starts_with(other)))
                .unwrap_or(lines.len());
            (start + 1, parse_clause(page, lines[start], &lines[start + 1..end]))
        })
        .collect()
}

fn parse_clause(page: &str, marker: &str, body: &[&str]) -> Result<Clause, String> {
    let name = marker
        .strip_prefix("r[")
        .and_then(|m| m.strip_suffix(']'))
        .ok_or("a marker is `r[id]` alone on its line")?;
    let (id, version) = match name.split_once('+') {
        Some((id, version)) => {
            (id, version.parse().map_err(|_| format!("r[{name}]: `{version}` is no version"))?)
        }
        None => (name, 1),
    };
    let well_named = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if !id.contains('.') || !id.split('.').all(well_named) {
        return Err(format!("r[{id}]: an id is area.topic or area.topic.name, in lower case with dashes"));
    }
    let head = body.first().copied().unwrap_or_default();
    let (title, rest) = head
        .strip_prefix("**")
        .and_then(|head| head.split_once("**"))
        .ok_or_else(|| format!("r[{id}]: the line after the marker is `**One sentence.** MUST`"))?;
    let mut parts = rest.split('·').map(str::trim);
    let level = parts.next().unwrap_or_default().to_owned();
    if !["MUST", "SHOULD", "MAY"].contains(&level.as_str()) {
        return Err(format!("r[{id}]: `{level}` is not MUST, SHOULD or MAY"));
    }
    let mut parts = parts.peekable();
    let core = parts.next_if_eq(&"core").is_some();
    let needs = match parts.next() {
        None => Vec::new(),
        Some(needs) => needs
            .strip_prefix("needs ")
            .ok_or_else(|| {
                format!("r[{id}]: after the level comes `· core` or `· needs `capability``, not `{needs}`")
            })?
            .split(',')
            .map(|need| need.trim().trim_matches('`').to_owned())
            .collect(),
    };
    let body = body[1..].join("\n");
    let at =
        body.find("\nDjango: ").ok_or_else(|| format!("r[{id}]: the clause ends with a line `Django: …`"))?;
    let (text, django) = body.split_at(at);
    let django = django.trim().trim_start_matches("Django: ").replace('\n', " ");
    Ok(Clause {
        id: id.into(),
        version,
        title: title.trim().trim_end_matches('.').into(),
        level,
        core,
        needs,
        text: text.trim().into(),
        django: django.trim_end_matches('.').into(),
        page: page.into(),
    })
}

/// How the line above a clause begins.
const ANCHOR: &str = "<a id=";

/// A page with an anchor above each of its clauses, and none elsewhere.
fn anchored(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines().filter(|line| !line.starts_with(ANCHOR)) {
        let name = line.strip_prefix("r[").and_then(|rest| rest.split([']', '+']).next());
        if let Some(id) = name {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{ANCHOR}\"{id}\"></a>");
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// A link to a clause leads to it, wherever the Markdown is shown: `docs/spec/keys.md#key.short`.
fn check_anchors(root: &Path, mode: Mode, faults: &mut Vec<String>) -> Result<(), Failure> {
    for path in pages(root)? {
        let text = fs::read_to_string(&path)?;
        let wanted = anchored(&text);
        if mode == Mode::Check && text != wanted {
            let page = path.file_name().unwrap_or_default().to_string_lossy();
            faults.push(format!(
                "docs/spec/{page}: above each rule stands its anchor, and none elsewhere: run `cargo xtask spec --write`"
            ));
        } else if text != wanted {
            fs::write(&path, wanted)?;
        }
    }
    Ok(())
}

/// Each version of a rule but the first has its line `| [id](page#id) | version | what changed |`, in order.
fn check_versions(root: &Path, clauses: &[Clause], faults: &mut Vec<String>) -> Result<(), Failure> {
    let text = fs::read_to_string(root.join(VERSIONS))?;
    let mut lines: BTreeMap<&str, Vec<u16>> = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with("| [")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let id = cells[0].trim_start_matches('[').split(']').next().unwrap_or_default();
        match cells[..] {
            [_, version, changed] if version.parse::<u16>().is_ok() && !changed.is_empty() => {
                lines.entry(id).or_default().push(version.parse().unwrap_or_default());
            }
            _ => faults.push(format!("{VERSIONS}:{}: not `rule | version | what changed`", number + 1)),
        }
    }
    for clause in clauses {
        let told = lines.remove(clause.id.as_str()).unwrap_or_default();
        if told != (2..=clause.version).collect::<Vec<_>>() {
            faults.push(format!(
                "r[{}] has version {}, and {VERSIONS} tells of {told:?}: each from 2 on has a line there that says what \
                 changed",
                clause.id, clause.version
            ));
        }
    }
    faults.extend(lines.into_keys().map(|id| format!("{VERSIONS}: there is no rule r[{id}]")));
    Ok(())
}

fn check_golden(root: &Path, clauses: &[Clause], faults: &mut Vec<String>) -> Result<(), Failure> {
    let mut files: BTreeSet<String> = BTreeSet::new();
    for entry in fs::read_dir(root.join(GOLDEN))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        match name.strip_suffix(".jsonl") {
            Some(id) => drop(files.insert(id.to_owned())),
            None => faults.push(format!("{GOLDEN}/{name}: not a golden trace")),
        }
    }
    for clause in clauses.iter().filter(|clause| clause.page != MIDDLEWARE) {
        if !files.remove(&clause.id) {
            faults.push(format!("r[{}] has no golden trace: write {GOLDEN}/{}.jsonl", clause.id, clause.id));
        }
    }
    faults.extend(files.into_iter().map(|id| format!("{GOLDEN}/{id}.jsonl: there is no rule r[{id}]")));
    Ok(())
}

/// Every `r[…]` in documents, sources and adapters names a rule.
fn check_references(root: &Path, clauses: &[Clause], faults: &mut Vec<String>) -> Result<(), Failure> {
    let known: BTreeSet<&str> = clauses.iter().map(|clause| clause.id.as_str()).collect();
    for path in crate::files::tracked(root, &["md", "rs", "py"])? {
        let text = fs::read_to_string(root.join(&path))?;
        for (number, line) in text.lines().enumerate() {
            for reference in
                line.split("r[").skip(1).filter_map(|rest| rest.split_once(']').map(|(id, _)| id))
            {
                let id = reference.split('+').next().unwrap_or_default();
                let is_id = id.contains('.')
                    && id
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-');
                if is_id && !known.contains(id) && !id.starts_with("area.") {
                    faults.push(format!("{}:{}: there is no rule r[{id}]", path.display(), number + 1));
                }
            }
        }
    }
    Ok(())
}

/// The lock file holds `id version hash`, a line per rule. A changed text needs a new version; the id of
/// a rule that was removed may not be used again, so removing one is an error too.
fn check_lock(root: &Path, clauses: &[Clause], mode: Mode, faults: &mut Vec<String>) -> Result<(), Failure> {
    let path = root.join(LOCK);
    let locked = fs::read_to_string(&path).unwrap_or_default();
    let mut old: BTreeMap<&str, (u16, &str)> = BTreeMap::new();
    for (number, line) in locked.lines().enumerate() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            [id, version, hash] if version.parse::<u16>().is_ok() => {
                old.insert(id, (version.parse().unwrap_or_default(), hash));
            }
            _ => faults.push(format!("{LOCK}:{}: not `id version hash`", number + 1)),
        }
    }
    let mut new = String::new();
    for clause in clauses {
        let hash = clause.hash();
        match old.remove(clause.id.as_str()) {
            Some((version, locked))
                if locked != hash && clause.version <= version && mode != Mode::Reword =>
            {
                faults.push(format!(
                    "r[{}] says something else than version {version} did: write r[{}+{}] above it, then `cargo xtask spec --write`; \
                     or `--write --reworded` if it means the same in other words",
                    clause.id,
                    clause.id,
                    version + 1
                ));
            }
            Some((version, _)) if clause.version < version => {
                faults.push(format!(
                    "r[{}]: version {} is older than the locked {version}",
                    clause.id, clause.version
                ));
            }
            Some((_, locked)) if locked == hash => {}
            _ if mode != Mode::Check => {}
            _ => faults.push(format!(
                "r[{}] is new or has a new version: run `cargo xtask spec --write`",
                clause.id
            )),
        }
        // Writing to a String cannot fail.
        let _ = writeln!(new, "{} {} {hash}", clause.id, clause.version);
    }
    faults.extend(
        old.into_keys()
            .map(|id| format!("r[{id}] is gone: ids are stable for ever; keep the clause, or mark it MAY")),
    );
    if mode != Mode::Check && faults.is_empty() {
        fs::write(path, new)?;
    }
    Ok(())
}

/// The pages that a newcomer reads first say how many rules there are.
fn check_numbers(root: &Path, clauses: &[Clause], faults: &mut Vec<String>) -> Result<(), Failure> {
    let of = |page: &str| clauses.iter().filter(|clause| clause.page == page).count();
    let (all, overlapping, applications) = (clauses.len(), of(SCHEDULES), of(MIDDLEWARE));
    let stores = all - overlapping - applications;
    let first = format!("{all} rules on how sessions behave");
    let parts = format!("{all} rules: {stores} about stores, {overlapping} about concurrency,");
    let told = [
        ("README.md", first.clone()),
        ("README.md", parts),
        ("README.md", format!("and {applications} about applications")),
        ("conformance/README.md", first),
    ];
    for (page, words) in told {
        if !fs::read_to_string(root.join(page))?.contains(&words) {
            faults.push(format!("{page} does not say `{words}`, and so it is"));
        }
    }
    Ok(())
}

impl Clause {
    fn hash(&self) -> String {
        let meaning = [&self.title, &self.level, &self.needs.join(","), &self.text, &self.django]
            .map(String::as_str)
            .join("\n");
        let words: Vec<&str> = meaning.split_whitespace().collect();
        let digest = Sha256::digest(words.join(" "));
        digest.iter().take(8).fold(String::new(), |mut hash, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hash, "{byte:02x}");
            hash
        })
    }

    fn django(&self) -> Result<String, String> {
        let remark = |kind: &str| -> Option<String> {
            let rest = self.django.strip_prefix(kind)?;
            let rest = rest.trim_start_matches(',').trim().trim_start_matches("because").trim();
            Some(rest.to_owned())
        };
        if let Some(remark) = remark("same") {
            Ok(format!("Django::Same({remark:?})"))
        } else if let Some(reason) = remark("differs").filter(|reason| !reason.is_empty()) {
            Ok(format!("Django::Differs({reason:?})"))
        } else if let Some(reason) = remark("silent").filter(|reason| !reason.is_empty()) {
            Ok(format!("Django::Silent({reason:?})"))
        } else {
            Err(format!(
                "r[{}]: `Django: same`, `differs, because …` or `silent, because …`, not `{}`",
                self.id, self.django
            ))
        }
    }
}

fn camel(kebab: &str) -> String {
    kebab.split('-').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

fn rules_source(clauses: &[Clause]) -> Result<String, Failure> {
    let mut out = String::from(
        "//! The rules of the specification. Made from `docs/spec/` by `cargo xtask spec --write`; not to be edited.\n\n\
         use crate::rule::{Django, Level, Need, Profile, Rule, RuleId};\n\n\
         /// Every rule, in the order of the specification.\n\
         pub static RULES: &[Rule] = &[\n",
    );
    let schedules = clauses.iter().filter(|clause| clause.page == SCHEDULES).count();
    let stores = clauses.iter().filter(|clause| ![SCHEDULES, MIDDLEWARE].contains(&&*clause.page)).count();
    let mut constants = format!(
        "/// How many of them, the first ones, are about stores.\n\
         pub(crate) const STORES: usize = {stores};\n\n\
         /// How many, behind those, are about what overlaps and fails; the others are about applications.\n\
         pub(crate) const SCHEDULES: usize = {schedules};\n\n"
    );
    for (index, clause) in clauses.iter().enumerate() {
        let django = clause.django().map_err(|fault| Failure::one("spec", fault))?;
        let golden = match clause.page.as_str() {
            MIDDLEWARE => "\"\"".into(),
            _ => format!("include_str!(\"../golden/{}.jsonl\")", clause.id),
        };
        let needs: Vec<String> = clause.needs.iter().map(|need| format!("Need::{}", camel(need))).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "Rule {{ id: {:?}, version: {}, level: Level::{}, profile: Profile::{}, needs: &[{}], title: {:?}, text: {:?}, django: {django}, \
             page: {:?}, golden: {golden} }},",
            clause.id,
            clause.version,
            camel(&clause.level.to_lowercase()),
            if clause.core { "Core" } else { "Django" },
            needs.join(", "),
            clause.title,
            clause.text,
            clause.page,
        );
        let name = clause.id.to_uppercase().replace(['.', '-'], "_");
        let _ = writeln!(
            constants,
            "/// `r[{}]`: {}.\npub const {name}: RuleId = RuleId({index});",
            clause.id, clause.title
        );
    }
    out.push_str("];\n\n");
    out.push_str(&constants);
    Ok(out)
}

/// The source as rustfmt leaves it, so that the generated file passes the format gate.
fn rustfmt(source: &str) -> Result<String, Failure> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("rules.rs");
    fs::write(&path, source)?;
    let config = "max_width=110,use_small_heuristics=Max";
    crate::command::run(
        std::process::Command::new("rustfmt").args(["--edition", "2024", "--config", config]).arg(&path),
    )?;
    Ok(fs::read_to_string(&path)?)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const CLAUSE: &str = "# Page\n\nr[area.b+2]\n**It holds.** MUST · core · needs `shared`, `sweeps`\n\nText.\n\nDjango: differs, because it\ndoes not.\n\n## Next\n";

    #[test]
    fn a_clause_is_read_with_all_its_parts() {
        let (line, clause) = parse_page("p.md", CLAUSE).remove(0);
        let clause = clause.unwrap();
        assert_eq!(line, 3);
        assert_eq!((clause.id.as_str(), clause.version, clause.level.as_str()), ("area.b", 2, "MUST"));
        assert_eq!((clause.title.as_str(), clause.text.as_str()), ("It holds", "Text."));
        assert!(clause.core);
        assert_eq!(clause.needs, ["shared", "sweeps"]);
        assert_eq!(clause.django().unwrap(), "Django::Differs(\"it does not\")");
    }

    #[rstest]
    #[case("r[area.b", "marker")]
    #[case("r[Ab]", "lower case")]
    #[case("r[area.b+x]", "no version")]
    fn a_bad_marker_is_named(#[case] marker: &str, #[case] part: &str) {
        let text = CLAUSE.replace("r[area.b+2]", marker);
        let fault = parse_page("p.md", &text).remove(0).1.unwrap_err();
        assert!(fault.contains(part), "{fault}");
    }

    #[rstest]
    #[case("MUST", "OUGHT", "is not MUST")]
    #[case("**It holds.**", "It holds.", "One sentence")]
    #[case("Django: ", "Rails: ", "ends with a line")]
    #[case("needs ", "wants ", "after the level")]
    fn a_bad_clause_is_named(#[case] from: &str, #[case] to: &str, #[case] part: &str) {
        let fault = parse_page("p.md", &CLAUSE.replace(from, to)).remove(0).1.unwrap_err();
        assert!(fault.contains(part), "{fault}");
    }

    #[test]
    fn a_page_is_given_the_anchors_that_its_clauses_lack() {
        let anchored = anchored(CLAUSE);
        assert!(anchored.contains("\n\n<a id=\"area.b\"></a>\nr[area.b+2]\n"), "{anchored}");
        assert_eq!(super::anchored(&anchored), anchored);
        let stray = anchored.replace("Text.", "Text.\n<a id=\"area.b\"></a>");
        assert_eq!(super::anchored(&stray), anchored);
    }

    #[test]
    fn an_anchor_ends_the_clause_before_it() {
        let two = anchored(
            &format!("{CLAUSE}\nr[area.c]\n**It too.** MAY\n\nDjango: same.\n").replace("\n## Next\n", ""),
        );
        let clauses = parse_page("p.md", &two);
        assert_eq!(clauses.len(), 2);
        assert_eq!(clauses[0].1.as_ref().unwrap().django, "differs, because it does not");
    }

    #[test]
    fn the_hash_sees_words_and_not_line_breaks() {
        let clause = |text: &str| parse_page("p.md", text).remove(0).1.unwrap().hash();
        assert_eq!(clause(CLAUSE), clause(&CLAUSE.replace("it\ndoes", "it does")));
        assert_ne!(clause(CLAUSE), clause(&CLAUSE.replace("Text.", "Other text.")));
        assert_ne!(clause(CLAUSE), clause(&CLAUSE.replace("MUST", "SHOULD")));
    }
}
