//! What a subject says about itself before anything is asked of it: its name, and which of the permitted
//! behaviours it has. The suite reads this first, so that a rule that does not apply is shown as not
//! applicable, with the reason, and never as passed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_core::Capabilities;
use time::OffsetDateTime;

use crate::json::Class;
use crate::model::Aspect;
use crate::op::StorageOp;
use crate::rule::Profile;
use crate::trace::{OTHER_STORAGE, START};

/// What a subject says about itself. How an adapter writes it is in [`wire`](crate::wire).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Manifest {
    /// The subject's name, as the report shows it.
    pub name: String,
    /// The subject's version.
    pub version: String,
    /// The language and runtime it is written in.
    pub language: String,
    /// Whether the subject has session objects, or is a bare store.
    pub level: SubjectLevel,
    /// Which rules it is meant to hold.
    pub profile: Profile,
    /// How time reaches the subject.
    pub clock: ClockLevel,
    /// How it was seen that a clock that is moved obeys, or why the subject's clock is not moved though it asks for
    /// that; empty otherwise.
    pub clock_test: String,
    /// What the clock can show. Traces are fitted to it.
    pub clock_reach: Reach,
    /// What the store can do.
    pub capabilities: Capabilities,
    /// Whether the store has one operation for both creating and replacing a record, so that saving a session creates
    /// what is not there.
    pub upsert: bool,
    /// Whether there can be another storage beside the one that is checked, for
    /// [the client that has its own](crate::trace::OTHER_STORAGE).
    pub other_storage: bool,
    /// Which awkward values are kept.
    pub values: Values,
    /// Whether an adapter is given the data of a record as one text.
    pub opaque: bool,
    /// What the suite may do behind the store's back.
    pub hooks: Vec<Hook>,
    /// What a store at the level [`KeyValue`](SubjectLevel::KeyValue) offers beside what it must.
    pub operations: Vec<Operation>,
    /// The parts that the suite can stop and make fail.
    pub parts: Vec<&'static str>,
    /// Those of them that may lose what they keep, as a cache does.
    pub forgetful_parts: Vec<&'static str>,
    /// Rules that the subject is known to break, each with its reason.
    pub errata: Vec<Erratum>,
    /// What its answer to `hello` holds that this suite does not know, for the doctor.
    pub unknown: Vec<String>,
}

/// Where the suite plugs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SubjectLevel {
    /// The subject is a store; the suite puts `session-core` on top of it.
    Store,
    /// The subject is a store that gives, sets and destroys what is under a key, and tells nobody what was there before.
    /// The suite puts the rest on top of it.
    KeyValue,
    /// The subject has session objects of its own.
    Session,
}

/// How the subject's time is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ClockLevel {
    /// Each request carries the present instant, and nothing in the subject reads another clock.
    Virtual,
    /// The subject reads a clock of its own, which the suite moves from outside. Nothing is waited for.
    Moved,
    /// The subject's records expire by a clock of its own. The suite waits for it, and proves by that what two
    /// or three seconds can show.
    Wall,
}

/// What a clock can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// By how many microseconds one trace may move it.
    pub span: i64,
    /// What it counts in, in microseconds: 1,000 for one that shows milliseconds. At most a second, of which it is a
    /// part.
    pub resolution: i64,
}

impl Reach {
    /// Every instant.
    pub const ANY: Self = Self { span: i64::MAX, resolution: 1 };

    /// Whether a clock may count in so many microseconds: a part of a second, or one.
    pub(crate) fn counts_in(micros: u128) -> bool {
        micros > 0 && 1_000_000_u128.is_multiple_of(micros)
    }
}

impl ClockLevel {
    /// The instant at which a trace starts now, in microseconds since the Unix epoch: one that is always the same; for a
    /// clock that cannot be set, the real present.
    pub fn start(self) -> i64 {
        match self {
            Self::Virtual | Self::Moved => START,
            Self::Wall => {
                let now = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000;
                i64::try_from(now).unwrap_or(START)
            }
        }
    }

    /// The name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Virtual => "virtual",
            Self::Moved => "moved",
            Self::Wall => "wall",
        }
    }
}

/// An operation that not every store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Operation {
    /// `touch`: postpone the expiry of a record, and change nothing else.
    Touch,
    /// `all`: list all sessions.
    All,
    /// `length`: tell how many sessions there are.
    Length,
    /// `clear`: remove all sessions.
    Clear,
}

/// Which awkward values a subject keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Values {
    /// Whether entries keep their order.
    pub order: Order,
    /// What numbers are.
    #[serde(default)]
    pub numbers: Numbers,
    /// Integers beyond 2^53.
    pub big_integers: ValueSupport,
    /// Integers beyond 64 bits with a sign; as `big_integers`, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub huge_integers: Option<ValueSupport>,
    /// NaN and the infinities.
    pub non_finite: ValueSupport,
    /// Text with half a surrogate pair.
    pub lone_surrogates: ValueSupport,
    /// Lists and objects nested more than 100 deep.
    pub deep_nesting: ValueSupport,
}

/// Whether entries keep the order in which they were set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Order {
    /// They do.
    Kept,
    /// They may come back in any order.
    Lost,
}

/// What numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Numbers {
    /// An integer is another number than the float of the same value: 1 is not 1.0.
    #[default]
    Exact,
    /// All of them are floating-point numbers of 64 bits, as in JavaScript: 1 and 1.0 are one number.
    Doubles,
}

/// Whether a kind of value is kept, or when it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ValueSupport {
    /// It survives a reload.
    Kept,
    /// Putting it into the session answers `unrepresentable`.
    RefusedOnSet,
    /// Saving a session that holds it answers `unrepresentable`, and the record stays whole.
    RefusedOnSave,
    /// There is no such value where the store is used, such as an integer beyond 2^53 in JavaScript. The suite uses none.
    Unsupported,
}

/// What the suite may do behind the store's back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Hook {
    /// `force-keys`: choose the next candidates of the key generator.
    ForceKeys,
    /// `damage`: make a record undecodable.
    Damage,
    /// `crash`: kill the process; another one that is told to `keep` what is there opens the same storage.
    Crash,
    /// `rotate`: replace the secret, and open the storage again.
    Rotate,
    /// `second-process`: start another process, which is told to `keep` what is there, and use both at the same time.
    SecondProcess,
}

/// A rule that a subject is known to break. It must break it: an erratum that is not seen is an
/// unexpected pass, and so an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Erratum {
    /// The rule's id.
    pub rule: String,
    /// Why it is so.
    pub reason: String,
    /// How it shows, where that is more than what the rule's golden trace shows, or other than the model would
    /// imitate it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Deviation>,
}

/// One way in which an erratum shows: at which operation, in what, and what is seen instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Deviation {
    /// The operation's name in a trace; `*` for any.
    pub op: String,
    /// The part of what is seen.
    pub aspect: Aspect,
    /// What is seen there: for an outcome `ok` or the kind of error, for a key `none`, `known` or `other`, for an
    /// answer `true`, `false`, `nothing` or `other`, for a flag `true` or `false`.
    pub seen: String,
}

impl Hook {
    /// All of them.
    pub const ALL: &[Self] = &[Self::ForceKeys, Self::Damage, Self::Crash, Self::Rotate, Self::SecondProcess];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::ForceKeys => "force-keys",
            Self::Damage => "damage",
            Self::Crash => "crash",
            Self::Rotate => "rotate",
            Self::SecondProcess => "second-process",
        }
    }

    /// The hook of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|hook| hook.name() == name)
    }
}

impl Operation {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Touch, Self::All, Self::Length, Self::Clear];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Touch => "touch",
            Self::All => "all",
            Self::Length => "length",
            Self::Clear => "clear",
        }
    }

    /// The operation of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operation| operation.name() == name)
    }
}

impl Erratum {
    /// A rule that is broken, and why.
    pub fn new(rule: &str, reason: &str) -> Self {
        Self { rule: rule.into(), reason: reason.into(), seen: Vec::new() }
    }
}

impl Deviation {
    /// At this operation, in this aspect, this is seen.
    pub fn new(op: &str, aspect: Aspect, seen: &str) -> Self {
        Self { op: op.into(), aspect, seen: seen.into() }
    }
}

impl Manifest {
    /// The [instant at which a trace starts](ClockLevel::start) on this subject now: one that its clock can show.
    pub fn start(&self) -> i64 {
        let (start, unit) = (self.clock.start(), self.clock_reach.resolution.max(1));
        start.saturating_add(unit - 1).div_euclid(unit).saturating_mul(unit)
    }

    /// A subject with these capabilities, a clock that the suite sets, every kind of value kept, no hooks and no
    /// errata.
    pub fn new(name: &str, level: SubjectLevel, capabilities: Capabilities) -> Self {
        Self {
            name: name.into(),
            version: String::new(),
            language: String::new(),
            level,
            profile: Profile::Django,
            clock: ClockLevel::Virtual,
            clock_test: String::new(),
            clock_reach: Reach::ANY,
            capabilities,
            upsert: false,
            other_storage: false,
            values: Values::KEPT,
            opaque: false,
            hooks: Vec::new(),
            operations: Vec::new(),
            parts: Vec::new(),
            forgetful_parts: Vec::new(),
            errata: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// Whether the suite may ask for an operation that not every store has. Session objects are asked for none,
    /// nor is a store where the key is the data.
    pub fn offers(&self, operation: Operation) -> bool {
        let is_bare = self.level != SubjectLevel::Session && self.capabilities.server_side;
        is_bare && self.operations.contains(&operation)
    }

    /// What this subject lacks of what a step asks of a client, in words for a reader; `None` if it has all of that.
    pub(crate) fn lacks<K>(&self, client: u8, op: Option<&StorageOp<K>>) -> Option<String> {
        if client == OTHER_STORAGE && !self.other_storage {
            return Some("another storage (`other_storage`)".into());
        }
        let operation = op.and_then(StorageOp::operation).filter(|operation| !self.offers(*operation))?;
        Some(format!("the operation `{}`", operation.name()))
    }

    /// Whether a new session that is stored under a key which is taken is refused.
    pub fn refuses_insert(&self) -> bool {
        self.level != SubjectLevel::KeyValue
    }

    /// The manifest of the reference model: everything kept, everything possible, but to be killed.
    pub fn reference() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            language: "Rust".into(),
            hooks: vec![Hook::ForceKeys, Hook::Damage],
            ..Self::new("model", SubjectLevel::Session, Capabilities::database())
        }
    }
}

impl Values {
    /// Everything is kept.
    pub const KEPT: Self = Self {
        order: Order::Kept,
        numbers: Numbers::Exact,
        big_integers: ValueSupport::Kept,
        huge_integers: None,
        non_finite: ValueSupport::Kept,
        lone_surrogates: ValueSupport::Kept,
        deep_nesting: ValueSupport::Kept,
    };

    /// Whether integers beyond 64 bits are kept.
    pub fn huge_integers(&self) -> ValueSupport {
        self.huge_integers.unwrap_or(self.big_integers)
    }

    /// What becomes of a value of this class.
    pub fn support(&self, class: Class) -> ValueSupport {
        match class {
            Class::LoneSurrogate => self.lone_surrogates,
            Class::NonFinite => self.non_finite,
            Class::Deep => self.deep_nesting,
            Class::HugeInteger => self.huge_integers(),
            Class::BigInteger => self.big_integers,
            Class::Large | Class::NonBmp | Class::Float | Class::Text | Class::Plain => ValueSupport::Kept,
        }
    }
}
