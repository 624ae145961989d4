//! A JSON value that keeps numbers as they are written.

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};
use tollgate_contracts_model::source::{escape_token, unescape_token};

/// A JSON value; the digits of numbers and the order of keys are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number by RFC 8259, as written.
    Number(String),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Json>),
    /// Keys, each once, and values.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The value as serde holds it. A number that 64 bits don't hold becomes the nearest `f64`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Number(text) => serde_json::from_str(text).unwrap_or(Value::Null),
            Self::String(text) => Value::String(text.clone()),
            Self::Array(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Object(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// A value of serde.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(bool) => Self::Bool(*bool),
            Value::Number(number) => Self::Number(number.to_string()),
            Value::String(text) => Self::String(text.clone()),
            Value::Array(items) => Self::Array(items.iter().map(Self::of).collect()),
            Value::Object(map) => Self::Object(
                map.iter()
                    .map(|(key, value)| (key.clone(), Self::of(value)))
                    .collect(),
            ),
        }
    }

    /// The value under a key of an object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries
                .iter()
                .find(|(known, _)| known == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The value at a JSON Pointer (RFC 6901).
    pub fn pointer_mut(&mut self, pointer: &str) -> Option<&mut Self> {
        let mut at = self;
        for token in pointer.split('/').skip(1) {
            let token = unescape_token(token);
            at = match at {
                Self::Object(entries) => entries
                    .iter_mut()
                    .find(|(key, _)| *key == token)
                    .map(|(_, value)| value)?,
                Self::Array(items) => items.get_mut(token.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(at)
    }

    /// Removes the key or item that a pointer names; false when there is none.
    pub fn remove(&mut self, pointer: &str) -> bool {
        let Some((parent, token)) = pointer.rsplit_once('/') else {
            return false;
        };
        let token = unescape_token(token);
        match self.pointer_mut(parent) {
            Some(Self::Object(entries)) => {
                let n_before = entries.len();
                entries.retain(|(key, _)| *key != token);
                entries.len() < n_before
            }
            Some(Self::Array(items)) => match token.parse::<usize>() {
                Ok(idx) if idx < items.len() => {
                    items.remove(idx);
                    true
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Sets a key of an object; has no effect on another value.
    pub fn insert(&mut self, key: &str, value: Self) {
        if let Self::Object(entries) = self {
            match entries.iter_mut().find(|(known, _)| known == key) {
                Some((_, old)) => *old = value,
                None => entries.push((key.to_owned(), value)),
            }
        }
    }
}

/// A pointer with one more token.
pub(crate) fn join(pointer: &str, token: &str) -> String {
    format!("{pointer}/{}", escape_token(token))
}

/// Compact JSON text.
impl fmt::Display for Json {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Bool(bool) => write!(out, "{bool}"),
            Self::Number(text) => out.write_str(text),
            Self::String(text) => write_text(out, text),
            Self::Array(items) => {
                out.write_char('[')?;
                for (idx, item) in items.iter().enumerate() {
                    if idx > 0 {
                        out.write_char(',')?;
                    }
                    write!(out, "{item}")?;
                }
                out.write_char(']')
            }
            Self::Object(entries) => {
                out.write_char('{')?;
                for (idx, (key, value)) in entries.iter().enumerate() {
                    if idx > 0 {
                        out.write_char(',')?;
                    }
                    write_text(out, key)?;
                    write!(out, ":{value}")?;
                }
                out.write_char('}')
            }
        }
    }
}

fn write_text(out: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for letter in text.chars() {
        match letter {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            letter if letter < ' ' => write!(out, "\\u{:04x}", u32::from(letter))?,
            letter => out.write_char(letter)?,
        }
    }
    out.write_char('"')
}
