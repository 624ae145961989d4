//! Texts of documents as any of our languages can show them.

use std::borrow::Cow;

/// The lines of a document's text without empty ones, control characters, and characters that
/// hide or reorder what follows.
#[must_use]
pub fn text_lines(text: &str) -> Vec<Cow<'_, str>> {
    // A search for one byte is much quicker than one for any of several characters.
    let shown = if text.is_ascii() && !text.contains('\r') {
        text.split('\n').map(shown_line).collect()
    } else {
        let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        lines.map(shown_line).collect()
    };
    let mut shown: Vec<Cow<'_, str>> = shown;
    shown.retain(|line| !line.is_empty());
    shown
}

fn shown_line(line: &str) -> Cow<'_, str> {
    if line.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(line.trim());
    }
    let shown = line.chars().filter(|c| {
        !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    });
    let line: String = shown
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    Cow::Owned(line.trim().to_owned())
}

/// Whether a text can be written unchanged between the quotes of every language: printable ASCII
/// without quotes and backslashes. Nearly all names and values are such texts.
pub(crate) fn is_quotable(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

/// A text between double quotes.
pub(crate) fn in_quotes(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    quoted.push_str(text);
    quoted.push('"');
    quoted
}

/// Adds several texts; much quicker than a format, where nothing else is to be done.
pub(crate) fn push_all(out: &mut String, parts: &[&str]) {
    for part in parts {
        out.push_str(part);
    }
}
