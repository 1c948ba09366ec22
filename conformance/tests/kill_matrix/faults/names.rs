//! Stores that change, lose or reorder the entries of a session.

use session_core::Record;

use crate::fault::Base::{Cache, Database};
use crate::fault::{Fault, Flaw, fault};
use crate::plain::{as_tree, entries_of};

/// The record with its entries in another order.
fn sorted(record: &mut Record, by: impl Fn(&str) -> String) {
    let mut entries: Vec<(String, String)> =
        record.data.iter().map(|(name, value)| (name.to_json_text(), value.to_owned())).collect();
    entries.sort_by_key(|(name, _)| by(name));
    let entries: Vec<String> = entries.into_iter().map(|(name, value)| format!("{name}:{value}")).collect();
    record.data = entries_of(&format!("{{{}}}", entries.join(",")));
}

fn kept(name: &str, kept: bool) -> Option<String> {
    kept.then(|| name.to_owned())
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "names-in-lower-case",
        "data.names",
        "names are kept in lower case",
        "columns of PostgreSQL",
        Database,
        Flaw::Name(|name| {
            Some(if name.is_ascii() && !name.contains('\\') { name.to_lowercase() } else { name.to_owned() })
        }),
    ),
    fault(
        "names-in-normal-form",
        "data.names",
        "names are brought into a normal form of Unicode",
        "identifiers of Python",
        Database,
        Flaw::Name(|name| Some(name.replace("e\u{301}", "\u{e9}").replace("e\\u0301", "\\u00e9"))),
    ),
    fault(
        "names-cut",
        "data.names",
        "names are cut at 255 characters",
        "VARCHAR(255)",
        Database,
        Flaw::Name(|name| {
            let cut = name.char_indices().map(|(at, _)| at).nth(256);
            Some(cut.map_or_else(|| name.to_owned(), |cut| format!("{}\"", &name[..cut])))
        }),
    ),
    fault(
        "names-trimmed",
        "data.names",
        "blanks at the ends of a name are not kept",
        "",
        Database,
        Flaw::Name(|name| Some(name.replace("\" ", "\"").replace(" \"", "\""))),
    ),
    fault(
        "names-with-dots-lost",
        "data.names",
        "entries with a dot in their name are not kept",
        "MongoDB's field names",
        Database,
        Flaw::Name(|name| kept(name, !name.contains('.'))),
    ),
    fault(
        "names-with-dollar-lost",
        "data.names",
        "entries whose name begins with `$` are not kept",
        "MongoDB's operators",
        Database,
        Flaw::Name(|name| kept(name, !name.starts_with("\"$"))),
    ),
    fault(
        "names-empty-lost",
        "data.names",
        "the entry with the empty name is not kept",
        "PHP's properties",
        Database,
        Flaw::Name(|name| kept(name, name != "\"\"")),
    ),
    fault(
        "names-proto-lost",
        "data.names",
        "the entry `__proto__` is not kept",
        "JavaScript's objects",
        Cache,
        Flaw::Name(|name| kept(name, name != "\"__proto__\"")),
    ),
    fault(
        "names-private-lost",
        "data.names",
        "entries of the framework are not kept",
        "a filter for what begins with an underscore",
        Database,
        Flaw::Name(|name| kept(name, !name.starts_with("\"_auth"))),
    ),
    fault(
        "names-with-blanks-encoded",
        "data.names",
        "blanks in names come back as `+`",
        "form encoding",
        Database,
        Flaw::Name(|name| Some(name.replace(' ', "+"))),
    ),
    fault(
        "names-like-numbers-come-first",
        "data.order",
        "names that are numbers come before all others",
        "JavaScript's objects",
        Database,
        Flaw::Kept(|record, _, _| {
            sorted(record, |name| {
                let number: Option<u32> = name.trim_matches('"').parse().ok();
                number.map_or("b".to_owned(), |number| format!("a{number:010}"))
            });
        }),
    ),
    fault(
        "names-reserved",
        "data.names",
        "the entry `cookie` is the store's own and is not kept",
        "express-session 1.16.0",
        Database,
        Flaw::Name(|name| kept(name, name != "\"cookie\"")),
    ),
    fault(
        "names-with-surrogates-replaced",
        "data.names.surrogates",
        "half a surrogate pair in a name becomes the replacement character",
        "UTF-8 for UTF-16",
        Database,
        Flaw::Name(|name| Some(name.replace("\\udfff", "\\ufffd").replace("\\ud800", "\\ufffd"))),
    ),
    fault(
        "order-sorted",
        "data.order",
        "entries come back sorted",
        "PostgreSQL's jsonb, a BTreeMap",
        Database,
        Flaw::Kept(|record, _, _| sorted(record, str::to_owned)),
    ),
    fault(
        "order-reversed",
        "data.order",
        "entries come back the last first",
        "a stack",
        Database,
        Flaw::Kept(|record, _, _| {
            let mut place = 1_000;
            let places = std::cell::RefCell::new(&mut place);
            let next = || {
                **places.borrow_mut() -= 1;
                **places.borrow()
            };
            let numbered: Vec<(String, i32)> =
                record.data.iter().map(|(name, _)| (name.to_json_text(), next())).collect();
            sorted(record, |name| {
                let found = numbered.iter().find(|(known, _)| known == name);
                format!("{:05}", found.map_or(0, |(_, place)| *place))
            });
        }),
    ),
    fault(
        "order-inside-sorted",
        "data.order",
        "the members of objects inside values come back sorted",
        "PostgreSQL's jsonb",
        Database,
        Flaw::Value(|text| {
            as_tree(text, |value| {
                if let serde_json::Value::Object(object) = value {
                    object.sort_keys();
                }
            })
        }),
    ),
];
