//! The reference model as a subject: it answers what it expects. Driving it shows which rules the traces
//! exercise; served over the protocol, it is a reference adapter.

use super::{Call, Fault, Subject};
use crate::manifest::Manifest;
use crate::model::{Key, Model};
use crate::observation::{Answer, Failed, Observation, SessionState};
use crate::op::{Alteration, Forged, KeyRef, Op};
use crate::trace::{START, Settings, Step};

/// The reference model with the surface of a subject.
#[derive(Debug, Clone)]
pub struct ModelSubject {
    manifest: Manifest,
    model: Model,
    /// Which of the model's objects each of the caller's numbers means.
    numbers: Vec<Option<usize>>,
    /// The text of each key from outside, as it was given.
    given: Vec<(Key, String)>,
}

impl ModelSubject {
    /// The model under a manifest.
    pub fn new(manifest: Manifest) -> Self {
        let model = Model::new(&manifest, Settings::default());
        Self { manifest, model, numbers: Vec::new(), given: Vec::new() }
    }

    /// The key that a text means.
    fn key(&mut self, text: &str) -> Key {
        let issued = |text: &str| {
            let number = text.strip_prefix('m')?.parse().ok().filter(|n| *n >= 1)?;
            (self.model.resolve_key(KeyRef::Issued(number)) == Key::Issued(number)).then_some(number)
        };
        if let Some(number) = issued(text).filter(|number| issued_text(*number) == text) {
            return Key::Issued(number);
        }
        let alterations = || Alteration::ALL.into_iter();
        let altered =
            (1..).take_while(|n| self.model.resolve_key(KeyRef::Issued(*n)) == Key::Issued(*n)).find_map(
                |n| alterations().find(|a| a.apply(&issued_text(n)) == text).map(|a| Key::Altered(n, a)),
            );
        let forged = || Forged::ALL.into_iter().find(|f| f.text() == text).map(Key::Forged);
        let unknown = if text.chars().count() < 8 { Forged::Seven } else { Forged::WellFormed };
        let key = altered.or_else(forged).unwrap_or(Key::Forged(unknown));
        self.given.retain(|(other, _)| *other != key);
        self.given.push((key, text.to_owned()));
        key
    }

    fn text(&self, key: Key) -> String {
        match key {
            Key::Issued(number) => issued_text(number),
            other => self
                .given
                .iter()
                .find(|(key, _)| *key == other)
                .map(|(_, text)| text.clone())
                .unwrap_or_default(),
        }
    }

    fn step(&mut self, advance: i64, client: u8, op: Op) -> Observation {
        let Some(expected) = self.model.step(&Step { client, advance, op }) else {
            return Observation { outcome: Ok(Answer::Unit), session: None };
        };
        let outcome = expected.outcome.map_err(|kind| Failed { kind, message: kind.name().into() });
        let session = expected.session.map(|state| SessionState {
            key: state.key.map(|key| self.text(key)),
            accessed: state.accessed,
            modified: state.modified,
        });
        Observation { outcome, session }
    }
}

/// A key as the model issues it: of the right form, and by no means secret.
fn issued_text(number: u32) -> String {
    format!("m{number:031}")
}

impl Subject for ModelSubject {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn open(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        self.model = Model::new(&self.manifest, settings);
        self.numbers.clear();
        self.given.clear();
        let _ = self.step(now - START, 0, Op::ClearExpired);
        Ok(())
    }

    fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Fault> {
        let advance = now - self.model.now();
        Ok(match *call {
            Call::Session { number, client, key } => {
                let op = match key {
                    Some(text) => Op::Open(self.key(text)),
                    None => Op::New,
                };
                if number >= self.numbers.len() {
                    self.numbers.resize(number + 1, None);
                }
                self.numbers[number] = Some(self.model.sessions());
                self.step(advance, client, op)
            }
            Call::Op { number, op } => {
                let object = self.numbers.get(number).copied().flatten();
                let object = object.and_then(|object| u32::try_from(object + 1).ok());
                let Some(object) = object else {
                    return Err(Fault::Harness(format!("there is no session object {}", number + 1)));
                };
                self.step(advance, 0, Op::Session(object, op.clone()))
            }
            Call::Exists { client, key } => {
                let key = self.key(key);
                self.step(advance, client, Op::Exists(key))
            }
            Call::DeleteKey { client, key } => {
                let key = self.key(key);
                self.step(advance, client, Op::DeleteKey(key))
            }
            Call::ClearExpired { client } => self.step(advance, client, Op::ClearExpired),
            Call::Reopen => {
                self.numbers.clear();
                self.step(advance, 0, Op::Reopen)
            }
            Call::ForceKey { key } => {
                let key = self.key(key);
                self.step(advance, 0, Op::ForceKey(key))
            }
            Call::Damage { key } => {
                let key = self.key(key);
                self.step(advance, 0, Op::Damage(key))
            }
        })
    }
}
