//! Rules about operations. They must not know schemas.

use std::collections::BTreeMap;

use tollgate_report::Severity;

use super::facts::{Facts, has_text};
use super::{Hit, Rule, Scope};
use crate::source::Node;
use crate::views::Operation;

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "operation-operationId",
        severity: Severity::Warning,
        scope: Scope::Http,
        why: "generated clients are named by it",
        check: |facts| {
            each(facts, |operation| {
                (!has_text(operation.node, "operationId"))
                    .then(|| "has no `operationId`".to_owned())
            })
        },
    },
    Rule {
        code: "operation-operationId-unique",
        severity: Severity::Error,
        scope: Scope::Http,
        why: "two operations of one name can't be told apart",
        check: unique_ids,
    },
    Rule {
        code: "operation-operationId-valid-in-url",
        severity: Severity::Warning,
        scope: Scope::Http,
        why: "links and documentation put it into addresses",
        check: |facts| {
            each(facts, |operation| {
                let id = operation.node.get("operationId")?.scalar_text()?;
                let is_odd = |letter: char| {
                    !(letter.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=".contains(letter))
                };
                id.contains(is_odd)
                    .then(|| format!("has the id `{id}`, which is not valid in a URL"))
            })
        },
    },
    Rule {
        code: "operation-description",
        severity: Severity::Warning,
        scope: Scope::Http,
        why: "who calls it must know what it does",
        check: |facts| {
            each(facts, |operation| {
                let is_told =
                    has_text(operation.node, "description") || has_text(operation.node, "summary");
                (!is_told).then(|| "has no `description` or `summary`".to_owned())
            })
        },
    },
    Rule {
        code: "operation-tags",
        severity: Severity::Warning,
        scope: Scope::Http,
        why: "generated servers and documentation are grouped by tag",
        check: |facts| {
            each(facts, |operation| {
                operation
                    .tags
                    .is_empty()
                    .then(|| "has no `tags`".to_owned())
            })
        },
    },
    Rule {
        code: "operation-tag-defined",
        severity: Severity::Warning,
        scope: Scope::Http,
        why: "a tag without definition is often a slip",
        check: tags_defined,
    },
    Rule {
        code: "operation-success-response",
        severity: Severity::Warning,
        scope: Scope::Http,
        why: "nobody can check an answer that is not described",
        check: |facts| {
            each(facts, |operation| {
                // 101 is the success of a WebSocket handshake.
                let is_success = |status: &str| status == "101" || status.starts_with(['2', '3']);
                let has_one = operation
                    .responses
                    .iter()
                    .any(|(status, _)| is_success(status));
                (!has_one).then(|| "has no 2xx or 3xx response".to_owned())
            })
        },
    },
    Rule {
        code: "operation-permission",
        severity: Severity::Error,
        scope: Scope::Own,
        why: "an operation without permission is open to all by accident",
        check: |facts| {
            each(facts, |operation| {
                (!has_text(operation.node, "x-permission"))
                    .then(|| "has no `x-permission`".to_owned())
            })
        },
    },
    Rule {
        code: "operation-budget-class",
        severity: Severity::Error,
        scope: Scope::Own,
        why: "its latency can't be judged without a budget",
        check: |facts| {
            each(facts, |operation| {
                (!has_text(operation.node, "x-budget")).then(|| "has no `x-budget`".to_owned())
            })
        },
    },
    Rule {
        code: "operation-error-response",
        severity: Severity::Error,
        scope: Scope::Own,
        why: "a client can't read an error that is not described",
        check: |facts| {
            each(facts, |operation| {
                let is_error = |status: &str| status.starts_with(['4', '5']) || status == "default";
                let has_one = operation
                    .responses
                    .iter()
                    .any(|(status, _)| is_error(status));
                (!has_one).then(|| "has no 4xx, 5xx or default response".to_owned())
            })
        },
    },
];

/// Runs a check on each operation; its text follows the name of the operation.
fn each(facts: &Facts<'_>, check: impl Fn(&Operation<'_>) -> Option<String>) -> Vec<Hit> {
    facts
        .operations
        .iter()
        .filter_map(|operation| {
            let what = check(operation)?;
            Some(Hit::new(
                operation.place.clone(),
                format!("{} {what}", name(operation)),
            ))
        })
        .collect()
}

fn name(operation: &Operation<'_>) -> String {
    format!("`{} {}`", operation.method.to_uppercase(), operation.path)
}

fn unique_ids(facts: &Facts<'_>) -> Vec<Hit> {
    let mut first: BTreeMap<&str, String> = BTreeMap::new();
    let mut hits = Vec::new();
    for operation in &facts.operations {
        let Some(id) = operation
            .node
            .get("operationId")
            .and_then(Node::scalar_text)
        else {
            continue;
        };
        if let Some(earlier) = first.get(id) {
            let message = format!("{} has the id `{id}` of {earlier}", name(operation));
            hits.push(Hit::new(operation.place.clone(), message));
        } else {
            first.insert(id, name(operation));
        }
    }
    hits
}

fn tags_defined(facts: &Facts<'_>) -> Vec<Hit> {
    let tags = facts.contract.root().get("tags");
    let known: Vec<&str> = tags
        .map(Node::items)
        .unwrap_or_default()
        .filter_map(|tag| tag.get("name")?.scalar_text())
        .collect();
    each(facts, |operation| {
        let stranger = operation
            .tags
            .iter()
            .find(|tag| !known.contains(&tag.as_str()))?;
        Some(format!(
            "has the tag `{stranger}`, which `tags` does not define"
        ))
    })
}
