//! Sessions as files, one each, under the names and with the contents of Django's `file` engine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use session_core::codec::{Codec, DecodeError, SERVER_SALT};
use session_core::{
    Capabilities, Clock, Map, Record, SessionKey, SessionStore, Settings, SettingsError, StoreError,
    SystemClock, stored_expiry,
};
use tempfile::NamedTempFile;
use time::OffsetDateTime;

/// The longest name a file may have, in bytes; the file systems of today allow 255.
const MAX_NAME: usize = 200;

/// What stands between a file's name and the letters that make the name of a file in the making unique.
/// Django's engine uses the same.
const IN_THE_MAKING: &str = "_out_";

/// What a write has survived when it is reported as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A power failure: file and directory were flushed to the disk.
    #[default]
    Synced,
    /// The end of this process, as in Django; a power failure may take it back or leave an empty file.
    Written,
}

/// Sessions in a directory, readable and writable by Django's `file` engine at the same time.
///
/// A file holds the data only. When it expires follows, as in Django, from the data's own expiry and the
/// time at which the file was modified.
///
/// Its methods block; wrap it in [`Offload`](session_core::Offload) where futures must not be held up.
#[derive(Debug)]
pub struct FileStore<C = SystemClock> {
    directory: PathBuf,
    prefix: String,
    cookie_age: i64,
    durability: Durability,
    clock: C,
    codec: Codec,
}

/// Why a directory cannot hold sessions.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The settings cannot be worked with.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It is not there, or no directory.
    #[error(
        "the session directory {path} is not usable: {source}; create it, or change the setting file_path"
    )]
    Missing {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No file can be made in it.
    #[error("the session directory {path} cannot be written: {source}; make it writable for this user")]
    Unwritable {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl FileStore {
    /// Sessions in the directory of the setting `file_path`, or in the system's for temporary files.
    ///
    /// # Errors
    /// [`DirectoryError`], if sessions cannot be kept there.
    pub fn open(settings: &Settings) -> Result<Self, DirectoryError> {
        let directory = settings.file_path.as_ref().map_or_else(std::env::temp_dir, PathBuf::from);
        Self::open_with_clock(directory, settings, SystemClock)
    }
}

impl<C: Clock> FileStore<C> {
    /// Sessions in a directory, with a clock of one's own.
    ///
    /// # Errors
    /// [`DirectoryError`], if sessions cannot be kept there.
    pub fn open_with_clock(
        directory: impl Into<PathBuf>,
        settings: &Settings,
        clock: C,
    ) -> Result<Self, DirectoryError> {
        let directory = directory.into();
        let codec = Codec::new(settings, SERVER_SALT)?;
        if settings.cookie_name.is_empty() || settings.cookie_name.contains(['/', '\0']) {
            return Err(SettingsError::CookieName(settings.cookie_name.clone()).into());
        }
        let missing = |source| DirectoryError::Missing { path: directory.clone(), source };
        if !fs::metadata(&directory).map_err(missing)?.is_dir() {
            return Err(missing(ErrorKind::NotADirectory.into()));
        }
        let unwritable = |source| DirectoryError::Unwritable { path: directory.clone(), source };
        tempfile::tempfile_in(&directory).map_err(unwritable)?;
        Ok(Self {
            directory,
            prefix: settings.cookie_name.clone(),
            cookie_age: settings.cookie_age,
            durability: Durability::default(),
            clock,
            codec,
        })
    }

    /// The same store with another durability; [`Durability::Synced`] otherwise.
    #[must_use]
    pub fn with_durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file of a key. `None` if the key has other characters than a key that is made here, so that no
    /// key leaves the directory, or is too long for a file's name: there can be no record under it.
    fn file(&self, key: &str) -> Option<PathBuf> {
        let proper = key.bytes().all(|byte| SessionKey::ALPHABET.contains(&byte));
        let name = format!("{}{key}", self.prefix);
        (proper && name.len() <= MAX_NAME).then(|| self.directory.join(name))
    }

    /// The data of a file, and when it expires. An empty file is an empty session, as in Django, which
    /// makes such a file for a moment.
    fn decode(&self, stored: &Stored) -> Result<Record, DecodeError> {
        let data = if stored.text.is_empty() {
            Map::new()
        } else {
            let text = std::str::from_utf8(&stored.text)
                .map_err(|_| DecodeError::Corrupt("it is no text".into()))?;
            self.codec.decode(text)?
        };
        let expires = stored_expiry(&data, stored.modified, self.cookie_age)
            .map_err(|error| DecodeError::Corrupt(error.to_string()))?;
        Ok(Record { data, expires })
    }

    /// When a file expires that nobody can read: it does not lie here for ever.
    fn latest(&self, stored: &Stored) -> OffsetDateTime {
        stored.modified.saturating_add(time::Duration::seconds(self.cookie_age))
    }

    /// A file in the making with the whole record in it.
    fn make(&self, path: &Path, record: &Record) -> io::Result<NamedTempFile> {
        let now = self.clock.now();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned() + IN_THE_MAKING;
        // Only the owner may read and write such a file.
        let mut made = tempfile::Builder::new().prefix(&name).tempfile_in(&self.directory)?;
        made.write_all(self.codec.encode(&record.data, now).as_bytes())?;
        made.as_file().set_modified(SystemTime::from(now))?;
        if self.durability == Durability::Synced {
            made.as_file().sync_all()?;
        }
        Ok(made)
    }

    /// Makes a change to the directory last.
    fn sync_directory(&self) -> io::Result<()> {
        if self.durability == Durability::Synced { File::open(&self.directory)?.sync_all() } else { Ok(()) }
    }

    /// Removes a record's file if it has expired and is still the one that was looked at.
    fn clear(&self, path: &Path) -> io::Result<bool> {
        let Some(stored) = read(path)? else { return Ok(false) };
        let expires = self.decode(&stored).map_or_else(|_| self.latest(&stored), |record| record.expires);
        if expires >= self.clock.now() {
            return Ok(false);
        }
        let unchanged = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.ino() == stored.inode);
        if unchanged { remove(path) } else { Ok(false) }
    }

    fn unavailable(&self, operation: &str, error: io::Error) -> StoreError {
        let remedy = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; free some disk space",
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "; make it writable for this user",
            ErrorKind::InvalidInput | ErrorKind::Unsupported => {
                "; the file system cannot exchange two files in one step: keep sessions on another one"
            }
            _ => "",
        };
        StoreError::Unavailable {
            operation: format!("{operation} in the directory {}", self.directory.display()),
            reason: format!("{error}{remedy}"),
            source: Some(error.into()),
        }
    }
}

/// A file as it was read.
struct Stored {
    text: Vec<u8>,
    modified: OffsetDateTime,
    inode: u64,
}

/// What is in a file; `None` if there is no such file. Symbolic links are not followed, and what is no
/// plain file is no record.
fn read(path: &Path) -> io::Result<Option<Stored>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(Some(Stored { text, modified: metadata.modified()?.into(), inode: metadata.ino() }))
}

/// Removes a file; tells whether it was there.
fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl<C: Clock> SessionStore for FileStore<C> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::DATABASE
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let Some(path) = self.file(key.as_str()) else { return Ok(false) };
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(metadata.is_file()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.unavailable("look for a session", error)),
        }
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let Some(path) = self.file(key.as_str()) else { return Ok(None) };
        let read = read(&path).map_err(|error| self.unavailable("load a session", error))?;
        let Some(stored) = read else { return Ok(None) };
        let live = |expires| self.clock.now() < expires;
        match self.decode(&stored) {
            Ok(record) => Ok(live(record.expires).then_some(record)),
            Err(DecodeError::Corrupt(_)) if !live(self.latest(&stored)) => Ok(None),
            Err(error) => Err(error.into_store_error(key)),
        }
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let fault = |error| self.unavailable("insert a session", error);
        let path = self.file(key.as_str()).ok_or_else(|| {
            fault(io::Error::other("the key has characters or a length that no file's name may have"))
        })?;
        let made = self.make(&path, record).map_err(fault)?;
        match made.persist_noclobber(&path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                return Err(StoreError::Exists(key.clone()));
            }
            Err(error) => return Err(fault(error.error)),
        }
        self.sync_directory().map_err(fault)?;
        Ok(key.clone())
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let fault = |error| self.unavailable("update a session", error);
        let path = self.file(key.as_str()).ok_or_else(|| StoreError::NotFound(key.clone()))?;
        // Only a plain file is a record.
        if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            return Err(StoreError::NotFound(key.clone()));
        }
        let made = self.make(&path, record).map_err(fault)?;
        // The two files change places in one step, which fails if one of them is not there: a session that
        // was deleted a moment ago does not come back. What is then in the making is the old record.
        match renameat_with(CWD, made.path(), CWD, &path, RenameFlags::EXCHANGE) {
            Ok(()) => {}
            Err(rustix::io::Errno::NOENT) => return Err(StoreError::NotFound(key.clone())),
            Err(error) => return Err(fault(error.into())),
        }
        made.close().map_err(fault)?;
        self.sync_directory().map_err(fault)?;
        Ok(key.clone())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let fault = |error| self.unavailable("delete a session", error);
        let Some(path) = self.file(key.as_str()) else { return Ok(()) };
        if remove(&path).map_err(fault)? {
            self.sync_directory().map_err(fault)?;
        }
        Ok(())
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        let fault = |error| self.unavailable("clear expired sessions", error);
        let mut removed = 0;
        for entry in fs::read_dir(&self.directory).map_err(fault)? {
            let name = entry.map_err(fault)?.file_name();
            // Other files, and files in the making, have no key behind the prefix.
            let key = name.to_str().and_then(|name| name.strip_prefix(&*self.prefix));
            if let Some(path) = key.filter(|key| !key.is_empty()).and_then(|key| self.file(key)) {
                removed += u64::from(self.clear(&path).map_err(fault)?);
            }
        }
        if removed > 0 {
            self.sync_directory().map_err(fault)?;
        }
        Ok(removed)
    }
}
