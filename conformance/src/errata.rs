//! What the errata that a subject declares excuse: a divergence at an operation, in an aspect and of a value that is
//! known of the erratum, and nothing beside it.
//!
//! An erratum that the model imitates excuses nothing: there the model expects what the subject does. Of the others it
//! is known what their golden trace showed, and what the manifest declares in addition.

use std::collections::BTreeMap;

use crate::manifest::{Deviation, Manifest};
use crate::model::{Aspect, Model};
use crate::observation::Answer;
use crate::rule::RuleId;
use crate::runner::{Divergence, SeenKey};
use crate::trace::Trace;

/// The errata of a subject.
#[derive(Debug)]
pub(crate) struct Excuses {
    errata: BTreeMap<RuleId, Excuse>,
}

#[derive(Debug)]
struct Excuse {
    reason: String,
    deviations: Vec<Deviation>,
}

impl Excuses {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let errata = manifest.errata.iter().filter_map(|erratum| {
            let excuse = Excuse { reason: erratum.reason.clone(), deviations: erratum.seen.clone() };
            Some((RuleId::named(&erratum.rule)?, excuse))
        });
        Self { errata: errata.collect() }
    }

    /// Whether a rule is declared to be broken.
    pub(crate) fn declares(&self, rule: RuleId) -> bool {
        self.errata.contains_key(&rule)
    }

    /// Why a rule is declared to be broken.
    pub(crate) fn reason(&self, rule: RuleId) -> Option<String> {
        self.errata.get(&rule).map(|excuse| excuse.reason.clone())
    }

    /// Takes what the golden trace of an erratum showed for what the erratum is.
    pub(crate) fn learn(&mut self, rule: RuleId, trace: &Trace, divergence: &Divergence) {
        if let Some(excuse) = self.errata.get_mut(&rule) {
            excuse.deviations.extend(deviation(trace, divergence));
        }
    }

    /// The erratum that explains a divergence, if one does.
    pub(crate) fn explain(&self, trace: &Trace, divergence: &Divergence) -> Option<RuleId> {
        let seen = deviation(trace, divergence)?;
        let explains = |rule: &&RuleId| {
            !Model::IMITATES.contains(rule)
                && self.errata.get(rule).is_some_and(|excuse| excuse.deviations.contains(&seen))
        };
        divergence.rules.iter().find(explains).copied()
    }
}

/// A divergence in the terms in which an erratum is declared.
fn deviation(trace: &Trace, divergence: &Divergence) -> Option<Deviation> {
    let observed = &divergence.observed;
    let session = observed.session.as_ref();
    let flag = |set: Option<bool>| set.map(|set| set.to_string());
    let seen = match divergence.aspect {
        Aspect::Outcome => match &observed.outcome {
            Ok(_) => "ok".into(),
            Err(failed) => failed.kind.name().into(),
        },
        Aspect::Key => match session?.key {
            None => "none".into(),
            Some(SeenKey::Known(_)) => "known".into(),
            Some(SeenKey::Other { .. }) => "other".into(),
        },
        Aspect::Answer => match &observed.outcome {
            Ok(Answer::Bool(yes)) => yes.to_string(),
            Ok(Answer::Value(None)) => "nothing".into(),
            _ => "other".into(),
        },
        Aspect::Accessed => flag(session.map(|session| session.accessed))?,
        Aspect::Modified => flag(session.map(|session| session.modified))?,
    };
    let op = trace.steps.get(divergence.step)?.op.name().into();
    Some(Deviation { op, aspect: divergence.aspect, seen })
}
