//! A session store in a hundred lines: a file per session, `expiry in microseconds` on the first line and
//! the data as JSON on the second. It shows what a store author writes, and no more: whoever asks waits until
//! nobody else is at work, and the files are not synced.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use session_core::{Capabilities, Clock, Entries, Record, SessionKey, SessionStore, StoreError};
use time::OffsetDateTime;

/// Sessions as files in a directory.
#[derive(Debug)]
pub struct TinyStore<C> {
    dir: PathBuf,
    clock: C,
}

impl<C: Clock> TinyStore<C> {
    /// A store on a directory, which is created if need be.
    ///
    /// # Errors
    /// As the file system has them.
    pub fn open(dir: &Path, clock: C) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned(), clock })
    }

    /// The file of a key; none if the key could not have been made here, so that no key leaves the
    /// directory.
    fn file(&self, key: &SessionKey) -> Option<PathBuf> {
        let made_here = key.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        (made_here && key.as_str().len() <= 64).then(|| self.dir.join(key.as_str()))
    }

    /// Waits until nobody else uses the directory, in this process or another; one has it until the file is dropped.
    fn lock(&self) -> Result<File, StoreError> {
        let open = || File::options().create(true).append(true).open(self.dir.join(".lock"));
        open().and_then(|file| file.lock().map(|()| file)).map_err(|error| failed("lock", error))
    }

    /// Writes a record where readers see either all of it or nothing. Needs the lock.
    fn write(&self, file: &Path, record: &Record) -> Result<(), StoreError> {
        let new = self.dir.join(".new");
        fs::write(&new, text(record))
            .and_then(|()| fs::rename(new, file))
            .map_err(|error| failed("write", error))
    }

    /// Removes a file if there is one. Needs the lock.
    fn remove(&self, key: &SessionKey) -> Result<(), StoreError> {
        match self.file(key).map(fs::remove_file) {
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => Err(failed("remove", error)),
            _ => Ok(()),
        }
    }

    fn read(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        let Some(file) = self.file(key) else { return Ok(None) };
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", error)),
        };
        let corrupt = |reason: &'static str| StoreError::corrupt(key, reason);
        let (first, data) = text.split_once('\n').ok_or_else(|| corrupt("it has one line"))?;
        let micros: i128 = first.parse().map_err(|_| corrupt("its first line is no number"))?;
        let expires = OffsetDateTime::from_unix_timestamp_nanos(micros * 1_000);
        let data = Entries::parse(data.as_bytes()).map_err(|error| StoreError::corrupt(key, error))?;
        Ok(Some(Record::new(data, expires.map_err(|_| corrupt("it expires in no known year"))?)))
    }
}

fn failed(what: &str, error: io::Error) -> StoreError {
    StoreError::unavailable(format!("{what} a session file"), error)
}

fn text(record: &Record) -> String {
    format!("{}\n{}", record.expires.unix_timestamp_nanos() / 1_000, record.data.to_json())
}

impl<C: Clock> SessionStore for TinyStore<C> {
    fn capabilities(&self) -> Capabilities {
        Capabilities::database()
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
        Ok(self.file(key).is_some_and(|file| file.exists()))
    }

    async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
        Ok(self.read(key)?.filter(|record| self.clock.now() < record.expires))
    }

    async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let file = self.file(key).ok_or_else(|| failed("name", ErrorKind::InvalidFilename.into()))?;
        let _lock = self.lock()?;
        if file.exists() {
            return Err(StoreError::Exists(key.clone()));
        }
        self.write(&file, record).map(|()| key.clone())
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let file = self.file(key).ok_or_else(|| StoreError::NotFound(key.clone()))?;
        let _lock = self.lock()?;
        if !file.exists() {
            return Err(StoreError::NotFound(key.clone()));
        }
        self.write(&file, record).map(|()| key.clone())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        self.remove(key)
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        let _lock = self.lock()?;
        let now = self.clock.now();
        let mut removed = 0;
        for entry in fs::read_dir(&self.dir).map_err(|error| failed("list", error))? {
            let name = entry.map_err(|error| failed("list", error))?.file_name();
            let Some(key) = name.to_str().and_then(SessionKey::parse) else { continue };
            if self.read(&key)?.is_some_and(|record| record.expires < now) {
                self.remove(&key)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
