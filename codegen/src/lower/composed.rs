//! Schemas with variants and properties of their own, and schemas with several lists of variants.
//! They become a union whose variants hold all that belongs together.

use std::collections::BTreeSet;

use super::flat::{Flat, FlatExtra};
use super::guards::{Candidate, candidates, guard, name_by_keys};
use super::lowering::Lowering;
use super::merge::flatten;
use super::unions::is_null;
use super::view::Cursor;
use super::word::Word;
use crate::ir::{Shape, Type, TypeKind};

/// How many fields the variants of one union may repeat; above this number, one type holds the
/// properties of all variants.
const REPEATED_FIELDS_MAX: usize = 600;

/// How deep nested unions are followed; real documents stay below 4.
const SPREAD_MAX: usize = 4;

/// How many combinations of variants of several lists one union may have; above this number, one
/// type holds the properties of all variants.
const COMBINATIONS_MAX: usize = 32;

impl<'a> Lowering<'a> {
    /// The union of variants of a schema that has properties too, or of the combinations of several
    /// lists of variants; nothing when one type with all properties describes the values better.
    pub(super) fn composed(
        &mut self,
        schema: &Cursor<'a>,
        flat: &Flat<'a>,
        name: &str,
    ) -> Option<Shape> {
        if flat.words.as_ref().is_some_and(|words| *words != object()) {
            return None;
        }
        let mut own = flat.clone();
        own.variants.clear();
        own.groups.clear();
        own.discriminator = None;
        let mut groups = Vec::new();
        for group in groups_of(flat) {
            let variants = spread(group, 0);
            let mut group = candidates(&variants);
            for candidate in &mut group {
                if !candidate.flat.variants.is_empty() {
                    return None;
                }
                let is_unnamed = candidate.flat.words.is_none() && candidate.flat.title.is_none();
                if is_object(&candidate.flat) && candidate.flat.properties.is_empty() && is_unnamed
                {
                    candidate.name = "Plain".to_owned();
                }
            }
            groups.push(group);
        }
        let is_one_list = groups.len() == 1;
        if !is_one_list {
            // A list that only says which of the own properties go together is a check.
            groups.retain(|group| group.iter().any(|variant| is_new(&variant.flat, &own)));
        }
        // The tag of one list tells no combination apart.
        let discriminator = flat.discriminator.clone().filter(|_| groups.len() == 1);
        let (mut all, n_other) = match <[_; 1]>::try_from(groups) {
            Ok([group]) => beside(group, &own, flat.is_inferred),
            Err(groups) => (combinations(groups, &own)?, 0),
        };
        let n_fields: usize = all
            .iter()
            .map(|candidate| candidate.flat.properties.len())
            .sum();
        // What one variant lists may be anything in a variant that says nothing of it, so one type
        // with all properties would refuse values; it holds only where all list the same.
        if all.len() < 2
            || n_other == 0 && !all.iter().any(|variant| is_new(&variant.flat, &own))
            || n_fields > REPEATED_FIELDS_MAX
        {
            return None;
        }
        name_by_keys(&mut all);
        // The types of what the variants share are named before the first of them.
        for (wire, property) in &own.properties {
            self.type_of(property, &format!("{name} {wire}"));
        }
        let is_closed = all
            .iter()
            .any(|candidate| matches!(candidate.flat.extra, FlatExtra::Refused));
        let mut union = self.build(all, discriminator.as_ref(), name);
        let is_sure = union.variants.iter().all(|variant| variant.is_exclusive);
        if is_one_list && ((!is_sure && discriminator.is_none()) || is_closed) {
            union.bounds.set_residual(self.all_alternatives(schema));
        }
        Some(Shape::Union(union))
    }

    /// The type of a variant that holds more than its own schema declares.
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

    /// When the schema has properties of its own, variants only add what may be present; the
    /// residual checks which of them occur together.
    pub(crate) fn add_variant_properties(&mut self, flat: &mut Flat<'a>) {
        let n_own = flat.properties.len();
        let groups: Vec<Vec<Flat<'a>>> = groups_of(flat)
            .map(|group| group.iter().map(flatten).collect())
            .collect();
        flat.variants.clear();
        flat.groups.clear();
        for group in &groups {
            for (key, property) in group.iter().flat_map(|variant| &variant.properties) {
                match flat.properties.iter().position(|(known, _)| known == key) {
                    Some(index) if index < n_own => {}
                    None => {
                        flat.properties.push((key.clone(), property.clone()));
                        if !group.iter().all(|variant| rules(variant, key)) {
                            flat.loose.insert(key.clone(), false);
                        }
                    }
                    Some(index) => {
                        if std::ptr::eq(flat.properties[index].1.node, property.node) {
                            continue;
                        }
                        let known = flatten(&flat.properties[index].1);
                        let other = flatten(property);
                        let is_text =
                            |flat: &Flat<'_>| flat.words == Some(BTreeSet::from([Word::String]));
                        // Text of two sets is text; two other types may be anything.
                        let is_text = is_text(&known) && is_text(&other) && !other.is_nullable;
                        let loose = flat.loose.entry(key.clone()).or_insert(is_text);
                        *loose &= is_text;
                    }
                }
            }
        }
    }
}

/// The lists of variants.
fn groups_of<'f, 'a>(flat: &'f Flat<'a>) -> impl Iterator<Item = &'f [Cursor<'a>]> {
    let mut rest = flat.variants.as_slice();
    flat.groups.iter().map(move |n_variants| {
        let (group, behind) = rest.split_at((*n_variants).min(rest.len()));
        rest = behind;
        group
    })
}

fn is_object(variant: &Flat<'_>) -> bool {
    variant
        .words
        .as_ref()
        .is_none_or(|words| *words == object())
}

/// Whether a variant lists properties that the schema around it does not have.
fn is_new(variant: &Flat<'_>, own: &Flat<'_>) -> bool {
    let mut keys = variant.properties.iter();
    keys.any(|(key, _)| !own.properties.iter().any(|(known, _)| known == key))
}

/// Whether an object of this variant restricts the value of a key.
fn rules(variant: &Flat<'_>, key: &str) -> bool {
    !is_object(variant)
        || matches!(variant.extra, FlatExtra::Refused)
        || variant.properties.iter().any(|(known, _)| known == key)
}

/// The variants of one list, each with the properties around it, and how many of them are not
/// objects.
fn beside<'a>(
    group: Vec<Candidate<'a>>,
    own: &Flat<'a>,
    is_inferred: bool,
) -> (Vec<Candidate<'a>>, usize) {
    let mut all = Vec::new();
    let mut n_other = 0;
    for mut candidate in group {
        if !is_object(&candidate.flat) {
            // Without a `type`, properties say nothing about other values.
            if is_inferred {
                n_other += 1;
                all.push(candidate);
            }
            continue;
        }
        candidate.is_merged = !holds(&candidate.flat, own);
        if candidate.is_merged {
            let mut merged = own.clone();
            merged.add(&candidate.schema);
            candidate.guard = guard(&merged);
            candidate.flat = merged;
        }
        all.push(candidate);
    }
    (all, n_other)
}

/// All combinations of one variant of each list, with the properties around them; nothing when
/// there are too many, or when some variants are not objects.
fn combinations<'a>(groups: Vec<Vec<Candidate<'a>>>, own: &Flat<'a>) -> Option<Vec<Candidate<'a>>> {
    let n_all = groups
        .iter()
        .try_fold(1usize, |n, group| n.checked_mul(group.len()))?;
    let mut members = groups.iter().flatten();
    if groups.is_empty() || n_all > COMBINATIONS_MAX || !members.all(|of| is_object(&of.flat)) {
        return None;
    }
    let mut all: Vec<Option<Candidate<'a>>> = vec![None];
    for group in &groups {
        let longer = all.iter().flat_map(|known| {
            group.iter().map(|variant| {
                let mut merged = known.as_ref().map_or(own, |known| &known.flat).clone();
                merged.add(&variant.schema);
                let name = match known {
                    None => variant.name.clone(),
                    Some(known) => format!("{} {}", known.name, variant.name),
                };
                Some(Candidate {
                    name,
                    schema: variant.schema.clone(),
                    guard: guard(&merged),
                    flat: merged,
                    is_merged: true,
                })
            })
        });
        all = longer.collect();
    }
    Some(all.into_iter().flatten().collect())
}

/// The variants. A variant that is only a union is replaced by its own variants.
fn spread<'a>(variants: &[Cursor<'a>], depth: usize) -> Vec<Cursor<'a>> {
    let mut all = Vec::new();
    for variant in variants.iter().filter(|variant| !is_null(variant)) {
        let flat = flatten(variant);
        let is_union = flat.properties.is_empty()
            && flat.required.is_empty()
            && flat.discriminator.is_none()
            && flat.groups.len() == 1;
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

/// Whether a variant's own schema already declares all that the schema around it declares.
fn holds(variant: &Flat<'_>, own: &Flat<'_>) -> bool {
    let has = |(key, property): &(String, Cursor<'_>)| {
        let mut known = variant.properties.iter();
        known.any(|(other, node)| other == key && std::ptr::eq(node.node, property.node))
    };
    own.properties.iter().all(has) && own.required.is_subset(&variant.required)
}
