//! Texts for a length, a format and patterns: typical, at the borders, unicode, long.

use std::collections::BTreeMap;

use regex_syntax::hir::Hir;
use tollgate_contracts_model::pattern::parse_tree;

use crate::flat::Flat;
use crate::pattern::{self, Length};
use tollgate_stats::Rng;

/// The longest text that is made for a `maxLength`, in characters.
const LEN_MAX: usize = 5_000;
/// The length of a long text where nothing bounds it, in characters.
const LEN_LONG: usize = 300;

/// Parse trees of the patterns seen so far.
pub(crate) type Patterns = BTreeMap<String, Option<Hir>>;

/// Texts for a format; empty for a format that does not restrict the text.
pub(crate) fn of_format(format: &str) -> &'static [&'static str] {
    match format {
        "date-time" => &[
            "2026-11-21T02:30:00Z",
            "2024-02-29T23:59:59.999999Z",
            "1999-12-31T23:59:59.5+05:30",
            "1970-01-01T00:00:00-00:00",
        ],
        "date" => &["2026-11-21", "2024-02-29", "1970-01-01", "1999-12-31"],
        "time" => &["02:30:00Z", "23:59:59.25+01:00", "00:00:00Z"],
        "duration" => &["PT15M", "P1D", "P1Y2M3DT4H5M6S", "P2W"],
        "uuid" => &[
            "123e4567-e89b-42d3-a456-426614174000",
            "00000000-0000-0000-0000-000000000000",
            "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
        ],
        "uri" | "url" => &[
            "https://example.com/a/b?c=d&e=%20f#g",
            "https://example.com",
            "urn:isbn:0451450523",
            "http://[2001:db8::7]:8080/",
        ],
        "uri-reference" | "iri-reference" => &["/a/b?c=d", "https://example.com/", "#top", "a%20b"],
        "iri" => &["https://example.com/a", "https://example.com/über/漢字"],
        "uri-template" => &["/orders/{id}{?page}", "https://example.com/{+path}"],
        "email" | "idn-email" => &[
            "ann@example.com",
            "first.last+tag@sub.example.org",
            "a@example.org",
        ],
        "hostname" | "idn-hostname" => &["example.com", "a-1.sub.example.org", "localhost"],
        "ipv4" => &["192.0.2.1", "0.0.0.0", "255.255.255.255"],
        "ipv6" => &["2001:db8::1", "::", "::ffff:192.0.2.1"],
        "byte" => &["aGVsbG8=", "", "AAH/+w==", "AQI="],
        "json-pointer" => &["/a/b~1c/0", ""],
        "relative-json-pointer" => &["1/a", "0#"],
        "regex" => &["^[a-z]+$", "a|b"],
        "decimal" => &[
            "12.50",
            "0",
            "-1234567890.12345678901234567890",
            "0.0000000001",
        ],
        "int64" | "int32" | "integer" => &["42", "0", "-1", "2147483647"],
        "float" | "double" | "number" => &["1.5", "0", "-0.25"],
        _ => &[],
    }
}

/// Whether a text can be wrong under this format, as `jsonschema` judges it.
pub(crate) fn is_asserted(format: &str) -> bool {
    matches!(
        format,
        "date-time"
            | "date"
            | "time"
            | "duration"
            | "uuid"
            | "uri"
            | "email"
            | "hostname"
            | "ipv4"
            | "ipv6"
            | "byte"
            | "json-pointer"
            | "relative-json-pointer"
            | "uri-template"
            | "regex"
    )
}

/// Whether a text is Base64 (RFC 4648) of either alphabet; padding may be missing, and lines may end.
pub(crate) fn is_base64(text: &str) -> bool {
    let text: String = text.split_ascii_whitespace().collect();
    let text = text.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
    text.len() % 4 != 1 && text.bytes().all(is_digit)
}

/// Valid texts, best first; never empty unless the length or a pattern rejects all.
pub(crate) fn texts(flat: &Flat<'_>, patterns: &mut Patterns, rng: &mut Rng) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let of_format = flat.format.map(of_format).unwrap_or_default();
    let hirs: Vec<Hir> = flat
        .patterns
        .iter()
        .filter_map(|pattern| hir_of(patterns, pattern))
        .collect();
    if !of_format.is_empty() {
        found.extend(of_format.iter().map(|text| (*text).to_owned()));
    } else if let Some(hir) = hirs.first() {
        for length in [Length::Drawn, Length::Short, Length::Long] {
            found.push(pattern::text_of(hir, length, rng));
        }
        for _ in 0..6 {
            found.push(pattern::text_of(hir, Length::Drawn, rng));
        }
        let fitted: Vec<String> = found.iter().map(|text| fit(text, flat)).collect();
        found.extend(fitted);
    } else if flat.patterns.is_empty() {
        found.extend(plain(flat));
    } else {
        // A pattern that no tree can say: a few guesses, checked with the whole value.
        found.extend(["a", "abc", "A1", "1", "a-b", "example"].map(str::to_owned));
    }
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|text| {
        let n = text.chars().count();
        n >= flat.len_min && flat.len_max.is_none_or(|max| n <= max) && seen.insert(text.clone())
    });
    if found.is_empty() {
        found.extend(plain(flat));
    }
    found
}

/// A random text: one of the pattern, else letters of many scripts.
pub(crate) fn drawn(flat: &Flat<'_>, patterns: &mut Patterns, rng: &mut Rng) -> String {
    let known = texts(flat, patterns, rng);
    let is_free =
        flat.patterns.is_empty() && flat.format.map(of_format).is_none_or(<[_]>::is_empty);
    if !is_free {
        return known
            .get(rng.below(known.len()))
            .cloned()
            .unwrap_or_default();
    }
    let max = flat.len_max.unwrap_or(flat.len_min + 20).min(LEN_MAX);
    let n = flat.len_min + rng.below(max.saturating_sub(flat.len_min).min(40) + 1);
    let alphabet: Vec<char> =
        "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 -_.:/?#%&=+'\"\\éßñλЖ漢字🦀"
            .chars()
            .collect();
    (0..n)
        .map(|_| alphabet[rng.below(alphabet.len())])
        .collect()
}

fn hir_of(patterns: &mut Patterns, pattern: &str) -> Option<Hir> {
    if !patterns.contains_key(pattern) {
        patterns.insert(pattern.to_owned(), parse_tree(pattern));
    }
    patterns.get(pattern).cloned().flatten()
}

/// A text made longer by repeating its last letter, or shorter at its end.
fn fit(text: &str, flat: &Flat<'_>) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let last = letters.last().copied().unwrap_or('a');
    while letters.len() < flat.len_min && letters.len() < LEN_MAX {
        letters.push(last);
    }
    if let Some(max) = flat.len_max {
        letters.truncate(max);
    }
    letters.into_iter().collect()
}

/// Texts without format and pattern.
fn plain(flat: &Flat<'_>) -> Vec<String> {
    let (min, max) = (flat.len_min, flat.len_max);
    let mut found = vec![sized("text", min, max)];
    found.push("a".repeat(min.min(LEN_MAX)));
    match max {
        Some(max) if max <= LEN_MAX => found.push("z".repeat(max)),
        _ => found.push("long ".repeat(LEN_LONG / 5)),
    }
    for text in [
        "naïve 漢字 \u{1F980} e\u{301}",
        "quote \" backslash \\ slash / tab \t line\n",
        "a",
        " ",
        "null",
        "0",
    ] {
        found.push(sized(text, min, max));
    }
    found
}

fn sized(text: &str, min: usize, max: Option<usize>) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    while letters.len() < min && letters.len() < LEN_MAX {
        letters.push('x');
    }
    letters.truncate(max.unwrap_or(usize::MAX));
    letters.into_iter().collect()
}

/// Texts that look like a format but are just outside it.
pub(crate) fn nearly(format: &str) -> Option<&'static str> {
    Some(match format {
        "date-time" => "2026-13-21T02:30:00Z",
        "date" => "2026-02-30",
        "time" => "25:00:00Z",
        "duration" => "P",
        "uuid" => "123e4567-e89b-42d3-a456-42661417400g",
        "email" => "ann.example.com",
        "ipv4" => "256.0.0.1",
        "ipv6" => "2001:db8:::1",
        _ => return None,
    })
}
