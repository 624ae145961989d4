//! Infers the type of a schema from its other keywords when it does not state one.

use std::collections::BTreeSet;

use super::flat::{Flat, FlatExtra};
use super::view::Cursor;
use super::word::Word;

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
    let words: BTreeSet<Word> = values.iter().filter_map(Word::of_value).collect();
    (!words.is_empty()).then_some(words)
}

/// An `allOf` with one reference, and no other keywords except text, is that reference.
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
