//! Bounds and other plain keywords of a schema: lengths, numbers, patterns, formats.

use tollgate_contracts_model::canonical::canonical;
use tollgate_contracts_model::{Located, Node};

use crate::change::Level;
use crate::flat::Flat;
use crate::walk::{Draft, Effect, Scope, Walk};

/// A keyword that bounds values: its code word and whether it bounds from above.
const BOUNDS: [(&str, &str, bool); 6] = [
    ("maxLength", "max-length", true),
    ("minLength", "min-length", false),
    ("maxItems", "max-items", true),
    ("minItems", "min-items", false),
    ("maxProperties", "max-properties", true),
    ("minProperties", "min-properties", false),
];

/// A bound and where it is.
#[derive(Clone, Copy)]
struct Bound<'a> {
    value: f64,
    at: Located<'a>,
}

pub(crate) fn compare(walk: &mut Walk<'_>, scope: &Scope, old: &Flat<'_>, new: &Flat<'_>) {
    for (key, word, is_upper) in BOUNDS {
        compare_bound(
            walk,
            scope,
            word,
            is_upper,
            (plain_bound(old, key), plain_bound(new, key)),
        );
    }
    for (limit, exclusive, word, is_upper) in [
        ("maximum", "exclusiveMaximum", "max", true),
        ("minimum", "exclusiveMinimum", "min", false),
    ] {
        let sides = (
            inclusive(old, limit, exclusive),
            inclusive(new, limit, exclusive),
        );
        compare_bound(walk, scope, word, is_upper, sides);
        let word = format!("exclusive-{word}");
        let sides = (
            exclusive_bound(old, limit, exclusive),
            exclusive_bound(new, limit, exclusive),
        );
        compare_bound(walk, scope, &word, is_upper, sides);
    }
    compare_text(walk, scope, "pattern", old, new);
    compare_text(walk, scope, "format", old, new);
    compare_default(walk, scope, old, new);
    compare_unique(walk, scope, old, new);
    compare_multiple(walk, scope, old, new);
}

fn plain_bound<'a>(flat: &Flat<'a>, key: &str) -> Option<Bound<'a>> {
    let at = flat.located(key)?;
    let value = at.node.as_f64()?;
    // A lower bound of zero on a count says nothing.
    let says_nothing = matches!(key, "minLength" | "minItems" | "minProperties") && value <= 0.0;
    (!says_nothing).then_some(Bound { value, at })
}

fn inclusive<'a>(flat: &Flat<'a>, limit: &str, exclusive: &str) -> Option<Bound<'a>> {
    if flat.is_true(exclusive) {
        return None;
    }
    plain_bound(flat, limit)
}

/// `exclusiveMaximum: 5`, or in 3.0 `maximum: 5` next to `exclusiveMaximum: true`.
fn exclusive_bound<'a>(flat: &Flat<'a>, limit: &str, exclusive: &str) -> Option<Bound<'a>> {
    if flat.is_true(exclusive) {
        plain_bound(flat, limit)
    } else {
        plain_bound(flat, exclusive)
    }
}

fn compare_bound(
    walk: &mut Walk<'_>,
    scope: &Scope,
    word: &str,
    is_upper: bool,
    (old, new): (Option<Bound<'_>>, Option<Bound<'_>>),
) {
    let (action, effect) = match (old, new) {
        (None, None) => return,
        (None, Some(_)) => ("set", Effect::Narrow),
        (Some(_), None) => ("unset", Effect::Widen),
        (Some(old), Some(new)) if old.value.total_cmp(&new.value).is_eq() => return,
        (Some(old), Some(new)) if new.value > old.value => (
            "increased",
            if is_upper {
                Effect::Widen
            } else {
                Effect::Narrow
            },
        ),
        _ => (
            "decreased",
            if is_upper {
                Effect::Narrow
            } else {
                Effect::Widen
            },
        ),
    };
    let text = |bound: Option<Bound<'_>>| {
        bound.map_or_else(|| "none".to_owned(), |bound| format!("`{}`", bound.value))
    };
    let draft = Draft {
        code: format!("{}-{word}-{action}", scope.subject()),
        effect,
        level: None,
        message: format!("{word} changed from {} to {}", text(old), text(new)),
        old: old.map(|bound| bound.at.node.place(bound.at.file)),
        new: new.map(|bound| bound.at.node.place(bound.at.file)),
    };
    walk.push(scope, draft);
}

fn compare_text(walk: &mut Walk<'_>, scope: &Scope, key: &str, old: &Flat<'_>, new: &Flat<'_>) {
    let sides = (old.located(key), new.located(key));
    let text = |at: Option<Located<'_>>| at.and_then(|at| at.node.scalar_text().map(str::to_owned));
    let (old_text, new_text) = (text(sides.0), text(sides.1));
    let (action, effect) = match (&old_text, &new_text) {
        (None, Some(_)) => ("added", Effect::Narrow),
        (Some(_), None) => ("removed", Effect::Widen),
        (Some(old), Some(new)) if old != new => ("changed", format_effect(key, old, new)),
        _ => return,
    };
    let level = match (key, effect) {
        // Whether one pattern is within another can't be told here.
        ("pattern", Effect::Change) => Some(Level::Warning),
        // A reader seldom checks the pattern of what it is sent.
        ("pattern", Effect::Widen) => Some(Level::Info),
        _ => None,
    };
    let show = |text: &Option<String>| {
        text.as_ref()
            .map_or_else(|| "none".to_owned(), |text| format!("`{text}`"))
    };
    let draft = Draft {
        code: format!("{}-{key}-{action}", scope.subject()),
        effect,
        level,
        message: format!(
            "{key} changed from {} to {}",
            show(&old_text),
            show(&new_text)
        ),
        old: sides.0.map(|at| at.node.place(at.file)),
        new: sides.1.map(|at| at.node.place(at.file)),
    };
    walk.push(scope, draft);
}

fn format_effect(key: &str, old: &str, new: &str) -> Effect {
    match (key, old, new) {
        ("format", "int32", "int64") | ("format", "float", "double") => Effect::Widen,
        ("format", "int64", "int32") | ("format", "double", "float") => Effect::Narrow,
        _ => Effect::Change,
    }
}

fn compare_default(walk: &mut Walk<'_>, scope: &Scope, old: &Flat<'_>, new: &Flat<'_>) {
    let sides = (old.located("default"), new.located("default"));
    let text = |at: Option<Located<'_>>| at.map(|at| canonical(at.node));
    let (old_text, new_text) = (text(sides.0), text(sides.1));
    let action = match (&old_text, &new_text) {
        (None, Some(_)) => "added",
        (Some(_), None) => "removed",
        (Some(old), Some(new)) if old != new => "changed",
        _ => return,
    };
    // Who leaves a parameter out gets another answer; nothing is rejected.
    let is_parameter = scope.subject() == "request-parameter";
    let show =
        |text: Option<String>| text.map_or_else(|| "none".to_owned(), |text| format!("`{text}`"));
    let draft = Draft {
        code: format!("{}-default-value-{action}", scope.subject()),
        effect: Effect::Neutral,
        level: is_parameter.then_some(Level::Breaking),
        message: format!(
            "the default changed from {} to {}",
            show(old_text),
            show(new_text)
        ),
        old: sides.0.map(|at| at.node.place(at.file)),
        new: sides.1.map(|at| at.node.place(at.file)),
    };
    walk.push(scope, draft);
}

fn compare_unique(walk: &mut Walk<'_>, scope: &Scope, old: &Flat<'_>, new: &Flat<'_>) {
    let (action, effect) = match (old.is_true("uniqueItems"), new.is_true("uniqueItems")) {
        (false, true) => ("set", Effect::Narrow),
        (true, false) => ("unset", Effect::Widen),
        _ => return,
    };
    let place = |flat: &Flat<'_>| flat.located("uniqueItems").map(|at| at.node.place(at.file));
    let draft = Draft {
        code: format!("{}-unique-items-{action}", scope.subject()),
        effect,
        level: None,
        message: format!("`uniqueItems` is {action}"),
        old: place(old),
        new: place(new),
    };
    walk.push(scope, draft);
}

fn compare_multiple(walk: &mut Walk<'_>, scope: &Scope, old: &Flat<'_>, new: &Flat<'_>) {
    let sides = (old.located("multipleOf"), new.located("multipleOf"));
    let number = |at: Option<Located<'_>>| at.and_then(|at| Node::as_f64(at.node));
    let (action, effect) = match (number(sides.0), number(sides.1)) {
        (None, Some(_)) => ("set", Effect::Narrow),
        (Some(_), None) => ("unset", Effect::Widen),
        (Some(old), Some(new)) if old.total_cmp(&new).is_ne() => ("changed", Effect::Change),
        _ => return,
    };
    let draft = Draft {
        code: format!("{}-multiple-of-{action}", scope.subject()),
        effect,
        level: None,
        message: format!("`multipleOf` is {action}"),
        old: sides.0.map(|at| at.node.place(at.file)),
        new: sides.1.map(|at| at.node.place(at.file)),
    };
    walk.push(scope, draft);
}
