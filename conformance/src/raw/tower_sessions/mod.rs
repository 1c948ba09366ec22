//! Stores of `tower-sessions`. The trait is the same in the versions 0.12, 0.14 and 0.15 of its core, and yet another type
//! in each.

mod values;

use std::hash::{DefaultHasher, Hash, Hasher};

use session_core::SessionKey;
use tokio::sync::RwLock;

/// Deletions read, and an insertion writes while it finds out whether a record has expired: no question of these traits tells
/// that from one that somebody deletes meanwhile, and to overwrite what comes after a deletion would be our own fault.
static DELETIONS: RwLock<()> = RwLock::const_new(());

/// A number of 128 bits that stands for a key, the same in every process of one build.
fn number_of(key: &SessionKey) -> u128 {
    let half = |which: u8| {
        let mut hasher = DefaultHasher::new();
        (which, key.as_str()).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// The suite on the stores of one version.
macro_rules! version {
    ($module:ident, $core:ident, $feature:literal, $version:literal) => {
        #[cfg(feature = $feature)]
        #[doc = concat!("The suite on stores of `tower-sessions`, for version ", $version, " of its core.")]
        ///
        /// What the trait cannot promise: `save` creates what is not there, so that a save may bring a deleted session
        /// back; `delete_expired` does not count; nothing tells whether an expired record still holds its id. `create`
        /// takes another id where one is taken: that one is deleted again. A record that holds the id and does not load has
        /// expired, and is saved over.
        pub mod $module {
            use std::error::Error;
            use std::fmt;
            use std::pin::Pin;
            use std::process::ExitCode;

            use session_core::{Capabilities, ClearExpired, Record, SessionKey, SessionStore, StoreError};
            use $core::session::{Id, Record as TheirRecord};
            use $core::session_store::{Error as TheirError, Result as TheirResult};
            use $core::{ExpiredDeletion, SessionStore as TheirStore};

            use super::{DELETIONS, number_of, values};
            use crate::Suite;
            use crate::raw::declared;
            use crate::subject::{Env, Opening, StoreHooks};

            /// Runs the suite on a store as a test program. `capabilities` says what it can do; the store is opened at
            /// once, in an environment of its own.
            pub fn main<T, E>(
                capabilities: Capabilities,
                open: impl Fn(&Env) -> Result<T, E> + Send + Sync + 'static,
            ) -> ExitCode
            where
                T: TheirStore,
                E: Into<Box<dyn Error + Send + Sync>> + 'static,
            {
                suite(capabilities, async move |env, _| open(env)).other_storage().main()
            }

            /// The suite on a store, for which more can be said.
            #[doc = concat!("A store that implements `ExpiredDeletion` has [`suite_with_deletion`].")]
            pub fn suite<T, E>(
                capabilities: Capabilities,
                open: impl AsyncFn(&Env, Opening) -> Result<T, E> + Send + Sync + 'static,
            ) -> Suite
            where
                T: TheirStore,
                E: Into<Box<dyn Error + Send + Sync>>,
            {
                let clear = match capabilities.clear_expired {
                    ClearExpired::Sweeps => ClearExpired::Unsupported,
                    other => other,
                };
                let capabilities = capabilities.with_clear_expired(clear);
                let open = async move |env: &Env, opening| {
                    open(env, opening).await.map(|store| Raw { store, capabilities, sweep: None })
                };
                Suite::new(open).called::<T>().declaring(of_trait)
            }

            /// The same, with the trait's own sweep.
            pub fn suite_with_deletion<T, E>(
                capabilities: Capabilities,
                open: impl AsyncFn(&Env, Opening) -> Result<T, E> + Send + Sync + 'static,
            ) -> Suite
            where
                T: ExpiredDeletion,
                E: Into<Box<dyn Error + Send + Sync>>,
            {
                let capabilities = capabilities.with_clear_expired(ClearExpired::Sweeps);
                let sweep: Sweep<T> = |store| ExpiredDeletion::delete_expired(store);
                let open = async move |env: &Env, opening| {
                    open(env, opening).await.map(|store| Raw { store, capabilities, sweep: Some(sweep) })
                };
                Suite::new(open).called::<T>().declaring(of_trait)
            }

            fn of_trait(hooks: StoreHooks) -> StoreHooks {
                declared(hooks, values::KEPT).with_uncounted_sweep()
            }

            type Sweep<T> = fn(&T) -> Pin<Box<dyn Future<Output = TheirResult<()>> + Send + '_>>;

            /// One of their stores, as it is.
            struct Raw<T> {
                store: T,
                capabilities: Capabilities,
                sweep: Option<Sweep<T>>,
            }

            impl<T: TheirStore> fmt::Debug for Raw<T> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.store.fmt(f)
                }
            }

            impl<T: TheirStore> Raw<T> {
                /// Creates a record; `false` if its id was taken, and what held it does not load.
                async fn creates(&self, key: &SessionKey, record: &Record) -> Result<bool, StoreError> {
                    let mut theirs = to_theirs(key, record)?;
                    let created = self.store.create(&mut theirs).await;
                    created.map_err(|error| failed(key, "create", error))?;
                    if theirs.id == id_of(key) {
                        return Ok(true);
                    }
                    let removed = self.store.delete(&theirs.id).await;
                    removed.map_err(|error| failed(key, "create", error))?;
                    if self.exists(key).await? {
                        return Err(StoreError::Exists(key.clone()));
                    }
                    Ok(false)
                }
            }

            impl<T: TheirStore> SessionStore for Raw<T> {
                fn capabilities(&self) -> Capabilities {
                    self.capabilities
                }

                /// Whether it loads: the trait has no other question.
                async fn exists(&self, key: &SessionKey) -> Result<bool, StoreError> {
                    let found = self.store.load(&id_of(key)).await;
                    Ok(found.map_err(|error| failed(key, "look for", error))?.is_some())
                }

                async fn load(&self, key: &SessionKey) -> Result<Option<Record>, StoreError> {
                    let found = self.store.load(&id_of(key)).await;
                    let Some(found) = found.map_err(|error| failed(key, "load", error))? else {
                        return Ok(None);
                    };
                    if found.id != id_of(key) {
                        return Err(StoreError::corrupt(key, "the record has another id"));
                    }
                    let data = values::from_values(key, found.data)?;
                    Ok(Some(Record::new(data, found.expiry_date)))
                }

                async fn insert(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
                    if self.creates(key, record).await? {
                        return Ok(key.clone());
                    }
                    // What held the id was deleted between the two questions, or it has expired.
                    let _alone = DELETIONS.write().await;
                    if self.creates(key, record).await? {
                        return Ok(key.clone());
                    }
                    // It has expired.
                    self.update(key, record).await
                }

                async fn update(&self, key: &SessionKey, record: &Record) -> Result<SessionKey, StoreError> {
                    let saved = self.store.save(&to_theirs(key, record)?).await;
                    saved.map_err(|error| failed(key, "save", error))?;
                    Ok(key.clone())
                }

                async fn delete(&self, key: &SessionKey) -> Result<(), StoreError> {
                    let _deleting = DELETIONS.read().await;
                    self.store.delete(&id_of(key)).await.map_err(|error| failed(key, "delete", error))
                }

                async fn clear_expired(&self) -> Result<u64, StoreError> {
                    match (self.sweep, self.capabilities.clear_expired) {
                        (Some(sweep), _) => {
                            let swept = sweep(&self.store).await;
                            swept
                                .map(|()| 0)
                                .map_err(|error| StoreError::unavailable("delete expired sessions", error))
                        }
                        (None, ClearExpired::Automatic) => Ok(0),
                        (None, _) => Err(StoreError::unsupported("this store", "delete expired sessions")),
                    }
                }
            }

            /// The id that stands for a key: each has one of its own.
            fn id_of(key: &SessionKey) -> Id {
                Id(number_of(key).cast_signed())
            }

            fn to_theirs(key: &SessionKey, record: &Record) -> Result<TheirRecord, StoreError> {
                let data = values::to_values(key, &record.data)?.into_iter().collect();
                Ok(TheirRecord { id: id_of(key), data, expiry_date: record.expires })
            }

            fn failed(key: &SessionKey, operation: &str, error: TheirError) -> StoreError {
                match error {
                    TheirError::Decode(_) => StoreError::corrupt(key, error),
                    TheirError::Encode(_) => StoreError::unrepresentable(key, error),
                    TheirError::Backend(_) => {
                        StoreError::unavailable(format!("{operation} session {key}"), error)
                    }
                }
            }
        }
    };
}

version!(v012, tower_sessions_core_012, "tower-sessions-012", "0.12");
version!(v014, tower_sessions_core_014, "tower-sessions-014", "0.14");
version!(v015, tower_sessions_core_015, "tower-sessions-015", "0.15");
