//! The model of an application: a session over one store, and the decision at the end of a request. As plain as
//! it can be written.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Answer, Brought, Case, Operation, Sent, live};
use crate::model::EXPIRY_ENTRY;
use crate::rule::RuleId;
use crate::rules;

/// What the answer must be, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    /// The answer.
    pub answer: Answer,
    /// The rules that say so.
    pub provenance: Provenance,
}

/// The rules behind each aspect of an answer, the one to blame first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Provenance {
    /// That the status is the handler's, or not.
    pub status: Vec<RuleId>,
    /// Whether the cookie is set, deleted or left alone.
    pub cookie: Vec<RuleId>,
    /// To which key it is set.
    pub key: Vec<RuleId>,
    /// How long the cookie lives.
    pub max_age: Vec<RuleId>,
    /// Whether there is `Vary: Cookie`.
    pub vary: Vec<RuleId>,
    /// What a next visitor finds.
    pub left: Vec<RuleId>,
    /// What one finds with the cookie of the request that came meanwhile.
    pub other: Vec<RuleId>,
    /// What the handler sees.
    pub results: Vec<RuleId>,
}

impl Provenance {
    /// All of them.
    pub fn rules(&self) -> impl Iterator<Item = RuleId> {
        let cookie = [&self.status, &self.cookie, &self.key, &self.max_age, &self.vary];
        cookie.into_iter().chain([&self.left, &self.other, &self.results]).flatten().copied()
    }
}

impl Provenance {
    /// Adds the rules on another request that did this meanwhile, to those of one that was saved for this reason or not.
    fn overlapping(&mut self, meanwhile: &[Operation], reason: RuleId) {
        self.other.clone_from(&self.left);
        if meanwhile.contains(&Operation::Flush) {
            self.left.insert(0, rules::MIDDLEWARE_INTERRUPTED);
            self.other.insert(0, rules::MIDDLEWARE_LOG_OUT_FINAL);
        } else if meanwhile.contains(&Operation::CycleKey) {
            self.left.insert(0, rules::MIDDLEWARE_INTERRUPTED);
            self.other.insert(0, rules::MIDDLEWARE_LOG_IN_FINAL);
        } else if meanwhile.iter().any(Operation::changes) {
            let is_unsaved = [rules::MIDDLEWARE_SAVE_UNMODIFIED, rules::MIDDLEWARE_LAZY].contains(&reason);
            let rule =
                if is_unsaved { rules::MIDDLEWARE_OVERLAP_READS } else { rules::MIDDLEWARE_OVERLAP_WRITES };
            self.left.insert(0, rule);
            self.other.insert(0, rule);
        }
    }
}

/// A session key, by how it came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Brought,
    New(usize),
}

/// The store.
struct Store {
    records: BTreeMap<Key, Map<String, Value>>,
    issued: usize,
}

/// The session of a request, over the store.
struct Session<'a> {
    store: &'a mut Store,
    key: Option<Key>,
    data: Option<Map<String, Value>>,
    accessed: bool,
    modified: bool,
    loads: bool,
}

/// What the answer to a request must be, whatever the case says it was, for a store that keeps the records. The
/// age is the setting `cookie_age`.
pub fn predict(case: &Case, cookie_age: i64) -> Predicted {
    let mut store = Store::of(case.cookie);
    let (mut predicted, keys) = play(case, cookie_age, &mut store);
    predicted.answer.left = keys.own.and_then(|key| store.left(key));
    predicted.answer.other = keys.other.and_then(|key| store.left(key));
    predicted
}

/// The keys that are right after a request.
struct Keys {
    own: Option<Key>,
    /// After the one that came meanwhile.
    other: Option<Key>,
}

/// One request on a store, all but what is left in the end; and the keys that are right then.
fn play(case: &Case, cookie_age: i64, store: &mut Store) -> (Predicted, Keys) {
    let mut session = Session::open(case.cookie, store);
    let (mut results, mut other) = (Vec::new(), None);
    for operation in &case.operations {
        results.push(match operation {
            Operation::Meanwhile(operations) => {
                let request = Case { operations: operations.clone(), status: 200, ..case.clone() };
                other = play(&request, cookie_age, session.store).1.own;
                Value::Null
            }
            operation => session.perform(operation),
        });
    }
    let mut answer = Answer {
        status: case.status,
        cookie: None,
        max_age: None,
        vary: session.accessed,
        loads: false,
        left: None,
        other: None,
        results,
    };
    let mut provenance = Provenance::default();
    provenance.results.push(rules::MIDDLEWARE_KEY);
    provenance.vary.push(if session.accessed {
        rules::MIDDLEWARE_VARY_ACCESSED
    } else {
        rules::MIDDLEWARE_VARY_UNTOUCHED
    });

    let brought = case.cookie != Brought::None;
    let reason = if session.is_empty() {
        if brought {
            answer.cookie = Some(Sent::Deleted);
            answer.vary = true;
            provenance.vary.insert(0, rules::MIDDLEWARE_VARY_SENT);
            provenance.cookie.push(rules::MIDDLEWARE_COOKIE_DELETED);
        }
        rules::MIDDLEWARE_SAVE_EMPTY
    } else if !session.modified && !case.save_every_request {
        if session.accessed { rules::MIDDLEWARE_SAVE_UNMODIFIED } else { rules::MIDDLEWARE_LAZY }
    } else if case.status >= 500 {
        // How long the cookie would have lived is asked all the same.
        session.read();
        rules::MIDDLEWARE_SAVE_SERVER_ERROR
    } else {
        save(case, cookie_age, &mut session, &mut answer, &mut provenance)
    };
    provenance.cookie.push(reason);
    provenance.left.push(reason);
    if !brought && case.operations.is_empty() {
        provenance.cookie.push(rules::MIDDLEWARE_LAZY);
    }
    for (operation, rule) in [
        (Operation::Save, rules::MIDDLEWARE_SAVE_EXPLICIT),
        (Operation::CycleKey, rules::MIDDLEWARE_LOG_IN),
        (Operation::Flush, rules::MIDDLEWARE_LOG_OUT),
    ] {
        if case.operations.contains(&operation) {
            provenance.left.insert(0, rule);
        }
    }
    if let Some(meanwhile) = case.meanwhile() {
        provenance.overlapping(meanwhile, reason);
    }
    answer.loads = session.loads;
    let visible = match answer.cookie {
        Some(Sent::Deleted) => None,
        Some(Sent::Same | Sent::New) => session.key,
        None => brought.then_some(Key::Brought),
    };
    (Predicted { answer, provenance }, Keys { own: visible, other })
}

/// The end of a request whose session is to be saved; the rule by which it is.
fn save(
    case: &Case,
    cookie_age: i64,
    session: &mut Session<'_>,
    answer: &mut Answer,
    provenance: &mut Provenance,
) -> RuleId {
    let reason =
        if session.modified { rules::MIDDLEWARE_SAVE_MODIFIED } else { rules::MIDDLEWARE_SAVE_EVERY_REQUEST };
    let expiry = session.read().get(EXPIRY_ENTRY).and_then(Value::as_i64);
    if !session.save() {
        answer.status = 400;
        // Another answer takes its place.
        answer.vary = false;
        provenance.status.push(rules::MIDDLEWARE_INTERRUPTED);
        return rules::MIDDLEWARE_INTERRUPTED;
    }
    let ends_with_browser = expiry.map_or(case.expire_at_browser_close, |seconds| seconds == 0);
    answer.max_age = (!ends_with_browser).then_some(expiry.unwrap_or(cookie_age));
    provenance.max_age.push(if ends_with_browser {
        rules::MIDDLEWARE_COOKIE_BROWSER_CLOSE
    } else {
        rules::MIDDLEWARE_COOKIE_AGE
    });
    let same = session.key == Some(Key::Brought);
    answer.cookie = Some(if same { Sent::Same } else { Sent::New });
    if matches!(case.cookie, Brought::Unknown | Brought::Short | Brought::Ended | Brought::Expired) {
        provenance.key.push(rules::MIDDLEWARE_KEY_NOT_ADOPTED);
    }
    // A key that is kept at log-in is worse than one that is not sent.
    if case.operations.contains(&Operation::CycleKey) {
        provenance.key.push(rules::MIDDLEWARE_LOG_IN);
    }
    provenance.key.push(if same { rules::MIDDLEWARE_COOKIE_KEPT } else { rules::MIDDLEWARE_COOKIE_NEW_KEY });
    answer.vary = true;
    provenance.vary.insert(0, rules::MIDDLEWARE_VARY_SENT);
    reason
}

impl Store {
    fn of(brought: Brought) -> Self {
        let record = match brought {
            Brought::Live => Some(Map::from_iter(live())),
            Brought::Bare => Some(Map::new()),
            Brought::None | Brought::Unknown | Brought::Short | Brought::Ended | Brought::Expired => None,
        };
        Self { records: record.into_iter().map(|record| (Key::Brought, record)).collect(), issued: 0 }
    }

    /// What a next visitor finds under a key: nothing if the session has expired at once.
    fn left(&self, key: Key) -> Option<Map<String, Value>> {
        let mut data = self.records.get(&key)?.clone();
        let expiry = data.shift_remove(EXPIRY_ENTRY).and_then(|expiry| expiry.as_i64());
        expiry.is_none_or(|seconds| seconds >= 0).then_some(data)
    }
}

impl<'a> Session<'a> {
    fn open(brought: Brought, store: &'a mut Store) -> Self {
        let key = !matches!(brought, Brought::None | Brought::Short);
        Self {
            store,
            key: key.then_some(Key::Brought),
            data: None,
            accessed: false,
            modified: false,
            loads: false,
        }
    }

    fn is_empty(&self) -> bool {
        self.key.is_none() && self.data.as_ref().is_none_or(Map::is_empty)
    }

    /// The data, read the first time; a key without a record is forgotten then.
    fn read(&mut self) -> &mut Map<String, Value> {
        self.accessed = true;
        if self.data.is_none() {
            self.loads = self.key.is_some();
            let record = self.key.and_then(|key| self.store.records.get(&key).cloned());
            if record.is_none() {
                self.key = None;
            }
            self.data = record;
        }
        self.data.get_or_insert_default()
    }

    fn clear(&mut self) {
        self.data = Some(Map::new());
        self.accessed = true;
        self.modified = true;
    }

    /// Stores the data under a new key.
    fn create(&mut self) {
        self.store.issued += 1;
        let key = Key::New(self.store.issued);
        self.store.records.insert(key, self.data.clone().unwrap_or_default());
        self.key = Some(key);
        self.modified = true;
    }

    /// Stores the data; `false` if the record is gone.
    fn save(&mut self) -> bool {
        self.read();
        let Some(key) = self.key else {
            self.create();
            return true;
        };
        let data = self.data.clone().unwrap_or_default();
        match self.store.records.get_mut(&key) {
            Some(record) => *record = data,
            None => return false,
        }
        true
    }

    fn perform(&mut self, operation: &Operation) -> Value {
        match operation {
            Operation::Get(entry) => return self.read().get(entry).cloned().unwrap_or_default(),
            Operation::Contains(entry) => return self.read().contains_key(entry).into(),
            Operation::Keys => return self.read().keys().cloned().collect(),
            Operation::Set(entry, value) => self.set(entry, value.clone()),
            Operation::Remove(entry) => self.remove(entry),
            Operation::Append(entry, value) => {
                if let Some(Value::Array(list)) = self.read().get_mut(entry) {
                    list.push(value.clone());
                }
            }
            Operation::Clear => self.clear(),
            Operation::Flush => {
                self.clear();
                if let Some(key) = self.key.take() {
                    self.store.records.remove(&key);
                }
            }
            Operation::CycleKey => {
                self.read();
                let old = self.key;
                self.create();
                if let Some(old) = old {
                    self.store.records.remove(&old);
                }
            }
            Operation::SetExpiry(Some(seconds)) => self.set(EXPIRY_ENTRY, (*seconds).into()),
            Operation::SetExpiry(None) => self.remove(EXPIRY_ENTRY),
            Operation::IsEmpty => return self.is_empty().into(),
            Operation::IsTrue => return (!self.is_empty()).into(),
            Operation::Save => {
                self.save();
            }
            Operation::DeleteElsewhere => {
                if let Some(key) = self.key {
                    self.store.records.remove(&key);
                }
            }
            // Another request, which has a session of its own.
            Operation::Meanwhile(_) => {}
        }
        Value::Null
    }

    fn set(&mut self, entry: &str, value: Value) {
        self.read().insert(entry.to_owned(), value);
        self.modified = true;
    }

    fn remove(&mut self, entry: &str) {
        if self.read().shift_remove(entry).is_some() {
            self.modified = true;
        }
    }
}
