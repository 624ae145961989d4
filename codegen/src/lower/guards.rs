//! What distinguishes the variants of a union, and what a value must contain to be one of them.

use std::collections::BTreeSet;

use super::flat::{Flat, FlatExtra};
use super::merge::flatten;
use super::view::Cursor;
use super::word::Word;
use crate::ir::{Guard, Kind, TypeKind, Variant};

/// How deep unions of unions may nest; real documents stay below 4.
const NESTED_MAX: usize = 8;

/// A variant before its type is lowered.
pub(super) struct Candidate<'a> {
    pub(super) name: String,
    pub(super) schema: Cursor<'a>,
    pub(super) flat: Flat<'a>,
    pub(super) guard: Guard,
    /// Whether `flat` holds more than the variant's schema: the properties of the schema around it.
    pub(super) is_merged: bool,
}

/// The variants of a union with their guards and names.
pub(super) fn candidates<'a>(variants: &[Cursor<'a>]) -> Vec<Candidate<'a>> {
    let flats = variants
        .iter()
        .map(|schema| (schema.clone(), flatten(schema)));
    let mut candidates: Vec<Candidate<'a>> = flats
        .map(|(schema, flat)| candidate(schema, flat))
        .collect();
    name_by_keys(&mut candidates);
    candidates
}

pub(super) fn candidate<'a>(schema: Cursor<'a>, flat: Flat<'a>) -> Candidate<'a> {
    let name = match schema.resolve() {
        Some(target) if schema.is_reference() => target.name(),
        _ => label(&schema, &flat),
    };
    Candidate {
        name,
        guard: guard(&flat),
        schema,
        flat,
        is_merged: false,
    }
}

fn label(schema: &Cursor<'_>, flat: &Flat<'_>) -> String {
    let members = schema.get("allOf");
    let members = members.iter().flat_map(Cursor::items);
    // A title that stands alone beside a reference is that of the whole.
    let title = members
        .filter(|member| !member.is_reference())
        .find_map(|member| member.text("title").map(str::to_owned));
    let tag = flat.properties.iter().find_map(|(_, property)| {
        let values = texts(&flatten(property))?;
        values.into_iter().next().filter(|_| {
            property.node.get("const").is_some()
                || property
                    .node
                    .get("enum")
                    .is_some_and(|values| values.items().count() == 1)
        })
    });
    let word = flat.words.iter().flatten().next().copied();
    flat.title
        .clone()
        .or(title)
        .or(tag)
        .unwrap_or_else(|| word.map_or("Variant", word_name).to_owned())
}

/// Names objects without a name after the properties that only they require.
pub(super) fn name_by_keys(candidates: &mut [Candidate<'_>]) {
    let plain = word_name(Word::Object);
    let is_plain =
        |candidate: &Candidate<'_>| candidate.name == plain && !candidate.schema.is_reference();
    if candidates
        .iter()
        .filter(|candidate| is_plain(candidate))
        .count()
        < 2
    {
        return;
    }
    let names: Vec<Option<String>> = candidates
        .iter()
        .enumerate()
        .map(|(index, candidate)| {
            let is_others = |key: &String| {
                let mut others = candidates.iter().enumerate();
                others.any(|(other, candidate)| {
                    other != index && candidate.flat.required.contains(key)
                })
            };
            let own = candidate.flat.properties.iter().map(|(key, _)| key);
            let mut own =
                own.filter(|key| candidate.flat.required.contains(*key) && !is_others(key));
            own.next().filter(|_| is_plain(candidate)).cloned()
        })
        .collect();
    for (candidate, name) in candidates.iter_mut().zip(names) {
        candidate.name = name.unwrap_or_else(|| std::mem::take(&mut candidate.name));
    }
}

pub(super) fn guard(flat: &Flat<'_>) -> Guard {
    let kinds: BTreeSet<Kind> = flat
        .words
        .iter()
        .flatten()
        .map(|word| kind(*word))
        .collect();
    let mut guard = Guard {
        kinds,
        ..Guard::default()
    };
    if guard.kinds == BTreeSet::from([Kind::String]) {
        guard.strings = texts(flat);
    }
    if guard.kinds != BTreeSet::from([Kind::Object]) {
        return guard;
    }
    guard.keys = flat.required.iter().cloned().collect();
    for (key, property) in &flat.properties {
        let property = flat.required.contains(key).then(|| flatten(property));
        // Null is no text: a tag that may be null asks for none of its texts.
        if let Some(property) = property.filter(|property| !property.is_nullable)
            && let Some(values) = texts(&property)
        {
            guard.tags.push((key.clone(), values.into_iter().collect()));
        }
    }
    if matches!(flat.extra, FlatExtra::Refused) {
        guard.known = Some(flat.properties.iter().map(|(key, _)| key.clone()).collect());
    }
    guard
}

/// The strings a schema is limited to.
pub(super) fn texts(flat: &Flat<'_>) -> Option<BTreeSet<String>> {
    let values = flat.constant.as_ref().map(std::slice::from_ref);
    let values = values.or(flat.values.as_deref())?;
    values
        .iter()
        .map(|value| value.as_str().map(str::to_owned))
        .collect()
}

/// A `discriminator`: its property, and the schema that each value selects.
struct Discriminator<'a> {
    tag: &'a str,
    mapping: Vec<Mapped<'a>>,
}

struct Mapped<'a> {
    value: &'a str,
    /// The place of the schema, when the reference leads to one.
    place: Option<String>,
    /// The last part of the reference.
    name: &'a str,
}

fn discriminator<'a>(node: &Cursor<'a>) -> Option<Discriminator<'a>> {
    // The old form is the name alone.
    let tag = node.node.as_str().or_else(|| node.text("propertyName"))?;
    let mapping = node.get("mapping");
    let mapping = mapping.iter().flat_map(Cursor::entries);
    let mapping = mapping.map(|(value, target)| {
        let text = target.node.as_str().unwrap_or_default();
        Mapped {
            value,
            place: target.named_schema(text).map(|schema| schema.place()),
            name: text.rsplit('/').next().unwrap_or(text),
        }
    });
    Some(Discriminator {
        tag,
        mapping: mapping.collect(),
    })
}

impl Discriminator<'_> {
    /// The values that the mapping gives to a schema.
    fn mapped(&self, target: &Cursor<'_>) -> Vec<String> {
        let (place, name) = (target.place(), target.name());
        let of_target = self.mapping.iter().filter(|mapped| match &mapped.place {
            Some(known) => *known == place,
            None => mapped.name == name,
        });
        of_target.map(|mapped| mapped.value.to_owned()).collect()
    }

    /// The values of a variant and whether it may be without one; nothing when the document does
    /// not state it.
    fn values(
        &self,
        schema: &Cursor<'_>,
        flat: &Flat<'_>,
        depth: usize,
    ) -> Option<(Vec<String>, bool)> {
        let is_object = |words: &BTreeSet<Word>| words.contains(&Word::Object);
        if !flat.words.as_ref().is_none_or(is_object) {
            // Only an object has a tag, whatever the mapping says of lists and texts.
            return None;
        }
        let target = schema.resolve().filter(|_| schema.is_reference());
        let mapped = target
            .as_ref()
            .map(|target| self.mapped(target))
            .unwrap_or_default();
        let property = flat.properties.iter().find(|(key, _)| key == self.tag);
        let property = property.map(|(_, property)| flatten(property));
        let words = property
            .as_ref()
            .and_then(|property| property.words.as_ref());
        if words.is_some_and(|words| !words.contains(&Word::String)) {
            // The values of a mapping are texts.
            return None;
        }
        let own = property.as_ref().and_then(texts);
        let is_optional = !flat.required.contains(self.tag);
        if let Some(own) = &own {
            // A tag that can't have the values of the mapping, or is null, tells nothing.
            let is_other = own.len() > 1 && !mapped.is_empty();
            let is_other = is_other && !mapped.iter().any(|value| own.contains(value));
            if is_other
                || property
                    .as_ref()
                    .is_some_and(|property| property.is_nullable)
            {
                return None;
            }
        }
        // Values that the variants share, such as those of a common parent, tell nothing apart.
        let name = target.as_ref().map(Cursor::name);
        let own = own.filter(|own| {
            own.len() == 1 || mapped.is_empty() && !name.is_some_and(|name| own.contains(&name))
        });
        if !mapped.is_empty() || own.is_some() {
            let own = own.into_iter().flatten();
            let own: Vec<String> = own.filter(|value| !mapped.contains(value)).collect();
            let is_optional =
                is_optional && (flat.variants.is_empty() || !flat.properties.is_empty());
            return Some((mapped.into_iter().chain(own).collect(), is_optional));
        }
        if flat.properties.is_empty() && !flat.variants.is_empty() && depth < NESTED_MAX {
            let inner = flat.discriminator.as_ref().and_then(discriminator);
            let inner = inner
                .as_ref()
                .filter(|inner| inner.tag == self.tag)
                .unwrap_or(self);
            let (mut all, mut is_any_optional) = (Vec::new(), false);
            for variant in &flat.variants {
                let (values, is_optional) = inner.values(variant, &flatten(variant), depth + 1)?;
                all.extend(values);
                is_any_optional |= is_optional;
            }
            return Some((all, is_any_optional));
        }
        target.map(|target| (vec![target.name()], is_optional))
    }
}

/// The schemas that the mapping of a `discriminator` leads to.
pub(super) fn mapped_schemas<'a>(node: &Cursor<'a>) -> Vec<Cursor<'a>> {
    let mapping = node.get("mapping");
    let targets = mapping.iter().flat_map(Cursor::entries);
    let schemas = targets.filter_map(|(_, target)| target.named_schema(target.node.as_str()?));
    schemas.collect()
}

/// The tag of a schema's `discriminator`, and its values for each of those that extend it.
pub(super) fn extension_values(
    parent: &Cursor<'_>,
    node: &Cursor<'_>,
    members: &[Cursor<'_>],
) -> Option<(String, Vec<Vec<String>>)> {
    let top = discriminator(node)?;
    let own_of = |flat: &Flat<'_>| {
        let mut properties = flat.properties.iter();
        let property = properties.find(|(key, _)| key == top.tag)?;
        Some(std::ptr::from_ref(property.1.node))
    };
    let of_parent = own_of(&flatten(parent));
    let values = members.iter().map(|member| {
        let flat = flatten(member);
        let mapped = top.mapped(member);
        let inner = flat.discriminator.as_ref().and_then(discriminator);
        let inner = inner.map(|inner| inner.mapped(member)).unwrap_or_default();
        if !mapped.is_empty() || !inner.is_empty() {
            let more: Vec<String> = inner
                .into_iter()
                .filter(|value| !mapped.contains(value))
                .collect();
            return mapped.into_iter().chain(more).collect();
        }
        // What the child says of the property itself, not what it has from its parent.
        let property = flat.properties.iter().find(|(key, _)| key == top.tag);
        let own =
            property.filter(|(_, property)| Some(std::ptr::from_ref(property.node)) != of_parent);
        let own = own.and_then(|(_, property)| texts(&flatten(property)));
        own.map_or_else(|| vec![member.name()], |own| own.into_iter().collect())
    });
    Some((top.tag.to_owned(), values.collect()))
}

/// The tag of a `discriminator`: its values replace the guards of the variants that it names. The
/// other variants keep the guards of their schemas.
pub(super) fn declared_tag<'a>(
    candidates: &mut [Candidate<'a>],
    node: Option<&Cursor<'a>>,
) -> Option<String> {
    let discriminator = discriminator(node?)?;
    let mut has_tag = false;
    for candidate in candidates.iter_mut() {
        let values = discriminator.values(&candidate.schema, &candidate.flat, 0);
        if let Some((values, is_tag_optional)) = values {
            has_tag = true;
            candidate.guard = Guard {
                kinds: BTreeSet::from([Kind::Object]),
                tags: vec![(discriminator.tag.to_owned(), values)],
                is_tag_optional,
                ..Guard::default()
            };
        }
    }
    has_tag.then(|| discriminator.tag.to_owned())
}

/// A required property whose possible strings differ in every variant.
pub(super) fn proved_tag(candidates: &mut [Candidate<'_>]) -> Option<String> {
    let (first, rest) = candidates.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let tag = first
        .guard
        .tags
        .iter()
        .map(|(key, _)| key.clone())
        .find(|key| {
            let mut seen = BTreeSet::new();
            candidates.iter().all(|candidate| {
                let own = candidate.guard.tags.iter().find(|(other, _)| other == key);
                own.is_some_and(|(_, values)| values.iter().all(|value| seen.insert(value.clone())))
            })
        })?;
    for candidate in candidates {
        candidate.guard.tags.retain(|(key, _)| *key == tag);
        candidate.guard.keys.clear();
        candidate.guard.known = None;
    }
    Some(tag)
}

/// Whether no value can satisfy both guards.
pub(super) fn is_disjoint(one: &Guard, other: &Guard) -> bool {
    let has_kinds = !one.kinds.is_empty() && !other.kinds.is_empty();
    if has_kinds && one.kinds.is_disjoint(&other.kinds) {
        return true;
    }
    let by_strings =
        matches!((&one.strings, &other.strings), (Some(a), Some(b)) if a.is_disjoint(b));
    let by_tag = one.tags.iter().any(|(key, values)| {
        other.tags.iter().any(|(key_other, others)| {
            key == key_other && !values.iter().any(|v| others.contains(v))
        })
    });
    let misses = |keys: &[String], known: &Option<BTreeSet<String>>| {
        known
            .as_ref()
            .is_some_and(|known| keys.iter().any(|key| !known.contains(key)))
    };
    let is_one_kind = one.kinds.len() == 1 && one.kinds == other.kinds;
    is_one_kind
        && (by_strings
            || by_tag
            || misses(&one.keys, &other.known)
            || misses(&other.keys, &one.known))
}

/// How much a variant requires; the variant that requires most is tried first.
pub(super) fn strictness(variant: &Variant) -> (bool, bool, usize, usize, bool, bool) {
    let guard = &variant.guard;
    (
        variant.is_exclusive,
        !guard.is_tag_optional,
        guard.tags.len(),
        guard.keys.len(),
        guard.known.is_some() || guard.strings.is_some(),
        matches!(variant.ty.kind, TypeKind::Integer(_)),
    )
}

pub(super) fn kind(word: Word) -> Kind {
    match word {
        Word::Boolean => Kind::Boolean,
        Word::Integer | Word::Number => Kind::Number,
        Word::String => Kind::String,
        Word::Array => Kind::Array,
        Word::Object => Kind::Object,
    }
}

pub(super) fn word_name(word: Word) -> &'static str {
    match word {
        Word::Boolean => "Boolean",
        Word::Integer => "Integer",
        Word::Number => "Number",
        Word::String => "String",
        Word::Array => "Array",
        Word::Object => "Object",
    }
}
