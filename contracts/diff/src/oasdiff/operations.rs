//! Compares the operations of one path: which ones exist, how stable they are, their texts, and
//! which parts of each are compared.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::{Contract, Located, Node};

use super::contents::request_body;
use super::lifecycle::{self, Removal, SunsetIds};
use super::responses::responses;
use super::sink::{At, Cx, Sink, need};
use super::view::value_key;
use super::window::Window;
use super::{parameters, security};
use crate::settings::Stability;

/// The methods that oasdiff compares.
const METHODS: &[&str] = &[
    "get", "head", "post", "put", "patch", "delete", "connect", "options", "trace",
];

pub(super) fn operations<'a>(
    contract: &'a Contract,
    item: Located<'a>,
) -> BTreeMap<&'static str, Located<'a>> {
    let found = METHODS.iter().filter_map(|method| {
        let node = item
            .node
            .get(method)
            .filter(|node| node.as_object().is_some())?;
        Some((*method, contract.follow(item.file, node)))
    });
    found.collect()
}

pub(super) fn level_of(operation: Located<'_>) -> Option<Stability> {
    super::window::stability(operation.node.get("x-stability-level"))
}

pub(super) fn place(at: Located<'_>) -> tollgate_report::Place {
    at.node.place(at.file)
}

pub(super) fn path_item<'a>(
    cx: &Cx<'a, '_>,
    (path, new_path): (&str, &str),
    (old, new): (Located<'a>, Located<'a>),
    renamed: &BTreeMap<&str, &str>,
    has_policy: bool,
    sink: &mut Sink,
) {
    let (old_all, new_all) = (
        operations(cx.builder.old, old),
        operations(cx.builder.new, new),
    );
    for (method, operation) in &old_all {
        let at = At { method, path };
        let other = new_all.get(method);
        let new_place = other.map(|other| place(*other));
        sink.enter(Some((method, new_path)), Some(place(*operation)), new_place);
        let Some(other) = other else {
            match level_of(*operation) {
                None if has_policy => {
                    sink.push("api-invalid-stability-level", &at, Vec::new());
                }
                Some(level) if has_policy && level < cx.settings.stability_level => {}
                _ => removed(cx, at, *operation, false, sink),
            }
            continue;
        };
        let is_compared = !has_policy || stability_policy(cx, at, (*operation, *other), sink);
        if is_compared {
            compare_operation(cx, at, (*operation, *other), renamed, sink);
        }
    }
    for method in new_all
        .keys()
        .filter(|method| !old_all.contains_key(*method))
    {
        sink.push("endpoint-added", &At { method, path }, Vec::new());
    }
    shared_parameters(cx, (path, new_path), (old, new), renamed, sink);
    sink.enter(None, None, None);
}

/// Reports stability levels that are invalid or that changed. Returns whether the operation is
/// compared.
fn stability_policy<'a>(
    cx: &Cx<'a, '_>,
    at: At<'_>,
    (old, new): (Located<'a>, Located<'a>),
    sink: &mut Sink,
) -> bool {
    let (from, to) = (level_of(old), level_of(new));
    let is_changed = || value_key(old.node) != value_key(new.node);
    if from.is_none() || to.is_none() {
        for _ in [from, to].iter().filter(|level| level.is_none()) {
            if is_changed() {
                sink.push("api-invalid-stability-level", &at, Vec::new());
            }
        }
        return true;
    }
    let least = cx.settings.stability_level;
    let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
    if from != to && from >= least {
        let step = if to < from { "decreased" } else { "increased" };
        let args = vec![from.word().to_owned(), to.word().to_owned()];
        sink.push(&format!("api-stability-{step}"), &at, args);
    }
    to >= least
}

pub(super) fn removed(
    cx: &Cx<'_, '_>,
    at: At<'_>,
    operation: Located<'_>,
    is_path: bool,
    sink: &mut Sink,
) {
    let Some((how, args)) = lifecycle::removal(operation.node, cx.settings.today) else {
        return;
    };
    let start = if is_path { "api-path" } else { "api" };
    let id = match how {
        Removal::WithoutDeprecation => format!("{start}-removed-without-deprecation"),
        Removal::WithDeprecation => format!("{start}-removed-with-deprecation"),
        Removal::InvalidSunset => "api-path-sunset-parse".to_owned(),
        Removal::BeforeSunset => format!("{start}-removed-before-sunset"),
    };
    sink.push(&id, &at, args);
}

/// Parameters of the path item itself: only new ones are reported, once for each operation.
fn shared_parameters<'a>(
    cx: &Cx<'a, '_>,
    (path, new_path): (&str, &str),
    (old, new): (Located<'a>, Located<'a>),
    renamed: &BTreeMap<&str, &str>,
    sink: &mut Sink,
) {
    let from = parameters::list(cx.builder.old, old);
    let to = parameters::list(cx.builder.new, new);
    let matched = parameters::matched(&cx.builder, &from, &to, renamed);
    let methods = operations(cx.builder.new, new);
    for added in matched.added.iter().filter(|added| added.place != "path") {
        let is_required = added.node.get("required").and_then(Node::as_bool) == Some(true);
        let need = need(is_required);
        let id = format!("new-{need}-request-default-parameter-to-existing-path");
        for (method, operation) in &methods {
            sink.enter(Some((method, new_path)), None, Some(place(*operation)));
            let args = vec![added.place.to_owned(), added.name.to_owned()];
            sink.push(&id, &At { method, path }, args);
        }
    }
}

fn compare_operation<'a>(
    cx: &Cx<'a, '_>,
    at: At<'_>,
    (old, new): (Located<'a>, Located<'a>),
    renamed: &BTreeMap<&str, &str>,
    sink: &mut Sink,
) {
    let settings = cx.settings;
    lifecycle::operation(old.node, new.node, &at, settings, sink);
    let ids = SunsetIds {
        deleted: "sunset-deleted",
        invalid: "api-path-sunset-parse",
        too_small: "api-sunset-date-changed-too-small",
    };
    let window = Window::of(new.node, settings);
    lifecycle::sunset_changed((old.node, new.node), &ids, window, &at, &[], sink);
    words(old.node, new.node, &at, sink);
    let (from, to) = (old.node.get("security"), new.node.get("security"));
    security::requirements(from, to, &at, false, sink);
    let from = parameters::list(cx.builder.old, old);
    let to = parameters::list(cx.builder.new, new);
    let matched = parameters::matched(&cx.builder, &from, &to, renamed);
    parameters::compare(&cx.builder, &matched, new.node, &at, settings, sink);
    request_body(cx, at, (old, new), window, sink);
    responses(cx, at, (old, new), window, sink);
}

/// Operation id and tags.
fn words(old: &Node, new: &Node, at: &At<'_>, sink: &mut Sink) {
    let id = |node: &Node| {
        let text = node.get("operationId").and_then(Node::scalar_text);
        text.unwrap_or_default().to_owned()
    };
    let (from, to) = (id(old), id(new));
    if from.is_empty() && !to.is_empty() {
        sink.push("api-operation-id-added", at, vec![to]);
    } else if from != to {
        sink.push("api-operation-id-removed", at, vec![from, to]);
    }
    let tags = |node: &Node| {
        let items = node.get("tags").map(Node::items).unwrap_or_default();
        let texts = items.filter_map(Node::scalar_text).map(str::to_owned);
        texts.collect::<BTreeSet<_>>()
    };
    let (from, to) = (tags(old), tags(new));
    for (tags, step) in [
        (from.difference(&to), "removed"),
        (to.difference(&from), "added"),
    ] {
        for tag in tags {
            sink.push(&format!("api-tag-{step}"), at, vec![tag.clone()]);
        }
    }
}
