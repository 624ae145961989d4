//! All pages of a list, where the contract shows how one leads to the next: a `Link` header
//! (RFC 8288), or a property of the body that is the value of a parameter.
//!
//! It must not know how a call is sent.

use std::fmt::Write as _;

use super::super::Swift;
use super::super::text::{literal, wrapped};
use super::replies::Replies;
use super::requests::Request;
use super::{Call, object};
use crate::ir::{Location, Operation};

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

/// The method that gives all pages; empty when there is none.
pub(super) fn pages(
    swift: &Swift<'_>,
    call: &Call<'_>,
    request: &Request,
    replies: &Replies,
) -> String {
    let operation = call.operation;
    if operation.method != "GET" || replies.is_stream || operation.body.is_some() {
        return String::new();
    }
    let Some(next) = cursor(swift, operation).or_else(|| link(operation)) else {
        return String::new();
    };
    let base = call.method.trim_matches('`');
    let mut text = format!("\n    /// `{base}`, page after page from the given place on.\n");
    let good = &replies.good;
    let tail = format!(" -> AsyncThrowingStream<APIResponse<{good}>, any Error> {{");
    let head = format!("public func {}", call.pages);
    text.push_str(&wrapped("    ", &head, &request.arguments, &tail));
    text.push_str(&request.build);
    let decision = replies.decision.replace("\n        ", "\n            ");
    let _ = write!(
        text,
        "        return pages(request) {{ reply in\n    {decision}        }} next: {{ {next} }}\n    }}\n",
        decision = decision.trim_end_matches(' ')
    );
    text
}

/// The parameter and the property that are each other's value.
fn cursor(swift: &Swift<'_>, operation: &Operation) -> Option<String> {
    let parameter = operation.parameters.iter().find(|parameter| {
        parameter.location == Location::Query && CURSORS.contains(&parameter.wire.as_str())
    })?;
    let good = operation
        .responses
        .iter()
        .find(|response| response.status.starts_with('2'))?;
    let page = object(swift, good.ty.as_ref()?)?;
    let property = NEXT
        .iter()
        .find_map(|name| page.fields.iter().find(|field| field.wire == *name))?;
    let (wire, property) = (literal(&parameter.wire), literal(&property.wire));
    Some(format!("$0.next({wire}, $1.body.json[{property}])"))
}

fn link(operation: &Operation) -> Option<String> {
    let has_link = operation
        .responses
        .iter()
        .filter(|response| response.status.starts_with('2'))
        .any(|response| {
            let mut names = response.headers.iter().map(|(name, ..)| name);
            names.any(|name| name.eq_ignore_ascii_case("link"))
        });
    has_link.then(|| "$0.following($1.link(\"next\"), from: baseURL)".to_owned())
}
