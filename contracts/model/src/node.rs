//! Nodes of a document with their places and their scalars as written.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use tollgate_report::Place;

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
    Object(Fields),
}

/// One key of an object with its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key as text (a YAML key `200` is `"200"`).
    pub key: String,
    /// Where the key is.
    pub key_span: Span,
    /// The value.
    pub node: Node,
}

/// The entries of an object, found by key in logarithmic time even when there are many.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    entries: Vec<Entry>,
    /// The entries by key, kept only for objects of more than [`Self::SMALL`] keys.
    by_key: Box<[u32]>,
}

impl Fields {
    /// The number of keys from which a search by key is faster than a linear search.
    pub(crate) const SMALL: usize = 12;

    /// The entries, each key once.
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        let by_key = if entries.len() > Self::SMALL {
            sorted_by_key(&entries).into_boxed_slice()
        } else {
            Box::default()
        };
        Self { entries, by_key }
    }

    /// The same for entries with distinct keys whose sorted order is already known.
    pub(crate) fn ordered(entries: Vec<Entry>, by_key: Vec<u32>) -> Self {
        Self {
            entries,
            by_key: by_key.into_boxed_slice(),
        }
    }

    /// Whether a key may be `$ref` or `$dynamicRef`. Nearly always it is not, and each schema is
    /// checked many times.
    pub(crate) fn may_refer(&self) -> bool {
        !self.by_key.is_empty() || self.entries.iter().any(|it| it.key.starts_with('$'))
    }

    pub(crate) fn find(&self, key: &str) -> Option<&Entry> {
        if self.by_key.is_empty() {
            let key = key.as_bytes();
            // Most keys differ in length or in their last letter: a look at the whole is rare.
            return self.entries.iter().find(|entry| {
                let own = entry.key.as_bytes();
                own.len() == key.len() && own.last() == key.last() && own == key
            });
        }
        let key_at = |idx: &u32| self.entries[*idx as usize].key.as_str();
        let found = self.by_key.binary_search_by(|idx| key_at(idx).cmp(key));
        Some(&self.entries[self.by_key[found.ok()?] as usize])
    }
}

/// The indices of entries in the order of their keys; of equal keys in their own order.
pub(crate) fn sorted_by_key(entries: &[Entry]) -> Vec<u32> {
    let n_entries = u32::try_from(entries.len()).expect("a text has fewer entries than bytes");
    let mut order: Vec<u32> = (0..n_entries).collect();
    order.sort_unstable_by(|a, b| {
        let (left, right) = (&entries[*a as usize].key, &entries[*b as usize].key);
        left.cmp(right).then(a.cmp(b))
    });
    order
}

impl Deref for Fields {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        &self.entries
    }
}

impl IntoIterator for Fields {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl Node {
    /// A value that is at a place.
    #[must_use]
    pub fn new(span: Span, value: NodeValue) -> Self {
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
        match &self.value {
            NodeValue::Object(fields) => fields.find(key),
            _ => None,
        }
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

    /// The value as JSON text without spaces: keys in the order of the document, each number with
    /// the digits it was written with (`1e400` and `0.1000` stay so). Numbers of YAML that JSON
    /// writes otherwise (`0x1F`, `+1`, `.5`) are written as JSON has them.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        write_text(self, &mut out);
        out
    }

    /// The reference that a schema or another object is: the text of its `$ref`, else of its
    /// `$dynamicRef`, which is read as a plain reference to the anchor of that name.
    #[must_use]
    pub fn reference_text(&self) -> Option<&str> {
        let fields = match &self.value {
            NodeValue::Object(fields) if fields.may_refer() => fields,
            _ => return None,
        };
        let text = |key: &str| fields.find(key).and_then(|entry| entry.node.as_str());
        text("$ref").or_else(|| text("$dynamicRef"))
    }

    /// The value as JSON. Numbers beyond 64 bits become floats; beyond those, text. To keep
    /// every digit, use [`Node::to_text`].
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

/// Writes a value as JSON text without spaces, each number with the digits it was written with.
fn write_text(node: &Node, out: &mut String) {
    match &node.value {
        NodeValue::Null => out.push_str("null"),
        NodeValue::Bool(true) => out.push_str("true"),
        NodeValue::Bool(false) => out.push_str("false"),
        NodeValue::Number(text) => out.push_str(text),
        NodeValue::String(text) => write_string(text, out),
        NodeValue::Array(items) => {
            out.push('[');
            for (idx, item) in items.iter().enumerate() {
                if idx > 0 {
                    out.push(',');
                }
                write_text(item, out);
            }
            out.push(']');
        }
        NodeValue::Object(entries) => {
            out.push('{');
            for (idx, entry) in entries.iter().enumerate() {
                if idx > 0 {
                    out.push(',');
                }
                write_string(&entry.key, out);
                out.push(':');
                write_text(&entry.node, out);
            }
            out.push('}');
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if letter < ' ' => {
                out.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
}

/// A pointer token with `~1` and `~0` read (RFC 6901, section 4). Borrowed when there is nothing to
/// unescape, which is nearly always.
#[must_use]
pub fn unescape_token(token: &str) -> Cow<'_, str> {
    if token.contains('~') {
        Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(token)
    }
}

/// A key as a pointer token, `~` and `/` escaped. Borrowed when there is nothing to escape.
#[must_use]
pub fn escape_token(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) {
        Cow::Owned(key.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(key)
    }
}
