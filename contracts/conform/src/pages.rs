//! Reads a list page by page: finds the parameters for it, and checks whether the pages form one
//! list. It makes no other requests.

use serde_json::Value;
use tollgate_contracts_instance::Json;

use crate::checks::Fault;
use crate::operation::{Location, Operation};
use crate::request::Answer;
use crate::resources::{items_of, plain_name};

/// How many pages are read.
const PAGES_MAX: usize = 6;

/// How the next page is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Cursor,
    Offset,
    Number,
}

/// A list that is being read.
#[derive(Clone, Debug)]
pub(crate) struct Pages {
    limit: usize,
    next: usize,
    way: Way,
    /// The number of the first page, for [`Way::Number`].
    first: usize,
    size: usize,
    /// The whole list; absent until it was read.
    whole: Option<Vec<Value>>,
    seen: Vec<Value>,
    n_pages: usize,
    cursor: Option<String>,
}

/// The next action after one answer.
pub(crate) enum Turn {
    /// Send another request with these parameters.
    Ask(Vec<(usize, Json)>),
    /// The list was read completely.
    Done,
}

/// Whether a parameter takes a value from the previous page.
pub(crate) fn is_cursor(name: &str) -> bool {
    let name = plain_name(name);
    matches!(
        name.as_str(),
        "cursor"
            | "pagetoken"
            | "nextpagetoken"
            | "nexttoken"
            | "continuationtoken"
            | "continuation"
            | "continue"
            | "startingafter"
            | "endingbefore"
            | "after"
            | "before"
            | "marker"
            | "nextcursor"
            | "pagecursor"
            | "startcursor"
            | "bookmark"
            | "scrollid"
    )
}

fn is_limit(name: &str) -> bool {
    matches!(
        plain_name(name).as_str(),
        "limit"
            | "pagesize"
            | "perpage"
            | "size"
            | "maxresults"
            | "pagelimit"
            | "top"
            | "first"
            | "count"
            | "take"
    )
}

/// The first two requests for a list: everything at once, then a small page.
pub(crate) fn begin(operation: &Operation) -> Option<(Pages, Vec<(usize, Json)>)> {
    if operation.method != "GET" {
        return None;
    }
    let find = |wanted: &dyn Fn(&str) -> bool| {
        operation
            .parameters
            .iter()
            .position(|parameter| parameter.location == Location::Query && wanted(&parameter.name))
    };
    let limit = find(&is_limit)?;
    let (next, way) = find(&|name| is_cursor(name) && !plain_name(name).contains("before"))
        .map(|idx| (idx, Way::Cursor))
        .or_else(|| {
            let idx =
                find(&|name| matches!(plain_name(name).as_str(), "offset" | "skip" | "start"))?;
            Some((idx, Way::Offset))
        })
        .or_else(|| {
            let idx = find(&|name| {
                matches!(
                    plain_name(name).as_str(),
                    "page" | "pagenumber" | "pageindex"
                )
            })?;
            Some((idx, Way::Number))
        })?;
    let holds = |idx: usize, n: usize| {
        let parameter = &operation.parameters[idx];
        parameter
            .validator
            .as_ref()
            .is_none_or(|validator| validator.is_valid(&Value::from(n)))
    };
    let all = [100, 50, 20, 10].into_iter().find(|n| holds(limit, *n))?;
    let size = [1, 2, 3, 5].into_iter().find(|n| holds(limit, *n))?;
    let pages = Pages {
        limit,
        next,
        way,
        first: usize::from(!holds(next, 0)).max(usize::from(way != Way::Number)),
        size,
        whole: None,
        seen: Vec::new(),
        n_pages: 0,
        cursor: None,
    };
    Some((pages, vec![(limit, number(all))]))
}

fn number(n: usize) -> Json {
    Json::Number(n.to_string())
}

fn fault(check: &'static str, message: String) -> Fault {
    Fault {
        check,
        cause: String::new(),
        message,
        place: None,
    }
}

/// Takes one page. Returns what is wrong with it and which page to request next.
pub(crate) fn take(pages: &mut Pages, answer: &Answer) -> (Option<Fault>, Turn) {
    if !answer.is_success() {
        if pages.n_pages > 0 {
            let message = format!(
                "page {} was rejected with {}, although the previous page points to it",
                pages.n_pages + 1,
                answer.status
            );
            return (Some(fault("page-refused", message)), Turn::Done);
        }
        return (None, Turn::Done);
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let Some(items) = items_of(&body).cloned() else {
        return (None, Turn::Done);
    };
    let Some(whole) = pages.whole.clone() else {
        let is_enough = items.len() > pages.size;
        pages.whole = Some(items);
        if !is_enough {
            return (None, Turn::Done);
        }
        let mut ask = vec![(pages.limit, number(pages.size))];
        if pages.way == Way::Number {
            ask.push((pages.next, number(pages.first)));
        }
        return (None, Turn::Ask(ask));
    };
    if items.len() > pages.size {
        let message = format!(
            "a page of at most {} was asked for and {} items came",
            pages.size,
            items.len()
        );
        return (Some(fault("page-limit-ignored", message)), Turn::Done);
    }
    pages.n_pages += 1;
    if let Some(again) = items.iter().find(|item| pages.seen.contains(item)) {
        let id = again.get("id").unwrap_or(again);
        let message = format!(
            "page {} has an item of a page before: {}",
            pages.n_pages,
            crate::checks::cut(&id.to_string())
        );
        return (Some(fault("page-repeats", message)), Turn::Done);
    }
    let is_empty = items.is_empty();
    pages.seen.extend(items);
    let is_all = pages.seen.len() >= whole.len();
    if pages.seen[..] != whole[..pages.seen.len().min(whole.len())] {
        let message = format!(
            "the pages up to {} are not the list that comes in one piece: items are missing or out of order",
            pages.n_pages
        );
        return (Some(fault("page-skips", message)), Turn::Done);
    }
    if is_all || pages.n_pages >= PAGES_MAX {
        return (None, Turn::Done);
    }
    let missing = format!(
        "the list has {} items and ends after {}",
        whole.len(),
        pages.seen.len()
    );
    if is_empty {
        return (Some(fault("page-ends-early", missing)), Turn::Done);
    }
    let next = match pages.way {
        Way::Offset => number(pages.seen.len()),
        Way::Number => number(pages.first + pages.n_pages),
        Way::Cursor => match cursor_of(answer, &body) {
            None => return (Some(fault("page-ends-early", missing)), Turn::Done),
            Some(cursor) if pages.cursor.as_deref() == Some(cursor.as_str()) => {
                let message = format!(
                    "the cursor after page {} is that of the page before",
                    pages.n_pages
                );
                return (Some(fault("page-repeats", message)), Turn::Done);
            }
            Some(cursor) => {
                pages.cursor = Some(cursor.clone());
                Json::String(cursor)
            }
        },
    };
    (
        None,
        Turn::Ask(vec![(pages.limit, number(pages.size)), (pages.next, next)]),
    )
}

/// The cursor of the next page: a field that is named like one, or the `Link` header.
fn cursor_of(answer: &Answer, body: &Value) -> Option<String> {
    let named = |value: &Value| -> Option<String> {
        value.as_object()?.iter().find_map(|(key, value)| {
            let plain = plain_name(key);
            let is_cursor = matches!(
                plain.as_str(),
                "nextcursor"
                    | "next"
                    | "cursor"
                    | "nextpagetoken"
                    | "nexttoken"
                    | "continuationtoken"
                    | "continuation"
                    | "nextpage"
                    | "endcursor"
                    | "after"
                    | "nextmarker"
                    | "marker"
            );
            let text = match value {
                Value::String(text) if !text.is_empty() => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            is_cursor.then(|| cursor_in(&text))
        })
    };
    let inner = [
        "meta",
        "pagination",
        "paging",
        "page_info",
        "pageInfo",
        "links",
        "_links",
        "metadata",
    ];
    named(body)
        .or_else(|| inner.iter().find_map(|key| named(body.get(*key)?)))
        .or_else(|| {
            let link = answer.header("link")?;
            let next = link
                .split(',')
                .find(|part| part.contains("rel=\"next\"") || part.contains("rel=next"))?;
            let url = next.split('<').nth(1)?.split('>').next()?;
            Some(cursor_in(url))
        })
}

/// The cursor inside an address, or the text itself.
fn cursor_in(text: &str) -> String {
    let Some((_, query)) = text.split_once('?') else {
        return text.to_owned();
    };
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| is_cursor(key))
        .map_or_else(|| text.to_owned(), |(_, value)| decode(value))
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits: Vec<u8> = rest.by_ref().take(2).collect();
            let code = std::str::from_utf8(&digits)
                .ok()
                .and_then(|hex| u8::from_str_radix(hex, 16).ok());
            bytes.extend(code);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
