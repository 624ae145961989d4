//! Compares the identifiers of two operations and whether they are deprecated.

use std::collections::BTreeSet;

use tollgate_contracts_model::Operation;
use tollgate_contracts_model::views::text;

use crate::change::Level;
use crate::walk::{Draft, Effect, Scope, Walk};

/// Identifier, deprecation and tags.
pub(crate) fn compare_facts(
    walk: &mut Walk<'_>,
    scope: &Scope,
    old: &Operation<'_>,
    new: &Operation<'_>,
) {
    let places = || (Some(old.place.clone()), Some(new.place.clone()));
    let mut push = |code: &str, message: String, level: Level| {
        let (old, new) = places();
        let draft = Draft {
            code: code.to_owned(),
            effect: Effect::Neutral,
            level: Some(level),
            message,
            old,
            new,
        };
        walk.push(scope, draft);
    };
    let own_id = |operation: &Operation<'_>| text(operation.node, "operationId");
    match (own_id(old), own_id(new)) {
        (Some(gone), id) if id.as_ref() != Some(&gone) => {
            let message = format!("the operation id `{gone}` is gone");
            push("api-operation-id-removed", message, Level::Info);
        }
        (None, Some(id)) => {
            let message = format!("the operation id `{id}` is new");
            push("api-operation-id-added", message, Level::Info);
        }
        _ => {}
    }
    match (old.is_deprecated, new.is_deprecated) {
        (false, true) => push(
            if new.node.get("x-sunset").is_some() {
                "endpoint-deprecated-with-sunset"
            } else {
                "endpoint-deprecated"
            },
            "the operation is deprecated".to_owned(),
            Level::Info,
        ),
        (true, false) => push(
            "endpoint-reactivated",
            "the operation is no longer deprecated".to_owned(),
            Level::Info,
        ),
        _ => {}
    }
    let tags = |operation: &Operation<'_>| operation.tags.iter().cloned().collect::<BTreeSet<_>>();
    let (old_tags, new_tags) = (tags(old), tags(new));
    for tag in old_tags.difference(&new_tags) {
        push(
            "api-tag-removed",
            format!("the tag `{tag}` is gone"),
            Level::Info,
        );
    }
    for tag in new_tags.difference(&old_tags) {
        push(
            "api-tag-added",
            format!("the tag `{tag}` is new"),
            Level::Info,
        );
    }
}
