//! The documents as a site: `docs/` as mdBook shows it, and with each rule what is known of it beside its words. A
//! program of its own, so that the gates which need no site do not wait for mdBook to be built. `cargo xtask book` runs
//! it, at the root of the repository.
//!
//! - `main.rs`: makes the site
//! - `clause.rs`: a rule as a section with a heading
//! - `facts.rs`: what the documents and a report tell of each rule
//! - `links.rs`: links for readers who have the site and not the repository
//! - `check.rs`: what must be so of the site

mod check;
mod clause;
mod facts;
mod links;

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use mdbook_driver::MDBook;
use session_conformance::report::{TIMELINE_STYLE, Written};
use tracing_subscriber::filter::LevelFilter;

use facts::Facts;

const DOCS: &str = "docs";

/// Makes the site of the specification and checks it
#[derive(Parser)]
#[command(name = "book")]
struct Arguments {
    /// The report that tells which stores hold a rule, in JSON
    #[arg(long, value_name = "FILE")]
    report: PathBuf,
    /// The directory to write; what is in it goes
    #[arg(long, value_name = "DIRECTORY")]
    to: PathBuf,
}

fn main() -> ExitCode {
    // What mdBook does not like of a page, and shows all the same.
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(std::io::stderr).init();
    match make(&Arguments::parse()) {
        Ok(told) => {
            println!("{told}");
            ExitCode::SUCCESS
        }
        Err(faults) => {
            eprintln!("{}", faults.join("\n"));
            ExitCode::FAILURE
        }
    }
}

/// Makes the site; says how large it is, or what is wrong with it.
fn make(arguments: &Arguments) -> Result<String, Vec<String>> {
    let one = |fault: String| vec![fault];
    let report = Written::parse(&read(&arguments.report).map_err(one)?)
        .map_err(|fault| one(format!("{}: {fault}", arguments.report.display())))?;
    let facts = Facts::read(Path::new(DOCS), &report).map_err(one)?;
    // mdBook takes a directory from where the book is.
    let to = std::path::absolute(&arguments.to).map_err(|error| one(error.to_string()))?;
    build(&to).map_err(|error| one(format!("mdBook: {error:#}")))?;
    // Search has its words by now: the drawings' would only be in the way.
    facts.fill(&to).map_err(one)?;
    write(&to.join("timeline.css"), TIMELINE_STYLE).map_err(one)?;
    check::site(&to)
}

/// Has mdBook build the pages, each rule as a section of its own.
fn build(to: &Path) -> Result<(), mdbook_driver::errors::Error> {
    let mut book = MDBook::load(DOCS)?;
    to.clone_into(&mut book.config.build.build_dir);
    let source = book.config.html_config().and_then(|html| html.git_repository_url);
    book.book.for_each_chapter_mut(|chapter| {
        let page = chapter.source_path.clone().unwrap_or_default();
        let content = clause::sections(&chapter.content);
        chapter.content = links::for_readers(&content, &page, source.as_deref());
    });
    book.build()
}

/// A path without `.` and `..`.
fn folded(path: &Path) -> PathBuf {
    let mut folded = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(folded.pop()),
            Component::CurDir => {}
            part => folded.push(part),
        }
    }
    folded
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
