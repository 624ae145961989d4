//! Helpers for any JSON value: its type, equality, and how a message shows it.

use tollgate_contracts_model::{Node, NodeValue};

use crate::tree::{Item, Tree};

/// Whether a node is of a JSON Schema type.
pub(crate) fn has_type(node: &Node, word: &str) -> bool {
    match word {
        "integer" => node.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => node.type_word() == word,
    }
}

/// A value as it is shown in a message.
pub(crate) fn shown(node: &Node) -> String {
    let text = match node.as_str() {
        Some(text) => format!("\"{text}\""),
        None => node.to_json().to_string(),
    };
    let short: String = text.chars().take(60).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("`{short}{dots}`")
}

/// Whether two values are equal as JSON: numbers by value, objects in any order.
pub(crate) fn equal(left_tree: &Tree<'_>, left: Item, right_tree: &Tree<'_>, right: Item) -> bool {
    equal_nodes(left_tree.node(left), right_tree.node(right))
}

/// As [`equal`], for nodes.
pub(crate) fn equal_nodes(left: &Node, right: &Node) -> bool {
    match (&left.value, &right.value) {
        (NodeValue::Number(_), NodeValue::Number(_)) => {
            left.scalar_text() == right.scalar_text() || left.as_f64() == right.as_f64()
        }
        (NodeValue::Array(left), NodeValue::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| equal_nodes(left, right))
        }
        (NodeValue::Object(entries), NodeValue::Object(others)) => {
            entries.len() == others.len()
                && entries.iter().all(|entry| {
                    right
                        .get(&entry.key)
                        .is_some_and(|other| equal_nodes(&entry.node, other))
                })
        }
        _ => left.type_word() == right.type_word() && left.scalar_text() == right.scalar_text(),
    }
}
