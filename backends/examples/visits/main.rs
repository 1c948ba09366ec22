//! A small site with sessions: visits are counted, a name and a shopping list kept, visitors log in and out.
//!
//! ```sh
//! cargo run -p session-backends --example visits -- sqlite:visits.db
//! ```
//!
//! Here: the command line, the settings, the start. `app.rs` puts the site together, `pages.rs` has its pages, and
//! `sessionspec.rs` the endpoints by which a conformance suite drives sessions over HTTP.

mod app;
mod pages;
mod sessionspec;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use session_core::{KeyGenerator, RandomKeys, Secret, Settings};
use tokio::net::TcpListener;

const STORE: &str = "Where the sessions are, such as sqlite:PATH, file:DIRECTORY or redis://host";

const ADDRESS: &str =
    "Where to listen; with the port 0 on a free one. The address is the first line that is printed";

const SETTINGS: &str = "A JSON file with settings, such as {\"cookie_age\": 3600}";

/// A small site with sessions
#[derive(Parser)]
#[command(name = "visits", max_term_width = 100)]
struct Arguments {
    #[arg(default_value = "memory:", value_name = "STORE", help = STORE)]
    store: String,
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "HOST:PORT", help = ADDRESS)]
    address: SocketAddr,
    #[arg(long, value_name = "FILE", help = SETTINGS)]
    settings: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut settings =
        read_settings(arguments.settings.as_deref())?.with(|settings| settings.engine = arguments.store);
    if settings.secret_key.reveal().is_empty() {
        settings.secret_key = match std::env::var("SECRET_KEY") {
            Ok(secret) if !secret.is_empty() => Secret::new(secret),
            _ => {
                eprintln!("note: SECRET_KEY is not set; the one made now ends with this process");
                Secret::new(RandomKeys.generate().map_err(|error| error.to_string())?.as_str())
            }
        };
    }
    session_backends::migrate(&settings).await?;
    let store = session_backends::open(&settings).await?;
    let site = app::site(store, settings)?;
    let listener = TcpListener::bind(arguments.address).await?;
    println!("http://{}/", listener.local_addr()?);
    Ok(axum::serve(listener, site).await?)
}

fn read_settings(file: Option<&Path>) -> Result<Settings, String> {
    let Some(file) = file else { return Ok(Settings::default()) };
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| format!("cannot read {shown}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{shown}: {error}"))
}
