//! `sessionspec http`: the rules about requests and answers, on a web application that runs.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use session_conformance::application::{Application, Operation, Request, Response, Settings, check};
use session_conformance::report::{Report, SubjectReport, broken_block, summary};
use ureq::http::{HeaderValue, Uri};

use crate::Finding;
use crate::output::{paint, print};
use crate::progress::Progress;
use crate::run::{Form, parse_report, write_report};

const URL: &str = "Where the application is, as in http://127.0.0.1:8000";

/// What the application must have.
const ENDPOINTS: &str = "the guide docs/guides/http.md says which addresses it must answer";

/// What an application says with which requests cannot overlap.
const OVERLAP: &str =
    "if the application handles one request at a time, let its settings say \"overlap\": false";

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest head of a handler's call, in bytes.
const MAX_HEAD: u64 = 16 << 10;

/// The longest that all of it may take: a thousand requests, of which none should need a second.
const BUDGET: Duration = Duration::from_secs(600);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(long, value_name = "BASE", help = URL, value_parser = parse_base)]
    url: String,
    /// A file into which the application writes its log: no key may stand there
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Also write the report to a file: json=FILE, junit=FILE, html=FILE or md=FILE
    #[arg(long, value_name = "FORM=FILE", value_parser = parse_report)]
    report: Vec<(Form, PathBuf)>,
}

/// The address without a slash at its end.
fn parse_base(text: &str) -> Result<String, String> {
    match text.strip_prefix("http://") {
        Some(rest) if !rest.is_empty() => Ok(text.trim_end_matches('/').into()),
        _ => Err("an address begins with http://, as in http://127.0.0.1:8000".into()),
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Finding, String> {
    let config = ureq::Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        // A connection each: servers that send head and body apart make the next request wait otherwise.
        .max_idle_connections(0)
        .build();
    let started = Instant::now();
    let log = arguments.log.as_deref().map(Log::from_here).transpose()?;
    let mut site = Site { agent: config.into(), base: arguments.url.clone(), log, started, budget: BUDGET };
    let mut progress = Progress::of("requests").subject("http");
    let checked = check(&mut site, "application", &mut |done, total| progress.reach(done, total));
    drop(progress);
    let (subject, broken) = checked?;
    for broken in &broken {
        print(&paint(&format!("{}\n", broken_block(broken, &site.base))))?;
    }
    let report = Report::new(vec![subject], started.elapsed());
    print(&paint(&summary(&report)))?;
    for (form, path) in &arguments.report {
        write_report(*form, path, &report)?;
    }
    let held = report.subjects.iter().all(SubjectReport::is_success);
    Ok(if held { Finding::Held } else { Finding::Broken })
}

/// An application behind a URL.
struct Site {
    agent: ureq::Agent,
    base: String,
    log: Option<Log>,
    started: Instant,
    budget: Duration,
}

/// What an application writes into its log from now on.
struct Log {
    path: PathBuf,
    /// How much of it was there before.
    before: u64,
}

impl Log {
    fn from_here(path: &Path) -> Result<Self, String> {
        let fault = |error: io::Error| format!("--log {}: {error}", path.display());
        Ok(Self { path: path.to_owned(), before: fs::metadata(path).map_err(fault)?.len() })
    }

    fn written(&self) -> Result<String, String> {
        let fault = |error: io::Error| format!("--log {}: {error}", self.path.display());
        let mut file = File::open(&self.path).map_err(fault)?;
        file.seek(SeekFrom::Start(self.before)).map_err(fault)?;
        let mut written = Vec::new();
        file.read_to_end(&mut written).map_err(fault)?;
        Ok(String::from_utf8_lossy(&written).into_owned())
    }
}

impl Site {
    /// How long the next answer may take.
    fn patience(&self) -> Result<Duration, String> {
        match self.budget.checked_sub(self.started.elapsed()) {
            Some(left) if !left.is_zero() => Ok(left.min(PATIENCE)),
            _ => Err(format!("{}: not done after {} s, which is too slow", self.base, self.budget.as_secs())),
        }
    }

    /// Sends a request. What comes meanwhile is played when its handler calls this address.
    fn post(&self, request: &Request, address: Option<SocketAddr>) -> Result<Response, String> {
        let url = format!("{}/sessionspec", self.base);
        let fault = |error: &dyn std::fmt::Display| format!("POST {url}: {error}");
        let told = |operation: &Operation| match (operation, address) {
            (Operation::Meanwhile(_), Some(address)) => call(address),
            (operation, _) => Vec::from(operation.clone()).into(),
        };
        let operations: Vec<Value> = request.operations.iter().map(told).collect();
        let mut body = json!({ "do": operations, "status": request.status });
        if request.public {
            body["public"] = true.into();
        }
        let body = body.to_string();
        let post = self.agent.post(&url).config().timeout_global(Some(self.patience()?)).build();
        let mut post = post.content_type("application/json").header("connection", "close");
        if let Some(cookie) = &request.cookie {
            // Not everything that is sent is ASCII.
            let cookie = HeaderValue::from_bytes(cookie.as_bytes()).map_err(|error| fault(&error))?;
            post = post.header("cookie", cookie);
        }
        let mut answer = post.send(body).map_err(|error| fault(&error))?;
        let lines = |name| -> Vec<String> {
            let lines = answer.headers().get_all(name).iter();
            lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect()
        };
        let (set_cookie, vary, cache_control) = (lines("set-cookie"), lines("vary"), lines("cache-control"));
        let date = lines("date").pop();
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().map_err(|error| fault(&error))?;
        let results = match serde_json::from_str::<Value>(&text) {
            Ok(mut body) => serde_json::from_value(body["results"].take()).ok(),
            Err(_) => None,
        };
        // An answer that is not the handler's tells nothing; but one that says it is must.
        if results.is_none() && status == request.status {
            return Err(format!("POST {url} answers {status} without `results`; {ENDPOINTS}"));
        }
        let response = Response::new(status, set_cookie, vary, results);
        Ok(response.with_cache_control(cache_control).with_date(date))
    }

    /// Plays another request of the same visitor while the handler of this one waits: it is told to call us, and gets no
    /// answer until the other request has its own.
    fn overlapping(&self, request: &Request, meanwhile: &[Operation]) -> Result<Response, String> {
        let fault = |error: &dyn std::fmt::Display| {
            format!("{}: no other request can come meanwhile: {error}; {OVERLAP}", self.base)
        };
        let listener = TcpListener::bind((self.own_address()?, 0)).map_err(|error| fault(&error))?;
        let address = listener.local_addr().map_err(|error| fault(&error))?;
        thread::scope(|scope| {
            let outer = scope.spawn(|| {
                let response = self.post(request, Some(address));
                // Whoever still waits for the call learns that none comes.
                drop(TcpStream::connect(address));
                response
            });
            let other = called(&listener, || {
                let other = Request::new(request.cookie.clone(), meanwhile.to_vec(), 200);
                self.post(&other, None).map_err(|error| fault(&error))
            });
            let response = outer.join().map_err(|_| fault(&"the thread of the request panicked"))?;
            match other {
                Ok(Some(other)) => Ok(response?.with_other(Some(other?))),
                Ok(None) => {
                    response?;
                    Err(fault(&format!("its handler does not do {}", call(address))))
                }
                Err(error) => Err(fault(&error)),
            }
        })
    }

    /// The address of this machine at which the application reaches us: the one at which we reach the application.
    fn own_address(&self) -> Result<IpAddr, String> {
        let fault = |error: &dyn std::fmt::Display| format!("{}: {error}", self.base);
        let uri: Uri = self.base.parse().map_err(|error| fault(&error))?;
        let host = uri.host().ok_or_else(|| fault(&"the address has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let stream =
            TcpStream::connect((host, uri.port_u16().unwrap_or(80))).map_err(|error| fault(&error))?;
        stream.local_addr().map(|address| address.ip()).map_err(|error| fault(&error))
    }
}

/// Waits for the handler's call, and answers it when this is done; nothing if it does not call.
fn called<T>(listener: &TcpListener, meanwhile: impl FnOnce() -> T) -> io::Result<Option<T>> {
    let (mut call, _) = listener.accept()?;
    call.set_read_timeout(Some(PATIENCE))?;
    // A line that is empty ends the head.
    let mut head = BufReader::new(&call).take(MAX_HEAD).lines();
    if !head.any(|line| line.is_ok_and(|line| line.is_empty())) {
        return Ok(None);
    }
    let done = meanwhile();
    call.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    Ok(Some(done))
}

/// The operation that gets a page of ours.
fn call(address: SocketAddr) -> Value {
    json!(["call", format!("http://{address}/")])
}

impl Application for Site {
    fn settings(&mut self) -> Result<Settings, String> {
        let url = format!("{}/sessionspec/settings", self.base);
        let fault =
            |error: &dyn std::fmt::Display| format!("GET {url}: {error}; does the application run there?");
        let mut answer = self
            .agent
            .get(&url)
            .config()
            .timeout_global(Some(self.patience()?))
            .build()
            .call()
            .map_err(|error| fault(&error))?;
        let status = answer.status();
        let text = answer.body_mut().read_to_string().map_err(|error| fault(&error))?;
        if !status.is_success() {
            return Err(format!("GET {url} answers {status}; {ENDPOINTS}"));
        }
        serde_json::from_str(&text).map_err(|error| format!("GET {url}: {error}; {ENDPOINTS}"))
    }

    fn exchange(&mut self, request: &Request) -> Result<Response, String> {
        match request.operations.iter().find_map(Operation::meanwhile) {
            Some(meanwhile) => self.overlapping(request, meanwhile),
            None => self.post(request, None),
        }
    }

    fn written(&mut self) -> Result<Option<String>, String> {
        self.log.as_ref().map(Log::written).transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn an_application_that_takes_too_long_is_left() {
        let agent = ureq::Agent::new_with_defaults();
        let (base, started) = ("http://127.0.0.1:9".to_owned(), Instant::now());
        let mut site = Site { agent, base, log: None, started, budget: Duration::ZERO };
        let fault = site.settings().unwrap_err();
        assert_eq!(fault, "http://127.0.0.1:9: not done after 0 s, which is too slow");
    }

    #[test]
    fn of_a_log_only_what_is_new_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "before\n").unwrap();
        let log = Log::from_here(file.path()).unwrap();
        fs::write(file.path(), "before\nsince\n").unwrap();
        assert_eq!(log.written().unwrap(), "since\n");
        let missing = Log::from_here(Path::new("no-such.log")).map(|_| ()).unwrap_err();
        assert!(missing.starts_with("--log no-such.log: "), "{missing}");
    }

    /// A site whose handler does nothing but calls, if it calls; and what it is told to do.
    fn site(calls: bool) -> (Site, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&told);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, heard) = (stream.unwrap(), Arc::clone(&heard));
                thread::spawn(move || {
                    let mut request = BufReader::new(stream.try_clone().unwrap());
                    let mut length = 0;
                    let mut line = String::new();
                    while request.read_line(&mut line).unwrap() > 2 {
                        if let Some(given) = line.to_lowercase().strip_prefix("content-length:") {
                            length = given.trim().parse().unwrap();
                        }
                        line.clear();
                    }
                    let mut body = vec![0; length];
                    request.read_exact(&mut body).unwrap();
                    let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
                    heard.lock().unwrap().push(body["do"][0][0].to_string());
                    if let (true, Some(url)) = (calls, body["do"][0][1].as_str()) {
                        ureq::get(url).call().unwrap();
                    }
                    body["results"] = json!([null]);
                    let body = body.to_string();
                    let status = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length:";
                    // Whoever only looks whether somebody listens has gone.
                    let _ = write!(stream, "{status} {}\r\n\r\n{body}", body.len());
                });
            }
        });
        let agent = ureq::Agent::new_with_defaults();
        (Site { agent, base, log: None, started: Instant::now(), budget: BUDGET }, told)
    }

    fn overlapping() -> Request {
        Request::new(None, vec![Operation::Meanwhile(vec![Operation::Flush])], 200)
    }

    #[test]
    fn another_request_is_answered_while_the_handler_waits() {
        let (mut site, told) = site(true);
        let response = site.exchange(&overlapping()).unwrap();
        assert_eq!(response.other.unwrap().status, 200);
        let told = told.lock().unwrap();
        let did: Vec<&str> = told.iter().map(String::as_str).filter(|did| *did != "null").collect();
        assert_eq!(did, ["\"call\"", "\"flush\""]);
    }

    #[test]
    fn a_handler_that_does_not_call_is_named() {
        let (mut site, _) = site(false);
        let fault = site.exchange(&overlapping()).unwrap_err();
        assert!(
            fault.contains("no other request can come meanwhile: its handler does not do [\"call\","),
            "{fault}"
        );
    }

    #[test]
    fn an_answer_is_not_waited_for_longer_than_there_is_time() {
        let (agent, base) = (ureq::Agent::new_with_defaults(), String::new());
        let mut site =
            Site { agent, base, log: None, started: Instant::now(), budget: Duration::from_secs(5) };
        assert!(site.patience().unwrap() <= Duration::from_secs(5));
        site.budget = BUDGET;
        assert_eq!(site.patience().unwrap(), PATIENCE);
    }
}
