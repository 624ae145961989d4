//! The names that schemas of a document declare for themselves.

use std::collections::BTreeMap;

use crate::node::{Node, escape_token};
use crate::targets::target_of;

/// The names that schemas of a document declare for themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Pointers by `$anchor` and `$dynamicAnchor` (JSON Schema 2020-12, sections 8.2.2 and 8.2.3).
    pub(crate) anchors: BTreeMap<String, String>,
    /// Pointers by `$id` (and by the `$self` of an `OpenAPI` 3.2 document), joined to the file.
    pub(crate) ids: BTreeMap<String, String>,
}

/// The names in a document. Examples, defaults and the like are data and name nothing.
pub(crate) fn names_of(file: &str, root: &Node, text: &str) -> Names {
    let mut names = Names::default();
    if ["$id", "$anchor", "$dynamicAnchor", "$self"]
        .iter()
        .any(|key| text.contains(key))
    {
        gather(file, root, &mut String::new(), &mut names);
    }
    names
}

fn gather(file: &str, node: &Node, pointer: &mut String, names: &mut Names) {
    for entry in node.entries() {
        let key = entry.key.as_str();
        if let Some(name) = entry.node.as_str() {
            let map = match key {
                "$anchor" | "$dynamicAnchor" => &mut names.anchors,
                "$id" | "$self" => &mut names.ids,
                _ => continue,
            };
            let (map, name) = match name.strip_prefix('#') {
                Some(anchor) => (&mut names.anchors, anchor.to_owned()),
                None if key == "$id" || key == "$self" => (map, target_of(file, name).file),
                None => (map, name.to_owned()),
            };
            map.entry(name).or_insert_with(|| pointer.clone());
            continue;
        }
        let is_data = matches!(key, "example" | "examples" | "default" | "enum" | "const");
        if is_data || key.starts_with("x-") {
            continue;
        }
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&escape_token(key));
        gather(file, &entry.node, pointer, names);
        pointer.truncate(length);
    }
    for (idx, item) in node.items().enumerate() {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&idx.to_string());
        gather(file, item, pointer, names);
        pointer.truncate(length);
    }
}
