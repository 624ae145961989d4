//! Whether two readings of one resource are equal.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::resources::plain_name;

/// Whether two values are equal except for fields that change on their own: times, versions,
/// counters.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            keys.into_iter().all(|key| {
                let plain = plain_name(key);
                let changes = [
                    "version",
                    "etag",
                    "revision",
                    "updated",
                    "modified",
                    "lastseen",
                    "timestamp",
                    "requestid",
                ]
                .iter()
                .any(|word| plain.contains(word));
                changes
                    || match (one.get(key), other.get(key)) {
                        (Some(one), Some(other)) => is_same(one, other),
                        _ => false,
                    }
            })
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_same(one, other))
        }
        (Value::String(one), Value::String(other)) => {
            one == other || (is_time(one) && is_time(other))
        }
        _ => one == other,
    }
}

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 19
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && matches!(bytes[10], b'T' | b't' | b' ')
}
