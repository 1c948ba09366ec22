//! Works with a session of a Django site: reads it by the visitor's cookie, tells who is logged in, and puts
//! something into the basket that the site shows.
//!
//! ```sh
//! SECRET_KEY=… cargo run -p session-backends --example beside_django -- sqlite:db.sqlite3 COOKIE apples
//! ```
//!
//! The first argument is the engine as `session_backends::open` takes it; without a third one the visitor is
//! logged out. Prints two lines: the user's id, and the value that the cookie now has.

use std::process::ExitCode;

use session_core::{Secret, Session, SessionContext, Settings};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(engine), Some(cookie)) = (arguments.next(), arguments.next()) else {
        return Err("give the engine and the cookie's value".into());
    };
    let secret = std::env::var("SECRET_KEY").map_err(|_| "the variable SECRET_KEY is not set")?;
    let secret_key = Secret::new(secret);
    let settings = Settings::default().with(|settings| {
        settings.engine = engine;
        settings.secret_key = secret_key;
    });
    let store = session_backends::open(&settings).await?;

    let mut session = Session::open(store, SessionContext::new(settings), Some(&cookie));
    let data = session.data().await?;
    // Django's auth app keeps the id under this name.
    let user = data.get_as::<String>("_auth_user_id")?;
    println!("{}", user.as_deref().unwrap_or("nobody"));
    match arguments.next() {
        Some(what) => {
            let mut basket: Vec<String> = data.get_as("basket")?.unwrap_or_default();
            basket.push(what);
            data.insert("basket", basket)?;
            session.save().await?;
        }
        None => session.flush().await?,
    }
    println!("{}", session.key().map_or("", |key| key.as_str()));
    Ok(())
}
