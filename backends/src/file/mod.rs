//! Sessions as files, one each, under the names and with the contents of Django's `file` engine.
//!
//! - `mod.rs`: the store
//! - `sweep.rs`: removing what has expired
//! - `platform.rs`: what systems do differently
//! - `turns.rs`: what is done where two files cannot change places

mod platform;
mod sweep;
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod turns;

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use session_core::codec::{Codec, CodecError, SERVER_SALT};
use session_core::signing::SignatureError;
use session_core::{
    Capabilities, Clock, Record, SessionKey, SessionStore, Settings, SettingsError, StoreError, SystemClock,
    stored_expiry,
};
use tempfile::NamedTempFile;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::Durability;

/// The longest name a file may have, in bytes; the file systems of today allow 255.
const MAX_NAME: usize = 200;

/// What a file has at most beside the text of its data, in bytes, and some to spare: marks, time, signature.
const AROUND: u64 = 4 << 10;

/// How often a file is made again that a sweep has removed before it was done.
const ATTEMPTS: usize = 3;

/// What stands before the letters that make the name of a file in the making unique. Django's engine has the same,
/// and the key before it; here no such name has a key, since it may stand in an error.
const IN_THE_MAKING: &str = "_out_";

/// Sessions in a directory, readable and writable by Django's `file` engine at the same time.
///
/// A file holds the data only. When it expires follows, as in Django, from the data's own expiry and the
/// time at which the file was modified.
///
/// The directory must be one that nobody else can list or write into, since the files' names are the keys of live
/// sessions. The default, the system's directory for temporary files, does not qualify, and the log says so. Files of
/// other users do not count as sessions, nor do empty ones.
///
/// Updates of one session take turns. One whose process is stopped in its turn holds up the others.
///
/// Its methods block: [`AnyStore`](session_core::AnyStore), and so `SessionLayer` and [`open`](crate::open), have
/// them done on other threads.
///
/// ```
/// use session_backends::FileStore;
/// use session_core::Settings;
/// use session_core::middleware::SessionLayer;
///
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path().display().to_string();
/// let settings = Settings::new("the site's secret").with(|settings| settings.file_path = Some(directory));
/// let layer = SessionLayer::new(FileStore::open(&settings)?, settings)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileStore<C = SystemClock> {
    directory: PathBuf,
    /// The user to whom the directory belongs.
    owner: u32,
    prefix: String,
    settings: Settings,
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
        let metadata = fs::metadata(&directory).map_err(missing)?;
        if !metadata.is_dir() {
            return Err(missing(ErrorKind::NotADirectory.into()));
        }
        let unwritable =
            |error| DirectoryError::Unwritable { path: directory.clone(), source: without_path(error) };
        tempfile::tempfile_in(&directory).map_err(unwritable)?;
        if let Some(what) = platform::open_to_others(&metadata) {
            tracing::warn!(
                target: "session_backends::file",
                "other users of this machine may {what}: the session directory {} shows the keys of live sessions; \
                 make one that is yours alone (mode 700), and name it in the setting file_path",
                directory.display()
            );
        }
        Ok(Self {
            owner: platform::owner(&metadata),
            directory,
            prefix: settings.cookie_name.clone(),
            settings: settings.clone(),
            durability: Durability::Synced,
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

    /// The data of a file, and when it expires.
    fn decode(&self, stored: &Stored) -> Result<Record, CodecError> {
        let Some(text) = &stored.text else {
            let limit = self.settings.max_data_bytes;
            return Err(CodecError::TooLarge { size: limit.saturating_add(1), limit });
        };
        // What is no text has no signature.
        let text = std::str::from_utf8(text).map_err(|_| SignatureError::Bad)?;
        let data = self.codec.decode(text)?;
        let expires = stored_expiry(&data, stored.modified, &self.settings);
        Ok(Record::new(data, expires))
    }

    /// When a file expires that nobody can read: it does not lie here for ever.
    fn latest(&self, stored: &Stored) -> OffsetDateTime {
        stored.modified.saturating_add(time::Duration::seconds(self.settings.cookie_age))
    }

    /// The largest file that is read, in bytes: data as large as it may be, which is not compressed where that would
    /// not make it shorter, has four thirds of its size in base64.
    fn max_file(&self) -> u64 {
        let data = u64::try_from(self.settings.max_data_bytes).unwrap_or(u64::MAX);
        data.saturating_mul(2).saturating_add(AROUND)
    }

    /// Opens a file, not by way of a symbolic link; `None` if there is none. What is no plain file or belongs to others is
    /// no record.
    fn open_record(&self, path: &Path) -> io::Result<Option<(File, Metadata)>> {
        let file = match platform::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            // Links, sockets, and what others keep to themselves cannot be opened.
            Err(_) if fs::symlink_metadata(path).is_ok_and(|metadata| !self.may_be_record(&metadata)) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        Ok(self.may_be_record(&metadata).then_some((file, metadata)))
    }

    fn may_be_record(&self, metadata: &Metadata) -> bool {
        metadata.is_file() && platform::is_ours(metadata, self.owner)
    }

    /// What is in a file; `None` if there is no such file. What is too large is not read.
    fn read(&self, path: &Path) -> io::Result<Option<Stored>> {
        let Some((file, metadata)) = self.open_record(path)? else { return Ok(None) };
        let most = self.max_file();
        // One byte more tells of a file that grows.
        let mut text = Vec::new();
        if metadata.len() <= most {
            text.reserve_exact(usize::try_from(metadata.len()).unwrap_or_default() + 1);
            Read::by_ref(&mut &file).take(most.saturating_add(1)).read_to_end(&mut text)?;
        }
        let text = (metadata.len() <= most && text.len() as u64 <= most).then_some(text);
        Ok(Some(Stored {
            text,
            modified: instant(metadata.modified()?),
            identity: platform::identity(&metadata),
            file,
        }))
    }

    /// How the names of files in the making begin.
    fn making(&self) -> String {
        format!(".{}{IN_THE_MAKING}", self.prefix)
    }

    /// The text of a record that is written at this instant.
    fn encode(&self, key: &SessionKey, record: &Record, now: OffsetDateTime) -> Result<String, StoreError> {
        self.codec.encode(&record.data, now).map_err(|error| error.into_store_error(key))
    }

    /// A file in the making with the whole text in it.
    fn make(&self, text: &str, now: OffsetDateTime) -> io::Result<NamedTempFile> {
        // Only the owner may read and write such a file.
        let made = tempfile::Builder::new().prefix(&self.making()).tempfile_in(&self.directory);
        let mut made = made.map_err(without_path)?;
        // Not by way of `made` itself, whose errors show its path.
        let file = made.as_file_mut();
        // So that the sweep lets it be, whatever time the file system gives it. Elsewhere its owner could not write either.
        #[cfg(unix)]
        platform::hold(file);
        file.write_all(text.as_bytes())?;
        file.set_modified(SystemTime::from(now))?;
        if self.durability == Durability::Synced {
            file.sync_all()?;
        }
        Ok(made)
    }

    /// Makes a change to the directory last.
    fn sync_directory(&self) -> io::Result<()> {
        match self.durability {
            Durability::Synced => platform::sync_directory(&self.directory),
            Durability::Written => Ok(()),
        }
    }

    /// What a file that is not there means: no session, unless the whole directory has gone.
    fn absent(&self) -> io::Result<()> {
        fs::metadata(&self.directory).map(drop)
    }

    /// Looks for a record's file; `None` if there is none. Only a plain file is a record.
    fn metadata(&self, path: &Path) -> io::Result<Option<Metadata>> {
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(metadata).filter(Metadata::is_file)),
            Err(error) if error.kind() == ErrorKind::NotFound => self.absent().map(|()| None),
            Err(error) => Err(error),
        }
    }

    /// Puts a new file where there is none; tells whether there was none.
    fn place(&self, path: &Path, text: &str, now: OffsetDateTime) -> io::Result<bool> {
        let placed = self.unless_swept(|| match self.make(text, now)?.persist_noclobber(path) {
            Ok(_) => Ok(Some(true)),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(Some(false)),
            Err(error) if error.error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(without_path(error.error)),
        })?;
        if placed {
            self.sync_directory()?;
        }
        Ok(placed)
    }

    /// Puts a file in the place of a record's; tells whether there was one. What has another owner or is empty does not
    /// count.
    fn replace(&self, path: &Path, text: &str, now: OffsetDateTime) -> io::Result<bool> {
        let replaced = self.unless_swept(|| {
            let Some(_turn) = self.turn_at(path)? else { return Ok(Some(false)) };
            let made = self.make(text, now)?;
            // A session that was deleted a moment ago does not come back. What is then in the making is the old record.
            if !change_places(made.path(), path)? {
                return Ok(Some(false).filter(|_| made.path().exists()));
            }
            // A sweep may have been quicker.
            remove(made.path()).map(|_| Some(true))
        })?;
        if replaced {
            self.sync_directory()?;
        }
        Ok(replaced)
    }

    /// Waits for one's turn to replace a record's file, and keeps it as long as the answer lives: other writers wait, and
    /// the sweep lets the file be. `None` if there is no record. Where there are no locks, the sweep looks again before it
    /// removes a file.
    fn turn_at(&self, path: &Path) -> io::Result<Option<File>> {
        loop {
            let Some((file, metadata)) = self.open_record(path)? else { return self.absent().map(|()| None) };
            if metadata.len() == 0 {
                return Ok(None);
            }
            platform::hold(&file);
            match self.is_still(path, &file)? {
                Some(true) => return Ok(Some(file)),
                // Whoever had it before has put another one in its place.
                Some(false) => {}
                None => return Ok(None),
            }
        }
    }

    /// Whether the record under this path is this file; `None` if there is none.
    fn is_still(&self, path: &Path, file: &File) -> io::Result<Option<bool>> {
        let identity = platform::identity(&file.metadata()?);
        Ok(self.metadata(path)?.map(|metadata| platform::identity(&metadata) == identity))
    }

    /// Runs `act` again if somebody has removed its file in the making (`None`). A sweep does that, taking it for an
    /// abandoned one, if the clocks of the file system and of the store are hours apart.
    fn unless_swept<T>(&self, act: impl Fn() -> io::Result<Option<T>>) -> io::Result<T> {
        for _ in 0..ATTEMPTS {
            if let Some(done) = act()? {
                return Ok(done);
            }
            self.absent()?;
        }
        Err(io::Error::other("files in the making are removed by somebody else"))
    }

    fn unavailable(&self, operation: &str, error: io::Error) -> StoreError {
        let remedy = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some disk space",
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "make it writable for this user",
            ErrorKind::InvalidInput | ErrorKind::Unsupported => {
                "the file system cannot exchange two files in one step: keep sessions on another one"
            }
            _ => "",
        };
        let operation = format!("{operation} in the directory {}", self.directory.display());
        StoreError::unavailable(operation, error).with_hint(remedy)
    }
}

/// A file as it was read.
struct Stored {
    file: File,
    /// `None` if it is larger than any session.
    text: Option<Vec<u8>>,
    modified: OffsetDateTime,
    identity: platform::Identity,
}

impl Stored {
    fn is_empty(&self) -> bool {
        self.text.as_ref().is_some_and(Vec::is_empty)
    }
}

/// A file's time; file systems go beyond the years that can be written, in both directions.
fn instant(time: SystemTime) -> OffsetDateTime {
    const FIRST: OffsetDateTime = datetime!(0001-01-01 00:00 UTC);
    const LAST: OffsetDateTime = datetime!(9999-12-31 23:59:59 UTC);
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let (span, limit) = match &since {
        Ok(span) => (time::Duration::try_from(*span), LAST),
        Err(error) => (time::Duration::try_from(error.duration()).map(|span| -span), FIRST),
    };
    span.ok()
        .and_then(|span| OffsetDateTime::UNIX_EPOCH.checked_add(span))
        .map_or(limit, |at| at.clamp(FIRST, LAST))
}

/// An error without the path that `tempfile` puts into it.
#[expect(clippy::needless_pass_by_value, reason = "it takes the place of the other one")]
fn without_path(error: io::Error) -> io::Error {
    let beneath = error.get_ref().and_then(|with_path| with_path.source());
    let bare = beneath.and_then(|error| error.downcast_ref::<io::Error>());
    bare.and_then(io::Error::raw_os_error).map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Two files change places in one step; tells whether both were there.
fn change_places(one: &Path, other: &Path) -> io::Result<bool> {
    match platform::exchange(one, other) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a file; tells whether it was there.
fn remove(path: &Path) -> io::Result<bool> {
    match platform::remove(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl<C: Clock> SessionStore for FileStore<C> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::database()
    }

    fn blocks(&self) -> bool {
        true
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        let Some(path) = self.file(key.as_str()) else { return Ok(false) };
        let metadata = self.metadata(&path).map_err(|error| self.unavailable("look for a session", error))?;
        Ok(metadata.is_some())
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let fault = |error| self.unavailable("load a session", error);
        let Some(path) = self.file(key.as_str()) else { return Ok(None) };
        // Django makes an empty file for a moment, before it writes a new session; anybody else's is not a session.
        let stored = self.read(&path).map_err(fault)?.filter(|stored| !stored.is_empty());
        let Some(stored) = stored else { return self.absent().map(|()| None).map_err(fault) };
        let live = |expires| self.clock.now() < expires;
        match self.decode(&stored) {
            Ok(record) => Ok(live(record.expires).then_some(record)),
            Err(error) => match error.into_store_error(key) {
                StoreError::Corrupt { .. } if !live(self.latest(&stored)) => Ok(None),
                error => Err(error),
            },
        }
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let fault = |error| self.unavailable("insert a session", error);
        let path = self.file(key.as_str()).ok_or_else(|| {
            fault(io::Error::other("the key has characters or a length that no file's name may have"))
        })?;
        let now = self.clock.now();
        let text = self.encode(key, record, now)?;
        let placed = self.place(&path, &text, now).map_err(fault)?;
        if placed { Ok(key.clone()) } else { Err(StoreError::Exists(key.clone())) }
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let fault = |error| self.unavailable("update a session", error);
        let path = self.file(key.as_str()).ok_or_else(|| StoreError::NotFound(key.clone()))?;
        let now = self.clock.now();
        let text = self.encode(key, record, now)?;
        let replaced = self.replace(&path, &text, now).map_err(fault)?;
        if replaced { Ok(key.clone()) } else { Err(StoreError::NotFound(key.clone())) }
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let fault = |error| self.unavailable("delete a session", error);
        let Some(path) = self.file(key.as_str()) else { return Ok(()) };
        if remove(&path).map_err(fault)? { self.sync_directory() } else { self.absent() }.map_err(fault)
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        self.sweep().map_err(|error| self.unavailable("clear expired sessions", error))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use session_core::Chain;

    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_has_a_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let store = opened(directory.path());
        let told = |kind: ErrorKind| Chain(&store.unavailable("write", io::Error::from(kind))).to_string();
        assert!(told(ErrorKind::StorageFull).contains("free some disk space"));
        assert!(told(ErrorKind::PermissionDenied).contains("make it writable"));
        assert!(told(ErrorKind::Unsupported).contains("keep sessions on another one"));
        assert!(!told(ErrorKind::Interrupted).contains("; "), "{}", told(ErrorKind::Interrupted));
    }

    fn opened(directory: &Path) -> FileStore {
        FileStore::open_with_clock(directory, &Settings::new("secret"), SystemClock).unwrap()
    }

    #[test]
    fn files_change_places_if_both_are_there() {
        let directory = tempfile::tempdir().unwrap();
        let [one, other, none] = ["one", "other", "none"].map(|name| directory.path().join(name));
        fs::write(&one, "1").unwrap();
        fs::write(&other, "2").unwrap();
        assert!(change_places(&one, &other).unwrap());
        assert_eq!(fs::read(&other).unwrap(), b"1");
        fs::write(&one, "1").unwrap();
        assert!(!change_places(&one, &none).unwrap() && one.exists() && !none.exists());
        assert!(change_places(&one, &other.join("a-file-has-nothing-below-it")).is_err());
    }

    #[test]
    fn what_an_acknowledged_change_survives_is_a_choice() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(opened(directory.path()).durability, Durability::Synced);
        let store = opened(directory.path()).with_durability(Durability::Written);
        assert_eq!(store.durability, Durability::Written);
    }

    #[test]
    fn a_writer_sees_that_another_one_was_quicker() {
        let directory = tempfile::tempdir().unwrap();
        let store = opened(directory.path());
        let path = store.file(&"a".repeat(32)).unwrap();
        assert!(store.place(&path, "a text", OffsetDateTime::UNIX_EPOCH).unwrap());
        let opened = File::open(&path).unwrap();
        assert_eq!(store.is_still(&path, &opened).unwrap(), Some(true));
        let other = store.make("another text", OffsetDateTime::UNIX_EPOCH).unwrap();
        fs::rename(other.path(), &path).unwrap();
        assert_eq!(store.is_still(&path, &opened).unwrap(), Some(false));
        fs::remove_file(&path).unwrap();
        assert_eq!(store.is_still(&path, &opened).unwrap(), None);
    }

    #[test]
    fn a_time_before_1970_is_before_1970() {
        let day = Duration::from_hours(24);
        assert_eq!(instant(SystemTime::UNIX_EPOCH - day), datetime!(1969-12-31 00:00 UTC));
        assert_eq!(instant(SystemTime::UNIX_EPOCH + day), datetime!(1970-01-02 00:00 UTC));
    }

    #[test]
    fn a_time_beyond_the_years_that_can_be_written_is_the_last_or_the_first_of_them() {
        let far = |seconds| Duration::from_secs(seconds);
        assert_eq!(instant(SystemTime::UNIX_EPOCH), OffsetDateTime::UNIX_EPOCH);
        assert_eq!(instant(SystemTime::UNIX_EPOCH + far(300_000_000_000)).year(), 9_999);
        // Elsewhere time begins in 1601.
        #[cfg(unix)]
        assert_eq!(instant(SystemTime::UNIX_EPOCH - far(300_000_000_000)).year(), 1);
        assert_eq!(instant(SystemTime::UNIX_EPOCH + far(i64::MAX.unsigned_abs() / 2)).year(), 9_999);
    }
}
