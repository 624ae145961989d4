//! All pages of a list, where the contract shows how one leads to the next: a `Link` header (RFC
//! 8288), or a property of the body that is the value of a parameter.

use std::fmt::Write as _;

use super::super::scope::Swift;
use super::super::text::{literal, wrapped};
use super::call::Call;
use super::replies::Replies;
use super::requests::Request;
use crate::ir::{Operation, Paging, paging};

/// The method that gives all pages; empty when the contract does not show how.
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
    let Some(next) = next(swift, operation, replies) else {
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

/// The expression of the request for the next page.
fn next(swift: &Swift<'_>, operation: &Operation, replies: &Replies) -> Option<String> {
    Some(match paging(swift.ir, operation)? {
        Paging::Link => "$0.following($1.link(\"next\"), from: baseURL)".to_owned(),
        Paging::Cursor {
            parameter,
            path,
            more,
        } => {
            let wire = literal(&operation.parameters[parameter].wire);
            let path: Vec<String> = path.into_iter().map(literal).collect();
            let more = more.map_or_else(String::new, |more| {
                format!(", unlessFalse: {}", literal(more))
            });
            let cursor = |body: &str| {
                let path = path.join(", ");
                format!("$0.next({wire}, {body}.json.cursor([{path}]{more}))")
            };
            match &replies.first {
                // Only the first good reply is a page.
                Some(first) => format!(
                    "if case .{first}(let page) = $1.body {{ {} }} else {{ nil }}",
                    cursor("page")
                ),
                None => cursor("$1.body"),
            }
        }
    })
}
