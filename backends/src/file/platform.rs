//! What systems do differently about files: opening without following links, owners, replacing, flushing a directory.
//!
//! On Linux and macOS two files change places in one step. Elsewhere this process takes turns with itself, and a
//! session that another process deletes in the same moment may come back.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file for reading; a symbolic link, and what would wait for a writer, is not followed.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;

        // The link itself is opened, and is no plain file then.
        const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT);
    }
    options.open(path)
}

/// What tells one file from another one, while one of them is open.
pub(super) type Identity = (u64, u64, Option<std::time::SystemTime>);

/// Which file this is.
pub(super) fn identity(metadata: &Metadata) -> Identity {
    let modified = metadata.modified().ok();
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (metadata.dev(), metadata.ino(), modified)
    }
    #[cfg(not(unix))]
    {
        (metadata.len(), 0, modified)
    }
}

/// Whether a file is this user's, or belongs to whom the directory belongs: what others put there is not ours.
pub(super) fn is_ours(file: &Metadata, directory_owner: u32) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        file.uid() == rustix::process::geteuid().as_raw() || file.uid() == directory_owner
    }
    #[cfg(not(unix))]
    {
        let _ = (file, directory_owner);
        true
    }
}

/// To whom a directory belongs.
pub(super) fn owner(directory: &Metadata) -> u32 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        directory.uid()
    }
    #[cfg(not(unix))]
    {
        let _ = directory;
        0
    }
}

/// What others may do with a directory, if anything: whoever lists it reads the keys of live sessions.
pub(super) fn open_to_others(directory: &Metadata) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let mode = directory.mode();
        match (mode & 0o044 != 0, mode & 0o022 != 0) {
            (true, true) => Some("list it and write into it"),
            (true, false) => Some("list it"),
            (false, true) => Some("write into it"),
            (false, false) => None,
        }
    }
    #[cfg(not(unix))]
    {
        let _ = directory;
        None
    }
}

/// Keeps the sweep from a file until it is dropped, and other writers too where that keeps nobody from reading it. A file
/// system may have no locks, or only shared ones for a file that is open for reading, as NFS.
pub(super) fn hold(file: &File) {
    #[cfg(unix)]
    if file.lock().is_ok() {
        return;
    }
    let _ = file.lock_shared();
}

/// Two files change places in one step; an error of the kind `NotFound` if one of them is not there.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

/// Removes a file.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(super) use super::turns::{exchange, remove};

/// Flushes a directory to the disk, where a system can do that.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        File::open(directory)?.sync_all()
    }
    #[cfg(not(unix))]
    {
        let _ = directory;
        Ok(())
    }
}
