//! A value as text that is the same for equal values.

use crate::node::{Entry, Node};

/// A value as text in which the order of keys and the spelling of numbers don't count.
#[must_use]
pub fn canonical(node: &Node) -> String {
    let mut out = String::new();
    write_canonical(node, &mut out);
    out
}

fn write_canonical(node: &Node, out: &mut String) {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    if let Some(entries) = node.as_object() {
        let mut entries: Vec<&Entry> = entries.iter().collect();
        entries.sort_by(|one, other| one.key.cmp(&other.key));
        for (at, entry) in entries.into_iter().enumerate() {
            out.push_str(if at == 0 { "{" } else { "," });
            out.push_str(&text(&entry.key));
            out.push(':');
            write_canonical(&entry.node, out);
        }
        out.push_str(if node.entries().len() == 0 { "{}" } else { "}" });
    } else if let Some(items) = node.as_array() {
        out.push('[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            write_canonical(item, out);
        }
        out.push(']');
    } else {
        match node.as_f64() {
            Some(number) if node.as_u64().is_none() => {
                out.push_str(&serde_json::Value::from(number).to_string());
            }
            _ => out.push_str(&node.to_json().to_string()),
        }
    }
}
