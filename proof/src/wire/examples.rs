//! The examples that a document gives, by the declaration they belong to.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_codegen::ir::Ir;
use tollgate_contracts_instance::Json;
use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::{Contract, Node};

use crate::wire::value;

/// How many references, lists and single parts are followed from an example to a declaration.
const STEPS_MAX: usize = 12;

/// Every example of the documents, by the place of its declaration.
pub fn collect(contracts: &[Contract], ir: &Ir) -> BTreeMap<String, Vec<Json>> {
    let mut found = Found {
        places: ir.decls.iter().map(|decl| decl.place.as_str()).collect(),
        examples: BTreeMap::new(),
    };
    for contract in contracts {
        for document in contract.documents.values() {
            let mut walk = vec![(String::new(), &document.root)];
            while let Some((pointer, node)) = walk.pop() {
                look(contract, &document.file, &pointer, node, &mut found);
                for entry in node.entries() {
                    walk.push((join(&pointer, &entry.key), &entry.node));
                }
                for (idx, item) in node.items().enumerate() {
                    walk.push((format!("{pointer}/{idx}"), item));
                }
            }
        }
    }
    found.examples
}

struct Found<'a> {
    places: BTreeSet<&'a str>,
    examples: BTreeMap<String, Vec<Json>>,
}

/// Takes the examples of one object: those of a schema, those next to a `schema`, and those of a
/// message.
fn look(contract: &Contract, file: &str, pointer: &str, node: &Node, found: &mut Found<'_>) {
    let place = format!("{file}#{pointer}");
    if found.places.contains(place.as_str()) {
        let lists = node.get("examples").into_iter().flat_map(Node::items);
        let singles = ["example", "default"]
            .into_iter()
            .filter_map(|key| node.get(key));
        let all: Vec<Json> = lists.chain(singles).map(value::of).collect();
        found.examples.entry(place).or_default().extend(all);
    }
    if let Some(schema) = node.get("schema") {
        let schema = Spot::new(contract, file, join(pointer, "schema"), schema);
        for example in node
            .get("example")
            .into_iter()
            .chain(values(contract, file, node))
        {
            attach(&schema, example, found, 0);
        }
    }
    for part in ["payload", "headers"] {
        let Some(schema) = node.get(part) else {
            continue;
        };
        let schema = Spot::new(contract, file, join(pointer, part), schema);
        let examples = node.get("examples").into_iter().flat_map(Node::items);
        for example in examples.filter_map(|example| example.get(part)) {
            attach(&schema, example, found, 0);
        }
    }
}

/// The values of a map of examples, references followed.
fn values<'a>(contract: &'a Contract, file: &'a str, node: &'a Node) -> Vec<&'a Node> {
    let named = node.get("examples").into_iter().flat_map(Node::entries);
    named
        .map(|entry| match entry.node.get("$ref") {
            Some(_) => contract.resolve(file, &entry.node).node,
            None => &entry.node,
        })
        .filter_map(|example| example.get("value").or_else(|| example.get("dataValue")))
        .collect()
}

/// A schema and its place.
struct Spot<'a> {
    contract: &'a Contract,
    file: &'a str,
    pointer: String,
    node: &'a Node,
}

impl<'a> Spot<'a> {
    fn new(contract: &'a Contract, file: &'a str, pointer: String, node: &'a Node) -> Self {
        Self {
            contract,
            file,
            pointer,
            node,
        }
    }

    fn child(&self, key: &str) -> Option<Self> {
        let node = self.node.get(key)?;
        Some(Self::new(
            self.contract,
            self.file,
            join(&self.pointer, key),
            node,
        ))
    }
}

/// Gives an example to the declaration of its schema, or its items to that of the items.
fn attach(schema: &Spot<'_>, example: &Node, found: &mut Found<'_>, n_steps: usize) {
    let place = format!("{}#{}", schema.file, schema.pointer);
    if found.places.contains(place.as_str()) {
        let examples = found.examples.entry(place).or_default();
        examples.push(value::of(example));
        return;
    }
    if n_steps > STEPS_MAX {
        return;
    }
    if schema.node.get("$ref").is_some() {
        let resolved = schema.contract.resolve(schema.file, schema.node);
        if let (false, Some(pointer)) = (resolved.is_missing, resolved.pointer.clone()) {
            let target = Spot::new(schema.contract, resolved.file, pointer, resolved.node);
            attach(&target, example, found, n_steps + 1);
        }
        return;
    }
    if let (Some(items), Some(_)) = (schema.child("items"), example.as_array()) {
        for item in example.items() {
            attach(&items, item, found, n_steps + 1);
        }
    }
}

fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", escape_token(key))
}
