//! `cargo xtask services`: Redis, a Redis cluster, memcached and PostgreSQL on free ports of this machine, in a
//! temporary directory, for as long as they are wanted. A server whose URL is in the environment is taken as it
//! is, and not started.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{Ended, Failure, Services, command};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server that must not be killed.
const POSTGRES_NAME: &str = "postgres";

/// How long it may take to end.
const LEAVE: Duration = Duration::from_secs(5);

/// Where servers listen: ports that systems give to no connection unless they are told to (Linux begins at 32768 with those). A
/// port of the system's choice could go to a connection before the server listens, and was seen to be given twice.
const PORTS: Range<u16> = 10_240..32_768;

/// How many of those are tried.
const ATTEMPTS: usize = 1_000;

/// The packages that hold the programs, on Debian.
const REMEDY: &str = "on Debian: apt-get install redis-server memcached postgresql openssl";

/// The variables that hold the URLs, for the programs that use them, or of servers that run already.
pub(crate) const REDIS: &str = "SESSIONSPEC_REDIS_URL";
const CLUSTER: &str = "SESSIONSPEC_REDIS_CLUSTER_URL";
pub(crate) const MEMCACHED: &str = "SESSIONSPEC_MEMCACHED_URL";
pub(crate) const POSTGRES: &str = "SESSIONSPEC_POSTGRES_URL";
const REDIS_TLS: &str = "SESSIONSPEC_REDIS_TLS_URL";
const POSTGRES_TLS: &str = "SESSIONSPEC_POSTGRES_TLS_URL";

/// The variable that holds the path of the certificate that the last two must be checked against.
const CERTIFICATE: &str = "SESSIONSPEC_CERTIFICATE";

/// What `openssl` is told of that certificate: it is for this machine, and signs no other.
const CERTIFICATE_SETTINGS: &str = "\
    [req]\ndistinguished_name = name\nx509_extensions = extensions\nprompt = no\n\
    [name]\nCN = sessionspec\n\
    [extensions]\nbasicConstraints = critical, CA:FALSE\nsubjectAltName = IP:127.0.0.1\n";

/// The servers that the suite runs on as they are here.
const SUITE: [&str; 2] = [CLUSTER, POSTGRES];

/// Those that it starts itself, under a clock that it moves.
const MOVED: [&str; 3] = ["redis", "memcached", "postgres"];

/// Those that it starts itself and kills.
const KILLED: [&str; 2] = ["redis", "postgres"];

/// A setting with which PostgreSQL acknowledges what does not outlive it.
const FORGETS: &str = "postgres:?synchronous_commit=off";

/// The rule that a store on a server with a moved clock must be seen to hold: at its instant a session is over.
const BOUNDARY: &str = "expiry.boundary";

/// The rule that one on a server that is killed must be seen to hold.
const ACKNOWLEDGED: &str = "crash.acknowledged";

/// Servers that run; they stop when this is dropped.
pub(crate) struct Running {
    /// Variables and URLs, and one with a path.
    pub(crate) urls: Vec<(&'static str, String)>,
    /// With their names.
    children: Vec<(String, Child)>,
    directory: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        for (name, child) in &mut self.children {
            // If it were killed, PostgreSQL would leave its shared memory behind for good.
            let number =
                i32::try_from(child.id()).ok().and_then(Pid::from_raw).filter(|_| name == POSTGRES_NAME);
            let asked = number.is_some_and(|number| kill_process(number, Signal::INT).is_ok());
            let deadline = Instant::now() + LEAVE;
            while asked && Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
                sleep(Duration::from_millis(5));
            }
            // One that is gone already is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Starts a server and gives its URL.
type Starter = fn(&mut Running) -> Result<String, Fault>;

/// Starts what is not there.
///
/// The inner error tells what is missing and how to get it.
pub(crate) fn start() -> Result<Result<Running, String>, Failure> {
    let mut running = Running::none()?;
    let starters: [(_, Starter); 4] =
        [(REDIS, redis), (CLUSTER, cluster), (MEMCACHED, memcached), (POSTGRES, postgres)];
    let mut missing = Vec::new();
    for (variable, start) in starters {
        if let Ok(url) = std::env::var(variable) {
            running.urls.push((variable, url));
            continue;
        }
        match start(&mut running) {
            Ok(url) => running.urls.push((variable, url)),
            Err(Fault::Missing(program)) => missing.push(program),
            Err(failed) => return Err(failed.into()),
        }
    }
    if missing.is_empty() {
        Ok(Ok(running))
    } else {
        Ok(Err(format!("there is no {}; {REMEDY}", missing.join(", no "))))
    }
}

/// The same, where a missing server is an error if the services are required.
pub(crate) fn wanted(services: Services) -> Result<Result<Running, String>, Failure> {
    match (start()?, services) {
        (Err(missing), Services::Required) => Err(Failure::one("services", missing)),
        (started, _) => Ok(started),
    }
}

/// Runs a program with the servers' URLs in its environment; without one, until the input ends.
pub(crate) fn run(root: &Path, line: &[String]) -> Result<(), Failure> {
    let running = start()?.map_err(|missing| Failure::one("services", missing))?;
    for (variable, url) in &running.urls {
        println!("export {variable}={url}");
    }
    match line {
        [] => {
            eprintln!("they run until the input ends (Ctrl-D)");
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
            Ok(())
        }
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command::run(command.current_dir(root).args(arguments).envs(running.urls.iter().cloned()))
        }
    }
}

/// The gate: the suite on every server, and the tests that need them.
pub(crate) fn gate(root: &Path, services: Services) -> Result<Ended, Failure> {
    let running = match wanted(services)? {
        Ok(running) => running,
        Err(missing) => return Ok(Ended::NotRun(missing)),
    };
    command::build(root)?;
    let mut suite = command::sessionspec(root);
    suite.arg("run");
    for variable in SUITE {
        suite.args(["--store", running.url(variable)]);
    }
    for name in MOVED.iter().chain(KILLED.iter().filter(|name| !MOVED.contains(name))) {
        suite.args(["--store", &format!("{name}:")]);
    }
    let report = running.directory.path().join("report.json");
    command::run(suite.arg("--report").arg(format!("json={}", report.display())))?;
    let report = serde_json::from_str(&fs::read_to_string(report)?).map_err(std::io::Error::from)?;
    let unproven = unproven(&report);
    if !unproven.is_empty() {
        return Err(Failure::many("services", unproven));
    }
    forgets(root)?;
    tests(root, &running, "conformance", &[])?;
    tests(root, &running, "servers", &["--include-ignored"])?;
    tests(root, &running, "server_clock", &["--include-ignored"])?;
    Ok(Ended::Passed)
}

/// Runs the tests of this name in the whole workspace, so that nothing is built with other features than the gate `build`
/// has used.
fn tests(root: &Path, running: &Running, name: &str, arguments: &[&str]) -> Result<(), Failure> {
    let mut tests = Command::new("cargo");
    tests.current_dir(root).args(["test", "--quiet", "--workspace", "--all-features", "--test", name]);
    command::run(tests.arg("--").args(arguments).envs(running.urls.iter().cloned()))
}

/// A server that acknowledges too early must be found.
fn forgets(root: &Path) -> Result<(), Failure> {
    let mut suite = command::sessionspec(root);
    let output = suite.args(["run", "--store", FORGETS, "--rules", "crash.*"]).output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(1) && printed.contains(&format!("FAIL r[{ACKNOWLEDGED}]")) {
        return Ok(());
    }
    let fault = format!("{FORGETS} should break {ACKNOWLEDGED}: {}\n{printed}", output.status);
    Err(Failure::one("services", fault + &String::from_utf8_lossy(&output.stderr)))
}

/// The servers on which the suite should have moved the clock and proven the instant of expiry, or have killed the server,
/// and did not.
fn unproven(report: &serde_json::Value) -> Vec<String> {
    let all = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let is_proven = |name: &str, rule: &str, clock: &[&str]| {
        all(&report["subjects"]).iter().filter(|subject| subject["name"] == name).any(|subject| {
            all(&subject["rules"]).iter().any(|found| {
                found["id"] == rule
                    && found["status"] == "pass"
                    && clock.iter().any(|clock| found["clock"] == *clock)
            })
        })
    };
    let unmoved = MOVED.into_iter().filter(|name| !is_proven(name, BOUNDARY, &["moved"]));
    let unmoved = unmoved.map(|name| format!("{name}: {BOUNDARY} was not proven on a clock that was moved"));
    let lives = KILLED.into_iter().filter(|name| !is_proven(name, ACKNOWLEDGED, &["moved", "virtual"]));
    let lives =
        lives.map(|name| format!("{name}: {ACKNOWLEDGED} was not proven on a server that was killed"));
    unmoved.chain(lives).collect()
}

/// A database of this name on the PostgreSQL server of a URL, with nothing in it.
pub(crate) fn fresh_database(url: &str, name: &str) -> Result<String, Failure> {
    let mut client = Command::new(program("psql", &postgres_places())?);
    client.args(["--no-psqlrc", "--no-password", "--quiet", "--dbname", url]);
    // One by one: neither may be in a transaction.
    client.args(["--command", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")]);
    finish(client.args(["--command", &format!("CREATE DATABASE {name}")]))?;
    let server = url.rsplit_once('/').map_or(url, |(server, _)| server);
    Ok(format!("{server}/{name}"))
}

/// Why a server does not run.
pub(crate) enum Fault {
    /// This program is not there.
    Missing(&'static str),
    Failed(String),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Missing(program) => Self::one("services", format!("there is no {program}; {REMEDY}")),
            Fault::Failed(reason) => Self::one("services", reason),
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// With a second port for encrypted connections.
fn redis(running: &mut Running) -> Result<String, Fault> {
    let [port, encrypted] = free_ports()?;
    let mut server = Command::new(program("redis-server", &[])?);
    let (certificate, key) = running.certificate()?;
    redis_options(&mut server, port).args(["--tls-port", &encrypted.to_string(), "--tls-auth-clients", "no"]);
    server.arg("--tls-cert-file").arg(certificate).arg("--tls-key-file").arg(key);
    running.spawn(&mut server, port, "redis-server")?;
    running.urls.push((REDIS_TLS, format!("rediss://127.0.0.1:{encrypted}")));
    Ok(format!("redis://127.0.0.1:{port}"))
}

/// Nothing is written to the disk.
fn redis_options(server: &mut Command, port: u16) -> &mut Command {
    server.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"])
}

/// Three nodes, which is the fewest that make a cluster.
fn cluster(running: &mut Running) -> Result<String, Fault> {
    let (server, client) = (program("redis-server", &[])?, program("redis-cli", &[])?);
    let mut nodes = Vec::new();
    for _ in 0..3 {
        let [port, bus] = free_ports()?;
        let mut node = Command::new(&server);
        redis_options(&mut node, port).args(["--cluster-enabled", "yes", "--cluster-port", &bus.to_string()]);
        node.args(["--cluster-config-file", &format!("nodes-{port}.conf")]);
        running.spawn(&mut node, port, "redis-server")?;
        nodes.push(format!("127.0.0.1:{port}"));
    }
    let mut create = Command::new(&client);
    create.args(["--cluster", "create"]).args(&nodes).args(["--cluster-replicas", "0", "--cluster-yes"]);
    finish(&mut create)?;
    // Each node must have heard of the whole.
    let deadline = Instant::now() + PATIENCE;
    for node in &nodes {
        let port = node.rsplit(':').next().unwrap_or_default();
        loop {
            let state = Command::new(&client).args(["-p", port, "cluster", "info"]).output()?;
            if String::from_utf8_lossy(&state.stdout).contains("cluster_state:ok") {
                break;
            }
            if Instant::now() > deadline {
                return Err(Fault::Failed("the Redis cluster did not come about in 30 s".into()));
            }
            sleep(Duration::from_millis(50));
        }
    }
    Ok(nodes.iter().map(|node| format!("redis://{node}")).collect::<Vec<_>>().join(","))
}

fn memcached(running: &mut Running) -> Result<String, Fault> {
    let [port] = free_ports()?;
    let mut server = Command::new(program("memcached", &[])?);
    server.args(["-l", "127.0.0.1", "-p", &port.to_string(), "-U", "0"]);
    if let Some(user) = ordinary_user()? {
        server.uid(user).gid(user);
    }
    running.spawn(&mut server, port, "memcached")?;
    Ok(format!("memcached://127.0.0.1:{port}"))
}

fn postgres(running: &mut Running) -> Result<String, Fault> {
    let places = postgres_places();
    let (initdb, server) = (program("initdb", &places)?, program("postgres", &places)?);
    let data = running.directory.path().join("postgres");
    fs::create_dir(&data)?;
    let user = ordinary_user()?;
    if let Some(user) = user {
        std::os::unix::fs::chown(&data, Some(user), Some(user))?;
        // The server must be able to reach its directory.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        fs::set_permissions(running.directory.path(), mode)?;
    }
    // The server refuses to run as the system's administrator.
    let ordinary = |program: &Path| {
        let mut command = Command::new(program);
        command.current_dir(&data).stdin(Stdio::null());
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        command
    };
    let mut make = ordinary(&initdb);
    make.args([
        "--auth",
        "trust",
        "--username",
        "sessions",
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--no-sync",
    ]);
    finish(make.arg("--pgdata").arg(&data))?;
    let [port] = free_ports()?;
    let mut run = ordinary(&server);
    run.arg("-D").arg(&data).arg("-k").arg(&data).args(["-p", &port.to_string()]);
    run.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
    let (certificate, key) = running.certificate()?;
    run.args(["-c", "ssl=on", "-c", &format!("ssl_cert_file={}", certificate.display())]);
    run.args(["-c", &format!("ssl_key_file={}", key.display())]);
    // It listens before it lets anybody in.
    let mut ask = Command::new(program("pg_isready", &places)?);
    ask.args(["--quiet", "--host", "127.0.0.1", "--port", &port.to_string()]);
    running
        .spawn_until(&mut run, port, POSTGRES_NAME, || ask.status().is_ok_and(|status| status.success()))?;
    let url = format!("postgres://sessions@127.0.0.1:{port}/postgres");
    running.urls.push((POSTGRES_TLS, format!("{url}?sslmode=require")));
    Ok(url)
}

/// Where Debian keeps PostgreSQL's programs, the newest version last.
fn postgres_places() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    places.sort();
    places
}

/// A user who is not the system's administrator, if this is run by that one: servers should not run as such.
fn ordinary_user() -> Result<Option<u32>, Fault> {
    let id = Command::new("id").arg("-u").output()?;
    let administrator = String::from_utf8_lossy(&id.stdout).trim() == "0";
    Ok(administrator.then_some(65_534))
}

/// The first of these programs that is in `PATH`.
pub(crate) fn find(names: &[&'static str]) -> Option<PathBuf> {
    names.iter().find_map(|name| program(name, &[]).ok())
}

/// The path of a program, among those places or in `PATH`.
fn program(name: &'static str, places: &[PathBuf]) -> Result<PathBuf, Fault> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = places.iter().rev().cloned().chain(std::env::split_paths(&path));
    let found = places.map(|place| place.join(name)).find(|path| path.is_file());
    found.ok_or(Fault::Missing(name))
}

/// Different ports that nobody listens at just now.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N], std::io::Error> {
    // All are held until the last is found, or one could be found twice.
    let mut held: Vec<(u16, TcpListener)> = Vec::new();
    for _ in 0..ATTEMPTS {
        let port = fastrand::u16(PORTS);
        held.extend(TcpListener::bind(("127.0.0.1", port)).map(|listener| (port, listener)));
        if held.len() == N {
            return Ok(std::array::from_fn(|at| held[at].0));
        }
    }
    Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, "there is no free port"))
}

/// Runs a program to its end; what it printed is shown if it fails.
fn finish(command: &mut Command) -> Result<(), Fault> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    let program = command.get_program().to_string_lossy().into_owned();
    Err(Fault::Failed(format!("{program}: {}: {}", output.status, String::from_utf8_lossy(&printed))))
}

impl Running {
    /// No server yet.
    pub(crate) fn none() -> Result<Self, std::io::Error> {
        let directory = tempfile::Builder::new().prefix("sessionspec-services-").tempdir()?;
        Ok(Self { urls: Vec::new(), children: Vec::new(), directory })
    }

    /// The paths of a certificate for this machine, and of its key, made when they are first wanted.
    fn certificate(&mut self) -> Result<(PathBuf, PathBuf), Fault> {
        let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| self.directory.path().join(name));
        if !certificate.exists() {
            let settings = self.directory.path().join("certificate.cnf");
            fs::write(&settings, CERTIFICATE_SETTINGS)?;
            let mut make = Command::new(program("openssl", &[])?);
            make.args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
            make.arg("-config").arg(settings).arg("-keyout").arg(&key).arg("-out").arg(&certificate);
            finish(&mut make)?;
            // PostgreSQL takes no key that others may read.
            fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            if let Some(user) = ordinary_user()? {
                std::os::unix::fs::chown(&key, Some(user), Some(user))?;
            }
            self.urls.push((CERTIFICATE, certificate.display().to_string()));
        }
        Ok((certificate, key))
    }

    /// The URL in a variable.
    pub(crate) fn url(&self, variable: &str) -> &str {
        self.urls.iter().find(|(name, _)| *name == variable).map_or("", |(_, url)| url)
    }

    /// Starts a server and waits until it listens. Its output goes into a file, whose end is shown if it ends.
    pub(crate) fn spawn(&mut self, command: &mut Command, port: u16, name: &str) -> Result<PathBuf, Fault> {
        self.spawn_until(command, port, name, || TcpStream::connect(("127.0.0.1", port)).is_ok())
    }

    /// The same with another sign that it is ready.
    fn spawn_until(
        &mut self,
        command: &mut Command,
        port: u16,
        name: &str,
        mut is_ready: impl FnMut() -> bool,
    ) -> Result<PathBuf, Fault> {
        let log = self.directory.path().join(format!("{name}-{port}.log"));
        let file = fs::File::create(&log)?;
        if command.get_current_dir().is_none() {
            command.current_dir(self.directory.path());
        }
        let mut child = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn()?;
        let deadline = Instant::now() + PATIENCE;
        while !is_ready() {
            if let Some(status) = child.try_wait()? {
                let printed = fs::read_to_string(&log).unwrap_or_default();
                return Err(Fault::Failed(format!("{name} ended with {status}: {printed}")));
            }
            if Instant::now() > deadline {
                self.children.push((name.to_owned(), child));
                return Err(Fault::Failed(format!("{name} is not ready after 30 s")));
            }
            sleep(Duration::from_millis(20));
        }
        self.children.push((name.to_owned(), child));
        Ok(log)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ports_are_different_and_go_to_no_connection() {
        let ports: [u16; 300] = free_ports().unwrap();
        assert_eq!(ports.iter().collect::<std::collections::BTreeSet<_>>().len(), ports.len());
        assert!(ports.iter().all(|port| *port < 32_768), "{ports:?}");
    }

    #[test]
    fn what_was_waited_for_or_not_killed_is_not_proven() {
        let rule =
            |id: &str, status: &str, clock: &str| json!({ "id": id, "status": status, "clock": clock });
        let report = |instant, crash| {
            json!({ "subjects": [
                { "name": "redis", "rules": [rule(BOUNDARY, "pass", "moved"), rule(ACKNOWLEDGED, "pass", "moved")] },
                { "name": "memcached", "rules": [rule(BOUNDARY, "pass", instant)] },
                { "name": "postgres", "rules": [rule(BOUNDARY, "pass", "moved"), rule(ACKNOWLEDGED, crash, "moved")] },
            ] })
        };
        assert_eq!(unproven(&report("moved", "pass")), Vec::<String>::new());
        let [waited] = unproven(&report("wall", "pass")).try_into().unwrap();
        assert!(waited.starts_with("memcached: expiry.boundary"), "{waited}");
        let [spared] = unproven(&report("moved", "not-applicable")).try_into().unwrap();
        assert!(spared.starts_with("postgres: crash.acknowledged"), "{spared}");
    }
}
