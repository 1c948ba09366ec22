//! `cargo xtask http`: the suite for applications, on real Django, on the example on axum and on express-session, over
//! HTTP.

use std::path::Path;

use crate::services::{self, Running};
use crate::site::Site;
use crate::{Ended, Failure, Services, adapters, command, django};

/// Runs it on the example with every store there is, and on both versions of Django.
pub(crate) fn run(root: &Path, services: Services) -> Result<Ended, Failure> {
    command::build(root)?;
    let servers = services::wanted(services)?;
    axum(root, servers.as_ref().ok())?;
    let mut missing: Vec<String> = servers
        .as_ref()
        .err()
        .map(|missing| format!("the example on servers: {missing}"))
        .into_iter()
        .collect();
    for version in django::VERSIONS {
        let python = match django::environment(root, version)? {
            Ok(python) => python,
            Err(reason) => {
                missing.push(reason);
                continue;
            }
        };
        let directory = tempfile::tempdir()?;
        // The gates of Django play every case on both versions, without a network between.
        let settings = if version == django::NEWEST { SETTINGS.as_slice() } else { &SETTINGS[..1] };
        for (number, (every, close)) in settings.iter().copied().enumerate() {
            let mut variables =
                vec![("DATABASE", directory.path().join(format!("{number}.sqlite3")).display().to_string())];
            for (on, name) in
                [(every, "SESSION_SAVE_EVERY_REQUEST"), (close, "SESSION_EXPIRE_AT_BROWSER_CLOSE")]
            {
                variables.extend(on.then(|| (name, "1".to_owned())));
            }
            let site = Site::django(root, &python, &variables)?;
            check(root, &site, &format!("Django {version}"), every, close, DIFFERS)?;
        }
        let engine = ("SESSION_ENGINE", "signed_cookies".to_owned());
        let database = ("DATABASE", directory.path().join("unused.sqlite3").display().to_string());
        let site = Site::django(root, &python, &[engine, database])?;
        check(root, &site, &format!("Django {version}, signed_cookies"), false, false, DIFFERS)?;
    }
    match adapters::node(root)? {
        Ok(node) => {
            let site = Site::express(&node)?;
            check(root, &site, "express-session", false, false, EXPRESS)?;
        }
        // As in the gate of the adapters, not every machine has it.
        Err(reason) => println!("express-session: NOT RUN, {reason}"),
    }
    match missing.as_slice() {
        [] => Ok(Ended::Passed),
        missing => services.without("http", missing.join("; ")),
    }
}

/// What Django does otherwise: other white space than blanks around a cookie's name does not count there.
const DIFFERS: &[&str] = &["middleware.key.exact-name"];

/// What a site on express-session with its `MemoryStore` does otherwise, in the profile `core`: a session that is changed in
/// a request that is under way comes back after a log-out, and under its old key after a log-in; and one that is told to
/// end with the browser does not tell the browser, since a cookie without an end is sent only once.
const EXPRESS: &[&str] = &["middleware.save.modified", "middleware.log-out.final", "middleware.log-in.final"];

/// The settings `save_every_request` and `expire_at_browser_close`.
const SETTINGS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

fn axum(root: &Path, servers: Option<&Running>) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    std::fs::create_dir(directory.path().join("sessions"))?;
    let place = directory.path().display();
    let mut stores =
        vec!["memory:".to_owned(), format!("sqlite:{place}/db.sqlite3"), format!("file:{place}/sessions")];
    if let Some(servers) = servers {
        let database = services::fresh_database(servers.url(services::POSTGRES), "sessionspec_http")?;
        stores.extend([servers.url(services::REDIS), servers.url(services::MEMCACHED)].map(str::to_owned));
        stores.push(database);
    }
    for store in &stores {
        // The settings are no business of the stores; one is enough for all of them.
        let settings = if store == "memory:" { SETTINGS.as_slice() } else { &SETTINGS[..1] };
        for (every, close) in settings.iter().copied() {
            let settings = directory.path().join("settings.json");
            let text = serde_json::json!({ "save_every_request": every, "expire_at_browser_close": close });
            std::fs::write(&settings, text.to_string())?;
            let site = Site::axum(root, store, &settings)?;
            let scheme = store.split(':').next().unwrap_or_default();
            check(root, &site, &format!("axum on {scheme}"), every, close, &[])?;
        }
    }
    Ok(())
}

/// Runs the suite on a site, which must break these rules and no others.
fn check(
    root: &Path,
    site: &Site,
    name: &str,
    every: bool,
    close: bool,
    broken: &[&str],
) -> Result<(), Failure> {
    let mut run = command::sessionspec(root);
    run.args(["http", "--url", &site.url, "--log"]).arg(&site.log);
    let output = run.output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let found: Vec<&str> =
        printed.lines().filter_map(|line| line.strip_prefix("FAIL r[")?.split(']').next()).collect();
    // 0 if all held, 1 if rules are broken; anything else is no verdict.
    if output.status.code() != Some(i32::from(!broken.is_empty())) || found != broken {
        let fault = format!("{}, breaks {found:?} and not {broken:?}\n{printed}", output.status);
        return Err(Failure::one(&format!("http, {name}"), fault + &String::from_utf8_lossy(&output.stderr)));
    }
    let verdict = printed.lines().last().unwrap_or_default();
    println!("{name}, save_every_request {every}, expire_at_browser_close {close}: {verdict}");
    Ok(())
}
