//! Texts that match a regular expression, made from its parse tree. It must not know schemas.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::rng::Rng;

/// How often an unbounded repetition is repeated beyond its minimum, at most.
const REPEAT_MORE_MAX: u32 = 6;
/// The longest text that is made, in bytes.
const SIZE_MAX_BYTES: usize = 20_000;

/// The parse tree of a pattern; absent when it uses what a tree can't say (look-around,
/// back-references).
pub(crate) fn parse(pattern: &str) -> Option<Hir> {
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
    parse(pattern).is_some() || is_parsed(&ecma(pattern)) || is_parsed(pattern)
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

/// The pattern without its look-around groups: what is made may break them, so it is checked.
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

/// How long the repetitions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// The fewest.
    Short,
    /// The most, bounded.
    Long,
    /// Drawn.
    Drawn,
}

/// A text that matches, apart from word borders and look-around.
pub(crate) fn text_of(hir: &Hir, length: Length, rng: &mut Rng) -> String {
    let mut out = String::new();
    push(hir, length, rng, &mut out);
    if !is_start_bound(hir) && length == Length::Drawn && rng.chance(20) {
        out.insert_str(0, "a ");
    }
    out
}

fn is_start_bound(hir: &Hir) -> bool {
    hir.properties().look_set_prefix().contains(Look::Start)
}

fn push(hir: &Hir, length: Length, rng: &mut Rng, out: &mut String) {
    if out.len() > SIZE_MAX_BYTES {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges: Vec<(u32, u32)> = class
                .ranges()
                .iter()
                .map(|range| (u32::from(range.start()), u32::from(range.end())))
                .collect();
            out.extend(letter_of(&ranges, length, rng));
        }
        HirKind::Class(Class::Bytes(class)) => {
            let ranges: Vec<(u32, u32)> = class
                .ranges()
                .iter()
                .map(|range| (u32::from(range.start()), u32::from(range.end())))
                .collect();
            out.extend(letter_of(&ranges, length, rng));
        }
        HirKind::Repetition(repetition) => {
            let min = repetition.min;
            let more = match repetition.max {
                Some(max) => max.saturating_sub(min),
                None => REPEAT_MORE_MAX,
            };
            let n = match length {
                Length::Short => min,
                Length::Long => min.saturating_add(more),
                Length::Drawn => {
                    let more = usize::try_from(more.min(REPEAT_MORE_MAX)).unwrap_or(0);
                    min.saturating_add(u32::try_from(rng.below(more + 1)).unwrap_or(0))
                }
            };
            for _ in 0..n {
                if out.len() > SIZE_MAX_BYTES {
                    return;
                }
                push(&repetition.sub, length, rng, out);
            }
        }
        HirKind::Capture(capture) => push(&capture.sub, length, rng, out),
        HirKind::Concat(parts) => parts.iter().for_each(|part| push(part, length, rng, out)),
        HirKind::Alternation(branches) => {
            let idx = match length {
                Length::Short => 0,
                Length::Long => branches.len() - 1,
                Length::Drawn => rng.below(branches.len()),
            };
            push(&branches[idx], length, rng, out);
        }
    }
}

/// A letter of a class: a plain one when there is any, else one of its ranges.
fn letter_of(ranges: &[(u32, u32)], length: Length, rng: &mut Rng) -> Option<char> {
    let plain: Vec<char> = ('a'..='z')
        .chain('A'..='Z')
        .chain('0'..='9')
        .chain("-_.:/+ ".chars())
        .filter(|letter| {
            let code = u32::from(*letter);
            ranges
                .iter()
                .any(|(low, high)| (*low..=*high).contains(&code))
        })
        .collect();
    match (plain.is_empty(), length) {
        (false, Length::Drawn) => Some(plain[rng.below(plain.len())]),
        (false, _) => plain.first().copied(),
        (true, _) => {
            let (low, high) = ranges.get(rng.below(ranges.len()))?;
            let span = usize::try_from(high - low).unwrap_or(0).min(200);
            let code = low + u32::try_from(rng.below(span + 1)).unwrap_or(0);
            char::from_u32(code).or_else(|| char::from_u32(*low))
        }
    }
}
