//! The report as a page and the site of the documents, in a real browser: wide and narrow, light and dark. What was seen
//! stays as pictures below `target/pictures`, to be looked at.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::browser::{Place, is};
use crate::webdriver::Browser;
use crate::{Failure, book, command};

/// Where the report and the pictures are put.
const PICTURES: &str = "target/pictures";

/// The report.
const REPORT: &str = "target/pictures/report.html";

/// The first page of the site.
const SITE: &str = "target/book/index.html";

/// A page of it with many rules.
const RULES: &str = "target/book/spec/lifecycle.html";

/// A rule of that page.
const RULE: &str = "lifecycle.save.no-resurrect";

/// How a page is looked at.
struct View {
    name: &'static str,
    page: &'static str,
    /// Of the window.
    size: (u32, u32),
    colours: &'static str,
    /// The place on the page.
    at: &'static str,
}

const fn view(
    name: &'static str,
    page: &'static str,
    size: (u32, u32),
    colours: &'static str,
    at: &'static str,
) -> View {
    View { name, page, size, colours, at }
}

const VIEWS: [View; 12] = [
    view("report-wide", REPORT, (1400, 1500), "light", ""),
    view("report-wide-dark", REPORT, (1400, 1500), "dark", ""),
    view("report-narrow", REPORT, (400, 1400), "light", ""),
    view("report-narrow-dark", REPORT, (400, 1400), "dark", "#matrix"),
    view("report-overlap", REPORT, (1400, 700), "light", "#failure-1-concurrent.delete.final"),
    view("report-rule", REPORT, (1400, 900), "light", "#rule-expiry.boundary"),
    view("site-wide", RULES, (1400, 1500), "light", "#lifecycle.save.no-resurrect"),
    view("site-wide-dark", RULES, (1400, 1500), "dark", "#lifecycle.save.unknown-unread"),
    view("site-narrow", RULES, (400, 1400), "light", "#lifecycle.save.no-resurrect"),
    view("site-narrow-dark", RULES, (400, 1400), "dark", "#lifecycle.cycle.new-key"),
    view("site-first", SITE, (1400, 1000), "light", ""),
    view("site-requests", "target/book/spec/middleware.html", (1400, 1000), "light", "#middleware.lazy"),
];

/// Looks at the pages in each way; the faults that were seen.
pub(crate) fn look(place: &Place<'_>) -> Result<Vec<String>, Failure> {
    fs::create_dir_all(place.root.join(PICTURES))?;
    command::run(command::built(place.root, "examples/page").arg(REPORT))?;
    if !command::is_built() {
        book::run(place.root)?;
    }
    let mut faults = Vec::new();
    let uses: [(&str, Use); 3] = [
        ("the report's filters and links", used),
        ("what a failure says of its rule's place", followed),
        ("the search of the site", searched),
    ];
    for (name, look) in uses {
        match look(place) {
            Ok(()) => println!("in the browser, {name}: seen"),
            Err(fault) => faults.push(format!("{name}: {fault}")),
        }
    }
    for view in VIEWS {
        let (name, picture) = (view.name, PathBuf::from(PICTURES).join(format!("{}.png", view.name)));
        match look_at(place, &view, &place.root.join(&picture)) {
            Ok(()) => println!("in the browser, {name}: seen, and kept as {}", picture.display()),
            Err(fault) => faults.push(format!("{name}: {fault}")),
        }
    }
    Ok(faults)
}

type Use = fn(&Place<'_>) -> Result<(), String>;

/// Shows the page, and looks whether it fits the window and can be read.
fn look_at(place: &Place<'_>, view: &View, picture: &Path) -> Result<(), String> {
    let (browser, _profile) = open(place, view)?;
    // Only what has a scroll bar of its own may be wider than the window.
    let wider = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    is("how much wider the page is than its window", &browser.script(wider)?, &json!(0))?;
    let brightness = "const body = getComputedStyle(document.body).backgroundColor, clear = 'rgba(0, 0, 0, 0)';
        return (body === clear ? getComputedStyle(document.documentElement).backgroundColor : body).match(/\\d+/g)
        .slice(0, 3).reduce((sum, part) => sum + Number(part), 0) > 384";
    is("whether it is bright", &browser.script(brightness)?, &json!(view.colours == "light"))?;
    keep(&browser, picture)?;
    browser.quit()
}

/// Keeps a picture of what the window shows.
fn keep(browser: &Browser, picture: &Path) -> Result<(), String> {
    fs::write(picture, browser.picture()?).map_err(|error| format!("{}: {error}", picture.display()))
}

/// Uses the report: filters the matrix, and goes from a cell to its evidence.
fn used(place: &Place<'_>) -> Result<(), String> {
    let (browser, _profile) = open(place, &view("", REPORT, (1400, 1000), "light", ""))?;
    is("the verdict", &browser.text("h1")?, &"1 subject did not hold")?;
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

/// Goes where a failure says that its rule is, on the site.
fn followed(place: &Place<'_>) -> Result<(), String> {
    let (browser, _profile) = open(place, &view("", REPORT, (1400, 1000), "light", ""))?;
    let said = browser.texts(".failure .spec code")?;
    let said = said
        .iter()
        .find(|said| said.ends_with("#expiry.boundary"))
        .ok_or("no failure says where its rule is")?;
    let on_site = said.replacen("docs/", "target/book/", 1).replacen(".md#", ".html#", 1);
    browser.go(&format!("file://{}", place.root.join(on_site).display()))?;
    is("the rule that is shown", &rule(&browser)?, &json!("expiry.boundary"))?;
    browser.quit()
}

/// Searches the site for a rule by its id, and by its words, and goes to what is found.
fn searched(place: &Place<'_>) -> Result<(), String> {
    for words in [RULE, "deleted elsewhere must not bring it back"] {
        let (browser, _profile) = open(place, &view("", SITE, (1400, 1000), "light", ""))?;
        browser.click("#mdbook-search-toggle")?;
        browser.write("#mdbook-searchbar", words)?;
        let found = "#mdbook-searchresults li:first-child a";
        is("whether it shows the rule's id", &browser.text(found)?.contains(RULE), &true)?;
        keep(&browser, &place.root.join(PICTURES).join("site-search.png"))?;
        browser.submit(found)?;
        is(&format!("the rule that is found by `{words}`"), &rule(&browser)?, &json!(RULE))?;
        browser.quit()?;
    }
    Ok(())
}

/// The rule whose heading the address names, if that is in the window.
fn rule(browser: &Browser) -> Result<Value, String> {
    browser.script(
        "const place = document.querySelector('h3:target'), top = place?.getBoundingClientRect().top;
         return place && top >= 0 && top < innerHeight ? place.querySelector('code').textContent : location.href",
    )
}

/// Whether a place comes to be open and in the window.
fn shown(browser: &Browser, place: &str) -> Result<bool, String> {
    let script = format!(
        "const place = document.getElementById('{place}'), top = place.getBoundingClientRect().top;
         return place.open && top >= 0 && top < innerHeight"
    );
    browser.becomes_true(&script)
}

/// The page in a window, and the profile of the browser, which must outlive it.
fn open(place: &Place<'_>, view: &View) -> Result<(Browser, tempfile::TempDir), String> {
    let profile = tempfile::tempdir().map_err(|error| error.to_string())?;
    let browser = place.browser(profile.path())?;
    browser.view(view.size, view.colours)?;
    browser.go(&format!("file://{}{}", place.root.join(view.page).display(), view.at))?;
    Ok((browser, profile))
}
