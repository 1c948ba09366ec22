//! Cross-reading: rows written by Rust are read by Django, and rows written by Django are read by Rust, for
//! some hundred session contents that include the most awkward JSON Python can write.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use session_backends::SqliteStore;
use session_core::blocking::Wait;
use session_core::{
    Clock, Map, Record, Secret, SessionKey, SessionStore, Settings, StoreError, SystemClock, json,
};
use time::Duration;

use crate::Failure;

const SECRET: &str = "cross-reading";

/// A session's content as `crossread.py generate` gives it.
struct Content {
    name: String,
    kind: String,
    /// The data as JSON text, as Python wrote it.
    data: String,
}

/// Reads both ways with one version of Django.
pub(crate) fn run(root: &Path, version: &str, python: &Path) -> Result<(), Failure> {
    let contents = generate(root, python)?;
    let directory = tempfile::tempdir()?;
    let mut faults = Vec::new();
    django_reads_rust(root, python, &directory.path().join("rust.db"), &contents, &mut faults)?;
    rust_reads_django(root, python, &directory.path().join("django.db"), &contents, &mut faults)?;
    let refused = contents.iter().filter(|content| content.kind != "plain").count();
    let kept = contents.len() - refused;
    if faults.is_empty() {
        println!(
            "Django {version}: {kept} contents read alike both ways, {refused} refused by name and left whole"
        );
        Ok(())
    } else {
        Err(Failure::many(&format!("cross-reading with Django {version}"), faults))
    }
}

fn generate(root: &Path, python: &Path) -> Result<Vec<Content>, Failure> {
    let lines = script(root, python, &["generate", "--count", "300", "--seed", "1"], "")?;
    let contents = lines.lines().map(|line| {
        // Some of the data is no strict JSON, so the line is taken apart by its fixed beginning.
        let (head, data) = line.split_once(", \"data\": ")?;
        let head = json::parse(format!("{head}}}").as_bytes()).ok()?;
        let text = |name: &str| Some(head.get(name)?.as_str()?.to_owned());
        Some(Content { name: text("name")?, kind: text("kind")?, data: data.strip_suffix('}')?.to_owned() })
    });
    contents.collect::<Option<Vec<_>>>().ok_or_else(|| fault("crossread.py generate printed another form"))
}

fn django_reads_rust(
    root: &Path,
    python: &Path,
    path: &Path,
    contents: &[Content],
    faults: &mut Vec<String>,
) -> Result<(), Failure> {
    let store = open(path)?;
    store.migrate().map_err(|error| fault(&error.to_string()))?;
    let mut written: Vec<(String, Map)> = Vec::new();
    let mut asked = String::new();
    for (number, content) in contents.iter().filter(|content| content.kind == "plain").enumerate() {
        let data =
            json::parse(content.data.as_bytes()).map_err(|e| fault(&format!("{}: {e}", content.name)))?;
        let key = format!("rust{number:028}");
        let record = Record { data: data.clone(), expires: SystemClock.now() + Duration::days(1) };
        let inserted = store.insert(&parse_key(&key)?, &record).wait();
        inserted.map_err(|e| fault(&format!("{}: {e}", content.name)))?;
        // Writing to a String cannot fail.
        let _ = writeln!(asked, "{{\"name\": \"{number}\", \"key\": \"{key}\"}}");
        written.push((content.name.clone(), data));
    }
    let database = path.to_string_lossy();
    let answers = script(root, python, &["read", "--db", &database, "--secret-key", SECRET], &asked)?;
    let mut answered = 0;
    for (line, (name, data)) in answers.lines().zip(&written) {
        answered += 1;
        let read = json::parse(line.as_bytes()).map_err(|e| fault(&format!("{name}: {e}")))?;
        let got = read.get("data").and_then(session_core::Value::as_object).map(json::write);
        if got.as_deref() != Some(json::write(data).as_str()) {
            faults.push(format!("{name}: written by Rust, Django reads something else"));
        }
    }
    if answered != written.len() {
        faults.push(format!("Django answered for {answered} of {} sessions", written.len()));
    }
    Ok(())
}

fn rust_reads_django(
    root: &Path,
    python: &Path,
    path: &Path,
    contents: &[Content],
    faults: &mut Vec<String>,
) -> Result<(), Failure> {
    let mut lines = String::new();
    for (number, content) in contents.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{{\"name\": \"{number}\", \"data\": {}}}", content.data);
    }
    let database = path.to_string_lossy();
    let keys = script(root, python, &["write", "--db", &database, "--secret-key", SECRET], &lines)?;
    let store = open(path)?;
    store.check().map_err(|error| fault(&error.to_string()))?;
    let mut read = 0;
    for (line, content) in keys.lines().zip(contents) {
        read += 1;
        let answer = json::parse(line.as_bytes()).map_err(|e| fault(&format!("{}: {e}", content.name)))?;
        let key = answer.get("key").and_then(session_core::Value::as_str).unwrap_or_default();
        let loaded = store.load(&parse_key(key)?).wait();
        let problem = match (content.kind.as_str(), loaded) {
            ("plain", Ok(Some(record))) => {
                let wanted = json::parse(content.data.as_bytes()).map(|data| json::write(&data));
                (wanted.as_deref() != Ok(json::write(&record.data).as_str()))
                    .then(|| "is read as something else".into())
            }
            ("plain", Ok(None)) => Some("is not found".into()),
            // Refused by name: the message has the path of the entry.
            (_, Err(StoreError::Unrepresentable { reason, .. })) if reason.contains("the entry ") => None,
            (_, Ok(_)) => Some("is read though it cannot be held".into()),
            (_, Err(error)) => Some(format!("gives: {error}")),
        };
        faults.extend(problem.map(|problem| format!("{}: written by Django, {problem}", content.name)));
    }
    if read != contents.len() {
        faults.push(format!("Django wrote {read} of {} sessions", contents.len()));
    }
    refused_are_whole(root, python, path, &keys, contents, faults)
}

/// After Rust refused them, Django still reads the sessions with their awkward values.
fn refused_are_whole(
    root: &Path,
    python: &Path,
    path: &Path,
    keys: &str,
    contents: &[Content],
    faults: &mut Vec<String>,
) -> Result<(), Failure> {
    let database = path.to_string_lossy();
    let answers = script(root, python, &["read", "--db", &database, "--secret-key", SECRET], keys)?;
    for (line, content) in answers.lines().zip(contents).filter(|(_, content)| content.kind != "plain") {
        if !line.contains("\"found\": true") || line.contains("\"data\": {}") {
            faults.push(format!("{}: after Rust refused it, Django no longer reads it", content.name));
        }
    }
    Ok(())
}

fn open(path: &Path) -> Result<SqliteStore, Failure> {
    let settings = Settings { secret_key: Secret::new(SECRET), ..Settings::default() };
    SqliteStore::open(path, &settings).map_err(|error| fault(&error.to_string()))
}

fn parse_key(key: &str) -> Result<SessionKey, Failure> {
    SessionKey::parse(key).ok_or_else(|| fault("a key is too short"))
}

fn fault(what: &str) -> Failure {
    Failure::one("cross-reading", what.into())
}

/// Runs `crossread.py` and gives what it printed.
fn script(root: &Path, python: &Path, arguments: &[&str], input: &str) -> Result<String, Failure> {
    let mut child = Command::new(python)
        .current_dir(root)
        .arg("conformance/adapters/django/crossread.py")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or_else(|| fault("the script has no input"))?;
    let input = input.to_owned();
    // Written beside the reading: both pipes are smaller than what goes through them.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    // A script that ended early does not read on; its status says what matters.
    let _ = writer.join();
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(fault(&format!("crossread.py {}: {}", arguments.join(" "), output.status)))
    }
}
