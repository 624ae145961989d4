//! Texts that match a regular expression, made from its parse tree.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

use tollgate_stats::Rng;

/// How often an unbounded repetition is repeated beyond its minimum, at most.
const REPEAT_MORE_MAX: u32 = 6;
/// The longest text that is made, in bytes.
const SIZE_MAX_BYTES: usize = 20_000;

/// How long the repetitions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// The minimum.
    Short,
    /// The maximum, bounded.
    Long,
    /// Random.
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
