//! The router: path templates become routes of axum, whatever their segments contain.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::names::{Names, trait_names};
use crate::ir::Operation;
use crate::rust::literal;

/// The function that routes every served operation.
pub(super) fn router(served: &[(usize, &Operation)], names: &[Names]) -> String {
    let mut groups: BTreeMap<String, Vec<(usize, &Operation)>> = BTreeMap::new();
    for (index, operation) in served {
        let group = groups.entry(positional(&operation.path)).or_default();
        group.push((*index, operation));
    }
    let bounds: Vec<String> = trait_names(served).into_values().collect();
    let bounds = if bounds.is_empty() {
        "Authorize".to_owned()
    } else {
        bounds.join(" + ")
    };
    let mut text = format!(
        "\n/// Routes every operation that is not a WebSocket; other routes may be merged with it.\npub fn router<A: {bounds}>(api: A) -> axum::Router {{\n    axum::Router::new()\n        .without_v07_checks()\n"
    );
    for (route, operations) in groups {
        text.push_str(&group(&route, operations, names));
    }
    text.push_str("        .with_state(api)\n}\n");
    text
}

/// One route: the templates that are the same for the router, which are distinguished by their
/// exact text.
fn group(route: &str, mut operations: Vec<(usize, &Operation)>, names: &[Names]) -> String {
    // The template with more literal text is the more specific one.
    operations.sort_by_key(|(index, operation)| {
        let n_literal: usize = segments(&operation.path)
            .iter()
            .flatten()
            .map(|part| match part {
                Part::Literal(text) => text.len(),
                Part::Parameter(_) => 0,
            })
            .sum();
        (std::cmp::Reverse(n_literal), *index)
    });
    let first = &operations[0].1.path;
    let is_one = operations.iter().all(|(_, other)| other.path == *first);
    let is_plain = is_one && is_whole(first);
    let route = if is_plain {
        written(first)
    } else {
        route.to_owned()
    };
    let mut text = format!(
        "        .route(\n            {},\n            any(|State(api): State<A>, request: Request| async move {{\n                match request.method().as_str() {{\n",
        literal(&route)
    );
    let has_head = operations.iter().any(|(_, o)| o.method == "HEAD");
    let mut methods: Vec<&str> = Vec::new();
    for (index, operation) in operations {
        let method = operation.method.as_str();
        if is_one && methods.contains(&method) {
            continue;
        }
        methods.push(method);
        let pattern = match method {
            "GET" if !has_head => "\"GET\" | \"HEAD\"".to_owned(),
            method => literal(method),
        };
        let guard = if is_one {
            String::new()
        } else {
            format!(
                " if extract::captures({}, request.uri().path()).is_some()",
                literal(&operation.path)
            )
        };
        let function = names[index].function.trim_start_matches("r#");
        let _ = writeln!(
            text,
            "                    {pattern}{guard} => finish(&api, &OPERATIONS[{index}], serve_{function}(&api, request).await),"
        );
    }
    methods.sort_unstable();
    methods.dedup();
    let _ = writeln!(
        text,
        "                    _ => extract::method_not_allowed({}),\n                }}\n            }}),\n        )",
        literal(&methods.join(", "))
    );
    text
}

enum Part<'t> {
    Literal(&'t str),
    Parameter(&'t str),
}

/// The path of a template: without the query or fragment that some documents write into it.
fn pure(template: &str) -> &str {
    template.split(['?', '#']).next().unwrap_or(template)
}

/// The segments of a template, each as literal text and parameters.
fn segments(template: &str) -> Vec<Vec<Part<'_>>> {
    pure(template)
        .trim_start_matches('/')
        .split('/')
        .map(|segment| {
            let mut parts = Vec::new();
            let mut rest = segment;
            while let Some((before, after)) = rest.split_once('{') {
                let Some((name, tail)) = after.split_once('}') else {
                    break;
                };
                if !before.is_empty() {
                    parts.push(Part::Literal(before));
                }
                parts.push(Part::Parameter(name));
                rest = tail;
            }
            if !rest.is_empty() {
                parts.push(Part::Literal(rest));
            }
            parts
        })
        .collect()
}

/// Whether every parameter is a whole segment and has a name that the router takes.
fn is_whole(template: &str) -> bool {
    segments(template)
        .iter()
        .all(|parts| match parts.as_slice() {
            [] | [Part::Literal(_)] => true,
            [Part::Parameter(name)] => {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            }
            _ => false,
        })
}

/// The template in the router's form.
fn written(template: &str) -> String {
    let segments = segments(template);
    let texts = segments.iter().map(|parts| match parts.as_slice() {
        [Part::Parameter(name)] => format!("{{{name}}}"),
        [Part::Literal(text)] => text.replace('{', "{{").replace('}', "}}"),
        _ => String::new(),
    });
    format!("/{}", texts.collect::<Vec<_>>().join("/"))
}

/// The template with a place for each segment that is not literal text alone.
fn positional(template: &str) -> String {
    let segments = segments(template);
    let texts = segments
        .iter()
        .enumerate()
        .map(|(index, parts)| match parts.as_slice() {
            [] => String::new(),
            [Part::Literal(text)] => text.replace('{', "{{").replace('}', "}}"),
            _ => format!("{{p{index}}}"),
        });
    format!("/{}", texts.collect::<Vec<_>>().join("/"))
}
