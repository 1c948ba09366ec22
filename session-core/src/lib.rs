//! Web sessions with Django's semantics: the session, the store trait, and the formats. No I/O happens
//! here but in the stores, and nothing but the [`Clock`] and the [`KeyGenerator`] is asked for time or
//! chance.
//!
//! - A [`SessionStore`] keeps [`Record`]s under [`SessionKey`]s: the session's [`Entries`], names with JSON texts, and
//!   the instant from which it no longer exists. It is the one trait a store implements;
//!   its methods are async, and say what they refuse.
//! - A [`Session`] is what a request works with. Opening it reads nothing. [`Session::data`] reads the
//!   record the first time and gives the [`SessionData`], a dictionary whose operations are synchronous.
//!   [`Session::save`] writes it; a record that was deleted meanwhile is not brought back.
//! - A [`SessionContext`] holds what all sessions of an application share: [`Settings`], clock, source of keys.
//!
//! ```
//! use session_core::blocking::Wait;
//! use session_core::{SessionContext, Session, SessionStore, Settings};
//!
//! fn visit(store: impl SessionStore, cookie: Option<&str>) -> Result<u64, session_core::SessionError> {
//!     let mut session = Session::open(store, SessionContext::new(Settings::default()), cookie);
//!     let data = session.data().wait()?;
//!     let visits = data.get_as::<u64>("visits")?.unwrap_or(0) + 1;
//!     data.insert("visits", visits)?;
//!     session.save().wait()?;
//!     Ok(visits)
//! }
//! ```
//!
//! What a request's cookie and an answer's headers have to do with all this is in [`middleware`].
//!
//! A program without a runtime waits with [`blocking::Wait`]; [`AnyStore`] hides which engine a store has, and has
//! those that block work on other threads, by [`Offload`].
//!
//! The behaviour is specified rule by rule in the project's `docs/spec`, and checked against Django.

// On docs.rs each item says the feature that it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod data;
mod entries;
mod erased;
mod error;
mod expiry;
mod key;
mod offload;
mod record;
mod session;
mod store;
mod time_zone;

pub mod blocking;
pub mod codec;
pub mod json;
pub mod middleware;
pub mod settings;
pub mod signing;

pub use clock::{Clock, ManualClock, SystemClock};
pub use data::SessionData;
pub use entries::Entries;
pub use erased::{AnyStore, BoxFuture};
#[doc(hidden)]
pub use error::in_brackets;
pub use error::{BoxError, Chain, SessionError, StoreError};
pub use expiry::{Expiry, ExpiryQuery, stored_expiry};
pub use key::{KeyGenerator, RandomKeys, SessionKey};
pub use offload::{Offload, OffloadLimits};
pub use record::Record;
/// A JSON value. The feature that keeps the order of entries (`preserve_order`) is switched on.
pub use serde_json::Value;
pub use session::{Session, SessionContext};
pub use settings::{Secret, Settings, SettingsError};
pub use store::{Capabilities, ClearExpired, Consistency, ExpiredRecords, SessionStore};
pub use time_zone::TimeZone;
