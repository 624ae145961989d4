//! The rules of a use of a type: what `validate` checks there in addition to the type.

use super::formats::format_type;
use super::scope::Rust;
use super::text::literal;
use crate::ir::{Constraints, Shape, Type, TypeKind};

impl Rust<'_> {
    /// The rules of a use of a type as Rust text, each under `prefix`.
    pub(crate) fn rules(&self, ty: &Type, prefix: &str) -> Vec<String> {
        let mut rules = bounds(&ty.constraints, prefix);
        match &ty.kind {
            TypeKind::Array(inner) | TypeKind::Map(inner) => {
                let inner = self.rules(inner, prefix);
                if !inner.is_empty() {
                    rules.push(format!("{prefix}Each(&[{}])", inner.join(", ")));
                }
            }
            TypeKind::Named(id) => {
                if let Shape::Alias(ty) = &self.ir.decls[*id].shape
                    && !self.graph.is_recursive_alias[*id]
                {
                    rules.extend(self.rules(ty, prefix));
                }
            }
            _ => {}
        }
        rules
    }

    /// Checks of one value as a statement; nothing when there is nothing to check. `value` is an
    /// expression of reference type.
    pub(crate) fn type_checks(&self, ty: &Type, value: &str, path: &str, level: usize) -> String {
        let rules = self.rules(ty, "support::Rule::");
        if rules.is_empty() && !self.checks_itself(ty) {
            return String::new();
        }
        let pad = "    ".repeat(level);
        format!(
            "{pad}support::check({value}, &[{}], {path}, violations);\n",
            rules.join(", ")
        )
    }

    /// Whether the type's own `check` can find something.
    fn checks_itself(&self, ty: &Type) -> bool {
        match &ty.kind {
            TypeKind::String(format) => format_type(format.as_deref()).is_some(),
            TypeKind::Array(inner) | TypeKind::Map(inner) => self.checks_itself(inner),
            TypeKind::Named(id) => match &self.ir.decls[*id].shape {
                Shape::Alias(ty) if !self.graph.is_recursive_alias[*id] => self.checks_itself(ty),
                _ => true,
            },
            _ => false,
        }
    }
}

/// The bounds of one place as Rust text.
pub(crate) fn bounds(constraints: &Constraints, prefix: &str) -> Vec<String> {
    let mut rules = Vec::new();
    if constraints.is_empty() {
        return rules;
    }
    let mut add = |rule: String| rules.push(format!("{prefix}{rule}"));
    if let Some(min) = constraints.size_min.filter(|min| *min > 0) {
        add(format!("SizeMin({min})"));
    }
    if let Some(max) = constraints.size_max {
        add(format!("SizeMax({max})"));
    }
    if let Some(min) = &constraints.minimum {
        let rule = if constraints.is_minimum_exclusive {
            "Above"
        } else {
            "Min"
        };
        add(format!("{rule}({})", literal(min)));
    }
    if let Some(max) = &constraints.maximum {
        let rule = if constraints.is_maximum_exclusive {
            "Below"
        } else {
            "Max"
        };
        add(format!("{rule}({})", literal(max)));
    }
    if let Some(divisor) = &constraints.multiple_of {
        add(format!("MultipleOf({})", literal(divisor)));
    }
    if let Some(pattern) = &constraints.pattern {
        add(format!("Pattern({})", literal(pattern)));
    }
    if constraints.is_unique {
        add("Unique".to_owned());
    }
    if let Some(values) = &constraints.values {
        let list = serde_json::Value::from(values.clone()).to_string();
        add(format!("OneOf({})", literal(&list)));
    }
    if let Some(residual) = &constraints.residual {
        add(format!("Schema({})", literal(&residual.to_string())));
    }
    rules
}
