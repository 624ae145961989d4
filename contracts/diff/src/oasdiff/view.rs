//! A schema as oasdiff reads it. A reference keeps its text and has the keywords of its target;
//! from 3.1 on, keywords next to a reference take precedence.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::{Contract, Kind, Located, Node, NodeValue};

/// One schema on one side.
#[derive(Clone, Debug)]
pub(super) struct View<'a> {
    /// The text of its `$ref`.
    pub(super) reference: Option<&'a str>,
    layers: Vec<Located<'a>>,
    hidden: &'static [&'static str],
    /// The address of the node where it is; 0 for a schema that no document holds.
    pub(super) identity: usize,
}

impl<'a> View<'a> {
    pub(super) fn new(contract: &'a Contract, at: Located<'a>) -> Self {
        let reference = at.node.get("$ref").and_then(Node::as_str);
        let layers = match reference {
            None => vec![at],
            Some(_) => {
                let end = contract.follow(at.file, at.node);
                if contract.kind == Kind::OpenApi30 {
                    vec![end]
                } else {
                    vec![at, end]
                }
            }
        };
        Self {
            reference,
            layers,
            hidden: &[],
            identity: std::ptr::from_ref(at.node).addr(),
        }
    }

    /// The schema that allows everything.
    pub(super) fn empty() -> Self {
        Self {
            reference: None,
            layers: Vec::new(),
            hidden: &[],
            identity: 0,
        }
    }

    /// The same schema without some of its keywords.
    pub(super) fn without(&self, hidden: &'static [&'static str]) -> Self {
        Self {
            reference: None,
            hidden,
            identity: 0,
            ..self.clone()
        }
    }

    /// Where it is.
    pub(super) fn place(&self) -> Option<tollgate_report::Place> {
        self.layers.last().map(|at| at.node.place(at.file))
    }

    /// The value of a keyword; null counts as absent.
    pub(super) fn located(&self, key: &str) -> Option<Located<'a>> {
        if self.hidden.contains(&key) {
            return None;
        }
        self.layers.iter().find_map(|layer| {
            let node = layer.node.get(key).filter(|node| !node.is_null())?;
            Some(Located {
                file: layer.file,
                node,
            })
        })
    }

    pub(super) fn node(&self, key: &str) -> Option<&'a Node> {
        self.located(key).map(|at| at.node)
    }

    pub(super) fn is_true(&self, key: &str) -> bool {
        self.node(key).and_then(Node::as_bool) == Some(true)
    }

    pub(super) fn text(&self, key: &str) -> &'a str {
        self.node(key)
            .and_then(Node::scalar_text)
            .unwrap_or_default()
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.node(key).and_then(Node::as_f64)
    }

    /// All keywords of the schema.
    pub(super) fn keys(&self) -> BTreeSet<&'a str> {
        let keys = self.layers.iter().flat_map(|layer| layer.node.entries());
        keys.map(|entry| entry.key.as_str())
            .filter(|key| *key != "$ref" && !self.hidden.contains(key))
            .collect()
    }

    /// `type` as a list.
    pub(super) fn types(&self) -> Vec<&'a str> {
        self.texts("type")
    }

    /// A text or a list of texts.
    pub(super) fn texts(&self, key: &str) -> Vec<&'a str> {
        let Some(node) = self.node(key) else {
            return Vec::new();
        };
        match node.as_str() {
            Some(text) => vec![text],
            None => node.items().filter_map(Node::scalar_text).collect(),
        }
    }

    /// A keyword that holds one schema; boolean schemas do not count.
    pub(super) fn schema(&self, contract: &'a Contract, key: &str) -> Option<Self> {
        let at = self.located(key)?;
        at.node.as_object()?;
        Some(Self::new(contract, at))
    }

    /// A keyword that holds a list of schemas.
    pub(super) fn schemas(&self, contract: &'a Contract, key: &str) -> Vec<Self> {
        let Some(at) = self.located(key) else {
            return Vec::new();
        };
        let nodes = at.node.items();
        nodes
            .map(|node| {
                let file = at.file;
                Self::new(contract, Located { file, node })
            })
            .collect()
    }

    /// A keyword that holds schemas by name.
    pub(super) fn named(&self, contract: &'a Contract, key: &str) -> BTreeMap<&'a str, Self> {
        let Some(at) = self.located(key) else {
            return BTreeMap::new();
        };
        let entries = at.node.entries();
        entries
            .map(|entry| {
                let located = Located {
                    file: at.file,
                    node: &entry.node,
                };
                (entry.key.as_str(), Self::new(contract, located))
            })
            .collect()
    }

    /// One property.
    pub(super) fn property(&self, contract: &'a Contract, name: &str) -> Option<Self> {
        let at = self.located("properties")?;
        let node = at.node.get(name)?;
        let file = at.file;
        Some(Self::new(contract, Located { file, node }))
    }

    pub(super) fn requires(&self, name: &str) -> bool {
        self.node("required").is_some_and(|node| {
            node.items()
                .any(|item| item.scalar_text().is_some_and(|text| text == name))
        })
    }
}

/// A value as text, equal exactly when the JSON values are: keys sorted, numbers by value.
pub(super) fn value_key(node: &Node) -> String {
    let mut text = String::new();
    write_value(node, &mut text);
    text
}

fn write_value(node: &Node, out: &mut String) {
    match &node.value {
        NodeValue::Number(_) => match node.as_f64() {
            Some(number) => out.push_str(&number.to_string()),
            None => out.push_str(&node.to_json().to_string()),
        },
        NodeValue::Array(items) => {
            out.push('[');
            for item in items {
                write_value(item, out);
                out.push(',');
            }
            out.push(']');
        }
        NodeValue::Object(entries) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by(|left, right| left.key.cmp(&right.key));
            out.push('{');
            for entry in sorted {
                out.push_str(&serde_json::Value::from(entry.key.as_str()).to_string());
                out.push(':');
                write_value(&entry.node, out);
                out.push(',');
            }
            out.push('}');
        }
        _ => out.push_str(&node.to_json().to_string()),
    }
}

/// A value as oasdiff shows it: texts without quotes.
pub(super) fn shown(node: &Node) -> String {
    match &node.value {
        NodeValue::String(text) => text.clone(),
        _ => value_key(node),
    }
}
