//! A fault as a subject of the suite.

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use session_backends::CookieStore;
use session_conformance::manifest::{Manifest, SubjectLevel, ValueSupport};
use session_conformance::rule::Profile;
use session_conformance::subject::{
    BulkOperations, Env, ModelSubject, Opening, StoreHooks, StoreSubject, Subject,
};
use session_core::{Capabilities, ClearExpired, ManualClock, SettingsError};
use time::OffsetDateTime;

use crate::adapter::Adapter;
use crate::fault::{Base, Flaw, part};
use crate::plain::{Plain, State};
use crate::signed::Signed;

/// The storage of the trace that is run.
type Storage = Arc<Mutex<Arc<Mutex<State>>>>;

/// A base with a flaw.
pub(crate) fn of(base: Base, flaw: &'static Flaw) -> Box<dyn Subject> {
    meant(base, flaw, Profile::Django)
}

/// A base with a flaw that is meant to hold the rules of a profile.
pub(crate) fn meant(base: Base, flaw: &'static Flaw, profile: Profile) -> Box<dyn Subject> {
    let plain = |flaw, capabilities, storage: &_| {
        plain(flaw, capabilities, storage, BulkOperations::default(), profile)
    };
    let database = Capabilities::database();
    match base {
        Base::Database => Box::new(plain(flaw, database, &Storage::default())),
        Base::Cache => Box::new(plain(flaw, Capabilities::cache(), &Storage::default())),
        Base::Memory => Box::new(plain(flaw, Capabilities::memory(), &Storage::default())),
        Base::Unswept => {
            let unswept = database.with_clear_expired(ClearExpired::Unsupported);
            Box::new(plain(flaw, unswept, &Storage::default()))
        }
        Base::Listing => {
            let (cache, storage) = (Capabilities::cache(), Storage::default());
            Box::new(self::plain(flaw, cache, &storage, Plain::bulk(), profile))
        }
        Base::Sites => Box::new(sites(flaw, profile)),
        Base::Limited => Box::new(plain(flaw, database.with_max_record_bytes(64 << 10), &Storage::default())),
        Base::Cookie => Box::new(signed(flaw, profile)),
        Base::Sessions => {
            let state = Storage::default();
            let inner = plain(&Flaw::None, database, &state);
            let mut manifest = inner.manifest().clone();
            manifest.level = SubjectLevel::Session;
            Box::new(adapter(Box::new(inner), manifest, flaw, state))
        }
        Base::Refusing => {
            let mut manifest = Manifest::reference();
            manifest.profile = profile;
            let refused = ValueSupport::RefusedOnSet;
            manifest.values.big_integers = refused;
            manifest.values.deep_nesting = refused;
            manifest.values.lone_surrogates = refused;
            manifest.values.non_finite = refused;
            let inner = ModelSubject::new(manifest.clone());
            Box::new(adapter(Box::new(inner), manifest, flaw, Storage::default()))
        }
    }
}

fn adapter(inner: Box<dyn Subject>, manifest: Manifest, flaw: &'static Flaw, state: Storage) -> Adapter {
    Adapter { inner, manifest, flaw, state, now: 0, notes: HashMap::new(), forced: false }
}

fn plain(
    flaw: &'static Flaw,
    capabilities: Capabilities,
    storage: &Storage,
    bulk: BulkOperations<Plain>,
    profile: Profile,
) -> StoreSubject {
    let opened = Arc::clone(storage);
    let open = async move |env: &Env, opening| {
        let mut storage = opened.lock().unwrap();
        if opening == Opening::Fresh {
            *storage = Arc::default();
        }
        Ok::<_, Infallible>(Plain::open(flaw, capabilities, &storage, env.clock(), opening))
    };
    let damaged = Arc::clone(storage);
    let hooks = StoreHooks::default().with_profile(profile).with_damage(move |env, key| {
        let storage = Arc::clone(&damaged.lock().unwrap());
        let mut state = storage.lock().unwrap();
        let now = session_core::Clock::now(&env.clock());
        let kept = capabilities.expired == session_core::ExpiredRecords::Kept;
        let place = part!(flaw, Key).map_or_else(|| key.to_owned(), |place| place(key));
        state.front.remove(key);
        let row = state.rows.get_mut(&place).filter(|row| kept || now < row.record.expires);
        Ok(row.map(|row| row.damaged = true).is_some())
    });
    StoreSubject::awaited("faulty", "", open, bulk, hooks).unwrap()
}

fn sites(flaw: &'static Flaw, profile: Profile) -> StoreSubject {
    let state: RefCell<Arc<Mutex<State>>> = RefCell::default();
    let open = async move |env: &Env, opening| {
        let mut state = state.borrow_mut();
        // Nobody has it open: this is the first storage of the next trace.
        if Arc::strong_count(&state) == 1 && opening == Opening::Fresh {
            *state = Arc::default();
        }
        let plain = Plain::open(flaw, Capabilities::database(), &state, env.clock(), opening);
        Ok::<_, Infallible>(plain.on_site(env.name()))
    };
    let hooks = StoreHooks::default().with_profile(profile).with_other_storage();
    StoreSubject::awaited("faulty", "", open, Plain::bulk(), hooks).unwrap()
}

fn signed(flaw: &'static Flaw, profile: Profile) -> impl Subject {
    let open = move |env: &Env, _| {
        // Before every trace, so that nothing that a trace signs has expired.
        let early = ManualClock::new(OffsetDateTime::UNIX_EPOCH);
        Ok::<_, SettingsError>(Signed {
            flaw,
            plain: CookieStore::with_clock(env.settings(), env.clock())?,
            timeless: CookieStore::with_clock(env.settings(), early)?,
            clock: env.clock(),
            settings: env.settings().clone(),
            memory: Mutex::default(),
        })
    };
    StoreSubject::new("faulty", "", open, StoreHooks::default().with_profile(profile)).unwrap()
}
