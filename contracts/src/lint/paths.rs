//! Rules about paths and what the document says about itself. They must not know schemas.

use std::collections::BTreeSet;

use tollgate_report::Severity;

use super::facts::{Facts, has_text};
use super::{Hit, Rule, Scope};
use crate::source::{Entry, Node};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "path-params",
        severity: Severity::Error,
        scope: Scope::Http,
        why: "a path can't be filled in when its parameters don't fit it",
        check: path_params,
    },
    Rule {
        code: "path-declarations-must-exist",
        severity: Severity::Warning,
        scope: Scope::Http,
        why: "an empty `{}` names no parameter",
        check: |facts| {
            each_path(facts, |path| {
                path.contains("{}")
                    .then_some("has a parameter without a name")
            })
        },
    },
    Rule {
        code: "path-keys-no-trailing-slash",
        severity: Severity::Warning,
        scope: Scope::Http,
        why: "servers differ in whether it counts",
        check: |facts| {
            each_path(facts, |path| {
                (path.len() > 1 && path.ends_with('/')).then_some("ends with a slash")
            })
        },
    },
    Rule {
        code: "path-not-include-query",
        severity: Severity::Warning,
        scope: Scope::Http,
        why: "query parameters stand under `parameters`",
        check: |facts| {
            each_path(facts, |path| {
                path.contains('?').then_some("has a query string")
            })
        },
    },
    Rule {
        code: "info-description",
        severity: Severity::Warning,
        scope: Scope::Http,
        why: "readers must know what the contract is for",
        check: info_description,
    },
    Rule {
        code: "oas3-api-servers",
        severity: Severity::Warning,
        scope: Scope::Http,
        why: "a client must know where to call",
        check: |facts| {
            let servers = facts.contract.root().get("servers");
            let has_one = servers.is_some_and(|servers| servers.items().len() > 0);
            hit_unless(has_one, facts, servers, "`servers` is missing or empty")
        },
    },
    Rule {
        code: "openapi-tags-uniqueness",
        severity: Severity::Error,
        scope: Scope::Http,
        why: "two tags of one name can't be told apart",
        check: unique_tags,
    },
];

pub(super) fn hit_unless(
    is_good: bool,
    facts: &Facts<'_>,
    node: Option<&Node>,
    message: &str,
) -> Vec<Hit> {
    if is_good {
        Vec::new()
    } else {
        vec![Hit::new(facts.entry_place(node), message)]
    }
}

pub(super) fn info_description(facts: &Facts<'_>) -> Vec<Hit> {
    let info = facts.contract.root().get("info");
    let is_good = info.is_some_and(|info| has_text(info, "description"));
    hit_unless(
        is_good,
        facts,
        info,
        "`info.description` is missing or empty",
    )
}

fn path_entries<'a>(facts: &Facts<'a>) -> impl Iterator<Item = &'a Entry> {
    let paths = facts.contract.root().get("paths");
    let entries = paths.map(Node::entries).unwrap_or_default();
    entries.filter(|entry| !entry.key.starts_with("x-"))
}

fn each_path(facts: &Facts<'_>, check: impl Fn(&str) -> Option<&'static str>) -> Vec<Hit> {
    path_entries(facts)
        .filter_map(|entry| {
            let what = check(&entry.key)?;
            let place = entry.key_span.place(&facts.contract.entry);
            Some(Hit::new(place, format!("the path `{}` {what}", entry.key)))
        })
        .collect()
}

/// Names in braces of a path, in order.
fn names(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0))
        .filter(|name| !name.is_empty())
        .collect()
}

fn path_params(facts: &Facts<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for operation in &facts.operations {
        let wanted = names(&operation.path);
        let mut push = |message: String| {
            let name = format!("`{} {}`", operation.method.to_uppercase(), operation.path);
            hits.push(Hit::new(
                operation.place.clone(),
                format!("{name} {message}"),
            ));
        };
        let distinct: BTreeSet<&str> = wanted.iter().copied().collect();
        if distinct.len() < wanted.len() {
            push("uses a parameter twice".to_owned());
        }
        let defined: BTreeSet<&str> = operation
            .parameters
            .iter()
            .filter(|parameter| parameter.location == "path")
            .map(|parameter| parameter.name.as_str())
            .collect();
        for name in distinct.difference(&defined) {
            push(format!("does not define its path parameter `{name}`"));
        }
        for name in defined.difference(&distinct) {
            push(format!(
                "defines a path parameter `{name}` that its path does not have"
            ));
        }
    }
    hits
}

fn unique_tags(facts: &Facts<'_>) -> Vec<Hit> {
    let mut seen = BTreeSet::new();
    let tags = facts.contract.root().get("tags");
    tags.map(Node::items)
        .unwrap_or_default()
        .filter_map(|tag| {
            let name = tag.get("name")?.scalar_text()?;
            let message = format!("the tag `{name}` stands twice");
            (!seen.insert(name)).then(|| Hit::new(facts.entry_place(Some(tag)), message))
        })
        .collect()
}
