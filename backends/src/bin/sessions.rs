//! What Django users do with `manage.py`: create the table, remove expired sessions, look at one.
//!
//! Exit status: 0 done; 1 there is no such session; 2 usage, configuration, or the store failed.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use indicatif::ProgressBar;
use session_core::{Chain, Secret, SessionKey, SessionStore, Settings};

const ENGINE: &str = "The store, such as sqlite:PATH or redis://host; otherwise the setting `engine`";

const SETTINGS: &str =
    "A JSON file with settings; the secret key is taken from it or from the variable SECRET_KEY";

/// Administers a session store
#[derive(Parser)]
#[command(name = "sessions", version, max_term_width = 100)]
struct Arguments {
    #[arg(long, global = true, value_name = "URL", help = ENGINE)]
    engine: Option<String>,
    #[arg(long, global = true, value_name = "FILE", help = SETTINGS)]
    settings: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create the table and its indices, where the store has one
    Migrate,
    /// Remove the sessions that have expired
    Clearsessions,
    /// Print a session: when it expires, and its data as JSON
    Show {
        /// Its key: the value of the session cookie
        key: String,
    },
}

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    match runtime.block_on(run(Arguments::parse())) {
        Ok(status) => status,
        Err(reason) => failed(&reason),
    }
}

fn failed(reason: &str) -> ExitCode {
    eprintln!("error: {reason}");
    ExitCode::from(2)
}

async fn run(arguments: Arguments) -> Result<ExitCode, String> {
    let settings = settings(arguments.settings.as_deref(), arguments.engine)?;
    match arguments.command {
        Command::Migrate => {
            let has_table =
                session_backends::migrate(&settings).await.map_err(|error| Chain(&error).to_string())?;
            println!(
                "{}",
                if has_table { "the table is there" } else { "this store has no table to create" }
            );
        }
        Command::Clearsessions => {
            let store = session_backends::open(&settings).await.map_err(|error| Chain(&error).to_string())?;
            let progress = progress("removing expired sessions");
            let removed = store.clear_expired().await;
            progress.finish_and_clear();
            println!("{} expired sessions removed", removed.map_err(|error| Chain(&error).to_string())?);
        }
        Command::Show { key } => {
            let key = SessionKey::parse(&key)
                .ok_or_else(|| format!("a key has at least {} characters", SessionKey::MIN_CHARS))?;
            let store = session_backends::open(&settings).await.map_err(|error| Chain(&error).to_string())?;
            let Some(record) = store.load(&key).await.map_err(|error| Chain(&error).to_string())? else {
                eprintln!("there is no live session {key}");
                return Ok(ExitCode::from(1));
            };
            println!("expires {}", record.expires);
            println!("{}", record.data.to_json());
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(file: Option<&Path>, engine: Option<String>) -> Result<Settings, String> {
    let mut settings = match file {
        Some(file) => {
            let shown = file.display();
            let text =
                std::fs::read_to_string(file).map_err(|error| format!("cannot read {shown}: {error}"))?;
            serde_json::from_str(&text).map_err(|error| format!("{shown}: {error}"))?
        }
        None => Settings::default(),
    };
    if let Ok(secret) = std::env::var("SECRET_KEY")
        && settings.secret_key.reveal().is_empty()
    {
        settings.secret_key = Secret::new(secret);
    }
    if settings.secret_key.reveal().is_empty() {
        return Err("there is no secret key; give it in the file of --settings or in SECRET_KEY".into());
    }
    settings.engine = engine.unwrap_or(settings.engine);
    Ok(settings)
}

/// A sign of life on a terminal, nothing in a pipe.
fn progress(message: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // No store knows beforehand how much there is to do.
    let bar = ProgressBar::new_spinner().with_message(message);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
