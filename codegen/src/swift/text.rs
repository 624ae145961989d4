//! Words of Swift: keywords, literals, comments. Text from documents can't leave them.

use crate::ir::Docs;
use crate::names::{self, Case};

const KEYWORDS: &[&str] = &[
    "actor",
    "any",
    "as",
    "associatedtype",
    "async",
    "await",
    "borrowing",
    "break",
    "case",
    "catch",
    "class",
    "consuming",
    "continue",
    "default",
    "defer",
    "deinit",
    "didSet",
    "do",
    "dynamic",
    "else",
    "enum",
    "extension",
    "fallthrough",
    "false",
    "fileprivate",
    "final",
    "for",
    "func",
    "get",
    "guard",
    "if",
    "import",
    "in",
    "indirect",
    "infix",
    "init",
    "inout",
    "internal",
    "is",
    "isolated",
    "lazy",
    "left",
    "let",
    "macro",
    "mutating",
    "nil",
    "none",
    "nonisolated",
    "nonmutating",
    "open",
    "operator",
    "optional",
    "override",
    "package",
    "postfix",
    "precedence",
    "precedencegroup",
    "prefix",
    "private",
    "protocol",
    "public",
    "repeat",
    "required",
    "rethrows",
    "return",
    "right",
    "sending",
    "set",
    "some",
    "static",
    "struct",
    "subscript",
    "super",
    "switch",
    "throw",
    "throws",
    "true",
    "try",
    "typealias",
    "unowned",
    "var",
    "weak",
    "where",
    "while",
    "willSet",
];

/// Names that can't be members even between backticks, or that our code declares.
const NEVER: &[&str] = &[
    "self",
    "Self",
    "init",
    "Type",
    "Protocol",
    "extra",
    "validate",
    "check",
    "encode",
    "hash",
    "hashValue",
    "other",
    "rawValue",
    "known",
    "description",
];

/// The identifiers of properties or cases.
pub(super) fn members(wires: &[&str]) -> Vec<String> {
    names::members(wires, Case::Camel, NEVER, "Value")
        .into_iter()
        .map(|ident| {
            if KEYWORDS.contains(&ident.as_str()) {
                format!("`{ident}`")
            } else {
                ident
            }
        })
        .collect()
}

/// A string literal without interpolation.
pub(super) fn literal(text: &str) -> String {
    let mut literal = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if c.is_control()
                || matches!(c, '\u{200b}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') =>
            {
                literal.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

/// A list literal of strings.
pub(super) fn literals<'s>(texts: impl IntoIterator<Item = &'s String>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| literal(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// Doc comment lines.
pub(super) fn docs(docs: &Docs, indent: &str) -> String {
    let mut lines = names::text_lines(&docs.text);
    if docs.is_deprecated {
        lines.push("- Note: deprecated.".to_owned());
    }
    lines
        .iter()
        .map(|line| format!("{indent}/// {line}\n"))
        .collect()
}
