//! From one page of a list to the request for the next, where the contract shows how.
//!
//! Two ways are known: a `link` header (RFC 8288) whose target has the next parameters, and a
//! property of the body that is the value of a parameter. It must not know how a call is sent.

use std::fmt::Write as _;

use super::fields;
use super::requests::object;
use crate::ir::{Location, Operation, Parameter};
use crate::rust::{Rust, literal};

/// Parameters that say from where a list goes on.
const CURSORS: [&str; 10] = [
    "cursor",
    "page_token",
    "pageToken",
    "after",
    "next_token",
    "nextToken",
    "continuation_token",
    "continuationToken",
    "continue",
    "marker",
];

/// Properties of a page that are the cursor of the next one.
const NEXT: [&str; 13] = [
    "next_cursor",
    "nextCursor",
    "next_page_token",
    "nextPageToken",
    "next_token",
    "nextToken",
    "next_page",
    "nextPage",
    "continuation_token",
    "continuationToken",
    "next_marker",
    "next",
    "cursor",
];

/// The method of a request that gives the request for the next page; empty when there is none.
pub(super) fn next(rust: &Rust<'_>, operation: &Operation, request: &str, good: &str) -> String {
    if operation.method != "GET" {
        return String::new();
    }
    let fields = fields(operation);
    let query: Vec<&(String, &Parameter)> = fields
        .iter()
        .filter(|(_, parameter)| parameter.location == Location::Query)
        .collect();
    let body = cursor(rust, operation, &query)
        .map(|(ident, wire, property)| by_body(ident, wire, property));
    let made = body.or_else(|| {
        let has_link = operation
            .responses
            .iter()
            .filter(|response| response.status.starts_with('2'))
            .any(|response| {
                response
                    .headers
                    .iter()
                    .any(|(name, ..)| name.eq_ignore_ascii_case("link"))
            });
        (has_link && !query.is_empty()).then(|| by_link(&query))
    });
    let Some(made) = made else {
        return String::new();
    };
    format!(
        "\nimpl {request} {{\n    /// The request for the page after this reply; nothing after the last page.\n    #[must_use]\n    pub fn next(&self, reply: &Reply<{good}>) -> Option<Self> {{\n{made}    }}\n}}\n"
    )
}

/// The parameter and the property that are each other's value.
fn cursor<'o>(
    rust: &Rust<'o>,
    operation: &'o Operation,
    query: &[&'o (String, &'o Parameter)],
) -> Option<(&'o str, bool, &'o str)> {
    let (ident, parameter) = query
        .iter()
        .find(|(_, parameter)| CURSORS.contains(&parameter.wire.as_str()))?;
    let good = operation
        .responses
        .iter()
        .find(|r| r.status.starts_with('2'))?;
    let page = object(rust.ir, good.ty.as_ref()?)?;
    let property = NEXT
        .iter()
        .find_map(|name| page.fields.iter().find(|field| field.wire == *name))?;
    Some((ident, parameter.is_required, &property.wire))
}

fn by_body(ident: &str, is_required: bool, property: &str) -> String {
    let value = if is_required { "value" } else { "Some(value)" };
    format!(
        "        let value = page_value(&reply.body, {})?;\n        Some(Self {{ {ident}: {value}, ..self.clone() }})\n",
        literal(property)
    )
}

fn by_link(query: &[&(String, &Parameter)]) -> String {
    let mut text =
        "        let target = reply.link(\"next\")?;\n        let mut next = self.clone();\n"
            .to_owned();
    for (ident, parameter) in query {
        let value = if parameter.is_required {
            "value"
        } else {
            "Some(value)"
        };
        let _ = writeln!(
            text,
            "        if let Some(value) = link_value(target, {}) {{\n            next.{ident} = {value};\n        }}",
            literal(&parameter.wire)
        );
    }
    text.push_str("        (next != *self).then_some(next)\n");
    text
}
