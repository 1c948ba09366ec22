//! The data of a session as the values of `serde_json`, and back.

use serde_json::{Map, Value};
use session_core::json::Json;
use session_core::{BoxError, Entries, SessionKey, StoreError};

use super::DECLARED;
use crate::json::Class;
use crate::manifest::ValueSupport;

/// The entries as values, by their names.
pub(super) fn to_values(key: &SessionKey, entries: &Entries) -> Result<Vec<(String, Value)>, StoreError> {
    let refused = |error: BoxError| StoreError::unrepresentable(key, error);
    let mut values = Vec::new();
    for (name, text) in entries.iter() {
        let name = name.to_str().ok_or_else(|| refused("half a surrogate pair in a name".into()))?;
        let class = crate::json::Json::parse(text).map_or(Class::Plain, |json| json.class());
        if DECLARED.support(class) != ValueSupport::Kept {
            return Err(refused(format!("{class} are not kept by stores of this trait").into()));
        }
        let value =
            Json::parse(text).and_then(|json| json.to_value()).map_err(|error| refused(error.into()))?;
        values.push((name.into_owned(), value));
    }
    Ok(values)
}

/// The entries that some values are, in the order of their names: they have no other.
pub(super) fn from_values(
    key: &SessionKey,
    values: impl IntoIterator<Item = (String, Value)>,
) -> Result<Entries, StoreError> {
    let mut values: Vec<(String, Value)> = values.into_iter().collect();
    values.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let text = Value::Object(Map::from_iter(values)).to_string();
    Entries::parse(text.as_bytes()).map_err(|error| StoreError::corrupt(key, error))
}
