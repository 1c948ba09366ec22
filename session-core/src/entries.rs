//! The data of a session as stores see it: an ordered dictionary of names to JSON texts.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::ser::{Serialize, Serializer};

use crate::json::{Json, JsonError, JsonString, Scanner, Token, Tokens, canonical, escaped};

/// Up to this number of entries a name is found by looking at all of them.
const FEW: usize = 16;

/// The entries of a session, in the order in which they were first set: names, and values as JSON texts.
///
/// Reading a text checks it and remembers where each entry stands; no value is built, and nothing is copied when it
/// is cloned. What is not changed is written back byte for byte, so that nothing is lost that a type of Rust could
/// not hold: integers of any size, NaN, halves of surrogate pairs (in names too), numbers as they were written.
///
/// Two dictionaries are equal if they have the same entries in the same order, each with the same text. `Debug`
/// shows how many there are, and nothing of them.
///
/// ```
/// use session_core::Entries;
///
/// let mut entries = Entries::parse(br#"{"price": 1.50, "id": 123456789012345678901234567890}"#)?;
/// assert_eq!(entries.read::<f64>("price")?, Some(1.5));
/// entries.insert("seen", &true)?;
/// assert_eq!(entries.to_json(), r#"{"price":1.50,"id":123456789012345678901234567890,"seen":true}"#);
/// # Ok::<(), session_core::json::JsonError>(())
/// ```
#[derive(Clone, Default)]
pub struct Entries {
    shared: Arc<Shared>,
}

#[derive(Clone)]
struct Shared {
    /// The text that was read: ASCII, and all places below are in it.
    text: Arc<str>,
    /// Whether the text is still what the dictionary is.
    whole: bool,
    /// The entries; `None` where one was removed.
    slots: Vec<Option<Slot>>,
    /// How many slots have an entry.
    len: usize,
    /// Where names stand in `slots`, by their hash, once there are more than a few.
    index: Option<Index>,
}

/// Names by their hash; a second name of the same hash has the next free number.
#[derive(Clone, Default)]
struct Index {
    hasher: RandomState,
    places: HashMap<u64, usize>,
}

#[derive(Clone)]
struct Slot {
    /// The name as it was written, in quotes.
    name: Piece,
    /// The name as Python escapes it, without quotes, where it was written in another way.
    canonical: Option<Box<str>>,
    value: Piece,
}

/// A piece of the text, or one that came later.
#[derive(Clone)]
enum Piece {
    At(u32, u32),
    Own(Box<str>),
}

impl Slot {
    /// The length of the name as Python escapes it, without quotes.
    fn canonical_len(&self) -> usize {
        self.canonical.as_ref().map_or_else(|| self.name.len().saturating_sub(2), |canonical| canonical.len())
    }
}

impl Piece {
    fn at(range: Range<usize>) -> Result<Self, JsonError> {
        let place = |at: usize| {
            u32::try_from(at)
                .map_err(|_| JsonError::Malformed { offset: at, what: "the text goes beyond 4 GiB" })
        };
        Ok(Self::At(place(range.start)?, place(range.end)?))
    }

    fn as_str<'a>(&'a self, text: &'a str) -> &'a str {
        match self {
            Self::At(start, end) => &text[*start as usize..*end as usize],
            Self::Own(own) => own,
        }
    }

    /// In bytes.
    fn len(&self) -> usize {
        match self {
            Self::At(start, end) => (*end - *start) as usize,
            Self::Own(own) => own.len(),
        }
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::of("{}".into())
    }
}

impl Shared {
    /// A text of which no entry is known yet.
    fn of(text: Arc<str>) -> Self {
        Self { text, whole: true, slots: Vec::new(), len: 0, index: None }
    }

    /// A name as Python escapes it, without quotes.
    fn canonical<'a>(&'a self, slot: &'a Slot) -> &'a str {
        match &slot.canonical {
            Some(canonical) => canonical,
            None => inner(slot.name.as_str(&self.text)),
        }
    }

    /// Where the entry of a canonical name is.
    fn find(&self, canonical: &str) -> Option<usize> {
        // Most names differ in their length, which is seen sooner.
        let is = |slot: &Option<Slot>| {
            slot.as_ref().is_some_and(|slot| {
                slot.canonical_len() == canonical.len() && self.canonical(slot) == canonical
            })
        };
        match &self.index {
            None => self.slots.iter().position(is),
            Some(index) => index.find(canonical, |place| self.slots.get(place).is_some_and(is)).ok(),
        }
    }

    fn push(&mut self, slot: Slot) {
        let place = self.slots.len();
        self.slots.push(Some(slot));
        self.len += 1;
        if self.index.is_some() {
            self.note(place);
        } else if self.slots.len() > FEW {
            self.index = Some(Index::default());
            (0..self.slots.len()).for_each(|place| self.note(place));
        }
    }

    /// Puts a place into the index.
    fn note(&mut self, place: usize) {
        let Some(Some(slot)) = self.slots.get(place) else { return };
        let canonical = self.canonical(slot);
        if let Some(index) = &self.index
            && let Err(free) = index.find(canonical, |_| false)
            && let Some(index) = &mut self.index
        {
            index.places.insert(free, place);
        }
    }

    fn remove(&mut self, place: usize) -> Option<Slot> {
        let slot = self.slots.get_mut(place)?.take()?;
        self.len -= 1;
        self.whole = false;
        // What was removed costs room until half of all is such; then it goes.
        if self.len * 2 < self.slots.len() && self.slots.len() > FEW {
            self.slots.retain(Option::is_some);
            self.index = (self.len > FEW).then(Index::default);
            (0..self.slots.len()).for_each(|place| self.note(place));
        }
        Some(slot)
    }

    fn set(&mut self, name: &str, value: Json) {
        let value = Piece::Own(value.into_text());
        self.whole = false;
        let canonical = canonical(name);
        let held = self.find(&canonical).and_then(|place| self.slots.get_mut(place)?.as_mut());
        if let Some(slot) = held {
            slot.value = value;
        } else {
            let name = Piece::Own(format!("\"{canonical}\"").into());
            self.push(Slot { name, canonical: None, value });
        }
    }
}

impl Index {
    /// The place of a name, or the number under which it may be noted.
    fn find(&self, canonical: &str, is: impl Fn(usize) -> bool) -> Result<usize, u64> {
        let mut number = self.hasher.hash_one(canonical);
        while let Some(place) = self.places.get(&number) {
            if is(*place) {
                return Ok(*place);
            }
            number = number.wrapping_add(1);
        }
        Err(number)
    }
}

/// A string without its quotes.
fn inner(quoted: &str) -> &str {
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default()
}

impl Entries {
    /// No entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a JSON object, as Python understands it: of several entries of one name the last value counts, in the
    /// place of the first. Characters beyond ASCII, which Python never writes, are escaped.
    ///
    /// # Errors
    /// [`JsonError::Malformed`]; [`JsonError::Entry`] with [`JsonError::TooDeep`].
    pub fn parse(json: &[u8]) -> Result<Self, JsonError> {
        let text: Arc<str> = escaped(json)?.into();
        let mut shared = Shared::of(Arc::clone(&text));
        let mut scanner = Scanner::new(&text);
        scanner.space();
        if !scanner.take(b'{') {
            // Is it JSON at all?
            scanner.value(0)?;
            scanner.end()?;
            return Err(JsonError::Malformed { offset: 0, what: "the text is JSON, but not an object" });
        }
        scanner.space();
        if !scanner.take(b'}') {
            loop {
                let slot = Self::scan_entry(&mut scanner, &text)?;
                let written_before = match &slot.canonical {
                    Some(name) => shared.find(name),
                    None => shared.find(inner(slot.name.as_str(&text))),
                };
                match written_before.and_then(|place| shared.slots.get_mut(place)) {
                    Some(Some(held)) => held.value = slot.value,
                    _ => shared.push(slot),
                }
                scanner.space();
                if scanner.take(b'}') {
                    break;
                }
                if !scanner.take(b',') {
                    return scanner.malformed("expected `,` or `}`");
                }
                scanner.space();
            }
        }
        scanner.end()?;
        Ok(Self { shared: Arc::new(shared) })
    }

    fn scan_entry(scanner: &mut Scanner<'_>, text: &str) -> Result<Slot, JsonError> {
        if scanner.peek() != Some(b'"') {
            return scanner.malformed("expected a name in quotes");
        }
        let start = scanner.at();
        scanner.string()?;
        let quoted = start..scanner.at();
        let written = &text[start + 1..quoted.end - 1];
        let canonical = match JsonString(written).canonical() {
            Cow::Borrowed(_) => None,
            Cow::Owned(canonical) => (canonical != written).then(|| canonical.into()),
        };
        scanner.colon()?;
        let start = scanner.at();
        scanner.value(1).map_err(|error| match error {
            JsonError::TooDeep { .. } => JsonError::Entry {
                name: JsonString(written).to_str_lossy().into_owned(),
                source: error.into(),
            },
            other => other,
        })?;
        Ok(Slot { name: Piece::at(quoted)?, canonical, value: Piece::at(start..scanner.at())? })
    }

    /// The text, as it was read if nothing was changed since, else as Python writes it but for what was kept.
    pub fn to_json(&self) -> Cow<'_, str> {
        if self.shared.whole {
            return Cow::Borrowed(&self.shared.text);
        }
        let mut out = String::with_capacity(self.shared.text.len() + 64);
        out.push('{');
        for (index, slot) in self.slots().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(slot.name.as_str(&self.shared.text));
            out.push(':');
            out.push_str(slot.value.as_str(&self.shared.text));
        }
        out.push('}');
        Cow::Owned(out)
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.shared.slots.iter().flatten()
    }

    fn slot(&self, name: &str) -> Option<&Slot> {
        self.shared.slots.get(self.shared.find(&canonical(name))?)?.as_ref()
    }

    /// The text of an entry's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.slot(name).map(|slot| slot.value.as_str(&self.shared.text))
    }

    /// The value of an entry as a type of the application's; `None` if there is no such entry.
    ///
    /// # Errors
    /// [`JsonError::Mismatch`] if that type cannot hold the value. See [`Json::read`].
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, JsonError> {
        self.get(name).map(crate::json::read).transpose()
    }

    /// Whether there is an entry.
    pub fn contains_key(&self, name: &str) -> bool {
        self.slot(name).is_some()
    }

    /// Sets an entry, in its place if there is one, else as the last.
    ///
    /// # Errors
    /// As for [`Json::write`]; nothing is changed.
    pub fn insert(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), JsonError> {
        self.insert_json(name, Json::write(value)?)
    }

    /// Sets an entry to a text.
    ///
    /// # Errors
    /// [`JsonError::Entry`] with [`JsonError::TooDeep`] if it is nested as deep as is possible already: the
    /// dictionary is a level of its own.
    pub fn insert_json(&mut self, name: &str, value: Json) -> Result<(), JsonError> {
        Scanner::new(value.as_str())
            .value(1)
            .map_err(|source| JsonError::Entry { name: name.into(), source: source.into() })?;
        Arc::make_mut(&mut self.shared).set(name, value);
        Ok(())
    }

    /// Takes an entry out; the order of the others stays.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        let place = self.shared.find(&canonical(name))?;
        let shared = Arc::make_mut(&mut self.shared);
        let slot = shared.remove(place)?;
        Some(Json::trusted(slot.value.as_str(&shared.text)))
    }

    /// Sets all entries that another dictionary has.
    pub fn extend(&mut self, others: &Self) {
        let shared = Arc::make_mut(&mut self.shared);
        shared.whole = shared.whole && others.is_empty();
        for slot in others.slots() {
            let own = |piece: &Piece| Piece::Own(piece.as_str(&others.shared.text).into());
            let value = own(&slot.value);
            match shared.find(others.shared.canonical(slot)).and_then(|place| shared.slots.get_mut(place)) {
                Some(Some(held)) => held.value = value,
                _ => shared.push(Slot { name: own(&slot.name), canonical: slot.canonical.clone(), value }),
            }
        }
    }

    /// The names, in order. A half of a surrogate pair, which no Rust string holds, is U+FFFD here.
    pub fn keys(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.names().map(JsonString::to_str_lossy)
    }

    /// The names, in order, as they are.
    pub fn names(&self) -> impl Iterator<Item = JsonString<'_>> {
        self.slots().map(|slot| JsonString(inner(slot.name.as_str(&self.shared.text))))
    }

    /// The texts of the values, in order.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.slots().map(|slot| slot.value.as_str(&self.shared.text))
    }

    /// The entries, in order, with the texts of their values.
    pub fn iter(&self) -> impl Iterator<Item = (JsonString<'_>, &str)> {
        self.names().zip(self.values())
    }

    /// The entries token by token, in order, each behind its name; for a program that translates them into another
    /// format.
    pub fn tokens(&self) -> impl Iterator<Item = Token<'_>> {
        self.iter().flat_map(|(name, text)| std::iter::once(Token::Name(name)).chain(Tokens::new(text)))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.shared.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shared.len == 0
    }
}

impl PartialEq for Entries {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
            || self.len() == other.len()
                && self.slots().zip(other.slots()).all(|(one, another)| {
                    self.shared.canonical(one) == other.shared.canonical(another)
                        && one.value.as_str(&self.shared.text) == another.value.as_str(&other.shared.text)
                })
    }
}

impl Eq for Entries {}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entries({})", self.len())
    }
}

/// As the dictionary that it is; see [`Json`] for what becomes of numbers.
impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(name, value)| (name.to_str_lossy(), Json::trusted(value))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::json::MAX_DEPTH;

    fn entries(text: &str) -> Entries {
        Entries::parse(text.as_bytes()).unwrap()
    }

    #[rstest]
    #[case("{}")]
    #[case(r#" {"a" : 1.50 , "b":NaN,"\ud800": [1e400, 1E5],"\u0061b": "\/"} "#)]
    #[case(r#"{"a": 1, "b": 2, "a": 3}"#)]
    fn what_is_not_changed_is_written_back_byte_for_byte(#[case] text: &str) {
        assert_eq!(entries(text).to_json(), text);
    }

    #[test]
    fn a_change_leaves_the_other_entries_as_they_were_written() {
        let mut entries = entries(r#"{"a" : 1.50, "\ud800": NaN, "\u0062": [ 1 ], "c": 1E5, "a": 2.0}"#);
        entries.insert("c", "é").unwrap();
        entries.insert("d", &[1]).unwrap();
        assert_eq!(entries.to_json(), r#"{"a":2.0,"\ud800":NaN,"\u0062":[ 1 ],"c":"\u00e9","d":[1]}"#);
        assert_eq!(entries.remove("b").unwrap().as_str(), "[ 1 ]");
        assert_eq!(entries.to_json(), r#"{"a":2.0,"\ud800":NaN,"c":"\u00e9","d":[1]}"#);
    }

    #[rstest]
    #[case("a\u{7f}b")]
    #[case("a\u{80}\u{10ffff}")]
    #[case("a'/ b")]
    fn a_name_that_python_would_write_otherwise_is_the_same_name(#[case] name: &str) {
        let mut entries = entries(&format!("{{\"{name}\":1}}"));
        assert_eq!(entries.get(name), Some("1"));
        entries.insert(name, &2).unwrap();
        assert_eq!((entries.len(), entries.get(name)), (1, Some("2")));
        assert_eq!(entries.remove(name).unwrap().as_str(), "2");
        assert!(entries.is_empty());
    }

    #[test]
    fn a_clone_does_not_see_what_is_changed_later() {
        let mut changed = entries(r#"{"a": 1}"#);
        let clone = changed.clone();
        changed.insert("a", &2).unwrap();
        assert_eq!(clone.to_json(), r#"{"a": 1}"#);
        assert_ne!(clone, changed);
    }

    #[test]
    fn a_name_is_found_however_it_was_written() {
        let entries = entries(r#"{"\u0061\u00E9\/": 1, "\ud83d\ude00": 2}"#);
        assert_eq!(entries.get("aé/"), Some("1"));
        assert_eq!(entries.get("😀"), Some("2"));
        assert_eq!(entries.get("\\ud83d\\ude00"), None);
        assert_eq!(entries.keys().collect::<Vec<_>>(), ["aé/", "😀"]);
    }

    #[test]
    fn many_entries_are_found_removed_and_set_again() {
        let text: Vec<String> = (0..1_000).map(|n| format!("\"name{n}\": {n}")).collect();
        let mut entries = entries(&format!("{{{}}}", text.join(", ")));
        assert_eq!(entries.get("name999"), Some("999"));
        for n in 0..990 {
            assert_eq!(entries.remove(&format!("name{n}")).unwrap().as_str(), n.to_string());
        }
        assert_eq!(entries.len(), 10);
        assert_eq!(entries.get("name5"), None);
        for n in 0..30 {
            entries.insert(&format!("name{n}"), &true).unwrap();
        }
        assert_eq!(entries.get("name995"), Some("995"));
        assert_eq!(entries.get("name29"), Some("true"));
        assert_eq!(entries.keys().next().as_deref(), Some("name990"));
        assert_eq!(entries.len(), 40);
    }

    #[test]
    fn a_dictionary_is_extended_by_another() {
        let mut ours = entries(r#"{"a": 1, "b": 2}"#);
        ours.extend(&Entries::new());
        assert_eq!(ours.to_json(), r#"{"a": 1, "b": 2}"#);
        ours.extend(&entries(r#"{"\u0062": 3, "c": [ ]}"#));
        assert_eq!(ours.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!((ours.get("a"), ours.get("b"), ours.get("c")), (Some("1"), Some("3"), Some("[ ]")));
    }

    #[rstest]
    #[case("[1]")]
    #[case("")]
    #[case(r#"{"a": 1"#)]
    #[case(r#"{"a": 1,}"#)]
    #[case(r#"{"a": 1} x"#)]
    #[case("{a: 1}")]
    fn what_is_no_object_is_malformed(#[case] text: &str) {
        assert!(matches!(Entries::parse(text.as_bytes()), Err(JsonError::Malformed { .. })));
    }

    #[test]
    fn the_entry_that_is_too_deep_is_named_in_both_directions() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let mut deepest = entries(&format!(r#"{{"a": {}}}"#, nested(MAX_DEPTH - 1)));
        let error = Entries::parse(format!(r#"{{"x": 1, "deep": {}}}"#, nested(MAX_DEPTH)).as_bytes());
        assert!(matches!(error, Err(JsonError::Entry { name, .. }) if name == "deep"));
        let error = deepest.insert_json("deep", Json::parse(&nested(MAX_DEPTH)).unwrap());
        assert!(matches!(error, Err(JsonError::Entry { name, .. }) if name == "deep"));
        assert!(!deepest.contains_key("deep"));
    }

    proptest! {
        #[test]
        fn a_dictionary_does_what_an_ordered_map_does(
            steps in proptest::collection::vec((0..40_u8, proptest::option::of(any::<i32>())), 0..200)
        ) {
            let mut ours = Entries::new();
            let mut theirs = serde_json::Map::new();
            for (name, value) in steps {
                let name = format!("é{name}");
                if let Some(value) = value {
                    ours.insert(&name, &value).unwrap();
                    theirs.insert(name, value.into());
                } else {
                    let removed = theirs.shift_remove(&name).map(|value| value.to_string());
                    let is_removed = removed.is_some();
                    prop_assert_eq!(ours.remove(&name).map(|json| json.as_str().to_owned()), removed);
                    // What was removed takes no more room than what is there.
                    let slots = ours.shared.slots.len();
                    let is_small = slots <= FEW || slots <= 2 * ours.len();
                    prop_assert!(is_small || !is_removed, "{} slots for {}", slots, ours.len());
                }
                // Many are found without looking at all of them.
                prop_assert_eq!(ours.shared.index.is_some(), ours.shared.slots.len() > FEW);
            }
            let written = Json::write(&theirs).unwrap();
            prop_assert_eq!(ours.to_json(), written.as_str());
            prop_assert_eq!(Entries::parse(ours.to_json().as_bytes()).unwrap(), ours);
        }
    }
}
