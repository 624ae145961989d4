//! Words of Swift: keywords, literals, comments. Text from documents can't leave them.

use std::collections::BTreeSet;

use crate::ir::{Docs, EnumValue, Union};
use crate::names::{self, Case};

/// Words that are only names between backticks, and those that begin something in an expression.
const KEYWORDS: &[&str] = &[
    "any",
    "as",
    "associatedtype",
    "async",
    "await",
    "borrow",
    "break",
    "case",
    "catch",
    "class",
    "consume",
    "continue",
    "copy",
    "default",
    "defer",
    "deinit",
    "discard",
    "do",
    "each",
    "else",
    "enum",
    "extension",
    "fallthrough",
    "false",
    "fileprivate",
    "for",
    "func",
    "guard",
    "if",
    "import",
    "in",
    "inout",
    "internal",
    "is",
    "let",
    "macro",
    "nil",
    "nonisolated",
    "operator",
    "precedencegroup",
    "private",
    "protocol",
    "public",
    "repeat",
    "rethrows",
    "return",
    "sending",
    "some",
    "static",
    "struct",
    "subscript",
    "super",
    "switch",
    "then",
    "throw",
    "throws",
    "true",
    "try",
    "typealias",
    "unsafe",
    "var",
    "where",
    "while",
    "yield",
];

/// Names that can't be members even between backticks, or that every model has.
const NEVER: &[&str] = &[
    "self",
    "Self",
    "init",
    "Type",
    "Protocol",
    "check",
    "hashValue",
    "json",
    "jsonData",
    "validate",
];

const NEVER_FIELD: &[&str] = &["extra"];
const NEVER_CASE: &[&str] = &[
    "allCases",
    "description",
    "isKnown",
    "none",
    "other",
    "rawValue",
    "some",
];

/// The identifiers of properties.
pub(super) fn fields(wires: &[&str]) -> Vec<String> {
    let reserved: Vec<&str> = NEVER.iter().chain(NEVER_FIELD).copied().collect();
    quoted(names::members(wires, Case::Camel, &reserved, "Value"))
}

/// The identifiers of parameters; `taken` holds identifiers that are already in use.
pub(super) fn parameters(wires: &[&str], taken: &[&str]) -> Vec<String> {
    let reserved: Vec<&str> = ["self", "Self", "init", "Type", "Protocol"]
        .iter()
        .chain(taken)
        .copied()
        .collect();
    quoted(names::members(wires, Case::Camel, &reserved, "Value"))
}

/// The identifiers of the values of an open set.
pub(super) fn values(values: &[EnumValue]) -> Vec<String> {
    let labels = distinct(
        values
            .iter()
            .map(|value| (value.name.as_str(), value.wire.as_str())),
    );
    cases(&labels)
}

/// The identifiers of the variants of a union.
pub(super) fn variants(union: &Union) -> Vec<String> {
    let labels: Vec<&str> = union.variants.iter().map(|v| v.name.as_str()).collect();
    let counted: Vec<String> = labels
        .iter()
        .enumerate()
        .map(|(index, label)| {
            let n_before = labels[..index]
                .iter()
                .filter(|other| *other == label)
                .count();
            if n_before == 0 {
                (*label).to_owned()
            } else {
                format!("{label} {}", n_before + 1)
            }
        })
        .collect();
    cases(&counted)
}

fn cases(labels: &[String]) -> Vec<String> {
    let reserved: Vec<&str> = NEVER.iter().chain(NEVER_CASE).copied().collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    quoted(names::members(&labels, Case::Camel, &reserved, "Value"))
}

/// The first label of each pair; the second when the first occurs twice.
fn distinct<'t>(pairs: impl Iterator<Item = (&'t str, &'t str)>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    pairs
        .map(|(label, wire)| {
            if seen.insert(label) {
                label.to_owned()
            } else {
                wire.to_owned()
            }
        })
        .collect()
}

fn quoted(idents: Vec<String>) -> Vec<String> {
    idents
        .into_iter()
        .map(|ident| match KEYWORDS.binary_search(&ident.as_str()) {
            Ok(_) => quote(&ident),
            Err(_) => ident,
        })
        .collect()
}

/// An identifier between backticks where it needs them.
pub(super) fn quote(ident: &str) -> String {
    if KEYWORDS.binary_search(&ident).is_ok() {
        format!("`{ident}`")
    } else {
        ident.to_owned()
    }
}

/// A string literal without interpolation.
pub(super) fn literal(text: &str) -> String {
    if names::is_quotable(text) {
        return names::in_quotes(text);
    }
    let n_hashes = usize::from(text.contains('"') || text.contains('\\'));
    if n_hashes == 1 && !text.contains("\"#") && !text.contains("\\#") && text.chars().all(is_plain)
    {
        return format!("#\"{text}\"#");
    }
    let mut literal = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if is_plain(c) => literal.push(c),
            c => literal.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        }
    }
    literal.push('"');
    literal
}

/// Whether a character can be written unchanged in a literal: it is visible and does not reorder
/// text.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}')
}

/// Literals with commas between them.
pub(super) fn literals<'s>(texts: impl IntoIterator<Item = &'s String>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| literal(text)).collect();
    texts.join(", ")
}

/// Doc comment lines.
pub(super) fn docs(docs: &Docs, indent: &str) -> String {
    if docs.text.is_empty() && !docs.is_deprecated {
        return String::new();
    }
    let lines = names::text_lines(&docs.text);
    let lines = lines.iter().map(|line| &**line);
    let note = docs.is_deprecated.then_some("- Note: deprecated.");
    let mut text = String::with_capacity(docs.text.len() + 64);
    for line in lines.chain(note) {
        for part in [indent, "/// ", line, "\n"] {
            text.push_str(part);
        }
    }
    text
}

/// A call or declaration with its arguments on one line, or on a line each when that is too long.
pub(super) fn wrapped(indent: &str, head: &str, arguments: &[String], tail: &str) -> String {
    let line = format!("{indent}{head}({}){tail}", arguments.join(", "));
    if line.len() <= 100 {
        return line + "\n";
    }
    let lines = arguments.join(&format!(",\n{indent}    "));
    format!("{indent}{head}(\n{indent}    {lines}\n{indent}){tail}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_in_order_for_the_search() {
        assert!(KEYWORDS.is_sorted());
        assert_eq!(quote("class"), "`class`");
        assert_eq!(quote("name"), "name");
    }

    #[test]
    fn no_text_leaves_its_literal() {
        assert_eq!(literal("a"), "\"a\"");
        assert_eq!(literal("^\\d+$"), "#\"^\\d+$\"#");
        assert_eq!(literal("\"#\\#(x)"), "\"\\\"#\\\\#(x)\"");
        assert_eq!(literal("a\n\u{202e}"), "\"a\\n\\u{202e}\"");
    }
}
