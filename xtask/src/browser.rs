//! `cargo xtask browser`: the example on axum in a real browser: which cookie it keeps and how long, and what log-in
//! and log-out mean in it; and the report as a page and the site of the documents (`pages.rs`).

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::services::{self, Running};
use crate::site::Site;
use crate::webdriver::Browser;
use crate::{Ended, Failure, Services, command, pages};

const REMEDY: &str = "on Debian: apt-get install chromium chromium-driver";

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Two weeks, the age of a session by default, in seconds.
const AGE: f64 = 14.0 * 24.0 * 60.0 * 60.0;

/// Runs every scene, each with a profile of its own.
pub(crate) fn run(root: &Path, services: Services) -> Result<Ended, Failure> {
    let programs = services::find(&BROWSERS).zip(services::find(&["chromedriver"]));
    let Some((program, driver)) = programs else {
        let missing = format!("there is no {} with its chromedriver; {REMEDY}", BROWSERS[0]);
        return match services {
            Services::Required => Err(Failure::one("browser", missing)),
            Services::Optional => Ok(Ended::NotRun(missing)),
        };
    };
    command::build(root)?;
    let [port] = services::free_ports()?;
    let mut running = Running::none()?;
    running.spawn(Command::new(driver).arg(format!("--port={port}")), port, "chromedriver")?;
    let place = Place { root, program, driver: format!("http://127.0.0.1:{port}") };
    let mut faults = Vec::new();
    for (name, scene) in SCENES {
        match play(&place, scene) {
            Ok(()) => println!("in the browser, {name}: seen"),
            Err(fault) => faults.push(format!("{name}: {fault}")),
        }
    }
    faults.extend(pages::look(&place)?);
    if faults.is_empty() { Ok(Ended::Passed) } else { Err(Failure::many("browser", faults)) }
}

pub(crate) struct Place<'a> {
    pub(crate) root: &'a Path,
    program: PathBuf,
    driver: String,
}

impl Place<'_> {
    /// A browser with this profile.
    pub(crate) fn browser(&self, profile: &Path) -> Result<Browser, String> {
        Browser::start(&self.driver, &self.program, profile)
    }
}

/// What a scene has: a site, and browsers that come and go with one profile.
struct Stage<'a> {
    place: &'a Place<'a>,
    site: Site,
    profile: tempfile::TempDir,
}

impl Stage<'_> {
    fn browser(&self) -> Result<Browser, String> {
        self.place.browser(self.profile.path())
    }

    fn page(&self, path: &str) -> String {
        format!("{}{path}", self.site.url)
    }
}

type Scene = fn(&Stage<'_>) -> Result<(), String>;

const SCENES: [(&str, Scene); 6] = [
    ("the cookie as the browser keeps it", attributes),
    ("a persistent session outlives the browser", persistent),
    ("a browser-length session ends with the browser", browser_length),
    ("a log-out in one tab is seen in the other", two_tabs),
    ("the old cookie is dead after a log-in", old_cookie),
    ("a list that is changed in its place", list),
];

fn play(place: &Place<'_>, scene: Scene) -> Result<(), String> {
    let settings = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    std::fs::write(settings.path(), "{}").map_err(|error| error.to_string())?;
    let site = Site::axum(place.root, "memory:", settings.path()).map_err(|error| error.to_string())?;
    let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
    scene(&Stage { place, site, profile })
}

pub(crate) fn is<T: PartialEq<W> + Debug, W: Debug>(what: &str, seen: &T, wanted: &W) -> Result<(), String> {
    if *seen == *wanted { Ok(()) } else { Err(format!("{what} is {seen:?}, and should be {wanted:?}")) }
}

fn attributes(stage: &Stage<'_>) -> Result<(), String> {
    let browser = stage.browser()?;
    browser.go(&stage.page("/"))?;
    let cookie = browser.cookie("sessionid")?;
    is("httpOnly", &cookie["httpOnly"], &json!(true))?;
    is("secure", &cookie["secure"], &json!(false))?;
    is("sameSite", &cookie["sameSite"], &json!("Lax"))?;
    is("path", &cookie["path"], &json!("/"))?;
    is("what scripts see", &browser.script_cookies()?, &json!(""))?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_err(|error| error.to_string())?.as_secs_f64();
    let left = cookie["expiry"].as_f64().unwrap_or_default() - now;
    if (left - AGE).abs() > 60.0 {
        return Err(format!("the cookie lives {left:.0} s, and should {AGE:.0} s"));
    }
    browser.go(&stage.page("/cookies"))?;
    browser.submit("#cookies-submit")?;
    is("the test cookie", &browser.text("#cookies-work")?.is_empty(), &false)?;
    browser.quit()
}

fn persistent(stage: &Stage<'_>) -> Result<(), String> {
    let browser = stage.browser()?;
    browser.go(&stage.page("/"))?;
    browser.write("#name-input", "Ada <Lovelace>")?;
    browser.submit("#name-submit")?;
    is("the name", &browser.text("#name")?, &"Ada <Lovelace>")?;
    is("the visits", &browser.text("#visits")?, &"2")?;
    browser.quit()?;
    let browser = stage.browser()?;
    browser.go(&stage.page("/"))?;
    is("the visits after a restart", &browser.text("#visits")?, &"3")?;
    is("the name after a restart", &browser.text("#name")?, &"Ada <Lovelace>")?;
    browser.quit()
}

fn browser_length(stage: &Stage<'_>) -> Result<(), String> {
    let browser = stage.browser()?;
    browser.go(&stage.page("/"))?;
    browser.go(&stage.page("/expiry"))?;
    browser.click("#life-browser")?;
    browser.submit("#expiry-submit")?;
    is("the end with the browser", &browser.text("#at-browser-close")?, &"yes")?;
    is("the cookie's expiry", &browser.cookie("sessionid")?["expiry"], &Value::Null)?;
    browser.go(&stage.page("/"))?;
    is("the visits", &browser.text("#visits")?, &"2")?;
    browser.quit()?;
    let browser = stage.browser()?;
    browser.go(&stage.page("/"))?;
    is("the visits after a restart", &browser.text("#visits")?, &"1")?;
    browser.quit()
}

fn log_in(stage: &Stage<'_>, browser: &Browser) -> Result<(), String> {
    browser.go(&stage.page("/account"))?;
    browser.write("#user-input", "ada")?;
    browser.submit("#login-submit")?;
    is("who is logged in", &browser.text("#logged-in")?, &"ada")
}

fn two_tabs(stage: &Stage<'_>) -> Result<(), String> {
    let browser = stage.browser()?;
    log_in(stage, &browser)?;
    let first = browser.tab()?;
    browser.open_tab()?;
    browser.go(&stage.page("/account"))?;
    is("who is logged in, in the other tab", &browser.text("#logged-in")?, &"ada")?;
    browser.submit("#logout-submit")?;
    is("the cookie after the log-out", &browser.cookie("sessionid")?, &Value::Null)?;
    browser.switch(&first)?;
    browser.go(&stage.page("/account"))?;
    browser.text("#logged-out")?;
    browser.quit()
}

fn old_cookie(stage: &Stage<'_>) -> Result<(), String> {
    let browser = stage.browser()?;
    browser.go(&stage.page("/"))?;
    let before = browser.cookie("sessionid")?;
    log_in(stage, &browser)?;
    let after = browser.cookie("sessionid")?;
    if before["value"] == after["value"] {
        return Err("the log-in leaves the key as it was".into());
    }
    browser.go(&stage.page("/"))?;
    is("the visits, which the log-in keeps", &browser.text("#visits")?, &"2")?;
    // Somebody who saw the first cookie uses it.
    let old = before["value"].as_str().unwrap_or_default();
    let answer = ureq::get(stage.page("/account")).header("cookie", format!("sessionid={old}")).call();
    let mut answer = answer.map_err(|error| error.to_string())?;
    let page = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
    is("the old cookie's owner logged out", &page.contains("id=\"logged-out\""), &true)?;
    browser.quit()
}

fn list(stage: &Stage<'_>) -> Result<(), String> {
    let browser = stage.browser()?;
    for item in ["apples", "pears", "<plums>"] {
        browser.go(&stage.page("/list"))?;
        browser.write("#item-input", item)?;
        browser.submit("#item-submit")?;
    }
    browser.submit("#items li:nth-child(2) button")?;
    browser.go(&stage.page("/list"))?;
    is("the list", &browser.texts(".item")?, &["apples", "<plums>"])?;
    browser.quit()
}
