//! Words of Rust: keywords, literals, comments. Text from documents can't leave them.

use std::borrow::Cow;

use crate::names::{self, Case};

pub(crate) const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern",
    "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub",
    "ref", "return", "self", "static", "struct", "super", "trait", "true", "type", "unsafe", "use",
    "where", "while", "abstract", "become", "box", "do", "final", "gen", "macro", "override",
    "priv", "try", "typeof", "unsized", "virtual", "yield",
];

/// Keywords that can't be raw identifiers.
const NEVER_RAW: &[&str] = &["self", "super", "crate"];

/// The identifiers of fields: `type` becomes `r#type`, `self` becomes `self_`.
pub(crate) fn member(wires: &[&str], reserved: &[&str]) -> Vec<String> {
    let mut taken: Vec<&str> = NEVER_RAW.to_vec();
    taken.extend(reserved);
    names::members(wires, Case::Snake, &taken, "_")
        .into_iter()
        .map(|ident| {
            if KEYWORDS.contains(&ident.as_str()) {
                format!("r#{ident}")
            } else {
                ident
            }
        })
        .collect()
}

/// A string literal. `Debug` escapes quotes, backslashes, controls and invisible characters.
pub(crate) fn literal(text: &str) -> String {
    if names::is_quotable(text) {
        return names::in_quotes(text);
    }
    format!("{text:?}")
}

/// A slice literal of strings.
pub(crate) fn literals<'s>(texts: impl IntoIterator<Item = &'s String>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| literal(text)).collect();
    format!("&[{}]", texts.join(", "))
}

/// Doc comment lines with an indent; nothing for empty text.
pub(crate) fn doc_lines(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    let mut was_empty = true;
    for line in text.split(['\n', '\r']) {
        let line = safe_line(line);
        if line.is_empty() {
            was_empty = true;
            continue;
        }
        if was_empty && !lines.is_empty() {
            lines.push_str(indent);
            lines.push_str("///\n");
        }
        was_empty = false;
        for part in [indent, "/// ", &line, "\n"] {
            lines.push_str(part);
        }
    }
    lines
}

/// One line of Markdown that opens no code block, link or tag, and hides nothing.
fn safe_line(line: &str) -> String {
    let mut safe = String::with_capacity(line.len() + 8);
    let mut is_code = false;
    let line = line.trim();
    let line = if line.contains("```") || line.contains("~~~") {
        Cow::Owned(line.replace("```", "'''").replace("~~~", "'''"))
    } else {
        Cow::Borrowed(line)
    };
    for c in line.chars() {
        match c {
            '`' => {
                is_code = !is_code;
                safe.push(c);
            }
            '[' | ']' | '<' | '>' if !is_code => {
                safe.push('\\');
                safe.push(c);
            }
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => {}
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    if safe.trim().len() == safe.len() {
        return safe;
    }
    safe.trim().to_owned()
}
