//! The store in memory in front of another one.

use std::collections::HashMap;

use session_core::{Clock, Record, SessionKey, StoreError};
use time::OffsetDateTime;

use super::MemoryStore;
use crate::front::{Front, Lease};

/// More leases than this are not remembered: with the next one all are forgotten, which costs nothing but fillings.
const MOST: usize = 10_000;

/// Who may put something under which key.
#[derive(Debug, Default)]
pub(super) struct Leases(HashMap<SessionKey, Claim>);

#[derive(Debug)]
struct Claim {
    lease: Lease,
    until: OffsetDateTime,
}

impl Leases {
    /// Makes a claim void; tells whether it was there.
    fn end(&mut self, key: &SessionKey, lease: Lease, now: OffsetDateTime) -> bool {
        let claim = self.0.remove(key);
        let mine = claim.as_ref().is_some_and(|claim| claim.lease == lease && now < claim.until);
        if let Some(claim) = claim.filter(|claim| claim.lease != lease) {
            self.0.insert(key.clone(), claim);
        }
        mine
    }

    /// Makes any claim void.
    pub(super) fn void(&mut self, key: &SessionKey) {
        if !self.0.is_empty() {
            self.0.remove(key);
        }
    }

    fn claim(&mut self, key: &SessionKey, lease: Lease, now: OffsetDateTime) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let until = now.saturating_add(Lease::LIFE.try_into().unwrap_or(time::Duration::MAX));
        self.0.insert(key.clone(), Claim { lease, until });
    }

    fn live(&self, key: &SessionKey, now: OffsetDateTime) -> Option<&Claim> {
        self.0.get(key).filter(|claim| now < claim.until)
    }
}

impl<C: Clock> Front for MemoryStore<C> {
    async fn lease(&self, key: &SessionKey, lease: Lease) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut state = self.state();
        let free = state.live(key, now).is_none() && state.leases.live(key, now).is_none();
        if free {
            state.leases.claim(key, lease, now);
        }
        Ok(free)
    }

    async fn hold(&self, key: &SessionKey, lease: Lease) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut state = self.state();
        let alone = state.leases.live(key, now).is_none_or(|claim| !claim.lease.is_writer());
        state.remove(key);
        state.leases.claim(key, lease, now);
        Ok(alone)
    }

    async fn fill(&self, key: &SessionKey, lease: Lease, record: &Record) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut state = self.state();
        let mine = state.leases.end(key, lease, now);
        if mine {
            self.make_room(&mut state, now);
            state.put(key, record);
        }
        Ok(mine)
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2030-01-01 00:00 UTC);

    fn key(number: usize) -> SessionKey {
        SessionKey::parse(&format!("{number:016}")).unwrap()
    }

    #[test]
    fn a_claim_lasts_for_its_time() {
        let (mut leases, lease) = (Leases::default(), Lease::for_reader());
        let over = NOW + Lease::LIFE;
        let last = over - Duration::MICROSECOND;
        leases.claim(&key(1), lease, NOW);
        assert!(leases.live(&key(1), last).is_some() && leases.live(&key(1), over).is_none());
        assert!(leases.live(&key(2), NOW).is_none());
        assert!(leases.end(&key(1), lease, last));
        leases.claim(&key(1), lease, NOW);
        assert!(!leases.end(&key(1), lease, over));
    }

    #[test]
    fn a_claim_is_ended_once_by_whose_it_is_or_by_what_makes_any_void() {
        let (mut leases, lease) = (Leases::default(), Lease::for_writer());
        leases.claim(&key(1), lease, NOW);
        assert!(!leases.end(&key(1), Lease::for_writer(), NOW));
        assert!(leases.live(&key(1), NOW).is_some());
        assert!(leases.end(&key(1), lease, NOW));
        assert!(leases.live(&key(1), NOW).is_none() && !leases.end(&key(1), lease, NOW));
        leases.claim(&key(1), lease, NOW);
        leases.void(&key(1));
        assert!(leases.live(&key(1), NOW).is_none());
    }

    #[test]
    fn all_claims_are_forgotten_before_there_are_too_many() {
        let mut leases = Leases::default();
        for number in 0..MOST {
            leases.claim(&key(number), Lease::for_reader(), NOW);
        }
        assert!((0..MOST).all(|number| leases.live(&key(number), NOW).is_some()));
        leases.claim(&key(MOST), Lease::for_reader(), NOW);
        assert!(leases.live(&key(0), NOW).is_none() && leases.live(&key(MOST), NOW).is_some());
    }
}
