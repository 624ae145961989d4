//! What a schema says plainly, and about what else it says something: found in one look at its
//! keys, as most schemas say little.

use tollgate_contracts_model::Node;

/// What one schema says by itself.
#[derive(Default)]
pub(super) struct Said<'a> {
    /// Its `type`, a word or a list of them.
    pub(super) kind: Option<&'a Node>,
    pub(super) title: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    pub(super) is_nullable: bool,
    pub(super) is_deprecated: bool,
    /// Whether there is `allOf`.
    pub(super) has_members: bool,
    /// Whether it says something about properties, items or alternatives.
    pub(super) has_structure: bool,
    /// About its values, their format or their direction.
    pub(super) has_values: bool,
    /// About lengths, ranges or patterns.
    pub(super) has_bounds: bool,
}

impl<'a> Said<'a> {
    pub(super) fn of(node: &'a Node) -> Self {
        let mut said = Self::default();
        for entry in node.entries() {
            let node = &entry.node;
            match entry.key.as_str() {
                "type" => said.kind = Some(node),
                "description" => said.description = node.scalar_text(),
                "title" => said.title = node.scalar_text(),
                "nullable" | "x-nullable" => said.is_nullable |= node.as_bool() == Some(true),
                "deprecated" => said.is_deprecated = node.as_bool() == Some(true),
                "allOf" => said.has_members = true,
                "enum" | "const" | "readOnly" | "writeOnly" => said.has_values = true,
                // Some formats are patterns.
                "format" => {
                    said.has_values = true;
                    said.has_bounds = true;
                }
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
                "example" | "examples" | "default" => {}
                key => said.has_bounds |= !key.starts_with("x-"),
            }
        }
        said
    }
}
