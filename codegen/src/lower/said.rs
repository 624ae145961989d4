//! The keywords of a schema that are read directly, and the groups of its other keywords. One pass
//! over its keys finds both, because most schemas have few keywords.

use tollgate_contracts_model::Node;

/// The keywords of one schema, without those of other schemas.
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
    /// Whether it has keywords about properties, items or alternatives.
    pub(super) has_structure: bool,
    /// Whether it has keywords about its values, their format or their direction.
    pub(super) has_values: bool,
    /// Whether it has keywords about lengths, ranges or patterns.
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
