//! A browser behind its driver, by as much of the `WebDriver` protocol as the browser gate needs.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// What the protocol calls an element in its answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser that runs, without a window. It is closed by [`quit`](Self::quit), or when nobody has it any more: its driver
/// would leave it running.
pub(crate) struct Browser {
    agent: ureq::Agent,
    /// The driver's address of this browser.
    url: String,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // After `quit` there is nothing to close, and where it cannot be closed nobody is left to be told.
        drop(self.agent.delete(&self.url).call());
    }
}

type Done<T = ()> = Result<T, String>;

impl Browser {
    /// Starts a browser with a profile, which keeps its cookies.
    pub(crate) fn start(driver: &str, program: &Path, profile: &Path) -> Done<Self> {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let mut browser = Self { agent: config.into(), url: driver.to_owned() };
        let profile = format!("--user-data-dir={}", profile.display());
        // Containers have neither the sandbox's rights nor much shared memory.
        let arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", &profile];
        let options = json!({ "binary": program, "args": arguments });
        // What a script of the page adds is waited for.
        let timeouts = json!({ "implicit": PATIENCE.as_millis() });
        let wanted = json!({ "browserName": "chrome", "timeouts": timeouts, "goog:chromeOptions": options });
        let session = browser.post("/session", &json!({ "capabilities": { "alwaysMatch": wanted } }))?;
        let id = session["sessionId"].as_str().ok_or("the driver names no session")?;
        browser.url = format!("{driver}/session/{id}");
        Ok(browser)
    }

    /// Closes the browser, so that it keeps what it keeps.
    pub(crate) fn quit(self) -> Done {
        let answer = self.agent.delete(&self.url).call();
        Self::value("DELETE", answer).map(drop)
    }

    pub(crate) fn go(&self, url: &str) -> Done {
        self.post("/url", &json!({ "url": url })).map(drop)
    }

    /// The text of the first element that a selector fits.
    pub(crate) fn text(&self, selector: &str) -> Done<String> {
        let text = self.get(&format!("/element/{}/text", self.element(selector)?))?;
        text.as_str().map(str::to_owned).ok_or_else(|| format!("{selector} has no text"))
    }

    /// The texts of all elements that a selector fits.
    pub(crate) fn texts(&self, selector: &str) -> Done<Vec<String>> {
        let script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)";
        let texts = self.post("/execute/sync", &json!({ "script": script, "args": [selector] }))?;
        serde_json::from_value(texts).map_err(|error| error.to_string())
    }

    pub(crate) fn click(&self, selector: &str) -> Done {
        self.post(&format!("/element/{}/click", self.element(selector)?), &json!({})).map(drop)
    }

    /// Clicks what leads to another page, and waits until the page is gone that had it.
    pub(crate) fn submit(&self, selector: &str) -> Done {
        let element = self.element(selector)?;
        self.post(&format!("/element/{element}/click"), &json!({}))?;
        let deadline = Instant::now() + PATIENCE;
        while self.get(&format!("/element/{element}/name")).is_ok() {
            if Instant::now() > deadline {
                return Err(format!("{selector} leads nowhere in {} s", PATIENCE.as_secs()));
            }
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    pub(crate) fn write(&self, selector: &str, text: &str) -> Done {
        let path = format!("/element/{}/value", self.element(selector)?);
        self.post(&path, &json!({ "text": text })).map(drop)
    }

    /// A cookie of the page, as the browser keeps it; null if there is none.
    pub(crate) fn cookie(&self, name: &str) -> Done<Value> {
        let cookies = self.get("/cookie")?;
        let found = cookies.as_array().and_then(|all| all.iter().find(|cookie| cookie["name"] == name));
        Ok(found.cloned().unwrap_or_default())
    }

    /// What scripts of the page see of the cookies.
    pub(crate) fn script_cookies(&self) -> Done<Value> {
        self.script("return document.cookie")
    }

    /// The tab that is worked with.
    pub(crate) fn tab(&self) -> Done<Value> {
        self.get("/window")
    }

    /// Opens another tab and works with that.
    pub(crate) fn open_tab(&self) -> Done {
        let tab = self.post("/window/new", &json!({ "type": "tab" }))?;
        self.switch(&tab["handle"])
    }

    pub(crate) fn switch(&self, tab: &Value) -> Done {
        self.post("/window", &json!({ "handle": tab })).map(drop)
    }

    /// What a script of the page answers.
    pub(crate) fn script(&self, script: &str) -> Done<Value> {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Whether a script comes to give true: what a click leads to may take the page a moment.
    pub(crate) fn becomes_true(&self, script: &str) -> Done<bool> {
        let deadline = Instant::now() + PATIENCE;
        while self.script(script)? != json!(true) {
            if Instant::now() > deadline {
                return Ok(false);
            }
            sleep(Duration::from_millis(10));
        }
        Ok(true)
    }

    /// Shows pages from here on in a window of this size, to readers who prefer these colours: `light` or `dark`.
    pub(crate) fn view(&self, (width, height): (u32, u32), colours: &str) -> Done {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", &size)?;
        let features = json!([{ "name": "prefers-color-scheme", "value": colours }]);
        self.command("Emulation.setEmulatedMedia", &json!({ "features": features })).map(drop)
    }

    /// A picture of what the window shows, as PNG.
    pub(crate) fn picture(&self) -> Done<Vec<u8>> {
        let picture = self.get("/screenshot")?;
        let text = picture.as_str().ok_or("the driver gives no picture")?;
        BASE64_STANDARD.decode(text).map_err(|error| format!("the driver's picture: {error}"))
    }

    /// A command of the browser's own.
    fn command(&self, name: &str, parameters: &Value) -> Done<Value> {
        self.post("/goog/cdp/execute", &json!({ "cmd": name, "params": parameters }))
    }

    fn element(&self, selector: &str) -> Done<String> {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector }))?;
        found[ELEMENT].as_str().map(str::to_owned).ok_or_else(|| format!("the page has no {selector}"))
    }

    fn get(&self, path: &str) -> Done<Value> {
        Self::value(path, self.agent.get(format!("{}{path}", self.url)).call())
    }

    fn post(&self, path: &str, body: &Value) -> Done<Value> {
        let request = self.agent.post(format!("{}{path}", self.url)).content_type("application/json");
        Self::value(path, request.send(body.to_string()))
    }

    fn value(what: &str, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Done<Value> {
        let fault = |error: &dyn std::fmt::Display| format!("the browser's driver, {what}: {error}");
        let mut answer = answer.map_err(|error| fault(&error))?;
        let text = answer.body_mut().read_to_string().map_err(|error| fault(&error))?;
        let mut body: Value = serde_json::from_str(&text).map_err(|error| fault(&error))?;
        if answer.status().is_success() {
            Ok(body["value"].take())
        } else {
            Err(fault(&body["value"]["message"]))
        }
    }
}
