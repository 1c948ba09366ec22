//! What many keys are like: whether somebody who has seen some of them could guess another.
//!
//! Nothing here knows how keys are made, so that it can only find what shows: too small an alphabet, characters that
//! come too often, places that follow from others, repeats. Keys that are random and worth [`BITS`] in an alphabet of
//! at most 64 characters are taken for less than that in fewer than one of 10^9 runs over [`DRAWS`] keys.

use std::collections::{BTreeMap, BTreeSet};

/// The least that a key may be worth, in bits.
pub const BITS: f64 = 128.0;

/// How many keys tell enough: of an alphabet of 64 nearly every character comes in every place.
pub const DRAWS: usize = 400;

/// What chance may hide: 44 characters that did not come in their place are one bit, and fewer than three are expected.
const TOLERANCE: f64 = 1.0;

/// How many standard deviations a place may be away from even. Of 10^15 even ones, fewer than one is.
const DEVIATIONS: f64 = 8.0;

/// A character in a place, or that the key is shorter than that.
type Character = Option<char>;

/// What is wrong with keys, one drawn after the other; nothing if nothing shows. No key is told.
///
/// # Errors
/// What shows.
pub fn judge(keys: &[String]) -> Result<(), String> {
    let different = keys.iter().collect::<BTreeSet<_>>().len();
    if different < keys.len() {
        return Err(format!("{different} different keys of {}", keys.len()));
    }
    let bits = worth(keys);
    if bits + TOLERANCE < BITS {
        return Err(format!("keys of about {bits:.0} bits, of which {BITS:.0} are asked"));
    }
    Ok(())
}

/// What a key is worth in bits, as far as the others show it.
fn worth(keys: &[String]) -> f64 {
    let keys: Vec<Vec<char>> = keys.iter().map(|key| key.chars().collect()).collect();
    let longest = keys.iter().map(Vec::len).max().unwrap_or_default();
    let place = |at: usize| keys.iter().map(move |key| key.get(at).copied());
    let places: Vec<Vec<Character>> = (0..longest).map(|at| place(at).collect()).collect();
    let follows = |at: usize| {
        let this = &places[at];
        // From a place before it, or from the same place of the key before.
        places[..at].iter().any(|before| determines(before, this))
            || determines(&this[..this.len() - 1], &this[1..])
    };
    (0..longest).filter(|at| !follows(*at)).map(|at| choices(&places[at]).log2()).sum()
}

/// Whether one place says what is in the other.
fn determines(one: &[Character], other: &[Character]) -> bool {
    let mut follows = BTreeMap::new();
    let fits = one.iter().zip(other).all(|(one, other)| follows.entry(one).or_insert(other) == &other);
    // Where nearly nothing comes twice, nothing is learnt.
    fits && follows.len() > 1 && follows.len() * 4 < one.len()
}

/// Among how many characters a place chooses evenly, or as good as that.
fn choices(place: &[Character]) -> f64 {
    let mut counts = BTreeMap::<Character, u32>::new();
    for character in place {
        *counts.entry(*character).or_default() += 1;
    }
    let seen = float(counts.len());
    if counts.len() < 2 {
        return 1.0;
    }
    let draws = float(place.len());
    let expected = draws / seen;
    let squares: f64 = counts.values().map(|count| f64::from(*count).powi(2)).sum();
    let chi_squared = squares / expected - draws;
    // Wilson and Hilferty: its cube root is all but normal.
    let freedom = seen - 1.0;
    let spread = 2.0 / (9.0 * freedom);
    let deviations = ((chi_squared / freedom).cbrt() - (1.0 - spread)) / spread.sqrt();
    if deviations < DEVIATIONS { seen } else { draws * draws / squares }
}

#[expect(clippy::cast_precision_loss, reason = "counts of characters are small")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::Rng;
    use rstest::rstest;
    use session_core::{KeyGenerator, RandomKeys};

    use super::*;
    use crate::generate::chance;

    const HEX: &str = "0123456789abcdef";
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
    const URL_SAFE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// Keys of so many characters, each from as many of the alphabet.
    fn even(seed: u64, alphabet: &str, chars: usize) -> Vec<String> {
        let (mut chance, alphabet) = (chance(seed), alphabet.as_bytes());
        let mut character = || {
            let drawn = chance.next_u64() % alphabet.len() as u64;
            char::from(alphabet[usize::try_from(drawn).unwrap()])
        };
        (0..DRAWS).map(|_| (0..chars).map(|_| character()).collect()).collect()
    }

    #[rstest]
    #[case::hexadecimal(HEX, 32)]
    #[case::letters_and_digits(LETTERS, 32)]
    #[case::letters_and_digits_just_enough(LETTERS, 25)]
    #[case::url_safe(URL_SAFE, 22)]
    fn keys_that_are_random_raise_no_alarm(#[case] alphabet: &str, #[case] chars: usize) {
        for seed in 0..200 {
            assert_eq!(judge(&even(seed, alphabet, chars)), Ok(()), "seed {seed}");
        }
    }

    #[test]
    fn sixteen_bytes_in_base_64_are_enough() {
        // The last of the 22 characters has two bits.
        let last = even(1, "AQgw", 1);
        let keys: Vec<_> =
            even(2, URL_SAFE, 21).into_iter().zip(last).map(|(key, last)| key + &last).collect();
        assert_eq!(judge(&keys), Ok(()));
    }

    #[test]
    fn what_stands_beside_a_random_part_does_not_matter() {
        let keys = even(1, HEX, 32).into_iter().enumerate();
        let keys: Vec<_> = keys.map(|(at, key)| format!("s:2030-01-01T00:{at:05}:{key}")).collect();
        assert_eq!(judge(&keys), Ok(()));
    }

    #[test]
    fn the_keys_that_are_drawn_here_raise_no_alarm() {
        let keys = (0..10_000).map(|_| RandomKeys.generate().map(|key| key.as_str().to_owned()));
        let keys: Vec<String> = keys.collect::<Result<_, _>>().unwrap();
        assert_eq!(judge(&keys), Ok(()));
        let characters: BTreeSet<char> = keys.iter().flat_map(|key| key.chars()).collect();
        assert_eq!(characters, LETTERS.chars().collect());
        assert!(keys.iter().all(|key| key.len() == 32));
        // All places together: 36 characters, each of 320,000 in 36.
        let all: Vec<Character> = keys.iter().flat_map(|key| key.chars().map(Some)).collect();
        assert!((choices(&all) - 36.0).abs() < f64::EPSILON);
    }

    /// Every key with a fault that has been seen.
    #[rstest]
    #[case::too_short(even(1, HEX, 31), "124 bits")]
    #[case::counted((0..DRAWS).map(|at| format!("{at:032}")).collect(), "bits")]
    #[case::counted_in_another_base((0..DRAWS as u64).map(|at| format!("{:032x}", at * 0x9e37)).collect(), "bits")]
    #[case::twice_the_same_half(even(1, HEX, 16).iter().map(|half| half.repeat(2)).collect(), "64 bits")]
    #[case::repeated(even(1, HEX, 32).into_iter().map(|key| if key.starts_with('0') { "0".repeat(32) } else { key }).collect(), "different keys")]
    // A letter that comes ten times as often as the others; of 26 even ones, 28 would be worth 131 bits.
    #[case::uneven(even(1, "aaaaaaaaaabcdefghijklmnopqrstuvwxyz", 28), "bits")]
    #[case::digits_of_a_double(
        even(1, "0123456789", 16).iter().map(|digits| format!("0.{digits}")).collect(),
        "53 bits"
    )]
    fn keys_that_could_be_guessed_are_seen(#[case] keys: Vec<String>, #[case] wrong: &str) {
        let found = judge(&keys).unwrap_err();
        assert!(found.contains(wrong), "{found}");
    }
}
