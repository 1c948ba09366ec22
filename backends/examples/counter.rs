//! The smallest site with sessions: it counts a visitor's visits.

use axum::{Router, routing::get};
use session_backends::MemoryStore;
use session_core::middleware::{RequestSession, SessionLayer};
use session_core::{SessionError, Settings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sessions = SessionLayer::new(MemoryStore::new(10_000), Settings::default())?;
    let site = Router::new().route("/", get(visits)).layer(sessions);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, site).await?)
}

async fn visits(session: RequestSession) -> Result<String, SessionError> {
    let mut session = session.lock().await;
    let data = session.data().await?;
    let visits = data.get_as::<u64>("visits")?.unwrap_or(0) + 1;
    data.insert("visits", visits)?;
    Ok(format!("You were here {visits} times."))
}
