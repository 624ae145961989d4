//! Lists page after page, where the contract shows how: a `link` header (RFC 8288), or a property
//! of the body that is the value of a parameter.
//!
//! It must not know how a call is sent.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::TypeScript;
use super::client::Names;
use super::text::{list, literal};
use crate::ir::{Location, Operation, Shape, Struct, Type, TypeKind};

/// Parameters that say from where a list goes on.
const CURSORS: [&str; 12] = [
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
    "PageToken",
    "iterator",
];

/// Properties of a page that are the cursor of the next one.
const NEXT: [&str; 14] = [
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
    "iterator",
];

impl TypeScript<'_> {
    /// A generator of all pages; nothing where the contract does not show how to go on.
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
            "\n/** The pages of `{function}`, as long as there is a next one; throws `StatusError` when one is refused. */\nexport function {pages}(client: Client, request: {ty}Request{start}, options: h.CallOptions = {{}}): AsyncGenerator<h.Good<{ty}Result>, void, undefined> {{\n  return h.pages((page: {ty}Request) => {function}(client, page, options), request, {next});\n}}\n"
        );
    }

    fn next(&self, operation: &Operation) -> Option<String> {
        if operation.method != "GET" {
            return None;
        }
        let query: Vec<&str> = operation
            .parameters
            .iter()
            .filter(|parameter| parameter.location == Location::Query)
            .map(|parameter| parameter.wire.as_str())
            .collect();
        let good = operation
            .responses
            .iter()
            .find(|response| response.status.starts_with('2'))?;
        let page = good.ty.as_ref().and_then(|ty| self.page(ty, 0));
        let property = page.and_then(|page| {
            NEXT.iter()
                .find(|name| page.fields.iter().any(|field| field.wire == **name))
        });
        let cursor = query.iter().find(|name| CURSORS.contains(*name));
        if let (Some(cursor), Some(property)) = (cursor, property) {
            let mut next = "h.byCursor(".to_owned();
            literal(&mut next, cursor);
            next.push_str(", ");
            literal(&mut next, property);
            next.push(')');
            return Some(next);
        }
        let has_link = good
            .headers
            .iter()
            .any(|(name, ..)| name.eq_ignore_ascii_case("link"));
        (has_link && !query.is_empty()).then(|| {
            let mut next = "h.byLink(".to_owned();
            list(&mut next, query);
            next.push(')');
            next
        })
    }

    fn page(&self, ty: &Type, depth: usize) -> Option<&Struct> {
        let TypeKind::Named(id) = ty.kind else {
            return None;
        };
        match &self.ir.decls[id].shape {
            Shape::Struct(object) => Some(object),
            // Names for names for names: a circle of them has no end.
            Shape::Alias(ty) if depth < 16 => self.page(ty, depth + 1),
            _ => None,
        }
    }
}
