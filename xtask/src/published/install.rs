//! What is pinned, installed from its registries into `target/published`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{PLACE, page};
use crate::{Failure, adapters, command, files, python, services};

/// Where everything is installed.
const TARGET: &str = "target/published";

/// The adapters that are used as they are.
const ADAPTERS: &str = "conformance/adapters";

/// Where Debian puts each version of PostgreSQL.
const POSTGRES: &str = "/usr/lib/postgresql";

/// What must be there, and the packages of Debian that it is in.
const PROGRAMS: [(&str, &str); 6] = [
    ("node", "nodejs"),
    ("npm", "npm"),
    ("php", "php-cli"),
    ("go", "golang-go"),
    ("redis-server", "redis-server"),
    ("memcached", "memcached"),
];

/// The adapters in Go, and the files that each is built of.
const GO: [(&str, &[&str]); 3] = [
    ("gorilla-filesystem", &["adapter.go", "gorilla.go", "filesystem.go", "processes.go"]),
    ("gorilla-redistore", &["adapter.go", "gorilla.go", "redistore.go"]),
    ("macaron", &["adapter.go", "macaron.go"]),
];

/// The paths by which the lines of the table are made.
pub(super) struct Installed {
    /// Below `target`.
    pub(super) place: PathBuf,
    published: PathBuf,
    adapters: PathBuf,
}

/// Installs what is pinned, unless that was done already.
pub(super) fn all(root: &Path) -> Result<Installed, Failure> {
    let python = python::find(python::OLDEST);
    let mut missing: Vec<String> = PROGRAMS
        .iter()
        .filter(|(program, _)| services::find(&[program]).is_none())
        .map(|(program, package)| format!("there is no {program}; on Debian: apt-get install {package}"))
        .collect();
    if !Path::new(POSTGRES).exists() {
        missing.push("there is no PostgreSQL; on Debian: apt-get install postgresql".into());
    }
    missing.extend(python.as_ref().err().cloned());
    for language in ["php", "go"] {
        missing.extend(packages(&fs::read_to_string(root.join(PLACE).join(language).join("debian.txt"))?));
    }
    let Ok(python) = python else { return Err(Failure::many("published", missing)) };
    if !missing.is_empty() {
        return Err(Failure::many("published", missing));
    }
    let installed =
        Installed { place: root.join(TARGET), published: root.join(PLACE), adapters: root.join(ADAPTERS) };
    installed.node()?;
    installed.python(&python)?;
    installed.go()?;
    installed.rust()?;
    Ok(installed)
}

/// The packages of Debian that are not there, or there in another version.
fn packages(pinned: &str) -> Vec<String> {
    let packages = pinned.lines().filter_map(|line| line.split_once(' '));
    packages.filter_map(|(name, wanted)| {
        let query = Command::new("dpkg-query").args(["-W", "-f", "${Version}", name]).output();
        let version = query.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        (version != wanted).then(|| {
            let version = if version.is_empty() { "not there" } else { &version };
            format!("{name} is {version}, and not {wanted}: on Debian 12, apt-get install {name}, or pin it anew")
        })
    })
    .collect()
}

impl Installed {
    /// What the stores ran with, as the programs call themselves.
    pub(super) fn versions(&self) -> Value {
        let python = self.place.join("python/env/bin/python");
        let postgres = fs::read_dir(POSTGRES).into_iter().flatten().flatten().map(|entry| entry.path()).max();
        let programs = [
            ("Node.js", "node".into()),
            ("Python", python),
            ("PHP", "php".into()),
            ("Go", "go".into()),
            ("Rust", "rustc".into()),
            ("Redis", "redis-server".into()),
            ("memcached", "memcached".into()),
            ("PostgreSQL", postgres.unwrap_or_default().join("bin/postgres")),
        ];
        let version = |program: &PathBuf| {
            let option = if program == Path::new("go") { "version" } else { "--version" };
            let said = Command::new(program).arg(option).output();
            let said =
                said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
            let words = said
                .split_whitespace()
                .map(|word| word.trim_start_matches("v=").trim_start_matches('v').trim_start_matches("go"));
            let mut numbers = words.filter(|word| word.starts_with(|c: char| c.is_ascii_digit()));
            numbers.next().unwrap_or_default().to_owned()
        };
        programs.iter().map(|(name, program)| ((*name).to_owned(), Value::from(version(program)))).collect()
    }

    /// The line that starts the adapter of a store, beside its server if it needs one.
    pub(super) fn line(&self, store: &Value) -> String {
        let beside = match page::text(store, "server") {
            "" => String::new(),
            server => format!("{{python}} {{published}}/beside.py {server} -- "),
        };
        let line = beside + page::text(store, "run");
        [
            ("{python}", self.place.join("python/env/bin/python")),
            ("{node}", self.place.join("node")),
            ("{go}", self.place.join("go")),
            ("{rust}", self.rust_programs()),
            ("{published}", self.published.clone()),
            ("{adapters}", self.adapters.clone()),
        ]
        .iter()
        .fold(line, |line, (name, path)| line.replace(name, &path.to_string_lossy()))
    }

    /// The words that start a program, by the language of its name, and where.
    pub(super) fn program(&self, program: &Path) -> Result<(Vec<String>, PathBuf), Failure> {
        let (mut words, directory) = match program.extension().and_then(|extension| extension.to_str()) {
            Some("mjs") => (vec!["node".into()], self.place.join("node")),
            Some("py") => {
                let python = self.place.join("python/env/bin/python").display().to_string();
                (vec![python], self.place.clone())
            }
            Some("php") => (vec!["php".into()], self.place.clone()),
            Some("go") => {
                let mut words = vec!["env".to_owned()];
                words.extend(adapters::GO.map(|(name, value)| format!("{name}={value}")));
                words.extend(["go", "run"].map(str::to_owned));
                (words, self.place.clone())
            }
            // It was built with the adapters.
            Some("rs") => {
                let built =
                    self.rust_programs().join("examples").join(program.file_stem().unwrap_or_default());
                return Ok((vec![built.display().to_string()], self.place.clone()));
            }
            _ => return Err(Failure::one("published", format!("{}: of which language?", program.display()))),
        };
        // A module of Node.js finds its packages above itself, so it is put beside them.
        let copied = directory.join(program.file_name().unwrap_or_default());
        fs::copy(program, &copied)?;
        words.push(copied.display().to_string());
        Ok((words, directory))
    }

    fn node(&self) -> Result<(), Failure> {
        let place = self.place.join("node");
        files::copy(&self.adapters.join("node"), &place)?;
        files::copy(&self.published.join("node"), &place)?;
        self.once("node", "package-lock.json", |place| adapters::npm(Path::new("npm"), place))
    }

    fn python(&self, python: &Path) -> Result<(), Failure> {
        fs::create_dir_all(self.place.join("python"))?;
        self.once("python", "requirements.txt", |place| {
            let requirements = self.published.join("python/requirements.txt").display().to_string();
            python::make(python, &place.join("env"), &["--requirement", &requirements])
        })
    }

    /// Builds the adapters, of libraries that Debian has installed.
    fn go(&self) -> Result<(), Failure> {
        let place = self.place.join("go");
        files::copy(&self.adapters.join("go"), &place)?;
        files::copy(&self.published.join("go"), &place)?;
        GO.iter()
            .try_for_each(|(name, files)| adapters::build_go(Path::new("go"), &place, name, files).map(drop))
    }

    /// Builds the adapters in Rust, and the programs that show findings, of what `Cargo.lock` pins.
    fn rust(&self) -> Result<(), Failure> {
        let mut build = Command::new("cargo");
        build.args(["build", "--quiet", "--locked", "--bins", "--examples", "--manifest-path"]);
        build.arg(self.published.join("rust/Cargo.toml")).arg("--target-dir").arg(self.place.join("rust"));
        command::run(&mut build)
    }

    /// Where cargo puts what it builds.
    fn rust_programs(&self) -> PathBuf {
        self.place.join("rust/debug")
    }

    /// Installs what a file pins, unless the same file was installed there before.
    fn once(
        &self,
        language: &str,
        pins: &str,
        install: impl FnOnce(&Path) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let place = self.place.join(language);
        let wanted = fs::read_to_string(self.published.join(language).join(pins))?;
        let mark = place.join("installed");
        if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        install(&place)?;
        Ok(fs::write(mark, wanted)?)
    }
}
