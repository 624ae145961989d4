//! Properties of two objects: whether they exist, and whether they are required.

use std::collections::BTreeSet;

use tollgate_contracts_model::Located;
use tollgate_contracts_model::source::escape_token;

use crate::change::Level;
use crate::flat::Flat;
use crate::sides::{Sides, place};
use crate::walk::{Direction, Draft, Effect, Scope, Walk};

/// Compares the properties of two objects, each by direction.
pub(crate) fn compare<'a>(walk: &mut Walk<'a>, scope: &Scope, sides: &Sides<'_, 'a>) {
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
            walk.step(scope, old, new, sides.depth + 1);
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
        .and_then(tollgate_contracts_model::Node::as_bool)
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
