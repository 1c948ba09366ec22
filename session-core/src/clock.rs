//! Where time comes from. Nothing else in the project reads a clock, so that a test can hold time
//! still and step over the instant at which a session expires.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};

/// A source of the present instant, in UTC, with the microsecond resolution of Python's `datetime`.
///
/// Django's counterpart is `django.utils.timezone.now`.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present instant.
    fn now(&self) -> OffsetDateTime;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> OffsetDateTime {
        (**self).now()
    }
}

/// The machine's clock, cut to whole microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        let now = OffsetDateTime::now_utc();
        now - Duration::nanoseconds(i64::from(now.nanosecond() % 1_000))
    }
}

/// A clock that stands still until it is told to move. Clones share one time.
///
/// ```
/// use session_core::{Clock, ManualClock};
/// use time::macros::datetime;
///
/// let clock = ManualClock::new(datetime!(2030-01-01 00:00 UTC));
/// let of_the_store = clock.clone();
/// clock.advance(time::Duration::days(14));
/// assert_eq!(of_the_store.now(), datetime!(2030-01-15 00:00 UTC));
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock {
    /// Microseconds since the Unix epoch.
    micros: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that shows `now`, cut to whole microseconds.
    pub fn new(now: OffsetDateTime) -> Self {
        let clock = Self { micros: Arc::new(AtomicI64::new(0)) };
        clock.set(now);
        clock
    }

    /// Shows `now` from here on.
    pub fn set(&self, now: OffsetDateTime) {
        let micros = now.unix_timestamp() * 1_000_000 + i64::from(now.microsecond());
        self.micros.store(micros, Ordering::SeqCst);
    }

    /// Moves on by `step`, or back if it is negative.
    pub fn advance(&self, step: Duration) {
        self.set(self.now().saturating_add(step));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        let micros = self.micros.load(Ordering::SeqCst);
        // Every value was stored by `set` from an `OffsetDateTime`, so the sum is in range.
        OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::microseconds(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_manual_clock_share_one_time() {
        let clock = ManualClock::new(OffsetDateTime::UNIX_EPOCH);
        let other = clock.clone();
        clock.advance(Duration::microseconds(1_500_001));
        assert_eq!(other.now() - OffsetDateTime::UNIX_EPOCH, Duration::microseconds(1_500_001));
    }

    #[test]
    fn the_system_clock_has_whole_microseconds() {
        let before = OffsetDateTime::now_utc();
        let now = SystemClock.now();
        assert_eq!(now.nanosecond() % 1_000, 0);
        assert!(now > before - Duration::microseconds(1) && now <= OffsetDateTime::now_utc());
    }
}
