//! Matches the paths of two documents, regardless of the names of their parameters.

use std::collections::BTreeMap;

use tollgate_contracts_model::Located;

use super::operations::{level_of, operations, path_item, place, removed};
use super::sink::{At, Cx, Sink};
use crate::settings::Stability;

/// Path items of one side by path.
pub(super) type Paths<'a> = BTreeMap<&'a str, Located<'a>>;

pub(super) fn paths<'a>(cx: &Cx<'a, '_>, old: &Paths<'a>, new: &Paths<'a>, sink: &mut Sink) {
    let (old_shapes, new_shapes) = (shapes(old), shapes(new));
    for (path, item) in old {
        match find(path, old, new, &new_shapes) {
            None => removed_path(cx, path, *item, sink),
            Some((other, renamed)) => {
                let pair = (*item, new[other]);
                path_item(cx, (path, other), pair, &renamed, true, sink);
            }
        }
    }
    for (path, item) in new {
        if find(path, new, old, &old_shapes).is_none() {
            for (method, operation) in &operations(cx.builder.new, *item) {
                sink.enter(Some((method, path)), None, Some(place(*operation)));
                sink.push("endpoint-added", &At { method, path }, Vec::new());
            }
        }
    }
}

fn removed_path<'a>(cx: &Cx<'a, '_>, path: &str, item: Located<'a>, sink: &mut Sink) {
    let found = operations(cx.builder.old, item);
    for (method, operation) in &found {
        sink.enter(Some((method, path)), Some(place(*operation)), None);
        if level_of(*operation).is_none() {
            sink.push(
                "api-invalid-stability-level",
                &At { method, path },
                Vec::new(),
            );
        }
    }
    let is_kept = |operation: &Located<'_>| {
        level_of(*operation).is_some_and(|level| level >= cx.settings.stability_level)
    };
    if !found.values().any(is_kept) {
        return;
    }
    for (method, operation) in &found {
        sink.enter(Some((method, path)), Some(place(*operation)), None);
        if level_of(*operation).is_some_and(|level| level >= Stability::Beta) {
            removed(cx, At { method, path }, *operation, true, sink);
        }
    }
}

/// The path on the other side, with the names that its parameters have there.
fn find<'p>(
    path: &'p str,
    own: &Paths<'p>,
    others: &Paths<'p>,
    shapes: &Shapes<'p>,
) -> Option<(&'p str, BTreeMap<&'p str, &'p str>)> {
    if let Some((other, _)) = others.get_key_value(path) {
        return Some((other, BTreeMap::new()));
    }
    let (wanted, names) = shape(path);
    let mut candidates = shapes.get(&wanted)?.iter();
    // A path that both sides have is that path and no other.
    let is_free = |other: &str| !own.contains_key(other);
    let (other, theirs) =
        candidates.find(|(other, theirs)| theirs.len() == names.len() && is_free(other))?;
    let renamed = names.iter().copied().zip(theirs.iter().copied());
    Some((other, renamed.collect()))
}

/// The paths of one side by their shape, with the names of their parameters.
type Shapes<'p> = BTreeMap<String, Vec<(&'p str, Vec<&'p str>)>>;

fn shapes<'p>(paths: &Paths<'p>) -> Shapes<'p> {
    let mut shapes = Shapes::new();
    for path in paths.keys() {
        let (text, names) = shape(path);
        shapes.entry(text).or_default().push((path, names));
    }
    shapes
}

/// A path without the names of its parameters, and those names.
fn shape(path: &str) -> (String, Vec<&str>) {
    let mut text = String::new();
    let mut names = Vec::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        text.push('{');
        match after.split_once('}') {
            Some((name, after)) => {
                names.push(name);
                if name.ends_with('*') {
                    text.push('*');
                }
                text.push('}');
                rest = after;
            }
            None => rest = "",
        }
    }
    text.push_str(rest);
    (text, names)
}
