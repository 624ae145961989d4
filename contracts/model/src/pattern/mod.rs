//! Regular expressions as JavaScript writes them (ECMA-262), compiled once each.

mod tree;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fancy_regex::{Regex, RegexBuilder};

pub use tree::{is_expression, parse_tree};

/// How many steps back one match may take.
const BACKTRACK_MAX: usize = 200_000;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern(Regex);

/// Patterns by body and flags; nothing for a text that is not a pattern.
type Known = HashMap<(String, String), Option<Arc<Pattern>>>;

/// Patterns by their text and flags.
#[derive(Default)]
pub struct Patterns {
    known: Mutex<Known>,
}

impl Patterns {
    /// The pattern of a text: `/body/flags`, or the body alone; nothing when it is not a pattern.
    pub fn get(&self, text: &str) -> Option<Arc<Pattern>> {
        let (body, flags) = split_flags(text);
        self.with_flags(body, flags)
    }

    /// The pattern of a body alone, as JSON Schema has it.
    pub fn body(&self, body: &str) -> Option<Arc<Pattern>> {
        self.with_flags(body, "")
    }

    /// The pattern of a body with flags.
    pub fn with_flags(&self, body: &str, flags: &str) -> Option<Arc<Pattern>> {
        let key = (body.to_owned(), flags.to_owned());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .entry(key)
            .or_insert_with(|| compile(body, flags).ok().map(Arc::new))
            .clone()
    }
}

impl Pattern {
    /// Whether the pattern is found in a text. A search that needs too many steps counts as found,
    /// so that no value is reported as wrong without proof.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text).unwrap_or(true)
    }

    /// The text with the first match, or all, replaced.
    pub fn replace(&self, text: &str, by: &str, is_global: bool) -> String {
        let limit = usize::from(!is_global);
        self.0
            .try_replacen(text, limit, fancy_regex::NoExpand(by))
            .map_or_else(|_| text.to_owned(), |text| text.into_owned())
    }
}

/// `/body/flags` as body and flags; any other text is a body.
pub fn split_flags(text: &str) -> (&str, &str) {
    if let Some(rest) = text.strip_prefix('/')
        && let Some((body, flags)) = rest.rsplit_once('/')
        && !body.is_empty()
        && flags.chars().all(|flag| "dgimsuvy".contains(flag))
    {
        return (body, flags);
    }
    (text, "")
}

/// Compiles a pattern.
pub fn compile(body: &str, flags: &str) -> Result<Pattern, String> {
    let mut prefix = String::new();
    for flag in flags.chars().filter(|flag| "ims".contains(*flag)) {
        prefix.push(flag);
    }
    let mut text = translate(body, flags.contains('m'));
    if !prefix.is_empty() {
        text = format!("(?{prefix}){text}");
    }
    RegexBuilder::new(&text)
        .backtrack_limit(BACKTRACK_MAX)
        .build()
        .map(Pattern)
        .map_err(|error| error.to_string())
}

/// The pattern in the syntax of Rust: classes match ASCII only, a brace that opens no count is
/// literal, and so are brackets and `&`, `~` in a class.
fn translate(body: &str, is_multiline: bool) -> String {
    let letters: Vec<char> = body.chars().collect();
    let mut out = String::with_capacity(body.len() + 8);
    let mut in_class = false;
    let mut idx = 0;
    while idx < letters.len() {
        let letter = letters[idx];
        idx += 1;
        match letter {
            '\\' => idx = escape(&letters, idx, in_class, &mut out),
            '[' if in_class => out.push_str("\\["),
            '[' => {
                in_class = true;
                idx = open_class(&letters, idx, &mut out, &mut in_class);
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            ']' => out.push_str("\\]"),
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(letter);
            }
            '-' if in_class && letters.get(idx) == Some(&'-') => out.push_str("\\-"),
            '{' if !in_class && !is_count(&letters[idx..]) => out.push_str("\\{"),
            '}' if !in_class && !closes_count(&letters[..idx - 1]) => out.push_str("\\}"),
            '$' if !in_class && !is_multiline => out.push_str("\\z"),
            _ => out.push(letter),
        }
    }
    out
}

fn open_class(letters: &[char], mut idx: usize, out: &mut String, in_class: &mut bool) -> usize {
    let is_negated = letters.get(idx) == Some(&'^');
    if is_negated {
        idx += 1;
    }
    if letters.get(idx) == Some(&']') {
        // `[]` is nothing and `[^]` is anything.
        *in_class = false;
        out.push_str(if is_negated { "(?s:.)" } else { "(?!)" });
        return idx + 1;
    }
    out.push_str(if is_negated { "[^" } else { "[" });
    idx
}

fn escape(letters: &[char], idx: usize, in_class: bool, out: &mut String) -> usize {
    let Some(letter) = letters.get(idx) else {
        out.push_str("\\\\");
        return idx;
    };
    let mut end = idx + 1;
    match letter {
        'd' => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str(if in_class {
            "A-Za-z0-9_"
        } else {
            "[A-Za-z0-9_]"
        }),
        'W' => out.push_str("[^A-Za-z0-9_]"),
        'b' if in_class => out.push_str("\\x08"),
        'b' => out.push_str("\\b"),
        'B' => out.push_str("\\B"),
        'u' | 'p' | 'P' if letters.get(end) == Some(&'{') => {
            out.push('\\');
            let rest = letters[idx..].iter().take_while(|letter| **letter != '}');
            let name: String = rest.collect();
            end = (idx + name.chars().count() + 1).min(letters.len());
            out.push_str(&name);
            out.push('}');
        }
        's' | 'S' | 'n' | 'r' | 't' | 'f' | 'v' | 'x' | 'u' | 'k' => {
            out.push('\\');
            out.push(*letter);
        }
        'c' => {
            let control = letters.get(end).copied().unwrap_or('@');
            end += 1;
            out.push_str(&format!("\\x{:02x}", u32::from(control) % 32));
        }
        '0' => out.push_str("\\x00"),
        '1'..='9' if !in_class => {
            out.push('\\');
            out.push(*letter);
        }
        letter if letter.is_ascii_punctuation() => {
            if *letter != '/' && *letter != '"' && *letter != '\'' && *letter != '`' {
                out.push('\\');
            }
            if matches!(letter, '<' | '>') {
                out.pop();
            }
            out.push(*letter);
        }
        letter => out.push(*letter),
    }
    end
}

/// Whether what follows a `{` is `n}`, `n,}` or `n,m}`.
fn is_count(rest: &[char]) -> bool {
    let Some(end) = rest.iter().position(|letter| *letter == '}') else {
        return false;
    };
    let inner: String = rest[..end].iter().collect();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match inner.split_once(',') {
        Some((low, high)) => digits(low) && (high.is_empty() || digits(high)),
        None => digits(&inner),
    }
}

fn closes_count(before: &[char]) -> bool {
    let Some(start) = before.iter().rposition(|letter| *letter == '{') else {
        return false;
    };
    let mut rest: Vec<char> = before[start + 1..].to_vec();
    rest.push('}');
    is_count(&rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        let patterns = Patterns::default();
        let compiled = patterns
            .get(pattern)
            .unwrap_or_else(|| panic!("{pattern} compiles"));
        for text in yes {
            assert!(compiled.is_match(text), "{pattern} is found in {text}");
        }
        for text in no {
            assert!(!compiled.is_match(text), "{pattern} is not found in {text}");
        }
    }

    #[test]
    fn patterns_mean_what_they_mean_in_javascript() {
        check("{}", &["/a/{}"], &["/a/{b}"]);
        check("^(?!.*evil).*$", &["good"], &["an evil one"]);
        check("/^HTTPS:/i", &["https://x"], &["http://x"]);
        check("^\\d+$", &["12"], &["١٢", "12\n"]);
        check(
            "^[A-Za-z0-9-._~:/?#\\[\\]@!\\$&'()*+,;=]*$",
            &["a-b[]"],
            &["a b", "{x}"],
        );
        check("^[[a]+$", &["[a["], &["b"]);
        check("^[a&&b]+$", &["a&b"], &["c"]);
        check("^.{2,3}$", &["ab", "abc"], &["a", "abcd"]);
        check("a{,2}", &["a{,2}"], &["aa"]);
        check("^\\/v\\d+\\/", &["/v1/x"], &["/x"]);
        check("^\\u0041\\x42$", &["AB"], &["ab"]);
        check("^\\p{L}{2}$", &["äö"], &["1a"]);
        check("^(a)\\1$", &["aa"], &["ab"]);
        check("[^]", &["\n"], &[""]);
        check("[\\w-]+@", &["a-b@"], &["@"]);
        check("^/x/y$", &["/x/y"], &["x"]);
    }
}
