//! `cargo xtask adapters`: the adapters of other people's stores, each with the real library from its registry, examined by
//! the doctor and held to every rule. What is known to be broken in a store is in the file beside its adapter.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Ended, Failure, Services, command, files, python, services};

/// Where the adapters are; what they need is installed under [`PLACE`].
const ADAPTERS: &str = "conformance/adapters";

const PLACE: &str = "target/adapters";

/// Where Debian puts libraries of Go, as sources.
const GOPATH: &str = "/usr/share/gocode";

/// The settings by which Go builds with them: without modules, so that nothing is fetched.
pub(crate) const GO: [(&str, &str); 2] = [("GO111MODULE", "off"), ("GOPATH", GOPATH)];

/// Each store is another one's: few traces show that its adapter still fits it.
const CASES: [&str; 2] = ["--cases", "100"];

/// Runs every adapter for whose language there is what it needs. Node, PHP and Go may be missing even if services are
/// required: who writes a store in one of them has it, and not every machine does.
pub(crate) fn run(root: &Path, services: Services) -> Result<Ended, Failure> {
    command::build(root)?;
    match python::find(python::OLDEST) {
        Ok(python) => starsessions(root, &python)?,
        Err(missing) => return services.without("adapters", missing),
    }
    let mut missing = Vec::new();
    match node(root)? {
        Ok(node) => express_session(root, &node)?,
        Err(reason) => missing.push(reason),
    }
    let symfony = Path::new("/usr/share/php/Symfony/Component/HttpFoundation/autoload.php");
    match services::find(&["php"]).filter(|_| symfony.exists()) {
        Some(php) => session_handler(root, &php)?,
        None => missing.push(
            "PHP: there is no php with Symfony's session handlers; on Debian: apt-get install php-cli php-sqlite3 \
             php-symfony-http-foundation",
        ),
    }
    let library = Path::new(GOPATH).join("src/github.com/gorilla/sessions");
    match services::find(&["go"]).filter(|_| library.exists()) {
        Some(go) => gorilla(root, &go)?,
        None => missing.push(
            "Go: there is no go with gorilla/sessions; on Debian: apt-get install golang-go \
             golang-github-gorilla-sessions-dev",
        ),
    }
    Ok(if missing.is_empty() { Ended::Passed } else { Ended::NotRun(missing.join("; ")) })
}

/// Node.js, and the adapter with what it needs beside it.
pub(crate) struct Node {
    pub(crate) program: PathBuf,
    pub(crate) place: PathBuf,
}

/// Installs what the adapter in JavaScript needs.
///
/// The inner error tells what is missing and how to get it.
pub(crate) fn node(root: &Path) -> Result<Result<Node, &'static str>, Failure> {
    let Some((program, manager)) = services::find(&["node"]).zip(services::find(&["npm"])) else {
        return Ok(Err("Node.js: there is no node with npm; on Debian: apt-get install nodejs npm"));
    };
    let place = copied(root, "node")?;
    npm(&manager, &place)?;
    Ok(Ok(Node { program, place }))
}

/// Stores of `express-session`.
fn express_session(root: &Path, node: &Node) -> Result<(), Failure> {
    let adapter = format!("{} {}/express-session.mjs", node.program.display(), node.place.display());
    check(root, &adapter, &CASES)
}

/// A `SessionHandlerInterface` of PHP.
fn session_handler(root: &Path, php: &Path) -> Result<(), Failure> {
    let place = root.join(ADAPTERS).join("php");
    let adapter =
        format!("{} {place}/session-handler.php {place}/pdo.php", php.display(), place = place.display());
    let known = ["--known-failures", "conformance/adapters/php/pdo.known.json"];
    check(root, &adapter, &[CASES, known].concat())
}

/// Stores of `starsessions`.
fn starsessions(root: &Path, python: &Path) -> Result<(), Failure> {
    let place = copied(root, "python-starsessions")?;
    let own = place.join("env/bin/python");
    let ready = Command::new(&own).args(["-c", "import starsessions"]).stderr(Stdio::null()).status();
    if !ready.is_ok_and(|status| status.success()) {
        let requirements = place.join("requirements.txt").display().to_string();
        python::make(python, &place.join("env"), &["--requirement", &requirements])?;
    }
    let adapter = format!("{} {}/adapter.py", own.display(), place.display());
    let known = ["--known-failures", "conformance/adapters/python-starsessions/memory.known.json"];
    check(root, &adapter, &[CASES, known].concat())
}

/// A store of `gorilla/sessions`.
fn gorilla(root: &Path, go: &Path) -> Result<(), Failure> {
    let place = copied(root, "go")?;
    let adapter = build_go(go, &place, "gorilla-filesystem", &["adapter.go", "gorilla.go", "filesystem.go"])?;
    let known = ["--known-failures", "conformance/adapters/go/filesystem.known.json"];
    check(root, &adapter.display().to_string(), &[CASES, known].concat())
}

/// The files of an adapter, where what it needs can be installed beside them.
fn copied(root: &Path, adapter: &str) -> Result<PathBuf, Failure> {
    let place = root.join(PLACE).join(adapter);
    files::copy(&root.join(ADAPTERS).join(adapter), &place)?;
    Ok(place)
}

/// Installs the packages that a `package-lock.json` pins, beside it.
pub(crate) fn npm(npm: &Path, place: &Path) -> Result<(), Failure> {
    let mut install = Command::new(npm);
    command::run(install.current_dir(place).args(["ci", "--silent", "--no-audit", "--no-fund"]))
}

/// Builds a program of these files in Go, beside them.
pub(crate) fn build_go(go: &Path, place: &Path, name: &str, files: &[&str]) -> Result<PathBuf, Failure> {
    let mut build = Command::new(go);
    command::run(build.current_dir(place).envs(GO).args(["build", "-o", name]).args(files))?;
    Ok(place.join(name))
}

/// Asks the doctor about an adapter, and holds the store behind it to every rule, with these options of `run`.
pub(crate) fn check(root: &Path, adapter: &str, options: &[&str]) -> Result<(), Failure> {
    command::output(command::sessionspec(root).args(["doctor", "--cmd", adapter]))?;
    command::run(command::sessionspec(root).args(["run", "--cmd", adapter]).args(options))
}
