//! Words of Rust: keywords, literals, comments. Text from documents can't leave them.

use std::borrow::Cow;

use crate::names::{self, Case, push_all};

/// In the order of their letters, for the search.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
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
            if KEYWORDS.binary_search(&ident.as_str()).is_ok() {
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
    push_doc_lines(&mut lines, text, indent);
    lines
}

/// Adds doc comment lines with an indent; nothing for empty text.
pub(super) fn push_doc_lines(out: &mut String, text: &str, indent: &str) {
    let mut is_first = true;
    let mut was_empty = true;
    for line in text.split('\n').flat_map(|line| line.split('\r')) {
        let line = safe_line(line);
        if line.is_empty() {
            was_empty = true;
            continue;
        }
        if was_empty && !is_first {
            push_all(out, &[indent, "///\n"]);
        }
        (is_first, was_empty) = (false, false);
        push_all(out, &[indent, "/// ", &line, "\n"]);
    }
}

/// One line of Markdown that opens no code block, link or tag, and hides nothing.
fn safe_line(line: &str) -> Cow<'_, str> {
    let line = line.trim();
    let is_fence = line.contains('`') && line.contains("```");
    let is_safe = |byte| matches!(byte, b' '..=b'}') && !matches!(byte, b'[' | b']' | b'<' | b'>');
    if !is_fence && line.bytes().all(is_safe) {
        return Cow::Borrowed(line);
    }
    let mut safe = String::with_capacity(line.len() + 8);
    let mut is_code = false;
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
        return Cow::Owned(safe);
    }
    Cow::Owned(safe.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_in_order_for_the_search() {
        assert!(KEYWORDS.is_sorted());
        assert_eq!(member(&["type", "self"], &[]), ["r#type", "self_"]);
    }

    #[test]
    fn a_line_of_plain_text_stays_and_any_other_opens_nothing() {
        assert_eq!(safe_line(" a `b` {c} "), "a `b` {c}");
        assert_eq!(safe_line("a [b] `[c]` <d>"), "a \\[b\\] `[c]` \\<d\\>");
        assert_eq!(safe_line("```sh ~~~"), "'''sh '''");
        assert_eq!(safe_line("a\u{202e}b\tc"), "ab c");
    }
}
