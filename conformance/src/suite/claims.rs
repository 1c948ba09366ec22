//! Capabilities that a subject declares wrongly. Each would make a hundred traces fail in the same way, so each is
//! found first, by a trace of its own, and said once; everything else is then checked as if it had been declared
//! rightly.
//!
//! Before all of them, the storage must be empty where it is opened: what is said of everything else rests on that.
//!
//! That a capability is wrong, and not the store, is shown twice: the trace that goes with the declaration fails, and
//! the golden trace of the opposite holds.

use std::path::Path;

use session_core::{Capabilities, ExpiredRecords, SessionKey};

use super::{Config, left_out, playable, shrunk};
use crate::call::Call;
use crate::errata::Excuses;
use crate::golden;
use crate::history::History;
use crate::json::Json;
use crate::manifest::Manifest;
use crate::model::Errata;
use crate::observation::{Answer, Failed, Observation};
use crate::op::SessionOp;
use crate::report::Failure;
use crate::rule::RuleId;
use crate::rules;
use crate::runner::{Coverage, Divergence, Verdict, run_trace};
use crate::schedule::Schedule;
use crate::subject::{Fault, RecordAnswer, RecordOp, Subject};
use crate::trace::{OTHER_STORAGE, Settings, Trace, TraceFile};

/// A capability that can be declared wrongly.
struct Claim {
    /// The rule that goes with the declaration, and fails if it is wrong.
    rule: RuleId,
    /// The trace that shows it, where the rule's golden trace shows more than that.
    trace: Option<&'static str>,
    /// What is declared.
    declared: &'static str,
    /// What it should be.
    rather: &'static str,
    right: fn(Capabilities) -> Capabilities,
    /// The rule that holds if the declaration is wrong and the store is not.
    opposite: RuleId,
}

/// What one handle saves, another one reads.
const SECOND_HANDLE: &str = r#"{"sessionspec_trace":1,"steps":5}
{"op":"new"}
{"op":"set","session":1,"name":"a","value":1}
{"op":"save","session":1}
{"op":"open","key":"k1","client":1}
{"op":"get","session":2,"name":"a"}
"#;

const CLAIMS: [Claim; 5] = [
    Claim {
        rule: rules::LIFECYCLE_SECOND_CLIENT,
        trace: Some(SECOND_HANDLE),
        declared: "shared: true",
        rather: "shared: false",
        right: |capabilities| capabilities.with_shared(false),
        opposite: rules::LIFECYCLE_LOAD_STORED,
    },
    Claim {
        rule: rules::LIFECYCLE_REOPEN_PERSISTENT,
        trace: None,
        declared: "persistent: true",
        rather: "persistent: false",
        right: |capabilities| capabilities.with_persistent(false),
        opposite: rules::LIFECYCLE_REOPEN_VOLATILE,
    },
    Claim {
        rule: rules::LIFECYCLE_REOPEN_VOLATILE,
        trace: None,
        declared: "persistent: false",
        rather: "persistent: true",
        right: |capabilities| capabilities.with_persistent(true),
        opposite: rules::LIFECYCLE_REOPEN_PERSISTENT,
    },
    Claim {
        rule: rules::EXPIRY_KEPT,
        trace: None,
        declared: "expired: kept",
        rather: "expired: gone",
        right: |capabilities| capabilities.with_expired(ExpiredRecords::Gone),
        opposite: rules::EXPIRY_GONE,
    },
    Claim {
        rule: rules::EXPIRY_GONE,
        trace: None,
        declared: "expired: gone",
        rather: "expired: kept",
        right: |capabilities| capabilities.with_expired(ExpiredRecords::Kept),
        opposite: rules::EXPIRY_KEPT,
    },
];

impl Claim {
    /// The trace that shows whether the declaration is right.
    fn trace(&self) -> Option<Trace> {
        match self.trace {
            Some(text) => TraceFile::parse(text).ok().map(|file| file.trace),
            None => golden::once(self.rule).ok().cloned(),
        }
    }
}

/// Whether opening gives empty storage: a session that was stored before is gone. Where it is not, any trace may fail, by
/// what another one left. A key that is the session itself shows nothing.
///
/// # Errors
/// [`Fault`] if the subject cannot be driven.
pub(crate) fn is_emptied(subject: &mut dyn Subject) -> Result<bool, Fault> {
    if !subject.manifest().capabilities.server_side {
        return Ok(true);
    }
    let now = subject.manifest().start();
    let clients = if subject.manifest().other_storage { vec![0, OTHER_STORAGE] } else { vec![0] };
    for client in clients {
        let session = |key| Call::Session { number: 0, client, key };
        subject.open(now, Settings::default())?;
        subject.call(now, &session(None))?;
        let set = SessionOp::Set("left".into(), Json::from(1_i64).into());
        subject.call(now, &Call::Op { number: 0, op: &set })?;
        let saved = subject.call(now, &Call::Op { number: 0, op: &SessionOp::Save })?;
        let Some(key) = saved.session.and_then(|session| session.key) else { continue };
        subject.open(now, Settings::default())?;
        subject.call(now, &session(Some(&key)))?;
        let contains = SessionOp::Contains("left".into());
        let left = subject.call(now, &Call::Op { number: 0, op: &contains })?;
        if matches!(left.outcome, Ok(Answer::Bool(true))) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is said of a subject that is not.
pub(crate) const LEFT: &str =
    "`open` must give empty storage, also to `client` 2: a session that was stored before it is still there";

/// A subject as its manifest should have been.
pub(super) struct Corrected<'a> {
    subject: &'a mut dyn Subject,
    manifest: Manifest,
    /// Why nothing else is checked, if that is so.
    pub(super) broken: Option<String>,
    /// What was declared wrongly.
    pub(super) wrong: Vec<Failure>,
}

impl<'a> Corrected<'a> {
    /// Looks for what a subject declares wrongly.
    pub(super) fn new(subject: &'a mut dyn Subject, config: &Config) -> Self {
        let manifest = subject.manifest().clone();
        // Where it cannot be driven, the first trace says so.
        let broken = matches!(is_emptied(subject), Ok(false)).then(|| LEFT.to_owned());
        let mut corrected = Self { subject, manifest, broken, wrong: Vec::new() };
        if corrected.broken.is_none() {
            for claim in &CLAIMS {
                corrected.check(claim, config);
            }
        }
        corrected
    }

    fn check(&mut self, claim: &Claim, config: &Config) {
        let declared = &self.manifest;
        let Some(trace) = claim.trace().and_then(|trace| playable(&trace, declared)) else { return };
        let opposite = golden::once(claim.opposite).ok().and_then(|trace| playable(trace, declared));
        let Some(opposite) = opposite else { return };
        if Excuses::of(declared).declares(claim.rule) || left_out(claim.rule, declared, config).is_some() {
            return;
        }
        let shows = |found: &Divergence| claim.trace.is_some() || found.rules.contains(&claim.rule);
        let Some(first) = self.divergence(&trace).filter(shows) else { return };
        let before = self.manifest.capabilities;
        let right = (claim.right)(before);
        self.manifest.capabilities = right;
        let holds = run_trace(self, &opposite, Errata::Imitated, &mut Coverage::default()).is_held();
        self.manifest.capabilities = before;
        if !holds {
            return;
        }
        let small =
            shrunk(&trace, config, |candidate| self.divergence(candidate).is_some_and(|found| shows(&found)));
        let (small, divergence) = match self.divergence(&small) {
            Some(divergence) => (small, divergence),
            None => (trace, first),
        };
        let mut failure = Failure::new(small, divergence);
        failure.rule = claim.rule;
        failure.also.clear();
        failure.note = Some(format!(
            "the store declares `{}`, and is otherwise: everything else was checked as if it declared `{}`",
            claim.declared, claim.rather
        ));
        self.wrong.push(failure);
        self.manifest.capabilities = right;
    }

    fn divergence(&mut self, trace: &Trace) -> Option<Divergence> {
        match run_trace(self, trace, Errata::Imitated, &mut Coverage::default()) {
            Verdict::Diverged(divergence) => Some(*divergence),
            _ => None,
        }
    }
}

#[deny(clippy::missing_trait_methods, reason = "what is forgotten here is not asked of the subject")]
impl Subject for Corrected<'_> {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn place(&mut self, dir: &Path) -> Result<(), Fault> {
        self.subject.place(dir)
    }

    fn open(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        self.subject.open(now, settings)
    }

    fn keeps(&self) -> bool {
        self.subject.keeps()
    }

    fn open_kept(&mut self, now: i64, settings: Settings) -> Result<(), Fault> {
        self.subject.open_kept(now, settings)
    }

    fn call(&mut self, now: i64, call: &Call<'_>) -> Result<Observation, Fault> {
        if self.manifest.capabilities.shared {
            return self.subject.call(now, call);
        }
        // The subject opened a second handle, which sees nothing.
        let first = |client| if client == OTHER_STORAGE { client } else { 0 };
        let call = match *call {
            Call::Session { number, client, key } => Call::Session { number, client: first(client), key },
            Call::Op { number, op } => Call::Op { number, op },
            Call::Storage { client, op } => Call::Storage { client: first(client), op },
        };
        self.subject.call(now, &call)
    }

    fn on_record(
        &mut self,
        now: i64,
        client: u8,
        key: &SessionKey,
        op: RecordOp,
    ) -> Option<Result<Result<RecordAnswer, Failed>, Fault>> {
        self.subject.on_record(now, client, key, op)
    }

    fn sent(&self) -> Option<String> {
        self.subject.sent()
    }

    fn parts(&self) -> Vec<&'static str> {
        self.subject.parts()
    }

    fn schedule(&mut self, schedule: &Schedule) -> Option<Result<History, Fault>> {
        self.subject.schedule(schedule)
    }

    fn race(&mut self, seed: u64) -> Option<Result<History, Fault>> {
        self.subject.race(seed)
    }
}
