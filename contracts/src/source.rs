//! Nodes of a document with their places and their scalars as written. It must not know what a
//! contract is, nor read a file.

use std::fmt;

use tollgate_report::{Finding, Place};

use crate::{json, yaml};

/// How deep nodes may stand in each other; deeper text is refused, so that no walk over nodes
/// can exhaust the stack. The deepest document of the corpus has 38 levels.
pub const DEPTH_MAX: usize = 192;
/// How many nodes one text may have after its aliases are followed. The largest document of the
/// corpus (6.9 MB) has fewer than a tenth of this.
pub const NODES_MAX: usize = 8_000_000;
/// How many nodes aliases may add to what is written.
pub const ALIAS_NODES_MAX: usize = 1_000_000;

/// A place in a text: line and column, both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Line from 1.
    pub line: u32,
    /// Column from 1, in characters.
    pub column: u32,
}

/// One value of a document and where it starts.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the value starts.
    pub span: Span,
    /// What it is.
    pub value: NodeValue,
}

/// The value of a node. Objects keep the order of the document.
#[derive(Clone, Debug)]
pub enum NodeValue {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as written, in the syntax of a JSON number; no digit is lost.
    Number(String),
    /// Text.
    String(String),
    /// A list.
    Array(Vec<Node>),
    /// A mapping, in the order of the document, each key once.
    Object(Vec<Entry>),
}

/// One key of an object with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key as text (a YAML key `200` is `"200"`).
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

/// A text that is not JSON or YAML, or that goes beyond the limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read `{file}:{line}:{column}`: {problem}; {hint}")]
pub struct SourceError {
    /// The file, as given.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub hint: String,
}

impl SourceError {
    pub(crate) fn new(
        file: &str,
        span: Span,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            line: span.line,
            column: span.column,
            problem: problem.into(),
            hint: hint.into(),
        }
    }
}

/// Reads a JSON or YAML text. A key that stands twice keeps its last value.
///
/// # Errors
/// A text that is neither, or that is deeper or larger than the limits of this module.
pub fn parse(file: &str, text: &str) -> Result<Node, SourceError> {
    parse_with_findings(file, text).map(|(node, _)| node)
}

/// Reads a JSON or YAML text, and says which keys stand twice (`duplicate-key`).
///
/// # Errors
/// As [`parse`].
pub fn parse_with_findings(file: &str, text: &str) -> Result<(Node, Vec<Finding>), SourceError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut findings = Vec::new();
    let looks_like_json = text.trim_start().starts_with(['{', '[']);
    let node = if looks_like_json {
        match json::parse(file, text, &mut findings) {
            Ok(node) => node,
            Err(error) if has_json_name(file) => return Err(error),
            Err(_) => {
                findings.clear();
                yaml::parse(file, text, &mut findings)?
            }
        }
    } else {
        yaml::parse(file, text, &mut findings)?
    };
    Ok((node, findings))
}

fn has_json_name(file: &str) -> bool {
    file.rsplit_once('.')
        .is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"))
}

impl Node {
    pub(crate) fn new(span: Span, value: NodeValue) -> Self {
        Self { span, value }
    }

    /// The value of a key, when this is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The entry of a key, when this is an object that has it.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().find(|entry| entry.key == key)
    }

    /// The entries of an object in document order; nothing for any other value.
    pub fn entries(&self) -> std::slice::Iter<'_, Entry> {
        self.as_object().unwrap_or_default().iter()
    }

    /// The items of an array; nothing for any other value.
    pub fn items(&self) -> std::slice::Iter<'_, Self> {
        self.as_array().unwrap_or_default().iter()
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            NodeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar as written: a string, a number, or a boolean; not of null.
    #[must_use]
    pub fn scalar_text(&self) -> Option<&str> {
        match &self.value {
            NodeValue::String(text) | NodeValue::Number(text) => Some(text),
            NodeValue::Bool(true) => Some("true"),
            NodeValue::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// The value of a boolean.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            NodeValue::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The items of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match &self.value {
            NodeValue::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&[Entry]> {
        match &self.value {
            NodeValue::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// A number without sign and fraction, up to 64 bits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match &self.value {
            NodeValue::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A number, rounded to a 64-bit float; finite.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match &self.value {
            NodeValue::Number(text) => text.parse().ok().filter(|value: &f64| value.is_finite()),
            _ => None,
        }
    }

    /// True for `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.value, NodeValue::Null)
    }

    /// The JSON type of the value, as a word.
    #[must_use]
    pub fn type_word(&self) -> &'static str {
        match self.value {
            NodeValue::Null => "null",
            NodeValue::Bool(_) => "boolean",
            NodeValue::Number(_) => "number",
            NodeValue::String(_) => "string",
            NodeValue::Array(_) => "array",
            NodeValue::Object(_) => "object",
        }
    }

    /// The node that a JSON Pointer (RFC 6901) names from here; `""` is this node.
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer
            .strip_prefix('/')?
            .split('/')
            .try_fold(self, |node, token| node.child(&unescape_token(token)))
    }

    /// The child that one unescaped pointer token names: a key or an index.
    #[must_use]
    pub fn child(&self, token: &str) -> Option<&Self> {
        match &self.value {
            NodeValue::Array(items) => items.get(token.parse::<usize>().ok()?),
            _ => self.get(token),
        }
    }

    /// The value as JSON. Numbers beyond 64 bits become floats; beyond those, text.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(value) => Value::Bool(*value),
            NodeValue::Number(text) => json_number(text),
            NodeValue::String(text) => Value::String(text.clone()),
            NodeValue::Array(items) => items.iter().map(Self::to_json).collect(),
            NodeValue::Object(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.node.to_json()))
                .collect(),
        }
    }

    /// The place of this node in `file`.
    #[must_use]
    pub fn place(&self, file: &str) -> Place {
        self.span.place(file)
    }
}

impl Span {
    /// This position in `file`.
    #[must_use]
    pub fn place(self, file: &str) -> Place {
        Place::at(file, self.line, self.column)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

fn json_number(text: &str) -> serde_json::Value {
    if let Ok(number) = text.parse::<u64>() {
        return number.into();
    }
    if let Ok(number) = text.parse::<i64>() {
        return number.into();
    }
    let float = text.parse::<f64>().ok();
    match float.and_then(serde_json::Number::from_f64) {
        Some(number) => serde_json::Value::Number(number),
        None => serde_json::Value::String(text.to_owned()),
    }
}

/// A pointer token with `~1` and `~0` read (RFC 6901, section 4).
#[must_use]
pub fn unescape_token(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// A key as a pointer token, `~` and `/` escaped.
#[must_use]
pub fn escape_token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Collects the entries of an object; a key that stands twice keeps its place and takes the last
/// value, and is named in a finding.
pub(crate) struct ObjectBuilder {
    entries: Vec<Entry>,
    /// Index by key, kept only for objects of more than [`Self::SMALL`] keys.
    index: std::collections::HashMap<String, usize>,
}

impl ObjectBuilder {
    const SMALL: usize = 16;

    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
            index: std::collections::HashMap::new(),
        }
    }

    fn position(&self, key: &str) -> Option<usize> {
        if self.index.is_empty() {
            self.entries.iter().position(|entry| entry.key == key)
        } else {
            self.index.get(key).copied()
        }
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    pub(crate) fn push(&mut self, entry: Entry, file: &str, findings: &mut Vec<Finding>) {
        if let Some(position) = self.position(&entry.key) {
            let first = self.entries[position].key_span;
            findings.push(
                Finding::error(
                    "duplicate-key",
                    format!(
                        "the key `{}` stands twice, first at line {}",
                        entry.key, first.line
                    ),
                )
                .at(entry.key_span.place(file))
                .because("readers differ in which of the two they keep")
                .fix("remove or rename one of the two"),
            );
            self.entries[position] = entry;
            return;
        }
        if !self.index.is_empty() {
            self.index.insert(entry.key.clone(), self.entries.len());
        }
        self.entries.push(entry);
        if self.index.is_empty() && self.entries.len() > Self::SMALL {
            self.index = self
                .entries
                .iter()
                .enumerate()
                .map(|(idx, entry)| (entry.key.clone(), idx))
                .collect();
        }
    }

    pub(crate) fn finish(self) -> Vec<Entry> {
        self.entries
    }
}
