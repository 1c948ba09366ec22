//! Web sessions with Django's semantics.

mod clock;
mod error;
mod key;
mod record;
mod store;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::StoreError;
pub use key::{KeyGenerator, RandomKeys, SessionKey};
pub use record::{Map, Record, Value};
pub use store::{Capabilities, ClearExpired, ExpiredRecords, SessionStore};
