//! The data of a session as a text of JSON for each entry, and back.

use std::collections::HashMap;

use serde_json::Value;
use session_core::json::Json;
use session_core::{Entries, SessionKey, StoreError};

use crate::manifest::{Order, ValueSupport, Values};
use crate::raw::entries::to_form;

/// What every store keeps. The names of entries are a `String`.
pub(super) const KEPT: Values =
    Values { order: Order::Lost, lone_surrogates: ValueSupport::RefusedOnSave, ..Values::KEPT };

/// The entries as texts of JSON, by their names.
pub(super) fn to_texts(key: &SessionKey, entries: &Entries) -> Result<HashMap<String, String>, StoreError> {
    let texts = to_form(key, entries, KEPT, |text| Ok(text.to_owned()))?;
    Ok(texts.into_iter().collect())
}

/// The entries that some texts of JSON are, in the order of their names: they have no other.
pub(super) fn from_texts(key: &SessionKey, texts: HashMap<String, String>) -> Result<Entries, StoreError> {
    let mut texts: Vec<(String, String)> = texts.into_iter().collect();
    texts.sort_unstable();
    let mut fields = Vec::new();
    for (name, text) in texts {
        // Each by itself: put together, what is no value could be several entries.
        Json::parse(&text).map_err(|error| StoreError::corrupt(key, error))?;
        fields.push(format!("{}:{text}", Value::from(name)));
    }
    let text = format!("{{{}}}", fields.join(","));
    Entries::parse(text.as_bytes()).map_err(|error| StoreError::corrupt(key, error))
}
