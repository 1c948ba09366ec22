//! The file of a clock: written here, mapped by the library in the program.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::layout::{COUNTER, GOES_ON, LENGTH, MAGIC, MONOTONIC, REAL, SLOT, SLOTS, STANDS};
use crate::{ClockError, Monotonic};

/// The file, open for writing. Who sets it locks it: two who did would not know what time it is.
#[derive(Debug)]
pub(crate) struct ClockFile {
    file: File,
    is_locked: bool,
    counter: u8,
    /// The instant, in microseconds since the Unix epoch; `None` if it was never set.
    instant: Option<i64>,
    /// By how many microseconds it was moved forward altogether.
    moved: i64,
}

impl ClockFile {
    /// Makes the file, of a clock that was never set.
    pub(crate) fn create(path: &Path, monotonic: Monotonic) -> Result<Self, ClockError> {
        let mut bytes = [0; LENGTH];
        bytes[..MAGIC.len()].copy_from_slice(&MAGIC);
        bytes[MONOTONIC] = match monotonic {
            Monotonic::GoesOn => GOES_ON,
            Monotonic::Stands => STANDS,
        };
        for slot in [SLOTS, SLOTS + SLOT] {
            bytes[slot..slot + SLOT].copy_from_slice(&contents(REAL, 0));
        }
        let made = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let mut file = made.map_err(|error| ClockError::file(path, error))?;
        file.write_all(&bytes).map_err(|error| ClockError::file(path, error))?;
        Ok(Self { file, is_locked: false, counter: 0, instant: None, moved: 0 })
    }

    /// Opens a file that another process has made.
    pub(crate) fn open(path: &Path) -> Result<Self, ClockError> {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let file = opened.map_err(|error| ClockError::file(path, error))?;
        let mut clock = Self { file, is_locked: false, counter: 0, instant: None, moved: 0 };
        clock.read(path)?;
        Ok(clock)
    }

    fn read(&mut self, path: &Path) -> Result<(), ClockError> {
        let mut bytes = [0; LENGTH];
        match self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.read_exact(&mut bytes)) {
            Ok(()) if bytes.starts_with(&MAGIC) => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(ClockError::file(path, error));
            }
            _ => return Err(ClockError::NoClock(path.into())),
        }
        self.counter = bytes[COUNTER];
        let at = slot(self.counter);
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at..at + 8]);
            i64::from_ne_bytes(number)
        };
        self.instant = Some(number(at)).filter(|instant| *instant != REAL);
        self.moved = number(at + 8);
        Ok(())
    }

    /// Before the first change. Others may have set the clock since it was opened.
    fn lock(&mut self, path: &Path) -> Result<(), ClockError> {
        if !self.is_locked {
            self.file.try_lock().map_err(|error| match error {
                TryLockError::WouldBlock => ClockError::InUse(path.into()),
                TryLockError::Error(error) => ClockError::file(path, error),
            })?;
            self.is_locked = true;
            self.read(path)?;
        }
        Ok(())
    }

    pub(crate) fn instant(&self) -> Option<i64> {
        self.instant
    }

    pub(crate) fn moved(&self) -> i64 {
        self.moved
    }

    /// Sets the clock. Programs see the old instant or the new one, and nothing between.
    pub(crate) fn set(&mut self, path: &Path, instant: i64) -> Result<(), ClockError> {
        self.lock(path)?;
        // From real time nobody knows how far it is: programs see none of it on their monotonic clocks.
        let forward = self.instant.map_or(0, |before| instant.saturating_sub(before).max(0));
        self.change(path, instant, self.moved.saturating_add(forward))
    }

    /// Sets the clock for programs that were not started yet, whose monotonic clocks begin anew.
    pub(crate) fn renew(&mut self, path: &Path, instant: i64) -> Result<(), ClockError> {
        self.lock(path)?;
        self.change(path, instant, 0)
    }

    /// Shows real time again.
    pub(crate) fn release(&mut self, path: &Path) -> Result<(), ClockError> {
        self.lock(path)?;
        self.change(path, REAL, self.moved)?;
        self.instant = None;
        Ok(())
    }

    fn change(&mut self, path: &Path, instant: i64, moved: i64) -> Result<(), ClockError> {
        let counter = self.counter.wrapping_add(1);
        let mut write = || {
            self.write(slot(counter), &contents(instant, moved))?;
            self.write(COUNTER, &[counter])
        };
        write().map_err(|error| ClockError::file(path, error))?;
        (self.counter, self.instant, self.moved) = (counter, Some(instant), moved);
        Ok(())
    }

    fn write(&mut self, at: usize, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(at as u64))?;
        self.file.write_all(bytes)
    }
}

impl Drop for ClockFile {
    /// Closing the file would leave the lock to a program that is being started on another thread, for as long as that still
    /// has our files open.
    fn drop(&mut self) {
        if self.is_locked {
            // There is nobody left to be told of a failure.
            let _ = self.file.unlock();
        }
    }
}

/// Where the slot is that a counter names.
fn slot(counter: u8) -> usize {
    SLOTS + SLOT * usize::from(counter & 1)
}

fn contents(instant: i64, moved: i64) -> [u8; SLOT] {
    let mut bytes = [0; SLOT];
    bytes[..8].copy_from_slice(&instant.to_ne_bytes());
    bytes[8..].copy_from_slice(&moved.to_ne_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_goes_with_the_clock_also_while_a_process_that_is_being_started_has_the_file() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("clock");
        let mut clock = ClockFile::create(&path, Monotonic::GoesOn).unwrap();
        let mut other = ClockFile::open(&path).unwrap();
        clock.set(&path, 1).unwrap();
        // As a fork has it until it runs its program.
        let _inherited = clock.file.try_clone().unwrap();
        assert!(matches!(other.set(&path, 2), Err(ClockError::InUse(_))));
        drop(clock);
        other.set(&path, 2).unwrap();
    }
}
