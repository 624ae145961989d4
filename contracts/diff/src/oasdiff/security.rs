//! Security requirements and schemes.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::Node;

use super::sink::{At, Sink};
use super::view::shown;

/// One alternative: schemes with their scopes.
type Alternative = BTreeMap<String, BTreeSet<String>>;

fn alternatives(node: Option<&Node>) -> Vec<Alternative> {
    let items = node.map(Node::items).unwrap_or_default();
    items
        .map(|item| {
            let entries = item.entries();
            entries
                .map(|entry| {
                    let scopes = entry.node.items().filter_map(Node::scalar_text);
                    (entry.key.clone(), scopes.map(str::to_owned).collect())
                })
                .collect()
        })
        .collect()
}

fn text(alternative: &Alternative) -> String {
    if alternative.is_empty() {
        return "{}".to_owned();
    }
    let schemes = alternative.iter().map(|(scheme, scopes)| {
        if scopes.is_empty() {
            scheme.clone()
        } else {
            let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
            format!("{scheme}: [{}]", scopes.join(", "))
        }
    });
    schemes.collect::<Vec<_>>().join(" AND ")
}

fn is_same_schemes(left: &Alternative, right: &Alternative) -> bool {
    left.keys().eq(right.keys())
}

/// The requirements of an operation, or of the whole document (`is_global`).
pub(super) fn requirements(
    old: Option<&Node>,
    new: Option<&Node>,
    at: &At<'_>,
    is_global: bool,
    sink: &mut Sink,
) {
    let (mut old, mut new) = (alternatives(old), alternatives(new));
    old.retain(|alternative| {
        let position = new.iter().position(|other| other == alternative);
        position.map(|position| new.remove(position)).is_none()
    });
    let prefix = if is_global {
        "api-global-security"
    } else {
        "api-security"
    };
    let unique = |list: &[Alternative], wanted: &Alternative| {
        list.iter()
            .filter(|other| is_same_schemes(other, wanted))
            .count()
            == 1
    };
    let (all_old, all_new) = (old.clone(), new.clone());
    for alternative in &all_old {
        let Some(other) = all_new
            .iter()
            .find(|other| is_same_schemes(other, alternative))
        else {
            continue;
        };
        if !unique(&all_old, alternative) || !unique(&all_new, other) {
            continue;
        }
        old.retain(|kept| kept != alternative);
        new.retain(|kept| kept != other);
        for (scheme, from) in alternative {
            let empty = BTreeSet::new();
            let to = other.get(scheme).unwrap_or(&empty);
            for (scopes, step) in [
                (to.difference(from), "added"),
                (from.difference(to), "removed"),
            ] {
                for scope in scopes {
                    let args = vec![scope.clone(), scheme.clone()];
                    sink.push(&format!("{prefix}-scope-{step}"), at, args);
                }
            }
        }
    }
    for (list, step) in [(&new, "added"), (&old, "removed")] {
        for alternative in list.iter().filter(|list| is_global || !list.is_empty()) {
            sink.push(&format!("{prefix}-{step}"), at, vec![text(alternative)]);
        }
    }
}

/// `components.securitySchemes`; of flows only the implicit one, as oasdiff does.
pub(super) fn schemes<'a>(
    old: &BTreeMap<&'a str, &'a Node>,
    new: &BTreeMap<&'a str, &'a Node>,
    sink: &mut Sink,
) {
    let at = At::DOCUMENT;
    for (name, node) in old {
        let Some(other) = new.get(name) else {
            let args = vec![(*name).to_owned()];
            sink.push("api-security-component-removed", &at, args);
            continue;
        };
        scheme(name, node, other, sink);
    }
    for name in new.keys().filter(|name| !old.contains_key(*name)) {
        let args = vec![(*name).to_owned()];
        sink.push("api-security-component-added", &at, args);
    }
}

fn scheme(name: &str, old: &Node, new: &Node, sink: &mut Sink) {
    let at = At::DOCUMENT;
    let show = |node: &Node, key: &str| node.get(key).map(shown).unwrap_or_default();
    if show(old, "type") != show(new, "type") {
        let args = vec![name.to_owned(), show(old, "type"), show(new, "type")];
        sink.push("api-security-component-type-changed", &at, args);
    }
    let flow = |node: &'_ Node| node.pointer("/flows/implicit").is_some();
    if !(flow(old) && flow(new)) {
        return;
    }
    let part = |node: &Node, key: &str| {
        let flow = node.pointer("/flows/implicit").expect("checked above");
        flow.get(key).map(shown).unwrap_or_default()
    };
    for (key, word) in [
        ("authorizationUrl", "oauth-url"),
        ("tokenUrl", "oauth-token-url"),
    ] {
        let (from, to) = (part(old, key), part(new, key));
        if from != to {
            let id = format!("api-security-component-{word}-changed");
            sink.push(&id, &at, vec![name.to_owned(), from, to]);
        }
    }
    let scopes = |node: &Node| {
        let entries = node.pointer("/flows/implicit/scopes").map(Node::entries);
        entries
            .unwrap_or_default()
            .map(|entry| (entry.key.clone(), shown(&entry.node)))
            .collect::<BTreeMap<_, _>>()
    };
    let (from, to) = (scopes(old), scopes(new));
    let mut push = |step: &str, args: Vec<String>| {
        let id = format!("api-security-component-oauth-scope-{step}");
        sink.push(&id, &at, args);
    };
    for (scope, words) in &from {
        match to.get(scope) {
            None => push("removed", vec![name.to_owned(), scope.clone()]),
            Some(other) if other != words => {
                let args = [name, scope, words, other].map(str::to_owned);
                push("changed", args.into());
            }
            Some(_) => {}
        }
    }
    for scope in to.keys().filter(|scope| !from.contains_key(*scope)) {
        push("added", vec![name.to_owned(), scope.clone()]);
    }
}
