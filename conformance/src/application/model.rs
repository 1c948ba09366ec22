//! The model of an application: a session over one store, and the decision at the end of a request. As plain as
//! it can be written.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Answer, Brought, Case, Operation, Sent};
use crate::rule::RuleId;
use crate::rules;

/// The entry in which a session keeps its own expiry.
const EXPIRY: &str = "_session_expiry";

/// What the answer must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    /// The answer.
    pub answer: Answer,
    /// The rules that say so.
    pub rules: Vec<RuleId>,
}

/// A session key, by how it came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Brought,
    New(usize),
}

/// The session of a request, and the store beneath.
struct Session {
    records: BTreeMap<Key, Map<String, Value>>,
    issued: usize,
    key: Option<Key>,
    data: Option<Map<String, Value>>,
    accessed: bool,
    modified: bool,
    loads: bool,
}

/// What the answer to a request must be, whatever the case says it was, for a store that keeps the records. The
/// age is the setting `cookie_age`.
pub fn predict(case: &Case, cookie_age: i64) -> Predicted {
    let mut session = Session::open(case.cookie);
    let mut says = Vec::new();
    let mut saved_by_handler = false;
    let mut results = Vec::new();
    for operation in &case.operations {
        saved_by_handler |= matches!(operation, Operation::Save);
        results.push(session.perform(operation));
    }
    let (touched, modified) = (session.accessed, session.modified);
    let brought = case.cookie != Brought::None;

    let mut answer = Answer {
        status: case.status,
        cookie: None,
        max_age: None,
        vary: touched,
        loads: false,
        left: None,
        results,
    };
    says.push(if touched { rules::MIDDLEWARE_VARY_ACCESSED } else { rules::MIDDLEWARE_VARY_UNTOUCHED });
    if brought {
        says.push(rules::MIDDLEWARE_KEY);
    }
    if session.is_empty() {
        says.push(rules::MIDDLEWARE_SAVE_EMPTY);
        if brought {
            says.extend([rules::MIDDLEWARE_COOKIE_DELETED, rules::MIDDLEWARE_VARY_SENT]);
            if case.operations.contains(&Operation::Flush) {
                says.push(rules::MIDDLEWARE_LOG_OUT);
            }
            answer.cookie = Some(Sent::Deleted);
            answer.vary = true;
        } else if !touched {
            says.push(rules::MIDDLEWARE_LAZY);
        }
    } else if !modified && !case.save_every_request {
        says.push(if touched { rules::MIDDLEWARE_SAVE_UNMODIFIED } else { rules::MIDDLEWARE_LAZY });
    } else if case.status >= 500 {
        says.push(rules::MIDDLEWARE_SAVE_SERVER_ERROR);
        // How long the cookie would have lived is asked all the same.
        session.read();
    } else {
        says.push(if modified {
            rules::MIDDLEWARE_SAVE_MODIFIED
        } else {
            rules::MIDDLEWARE_SAVE_EVERY_REQUEST
        });
        let expiry = session.read().get(EXPIRY).and_then(Value::as_i64);
        if session.save() {
            let ends_with_browser = expiry.map_or(case.expire_at_browser_close, |seconds| seconds == 0);
            says.push(if ends_with_browser {
                rules::MIDDLEWARE_COOKIE_BROWSER_CLOSE
            } else {
                rules::MIDDLEWARE_COOKIE_AGE
            });
            let same = session.key == Some(Key::Brought);
            says.push(if same { rules::MIDDLEWARE_COOKIE_KEPT } else { rules::MIDDLEWARE_COOKIE_NEW_KEY });
            if matches!(case.cookie, Brought::Unknown | Brought::Short | Brought::Ended) {
                says.push(rules::MIDDLEWARE_KEY_NOT_ADOPTED);
            }
            if case.operations.contains(&Operation::CycleKey) {
                says.push(rules::MIDDLEWARE_LOG_IN);
            }
            says.push(rules::MIDDLEWARE_VARY_SENT);
            answer.cookie = Some(if same { Sent::Same } else { Sent::New });
            answer.max_age = (!ends_with_browser).then_some(expiry.unwrap_or(cookie_age));
            answer.vary = true;
        } else {
            says.push(rules::MIDDLEWARE_INTERRUPTED);
            answer.status = 400;
            // Another answer takes its place.
            answer.vary = false;
        }
    }
    if saved_by_handler {
        says.push(rules::MIDDLEWARE_SAVE_EXPLICIT);
    }
    answer.loads = session.loads;
    let visible = match answer.cookie {
        Some(Sent::Deleted) => None,
        Some(Sent::Same | Sent::New) => session.key,
        None => brought.then_some(Key::Brought),
    };
    answer.left = visible.and_then(|key| session.left(key));
    Predicted { answer, rules: says }
}

impl Session {
    fn open(brought: Brought) -> Self {
        let record = match brought {
            Brought::Live => {
                let list = Value::from([1, 2].map(Value::from).to_vec());
                Some(Map::from_iter([("a".to_owned(), 1.into()), ("list".to_owned(), list)]))
            }
            Brought::Bare => Some(Map::new()),
            Brought::None | Brought::Unknown | Brought::Short | Brought::Ended => None,
        };
        let key = !matches!(brought, Brought::None | Brought::Short);
        Self {
            records: record.into_iter().map(|record| (Key::Brought, record)).collect(),
            issued: 0,
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
            let record = self.key.and_then(|key| self.records.get(&key).cloned());
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
        self.issued += 1;
        let key = Key::New(self.issued);
        self.records.insert(key, self.data.clone().unwrap_or_default());
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
        match self.records.get_mut(&key) {
            Some(record) => *record = data,
            None => return false,
        }
        true
    }

    fn perform(&mut self, operation: &Operation) -> Value {
        match operation {
            Operation::Get(entry) => return self.read().get(entry).cloned().unwrap_or_default(),
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
                    self.records.remove(&key);
                }
            }
            Operation::CycleKey => {
                self.read();
                let old = self.key;
                self.create();
                if let Some(old) = old {
                    self.records.remove(&old);
                }
            }
            Operation::SetExpiry(Some(seconds)) => self.set(EXPIRY, (*seconds).into()),
            Operation::SetExpiry(None) => self.remove(EXPIRY),
            Operation::IsEmpty => return self.is_empty().into(),
            Operation::Save => {
                self.save();
            }
            Operation::DeleteElsewhere => {
                if let Some(key) = self.key {
                    self.records.remove(&key);
                }
            }
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

    /// What a next visitor finds under a key: nothing if the session has expired at once.
    fn left(&self, key: Key) -> Option<Map<String, Value>> {
        let mut data = self.records.get(&key)?.clone();
        let expiry = data.shift_remove(EXPIRY).and_then(|expiry| expiry.as_i64());
        expiry.is_none_or(|seconds| seconds >= 0).then_some(data)
    }
}
