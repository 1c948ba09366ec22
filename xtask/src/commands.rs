//! `cargo xtask commands`: the commands that README and guides print are run as they are printed, by this gate or by another
//! one. A block of them that nobody runs is a fault, and so is one listed here that no page has.

use std::fs;
use std::path::Path;

use crate::{Ended, Failure, Services, command, files, python, services};

/// Where those are run that an author runs in a directory of their own.
const PLACE: &str = "target/commands";

/// Who runs a block.
enum Runner {
    /// This gate, in the repository.
    Here,
    /// This gate, in an author's directory, after these commands.
    Apart(&'static str),
    /// This gate, while the block before it is still running: when that answers this, and something that it then shows.
    Beside { ready: &'static str, shows: &'static str },
    /// The block after it.
    Next,
    /// Another gate of CI.
    Gate(&'static str),
    /// Nobody, for this reason.
    Nobody(&'static str),
}

use Runner::{Apart, Beside, Gate, Here, Next, Nobody};

/// A block of commands in a document.
struct Block {
    page: &'static str,
    /// How it begins.
    begins: &'static str,
    runner: Runner,
}

const fn block(page: &'static str, begins: &'static str, runner: Runner) -> Block {
    Block { page, begins, runner }
}

/// The guide on clocks starts the first; the second tells when it is there.
const REDIS: [&str; 2] = ["redis-server", "redis-cli"];

const REDIS_REMEDY: &str =
    "there is no redis-server or no redis-cli; on Debian: apt-get install redis-server";

/// The report that a pull request is compared with, and its own.
const REPORTS: &str =
    "sessionspec run --cmd 'python3 adapter.py' --cases 50 --report json=main.json --report json=report.json";

static BLOCKS: [Block; 24] = [
    block("README.md", "cargo sessionspec run ", Gate("suite")),
    block("README.md", "cargo sessionspec doctor --cmd 'python3", Here),
    block("README.md", "cargo sessionspec http", Gate("http")),
    block("README.md", "export SECRET_KEY=…", Gate("tests")),
    block(
        "conformance/published/README.md",
        "cargo xtask published",
        Nobody("it needs the network, and minutes"),
    ),
    block("docs/guides/adapter.md", "cargo sessionspec new node", Gate("new")),
    block("docs/guides/adapter.md", "npm install", Gate("adapters")),
    block("docs/guides/adapter.md", "cd conformance/adapters/go", Gate("adapters")),
    block("docs/guides/adapter.md", "cargo sessionspec doctor --cmd 'python3", Here),
    block("docs/guides/adapter.md", "python3 adapter.py <", Gate("tests")),
    block("docs/guides/beside-django.md", "export SECRET_KEY=…", Gate("django 6.1")),
    block(
        "docs/guides/ci.md",
        "sessionspec run --cmd 'python3 adapter.py' --known-failures known.json --update",
        Apart(""),
    ),
    block(
        "docs/guides/ci.md",
        "sessionspec run --cmd 'python3 adapter.py' --known-failures known.json",
        Apart(""),
    ),
    block("docs/guides/ci.md", "sessionspec diff main.json report.json", Apart(REPORTS)),
    block("docs/guides/ci.md", "sessionspec badge report.json", Apart("")),
    block("docs/guides/ci.md", "SUBJECT_CMD='python3 adapter.py'", Apart("")),
    block("docs/guides/clocks.md", "cargo sessionspec-servers run --store redis:", Gate("services")),
    block("docs/guides/clocks.md", "cargo sessionspec-servers run --store 'postgres:?", Gate("services")),
    block("docs/guides/clocks.md", "cargo sessionspec clock", Next),
    block(
        "docs/guides/clocks.md",
        "export SESSIONSPEC_CLOCK=/tmp/clock",
        Beside { ready: "redis-cli -p 7000 ping", shows: "; clock moved" },
    ),
    block("docs/guides/http.md", "cargo sessionspec http", Gate("http")),
    block("docs/guides/rust-store.md", "cargo sessionspec new rust", Gate("new")),
    block("docs/guides/rust-store.md", "cargo test", Gate("author")),
    block("docs/guides/web.md", "cargo run -p session-backends --example visits", Gate("browser")),
];

/// Runs what is to be run here.
pub(crate) fn run(root: &Path, policy: Services) -> Result<Ended, Failure> {
    let pages = pages(root)?;
    let faults = unlisted(&pages).chain(stale(&pages)).collect::<Vec<_>>();
    if !faults.is_empty() {
        return Err(Failure::many("commands", faults));
    }
    let missing = python::find(python::OLDEST).err();
    let lacks = REDIS.iter().any(|program| services::find(&[program]).is_none());
    let missing = missing.or_else(|| lacks.then(|| REDIS_REMEDY.into()));
    if let Some(missing) = missing {
        return policy.without("commands", missing);
    }
    command::build(root)?;
    let apart = author(root)?;
    let mut server = String::new();
    for (page, text) in pages.iter().flat_map(|(page, blocks)| blocks.iter().map(move |text| (page, text))) {
        let Some(one) = listed(page, text) else { continue };
        println!("{page}:\n{text}");
        // The aliases build the program first; it is built already, with other features.
        let lines = text.replace("cargo sessionspec-servers ", "sessionspec ");
        let lines = lines.replace("cargo sessionspec ", "sessionspec ");
        match one.runner {
            Here => drop(command::shell(root, root, &format!("set -eu\n{lines}"))?),
            Apart(before) => drop(command::shell(root, &apart, &format!("set -eu\n{before}\n{lines}"))?),
            Next => server = lines,
            Beside { ready, shows } => {
                let server = format!(
                    "! {ready} || {{ echo 'something answers `{ready}` already' >&2; exit 1; }}\n\
                     {server} &\n\
                     trap \"kill $!\" EXIT\n\
                     until {ready}; do kill -0 $!; sleep 0.1; done"
                );
                let shown = command::shell(root, &apart, &format!("set -eu\n{server}\n{lines}"))?;
                if !shown.contains(shows) {
                    return Err(Failure::one(
                        "commands",
                        format!("{page}: `{shows}` is not shown:\n{shown}"),
                    ));
                }
            }
            Gate(other) => println!("(run by the gate `{other}`)"),
            Nobody(reason) => println!("(not run: {reason})"),
        }
    }
    Ok(Ended::Passed)
}

/// The directory of the author of a store in Python, who has the action beside it.
fn author(root: &Path) -> Result<std::path::PathBuf, Failure> {
    let place = root.join(PLACE);
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(place.join("action"))?;
    for (from, to) in [(python::ADAPTER, "adapter.py"), ("action/check.sh", "action/check.sh")] {
        fs::copy(root.join(from), place.join(to))?;
    }
    Ok(place)
}

/// The pages that have commands, each with its blocks of them.
fn pages(root: &Path) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let mut pages = Vec::new();
    for page in files::tracked(root, &["md"])? {
        let blocks: Vec<String> = blocks(&fs::read_to_string(root.join(&page))?).collect();
        if !blocks.is_empty() {
            pages.push((page.to_string_lossy().into_owned(), blocks));
        }
    }
    Ok(pages)
}

/// The blocks of commands in a text.
fn blocks(text: &str) -> impl Iterator<Item = String> {
    let rests = text.split("\n```sh\n").skip(1);
    rests.map(|rest| rest.split("\n```").next().unwrap_or_default().to_owned())
}

/// The entry for a block: the one that says most of how it begins.
fn listed(page: &str, text: &str) -> Option<&'static Block> {
    let fits = BLOCKS.iter().filter(|one| one.page == page && text.starts_with(one.begins));
    fits.max_by_key(|one| one.begins.len())
}

fn unlisted(pages: &[(String, Vec<String>)]) -> impl Iterator<Item = String> {
    let each = pages.iter().flat_map(|(page, blocks)| blocks.iter().map(move |text| (page, text)));
    each.filter(|(page, text)| listed(page, text).is_none()).map(|(page, text)| {
        let first = text.lines().next().unwrap_or_default();
        format!("{page}: nobody runs `{first}`; list it in xtask/src/commands.rs")
    })
}

fn stale(pages: &[(String, Vec<String>)]) -> impl Iterator<Item = String> {
    let each = pages.iter().flat_map(|(page, blocks)| blocks.iter().map(move |text| (page, text)));
    let used: Vec<&Block> = each.filter_map(|(page, text)| listed(page, text)).collect();
    let gone = BLOCKS.iter().filter(move |one| !used.iter().any(|used| std::ptr::eq(*used, *one)));
    gone.map(|one| format!("xtask/src/commands.rs lists `{}`, which {} does not have", one.begins, one.page))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci;

    #[test]
    fn the_longest_beginning_is_the_entry_of_a_block() {
        let of = |text: &str| listed("docs/guides/ci.md", text).map(|one| one.begins.ends_with("--update"));
        let line = "sessionspec run --cmd 'python3 adapter.py' --known-failures known.json";
        assert_eq!(of(&format!("{line} --update")), Some(true));
        assert_eq!(of(line), Some(false));
        assert_eq!(of("sessionspec run --cmd 'node adapter.mjs'"), None);
    }

    #[test]
    fn a_gate_that_runs_a_block_is_one_of_ci() {
        for one in &BLOCKS {
            if let Gate(name) = one.runner {
                assert!(ci::names().any(|gate| gate == name), "{name}");
            }
        }
    }

    #[test]
    fn blocks_are_only_those_of_commands() {
        let text = "a\n```sh\nb\nc\n```\n```rust\nd\n```\n\n```sh\ne\n```\n";
        assert_eq!(blocks(text).collect::<Vec<_>>(), ["b\nc", "e"]);
    }

    #[test]
    fn a_block_that_nobody_runs_is_told_and_so_is_an_entry_without_one() {
        let pages = [("README.md".to_owned(), vec!["rm -rf x\ny".to_owned()])];
        assert_eq!(
            unlisted(&pages).collect::<Vec<_>>(),
            ["README.md: nobody runs `rm -rf x`; list it in xtask/src/commands.rs"]
        );
        assert_eq!(stale(&pages).count(), BLOCKS.len());
    }
}
