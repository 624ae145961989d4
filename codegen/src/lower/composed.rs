//! Variants beside properties of their own schema: a union whose variants hold the properties too.
//!
//! It must not know operations or channels.

use std::collections::BTreeSet;

use super::Lowering;
use super::flat::{Flat, FlatExtra, Word, flatten};
use super::guards::{Candidate, candidates, guard, name_by_keys};
use super::unions::is_null;
use super::view::Cursor;
use crate::ir::{Shape, Type, TypeKind};

/// How many fields the variants of one union may repeat; beyond, the properties of all variants
/// stand in one type.
const REPEATED_FIELDS_MAX: usize = 600;

/// How deep unions of unions are looked through; real documents stay below 4.
const SPREAD_MAX: usize = 4;

impl<'a> Lowering<'a> {
    /// The union of variants that stand beside properties; nothing when one type with all
    /// properties says it better.
    pub(super) fn composed(
        &mut self,
        schema: &Cursor<'a>,
        flat: &Flat<'a>,
        name: &str,
    ) -> Option<Shape> {
        if flat.n_groups != 1 || flat.words.as_ref().is_some_and(|words| *words != object()) {
            return None;
        }
        let mut own = flat.clone();
        own.variants.clear();
        own.discriminator = None;
        own.n_groups = 0;
        let mut all = Vec::new();
        let mut n_other = 0;
        let variants = spread(&flat.variants, 0);
        for mut candidate in candidates(&variants) {
            let is_object = candidate
                .flat
                .words
                .as_ref()
                .is_none_or(|words| *words == object());
            if !is_object && candidate.flat.variants.is_empty() {
                // Without a `type`, properties say nothing about other values.
                if flat.is_inferred {
                    n_other += 1;
                    all.push(candidate);
                }
                continue;
            }
            if !candidate.flat.variants.is_empty() {
                return None;
            }
            let is_unnamed = candidate.flat.words.is_none() && candidate.flat.title.is_none();
            if candidate.flat.properties.is_empty() && is_unnamed {
                candidate.name = "Plain".to_owned();
            }
            candidate.is_merged = !holds(&candidate.flat, &own);
            if candidate.is_merged {
                let mut merged = own.clone();
                merged.add(&candidate.schema);
                candidate.guard = guard(&merged);
                candidate.flat = merged;
            }
            all.push(candidate);
        }
        let is_new = |candidate: &Candidate<'a>| {
            let mut keys = candidate.flat.properties.iter();
            keys.any(|(key, _)| !own.properties.iter().any(|(known, _)| known == key))
        };
        let n_fields: usize = all
            .iter()
            .map(|candidate| candidate.flat.properties.len())
            .sum();
        // What one variant lists may be anything in a variant that says nothing of it, so one type
        // with all properties would refuse values; it holds only where all list the same.
        if all.len() < 2
            || n_other == 0 && !all.iter().any(is_new)
            || n_fields > REPEATED_FIELDS_MAX
        {
            return None;
        }
        name_by_keys(&mut all);
        // The types of what the variants share are named before the first of them.
        for (wire, property) in &own.properties {
            self.type_of(property, &format!("{name} {wire}"));
        }
        let discriminator = flat.discriminator.clone();
        let is_closed = all
            .iter()
            .any(|candidate| matches!(candidate.flat.extra, FlatExtra::Refused));
        let mut union = self.build(all, discriminator.as_ref(), name);
        let is_sure = union.variants.iter().all(|variant| variant.is_exclusive);
        if (!is_sure && discriminator.is_none()) || is_closed {
            union.bounds.set_residual(self.all_alternatives(schema));
        }
        Some(Shape::Union(union))
    }

    /// The type of a variant that holds more than its schema says.
    pub(super) fn merged_type(
        &mut self,
        schema: &Cursor<'a>,
        flat: Flat<'a>,
        name: String,
    ) -> Type {
        let target = schema.resolve().unwrap_or_else(|| schema.clone());
        let docs = flat.docs.clone();
        match self.shape_of(&target, flat, &name) {
            Shape::Alias(ty) => ty,
            shape => {
                let id = self.declare_inline(schema, name, docs, shape);
                // What stands at the place alone is less.
                self.ir.decls[id].place.push_str("&merged");
                Type::new(TypeKind::Named(id))
            }
        }
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

/// The variants, and in place of those that are nothing but unions, theirs.
fn spread<'a>(variants: &[Cursor<'a>], depth: usize) -> Vec<Cursor<'a>> {
    let mut all = Vec::new();
    for variant in variants.iter().filter(|variant| !is_null(variant)) {
        let flat = flatten(variant);
        let is_union = flat.properties.is_empty()
            && flat.required.is_empty()
            && flat.discriminator.is_none()
            && flat.n_groups == 1;
        match is_union && depth < SPREAD_MAX {
            true => all.extend(spread(&flat.variants, depth + 1)),
            false => all.push(variant.clone()),
        }
    }
    all
}

fn object() -> BTreeSet<Word> {
    BTreeSet::from([Word::Object])
}

/// Whether a variant says by itself all that stands beside it.
fn holds(variant: &Flat<'_>, own: &Flat<'_>) -> bool {
    let has = |(key, property): &(String, Cursor<'_>)| {
        let mut known = variant.properties.iter();
        known.any(|(other, node)| other == key && std::ptr::eq(node.node, property.node))
    };
    own.properties.iter().all(has) && own.required.is_subset(&variant.required)
}
