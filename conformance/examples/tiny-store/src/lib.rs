//! A session store in a hundred lines: a file per session, `expiry in microseconds` on the first line and
//! the data as JSON on the second. It shows what a store author writes, and no more: it does not sync its
//! files, and two processes may race.

use std::fs;
use std::io::{self, ErrorKind, Write};
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
        match fs::OpenOptions::new().write(true).create_new(true).open(file) {
            Ok(mut file) => match file.write_all(text(record).as_bytes()) {
                Ok(()) => Ok(key.clone()),
                Err(error) => Err(failed("write", error)),
            },
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(StoreError::Exists(key.clone())),
            Err(error) => Err(failed("create", error)),
        }
    }

    async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
        let file =
            self.file(key).filter(|file| file.exists()).ok_or_else(|| StoreError::NotFound(key.clone()))?;
        fs::write(file, text(record)).map_err(|error| failed("write", error))?;
        Ok(key.clone())
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
        match self.file(key).map(fs::remove_file) {
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => Err(failed("remove", error)),
            _ => Ok(()),
        }
    }

    async fn clear_expired(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let mut removed = 0;
        for entry in fs::read_dir(&self.dir).map_err(|error| failed("list", error))? {
            let name = entry.map_err(|error| failed("list", error))?.file_name();
            let Some(key) = name.to_str().and_then(SessionKey::parse) else { continue };
            if self.read(&key)?.is_some_and(|record| record.expires < now) {
                self.delete(&key).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
