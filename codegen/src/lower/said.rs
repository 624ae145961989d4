//! About what a schema says something at all, found in one look at its keys.
//!
//! It must not know what the keywords mean.

use tollgate_contracts::Node;

/// About what a schema says something. Most say little, and looking for each keyword takes time.
#[derive(Default)]
pub(super) struct Said {
    /// About properties, items or alternatives.
    pub(super) has_structure: bool,
    /// About its values, their format or their direction.
    pub(super) has_values: bool,
    /// About lengths, ranges or patterns.
    pub(super) has_bounds: bool,
}

impl Said {
    pub(super) fn of(node: &Node) -> Self {
        let mut said = Self::default();
        for entry in node.entries() {
            match entry.key.as_str() {
                "type" | "description" | "title" | "nullable" | "example" | "examples"
                | "default" | "allOf" | "deprecated" => {}
                "enum" | "const" | "format" | "readOnly" | "writeOnly" => said.has_values = true,
                "properties"
                | "required"
                | "additionalProperties"
                | "unevaluatedProperties"
                | "prefixItems"
                | "items"
                | "additionalItems"
                | "oneOf"
                | "anyOf"
                | "discriminator" => said.has_structure = true,
                key => said.has_bounds |= !key.starts_with("x-"),
            }
        }
        said
    }
}
