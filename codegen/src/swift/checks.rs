//! The body of `check`: bounds of fields and what they hold.

use std::fmt::Write as _;

use super::Swift;
use super::text::literal;
use crate::ir::{Constraints, DeclId, Extra, Field, Shape, Struct, Type, TypeKind};

impl Swift<'_> {
    pub(super) fn object_checks(
        &self,
        id: DeclId,
        object: &Struct,
        fields: &[&Field],
        idents: &[String],
    ) -> String {
        let mut text = String::new();
        for (field, ident) in fields.iter().zip(idents) {
            let path = format!("Wire.field(path, {})", literal(&field.wire));
            let is_boxed =
                matches!(field.ty.kind, TypeKind::Named(to) if self.graph.needs_box(id, to));
            let unboxed = if is_boxed { ".value" } else { "" };
            if field.is_required && !field.ty.is_nullable {
                let value = format!("self.{ident}{unboxed}");
                text.push_str(&self.type_checks(&field.ty, &value, &path, 2));
                continue;
            }
            let mut plain = field.ty.clone();
            if field.is_required {
                plain.is_nullable = false;
            }
            let value = if plain.is_nullable {
                "value"
            } else {
                &format!("value{unboxed}")
            };
            let mut checks = self.type_checks(&plain, value, &path, 3);
            if is_boxed && plain.is_nullable {
                checks = checks.replacen("value.check(", "value.value.check(", 1);
            }
            if !checks.is_empty() {
                let _ = write!(
                    text,
                    "        if let value = self.{ident} {{\n{checks}        }}\n"
                );
            }
        }
        if let Extra::Typed(ty) = &object.extra {
            let checks = self.type_checks(ty, "value", "Wire.field(path, key)", 3);
            if !checks.is_empty() {
                let _ = write!(
                    text,
                    "        for (key, value) in self.extra {{\n{checks}        }}\n"
                );
            }
        }
        text
    }

    /// Checks of one value; `value` and `path` are expressions.
    pub(super) fn type_checks(&self, ty: &Type, value: &str, path: &str, level: usize) -> String {
        let pad = "    ".repeat(level);
        if ty.is_nullable {
            let mut plain = ty.clone();
            plain.is_nullable = false;
            let checks = self.type_checks(&plain, "value", path, level + 1);
            if checks.is_empty() {
                return checks;
            }
            return format!("{pad}if let value = {value} {{\n{checks}{pad}}}\n");
        }
        match &ty.kind {
            TypeKind::Any | TypeKind::Boolean => String::new(),
            TypeKind::String(_) => size(
                &ty.constraints,
                &format!("{value}.unicodeScalars.count"),
                path,
                &pad,
            ),
            TypeKind::Integer(crate::ir::Integer::Big) | TypeKind::Number { is_float: false } => {
                let double = format!("NSDecimalNumber(decimal: {value}).doubleValue");
                number(&ty.constraints, &double, path, &pad)
            }
            TypeKind::Integer(_) => {
                number(&ty.constraints, &format!("Double({value})"), path, &pad)
            }
            TypeKind::Number { is_float: true } => number(&ty.constraints, value, path, &pad),
            TypeKind::Array(item) => {
                let mut text = size(&ty.constraints, &format!("{value}.count"), path, &pad);
                if ty.constraints.is_unique {
                    let _ = writeln!(text, "{pad}Wire.checkUnique({value}, {path}, &violations)");
                }
                let inner = format!("({path} + \"/\\(index{level})\")");
                let checks = self.type_checks(item, &format!("item{level}"), &inner, level + 1);
                if !checks.is_empty() {
                    let _ = write!(
                        text,
                        "{pad}for (index{level}, item{level}) in {value}.enumerated() {{\n{checks}{pad}}}\n"
                    );
                }
                text
            }
            TypeKind::Map(inner) => {
                let mut text = size(&ty.constraints, &format!("{value}.count"), path, &pad);
                let path = format!("Wire.field({path}, key{level})");
                let checks = self.type_checks(inner, &format!("item{level}"), &path, level + 1);
                if !checks.is_empty() {
                    let _ = write!(
                        text,
                        "{pad}for (key{level}, item{level}) in {value} {{\n{checks}{pad}}}\n"
                    );
                }
                text
            }
            TypeKind::Named(id) => match &self.ir.decls[*id].shape {
                Shape::Alias(inner) if !self.graph.is_recursive_alias[*id] => {
                    self.type_checks(inner, value, path, level)
                }
                _ => format!("{pad}{value}.check({path}, &violations)\n"),
            },
        }
    }
}

fn size(constraints: &Constraints, size: &str, path: &str, pad: &str) -> String {
    let min = constraints.size_min.filter(|min| *min > 0);
    if min.is_none() && constraints.size_max.is_none() {
        return String::new();
    }
    let show =
        |bound: Option<u64>| bound.map_or_else(|| "nil".to_owned(), |bound| bound.to_string());
    format!(
        "{pad}Wire.checkSize({size}, min: {}, max: {}, {path}, &violations)\n",
        show(min),
        show(constraints.size_max)
    )
}

fn number(constraints: &Constraints, number: &str, path: &str, pad: &str) -> String {
    let show = |text: &Option<String>| {
        let value = text.as_ref().and_then(|text| text.parse::<f64>().ok());
        value
            .filter(|value| value.is_finite())
            .map_or_else(|| "nil".to_owned(), |value| format!("{value:?}"))
    };
    let bounds = [
        &constraints.minimum,
        &constraints.maximum,
        &constraints.multiple_of,
    ]
    .map(show);
    if bounds.iter().all(|bound| bound == "nil") {
        return String::new();
    }
    format!(
        "{pad}Wire.checkNumber({number}, min: {}, max: {}, isMinExclusive: {}, isMaxExclusive: {}, multipleOf: {}, {path}, &violations)\n",
        bounds[0],
        bounds[1],
        constraints.is_minimum_exclusive,
        constraints.is_maximum_exclusive,
        bounds[2]
    )
}
