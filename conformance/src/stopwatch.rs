//! How long something takes in real time, also where this very process runs under a clock that is moved.

use std::time::Duration;
#[cfg(not(target_os = "linux"))]
use std::time::Instant;

/// A stopwatch that runs since it was started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(#[cfg(target_os = "linux")] Duration, #[cfg(not(target_os = "linux"))] Instant);

#[cfg(target_os = "linux")]
impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        now().saturating_sub(self.0)
    }
}

/// Asks the kernel: the C library may have been told to answer with another time.
#[cfg(target_os = "linux")]
fn now() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let (seconds, nanoseconds) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default())
}

#[cfg(not(target_os = "linux"))]
impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
