//! `oneOf`, `anyOf` and lists of types: what distinguishes the variants, and the proof that it does.

use std::collections::BTreeSet;

use serde_json::Value;
use tollgate_contracts_model::{Node, is_nullable_alone};

use super::flat::Flat;
use super::guards::{
    Candidate, candidate, candidates, declared_tag, is_disjoint, kind, proved_tag, strictness,
    word_name,
};
use super::lowering::Lowering;
use super::merge::flatten;
use super::residual::is_condition;
use super::scalars::scalar;
use super::view::Cursor;
use super::word::Word;
use crate::ir::{Constraints, Docs, EnumValue, Guard, Shape, Type, TypeKind, Union, Variant};

/// How deep unions of unions may nest; real documents stay below 4.
const NESTED_MAX: usize = 8;

impl<'a> Lowering<'a> {
    pub(crate) fn has_null_variant(&self, flat: &Flat<'a>) -> bool {
        has_null(flat, 0)
    }

    /// The union of a schema's variants; nothing when they are only conditions.
    pub(crate) fn union(
        &mut self,
        schema: &Cursor<'a>,
        flat: &Flat<'a>,
        name: &str,
    ) -> Option<Shape> {
        let mut variants: Vec<Cursor<'a>> = flat
            .variants
            .iter()
            .filter(|v| !is_null(v))
            .cloned()
            .collect();
        if variants.iter().all(is_condition) && flat.words.is_some() {
            return None;
        }
        // A variant that is the union itself says that any value will do.
        let n_all = variants.len();
        variants.retain(|variant| !leads_to(variant, schema, 0));
        let is_loop = variants.len() < n_all;
        if let [only] = variants.as_slice()
            && !is_loop
        {
            return Some(Shape::Alias(self.type_of(only, name)));
        }
        let candidates = candidates(&variants);
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
        if is_flat && !is_loop && words == BTreeSet::from([Word::String]) {
            let is_plain = |c: &Candidate<'_>| c.flat.values.is_none() && c.flat.constant.is_none();
            self.has_other = candidates.iter().any(is_plain);
            let is_bound = candidates
                .iter()
                .any(|c| !c.flat.bounds.is_empty() || c.flat.format.is_some());
            let residual = if is_bound {
                self.alternatives(schema)
            } else {
                None
            };
            let shape = strings(&candidates);
            return Some(match shape {
                Shape::Alias(mut ty) => {
                    ty.constraints.set_residual(residual);
                    Shape::Alias(ty)
                }
                shape if residual.is_none() => shape,
                shape => {
                    let known = (flat.docs.clone(), shape);
                    Shape::Alias(self.checked_text(schema, known, residual, name))
                }
            });
        }
        if is_flat
            && !is_loop
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
            ty.constraints.set_residual(self.alternatives(schema));
            return Some(Shape::Alias(ty));
        }
        let discriminator = flat
            .discriminator
            .clone()
            .or_else(|| schema.get("discriminator"));
        let is_one_of = flat.variants.len() > 1 && schema.get("oneOf").is_some();
        let mut union = self.build(candidates, discriminator.as_ref(), name);
        union.is_open = is_loop;
        // Beside a discriminator, the variant that the tag names is the one that counts.
        let is_sure = union.variants.iter().all(|variant| variant.is_exclusive);
        if is_one_of && !is_sure && !is_loop && discriminator.is_none() {
            union.bounds.set_residual(self.alternatives(schema));
        }
        Some(Shape::Union(union))
    }

    /// A union of the given schemas, each with its name; used for the messages of a channel.
    pub(crate) fn union_of(&mut self, named: Vec<(String, Cursor<'a>)>, name: &str) -> Shape {
        let candidates = named
            .into_iter()
            .map(|(name, schema)| {
                let flat = flatten(&schema);
                let mut candidate = candidate(schema, flat);
                candidate.name = name;
                candidate
            })
            .collect();
        Shape::Union(self.build(candidates, None, name))
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
                        // What stands at the place is the union.
                        self.ir.decls[id].place.push_str("&object");
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

    pub(super) fn build(
        &mut self,
        mut candidates: Vec<Candidate<'a>>,
        discriminator: Option<&Cursor<'a>>,
        name: &str,
    ) -> Union {
        let tag =
            declared_tag(&mut candidates, discriminator).or_else(|| proved_tag(&mut candidates));
        if let Some(tag) = &tag {
            name_by_tag(&mut candidates, tag);
        }
        let guards: Vec<Guard> = candidates.iter().map(|c| c.guard.clone()).collect();
        let mut variants: Vec<Variant> = candidates
            .into_iter()
            .enumerate()
            .map(|(index, candidate)| Variant {
                ty: {
                    let inline = format!("{name} {}", candidate.name);
                    let mut ty = match candidate.is_merged {
                        true => self.merged_type(&candidate.schema, candidate.flat, inline),
                        false => self.type_of(&candidate.schema, &inline),
                    };
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
        let is_whole = |ty: &Type| matches!(ty.kind, TypeKind::Integer(_));
        if variants.iter().any(|variant| is_whole(&variant.ty)) {
            // A whole number too large for the one keeps its digits in the other.
            for variant in &mut variants {
                if let TypeKind::Number { is_float } = &mut variant.ty.kind {
                    *is_float = false;
                }
            }
        }
        // The variant that asks for most is tried first, so that an open one can't swallow it.
        variants.sort_by_key(|variant| std::cmp::Reverse(strictness(variant)));
        Union {
            variants,
            tag,
            is_open: false,
            bounds: Constraints::default(),
        }
    }
}

/// Names inline variants after the value of their tag, when they only have the name of their kind
/// or that of another variant.
fn name_by_tag(candidates: &mut [Candidate<'_>], tag: &str) {
    let names: Vec<String> = candidates.iter().map(|c| c.name.clone()).collect();
    for candidate in candidates {
        let n_same = names.iter().filter(|name| **name == candidate.name);
        let is_telling = candidate.name != word_name(Word::Object) && n_same.count() == 1;
        if candidate.schema.is_reference() || is_telling {
            continue;
        }
        let values = candidate.guard.tags.iter().find(|(key, _)| key == tag);
        if let Some([value]) = values.map(|(_, values)| values.as_slice()) {
            candidate.name.clone_from(value);
        }
    }
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

/// Whether one of the variants is null, or a union that holds it.
fn has_null(flat: &Flat<'_>, depth: usize) -> bool {
    flat.variants.iter().any(|variant| {
        is_null(variant) || {
            let flat = flatten(variant);
            flat.is_nullable || depth < NESTED_MAX && has_null(&flat, depth + 1)
        }
    })
}

/// Whether a variant is a schema again, also as the variant of a variant.
fn leads_to(variant: &Cursor<'_>, schema: &Cursor<'_>, depth: usize) -> bool {
    let Some(target) = variant.resolve().filter(|_| depth < NESTED_MAX) else {
        return false;
    };
    if std::ptr::eq(target.node, schema.node) {
        return true;
    }
    if target.node.get("properties").is_some() {
        return false;
    }
    let groups = ["oneOf", "anyOf"].map(|key| target.get(key));
    let mut inner = groups.iter().flatten().flat_map(Cursor::items);
    inner.any(|inner| inner.is_reference() && leads_to(&inner, schema, depth + 1))
}

/// Whether a variant is null alone.
pub(super) fn is_null(schema: &Cursor<'_>) -> bool {
    let Some(target) = schema.resolve() else {
        return false;
    };
    if target.is_30() && is_nullable_alone(target.node) {
        return true;
    }
    target.text("type") == Some("null")
        || target.node.get("const").is_some_and(Node::is_null)
        || target.node.get("type").is_some_and(Node::is_null)
        || target.node.get("enum").is_some_and(|values| {
            values
                .as_array()
                .is_some_and(|values| !values.is_empty() && values.iter().all(Node::is_null))
        })
}
