//! Self-contained JSON Schema 2020-12 from the schemas of a contract: reachable schemas under
//! `$defs`, the 3.0 dialect converted.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use crate::contract::Contract;
use crate::grammar::{Object, Shape};
use crate::kind::Kind;
use crate::node::{Node, unescape_token};
use crate::targets::{Target, target_of};
use crate::views::Located;

/// The dialect of every schema that is made here.
pub const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// How many schemas one bundle may reach.
const DEFS_MAX: usize = 50_000;

impl Contract {
    /// The schema of the JSON body of a response: of the exact status, else its range (`2XX`),
    /// else `default`. Absent when the operation, the response or a JSON body is not there.
    #[must_use]
    pub fn response_schema(&self, operation_id: &str, status: u16) -> Option<Value> {
        let operation = self.find_operation(operation_id)?;
        let range = format!("{}XX", status / 100);
        let wanted = [status.to_string(), range, "default".to_owned()];
        let response = wanted.iter().find_map(|wanted| {
            let mut responses = operation.responses.iter();
            responses.find(|(status, _)| status.eq_ignore_ascii_case(wanted))
        })?;
        self.body_schema(response.1)
    }

    /// The schema of the JSON body of a request. Absent when there is none.
    #[must_use]
    pub fn request_schema(&self, operation_id: &str) -> Option<Value> {
        self.body_schema(self.find_operation(operation_id)?.request_body?)
    }

    /// The schema of the payload of a message, by its name or its key. Absent when there is none
    /// or its format is not JSON Schema.
    #[must_use]
    pub fn message_schema(&self, message_name: &str) -> Option<Value> {
        let messages = self.messages();
        let message = messages
            .iter()
            .find(|message| message.name == message_name)
            .or_else(|| messages.iter().find(|message| message.key == message_name))?;
        Some(self.bundle(message.at.file, message.payload?))
    }

    /// The self-contained schema of any schema node of the contract.
    #[must_use]
    pub fn bundle(&self, file: &str, schema: &Node) -> Value {
        self.bundle_read(Reading::ToTheLetter, file, schema)
    }

    /// Like [`Contract::bundle`], for a reader who follows the intent of the document where it
    /// allows more than the specification: `nullable` in every version and next to `allOf`, a
    /// `type` that lists null next to `allOf`, and the variant that a discriminator names even if
    /// another fits too.
    #[must_use]
    pub fn bundle_as_meant(&self, file: &str, schema: &Node) -> Value {
        self.bundle_read(Reading::AsMeant, file, schema)
    }

    fn bundle_read(&self, reading: Reading, file: &str, schema: &Node) -> Value {
        let mut bundler = Bundler {
            contract: self,
            reading,
            names: BTreeMap::new(),
            taken: HashSet::new(),
            queue: Vec::new(),
        };
        let root = bundler.convert(file, schema);
        let mut defs = Map::new();
        while let Some((target, name)) = bundler.queue.pop() {
            let node = self.locate(&target);
            let value = node.map_or(Value::Bool(true), |node| {
                bundler.convert(&target.file, node)
            });
            defs.insert(name, value);
        }
        let mut root = match root {
            Value::Object(object) => object,
            Value::Bool(false) => Map::from_iter([("not".to_owned(), json!({}))]),
            _ => Map::new(),
        };
        root.insert("$schema".to_owned(), DIALECT.into());
        if !defs.is_empty() {
            root.insert("$defs".to_owned(), Value::Object(defs));
        }
        Value::Object(root)
    }

    fn body_schema(&self, body: Located<'_>) -> Option<Value> {
        let (_, media) = json_media(body.node)?;
        let media = self.follow(body.file, media);
        Some(self.bundle(media.file, media.node.get("schema")?))
    }
}

/// The JSON media type of a body: `application/json`, else the first `+json`.
pub(crate) fn json_media(body: &Node) -> Option<(&str, &Node)> {
    let content = body.get("content")?;
    let base = |key: &str| {
        let base = key.split(';').next().unwrap_or_default();
        base.trim().to_ascii_lowercase()
    };
    let found = content
        .entries()
        .find(|entry| base(&entry.key) == "application/json")
        .or_else(|| {
            content
                .entries()
                .find(|entry| base(&entry.key).ends_with("+json"))
        })?;
    Some((found.key.as_str(), &found.node))
}

/// How deep members of `allOf` are checked for null; real documents stay below 10.
const NULL_DEPTH_MAX: usize = 32;

/// How a document is interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    ToTheLetter,
    AsMeant,
}

struct Bundler<'a> {
    contract: &'a Contract,
    reading: Reading,
    names: BTreeMap<Target, String>,
    taken: HashSet<String>,
    queue: Vec<(Target, String)>,
}

impl Bundler<'_> {
    /// The name under `$defs` of a target: the last token of its pointer, with a number when
    /// that is taken.
    fn name_of(&mut self, target: Target) -> String {
        if let Some(name) = self.names.get(&target) {
            return name.clone();
        }
        let last = target.pointer.rsplit('/').next().unwrap_or_default();
        let stem = target.file.rsplit('/').next().unwrap_or_default();
        let base = if last.is_empty() {
            stem.split('.').next().unwrap_or_default().to_owned()
        } else {
            unescape_token(last).into_owned()
        };
        let base: String = base
            .chars()
            .map(|letter| match letter {
                letter if letter.is_ascii_alphanumeric() => letter,
                '.' | '-' => letter,
                _ => '_',
            })
            .collect();
        let mut name = base.clone();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{base}_{number}");
            number += 1;
        }
        self.names.insert(target.clone(), name.clone());
        self.queue.push((target, name.clone()));
        name
    }

    fn convert(&mut self, file: &str, node: &Node) -> Value {
        let Some(entries) = node.as_object() else {
            return match node.as_bool() {
                Some(value) => Value::Bool(value),
                None => Value::Bool(true),
            };
        };
        let is_30 = self.contract.kind == Kind::OpenApi30;
        let mut out = Map::new();
        if let Some(text) = node.reference_text() {
            if let Some(reference) = self.reference(file, text) {
                out.insert("$ref".to_owned(), reference.into());
            }
            if is_30 {
                // Keys next to a `$ref` do not count, but real documents mean `nullable`.
                let is_nullable = node.get("nullable").and_then(Node::as_bool) == Some(true);
                return if is_nullable && out.contains_key("$ref") {
                    json!({"anyOf": [out, {"type": "null"}]})
                } else {
                    Value::Object(out)
                };
            }
        }
        for entry in entries {
            let key = entry.key.as_str();
            if is_dropped(key) {
                continue;
            }
            let mut value = match Object::Schema.child(key) {
                Some(shape) => self.convert_shape(file, shape, &entry.node),
                None => entry.node.to_json(),
            };
            if is_30
                && matches!(key, "anyOf" | "oneOf")
                && let Value::Array(variants) = &mut value
            {
                for (variant, node) in variants.iter_mut().zip(entry.node.items()) {
                    if is_nullable_alone(node) {
                        *variant = json!({"type": "null"});
                    }
                }
            }
            out.insert(key.to_owned(), value);
        }
        if is_30 {
            lift_30(&mut out, node);
        }
        lift_items(&mut out);
        if let Some(discriminator) = self.discriminator(file, node) {
            out.insert("discriminator".to_owned(), discriminator);
        }
        if self.reading == Reading::AsMeant {
            if node.get("discriminator").is_some()
                && !out.contains_key("anyOf")
                && let Some(variants) = out.remove("oneOf")
            {
                out.insert("anyOf".to_owned(), variants);
            }
            if self.means_null(file, node, 0) {
                return json!({"anyOf": [out, {"type": "null"}]});
            }
        }
        Value::Object(out)
    }

    /// Whether a schema or a member of its `allOf` accepts null.
    fn means_null(&self, file: &str, node: &Node, depth: usize) -> bool {
        let resolved = self.contract.follow(file, node);
        // Beside a reference documents write it and mean it.
        let is_true = |key: &str| {
            let both = [node, resolved.node].into_iter();
            let mut said = both.filter_map(|node| node.get(key));
            said.any(|value| value.as_bool() == Some(true))
        };
        let (file, node) = (resolved.file, resolved.node);
        let types = node.get("type").map(Node::items).unwrap_or_default();
        let members = node.get("allOf").map(Node::items).unwrap_or_default();
        is_true("nullable")
            || is_true("x-nullable")
            || types.clone().any(|word| word.as_str() == Some("null"))
            || depth < NULL_DEPTH_MAX
                && members
                    .clone()
                    .any(|member| self.means_null(file, member, depth + 1))
    }

    /// The discriminator of a union, with each variant's own name written out. It rejects nothing.
    /// Callers that make values of the schema give them the tags that distinguish the variants.
    fn discriminator(&mut self, file: &str, node: &Node) -> Option<Value> {
        let discriminator = node.get("discriminator")?;
        let property = discriminator.get("propertyName")?.as_str()?;
        let target = |text: &str| {
            let known = Some(target_of(file, text)).filter(|it| self.contract.locate(it).is_some());
            known.unwrap_or_else(|| target_of(file, &format!("#/components/schemas/{text}")))
        };
        let mapping = discriminator.get("mapping").map(Node::entries);
        let named: Vec<(&str, Target)> = mapping
            .unwrap_or_default()
            .filter_map(|entry| Some((entry.key.as_str(), target(entry.node.scalar_text()?))))
            .collect();
        let mut all = Map::new();
        for key in ["oneOf", "anyOf"] {
            let variants = node.get(key).map(Node::items).unwrap_or_default();
            for text in variants.filter_map(Node::reference_text) {
                let end = target_of(file, text);
                let own = named.iter().filter(|(_, known)| *known == end);
                let mut tags: Vec<&str> = own.map(|(tag, _)| *tag).collect();
                if tags.is_empty() {
                    tags.extend(text.rsplit('/').next());
                }
                let reference = self.reference(file, text)?;
                for tag in tags {
                    all.insert(tag.to_owned(), reference.clone().into());
                }
            }
        }
        (!all.is_empty()).then(|| json!({"propertyName": property, "mapping": all}))
    }

    fn reference(&mut self, file: &str, text: &str) -> Option<String> {
        let target = target_of(file, text);
        self.contract.locate(&target)?;
        if self.names.len() >= DEFS_MAX && !self.names.contains_key(&target) {
            return None;
        }
        Some(format!("#/$defs/{}", self.name_of(target)))
    }

    fn convert_shape(&mut self, file: &str, shape: Shape, node: &Node) -> Value {
        match (shape, node.as_array(), node.as_object()) {
            (Shape::One(_) | Shape::List(_), Some(items), _) => {
                items.iter().map(|item| self.convert(file, item)).collect()
            }
            (Shape::Map(_), _, Some(entries)) => entries
                .iter()
                .map(|entry| (entry.key.clone(), self.convert(file, &entry.node)))
                .collect(),
            (Shape::One(_), None, _) => self.convert(file, node),
            _ => node.to_json(),
        }
    }
}

/// Keys that do not affect which instances are valid, or whose meaning changes in a bundle.
fn is_dropped(key: &str) -> bool {
    matches!(
        key,
        "$ref"
            | "example"
            | "examples"
            | "externalDocs"
            | "xml"
            | "discriminator"
            | "$schema"
            | "$id"
            | "$anchor"
            | "$dynamicRef"
            | "$dynamicAnchor"
            | "$defs"
            | "definitions"
            | "nullable"
    ) || key.starts_with("x-")
}

/// The dialect of `OpenAPI` 3.0 in the words of 2020-12: `nullable` joins the types and the enum,
/// a boolean `exclusiveMinimum` takes the number of `minimum`.
fn lift_30(out: &mut Map<String, Value>, node: &Node) {
    for (exclusive, bound) in [
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ] {
        match out.get(exclusive) {
            Some(Value::Bool(true)) => {
                out.remove(exclusive);
                if let Some(number) = out.remove(bound) {
                    out.insert(exclusive.to_owned(), number);
                }
            }
            Some(Value::Bool(false)) => {
                out.remove(exclusive);
            }
            _ => {}
        }
    }
    if node.get("nullable").and_then(Node::as_bool) != Some(true) {
        return;
    }
    // By the proposal "clarify nullable" (OpenAPI 3.0.3), it counts only next to a `type`; next to
    // a composition alone real documents mean "or null".
    if let Some(Value::String(word)) = out.get("type") {
        let types = json!([word, "null"]);
        out.insert("type".to_owned(), types);
        if let Some(Value::Array(values)) = out.get_mut("enum")
            && !values.contains(&Value::Null)
        {
            values.push(Value::Null);
        }
    } else if ["allOf", "oneOf", "anyOf"]
        .iter()
        .any(|key| out.contains_key(*key))
    {
        let inner = Value::Object(std::mem::take(out));
        out.insert("anyOf".to_owned(), json!([inner, {"type": "null"}]));
    }
}

/// Whether a variant of a union has `nullable: true` and no other restriction of values. Documents
/// of `OpenAPI` 3.0 write it for "or null", though strictly it allows any value.
#[must_use]
pub fn is_nullable_alone(node: &Node) -> bool {
    node.get("nullable").and_then(Node::as_bool) == Some(true)
        && node.entries().all(|entry| {
            let key = entry.key.as_str();
            matches!(
                key,
                "nullable" | "title" | "description" | "default" | "example" | "deprecated"
            ) || key.starts_with("x-")
        })
}

/// A list under `items` is `prefixItems` in 2020-12.
fn lift_items(out: &mut Map<String, Value>) {
    if out.get("items").is_some_and(Value::is_array)
        && let Some(items) = out.remove("items")
    {
        out.insert("prefixItems".to_owned(), items);
        if let Some(rest) = out.remove("additionalItems") {
            out.insert("items".to_owned(), rest);
        }
    }
}
