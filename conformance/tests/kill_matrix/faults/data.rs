//! Stores that change the values they keep.

use serde_json::Value;
use session_core::Record;
use session_core::json::Json;

use super::numbers::integer;
use crate::fault::Base::{Cache, Database};
use crate::fault::{Fault, Flaw, fault};
use crate::plain::{Row, as_tree};

/// Changes each value in a tree, the innermost first.
fn each(text: &str, change: fn(&mut Value)) -> String {
    fn walk(value: &mut Value, change: fn(&mut Value)) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(|value| walk(value, change)),
            Value::Object(object) => object.values_mut().for_each(|value| walk(value, change)),
            _ => {}
        }
        change(value);
    }
    as_tree(text, |value| walk(value, change))
}

/// Changes each text in a value.
fn texts(text: &str, change: fn(&str) -> String) -> String {
    if !text.contains('"') {
        return text.to_owned();
    }
    as_tree(text, |value| {
        fn walk(value: &mut Value, change: fn(&str) -> String) {
            match value {
                Value::Array(list) => list.iter_mut().for_each(|value| walk(value, change)),
                Value::Object(object) => object.values_mut().for_each(|value| walk(value, change)),
                Value::String(text) if text.len() < 100_000 => *text = change(text),
                _ => {}
            }
        }
        walk(value, change);
    })
}

fn composed(text: &str) -> String {
    text.replace("e\u{301}", "\u{e9}")
}

/// The entries of a record that was there before.
fn entries(row: &Row) -> Vec<(String, String)> {
    let data = &row.record.data;
    data.keys().filter_map(|name| Some((name.to_string(), data.get(&name)?.to_owned()))).collect()
}

/// Puts a value in the place of another one.
fn put(record: &mut Record, name: &str, text: &str) {
    let json = Json::parse(text).unwrap();
    record.data.insert_json(name, json).unwrap();
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "null-dropped",
        "data.json",
        "entries whose value is null are not kept",
        "a cache that takes null for nothing",
        Database,
        Flaw::All(&[Flaw::Kept(|record, _, _| {
            let nulls: Vec<String> = record
                .data
                .keys()
                .filter(|name| record.data.get(name) == Some("null"))
                .map(Into::into)
                .collect();
            for name in nulls {
                record.data.remove(&name);
            }
        })]),
    ),
    fault(
        "null-inside-dropped",
        "data.json",
        "members of objects whose value is null are not kept",
        "encoders that leave out what is null (omitempty)",
        Database,
        Flaw::Value(|text| {
            each(text, |value| {
                if let Value::Object(object) = value {
                    object.retain(|_, value| !value.is_null());
                }
            })
        }),
    ),
    fault(
        "null-becomes-text",
        "data.json",
        "null comes back as an empty text",
        "a column that is not nullable",
        Database,
        Flaw::Value(|text| if text == "null" { r#""""#.to_owned() } else { text.to_owned() }),
    ),
    fault(
        "empty-list-becomes-object",
        "data.json",
        "an empty list comes back as an empty object",
        "Lua's cjson in Redis scripts",
        Cache,
        Flaw::Value(|text| {
            each(text, |value| {
                if value.as_array().is_some_and(Vec::is_empty) {
                    *value = Value::Object(serde_json::Map::new());
                }
            })
        }),
    ),
    fault(
        "empty-object-becomes-list",
        "data.json",
        "an empty object comes back as an empty list",
        "PHP's arrays",
        Database,
        Flaw::Value(|text| {
            each(text, |value| {
                if value.as_object().is_some_and(serde_json::Map::is_empty) {
                    *value = Value::Array(Vec::new());
                }
            })
        }),
    ),
    fault(
        "empty-inside-dropped",
        "data.json",
        "empty lists and objects inside a value are not kept",
        "form encoding",
        Database,
        Flaw::Value(|text| {
            each(text, |value| {
                let empty = |value: &Value| {
                    value.as_array().is_some_and(Vec::is_empty)
                        || value.as_object().is_some_and(serde_json::Map::is_empty)
                };
                if let Value::Object(object) = value {
                    object.retain(|_, value| !empty(value));
                }
            })
        }),
    ),
    fault(
        "empty-text-becomes-null",
        "data.json",
        "an empty text comes back as null",
        "Oracle",
        Database,
        Flaw::Value(|text| if text == r#""""# { "null".to_owned() } else { text.to_owned() }),
    ),
    fault(
        "booleans-become-numbers",
        "data.json",
        "true and false come back as 1 and 0",
        "SQLite's booleans",
        Database,
        Flaw::Value(|text| {
            each(text, |value| {
                if let Some(yes) = value.as_bool() {
                    *value = Value::from(u8::from(yes));
                }
            })
        }),
    ),
    fault(
        "numbers-become-text",
        "data.json",
        "numbers come back as text",
        "a hash of Redis",
        Cache,
        Flaw::Value(|text| integer(text, |text| format!("\"{text}\""))),
    ),
    fault(
        "negative-numbers-lose-their-sign",
        "data.json",
        "negative integers come back positive",
        "an unsigned column",
        Database,
        Flaw::Value(|text| integer(text, |text| text.trim_start_matches('-').to_owned())),
    ),
    fault(
        "lists-sorted",
        "data.json",
        "lists come back sorted",
        "sets for lists",
        Database,
        Flaw::Value(|text| {
            each(text, |value| {
                if let Value::Array(list) = value {
                    list.sort_by_key(Value::to_string);
                }
            })
        }),
    ),
    fault(
        "lists-without-repetition",
        "data.json",
        "what is in a list twice comes back once",
        "sets for lists",
        Database,
        Flaw::Value(|text| {
            each(text, |value| {
                if let Value::Array(list) = value {
                    let given = std::mem::take(list);
                    for value in given {
                        if !list.contains(&value) {
                            list.push(value);
                        }
                    }
                }
            })
        }),
    ),
    fault(
        "lists-of-one-unwrapped",
        "data.json",
        "a list of one comes back as what is in it",
        "XML to JSON",
        Database,
        Flaw::Value(|text| {
            each(text, |value| {
                if let Value::Array(list) = value
                    && list.len() == 1
                {
                    *value = list.remove(0);
                }
            })
        }),
    ),
    fault(
        "value-serialised-twice",
        "data.json",
        "objects come back as the text of their JSON",
        "poem#109, actix-extras#366",
        Database,
        Flaw::Value(
            |text| if text.starts_with('{') { Value::from(text).to_string() } else { text.to_owned() },
        ),
    ),
    fault(
        "text-trimmed",
        "data.text",
        "blanks at the ends of a text are not kept",
        "CHAR columns, form fields",
        Database,
        Flaw::Value(|text| texts(text, |text| text.trim().to_owned())),
    ),
    fault(
        "text-ends-at-nul",
        "data.text",
        "a text ends at its first NUL",
        "bindings to C, PostgreSQL's text",
        Database,
        Flaw::Value(|text| texts(text, |text| text.split('\0').next().unwrap_or_default().to_owned())),
    ),
    fault(
        "text-without-control-characters",
        "data.text",
        "control characters are taken out",
        "sanitising",
        Database,
        Flaw::Value(|text| texts(text, |text| text.chars().filter(|c| !c.is_control()).collect())),
    ),
    fault(
        "text-in-normal-form",
        "data.text",
        "text is brought into a normal form of Unicode",
        "file systems of macOS",
        Database,
        Flaw::Value(|text| texts(text, composed)),
    ),
    fault(
        "text-in-latin-1",
        "data.text",
        "letters beyond Latin-1 come back as question marks",
        "rack-session#39",
        Database,
        Flaw::Value(|text| {
            texts(text, |text| {
                let latin = |c| if u32::from(c) < 0x100 || u32::from(c) > 0xffff { c } else { '?' };
                text.chars().map(latin).collect()
            })
        }),
    ),
    fault(
        "text-escaped-for-html",
        "data.text",
        "`<` and `&` come back as entities",
        "escaping at the wrong end",
        Database,
        Flaw::Value(|text| texts(text, |text| text.replace('&', "&amp;").replace('<', "&lt;"))),
    ),
    fault(
        "text-percent-decoded",
        "data.text",
        "`%20` and `+` come back as blanks",
        "a value decoded twice",
        Database,
        Flaw::Value(|text| texts(text, |text| text.replace("%20", " ").replace('+', " "))),
    ),
    fault(
        "text-with-unix-lines",
        "data.text",
        "a carriage return before a line feed is not kept",
        "files opened as text",
        Database,
        Flaw::Value(|text| texts(text, |text| text.replace("\r\n", "\n"))),
    ),
    fault(
        "text-without-backslashes",
        "data.text",
        "backslashes are taken out",
        "stripslashes",
        Database,
        Flaw::Value(|text| texts(text, |text| text.replace('\\', ""))),
    ),
    fault(
        "text-cut-at-delimiter",
        "data.text",
        "a text ends at the mark that separates fields",
        "planety/prologue#293, mjackson/strata#40",
        Database,
        Flaw::Value(|text| texts(text, |text| text.split("--").next().unwrap_or_default().to_owned())),
    ),
    fault(
        "text-like-a-date-converted",
        "expiry.entry",
        "a text that reads as a date comes back with Z for its offset",
        "encoders that know dates",
        Database,
        Flaw::Value(|text| {
            texts(text, |text| {
                text.strip_suffix("+00:00").map_or_else(|| text.to_owned(), |t| format!("{t}Z"))
            })
        }),
    ),
    fault(
        "text-beyond-the-basic-plane-lost",
        "data.non-bmp",
        "characters beyond the basic plane are not kept",
        "MySQL's utf8",
        Database,
        Flaw::Value(|text| texts(text, |text| text.chars().filter(|c| u32::from(*c) < 0x1_0000).collect())),
    ),
    fault(
        "text-beyond-the-basic-plane-replaced",
        "data.non-bmp",
        "characters beyond the basic plane come back as question marks",
        "MySQL's utf8 outside strict mode",
        Database,
        Flaw::Value(|text| {
            texts(text, |text| text.chars().map(|c| if u32::from(c) < 0x1_0000 { c } else { '?' }).collect())
        }),
    ),
    fault(
        "lone-surrogates-replaced",
        "data.surrogates.kept",
        "half a surrogate pair comes back as the replacement character",
        "UTF-8 for UTF-16",
        Database,
        Flaw::Value(|text| {
            if Value::is_string(&serde_json::from_str(text).unwrap_or(Value::from("")))
                && !text.contains("\\ud")
            {
                return text.to_owned();
            }
            text.replace("\\ud800", "\\ufffd").replace("\\udc00", "\\ufffd")
        }),
    ),
    fault(
        "texts-that-look-like-values-parsed",
        "data.text",
        "the texts \"true\", \"null\" and \"1e5\" come back as what they look like",
        "loose parsers of YAML",
        Database,
        Flaw::Value(|text| match text {
            r#""true""# | r#""null""# | r#""1e5""# => text.trim_matches('"').to_owned(),
            _ => text.to_owned(),
        }),
    ),
    fault(
        "booleans-in-lists-become-numbers",
        "data.json",
        "true and false in a list come back as 1 and 0",
        "typed arrays",
        Database,
        Flaw::Value(|text| {
            each(text, |value| {
                if let Value::Array(list) = value {
                    for member in list {
                        if let Some(yes) = member.as_bool() {
                            *member = Value::from(u8::from(yes));
                        }
                    }
                }
            })
        }),
    ),
    fault(
        "names-with-brackets-lost",
        "data.names",
        "entries whose name has a bracket are not kept",
        "parsers of forms",
        Database,
        Flaw::Name(|name| (!name.contains('[')).then(|| name.to_owned())),
    ),
    fault(
        "what-compares-as-equal-not-saved",
        "lifecycle.save.stores",
        "a value that compares as equal to the one before is not written: true over 1",
        "Python's comparison of dictionaries",
        Database,
        Flaw::Kept(|record, before, _| {
            let alike = |text: &str| match text {
                "true" | "1.0" => "1".to_owned(),
                "false" | "0.0" | "-0.0" => "0".to_owned(),
                other => other.to_owned(),
            };
            for (name, old) in before.map(entries).unwrap_or_default() {
                let new = record.data.get(&name).map(str::to_owned);
                if new.is_some_and(|new| alike(&new) == alike(&old)) {
                    put(record, &name, &old);
                }
            }
        }),
    ),
    fault(
        "null-not-saved-over-a-value",
        "lifecycle.save.stores",
        "a null does not take the place of a value",
        "COALESCE in an update",
        Database,
        Flaw::Kept(|record, before, _| {
            for (name, old) in before.map(entries).unwrap_or_default() {
                if record.data.get(&name) == Some("null") {
                    put(record, &name, &old);
                }
            }
        }),
    ),
];
