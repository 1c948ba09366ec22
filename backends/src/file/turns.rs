//! Where two files cannot change places in one step: this process takes turns with itself.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The first file takes the place of the second, which must be there. One at a time in this process.
pub(super) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    let _turn = turn();
    fs::symlink_metadata(other)?;
    fs::rename(one, other)
}

/// Removes a file, in turn with [`exchange`].
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let _turn = turn();
    fs::remove_file(path)
}

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
