//! The body of `check`: bounds of fields and what they hold.

use std::fmt::Write as _;

use super::Rust;
use super::text::literal;
use crate::ir::{Constraints, DeclId, Extra, Field, Integer, Shape, Struct, Type, TypeKind};

impl Rust<'_> {
    pub(super) fn object_checks(
        &self,
        object: &Struct,
        fields: &[&Field],
        idents: &[String],
    ) -> String {
        let mut text = String::new();
        for (field, ident) in fields.iter().zip(idents) {
            let path = format!("&path.field({})", literal(&field.wire));
            let value = if field.is_required {
                format!("&self.{ident}")
            } else {
                "value".to_owned()
            };
            let level = if field.is_required { 2 } else { 3 };
            let checks = self.type_checks(&field.ty, &value, &path, level);
            if checks.is_empty() {
                continue;
            }
            if field.is_required {
                text.push_str(&checks);
            } else {
                let _ = write!(
                    text,
                    "        if let Some(value) = &self.{ident} {{\n{checks}        }}\n"
                );
            }
        }
        if let Extra::Typed(ty) = &object.extra {
            let checks = self.type_checks(ty, "value", "&path.field(key)", 3);
            if !checks.is_empty() {
                let _ = write!(
                    text,
                    "        for (key, value) in &self.extra {{\n{checks}        }}\n"
                );
            }
        }
        if !object.bounds.is_empty() && object.extra != Extra::Refused {
            let n_fixed = object.fields.len() - fields.len();
            let _ = write!(text, "        let size = self.extra.len() + {n_fixed}");
            for (field, ident) in fields.iter().zip(idents) {
                let _ = if field.is_required {
                    write!(text, " + 1")
                } else {
                    write!(text, " + usize::from(self.{ident}.is_some())")
                };
            }
            let bounds = bounds(&object.bounds);
            let _ = writeln!(
                text,
                ";\n        support::check_size(size, \"properties\", {bounds}, path, violations);"
            );
        }
        text
    }

    /// Checks of one value; `value` is an expression of reference type.
    pub(crate) fn type_checks(&self, ty: &Type, value: &str, path: &str, level: usize) -> String {
        let pad = "    ".repeat(level);
        if ty.is_nullable {
            let mut plain = ty.clone();
            plain.is_nullable = false;
            let checks = self.type_checks(&plain, "value", path, level + 1);
            if checks.is_empty() {
                return checks;
            }
            return format!("{pad}if let Some(value) = {value} {{\n{checks}{pad}}}\n");
        }
        match &ty.kind {
            TypeKind::Any | TypeKind::Boolean => String::new(),
            TypeKind::String(_) => size(
                &ty.constraints,
                &format!("{}.chars().count()", owner(value)),
                "characters",
                path,
                &pad,
            ),
            TypeKind::Integer(integer) => number(
                &ty.constraints,
                &integer_as_float(*integer, value),
                path,
                &pad,
            ),
            TypeKind::Number { is_float: true } => {
                number(&ty.constraints, &content(value), path, &pad)
            }
            TypeKind::Number { is_float: false } => number(
                &ty.constraints,
                &format!("{}.as_f64().unwrap_or_default()", owner(value)),
                path,
                &pad,
            ),
            TypeKind::Array(item) => self.array_checks(ty, item, value, path, level),
            TypeKind::Map(inner) => self.map_checks(ty, inner, value, path, level),
            TypeKind::Named(id) => self.named_checks(*id, value, path, level),
        }
    }

    fn named_checks(&self, id: DeclId, value: &str, path: &str, level: usize) -> String {
        match &self.ir.decls[id].shape {
            Shape::Alias(ty) if !self.graph.is_recursive_alias[id] => {
                self.type_checks(ty, value, path, level)
            }
            _ => format!(
                "{}Validate::check({value}, {path}, violations);\n",
                "    ".repeat(level)
            ),
        }
    }

    fn array_checks(
        &self,
        ty: &Type,
        item: &Type,
        value: &str,
        path: &str,
        level: usize,
    ) -> String {
        let pad = "    ".repeat(level);
        let mut text = size(
            &ty.constraints,
            &format!("{}.len()", owner(value)),
            "items",
            path,
            &pad,
        );
        if ty.constraints.is_unique {
            let _ = writeln!(
                text,
                "{pad}support::check_unique({value}, {path}, violations);"
            );
        }
        let checks = self.type_checks(item, "item", "path", level + 2);
        if !checks.is_empty() {
            // A block, so that the name of the inner path hides the outer one only inside.
            let _ = write!(
                text,
                "{pad}{{\n{pad}    let path = {path};\n{pad}    for (index, item) in {}.iter().enumerate() {{\n{pad}        let path = &path.item(index);\n{checks}{pad}    }}\n{pad}}}\n",
                owner(value)
            );
        }
        text
    }

    fn map_checks(&self, ty: &Type, inner: &Type, value: &str, path: &str, level: usize) -> String {
        let pad = "    ".repeat(level);
        let mut text = size(
            &ty.constraints,
            &format!("{}.len()", owner(value)),
            "properties",
            path,
            &pad,
        );
        let checks = self.type_checks(inner, "item", "path", level + 2);
        if !checks.is_empty() {
            let _ = write!(
                text,
                "{pad}{{\n{pad}    let path = {path};\n{pad}    for (key, item) in {value} {{\n{pad}        let path = &path.field(key);\n{checks}{pad}    }}\n{pad}}}\n"
            );
        }
        text
    }
}

/// What methods are called on: `self.name` for `&self.name`.
fn owner(value: &str) -> &str {
    value.strip_prefix('&').unwrap_or(value)
}

/// The value behind the reference.
fn content(value: &str) -> String {
    match value.strip_prefix('&') {
        Some(owner) => owner.to_owned(),
        None => format!("*{value}"),
    }
}

fn integer_as_float(integer: Integer, value: &str) -> String {
    match integer {
        Integer::I32 | Integer::U32 => format!("f64::from({})", content(value)),
        Integer::I64 | Integer::U64 => format!("{} as f64", content(value)),
        Integer::Big => format!("{}.as_f64().unwrap_or_default()", owner(value)),
    }
}

fn size(constraints: &Constraints, size: &str, unit: &str, path: &str, pad: &str) -> String {
    let size_only = Constraints {
        size_min: constraints.size_min.filter(|min| *min > 0),
        size_max: constraints.size_max,
        ..Constraints::default()
    };
    if size_only.is_empty() {
        return String::new();
    }
    let bounds = bounds(&size_only);
    format!("{pad}support::check_size({size}, \"{unit}\", {bounds}, {path}, violations);\n")
}

fn number(constraints: &Constraints, number: &str, path: &str, pad: &str) -> String {
    let number_only = Constraints {
        size_min: None,
        size_max: None,
        pattern: None,
        is_unique: false,
        ..constraints.clone()
    };
    if number_only.minimum.is_none()
        && number_only.maximum.is_none()
        && number_only.multiple_of.is_none()
    {
        return String::new();
    }
    let bounds = bounds(&number_only);
    format!("{pad}support::check_number({number}, {bounds}, {path}, violations);\n")
}

fn bounds(constraints: &Constraints) -> String {
    let mut parts = Vec::new();
    let float = |text: &String| text.parse().ok().filter(|value: &f64| value.is_finite());
    if let Some(min) = constraints.size_min {
        parts.push(format!("size_min: Some({min})"));
    }
    if let Some(max) = constraints.size_max {
        parts.push(format!("size_max: Some({max})"));
    }
    if let Some(min) = constraints.minimum.as_ref().and_then(float) {
        parts.push(format!(
            "minimum: Some(({min:?}, {}))",
            constraints.is_minimum_exclusive
        ));
    }
    if let Some(max) = constraints.maximum.as_ref().and_then(float) {
        parts.push(format!(
            "maximum: Some(({max:?}, {}))",
            constraints.is_maximum_exclusive
        ));
    }
    if let Some(divisor) = constraints.multiple_of.as_ref().and_then(float) {
        parts.push(format!("multiple_of: Some({divisor:?})"));
    }
    format!(
        "support::Bounds {{ {}, ..Default::default() }}",
        parts.join(", ")
    )
}
