//! Two documents: paths, operations, bodies, responses, webhooks, components, versions. It must
//! not know schemas.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Level;
use super::super::settings::{DiffSettings, Stability};
use super::body::{self, Body, Place, visit};
use super::delta::Builder;
use super::facts::{nullability, type_fact};
use super::lifecycle::{self, Removal, SunsetIds, Window};
use super::transitions::Transitions;
use super::view::{View, value_key};
use super::{At, Sink, media, parameters, security, types};
use crate::document::Contract;
use crate::source::{Node, escape_token};
use crate::views::Located;

/// The methods that oasdiff compares.
const METHODS: &[&str] = &[
    "get", "head", "post", "put", "patch", "delete", "connect", "options", "trace",
];

/// Path items of one side by path.
type Paths<'a> = BTreeMap<&'a str, Located<'a>>;

/// What one comparison holds.
struct Cx<'a, 's> {
    builder: Builder<'a>,
    settings: &'s DiffSettings,
}

pub(super) fn compare(old: &Contract, new: &Contract, settings: &DiffSettings, sink: &mut Sink) {
    let cx = Cx {
        builder: Builder::new(old, new),
        settings,
    };
    let (old_paths, new_paths) = (items(old, "paths"), items(new, "paths"));
    paths(&cx, &old_paths, &new_paths, sink);
    webhooks(&cx, &items(old, "webhooks"), &items(new, "webhooks"), sink);
    let (old_root, new_root) = (old.root(), new.root());
    let (from, to) = (old_root.get("security"), new_root.get("security"));
    security::requirements(from, to, &At::DOCUMENT, true, sink);
    let component = |contract: &'_ Contract, section: &str| -> BTreeSet<String> {
        let node = contract.root().pointer(&format!("/components/{section}"));
        let entries = node.map(Node::entries).unwrap_or_default();
        entries.map(|entry| entry.key.clone()).collect()
    };
    for name in component(old, "schemas").difference(&component(new, "schemas")) {
        sink.push("api-schema-removed", &At::DOCUMENT, vec![name.clone()]);
    }
    security::schemes(&schemes(old), &schemes(new), sink);
    versions(old_root, new_root, sink);
}

fn schemes(contract: &Contract) -> BTreeMap<&str, &Node> {
    let node = contract.root().pointer("/components/securitySchemes");
    let entries = node.map(Node::entries).unwrap_or_default();
    entries
        .map(|entry| {
            let end = contract.follow(&contract.entry, &entry.node);
            (entry.key.as_str(), end.node)
        })
        .collect()
}

fn items<'a>(contract: &'a Contract, section: &str) -> Paths<'a> {
    let entries = contract.root().get(section).map(Node::entries);
    entries
        .unwrap_or_default()
        .filter(|entry| !entry.key.starts_with("x-"))
        .map(|entry| {
            let at = contract.follow(&contract.entry, &entry.node);
            (entry.key.as_str(), at)
        })
        .collect()
}

fn operations<'a>(
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

/// A path without the names of its parameters, and those names.
fn shape(path: &str) -> (String, Vec<&str>) {
    let mut text = String::new();
    let mut names = Vec::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        text.push('{');
        match after.split_once('}') {
            Some((name, after)) => {
                names.push(name);
                if name.ends_with('*') {
                    text.push('*');
                }
                text.push('}');
                rest = after;
            }
            None => rest = "",
        }
    }
    text.push_str(rest);
    (text, names)
}

/// The paths of one side by their shape, with the names of their parameters.
type Shapes<'p> = BTreeMap<String, Vec<(&'p str, Vec<&'p str>)>>;

fn shapes<'p>(paths: &Paths<'p>) -> Shapes<'p> {
    let mut shapes = Shapes::new();
    for path in paths.keys() {
        let (text, names) = shape(path);
        shapes.entry(text).or_default().push((path, names));
    }
    shapes
}

/// The path on the other side, with the names that its parameters have there.
fn find<'p>(
    path: &'p str,
    own: &Paths<'p>,
    others: &Paths<'p>,
    shapes: &Shapes<'p>,
) -> Option<(&'p str, BTreeMap<&'p str, &'p str>)> {
    if let Some((other, _)) = others.get_key_value(path) {
        return Some((other, BTreeMap::new()));
    }
    let (wanted, names) = shape(path);
    let mut candidates = shapes.get(&wanted)?.iter();
    // A path that both sides have is that path and no other.
    let is_free = |other: &str| !own.contains_key(other);
    let (other, theirs) =
        candidates.find(|(other, theirs)| theirs.len() == names.len() && is_free(other))?;
    let renamed = names.iter().copied().zip(theirs.iter().copied());
    Some((other, renamed.collect()))
}

fn paths<'a>(cx: &Cx<'a, '_>, old: &Paths<'a>, new: &Paths<'a>, sink: &mut Sink) {
    let (old_shapes, new_shapes) = (shapes(old), shapes(new));
    for (path, item) in old {
        match find(path, old, new, &new_shapes) {
            None => removed_path(cx, path, *item, sink),
            Some((other, renamed)) => {
                let pair = (*item, new[other]);
                path_item(cx, (path, other), pair, &renamed, true, sink);
            }
        }
    }
    for (path, item) in new {
        if find(path, new, old, &old_shapes).is_none() {
            for (method, operation) in &operations(cx.builder.new, *item) {
                sink.enter(Some((method, path)), None, Some(place(*operation)));
                sink.push("endpoint-added", &At { method, path }, Vec::new());
            }
        }
    }
}

fn place(at: Located<'_>) -> tollgate_report::Place {
    at.node.place(at.file)
}

fn level_of(operation: Located<'_>) -> Option<Stability> {
    lifecycle::stability(operation.node.get("x-stability-level"))
}

fn removed_path<'a>(cx: &Cx<'a, '_>, path: &str, item: Located<'a>, sink: &mut Sink) {
    let found = operations(cx.builder.old, item);
    for (method, operation) in &found {
        sink.enter(Some((method, path)), Some(place(*operation)), None);
        if level_of(*operation).is_none() {
            sink.push(
                "api-invalid-stability-level",
                &At { method, path },
                Vec::new(),
            );
        }
    }
    let is_kept = |operation: &Located<'_>| {
        level_of(*operation).is_some_and(|level| level >= cx.settings.stability_level)
    };
    if !found.values().any(is_kept) {
        return;
    }
    for (method, operation) in &found {
        sink.enter(Some((method, path)), Some(place(*operation)), None);
        if level_of(*operation).is_some_and(|level| level >= Stability::Beta) {
            removed(cx, At { method, path }, *operation, true, sink);
        }
    }
}

fn removed(cx: &Cx<'_, '_>, at: At<'_>, operation: Located<'_>, is_path: bool, sink: &mut Sink) {
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

fn path_item<'a>(
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

/// Reports stability levels that are wrong or moved; says whether the operation is compared.
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
        let need = if is_required { "required" } else { "optional" };
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

fn request_body<'a>(
    cx: &Cx<'a, '_>,
    at: At<'_>,
    (old, new): (Located<'a>, Located<'a>),
    window: Option<Window>,
    sink: &mut Sink,
) {
    let read = |contract: &'a Contract, operation: Located<'a>| {
        let node = operation
            .node
            .get("requestBody")
            .filter(|node| !node.is_null())?;
        Some(contract.follow(operation.file, node))
    };
    let is_required =
        |body: Located<'_>| body.node.get("required").and_then(Node::as_bool) == Some(true);
    let (from, to) = (read(cx.builder.old, old), read(cx.builder.new, new));
    let (from, to) = match (from, to) {
        (None, None) => return,
        (None, Some(body)) => {
            let need = if is_required(body) {
                "required"
            } else {
                "optional"
            };
            sink.push(&format!("request-body-added-{need}"), &at, Vec::new());
            return;
        }
        (Some(_), None) => {
            sink.push("request-body-removed", &at, Vec::new());
            return;
        }
        (Some(from), Some(to)) => (from, to),
    };
    match (is_required(from), is_required(to)) {
        (false, true) => sink.push("request-body-became-required", &at, Vec::new()),
        (true, false) => sink.push("request-body-became-optional", &at, Vec::new()),
        _ => false,
    };
    contents(cx, at, (from, to), None, window, sink);
}

/// Media types of a body and their schemas; `status` is none for a request.
fn contents<'a>(
    cx: &Cx<'a, '_>,
    at: At<'_>,
    (old, new): (Located<'a>, Located<'a>),
    status: Option<&str>,
    window: Option<Window>,
    sink: &mut Sink,
) {
    let matched = media::compare(old.node.get("content"), new.node.get("content"));
    let outer = sink.here.clone();
    sink.here.scope = match status {
        Some(status) => format!("{}/responses/{}", outer.pointer, status.to_uppercase()),
        None => format!("{}/requestBody", outer.pointer),
    };
    sink.here.pointer.clone_from(&sink.here.scope);
    let start = if status.is_some() {
        "response"
    } else {
        "request-body"
    };
    let with = |name: &str| {
        let status = status.map(str::to_owned);
        std::iter::once(name.to_owned())
            .chain(status)
            .collect::<Vec<_>>()
    };
    for (names, step) in [(&matched.added, "added"), (&matched.removed, "removed")] {
        for name in names {
            sink.push(&format!("{start}-media-type-{step}"), &at, with(name));
        }
    }
    for (old_name, new_name) in &matched.pairs {
        let lower = new_name.to_lowercase().replace(' ', "");
        sink.here.pointer = format!(
            "{}/content/{}/schema",
            sink.here.scope,
            escape_token(&lower)
        );
        sink.here.old.clone_from(&outer.old);
        sink.here.new.clone_from(&outer.new);
        if old_name != new_name && status.is_some() {
            renamed_media(at, old_name, new_name, sink);
        }
        let schema = |contract: &'a Contract, body: Located<'a>, name: &str| {
            let media = body.node.get("content")?.get(name)?;
            let media = contract.follow(body.file, media);
            let node = media.node.get("schema").filter(|node| !node.is_null())?;
            let file = media.file;
            Some(View::new(contract, Located { file, node }))
        };
        let from = schema(cx.builder.old, old, old_name);
        let to = schema(cx.builder.new, new, new_name);
        let step = match (&from, &to) {
            (None, Some(_)) => "added",
            (Some(_), None) => "removed",
            _ => {
                let Some(root) = cx.builder.pair(from.as_ref(), to.as_ref()) else {
                    continue;
                };
                let body = Body {
                    at,
                    status,
                    media: new_name,
                    window,
                };
                property_stability(cx, &body, &root, sink);
                body::compare(&cx.builder, &body, &root, sink);
                continue;
            }
        };
        let direction = if status.is_some() {
            "response"
        } else {
            "request"
        };
        let id = format!("{direction}-body-media-type-schema-{step}");
        sink.push(&id, &at, with(new_name));
    }
    sink.here = outer;
}

fn property_stability<'a>(
    cx: &Cx<'a, '_>,
    body: &Body<'_>,
    root: &std::rc::Rc<super::delta::Delta<'a>>,
    sink: &mut Sink,
) {
    let direction = if body.status.is_some() {
        "response"
    } else {
        "request"
    };
    let start = Place {
        delta: root,
        parent: None,
        path: String::new(),
        name: "",
        pointer: String::new(),
    };
    visit(&start, &mut |place| {
        if place.parent.is_some() {
            let least = cx.settings.stability_level;
            lifecycle::property_stability(&body.at, direction, place, least, sink);
        }
    });
}

fn renamed_media(at: At<'_>, old: &str, new: &str, sink: &mut Sink) {
    let parameters = |name: &str| media::Name::parse(name).map(|name| name.parameters);
    let id = if parameters(old) != parameters(new) {
        "response-media-type-name-changed"
    } else if media::contains(old, new) {
        "response-media-type-name-specialized"
    } else {
        "response-media-type-name-generalized"
    };
    sink.push(id, &at, vec![old.to_owned(), new.to_owned()]);
}

fn responses<'a>(
    cx: &Cx<'a, '_>,
    at: At<'_>,
    (old, new): (Located<'a>, Located<'a>),
    window: Option<Window>,
    sink: &mut Sink,
) {
    let read = |contract: &'a Contract, operation: Located<'a>| {
        let entries = operation.node.get("responses").map(Node::entries);
        entries
            .unwrap_or_default()
            .filter(|entry| !entry.key.starts_with("x-"))
            .map(|entry| {
                let at = contract.follow(operation.file, &entry.node);
                (entry.key.as_str(), at)
            })
            .collect::<BTreeMap<_, _>>()
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
        let entries = response.node.get("headers").map(Node::entries);
        entries
            .unwrap_or_default()
            .map(|entry| {
                let at = contract.follow(response.file, &entry.node);
                (entry.key.as_str(), at)
            })
            .collect::<BTreeMap<_, _>>()
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
            let need = if is_required(header) {
                "required"
            } else {
                "optional"
            };
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

fn webhooks<'a>(cx: &Cx<'a, '_>, old: &Paths<'a>, new: &Paths<'a>, sink: &mut Sink) {
    for (name, item) in old {
        match new.get(name) {
            None => {
                let args = vec![(*name).to_owned()];
                sink.push("webhook-removed", &At::DOCUMENT, args);
            }
            Some(other) => {
                let path = format!("webhook:{name}");
                let pair = (*item, *other);
                path_item(cx, (&path, &path), pair, &BTreeMap::new(), false, sink);
            }
        }
    }
    for name in new.keys().filter(|name| !old.contains_key(*name)) {
        let args = vec![(*name).to_owned()];
        sink.push("webhook-added", &At::DOCUMENT, args);
    }
}

/// A break that the version does not announce, where both versions are semantic.
fn versions(old: &Node, new: &Node, sink: &mut Sink) {
    let version = |root: &Node| {
        let text = root.pointer("/info/version").and_then(Node::scalar_text);
        text.unwrap_or_default().to_owned()
    };
    let (from, to) = (version(old), version(new));
    let (Some(old), Some(new)) = (semantic(&from), semantic(&to)) else {
        return;
    };
    if !sink
        .findings
        .iter()
        .any(|finding| finding.level == Level::Breaking)
    {
        return;
    }
    let is_major = if old[0] == 0 && new[0] == 0 {
        new[1] > old[1]
    } else {
        new[0] > old[0]
    };
    let id = if from == to {
        "api-version-not-bumped"
    } else if new <= old {
        "api-version-decreased"
    } else if !is_major {
        "api-major-version-not-bumped"
    } else {
        return;
    };
    sink.push(id, &At::DOCUMENT, vec![from, to]);
}

/// Major, minor and patch of a semantic version (semver.org 2.0.0), a leading `v` aside.
fn semantic(text: &str) -> Option<[u64; 3]> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = match text.split_once('+') {
        Some((text, build)) => (text, Some(build)),
        None => (text, None),
    };
    let (core, before) = match text.split_once('-') {
        Some((core, before)) => (core, Some(before)),
        None => (text, None),
    };
    let is_word = |word: &str| {
        let mut letters = word.bytes();
        !word.is_empty() && letters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_plain = |word: &str| {
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        !(is_number && word.len() > 1 && word.starts_with('0'))
    };
    let is_good = |text: Option<&str>, is_before: bool| {
        text.is_none_or(|text| {
            let mut words = text.split('.');
            words.all(|word| is_word(word) && (!is_before || is_plain(word)))
        })
    };
    if !is_good(build, false) || !is_good(before, true) {
        return None;
    }
    let mut numbers = core.split('.');
    let mut next = || {
        let word = numbers.next()?;
        let is_digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        (is_digits && is_plain(word)).then(|| word.parse().ok())?
    };
    let version = [next()?, next()?, next()?];
    numbers.next().is_none().then_some(version)
}
