//! Lists page after page, where the contract shows how: a `link` header (RFC 8288), or a property
//! of the body that is the value of a parameter.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::TypeScript;
use super::calls::Names;
use super::text::{list, literal};
use crate::ir::{Location, Operation, Paging, paging};

impl TypeScript<'_> {
    /// A generator of all pages; nothing when the contract does not show how to get the next page.
    pub(super) fn pages(
        &self,
        out: &mut String,
        operation: &Operation,
        names: &Names,
        taken: &mut BTreeSet<String>,
    ) {
        let Some(next) = self.next(operation) else {
            return;
        };
        let (function, ty) = (names.function(), &names.ty);
        let mut pages = format!("{function}Pages");
        while !taken.insert(pages.clone()) {
            pages.push('_');
        }
        let start = if super::requests::is_free(operation) {
            " = {}"
        } else {
            ""
        };
        let _ = write!(
            out,
            "\n/** The pages of `{function}`, until there is no next one. Throws `StatusError` when the server rejects a request. */\nexport function {pages}(client: Client, request: {ty}Request{start}, options: h.CallOptions = {{}}): AsyncGenerator<h.Good<{ty}Result>, void, undefined> {{\n  return h.pages((page: {ty}Request) => {function}(client, page, options), request, {next});\n}}\n"
        );
    }

    fn next(&self, operation: &Operation) -> Option<String> {
        let mut next = String::new();
        match paging(self.ir, operation)? {
            Paging::Cursor {
                parameter,
                path,
                more,
            } => {
                next.push_str("h.byCursor(");
                literal(&mut next, &operation.parameters[parameter].wire);
                next.push_str(", ");
                list(&mut next, path);
                if let Some(more) = more {
                    next.push_str(", ");
                    literal(&mut next, more);
                }
            }
            Paging::Link => {
                next.push_str("h.byLink(");
                let query = operation
                    .parameters
                    .iter()
                    .filter(|parameter| parameter.location == Location::Query);
                list(&mut next, query.map(|parameter| parameter.wire.as_str()));
            }
        }
        next.push(')');
        Some(next)
    }
}
