//! The data of a session as the values of `serde_json`, and back.

use serde_json::{Map, Value};
use session_core::json::Json;
use session_core::{Entries, SessionKey, StoreError};

use crate::manifest::{Order, ValueSupport, Values};
use crate::raw::entries::to_form;

/// What every store keeps. The readers of most change or refuse integers beyond 2^53, and deep nesting.
pub(super) const KEPT: Values = Values {
    order: Order::Lost,
    big_integers: ValueSupport::RefusedOnSave,
    non_finite: ValueSupport::RefusedOnSave,
    lone_surrogates: ValueSupport::RefusedOnSave,
    deep_nesting: ValueSupport::RefusedOnSave,
    ..Values::KEPT
};

/// The entries as values, by their names.
pub(super) fn to_values(key: &SessionKey, entries: &Entries) -> Result<Vec<(String, Value)>, StoreError> {
    to_form(key, entries, KEPT, |text| Json::parse(text)?.to_value())
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
