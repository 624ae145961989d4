//! Variants of `oneOf` and `anyOf`, matched by name and then by meaning. It must not know
//! properties.

use super::schema::{Sides, place, step};
use super::walk::{Draft, Effect, Scope, Walk};
use crate::views::Located;

/// How many variants two unions may have to be matched by meaning.
const VARIANTS_MAX: usize = 48;

/// Whether two schemas mean the same: a comparison of its own finds nothing.
pub(super) fn is_same<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: Located<'a>,
    new: Located<'a>,
    depth: usize,
) -> bool {
    let kept = std::mem::take(&mut walk.changes);
    let seen = walk.seen.clone();
    step(walk, scope, old, new, depth + 1);
    let is_same = walk.changes.is_empty();
    walk.changes = kept;
    if !is_same {
        walk.seen = seen;
    }
    is_same
}

/// Compares the variants of a union; true when nothing else of the schema needs comparing.
pub(super) fn compare<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    sides: &Sides<'_, 'a>,
    key: &'static str,
) -> bool {
    let word = if key == "oneOf" { "one-of" } else { "any-of" };
    let (old, new) = match (sides.old.variants(key), sides.new.variants(key)) {
        (None, None) => return false,
        (Some(old), Some(new)) => (old, new),
        (None, Some(variants)) => {
            return union_appeared(walk, scope, sides, (key, word), &variants);
        }
        (Some(variants), None) => {
            let Some(new) = sides.new.first() else {
                return false;
            };
            let is_variant = variants
                .iter()
                .any(|variant| is_same(walk, scope, *variant, new, sides.depth));
            let (effect, stop) = if is_variant {
                (Effect::Narrow, true)
            } else {
                (Effect::Widen, false)
            };
            push_union(walk, scope, sides, (key, format!("{word}-unset")), effect);
            return stop;
        }
    };
    let (gone, added) = match_variants(walk, scope, sides, (&old, &new));
    if let ([gone], [added]) = (gone.as_slice(), added.as_slice()) {
        let below = scope.below(&format!("/{key}"));
        step(walk, &below, *gone, *added, sides.depth + 1);
        return false;
    }
    for (variants, action, effect) in [
        (&gone, "removed", Effect::Narrow),
        (&added, "added", Effect::Widen),
    ] {
        for variant in variants {
            let at = Some(variant.node.place(variant.file));
            let (old, new) = match action {
                "removed" => (at, place(sides.new, key)),
                _ => (place(sides.old, key), at),
            };
            let draft = Draft {
                code: format!("{}-{word}-{action}", scope.subject()),
                effect,
                level: None,
                message: format!("a variant of `{key}`{} is {action}", name_of(variant)),
                old,
                new,
            };
            walk.push(scope, draft);
        }
    }
    false
}

fn union_appeared<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    sides: &Sides<'_, 'a>,
    (key, word): (&'static str, &str),
    variants: &[Located<'a>],
) -> bool {
    let Some(old) = sides.old.first() else {
        return false;
    };
    let is_variant = variants
        .iter()
        .any(|variant| is_same(walk, scope, old, *variant, sides.depth));
    let (effect, stop) = if is_variant {
        (Effect::Widen, true)
    } else {
        (Effect::Narrow, false)
    };
    push_union(walk, scope, sides, (key, format!("{word}-set")), effect);
    stop
}

fn push_union(
    walk: &mut Walk<'_>,
    scope: &Scope,
    sides: &Sides<'_, '_>,
    (key, action): (&str, String),
    effect: Effect,
) {
    let (old, new) = sides.places(key);
    let what = if action.ends_with("unset") {
        "removed"
    } else {
        "added"
    };
    let draft = Draft {
        code: format!("{}-{action}", scope.subject()),
        effect,
        level: None,
        message: format!("`{key}` is {what}"),
        old,
        new,
    };
    walk.push(scope, draft);
}

fn name_of(variant: &Located<'_>) -> String {
    label(variant).map_or_else(String::new, |name| format!(" (`{name}`)"))
}

fn label<'a>(variant: &Located<'a>) -> Option<&'a str> {
    let reference = variant
        .node
        .get("$ref")
        .and_then(crate::source::Node::as_str);
    match reference {
        Some(text) => text.rsplit('/').next(),
        None => variant
            .node
            .get("title")
            .and_then(crate::source::Node::as_str),
    }
}

/// Pairs variants by name, then by meaning; what is left is gone or added.
fn match_variants<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    sides: &Sides<'_, 'a>,
    (old, new): (&[Located<'a>], &[Located<'a>]),
) -> (Vec<Located<'a>>, Vec<Located<'a>>) {
    let mut added: Vec<Located<'a>> = new.to_vec();
    let mut gone = Vec::new();
    let by_meaning = old.len().max(new.len()) <= VARIANTS_MAX;
    let mut unnamed = Vec::new();
    for variant in old {
        let name = label(variant);
        let position = added
            .iter()
            .position(|candidate| name.is_some() && label(candidate) == name);
        match position {
            Some(position) => {
                let candidate = added.remove(position);
                let below = scope.below(&format!("/{}", name.unwrap_or_default()));
                step(walk, &below, *variant, candidate, sides.depth + 1);
            }
            None => unnamed.push(*variant),
        }
    }
    for variant in unnamed {
        let position = added.iter().position(|candidate| {
            by_meaning && is_same(walk, scope, variant, *candidate, sides.depth)
        });
        match position {
            Some(position) => {
                added.remove(position);
            }
            None => gone.push(variant),
        }
    }
    (gone, added)
}
