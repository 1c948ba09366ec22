//! Golden traces: for each rule a small trace, written by hand, that exercises it and states the answers.
//!
//! What they state is independent of the model, and so a check on it.

use std::sync::OnceLock;

use crate::manifest::{Hook, Manifest, Operation, SubjectLevel, ValueSupport};
use crate::model::{Errata, Expected, Model};
use crate::op::Key;
use crate::rule::{Need, Rule, RuleId};
use crate::trace::{Stated, Trace, TraceError, TraceFile};
use session_core::{ClearExpired, ExpiredRecords};

impl Rule {
    /// The rule's golden trace.
    ///
    /// # Errors
    /// [`TraceError`] if the file in the repository is broken; a test sees to it that none is.
    pub fn golden(&self) -> Result<TraceFile, TraceError> {
        TraceFile::parse(self.golden)
    }

    /// The manifest of a reference model to which the rule applies.
    pub fn reference(&self) -> Manifest {
        let mut manifest = Manifest::reference();
        for need in self.needs {
            let store = &mut manifest.capabilities;
            let values = &mut manifest.values;
            match need {
                Need::ClientSide => {
                    store.server_side = false;
                    manifest.hooks.clear();
                }
                Need::ExpiresTold => manifest.level = SubjectLevel::Store,
                Need::Volatile => store.persistent = false,
                Need::ExpiredGone => store.expired = ExpiredRecords::Gone,
                Need::Automatic => store.clear_expired = ClearExpired::Automatic,
                Need::NoClear => store.clear_expired = ClearExpired::Unsupported,
                Need::Upsert => manifest.upsert = true,
                Need::OtherStorage => manifest.other_storage = true,
                Need::All | Need::Length | Need::Clear => {
                    manifest.level = SubjectLevel::Store;
                    manifest.operations = Operation::ALL.to_vec();
                }
                Need::Limited => store.max_record_bytes = Some(1 << 20),
                Need::BigIntegersRefused => values.big_integers = ValueSupport::RefusedOnSet,
                Need::HugeIntegersRefused => values.huge_integers = Some(ValueSupport::RefusedOnSet),
                Need::NonFiniteRefused => values.non_finite = ValueSupport::RefusedOnSet,
                Need::LoneSurrogatesRefused => values.lone_surrogates = ValueSupport::RefusedOnSave,
                Need::DeepNestingRefused => values.deep_nesting = ValueSupport::RefusedOnSave,
                Need::HookForceKeys => manifest.hooks.push(Hook::ForceKeys),
                Need::HookDamage => manifest.hooks.push(Hook::Damage),
                Need::HookRotate => manifest.hooks.push(Hook::Rotate),
                Need::HookCrash => manifest.hooks.push(Hook::Crash),
                Need::Parts => manifest.parts.extend(["front", "back"]),
                // The reference has the rest already.
                Need::ServerSide
                | Need::Persistent
                | Need::Shared
                | Need::ExpiredKept
                | Need::Sweeps
                | Need::Clears
                | Need::Unlimited
                | Need::RefusingSave
                | Need::OrderKept
                | Need::RefusingInsert
                | Need::BigIntegersKept
                | Need::HugeIntegersKept
                | Need::NonFiniteKept
                | Need::LoneSurrogatesKept
                | Need::DeepNestingKept => {}
            }
        }
        manifest.hooks.dedup();
        manifest
    }
}

/// The golden trace of a rule. Some have values of megabytes, so that each is read once in a process.
///
/// # Errors
/// [`TraceError`] as text, if it is no trace.
pub(crate) fn once(rule: RuleId) -> Result<&'static Trace, String> {
    static READ: OnceLock<Vec<OnceLock<Result<Trace, String>>>> = OnceLock::new();
    let read = READ.get_or_init(|| RuleId::of_stores().map(|_| OnceLock::new()).collect());
    let parse = || rule.rule().golden().map(|file| file.trace).map_err(|error| error.to_string());
    read[rule.index()].get_or_init(parse).as_ref().map_err(Clone::clone)
}

/// The golden traces of all rules.
///
/// # Errors
/// [`TraceError`] if one of them is broken; a test sees to it that none is.
pub fn traces() -> Result<Vec<Trace>, TraceError> {
    RuleId::of_stores().map(|rule| rule.rule().golden().map(|file| file.trace)).collect()
}

/// Checks what a trace file states against the model: a fault per statement that the model denies.
pub fn check_stated(file: &TraceFile, manifest: &Manifest) -> Vec<String> {
    let mut model = Model::new(manifest, file.trace.settings, Errata::Enforced);
    let mut faults = Vec::new();
    for (index, (step, stated)) in file.trace.steps.iter().zip(&file.stated).enumerate() {
        let expected = model.step(step);
        if let Some(stated) = stated {
            let fault = match &expected {
                Some(expected) => denied(stated, expected, &model),
                None => Some("the step acts on nothing".into()),
            };
            faults.extend(fault.map(|fault| format!("step {}: {fault}", index + 1)));
        }
    }
    faults
}

fn denied(stated: &Stated, expected: &Expected, model: &Model) -> Option<String> {
    let outcome = match &expected.outcome {
        Ok(answer) => answer.to_json().as_str().to_owned(),
        Err(kind) => kind.name().into(),
    };
    if let Some(kind) = &stated.error
        && (expected.outcome.is_ok() || *kind != outcome)
    {
        return Some(format!("stated error {kind}, the model answers {outcome}"));
    }
    if let Some(ok) = &stated.ok
        && (expected.outcome.is_err() || ok.as_str() != outcome)
    {
        return Some(format!("stated {ok:?}, the model answers {outcome}"));
    }
    let session = expected.session.as_ref();
    if let Some(key) = &stated.key {
        let wanted: Option<Key> = model.handles().named(key);
        let got = session.and_then(|session| session.key);
        if wanted != got {
            return Some(format!("stated key {key:?}, the model has {got:?}"));
        }
    }
    let flag = |name: &str, stated: Option<bool>, got: Option<bool>| {
        (stated.is_some() && stated != got)
            .then(|| format!("stated {name} {stated:?}, the model has {got:?}"))
    };
    flag("accessed", stated.accessed, session.map(|session| session.accessed))
        .or_else(|| flag("modified", stated.modified, session.map(|session| session.modified)))
}
