//! The types that a schema can name.

use serde_json::Value;

/// The types of JSON Schema, without null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Word {
    /// The type of a word; absent for null and for unknown words.
    pub(super) fn of(text: &str) -> Option<Self> {
        Some(match text {
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "string" | "file" => Self::String,
            "array" => Self::Array,
            "object" => Self::Object,
            _ => return None,
        })
    }

    /// The type of a value; absent for null.
    pub(super) fn of_value(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Integer,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        })
    }
}
