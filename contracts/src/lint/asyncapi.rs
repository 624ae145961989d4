//! Rules about `AsyncAPI` documents. They must not know `OpenAPI`.

use tollgate_report::Severity;

use super::facts::{Facts, has_text};
use super::paths::{hit_unless, info_description};
use super::{Hit, Rule, Scope};
use crate::grammar::Object;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "asyncapi-info-description",
        severity: Severity::Warning,
        scope: Scope::Async,
        why: "readers must know what the contract is for",
        check: info_description,
    },
    Rule {
        code: "asyncapi-servers",
        severity: Severity::Warning,
        scope: Scope::Async,
        why: "a peer must know where to connect",
        check: |facts| {
            let servers = facts.contract.root().get("servers");
            let has_one = servers.is_some_and(|servers| servers.entries().len() > 0);
            hit_unless(has_one, facts, servers, "`servers` is missing or empty")
        },
    },
    Rule {
        code: "asyncapi-3-operation-description",
        severity: Severity::Warning,
        scope: Scope::Async,
        why: "who connects must know what it does",
        check: operation_description,
    },
    Rule {
        code: "asyncapi-3-headers-schema-type-object",
        severity: Severity::Error,
        scope: Scope::Async,
        why: "headers are pairs of names and values",
        check: headers_are_objects,
    },
];

fn operation_description(facts: &Facts<'_>) -> Vec<Hit> {
    facts
        .contract
        .async_operations()
        .iter()
        .filter(|operation| {
            !has_text(operation.at.node, "description") && !has_text(operation.at.node, "summary")
        })
        .map(|operation| {
            let place = operation.key_span.place(&facts.contract.entry);
            Hit::new(
                place,
                format!("`{}` has no `description` or `summary`", operation.id),
            )
        })
        .collect()
}

fn headers_are_objects(facts: &Facts<'_>) -> Vec<Hit> {
    facts
        .of(Object::Message)
        .filter_map(|met| {
            let headers = facts.contract.follow(met.file, met.node.get("headers")?);
            let word = headers.node.get("type")?.as_str()?;
            let message = format!("the headers are `{word}`, not `object`");
            (word != "object").then(|| Hit::new(headers.node.place(headers.file), message))
        })
        .collect()
}
