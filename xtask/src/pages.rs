//! The report as a page, in a real browser: wide and narrow, light and dark. What was seen stays as pictures below
//! `target/pictures`, to be looked at.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::browser::{Place, is};
use crate::webdriver::Browser;
use crate::{Failure, command};

/// Where the page and the pictures are put.
const PICTURES: &str = "target/pictures";

/// How the page is looked at.
struct View {
    name: &'static str,
    /// Of the window.
    size: (u32, u32),
    colours: &'static str,
    /// The place on the page.
    at: &'static str,
}

const fn view(name: &'static str, size: (u32, u32), colours: &'static str, at: &'static str) -> View {
    View { name, size, colours, at }
}

const VIEWS: [View; 6] = [
    view("report-wide", (1400, 1500), "light", ""),
    view("report-wide-dark", (1400, 1500), "dark", ""),
    view("report-narrow", (400, 1400), "light", ""),
    view("report-narrow-dark", (400, 1400), "dark", "#matrix"),
    view("report-overlap", (1400, 700), "light", "#failure-1-concurrent.delete.final"),
    view("report-rule", (1400, 900), "light", "#rule-expiry.boundary"),
];

/// Looks at the page in each way; the faults that were seen.
pub(crate) fn look(place: &Place<'_>) -> Result<Vec<String>, Failure> {
    let directory = place.root.join(PICTURES);
    fs::create_dir_all(&directory)?;
    let page = directory.join("report.html");
    command::run(command::built(place.root, "examples/page").arg(&page))?;
    let mut faults = Vec::new();
    match used(place, &page) {
        Ok(()) => println!("in the browser, the report's filters and links: seen"),
        Err(fault) => faults.push(format!("the report: {fault}")),
    }
    for view in VIEWS {
        let (name, picture) = (view.name, PathBuf::from(PICTURES).join(format!("{}.png", view.name)));
        match look_at(place, &page, &view, &place.root.join(&picture)) {
            Ok(()) => println!("in the browser, {name}: seen, and kept as {}", picture.display()),
            Err(fault) => faults.push(format!("{name}: {fault}")),
        }
    }
    Ok(faults)
}

/// Shows the page, and looks whether it fits the window and can be read.
fn look_at(place: &Place<'_>, page: &Path, view: &View, picture: &Path) -> Result<(), String> {
    let (browser, _profile) = open(place, page, view)?;
    // Only what has a scroll bar of its own may be wider than the window.
    let wider = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    is("how much wider the page is than its window", &browser.script(wider)?, &json!(0))?;
    let brightness = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g)
        .slice(0, 3).reduce((sum, part) => sum + Number(part), 0) > 384";
    is("whether it is bright", &browser.script(brightness)?, &json!(view.colours == "light"))?;
    let bytes = browser.picture()?;
    fs::write(picture, bytes).map_err(|error| format!("{}: {error}", picture.display()))?;
    browser.quit()
}

/// Uses the page: filters the matrix, and goes from a cell to its evidence.
fn used(place: &Place<'_>, page: &Path) -> Result<(), String> {
    let (browser, _profile) = open(place, page, &view("", (1400, 1000), "light", ""))?;
    is("the verdict", &browser.text("h1")?, &"1 of 2 subjects did not hold")?;
    browser.write("#find", "EXPIRY no longer loads")?;
    is("what is left by its words", &browser.text("#shown")?, &"1 rule")?;
    let rows = "return [...document.querySelectorAll('.matrix tr[data-outcomes]')]
        .filter(row => row.checkVisibility()).map(row => row.querySelector('code').textContent)";
    is("the rows that are left", &browser.script(rows)?, &json!(["expiry.boundary"]))?;
    browser.click(".matrix tr:not([hidden]) a.cell.fail")?;
    is("whether the failure is shown", &shown(&browser, "failure-1-expiry.boundary")?, &true)?;
    browser.click(".matrix tr:not([hidden]) a.cell.pass")?;
    is("whether the rule is shown", &shown(&browser, "rule-expiry.boundary")?, &true)?;
    browser.quit()
}

/// Whether a place is open and in the window.
fn shown(browser: &Browser, place: &str) -> Result<bool, String> {
    let script = format!(
        "const place = document.getElementById('{place}'), top = place.getBoundingClientRect().top;
         return place.open && top >= 0 && top < innerHeight"
    );
    Ok(browser.script(&script)? == json!(true))
}

/// The page in a window, and the profile of the browser, which must outlive it.
fn open(place: &Place<'_>, page: &Path, view: &View) -> Result<(Browser, tempfile::TempDir), String> {
    let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
    let browser = place.browser(profile.path())?;
    browser.view(view.size, view.colours)?;
    browser.go(&format!("file://{}{}", page.display(), view.at))?;
    Ok((browser, profile))
}
