//! The `sessionspec` command. This file only dispatches; each subcommand has a file of its own.
//!
//! Exit status: 0 all held; 1 a rule was broken, or a MUST was not exercised; 2 usage, configuration or
//! harness error.

// `println!` and `eprintln!` would panic where the reader has seen enough; `output` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod badge;
mod clock;
mod compare;
mod diff;
mod doctor;
mod http;
mod new;
mod output;
mod progress;
mod replay;
mod rules;
mod run;
mod schema;
mod serve;
mod servers;
mod store;
mod target;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The conformance suite for web session stores
#[derive(Parser)]
#[command(name = "sessionspec", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the suite; with no subject, on every embedded store and the model
    Run(run::Arguments),
    /// Write the files that put a store of your own under the suite
    New(new::Arguments),
    /// Tell what the rules say; with one id, explain it
    Rules(rules::Arguments),
    /// Run one trace and show each step
    Replay(replay::Arguments),
    /// Run the same traces on two subjects and show the first difference
    Compare(compare::Arguments),
    /// Tell what changed between two reports; status 1 if anything got worse
    Diff(diff::Arguments),
    /// Print a badge in SVG from a report
    Badge(badge::Arguments),
    /// Check a web application that runs: what its requests and answers do to sessions and cookies
    Http(http::Arguments),
    /// Check an adapter's protocol, line by line
    Doctor(doctor::Arguments),
    /// Run a program, such as a server, under a clock that the suite moves
    Clock(clock::Arguments),
    /// Make a store speak the protocol on standard input and output
    Serve(serve::Arguments),
    /// Print the JSON schema of the protocol, the report or a trace
    Schema(schema::Arguments),
}

/// What a command found. Errors of usage and configuration are texts.
enum Finding {
    /// All held.
    Held,
    /// A rule was broken, or the subjects differ.
    Broken,
}

/// What is shown when no command is given.
fn examples() -> String {
    let command = output::command();
    let example = |(arguments, does)| format!("  {command} {arguments}\n      {does}\n");
    let examples: String = EXAMPLES.into_iter().map(example).collect();
    format!(
        "The conformance suite for web session stores. To begin with:\n\n{examples}\n\
         {command} --help lists every command.\n"
    )
}

/// Commands to begin with, and what they do.
const EXAMPLES: [(&str, &str); 7] = [
    ("run", "runs the suite on the reference model and on every store in this program"),
    ("new python", "writes an adapter for a store of your own; or: rust, node, php, go"),
    ("run --cmd 'python3 adapter.py'", "runs the suite on that store"),
    ("run --cmd 'python3 adapter.py' --report html=report.html", "shows its failures as a page, too"),
    ("http --url http://127.0.0.1:8000", "checks a web application that runs"),
    ("rules", "lists the rules"),
    ("rules lifecycle.save.no-resurrect", "explains one of them"),
];

fn main() -> ExitCode {
    let Some(command) = Arguments::parse().command else {
        return ended(output::print(&examples()).map(|()| Finding::Held));
    };
    ended(match command {
        Command::New(arguments) => new::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Diff(arguments) => diff::run(&arguments),
        Command::Badge(arguments) => badge::run(&arguments),
        Command::Http(arguments) => http::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Clock(arguments) => clock::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
    })
}

fn ended(result: Result<Finding, String>) -> ExitCode {
    match result {
        Ok(Finding::Held) => ExitCode::SUCCESS,
        Ok(Finding::Broken) => ExitCode::from(1),
        Err(reason) => {
            output::tell(&format!("error: {reason}"));
            ExitCode::from(2)
        }
    }
}
