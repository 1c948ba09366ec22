//! What a rule of the specification is, as data. The rules themselves are in `rules.rs`, which
//! `cargo xtask spec --write` makes from `docs/spec/`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::{ClockLevel, Hook, Manifest, Operation, SubjectLevel, ValueSupport};
use session_core::{ClearExpired, ExpiredRecords};

/// One clause of the specification.
#[derive(Debug)]
pub struct Rule {
    /// The stable name, as in `r[lifecycle.save.no-resurrect]`.
    pub id: &'static str,
    /// Goes up when the meaning of the clause changes.
    pub version: u16,
    /// How binding it is.
    pub level: Level,
    /// For which stores it is meant.
    pub profile: Profile,
    /// What a subject must have for the rule to apply; all of them.
    pub needs: &'static [Need],
    /// The clause in one sentence.
    pub title: &'static str,
    /// The rest of the clause, in Markdown; may be empty.
    pub text: &'static str,
    /// What Django does.
    pub django: Django,
    /// The page of the specification, under `docs/spec/`.
    pub page: &'static str,
    /// The rule's golden trace, in the trace format; its golden schedule, for a rule on what overlaps and fails; empty
    /// for a rule about applications.
    pub golden: &'static str,
}

impl Rule {
    /// The first part of its name: `lifecycle`.
    pub fn area(&self) -> &'static str {
        self.id.split('.').next().unwrap_or_default()
    }

    /// Where the clause stands in the repository: `docs/spec/keys.md#key.short`. The site of the specification has it in the
    /// same place, as `spec/keys.html#key.short`.
    pub fn place(&self) -> String {
        format!("docs/spec/{}#{}", self.page, self.id)
    }
}

/// How binding a rule is (RFC 2119).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// A subject that breaks it does not conform.
    Must,
    /// It may be broken for a reason; the report says so all the same.
    Should,
    /// A permitted behaviour.
    May,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        })
    }
}

/// For which stores a rule is meant, and which rules a store is meant to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Profile {
    /// What the sessions of every framework must do: nobody reads what is another's, what was saved is read, deletion is
    /// final, nothing lives too long, an unknown key is not adopted, no error is swallowed.
    Core,
    /// All of the specification: sessions as Django has them.
    #[default]
    Django,
}

impl Profile {
    /// The name in reports and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Django => "django",
        }
    }

    /// Whether a store of this profile must hold a rule.
    pub fn includes(self, rule: RuleId) -> bool {
        self == Self::Django || rule.rule().profile == Self::Core
    }

    /// The first of some rules that a store of this profile must hold.
    pub fn first_of(self, rules: &[RuleId]) -> Option<RuleId> {
        rules.iter().copied().find(|rule| self.includes(*rule))
    }
}

/// What Django's own engines do about a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Django {
    /// The same; with a remark, or an empty text.
    Same(&'static str),
    /// Something else, for the reason given.
    Differs(&'static str),
    /// Nothing that could be compared, for the reason given.
    Silent(&'static str),
}

impl fmt::Display for Django {
    /// A sentence, in Markdown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same("") => f.write_str("same."),
            Self::Same(remark) => write!(f, "same, {remark}."),
            Self::Differs(reason) => write!(f, "differs, because {reason}."),
            Self::Silent(reason) => write!(f, "silent, because {reason}."),
        }
    }
}

/// The place of a rule in [`RULES`](crate::rules::RULES).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub(crate) u16);

impl RuleId {
    /// The rule of this name.
    pub fn named(id: &str) -> Option<Self> {
        Self::every().find(|rule| rule.rule().id == id)
    }

    /// Every rule, those about stores first.
    pub fn every() -> impl Iterator<Item = Self> {
        (0_u16..).map(Self).take(crate::rules::RULES.len())
    }

    /// Every rule about stores, in the order of the specification.
    pub fn of_stores() -> impl Iterator<Item = Self> {
        Self::every().take(crate::rules::STORES)
    }

    /// Every rule about what overlaps, fails and is dropped, in the order of the specification.
    pub fn of_schedules() -> impl Iterator<Item = Self> {
        Self::every().skip(crate::rules::STORES).take(crate::rules::SCHEDULES)
    }

    /// Every rule about applications, in the order of the specification.
    pub fn of_applications() -> impl Iterator<Item = Self> {
        Self::every().skip(crate::rules::STORES + crate::rules::SCHEDULES)
    }

    /// Whether the rule is about what session objects do by themselves. Of a bare store it says nothing: the suite's own
    /// sessions are on top of it.
    pub fn is_about_sessions(self) -> bool {
        let area = self.rule().id.split('.').next();
        area.is_some_and(|area| ["dict", "tracking", "testcookie"].contains(&area))
    }

    /// Why the rule does not apply to a subject, if it does not.
    pub fn not_for(self, subject: &Manifest) -> Option<String> {
        if !subject.profile.includes(self) {
            return Some(format!("it is not in the profile `{}`", subject.profile.name()));
        }
        self.rule().needs.iter().find_map(|need| need.unmet_by(subject)).map(str::to_owned)
    }

    /// The clause.
    pub fn rule(self) -> &'static Rule {
        &crate::rules::RULES[usize::from(self.0)]
    }

    /// Its place, from 0.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r[{}]", self.rule().id)
    }
}

/// A property of a subject that a rule depends on. What a subject lacks is tested by the rule that needs
/// the opposite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The record is kept by the store; the key is not the data.
    ServerSide,
    /// The key is the data: nothing is kept by the store.
    ClientSide,
    /// Records survive a restart.
    Persistent,
    /// Records do not survive a restart.
    Volatile,
    /// A second handle sees the same records.
    Shared,
    /// Expired records hold their key until they are cleared.
    ExpiredKept,
    /// Expired records are gone.
    ExpiredGone,
    /// A load tells when the record expires, on a clock that the suite sets.
    ExpiresTold,
    /// `clear-expired` removes records.
    Sweeps,
    /// `clear-expired` can be done, whether or not there is something to do.
    Clears,
    /// `clear-expired` has nothing to do.
    Automatic,
    /// `clear-expired` cannot be done.
    NoClear,
    /// Records may be of any size.
    Unlimited,
    /// Records may not exceed a size.
    Limited,
    /// Saving a session whose record is gone is refused.
    RefusingSave,
    /// Saving creates what is not there.
    Upsert,
    /// Storing a new session under a key that is taken is refused.
    RefusingInsert,
    /// There can be another storage beside this one.
    OtherStorage,
    /// All sessions can be listed.
    All,
    /// All sessions can be counted.
    Length,
    /// All sessions can be removed.
    Clear,
    /// The order of entries is kept.
    OrderKept,
    /// Integers beyond 2^53 are kept.
    BigIntegersKept,
    /// Integers beyond 2^53 are refused.
    BigIntegersRefused,
    /// Integers beyond 64 bits are kept.
    HugeIntegersKept,
    /// Integers beyond 64 bits are refused.
    HugeIntegersRefused,
    /// NaN and the infinities are kept.
    NonFiniteKept,
    /// NaN and the infinities are refused.
    NonFiniteRefused,
    /// Lone surrogates are kept.
    LoneSurrogatesKept,
    /// Lone surrogates are refused.
    LoneSurrogatesRefused,
    /// Deep nesting is kept.
    DeepNestingKept,
    /// Deep nesting is refused.
    DeepNestingRefused,
    /// The next keys can be chosen by the suite.
    HookForceKeys,
    /// A record can be damaged by the suite.
    HookDamage,
    /// The process can be killed, and another one opens what it left.
    HookCrash,
    /// The secret can be replaced by the suite.
    HookRotate,
    /// The store shows parts that the suite can make fail.
    Parts,
}

impl Need {
    /// `None` if the subject has it, or why not.
    pub fn unmet_by(self, subject: &Manifest) -> Option<&'static str> {
        let store = &subject.capabilities;
        let values = &subject.values;
        let (met, otherwise) = match self {
            Self::ServerSide => (store.server_side, "the key is the data: nothing is kept on the server"),
            Self::ClientSide => (!store.server_side, "the store keeps the records"),
            Self::Persistent => (store.persistent, "the store does not persist"),
            Self::Volatile => (!store.persistent, "the store persists"),
            Self::Shared => (store.shared, "the storage cannot be opened twice"),
            Self::ExpiredKept => {
                (store.expired == ExpiredRecords::Kept, "expired records do not wait to be cleared")
            }
            Self::ExpiredGone => {
                (store.expired == ExpiredRecords::Gone, "expired records wait to be cleared")
            }
            Self::ExpiresTold if subject.clock == ClockLevel::Wall => (false, "its clock cannot be set"),
            Self::ExpiresTold => {
                (subject.level == SubjectLevel::Store, "a load does not tell when the record expires")
            }
            Self::Sweeps => (store.clear_expired == ClearExpired::Sweeps, "clearing removes nothing"),
            Self::Automatic => {
                (store.clear_expired == ClearExpired::Automatic, "the storage does not forget by itself")
            }
            Self::Clears => (store.clear_expired != ClearExpired::Unsupported, "the store cannot clear"),
            Self::NoClear => (store.clear_expired == ClearExpired::Unsupported, "the store can clear"),
            Self::Unlimited => (store.max_record_bytes.is_none(), "records have a greatest size"),
            Self::Limited => (store.max_record_bytes.is_some(), "records have no greatest size"),
            Self::RefusingSave => (!subject.upsert, "saving creates what is not there (upsert)"),
            Self::Upsert => (subject.upsert, "saving creates nothing"),
            Self::RefusingInsert => (subject.refuses_insert(), "the store sets whatever is under a key"),
            Self::OtherStorage => {
                (subject.other_storage, "there is no other storage beside it (`other_storage`)")
            }
            Self::All => (subject.offers(Operation::All), "the store does not list its sessions (`all`)"),
            Self::Length => {
                (subject.offers(Operation::Length), "the store does not count its sessions (`length`)")
            }
            Self::Clear => {
                (subject.offers(Operation::Clear), "the store does not remove all its sessions (`clear`)")
            }
            Self::OrderKept => (values.order == crate::manifest::Order::Kept, "the order of entries is lost"),
            Self::BigIntegersKept => return kept(values.big_integers, "big integers are refused"),
            Self::BigIntegersRefused => return refused(values.big_integers, "big integers are kept"),
            Self::HugeIntegersKept => return kept(values.huge_integers(), "huge integers are refused"),
            Self::HugeIntegersRefused => return refused(values.huge_integers(), "huge integers are kept"),
            Self::NonFiniteKept => return kept(values.non_finite, "NaN and infinities are refused"),
            Self::NonFiniteRefused => return refused(values.non_finite, "NaN and infinities are kept"),
            Self::LoneSurrogatesKept => return kept(values.lone_surrogates, "lone surrogates are refused"),
            Self::LoneSurrogatesRefused => {
                return refused(values.lone_surrogates, "lone surrogates are kept");
            }
            Self::DeepNestingKept => return kept(values.deep_nesting, "deep nesting is refused"),
            Self::DeepNestingRefused => return refused(values.deep_nesting, "deep nesting is kept"),
            Self::HookForceKeys => (
                subject.hooks.contains(&Hook::ForceKeys),
                "the subject cannot force keys (hook `force-keys`)",
            ),
            Self::Parts => (!subject.parts.is_empty(), "the store shows no part that could fail"),
            Self::HookCrash => {
                (subject.hooks.contains(&Hook::Crash), "there is no process to be killed (hook `crash`)")
            }
            Self::HookRotate => {
                (subject.hooks.contains(&Hook::Rotate), "its secret cannot be replaced (hook `rotate`)")
            }
            Self::HookDamage => {
                (subject.hooks.contains(&Hook::Damage), "the subject cannot damage a record (hook `damage`)")
            }
        };
        (!met).then_some(otherwise)
    }
}

/// Why such a value is not one that must be kept.
fn kept(support: ValueSupport, otherwise: &'static str) -> Option<&'static str> {
    match support {
        ValueSupport::Kept => None,
        ValueSupport::Unsupported => Some(NO_SUCH_VALUE),
        ValueSupport::RefusedOnSet | ValueSupport::RefusedOnSave => Some(otherwise),
    }
}

/// Why such a value is not one that must be refused.
fn refused(support: ValueSupport, otherwise: &'static str) -> Option<&'static str> {
    match support {
        ValueSupport::Kept => Some(otherwise),
        ValueSupport::Unsupported => Some(NO_SUCH_VALUE),
        ValueSupport::RefusedOnSet | ValueSupport::RefusedOnSave => None,
    }
}

const NO_SUCH_VALUE: &str = "there are no such values where the store is used";
