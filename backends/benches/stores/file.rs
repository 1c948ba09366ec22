//! `FileStore` against files as the standard library reads, writes and renames them; once flushed to the disk,
//! and once not, as Django leaves them.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use criterion::Criterion;
use session_backends::{Durability, FileStore};
use session_core::codec::{Codec, SERVER_SALT};
use session_core::{Entries, Record, SessionKey, SystemClock};

use crate::visit::{self, Client, NOW};

struct Bare {
    directory: PathBuf,
    codec: Codec,
    durability: Durability,
}

impl Bare {
    fn path(&self, key: &SessionKey) -> PathBuf {
        self.directory.join(format!("sessionid{}", key.as_str()))
    }

    fn sync(&self, file: &File) {
        if self.durability == Durability::Synced {
            file.sync_all().unwrap();
        }
    }
}

impl Client for Bare {
    type Loaded = Entries;

    async fn load(&self, key: &SessionKey) -> Entries {
        self.codec.decode(&fs::read_to_string(self.path(key)).unwrap()).unwrap()
    }

    async fn update(&self, key: &SessionKey, record: &Record) {
        let making = self.directory.join("in-the-making");
        let mut file = File::create_new(&making).unwrap();
        file.write_all(self.codec.encode(&record.data, NOW).unwrap().as_bytes()).unwrap();
        self.sync(&file);
        fs::rename(&making, self.path(key)).unwrap();
        if self.durability == Durability::Synced {
            File::open(&self.directory).unwrap().sync_all().unwrap();
        }
    }

    async fn insert(&self, key: &SessionKey, record: &Record) {
        self.update(key, record).await;
    }

    /// Nothing is removed, as in [`Kept`].
    async fn delete(&self, _: &SessionKey) {}
}

/// A store whose inserted sessions stay. File systems do not give out at once what a file that was removed had,
/// and look the longer for something else the more of them there were: removing would slow inserting.
struct Kept(FileStore);

impl Client for Kept {
    type Loaded = Entries;

    async fn load(&self, key: &SessionKey) -> Entries {
        Client::load(&self.0, key).await
    }

    async fn update(&self, key: &SessionKey, record: &Record) {
        Client::update(&self.0, key, record).await;
    }

    async fn insert(&self, key: &SessionKey, record: &Record) {
        Client::insert(&self.0, key, record).await;
    }

    async fn delete(&self, _: &SessionKey) {}
}

pub(crate) fn operations(c: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let store = |durability| {
        // When a file expires follows from the time at which it was written, which is the machine's.
        let store = FileStore::open_with_clock(directory.path(), &visit::settings(), SystemClock);
        store.unwrap().with_durability(durability)
    };
    let keys = visit::fill(&store(Durability::Written));
    for (title, durability) in [("file", Durability::Synced), ("file unflushed", Durability::Written)] {
        let codec = Codec::new(&visit::settings(), SERVER_SALT).unwrap();
        let bare = Bare { directory: directory.path().into(), codec, durability };
        visit::compare(c, title, &keys, &Kept(store(durability)), &bare);
    }
}
