//! Sessions whose stored text is hard to read, put there as it is: Rust opens each, sets an entry of its own and saves
//! it, and the rest must still be the very text; or, where Django writes it otherwise itself, the same to Django. Behind
//! a cache the text is put into the database alone; what Rust then has put into the cache must be the same to Django.
//!
//! The texts are those of `session-core/tests/django/contents-*.jsonl`, with what Django makes of each.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;
use session_core::blocking::Wait;
use session_core::{Session, SessionContext, SessionError, Settings, StoreError};

use crate::Failure;
use crate::contents::{Engine, SECRET, fault, script};

/// The longest text, in bytes, that is tried.
const MOST: usize = 1 << 20;

/// A session that is saved for less than this, in microseconds, may be gone when it is looked at.
const BRIEF: i64 = 60_000_000;

/// A line of the table.
struct Content {
    name: String,
    text: String,
    /// The data as Django reads and writes them; nothing if it reads an empty session, or fails.
    reads: Option<String>,
    /// Whether Django could save the session, for longer than a moment.
    lasts: bool,
}

/// What Rust did with a session.
enum Done {
    /// It saved it, under this key.
    Saved(String),
    /// It did not; the record must be as it was.
    LeftAlone,
    /// It is no session that this store can keep.
    TooLarge,
}

pub(crate) fn run(root: &Path, version: &str, python: &Path, engine: &Engine) -> Result<(), Failure> {
    let contents = contents(root, version)?;
    let mut asked = String::new();
    for (number, content) in contents.iter().enumerate() {
        let text = ascii(&Value::from(content.text.as_str()).to_string());
        // Writing to a String cannot fail.
        let _ = writeln!(asked, "{{\"name\": \"{number}\", \"data\": {{\"text\": {text}}}}}");
    }
    let keys = script(root, python, &engine.raw_arguments("write"), &asked)?;
    let keys: Vec<String> = keys.lines().map(|line| field(line, "key")).collect();
    if keys.len() != contents.len() {
        return Err(fault(&format!("Django wrote {} of {} texts", keys.len(), contents.len())));
    }
    let done: Vec<Done> = keys.iter().map(|key| touch(engine, key)).collect::<Result<_, _>>()?;
    let mut lines = String::new();
    for (number, (old, done)) in keys.iter().zip(&done).enumerate() {
        let key = if let Done::Saved(key) = done { key } else { old };
        let _ = writeln!(lines, "{{\"name\": \"{number}\", \"key\": {}}}", Value::from(key.as_str()));
    }
    let stored = script(root, python, &engine.raw_arguments("read"), &lines)?;
    let stored: Vec<Option<String>> = stored.lines().map(stored_text).collect();

    let (mut saved, mut refused, mut faults) = (0, 0, Vec::new());
    let mut asked = String::new();
    let mut wanted = Vec::new();
    for (number, (content, (done, stored))) in contents.iter().zip(done.iter().zip(&stored)).enumerate() {
        let Content { name, text, reads, lasts } = content;
        match (done, stored, reads) {
            (Done::TooLarge, ..) => {}
            // Integers of more digits than Python reads: they are kept, and Django sees an empty session as before.
            (Done::Saved(_), stored, None) => {
                if text.ends_with('}') && stored.as_deref() != Some(with_entry(text).as_str()) {
                    faults.push(format!("{name}: Django reads nothing of it, and Rust saved something else"));
                }
                saved += 1;
            }
            (Done::Saved(_), ..) if !lasts => {}
            (Done::Saved(key), Some(stored), Some(reads)) => {
                saved += 1;
                let kept = with_entry(text);
                if reads == text && *stored != kept {
                    faults.push(format!("{name}: stored is {}", shortened(stored)));
                } else if reads != text || engine.is_cached() {
                    let _ =
                        writeln!(asked, "{{\"name\": \"{number}\", \"key\": {}}}", Value::from(key.as_str()));
                    wanted.push((name, with_entry(reads)));
                }
            }
            (Done::LeftAlone, Some(stored), _) if stored == text => {
                refused += usize::from(reads.is_some() && *lasts);
            }
            (_, stored, _) => {
                let stored = stored.as_deref().map_or("gone".into(), shortened);
                faults.push(format!("{name}: Rust did not save it, and stored is {stored}"));
            }
        }
    }
    let read = script(root, python, &engine.arguments("read"), &asked)?;
    if read.lines().count() != wanted.len() {
        faults.push(format!("Django answered for {} of {} sessions", read.lines().count(), wanted.len()));
    }
    for (line, (name, wanted)) in read.lines().zip(&wanted) {
        let read = field(line, "text");
        if read != *wanted {
            faults.push(format!("{name}: after Rust saved it, Django reads {}", shortened(&read)));
        }
    }
    println!(
        "Django {version}, {}: {saved} awkward texts kept, {refused} refused that Django reads, and left whole",
        engine.title
    );
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Failure::many(&format!("awkward texts with Django {version}, {}", engine.title), faults))
    }
}

fn contents(root: &Path, version: &str) -> Result<Vec<Content>, Failure> {
    let path = root.join(format!("session-core/tests/django/contents-{version}.jsonl"));
    let table = fs::read_to_string(path)?;
    let mut lines = table.lines().map(readable);
    let wrong = || fault("the table of contents has another form");
    let first = lines.next().flatten().ok_or_else(wrong)?;
    let now = first["now"].as_i64().ok_or_else(wrong)?;
    let mut contents = Vec::new();
    for line in lines {
        let line = line.ok_or_else(wrong)?;
        let text = joined(&line["text"]).ok_or_else(wrong)?;
        let fails = ["unread", "fails"].into_iter().any(|field| !line[field].is_null());
        let reads = if line["reads"] == "same" { Some(text.clone()) } else { joined(&line["reads"]) };
        let brief = line["expires"].as_i64().is_some_and(|expires| expires < now + BRIEF);
        let content = Content {
            name: line["name"].as_str().ok_or_else(wrong)?.to_owned(),
            reads: reads.filter(|_| !fails),
            lasts: line["writes"].is_null() && !brief,
            text,
        };
        contents.extend((content.text.len() <= MOST).then_some(content));
    }
    Ok(contents)
}

/// What a `Value` holds of a line; a number beyond it is left out.
fn readable(line: &str) -> Option<Value> {
    let entries = session_core::Entries::parse(line.as_bytes()).ok()?;
    let named = |name: &str| Some((name.to_owned(), entries.read::<Value>(name).ok()??));
    Some(Value::Object(entries.keys().filter_map(|name| named(&name)).collect()))
}

/// A text from its pieces.
fn joined(pieces: &Value) -> Option<String> {
    let pieces = pieces.as_array()?.iter().map(|piece| {
        let times = usize::try_from(piece[1].as_u64()?).ok()?;
        Some(piece[0].as_str()?.repeat(times))
    });
    pieces.collect()
}

/// Sets an entry of a session and saves it.
fn touch(engine: &Engine, key: &str) -> Result<Done, Failure> {
    let settings = Settings::new(SECRET);
    let mut session = Session::open(engine.store.clone(), SessionContext::new(settings), Some(key));
    let changed = match session.data().wait() {
        Ok(data) => data.insert("touched", 1).map(drop),
        Err(error) => Err(error),
    };
    // A session that could not be read is empty, and nobody would save it by himself.
    let empty = changed.is_ok() && session.data().wait().is_ok_and(|data| data.keys().count() == 1);
    let saved = if empty { return Ok(Done::LeftAlone) } else { changed.and(session.save().wait()) };
    match saved {
        Ok(()) => session
            .key()
            .map(|key| Done::Saved(key.as_str().to_owned()))
            .ok_or_else(|| fault("a session that was saved has no key")),
        Err(SessionError::Store(StoreError::TooLarge { .. })) => Ok(Done::TooLarge),
        Err(SessionError::Store(error @ StoreError::Unavailable { .. })) => Err(fault(&error.to_string())),
        Err(_) => Ok(Done::LeftAlone),
    }
}

/// The text of an object, with the entry that is set.
fn with_entry(text: &str) -> String {
    let inside = text.trim_end().trim_end_matches('}');
    let depth = text.trim_end().len() - inside.len();
    // Only the last brace is the object's own.
    let open = format!("{inside}{}", "}".repeat(depth - 1));
    let comma = if open.trim_end().ends_with('{') { "" } else { "," };
    format!("{open}{comma}\"touched\":1}}")
}

/// The stored text in an answer of `crossread.py`; nothing if there is no session.
fn stored_text(line: &str) -> Option<String> {
    let line = readable(line)?;
    Some(line["data"]["text"].as_str()?.to_owned())
}

fn field(line: &str, name: &str) -> String {
    // What stands in `data` may be no strict JSON, and what is looked for never is.
    let strict = readable(line);
    let found = strict.as_ref().and_then(|line| line[name].as_str().map(str::to_owned));
    found.unwrap_or_else(|| after(line, name).unwrap_or_default())
}

/// The text of a field, in a line that is no strict JSON.
fn after(line: &str, name: &str) -> Option<String> {
    let (_, rest) = line.rsplit_once(&format!(", \"{name}\": "))?;
    let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
    texts.next()?.ok()
}

/// JSON in which every character beyond ASCII is escaped.
fn ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    ascii
}

fn shortened(text: &str) -> String {
    let mut start: String = text.chars().take(100).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("{}", r#"{"touched":1}"#)]
    #[case(r#"{"a":1}"#, r#"{"a":1,"touched":1}"#)]
    #[case(r#"{"a":{"b":{}}}"#, r#"{"a":{"b":{}},"touched":1}"#)]
    fn an_entry_comes_last(#[case] text: &str, #[case] wanted: &str) {
        assert_eq!(with_entry(text), wanted);
    }
}
