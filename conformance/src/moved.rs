//! Clocks that are moved from outside, for subjects that read a clock of their own.
//!
//! The library that a program loads for it, and the file that it reads, are in the crate `session-clock`. Here is what
//! the suite does with them: it sets the clock before each request, and first sees whether it obeys. A program that tells
//! another time than the one that was set is not moved, whatever it says of itself.
//!
//! A Rust store that reads the system's clock is moved with the very program that it is in: [`restart`] starts that
//! again, under a clock.

use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

pub use session_clock::{ClockError, Monotonic, MovedClock, VARIABLE};

use crate::instant::date;
use crate::manifest::{ClockLevel, Manifest, Reach};
use crate::subject::StoreHooks;
use crate::trace::START;

const SECOND: i64 = 1_000_000;

/// In microseconds.
const YEAR: i64 = 365 * 86_400 * SECOND;

/// What the clocks of most programs can show. Those that keep the date in 64 bits of nanoseconds, as Python does, come
/// to the year 2262.
pub const REACH: Reach = Reach { span: 230 * YEAR, resolution: 1 };

/// By how much a clock may be moved over all traces before the program is started again.
const WORN: i64 = 20 * YEAR;

/// The instants at which a program is asked for its time. They are far from each other and from any present.
const PROBES: [i64; 3] = [START, START + 3_600 * SECOND + 1, START + 40 * 86_400 * SECOND];

/// The variable that tells this program that it was started again.
const RESTARTED: &str = "SESSIONSPEC_RESTARTED";

/// Whether a program whose clock was set shows that: it may count in whole seconds.
///
/// # Errors
/// A sentence that says what it shows instead.
pub fn obeys(set: i64, told: i64) -> Result<(), String> {
    if (0..SECOND).contains(&set.saturating_sub(told)) {
        return Ok(());
    }
    Err(format!("its clock was set to {} and it tells {}", date(set), date(told)))
}

/// The clock under which a program is driven.
#[derive(Debug)]
pub struct Mover {
    clock: MovedClock,
    /// Whether others run under it, which cannot be started again.
    shared: bool,
}

impl Mover {
    /// A new clock; or, where the variable `SESSIONSPEC_CLOCK` names the clock of a server that runs, that one.
    ///
    /// # Errors
    /// [`ClockError`].
    pub fn new(monotonic: Monotonic) -> Result<Self, ClockError> {
        match std::env::var_os(VARIABLE) {
            Some(path) => Ok(Self { clock: MovedClock::open(Path::new(&path))?, shared: true }),
            None => Self::apart(monotonic),
        }
    }

    /// A clock of a program's own, whatever the variable says.
    ///
    /// # Errors
    /// [`ClockError`].
    pub fn apart(monotonic: Monotonic) -> Result<Self, ClockError> {
        Ok(Self { clock: MovedClock::with(monotonic)?, shared: false })
    }

    /// The clock.
    pub fn clock(&self) -> &MovedClock {
        &self.clock
    }

    /// Sets the clock, in microseconds since the Unix epoch; tells whether that is another instant than before.
    ///
    /// # Errors
    /// A sentence, if the file cannot be written.
    pub fn set(&mut self, now: i64) -> Result<bool, String> {
        if self.clock.instant() == Some(now) {
            return Ok(false);
        }
        self.clock.set(now).map_err(|error| error.to_string())?;
        Ok(true)
    }

    /// Whether the program should be started again before the next trace, since its monotonic clocks have come far.
    pub fn is_worn(&self) -> bool {
        !self.shared && self.clock.moved() > WORN
    }

    /// Sets the clock for a program that is not started yet: no other one runs under it.
    ///
    /// # Errors
    /// A sentence, if the file cannot be written.
    pub fn renew(&mut self, now: i64) -> Result<(), String> {
        if self.shared {
            return self.set(now).map(drop);
        }
        self.clock.renew(now).map_err(|error| error.to_string())
    }

    /// Sees whether a program obeys: it is asked for its time after each of several moves, and
    /// told the instant.
    ///
    /// # Errors
    /// A sentence that says how it does not.
    pub fn test(&mut self, mut ask: impl FnMut(i64) -> Result<i64, String>) -> Result<String, String> {
        for probe in PROBES {
            self.set(probe)?;
            obeys(probe, ask(probe)?)?;
        }
        Ok(format!("the subject told its time {} times as it was set", PROBES.len()))
    }
}

impl Drop for Mover {
    /// Servers that others have started go on in real time.
    fn drop(&mut self) {
        if self.shared && self.clock.instant().is_some() {
            // If that fails, the file is no more.
            let _ = self.clock.release();
        }
    }
}

/// Notes in a manifest that the subject's clock is moved, how that was seen, and what it can show.
pub(crate) fn moved(manifest: &mut Manifest, test: String, reach: Reach) {
    (manifest.clock, manifest.clock_test, manifest.clock_reach) = (ClockLevel::Moved, test, reach);
}

/// Notes that it is not, though it should be.
pub(crate) fn fallen_back(manifest: &mut Manifest, reason: &str) {
    manifest.clock = ClockLevel::Wall;
    manifest.clock_reach.span = Reach::ANY.span;
    manifest.clock_test = format!("waited for, and not moved: {reason}");
}

/// What became of a program that wants to run under a clock.
#[derive(Debug)]
pub enum Restart {
    /// This is the program that was started again: the clock under which it runs.
    Under(MovedClock),
    /// The program was started again, and has ended so. There is nothing left to do but to end so, too.
    Ended(ExitCode),
}

/// Starts this program again under a clock that can be moved, with the same arguments, and waits for its end. In the
/// program that was started so, gives the clock. To be called first of all in `main`.
///
/// [`hooks`] makes of the clock what a store needs.
///
/// # Errors
/// [`ClockError`] where clocks cannot be moved: then nothing was started, and the store's clock has to be waited for.
pub fn restart() -> Result<Restart, ClockError> {
    if std::env::var_os(RESTARTED).is_some()
        && let Some(path) = std::env::var_os(VARIABLE)
    {
        return MovedClock::open(Path::new(&path)).map(Restart::Under);
    }
    let clock = MovedClock::new()?;
    let program = std::env::current_exe().map_err(ClockError::NotStarted)?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).envs(clock.environment()).env(RESTARTED, "yes");
    let status = command.status().map_err(ClockError::NotStarted)?;
    Ok(Restart::Ended(code(status)))
}

fn code(status: ExitStatus) -> ExitCode {
    // One that was killed has no code.
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Has a store moved that reads the clock of this very process, which runs under it.
///
/// # Errors
/// A sentence, if this process does not obey.
pub fn hooks(hooks: StoreHooks, clock: MovedClock) -> Result<StoreHooks, String> {
    let (test, to) = moving(clock)?;
    Ok(hooks.with_moved_clock(test, REACH, to))
}

/// Moves the clock of this process to an instant, in microseconds since the Unix epoch.
type Move = Box<dyn FnMut(i64) -> Result<(), String>>;

/// How this process was seen to obey, and what moves its clock.
fn moving(clock: MovedClock) -> Result<(String, Move), String> {
    let mut mover = Mover { clock, shared: true };
    let test = mover.test(|_| own_time())?;
    let to = move |now| {
        if mover.set(now)? {
            obeys(now, own_time()?)?;
        }
        Ok(())
    };
    Ok((test, Box::new(to)))
}

/// Has a store moved that reads the clock of this very process, if that was [started again](restart) under one. If it was
/// not, or does not obey, its clock is waited for, and the report says why.
pub(crate) fn here(hooks: StoreHooks) -> StoreHooks {
    let opened = match std::env::var_os(VARIABLE) {
        Some(path) => MovedClock::open(Path::new(&path)).map_err(|error| error.to_string()),
        None => Err(MovedClock::new().map_or_else(
            |error| error.to_string(),
            |_| "this program was not started again under a clock".into(),
        )),
    };
    match opened.and_then(moving) {
        Ok((test, to)) => hooks.with_moved_clock(test, REACH, to),
        Err(reason) => hooks.with_unmoved_clock(reason),
    }
}

/// What time it is for this process, in microseconds since the Unix epoch.
pub(crate) fn own_time() -> Result<i64, String> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let micros = now.ok().and_then(|since| i64::try_from(since.as_micros()).ok());
    micros.ok_or_else(|| "the time of this process is out of all bounds".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_waited_for_counts_as_coarsely_as_the_one_that_should_be_moved() {
        let mut manifest = Manifest::reference();
        manifest.clock_reach = Reach { resolution: SECOND, ..REACH };
        fallen_back(&mut manifest, "there is no library");
        assert_eq!(
            (manifest.clock, manifest.clock_reach),
            (ClockLevel::Wall, Reach { resolution: SECOND, ..Reach::ANY })
        );
    }
}
