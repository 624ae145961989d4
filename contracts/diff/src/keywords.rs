//! Keywords of JSON Schema 2020-12 next to the common ones: conditions, tuples, patterns of names,
//! dependencies, what is left unevaluated.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::canonical::canonical;
use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::{Located, Node};

use crate::sides::Sides;
use crate::walk::{Draft, Effect, Scope, Walk};

/// Keywords that hold one schema, with the word for codes.
const SCHEMAS: &[(&str, &str)] = &[
    ("if", "if"),
    ("then", "then"),
    ("else", "else"),
    ("contains", "contains"),
    ("propertyNames", "property-names"),
    ("unevaluatedItems", "unevaluated-items"),
    ("unevaluatedProperties", "unevaluated-properties"),
];

/// Keywords that hold schemas by name, with the word for codes.
const MAPS: &[(&str, &str)] = &[
    ("patternProperties", "pattern-property"),
    ("dependentSchemas", "dependent-schema"),
];

pub(crate) fn compare<'a>(walk: &mut Walk<'a>, scope: &Scope, sides: &Sides<'_, 'a>) {
    for (key, word) in SCHEMAS {
        one(walk, scope, sides, (key, word));
    }
    for (key, word) in MAPS {
        map(walk, scope, sides, (key, word));
    }
    prefix_items(walk, scope, sides);
    dependent_required(walk, scope, sides);
    contained(walk, scope, sides);
}

fn push(
    walk: &mut Walk<'_>,
    scope: &Scope,
    sides: &Sides<'_, '_>,
    (key, action): (&str, &str),
    effect: Effect,
    message: String,
) {
    let (old, new) = sides.places(key);
    let draft = Draft {
        code: format!("{}-{action}", scope.subject()),
        effect,
        level: None,
        message,
        old,
        new,
    };
    walk.push(scope, draft);
}

fn one<'a>(walk: &mut Walk<'a>, scope: &Scope, sides: &Sides<'_, 'a>, (key, word): (&str, &str)) {
    let (old, new) = (sides.old.located(key), sides.new.located(key));
    let (step, effect) = match (old, new) {
        (None, None) => return,
        (None, Some(new)) if new.node.as_bool() == Some(true) => return,
        (Some(old), None) if old.node.as_bool() == Some(true) => return,
        (None, Some(_)) => ("added", Effect::Narrow),
        (Some(_), None) => ("removed", Effect::Widen),
        (Some(old), Some(new)) => {
            if is_same_value(walk, scope, sides, old, new) {
                return;
            }
            ("changed", Effect::Change)
        }
    };
    let action = format!("{word}-{step}");
    let message = format!("`{key}` is {step}");
    push(walk, scope, sides, (key, &action), effect, message);
}

fn is_same_value<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    sides: &Sides<'_, 'a>,
    old: Located<'a>,
    new: Located<'a>,
) -> bool {
    let is_bool = |at: Located<'_>| at.node.as_bool().is_some();
    if is_bool(old) || is_bool(new) {
        return canonical(old.node) == canonical(new.node);
    }
    walk.is_same(scope, old, new, sides.depth)
}

fn map<'a>(walk: &mut Walk<'a>, scope: &Scope, sides: &Sides<'_, 'a>, (key, word): (&str, &str)) {
    let read = |at: Option<Located<'a>>| {
        let entries = at.map(|at| at.node.entries()).unwrap_or_default();
        let file = at.map_or("", |at| at.file);
        entries
            .map(|entry| {
                let node = &entry.node;
                (entry.key.as_str(), Located { file, node })
            })
            .collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (read(sides.old.located(key)), read(sides.new.located(key)));
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    for name in names {
        let (action, effect) = match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => {
                let below = scope.below(&format!("/{key}/{}", escape_token(name)));
                walk.step(&below, *old, *new, sides.depth + 1);
                continue;
            }
            (None, _) => ("added", Effect::Narrow),
            (Some(_), None) => ("removed", Effect::Widen),
        };
        let code = format!("{word}-{action}");
        let message = format!("`{name}` of `{key}` is {action}");
        push(walk, scope, sides, (key, &code), effect, message);
    }
}

/// Places of a tuple: a schema more narrows what was under `items` or was free.
fn prefix_items<'a>(walk: &mut Walk<'a>, scope: &Scope, sides: &Sides<'_, 'a>) {
    let key = "prefixItems";
    let read = |at: Option<Located<'a>>| {
        let items = at.map(|at| at.node.items()).unwrap_or_default();
        let file = at.map_or("", |at| at.file);
        items.map(|node| Located { file, node }).collect::<Vec<_>>()
    };
    let (old, new) = (read(sides.old.located(key)), read(sides.new.located(key)));
    for (idx, (old, new)) in old.iter().zip(&new).enumerate() {
        let below = scope.below(&format!("/{key}/{idx}"));
        walk.step(&below, *old, *new, sides.depth + 1);
    }
    let (action, effect) = match old.len().cmp(&new.len()) {
        std::cmp::Ordering::Equal => return,
        std::cmp::Ordering::Less => ("prefix-items-added", Effect::Narrow),
        std::cmp::Ordering::Greater => ("prefix-items-removed", Effect::Widen),
    };
    let message = format!(
        "the tuple has {} places instead of {}",
        new.len(),
        old.len()
    );
    push(walk, scope, sides, (key, action), effect, message);
}

fn dependent_required(walk: &mut Walk<'_>, scope: &Scope, sides: &Sides<'_, '_>) {
    let key = "dependentRequired";
    let read = |node: Option<&Node>| {
        let entries = node.map(Node::entries).unwrap_or_default();
        entries
            .map(|entry| {
                let names = entry.node.items().filter_map(Node::scalar_text);
                (entry.key.clone(), names.map(str::to_owned).collect())
            })
            .collect::<BTreeMap<String, BTreeSet<String>>>()
    };
    let (old, new) = (read(sides.old.node(key)), read(sides.new.node(key)));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let (action, effect) = match (old.get(name), new.get(name)) {
            (None, _) => ("added", Effect::Narrow),
            (_, None) => ("removed", Effect::Widen),
            (Some(old), Some(new)) if old == new => continue,
            (Some(old), Some(new)) if new.is_superset(old) => ("changed", Effect::Narrow),
            (Some(old), Some(new)) if old.is_superset(new) => ("changed", Effect::Widen),
            _ => ("changed", Effect::Change),
        };
        let code = format!("dependent-required-{action}");
        let message = format!("what `{name}` requires is {action}");
        push(walk, scope, sides, (key, &code), effect, message);
    }
}

/// `minContains` (1 when absent) and `maxContains`, next to `contains` on both sides.
fn contained(walk: &mut Walk<'_>, scope: &Scope, sides: &Sides<'_, '_>) {
    if sides.old.node("contains").is_none() || sides.new.node("contains").is_none() {
        return;
    }
    for (key, word, absent, is_low) in [
        ("minContains", "min-contains", 1.0, true),
        ("maxContains", "max-contains", f64::INFINITY, false),
    ] {
        let number = |node: Option<&Node>| node.and_then(Node::as_f64).unwrap_or(absent);
        let (from, to) = (number(sides.old.node(key)), number(sides.new.node(key)));
        let (step, is_narrower) = match from.total_cmp(&to) {
            std::cmp::Ordering::Equal => continue,
            std::cmp::Ordering::Less => ("increased", is_low),
            std::cmp::Ordering::Greater => ("decreased", !is_low),
        };
        let effect = if is_narrower {
            Effect::Narrow
        } else {
            Effect::Widen
        };
        let action = format!("{word}-{step}");
        let message = format!("`{key}` is {step} from {from} to {to}");
        push(walk, scope, sides, (key, &action), effect, message);
    }
}
