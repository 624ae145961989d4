//! One schema with its references and its `allOf` resolved.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::canonical::canonical;
use tollgate_contracts_model::{Contract, Kind, Located, Node, is_nullable_alone};

use crate::walk::address;

/// How many parts one schema may have; real ones have fewer than 40.
const PARTS_MAX: usize = 512;

/// The parts that together decide which values are valid: the schema, the schemas that its
/// references reach, and its `allOf`.
pub(crate) struct Flat<'a> {
    pub(crate) parts: Vec<Located<'a>>,
    /// Whether null is valid only because of a composition.
    nullable_by_union: bool,
    contract: &'a Contract,
}

impl<'a> Flat<'a> {
    pub(crate) fn new(contract: &'a Contract, at: Located<'a>) -> Self {
        let mut flat = Self {
            parts: Vec::new(),
            nullable_by_union: false,
            contract,
        };
        flat.add(at, &mut Vec::new());
        flat.unwrap_nullable(&mut Vec::new());
        flat
    }

    fn add(&mut self, at: Located<'a>, seen: &mut Vec<usize>) {
        if seen.contains(&address(at.node)) || self.parts.len() >= PARTS_MAX {
            return;
        }
        seen.push(address(at.node));
        let end = self.contract.follow(at.file, at.node);
        if !std::ptr::eq(end.node, at.node) {
            self.add(end, seen);
            if self.contract.kind == Kind::OpenApi30 {
                return;
            }
        }
        self.parts.push(at);
        for member in at.node.get("allOf").map(Node::items).unwrap_or_default() {
            let member = Located {
                file: at.file,
                node: member,
            };
            self.add(member, seen);
        }
    }

    /// `anyOf: [X, {type: null}]` is X that may be null.
    fn unwrap_nullable(&mut self, seen: &mut Vec<usize>) {
        for key in ["anyOf", "oneOf"] {
            let Some(all) = self.union_all(key) else {
                continue;
            };
            let rest: Vec<_> = all.iter().filter(|at| !self.is_null(at.node)).collect();
            if rest.len() < all.len() {
                self.nullable_by_union = true;
            }
            if let ([only], true) = (rest.as_slice(), rest.len() < all.len()) {
                let only = **only;
                self.add(only, seen);
            }
        }
    }

    fn is_null(&self, node: &Node) -> bool {
        let is_30 = self.contract.kind == Kind::OpenApi30;
        is_null_schema(node) || is_30 && is_nullable_alone(node)
    }

    fn union_all(&self, key: &str) -> Option<Vec<Located<'a>>> {
        let (file, node) = self.get(key)?;
        let items = node.as_array()?;
        Some(
            items
                .iter()
                .map(|node| self.contract.follow(file, node))
                .collect(),
        )
    }

    /// The variants of a union without null; nothing when at most one is left next to null.
    pub(crate) fn variants(&self, key: &str) -> Option<Vec<Located<'a>>> {
        let (file, node) = self.get(key)?;
        let items = node.as_array()?;
        let variants: Vec<Located<'a>> = items
            .iter()
            .filter(|node| !self.is_null(self.contract.follow(file, node).node))
            .map(|node| Located { file, node })
            .collect();
        (variants.len() == items.len() || variants.len() > 1).then_some(variants)
    }

    /// The first part that has a key, with its file.
    pub(crate) fn get(&self, key: &str) -> Option<(&'a str, &'a Node)> {
        self.parts
            .iter()
            .find_map(|part| Some((part.file, part.node.get(key)?)))
    }

    pub(crate) fn node(&self, key: &str) -> Option<&'a Node> {
        self.get(key).map(|(_, node)| node)
    }

    pub(crate) fn located(&self, key: &str) -> Option<Located<'a>> {
        self.get(key).map(|(file, node)| Located { file, node })
    }

    pub(crate) fn is_true(&self, key: &str) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| part.node.get(key).and_then(Node::as_bool) == Some(true))
    }

    /// The types without null; absent when any is valid.
    pub(crate) fn types(&self) -> Option<BTreeSet<&'a str>> {
        let node = self.node("type")?;
        let words: BTreeSet<&str> = match node.as_str() {
            Some(word) => BTreeSet::from([word]),
            None => node.items().filter_map(Node::as_str).collect(),
        };
        Some(words.into_iter().filter(|word| *word != "null").collect())
    }

    /// Whether null is valid. A schema without a type allows null but does not mention it.
    pub(crate) fn is_nullable(&self) -> bool {
        let by_type = self.node("type").is_some_and(|node| {
            node.as_str() == Some("null") || node.items().any(|item| item.as_str() == Some("null"))
        });
        by_type || self.nullable_by_union || self.is_true("nullable")
    }

    pub(crate) fn properties(&self) -> BTreeMap<&'a str, Located<'a>> {
        let mut properties = BTreeMap::new();
        for part in &self.parts {
            for entry in part
                .node
                .get("properties")
                .map(Node::entries)
                .unwrap_or_default()
            {
                let at = Located {
                    file: part.file,
                    node: &entry.node,
                };
                properties.entry(entry.key.as_str()).or_insert(at);
            }
        }
        properties
    }

    pub(crate) fn required(&self) -> BTreeSet<&'a str> {
        self.parts
            .iter()
            .flat_map(|part| {
                part.node
                    .get("required")
                    .map(Node::items)
                    .unwrap_or_default()
            })
            .filter_map(Node::as_str)
            .collect()
    }

    /// The values of `enum` as JSON text; a null that `nullable` allows is not among them.
    pub(crate) fn enum_values(&self) -> Option<BTreeSet<String>> {
        let values = match (self.node("enum"), self.node("const")) {
            (Some(node), _) => node.as_array()?.iter().map(canonical).collect(),
            (None, Some(node)) => BTreeSet::from([canonical(node)]),
            (None, None) => return None,
        };
        let mut values: BTreeSet<String> = values;
        if self.is_nullable() {
            values.remove("null");
        }
        Some(values)
    }

    pub(crate) fn first(&self) -> Option<Located<'a>> {
        self.parts.first().copied()
    }
}

fn is_null_schema(node: &Node) -> bool {
    let word = node.get("type").and_then(Node::as_str);
    let only_null = |node: &Node| {
        let items = node.as_array();
        items.is_some_and(|items| items.len() == 1 && items[0].is_null())
    };
    word == Some("null") || node.get("enum").is_some_and(only_null)
}
