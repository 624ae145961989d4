//! `oneOf`, `anyOf` and lists of types: what tells the variants apart, and the proof of it.
//!
//! It must not know operations or channels.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Lowering;
use super::flat::{Flat, FlatExtra, Word, flatten};
use super::schema::scalar;
use super::view::Cursor;
use crate::ir::{Constraints, Docs, EnumValue, Guard, Kind, Shape, Type, TypeKind, Union, Variant};

/// A variant before its type is lowered.
struct Candidate<'a> {
    name: String,
    schema: Cursor<'a>,
    flat: Flat<'a>,
    guard: Guard,
}

impl<'a> Lowering<'a> {
    pub(crate) fn has_null_variant(&self, flat: &Flat<'a>) -> bool {
        flat.variants
            .iter()
            .any(|variant| is_null(variant) || flatten(variant).is_nullable)
    }

    /// The union of a schema's variants; nothing when they are only conditions.
    pub(crate) fn union(
        &mut self,
        schema: &Cursor<'a>,
        flat: &Flat<'a>,
        name: &str,
    ) -> Option<Shape> {
        let variants: Vec<Cursor<'a>> = flat
            .variants
            .iter()
            .filter(|v| !is_null(v))
            .cloned()
            .collect();
        if variants.iter().all(is_condition) && flat.words.is_some() {
            return None;
        }
        if let [only] = variants.as_slice() {
            return Some(Shape::Alias(self.type_of(only, name)));
        }
        let candidates: Vec<Candidate<'a>> = variants.iter().map(candidate).collect();
        let words: BTreeSet<Word> = candidates
            .iter()
            .flat_map(|candidate| candidate.flat.words.clone().unwrap_or_default())
            .collect();
        if candidates.is_empty()
            || candidates
                .iter()
                .any(|c| c.flat.words.is_none() && c.flat.variants.is_empty())
        {
            return Some(Shape::Alias(self.untyped(schema)));
        }
        let is_flat = candidates.iter().all(|c| c.flat.variants.is_empty());
        if is_flat && words == BTreeSet::from([Word::String]) {
            let is_plain = |c: &Candidate<'_>| c.flat.values.is_none() && c.flat.constant.is_none();
            self.has_other = candidates.iter().any(is_plain);
            let mut shape = strings(&candidates);
            if let Shape::Alias(ty) = &mut shape
                && candidates
                    .iter()
                    .any(|c| !c.flat.constraints.is_empty() || c.flat.format.is_some())
            {
                ty.constraints.residual = self.alternatives(schema);
            }
            return Some(shape);
        }
        if is_flat
            && words
                .iter()
                .all(|word| matches!(word, Word::Integer | Word::Number))
        {
            let widest = words.into_iter().max()?;
            let all_float = candidates
                .iter()
                .all(|c| matches!(c.flat.format.as_deref(), Some("float" | "double")));
            let mut ty = scalar(widest, &candidates[0].flat);
            ty.constraints = Constraints::default();
            if let TypeKind::Number { is_float } = &mut ty.kind {
                *is_float = all_float;
            }
            ty.constraints.residual = self.alternatives(schema);
            return Some(Shape::Alias(ty));
        }
        let discriminator = flat
            .discriminator
            .clone()
            .or_else(|| schema.get("discriminator"));
        let is_one_of = flat.variants.len() > 1 && schema.get("oneOf").is_some();
        let mut shape = self.build(candidates, discriminator.as_ref(), name);
        if let Shape::Union(union) = &mut shape
            && is_one_of
            && !union.variants.iter().all(|variant| variant.is_exclusive)
        {
            union.bounds.residual = self.alternatives(schema);
        }
        Some(shape)
    }

    /// A union of the given schemas, each with its name; used for the messages of a channel.
    pub(crate) fn union_of(&mut self, named: Vec<(String, Cursor<'a>)>, name: &str) -> Shape {
        let candidates = named
            .into_iter()
            .map(|(name, schema)| {
                let mut candidate = candidate(&schema);
                candidate.name = name;
                candidate
            })
            .collect();
        self.build(candidates, None, name)
    }

    /// A union of plain types, for a schema with several types.
    pub(crate) fn kinds(
        &mut self,
        schema: &Cursor<'a>,
        flat: &Flat<'a>,
        words: &[Word],
        name: &str,
    ) -> Shape {
        let mut variants = Vec::new();
        for word in words {
            if *word == Word::Integer && words.contains(&Word::Number) {
                continue;
            }
            let mut one = flat.clone();
            one.words = Some(BTreeSet::from([*word]));
            let label = word_name(*word);
            let ty = match word {
                Word::Array => self.array(schema, &one, name),
                Word::Object => match self.object(one, &format!("{name} object")) {
                    Shape::Alias(ty) => ty,
                    shape => {
                        let name = format!("{name} object");
                        let id = self.declare_inline(schema, name, flat.docs.clone(), shape);
                        Type::new(TypeKind::Named(id))
                    }
                },
                word => scalar(*word, &one),
            };
            variants.push(Variant {
                name: label.to_owned(),
                ty,
                guard: Guard {
                    kinds: BTreeSet::from([kind(*word)]),
                    ..Guard::default()
                },
                is_exclusive: true,
            });
        }
        Shape::Union(Union {
            variants,
            tag: None,
            is_open: false,
            bounds: Constraints::default(),
        })
    }

    fn build(
        &mut self,
        mut candidates: Vec<Candidate<'a>>,
        discriminator: Option<&Cursor<'a>>,
        name: &str,
    ) -> Shape {
        let tag =
            declared_tag(&mut candidates, discriminator).or_else(|| proved_tag(&mut candidates));
        let guards: Vec<Guard> = candidates.iter().map(|c| c.guard.clone()).collect();
        let mut variants: Vec<Variant> = candidates
            .into_iter()
            .enumerate()
            .map(|(index, candidate)| Variant {
                ty: {
                    let inline = format!("{name} {}", candidate.name);
                    let mut ty = self.type_of(&candidate.schema, &inline);
                    ty.is_nullable = false;
                    ty
                },
                name: candidate.name,
                is_exclusive: guards
                    .iter()
                    .enumerate()
                    .all(|(other, guard)| other == index || is_disjoint(&guards[index], guard)),
                guard: candidate.guard,
            })
            .collect();
        // The variant that asks for most is tried first, so that an open one can't swallow it.
        variants.sort_by_key(|variant| std::cmp::Reverse(strictness(variant)));
        Shape::Union(Union {
            variants,
            tag,
            is_open: false,
            bounds: Constraints::default(),
        })
    }

    /// Beside own properties, variants only add what may be there; which of them go together is
    /// left to the residual.
    pub(crate) fn add_variant_properties(&mut self, flat: &mut Flat<'a>) {
        let n_own = flat.properties.len();
        for variant in std::mem::take(&mut flat.variants) {
            for (key, property) in flatten(&variant).properties {
                match flat.properties.iter().position(|(known, _)| *known == key) {
                    None => flat.properties.push((key, property)),
                    Some(index) if index < n_own => {}
                    Some(index) => {
                        let known = flatten(&flat.properties[index].1);
                        let other = flatten(&property);
                        let is_text =
                            |flat: &Flat<'_>| flat.words == Some(BTreeSet::from([Word::String]));
                        if std::ptr::eq(flat.properties[index].1.node, property.node) {
                            continue;
                        }
                        // Text of two sets is text; two other types may be anything.
                        let is_text = is_text(&known) && is_text(&other) && !other.is_nullable;
                        let loose = flat.loose.entry(key).or_insert(is_text);
                        *loose &= is_text;
                    }
                }
            }
        }
    }
}

fn candidate<'a>(schema: &Cursor<'a>) -> Candidate<'a> {
    let flat = flatten(schema);
    let name = match schema.resolve() {
        Some(target) if schema.is_reference() => target.name(),
        _ => label(&flat),
    };
    Candidate {
        name,
        guard: guard(&flat),
        schema: schema.clone(),
        flat,
    }
}

fn label(flat: &Flat<'_>) -> String {
    let tag = flat
        .properties
        .iter()
        .find_map(|(_, property)| property.node.get("const").and_then(|value| value.as_str()));
    let word = flat.words.iter().flatten().next().copied();
    flat.title
        .clone()
        .or_else(|| tag.map(str::to_owned))
        .unwrap_or_else(|| word.map_or("Variant", word_name).to_owned())
}

fn guard(flat: &Flat<'_>) -> Guard {
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
        if let Some(values) = texts(&flatten(property)).filter(|_| flat.required.contains(key)) {
            guard.tags.push((key.clone(), values.into_iter().collect()));
        }
    }
    if matches!(flat.extra, FlatExtra::Refused) {
        guard.known = Some(flat.properties.iter().map(|(key, _)| key.clone()).collect());
    }
    guard
}

/// The strings a schema is limited to.
fn texts(flat: &Flat<'_>) -> Option<BTreeSet<String>> {
    let values = flat.constant.as_ref().map(std::slice::from_ref);
    let values = values.or(flat.values.as_deref())?;
    values
        .iter()
        .map(|value| value.as_str().map(str::to_owned))
        .collect()
}

/// The tag of a `discriminator`; the guards become its values and nothing else.
fn declared_tag<'a>(
    candidates: &mut [Candidate<'a>],
    discriminator: Option<&Cursor<'a>>,
) -> Option<String> {
    let discriminator = discriminator?;
    let tag = discriminator.text("propertyName")?.to_owned();
    let mut mapped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (value, target) in discriminator
        .get("mapping")
        .iter()
        .flat_map(Cursor::entries)
    {
        let target = target.node.as_str().unwrap_or_default();
        let name = target.rsplit('/').next().unwrap_or(target);
        mapped
            .entry(name.to_owned())
            .or_default()
            .push(value.to_owned());
    }
    for candidate in candidates.iter_mut() {
        let own = candidate.guard.tags.iter().find(|(key, _)| *key == tag);
        let values = mapped.get(&candidate.name).cloned();
        let values = values
            .or_else(|| own.map(|(_, values)| values.clone()))
            .unwrap_or_else(|| vec![candidate.name.clone()]);
        candidate.guard = Guard {
            kinds: BTreeSet::from([Kind::Object]),
            tags: vec![(tag.clone(), values)],
            ..Guard::default()
        };
    }
    Some(tag)
}

/// A required property whose possible strings differ in every variant.
fn proved_tag(candidates: &mut [Candidate<'_>]) -> Option<String> {
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
fn is_disjoint(one: &Guard, other: &Guard) -> bool {
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

fn strictness(variant: &Variant) -> (bool, usize, usize, bool, bool) {
    let guard = &variant.guard;
    (
        variant.is_exclusive,
        guard.tags.len(),
        guard.keys.len(),
        guard.known.is_some() || guard.strings.is_some(),
        matches!(variant.ty.kind, TypeKind::Integer(_)),
    )
}

/// All variants are strings: one open set, or plain text when nothing is listed.
fn strings(candidates: &[Candidate<'_>]) -> Shape {
    let mut values: Vec<EnumValue> = Vec::new();
    for candidate in candidates {
        let flat = &candidate.flat;
        let own = flat.constant.iter().chain(flat.values.iter().flatten());
        for wire in own.filter_map(Value::as_str) {
            if values.iter().any(|known| known.wire == wire) {
                continue;
            }
            // A `oneOf` of constants is an enumeration whose values have names and texts.
            let title = flat.title.clone().filter(|_| flat.constant.is_some());
            let docs = match flat.constant {
                Some(_) => flat.docs.clone(),
                None => Docs::default(),
            };
            values.push(EnumValue {
                wire: wire.to_owned(),
                name: title.unwrap_or_else(|| wire.to_owned()),
                docs,
            });
        }
    }
    if values.is_empty() {
        Shape::Alias(Type::new(TypeKind::String(None)))
    } else {
        Shape::Enum(values)
    }
}

fn is_null(schema: &Cursor<'_>) -> bool {
    let Some(target) = schema.resolve() else {
        return false;
    };
    target.text("type") == Some("null")
        || target
            .node
            .get("const")
            .is_some_and(tollgate_contracts::Node::is_null)
        || target
            .node
            .get("type")
            .is_some_and(tollgate_contracts::Node::is_null)
        || target.node.get("enum").is_some_and(|values| {
            values.as_array().is_some_and(|values| {
                !values.is_empty() && values.iter().all(tollgate_contracts::Node::is_null)
            })
        })
}

/// Whether a variant only says which properties must be there.
fn is_condition(schema: &Cursor<'_>) -> bool {
    !schema.is_reference()
        && schema.node.entries().all(|entry| {
            matches!(
                entry.key.as_str(),
                "required" | "not" | "title" | "description"
            )
        })
}

fn kind(word: Word) -> Kind {
    match word {
        Word::Boolean => Kind::Boolean,
        Word::Integer | Word::Number => Kind::Number,
        Word::String => Kind::String,
        Word::Array => Kind::Array,
        Word::Object => Kind::Object,
    }
}

fn word_name(word: Word) -> &'static str {
    match word {
        Word::Boolean => "Boolean",
        Word::Integer => "Integer",
        Word::Number => "Number",
        Word::String => "String",
        Word::Array => "Array",
        Word::Object => "Object",
    }
}
