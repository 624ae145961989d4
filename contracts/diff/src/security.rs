//! Who may call: compares the security alternatives of two operations by the definitions of their
//! schemes, not by their names.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::{Contract, Node, Operation};

use crate::change::Level;
use crate::walk::{Draft, Effect, Scope, Walk};

/// One alternative: schemes by definition, each with its scopes. Without any scheme, anybody may
/// call.
type Alternative = BTreeMap<String, BTreeSet<String>>;

pub(crate) fn compare(
    walk: &mut Walk<'_>,
    scope: &Scope,
    old: &Operation<'_>,
    new: &Operation<'_>,
) {
    let was = alternatives(walk.old, old);
    let is = alternatives(walk.new, new);
    let mut push = |code: &str, level: Level, message: String| {
        let draft = Draft {
            code: code.to_owned(),
            effect: Effect::Neutral,
            level: Some(level),
            message,
            old: Some(old.place.clone()),
            new: Some(new.place.clone()),
        };
        walk.push(scope, draft);
    };
    for alternative in was.difference(&is) {
        if is.iter().any(|candidate| admits(candidate, alternative)) {
            continue;
        }
        let by_scheme = is
            .iter()
            .find(|candidate| candidate.keys().eq(alternative.keys()));
        match by_scheme {
            Some(_) => push(
                "api-security-scope-added",
                Level::Breaking,
                format!("{} needs more scopes", show(alternative)),
            ),
            None if alternative.is_empty() => push(
                "api-security-added",
                Level::Breaking,
                "a credential is needed now".to_owned(),
            ),
            None => push(
                "api-security-removed",
                Level::Breaking,
                format!("{} no longer suffices", show(alternative)),
            ),
        }
    }
    for alternative in is.difference(&was) {
        if was
            .iter()
            .any(|known| known.keys().eq(alternative.keys()) && !known.is_empty())
        {
            if was.iter().any(|known| admits(alternative, known)) {
                push(
                    "api-security-scope-removed",
                    Level::Info,
                    format!("{} needs fewer scopes", show(alternative)),
                );
            }
            continue;
        }
        if was.iter().any(BTreeMap::is_empty) {
            continue;
        }
        let message = format!("{} suffices now", show(alternative));
        push("api-security-added", Level::Info, message);
    }
}

/// Whether credentials that satisfy `held` also satisfy `wanted`.
fn admits(wanted: &Alternative, held: &Alternative) -> bool {
    wanted
        .iter()
        .all(|(scheme, scopes)| held.get(scheme).is_some_and(|held| scopes.is_subset(held)))
}

fn show(alternative: &Alternative) -> String {
    if alternative.is_empty() {
        return "no credential".to_owned();
    }
    let words: Vec<String> = alternative.keys().map(|key| format!("`{key}`")).collect();
    words.join(" and ")
}

fn alternatives(contract: &Contract, operation: &Operation<'_>) -> BTreeSet<Alternative> {
    let own = operation.node.get("security");
    let Some(list) = own.or_else(|| contract.root().get("security")) else {
        return BTreeSet::from([Alternative::new()]);
    };
    let found: BTreeSet<Alternative> = list
        .items()
        .map(|item| {
            item.entries()
                .map(|entry| {
                    let scopes = entry.node.items().filter_map(Node::as_str);
                    let scopes = scopes.map(str::to_owned).collect();
                    (scheme(contract, &entry.key), scopes)
                })
                .collect()
        })
        .collect();
    if found.is_empty() {
        BTreeSet::from([Alternative::new()])
    } else {
        found
    }
}

/// The definition of a scheme in words: `apiKey header X-Key`, `http bearer`, `oauth2`.
fn scheme(contract: &Contract, name: &str) -> String {
    let schemes = contract.root().pointer("/components/securitySchemes");
    let Some(node) = schemes.and_then(|schemes| schemes.get(name)) else {
        return name.to_owned();
    };
    let node = contract.follow(&contract.entry, node).node;
    let words: Vec<&str> = ["type", "scheme", "in", "name", "openIdConnectUrl"]
        .iter()
        .filter_map(|key| node.get(key).and_then(Node::as_str))
        .collect();
    if words.is_empty() {
        name.to_owned()
    } else {
        words.join(" ")
    }
}
