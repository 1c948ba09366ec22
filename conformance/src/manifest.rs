//! What a subject says about itself before anything is asked of it: its name, and which of the permitted
//! behaviours it has. The suite reads this first, so that a rule that does not apply is shown as not
//! applicable, with the reason, and never as passed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use session_core::Capabilities;

/// The manifest of a subject: the answer to `hello`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the protocol: 1.
    pub protocol: u32,
    /// The subject's name, as the report shows it.
    pub name: String,
    /// The subject's version.
    pub version: String,
    /// The language and runtime it is written in.
    #[serde(default)]
    pub language: String,
    /// Whether the subject has session objects, or is a bare store.
    pub level: SubjectLevel,
    /// How time reaches the subject.
    pub clock: ClockLevel,
    /// What the store can do.
    #[schemars(schema_with = "capabilities_schema")]
    pub capabilities: Capabilities,
    /// Which awkward values are kept.
    pub values: Values,
    /// What the suite may do behind the store's back.
    #[serde(default)]
    pub hooks: Vec<Hook>,
    /// Rules that the subject is known to break, each with its reason.
    #[serde(default)]
    pub errata: Vec<Erratum>,
}

/// Where the suite plugs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectLevel {
    /// The subject is a store; the suite puts `session-core` on top of it.
    Store,
    /// The subject has session objects of its own.
    Session,
}

/// How the subject's time is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClockLevel {
    /// Each request carries the present instant, and nothing in the subject reads another clock.
    Virtual,
    /// The subject's records expire by a clock of its own. The suite waits for it, and proves by that what two
    /// or three seconds can show.
    Wall,
}

impl ClockLevel {
    /// The name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Virtual => "virtual",
            Self::Wall => "wall",
        }
    }
}

/// Which awkward values a subject keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// Whether entries keep their order.
    pub order: Order,
    /// Integers beyond 2^53.
    pub big_integers: Keeps,
    /// NaN and the infinities.
    pub non_finite: Keeps,
    /// Text with half a surrogate pair.
    pub lone_surrogates: Keeps,
    /// Lists and objects nested more than 100 deep.
    pub deep_nesting: Keeps,
}

/// Whether entries keep the order in which they were set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// They do.
    Kept,
    /// They may come back in any order.
    Lost,
}

/// Whether a kind of value is kept, or when it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keeps {
    /// It survives a reload.
    Kept,
    /// Putting it into the session answers `unrepresentable`.
    RefusedOnSet,
    /// Saving a session that holds it answers `unrepresentable`, and the record stays whole.
    RefusedOnSave,
}

/// What the suite may do behind the store's back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// `force-keys`: choose the next candidates of the key generator.
    ForceKeys,
    /// `damage`: make a record undecodable.
    Damage,
}

/// A rule that a subject is known to break. It must break it: an erratum that is not seen is an
/// unexpected pass, and so an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Erratum {
    /// The rule's id.
    pub rule: String,
    /// Why it is so.
    pub reason: String,
}

impl Manifest {
    /// The manifest of the reference model: everything kept, everything possible.
    pub fn reference() -> Self {
        Self {
            protocol: 1,
            name: "model".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            language: "Rust".into(),
            level: SubjectLevel::Session,
            clock: ClockLevel::Virtual,
            capabilities: Capabilities::DATABASE,
            values: Values {
                order: Order::Kept,
                big_integers: Keeps::Kept,
                non_finite: Keeps::Kept,
                lone_surrogates: Keeps::Kept,
                deep_nesting: Keeps::Kept,
            },
            hooks: vec![Hook::ForceKeys, Hook::Damage],
            errata: Vec::new(),
        }
    }

    /// The values that `session-core` keeps, for every Rust store: text is UTF-8 and numbers are JSON's.
    pub(crate) fn rust_values() -> Values {
        Values {
            order: Order::Kept,
            big_integers: Keeps::Kept,
            non_finite: Keeps::RefusedOnSet,
            lone_surrogates: Keeps::RefusedOnSet,
            deep_nesting: Keeps::Kept,
        }
    }
}

fn capabilities_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "description": "What the store can do.",
        "additionalProperties": false,
        "required": ["persistent", "shared", "server_side", "expired", "clear_expired", "max_record_bytes"],
        "properties": {
            "persistent": { "type": "boolean", "description": "Records survive a restart." },
            "shared": { "type": "boolean", "description": "A second handle sees the same records." },
            "server_side": { "type": "boolean", "description": "The key addresses the data and is not the data itself." },
            "expired": { "enum": ["kept", "gone"], "description": "What becomes of an expired record before it is cleared." },
            "clear_expired": { "enum": ["sweeps", "automatic", "unsupported"], "description": "What clear-expired does." },
            "max_record_bytes": { "type": ["integer", "null"], "minimum": 0, "description": "The most bytes an encoded record may have." }
        }
    })
}
