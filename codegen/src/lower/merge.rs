//! Merges a schema with its `allOf` members into one flat record.

use std::collections::BTreeSet;

use serde_json::Value;
use tollgate_contracts_model::{Node, NodeValue};

use super::flat::{Flat, FlatExtra};
use super::infer::{infer, only_reference};
use super::said::Said;
use super::view::Cursor;
use super::word::Word;

/// How deep `allOf` may nest; real documents stay below 10.
const DEPTH_MAX: usize = 32;

/// Merges a schema with its `allOf` members; follows a reference at the top.
pub(crate) fn flatten<'a>(schema: &Cursor<'a>) -> Flat<'a> {
    let mut flat = Flat::new();
    if let Some(target) = schema.resolve() {
        flat.top = Some(target.key());
        merge(&mut flat, &target, 0);
        flat.only_reference = only_reference(&target);
    }
    flat.is_inferred = flat.words.is_none();
    if flat.is_inferred {
        flat.words = infer(&flat);
    }
    if let Some(values) = &mut flat.values {
        let n_before = values.len();
        values.retain(|value| !value.is_null());
        flat.is_nullable |= values.len() < n_before && flat.is_inferred;
    }
    flat.is_nullable |= flat.is_inferred && flat.constant == Some(Value::Null);
    flat
}

impl<'a> Flat<'a> {
    /// Adds the keywords of another schema, as if it were in `allOf`.
    pub(crate) fn add(&mut self, schema: &Cursor<'a>) {
        let Some(target) = schema.resolve() else {
            return;
        };
        let (docs, title) = (self.docs.clone(), self.title.take());
        let extra = std::mem::replace(&mut self.extra, FlatExtra::Unstated);
        self.merged.insert(target.key());
        merge(self, &target, 1);
        if self.docs.text.is_empty() {
            self.docs.text = docs.text;
        }
        self.title = self.title.take().or(title);
        if !matches!(self.extra, FlatExtra::Schema(_)) {
            self.extra = extra;
        }
        self.words.get_or_insert(BTreeSet::from([Word::Object]));
        self.only_reference = None;
    }
}

/// Adds the keywords of one schema; the outer schema is merged after its members and overrides
/// them.
fn merge<'a>(flat: &mut Flat<'a>, schema: &Cursor<'a>, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    let said = Said::of(schema.node);
    let members: Vec<Cursor<'a>> = said
        .has_members
        .then(|| schema.get("allOf"))
        .flatten()
        .map(|all| all.items().collect())
        .unwrap_or_default();
    let mut closed = Vec::new();
    for member in &members {
        let Some(target) = member.resolve() else {
            continue;
        };
        if flat.has_merged(target.key()) {
            continue;
        }
        flat.merged.insert(target.key());
        let outer_extra = std::mem::replace(&mut flat.extra, FlatExtra::Unstated);
        let outer_docs = std::mem::take(&mut flat.docs);
        let outer_title = flat.title.take();
        merge(flat, &target, depth + 1);
        flat.docs = outer_docs;
        flat.title = outer_title;
        // A closed member would refuse what its siblings add, so it closes nothing here.
        if matches!(flat.extra, FlatExtra::Refused) && members.len() > 1
            || matches!(flat.extra, FlatExtra::Unstated)
        {
            if matches!(flat.extra, FlatExtra::Refused) {
                closed.push(target);
            }
            flat.extra = outer_extra;
        }
    }
    merge_types(flat, &said);
    if said.has_structure {
        merge_object(flat, schema, depth);
    }
    if said.has_values {
        merge_values(flat, schema);
    }
    if said.has_bounds {
        flat.bounds.merge(schema, &mut flat.more);
    }
    // One that lists all that its siblings add closes the whole.
    if matches!(flat.extra, FlatExtra::Unstated)
        && flat.variants.is_empty()
        && closed.iter().any(|member| lists_all(member, flat))
    {
        flat.extra = FlatExtra::Refused;
    }
    flat.docs.is_deprecated |= said.is_deprecated;
    if let Some(description) = said.description.or(said.title) {
        flat.docs.text = description.to_owned();
    }
    if let Some(title) = said.title {
        flat.title = Some(title.to_owned());
    }
}

/// Whether a schema itself lists every property that is known.
fn lists_all(schema: &Cursor<'_>, flat: &Flat<'_>) -> bool {
    let listed = schema.node.get("properties");
    listed.is_some_and(|listed| {
        let mut known = flat.properties.iter();
        known.all(|(key, _)| listed.get(key).is_some())
    })
}

fn merge_types(flat: &mut Flat<'_>, said: &Said<'_>) {
    flat.is_nullable |= said.is_nullable;
    let Some(kind) = said.kind else {
        return;
    };
    let texts: Vec<&str> = match kind.as_str() {
        Some(text) => vec![text],
        None => kind.items().filter_map(Node::scalar_text).collect(),
    };
    flat.is_nullable |= texts.contains(&"null") || kind.items().any(Node::is_null);
    let words: BTreeSet<Word> = texts.into_iter().filter_map(Word::of).collect();
    if words.is_empty() {
        return;
    }
    flat.words = Some(match flat.words.take() {
        Some(outer) if outer.intersection(&words).next().is_some() => {
            outer.intersection(&words).copied().collect()
        }
        _ => words,
    });
}

fn merge_object<'a>(flat: &mut Flat<'a>, schema: &Cursor<'a>, depth: usize) {
    if let Some(properties) = schema.get("properties") {
        // The keys of one object differ, so only those of other members can be there already.
        let n_before = flat.properties.len();
        flat.properties.reserve(properties.node.entries().len());
        for (key, property) in properties.entries() {
            let mut known = flat.properties[..n_before].iter_mut();
            match known.find(|(known, _)| known == key) {
                Some((_, known)) => {
                    let is_kept = known.node.get("const").is_some();
                    let other = if is_kept {
                        property
                    } else {
                        std::mem::replace(known, property)
                    };
                    if !std::ptr::eq(other.node, known.node) {
                        flat.overruled.push((key.to_owned(), other));
                    }
                }
                None => flat.properties.push((key.to_owned(), property)),
            }
        }
    }
    if let Some(required) = schema.get("required") {
        let names = required.node.items().filter_map(Node::as_str);
        flat.required.extend(names.map(str::to_owned));
    }
    let extra = schema
        .get("additionalProperties")
        .or_else(|| schema.get("unevaluatedProperties"));
    if let Some(extra) = extra {
        flat.extra = match extra.node.value {
            NodeValue::Bool(false) if is_sole(schema) => FlatExtra::Refused,
            NodeValue::Bool(true) => FlatExtra::Unstated,
            _ if !is_sole(schema) => FlatExtra::Unstated,
            _ => FlatExtra::Schema(extra),
        };
    }
    if let Some(members) = schema.get("prefixItems") {
        // The items of a tuple have each a type of their own; `items` is that of the rest.
        flat.items = None;
        flat.tuples
            .push((members.items().collect(), schema.get("items")));
    } else if super::residual::is_tuple(schema.node) {
        let members = schema.get("items").into_iter();
        let members = members.flat_map(|items| items.items().collect::<Vec<_>>());
        flat.tuples
            .push((members.collect(), schema.get("additionalItems")));
        flat.items = schema.get("items");
    } else if let Some(items) = schema.get("items") {
        flat.items = Some(items);
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(variants) = schema.get(key) {
            let variants: Vec<Cursor<'a>> = variants.items().collect();
            // A parent that lists its children says nothing about a child.
            let is_known = |variant: &Cursor<'a>| {
                let target = variant.resolve().filter(|_| variant.is_reference());
                target.is_some_and(|target| flat.has_merged(target.key()))
            };
            if depth > 0 && variants.iter().any(is_known) {
                continue;
            }
            if !variants.is_empty() {
                flat.groups.push(variants.len());
            }
            flat.variants.extend(variants);
        }
    }
    let discriminator = schema.get("discriminator");
    flat.discriminator = discriminator.or_else(|| flat.discriminator.take());
}

/// Whether `additionalProperties` applies to all properties that are not listed: patterns list some
/// too, and `unevaluatedProperties` depends on the properties that other keywords list.
fn is_sole(schema: &Cursor<'_>) -> bool {
    let has = |key: &str| schema.node.get(key).is_some();
    !has("patternProperties")
        && (has("additionalProperties")
            || ![
                "$ref",
                "allOf",
                "anyOf",
                "oneOf",
                "if",
                "not",
                "dependentSchemas",
            ]
            .iter()
            .any(|key| has(key)))
}

fn merge_values(flat: &mut Flat<'_>, schema: &Cursor<'_>) {
    if let Some(values) = schema
        .get("enum")
        .filter(|values| values.node.as_array().is_some())
    {
        let values = values.node.items().map(Node::to_json);
        let values: Vec<Value> = values.collect();
        flat.values = Some(match flat.values.take() {
            Some(known) if known.iter().any(|value| values.contains(value)) => known
                .into_iter()
                .filter(|value| values.contains(value))
                .collect(),
            _ => values,
        });
        flat.value_names = texts(schema, ["x-enum-varnames", "x-enumNames"]);
        flat.value_docs = texts(schema, ["x-enum-descriptions", "x-enumDescriptions"]);
    }
    flat.is_read_only |= schema.is_true("readOnly");
    flat.is_write_only |= schema.is_true("writeOnly");
    if let Some(constant) = schema.get("const") {
        flat.constant = Some(constant.node.to_json());
    }
    if let Some(format) = schema.text("format") {
        flat.format = Some(format.to_owned());
    }
}

/// The texts of the first of these lists that the schema has.
fn texts(schema: &Cursor<'_>, keys: [&str; 2]) -> Vec<String> {
    let list = keys.iter().find_map(|key| schema.node.get(key));
    let items = list.into_iter().flat_map(|list| list.items());
    items
        .map(|item| item.scalar_text().unwrap_or_default().to_owned())
        .collect()
}
