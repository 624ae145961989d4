//! What types can't express, as a small schema of its own that `validate` interprets.

use rustc_hash::FxHashSet;
use serde_json::{Map, Value, json};
use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::{Node, is_nullable_alone};

use super::lowering::Lowering;
use super::view::Cursor;
use crate::ir::{Constraints, Unchecked, format};

/// How many nodes the alternatives of an overlapping `oneOf` may reach to be checked exactly.
const ALTERNATIVES_NODES_MAX: usize = 3_000;
/// How many schemas one residual may join; further ones are not checked.
const PARTS_MAX: usize = 1_000;

/// Keywords that hold one schema.
const ONE: &[&str] = &[
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "items",
    "additionalProperties",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords that hold schemas by name.
const NAMED: &[&str] = &["properties", "patternProperties", "dependentSchemas"];
/// Keywords that hold a list of schemas.
const LIST: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords that hold plain values.
const PLAIN: &[&str] = &[
    "enum",
    "const",
    "multipleOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
    "dependentRequired",
    "minContains",
    "maxContains",
];
/// Keywords that no type expresses.
const HARD: &[&str] = &[
    "not",
    "if",
    "then",
    "else",
    "contains",
    "minContains",
    "maxContains",
    "propertyNames",
    "patternProperties",
    "dependentRequired",
    "dependentSchemas",
    "prefixItems",
];

impl<'a> Lowering<'a> {
    /// The parts of a schema and its `allOf` members that neither the type nor the bounds express.
    /// A tuple that has a type is left out.
    pub(crate) fn residual(&mut self, schema: &Cursor<'a>, has_tuple: bool) -> Option<Value> {
        if !schema.is_reference() && !has_residual(schema.node) {
            return None;
        }
        let mut parts = Vec::new();
        self.parts(schema, &mut FxHashSet::default(), &mut parts);
        if has_tuple {
            for part in &mut parts {
                // What is left to look at depends on the items that were looked at.
                if let Value::Object(part) = part
                    && !part.contains_key("unevaluatedItems")
                {
                    part.remove("prefixItems");
                    part.remove("items");
                }
            }
            parts.retain(|part| part.as_object().is_none_or(|part| !part.is_empty()));
        }
        joined(parts)
    }

    /// Each place counts once, so that `allOf` in circles or diamonds ends in linear time.
    fn parts(
        &mut self,
        schema: &Cursor<'a>,
        seen: &mut FxHashSet<*const Node>,
        parts: &mut Vec<Value>,
    ) {
        let Some(target) = schema.resolve() else {
            return;
        };
        if seen.len() >= PARTS_MAX {
            self.ir
                .unchecked
                .insert(target.place(), Unchecked::TooLarge);
            return;
        }
        if !seen.insert(target.key()) {
            return;
        }
        let node = target.node;
        if ["unevaluatedItems", "unevaluatedProperties"]
            .iter()
            .any(|key| {
                node.get(key)
                    .is_some_and(|node| node.as_bool() != Some(true))
            })
        {
            parts.push(self.convert(&target));
            return;
        }
        for member in target.get("allOf").iter().flat_map(Cursor::items) {
            self.parts(&member, seen, parts);
        }
        let mut part = Map::new();
        for entry in node
            .entries()
            .filter(|entry| HARD.contains(&entry.key.as_str()))
        {
            if let Some(value) = self.keyword(&target, &entry.key) {
                part.insert(entry.key.clone(), value);
            }
        }
        if node.get("prefixItems").is_some() || is_tuple(node) {
            part.extend(self.tuple(&target));
        } else if node
            .get("items")
            .is_some_and(|items| items.as_bool() == Some(false))
        {
            part.insert("items".to_owned(), Value::Bool(false));
        }
        if part.contains_key("patternProperties") {
            // What the patterns leave depends on the names that stand beside them.
            let names = target.get("properties");
            let names = names.iter().flat_map(Cursor::entries);
            let names: Map<String, Value> = names
                .map(|(name, _)| (name.to_owned(), Value::Bool(true)))
                .collect();
            if !names.is_empty() {
                part.insert("properties".to_owned(), Value::Object(names));
            }
            if let Some(value) = self.keyword(&target, "additionalProperties") {
                part.insert("additionalProperties".to_owned(), value);
            }
        }
        if !part.is_empty() {
            parts.push(Value::Object(part));
        }
    }

    /// The alternatives of a schema when types can't prove that one or any of them holds; nothing
    /// when they reach too many schemas to be checked this way.
    pub(crate) fn alternatives(&mut self, schema: &Cursor<'a>) -> Option<Value> {
        let target = schema.resolve()?;
        let mut part = Map::new();
        for key in ["anyOf", "oneOf"] {
            if let Some(members) = target.get(key) {
                let mut budget = ALTERNATIVES_NODES_MAX;
                if !is_small(&members, &mut budget, &mut FxHashSet::default()) {
                    let place = members.place();
                    self.ir.unchecked.insert(place, Unchecked::TooLarge);
                    return None;
                }
                part.insert(key.to_owned(), self.keyword(&target, key)?);
            }
        }
        (!part.is_empty()).then_some(Value::Object(part))
    }

    /// The alternatives of a schema and of its `allOf` members, and theirs.
    pub(crate) fn all_alternatives(&mut self, schema: &Cursor<'a>) -> Option<Value> {
        let mut parts = Vec::new();
        let mut seen = FxHashSet::default();
        let mut left = vec![schema.clone()];
        while let Some(next) = left.pop() {
            let Some(target) = next.resolve().filter(|target| seen.insert(target.key())) else {
                continue;
            };
            parts.extend(self.alternatives(&target));
            let members = target.get("allOf");
            let first = left.len();
            left.extend(members.iter().flat_map(Cursor::items));
            left[first..].reverse();
        }
        joined(parts)
    }

    fn tuple(&mut self, target: &Cursor<'a>) -> Map<String, Value> {
        let mut part = Map::new();
        let (prefix, rest) = if is_tuple(target.node) {
            ("items", "additionalItems")
        } else {
            ("prefixItems", "items")
        };
        if let Some(members) = target.get(prefix) {
            let members: Vec<Value> = members
                .items()
                .map(|member| self.convert(&member))
                .collect();
            part.insert("prefixItems".to_owned(), members.into());
        }
        if let Some(rest) = target.get(rest) {
            part.insert("items".to_owned(), self.convert(&rest));
        }
        part
    }

    /// One keyword of a schema, converted; nothing for a keyword that does not restrict values.
    fn keyword(&mut self, schema: &Cursor<'a>, key: &str) -> Option<Value> {
        let inner = schema.get(key)?;
        if ONE.contains(&key) {
            Some(self.convert(&inner))
        } else if LIST.contains(&key) {
            let members = inner.items();
            let members = members.map(|member| match member.is_30() && key != "allOf" {
                true if is_nullable_alone(member.node) => json!({"type": "null"}),
                _ => self.convert(&member),
            });
            Some(members.collect())
        } else if NAMED.contains(&key) {
            let members = inner.entries();
            let members = members.map(|(name, member)| (name.to_owned(), self.convert(&member)));
            Some(Value::Object(members.collect()))
        } else if PLAIN.contains(&key) {
            Some(inner.node.to_json())
        } else {
            None
        }
    }

    /// A whole schema in the words of 2020-12; its references become names in `Ir::schemas`.
    pub(crate) fn convert(&mut self, schema: &Cursor<'a>) -> Value {
        let mut out = match self.convert_beside(schema) {
            Value::Object(out) => out,
            other => return other,
        };
        if schema.is_reference()
            && let Some(target) = schema.resolve()
        {
            if schema.is_30() {
                out.clear();
            }
            let name = self.schema_name(&target);
            let name = escape_token(&name);
            out.insert("$ref".to_owned(), format!("#/$defs/{name}").into());
        }
        Value::Object(out)
    }

    /// The same without its reference.
    pub(crate) fn convert_beside(&mut self, schema: &Cursor<'a>) -> Value {
        let Some(_) = schema.node.as_object() else {
            return Value::Bool(schema.node.as_bool() != Some(false));
        };
        let mut out = Map::new();
        for entry in schema.node.entries() {
            if let Some(value) = self.keyword(schema, &entry.key) {
                out.insert(entry.key.clone(), value);
            }
        }
        if let Some(format) = schema.node.get("format").and_then(Node::as_str)
            && !self.is_strict
        {
            if crate::ir::Format::of(format).is_some() || format::is_expression(format) {
                out.insert("format".to_owned(), format.into());
            } else if let Some(pattern) = format::pattern_of(format) {
                match out.get("pattern") {
                    None => out.insert("pattern".to_owned(), pattern.into()),
                    Some(_) => out.insert("format".to_owned(), format.into()),
                };
            }
        }
        if let Some(word) = schema.node.get("type") {
            out.insert("type".to_owned(), word.to_json());
        }
        if is_tuple(schema.node) {
            out.remove("items");
            out.extend(self.tuple(schema));
        }
        lift(&mut out, schema)
    }

    fn schema_name(&mut self, target: &Cursor<'a>) -> String {
        let place = target.place();
        if let Some(name) = self.schema_names.get(&place) {
            return name.clone();
        }
        // Only components have names of their own; what else is added later takes none away.
        let own = target.name();
        let is_component = place == format!("{}#/components/schemas/{own}", target.entry());
        let name = if is_component && !self.ir.schemas.contains_key(&own) {
            own
        } else {
            place.clone()
        };
        self.schema_names.insert(place, name.clone());
        self.ir.schemas.insert(name.clone(), Value::Bool(true));
        self.schema_queue.push((name.clone(), target.clone()));
        name
    }

    /// Converts the schemas that residuals name.
    pub(crate) fn drain_schemas(&mut self) {
        while let Some((name, schema)) = self.schema_queue.pop() {
            let converted = self.convert(&schema);
            self.ir.schemas.insert(name, converted);
        }
    }
}

/// Whether a schema, or its `allOf`, has anything that may need a residual.
fn has_residual(node: &Node) -> bool {
    node.entries().any(|entry| match entry.key.as_str() {
        "allOf" | "unevaluatedItems" | "unevaluatedProperties" => true,
        "items" => entry.node.as_object().is_none(),
        key => HARD.contains(&key),
    })
}

/// An object with one key. `json!` would copy the value.
pub(super) fn holding(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

/// One schema that joins several; nothing for none.
pub(crate) fn joined(mut parts: Vec<Value>) -> Option<Value> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(holding("allOf", parts.into())),
    }
}

/// Adds a residual to bounds. An existing residual must then hold too.
pub(super) fn add(bounds: &mut Constraints, residual: Option<Value>) {
    let Some(residual) = residual else { return };
    let own = bounds.residual.take();
    let parts = own.into_iter().chain([residual]).collect();
    bounds.set_residual(joined(parts));
}

/// The words of `OpenAPI` 3.0 for null and exclusive bounds.
fn lift(out: &mut Map<String, Value>, schema: &Cursor<'_>) -> Value {
    for (exclusive, bound) in [
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ] {
        match out.get(exclusive) {
            Some(Value::Bool(true)) => {
                let bound = out.remove(bound).unwrap_or(Value::Null);
                out.insert(exclusive.to_owned(), bound);
            }
            Some(Value::Bool(false)) => {
                out.remove(exclusive);
            }
            _ => {}
        }
    }
    let whole = Value::Object(std::mem::take(out));
    if schema.is_true("nullable") {
        let null = holding("type", "null".into());
        return holding("anyOf", vec![whole, null].into());
    }
    whole
}

/// Whether `items` is a list, as in older dialects.
pub(crate) fn is_tuple(node: &Node) -> bool {
    node.get("items")
        .is_some_and(|items| items.as_array().is_some())
}

/// Whether a variant states only which properties must be present, or must be absent.
pub(crate) fn is_condition(schema: &Cursor<'_>) -> bool {
    !schema.is_reference()
        && schema.node.as_object().is_some()
        && schema.node.entries().all(|entry| {
            matches!(
                entry.key.as_str(),
                "required" | "not" | "title" | "description"
            )
        })
}

/// Whether a node reaches fewer nodes than the budget, through references too.
fn is_small(at: &Cursor<'_>, budget: &mut usize, seen: &mut FxHashSet<*const Node>) -> bool {
    if *budget == 0 {
        return false;
    }
    *budget -= 1;
    if at.is_reference()
        && let Some(target) = at.resolve()
    {
        return !seen.insert(target.key()) || is_small(&target, budget, seen);
    }
    at.items().all(|item| is_small(&item, budget, seen))
        && at
            .entries()
            .all(|(_, value)| is_small(&value, budget, seen))
}
