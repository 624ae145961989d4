//! Regular expressions that no language can check.

use std::collections::BTreeMap;

use serde_json::Value;
use tollgate_contracts_model::pattern::is_expression;

use crate::ir::{Constraints, Ir, Shape, Unchecked, visit_types};

/// Records the patterns that are not valid expressions, at the first declaration that has them.
pub(super) fn note_patterns(ir: &mut Ir) {
    let mut found = BTreeMap::new();
    for decl in &ir.decls {
        let mut note = |constraints: &Constraints| {
            let mut patterns: Vec<&str> = constraints.pattern.as_deref().into_iter().collect();
            if let Some(residual) = &constraints.residual {
                collect(residual, &mut patterns);
            }
            for pattern in patterns {
                if !found.contains_key(pattern) {
                    let place = (!is_expression(pattern)).then(|| decl.place.clone());
                    found.insert(pattern.to_owned(), place);
                }
            }
        };
        match &decl.shape {
            Shape::Struct(object) => note(&object.bounds),
            Shape::Union(union) => note(&union.bounds),
            Shape::Tuple(tuple) => note(&tuple.bounds),
            Shape::Enum(_) | Shape::Alias(_) => {}
        }
        visit_types(&decl.shape, &mut |ty, _| note(&ty.constraints));
    }
    for (pattern, place) in found {
        if let Some(place) = place {
            ir.unchecked.insert(place, Unchecked::Pattern(pattern));
        }
    }
}

/// The patterns of a schema.
fn collect<'s>(schema: &'s Value, patterns: &mut Vec<&'s str>) {
    match schema {
        Value::Object(entries) => {
            for (key, value) in entries {
                match (key.as_str(), value) {
                    ("pattern", Value::String(pattern)) => patterns.push(pattern),
                    ("patternProperties", Value::Object(entries)) => {
                        patterns.extend(entries.keys().map(String::as_str));
                        collect(value, patterns);
                    }
                    ("enum" | "const", _) => {}
                    _ => collect(value, patterns),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, patterns)),
        _ => {}
    }
}
