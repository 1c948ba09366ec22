//! Servers that the suite starts: what is damaged on them expires when it did, and nothing is left of them in the end.

#![expect(clippy::unwrap_used, reason = "this is a test; what fails here is its own fault")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use rstest::rstest;
use session_conformance::server::{OwnServer, ServerKind, damage};

/// Everything that a server answers to some lines.
fn ask(address: &str, lines: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(lines.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[rstest]
#[case::redis(
    ServerKind::Redis,
    "SET a-key 12345678 PXAT 2000000000000\r\n",
    "GET a-key\r\nPEXPIRETIME a-key\r\n",
    "$8\r\ndamaged8\r\n:2000000000000\r\n"
)]
// What is shown is how long it still lives: a thousand seconds.
#[case::memcached(
    ServerKind::Memcached,
    "set a-key 0 1000 2\r\n12\r\n",
    "mg a-key t v\r\n",
    "VA 9 t1000\r\ndamaged12\r\n"
)]
#[ignore = "needs servers: cargo xtask services-gate"]
fn what_is_damaged_expires_when_it_did(
    #[case] kind: ServerKind,
    #[case] write: &str,
    #[case] read: &str,
    #[case] expected: &str,
) {
    let server = OwnServer::start(kind, Vec::new()).unwrap();
    ask(&server.address(), write);
    assert_eq!(damage(kind, &server.address(), "a-key"), Ok(true));
    assert_eq!(ask(&server.address(), read), expected);
    assert_eq!(damage(kind, &server.address(), "no-key"), Ok(false));
    assert!(!ask(&server.address(), &read.replace("a-key", "no-key")).contains("damaged"));
}

/// The shared memory of processes that this one has started: what the system calls each piece.
#[cfg(target_os = "linux")]
fn shared_memory() -> Vec<String> {
    let parent = |process: &str| {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("PPid:")).map(|number| number.trim().to_owned())
    };
    let all = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    // Its second column is the name, the fifth who made it.
    let columns = all.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = columns.filter(|columns| parent(columns[4]) == Some(std::process::id().to_string()));
    ours.map(|columns| columns[1].to_owned()).collect()
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs servers: cargo xtask services-gate"]
fn a_postgresql_leaves_no_shared_memory_behind() {
    let server = OwnServer::start(ServerKind::Postgres, Vec::new()).unwrap();
    let while_it_runs = shared_memory();
    assert!(!while_it_runs.is_empty());
    drop(server);
    let all = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let left = all.lines().filter_map(|line| line.split_whitespace().nth(1));
    assert_eq!(left.filter(|name| while_it_runs.iter().any(|one| one == name)).count(), 0, "{all}");
}
