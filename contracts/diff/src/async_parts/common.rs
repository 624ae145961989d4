//! Parts that servers, channels, operations and messages share: places, names, security and
//! bindings.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::canonical::canonical;
use tollgate_contracts_model::{Binding, Contract, Located, Node};
use tollgate_report::Place;

use crate::change::Level;
use crate::walk::{Draft, Scope, Walk};

pub(super) fn place(at: Located<'_>) -> Option<Place> {
    Some(at.node.place(at.file))
}

pub(super) fn below(scope: &Scope, step: &str) -> Scope {
    Scope {
        path: format!("{}{step}", scope.path),
        ..scope.clone()
    }
}

pub(super) fn text(node: &Node, key: &str) -> String {
    let text = node.get(key).and_then(Node::scalar_text);
    text.unwrap_or_default().to_owned()
}

/// Reports names that exist on one side only: added names must be provided, and removed names are
/// no longer understood.
pub(super) fn named(
    walk: &mut Walk<'_>,
    scope: &Scope,
    what: &str,
    (old, new): (&BTreeSet<String>, &BTreeSet<String>),
    places: (Option<Place>, Option<Place>),
) {
    for (names, step) in [
        (new.difference(old), "added"),
        (old.difference(new), "removed"),
    ] {
        for name in names {
            let message = format!("the {} `{name}` is {step}", what.replace('-', " "));
            let code = format!("{what}-{step}");
            walk.push(
                scope,
                Draft::with_level(code, Level::Breaking, message, places.clone()),
            );
        }
    }
}

/// Credentials as texts: in version 2 names with scopes, in version 3 schemes.
pub(super) fn credentials(contract: &Contract, at: Option<(&str, &Node)>) -> BTreeSet<String> {
    let Some((file, node)) = at else {
        return BTreeSet::new();
    };
    node.items()
        .map(|item| {
            let end = contract.follow(file, item);
            let entries = end.node.entries();
            let said = entries.filter(|entry| entry.key != "description");
            let mut parts: Vec<String> = said
                .map(|entry| format!("{}: {}", entry.key, canonical(&entry.node)))
                .collect();
            parts.sort();
            parts.join(", ")
        })
        .collect()
}

pub(super) fn security_changed(
    walk: &mut Walk<'_>,
    scope: &Scope,
    what: &str,
    (old, new): (BTreeSet<String>, BTreeSet<String>),
    places: (Option<Place>, Option<Place>),
) {
    if old == new {
        return;
    }
    let (step, level) = match (old.is_empty(), new.is_empty()) {
        (true, _) => ("added", Level::Breaking),
        (_, true) => ("removed", Level::Info),
        // Who used a credential that is gone is rejected.
        _ if new.is_superset(&old) => ("widened", Level::Info),
        _ => ("changed", Level::Breaking),
    };
    let message = format!("the security of the {what} is {step}");
    walk.push(
        scope,
        Draft::with_level(format!("{what}-security-{step}"), level, message, places),
    );
}

/// Bindings by protocol and field.
pub(super) fn bindings(
    walk: &mut Walk<'_>,
    scope: &Scope,
    what: &str,
    old: &[Binding<'_>],
    new: &[Binding<'_>],
    places: (Option<Place>, Option<Place>),
) {
    let read = |list: &[Binding<'_>]| {
        let rows = list.iter().map(|binding| {
            let name = format!("{}.{}", binding.protocol, binding.field);
            (name, canonical(binding.at.node))
        });
        rows.collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (read(old), read(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let (step, level) = match (old.get(name), new.get(name)) {
            (None, _) => ("added", Level::Warning),
            (_, None) => ("removed", Level::Warning),
            (old, new) if old == new => continue,
            _ => ("changed", Level::Breaking),
        };
        let message = format!("the {what} binding `{name}` is {step}");
        let code = format!("{what}-binding-{step}");
        walk.push(
            scope,
            Draft::with_level(code, level, message, places.clone()),
        );
    }
}
