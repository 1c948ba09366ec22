//! A Django site as people run it, with its auth app, and a Rust program beside it: a visitor logs in at the
//! site, the program reads the session by the visitor's cookie and changes it, the site shows the change; and
//! the other way. For every engine that two processes can share.

use std::path::Path;

use serde_json::Value;

use crate::services::{self, Running};
use crate::site::{self, SECRET, Site};
use crate::{Failure, command, django};

/// The only user of the site.
const USER: &str = "ada";
const PASSWORD: &str = "lovelace";

/// What both sides are told about where the sessions are.
struct Engine {
    title: &'static str,
    /// Variables for the site's settings.
    django: Vec<(&'static str, String)>,
    /// The same for `session_backends::open`.
    rust: String,
    /// Whether a log-out ends the session for everyone who has the cookie.
    revocable: bool,
}

/// Plays it with one version of Django. [`command::build`] comes first.
pub(crate) fn run(
    root: &Path,
    version: &str,
    python: &Path,
    servers: Option<&Running>,
) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    for engine in engines(version, directory.path(), servers)? {
        let visitor = Visitor::of(Site::django(root, python, &engine.django)?);
        let mut user = site::manage(root, python, &engine.django);
        user.args(["createsuperuser", "--noinput", "--verbosity", "0", "--username", USER]);
        user.args(["--email", "ada@example.com"]).env("DJANGO_SUPERUSER_PASSWORD", PASSWORD);
        command::run(&mut user)?;
        let title = format!("log-in with Django {version}, {}", engine.title);
        play(root, &visitor, &engine).map_err(|wrong| Failure::one(&title, wrong))?;
        println!("Django {version}, {}: logged in there, seen and changed here, seen there", engine.title);
    }
    Ok(())
}

fn engines(version: &str, directory: &Path, servers: Option<&Running>) -> Result<Vec<Engine>, Failure> {
    let files = directory.join("sessions");
    std::fs::create_dir(&files)?;
    let files = files.display().to_string();
    let (redis, memcached, postgres) = match servers {
        Some(servers) => (
            servers.url(services::REDIS),
            servers.url(services::MEMCACHED),
            services::fresh_database(
                servers.url(services::POSTGRES),
                &django::named("sessionspec_login", version),
            )?,
        ),
        None => ("", "", String::new()),
    };
    let mut engines = Vec::new();
    for (title, name, variable, place, revocable) in [
        ("db", "db", "", "", true),
        ("file", "file", "FILES", &*files, true),
        ("signed_cookies", "signed_cookies", "", "", false),
        ("cache on Redis", "cache", "CACHE", redis, true),
        ("cache on memcached", "cache", "CACHE", memcached, true),
        ("cached_db on Redis", "cached_db", "CACHE", redis, true),
        ("db on PostgreSQL", "db", "DATABASE", &*postgres, true),
    ] {
        if !variable.is_empty() && place.is_empty() {
            // `xtask django` tells what is missing.
            continue;
        }
        let file = directory.join(format!("{title}.sqlite3")).display().to_string();
        let rust = match name {
            "db" if place.is_empty() => format!("sqlite:{file}"),
            "file" => format!("file:{place}"),
            "signed_cookies" => "signed_cookies:".into(),
            "cached_db" => format!("cached_db:{place}|sqlite:{file}"),
            _ => place.to_owned(),
        };
        let mut django = vec![("SESSION_ENGINE", name.to_owned()), ("DATABASE", file)];
        django.extend((!variable.is_empty()).then(|| (variable, place.to_owned())));
        engines.push(Engine { title, django, rust, revocable });
    }
    Ok(engines)
}

/// What must happen; the error is what happened instead.
fn play(root: &Path, site: &Visitor, engine: &Engine) -> Result<(), String> {
    let mut cookie = site.log_in()?;
    expect("the site, after the log-in", &site.who(&cookie)?, USER, &[])?;

    let (user, changed) = beside(root, engine, &cookie, Some("apples"))?;
    if user != "1" {
        return Err(format!("Rust sees the user {user}, and the site's first one is 1"));
    }
    if engine.revocable && changed != cookie {
        return Err("saving a session here gave it another key".into());
    }
    cookie = changed;
    expect("the site, after the change here", &site.who(&cookie)?, USER, &["apples"])?;

    cookie = site.put(&cookie, "pears")?;
    (_, cookie) = beside(root, engine, &cookie, Some("plums"))?;
    expect("the site, after both changed it", &site.who(&cookie)?, USER, &["apples", "pears", "plums"])?;

    let (_, left) = beside(root, engine, &cookie, None)?;
    if !left.is_empty() {
        return Err("after the log-out here there is a key".into());
    }
    if engine.revocable {
        expect("the site, after the log-out here", &site.who(&cookie)?, "", &[])?;
    }
    Ok(())
}

fn expect(when: &str, seen: &Value, user: &str, basket: &[&str]) -> Result<(), String> {
    let wanted = serde_json::json!({ "user": user, "basket": basket });
    if *seen == wanted { Ok(()) } else { Err(format!("{when}: {seen} instead of {wanted}")) }
}

/// Runs the Rust program; the user it sees, and the cookie it leaves.
fn beside(root: &Path, engine: &Engine, cookie: &str, put: Option<&str>) -> Result<(String, String), String> {
    let mut program = command::built(root, "examples/beside_django");
    program.env("SECRET_KEY", SECRET).args([&engine.rust, cookie]).args(put);
    let output = program.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("beside_django: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let (user, cookie) = printed.split_once('\n').ok_or("beside_django printed one line")?;
    Ok((user.to_owned(), cookie.trim_end().to_owned()))
}

/// Somebody with a browser before a site.
struct Visitor {
    agent: ureq::Agent,
    site: Site,
}

impl Visitor {
    fn of(site: Site) -> Self {
        let config = ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false).build();
        Self { agent: config.into(), site }
    }

    /// Logs in with the form; the session cookie's value.
    fn log_in(&self) -> Result<String, String> {
        let url = format!("{}/login", self.site.url);
        let form = self.agent.get(&url).call().map_err(|error| error.to_string())?;
        let token = set_cookie(&form, "csrftoken").ok_or("the form sets no csrftoken")?;
        let fields = [("username", USER), ("password", PASSWORD), ("csrfmiddlewaretoken", &token)];
        let request = self.agent.post(&url).header("cookie", format!("csrftoken={token}"));
        let answer = request.send_form(fields).map_err(|error| error.to_string())?;
        let status = answer.status();
        set_cookie(&answer, "sessionid").ok_or_else(|| format!("the log-in gives {status} and no session"))
    }

    /// Whom the site takes the visitor for, and what is in the basket.
    fn who(&self, cookie: &str) -> Result<Value, String> {
        let request = self.agent.get(format!("{}/who", self.site.url));
        let answer = request.header("cookie", format!("sessionid={cookie}")).call();
        let mut answer = answer.map_err(|error| error.to_string())?;
        let text = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|_| format!("the site answers {}: {text}", answer.status()))
    }

    /// Puts something into the basket; the cookie's value after that.
    fn put(&self, cookie: &str, what: &str) -> Result<String, String> {
        let request = self.agent.post(format!("{}/put", self.site.url));
        let request = request.header("cookie", format!("sessionid={cookie}"));
        let answer = request.send_form([("what", what)]).map_err(|error| error.to_string())?;
        let status = answer.status();
        set_cookie(&answer, "sessionid").ok_or_else(|| format!("the change gives {status} and no cookie"))
    }
}

/// The value that an answer gives a cookie.
fn set_cookie<B>(answer: &ureq::http::Response<B>, name: &str) -> Option<String> {
    let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.filter_map(|cookie| cookie.split(';').next()?.split_once('='));
    pairs.filter(|(named, _)| *named == name).map(|(_, value)| value.trim_matches('"').to_owned()).next()
}
