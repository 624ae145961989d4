//! The bounds that a schema states, separately for each kind of JSON value: `maxLength` does not
//! apply to a list.

use serde_json::{Map, Value, json};
use tollgate_contracts_model::NodeValue;

use super::view::Cursor;
use super::word::Word;
use crate::ir::{Constraints, format};

/// Bounds as the document has them, merged over `allOf`. Each holds only what is about its kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Bounds {
    /// Of texts: length and pattern.
    text: Constraints,
    /// Of numbers: range and divisor.
    number: Constraints,
    /// Of lists: length and uniqueness.
    list: Constraints,
    /// Of objects: how many properties.
    object: Constraints,
}

impl Bounds {
    /// The bounds that hold for values of one type.
    pub(crate) fn of(&self, word: Word) -> Constraints {
        match word {
            Word::String => self.text.clone(),
            Word::Integer | Word::Number => self.number.clone(),
            Word::Array => self.list.clone(),
            Word::Object => self.object.clone(),
            Word::Boolean => Constraints::default(),
        }
    }

    /// Whether nothing is bounded.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The bounds as a schema; nothing when there are none.
    pub(crate) fn to_schema(&self) -> Option<Value> {
        let mut out = Map::new();
        let sizes = [
            (&self.text, "minLength", "maxLength"),
            (&self.list, "minItems", "maxItems"),
            (&self.object, "minProperties", "maxProperties"),
        ];
        for (one, min, max) in sizes {
            let sizes = [(min, one.size_min), (max, one.size_max)];
            for (key, size) in sizes {
                out.extend(size.map(|size| (key.to_owned(), json!(size))));
            }
        }
        let low = match self.number.is_minimum_exclusive {
            true => "exclusiveMinimum",
            false => "minimum",
        };
        let top = match self.number.is_maximum_exclusive {
            true => "exclusiveMaximum",
            false => "maximum",
        };
        for (key, text) in [
            (low, &self.number.minimum),
            (top, &self.number.maximum),
            ("multipleOf", &self.number.multiple_of),
        ] {
            let number = text
                .as_ref()
                .and_then(|text| serde_json::from_str(text).ok());
            out.extend(number.map(|number: Value| (key.to_owned(), number)));
        }
        if let Some(pattern) = &self.text.pattern {
            out.insert("pattern".to_owned(), json!(pattern));
        }
        if self.list.is_unique {
            out.insert("uniqueItems".to_owned(), json!(true));
        }
        (!out.is_empty()).then_some(Value::Object(out))
    }

    /// Adds the bounds of a schema; the narrower bound stays. What can't be merged goes to `more`.
    pub(crate) fn merge(&mut self, schema: &Cursor<'_>, more: &mut Vec<Value>) {
        let sizes = [
            (&mut self.text, "minLength", "maxLength"),
            (&mut self.list, "minItems", "maxItems"),
            (&mut self.object, "minProperties", "maxProperties"),
        ];
        for (bounds, min, max) in sizes {
            let size = |key| {
                let size = schema
                    .node
                    .get(key)
                    .and_then(tollgate_contracts_model::Node::as_f64);
                size.map(|size| size as u64)
            };
            if let Some(min) = size(min) {
                bounds.size_min = bounds.size_min.max(Some(min));
            }
            if let Some(max) = size(max) {
                bounds.size_max = Some(bounds.size_max.map_or(max, |known| known.min(max)));
            }
        }
        merge_range(&mut self.number, schema);
        if let Some(divisor) = number(schema, "multipleOf")
            && let Some(known) = self.number.multiple_of.replace(divisor.clone())
            && known != divisor
            && let Ok(known) = serde_json::from_str::<Value>(&known)
        {
            more.push(json!({ "multipleOf": known }));
        }
        let format = schema.text("format").unwrap_or_default();
        for pattern in [format::pattern_of(format), schema.text("pattern")] {
            let Some(pattern) = pattern else {
                continue;
            };
            let known = self.text.pattern.replace(pattern.to_owned());
            if let Some(known) = known.filter(|known| known != pattern) {
                more.push(json!({ "pattern": known }));
            }
        }
        if format::is_expression(format) {
            more.push(json!({ "format": format }));
        }
        if schema.is_true("uniqueItems") {
            self.list.is_unique = true;
        }
    }
}

fn merge_range(bounds: &mut Constraints, schema: &Cursor<'_>) {
    for (key, is_exclusive) in [
        ("minimum", schema.is_true("exclusiveMinimum")),
        ("exclusiveMinimum", true),
    ] {
        if let Some(text) = number(schema, key) {
            let known = bounds.minimum.as_deref();
            let order = known.map(|known| float(&text).total_cmp(&float(known)));
            if order.is_none_or(|order| order.is_gt() || order.is_eq() && is_exclusive) {
                bounds.minimum = Some(text);
                bounds.is_minimum_exclusive = is_exclusive;
            }
        }
    }
    for (key, is_exclusive) in [
        ("maximum", schema.is_true("exclusiveMaximum")),
        ("exclusiveMaximum", true),
    ] {
        if let Some(text) = number(schema, key) {
            let known = bounds.maximum.as_deref();
            let order = known.map(|known| float(&text).total_cmp(&float(known)));
            if order.is_none_or(|order| order.is_lt() || order.is_eq() && is_exclusive) {
                bounds.maximum = Some(text);
                bounds.is_maximum_exclusive = is_exclusive;
            }
        }
    }
}

/// The text of a number under a key.
fn number(schema: &Cursor<'_>, key: &str) -> Option<String> {
    match schema.node.get(key).map(|node| &node.value) {
        Some(NodeValue::Number(text)) => Some(text.clone()),
        _ => None,
    }
}

fn float(text: &str) -> f64 {
    text.parse().unwrap_or_default()
}
