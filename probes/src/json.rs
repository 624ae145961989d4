//! JSON helpers: does a value contain another, and schema violations in words.

use jsonschema::Validator;
use serde_json::Value;

/// Whether `value` contains `part`: objects by subset of their fields, an array when each item of
/// `part` is contained in some item of `value`, all else by equality.
#[must_use]
pub fn contains(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::Object(fields), Value::Object(parts)) => parts
            .iter()
            .all(|(name, part)| fields.get(name).is_some_and(|field| contains(field, part))),
        (Value::Array(items), Value::Array(parts)) => parts
            .iter()
            .all(|part| items.iter().any(|item| contains(item, part))),
        (value, part) => value == part,
    }
}

/// The first few violations of a schema in words, without values of the document; none when it is
/// valid.
pub(crate) fn violations(validator: &Validator, value: &Value) -> Option<String> {
    const N_SHOWN: usize = 3;
    let mut errors = validator.iter_errors(value);
    let shown: Vec<String> = errors
        .by_ref()
        .take(N_SHOWN)
        .map(|error| {
            let path = error.instance_path().to_string();
            let at = if path.is_empty() {
                "/".to_owned()
            } else {
                path
            };
            format!("at `{at}`: {}", error.masked())
        })
        .collect();
    let n_more = errors.count();
    if shown.is_empty() {
        return None;
    }
    let more = if n_more > 0 {
        format!("; {n_more} more")
    } else {
        String::new()
    };
    Some(format!("{}{more}", shown.join("; ")))
}

/// A value that came, for people: a scalar as it is, an object or array only by its size, so that
/// no body is shown whole.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Object(fields) => format!("an object of {} fields", fields.len()),
        Value::Array(items) => format!("an array of {} items", items.len()),
        scalar => scalar.to_string(),
    }
}

/// At most `n_chars` characters of a text. Redact before, so that no part of a secret is left.
pub(crate) fn shortened(text: &str, n_chars: usize) -> String {
    match text.char_indices().nth(n_chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn an_array_contains_an_item_by_subset() {
        let list = json!({"items": [{"id": 1, "name": "a"}, {"id": 2}]});
        assert!(contains(&list, &json!({"items": [{"id": 2}]})));
        assert!(!contains(&list, &json!({"items": [{"id": 3}]})));
    }

    proptest! {
        #[test]
        fn a_value_contains_itself(numbers in prop::collection::btree_map("[a-c]", 0i64..9, 0..4)) {
            let value = json!({"inner": numbers, "list": [1, 2]});
            prop_assert!(contains(&value, &value));
        }
    }
}
