//! Request bodies and responses of two operations: media types, headers, statuses.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::{Located, Node, Operation};
use tollgate_report::Place;

use crate::change::Level;
use crate::schema;
use crate::walk::{Direction, Draft, Effect, Scope, Walk, place};

/// The schema of a parameter, header or media type: its own or that of its only content.
pub(crate) fn schema_of(at: Located<'_>) -> Option<Located<'_>> {
    let node = at.node.get("schema").or_else(|| {
        let content = at.node.get("content")?;
        content.entries().next()?.node.get("schema")
    })?;
    Some(Located {
        file: at.file,
        node,
    })
}

pub(crate) fn compare_requests<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &Operation<'a>,
    new: &Operation<'a>,
) {
    let scope = Scope {
        path: format!("{}/requestBody", scope.path),
        ..scope.clone()
    };
    let is_required =
        |at: Located<'_>| at.node.get("required").and_then(Node::as_bool) == Some(true);
    let (code, effect) = match (old.request_body, new.request_body) {
        (None, None) => return,
        (None, Some(body)) if is_required(body) => ("request-body-added-required", Effect::Narrow),
        (None, Some(_)) => ("request-body-added-optional", Effect::Widen),
        (Some(_), None) => ("request-body-removed", Effect::Narrow),
        (Some(old_body), Some(new_body)) => {
            compare_contents(walk, &scope, old_body, new_body);
            match (is_required(old_body), is_required(new_body)) {
                (false, true) => ("request-body-became-required", Effect::Narrow),
                (true, false) => ("request-body-became-optional", Effect::Widen),
                _ => return,
            }
        }
    };
    let at = |body: Option<Located<'_>>, operation: &Operation<'_>| {
        Some(body.map_or_else(|| operation.place.clone(), place))
    };
    let draft = Draft {
        code: code.to_owned(),
        effect,
        level: None,
        message: format!(
            "the request body {}",
            code.trim_start_matches("request-body-").replace('-', " ")
        ),
        old: at(old.request_body, old),
        new: at(new.request_body, new),
    };
    walk.push(&scope, draft);
}

/// The media types of two bodies and the schemas of those in both.
pub(crate) fn compare_contents<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: Located<'a>,
    new: Located<'a>,
) {
    let (old_media, new_media) = (media_of(old), media_of(new));
    // A client that asks for it, or sends it, is rejected; what the service calls with is its own
    // choice, and a client may not read a new one.
    let is_chosen = scope.words.is_called() && scope.direction == Direction::Response;
    let (removed, added) = match is_chosen {
        true => (Level::Info, Level::Warning),
        false => (Level::Breaking, Level::Info),
    };
    let prefix = match scope.direction {
        Direction::Request => "request-body-media-type",
        Direction::Response => "response-media-type",
    };
    let draft = |action: &str, name: &str, effect, level, places: (Place, Place)| Draft {
        code: format!("{prefix}-{action}"),
        effect,
        level,
        message: format!("the media type `{name}` is {action}"),
        old: Some(places.0),
        new: Some(places.1),
    };
    for (name, at) in &old_media {
        let Some(new_at) = new_media.get(name) else {
            let places = (place(*at), place(new));
            walk.push(
                scope,
                draft("removed", name, Effect::Narrow, Some(removed), places),
            );
            continue;
        };
        let scope = Scope {
            path: format!("{}/content/{}/schema", scope.path, escape_token(name)),
            ..scope.clone()
        };
        compare_media_schema(walk, &scope, *at, *new_at);
    }
    for (name, at) in &new_media {
        if !old_media.contains_key(name) {
            let places = (place(old), place(*at));
            walk.push(
                scope,
                draft("added", name, Effect::Neutral, Some(added), places),
            );
        }
    }
}

fn compare_media_schema<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: Located<'a>,
    new: Located<'a>,
) {
    let (action, effect) = match (schema_of(old), schema_of(new)) {
        (Some(old), Some(new)) => return schema::compare(walk, scope, old, new),
        (None, None) => return,
        (None, Some(_)) => ("added", Effect::Narrow),
        (Some(_), None) => ("removed", Effect::Widen),
    };
    let level = (effect == Effect::Widen && scope.direction == Direction::Response)
        .then_some(Level::Warning);
    let draft = Draft {
        code: format!("{}-media-type-schema-{action}", scope.subject),
        effect,
        level,
        message: format!("the schema of the body is {action}"),
        old: Some(place(old)),
        new: Some(place(new)),
    };
    walk.push(scope, draft);
}

/// Media types by name in lower case without spaces.
fn media_of(body: Located<'_>) -> BTreeMap<String, Located<'_>> {
    body.node
        .get("content")
        .map(Node::entries)
        .unwrap_or_default()
        .map(|entry| {
            let name = entry.key.to_lowercase().replace(' ', "");
            let at = Located {
                file: body.file,
                node: &entry.node,
            };
            (name, at)
        })
        .collect()
}

pub(crate) fn compare_responses<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &Operation<'a>,
    new: &Operation<'a>,
) {
    let by_status = |operation: &Operation<'a>| {
        let responses = operation.responses.iter();
        responses
            .map(|(status, at)| (status.to_uppercase(), *at))
            .collect::<BTreeMap<_, _>>()
    };
    let (old_responses, new_responses) = (by_status(old), by_status(new));
    let statuses: BTreeSet<&String> = old_responses.keys().chain(new_responses.keys()).collect();
    for status in statuses {
        let scope = Scope {
            direction: Direction::Response,
            subject: "response-body",
            path: format!("{}/responses/{status}", scope.path),
            ..scope.clone()
        };
        let kind = if status.starts_with('2') || status.starts_with('3') {
            "success"
        } else {
            "non-success"
        };
        let (action, level, places) = match (old_responses.get(status), new_responses.get(status)) {
            (Some(old), Some(new)) => {
                compare_contents(walk, &scope, *old, *new);
                compare_headers(walk, &scope, *old, *new);
                continue;
            }
            (Some(at), None) => {
                let level = if kind == "success" {
                    Level::Breaking
                } else {
                    Level::Info
                };
                ("removed", level, (place(*at), new.place.clone()))
            }
            (None, Some(at)) => ("added", Level::Info, (old.place.clone(), place(*at))),
            (None, None) => continue,
        };
        let draft = Draft {
            code: format!("response-{kind}-status-{action}"),
            effect: Effect::Neutral,
            level: Some(level),
            message: format!("the response `{status}` is {action}"),
            old: Some(places.0),
            new: Some(places.1),
        };
        walk.push(&scope, draft);
    }
}

fn headers_of<'a>(
    walk_contract: &'a tollgate_contracts_model::Contract,
    response: Located<'a>,
) -> BTreeMap<String, Located<'a>> {
    response
        .node
        .get("headers")
        .map(Node::entries)
        .unwrap_or_default()
        .map(|entry| {
            let at = walk_contract.follow(response.file, &entry.node);
            (entry.key.to_lowercase(), at)
        })
        .collect()
}

fn compare_headers<'a>(walk: &mut Walk<'a>, scope: &Scope, old: Located<'a>, new: Located<'a>) {
    let (old_headers, new_headers) = (headers_of(walk.old, old), headers_of(walk.new, new));
    let is_required =
        |at: Located<'_>| at.node.get("required").and_then(Node::as_bool) == Some(true);
    let names: BTreeSet<&String> = old_headers.keys().chain(new_headers.keys()).collect();
    for name in names {
        let scope = Scope {
            subject: "response-header",
            path: format!("{}/headers/{}", scope.path, escape_token(name)),
            ..scope.clone()
        };
        let sides = (
            old_headers.get(name).copied(),
            new_headers.get(name).copied(),
        );
        let (code, level, what) = match sides {
            (Some(old), None) if is_required(old) => (
                "required-response-header-removed",
                Level::Breaking,
                "is gone",
            ),
            (Some(_), None) => (
                "optional-response-header-removed",
                Level::Warning,
                "is gone",
            ),
            (None, Some(_)) => ("response-header-added", Level::Info, "is new"),
            (Some(old), Some(new)) => {
                if let (Some(old), Some(new)) = (schema_of(old), schema_of(new)) {
                    schema::compare(walk, &scope, old, new);
                }
                if !is_required(old) || is_required(new) {
                    continue;
                }
                (
                    "response-header-became-optional",
                    Level::Breaking,
                    "became optional",
                )
            }
            (None, None) => continue,
        };
        let draft = Draft {
            code: code.to_owned(),
            effect: Effect::Neutral,
            level: Some(level),
            message: format!("the response header `{name}` {what}"),
            old: Some(place(sides.0.unwrap_or(old))),
            new: Some(place(sides.1.unwrap_or(new))),
        };
        walk.push(&scope, draft);
    }
}
