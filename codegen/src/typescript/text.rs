//! Literals, keys and comments of TypeScript: text of a document can't become code.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

use crate::ir::Docs;
use crate::names;

/// How many significant digits of a decimal binary floating point always keeps (IEEE 754 binary64).
const DIGITS_KEPT: usize = 15;

/// A string literal. JSON's form is also TypeScript's; what hides or reorders text is escaped.
pub(super) fn literal(out: &mut String, text: &str) {
    out.push('"');
    if names::is_quotable(text) {
        out.push_str(text);
        out.push('"');
        return;
    }
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The literal as a text of its own.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    literal(&mut out, text);
    out
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Literals in brackets.
pub(super) fn list<'a>(out: &mut String, texts: impl IntoIterator<Item = &'a str>) {
    out.push('[');
    for (index, text) in texts.into_iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        literal(out, text);
    }
    out.push(']');
}

/// A property's name in a type: bare where it is an identifier.
pub(super) fn key(out: &mut String, name: &str) {
    let mut letters = name.bytes();
    let is_bare = letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == b'_' || c == b'$')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'$');
    if is_bare {
        out.push_str(name);
    } else {
        literal(out, name);
    }
}

/// Whether a number of a document is the same as a literal.
pub(super) fn is_exact(text: &str) -> bool {
    let is_whole = text.bytes().all(|c| c.is_ascii_digit() || c == b'-');
    if is_whole {
        // 2^53 - 1, the largest of the whole numbers that binary floating point counts.
        return text
            .parse::<i64>()
            .is_ok_and(|value| value.unsigned_abs() <= 9_007_199_254_740_991);
    }
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let n_digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let is_near = text
        .parse::<f64>()
        .is_ok_and(|value| value.abs() < 1e300 && (value == 0.0 || value.abs() > 1e-300));
    n_digits <= DIGITS_KEPT && is_near
}

/// A number of a document as an expression that keeps its digits.
pub(super) fn number(out: &mut String, text: &str) {
    if is_exact(text) {
        out.push_str(text);
    } else {
        let _ = write!(out, "s.exact(\"{text}\")");
    }
}

/// A JSON value as an expression that keeps its digits and its keys.
pub(super) fn value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(content) => number(out, &content.to_string()),
        Value::String(text) => literal(out, text),
        Value::Array(_) | Value::Object(_) => {
            out.push_str("s.exact(");
            literal(out, &value.to_string());
            out.push(')');
        }
    }
}

/// A comment that its text can't end.
pub(super) fn docs(out: &mut String, docs: &Docs, indent: &str) {
    if docs.text.is_empty() && !docs.is_deprecated {
        return;
    }
    let mut lines = names::text_lines(&docs.text);
    if docs.is_deprecated {
        lines.push("@deprecated".into());
    }
    comment(out, &lines, indent);
}

/// A comment of these lines; nothing when there are none.
pub(super) fn comment(out: &mut String, lines: &[Cow<'_, str>], indent: &str) {
    let line = |out: &mut String, text: &str| {
        if text.contains("*/") {
            out.push_str(&text.replace("*/", "*\\/"));
        } else {
            out.push_str(text);
        }
    };
    match lines {
        [] => {}
        [only] => {
            out.push_str(indent);
            out.push_str("/** ");
            line(out, only);
            out.push_str(" */\n");
        }
        lines => {
            out.push_str(indent);
            out.push_str("/**\n");
            for text in lines {
                out.push_str(indent);
                out.push_str(" * ");
                line(out, text);
                out.push('\n');
            }
            out.push_str(indent);
            out.push_str(" */\n");
        }
    }
}
