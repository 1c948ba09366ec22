//! The operations on the storage, which need no session object. Each is a row of the table below.

use crate::manifest::Operation;
use crate::observation::AnswerForm;

/// Makes the operations from their table. A row is
///
/// ```text
/// /// What it does.
/// Variant(key: K) = "name in traces", "name on the wire", "text for a reader" -> form of the answer;
/// ```
macro_rules! storage_operations {
    ($(
        $(#[$doc:meta])*
        $variant:ident $(($key:ident : $kind:ident))? = $name:literal, $wire:literal, $text:literal -> $form:ident;
    )+) => {
        /// An operation on the storage. Keys are what `K` is: names in a trace, texts where it is done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum StorageOp<K> {
            $( $(#[$doc])* $variant $( ($kind) )?, )+
        }

        impl<K> StorageOp<K> {
            /// The names of all of them, in traces.
            pub const NAMES: &[&str] = &[$($name),+];

            /// The name in traces.
            pub fn name(&self) -> &'static str {
                match self { $( Self::$variant { .. } => $name, )+ }
            }

            /// The name on the wire.
            pub fn wire_name(&self) -> &'static str {
                match self { $( Self::$variant { .. } => $wire, )+ }
            }

            /// The form of the answer.
            pub fn form(&self) -> AnswerForm {
                match self { $( Self::$variant { .. } => AnswerForm::$form, )+ }
            }

            /// The key.
            pub fn key(&self) -> Option<&K> {
                match self { $( Self::$variant $(($key))? => { None $( .or(Some($key)) )? } )+ }
            }

            /// The same with another key, or another form of it.
            pub fn map_key<'a, L>(&'a self, mut key: impl FnMut(&'a K) -> L) -> StorageOp<L> {
                // Operations without a key do not call it.
                let _ = &mut key;
                match self {
                    $( Self::$variant $(($key))? => StorageOp::$variant $( (key_of(&mut key, $key)) )?, )+
                }
            }

            /// The operation of this name; `key` gives its key, if it has one.
            pub(crate) fn named(name: &str, key: impl Fn() -> Result<K, String>) -> Result<Option<Self>, String> {
                Ok(Some(match name {
                    $( $name => Self::$variant $( ({ let $key = key()?; $key }) )?, )+
                    _ => return Ok(None),
                }))
            }

            /// As [`named`](Self::named), for the name on the wire; nothing for one that is not there.
            pub(crate) fn wire_named(
                name: &str,
                key: impl Fn() -> Result<K, String>,
            ) -> Result<Option<Self>, String> {
                let names = [$(($wire, $name)),+];
                let Some((_, name)) = names.into_iter().find(|(wire, _)| *wire == name) else { return Ok(None) };
                Ok(Self::named(name, key)?.filter(Self::is_on_the_wire))
            }
        }

        impl<K: std::fmt::Display> StorageOp<K> {
            /// The operation for a reader.
            pub(crate) fn text(&self) -> String {
                match self { $( Self::$variant $(($key))? => std::fmt::format(format_args!($text)), )+ }
            }
        }
    };
}

fn key_of<'a, K, L>(key: &mut impl FnMut(&'a K) -> L, of: &'a K) -> L {
    key(of)
}

impl<K> StorageOp<K> {
    /// Whether the storage is closed and opened again, and every object starts anew.
    pub fn reopens(&self) -> bool {
        matches!(self, Self::Reopen | Self::Rotate)
    }

    /// Whether an adapter with session objects may be asked it. When a record expires is seen in a `load` of a bare store.
    pub(crate) fn is_on_the_wire(&self) -> bool {
        !matches!(self, Self::Expires(_)) && self.operation().is_none()
    }

    /// What is done by an operation that not every store has; `None` for one that is not on the whole storage.
    pub(crate) fn of(operation: Operation) -> Option<Self> {
        match operation {
            Operation::All => Some(Self::All),
            Operation::Length => Some(Self::Length),
            Operation::Clear => Some(Self::ClearAll),
            Operation::Touch => None,
        }
    }

    /// The operation that not every store has, if this is one.
    pub(crate) fn operation(&self) -> Option<Operation> {
        match self {
            Self::All => Some(Operation::All),
            Self::Length => Some(Operation::Length),
            Self::ClearAll => Some(Operation::Clear),
            _ => None,
        }
    }
}

storage_operations! {
    /// Whether there is a record under the key.
    Exists(key: K) = "exists", "exists", "exists {key}" -> Bool;
    /// When the record under the key expires, as a load tells it, in microseconds since the Unix epoch. Only stores are
    /// asked: session objects do not show it.
    Expires(key: K) = "expires", "expires", "when {key} expires" -> Instant;
    /// Deletes the record under the key.
    DeleteKey(key: K) = "delete-key", "delete-key", "delete {key} elsewhere" -> Unit;
    /// Removes expired records, and tells how many.
    ClearExpired = "clear-expired", "clear-expired", "clear-expired" -> Count;
    /// Lists all sessions. Only stores that offer it are asked, and so with the next two.
    All = "all", "all", "list all sessions" -> Sessions;
    /// Tells how many sessions there are.
    Length = "length", "length", "count all sessions" -> Count;
    /// Removes all sessions.
    ClearAll = "clear-all", "clear", "remove all sessions" -> Unit;
    /// Closes the storage and opens it again; every object starts anew on the key it had.
    Reopen = "reopen", "reopen", "reopen the storage" -> Unit;
    /// Hook: closes the storage and opens it again with the next secret, under which the one before is still accepted and
    /// those before that are not; every object starts anew on the key it had.
    Rotate = "rotate", "rotate", "replace the secret" -> Unit;
    /// Hook: the next candidate of the key generator.
    ForceKey(key: K) = "force-key", "force-keys", "the next key drawn is {key}" -> Unit;
    /// Hook: makes the record under the key undecodable.
    Damage(key: K) = "damage", "damage", "damage the record of {key}" -> Bool;
}
