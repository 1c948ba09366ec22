//! Removing what has expired, and what killed writers have left, from a directory in which others write meanwhile.

use std::ffi::OsStr;
use std::fs::{self, Metadata, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use session_core::Clock;
use tempfile::TempPath;
use time::Duration;

use super::{FileStore, IN_THE_MAKING, Stored, platform, remove, without_path};

/// So old is a file in the making when its writer must be dead.
const ABANDONED: Duration = Duration::hours(1);

impl<C: Clock> FileStore<C> {
    /// Removes the files of all expired sessions; gives their number. A file that cannot be looked at is skipped,
    /// and the log tells how many were.
    pub(super) fn sweep(&self) -> io::Result<u64> {
        let (mut removed, mut skipped, mut reason) = (0, 0_u64, None);
        for entry in fs::read_dir(&self.directory)? {
            match self.sweep_one(&entry?.file_name()) {
                Ok(cleared) => removed += u64::from(cleared),
                Err(error) => {
                    skipped += 1;
                    reason.get_or_insert(error);
                }
            }
        }
        if let Some(reason) = reason {
            // Names of files are keys: none is shown.
            tracing::warn!(
                target: "session_backends::file",
                skipped,
                "the sweep of the session directory {} skipped {skipped} files that it could not look at or \
                 remove; the first: {reason}",
                self.directory.display()
            );
        }
        if removed > 0 {
            self.sync_directory()?;
        }
        Ok(removed)
    }

    /// Looks at one file; tells whether a session went.
    fn sweep_one(&self, name: &OsStr) -> io::Result<bool> {
        // What has another name is another one's.
        let Some(name) = name.to_str() else { return Ok(false) };
        if self.is_in_the_making(name) {
            self.clear_abandoned(&self.directory.join(name))?;
            return Ok(false);
        }
        let key = name.strip_prefix(&*self.prefix).filter(|key| !key.is_empty());
        key.and_then(|key| self.file(key)).map_or(Ok(false), |path| self.clear(&path))
    }

    /// Whether it is a file in the making, of this store or of Django's engine.
    fn is_in_the_making(&self, name: &str) -> bool {
        if name.starts_with(&self.making()) {
            return true;
        }
        let rest = name.strip_prefix(&*self.prefix).and_then(|rest| rest.split_once(IN_THE_MAKING));
        rest.is_some_and(|(key, _)| !key.is_empty() && self.file(key).is_some())
    }

    fn clear_abandoned(&self, path: &Path) -> io::Result<()> {
        if let Some(stored) = self.read(path)?
            && stored.modified.saturating_add(ABANDONED) < self.clock.now()
            && !is_at_work_on(&stored)
        {
            remove(path)?;
        }
        Ok(())
    }

    /// Removes a record's file if it has expired and nobody renews it.
    fn clear(&self, path: &Path) -> io::Result<bool> {
        let Some(stored) = self.read(path)? else { return Ok(false) };
        let expires = self.decode(&stored).map_or_else(|_| self.latest(&stored), |record| record.expires);
        if expires >= self.clock.now() {
            return Ok(false);
        }
        // Where a file system has no locks, what follows is enough, but for a moment in which a renewed session seems to
        // be gone.
        if is_at_work_on(&stored) { Ok(false) } else { self.take_away(path, &stored) }
    }

    /// Removes this very file. Django locks nothing: what it has put there meanwhile goes back.
    fn take_away(&self, path: &Path, stored: &Stored) -> io::Result<bool> {
        let is_it = |metadata: &Metadata| platform::identity(metadata) == stored.identity;
        if !self.metadata(path)?.as_ref().is_some_and(is_it) {
            return Ok(false);
        }
        let Some(aside) = self.move_aside(path)? else { return Ok(false) };
        // What cannot be looked at may be a session that somebody has renewed.
        if fs::symlink_metadata(&aside).is_ok_and(|metadata| is_it(&metadata)) {
            return Ok(true);
        }
        put_back(aside, path).map(|()| false)
    }

    /// Gives a record's file the name of one in the making, under which it is removed at the end; `None` if somebody else
    /// has removed it.
    fn move_aside(&self, path: &Path) -> io::Result<Option<TempPath>> {
        let aside = tempfile::Builder::new().prefix(&self.making()).tempfile_in(&self.directory);
        let aside = aside.map_err(without_path)?.into_temp_path();
        match fs::rename(path, &aside) {
            Ok(()) => Ok(Some(aside)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Gives a file its name back. If another one has come after it, it goes; if it cannot have its name, it stays where it is.
fn put_back(aside: TempPath, path: &Path) -> io::Result<()> {
    match aside.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => {
            let _ = error.path.keep();
            Err(without_path(error.error))
        }
        _ => Ok(()),
    }
}

/// Whether a writer is at work on a file: it locks the one that it makes, and the one that it replaces. If none is, the sweep
/// has locked the file itself, until it drops it.
fn is_at_work_on(stored: &Stored) -> bool {
    matches!(stored.file.try_lock(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    #[cfg(unix)]
    use std::time::SystemTime;

    use session_core::{ManualClock, Settings};
    use time::OffsetDateTime;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2030-01-01 00:00 UTC);

    fn opened(directory: &Path) -> FileStore<ManualClock> {
        FileStore::open_with_clock(directory, &Settings::new("secret"), ManualClock::new(NOW)).unwrap()
    }

    /// The path of a session that expired a year ago.
    fn expired(store: &FileStore<ManualClock>) -> PathBuf {
        let path = store.file(&"a".repeat(32)).unwrap();
        assert!(store.place(&path, "not a session", NOW - time::Duration::days(365)).unwrap());
        path
    }

    /// Tells later whether a directory still has all files that it has now, under the same names. Elsewhere a directory is
    /// not opened as a file is.
    #[cfg(unix)]
    fn untouched(directory: &Path) -> impl Fn() -> bool {
        let directory = fs::File::open(directory).unwrap();
        let modified = SystemTime::from(NOW);
        directory.set_modified(modified).unwrap();
        move || directory.metadata().unwrap().modified().unwrap() == modified
    }

    #[test]
    fn a_sweep_lets_be_what_somebody_makes_or_replaces() {
        let directory = tempfile::tempdir().unwrap();
        let store = opened(directory.path());
        let made = store.make("a text", NOW - time::Duration::days(365)).unwrap();
        let path = expired(&store);
        let turn = store.turn_at(&path).unwrap();
        assert!(turn.is_some());
        assert_eq!(store.sweep().unwrap(), 0);
        assert!(made.path().exists() && path.exists());
        drop(turn);
        assert_eq!(store.sweep().unwrap(), 1);
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_file_that_was_looked_at_is_taken_away() {
        let directory = tempfile::tempdir().unwrap();
        let store = opened(directory.path());
        let path = expired(&store);
        let looked_at = store.read(&path).unwrap().unwrap();
        let renewed = store.make("another text", NOW).unwrap();
        fs::rename(renewed.path(), &path).unwrap();
        let untouched = untouched(directory.path());
        assert!(!store.take_away(&path, &looked_at).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"another text");
        assert!(untouched(), "not even for a moment is it away");
        let looked_at = store.read(&path).unwrap().unwrap();
        assert!(store.take_away(&path, &looked_at).unwrap());
        // Somebody else was quicker.
        assert!(!path.exists() && !store.take_away(&path, &looked_at).unwrap());
        // What cannot be looked at is an error.
        let below = path.join("a-file");
        fs::write(&path, "a file has nothing below it").unwrap();
        assert!(store.take_away(&below, &looked_at).is_err());
    }

    #[test]
    fn what_has_changed_at_the_last_moment_goes_back_unless_another_one_has_come_after_it() {
        let directory = tempfile::tempdir().unwrap();
        let store = opened(directory.path());
        let path = expired(&store);
        let aside = store.move_aside(&path).unwrap().unwrap();
        assert!(!path.exists() && aside.exists());
        put_back(aside, &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"not a session");
        let aside = store.move_aside(&path).unwrap().unwrap();
        fs::write(&path, "another one").unwrap();
        let old = aside.to_path_buf();
        put_back(aside, &path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"another one");
        assert!(!old.exists());
        fs::remove_file(&path).unwrap();
        assert!(store.move_aside(&path).unwrap().is_none(), "somebody else has removed it");
    }

    #[cfg(unix)]
    #[test]
    fn what_can_be_moved_neither_away_nor_back_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let store = opened(directory.path());
        let path = expired(&store);
        let below = path.join("a-file-has-nothing-below-it");
        assert!(store.move_aside(&below).is_err());
        let aside = store.move_aside(&path).unwrap().unwrap();
        let old = aside.to_path_buf();
        fs::write(&path, "").unwrap();
        assert!(put_back(aside, &below).is_err());
        assert_eq!(fs::read(&old).unwrap(), b"not a session", "nothing is lost");
    }
}
