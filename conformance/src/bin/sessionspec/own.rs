//! Servers under a clock that is moved: those that this program starts for a run, on a free port and with nothing on the
//! disk, and those that somebody else has started under a clock.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use session_conformance::manifest::Reach;
use session_conformance::moved::{Monotonic, Mover, REACH, obeys};
use session_conformance::trace::START;

/// How long a server may take to listen, and to notice that its clock was moved.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long one waits before one looks again.
const PAUSE: Duration = Duration::from_millis(2);

/// What kind of server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Redis or Valkey.
    #[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "only memcached is built in"))]
    Redis,
    /// memcached, which derives the date from its monotonic clock, and so cannot go back.
    Memcached,
}

/// Redis counts in milliseconds.
const REDIS: Reach = Reach { resolution: 1_000, ..REACH };

/// memcached counts in seconds. Its last instant is in January 2038, and traces begin in 2030.
const MEMCACHED: Reach = Reach { span: 8 * 365 * 86_400 * 1_000_000, resolution: 1_000_000 };

/// The clock of one or more servers that run.
#[derive(Debug)]
pub(crate) struct ServerClock {
    kind: Kind,
    addresses: Vec<String>,
    mover: Mover,
}

/// A server that was started here; it stops when this is dropped.
#[derive(Debug)]
pub(crate) struct OwnServer {
    kind: Kind,
    port: u16,
    child: Child,
    directory: tempfile::TempDir,
    /// Its clock; nothing where clocks cannot be moved.
    clock: Option<ServerClock>,
}

impl Kind {
    /// What the monotonic clocks must do under it.
    pub(crate) fn monotonic(self) -> Monotonic {
        match self {
            Self::Redis => Monotonic::GoesOn,
            Self::Memcached => Monotonic::Stands,
        }
    }

    /// What its clock can show.
    pub(crate) fn reach(self) -> Reach {
        match self {
            Self::Redis => REDIS,
            Self::Memcached => MEMCACHED,
        }
    }

    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Redis => &["redis-server", "valkey-server"],
            Self::Memcached => &["memcached"],
        }
    }

    fn line(self, port: u16) -> Vec<String> {
        let port = port.to_string();
        let words: &[&str] = match self {
            Self::Redis => &["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"],
            // It refuses to run as the system's administrator unless it is told who else to be.
            Self::Memcached => &["-l", "127.0.0.1", "-p", &port, "-U", "0", "-t", "2", "-u", "nobody"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Asks a server for its time, in microseconds since the Unix epoch.
    fn time(self, address: &str) -> Result<i64, String> {
        let fault = |error: std::io::Error| format!("{address} does not tell its time: {error}");
        // A new connection each time: memcached looks at its timers when somebody comes.
        let mut stream = TcpStream::connect(address).map_err(fault)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(fault)?;
        let question: &[u8] = match self {
            Self::Redis => b"TIME\r\n",
            Self::Memcached => b"stats\r\n",
        };
        stream.write_all(question).map_err(fault)?;
        let mut answer = BufReader::new(stream.take(1 << 16)).lines();
        let mut line = || answer.next().unwrap_or_else(|| Ok(String::new())).map_err(fault);
        let strange = |line: &str| format!("{address} does not tell its time: {line:?}");
        let number = |line: &str| line.parse::<i64>().map_err(|_| strange(line));
        match self {
            Self::Redis => {
                // *2, $10, the seconds, $6, the microseconds.
                let first = line()?;
                if first != "*2" {
                    return Err(strange(&first));
                }
                line()?;
                let seconds = number(&line()?)?;
                line()?;
                Ok(seconds.saturating_mul(1_000_000).saturating_add(number(&line()?)?))
            }
            Self::Memcached => loop {
                let line = line()?;
                if let Some(seconds) = line.strip_prefix("STAT time ") {
                    return Ok(number(seconds)?.saturating_mul(1_000_000));
                }
                if !line.starts_with("STAT ") {
                    return Err(strange(&line));
                }
            },
        }
    }
}

impl ServerClock {
    /// The clock that the variable `SESSIONSPEC_CLOCK` names, of servers at these addresses.
    pub(crate) fn shared(kind: Kind, addresses: Vec<String>) -> Result<Self, String> {
        if kind == Kind::Memcached {
            return Err("memcached derives the date from a clock that cannot go back; `--store memcached:` \
                        starts one that can be started again"
                .into());
        }
        let mover = Mover::new(kind.monotonic()).map_err(|error| error.to_string())?;
        Ok(Self { kind, addresses, mover })
    }

    /// What kind of servers they are.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Sees whether the servers obey.
    pub(crate) fn test(&mut self) -> Result<String, String> {
        let (kind, addresses) = (self.kind, &self.addresses);
        self.mover.test(|set| wait(kind, addresses, set).map(|()| set))
    }

    /// Moves it, and waits until the servers have noticed.
    pub(crate) fn to(&mut self, now: i64) -> Result<(), String> {
        if self.mover.set(now)? { wait(self.kind, &self.addresses, now) } else { Ok(()) }
    }

    /// Whether it can be moved there while the server runs.
    fn reaches(&self, now: i64) -> bool {
        self.kind != Kind::Memcached || self.mover.clock().instant().is_none_or(|at| at <= now)
    }
}

/// Waits until servers have noticed that their clock was set.
fn wait(kind: Kind, addresses: &[String], set: i64) -> Result<(), String> {
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
    /// Starts a server on a free port. Where clocks cannot be moved it runs all the same; the second tells how its clock
    /// was seen to obey, or why it is not moved.
    pub(crate) fn start(kind: Kind) -> Result<(Self, Result<String, String>), String> {
        let directory = tempfile::Builder::new().prefix("sessionspec-server-").tempdir();
        let directory = directory.map_err(|error| format!("no directory for a server: {error}"))?;
        let port = free_port()?;
        // A program that knew real time before would go on from there.
        let mover = Mover::apart(kind.monotonic()).map_err(|error| error.to_string());
        let mover = mover.and_then(|mut mover| mover.renew(START).map(|()| mover));
        let child = spawn(kind, port, &directory, mover.as_ref().ok())?;
        let mut server = Self { kind, port, child, directory, clock: None };
        let listens = server.listens();
        let tested = mover.and_then(|mover| {
            listens?;
            let mut clock = ServerClock { kind, addresses: vec![server.address()], mover };
            let test = clock.test()?;
            server.clock = Some(clock);
            Ok(test)
        });
        if tested.is_err() {
            // Without the library it is the server that it always was.
            stop(&mut server.child);
            server.child = spawn(kind, port, &server.directory, None)?;
            server.listens()?;
        }
        Ok((server, tested))
    }

    /// What kind of server it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Moves its clock. If it cannot go back while it runs, it is started again.
    pub(crate) fn to(&mut self, now: i64) -> Result<(), String> {
        let Some(clock) = &mut self.clock else { return Ok(()) };
        if clock.reaches(now) {
            return clock.to(now);
        }
        stop(&mut self.child);
        clock.mover.renew(now)?;
        self.child = spawn(self.kind, self.port, &self.directory, Some(&clock.mover))?;
        self.listens()?;
        wait(self.kind, &[self.address()], now)
    }

    /// Waits until it listens.
    fn listens(&mut self) -> Result<(), String> {
        let mut left = PATIENCE;
        while TcpStream::connect(self.address()).is_err() {
            let program = self.kind.programs()[0];
            if let Ok(Some(status)) = self.child.try_wait() {
                let mut said = String::new();
                if let Some(mut stderr) = self.child.stderr.take() {
                    let _ = stderr.read_to_string(&mut said);
                }
                return Err(format!("{program} ended with {status}: {}", said.trim()));
            }
            if left.is_zero() {
                return Err(format!("{program} does not listen after {} s", PATIENCE.as_secs()));
            }
            pause(&mut left);
        }
        Ok(())
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn stop(child: &mut Child) {
    // One that is gone already is what is wanted.
    let _ = child.kill();
    let _ = child.wait();
}

fn spawn(
    kind: Kind,
    port: u16,
    directory: &tempfile::TempDir,
    mover: Option<&Mover>,
) -> Result<Child, String> {
    let mut command = Command::new(program(kind)?);
    command.args(kind.line(port)).current_dir(directory.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    if let Some(mover) = mover {
        command.envs(mover.clock().environment());
    }
    command.spawn().map_err(|error| format!("cannot start {}: {error}", kind.programs()[0]))
}

/// The path of the program, from `PATH`.
fn program(kind: Kind) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = kind.programs();
    let all = names.iter().flat_map(|name| std::env::split_paths(&path).map(move |place| place.join(name)));
    all.into_iter().find(|program| program.is_file()).ok_or_else(|| {
        format!(
            "there is no {} in PATH to be started; give the URL of a server that runs",
            names.join(", no ")
        )
    })
}

/// A port that nobody listens at just now.
fn free_port() -> Result<u16, String> {
    let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    port.map(|address| address.port()).map_err(|error| format!("there is no free port: {error}"))
}
