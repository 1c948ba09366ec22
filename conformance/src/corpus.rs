//! What stores have changed, lost or mistaken: values, names and keys, each in every place where that can happen. A value
//! that survives its first saving may be lost when it replaces another one, for another handle, or over a restart.
//!
//! Golden traces say what a rule means, and are short. These traces are long; they come after the golden ones, the same for
//! every seed.

use crate::json::{Json, Name};
use crate::manifest::{ClockLevel, Hook, Manifest};
use crate::op::{Alteration, Entries, Expiry, Forged, KeyRef, Op, SessionOp, StorageOp};
use crate::rule::RuleId;
use crate::rules;
use crate::trace::{START, Settings, Step, Trace};
use crate::value::TraceValue;

/// How many values or names are in one session: a small cookie has room for them.
const TOGETHER: usize = 12;

/// How many sessions a sweep has to look at: more than what a store may sweep at a time.
const MANY: u32 = 120;

/// How often one session is saved.
const OFTEN: usize = 20;

/// How long the sessions live that a sweep is to remove, in seconds.
const LIFE: i64 = 10;

/// Instants in 2030, in microseconds, after which clocks are turned back: in Berlin, and in New York.
const TURNED_BACK: [i64; 2] = [1_919_291_400_000_000, 1_919_914_200_000_000];

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
    "100%%",
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

/// Integers about 2^31, 2^32 and 2^53.
const INTEGERS: &[&str] =
    &["1", "0", "2147483647", "2147483648", "-2147483649", "4294967296", "-9007199254740991"];

/// Doubles, some of them whole, and their last digits.
const DOUBLES: &[&str] = &[
    "-0.0",
    "0.0",
    "1.0",
    "100.0",
    "0.30000000000000004",
    "123456789.12345678",
    "-1e-7",
    "1e21",
    "1e22",
    "2.2250738585072014e-308",
    "4.35",
];

/// Integers beyond 2^53 and about 2^63 and 2^64: not every store has them, and one that refuses them refuses the session.
const BIG: &[&str] =
    &["9007199254740993", "-9007199254740993", "9223372036854775807", "-9223372036854775808"];

/// Lists and objects that some encoding takes for another one, or for nothing.
const SHAPES: &[&str] = &[
    "[true,false]",
    "[false]",
    r#"[1,true,1.0,"1"]"#,
    r#"[0,false,"",null,[],{}]"#,
    r#"[""]"#,
    r#"["",""]"#,
    "[null]",
    "[[]]",
    "[[],[]]",
    "[{}]",
    "[[1,2],[3]]",
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

/// The traces for subjects with a certain manifest. Where a trace is about one rule, that rule is to blame for what is lost
/// there, unless a golden trace has shown that another one is broken.
pub(crate) fn traces(manifest: &Manifest) -> Vec<(Option<RuleId>, Trace)> {
    let mut traces = Vec::new();
    let stores = Some(rules::LIFECYCLE_SAVE_STORES);
    let replaced = |values| (stores, one_after_the_other(values, manifest));
    traces.extend(parsed(REPLACED).chunks(TOGETHER).map(replaced));
    let texts: Vec<TraceValue> = TEXTS.iter().map(|text| TraceValue::from(Json::text(text))).collect();
    for (rule, values) in [
        (rules::DATA_TEXT, texts),
        (rules::DATA_JSON, parsed(INTEGERS)),
        (rules::DATA_FLOATS, parsed(DOUBLES)),
        (rules::DATA_INTEGERS_KEPT, parsed(BIG)),
        (rules::DATA_JSON, parsed(SHAPES)),
    ] {
        let everywhere = |values| (Some(rule), values_everywhere(values, manifest));
        traces.extend(values.chunks(TOGETHER).map(everywhere));
    }
    let names: Vec<Name> = NAMES.iter().map(|name| Name::from(*name)).collect();
    let everywhere = |names| (Some(rules::DATA_NAMES), names_everywhere(names, manifest));
    traces.extend(names.chunks(TOGETHER).map(everywhere));
    traces.push((stores, saved_often(manifest)));
    traces.push((None, objects(manifest)));
    if manifest.capabilities.max_record_bytes.is_none() {
        traces.push((Some(rules::DATA_LARGE), many_entries(manifest)));
        traces.push((Some(rules::DATA_LARGE), values_everywhere(&large(), manifest)));
    }
    if manifest.capabilities.server_side {
        traces.push((None, keys_that_look_alike()));
        traces.push((None, over_before_the_epoch(manifest)));
    }
    if manifest.clock != ClockLevel::Wall {
        let not_early = Some(rules::EXPIRY_NOT_EARLY);
        traces.extend(TURNED_BACK.map(|instant| (not_early, when_clocks_are_turned_back(instant, manifest))));
        if manifest.capabilities.server_side {
            traces.push((None, many_sessions()));
            traces.push((None, renewed_elsewhere(manifest)));
            traces.push((None, renewed_for_long(manifest)));
            traces.push((None, swept_within_a_second(manifest)));
            if manifest.hooks.contains(&Hook::Damage) {
                traces.push((None, swept_with_a_damaged_one(manifest)));
            }
        }
    }
    traces
}

/// Values that are long or deep, but not so much that anything has the right to refuse them.
fn large() -> Vec<TraceValue> {
    let list: Vec<String> = (0..=1_000).map(|number| number.to_string()).collect();
    let deep = format!("{}1{}", r#"{"a":"#.repeat(25), "}".repeat(25));
    let texts = [format!("[{}]", list.join(",")), deep, r#"{"$repeat":["x",65536]}"#.into(), "null".into()];
    texts.iter().filter_map(|text| TraceValue::parse(text).ok()).collect()
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
    /// By how many microseconds the next step comes later.
    after: i64,
}

impl<'a> Writer<'a> {
    fn new(manifest: &'a Manifest) -> Self {
        Self { manifest, steps: Vec::new(), sessions: 0, after: 0 }
    }

    fn op(&mut self, client: u8, op: Op) {
        let advance = std::mem::take(&mut self.after);
        self.steps.push(Step { client, advance, op });
    }

    /// Lets the next step come so many microseconds later.
    fn later(&mut self, micros: i64) {
        self.after = micros;
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

    /// All that is in a session, for this handle and for another one; its number. Where the key is the data, each save gives
    /// a new one.
    fn seen(&mut self, saves: u32) -> u32 {
        let key = if self.manifest.capabilities.server_side { 1 } else { saves };
        if self.manifest.capabilities.shared {
            self.look(0, key);
        }
        self.look(self.other(), key)
    }

    /// All that is in the session of the n-th key, for a handle; its number.
    fn look(&mut self, client: u8, key: u32) -> u32 {
        let session = self.open(client, key);
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

/// A value.
fn one() -> TraceValue {
    TraceValue::from(Json::from_canonical("1"))
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
    let two = TraceValue::from(Json::from_canonical("2"));
    let mut writer = Writer::new(manifest);
    let session = writer.begin();
    for name in names {
        writer.set(session, name, &one());
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
        SessionOp::Update(Entries((0..=1_000).map(|number| (entry(number), value.clone())).collect()))
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
    writer.set(session, &entry(0), &one());
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
    writer.look(0, 1);
    writer.trace()
}

/// Sessions beyond what a store sweeps at a time, half of which have expired, in turn with those that have not.
fn many_sessions() -> Trace {
    let manifest = Manifest::reference();
    let mut writer = Writer::new(&manifest);
    for number in 0..2 * MANY {
        let session = writer.begin();
        writer.set(session, &entry(0), &one());
        if number % 2 == 0 {
            writer.on(session, SessionOp::SetExpiry(Expiry::Seconds(LIFE)));
        }
        writer.save(session);
    }
    writer.later((LIFE + 1) * 1_000_000);
    writer.op(0, Op::Storage(StorageOp::ClearExpired));
    for number in 1..=2 * MANY {
        writer.op(0, Op::Storage(StorageOp::Exists(KeyRef::Issued(number))));
    }
    for number in [2, MANY, 2 * MANY] {
        let session = writer.look(0, number);
        writer.set(session, &entry(1), &one());
        writer.save(session);
        writer.look(0, number);
    }
    writer.trace()
}

/// An hour that local clocks have twice: a session that lives for 45 minutes lives on in the second one, and no longer.
fn when_clocks_are_turned_back(instant: i64, manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    writer.later(instant - START);
    let session = writer.begin();
    writer.set(session, &entry(0), &one());
    writer.on(session, SessionOp::SetExpiry(Expiry::Seconds(2_700)));
    writer.save(session);
    for minutes in [0, 44, 2] {
        writer.later(minutes * 60_000_000);
        writer.look(0, 1);
    }
    writer.trace()
}

/// A session that another handle has read is renewed by this one: it lives as long as this one says.
fn renewed_elsewhere(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    let session = writer.begin();
    writer.set(session, &entry(0), &one());
    writer.on(session, SessionOp::SetExpiry(Expiry::Seconds(LIFE)));
    writer.save(session);
    writer.look(writer.other(), 1);
    writer.later(LIFE * 600_000);
    writer.set(session, &entry(1), &one());
    writer.save(session);
    writer.later(LIFE * 600_000);
    writer.look(writer.other(), 1);
    writer.trace()
}

/// A session whose life grows to thirty years when it is saved again.
fn renewed_for_long(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    let session = writer.begin();
    writer.set(session, &entry(0), &one());
    writer.save(session);
    writer.on(session, SessionOp::SetExpiry(Expiry::Seconds(30 * 365 * 86_400)));
    writer.save(session);
    writer.later(401 * 86_400_000_000);
    writer.look(0, 1);
    writer.trace()
}

/// A sweep in the second in which a session ends, but before that: the session stays.
fn swept_within_a_second(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    let session = writer.begin();
    writer.set(session, &entry(0), &one());
    writer.on(session, SessionOp::SetExpiry(Expiry::Duration(1_500_000)));
    writer.save(session);
    writer.later(1_200_000);
    writer.op(0, Op::Storage(StorageOp::ClearExpired));
    writer.look(0, 1);
    writer.trace()
}

/// A session whose life was over before times are counted from: it is gone at once, and a sweep finds it.
fn over_before_the_epoch(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    let session = writer.begin();
    writer.set(session, &entry(0), &one());
    writer.on(session, SessionOp::SetExpiry(Expiry::At(-1_000_000, 0)));
    writer.save(session);
    writer.look(0, 1);
    writer.op(0, Op::Storage(StorageOp::ClearExpired));
    writer.op(0, Op::Storage(StorageOp::Exists(KeyRef::Issued(1))));
    writer.trace()
}

/// A sweep of two sessions, one of which does not decode: that is no reason to leave the other.
fn swept_with_a_damaged_one(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    for _ in 0..2 {
        let session = writer.begin();
        writer.set(session, &entry(0), &one());
        writer.on(session, SessionOp::SetExpiry(Expiry::Seconds(LIFE)));
        writer.save(session);
    }
    writer.op(0, Op::Storage(StorageOp::Damage(KeyRef::Issued(1))));
    writer.later((LIFE + 1) * 1_000_000);
    writer.op(0, Op::Storage(StorageOp::ClearExpired));
    writer.op(0, Op::Storage(StorageOp::Exists(KeyRef::Issued(2))));
    writer.trace()
}

/// What a session object does with values that are empty, null, or equal to what was there.
fn objects(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    let value = |text: &str| TraceValue::from(Json::from_canonical(text));
    let session = writer.begin();
    writer.set(session, &entry(0), &value("null"));
    writer.on(session, SessionOp::SetDefault(entry(0), value("5")));
    writer.on(session, SessionOp::PopDefault(entry(0), value("5")));
    writer.set(session, &entry(1), &value("0"));
    writer.set(session, &Name::from("testcookie"), &TraceValue::from(Json::text("x")));
    writer.on(session, SessionOp::TestCookieWorked);
    writer.save(session);
    // The same once more is a change all the same.
    let session = writer.seen(1);
    writer.set(session, &entry(1), &value("0"));
    writer.save(session);
    let session = writer.seen(2);
    writer.on(session, SessionOp::Update(Entries(vec![(entry(1), value("0"))])));
    writer.set(session, &entry(1), &value("false"));
    writer.save(session);
    writer.seen(3);
    writer.trace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Errata, Model};

    #[test]
    fn each_of_the_values_is_one() {
        for texts in [INTEGERS, DOUBLES, BIG, SHAPES, REPLACED] {
            assert_eq!(parsed(texts).len(), texts.len(), "{texts:?}");
        }
    }

    /// Each step acts on something, and what is looked at last is there.
    #[test]
    fn the_model_can_do_each_step() {
        let manifest = Manifest::reference();
        for (_, trace) in traces(&manifest) {
            let mut model = Model::new(&manifest, trace.settings, Errata::Imitated);
            let answers: Vec<_> = trace.steps.iter().map(|step| model.step(step)).collect();
            assert!(answers.iter().all(Option::is_some), "{:?}", trace.steps.last());
            let last = answers.last().unwrap().as_ref().unwrap();
            assert!(last.outcome.is_ok(), "{:?} {:?}", trace.steps.last(), last.outcome);
        }
    }
}
