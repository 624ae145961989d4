//! From names in documents to identifiers: words, case, reserved words, collisions.

mod text;

use rustc_hash::{FxBuildHasher, FxHashSet};

use crate::ir::Ir;

pub use text::text_lines;
pub(crate) use text::{in_quotes, is_quotable, push_all};

/// Up to this many names are compared one by one; more are sorted or hashed.
const FEW: usize = 24;

/// How words become one identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// `LikeThis`.
    Pascal,
    /// `likeThis`.
    Camel,
    /// `like_this`.
    Snake,
}

/// The identifiers of all declarations, by their index.
///
/// A new component renames nothing: an inline type keeps its name, and a component of the same name
/// gets a suffix. When two components become one identifier, the component whose name is spelled
/// like the identifier keeps it, and the other gets a suffix made from its own name.
#[must_use]
pub fn types(ir: &Ir, reserved: &[&str]) -> Vec<String> {
    let wishes: Vec<Wish<'_>> = ir
        .decls
        .iter()
        .map(|decl| Wish {
            text: &decl.name,
            identity: &decl.place,
            rank: u8::from(decl.is_component),
        })
        .collect();
    resolve(&wishes, Case::Pascal, reserved, "Model")
}

/// The identifiers of names in one scope, such as fields or variants.
#[must_use]
pub fn members(wires: &[&str], case: Case, reserved: &[&str], suffix: &str) -> Vec<String> {
    let wishes: Vec<Wish<'_>> = wires
        .iter()
        .map(|wire| Wish {
            text: wire,
            identity: wire,
            rank: 0,
        })
        .collect();
    resolve(&wishes, case, reserved, suffix)
}

struct Wish<'a> {
    text: &'a str,
    identity: &'a str,
    rank: u8,
}

fn resolve(wishes: &[Wish<'_>], case: Case, reserved: &[&str], suffix: &str) -> Vec<String> {
    let mut sorted = reserved.to_vec();
    let is_long = sorted.len() > FEW;
    if is_long {
        sorted.sort_unstable();
    }
    let is_reserved = |ident: &str| match is_long {
        true => sorted.binary_search(&ident).is_ok(),
        false => sorted.contains(&ident),
    };
    let free = |wish: &Wish<'_>| {
        let mut ident = identifier(wish.text, case);
        while is_reserved(&ident) {
            ident.push_str(suffix);
        }
        ident
    };
    let wished: Vec<String> = wishes.iter().map(free).collect();
    if are_distinct(&wished) {
        return wished;
    }
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by(|one, other| wished[*one].cmp(&wished[*other]));
    let mut taken: FxHashSet<String> = wished.iter().cloned().collect();
    let mut idents = wished.clone();
    for members in order.chunk_by_mut(|one, other| wished[*one] == wished[*other]) {
        if members.len() == 1 {
            continue;
        }
        let ident = &wished[members[0]];
        members.sort_by_key(|index| {
            let wish = &wishes[*index];
            (wish.rank, wish.text != ident, wish.identity)
        });
        let ranks = members.iter().map(|index| wishes[*index].rank);
        let n_inline = ranks.filter(|rank| *rank == 0).count();
        for (position, index) in members.iter().enumerate().skip(1) {
            let plain = format!("{ident}{suffix}");
            idents[*index] = if position == n_inline && taken.insert(plain.clone()) {
                plain
            } else {
                distinct(ident, wishes[*index].identity, case, &mut taken)
            };
        }
    }
    idents
}

fn are_distinct(idents: &[String]) -> bool {
    if idents.len() <= FEW {
        let mut after = idents.iter().enumerate();
        return after.all(|(index, ident)| !idents[index + 1..].contains(ident));
    }
    let mut seen = FxHashSet::with_capacity_and_hasher(idents.len(), FxBuildHasher);
    idents.iter().all(|ident| seen.insert(ident))
}

/// The identifier with a suffix that depends on nothing but the name itself, where possible.
fn distinct(ident: &str, identity: &str, case: Case, taken: &mut FxHashSet<String>) -> String {
    let hash = fnv1a(identity);
    (1..)
        .map(|n_digits: usize| {
            let digits = format!("{hash:016x}{n_digits:x}");
            let tail = &digits[..digits.len().min(n_digits + 2)];
            match case {
                // Two underscores in a row are no snake case.
                Case::Snake => format!("{}_x{tail}", ident.trim_end_matches('_')),
                Case::Pascal | Case::Camel => format!("{ident}X{tail}"),
            }
        })
        .find(|candidate| taken.insert(candidate.clone()))
        .expect("an endless iterator of different names has a free one")
}

/// FNV-1a with 64 bits (Fowler, Noll, Vo): short, stable on every machine.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// One identifier, without regard to others. Never empty, never starts with a digit, ASCII only.
#[must_use]
pub fn identifier(text: &str, case: Case) -> String {
    if let Some(ident) = plain_identifier(text.as_bytes(), case) {
        return ident;
    }
    joined(&words(text), case)
}

fn joined(words: &[String], case: Case) -> String {
    let mut ident = String::new();
    for (index, word) in words.iter().enumerate() {
        match case {
            Case::Snake => {
                if index > 0 {
                    ident.push('_');
                }
                ident.push_str(word);
            }
            Case::Camel if index == 0 => ident.push_str(word),
            Case::Camel | Case::Pascal => {
                // Two digits that meet would read as one number: `1.2` is not `12`.
                if ident.ends_with(|c: char| c.is_ascii_digit())
                    && word.starts_with(|c: char| c.is_ascii_digit())
                {
                    ident.push('_');
                }
                let mut letters = word.chars();
                ident.extend(letters.next().map(|c| c.to_ascii_uppercase()));
                ident.push_str(letters.as_str());
            }
        }
    }
    if ident.starts_with(|c: char| c.is_ascii_digit()) {
        ident.insert(0, if case == Case::Pascal { 'N' } else { 'n' });
    }
    ident
}

/// The identifier of ASCII letters and digits with anything of ASCII between them, in one pass:
/// nearly all names of real documents. Nothing for other texts.
fn plain_identifier(text: &[u8], case: Case) -> Option<String> {
    let is_plain = text.first()?.is_ascii_alphanumeric() && text.is_ascii();
    if !is_plain {
        return None;
    }
    let mut ident = String::with_capacity(text.len() + 4);
    if text[0].is_ascii_digit() {
        ident.push(if case == Case::Pascal { 'N' } else { 'n' });
    }
    let mut previous = b' ';
    for (index, byte) in text.iter().copied().enumerate() {
        let before = std::mem::replace(&mut previous, byte);
        if !byte.is_ascii_alphanumeric() {
            continue;
        }
        let is_hump = byte.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || before.is_ascii_uppercase()
                    && text.get(index + 1).is_some_and(u8::is_ascii_lowercase));
        let is_start = is_hump || !before.is_ascii_alphanumeric();
        let is_upper = is_start && (case == Case::Pascal || case == Case::Camel && index > 0);
        if is_start && index > 0 {
            let is_number =
                byte.is_ascii_digit() && ident.ends_with(|letter: char| letter.is_ascii_digit());
            if case == Case::Snake || is_number {
                ident.push('_');
            }
        }
        ident.push(char::from(if is_upper {
            byte.to_ascii_uppercase()
        } else {
            byte.to_ascii_lowercase()
        }));
    }
    Some(ident)
}

/// The words of a name in lower case. Symbols become words only where nothing else would remain.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let characters: Vec<char> = text.chars().collect();
    for (index, c) in characters.iter().copied().enumerate() {
        if c.is_ascii_alphanumeric() {
            let previous = index.checked_sub(1).map(|index| characters[index]);
            let next = characters.get(index + 1).copied();
            let is_start = c.is_ascii_uppercase()
                && previous.is_some_and(|previous| {
                    previous.is_ascii_lowercase()
                        || previous.is_ascii_digit()
                        || (previous.is_ascii_uppercase()
                            && next.is_some_and(|next| next.is_ascii_lowercase()))
                });
            if is_start && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.push(c.to_ascii_lowercase());
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        let is_sign = index == 0 && matches!(c, '+' | '-') && characters.len() > 1;
        if is_sign && characters[1].is_ascii_digit() {
            words.push(if c == '+' { "plus" } else { "minus" }.to_owned());
        } else if !c.is_ascii() {
            words.push(format!("u{:x}", u32::from(c)));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    if words.is_empty() {
        words = characters.iter().map(|c| symbol(*c)).collect();
    }
    if words.is_empty() {
        words.push("empty".to_owned());
    }
    words
}

fn symbol(c: char) -> String {
    let word = match c {
        '<' => "less",
        '>' => "greater",
        '=' => "equal",
        '!' => "not",
        '+' => "plus",
        '-' => "minus",
        '*' => "star",
        '/' => "slash",
        '\\' => "backslash",
        '.' => "dot",
        ',' => "comma",
        ':' => "colon",
        ';' => "semicolon",
        '_' => "underscore",
        ' ' => "space",
        '$' => "dollar",
        '@' => "at",
        '#' => "hash",
        '%' => "percent",
        '&' => "and",
        '|' => "or",
        '~' => "tilde",
        '^' => "caret",
        '?' => "question",
        '"' => "quote",
        '\'' => "apostrophe",
        '(' | ')' | '[' | ']' | '{' | '}' => "bracket",
        other => return format!("u{:x}", u32::from(other)),
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[track_caller]
    fn check(text: &str, want: [&str; 3]) {
        let got = [Case::Pascal, Case::Camel, Case::Snake].map(|case| identifier(text, case));
        assert_eq!(got, want, "{text:?}");
    }

    #[test]
    fn any_text_becomes_an_identifier() {
        check(
            "HTTPServerId",
            ["HttpServerId", "httpServerId", "http_server_id"],
        );
        check(
            "latencyP95Ms",
            ["LatencyP95Ms", "latencyP95Ms", "latency_p95_ms"],
        );
        check("3ds", ["N3ds", "n3ds", "n3ds"]);
        check("+1", ["Plus1", "plus1", "plus_1"]);
        check("-1", ["Minus1", "minus1", "minus_1"]);
        check("<=", ["LessEqual", "lessEqual", "less_equal"]);
        check("", ["Empty", "empty", "empty"]);
        check("1.2", ["N1_2", "n1_2", "n1_2"]);
        check("日本", ["U65e5U672c", "u65e5U672c", "u65e5_u672c"]);
        check("*/ fn main() {}", ["FnMain", "fnMain", "fn_main"]);
        check("a 1.2b_3C", ["A1_2b3C", "a1_2b3C", "a_1_2b_3_c"]);
    }

    #[test]
    fn values_equal_but_for_case_stay_apart_whatever_else_is_there() {
        let few = members(&["asc", "ASC"], Case::Pascal, &[], "Value");
        let many = members(&["Asc", "zzz", "asc", "ASC"], Case::Pascal, &[], "Value");
        assert_eq!(few[0].len() + few[1].len(), "Asc".len() * 2 + 4);
        assert_eq!(many[0], "Asc");
        let distinct: BTreeSet<&String> = many.iter().collect();
        assert_eq!(distinct.len(), 4);
    }

    proptest::proptest! {
        #[test]
        fn the_quick_way_and_the_long_one_agree(text in "[a-cA-C0-2_. -]{1,9}") {
            for case in [Case::Pascal, Case::Camel, Case::Snake] {
                if let Some(quick) = plain_identifier(text.as_bytes(), case) {
                    assert_eq!(quick, joined(&words(&text), case), "{text:?}");
                }
            }
        }

        #[test]
        fn names_that_stand_side_by_side_are_distinct_identifiers(
            texts in proptest::collection::btree_set(".{0,8}|[a-cA-C_<=]{0,3}", 1..12),
        ) {
            let wires: Vec<&str> = texts.iter().map(String::as_str).collect();
            for case in [Case::Pascal, Case::Camel, Case::Snake] {
                let idents = members(&wires, case, &["Self", "self"], "_");
                let distinct: BTreeSet<&String> = idents.iter().collect();
                assert_eq!(distinct.len(), wires.len(), "{idents:?}");
                for ident in &idents {
                    assert!(ident.starts_with(|c: char| c.is_ascii_alphabetic()), "{ident:?}");
                    assert!(ident.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{ident:?}");
                }
            }
        }
    }
}
