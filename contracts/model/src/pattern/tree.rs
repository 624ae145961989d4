//! The parse tree of a pattern, and whether a text is a pattern at all.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

/// The parse tree of a pattern; absent when it uses what a tree cannot represent (look-around,
/// back-references).
pub fn parse_tree(pattern: &str) -> Option<Hir> {
    // ECMA 262 knows `\d`, `\w` and `\s` as ASCII or nearly so; without the unicode tables of
    // Rust's dialect, what is made matches both.
    let plain = without_lookahead(&ecma(pattern));
    ParserBuilder::new()
        .nest_limit(200)
        .build()
        .parse(&plain)
        .ok()
}

/// Whether a pattern is an expression of ECMA-262 as far as we understand it.
#[must_use]
pub fn is_expression(pattern: &str) -> bool {
    let is_parsed = |text: &str| fancy_regex::Expr::parse_tree(text).is_ok();
    parse_tree(pattern).is_some() || is_parsed(&ecma(pattern)) || is_parsed(pattern)
}

/// ECMA spellings in Rust's dialect: classes that are ASCII there, `\/`, `\cX`, `$` at the end.
fn ecma(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut letters = pattern.chars().peekable();
    let mut is_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('d') => out.push_str(if is_class { "0-9" } else { "[0-9]" }),
                Some('w') => out.push_str(if is_class {
                    "0-9A-Za-z_"
                } else {
                    "[0-9A-Za-z_]"
                }),
                Some('/') => out.push('/'),
                Some('u') if letters.peek() != Some(&'{') => {
                    let code: String = letters.by_ref().take(4).collect();
                    out.push_str(&format!("\\x{{{code}}}"));
                }
                Some(other) => {
                    out.push('\\');
                    out.push(other);
                }
                None => out.push('\\'),
            },
            '[' if is_class => out.push_str("\\["),
            '[' => {
                is_class = true;
                out.push('[');
                if letters.peek() == Some(&'^') {
                    letters.next();
                    out.push('^');
                }
            }
            ']' if is_class => {
                is_class = false;
                out.push(']');
            }
            '&' | '~' if is_class => {
                out.push('\\');
                out.push(letter);
            }
            '-' if is_class && letters.peek() == Some(&'-') => out.push_str("\\-"),
            other => out.push(other),
        }
    }
    out
}

/// The pattern without its look-around groups. A text that is made from it may violate them, so it
/// is checked afterwards.
fn without_lookahead(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(at) = ["(?=", "(?!", "(?<=", "(?<!"]
        .iter()
        .filter_map(|open| rest.find(open))
        .min()
    {
        out.push_str(&rest[..at]);
        let mut depth = 0_usize;
        let mut end = rest.len();
        let mut is_escaped = false;
        for (idx, letter) in rest[at..].char_indices() {
            match letter {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '(' => depth += 1,
                ')' => {
                    depth -= 1;
                    if depth == 0 {
                        end = at + idx + 1;
                        break;
                    }
                }
                _ => {}
            }
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}
