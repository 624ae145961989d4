//! Changes of `oneOf` and `anyOf`: variants that were removed or added.

use tollgate_contracts_model::Located;

use crate::sides::{Sides, place};
use crate::variants::{self, label};
use crate::walk::{Draft, Effect, Scope, Walk};

/// Compares the variants of a union; true when nothing else of the schema needs comparing.
pub(crate) fn compare<'a>(
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
                .any(|variant| walk.is_same(scope, *variant, new, sides.depth));
            let (effect, stop) = if is_variant {
                (Effect::Narrow, true)
            } else {
                (Effect::Widen, false)
            };
            push_union(walk, scope, sides, (key, format!("{word}-unset")), effect);
            return stop;
        }
    };
    let (gone, added) = variants::pair(walk, scope, sides, (&old, &new));
    if let ([gone], [added]) = (gone.as_slice(), added.as_slice()) {
        let below = scope.below(&format!("/{key}"));
        walk.step(&below, *gone, *added, sides.depth + 1);
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
        .any(|variant| walk.is_same(scope, old, *variant, sides.depth));
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
