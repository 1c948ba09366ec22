//! `CookieStore` against the codec, which is all there is to it.

use std::hint::black_box;

use criterion::Criterion;
use session_backends::CookieStore;
use session_core::codec::{COOKIE_SALT, Codec};
use session_core::{Entries, Record, SessionKey};

use crate::visit::{self, Client, NOW};

struct Bare {
    codec: Codec,
}

impl Client for Bare {
    type Loaded = Entries;

    async fn load(&self, key: &SessionKey) -> Entries {
        self.codec.decode(key.as_str()).unwrap()
    }

    async fn update(&self, _: &SessionKey, record: &Record) {
        black_box(self.codec.encode(&record.data, NOW).unwrap());
    }

    async fn insert(&self, key: &SessionKey, record: &Record) {
        self.update(key, record).await;
    }

    /// There is nothing to delete.
    async fn delete(&self, _: &SessionKey) {}
}

pub(crate) fn operations(c: &mut Criterion) {
    let store = CookieStore::with_clock(&visit::settings(), visit::clock()).unwrap();
    let bare = Bare { codec: Codec::new(&visit::settings(), COOKIE_SALT).unwrap() };
    visit::compare(c, "cookie", &visit::fill(&store), &store, &bare);
}
