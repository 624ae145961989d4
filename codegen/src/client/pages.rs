//! From one page of a list to the request for the next, where the contract shows how.
//!
//! Two ways are known: a `link` header (RFC 8288) whose target has the next parameters, and a
//! property of the body that is the value of a parameter.

use std::fmt::Write as _;

use super::names::fields;
use super::replies::Replies;
use crate::ir::{Location, Operation, Paging, Parameter, paging};
use crate::rust::{Rust, literal};

/// The method of a request that gives the request for the next page; empty when there is none.
pub(super) fn next(
    rust: &Rust<'_>,
    operation: &Operation,
    request: &str,
    replies: &Replies,
) -> String {
    let good = &replies.good;
    let fields = fields(operation);
    let query: Vec<&(String, &Parameter)> = fields
        .iter()
        .filter(|(_, parameter)| parameter.location == Location::Query)
        .collect();
    let Some(paging) = paging(rust.ir, operation) else {
        return String::new();
    };
    let made = match paging {
        Paging::Link => by_link(&query),
        Paging::Cursor {
            parameter,
            path,
            more,
        } => {
            let (ident, parameter) = &fields[parameter];
            let body = by_body(ident, parameter.is_required, &path, more);
            match &replies.first {
                // Only the first good reply is a page.
                Some(first) => format!(
                    "        let {good}::{first}(page) = &reply.body else {{\n            return None;\n        }};\n{}",
                    body.replace("&reply.body", "page")
                ),
                None => body,
            }
        }
    };
    format!(
        "\nimpl {request} {{\n    /// The request for the page after this reply; nothing after the last page.\n    #[must_use]\n    pub fn next(&self, reply: &Reply<{good}>) -> Option<Self> {{\n{made}    }}\n}}\n"
    )
}

fn by_body(ident: &str, is_required: bool, path: &[&str], more: Option<&str>) -> String {
    let value = if is_required { "value" } else { "Some(value)" };
    let path: Vec<String> = path.iter().map(|name| literal(name)).collect();
    let more = more.map_or_else(
        || "None".to_owned(),
        |more| format!("Some({})", literal(more)),
    );
    format!(
        "        let value = page_value(&reply.body, &[{}], {more})?;\n        Some(Self {{ {ident}: {value}, ..self.clone() }})\n",
        path.join(", ")
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
