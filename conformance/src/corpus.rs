//! What stores have changed, lost or mistaken: values, names and keys, each in every place where that can happen. A value
//! that survives its first saving may be lost when it replaces another one, for another handle, or over a restart.
//!
//! Golden traces say what a rule means, and are short. These traces are long; they come after the golden ones, the same for
//! every seed.

use crate::json::{Json, Name};
use crate::manifest::{ClockLevel, Manifest};
use crate::op::{Alteration, Entries, Expiry, Forged, KeyRef, Op, SessionOp, StorageOp};
use crate::trace::{Settings, Step, Trace};
use crate::value::TraceValue;

/// How many values or names are in one session: a small cookie has room for them.
const TOGETHER: usize = 12;

/// How many sessions a sweep has to look at: more than what a store may sweep at a time.
const MANY: u32 = 120;

/// How often one session is saved.
const OFTEN: usize = 20;

/// How long the sessions live that a sweep is to remove, in seconds.
const LIFE: i64 = 10;

/// Texts that look like something else, or that are cut, trimmed, escaped, decoded or folded on their way.
const TEXTS: &[&str] = &[
    "true",
    "null",
    "None",
    "undefined",
    "NaN",
    "Infinity",
    "0",
    "007",
    "1.50",
    "1e5",
    "0x1F",
    "1_000",
    "{\"a\":1}",
    "[1,2]",
    "\"quoted\"",
    "'quoted'",
    "it''s",
    "2026-01-31",
    "2026-01-31T10:00:00Z",
    "2026-01-31 10:00:00.5+02:00",
    "j:{\"a\":1}",
    "s:a.b",
    "a:1:{s:1:\"a\";i:1;}",
    "O:8:\"stdClass\":0:{}",
    "!!python/object:a",
    "b'abc'",
    "YWJj",
    "aGVsbG8=",
    "\\u00e9",
    "\\n",
    "\\\\",
    "\\",
    "%41%2e",
    "%",
    "&lt;b&gt;&#39;",
    "$ref",
    "$1",
    "${a}",
    "{{ a }}",
    "{0}",
    "\u{feff}a",
    "a\u{feff}",
    "\u{fffe}\u{ffff}",
    "a\u{200b}b\u{200d}c",
    "\u{80}\u{85}\u{9f}",
    "\u{a0}a\u{a0}",
    "\u{2028}\u{2029}",
    "\u{fffd}",
    "ﬁ Å ① ｆ",
    "İ ı ß ſ",
    "👩‍👩‍👧 é",
    "\n",
    "a\n",
    "\ta",
    "   ",
    "a\u{0}b",
    ",",
    ";",
    "|",
    "=",
];

/// Numbers, with 2^31, 2^32 and the last digits of doubles.
const NUMBERS: &[&str] = &[
    "1",
    "0",
    "-0.0",
    "0.0",
    "1.0",
    "100.0",
    "2147483647",
    "2147483648",
    "-2147483649",
    "4294967296",
    "-9007199254740991",
    "0.30000000000000004",
    "123456789.12345678",
    "-1e-7",
    "1e21",
    "1e22",
    "2.2250738585072014e-308",
    "4.35",
];

/// Integers beyond 2^53 and about 2^63 and 2^64: not every store has them, and one that refuses them refuses the session.
const BIG: &[&str] = &[
    "9007199254740993",
    "-9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
];

/// Lists and objects that some encoding takes for another one, or for nothing.
const SHAPES: &[&str] = &[
    r#"[true,false]"#,
    r#"[false]"#,
    r#"[1,true,1.0,"1"]"#,
    r#"[0,false,"",null,[],{}]"#,
    r#"[""]"#,
    r#"["",""]"#,
    r#"[null]"#,
    r#"[[]]"#,
    r#"[[],[]]"#,
    r#"[{}]"#,
    r#"[[1,2],[3]]"#,
    r#"{"":{}}"#,
    r#"{"a":null,"b":false,"c":"","d":0}"#,
    r#"{"0":"a","1":"b"}"#,
    r#"{"1":1,"0":0}"#,
    r#"{"a.b":{"c.d":1}}"#,
    r#"{"a[b]":1}"#,
    r#"{"a\nb":1}"#,
    r#"{"$date":0}"#,
    r#"{"$oid":"a"}"#,
    r#"{"@type":"a"}"#,
    r#"{"__type__":"a"}"#,
    r#"{"__class__":"a","__module__":"b"}"#,
    r#"{"__date__":"2026-01-31"}"#,
    r#"{"py/object":"a"}"#,
    r#"{" t":[1]}"#,
    r#"{" u":"a"}"#,
    r#"{"_":1}"#,
    r#"{"type":"Buffer","data":[1]}"#,
    r#"{"__proto__":{"x":1}}"#,
    r#"{"constructor":1,"toString":2}"#,
    r#"{"length":0}"#,
    r#"{"toJSON":1}"#,
    r#"{"é":1,"e\u0301":2}"#,
    r#"{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}}}}}}}}}}"#,
    r#"{"a":[{"b":[{"c":[]}]}]}"#,
];

/// What a session has one after the other in one entry: what compares as equal in some language is not the same, and an
/// object that replaces another one is not merged with it.
const REPLACED: &[&str] = &[
    "1",
    "true",
    "1.0",
    "\"1\"",
    "0",
    "false",
    "-0.0",
    "\"\"",
    "null",
    "[]",
    "{}",
    "[1]",
    r#"{"1":1}"#,
    r#"{"x":{"a":1}}"#,
    r#"{"x":{"b":2}}"#,
    r#"{"x":{}}"#,
    r#"{"b":1,"a":2}"#,
    r#"{"a":2,"b":1}"#,
    "\"a\"",
    "\"A\"",
    "\"a \"",
];

/// Names that programs have a use of their own for, or that a path, a form or a query would take apart.
const NAMES: &[&str] = &[
    "constructor",
    "toString",
    "hasOwnProperty",
    "prototype",
    "length",
    "id",
    "key",
    "session_key",
    "data",
    "expires",
    "user",
    "flash",
    "_flash",
    "_token",
    "messages",
    "csrf_token",
    "__class__",
    "self",
    "0",
    "-1",
    "1e3",
    "00",
    "null",
    "true",
    "a[b]",
    "a[]",
    "a|b",
    "a;b",
    "a=b",
    "a&b",
    "a-b",
    "a/b",
    "a\\b",
    "a:b",
    "a,b",
    "a\nb",
    "a\n",
    "\t",
    "$a",
    "@a",
    "%s",
    "{0}",
    "*",
    "\u{feff}a",
    "a\u{200b}",
    "İ",
    "ﬁ",
    "select",
];

/// The traces for subjects with a certain manifest.
pub(crate) fn traces(manifest: &Manifest) -> Vec<Trace> {
    let mut traces = Vec::new();
    let texts: Vec<TraceValue> = TEXTS.iter().map(|text| TraceValue::from(Json::text(text))).collect();
    let [numbers, big, shapes, replaced] = [NUMBERS, BIG, SHAPES, REPLACED].map(parsed);
    for values in [texts, numbers, big, shapes] {
        traces.extend(values.chunks(TOGETHER).map(|values| values_everywhere(values, manifest)));
    }
    let names: Vec<Name> = NAMES.iter().map(|name| Name::from(*name)).collect();
    traces.extend(names.chunks(TOGETHER).map(|names| names_everywhere(names, manifest)));
    traces.extend(replaced.chunks(TOGETHER).map(|values| one_after_the_other(values, manifest)));
    traces.push(saved_often(manifest));
    if manifest.capabilities.server_side {
        traces.push(keys_that_look_alike());
    }
    if manifest.capabilities.max_record_bytes.is_none() {
        traces.push(many_entries(manifest));
    }
    if manifest.capabilities.server_side && manifest.clock != ClockLevel::Wall {
        traces.push(many_sessions());
    }
    traces
}

fn parsed(texts: &[&str]) -> Vec<TraceValue> {
    // Each of these is a value; the tests of this module see to it.
    texts.iter().filter_map(|text| TraceValue::parse(text).ok()).collect()
}

/// A trace that is written down step by step.
struct Writer<'a> {
    manifest: &'a Manifest,
    steps: Vec<Step>,
    sessions: u32,
}

impl<'a> Writer<'a> {
    fn new(manifest: &'a Manifest) -> Self {
        Self { manifest, steps: Vec::new(), sessions: 0 }
    }

    fn op(&mut self, client: u8, op: Op) {
        self.steps.push(Step { client, advance: 0, op });
    }

    /// A new session; its number.
    fn begin(&mut self) -> u32 {
        self.op(0, Op::New);
        self.sessions += 1;
        self.sessions
    }

    /// The session of the n-th key; its number.
    fn open(&mut self, client: u8, key: u32) -> u32 {
        self.op(client, Op::Open(KeyRef::Issued(key)));
        self.sessions += 1;
        self.sessions
    }

    fn on(&mut self, session: u32, op: SessionOp) {
        self.op(0, Op::Session(session, op));
    }

    fn set(&mut self, session: u32, name: &Name, value: &TraceValue) {
        self.on(session, SessionOp::Set(name.clone(), value.clone()));
    }

    fn save(&mut self, session: u32) {
        self.on(session, SessionOp::Save);
    }

    /// Another handle, if there is one.
    fn other(&self) -> u8 {
        u8::from(self.manifest.capabilities.shared)
    }

    /// All that is in a session, for another handle; its number. Where the key is the data, each save gives a new one.
    fn seen(&mut self, saves: u32) -> u32 {
        let key = if self.manifest.capabilities.server_side { 1 } else { saves };
        let session = self.open(self.other(), key);
        self.on(session, SessionOp::Items);
        session
    }

    /// The same after a restart, if something is left then.
    fn survives(&mut self, saves: u32) {
        if self.manifest.capabilities.persistent {
            self.op(0, Op::Storage(StorageOp::Reopen));
            self.seen(saves);
        }
    }

    fn trace(self) -> Trace {
        Trace { settings: Settings::default(), steps: self.steps }
    }
}

/// The name of the n-th entry.
fn entry(number: usize) -> Name {
    Name::from(format!("v{number}").as_str())
}

/// Values that are stored first, then in each other's places, seen by another handle, and after a restart.
fn values_everywhere(values: &[TraceValue], manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    let session = writer.begin();
    for (number, value) in values.iter().enumerate() {
        writer.set(session, &entry(number), value);
    }
    writer.save(session);
    let session = writer.seen(1);
    for (number, value) in values.iter().cycle().skip(1).take(values.len()).enumerate() {
        writer.set(session, &entry(number), value);
    }
    writer.save(session);
    writer.seen(2);
    writer.survives(2);
    writer.trace()
}

/// Names that are stored, half of them removed and the others changed, seen by another handle, and after a restart.
fn names_everywhere(names: &[Name], manifest: &Manifest) -> Trace {
    let [one, two] = ["1", "2"].map(|text| TraceValue::from(Json::from_canonical(text)));
    let mut writer = Writer::new(manifest);
    let session = writer.begin();
    for name in names {
        writer.set(session, name, &one);
    }
    writer.save(session);
    let session = writer.seen(1);
    for (number, name) in names.iter().enumerate() {
        if number % 2 == 0 {
            writer.on(session, SessionOp::Remove(name.clone()));
        } else {
            writer.set(session, name, &two);
        }
    }
    writer.save(session);
    writer.seen(2);
    writer.survives(2);
    writer.trace()
}

/// One entry that is saved with one value after the other, in one session object and in others.
fn one_after_the_other(values: &[TraceValue], manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    let mut session = writer.begin();
    for (saves, value) in (1..).zip(values) {
        writer.set(session, &entry(0), value);
        writer.save(session);
        session = writer.seen(saves);
    }
    writer.trace()
}

/// One session that is saved again and again: none of the saves may be lost.
fn saved_often(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    let session = writer.begin();
    for (saves, number) in (1..).zip(0..OFTEN) {
        writer.set(session, &entry(0), &TraceValue::from(Json::from_canonical(number.to_string())));
        writer.save(session);
        writer.seen(saves);
    }
    writer.trace()
}

/// A session with more entries than fit in one packet of most databases' parameters.
fn many_entries(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    let entries = |value: &str| {
        let value = TraceValue::from(Json::from_canonical(value));
        SessionOp::Update(Entries((0..1_000).map(|number| (entry(number), value.clone())).collect()))
    };
    let session = writer.begin();
    writer.on(session, entries("1"));
    writer.save(session);
    let session = writer.seen(1);
    writer.on(session, entries("[2]"));
    writer.save(session);
    writer.seen(2);
    writer.survives(2);
    writer.trace()
}

/// A session whose key many others resemble: none of them opens it, is said to be there, or deletes it.
fn keys_that_look_alike() -> Trace {
    let manifest = Manifest::reference();
    let mut writer = Writer::new(&manifest);
    let session = writer.begin();
    writer.set(session, &entry(0), &TraceValue::from(Json::from_canonical("1")));
    writer.save(session);
    let altered = Alteration::ALL.map(|alteration| KeyRef::Altered(1, alteration));
    let forged = Forged::ALL.map(KeyRef::Forged);
    for key in altered.into_iter().chain(forged) {
        writer.op(0, Op::Storage(StorageOp::Exists(key)));
        writer.op(0, Op::Open(key));
        writer.sessions += 1;
        writer.on(writer.sessions, SessionOp::Items);
        writer.op(0, Op::Storage(StorageOp::DeleteKey(key)));
        writer.op(0, Op::Storage(StorageOp::Exists(KeyRef::Issued(1))));
    }
    let session = writer.open(0, 1);
    writer.on(session, SessionOp::Items);
    writer.trace()
}

/// Sessions beyond what a store sweeps at a time, half of which have expired, in turn with those that have not.
fn many_sessions() -> Trace {
    let manifest = Manifest::reference();
    let mut writer = Writer::new(&manifest);
    let value = TraceValue::from(Json::from_canonical("1"));
    for number in 0..2 * MANY {
        let session = writer.begin();
        writer.set(session, &entry(0), &value);
        if number % 2 == 0 {
            writer.on(session, SessionOp::SetExpiry(Expiry::Seconds(LIFE)));
        }
        writer.save(session);
    }
    writer.steps.push(Step {
        client: 0,
        advance: (LIFE + 1) * 1_000_000,
        op: Op::Storage(StorageOp::ClearExpired),
    });
    for number in 1..=2 * MANY {
        writer.op(0, Op::Storage(StorageOp::Exists(KeyRef::Issued(number))));
    }
    for number in [2, MANY, 2 * MANY] {
        let session = writer.open(0, number);
        writer.on(session, SessionOp::Items);
    }
    writer.trace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Errata, Model};

    #[test]
    fn each_of_the_values_is_one() {
        for texts in [NUMBERS, BIG, SHAPES, REPLACED] {
            assert_eq!(parsed(texts).len(), texts.len(), "{texts:?}");
        }
    }

    /// What the last look at the session shows is the last thing that was saved, so that the traces say what they mean.
    #[test]
    fn the_model_sees_in_the_end_what_was_saved_last() {
        let manifest = Manifest::reference();
        for trace in traces(&manifest) {
            let mut model = Model::new(&manifest, trace.settings, Errata::Imitated);
            let answers: Vec<_> = trace.steps.iter().map(|step| model.step(step)).collect();
            let last = answers.last().unwrap().as_ref().unwrap();
            assert!(last.outcome.is_ok(), "{:?} {:?}", trace.steps.last(), last.outcome);
            assert!(!format!("{:?}", last.outcome).contains("[]))"), "{:?}", last.outcome);
        }
    }
}
