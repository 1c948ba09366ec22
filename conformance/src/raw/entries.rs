//! The data of a session in the forms that traits have for it.

use session_core::json::JsonError;
use session_core::{BoxError, Entries, SessionKey, StoreError};

use crate::json::Class;
use crate::manifest::{ValueSupport, Values};

/// The entries in another form, by their names, where the stores of a trait keep them.
pub(super) fn to_form<V>(
    key: &SessionKey,
    entries: &Entries,
    kept: Values,
    to: impl Fn(&str) -> Result<V, JsonError>,
) -> Result<Vec<(String, V)>, StoreError> {
    let refused = |error: BoxError| StoreError::unrepresentable(key, error);
    let mut values = Vec::new();
    for (name, text) in entries.iter() {
        let name = name.to_str().ok_or_else(|| refused("half a surrogate pair in a name".into()))?;
        let class = crate::json::Json::parse(text).map_or(Class::Plain, |json| json.class());
        if kept.support(class) != ValueSupport::Kept {
            return Err(refused(format!("{class} are not kept by stores of this trait").into()));
        }
        values.push((name.into_owned(), to(text).map_err(|error| refused(error.into()))?));
    }
    Ok(values)
}
