//! Two schemas by direction: types, values, properties, items, unions. Recursion ends at pairs
//! already seen. It must not know where schemas stand in an operation.

use std::collections::BTreeSet;

use tollgate_report::Place;

use super::flat::Flat;
use super::limits;
use super::walk::{Direction, Draft, Effect, Scope, Walk, address};
use super::{Change, Level};
use crate::document::Contract;
use crate::source::escape_token;
use crate::views::Located;

/// How deep schemas are followed into each other; real ones repeat long before.
const DEPTH_MAX: usize = 64;
/// How many variants two unions may have to be matched by meaning.
const VARIANTS_MAX: usize = 48;

/// Compares two schemas that stand at the root of a body, parameter, header or payload.
pub(super) fn compare<'a>(walk: &mut Walk<'a>, scope: &Scope, old: Located<'a>, new: Located<'a>) {
    let n_before = walk.changes.len();
    walk.seen.clear();
    step(walk, scope, old, new, 0);
    if walk.changes.len() == n_before {
        let seen = std::mem::take(&mut walk.seen);
        walk.clean.extend(seen);
    }
}

/// Both sides of one comparison.
struct Sides<'f, 'a> {
    old: &'f Flat<'a>,
    new: &'f Flat<'a>,
    depth: usize,
}

impl Sides<'_, '_> {
    fn places(&self, key: &str) -> (Option<Place>, Option<Place>) {
        (place(self.old, key), place(self.new, key))
    }
}

fn place(flat: &Flat<'_>, key: &str) -> Option<Place> {
    let at = flat.located(key).or_else(|| flat.first())?;
    Some(at.node.place(at.file))
}

fn step<'a>(walk: &mut Walk<'a>, scope: &Scope, old: Located<'a>, new: Located<'a>, depth: usize) {
    let pair = (
        identity(walk.old, old),
        identity(walk.new, new),
        scope.direction,
    );
    if depth > DEPTH_MAX || walk.clean.contains(&pair) || !walk.seen.insert(pair) {
        return;
    }
    let (old, new) = (Flat::new(walk.old, old), Flat::new(walk.new, new));
    let sides = Sides {
        old: &old,
        new: &new,
        depth,
    };
    for key in ["oneOf", "anyOf"] {
        if compare_union(walk, scope, &sides, key) {
            return;
        }
    }
    compare_types(walk, scope, &sides);
    compare_nullable(walk, scope, &sides);
    compare_values(walk, scope, &sides);
    limits::compare(walk, scope, &old, &new);
    compare_properties(walk, scope, &sides);
    compare_additional(walk, scope, &sides);
    compare_items(walk, scope, &sides);
    compare_not(walk, scope, &sides);
}

/// The address of a schema; of a bare reference, that of its target.
fn identity(contract: &Contract, at: Located<'_>) -> usize {
    if at.node.entries().len() == 1 {
        address(contract.follow(at.file, at.node).node)
    } else {
        address(at.node)
    }
}

fn compare_types(walk: &mut Walk<'_>, scope: &Scope, sides: &Sides<'_, '_>) {
    let (old, new) = (sides.old.types(), sides.new.types());
    if old == new {
        return;
    }
    let covers =
        |wide: &Option<BTreeSet<&str>>, narrow: &Option<BTreeSet<&str>>| match (wide, narrow) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wide), Some(narrow)) => narrow
                .iter()
                .all(|word| wide.contains(word) || (*word == "integer" && wide.contains("number"))),
        };
    let (action, effect) = match (covers(&new, &old), covers(&old, &new)) {
        (true, true) => return,
        (true, false) => ("type-generalized", Effect::Widen),
        (false, true) if scope.direction == Direction::Request => ("type-changed", Effect::Narrow),
        (false, true) => ("type-specialized", Effect::Narrow),
        (false, false) => ("type-changed", Effect::Change),
    };
    let show = |types: &Option<BTreeSet<&str>>| match types {
        None => "any".to_owned(),
        Some(words) => words.iter().copied().collect::<Vec<_>>().join(", "),
    };
    let (old_place, new_place) = sides.places("type");
    let draft = Draft {
        code: format!("{}-{action}", scope.subject()),
        effect,
        level: None,
        message: format!("the type changed from `{}` to `{}`", show(&old), show(&new)),
        old: old_place,
        new: new_place,
    };
    walk.push(scope, draft);
}

fn compare_nullable(walk: &mut Walk<'_>, scope: &Scope, sides: &Sides<'_, '_>) {
    // Without a type null was valid all along.
    if sides.old.types().is_none() != sides.new.types().is_none() {
        return;
    }
    let (action, effect) = match (sides.old.is_nullable(), sides.new.is_nullable()) {
        (false, true) => ("became-nullable", Effect::Widen),
        (true, false) => ("became-not-nullable", Effect::Narrow),
        _ => return,
    };
    let (old, new) = sides.places("type");
    let draft = Draft {
        code: format!("{}-{action}", scope.subject()),
        effect,
        level: None,
        message: format!("the value {}", action.replace('-', " ")),
        old,
        new,
    };
    walk.push(scope, draft);
}

fn compare_values(walk: &mut Walk<'_>, scope: &Scope, sides: &Sides<'_, '_>) {
    let (old, new) = (sides.old.enum_values(), sides.new.enum_values());
    let is_const = |flat: &Flat<'_>| flat.node("enum").is_none() && flat.node("const").is_some();
    let by_const = is_const(sides.old) || is_const(sides.new);
    let mut push = |action: &str, effect: Effect, level: Option<Level>, message: String| {
        let key = if by_const { "const" } else { "enum" };
        let (old, new) = sides.places(key);
        let draft = Draft {
            code: format!("{}-{action}", scope.subject()),
            effect,
            level,
            message,
            old,
            new,
        };
        walk.push(scope, draft);
    };
    match (old, new) {
        (None, None) => {}
        (None, Some(values)) => {
            let action = if by_const {
                "const-added"
            } else {
                "became-enum"
            };
            push(
                action,
                Effect::Narrow,
                None,
                format!("only {} is allowed now", list(&values)),
            );
        }
        (Some(_), None) => {
            let action = if by_const {
                "const-removed"
            } else {
                "enum-removed"
            };
            push(
                action,
                Effect::Widen,
                None,
                "any value is allowed now".to_owned(),
            );
        }
        (Some(old), Some(new)) if is_const(sides.old) && is_const(sides.new) => {
            if old != new {
                let message = format!(
                    "the only value changed from {} to {}",
                    list(&old),
                    list(&new)
                );
                push("const-changed", Effect::Change, None, message);
            }
        }
        (Some(old), Some(new)) => {
            for value in old.difference(&new) {
                push(
                    "enum-value-removed",
                    Effect::Narrow,
                    None,
                    format!("the value `{value}` is gone"),
                );
            }
            // Generated readers keep unknown values, others may not.
            let level = (scope.direction == Direction::Response).then_some(Level::Warning);
            for value in new.difference(&old) {
                push(
                    "enum-value-added",
                    Effect::Widen,
                    level,
                    format!("the value `{value}` is new"),
                );
            }
        }
    }
}

fn list(values: &BTreeSet<String>) -> String {
    let words: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
    words.join(", ")
}

fn compare_properties<'a>(walk: &mut Walk<'a>, scope: &Scope, sides: &Sides<'_, 'a>) {
    let (old, new) = (sides.old.properties(), sides.new.properties());
    let (old_required, new_required) = (sides.old.required(), sides.new.required());
    let names: BTreeSet<&str> = old
        .keys()
        .chain(new.keys())
        .chain(&old_required)
        .chain(&new_required)
        .copied()
        .collect();
    for name in names {
        let property = Property {
            name,
            old: old.get(name).copied(),
            new: new.get(name).copied(),
            was_required: old_required.contains(name),
            is_required: new_required.contains(name),
        };
        let below = scope.below(&format!("/properties/{}", escape_token(name)));
        compare_property(walk, &below, sides, &property);
    }
}

/// One property on both sides.
struct Property<'n, 'a> {
    name: &'n str,
    old: Option<Located<'a>>,
    new: Option<Located<'a>>,
    was_required: bool,
    is_required: bool,
}

fn compare_property<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    sides: &Sides<'_, 'a>,
    property: &Property<'_, 'a>,
) {
    let hidden = match scope.direction {
        Direction::Request => "readOnly",
        Direction::Response => "writeOnly",
    };
    let (old_contract, new_contract) = (walk.old, walk.new);
    let is_hidden_old = property
        .old
        .is_some_and(|at| Flat::new(old_contract, at).is_true(hidden));
    let is_hidden_new = property
        .new
        .is_some_and(|at| Flat::new(new_contract, at).is_true(hidden));
    if is_hidden_new || (is_hidden_old && property.new.is_none()) {
        return;
    }
    match (property.old, property.new) {
        (Some(old), Some(new)) => {
            compare_required(walk, scope, sides, property);
            step(walk, scope, old, new, sides.depth + 1);
        }
        (Some(_), None) => property_removed(walk, scope, sides, property),
        (None, Some(_)) => property_added(walk, scope, sides, property),
        (None, None) => compare_required(walk, scope, sides, property),
    }
}

fn draft_property(
    property: &Property<'_, '_>,
    sides: &Sides<'_, '_>,
    code: String,
    what: &str,
) -> Draft {
    let at = |at: Option<Located<'_>>, flat: &Flat<'_>| match at {
        Some(at) => Some(at.node.place(at.file)),
        None => place(flat, "properties"),
    };
    Draft {
        code,
        effect: Effect::Neutral,
        level: None,
        message: format!("the property `{}` {what}", property.name),
        old: at(property.old, sides.old),
        new: at(property.new, sides.new),
    }
}

fn compare_required(
    walk: &mut Walk<'_>,
    scope: &Scope,
    sides: &Sides<'_, '_>,
    property: &Property<'_, '_>,
) {
    let (action, effect) = match (property.was_required, property.is_required) {
        (false, true) => ("became-required", Effect::Narrow),
        (true, false) => ("became-optional", Effect::Widen),
        _ => return,
    };
    let what = action.replace('-', " ");
    let code = format!("{}-{action}", scope.subject());
    let mut draft = draft_property(property, sides, code, &what);
    draft.effect = effect;
    walk.push(scope, draft);
}

fn property_removed(
    walk: &mut Walk<'_>,
    scope: &Scope,
    sides: &Sides<'_, '_>,
    property: &Property<'_, '_>,
) {
    let is_closed = sides
        .new
        .node("additionalProperties")
        .and_then(crate::source::Node::as_bool)
        == Some(false);
    let (code, level) = match (scope.direction, property.was_required) {
        (Direction::Request, _) if is_closed => ("request-property-removed", Level::Breaking),
        (Direction::Request, _) => ("request-property-removed", Level::Warning),
        (Direction::Response, true) => ("response-required-property-removed", Level::Breaking),
        (Direction::Response, false) => ("response-optional-property-removed", Level::Warning),
    };
    let mut draft = draft_property(property, sides, code.to_owned(), "is gone");
    draft.level = Some(level);
    walk.push(scope, draft);
}

fn property_added<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    sides: &Sides<'_, 'a>,
    property: &Property<'_, 'a>,
) {
    let new_contract = walk.new;
    let has_default = property
        .new
        .is_some_and(|at| Flat::new(new_contract, at).node("default").is_some());
    let (code, level, what) = match (scope.direction, property.is_required) {
        (Direction::Request, true) if has_default => (
            "new-required-request-property-with-default",
            Level::Breaking,
            "is new and required",
        ),
        (Direction::Request, true) => (
            "new-required-request-property",
            Level::Breaking,
            "is new and required",
        ),
        (Direction::Request, false) => ("new-optional-request-property", Level::Info, "is new"),
        (Direction::Response, true) => ("response-required-property-added", Level::Info, "is new"),
        (Direction::Response, false) => ("response-optional-property-added", Level::Info, "is new"),
    };
    let mut draft = draft_property(property, sides, code.to_owned(), what);
    draft.level = Some(level);
    walk.push(scope, draft);
}

fn compare_additional<'a>(walk: &mut Walk<'a>, scope: &Scope, sides: &Sides<'_, 'a>) {
    let key = "additionalProperties";
    let (old, new) = (sides.old.located(key), sides.new.located(key));
    // 0: none, 1: of a schema, 2: any.
    let openness = |at: Option<Located<'_>>| match at {
        None => 2,
        Some(at) if at.node.as_bool() == Some(false) => 0,
        Some(at) if at.node.entries().len() > 0 => 1,
        Some(_) => 2,
    };
    let (was, is) = (openness(old), openness(new));
    if was == 1
        && is == 1
        && let (Some(old), Some(new)) = (old, new)
    {
        step(
            walk,
            &scope.below("/additionalProperties"),
            old,
            new,
            sides.depth + 1,
        );
        return;
    }
    let (action, effect, level) = match was.cmp(&is) {
        std::cmp::Ordering::Equal => return,
        std::cmp::Ordering::Less => (
            "opened",
            Effect::Widen,
            (scope.direction == Direction::Response).then_some(Level::Warning),
        ),
        std::cmp::Ordering::Greater => ("narrowed", Effect::Narrow, None),
    };
    let (old, new) = sides.places(key);
    let draft = Draft {
        code: format!("{}-additional-properties-{action}", scope.subject()),
        effect,
        level,
        message: format!("`additionalProperties` is {action}"),
        old,
        new,
    };
    walk.push(scope, draft);
}

fn compare_items<'a>(walk: &mut Walk<'a>, scope: &Scope, sides: &Sides<'_, 'a>) {
    let (old, new) = (sides.old.located("items"), sides.new.located("items"));
    let (action, effect) = match (old, new) {
        (None, None) => return,
        (Some(old), Some(new)) => {
            step(walk, &scope.below("/items"), old, new, sides.depth + 1);
            return;
        }
        (None, Some(_)) => ("added", Effect::Narrow),
        (Some(_), None) => ("removed", Effect::Widen),
    };
    // An array that became something else is reported by its type.
    if sides.old.types() != sides.new.types() {
        return;
    }
    let (old, new) = sides.places("items");
    let draft = Draft {
        code: format!("{}-items-schema-{action}", scope.subject()),
        effect,
        level: None,
        message: format!("the schema of the items is {action}"),
        old,
        new,
    };
    walk.push(scope, draft);
}

fn compare_not<'a>(walk: &mut Walk<'a>, scope: &Scope, sides: &Sides<'_, 'a>) {
    let (old, new) = (sides.old.located("not"), sides.new.located("not"));
    let (action, effect) = match (old, new) {
        (None, None) => return,
        (Some(old), Some(new)) => {
            if !is_same(walk, scope, old, new, sides.depth) {
                ("changed", Effect::Change)
            } else {
                return;
            }
        }
        (None, Some(_)) => ("added", Effect::Narrow),
        (Some(_), None) => ("removed", Effect::Widen),
    };
    let (old, new) = sides.places("not");
    let draft = Draft {
        code: format!("{}-not-{action}", scope.subject()),
        effect,
        level: None,
        message: format!("`not` is {action}"),
        old,
        new,
    };
    walk.push(scope, draft);
}

/// Whether two schemas mean the same: a comparison of its own finds nothing.
fn is_same<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: Located<'a>,
    new: Located<'a>,
    depth: usize,
) -> bool {
    let kept: Vec<Change> = std::mem::take(&mut walk.changes);
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
fn compare_union<'a>(
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
