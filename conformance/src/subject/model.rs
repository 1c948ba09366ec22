//! The reference model as a subject: it answers what it expects. Driving it shows which rules the traces
//! exercise; served over the protocol, it is a reference adapter.

use std::collections::HashMap;

use super::{Fault, Subject};
use crate::call::Call;
use crate::manifest::Manifest;
use crate::model::{Errata, Model};
use crate::observation::{Answer, Failed, Observation};
use crate::op::{Alteration, Forged, Key};
use crate::trace::Settings;

/// The reference model with the surface of a subject.
#[derive(Debug, Clone)]
pub struct ModelSubject {
    manifest: Manifest,
    model: Model,
    /// Which of the model's objects each of the caller's numbers means.
    numbers: HashMap<usize, usize>,
    /// The texts of keys that came from outside and are none that the suite makes up, in order.
    foreign: Vec<String>,
}

impl ModelSubject {
    /// The model under a manifest.
    pub fn new(manifest: Manifest) -> Self {
        let model = Model::new(&manifest, Settings::default(), Errata::Imitated);
        Self { manifest, model, numbers: HashMap::new(), foreign: Vec::new() }
    }

    /// The key that a text means.
    fn key(&mut self, text: &str) -> Key {
        let issued = self.model.handles().issued;
        let number = text.strip_prefix('m').and_then(|digits| digits.parse().ok());
        if let Some(number) = number.filter(|n| (1..=issued).contains(n) && issued_text(*n) == text) {
            return Key::Issued(number);
        }
        let alterations = |n| Alteration::ALL.iter().map(move |alteration| (n, *alteration));
        let altered = (1..=issued).flat_map(alterations).find(|(n, a)| a.apply(&issued_text(*n)) == text);
        if let Some((number, alteration)) = altered {
            return Key::Altered(number, alteration);
        }
        if let Some(forged) = Forged::ALL.iter().find(|forged| forged.text() == text) {
            return Key::Forged(*forged);
        }
        if text.chars().count() < 8 {
            return Key::Forged(Forged::Seven);
        }
        let known = self.foreign.iter().position(|foreign| foreign == text);
        let place = known.unwrap_or_else(|| {
            self.foreign.push(text.to_owned());
            self.foreign.len() - 1
        });
        Key::Foreign(u32::try_from(place).unwrap_or(u32::MAX))
    }

    fn text(&self, key: Key) -> String {
        match key {
            Key::Issued(number) => issued_text(number),
            Key::Altered(number, alteration) => alteration.apply(&issued_text(number)),
            Key::Forged(forged) => forged.text(),
            Key::Foreign(place) => usize::try_from(place)
                .ok()
                .and_then(|place| self.foreign.get(place))
                .cloned()
                .unwrap_or_default(),
        }
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
        self.model = Model::new(&self.manifest, settings, Errata::Imitated);
        self.model.advance(now.saturating_sub(self.model.now()));
        self.numbers.clear();
        self.foreign.clear();
        Ok(())
    }

    fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Fault> {
        self.model.advance(now.saturating_sub(self.model.now()));
        let key = match call {
            Call::Session { key, .. } => *key,
            Call::Op { .. } => None,
            Call::Storage { op, .. } => op.key().copied(),
        };
        // A call has one key at most.
        let key = key.map_or(Key::Forged(Forged::Empty), |text| self.key(text));
        let mut call = call.map_key(|_| key);
        match &mut call {
            Call::Session { number, .. } => {
                self.numbers.insert(*number, self.model.handles().sessions);
            }
            Call::Op { number, .. } => match self.numbers.get(number) {
                Some(object) => *number = *object,
                None => return Err(Fault::Harness(format!("there is no session object {}", *number + 1))),
            },
            Call::Storage { op, .. } if op.reopens() => self.numbers.clear(),
            Call::Storage { .. } => {}
        }
        let mut expected = self.model.call(&call);
        if let Ok(Answer::Sessions(listed)) = &mut expected.outcome {
            for key in listed.iter_mut().filter_map(|listed| listed.key.as_mut()) {
                let known = self.model.handles().named(key);
                *key = known.map_or_else(|| key.clone(), |known| self.text(known));
            }
        }
        let outcome = expected.outcome.map_err(|kind| Failed { kind, message: kind.name().into() });
        let session = expected.session.map(|state| state.map_key(|key| self.text(*key)));
        Ok(Observation { outcome, session })
    }
}
