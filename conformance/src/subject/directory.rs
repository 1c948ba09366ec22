//! Where the files of a store are: in a temporary directory, or below a place that somebody else names and clears
//! away, where another process can take them over.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Fault;
use super::env::unused_name;

/// What stands before the number of a storage: what has another name is not ours, and stays.
const PREFIX: &str = "sessionspec-";

/// The file in a place that has the name of the environment there.
const NAME: &str = "sessionspec-name";

/// The directory of a storage.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Removes the directory when it is dropped.
    temporary: Option<TempDir>,
    place: Option<PathBuf>,
}

impl Directory {
    /// A temporary one.
    pub(super) fn temporary() -> Result<Self, Fault> {
        let made = temporary()?;
        Ok(Self { path: made.path().into(), temporary: Some(made), place: None })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Names the place below which storages are from now on.
    pub(super) fn place(&mut self, place: &Path) {
        self.place = Some(place.into());
    }

    /// Goes to an empty directory, and clears away what was before.
    pub(super) fn renew(&mut self) -> Result<(), Fault> {
        let Some(place) = self.place.clone() else {
            // Most stores that keep sessions in memory leave it alone, and thousands of traces are run.
            if is_used(&self.path)? {
                *self = Self::temporary()?;
            }
            return Ok(());
        };
        let mut numbers = numbers(&place)?;
        let last = numbers.pop().unwrap_or_default();
        let is_fit = last > 0 && !is_used(&numbered(&place, last))?;
        for number in numbers.into_iter().chain((last > 0 && !is_fit).then_some(last)) {
            let old = numbered(&place, number);
            fs::remove_dir_all(&old).map_err(|error| fault(&old, &error))?;
        }
        // Another name, so that nobody who still has the old one open meets the new one.
        self.path = numbered(&place, if is_fit { last } else { last.saturating_add(1) });
        self.temporary = None;
        fs::create_dir_all(&self.path).map_err(|error| fault(&self.path, &error))
    }

    /// Goes to the directory that somebody was in before, in the same place.
    pub(super) fn take_over(&mut self) -> Result<(), Fault> {
        let Some(place) = &self.place else { return Ok(()) };
        let last = numbers(place)?.pop();
        let last = last
            .ok_or_else(|| Fault::Harness(format!("{}: there is nothing to take over", place.display())))?;
        self.path = numbered(place, last);
        self.temporary = None;
        Ok(())
    }

    /// Leaves the name of the environment for a process that takes over, if there is a place for that.
    pub(super) fn keep_name(&self, name: &str) -> Result<(), Fault> {
        let Some(place) = &self.place else { return Ok(()) };
        let file = place.join(NAME);
        fs::write(&file, name).map_err(|error| fault(&file, &error))
    }

    /// The name that another process has left.
    pub(super) fn kept_name(&self) -> Result<String, Fault> {
        let Some(place) = &self.place else { return Ok(unused_name()) };
        let file = place.join(NAME);
        let name = fs::read_to_string(&file).map_err(|error| fault(&file, &error))?;
        // It may become part of a statement in SQL.
        let is_name = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
        if name.len() <= 63 && !name.is_empty() && name.bytes().all(is_name) {
            return Ok(name);
        }
        Err(Fault::Harness(format!("{}: this is no name of an environment", file.display())))
    }
}

/// A directory that goes when it is dropped.
pub(super) fn temporary() -> Result<TempDir, Fault> {
    let made = tempfile::Builder::new().prefix(PREFIX).tempdir();
    made.map_err(|e| Fault::Harness(format!("cannot make a temporary directory: {e}")))
}

/// The storage of this number in a place.
fn numbered(place: &Path, number: u64) -> PathBuf {
    place.join(format!("{PREFIX}{number}"))
}

/// The numbers of the storages in a place, the latest at last.
fn numbers(place: &Path) -> Result<Vec<u64>, Fault> {
    let entries = fs::read_dir(place).map_err(|error| fault(place, &error))?;
    let named =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix(PREFIX)?.parse().ok());
    let mut numbers: Vec<u64> = named.collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Whether a directory has anything in it.
fn is_used(path: &Path) -> Result<bool, Fault> {
    let mut entries = fs::read_dir(path).map_err(|error| fault(path, &error))?;
    Ok(entries.next().is_some())
}

fn fault(path: &Path, error: &std::io::Error) -> Fault {
    Fault::Harness(format!("{}: {error}", path.display()))
}
