//! Patterns of the contract: expressions of ECMA-262, in the syntax of Rust.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use regex::Regex; // if regex
use fancy_regex::Regex; // if fancy

static COMPILED: Mutex<BTreeMap<String, Option<Regex>>> = Mutex::new(BTreeMap::new());

/// Whether a part of a text matches; true when the pattern is not supported.
#[must_use]
pub fn is_match(pattern: &str, text: &str) -> bool {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if !compiled.contains_key(pattern) {
        let regex = Regex::new(&translate(pattern)).or_else(|_| Regex::new(pattern)).ok();
        compiled.insert(pattern.to_owned(), regex);
    }
    let regex = compiled.get(pattern).cloned().flatten();
    drop(compiled);
    regex.is_none_or(|regex| regex.is_match(text)) // if regex
    regex.is_none_or(|regex| regex.is_match(text).unwrap_or(true)) // if fancy
}

/// The differences between the two syntaxes: classes of ASCII, escapes of code units, brackets
/// and literal braces.
fn translate(pattern: &str) -> String {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = String::new();
    let mut is_class = false;
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        at += 1;
        match c {
            '\\' => at = escape(&chars, at, is_class, &mut out),
            '[' if is_class => out.push_str("\\["),
            '[' => {
                is_class = true;
                let rest: String = chars[at..].iter().take(2).collect();
                if rest == "^]" {
                    out.push_str("[\\s\\S");
                    at += 1;
                } else {
                    out.push('[');
                }
            }
            ']' if is_class => {
                is_class = false;
                out.push(']');
            }
            ']' => out.push_str("\\]"),
            '&' | '~' | '-' if is_class && chars.get(at) == Some(&c) => {
                out.push('\\');
                out.push(c);
            }
            '{' if !is_class && !is_quantifier(&chars[at..]) => out.push_str("\\{"),
            '}' if !is_class && !out.trim_end_matches(|c: char| c.is_ascii_digit() || c == ',').ends_with('{') => out.push_str("\\}"),
            '$' if !is_class => out.push_str("\\z"),
            '.' if !is_class => out.push_str("[^\\n\\r\\u{2028}\\u{2029}]"),
            c => out.push(c),
        }
    }
    out
}

fn is_quantifier(rest: &[char]) -> bool {
    let inner: String = rest.iter().take_while(|c| **c != '}').collect();
    let is_closed = inner.chars().count() < rest.len();
    is_closed && inner.starts_with(|c: char| c.is_ascii_digit()) && inner.chars().all(|c| c.is_ascii_digit() || c == ',')
}

/// Writes what follows a backslash, and returns where the rest starts.
fn escape(chars: &[char], at: usize, is_class: bool, out: &mut String) -> usize {
    let Some(c) = chars.get(at).copied() else {
        out.push_str("\\\\");
        return at;
    };
    let hex = |from: usize, n_digits: usize| -> Option<String> {
        let digits: String = chars.get(from..from + n_digits)?.iter().collect();
        digits.chars().all(|c| c.is_ascii_hexdigit()).then_some(digits)
    };
    let class = |inner: &str| if is_class { inner.to_owned() } else { format!("[{inner}]") };
    match c {
        'd' => out.push_str(&class("0-9")),
        'w' => out.push_str(&class("A-Za-z0-9_")),
        'D' => out.push_str("[^0-9]"),
        'W' => out.push_str("[^A-Za-z0-9_]"),
        's' => out.push_str(&class("\\s\\u{feff}")),
        'S' => out.push_str("[^\\s\\u{feff}]"),
        'b' if is_class => out.push_str("\\x08"),
        'b' => out.push_str("\\b"),
        'B' => out.push_str("\\B"),
        'p' | 'P' | 'u' if chars.get(at + 1) == Some(&'{') => {
            let name: String = chars[at + 1..].iter().take_while(|c| **c != '}').collect();
            out.push_str(&format!("\\{c}{name}}}"));
            return at + 2 + name.chars().count();
        }
        'n' | 'r' | 't' | 'f' | 'v' => {
            out.push('\\');
            out.push(c);
        }
        '0' if !chars.get(at + 1).is_some_and(char::is_ascii_digit) => out.push_str("\\x00"),
        '1'..='9' => {
            out.push('\\');
            out.push(c);
        }
        'k' if !is_class => out.push_str("\\k"),
        'c' if chars.get(at + 1).is_some_and(char::is_ascii_alphabetic) => {
            out.push_str(&format!("\\x{:02x}", u32::from(chars[at + 1]) % 32));
            return at + 2;
        }
        'x' => match hex(at + 1, 2) {
            Some(digits) => {
                out.push_str(&format!("\\x{{{digits}}}"));
                return at + 3;
            }
            None => out.push('x'),
        },
        'u' => match hex(at + 1, 4) {
            Some(digits) => {
                out.push_str(&format!("\\u{{{digits}}}"));
                return at + 5;
            }
            None => out.push('u'),
        },
        c if c.is_ascii_alphanumeric() || c == '_' => out.push(c),
        c => {
            if c.is_ascii() {
                out.push('\\');
            }
            out.push(c);
        }
    }
    at + 1
}
