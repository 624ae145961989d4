//! What `validate` checks in addition to the types: the bounds of a use of a type.

use super::checked::{is_checked, own_bounds};
use super::scope::Swift;
use super::text::literal;
use crate::HEADER;
use crate::ir::{DeclId, Integer, Ir, Shape, Type, TypeKind};

impl Swift<'_> {
    /// The bounds of a place as Swift cases; its own, those of an alias, those of its items.
    pub(super) fn bounds(&self, ty: &Type) -> Vec<String> {
        self.bounds_within(ty, &mut Vec::new())
    }

    fn bounds_within(&self, ty: &Type, aliases: &mut Vec<DeclId>) -> Vec<String> {
        let mut bounds = own_bounds(&ty.constraints);
        match &ty.kind {
            TypeKind::Integer(Integer::Big) => bounds.push(".whole".to_owned()),
            TypeKind::Array(inner) | TypeKind::Map(inner) => {
                let inner = self.bounds_within(inner, aliases);
                if !inner.is_empty() {
                    bounds.push(format!(".each([{}])", inner.join(", ")));
                }
            }
            TypeKind::Named(id) => {
                if let Shape::Alias(target) = &self.ir.decls[*id].shape
                    && !self.graph.is_recursive_alias[*id]
                    && !aliases.contains(id)
                {
                    aliases.push(*id);
                    let of_alias = self.bounds_within(target, aliases);
                    aliases.pop();
                    for bound in of_alias {
                        if !bounds.contains(&bound) {
                            bounds.push(bound);
                        }
                    }
                }
            }
            _ => {}
        }
        bounds
    }

    /// Whether a value of this type has anything to check in addition to the bounds of its place.
    pub(super) fn is_checked(&self, ty: &Type) -> bool {
        is_checked(ty, &self.has_checks)
    }
}

/// The file of the schemas that bounds refer to.
pub(super) fn schemas(ir: &Ir) -> String {
    let mut lines = String::new();
    for (name, schema) in &ir.schemas {
        let (name, schema) = (literal(name), literal(&schema.to_string()));
        lines.push_str(&format!("        case {name}: JSONCache.value({schema})\n"));
    }
    format!(
        "// {HEADER}\n\n/// The schemas that bounds of `.schema` refer to by name.\nenum JSONSchemas {{\n    static func named(_ name: String) -> JSONValue? {{\n        switch name {{\n{lines}        default: nil\n        }}\n    }}\n}}\n"
    )
}
