//! What a step of a trace acts on, settled in one place: numbers of session objects and of keys are taken modulo
//! those that there are. The model, the runner, the minimiser and the reports all ask here.

use crate::observation::AnswerForm;
use crate::op::{Forged, Key, KeyRef, Op, SessionOp, StorageOp};
use crate::trace::Step;

/// One thing to do, on objects and keys that are settled. Session objects are counted from 0; keys are real ones,
/// or the model's.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Call<'a, K = &'a str> {
    /// Makes session object `number`, for a client, on a key.
    Session {
        /// The number of the object.
        number: usize,
        /// The handle on the storage.
        client: u8,
        /// The key, if any.
        key: Option<K>,
    },
    /// Does something with a session object.
    Op {
        /// The number of the object.
        number: usize,
        /// What.
        op: &'a SessionOp,
    },
    /// Does something with the storage.
    Storage {
        /// The handle on the storage.
        client: u8,
        /// What.
        op: StorageOp<K>,
    },
}

impl<K> Call<'_, K> {
    /// The same with another form of its key.
    pub fn map_key<'s, L>(&'s self, mut key: impl FnMut(&'s K) -> L) -> Call<'s, L> {
        match self {
            Self::Session { number, client, key: on } => {
                Call::Session { number: *number, client: *client, key: on.as_ref().map(key) }
            }
            Self::Op { number, op } => Call::Op { number: *number, op },
            Self::Storage { client, op } => Call::Storage { client: *client, op: op.map_key(&mut key) },
        }
    }

    /// What is done, by its name in traces.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Session { key: None, .. } => "new",
            Self::Session { key: Some(_), .. } => "open",
            Self::Op { op, .. } => op.name(),
            Self::Storage { op, .. } => op.name(),
        }
    }

    /// The form of the answer.
    pub fn form(&self) -> AnswerForm {
        match self {
            Self::Session { .. } => AnswerForm::Unit,
            Self::Op { op, .. } => op.form(),
            Self::Storage { op, .. } => op.form(),
        }
    }

    /// The operation on the storage, if it is one.
    pub(crate) fn on_storage(&self) -> Option<&StorageOp<K>> {
        match self {
            Self::Storage { op, .. } => Some(op),
            Self::Session { .. } | Self::Op { .. } => None,
        }
    }

    /// Whether the state of a session object stands beside the answer.
    pub fn has_session(&self) -> bool {
        !matches!(self, Self::Storage { .. })
    }
}

/// A call that can go to another thread.
#[derive(Debug)]
pub(crate) enum OwnedCall {
    Session { number: usize, client: u8, key: Option<String> },
    Op { number: usize, op: SessionOp },
    Storage { client: u8, op: StorageOp<String> },
}

impl OwnedCall {
    pub(crate) fn of(call: &Call<'_>) -> Self {
        match *call {
            Call::Session { number, client, key } => {
                Self::Session { number, client, key: key.map(str::to_owned) }
            }
            Call::Op { number, op } => Self::Op { number, op: op.clone() },
            Call::Storage { client, op } => Self::Storage { client, op: op.map_key(|key| (*key).to_owned()) },
        }
    }

    pub(crate) fn call(&self) -> Call<'_> {
        match self {
            Self::Session { number, client, key } => {
                Call::Session { number: *number, client: *client, key: key.as_deref() }
            }
            Self::Op { number, op } => Call::Op { number: *number, op },
            Self::Storage { client, op } => Call::Storage { client: *client, op: op.map_key(String::as_str) },
        }
    }
}

/// How many session objects and keys a trace has made so far: what its numbers are taken modulo of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Handles {
    /// Session objects.
    pub sessions: usize,
    /// Keys that were issued.
    pub issued: u32,
}

impl Handles {
    /// What a step does; `None` if it acts on nothing.
    pub fn resolve<'a>(&self, step: &'a Step) -> Option<Call<'a, Key>> {
        let client = step.client;
        match &step.op {
            Op::New => Some(Call::Session { number: self.sessions, client, key: None }),
            Op::Open(key) => Some(Call::Session { number: self.sessions, client, key: Some(self.key(*key)) }),
            Op::Session(number, op) => self.session(*number).map(|number| Call::Op { number, op }),
            Op::Storage(op) => {
                let op = op.map_key(|key| self.key(*key));
                // Only a key that was issued can come up again.
                let forced_nothing = matches!(op, StorageOp::ForceKey(key) if key.is_foreign());
                (!forced_nothing).then_some(Call::Storage { client, op })
            }
        }
    }

    /// Which session object a number means, counted from 0; `None` if there are no objects.
    pub fn session(&self, number: u32) -> Option<usize> {
        let number = usize::try_from(number).unwrap_or(usize::MAX).max(1) - 1;
        number.checked_rem(self.sessions)
    }

    /// The key of this name, if it is one.
    pub(crate) fn named(&self, name: &str) -> Option<Key> {
        name.parse().ok().map(|key: KeyRef| self.key(key))
    }

    /// Which key is meant; where none was issued yet, one that nobody issued.
    pub fn key(&self, key: KeyRef) -> Key {
        let issued = |n: u32| (n.max(1) - 1).checked_rem(self.issued).map(|n| n + 1);
        let resolved = match key {
            KeyRef::Issued(n) => issued(n).map(Key::Issued),
            KeyRef::Altered(n, alteration) => issued(n).map(|n| Key::Altered(n, alteration)),
            KeyRef::Forged(forged) => Some(Key::Forged(forged)),
        };
        resolved.unwrap_or(Key::Forged(Forged::WellFormed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_round_among_what_there_is() {
        let none = Handles::default();
        assert_eq!(none.session(1), None);
        assert_eq!(none.key(KeyRef::Issued(1)), Key::Forged(Forged::WellFormed));
        let some = Handles { sessions: 2, issued: 3 };
        assert_eq!([1, 2, 3, 0, u32::MAX].map(|n| some.session(n)), [0, 1, 0, 0, 0].map(Some));
        assert_eq!([1, 3, 4].map(|n| some.key(KeyRef::Issued(n))), [1, 3, 1].map(Key::Issued));
    }
}
