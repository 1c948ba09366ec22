//! What stores have changed, lost or mistaken: values, names and keys, each in every place where that can happen. A value
//! that survives its first saving may be lost when it replaces another one, for another handle, or over a restart.
//!
//! Golden traces say what a rule means, and are short. These traces are long; they come after the golden ones, the same for
//! every seed.
//!
//! - `corpus.rs`: the places, each of them a trace
//! - `corpus/tried.rs`: what is put there

mod tried;

use session_core::Consistency;

use crate::json::{Json, Name};
use crate::manifest::{Hook, Manifest};
use crate::op::{Alteration, Entries, Expiry, Forged, KeyRef, Op, SessionOp, StorageOp};
use crate::rule::RuleId;
use crate::rules;
use crate::suite::Effort;
use crate::trace::{START, Settings, Step, Trace};
use crate::value::TraceValue;
use tried::{BIG, DOUBLES, INTEGERS, NAMES, REPLACED, SHAPES, TEXTS};

/// How many values or names are in one session: a small cookie has room for them.
const TOGETHER: usize = 12;

/// How many sessions a sweep has to look at: more than what a store may sweep at a time.
const MANY: u32 = 120;

/// How many sessions are stored at a time where all is looked at: more than the thousand that caches like to have room for.
const THOUSAND: usize = 1_100;

/// How often one session is saved.
const OFTEN: usize = 20;

/// How long the sessions live that a sweep is to remove, in seconds.
const LIFE: i64 = 10;

/// Instants in 2030, in microseconds, after which clocks are turned back: in Berlin, and in New York.
const TURNED_BACK: [i64; 2] = [1_919_291_400_000_000, 1_919_914_200_000_000];

/// The traces for subjects with a certain manifest. Where a trace is about one rule, that rule is to blame for what is lost
/// there, unless a golden trace has shown that another one is broken.
pub(crate) fn traces(manifest: &Manifest, effort: Effort) -> Vec<(Option<RuleId>, Trace)> {
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
    traces.push((None, a_default_over_a_deep_value(manifest)));
    if manifest.capabilities.max_record_bytes.is_none() {
        traces.push((Some(rules::DATA_LARGE), many_entries(manifest)));
        traces.push((Some(rules::DATA_LARGE), values_everywhere(&large(), manifest)));
    }
    let not_early = Some(rules::EXPIRY_NOT_EARLY);
    traces.extend(TURNED_BACK.map(|instant| (not_early, when_clocks_are_turned_back(instant, manifest))));
    if manifest.capabilities.server_side {
        let altered = Alteration::ALL.map(|alteration| KeyRef::Altered(1, alteration));
        let forged = Forged::ALL.map(KeyRef::Forged);
        let alike = altered.into_iter().chain(forged);
        traces.extend(alike.map(|key| (None, a_key_that_looks_alike(key, manifest))));
        let on_a_server = [
            over_before_the_epoch,
            many_sessions,
            renewed_elsewhere,
            renewed_for_long,
            swept_within_a_second,
        ];
        traces.extend(on_a_server.map(|trace| (None, trace(manifest))));
        if manifest.hooks.contains(&Hook::Damage) {
            traces.push((None, swept_with_a_damaged_one(manifest)));
        }
        // What may forget at any time may have room for fewer.
        if effort == Effort::Full && manifest.capabilities.consistency == Consistency::Linearizable {
            traces.push((Some(rules::LIFECYCLE_ISOLATION), a_thousand_sessions(manifest)));
        }
    }
    traces
}

/// Values that are long or deep, but not so much that anything has the right to refuse them.
fn large() -> Vec<TraceValue> {
    let list: Vec<String> = (0..=1_000).map(|number| number.to_string()).collect();
    let deep = format!("{}1{}", r#"{"a":"#.repeat(25), "}".repeat(25));
    parsed(&[&format!("[{}]", list.join(",")), &deep, r#"{"$repeat":["x",65536]}"#, "null"])
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

    /// A session with an entry that is stored for so long; its number.
    fn stored(&mut self, life: Expiry) -> u32 {
        let session = self.begin();
        self.set(session, &entry(0), &integer(1));
        if life != Expiry::Default {
            self.on(session, SessionOp::SetExpiry(life));
        }
        self.save(session);
        session
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
            self.look(0, KeyRef::Issued(key));
        }
        self.look(self.other(), KeyRef::Issued(key))
    }

    /// All that is in the session of a key, for a handle; its number.
    fn look(&mut self, client: u8, key: KeyRef) -> u32 {
        self.op(client, Op::Open(key));
        self.sessions += 1;
        self.on(self.sessions, SessionOp::Items);
        self.sessions
    }

    /// Asks whether a key has a record.
    fn exists(&mut self, key: KeyRef) {
        self.op(0, Op::Storage(StorageOp::Exists(key)));
    }

    fn sweep(&mut self) {
        self.op(0, Op::Storage(StorageOp::ClearExpired));
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

fn integer(number: usize) -> TraceValue {
    TraceValue::from(Json::from_canonical(number.to_string()))
}

/// The only session of a trace, or the first.
const FIRST: KeyRef = KeyRef::Issued(1);

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
    let mut writer = Writer::new(manifest);
    let session = writer.begin();
    for name in names {
        writer.set(session, name, &integer(1));
    }
    writer.save(session);
    let session = writer.seen(1);
    for (number, name) in names.iter().enumerate() {
        if number % 2 == 0 {
            writer.on(session, SessionOp::Remove(name.clone()));
        } else {
            writer.set(session, name, &integer(2));
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
        writer.set(session, &entry(0), &integer(number));
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

/// A session whose key another one resembles: that one does not open it, is not said to be there, and does not delete it.
/// Each has a trace of its own, since a store that cannot be asked for one fails there.
fn a_key_that_looks_alike(key: KeyRef, manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    writer.stored(Expiry::Default);
    writer.exists(key);
    writer.look(0, key);
    writer.op(0, Op::Storage(StorageOp::DeleteKey(key)));
    writer.exists(FIRST);
    writer.look(0, FIRST);
    writer.trace()
}

/// Sessions beyond what a store sweeps at a time, half of which have expired, in turn with those that have not.
fn many_sessions(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    for number in 0..2 * MANY {
        writer.stored(if number % 2 == 0 { Expiry::Seconds(LIFE) } else { Expiry::Default });
    }
    writer.later((LIFE + 1) * 1_000_000);
    writer.sweep();
    for number in 1..=2 * MANY {
        writer.exists(KeyRef::Issued(number));
    }
    for key in [2, MANY, 2 * MANY].map(KeyRef::Issued) {
        let session = writer.look(0, key);
        writer.set(session, &entry(1), &integer(1));
        writer.save(session);
        writer.look(0, key);
    }
    writer.trace()
}

/// More sessions than fit into what has room for a thousand; in the end each of them has its own entry.
fn a_thousand_sessions(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    for number in 0..THOUSAND {
        let session = writer.begin();
        writer.set(session, &entry(0), &integer(number));
        writer.save(session);
    }
    for (key, _) in (1..).zip(0..THOUSAND) {
        writer.look(0, KeyRef::Issued(key));
    }
    writer.trace()
}

/// An hour that local clocks have twice: a session that lives for 45 minutes lives on in the second one, and no longer.
fn when_clocks_are_turned_back(instant: i64, manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    writer.later(instant - START);
    writer.stored(Expiry::Seconds(2_700));
    for minutes in [0, 44, 2] {
        writer.later(minutes * 60_000_000);
        writer.look(0, FIRST);
    }
    writer.trace()
}

/// A session that another handle has read is renewed by this one: it lives as long as this one says.
fn renewed_elsewhere(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    let session = writer.stored(Expiry::Seconds(LIFE));
    writer.look(writer.other(), FIRST);
    writer.later(LIFE * 600_000);
    writer.set(session, &entry(1), &integer(1));
    writer.save(session);
    writer.later(LIFE * 600_000);
    writer.look(writer.other(), FIRST);
    writer.trace()
}

/// A session whose life grows to thirty years when it is saved again.
fn renewed_for_long(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    let session = writer.stored(Expiry::Default);
    writer.on(session, SessionOp::SetExpiry(Expiry::Seconds(30 * 365 * 86_400)));
    writer.save(session);
    writer.later(401 * 86_400_000_000);
    writer.look(0, FIRST);
    writer.trace()
}

/// A sweep in the second in which a session ends, but before that: the session stays.
fn swept_within_a_second(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    writer.stored(Expiry::Duration(1_500_000));
    writer.later(1_200_000);
    writer.sweep();
    writer.look(0, FIRST);
    writer.trace()
}

/// A session whose life was over before times are counted from: it is gone at once, and a sweep finds it.
fn over_before_the_epoch(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    writer.stored(Expiry::At(-1_000_000, 0));
    writer.look(0, FIRST);
    writer.sweep();
    writer.exists(FIRST);
    writer.trace()
}

/// A sweep of two sessions, one of which does not decode: that is no reason to leave the other.
fn swept_with_a_damaged_one(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    for _ in 0..2 {
        writer.stored(Expiry::Seconds(LIFE));
    }
    writer.op(0, Op::Storage(StorageOp::Damage(FIRST)));
    writer.later((LIFE + 1) * 1_000_000);
    writer.sweep();
    writer.exists(KeyRef::Issued(2));
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

/// A default for an entry whose value is too deep for most types of a language: the value stays as it is.
fn a_default_over_a_deep_value(manifest: &Manifest) -> Trace {
    let mut writer = Writer::new(manifest);
    let session = writer.begin();
    for value in parsed(&[r#"{"$nested":300}"#]) {
        writer.set(session, &entry(0), &value);
    }
    writer.on(session, SessionOp::SetDefault(entry(0), integer(1)));
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
        assert_eq!(large().len(), 4);
    }

    /// Each step acts on something, and the last one, which looks at the session, succeeds.
    #[test]
    fn the_model_can_do_each_step() {
        let manifest = Manifest::reference();
        for (_, trace) in traces(&manifest, Effort::Full) {
            let mut model = Model::new(&manifest, trace.settings, Errata::Imitated);
            let answers: Vec<_> = trace.steps.iter().map(|step| model.step(step)).collect();
            assert!(answers.iter().all(Option::is_some), "{:?}", trace.steps.last());
            let last = answers.last().unwrap().as_ref().unwrap();
            assert!(last.outcome.is_ok(), "{:?} {:?}", trace.steps.last(), last.outcome);
        }
    }
}
