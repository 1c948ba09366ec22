//! Cross-reading: sessions written by Rust are read by Django, and sessions written by Django are read by Rust,
//! in every engine, for some hundred session contents that include the most awkward JSON Python can write.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use session_backends::{
    CacheStore, CachedStore, CookieStore, FileStore, MemcachedCache, PostgresStore, RedisCache, SqliteStore,
};
use session_core::blocking::Wait;
use session_core::json::{Json, Token};
use session_core::{
    AnyStore, Chain, Clock, Entries, KeyGenerator, RandomKeys, Record, SessionKey, SessionStore, Settings,
    StoreError, SystemClock,
};
use time::Duration;

use crate::{Django, Failure, hostile};

pub(crate) const SECRET: &str = "cross-reading";

/// An engine of Django with its place, and the store that must agree with it.
pub(crate) struct Engine {
    /// What the report calls it.
    pub(crate) title: &'static str,
    /// Django's name.
    pub(crate) name: &'static str,
    /// Where the sessions are, as `crossread.py` takes it.
    place: String,
    pub(crate) store: AnyStore,
    /// Whether sessions are pickled, so that names which are no text are not made text.
    pickles: bool,
}

/// A session's content as `crossread.py generate` gives it.
struct Content {
    name: String,
    /// The data as JSON text, as Python wrote it.
    data: String,
}

/// The URLs of servers.
pub(crate) struct Servers {
    pub(crate) redis: String,
    pub(crate) memcached: String,
    /// An empty database.
    pub(crate) postgres: String,
}

/// Reads both ways with one version of Django, on servers too if they are there.
pub(crate) fn run(root: &Path, django: &Django, servers: Option<&Servers>) -> Result<(), Failure> {
    let Django { version, python } = django;
    let contents = generate(root, python)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let _guard = runtime.enter();
    let directory = tempfile::tempdir()?;
    for engine in engines(directory.path(), servers)? {
        let mut faults = Vec::new();
        let kept = django_reads_rust(root, python, &engine, &contents, &mut faults)?;
        let refused = rust_reads_django(root, python, &engine, &contents, &mut faults)?;
        if !faults.is_empty() {
            let title = format!("cross-reading with Django {version}, {}", engine.title);
            return Err(Failure::many(&title, faults));
        }
        println!(
            "Django {version}, {}: {} contents read by Rust, {kept} by Django, {refused} refused by name and left whole",
            engine.title,
            contents.len() - refused
        );
        // A cache has objects, and no text.
        if engine.name != "cache" {
            hostile::run(root, version, python, &engine)?;
        }
    }
    Ok(())
}

fn engines(directory: &Path, servers: Option<&Servers>) -> Result<Vec<Engine>, Failure> {
    let wrong = |error: &dyn std::error::Error| fault(&error.to_string());
    let settings = Settings::new(SECRET);
    let sqlite = |name: &str| {
        let path = directory.join(name);
        let store = SqliteStore::open(&path, &settings).map_err(|error| wrong(&error))?;
        store.migrate().map_err(|error| wrong(&error))?;
        Ok::<_, Failure>((path.to_string_lossy().into_owned(), store))
    };
    let (database, store) = sqlite("db.sqlite3")?;
    let mut engines = vec![engine("db", "db", database, AnyStore::new(store), false)];
    let files = directory.join("sessions");
    std::fs::create_dir(&files)?;
    let store = FileStore::open_with_clock(&files, &settings, SystemClock).map_err(|error| wrong(&error))?;
    engines.push(engine("file", "file", files.to_string_lossy().into_owned(), AnyStore::new(store), false));
    let store = CookieStore::new(&settings).map_err(|error| wrong(&error))?;
    engines.push(engine("signed_cookies", "signed_cookies", String::new(), AnyStore::new(store), false));
    let Some(servers) = servers else { return Ok(engines) };

    let Servers { redis, memcached, postgres } = servers;
    let cache = RedisCache::connect(redis).wait().map_err(|error| wrong(&error))?;
    let store = CacheStore::new(cache.clone(), &settings);
    engines.push(engine("cache on Redis", "cache", redis.clone(), AnyStore::new(store), true));
    let address = memcached.trim_start_matches("memcached://");
    let store = MemcachedCache::connect(address).wait().map_err(|error| wrong(&error))?;
    let store = AnyStore::new(CacheStore::new(store, &settings));
    engines.push(engine("cache on memcached", "cache", memcached.clone(), store, true));
    let (database, back) = sqlite("cached.sqlite3")?;
    let store =
        AnyStore::new(CachedStore::new(CacheStore::new(cache, &settings).with_cached_db_keys(), back));
    // What the front cannot give is read from the back, where all names are text.
    engines.push(engine("cached_db on Redis", "cached_db", format!("{database},{redis}"), store, false));
    let store = PostgresStore::connect(postgres, &settings).wait().map_err(|error| wrong(&error))?;
    store.migrate().wait().map_err(|error| wrong(&error))?;
    engines.push(engine("db on PostgreSQL", "db", postgres.clone(), AnyStore::new(store), false));
    Ok(engines)
}

fn engine(title: &'static str, name: &'static str, place: String, store: AnyStore, pickles: bool) -> Engine {
    Engine { title, name, place, store, pickles }
}

impl Engine {
    /// Whether Django loses what it writes: a life beyond the year 2038 is over at once in memcached, and Django
    /// does not shorten it.
    fn loses(&self, content: &Content) -> bool {
        self.place.starts_with("memcached:")
            && (content.name == "expiry-4" || content.name.starts_with("expiry-offset-"))
    }

    /// Whether Rust must refuse what Django has written: a pickle whose names are not all text.
    fn refuses(&self, content: &Content) -> bool {
        self.pickles && content.name == "coerced-names-twice"
    }
}

fn generate(root: &Path, python: &Path) -> Result<Vec<Content>, Failure> {
    let lines = script(root, python, &["generate", "--count", "300", "--seed", "1"], "")?;
    let contents = lines.lines().map(|line| {
        // Some of the data is no strict JSON, so the line is taken apart by its fixed beginning.
        let (head, data) = line.split_once(", \"data\": ")?;
        let head = Entries::parse(format!("{head}}}").as_bytes()).ok()?;
        let name = head.read::<String>("name").ok()??;
        Some(Content { name, data: data.strip_suffix('}')?.to_owned() })
    });
    contents.collect::<Option<Vec<_>>>().ok_or_else(|| fault("crossread.py generate printed another form"))
}

/// How many contents Django read as Rust wrote them.
fn django_reads_rust(
    root: &Path,
    python: &Path,
    engine: &Engine,
    contents: &[Content],
    faults: &mut Vec<String>,
) -> Result<usize, Failure> {
    let mut written: Vec<(String, Entries)> = Vec::new();
    let mut asked = String::new();
    for (number, content) in contents.iter().enumerate() {
        let data =
            Entries::parse(content.data.as_bytes()).map_err(|e| fault(&format!("{}: {e}", content.name)))?;
        let key = RandomKeys.generate().map_err(|error| fault(&error.to_string()))?;
        let record = Record::new(data.clone(), SystemClock.now() + Duration::days(1));
        let key = match engine.store.insert(&key, &record).wait() {
            Ok(key) => key,
            // No browser keeps such a cookie; there is nothing to read then.
            Err(StoreError::TooLarge { .. }) => continue,
            Err(error) => return Err(fault(&format!("{}: {error}", content.name))),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(asked, "{{\"name\": \"{number}\", \"key\": \"{}\"}}", key.as_str());
        written.push((content.name.clone(), data));
    }
    let answers = script(root, python, &engine.arguments("read"), &asked)?;
    let mut answered = 0;
    for (line, (name, data)) in answers.lines().zip(&written) {
        answered += 1;
        let read = Entries::parse(line.as_bytes()).map_err(|e| fault(&format!("{name}: {e}")))?;
        if !read.get("data").is_some_and(|read| same(read, &data.to_json())) {
            faults.push(format!("{name}: written by Rust, Django reads something else"));
        }
    }
    if answered != written.len() {
        faults.push(format!("Django answered for {answered} of {} sessions", written.len()));
    }
    Ok(written.len())
}

/// How many contents Rust refused by name.
fn rust_reads_django(
    root: &Path,
    python: &Path,
    engine: &Engine,
    contents: &[Content],
    faults: &mut Vec<String>,
) -> Result<usize, Failure> {
    let mut lines = String::new();
    for (number, content) in contents.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{{\"name\": \"{number}\", \"data\": {}}}", content.data);
    }
    let keys = script(root, python, &engine.arguments("write"), &lines)?;
    let (mut read, mut refused) = (0, 0);
    for (line, content) in keys.lines().zip(contents) {
        read += 1;
        let answer = Entries::parse(line.as_bytes()).map_err(|e| fault(&format!("{}: {e}", content.name)))?;
        let key = answer.read::<String>("key").ok().flatten().unwrap_or_default();
        let loaded = engine.store.load(&parse_key(&key)?).wait();
        let problem = match (engine.refuses(content), loaded) {
            (false, Ok(found)) if engine.loses(content) => {
                found.map(|_| "is there, though Django lost it before".into())
            }
            (false, Ok(Some(record))) => {
                (!same(&content.data, &record.data.to_json())).then(|| "is read as something else".into())
            }
            (false, Ok(None)) => Some("is not found".into()),
            // Refused by name: the message has the path of the entry.
            (true, Err(StoreError::Unrepresentable { source, .. }))
                if source.to_string().contains("the entry ") =>
            {
                refused += 1;
                None
            }
            (true, Ok(_)) => Some("is read though it cannot be held".into()),
            (_, Err(error)) => Some(format!("gives: {}", Chain(&error))),
        };
        faults.extend(problem.map(|problem| format!("{}: written by Django, {problem}", content.name)));
    }
    if read != contents.len() {
        faults.push(format!("Django wrote {read} of {} sessions", contents.len()));
    }
    // After Rust refused them, Django still reads the sessions with their awkward values.
    let answers = script(root, python, &engine.arguments("read"), &keys)?;
    for (line, content) in answers.lines().zip(contents).filter(|(_, content)| engine.refuses(content)) {
        if !line.contains("\"found\": true") || line.contains("\"data\": {}") {
            faults.push(format!("{}: after Rust refused it, Django no longer reads it", content.name));
        }
    }
    Ok(refused)
}

impl Engine {
    pub(crate) fn arguments<'a>(&'a self, command: &'a str) -> [&'a str; 7] {
        [command, "--engine", self.name, "--place", &self.place, "--secret-key", SECRET]
    }

    /// Whether sessions are in a cache too, which has them as objects.
    pub(crate) fn is_cached(&self) -> bool {
        self.name == "cached_db"
    }

    /// The same for the very texts: behind a cache they lie in the table of `db`, and the cache knows nothing of them.
    pub(crate) fn raw_arguments<'a>(&'a self, command: &'a str) -> [&'a str; 8] {
        let (name, place) = match self.place.split_once(',') {
            Some((database, _)) if self.is_cached() => ("db", database),
            _ => (self.name, self.place.as_str()),
        };
        [command, "--engine", name, "--place", place, "--secret-key", SECRET, "--raw"]
    }
}

/// Whether two texts are the same, but for space; or the same values, where one has a name twice, of which the other
/// has kept what counts.
fn same(one: &str, other: &str) -> bool {
    let value = |text: &str| Json::parse(text).ok()?.to_value().ok();
    compact(one) == compact(other) || value(one).is_some_and(|one| value(other) == Some(one))
}

/// A text without the space between its tokens, and each string in the spelling of Python.
fn compact(text: &str) -> Option<String> {
    let json = Json::parse(text).ok()?;
    let mut out = String::new();
    for token in json.tokens() {
        let ends = matches!(token, Token::ListEnd | Token::ObjectEnd);
        if !ends && !out.is_empty() && !out.ends_with(['[', '{', ':']) {
            out.push(',');
        }
        match token {
            Token::Null => out.push_str("null"),
            Token::Bool(yes) => out.push_str(if yes { "true" } else { "false" }),
            Token::Integer(digits) | Token::Float(digits) => out.push_str(digits),
            Token::String(text) => out.push_str(&text.to_json_text()),
            Token::Name(name) => {
                out.push_str(&name.to_json_text());
                out.push(':');
            }
            Token::ListStart => out.push('['),
            Token::ListEnd => out.push(']'),
            Token::ObjectStart => out.push('{'),
            Token::ObjectEnd => out.push('}'),
            _ => return None,
        }
    }
    Some(out)
}

fn parse_key(key: &str) -> Result<SessionKey, Failure> {
    SessionKey::parse(key).ok_or_else(|| fault("a key is too short"))
}

pub(crate) fn fault(what: &str) -> Failure {
    Failure::many("cross-reading", vec![what.into()])
}

/// Runs `crossread.py` and gives what it printed.
pub(crate) fn script(root: &Path, python: &Path, arguments: &[&str], input: &str) -> Result<String, Failure> {
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
