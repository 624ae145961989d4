//! Rules about schemas and references. They must not know operations.

use std::collections::BTreeSet;

use tollgate_report::Severity;

use super::facts::Facts;
use super::{Hit, Rule, Scope};
use crate::document::Kind;
use crate::grammar::{Object, component_section};
use crate::source::{Node, escape_token};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "no-$ref-siblings",
        severity: Severity::Error,
        scope: Scope::Http,
        why: "OpenAPI 3.0 ignores what stands beside a `$ref`",
        check: ref_siblings,
    },
    Rule {
        code: "typed-enum",
        severity: Severity::Warning,
        scope: Scope::Both,
        why: "a value of another type is never valid",
        check: typed_enum,
    },
    Rule {
        code: "duplicated-entry-in-enum",
        severity: Severity::Warning,
        scope: Scope::Both,
        why: "the second one says nothing and breaks generated enums",
        check: duplicated_enum,
    },
    Rule {
        code: "array-items",
        severity: Severity::Error,
        scope: Scope::Http,
        why: "OpenAPI 3.0 asks for the type of the items",
        check: array_items,
    },
    Rule {
        code: "oas3-unused-component",
        severity: Severity::Warning,
        scope: Scope::Http,
        why: "what nobody refers to is dead or misspelt",
        check: |facts| unused(facts, None),
    },
    Rule {
        code: "asyncapi-unused-components-schema",
        severity: Severity::Warning,
        scope: Scope::Async,
        why: "what nobody refers to is dead or misspelt",
        check: |facts| unused(facts, Some("schemas")),
    },
];

fn ref_siblings(facts: &Facts<'_>) -> Vec<Hit> {
    if facts.contract.kind != Kind::OpenApi30 {
        return Vec::new();
    }
    let references = facts.objects.iter().filter(|met| {
        met.object.may_be_reference()
            && met.object != Object::PathItem
            && met.node.get("$ref").and_then(Node::as_str).is_some()
    });
    references
        .filter_map(|met| {
            let sibling = met.node.entries().find(|entry| entry.key != "$ref")?;
            let place = sibling.key_span.place(met.file);
            Some(Hit::new(
                place,
                format!("`{}` stands beside a `$ref`", sibling.key),
            ))
        })
        .collect()
}

/// The types that a schema allows; nothing when any.
fn types(schema: &Node) -> Vec<&str> {
    let node = schema.get("type");
    match node.and_then(Node::as_str) {
        Some(word) => vec![word],
        None => node
            .map(Node::items)
            .unwrap_or_default()
            .filter_map(Node::as_str)
            .collect(),
    }
}

fn typed_enum(facts: &Facts<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for met in facts.of(Object::Schema) {
        let types = types(met.node);
        if types.is_empty() {
            continue;
        }
        let is_nullable = met.node.get("nullable").and_then(Node::as_bool) == Some(true);
        for value in met.node.get("enum").map(Node::items).unwrap_or_default() {
            let fits =
                types.iter().any(|word| fits(value, word)) || (value.is_null() && is_nullable);
            if !fits {
                let shown = value.to_json();
                let message = format!("the value `{shown}` is no `{}`", types.join("` or `"));
                hits.push(Hit::new(value.place(met.file), message));
            }
        }
    }
    hits
}

fn fits(value: &Node, word: &str) -> bool {
    match word {
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => value.type_word() == word,
    }
}

fn duplicated_enum(facts: &Facts<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for met in facts.of(Object::Schema) {
        let mut seen = BTreeSet::new();
        for value in met.node.get("enum").map(Node::items).unwrap_or_default() {
            let text = value.to_json().to_string();
            if seen.contains(&text) {
                let message = format!("the value `{text}` stands twice");
                hits.push(Hit::new(value.place(met.file), message));
            }
            seen.insert(text);
        }
    }
    hits
}

fn array_items(facts: &Facts<'_>) -> Vec<Hit> {
    if facts.contract.kind != Kind::OpenApi30 {
        return Vec::new();
    }
    facts
        .of(Object::Schema)
        .filter(|met| types(met.node) == ["array"] && met.node.get("items").is_none())
        .map(|met| Hit::new(met.place(), "an array has no `items`"))
        .collect()
}

/// Components of the entry file that no reference names; security schemes are named by
/// requirements.
fn unused(facts: &Facts<'_>, only: Option<&str>) -> Vec<Hit> {
    let contract = facts.contract;
    let used: BTreeSet<&str> = contract
        .references
        .iter()
        .filter(|reference| reference.target.file == contract.entry)
        .map(|reference| reference.target.pointer.as_str())
        .collect();
    let mapped: BTreeSet<String> = facts
        .of(Object::Schema)
        .flat_map(|met| mapping(met.node))
        .collect();
    let mut hits = Vec::new();
    let sections = contract.root().get("components").map(Node::entries);
    for section in sections.unwrap_or_default() {
        let is_wanted = match only {
            Some(only) => section.key == only,
            None => section.key != "securitySchemes" && component_section(&section.key).is_some(),
        };
        for entry in section.node.entries().filter(|_| is_wanted) {
            let pointer = format!("/components/{}/{}", section.key, escape_token(&entry.key));
            let inside = format!("{pointer}/");
            let is_used = used.contains(pointer.as_str())
                || used.iter().any(|used| used.starts_with(&inside))
                || mapped.contains(&entry.key);
            if !is_used {
                let message = format!("nothing refers to `{}` of `{}`", entry.key, section.key);
                hits.push(Hit::new(entry.key_span.place(&contract.entry), message));
            }
        }
    }
    hits
}

/// The names that a discriminator maps to.
fn mapping(schema: &Node) -> Vec<String> {
    schema
        .pointer("/discriminator/mapping")
        .map(Node::entries)
        .unwrap_or_default()
        .filter_map(|entry| entry.node.as_str()?.rsplit('/').next())
        .map(str::to_owned)
        .collect()
}
