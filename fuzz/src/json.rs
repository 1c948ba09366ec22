//! JSON as Python has it. `session-core` and the suite read it each with code of its own: they must agree.

use session_conformance::json::Json as Canonical;
use session_core::Entries;
use session_core::json::{Json, JsonError};

/// Both readers accept the same texts, and understand the same by them.
pub fn check(bytes: &[u8]) {
    entries(bytes);
    let Ok(text) = str::from_utf8(bytes) else { return };
    match (Json::parse(text), Canonical::parse(text)) {
        (Ok(json), Ok(canonical)) => {
            let again = Canonical::parse(json.as_str());
            assert_eq!(again.as_ref(), Ok(&canonical), "two readings of {text:?}");
            assert_eq!(Json::parse(json.as_str()).as_ref(), Ok(&json), "its own text is read otherwise");
            if let Ok(value) = json.to_value() {
                let written = Json::write(&value).map(|json| Canonical::parse(json.as_str()));
                assert_eq!(written, Ok(Ok(canonical)), "as a value it is another");
            }
            assert!(json.tokens().count() > 0, "{text:?} has no token");
        }
        (Err(_), Err(_)) | (Err(JsonError::TooDeep { .. }), _) => {}
        (one, other) => panic!("{text:?}: {one:?} and {other:?}"),
    }
}

/// Entries are what their text says, in every way to ask.
fn entries(bytes: &[u8]) {
    let Ok(mut entries) = Entries::parse(bytes) else { return };
    let text = entries.to_json().into_owned();
    assert_eq!(Entries::parse(text.as_bytes()).as_ref(), Ok(&entries), "its own text is read otherwise");
    assert_eq!(entries.iter().count(), entries.len());
    for value in entries.values() {
        Json::parse(value).unwrap_or_else(|error| panic!("an entry holds {value:?}: {error}"));
    }
    let names: Vec<String> = entries.names().filter_map(|name| name.to_str()).map(Into::into).collect();
    for name in names {
        let value = entries.remove(&name).unwrap_or_else(|| panic!("{name:?} is named and not there"));
        assert!(!entries.contains_key(&name), "{name:?} was removed and is there");
        entries.insert_json(&name, value.clone()).expect("what was there can be put there");
        assert_eq!(entries.get(&name), Some(value.as_str()));
    }
}
