//! What the errata that a subject declares excuse: a divergence at an operation, in an aspect and of a value that is
//! known of the erratum, and nothing beside it.
//!
//! An erratum that the model imitates excuses nothing: there the model expects what the subject does. Of the others it
//! is known what their golden trace showed, and what the manifest declares in addition. An erratum of which the manifest
//! says how it shows is not imitated.

use std::collections::BTreeMap;

use crate::manifest::{Deviation, Manifest};
use crate::model::{Aspect, Model};
use crate::observation::Answer;
use crate::rule::{Profile, RuleId};
use crate::runner::{Divergence, SeenKey};
use crate::trace::Trace;

/// The errata of a subject.
#[derive(Debug)]
pub(crate) struct Excuses {
    profile: Profile,
    errata: BTreeMap<RuleId, Excuse>,
}

#[derive(Debug)]
struct Excuse {
    reason: String,
    imitated: bool,
    deviations: Vec<Deviation>,
}

impl Excuses {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let errata = manifest.errata.iter().filter_map(|erratum| {
            let (reason, deviations) = (erratum.reason.clone(), erratum.seen.clone());
            let excuse = Excuse { reason, imitated: Model::imitates(erratum).is_some(), deviations };
            Some((RuleId::named(&erratum.rule)?, excuse))
        });
        Self { profile: manifest.profile, errata: errata.collect() }
    }

    /// Whether a rule is declared to be broken.
    pub(crate) fn declares(&self, rule: RuleId) -> bool {
        self.errata.contains_key(&rule)
    }

    /// Whether the model does as the subject does.
    pub(crate) fn imitated(&self, rule: RuleId) -> bool {
        self.errata.get(&rule).is_some_and(|excuse| excuse.imitated)
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

    /// The rule that excuses a divergence, if one does: an erratum that explains it; or the first of those behind it, where
    /// none of them is in the subject's profile.
    pub(crate) fn explain(&self, trace: &Trace, divergence: &Divergence) -> Option<RuleId> {
        if self.profile.first_of(&divergence.rules).is_none() {
            return divergence.rules.first().copied();
        }
        let seen = deviation(trace, divergence)?;
        let explains = |rule: &&RuleId| {
            let excuse = self.errata.get(rule).filter(|excuse| !excuse.imitated);
            excuse.is_some_and(|excuse| excuse.deviations.iter().any(|known| covers(known, &seen)))
        };
        divergence.rules.iter().find(explains).copied()
    }
}

/// Whether a deviation that is known is the one that was seen. A star stands for any operation.
fn covers(known: &Deviation, seen: &Deviation) -> bool {
    let op = known.op == "*" || known.op == seen.op;
    op && known.aspect == seen.aspect && known.seen == seen.seen
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
