//! Tollgate's own rules: what later gates need of each operation, naming, and pagination. They are
//! off unless the settings turn them on.

use std::collections::BTreeMap;

use tollgate_contracts_model::Node;

use super::row::{ROW, Row, What, ask};
use crate::context::Context;
use crate::hit::Hit;
use crate::rule::RuleLevel;
use crate::tree::Item;

const OPERATIONS: &[&str] = &["$.paths[*][get,put,post,delete,options,head,patch,trace,query]"];

/// Query parameters by which a client requests the next part of a list.
const PAGE_PARAMETERS: &[&str] = &[
    "after",
    "before",
    "continue",
    "cursor",
    "from",
    "limit",
    "next",
    "next_token",
    "offset",
    "page",
    "page_size",
    "pagesize",
    "page_token",
    "pagetoken",
    "per_page",
    "since",
    "skip",
    "starting_after",
    "take",
    "top",
];

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "operation-permission",
        level: RuleLevel::Error,
        formats: &["oas3"],
        message: "the operation has no `x-permission`",
        why: "an operation without a permission may be open to everyone by accident",
        given: OPERATIONS,
        then: &[ask("x-permission", What::Truthy)],
        ..ROW
    },
    Row {
        name: "operation-budget-class",
        level: RuleLevel::Error,
        formats: &["oas3"],
        message: "the operation has no `x-budget`",
        why: "without a budget its latency is not checked",
        given: OPERATIONS,
        then: &[ask("x-budget", What::Truthy)],
        ..ROW
    },
    Row {
        name: "operation-error-response",
        level: RuleLevel::Error,
        formats: &["oas3"],
        message: "the operation has no 4xx, 5xx or default response",
        why: "clients cannot parse an error that is not described",
        given: OPERATIONS,
        then: &[ask("", What::Check(error_response))],
        ..ROW
    },
    Row {
        name: "response-without-content",
        level: RuleLevel::Error,
        formats: &["oas3"],
        message: "the status {{property}} has no body by RFC 9110, and the response describes one",
        why: "servers drop the body, and clients that parse it fail",
        fix: "remove `content`, or use another status",
        given: &[
            "$.paths[*][get,put,post,delete,options,head,patch,trace,query].responses[204,205,304]",
        ],
        then: &[ask("content", What::Undefined)],
        ..ROW
    },
    Row {
        name: "operation-pagination",
        formats: &["oas3"],
        message: "the operation returns a list and has no parameter for pagination",
        why: "responses grow without limit, and adding pages later breaks clients",
        fix: "add `limit` and `cursor`",
        given: &["$.paths[*].get"],
        then: &[ask("", What::Check(pagination))],
        ..ROW
    },
    Row {
        name: "path-naming",
        formats: &["oas3"],
        message: "the path `{{property}}` has a segment that is not in lower case",
        why: "mixed styles make paths hard to guess, and paths are case-sensitive",
        given: &["$.paths"],
        then: &[ask(
            "@key",
            What::Match(r"^(\/([a-z0-9]+([-_.][a-z0-9]+)*|[^/{}]*\{[^{}]*\}[^/{}]*)?)*$"),
        )],
        ..ROW
    },
    Row {
        name: "schema-naming",
        message: "the schema `{{property}}` is not named in Pascal case",
        why: "code generators name types after it",
        given: &["$.components.schemas"],
        then: &[ask("@key", What::Match("^[A-Z][A-Za-z0-9]*$"))],
        ..ROW
    },
    Row {
        name: "property-naming",
        why: "mixed styles make names hard to guess and produce inconsistent generated code",
        then: &[ask("", What::Check(property_naming))],
        ..ROW
    },
];

fn error_response(context: &Context<'_, '_>, operation: Item) -> Vec<Hit> {
    let tree = context.tree;
    let is_error = |entry: &tollgate_contracts_model::Entry| {
        entry.key.starts_with(['4', '5']) || entry.key == "default"
    };
    let responses = tree.get(operation, "responses");
    let has_one = responses.is_some_and(|responses| tree.node(responses).entries().any(is_error));
    if has_one {
        return Vec::new();
    }
    vec![Hit::new(operation, "no response for errors")]
}

/// Reports an operation that returns a bare or wrapped list and has no parameter for the next page.
fn pagination(context: &Context<'_, '_>, operation: Item) -> Vec<Hit> {
    let tree = context.tree;
    let answers_list = || -> Option<bool> {
        let responses = tree.get(operation, "responses")?;
        let success = tree.children(responses).find(|response| {
            tree.name(*response)
                .is_some_and(|status| status.starts_with('2'))
        })?;
        let content = tree.get(success, "content")?;
        let media = tree
            .children(content)
            .find(|media| tree.name(*media).is_some_and(|name| name.contains("json")))?;
        let schema = tree.get(media, "schema")?;
        Some(tree.node(schema).get("type").and_then(Node::as_str) == Some("array"))
    };
    if answers_list() != Some(true) {
        return Vec::new();
    }
    let holders = [tree.parent(operation), Some(operation)]
        .into_iter()
        .flatten();
    let has_page = holders
        .filter_map(|holder| tree.get(holder, "parameters"))
        .flat_map(|parameters| tree.children(parameters))
        .filter_map(|parameter| tree.get(parameter, "name"))
        .filter_map(|name| tree.node(name).as_str())
        .any(|name| PAGE_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()));
    if has_page {
        return Vec::new();
    }
    vec![Hit::new(operation, "no parameter for pagination")]
}

/// The style of a name; nothing for a single word, which fits all styles.
fn style(name: &str) -> Option<&'static str> {
    let has_upper = name.chars().any(char::is_uppercase);
    match (name.contains('_'), name.contains('-'), has_upper) {
        (true, false, false) => Some("snake case"),
        (false, true, false) => Some("kebab case"),
        (false, false, true) if name.starts_with(char::is_lowercase) => Some("camel case"),
        (false, false, true) => Some("Pascal case"),
        (false, false, false) => None,
        _ => Some("mixed"),
    }
}

/// Properties of component schemas whose names are not in the style of most of the others.
fn property_naming(context: &Context<'_, '_>, root: Item) -> Vec<Hit> {
    let tree = context.tree;
    let schemas = tree
        .get(root, "components")
        .and_then(|components| tree.get(components, "schemas"));
    let mut by_style: BTreeMap<&str, Vec<Item>> = BTreeMap::new();
    let schemas = schemas.map(|schemas| tree.children(schemas));
    for schema in schemas.into_iter().flatten() {
        let Some(properties) = tree.child(schema, "properties") else {
            continue;
        };
        for property in tree.children(properties) {
            if let Some(style) = tree.name(property).and_then(style) {
                by_style.entry(style).or_default().push(property);
            }
        }
    }
    let usual = by_style
        .iter()
        .max_by_key(|(_, properties)| properties.len());
    let Some(usual) = usual.map(|(style, _)| *style) else {
        return Vec::new();
    };
    by_style
        .iter()
        .filter(|(style, _)| **style != usual)
        .flat_map(|(_, properties)| properties)
        .map(|property| {
            let name = tree.name(*property).unwrap_or_default();
            Hit::new(
                *property,
                format!("the property `{name}` is not named in {usual}, as most are"),
            )
            .at_key()
        })
        .collect()
}
