//! Compares the answers of one operation: their statuses and headers.

use tollgate_contracts_model::{Contract, Located, Node};

use super::contents::contents;
use super::facts::{nullability, type_fact};
use super::sink::{At, Cx, Sink, entries, need};
use super::transitions::Transitions;
use super::types;
use super::view::View;
use super::window::Window;

pub(super) fn responses<'a>(
    cx: &Cx<'a, '_>,
    at: At<'_>,
    (old, new): (Located<'a>, Located<'a>),
    window: Option<Window>,
    sink: &mut Sink,
) {
    let read = |contract: &'a Contract, operation: Located<'a>| {
        let mut responses = entries(contract, operation.file, operation.node.get("responses"));
        responses.retain(|status, _| !status.starts_with("x-"));
        responses
    };
    let (from, to) = (read(cx.builder.old, old), read(cx.builder.new, new));
    let mut status_changed = |status: &str, step: &str| {
        let Ok(number) = status.parse::<i64>() else {
            return;
        };
        let word = if (200..=299).contains(&number) {
            "success"
        } else {
            "non-success"
        };
        let id = format!("response-{word}-status-{step}");
        sink.push(&id, &at, vec![status.to_owned()]);
    };
    for status in from.keys().filter(|status| !to.contains_key(*status)) {
        status_changed(status, "removed");
    }
    for status in to.keys().filter(|status| !from.contains_key(*status)) {
        status_changed(status, "added");
    }
    for (status, response) in &from {
        if let Some(other) = to.get(status) {
            let pair = (*response, *other);
            contents(cx, at, pair, Some(status), window, sink);
            headers(cx, at, pair, status, sink);
        }
    }
}

fn headers<'a>(
    cx: &Cx<'a, '_>,
    at: At<'_>,
    (old, new): (Located<'a>, Located<'a>),
    status: &str,
    sink: &mut Sink,
) {
    let read = |contract: &'a Contract, response: Located<'a>| {
        entries(contract, response.file, response.node.get("headers"))
    };
    let (from, to) = (read(cx.builder.old, old), read(cx.builder.new, new));
    let is_required =
        |header: &Located<'_>| header.node.get("required").and_then(Node::as_bool) == Some(true);
    let args = |name: &str| vec![name.to_owned(), status.to_owned()];
    let outer = sink.here.clone();
    sink.here.scope = format!("{}/responses/{}", outer.pointer, status.to_uppercase());
    for name in to.keys().filter(|name| !from.contains_key(*name)) {
        sink.here.pointer = format!("{}/headers/{}", sink.here.scope, name.to_lowercase());
        sink.push("response-header-added", &at, args(name));
    }
    for (name, header) in &from {
        sink.here.pointer = format!("{}/headers/{}", sink.here.scope, name.to_lowercase());
        let Some(other) = to.get(name) else {
            let need = need(is_required(header));
            sink.push(&format!("{need}-response-header-removed"), &at, args(name));
            continue;
        };
        if is_required(header) && !is_required(other) {
            sink.push("response-header-became-optional", &at, args(name));
        }
        header_schema(cx, at, (*header, *other), &args(name), sink);
    }
    sink.here = outer;
}

fn header_schema<'a>(
    cx: &Cx<'a, '_>,
    at: At<'_>,
    (old, new): (Located<'a>, Located<'a>),
    args: &[String],
    sink: &mut Sink,
) {
    let view = |contract: &'a Contract, header: Located<'a>| {
        let node = header.node.get("schema")?;
        let file = header.file;
        Some(View::new(contract, Located { file, node }))
    };
    let (from, to) = (view(cx.builder.old, old), view(cx.builder.new, new));
    let (Some(from), Some(to)) = (from, to) else {
        return;
    };
    let Some(delta) = cx.builder.pair(Some(&from), Some(&to)) else {
        return;
    };
    let transitions = Transitions::of(&cx.builder, &delta);
    if let Some(is_nullable) = nullability(&delta, &transitions) {
        let not = if is_nullable { "" } else { "not-" };
        let id = format!("response-header-became-{not}nullable");
        sink.push(&id, &at, args.to_vec());
    }
    if let Some(verdict) = types::response(&delta, false) {
        let fact = type_fact(&delta, verdict);
        let id = format!("response-header-{}", fact.action);
        if !transitions.claims(&id) {
            let args = args.iter().cloned().chain(fact.args).collect();
            sink.push(&id, &at, args);
        }
    }
}
