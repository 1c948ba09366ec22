//! Session keys: what counts as one, how new ones are made, and how little of one is ever shown.

use std::fmt;

use crate::BoxError;

/// The key of a session: the value of the session cookie, and the address of the record in the store.
///
/// A key is a secret: whoever has it is logged in. [`fmt::Debug`] and [`fmt::Display`] show its first
/// four characters only; [`as_str`](Self::as_str) gives the whole.
///
/// Django's counterpart is the string `SessionBase.session_key`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(Box<str>);

impl SessionKey {
    /// The fewest characters a key may have (`SessionBase._validate_session_key`).
    pub const MIN_CHARS: usize = 8;

    /// The characters of a key that is made here (`VALID_KEY_CHARS`).
    pub const ALPHABET: &'static [u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

    /// How many characters a key that is made here has: 32, or 165 bits.
    pub const GENERATED_CHARS: usize = 32;

    /// Takes a key from outside: `None` if it has fewer than eight characters and so counts as no key.
    ///
    /// A well-formed key is not a known one: only the store can tell.
    pub fn parse(key: &str) -> Option<Self> {
        (key.chars().take(Self::MIN_CHARS).count() == Self::MIN_CHARS).then(|| Self(key.into()))
    }

    /// The whole key. Keep it out of logs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars().take(4) {
            write!(f, "{}", c.escape_debug())?;
        }
        f.write_str("…")
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({self})")
    }
}

/// Makes candidate keys for new sessions. Injected, so that a test can force two sessions to collide.
///
/// Django's counterpart is `get_random_string(32, VALID_KEY_CHARS)`.
pub trait KeyGenerator: Send + Sync + fmt::Debug {
    /// A key that nobody can guess. It need not be unused: the store's `insert` decides that.
    ///
    /// # Errors
    /// Whatever keeps the source of randomness from giving any. No session is created then.
    fn generate(&self) -> Result<SessionKey, BoxError>;
}

impl<K: KeyGenerator + ?Sized> KeyGenerator for std::sync::Arc<K> {
    fn generate(&self) -> Result<SessionKey, BoxError> {
        (**self).generate()
    }
}

/// Keys of 32 characters from `[a-z0-9]`, drawn from the operating system's source of randomness.
///
/// Nothing is drawn ahead or kept in the process: after a fork, parent and child would issue the same keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomKeys;

impl KeyGenerator for RandomKeys {
    fn generate(&self) -> Result<SessionKey, BoxError> {
        draw(|bytes| Ok(getrandom::fill(bytes)?))
    }
}

/// A key from a source of random bytes.
fn draw(mut fill: impl FnMut(&mut [u8]) -> Result<(), BoxError>) -> Result<SessionKey, BoxError> {
    let mut key = String::with_capacity(SessionKey::GENERATED_CHARS);
    while key.len() < SessionKey::GENERATED_CHARS {
        let mut bytes = [0; 48];
        fill(&mut bytes)?;
        let missing = SessionKey::GENERATED_CHARS - key.len();
        key.extend(bytes.into_iter().filter_map(character).take(missing));
    }
    Ok(SessionKey(key.into()))
}

/// The character of a random byte. The last few bytes have none, so that each character has as many bytes.
fn character(byte: u8) -> Option<char> {
    let characters = SessionKey::ALPHABET;
    let rounds = 256 / characters.len();
    let index = usize::from(byte);
    (index < rounds * characters.len()).then(|| char::from(characters[index % characters.len()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_at_least_eight_characters_not_bytes() {
        assert_eq!(SessionKey::parse(""), None);
        assert_eq!(SessionKey::parse("1234567"), None);
        assert_eq!(SessionKey::parse("äöüäöü"), None);
        assert!(SessionKey::parse("12345678").is_some());
        assert!(SessionKey::parse("äöüäöüäö").is_some());
    }

    #[test]
    fn a_shown_key_gives_only_its_first_four_characters() {
        let key = SessionKey::parse("abcdefghijklmnop").unwrap();
        assert_eq!(key.to_string(), "abcd…");
        assert_eq!(format!("{key:?}"), "SessionKey(abcd…)");
    }

    #[test]
    fn made_keys_have_32_characters_and_use_the_whole_alphabet() {
        let keys: Vec<_> = (0..1_000).map(|_| RandomKeys.generate().unwrap()).collect();
        assert!(keys.iter().all(|key| key.as_str().len() == 32));
        let used: std::collections::BTreeSet<u8> = keys.iter().flat_map(|key| key.as_str().bytes()).collect();
        let alphabet: std::collections::BTreeSet<u8> = SessionKey::ALPHABET.iter().copied().collect();
        assert_eq!(used, alphabet);
        let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), 1_000);
    }

    #[test]
    fn a_source_of_randomness_that_fails_is_an_error() {
        let error = draw(|_| Err("the source is gone".into())).unwrap_err();
        assert_eq!(error.to_string(), "the source is gone");
    }

    #[test]
    fn what_the_source_gave_too_little_of_is_drawn_again() {
        let mut draws = [255, 1].into_iter();
        let key = draw(|bytes| {
            bytes.fill(draws.next().ok_or("there is no third draw")?);
            bytes[..10].fill(0);
            Ok(())
        });
        let (first, second) = (character(0).unwrap(), character(1).unwrap());
        let wanted: String = [first; 20].into_iter().chain([second; 12]).collect();
        assert_eq!(key.unwrap().as_str(), wanted);
    }

    #[test]
    fn each_character_is_as_likely_as_any_other() {
        let mut counts = std::collections::BTreeMap::<char, u32>::new();
        for c in (0..=u8::MAX).filter_map(character) {
            *counts.entry(c).or_default() += 1;
        }
        assert_eq!(counts.len(), 36);
        assert!(counts.values().all(|count| *count == 7), "{counts:?}");
    }
}
