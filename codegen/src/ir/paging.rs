//! How one page of a list leads to the next, where the contract shows it.

use super::{Ir, Location, Operation, Shape, Struct, Type, TypeKind};

/// Parameters that set where in a list the next page starts.
const CURSORS: [&str; 19] = [
    "cursor",
    "page_token",
    "pageToken",
    "PageToken",
    "after",
    "next_token",
    "nextToken",
    "continuation_token",
    "continuationToken",
    "continue",
    "marker",
    "iterator",
    "starting_after",
    "startingAfter",
    "after_id",
    "afterId",
    "page_cursor",
    "pageCursor",
    "page",
];

/// Properties of a page that are the cursor of the next one.
const NEXT: [&str; 18] = [
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
    "end_cursor",
    "endCursor",
    "next",
    "cursor",
    "iterator",
    "last_id",
    "lastId",
];

/// Properties of a page that state whether there is another one.
const MORE: [&str; 6] = [
    "has_more",
    "hasMore",
    "has_next",
    "hasNext",
    "has_next_page",
    "hasNextPage",
];

/// Properties in which a page keeps its metadata.
const ABOUT: [&str; 8] = [
    "pagination",
    "paging",
    "page_info",
    "pageInfo",
    "meta",
    "metadata",
    "response_metadata",
    "cursors",
];

/// Properties in which a page keeps its items.
const ITEMS: [&str; 4] = ["data", "items", "results", "entries"];

/// How one page leads to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Paging<'a> {
    /// By a `link` header (RFC 8288) whose target has the next parameters.
    Link,
    /// By a value in the body.
    Cursor {
        /// The index of the parameter whose next value it is.
        parameter: usize,
        /// The properties on the way to it; a list on the way stands for its last item.
        path: Vec<&'a str>,
        /// The flag that is false on the last page.
        more: Option<&'a str>,
    },
}

/// How the pages of an operation lead to each other; nothing when the contract does not show it.
pub(crate) fn paging<'a>(ir: &'a Ir, operation: &'a Operation) -> Option<Paging<'a>> {
    if operation.method != "GET" {
        return None;
    }
    let good = operation
        .responses
        .iter()
        .find(|response| response.status.starts_with('2'))?;
    let page = good.ty.as_ref().and_then(|ty| object(ir, ty));
    if let Some(cursor) = page.and_then(|page| cursor(ir, operation, page)) {
        return Some(cursor);
    }
    let has_query = operation
        .parameters
        .iter()
        .any(|parameter| parameter.location == Location::Query);
    let has_link = good
        .headers
        .iter()
        .any(|(name, ..)| name.eq_ignore_ascii_case("link"));
    (has_link && has_query).then_some(Paging::Link)
}

fn cursor<'a>(ir: &'a Ir, operation: &Operation, page: &'a Struct) -> Option<Paging<'a>> {
    let parameter = CURSORS.iter().find_map(|name| {
        operation
            .parameters
            .iter()
            .position(|it| it.location == Location::Query && it.wire == *name)
    })?;
    let word = operation.parameters[parameter].wire.as_str();
    let more = MORE.iter().find_map(|name| property(page, name));
    let path = next(page)
        .map(|next| vec![next])
        .or_else(|| {
            ABOUT.iter().find_map(|name| {
                let (about, inner) = inner(ir, page, name)?;
                Some(vec![about, next(inner)?])
            })
        })
        .or_else(|| last_item(ir, page).filter(|_| more.is_some()))?;
    // A number of a page is no cursor, unless the page tells the number of the next.
    let is_page = path.last().is_some_and(|next| next.contains("age"));
    (word != "page" || is_page).then_some(Paging::Cursor {
        parameter,
        path,
        more,
    })
}

/// The property that is the next cursor.
fn next(page: &Struct) -> Option<&str> {
    let is_text = |name: &&str| {
        let field = page.fields.iter().find(|field| field.wire == **name);
        field.is_some_and(|field| match &field.ty.kind {
            // An address is no cursor.
            TypeKind::String(format) => !format.as_deref().is_some_and(|it| it.starts_with("uri")),
            TypeKind::Boolean | TypeKind::Array(_) | TypeKind::Map(_) => false,
            _ => true,
        })
    };
    NEXT.iter()
        .find(|name| is_text(name))
        .and_then(|name| property(page, name))
}

/// The way to the identity of the last item.
fn last_item<'a>(ir: &'a Ir, page: &'a Struct) -> Option<Vec<&'a str>> {
    ITEMS.iter().find_map(|name| {
        let field = page.fields.iter().find(|field| field.wire == *name)?;
        let TypeKind::Array(item) = &target(ir, &field.ty).kind else {
            return None;
        };
        let id = match object(ir, item) {
            Some(item) => property(item, "id")?,
            // Each variant of a union is asked at run time.
            None => "id",
        };
        Some(vec![field.wire.as_str(), id])
    })
}

fn inner<'a>(ir: &'a Ir, page: &'a Struct, name: &str) -> Option<(&'a str, &'a Struct)> {
    let field = page.fields.iter().find(|field| field.wire == name)?;
    Some((field.wire.as_str(), object(ir, &field.ty)?))
}

fn property<'a>(page: &'a Struct, name: &str) -> Option<&'a str> {
    let field = page.fields.iter().find(|field| field.wire == name)?;
    Some(&field.wire)
}

/// The struct behind a type, through other names for it.
fn object<'a>(ir: &'a Ir, ty: &'a Type) -> Option<&'a Struct> {
    match target(ir, ty).kind {
        TypeKind::Named(id) => match &ir.decls[id].shape {
            Shape::Struct(object) => Some(object),
            _ => None,
        },
        _ => None,
    }
}

/// The type behind other names for it. Names that refer to each other in a circle are returned as
/// they are.
fn target<'a>(ir: &'a Ir, mut ty: &'a Type) -> &'a Type {
    for _ in 0..16 {
        match ty.kind {
            TypeKind::Named(id) => match &ir.decls[id].shape {
                Shape::Alias(next) => ty = next,
                _ => return ty,
            },
            _ => return ty,
        }
    }
    ty
}
