//! Booleans, numbers, texts and open sets of strings.

use serde_json::Value;

use super::flat::Flat;
use super::word::Word;
use crate::ir::{Constraints, Docs, EnumValue, Integer, Shape, Type, TypeKind};

/// Whether the schema lists its values, all of one plain type. Such a list is more precise than the
/// alternatives of the same schema.
pub(super) fn is_listed_scalar(flat: &Flat<'_>) -> bool {
    let mut words = flat.words.iter().flatten();
    let is_scalar = words.all(|word| !matches!(word, Word::Array | Word::Object));
    let is_one = flat.words.as_ref().is_some_and(|words| words.len() == 1);
    is_scalar && is_one && (flat.values.is_some() || flat.constant.is_some())
}

/// Whether this is one boolean, number or text of which no values are listed.
pub(super) fn is_plain_scalar(flat: &Flat<'_>) -> bool {
    let mut words = flat.words.iter().flatten();
    let word = words.next().filter(|_| words.next().is_none());
    word.is_some_and(|word| !matches!(word, Word::Array | Word::Object))
        && flat.variants.is_empty()
        && flat.values.is_none()
        && flat.constant.is_none()
        && flat.only_reference.is_none()
}

/// An open set of strings, when the schema has one.
pub(super) fn enumeration(flat: &Flat<'_>) -> Option<Shape> {
    let values: Vec<&Value> = match (&flat.constant, &flat.values) {
        (Some(constant), _) => vec![constant],
        (None, Some(values)) => values.iter().collect(),
        (None, None) => return None,
    };
    let mut members: Vec<EnumValue> = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        let wire = value.as_str()?.to_owned();
        if members.iter().any(|member| member.wire == wire) {
            continue;
        }
        let name = flat.value_names.get(index).filter(|name| !name.is_empty());
        let text = flat.value_docs.get(index).cloned().unwrap_or_default();
        members.push(EnumValue {
            name: name.unwrap_or(&wire).clone(),
            wire,
            docs: Docs {
                text,
                is_deprecated: false,
            },
        });
    }
    (!members.is_empty()).then_some(Shape::Enum(members))
}

/// A boolean, number or string.
pub(crate) fn scalar(word: Word, flat: &Flat<'_>) -> Type {
    let format = flat.format.as_deref();
    let kind = match word {
        Word::Boolean => TypeKind::Boolean,
        Word::Integer => TypeKind::Integer(integer(format, &flat.bounds.of(word))),
        Word::Number => TypeKind::Number {
            is_float: matches!(format, Some("float" | "double")),
        },
        _ => TypeKind::String(flat.format.clone()),
    };
    let mut constraints = flat.bounds.of(word);
    if let Some(values) = allowed(word, flat) {
        constraints.values = Some(values);
    }
    Type {
        kind,
        is_nullable: false,
        constraints,
    }
}

/// The only values of this type that the schema allows, when it lists them.
fn allowed(word: Word, flat: &Flat<'_>) -> Option<Vec<Value>> {
    let values = flat.constant.as_ref().map(std::slice::from_ref);
    let values = values.or(flat.values.as_deref())?;
    let is_word = |value: &&Value| match word {
        Word::Boolean => value.is_boolean(),
        Word::Integer | Word::Number => value.is_number(),
        Word::String => value.is_string(),
        Word::Array => value.is_array(),
        Word::Object => value.is_object(),
    };
    Some(values.iter().filter(is_word).cloned().collect())
}

/// The smallest of our integers that holds all values that the schema allows; 64 bits when it
/// states no range.
fn integer(format: Option<&str>, constraints: &Constraints) -> Integer {
    match format {
        Some("int32" | "int16" | "int8" | "uint8" | "uint16") => return Integer::I32,
        Some("uint32") => return Integer::U32,
        Some("uint64" | "uint") => return Integer::U64,
        Some("int64") => return Integer::I64,
        _ => {}
    }
    let fits = |bound: &Option<String>, is_small: fn(f64) -> bool| {
        let value = bound.as_ref().and_then(|text| text.parse().ok());
        value.is_none_or(is_small)
    };
    // 2^63 and 2^64 as binary floating point, exact.
    let is_i64 = |value: f64| value.abs() <= 9_223_372_036_854_775_807.0;
    let is_u64 = |value: f64| (0.0..=18_446_744_073_709_551_615.0).contains(&value);
    if fits(&constraints.minimum, is_i64) && fits(&constraints.maximum, is_i64) {
        Integer::I64
    } else if constraints.minimum.is_some()
        && fits(&constraints.minimum, is_u64)
        && fits(&constraints.maximum, is_u64)
    {
        Integer::U64
    } else {
        Integer::Big
    }
}
