//! Compares two schemas by direction: types, values, properties, items, unions. Recursion ends at
//! pairs that were already compared.

use std::collections::BTreeSet;

use tollgate_contracts_model::{Contract, Located};

use crate::change::Level;
use crate::flat::Flat;
use crate::leaf::is_same_leaf;
use crate::limits;
use crate::sides::Sides;
use crate::walk::{Direction, Draft, Effect, Scope, Walk, address};
use crate::{keywords, properties, unions};

/// How deep schemas are followed into each other; real ones repeat long before that.
const DEPTH_MAX: usize = 64;

/// Compares two schemas that are the root of a body, parameter, header or payload.
pub(crate) fn compare<'a>(walk: &mut Walk<'a>, scope: &Scope, old: Located<'a>, new: Located<'a>) {
    let n_before = walk.changes.len();
    walk.seen.clear();
    step(walk, scope, old, new, 0);
    if walk.changes.len() == n_before {
        let seen = std::mem::take(&mut walk.seen);
        walk.clean.extend(seen);
    }
}

pub(crate) fn step<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: Located<'a>,
    new: Located<'a>,
    depth: usize,
) {
    let is_one_kind = walk.old.kind == walk.new.kind;
    if is_one_kind && is_same_leaf(old.node, new.node) {
        return;
    }
    let pair = (
        identity(walk.old, old),
        identity(walk.new, new),
        scope.direction,
    );
    if depth > DEPTH_MAX || walk.clean.contains(&pair) || !walk.seen.insert(pair) {
        return;
    }
    let outer = walk.current.replace((old, new));
    compare_pair(walk, scope, (old, new), depth);
    walk.current = outer;
}

fn compare_pair<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    (old, new): (Located<'a>, Located<'a>),
    depth: usize,
) {
    let (old, new) = (Flat::new(walk.old, old), Flat::new(walk.new, new));
    let sides = Sides {
        old: &old,
        new: &new,
        depth,
    };
    for key in ["oneOf", "anyOf"] {
        if unions::compare(walk, scope, &sides, key) {
            return;
        }
    }
    compare_types(walk, scope, &sides);
    compare_nullable(walk, scope, &sides);
    compare_values(walk, scope, &sides);
    limits::compare(walk, scope, &old, &new);
    properties::compare(walk, scope, &sides);
    compare_additional(walk, scope, &sides);
    compare_items(walk, scope, &sides);
    compare_not(walk, scope, &sides);
    keywords::compare(walk, scope, &sides);
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
            if !walk.is_same(scope, old, new, sides.depth) {
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
