//! The cache in front of another store: leases and holds as values that Django's cache takes for `None`, which is a
//! miss to it.

use session_core::{Clock, Record, SessionKey, StoreError};

use super::{Cache, CacheStore};
use crate::front::{Front, Lease};

/// A pickle that pushes a text of 33 characters, drops it, and pushes `None`.
const BEGIN: &[u8] = b"\x80\x04\x8c\x21";
const END: &[u8] = b"0N.";

/// What the value of a writer's hold has in the place of the first character.
const WRITER: u8 = b'w';

fn claim(lease: Lease) -> Vec<u8> {
    [BEGIN, lease.to_string().as_bytes(), END].concat()
}

/// Whether a value is a lease or a hold.
pub(super) fn is_claim(value: &[u8]) -> bool {
    value.len() == BEGIN.len() + 33 + END.len() && value.starts_with(BEGIN) && value.ends_with(END)
}

fn is_hold(value: &[u8]) -> bool {
    is_claim(value) && value.get(BEGIN.len()) == Some(&WRITER)
}

impl<C: Cache, K: Clock> Front for CacheStore<C, K> {
    async fn lease(&self, key: &SessionKey, lease: Lease) -> Result<bool, StoreError> {
        let Some(place) = self.cache_key(key) else { return Ok(false) };
        let leased = self.cache.add(&place, claim(lease), Lease::LIFE).await;
        leased.map_err(|error| self.error("lease a session", key, error))
    }

    async fn hold(&self, key: &SessionKey, lease: Lease) -> Result<bool, StoreError> {
        // Where nothing can be, nothing has to be kept away.
        let Some(place) = self.cache_key(key) else { return Ok(true) };
        let before = self.cache.exchange(&place, claim(lease), Lease::LIFE).await;
        let before = before.map_err(|error| self.error("hold a session", key, error))?;
        Ok(!before.is_some_and(|before| is_hold(&before)))
    }

    async fn fill(&self, key: &SessionKey, lease: Lease, record: &Record) -> Result<bool, StoreError> {
        let (Some(place), Some(life)) = (self.cache_key(key), self.life(record)) else { return Ok(false) };
        let value = self.encode(key, &record.data)?;
        let filled = self.cache.swap(&place, &claim(lease), value, life).await;
        filled.map_err(|error| self.error("fill in a session", key, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_known_and_tells_whose_it_is() {
        let (reader, writer) = (claim(Lease::for_reader()), claim(Lease::for_writer()));
        assert!(is_claim(&reader) && !is_hold(&reader));
        assert!(is_claim(&writer) && is_hold(&writer));
        assert_ne!(writer, claim(Lease::for_writer()));
    }
}
