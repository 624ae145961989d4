//! Two `OpenAPI` contracts: paths, operations, parameters, bodies, responses. It must not know
//! how schemas compare.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_report::Place;

use super::walk::{Direction, Draft, Effect, Scope, Walk};
use super::{Level, schema, security};
use crate::source::{Node, escape_token};
use crate::views::{Located, Operation, Parameter};

/// An operation by what a client sees: method and path without the names of its parameters.
type Key = (String, String);

pub(super) fn compare(walk: &mut Walk<'_>) {
    let (old_contract, new_contract) = (walk.old, walk.new);
    let (old_list, new_list) = (old_contract.operations(), new_contract.operations());
    let old = by_key(&old_list);
    let new = by_key(&new_list);
    let new_paths: BTreeSet<&String> = new.keys().map(|(path, _)| path).collect();
    for (key, operation) in &old {
        match new.get(key) {
            Some(new) => compare_operation(walk, operation, new),
            None => removed(walk, operation, !new_paths.contains(&key.0)),
        }
    }
    for (key, operation) in &new {
        if !old.contains_key(key) {
            let draft = Draft {
                code: "endpoint-added".to_owned(),
                effect: Effect::Neutral,
                level: None,
                message: "the operation is new".to_owned(),
                old: None,
                new: Some(operation.place.clone()),
            };
            walk.push(&scope_of(operation), draft);
        }
    }
}

fn by_key<'o, 'a>(operations: &'o [Operation<'a>]) -> BTreeMap<Key, &'o Operation<'a>> {
    operations
        .iter()
        .map(|operation| {
            let key = (shape_of(&operation.path), operation.method.clone());
            (key, operation)
        })
        .collect()
}

/// A path template with its parameters emptied: `/a/{id}` and `/a/{key}` are one.
fn shape_of(path: &str) -> String {
    let mut shape = String::new();
    let mut inside = false;
    for letter in path.chars() {
        match letter {
            '{' => {
                inside = true;
                shape.push('{');
            }
            '}' => {
                inside = false;
                shape.push('}');
            }
            _ if !inside => shape.push(letter),
            _ => {}
        }
    }
    shape
}

/// The names of the parameters of a path template in order.
fn template_names(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
        .collect()
}

fn scope_of(operation: &Operation<'_>) -> Scope {
    Scope {
        operation: Some(format!(
            "{} {}",
            operation.method.to_uppercase(),
            operation.path
        )),
        direction: Direction::Request,
        subject: "request-body",
        is_message: false,
        path: format!(
            "/paths/{}/{}",
            escape_token(&operation.path),
            operation.method
        ),
        is_nested: false,
    }
}

fn removed(walk: &mut Walk<'_>, operation: &Operation<'_>, is_path_gone: bool) {
    let what = if is_path_gone { "api-path" } else { "api" };
    let (how, level) = if operation.is_deprecated {
        ("with", Level::Info)
    } else {
        ("without", Level::Breaking)
    };
    let draft = Draft {
        code: format!("{what}-removed-{how}-deprecation"),
        effect: Effect::Narrow,
        level: Some(level),
        message: format!("the operation is gone, {how} deprecation before"),
        old: Some(operation.place.clone()),
        new: None,
    };
    walk.push(&scope_of(operation), draft);
}

fn compare_operation<'a>(walk: &mut Walk<'a>, old: &Operation<'a>, new: &Operation<'a>) {
    let scope = scope_of(new);
    compare_facts(walk, &scope, old, new);
    compare_parameters(walk, &scope, old, new);
    compare_request_bodies(walk, &scope, old, new);
    compare_responses(walk, &scope, old, new);
    security::compare(walk, &scope, old, new);
}

/// Identifier, deprecation and tags.
fn compare_facts(walk: &mut Walk<'_>, scope: &Scope, old: &Operation<'_>, new: &Operation<'_>) {
    let places = || (Some(old.place.clone()), Some(new.place.clone()));
    let mut push = |code: &str, message: String, level: Level| {
        let (old, new) = places();
        let draft = Draft {
            code: code.to_owned(),
            effect: Effect::Neutral,
            level: Some(level),
            message,
            old,
            new,
        };
        walk.push(scope, draft);
    };
    match (old.is_id_given, new.is_id_given) {
        (true, _) if !new.is_id_given || old.id != new.id => {
            let message = format!("the operation id `{}` is gone", old.id);
            push("api-operation-id-removed", message, Level::Info);
        }
        (false, true) => {
            let message = format!("the operation id `{}` is new", new.id);
            push("api-operation-id-added", message, Level::Info);
        }
        _ => {}
    }
    match (old.is_deprecated, new.is_deprecated) {
        (false, true) => push(
            "endpoint-deprecated",
            "the operation is deprecated".to_owned(),
            Level::Info,
        ),
        (true, false) => push(
            "endpoint-reactivated",
            "the operation is no longer deprecated".to_owned(),
            Level::Info,
        ),
        _ => {}
    }
    let tags = |operation: &Operation<'_>| operation.tags.iter().cloned().collect::<BTreeSet<_>>();
    let (old_tags, new_tags) = (tags(old), tags(new));
    for tag in old_tags.difference(&new_tags) {
        push(
            "api-tag-removed",
            format!("the tag `{tag}` is gone"),
            Level::Info,
        );
    }
    for tag in new_tags.difference(&old_tags) {
        push(
            "api-tag-added",
            format!("the tag `{tag}` is new"),
            Level::Info,
        );
    }
}

fn place(at: Located<'_>) -> Place {
    at.node.place(at.file)
}

fn compare_parameters<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &Operation<'a>,
    new: &Operation<'a>,
) {
    let scope = Scope {
        subject: "request-parameter",
        ..scope.clone()
    };
    let old_list = parameters_by_key(old);
    let new_list = parameters_by_key(new);
    for (key, parameter) in &old_list {
        let scope = Scope {
            path: format!(
                "{}/parameters/{}/{}",
                scope.path,
                key.0,
                escape_token(&key.1)
            ),
            ..scope.clone()
        };
        match new_list.get(key) {
            Some(new) => compare_parameter(walk, &scope, parameter, new),
            None => {
                let draft = Draft {
                    code: "request-parameter-removed".to_owned(),
                    effect: Effect::Neutral,
                    level: Some(Level::Warning),
                    message: format!("the {} parameter `{}` is gone", key.0, parameter.name),
                    old: Some(place(parameter.at)),
                    new: Some(new.place.clone()),
                };
                walk.push(&scope, draft);
            }
        }
    }
    for (key, parameter) in &new_list {
        if old_list.contains_key(key) {
            continue;
        }
        let code = match (parameter.location.as_str(), parameter.is_required) {
            ("path", _) => "new-request-path-parameter",
            (_, true) => "new-required-request-parameter",
            (_, false) => "new-optional-request-parameter",
        };
        let draft = Draft {
            code: code.to_owned(),
            effect: if parameter.is_required {
                Effect::Narrow
            } else {
                Effect::Neutral
            },
            level: None,
            message: format!("the {} parameter `{}` is new", key.0, parameter.name),
            old: Some(old.place.clone()),
            new: Some(place(parameter.at)),
        };
        walk.push(&scope, draft);
    }
}

/// Parameters by location and name: header names in lower case, path parameters by their position
/// in the template.
fn parameters_by_key<'o, 'a>(
    operation: &'o Operation<'a>,
) -> BTreeMap<(String, String), &'o Parameter<'a>> {
    let names = template_names(&operation.path);
    operation
        .parameters
        .iter()
        .map(|parameter| {
            let name = match parameter.location.as_str() {
                "header" => parameter.name.to_lowercase(),
                "path" => names
                    .iter()
                    .position(|name| *name == parameter.name)
                    .map_or_else(|| parameter.name.clone(), |idx| format!("{{{idx}}}")),
                _ => parameter.name.clone(),
            };
            ((parameter.location.clone(), name), parameter)
        })
        .collect()
}

fn compare_parameter<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &Parameter<'a>,
    new: &Parameter<'a>,
) {
    let mut push = |code: &str, effect: Effect, message: String| {
        let draft = Draft {
            code: code.to_owned(),
            effect,
            level: None,
            message,
            old: Some(place(old.at)),
            new: Some(place(new.at)),
        };
        walk.push(scope, draft);
    };
    let name = &new.name;
    match (old.is_required, new.is_required) {
        (false, true) => push(
            "request-parameter-became-required",
            Effect::Narrow,
            format!("the parameter `{name}` became required"),
        ),
        (true, false) => push(
            "request-parameter-became-optional",
            Effect::Widen,
            format!("the parameter `{name}` became optional"),
        ),
        _ => {}
    }
    if style_of(old) != style_of(new) {
        push(
            "request-parameter-style-changed",
            Effect::Change,
            format!("the parameter `{name}` is written in another style"),
        );
    }
    if let (Some(old), Some(new)) = (schema_of(old.at), schema_of(new.at)) {
        schema::compare(walk, scope, old, new);
    }
}

/// `style` and `explode` with their defaults (`OpenAPI` 3.0.3, parameter object).
fn style_of(parameter: &Parameter<'_>) -> (String, bool) {
    let node = parameter.at.node;
    let default = match parameter.location.as_str() {
        "query" | "cookie" => "form",
        _ => "simple",
    };
    let style = node.get("style").and_then(Node::as_str).unwrap_or(default);
    let explode = node.get("explode").and_then(Node::as_bool);
    (style.to_owned(), explode.unwrap_or(style == "form"))
}

/// The schema of a parameter, header or media type: its own or that of its only content.
fn schema_of(at: Located<'_>) -> Option<Located<'_>> {
    let node = at.node.get("schema").or_else(|| {
        let content = at.node.get("content")?;
        content.entries().next()?.node.get("schema")
    })?;
    Some(Located {
        file: at.file,
        node,
    })
}

fn compare_request_bodies<'a>(
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
fn compare_contents<'a>(walk: &mut Walk<'a>, scope: &Scope, old: Located<'a>, new: Located<'a>) {
    let (old_media, new_media) = (media_of(old), media_of(new));
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
            // A client that asks for it, or sends it, is refused in both directions.
            let places = (place(*at), place(new));
            walk.push(
                scope,
                draft(
                    "removed",
                    name,
                    Effect::Narrow,
                    Some(Level::Breaking),
                    places,
                ),
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
                draft("added", name, Effect::Neutral, Some(Level::Info), places),
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

fn compare_responses<'a>(
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
    walk_contract: &'a crate::Contract,
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
