//! Bodies of one request or answer on both sides: whether they exist, their media types, and the
//! schema of each.

use std::rc::Rc;

use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::{Contract, Located, Node};

use super::body::{self, direction};
use super::delta::Delta;
use super::lifecycle;
use super::media;
use super::place::{Body, Place, visit};
use super::sink::{At, Cx, Sink, need};
use super::view::View;
use super::window::Window;

pub(super) fn request_body<'a>(
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
            let need = need(is_required(body));
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
pub(super) fn contents<'a>(
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
        let body = Body {
            at,
            status,
            media: new_name,
            window,
        };
        schemas(cx, &body, (from.as_ref(), to.as_ref()), sink);
    }
    sink.here = outer;
}

/// The schemas of one media type.
fn schemas<'a>(
    cx: &Cx<'a, '_>,
    body: &Body<'_>,
    (old, new): (Option<&View<'a>>, Option<&View<'a>>),
    sink: &mut Sink,
) {
    let step = match (old, new) {
        (None, Some(_)) => "added",
        (Some(_), None) => "removed",
        _ => {
            if let Some(root) = cx.builder.pair(old, new) {
                property_stability(cx, body, &root, sink);
                body::compare(&cx.builder, body, &root, sink);
            }
            return;
        }
    };
    let id = format!("{}-body-media-type-schema-{step}", direction(body));
    let status = body.status.map(str::to_owned);
    let args = std::iter::once(body.media.to_owned()).chain(status);
    sink.push(&id, &body.at, args.collect());
}

fn property_stability<'a>(cx: &Cx<'a, '_>, body: &Body<'_>, root: &Rc<Delta<'a>>, sink: &mut Sink) {
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
            lifecycle::property_stability(&body.at, direction(body), place, least, sink);
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
