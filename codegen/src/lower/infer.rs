//! What follows from what a schema says, where it does not say it.
//!
//! It must not know declarations or names.

use std::collections::BTreeSet;

use serde_json::Value;

use super::flat::{Flat, FlatExtra, Word};
use super::view::Cursor;

/// The types that follow from other keywords when `type` is absent.
pub(super) fn infer(flat: &Flat<'_>) -> Option<BTreeSet<Word>> {
    if !flat.properties.is_empty() || !matches!(flat.extra, FlatExtra::Unstated) {
        return Some(BTreeSet::from([Word::Object]));
    }
    if flat.items.is_some() || !flat.tuples.is_empty() {
        return Some(BTreeSet::from([Word::Array]));
    }
    let values = flat.constant.as_ref().map(std::slice::from_ref);
    let values = values.or(flat.values.as_deref())?;
    let words: BTreeSet<Word> = values.iter().filter_map(word_of).collect();
    (!words.is_empty()).then_some(words)
}

fn word_of(value: &Value) -> Option<Word> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => Word::Boolean,
        Value::Number(number) if number.is_f64() => Word::Number,
        Value::Number(_) => Word::Integer,
        Value::String(_) => Word::String,
        Value::Array(_) => Word::Array,
        Value::Object(_) => Word::Object,
    })
}

/// `allOf` with one reference and nothing beside it but text is that reference.
pub(super) fn only_reference<'a>(schema: &Cursor<'a>) -> Option<Cursor<'a>> {
    let groups = ["allOf", "oneOf", "anyOf"].map(|key| schema.get(key));
    if groups.iter().all(Option::is_none) {
        return None;
    }
    let is_plain = schema.node.entries().all(|entry| {
        matches!(
            entry.key.as_str(),
            "allOf"
                | "oneOf"
                | "anyOf"
                | "title"
                | "description"
                | "default"
                | "example"
                | "examples"
                | "nullable"
                | "deprecated"
                | "readOnly"
                | "writeOnly"
                | "type"
        ) || entry.key.starts_with("x-")
    });
    let mut members = groups
        .into_iter()
        .flatten()
        .flat_map(|group| group.items().collect::<Vec<_>>());
    let only = members.next()?;
    (is_plain && members.next().is_none() && only.is_reference()).then_some(only)
}
