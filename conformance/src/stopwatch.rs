//! How long something takes in real time, also where this very process runs under a clock that is moved.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
#[cfg(not(target_os = "linux"))]
use std::time::Instant;

use time::{Date, OffsetDateTime};

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
    ask(rustix::time::ClockId::Monotonic)
}

#[cfg(target_os = "linux")]
fn ask(clock: rustix::time::ClockId) -> Duration {
    let now = rustix::time::clock_gettime(clock);
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

/// Waits for a message for so long in real time. Whoever moves the clock of this process while it waits does not make it
/// give up.
pub(crate) fn receive<T>(from: &Receiver<T>, patience: Duration) -> Result<T, RecvTimeoutError> {
    let waiting = Stopwatch::start();
    loop {
        let left = patience.saturating_sub(waiting.elapsed());
        match from.recv_timeout(left) {
            Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
            received => return received,
        }
    }
}

/// The real date, in UTC.
pub(crate) fn today() -> Date {
    #[cfg(target_os = "linux")]
    let since = ask(rustix::time::ClockId::Realtime);
    #[cfg(not(target_os = "linux"))]
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH).date()
}
