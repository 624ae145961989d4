//! Matches the variants of two unions: by name, by tag, by text, then by meaning.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::canonical::canonical;
use tollgate_contracts_model::{Located, Node};

use crate::sides::Sides;
use crate::walk::{Scope, Walk};

/// How many variants may be left on a side to be matched by meaning.
const VARIANTS_MAX: usize = 48;

/// The key by which variants are matched.
#[derive(Clone, Copy)]
enum Key {
    /// The name of the reference's target, or the title.
    Label,
    /// The properties that can have one value only.
    Tag,
    /// The whole text.
    Text,
}

impl Key {
    fn of(self, variant: &Located<'_>) -> Option<String> {
        match self {
            Self::Label => label(variant).map(str::to_owned),
            Self::Tag => tag(variant.node),
            Self::Text => Some(canonical(variant.node)),
        }
    }
}

/// Pairs the variants and compares each pair; the rest was removed or added.
pub(crate) fn pair<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    sides: &Sides<'_, 'a>,
    (old, new): (&[Located<'a>], &[Located<'a>]),
) -> (Vec<Located<'a>>, Vec<Located<'a>>) {
    let mut gone: Vec<Located<'a>> = old.to_vec();
    let mut added: Vec<Located<'a>> = new.to_vec();
    for key in [Key::Label, Key::Tag, Key::Text] {
        if gone.is_empty() || added.is_empty() {
            break;
        }
        for (name, one, other) in take_equal(&mut gone, &mut added, key) {
            let below = match key {
                Key::Text => scope.below(""),
                Key::Label | Key::Tag => scope.below(&format!("/{name}")),
            };
            walk.step(&below, one, other, sides.depth + 1);
        }
    }
    if gone.len().max(added.len()) <= VARIANTS_MAX {
        gone.retain(|one| {
            let same = added
                .iter()
                .position(|other| walk.is_same(scope, *one, *other, sides.depth));
            same.map(|at| added.remove(at)).is_none()
        });
    }
    (gone, added)
}

/// Removes the pairs of equal keys, in the order of the old side. When several variants of a side
/// share a key, only a key that covers the whole variant pairs them.
fn take_equal<'a>(
    old: &mut Vec<Located<'a>>,
    new: &mut Vec<Located<'a>>,
    key: Key,
) -> Vec<(String, Located<'a>, Located<'a>)> {
    let (mine, theirs) = (by_key(old, key), by_key(new, key));
    let mut pairs = Vec::new();
    for (name, ours) in mine {
        let Some(others) = theirs.get(&name) else {
            continue;
        };
        if matches!(key, Key::Text) || (ours.len() == 1 && others.len() == 1) {
            let both = ours.into_iter().zip(others);
            pairs.extend(both.map(|(one, other)| (one, *other, name.clone())));
        }
    }
    pairs.sort_unstable();
    let ones: BTreeSet<usize> = pairs.iter().map(|(one, _, _)| *one).collect();
    let others: BTreeSet<usize> = pairs.iter().map(|(_, other, _)| *other).collect();
    let taken = pairs
        .into_iter()
        .map(|(one, other, name)| (name, old[one], new[other]))
        .collect();
    keep_others(old, &ones);
    keep_others(new, &others);
    taken
}

fn by_key(variants: &[Located<'_>], key: Key) -> BTreeMap<String, Vec<usize>> {
    let mut all: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, variant) in variants.iter().enumerate() {
        if let Some(name) = key.of(variant) {
            all.entry(name).or_default().push(at);
        }
    }
    all
}

fn keep_others(variants: &mut Vec<Located<'_>>, taken: &BTreeSet<usize>) {
    let mut at = 0;
    variants.retain(|_| {
        at += 1;
        !taken.contains(&(at - 1))
    });
}

/// The name of a reference's target, else the title.
pub(crate) fn label<'a>(variant: &Located<'a>) -> Option<&'a str> {
    let text = |key: &str| variant.node.get(key).and_then(Node::as_str);
    match text("$ref") {
        Some(reference) => reference.rsplit('/').next(),
        None => text("title"),
    }
}

/// The required properties that can have one value only, such as `type=created`.
fn tag(variant: &Node) -> Option<String> {
    let required: Vec<&str> = variant
        .get("required")?
        .items()
        .filter_map(Node::as_str)
        .collect();
    let properties = variant.get("properties")?.entries();
    let mut parts: Vec<String> = properties
        .filter(|entry| required.contains(&entry.key.as_str()))
        .filter_map(|entry| Some(format!("{}={}", entry.key, only_value(&entry.node)?)))
        .collect();
    parts.sort();
    (!parts.is_empty()).then(|| parts.join(","))
}

fn only_value(schema: &Node) -> Option<String> {
    if let Some(value) = schema.get("const") {
        return Some(value.to_text());
    }
    match schema.get("enum")?.as_array()? {
        [value] => Some(value.to_text()),
        _ => None,
    }
}
