//! The schemas of constraints that types can't express, and the one function that checks a value
//! against them: JSON Schema 2020-12 without `$id`, anchors and dynamic references.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::support::{Path, Rule, Violation, canonical, complaint, is_same, json};
use super::{formats, pattern}; // if pattern
use super::formats; // if no pattern

/// How many references may follow each other.
const DEPTH_MAX: usize = 256;

/// The schemas that references name.
static SCHEMAS: LazyLock<Value> = LazyLock::new(|| json(include_str!("schemas.json")));

static READ: Mutex<BTreeMap<&'static str, Arc<Value>>> = Mutex::new(BTreeMap::new());

/// Checks a value against the text of a schema.
pub fn check(text: &'static str, value: &Value, path: &Path<'_>, violations: &mut Vec<Violation>) {
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    let schema = Arc::clone(read.entry(text).or_insert_with(|| Arc::new(json(text))));
    drop(read);
    let mut walk = Walk { violations, depth: 0 };
    walk.schema(&schema, value, path);
}

/// The properties and items that a schema has evaluated, for `unevaluated…`.
#[derive(Default)]
struct Seen {
    keys: BTreeSet<String>,
    items: BTreeSet<usize>,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.items.extend(other.items);
    }
}

struct Walk<'v> {
    violations: &'v mut Vec<Violation>,
    depth: usize,
}

impl Walk<'_> {
    fn say(&mut self, path: &Path<'_>, message: impl Into<String>) {
        self.violations.push(Violation::new(path, message));
    }

    /// The result of a schema without its violations: the parts it has evaluated when it holds.
    fn try_schema(&mut self, schema: &Value, value: &Value, path: &Path<'_>) -> Option<Seen> {
        let mut violations = Vec::new();
        let mut inner = Walk { violations: &mut violations, depth: self.depth };
        let seen = inner.schema(schema, value, path);
        violations.is_empty().then_some(seen)
    }

    fn schema(&mut self, schema: &Value, value: &Value, path: &Path<'_>) -> Seen {
        let mut seen = Seen::default();
        let Some(schema) = schema.as_object() else {
            if *schema == Value::Bool(false) {
                self.say(path, "is not allowed");
            }
            return seen;
        };
        self.depth += 1;
        if self.depth < DEPTH_MAX {
            self.reference(schema, value, path, &mut seen);
            self.bounds(schema, value, path);
            self.compositions(schema, value, path, &mut seen);
            match value {
                Value::Array(items) => self.items(schema, items, path, &mut seen),
                Value::Object(entries) => self.properties(schema, entries, value, path, &mut seen),
                _ => {}
            }
        }
        self.depth -= 1;
        seen
    }

    fn reference(&mut self, schema: &Map<String, Value>, value: &Value, path: &Path<'_>, seen: &mut Seen) {
        let Some(name) = schema.get("$ref").and_then(Value::as_str) else {
            return;
        };
        let name = name.trim_start_matches("#/$defs/").replace("~1", "/").replace("~0", "~");
        if let Some(target) = SCHEMAS.get(&name) {
            seen.add(self.schema(target, value, path));
        }
    }

    fn bounds(&mut self, schema: &Map<String, Value>, value: &Value, path: &Path<'_>) {
        if let Some(word) = schema.get("type") {
            let words: Vec<&str> = match word {
                Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
                word => word.as_str().into_iter().collect(),
            };
            if !words.iter().any(|word| is_type(word, value)) {
                self.say(path, format!("is not of type {}", words.join(" or ")));
            }
        }
        if let Some(Value::Array(known)) = schema.get("enum")
            && !known.iter().any(|known| is_same(known, value))
        {
            self.say(path, format!("is not one of {}", Value::from(known.clone())));
        }
        if let Some(known) = schema.get("const").filter(|known| !is_same(known, value)) {
            self.say(path, format!("is not {known}"));
        }
        if let (Some(format), Some(text)) = (schema.get("format").and_then(Value::as_str), value.as_str())
            && !formats::is_valid(format, text)
        {
            self.say(path, format!("is not of the format {format}"));
        }
        let (min, max) = match value {
            Value::String(_) => ("minLength", "maxLength"),
            Value::Array(_) => ("minItems", "maxItems"),
            _ => ("minProperties", "maxProperties"),
        };
        let size = |key: &str| schema.get(key).and_then(Value::as_f64).map(|size| size as u64);
        let text = |key: &str| schema.get(key).filter(|bound| bound.is_number()).map(Value::to_string);
        let numbers = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"].map(text);
        let [least, most, above, below, divisor] = &numbers;
        let rules = [
            size(min).map(Rule::SizeMin),
            size(max).map(Rule::SizeMax),
            least.as_deref().map(Rule::Min),
            most.as_deref().map(Rule::Max),
            above.as_deref().map(Rule::Above),
            below.as_deref().map(Rule::Below),
            divisor.as_deref().map(Rule::MultipleOf),
            schema.get("pattern").and_then(Value::as_str).map(Rule::Pattern),
        ];
        for rule in rules.into_iter().flatten() {
            if let Some(message) = complaint(rule, value) {
                self.say(path, message);
            }
        }
    }

    fn compositions(&mut self, schema: &Map<String, Value>, value: &Value, path: &Path<'_>, seen: &mut Seen) {
        let members = |key: &str| schema.get(key).and_then(Value::as_array).into_iter().flatten();
        for member in members("allOf") {
            seen.add(self.schema(member, value, path));
        }
        if schema.contains_key("anyOf") {
            let held: Vec<Seen> = members("anyOf").filter_map(|member| self.try_schema(member, value, path)).collect();
            if held.is_empty() {
                self.say(path, "fits none of the alternatives");
            }
            held.into_iter().for_each(|held| seen.add(held));
        }
        if schema.contains_key("oneOf") {
            let mut held: Vec<Seen> = members("oneOf").filter_map(|member| self.try_schema(member, value, path)).collect();
            match (held.len(), held.pop()) {
                (1, Some(held)) => seen.add(held),
                (0, _) => self.say(path, "fits none of the alternatives"),
                (n, _) => self.say(path, format!("fits {n} of the alternatives, but must fit exactly one")),
            }
        }
        if let Some(member) = schema.get("not")
            && self.try_schema(member, value, path).is_some()
        {
            self.say(path, "matches a schema that the contract excludes");
        }
        if let Some(condition) = schema.get("if") {
            let held = self.try_schema(condition, value, path);
            let branch = schema.get(if held.is_some() { "then" } else { "else" });
            held.into_iter().for_each(|held| seen.add(held));
            if let Some(branch) = branch {
                seen.add(self.schema(branch, value, path));
            }
        }
    }

    fn items(&mut self, schema: &Map<String, Value>, items: &[Value], path: &Path<'_>, seen: &mut Seen) {
        let prefix = schema.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (index, (member, item)) in prefix.iter().zip(items).enumerate() {
            self.schema(member, item, &path.item(index));
            seen.items.insert(index);
        }
        if let Some(member) = schema.get("items") {
            for (index, item) in items.iter().enumerate().skip(prefix.len()) {
                self.schema(member, item, &path.item(index));
                seen.items.insert(index);
            }
        }
        if let Some(member) = schema.get("contains") {
            let held = (0..items.len()).filter(|index| self.try_schema(member, &items[*index], path).is_some());
            let held: Vec<usize> = held.collect();
            let bound = |key: &str| schema.get(key).and_then(Value::as_f64).map(|bound| bound as usize);
            let min = bound("minContains").unwrap_or(1);
            if held.len() < min || bound("maxContains").is_some_and(|max| held.len() > max) {
                self.say(path, format!("has {} matching items, which is not a number that the contract allows", held.len()));
            }
            seen.items.extend(held);
        }
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            let mut known = BTreeSet::new();
            for (index, item) in items.iter().enumerate() {
                if !known.insert(canonical(item)) {
                    self.say(&path.item(index), "is a duplicate item");
                }
            }
        }
        if let Some(member) = schema.get("unevaluatedItems") {
            for (index, item) in items.iter().enumerate() {
                if seen.items.insert(index) {
                    self.schema(member, item, &path.item(index));
                }
            }
        }
    }

    fn properties(&mut self, schema: &Map<String, Value>, entries: &Map<String, Value>, value: &Value, path: &Path<'_>, seen: &mut Seen) {
        let object = |key: &str| schema.get(key).and_then(Value::as_object).into_iter().flatten();
        for key in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !entries.contains_key(key) {
                self.say(&path.field(key), "is required");
            }
        }
        let mut own = BTreeSet::new();
        for (key, member) in object("properties") {
            if let Some(entry) = entries.get(key) {
                self.schema(member, entry, &path.field(key));
                own.insert(key.clone());
            }
        }
        for (wanted, member) in object("patternProperties") { // if pattern
            for (key, entry) in entries.iter().filter(|(key, _)| pattern::is_match(wanted, key)) { // if pattern
                self.schema(member, entry, &path.field(key)); // if pattern
                own.insert(key.clone()); // if pattern
            } // if pattern
        } // if pattern
        if let Some(member) = schema.get("additionalProperties") {
            for (key, entry) in entries {
                if own.insert(key.clone()) {
                    self.schema(member, entry, &path.field(key));
                }
            }
        }
        if let Some(member) = schema.get("propertyNames") {
            for key in entries.keys() {
                self.schema(member, &Value::from(key.as_str()), &path.field(key));
            }
        }
        for (key, needed) in object("dependentRequired").filter(|(key, _)| entries.contains_key(*key)) {
            for wanted in needed.as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !entries.contains_key(wanted) {
                    self.say(&path.field(wanted), format!("is required when `{key}` is present"));
                }
            }
        }
        for (_, member) in object("dependentSchemas").filter(|(key, _)| entries.contains_key(*key)) {
            seen.add(self.schema(member, value, path));
        }
        seen.keys.extend(own);
        if let Some(member) = schema.get("unevaluatedProperties") {
            for (key, entry) in entries {
                if seen.keys.insert(key.clone()) {
                    self.schema(member, entry, &path.field(key));
                }
            }
        }
    }
}

fn is_type(word: &str, value: &Value) -> bool {
    match word {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => super::support::is_whole(value),
        _ => true,
    }
}
