//! The traits of other crates, raw: the suite calls a store's own operations and hides nothing. What it
//! gives is taken, expired or not, and nothing is looked up that the trait's own framework does not look up, unless the trait
//! leaves no other way.
//!
//! What such a trait cannot promise is declared here for all of its stores, and the rules on it do not apply:
//!
//! - *upsert*: the trait saves without a word about what was there, so that a save may bring a deleted session back;
//! - *no order*, where entries are a map;
//! - *its own values*: what a trait has no type for is refused when it is saved. Where values are those of `serde_json`, so are
//!   integers beyond 2^53 and nesting of more than 100, which the readers of most stores change or refuse.
//!
//! They are held to the rules for the sessions of every framework, the profile [`Core`](Profile::Core), until the
//! [suite](crate::Suite::profile) is told otherwise.
//!
//! Most of these stores ask the machine's clock, so that their level is [`Wall`](crate::manifest::ClockLevel::Wall) until
//! the [suite](crate::Suite::clock) is told otherwise.
//!
//! - `actix_session/`: `actix-session`, whose stores cannot leave their thread
//! - `axum_session.rs`: the databases of `axum_session`
//! - `tower_sessions/`: `tower-sessions`, in three versions of its core
//! - `entries.rs`: the data of a session in the forms that the first and the last have for it

#[cfg(feature = "actix-session-011")]
pub mod actix_session;
#[cfg(feature = "axum-session-022")]
pub mod axum_session;
#[cfg(any(
    feature = "actix-session-011",
    feature = "tower-sessions-012",
    feature = "tower-sessions-014",
    feature = "tower-sessions-015"
))]
mod entries;
#[cfg(any(feature = "tower-sessions-012", feature = "tower-sessions-014", feature = "tower-sessions-015"))]
mod tower_sessions;

#[cfg(feature = "tower-sessions-012")]
pub use tower_sessions::v012 as tower_sessions_012;
#[cfg(feature = "tower-sessions-014")]
pub use tower_sessions::v014 as tower_sessions_014;
#[cfg(feature = "tower-sessions-015")]
pub use tower_sessions::v015 as tower_sessions_015;

use crate::manifest::Values;
use crate::rule::Profile;
use crate::subject::StoreHooks;

/// What is said of every store of such a trait.
fn declared(hooks: StoreHooks, values: Values) -> StoreHooks {
    let hooks = hooks.with_profile(Profile::Core).with_values(values).with_wall_clock();
    hooks.with_upsert()
}
