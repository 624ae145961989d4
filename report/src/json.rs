//! Reading JSON that people write: keys that are repeated, and errors without their place.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};

/// Reads a map and rejects a key that is there twice, for `#[serde(deserialize_with)]`.
///
/// `serde_json` takes the last of two equal keys. In a file that people merge, such as floors or
/// budgets, that would drop an entry without a trace.
///
/// # Errors
/// When the value is not a map, an entry is not valid, or a key is repeated.
pub fn unique_keys<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    deserializer.deserialize_map(Entries(PhantomData))
}

/// The text of an error without the position that `serde_json` puts at its end, for messages that
/// name the place themselves.
#[must_use]
pub fn message(error: &serde_json::Error) -> String {
    let whole = error.to_string();
    match whole.rsplit_once(" at line ") {
        Some((text, _)) => text.to_owned(),
        None => whole,
    }
}

struct Entries<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Entries<T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let entry = map.next_value()?;
            if entries.insert(key.clone(), entry).is_some() {
                return Err(A::Error::custom(format!("the key `{key}` is repeated")));
            }
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct File {
        #[serde(deserialize_with = "unique_keys")]
        numbers: BTreeMap<String, u32>,
    }

    #[test]
    fn repeated_key_is_an_error_that_names_it() {
        let file: File = serde_json::from_str(r#"{"numbers": {"a": 1, "b": 1}}"#).unwrap();
        assert_eq!(file.numbers.len(), 2);
        let error = serde_json::from_str::<File>(r#"{"numbers": {"a": 1, "a": 1}}"#).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the key `a` is repeated at line 1"),
            "{error}"
        );
        assert_eq!(message(&error), "the key `a` is repeated");
        assert!(serde_json::from_str::<File>(r#"{"numbers": []}"#).is_err());
    }
}
