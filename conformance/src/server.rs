//! Servers that the suite starts for a store, on a free port and in a directory of their own: under a clock that is moved;
//! and killed in the midst of their work, if what they acknowledge should last.
//! And servers that somebody else has started under a clock.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use crate::manifest::Reach;
use crate::moved::{Monotonic, Mover, REACH, obeys};
use crate::subject::{KillableServer, StoreHooks};
use crate::trace::START;

/// How long a server may take to listen, and to notice that its clock was moved.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a PostgreSQL may take to end: less than an adapter has for that.
const LEAVE: Duration = Duration::from_secs(4);

/// In its directory: what PostgreSQL keeps, and what a server says.
const DATA: &str = "data";
const LOG: &str = "log";

/// How long one waits before one looks again.
const PAUSE: Duration = Duration::from_millis(2);

/// A kind of server that the suite can start. Its program must be in `PATH`; that of PostgreSQL may also be where Debian
/// keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerKind {
    /// Redis or Valkey. Its clock is moved, and it is killed, if the store is persistent.
    Redis,
    /// memcached. Its clock is moved. It derives the date from its monotonic clock, and so cannot go back: it is started
    /// again then. What it has ends with it, so that it is not killed.
    Memcached,
    /// PostgreSQL. Its clock is moved, and it is killed, if the store is persistent. While the date stands still, so do its
    /// own timeouts, such as that of deadlocks.
    Postgres,
}

/// Redis counts in milliseconds, and still has a value in the one in which it expires. One that lives for a millisecond is
/// there in the next, too, so that no trace has shorter times than two.
const REDIS: Reach = Reach { resolution: 2_000, ..REACH };

/// memcached counts in seconds. Its last instant is in January 2038, and traces begin in 2030.
const MEMCACHED: Reach = Reach { span: 8 * 365 * 86_400 * 1_000_000, resolution: 1_000_000 };

/// The clock of one or more servers that run.
#[derive(Debug)]
pub struct ServerClock {
    kind: ServerKind,
    addresses: Vec<String>,
    mover: Mover,
}

/// A server that was started here. It stops when this, and the hooks that were made of it, are dropped.
#[derive(Debug)]
pub struct OwnServer {
    /// For the two who need it: who moves its clock, and who kills it.
    running: Arc<Mutex<Running>>,
    /// How its clock was seen to obey, or why it is not moved; nothing if it has the clock of this program.
    clock: Option<Result<String, String>>,
}

/// A server that runs, or is about to run again.
#[derive(Debug)]
struct Running {
    kind: ServerKind,
    port: u16,
    /// What the user wants of it: names and values of the server's own settings.
    settings: Vec<(String, String)>,
    child: Arc<Mutex<Child>>,
    directory: tempfile::TempDir,
    /// Its clock; nothing where clocks cannot be moved, or it has that of this program.
    clock: Option<ServerClock>,
    /// Whether what it acknowledges must outlive it.
    lasting: bool,
    /// How it will be killed, or was.
    death: Option<JoinHandle<()>>,
    killed: bool,
    /// How often it was started; whoever is connected has to connect again.
    lives: Arc<AtomicU32>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ServerKind {
    /// What the monotonic clocks must do under it.
    fn monotonic(self) -> Monotonic {
        match self {
            Self::Redis | Self::Postgres => Monotonic::GoesOn,
            Self::Memcached => Monotonic::Stands,
        }
    }

    /// What its clock can show.
    pub fn reach(self) -> Reach {
        match self {
            Self::Redis => REDIS,
            Self::Memcached => MEMCACHED,
            Self::Postgres => REACH,
        }
    }

    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Redis => &["redis-server", "valkey-server"],
            Self::Memcached => &["memcached"],
            Self::Postgres => &["postgres"],
        }
    }

    /// How it is started, with settings in the place of those that it has otherwise.
    fn line(self, port: u16, lasting: bool, settings: &[(String, String)]) -> Vec<String> {
        let port = port.to_string();
        let words: &[&str] = match self {
            // The system writes its file down sometime; whoever kills a process does not keep it from that.
            Self::Redis => &[
                "--bind",
                "127.0.0.1",
                "--port",
                &port,
                "--save",
                "",
                "--appendonly",
                if lasting { "yes" } else { "no" },
                "--appendfsync",
                "no",
            ],
            // It refuses to run as the system's administrator unless it is told who else to be.
            Self::Memcached => &["-l", "127.0.0.1", "-p", &port, "-U", "0", "-t", "2", "-u", "nobody"],
            Self::Postgres => &[
                "-D",
                DATA,
                "-k",
                ".",
                "-p",
                &port,
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off",
                "-c",
                "log_min_messages=fatal",
            ],
        };
        let words = words.iter().map(|word| (*word).to_owned());
        let settings = settings.iter().flat_map(|(name, value)| match self {
            Self::Postgres => ["-c".to_owned(), format!("{name}={value}")],
            Self::Redis | Self::Memcached => [format!("--{name}"), value.clone()],
        });
        words.chain(settings).collect()
    }

    /// Whether a server at this address is ready to work. Most listen before they have read what they kept.
    fn is_ready(self, address: &str) -> bool {
        match self {
            Self::Redis => pings(address).unwrap_or(false),
            Self::Memcached => TcpStream::connect(address).is_ok(),
            Self::Postgres => {
                let Some((host, port)) = address.split_once(':') else { return false };
                let asked = find(&["pg_isready"]).map(|program| {
                    Command::new(program).args(["--quiet", "--host", host, "--port", port]).status()
                });
                matches!(asked, Ok(Ok(status)) if status.success())
            }
        }
    }

    /// Asks a server for its time, in microseconds since the Unix epoch.
    fn time(self, address: &str) -> Result<i64, String> {
        let told = match self {
            Self::Redis => redis_time(address),
            Self::Memcached => memcached_time(address),
            Self::Postgres => postgres_time(address),
        };
        told.map_err(|error| format!("{address} does not tell its time: {error}"))
    }

    /// Whether it notices only after a while that its clock was set. PostgreSQL looks at the clock whenever it needs it.
    fn notices_late(self) -> bool {
        self != Self::Postgres
    }
}

/// What a server answers on a new connection: memcached looks at its timers when somebody comes.
fn answer(address: &str, question: &str) -> std::io::Result<impl Iterator<Item = std::io::Result<String>>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(question.as_bytes())?;
    Ok(BufReader::new(stream.take(1 << 16)).lines())
}

fn number(text: &str) -> std::io::Result<i64> {
    text.parse().map_err(|_| std::io::Error::other(format!("{text:?} is no time")))
}

fn redis_time(address: &str) -> std::io::Result<i64> {
    // *2, $10, the seconds, $6, the microseconds.
    let lines: Vec<String> = answer(address, "TIME\r\n")?.take(5).collect::<Result<_, _>>()?;
    match lines.as_slice() {
        [two, _, seconds, _, micros] if two == "*2" => {
            Ok(number(seconds)?.saturating_mul(1_000_000).saturating_add(number(micros)?))
        }
        strange => Err(std::io::Error::other(format!("{strange:?}"))),
    }
}

fn memcached_time(address: &str) -> std::io::Result<i64> {
    for line in answer(address, "stats\r\n")? {
        let line = line?;
        if let Some(seconds) = line.strip_prefix("STAT time ") {
            return Ok(number(seconds)?.saturating_mul(1_000_000));
        }
        if !line.starts_with("STAT ") {
            return Err(std::io::Error::other(format!("{line:?}")));
        }
    }
    Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof))
}

fn postgres_time(address: &str) -> std::io::Result<i64> {
    let program = find(&["psql"]).map_err(std::io::Error::other)?;
    let question = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    let mut ask = Command::new(program);
    // What the user has set for servers of his own.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
        ask.env_remove(name);
    }
    ask.env("PGCONNECT_TIMEOUT", PATIENCE.as_secs().to_string());
    ask.args(["--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align"]);
    let output = ask.args(["--dbname", &postgres_url(address), "--command", question]).output()?;
    if !output.status.success() {
        return Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    number(String::from_utf8_lossy(&output.stdout).trim())
}

fn postgres_url(address: &str) -> String {
    format!("postgres://sessions@{address}/postgres")
}

/// Makes the value under a key of a Redis or memcached undecodable in its place, so that it expires when it did; tells whether
/// there was one.
///
/// # Errors
/// A sentence, if the server cannot be reached or answers something else.
pub fn damage(kind: ServerKind, address: &str, key: &str) -> Result<bool, String> {
    let fault = |error: std::io::Error| format!("{address} damages nothing: {error}");
    let ask = |line: String| {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(line.as_bytes())?;
        let mut answer = String::new();
        BufReader::new(stream.take(1 << 10)).read_line(&mut answer)?;
        Ok(answer)
    };
    let answer = match kind {
        ServerKind::Memcached => ask(format!("prepend {key} 0 0 7\r\ndamaged\r\n")).map_err(fault)?,
        // It would make a value where there is none.
        _ if ask(redis_command(&["EXISTS", key])).map_err(fault)?.trim_end() == ":0" => return Ok(false),
        _ => ask(redis_command(&["SETRANGE", key, "0", "damaged"])).map_err(fault)?,
    };
    match answer.trim_end() {
        "NOT_STORED" => Ok(false),
        done if done == "STORED" || done.starts_with(':') => Ok(true),
        strange => Err(format!("{address} damages nothing: {strange:?}")),
    }
}

/// A command for Redis, as its clients send it: a key may have any characters.
fn redis_command(words: &[&str]) -> String {
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        // Writing to a String cannot fail.
        let _ = write!(command, "${}\r\n{word}\r\n", word.len());
    }
    command
}

impl ServerClock {
    /// The clock that the variable `SESSIONSPEC_CLOCK` names, of servers at these addresses.
    ///
    /// # Errors
    /// A sentence, if there is none that can be moved.
    pub fn shared(kind: ServerKind, addresses: Vec<String>) -> Result<Self, String> {
        match kind {
            ServerKind::Redis => {}
            ServerKind::Memcached => {
                return Err(
                    "memcached derives the date from a clock that cannot go back; `--store memcached:` \
                            starts one that can be started again"
                        .into(),
                );
            }
            ServerKind::Postgres => {
                return Err(
                    "only the clock of a PostgreSQL that the suite starts is moved: `--store postgres:`"
                        .into(),
                );
            }
        }
        let mover = Mover::new(kind.monotonic()).map_err(|error| error.to_string())?;
        Ok(Self { kind, addresses, mover })
    }

    /// What kind of servers they are.
    pub fn kind(&self) -> ServerKind {
        self.kind
    }

    /// The address, if there is only one server.
    pub fn address(&self) -> Option<&str> {
        if let [address] = self.addresses.as_slice() { Some(address) } else { None }
    }

    /// Sees whether the servers obey, and tells how that was seen.
    ///
    /// # Errors
    /// A sentence that says how they do not.
    pub fn test(&mut self) -> Result<String, String> {
        let (kind, addresses) = (self.kind, &self.addresses);
        self.mover.test(|set| wait(kind, addresses, set).map(|()| set))
    }

    /// Moves it to an instant, in microseconds since the Unix epoch, and waits until servers that notice late have done so.
    ///
    /// # Errors
    /// A sentence, if they do not.
    pub fn to(&mut self, now: i64) -> Result<(), String> {
        if self.mover.set(now)? { settle(self.kind, &self.addresses, now) } else { Ok(()) }
    }

    /// Whether it can be moved there while the server runs.
    fn reaches(&self, now: i64) -> bool {
        self.kind != ServerKind::Memcached || self.mover.clock().instant().is_none_or(|at| at <= now)
    }
}

/// Waits for servers that notice late that their clock was set.
fn settle(kind: ServerKind, addresses: &[String], set: i64) -> Result<(), String> {
    if kind.notices_late() { wait(kind, addresses, set) } else { Ok(()) }
}

/// Waits until servers have noticed that their clock was set.
fn wait(kind: ServerKind, addresses: &[String], set: i64) -> Result<(), String> {
    for address in addresses {
        let mut left = PATIENCE;
        loop {
            match obeys(set, kind.time(address)?) {
                Ok(()) => break,
                Err(reason) if left.is_zero() => return Err(format!("{address}: {reason}")),
                Err(_) => pause(&mut left),
            }
        }
    }
    Ok(())
}

fn pause(left: &mut Duration) {
    sleep(PAUSE);
    *left = left.saturating_sub(PAUSE);
}

impl OwnServer {
    /// Starts a server on a free port, with settings of its own: their names and values. Where clocks cannot be moved it runs
    /// all the same.
    ///
    /// # Errors
    /// A sentence, if there is no such program, or it does not start.
    pub fn start(kind: ServerKind, settings: Vec<(String, String)>) -> Result<Self, String> {
        let mover = Mover::apart(kind.monotonic()).map_err(|error| error.to_string());
        // A program that knew real time before would go on from there.
        let mover = mover.and_then(|mut mover| mover.renew(START).map(|()| mover));
        let started = mover.and_then(|mover| {
            let mut running = Running::start(kind, settings.clone(), Some(&mover))?;
            running.test(mover).map(|test| (running, test))
        });
        let (running, clock) = match started {
            Ok((running, test)) => (running, Ok(test)),
            // Without the library it is the server that it always was.
            Err(reason) => {
                let mut running = Running::start(kind, settings, None)?;
                running.listens()?;
                (running, Err(reason))
            }
        };
        Ok(Self { running: Arc::new(Mutex::new(running)), clock: Some(clock) })
    }

    /// The same, for a store that does not ask the server for the time: it has the clock of this program, moved or not.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with_this_clock(kind: ServerKind) -> Result<Self, String> {
        let mut running = Running::start(kind, Vec::new(), None)?;
        running.listens()?;
        Ok(Self { running: Arc::new(Mutex::new(running)), clock: None })
    }

    /// What kind of server it is.
    pub fn kind(&self) -> ServerKind {
        lock(&self.running).kind
    }

    /// Where it listens: `HOST:PORT`.
    pub fn address(&self) -> String {
        lock(&self.running).address()
    }

    /// Its URL, of an empty database. memcached has none: its address.
    pub fn url(&self) -> String {
        let address = self.address();
        match self.kind() {
            ServerKind::Redis => format!("redis://{address}"),
            ServerKind::Memcached => address,
            ServerKind::Postgres => postgres_url(&address),
        }
    }

    /// How often it was started again. Whoever is connected then has to connect again.
    pub fn lives(&self) -> Arc<AtomicU32> {
        Arc::clone(&lock(&self.running).lives)
    }

    /// Whether its clock is moved.
    pub fn is_moved(&self) -> bool {
        matches!(self.clock, Some(Ok(_)))
    }

    /// The hooks of the store on it: they hold it, move its clock and kill it.
    #[must_use]
    pub fn hooks(self, hooks: StoreHooks) -> StoreHooks {
        let (kind, url) = (self.kind(), self.url());
        let hooks = match self.clock {
            None => hooks,
            Some(Ok(test)) => {
                let running = Arc::clone(&self.running);
                hooks.with_moved_clock(test, kind.reach(), move |now| lock(&running).to(now))
            }
            Some(Err(reason)) => hooks.with_unmoved_clock(reason),
        };
        // What memcached has ends with it.
        let hooks = if kind == ServerKind::Memcached {
            hooks.with_guard(self.running)
        } else {
            hooks.with_server(self.running)
        };
        hooks.with_server_url(url)
    }
}

impl Running {
    /// Starts it, under this clock; whether it listens is not known yet.
    fn start(
        kind: ServerKind,
        settings: Vec<(String, String)>,
        mover: Option<&Mover>,
    ) -> Result<Self, String> {
        let directory = tempfile::Builder::new().prefix("sessionspec-server-").tempdir();
        let directory = directory.map_err(|error| format!("no directory for a server: {error}"))?;
        if kind == ServerKind::Postgres {
            make_database(directory.path())?;
        }
        let port = free_port()?;
        let child = spawn(kind, port, false, &settings, directory.path(), mover)?;
        let child = Arc::new(Mutex::new(child));
        let (lasting, death, killed, lives) = (false, None, false, Arc::default());
        Ok(Self { kind, port, settings, child, directory, clock: None, lasting, death, killed, lives })
    }

    /// Waits until it listens, and sees whether it obeys this clock, under which it was started; tells how that was seen.
    fn test(&mut self, mover: Mover) -> Result<String, String> {
        self.listens()?;
        let mut clock = ServerClock { kind: self.kind, addresses: vec![self.address()], mover };
        let test = clock.test()?;
        self.clock = Some(clock);
        Ok(test)
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Moves its clock. If it cannot go back while it runs, it is started again.
    fn to(&mut self, now: i64) -> Result<(), String> {
        match &mut self.clock {
            None => Ok(()),
            Some(clock) if clock.reaches(now) => clock.to(now),
            Some(_) => self.revive(now),
        }
    }

    /// Stops it, if it runs, and starts it again at an instant.
    fn revive(&mut self, now: i64) -> Result<(), String> {
        self.is_killed();
        stop(&mut lock(&self.child));
        if let Some(clock) = &mut self.clock {
            clock.mover.renew(now)?;
        }
        let until = Instant::now() + PATIENCE;
        loop {
            let mover = self.clock.as_ref().map(|clock| &clock.mover);
            let place = self.directory.path();
            let child = spawn(self.kind, self.port, self.lasting, &self.settings, place, mover)?;
            *lock(&self.child) = child;
            let listens = self.listens();
            let Err(reason) = listens else { break };
            // The processes of a PostgreSQL that was killed live on for a moment, and so long another one ends at once.
            let has_ended = !matches!(lock(&self.child).try_wait(), Ok(None));
            if self.kind != ServerKind::Postgres || !has_ended || Instant::now() > until {
                stop(&mut lock(&self.child));
                return Err(reason);
            }
            sleep(PAUSE);
        }
        self.killed = false;
        self.lives.fetch_add(1, Ordering::Relaxed);
        if self.clock.is_some() { settle(self.kind, &[self.address()], now) } else { Ok(()) }
    }

    /// Waits until it is ready.
    fn listens(&mut self) -> Result<(), String> {
        let mut left = PATIENCE;
        while !self.kind.is_ready(&self.address()) {
            let program = self.kind.programs()[0];
            if let Ok(Some(status)) = lock(&self.child).try_wait() {
                let said = fs::read(self.directory.path().join(LOG)).unwrap_or_default();
                let said = String::from_utf8_lossy(&said).into_owned();
                return Err(format!("{program} ended with {status}: {}", said.trim()));
            }
            if left.is_zero() {
                return Err(format!("{program} does not listen after {} s", PATIENCE.as_secs()));
            }
            pause(&mut left);
        }
        Ok(())
    }

    /// Whether it was killed; waits for that if it is still to come.
    fn is_killed(&mut self) -> bool {
        if let Some(death) = self.death.take() {
            // All that it does is to kill.
            let _ = death.join();
            self.killed = true;
        }
        self.killed
    }
}

impl KillableServer for Arc<Mutex<Running>> {
    fn prepare(&mut self, now: i64) -> Result<(), String> {
        let mut server = lock(self);
        if server.kind == ServerKind::Postgres {
            return Ok(());
        }
        server.lasting = true;
        stop(&mut lock(&server.child));
        // What it kept for those who were here before would take time to read, each time that it starts again.
        let kept = server.directory.path().join("appendonlydir");
        match fs::remove_dir_all(&kept) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("{}: {error}", kept.display()))
            }
            _ => server.revive(now),
        }
    }

    fn kill_after(&mut self, after: Duration) {
        let mut server = lock(self);
        let child = Arc::clone(&server.child);
        server.death = Some(thread::spawn(move || {
            sleep(after);
            stop(&mut lock(&child));
        }));
    }

    fn is_killed(&mut self) -> bool {
        lock(self).is_killed()
    }

    fn start_again(&mut self, now: i64) -> Result<(), String> {
        lock(self).revive(now)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.is_killed();
        end(self.kind, &mut lock(&self.child));
    }
}

/// Has a server end that nobody needs any more. PostgreSQL leaves shared memory behind for good if it is killed, and nobody
/// starts it again on the same data.
fn end(kind: ServerKind, child: &mut Child) {
    #[cfg(unix)]
    if kind == ServerKind::Postgres {
        let number = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let asked = number.is_some_and(|number| {
            rustix::process::kill_process(number, rustix::process::Signal::INT).is_ok()
        });
        let until = Instant::now() + LEAVE;
        while asked && Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
            sleep(PAUSE);
        }
    }
    stop(child);
}

fn stop(child: &mut Child) {
    // One that is gone already is what is wanted.
    let _ = child.kill();
    let _ = child.wait();
}

fn spawn(
    kind: ServerKind,
    port: u16,
    lasting: bool,
    settings: &[(String, String)],
    directory: &Path,
    mover: Option<&Mover>,
) -> Result<Child, String> {
    let fault = |error: std::io::Error| format!("cannot start {}: {error}", kind.programs()[0]);
    let mut command = Command::new(program(kind)?);
    command.args(kind.line(port, lasting, settings)).current_dir(directory);
    let log = File::create(directory.join(LOG)).map_err(fault)?;
    command.stdin(Stdio::null()).stdout(log.try_clone().map_err(fault)?).stderr(log);
    if kind == ServerKind::Postgres {
        as_ordinary_user(&mut command);
    }
    if let Some(mover) = mover {
        command.envs(mover.clock().environment());
    }
    command.spawn().map_err(fault)
}

/// Makes an empty database.
fn make_database(directory: &Path) -> Result<(), String> {
    // It is asked whether the server is ready, and what time it is.
    find(&["pg_isready"])?;
    find(&["psql"])?;
    let data = directory.join(DATA);
    let fault = |error: std::io::Error| format!("no database can be made: {error}");
    fs::create_dir(&data).map_err(fault)?;
    give_to_ordinary_user(directory, &data).map_err(fault)?;
    let mut make = Command::new(find(&["initdb"])?);
    make.args(["--auth", "trust", "--username", "sessions", "--encoding", "UTF8", "--locale", "C"]);
    make.args(["--no-sync", "--pgdata", DATA]).current_dir(directory).stdin(Stdio::null());
    as_ordinary_user(&mut make);
    let output = make.output().map_err(fault)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("initdb ended with {}: {}", output.status, said.trim()))
}

/// The user `nobody`, as which PostgreSQL is run by the system's administrator, as whom it refuses to run.
#[cfg(unix)]
const NOBODY: u32 = 65_534;

#[cfg(unix)]
fn as_ordinary_user(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    if rustix::process::getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
}

/// Lets that user reach and write what is the server's.
#[cfg(unix)]
fn give_to_ordinary_user(directory: &Path, data: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{PermissionsExt, chown};
    if !rustix::process::getuid().is_root() {
        return Ok(());
    }
    for place in [directory, data] {
        chown(place, Some(NOBODY), Some(NOBODY))?;
    }
    fs::set_permissions(data, fs::Permissions::from_mode(0o700))
}

/// Elsewhere the administrator is no other user than the rest.
#[cfg(not(unix))]
fn as_ordinary_user(_: &mut Command) {}

#[cfg(not(unix))]
fn give_to_ordinary_user(_: &Path, _: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The path of a server's program.
fn program(kind: ServerKind) -> Result<PathBuf, String> {
    find(kind.programs()).map_err(|missing| format!("{missing}; give the URL of a server that runs"))
}

/// The path of the first of some programs that is there: in `PATH`; or where Debian keeps those of PostgreSQL, the newest.
fn find(names: &[&str]) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = versions.map(|version| version.path()).collect();
    places.sort_by_key(|place| place.file_name()?.to_str()?.parse::<u32>().ok());
    let places = places.into_iter().rev().map(|place| place.join("bin"));
    let places = std::env::split_paths(&path).chain(places);
    let mut all = places.flat_map(|place| names.iter().map(move |name| place.join(name)));
    all.find(|program| program.is_file())
        .ok_or_else(|| format!("there is no {} in PATH to be started", names.join(", no ")))
}

/// Whether a Redis answers: one that still reads its file says so.
fn pings(address: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = String::new();
    BufReader::new(stream.take(1 << 10)).read_line(&mut answer)?;
    Ok(answer.starts_with("+PONG"))
}

/// A port that nobody listens at just now, of those that systems give to no connection unless they are told to (Linux begins at
/// 32768 with those): one of the system's choice could be gone before the server listens, or while it is down.
fn free_port() -> Result<u16, String> {
    let mut ports = std::iter::repeat_with(|| fastrand::u16(10_240..32_768)).take(1_000);
    let free = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.ok_or_else(|| "there is no free port between 10240 and 32767".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_have_any_characters() {
        assert_eq!(redis_command(&["EXISTS", "a b\u{e9}"]), "*2\r\n$6\r\nEXISTS\r\n$5\r\na b\u{e9}\r\n");
    }

    #[test]
    fn a_server_listens_where_no_connection_comes_from() {
        let ports = [(); 30].map(|()| free_port().unwrap());
        assert!(ports.iter().all(|port| *port < 32_768), "{ports:?}");
    }

    #[test]
    fn settings_come_in_the_form_of_each_server() {
        let settings = [("synchronous_commit".to_owned(), "off".to_owned())];
        let line = |kind: ServerKind| {
            let line = kind.line(7_000, false, &settings);
            line[line.len() - 2..].to_vec()
        };
        assert_eq!(line(ServerKind::Postgres), ["-c", "synchronous_commit=off"]);
        assert_eq!(line(ServerKind::Redis), ["--synchronous_commit", "off"]);
    }
}
