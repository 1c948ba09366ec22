//! The traits of other crates, raw: the suite calls a store's own operations and hides nothing. Nothing is looked up before
//! it is saved, and what the store gives is taken, expired or not.
//!
//! What such a trait cannot promise is declared here for all of its stores, and the rules on it do not apply:
//!
//! - *upsert*: the trait saves without a word about what was there, so that a save may bring a deleted session back;
//! - *no order*: entries are a map;
//! - *its own values*: what a `serde_json::Value` cannot hold is refused when it is saved, and so are integers beyond 2^53
//!   and nesting of more than 100, which the readers of most stores change or refuse.
//!
//! They are held to the rules for the sessions of every framework, the profile [`Core`](Profile::Core), until the
//! [suite](crate::Suite::profile) is told otherwise.
//!
//! Most of these stores ask the machine's clock, so that their level is [`Wall`](crate::manifest::ClockLevel::Wall) until
//! the [suite](crate::Suite::clock) is told otherwise.
//!
//! - `entries.rs`: the data of a session as the values of `serde_json`, and back
//! - `tower_sessions.rs`: `tower-sessions`, in three versions of its core

mod entries;
mod tower_sessions;

#[cfg(feature = "tower-sessions-012")]
pub use tower_sessions::v012 as tower_sessions_012;
#[cfg(feature = "tower-sessions-014")]
pub use tower_sessions::v014 as tower_sessions_014;
#[cfg(feature = "tower-sessions-015")]
pub use tower_sessions::v015 as tower_sessions_015;

use std::hash::{DefaultHasher, Hash, Hasher};

use session_core::SessionKey;
use tokio::sync::RwLock;

use crate::manifest::{Order, ValueSupport, Values};
use crate::rule::Profile;
use crate::subject::StoreHooks;

/// The values that every store of such a trait keeps.
const DECLARED: Values = Values {
    order: Order::Lost,
    big_integers: ValueSupport::RefusedOnSave,
    non_finite: ValueSupport::RefusedOnSave,
    lone_surrogates: ValueSupport::RefusedOnSave,
    deep_nesting: ValueSupport::RefusedOnSave,
    ..Values::KEPT
};

/// Deletions read, and an insertion writes while it finds out whether a record has expired: no question of these traits tells
/// that from one that somebody deletes meanwhile, and to overwrite what comes after a deletion would be our own fault.
static DELETIONS: RwLock<()> = RwLock::const_new(());

/// What is said of every store of such a trait.
fn declared(hooks: StoreHooks) -> StoreHooks {
    let hooks = hooks.with_profile(Profile::Core).with_values(DECLARED).with_wall_clock();
    hooks.with_upsert().with_uncounted_sweep()
}

/// A number of 128 bits that stands for a key, the same in every process of one build.
fn number_of(key: &SessionKey) -> u128 {
    let half = |which: u8| {
        let mut hasher = DefaultHasher::new();
        (which, key.as_str()).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}
