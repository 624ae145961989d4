//! The bounds of one place, and the declarations in which `validate` has something to check.

use serde_json::Value;

use super::text::literal;
use crate::ir::{Constraints, Decl, Extra, Format, Integer, Ir, Shape, Type, TypeKind};

/// The bounds of one place as Swift cases.
pub(super) fn own_bounds(constraints: &Constraints) -> Vec<String> {
    let mut bounds = Vec::new();
    if constraints.is_empty() {
        return bounds;
    }
    if let Some(min) = constraints.size_min.filter(|min| *min > 0) {
        bounds.push(format!(".minSize({})", size(min)));
    }
    if let Some(max) = constraints.size_max {
        bounds.push(format!(".maxSize({})", size(max)));
    }
    if let Some(min) = &constraints.minimum {
        let case = if constraints.is_minimum_exclusive {
            "above"
        } else {
            "min"
        };
        bounds.push(format!(".{case}({})", literal(min)));
    }
    if let Some(max) = &constraints.maximum {
        let case = if constraints.is_maximum_exclusive {
            "below"
        } else {
            "max"
        };
        bounds.push(format!(".{case}({})", literal(max)));
    }
    if let Some(divisor) = &constraints.multiple_of {
        bounds.push(format!(".multiple(of: {})", literal(divisor)));
    }
    if let Some(pattern) = &constraints.pattern {
        bounds.push(format!(".pattern({})", literal(pattern)));
    }
    if constraints.is_unique {
        bounds.push(".unique".to_owned());
    }
    if let Some(values) = &constraints.values {
        let list = Value::from(values.clone()).to_string();
        bounds.push(format!(".oneOf({})", literal(&list)));
    }
    if let Some(residual) = &constraints.residual {
        bounds.push(format!(".schema({})", literal(&residual.to_string())));
    }
    bounds
}

/// Swift's `Int` is signed.
fn size(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// The declarations that `validate` has to check.
pub(super) fn with_checks(ir: &Ir) -> Vec<bool> {
    let mut has_checks = vec![false; ir.decls.len()];
    loop {
        let mut is_changed = false;
        for (id, decl) in ir.decls.iter().enumerate() {
            if !has_checks[id] && has_own_checks(decl, &has_checks) {
                has_checks[id] = true;
                is_changed = true;
            }
        }
        if !is_changed {
            return has_checks;
        }
    }
}

fn has_own_checks(decl: &Decl, has_checks: &[bool]) -> bool {
    let is_bounded = |ty: &Type| is_checked(ty, has_checks) || has_bounds(ty);
    match &decl.shape {
        Shape::Enum(_) => !decl.is_open,
        Shape::Union(_) => true,
        Shape::Alias(ty) => is_bounded(ty),
        Shape::Tuple(tuple) => {
            !own_bounds(&tuple.bounds).is_empty()
                || tuple.items.iter().any(is_bounded)
                || matches!(&tuple.rest, Extra::Typed(ty) if is_bounded(ty))
        }
        Shape::Struct(object) => {
            !own_bounds(&object.bounds).is_empty()
                || object.fields.iter().any(|field| {
                    !field.is_fixed() && (is_bounded(&field.ty) || field.is_required_in_direction)
                })
                || matches!(&object.extra, Extra::Typed(ty) if is_bounded(ty))
        }
    }
}

fn has_bounds(ty: &Type) -> bool {
    let has_inner = match &ty.kind {
        TypeKind::Array(inner) | TypeKind::Map(inner) => has_bounds(inner),
        TypeKind::Integer(Integer::Big) => true,
        _ => false,
    };
    has_inner || !own_bounds(&ty.constraints).is_empty()
}

pub(super) fn is_checked(ty: &Type, has_checks: &[bool]) -> bool {
    match &ty.kind {
        TypeKind::Named(id) => has_checks[*id],
        TypeKind::Array(inner) | TypeKind::Map(inner) => is_checked(inner, has_checks),
        TypeKind::String(format) => format
            .as_deref()
            .and_then(Format::of)
            .is_some_and(|format| !matches!(format, Format::Binary | Format::Password)),
        _ => false,
    }
}
